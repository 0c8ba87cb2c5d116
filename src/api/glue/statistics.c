/* Statistics of columns, of tables and of partitions: PartitionValues tells which. */
#include "api/glue/glue_priv.h"

GLUE_HANDLER(glue_get_statistics)
{
	json_t *missing = json_array();
	json_t *errors = json_array();
	json_t *list = NULL;
	size_t i;
	json_t *column;

	json_object_set_new(call->output, "Errors", errors);
	int result = glue_check_catalog(call, error);
	if (result == 0)
		result = store_catalog_get_statistics(glue_of(call)->catalog,
			glue_table(call, "TableName"),
			json_object_get(call->input, "PartitionValues"),
			json_object_get(call->input, "ColumnNames"), &list, missing, error,
			&call->exchange->err);
	json_array_foreach(missing, i, column)
	{
		json_array_append_new(errors,
			json_pack("{s:O, s:{s:s, s:s}}", "ColumnName", column, "Error", "ErrorCode",
				aws_error_name(AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION),
				"ErrorMessage", "Column statistics not found."));
	}
	json_decref(missing);
	if (result == 0)
		json_object_set_new(call->output, "ColumnStatisticsList", list);
	return result;
}

GLUE_HANDLER(glue_update_statistics)
{
	json_object_set_new(call->output, "Errors", json_array());
	if (glue_check_catalog(call, error) < 0)
		return -1;
	return store_catalog_put_statistics(glue_of(call)->catalog, glue_table(call, "TableName"),
		json_object_get(call->input, "PartitionValues"),
		json_object_get(call->input, "ColumnStatisticsList"), error, &call->exchange->err);
}

GLUE_HANDLER(glue_delete_statistics)
{
	if (glue_check_catalog(call, error) < 0)
		return -1;
	return store_catalog_delete_statistics(glue_of(call)->catalog,
		glue_table(call, "TableName"), json_object_get(call->input, "PartitionValues"),
		glue_text(call->input, "ColumnName"), error, &call->exchange->err);
}
