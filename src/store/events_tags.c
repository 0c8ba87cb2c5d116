/* Tags of log groups and resource policies: rows of the database, read when they are asked for. */
#include "store/events_priv.h"

static int64_t group_id(struct store_events *events, struct str name, struct aws_error *error)
{
	_cleanup_(events_group_unrefp) struct events_group *group = NULL;

	return events_group_find(events, name, &group, error) < 0 ? -1 : group->id;
}

/* ---- tags ---- */

static int put_tag(struct store_connection *connection, int64_t group,
	const struct store_log_tag *tag, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(connection,
		    "INSERT INTO log_tags VALUES (?, ?, ?)"
		    " ON CONFLICT DO UPDATE SET value = excluded.value",
		    &statement, err) < 0)
		return -1;
	store_bind_i64(statement, 1, group);
	store_bind_str(statement, 2, tag->key);
	store_bind_str(statement, 3, tag->value);
	return store_step(statement, err);
}

static int count_rows(struct store_connection *connection, const char *sql, int64_t group,
	int64_t *ret_count, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(connection, sql, &statement, err) < 0)
		return -1;
	if (group >= 0)
		store_bind_i64(statement, 1, group);
	if (store_step(statement, err) < 0)
		return -1;
	*ret_count = store_column_i64(statement, 0);
	return 0;
}

int store_log_tags_put(struct store_events *events, struct str group,
	const struct store_log_tag *tags, size_t count, size_t max, struct aws_error *error,
	struct err *err)
{
	struct store_connection *connection;
	int64_t id = group_id(events, group, error), total = 0;
	int result = 0;

	if (id < 0)
		return -1;
	if (store_write_begin(events->database, &connection, err) < 0)
		return events_broken(error);
	for (size_t i = 0; result == 0 && i < count; i++)
		result = put_tag(connection, id, &tags[i], err);
	if (result == 0)
		result = count_rows(connection, "SELECT count(*) FROM log_tags WHERE log_group = ?",
			id, &total, err);
	if (result == 0 && total > (int64_t)max) {
		store_rollback(connection);
		return aws_error_set(error, AWS_ERROR_TOO_MANY_TAGS_EXCEPTION,
			"The tag limit of %zu has been exceeded.", max);
	}
	return store_write_end(connection, result, err) < 0 ? events_broken(error) : 0;
}

int store_log_tags_remove(struct store_events *events, struct str group, const struct str *keys,
	size_t count, struct aws_error *error, struct err *err)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;
	int64_t id = group_id(events, group, error);
	int result = 0;

	if (id < 0)
		return -1;
	if (store_write_begin(events->database, &connection, err) < 0)
		return events_broken(error);
	for (size_t i = 0; result == 0 && i < count; i++) {
		result = store_statement(connection,
			"DELETE FROM log_tags WHERE log_group = ? AND key = ?", &statement, err);
		if (result < 0)
			break;
		store_bind_i64(statement, 1, id);
		store_bind_str(statement, 2, keys[i]);
		result = store_step(statement, err);
	}
	return store_write_end(connection, result, err) < 0 ? events_broken(error) : 0;
}

int store_log_tags_list(struct store_events *events, struct str group,
	void (*visit)(void *context, struct str key, struct str value), void *context,
	struct aws_error *error, struct err *err)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;
	int64_t id = group_id(events, group, error);

	if (id < 0)
		return -1;
	if (store_read_begin(events->database, &connection, err) < 0)
		return events_broken(error);
	int result = store_statement(connection,
		"SELECT key, value FROM log_tags WHERE log_group = ? ORDER BY key", &statement,
		err);
	if (result == 0) {
		store_bind_i64(statement, 1, id);
		while ((result = store_step(statement, err)) > 0)
			visit(context, store_column_str(statement, 0),
				store_column_str(statement, 1));
	}
	store_read_end(connection);
	return result < 0 ? events_broken(error) : 0;
}

/* ---- policies ---- */

int store_log_policy_put(struct store_events *events, const struct store_log_policy *policy,
	size_t max, struct aws_error *error, struct err *err)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;
	int64_t total = 0;

	if (store_write_begin(events->database, &connection, err) < 0)
		return events_broken(error);
	int result = store_statement(connection,
		"INSERT INTO log_policies VALUES (?, ?, ?) ON CONFLICT DO UPDATE"
		" SET document = excluded.document, updated = excluded.updated",
		&statement, err);
	if (result == 0) {
		store_bind_str(statement, 1, policy->name);
		store_bind_str(statement, 2, policy->document);
		store_bind_i64(statement, 3, policy->updated_ms);
		result = store_step(statement, err);
	}
	if (result == 0)
		result = count_rows(
			connection, "SELECT count(*) FROM log_policies", -1, &total, err);
	if (result == 0 && total > (int64_t)max) {
		store_rollback(connection);
		return aws_error_set(
			error, AWS_ERROR_LIMIT_EXCEEDED_EXCEPTION, "Resource limit exceeded.");
	}
	return store_write_end(connection, result, err) < 0 ? events_broken(error) : 0;
}

int store_log_policy_delete(
	struct store_events *events, struct str name, struct aws_error *error, struct err *err)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;
	int changed = 0;

	if (store_write_begin(events->database, &connection, err) < 0)
		return events_broken(error);
	int result = store_statement(
		connection, "DELETE FROM log_policies WHERE name = ?", &statement, err);
	if (result == 0) {
		store_bind_str(statement, 1, name);
		result = store_step(statement, err);
		changed = sqlite3_changes(sqlite3_db_handle(statement));
	}
	if (store_write_end(connection, result, err) < 0)
		return events_broken(error);
	if (!changed)
		return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION,
			"Policy with name [%.*s] does not exist.", STR_ARG(name));
	return 0;
}

int store_log_policy_list(struct store_events *events,
	void (*visit)(void *context, const struct store_log_policy *policy), void *context,
	struct err *err)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;

	if (store_read_begin(events->database, &connection, err) < 0)
		return -1;
	int result = store_statement(connection,
		"SELECT name, document, updated FROM log_policies ORDER BY name", &statement, err);
	int rows = result;
	while (result == 0 && (rows = store_step(statement, err)) > 0) {
		const struct store_log_policy policy = {.name = store_column_str(statement, 0),
			.document = store_column_str(statement, 1),
			.updated_ms = store_column_i64(statement, 2)};
		visit(context, &policy);
	}
	store_read_end(connection);
	return rows;
}
