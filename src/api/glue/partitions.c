/* Partitions and partition indexes. */
#include "api/glue/glue_priv.h"

#define INDEXES_MAX 3

static struct err *inner(struct api_call *call)
{
	return &call->exchange->err;
}

/* A list of one; the item is the caller's. */
static json_t *one(json_t *item)
{
	json_t *list = json_array();

	json_array_append(list, item);
	return list;
}

GLUE_HANDLER(glue_create_partition)
{
	if (glue_check_catalog(call, error) < 0)
		return -1;
	json_t *list = one(json_object_get(call->input, "PartitionInput"));
	int result = store_catalog_create_partitions(glue_of(call)->catalog,
		glue_table(call, "TableName"), list, NULL, error, inner(call));
	json_decref(list);
	return result;
}

static json_t *add_errors(struct api_call *call)
{
	json_t *errors = json_array();

	json_object_set_new(call->output, "Errors", errors);
	return errors;
}

GLUE_HANDLER(glue_batch_create_partition)
{
	if (glue_check_catalog(call, error) < 0)
		return -1;
	return store_catalog_create_partitions(glue_of(call)->catalog,
		glue_table(call, "TableName"), json_object_get(call->input, "PartitionInputList"),
		add_errors(call), error, inner(call));
}

GLUE_HANDLER(glue_get_partition)
{
	json_t *partition;

	if (glue_check_catalog(call, error) < 0 ||
		store_catalog_get_partition(glue_of(call)->catalog, glue_table(call, "TableName"),
			json_object_get(call->input, "PartitionValues"), &partition, error,
			inner(call)) < 0)
		return -1;
	json_object_set_new(call->output, "Partition", partition);
	return 0;
}

GLUE_HANDLER(glue_get_partitions)
{
	const json_t *segment = json_object_get(call->input, "Segment");
	const json_t *exclude = json_object_get(call->input, "ExcludeColumnSchema");
	struct str expression = glue_text(call->input, "Expression");
	_cleanup_buf_ struct buf after = {0};
	_cleanup_buf_ struct buf next = {0};
	json_t *list;

	if (glue_check_catalog(call, error) < 0 || glue_page(call, &after, error) < 0)
		return -1;
	const struct store_partition_query query = {
		.expression = expression.p ? expression : STR(""),
		.after = buf_str(&after),
		.segment = (unsigned)glue_number(segment, "SegmentNumber", 0),
		.segments = (unsigned)glue_number(segment, "TotalSegments", 0),
		.limit = glue_limit(call, GLUE_PAGE_MAX),
		.without_columns = json_is_true(exclude)};
	if (query.segments && query.segment >= query.segments)
		return glue_refuse(error,
			"SegmentNumber must be below TotalSegments, which is %u, but is %u.",
			query.segments, query.segment);
	if (store_catalog_list_partitions(glue_of(call)->catalog, glue_table(call, "TableName"),
		    &query, &list, &next, error, inner(call)) < 0)
		return -1;
	json_object_set_new(call->output, "Partitions", list);
	if (next.n)
		glue_next(call, buf_str(&next));
	return 0;
}

/* Those that are not there are left out. */
GLUE_HANDLER(glue_batch_get_partition)
{
	json_t *found = json_array();
	size_t i;
	json_t *item;

	json_object_set_new(call->output, "Partitions", found);
	json_object_set_new(call->output, "UnprocessedKeys", json_array());
	if (glue_check_catalog(call, error) < 0)
		return -1;
	json_t *table;
	if (store_catalog_get_table(glue_of(call)->catalog, glue_table(call, "TableName"), &table,
		    error, inner(call)) < 0)
		return -1;
	json_decref(table);
	json_array_foreach(json_object_get(call->input, "PartitionsToGet"), i, item)
	{
		struct aws_error refused = {0};
		json_t *partition;
		if (store_catalog_get_partition(glue_of(call)->catalog,
			    glue_table(call, "TableName"), json_object_get(item, "Values"),
			    &partition, &refused, inner(call)) == 0) {
			json_array_append_new(found, partition);
		} else if (refused.code != AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION) {
			*error = refused;
			return -1;
		}
	}
	return 0;
}

GLUE_HANDLER(glue_update_partition)
{
	if (glue_check_catalog(call, error) < 0)
		return -1;
	json_t *list = one((json_t *)call->input);
	int result = store_catalog_update_partitions(glue_of(call)->catalog,
		glue_table(call, "TableName"), list, NULL, error, inner(call));
	json_decref(list);
	return result;
}

GLUE_HANDLER(glue_batch_update_partition)
{
	if (glue_check_catalog(call, error) < 0)
		return -1;
	return store_catalog_update_partitions(glue_of(call)->catalog,
		glue_table(call, "TableName"), json_object_get(call->input, "Entries"),
		add_errors(call), error, inner(call));
}

GLUE_HANDLER(glue_delete_partition)
{
	if (glue_check_catalog(call, error) < 0)
		return -1;
	json_t *list = one(json_object_get(call->input, "PartitionValues"));
	int result = store_catalog_delete_partitions(glue_of(call)->catalog,
		glue_table(call, "TableName"), list, NULL, error, inner(call));
	json_decref(list);
	return result;
}

