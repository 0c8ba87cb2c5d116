/* Named queries and prepared statements: documents as Athena tells them. */
#include "api/athena/athena_priv.h"

static int put(struct api_call *call, enum store_query_kind kind, const char *scope,
	const char *name, const json_t *document, struct aws_error *error)
{
	if (store_queries_put(athena_of(call)->settings.queries, kind, athena_text(document, scope),
		    athena_text(document, name), document, &call->exchange->err) < 0)
		return aws_error_internal(error);
	return 0;
}

static void copy(json_t *to, const json_t *from, const char *const *names)
{
	for (; *names; names++) {
		json_t *value = json_object_get(from, *names);
		if (value)
			json_object_set(to, *names, value);
	}
}

static int check_group(struct api_call *call, struct aws_error *error)
{
	json_t *group = athena_workgroup(
		athena_of(call), athena_text(call->input, "WorkGroup"), &call->exchange->err);

	if (!group)
		return athena_refuse(error, "WORKGROUP_NOT_FOUND", "WorkGroup is not found.");
	json_decref(group);
	return 0;
}

/* ---- named queries ---- */

ATHENA_HANDLER(athena_create_named)
{
	static const char *const same[] = {
		"Name", "Description", "Database", "QueryString", "WorkGroup", NULL};
	char id[ID_SIZE + 1];

	if (check_group(call, error) < 0)
		return -1;
	athena_id(id);
	json_t *query = json_pack("{s:s, s:s}", "NamedQueryId", id, "WorkGroup", "primary");
	copy(query, call->input, same);
	int r = put(call, STORE_NAMED_QUERY, "WorkGroup", "NamedQueryId", query, error);
	json_decref(query);
	json_object_set_new(call->output, "NamedQueryId", json_string(id));
	return r;
}

static int find_named(struct api_call *call, json_t **ret_query, struct aws_error *error)
{
	struct str id = athena_text(call->input, "NamedQueryId");

	if (store_queries_get(athena_of(call)->settings.queries, STORE_NAMED_QUERY, STR_NONE, id,
		    ret_query, &call->exchange->err) < 0)
		return aws_error_internal(error);
	return *ret_query ? 0
			  : athena_refuse(error, "NAMED_QUERY_NOT_FOUND",
				    "NamedQuery %.*s was not found", STR_ARG(id));
}

ATHENA_HANDLER(athena_get_named)
{
	json_t *query;

	if (find_named(call, &query, error) < 0)
		return -1;
	json_object_set_new(call->output, "NamedQuery", query);
	return 0;
}

ATHENA_HANDLER(athena_update_named)
{
	static const char *const same[] = {"Name", "Description", "QueryString", NULL};
	json_t *query;

	if (find_named(call, &query, error) < 0)
		return -1;
	copy(query, call->input, same);
	int r = put(call, STORE_NAMED_QUERY, "WorkGroup", "NamedQueryId", query, error);
	json_decref(query);
	return r;
}

ATHENA_HANDLER(athena_delete_named)
{
	json_t *query;
	bool found;

	if (find_named(call, &query, error) < 0)
		return -1;
	json_decref(query);
	return store_queries_delete(athena_of(call)->settings.queries, STORE_NAMED_QUERY, STR_NONE,
		       athena_text(call->input, "NamedQueryId"), &found, &call->exchange->err) < 0
		       ? aws_error_internal(error)
		       : 0;
}

static int batch(struct api_call *call, enum store_query_kind kind, struct str scope,
	const char *const names[static 4], struct aws_error *error)
{
	const json_t *wanted = json_object_get(call->input, names[0]);
	json_t *found = json_array(), *missing = json_array();

	json_object_set_new(call->output, names[1], found);
	json_object_set_new(call->output, names[2], missing);
	for (size_t i = 0; i < json_array_size(wanted); i++) {
		json_t *name = json_array_get(wanted, i), *document;
		if (store_queries_get(athena_of(call)->settings.queries, kind, scope,
			    (struct str){json_string_value(name), json_string_length(name)},
			    &document, &call->exchange->err) < 0)
			return aws_error_internal(error);
		if (document)
			json_array_append_new(found, document);
		else
			json_array_append_new(
				missing, json_pack("{s:O, s:s, s:s}", names[3], name, "ErrorCode",
						 "NOT_FOUND", "ErrorMessage", "was not found"));
	}
	return 0;
}

