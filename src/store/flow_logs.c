#include "store/flow_logs.h"

#include "aws/error.h"
#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/random.h>

#define ID_MAX 24 /* fl- and 17 digits */

struct store_flow_logs {
	struct store_database *database;
	struct store_network *network;
	_Atomic(int64_t) version;
};

/* same: what two flow logs may not have in common. */
static const char schema[] =
	"CREATE TABLE IF NOT EXISTS flow_log ("
	" id TEXT PRIMARY KEY, resource_id TEXT NOT NULL, same TEXT NOT NULL UNIQUE,"
	" created_ms INTEGER NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS flow_log_by_resource ON flow_log (resource_id);"
	"CREATE TABLE IF NOT EXISTS flow_log_token ("
	" token TEXT PRIMARY KEY, digest TEXT NOT NULL, answer TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS flow_log_version (version INTEGER NOT NULL);";

static int64_t now_ms(void)
{
	return clock_wall_ns() / 1000000;
}

/* ---- the version ---- */

/* From the clock, so that it is not one of a database that was lost. */
static int next_version(struct store_connection *writer, int64_t *ret_version, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(writer, "SELECT max(version) FROM flow_log_version", &statement, err) <
			0 ||
		store_step(statement, err) < 0)
		return -1;
	int64_t now = now_ms(), there = store_column_i64(statement, 0);
	*ret_version = now > there ? now : there + 1;
	if (store_execute(writer, "DELETE FROM flow_log_version", err) < 0 ||
		store_statement(
			writer, "INSERT INTO flow_log_version VALUES (?)", &statement, err) < 0)
		return -1;
	store_bind_i64(statement, 1, *ret_version);
	return store_step(statement, err);
}

/* Commits are in an order, what follows them is not: the version in memory only grows. */
static void show_version(struct store_flow_logs *logs, int64_t version)
{
	int64_t there = atomic_load(&logs->version);

	while (there < version && !atomic_compare_exchange_weak(&logs->version, &there, version))
		;
}

int64_t store_flow_logs_version(struct store_flow_logs *logs)
{
	return atomic_load(&logs->version);
}

int store_flow_logs_touch(struct store_flow_logs *logs, struct err *err)
{
	struct store_connection *writer;
	int64_t version = 0;

	if (store_write_begin(logs->database, &writer, err) < 0)
		return -1;
	if (store_write_end(writer, next_version(writer, &version, err), err) < 0)
		return -1;
	show_version(logs, version);
	return 0;
}

/* ---- the life ---- */

/* The version goes on from where it was. */
static int prepare(struct store_connection *writer, int64_t *ret_version, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_execute(writer, schema, err) < 0 ||
		store_statement(writer, "SELECT version FROM flow_log_version", &statement, err) <
			0)
		return -1;
	int result = store_step(statement, err);
	if (result <= 0)
		return result < 0 ? result : next_version(writer, ret_version, err);
	*ret_version = store_column_i64(statement, 0);
	return 0;
}

int store_flow_logs_open(struct store_flow_logs **ret_logs, struct store_database *database,
	struct store_network *network, struct err *err)
{
	_cleanup_(store_flow_logs_closep) struct store_flow_logs *logs = mem_new(1, sizeof(*logs));
	struct store_connection *writer;
	int64_t version = 0;

	logs->database = database;
	logs->network = network;
	if (store_write_begin(database, &writer, err) < 0 ||
		store_write_end(writer, prepare(writer, &version, err), err) < 0)
		return -1;
	atomic_store(&logs->version, version);
	*ret_logs = take(logs);
	return 0;
}

void store_flow_logs_close(struct store_flow_logs *logs)
{
	free(logs);
}

/* ---- reading ---- */

static int add_row(json_t *list, sqlite3_stmt *statement, struct err *err)
{
	struct str id = store_column_str(statement, 0), text = store_column_str(statement, 2);
	json_t *document = json_loadb(text.p, text.n, 0, NULL);

	if (!json_is_object(document)) {
		json_decref(document);
		return err_set(err, ERR_INPUT, "the row of flow log %.*s is damaged", STR_ARG(id));
	}
	json_object_set_new(document, "FlowLogId", json_stringn(id.p, id.n));
	json_object_set_new(document, "CreationTime", json_integer(store_column_i64(statement, 1)));
	json_array_append_new(list, document);
	return 0;
}