GLUE_HANDLER(glue_batch_delete_partition)
{
	json_t *list = json_array();
	size_t i;
	json_t *item;

	json_array_foreach(json_object_get(call->input, "PartitionsToDelete"), i, item)
	{
		json_array_append(list, json_object_get(item, "Values"));
	}
	int result = glue_check_catalog(call, error);
	if (result == 0)
		result = store_catalog_delete_partitions(glue_of(call)->catalog,
			glue_table(call, "TableName"), list, add_errors(call), error, inner(call));
	json_decref(list);
	return result;
}

/* ---- indexes ---- */

/* DATABASE/TABLE */
static char *scope_of(struct store_table_name name)
{
	_cleanup_free_ char *text =
		mem_printf("%.*s/%.*s", STR_ARG(name.database), STR_ARG(name.table));

	return store_catalog_fold(str_from(text));
}

/* The index as it is told of; NULL: a key of it is none of the table's. */
static json_t *describe(const json_t *index, const json_t *keys, struct aws_error *error)
{
	json_t *described = json_array();
	size_t i;
	json_t *wanted;

	json_array_foreach(json_object_get(index, "Keys"), i, wanted)
	{
		const json_t *found = NULL;
		json_t *key;
		size_t k;
		json_array_foreach(keys, k, key)
		{
			if (str_equal_ignoring_case(
				    glue_text(key, "Name"), str_from(json_string_value(wanted))))
				found = key;
		}
		if (!found) {
			json_decref(described);
			glue_refuse(error,
				"Partition key '%s' of the index is none of the table's.",
				json_string_value(wanted));
			return NULL;
		}
		json_array_append_new(
			described, json_pack("{s:O, s:O}", "Name", json_object_get(found, "Name"),
					   "Type", json_object_get(found, "Type")));
	}
	return json_pack("{s:O, s:o, s:s}", "IndexName", json_object_get(index, "IndexName"),
		"Keys", described, "IndexStatus", "ACTIVE");
}

/* Every partition is found by its values already: an index is ready when it is made. */
static int put_index(struct api_call *call, struct store_table_name name, const json_t *keys,
	const json_t *index, struct aws_error *error)
{
	_cleanup_free_ char *scope = scope_of(name);
	struct str index_name = glue_text(index, "IndexName");
	json_t *list;

	if (store_catalog_list_items(glue_of(call)->catalog, STORE_CATALOG_INDEX, str_from(scope),
		    STR_NONE, INDEXES_MAX + 1, &list, error, inner(call)) < 0)
		return -1;
	bool is_there = false;
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item)
	{
		is_there |= str_equal(glue_text(item, "IndexName"), index_name);
	}
	size_t count = json_array_size(list);
	json_decref(list);
	if (is_there)
		return aws_error_set(error, AWS_ERROR_ALREADY_EXISTS_EXCEPTION,
			"Partition index %.*s already exists.", STR_ARG(index_name));
	if (count >= INDEXES_MAX)
		return aws_error_set(error, AWS_ERROR_RESOURCE_NUMBER_LIMIT_EXCEEDED_EXCEPTION,
			"A table can have at most %d partition indexes.", INDEXES_MAX);
	json_t *described = describe(index, keys, error);
	if (!described)
		return -1;
	int result = store_catalog_put_item(glue_of(call)->catalog, STORE_CATALOG_INDEX,
		str_from(scope), index_name, described, error, inner(call));
	json_decref(described);
	return result;
}

int glue_put_indexes(struct api_call *call, struct store_table_name name, const json_t *keys,
	const json_t *indexes, struct aws_error *error)
{
	size_t i;
	json_t *index;

	json_array_foreach(indexes, i, index)
	{
		if (put_index(call, name, keys, index, error) < 0)
			return -1;
	}
	return 0;
}

GLUE_HANDLER(glue_create_index)
{
	struct store_table_name name = glue_table(call, "TableName");
	json_t *table;

	if (glue_check_catalog(call, error) < 0 || store_catalog_get_table(glue_of(call)->catalog,
							   name, &table, error, inner(call)) < 0)
		return -1;
	int result = put_index(call, name, json_object_get(table, "PartitionKeys"),
		json_object_get(call->input, "PartitionIndex"), error);
	json_decref(table);
	return result;
}

GLUE_HANDLER(glue_get_indexes)
{
	struct store_table_name name = glue_table(call, "TableName");
	_cleanup_free_ char *scope = scope_of(name);
	json_t *table;
	json_t *list;

	if (glue_check_catalog(call, error) < 0 || store_catalog_get_table(glue_of(call)->catalog,
							   name, &table, error, inner(call)) < 0)
		return -1;
	json_decref(table);
	if (store_catalog_list_items(glue_of(call)->catalog, STORE_CATALOG_INDEX, str_from(scope),
		    STR_NONE, INDEXES_MAX + 1, &list, error, inner(call)) < 0)
		return -1;
	json_object_set_new(call->output, "PartitionIndexDescriptorList", list);
	return 0;
}

GLUE_HANDLER(glue_delete_index)
{
	_cleanup_free_ char *scope = scope_of(glue_table(call, "TableName"));
	struct str name = glue_text(call->input, "IndexName");
	bool found;

	if (glue_check_catalog(call, error) < 0 ||
		store_catalog_delete_item(glue_of(call)->catalog, STORE_CATALOG_INDEX,
			str_from(scope), name, &found, error, inner(call)) < 0)
		return -1;
	if (!found)
		return aws_error_set(error, AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION,
			"Partition index %.*s not found.", STR_ARG(name));
	return 0;
}