ATHENA_HANDLER(athena_batch_get_named)
{
	static const char *const names[] = {
		"NamedQueryIds", "NamedQueries", "UnprocessedNamedQueryIds", "NamedQueryId"};

	return batch(call, STORE_NAMED_QUERY, STR_NONE, names, error);
}

static json_t *named_id(const json_t *query)
{
	return json_incref(json_object_get(query, "NamedQueryId"));
}

ATHENA_HANDLER(athena_list_named)
{
	struct str group = athena_text(call->input, "WorkGroup");

	return athena_list(call, STORE_NAMED_QUERY, group.n ? group : STR("primary"),
		"NamedQueryIds", named_id, error);
}

/* ---- prepared statements ---- */

static int find_prepared(struct api_call *call, json_t **ret_statement, struct aws_error *error)
{
	struct str name = athena_text(call->input, "StatementName");
	struct str group = athena_text(call->input, "WorkGroup");

	if (store_queries_get(athena_of(call)->settings.queries, STORE_PREPARED, group, name,
		    ret_statement, &call->exchange->err) < 0)
		return aws_error_internal(error);
	if (*ret_statement)
		return 0;
	return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION,
		"PreparedStatement %.*s was not found in workGroup %.*s", STR_ARG(name),
		STR_ARG(group));
}

static int put_prepared(struct api_call *call, struct aws_error *error)
{
	static const char *const same[] = {"StatementName", "QueryStatement", "Description", NULL};
	json_t *statement =
		json_pack("{s:O, s:I}", "WorkGroupName", json_object_get(call->input, "WorkGroup"),
			"LastModifiedTime", (json_int_t)athena_now_ms());

	copy(statement, call->input, same);
	int r = put(call, STORE_PREPARED, "WorkGroupName", "StatementName", statement, error);
	json_decref(statement);
	return r;
}

ATHENA_HANDLER(athena_create_prepared)
{
	struct aws_error none;
	json_t *there = NULL;

	if (check_group(call, error) < 0)
		return -1;
	if (find_prepared(call, &there, &none) == 0) {
		json_decref(there);
		return athena_refuse(
			error, "INVALID_INPUT", "PreparedStatement already exists in workGroup");
	}
	return put_prepared(call, error);
}

ATHENA_HANDLER(athena_get_prepared)
{
	json_t *statement;

	if (find_prepared(call, &statement, error) < 0)
		return -1;
	json_object_set_new(call->output, "PreparedStatement", statement);
	return 0;
}

ATHENA_HANDLER(athena_update_prepared)
{
	json_t *statement;

	if (find_prepared(call, &statement, error) < 0)
		return -1;
	json_decref(statement);
	return put_prepared(call, error);
}

ATHENA_HANDLER(athena_delete_prepared)
{
	json_t *statement;
	bool found;

	if (find_prepared(call, &statement, error) < 0)
		return -1;
	json_decref(statement);
	return store_queries_delete(athena_of(call)->settings.queries, STORE_PREPARED,
		       athena_text(call->input, "WorkGroup"),
		       athena_text(call->input, "StatementName"), &found, &call->exchange->err) < 0
		       ? aws_error_internal(error)
		       : 0;
}

ATHENA_HANDLER(athena_batch_get_prepared)
{
	static const char *const names[] = {"PreparedStatementNames", "PreparedStatements",
		"UnprocessedPreparedStatementNames", "StatementName"};

	return batch(call, STORE_PREPARED, athena_text(call->input, "WorkGroup"), names, error);
}

static json_t *prepared_summary(const json_t *statement)
{
	return json_pack("{s:O, s:O}", "StatementName", json_object_get(statement, "StatementName"),
		"LastModifiedTime", json_object_get(statement, "LastModifiedTime"));
}

ATHENA_HANDLER(athena_list_prepared)
{
	return athena_list(call, STORE_PREPARED, athena_text(call->input, "WorkGroup"),
		"PreparedStatements", prepared_summary, error);
}