static int read_all(struct store_connection *reader, json_t *list, struct err *err)
{
	sqlite3_stmt *statement;
	int result = store_statement(reader,
		"SELECT id, created_ms, document FROM flow_log ORDER BY id", &statement, err);

	while (result == 0) {
		result = store_step(statement, err);
		if (result <= 0)
			return result;
		result = add_row(list, statement, err);
	}
	return result;
}

int store_flow_logs_list(struct store_flow_logs *logs, json_t **ret_list, struct err *err)
{
	struct store_connection *reader;
	json_t *list = json_array();

	if (store_read_begin(logs->database, &reader, err) < 0) {
		json_decref(list);
		return -1;
	}
	int result = read_all(reader, list, err);
	store_read_end(reader);
	if (result < 0) {
		json_decref(list);
		return -1;
	}
	*ret_list = list;
	return 0;
}

/* ---- tokens ---- */

static int find_token(struct store_connection *connection, struct str token, struct str digest,
	json_t *answer, struct err *err)
{
	sqlite3_stmt *statement;

	if (!token.n)
		return STORE_FLOW_LOGS_DONE;
	if (store_statement(connection, "SELECT digest, answer FROM flow_log_token WHERE token = ?",
		    &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, token);
	int result = store_step(statement, err);
	if (result <= 0)
		return result < 0 ? result : STORE_FLOW_LOGS_DONE;
	if (!str_equal(store_column_str(statement, 0), digest))
		return STORE_FLOW_LOGS_MISMATCH;
	struct str text = store_column_str(statement, 1);
	json_t *former = json_loadb(text.p, text.n, 0, NULL);
	if (!json_is_object(former)) {
		json_decref(former);
		return err_set(err, ERR_INPUT, "the row of a client token is damaged");
	}
	json_object_clear(answer);
	json_object_update(answer, former);
	json_decref(former);
	return STORE_FLOW_LOGS_REPEATED;
}

int store_flow_logs_find_token(struct store_flow_logs *logs, struct str token, struct str digest,
	json_t *answer, struct err *err)
{
	struct store_connection *reader;

	if (store_read_begin(logs->database, &reader, err) < 0)
		return -1;
	int result = find_token(reader, token, digest, answer, err);
	store_read_end(reader);
	return result;
}

static int keep_token(struct store_connection *writer, const struct store_flow_logs_new *new,
	const json_t *answer, struct err *err)
{
	sqlite3_stmt *statement;

	if (!new->client_token.n)
		return 0;
	_cleanup_free_ char *text = json_dumps(answer, JSON_COMPACT);
	if (store_statement(
		    writer, "INSERT INTO flow_log_token VALUES (?, ?, ?)", &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, new->client_token);
	store_bind_str(statement, 2, new->digest);
	store_bind_str(statement, 3, text ? str_from(text) : STR("{}"));
	return store_step(statement, err);
}

/* ---- making ---- */

static int make_id(char ret_id[static ID_MAX], struct err *err)
{
	uint8_t bytes[9];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return err_set(err, ERR_SYSTEM, "the kernel gave no random bytes");
	int n = snprintf(ret_id, ID_MAX, "fl-");
	for (size_t i = 0; i < sizeof(bytes) - 1; i++)
		n += snprintf(ret_id + n, ID_MAX - (size_t)n, "%02x", bytes[i]);
	snprintf(ret_id + n, ID_MAX - (size_t)n, "%x", bytes[8] & 15u);
	return 0;
}

static const char *text_of(const json_t *document, const char *name)
{
	const char *text = json_string_value(json_object_get(document, name));

	return text ? text : "";
}

static char *same_of(const json_t *document)
{
	const char *group = text_of(document, "LogGroupName");

	return mem_printf("%s %s %s %s", text_of(document, "ResourceId"),
		text_of(document, "TrafficType"), text_of(document, "LogDestinationType"),
		group[0] ? group : text_of(document, "LogDestination"));
}

static int count_of(struct store_connection *writer, const char *sql, const char *text,
	size_t *ret_count, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(writer, sql, &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, str_from(text));
	if (store_step(statement, err) < 0)
		return -1;
	*ret_count = (size_t)store_column_i64(statement, 0);
	return 0;
}

static void refuse(json_t *answer, const json_t *document, enum aws_error_code code)
{
	json_array_append_new(json_object_get(answer, "Unsuccessful"),
		json_pack("{s:s, s:{s:s, s:s}}", "ResourceId", text_of(document, "ResourceId"),
			"Error", "Code", aws_error_name(code), "Message", aws_error_message(code)));
}

static int insert(struct store_connection *writer, const struct store_flow_logs_new *new,
	const json_t *document, const char *same, json_t *answer, struct err *err)
{
	_cleanup_free_ char *text = json_dumps(document, JSON_COMPACT);
	sqlite3_stmt *statement;
	char id[ID_MAX];

	if (make_id(id, err) < 0 ||
		store_statement(
			writer, "INSERT INTO flow_log VALUES (?, ?, ?, ?, ?)", &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, str_from(id));
	store_bind_str(statement, 2, str_from(text_of(document, "ResourceId")));
	store_bind_str(statement, 3, str_from(same));
	store_bind_i64(statement, 4, new->now_ms);
	store_bind_str(statement, 5, text ? str_from(text) : STR("{}"));
	if (store_step(statement, err) < 0 ||
		store_tags_insert(writer, str_from(id), new->tags, err) < 0)
		return -1;
	json_array_append_new(json_object_get(answer, "FlowLogIds"), json_string(id));
	return 0;
}

static int create_one(struct store_connection *writer, const struct store_flow_logs_new *new,
	const json_t *document, json_t *answer, struct err *err)
{
	_cleanup_free_ char *same = same_of(document);
	size_t there, of_resource;

	if (count_of(writer, "SELECT count(*) FROM flow_log WHERE same = ?", same, &there, err) <
			0 ||
		count_of(writer, "SELECT count(*) FROM flow_log WHERE resource_id = ?",
			text_of(document, "ResourceId"), &of_resource, err) < 0)
		return -1;
	if (there)
		refuse(answer, document, AWS_ERROR_FLOW_LOG_ALREADY_EXISTS);
	else if (of_resource >= new->per_resource_max)
		refuse(answer, document, AWS_ERROR_FLOW_LOGS_LIMIT_EXCEEDED);
	else
		return insert(writer, new, document, same, answer, err);
	return 0;
}

static int create_all(struct store_connection *writer, const struct store_flow_logs_new *new,
	json_t *answer, int64_t *ret_version, struct err *err)
{
	int result = find_token(writer, new->client_token, new->digest, answer, err);

	for (size_t i = 0; i < json_array_size(new->documents) && result == 0; i++)
		result = create_one(writer, new, json_array_get(new->documents, i), answer, err);
	if (result != 0 || !json_array_size(json_object_get(answer, "FlowLogIds")))
		return result;
	if (next_version(writer, ret_version, err) < 0)
		return -1;
	return keep_token(writer, new, answer, err);
}

int store_flow_logs_create(struct store_flow_logs *logs, const struct store_flow_logs_new *new,
	json_t *answer, struct err *err)
{
	struct store_connection *writer;
	int64_t version = 0;

	if (store_write_begin(logs->database, &writer, err) < 0)
		return -1;
	int result = store_write_end(writer, create_all(writer, new, answer, &version, err), err);
	if (result != 0)
		return result;
	show_version(logs, version);
	return json_object_size(new->tags) ? store_tags_reload(logs->network, err) : 0;
}

/* ---- the end ---- */

static int delete_one(
	struct store_connection *writer, const char *id, json_t *missing, struct err *err)
{
	sqlite3_stmt *statement;
	size_t there;

	if (count_of(writer, "SELECT count(*) FROM flow_log WHERE id = ?", id, &there, err) < 0)
		return -1;
	if (!there) {
		json_array_append_new(missing, json_string(id));
		return 0;
	}
	if (store_statement(writer, "DELETE FROM flow_log WHERE id = ?", &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, str_from(id));
	if (store_step(statement, err) < 0)
		return -1;
	return store_tags_forget(writer, str_from(id), err);
}

int store_flow_logs_delete(
	struct store_flow_logs *logs, const json_t *ids, json_t *missing, struct err *err)
{
	struct store_connection *writer;
	int64_t version = 0;
	int result = 0;

	if (store_write_begin(logs->database, &writer, err) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(ids) && result == 0; i++)
		result =
			delete_one(writer, json_string_value(json_array_get(ids, i)), missing, err);
	if (result == 0)
		result = next_version(writer, &version, err);
	if (store_write_end(writer, result, err) < 0)
		return -1;
	show_version(logs, version);
	return store_tags_reload(logs->network, err);
}
