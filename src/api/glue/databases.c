/* Databases, and what is asked of the catalog as a whole. */
#include "api/glue/glue_priv.h"

GLUE_HANDLER(glue_create_database)
{
	const struct glue *glue = glue_of(call);
	const json_t *input = json_object_get(call->input, "DatabaseInput");

	if (glue_check_catalog(call, error) < 0 || store_catalog_create_database(glue->catalog,
							   input, error, &call->exchange->err) < 0)
		return -1;
	_cleanup_free_ char *name = store_catalog_fold(glue_text(input, "Name"));
	return glue_put_tags(call,
		mem_printf("arn:aws:glue:%s:%s:database/%s", glue->region, glue->account, name),
		error);
}

GLUE_HANDLER(glue_get_database)
{
	json_t *database;

	if (glue_check_catalog(call, error) < 0 ||
		store_catalog_get_database(glue_of(call)->catalog, glue_text(call->input, "Name"),
			&database, error, &call->exchange->err) < 0)
		return -1;
	json_object_set_new(call->output, "Database", database);
	return 0;
}

GLUE_HANDLER(glue_get_databases)
{
	_cleanup_buf_ struct buf after = {0};
	size_t limit = glue_limit(call, 100);
	json_t *list;

	if (glue_check_catalog(call, error) < 0 || glue_page(call, &after, error) < 0 ||
		store_catalog_list_databases(glue_of(call)->catalog, buf_str(&after), limit + 1,
			&list, error, &call->exchange->err) < 0)
		return -1;
	json_object_set_new(call->output, "DatabaseList", list);
	glue_cut(call, list, limit, "Name");
	return 0;
}

GLUE_HANDLER(glue_update_database)
{
	if (glue_check_catalog(call, error) < 0)
		return -1;
	return store_catalog_update_database(glue_of(call)->catalog, glue_text(call->input, "Name"),
		json_object_get(call->input, "DatabaseInput"), error, &call->exchange->err);
}

GLUE_HANDLER(glue_delete_database)
{
	if (glue_check_catalog(call, error) < 0)
		return -1;
	return store_catalog_delete_database(glue_of(call)->catalog, glue_text(call->input, "Name"),
		error, &call->exchange->err);
}

/* There was never another catalog to be brought over. */
GLUE_HANDLER(glue_import_status)
{
	if (glue_check_catalog(call, error) < 0)
		return -1;
	json_object_set_new(
		call->output, "ImportStatus", json_pack("{s:b}", "ImportCompleted", true));
	return 0;
}

GLUE_HANDLER(glue_encryption)
{
	if (glue_check_catalog(call, error) < 0)
		return -1;
	json_object_set_new(call->output, "DataCatalogEncryptionSettings",
		json_pack("{s:{s:s}, s:{s:b}}", "EncryptionAtRest", "CatalogEncryptionMode",
			"DISABLED", "ConnectionPasswordEncryption",
			"ReturnConnectionPasswordEncrypted", false));
	return 0;
}
