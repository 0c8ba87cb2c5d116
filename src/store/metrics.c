/* A row a period and unit: counts and sums add up in place, values are merged. What is put at once
 * is one transaction. */
#include "store/metrics.h"

#include "base/buf.h"
#include "base/clock.h"
#include "store/log_documents.h"

#include <math.h>
#include <stdlib.h>

struct store_metrics {
	struct store_database *database;
};

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS metric ("
	" id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL,"
	" dimensions TEXT NOT NULL, last INTEGER NOT NULL, UNIQUE (namespace, name, dimensions));"
	"CREATE TABLE IF NOT EXISTS metric_point ("
	" metric INTEGER NOT NULL, time INTEGER NOT NULL, unit TEXT NOT NULL,"
	" count REAL NOT NULL, sum REAL NOT NULL, min REAL NOT NULL, max REAL NOT NULL,"
	" value_list BLOB, PRIMARY KEY (metric, time, unit)) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS metric_point_by_time ON metric_point (time);"
	"CREATE TABLE IF NOT EXISTS alarm ("
	" name TEXT PRIMARY KEY, document TEXT NOT NULL, tags TEXT NOT NULL DEFAULT '{}') WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS alarm_history ("
	" id INTEGER PRIMARY KEY, name TEXT NOT NULL, time_ms INTEGER NOT NULL, type TEXT NOT NULL,"
	" summary TEXT NOT NULL, data TEXT NOT NULL);"
	"CREATE INDEX IF NOT EXISTS alarm_history_by_name ON alarm_history (name, time_ms);";

/* A table of an older nagare does not have it. */
static int add_alarm_type(struct store_connection *writer, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(writer,
		    "SELECT 1 FROM pragma_table_info('alarm_history') WHERE name = 'alarm_type'",
		    &statement, err) < 0)
		return -1;
	int found = store_step(statement, err);
	sqlite3_reset(statement);
	if (found)
		return found < 0 ? -1 : 0;
	return store_execute(writer,
		"ALTER TABLE alarm_history ADD COLUMN alarm_type TEXT NOT NULL DEFAULT 'MetricAlarm'",
		err);
}

int store_metrics_open(
	struct store_metrics **ret_metrics, struct store_database *database, struct err *err)
{
	_cleanup_(store_metrics_closep) struct store_metrics *metrics =
		mem_new(1, sizeof(*metrics));
	struct store_connection *writer;

	metrics->database = database;
	if (store_write_begin(database, &writer, err) < 0)
		return -1;
	int result = store_execute(writer, schema, err);
	if (result == 0)
		result = add_alarm_type(writer, err);
	if (store_write_end(writer, result, err) < 0)
		return -1;
	*ret_metrics = take(metrics);
	return 0;
}

void store_metrics_close(struct store_metrics *metrics)
{
	free(metrics);
}

/* ---- dimensions ---- */

static int compare_names(const void *a, const void *b)
{
	const json_t *const *x = a;
	const json_t *const *y = b;

	return strcmp(json_string_value(json_object_get(*x, "Name")),
		json_string_value(json_object_get(*y, "Name")));
}

char *store_metric_dimensions(const json_t *dimensions)
{
	size_t count = json_array_size(dimensions);
	_cleanup_free_ const json_t **sorted = mem_new(count + 1, sizeof(sorted[0]));
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		sorted[i] = json_array_get(dimensions, i);
	qsort((void *)sorted, count, sizeof(sorted[0]), compare_names);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(
			list, json_pack("{s:O, s:O}", "Name", json_object_get(sorted[i], "Name"),
				      "Value", json_object_get(sorted[i], "Value")));
	char *text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return text;
}

/* ---- values ---- */

struct values {
	struct store_metric_value *list;
	size_t count;
	bool is_known;
};

static void add_values(struct values *values, const struct store_metric_value *more, size_t count)
{
	values->list = mem_grow(values->list, values->count + count + 1, sizeof(values->list[0]));
	memcpy(values->list + values->count, more, count * sizeof(more[0]));
	values->count += count;
}

static int compare_values(const void *a, const void *b)
{
	double x = ((const struct store_metric_value *)a)->value;
	double y = ((const struct store_metric_value *)b)->value;

	return (x > y) - (x < y);
}

static void merge_equal(struct values *values)
{
	size_t kept = 0;

	qsort(values->list, values->count, sizeof(values->list[0]), compare_values);
	for (size_t i = 0; i < values->count; i++) {
		if (kept && values->list[kept - 1].value == values->list[i].value)
			values->list[kept - 1].count += values->list[i].count;
		else
			values->list[kept++] = values->list[i];
	}
	values->count = kept;
}

static double round_to(double value, int digits)
{
	if (value == 0 || !isfinite(value))
		return value;
	double scale = pow(10, digits - 1 - floor(log10(fabs(value))));
	return isfinite(scale) && scale > 0 ? round(value * scale) / scale : value;
}

static void merge_values(struct values *values)
{
	merge_equal(values);
	for (int digits = 6; digits > 0 && values->count > STORE_METRIC_VALUES; digits--) {
		for (size_t i = 0; i < values->count; i++)
			values->list[i].value = round_to(values->list[i].value, digits);
		merge_equal(values);
	}
	if (values->count > STORE_METRIC_VALUES)
		values->is_known = false; /* of too many magnitudes */
}

static void read_values(sqlite3_stmt *statement, int column, struct values *values)
{
	struct str bytes = {sqlite3_column_blob(statement, column),
		(size_t)sqlite3_column_bytes(statement, column)};

	values->is_known = sqlite3_column_type(statement, column) != SQLITE_NULL &&
			   bytes.n % sizeof(values->list[0]) == 0;
	if (!values->is_known)
		return;
	size_t count = bytes.n / sizeof(values->list[0]);
	values->list = mem_grow(values->list, count + 1, sizeof(values->list[0]));
	if (bytes.n)
		memcpy(values->list, bytes.p, bytes.n);
	values->count = count;
}

/* ---- writing ---- */

static int find_metric(struct store_connection *writer, const struct store_metric_datum *datum,
	int64_t time, int64_t *ret_id, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(writer,
		    "INSERT INTO metric (namespace, name, dimensions, last) VALUES (?, ?, ?, ?)"
		    " ON CONFLICT (namespace, name, dimensions) DO UPDATE SET last = max(last, excluded.last)"
		    " RETURNING id",
		    &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, datum->name_space);
	store_bind_str(statement, 2, datum->name);
	store_bind_str(statement, 3, datum->dimensions);
	store_bind_i64(statement, 4, time);
	if (store_step(statement, err) < 0)
		return -1;
	*ret_id = store_column_i64(statement, 0);
	/* To its end, so that the row is written. */
	return store_step(statement, err);
}

/* Adds what is there already. */
static int read_point(struct store_connection *writer, int64_t metric, int64_t time,
	struct store_metric_datum *datum, struct values *values, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(writer,
		    "SELECT count, sum, min, max, value_list FROM metric_point"
		    " WHERE metric = ? AND time = ? AND unit = ?",
		    &statement, err) < 0)
		return -1;
	store_bind_i64(statement, 1, metric);
	store_bind_i64(statement, 2, time);
	store_bind_str(statement, 3, datum->unit);
	int found = store_step(statement, err);
	if (found <= 0)
		return found;
	datum->count += sqlite3_column_double(statement, 0);
	datum->sum += sqlite3_column_double(statement, 1);
	datum->min = fmin(datum->min, sqlite3_column_double(statement, 2));
	datum->max = fmax(datum->max, sqlite3_column_double(statement, 3));
	read_values(statement, 4, values);
	return 0;
}

static int put_point(struct store_connection *writer, struct store_metric_datum datum,
	struct values *values, struct err *err)
{
	int64_t time = datum.high_resolution ? datum.time : datum.time - datum.time % 60;
	sqlite3_stmt *statement;
	int64_t metric;

	values->count = 0;
	values->is_known = true;
	if (find_metric(writer, &datum, time, &metric, err) < 0 ||
		read_point(writer, metric, time, &datum, values, err) < 0 ||
		store_statement(writer,
			"INSERT OR REPLACE INTO metric_point VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			&statement, err) < 0)
		return -1;
	values->is_known = values->is_known && datum.values;
	if (values->is_known) {
		add_values(values, datum.values, datum.values_count);
		merge_values(values);
	}
	store_bind_i64(statement, 1, metric);
	store_bind_i64(statement, 2, time);
	store_bind_str(statement, 3, datum.unit);
	sqlite3_bind_double(statement, 4, datum.count);
	sqlite3_bind_double(statement, 5, datum.sum);
	sqlite3_bind_double(statement, 6, datum.min);
	sqlite3_bind_double(statement, 7, datum.max);
	if (values->is_known)
		sqlite3_bind_blob64(statement, 8, values->list,
			values->count * sizeof(values->list[0]), SQLITE_STATIC);
	else
		sqlite3_bind_null(statement, 8);
	return store_step(statement, err);
}

int store_metrics_put(struct store_metrics *metrics, const struct store_metric_datum *data,
	size_t count, const struct store_metric_marks *marks, struct err *err)
{
	struct store_connection *writer;
	struct values values = {.list = NULL};
	int result = 0;

	if (store_write_begin(metrics->database, &writer, err) < 0)
		return -1;
	for (size_t i = 0; i < count && result == 0; i++)
		result = put_point(writer, data[i], &values, err);
	for (size_t i = 0; marks && i < marks->count && result == 0; i++)
		result = store_log_document_write(writer, &marks->documents[i], err);
	free(values.list);
	return store_write_end(writer, result, err);
}

int store_metrics_expire(struct store_metrics *metrics, int64_t now, struct err *err)
{
	struct store_connection *writer;
	sqlite3_stmt *statement;
	static const char *const deletes[] = {
		"DELETE FROM metric_point WHERE time < ?", "DELETE FROM metric WHERE last < ?"};
	int result = 0;

	if (store_write_begin(metrics->database, &writer, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(deletes) && result == 0; i++) {
		result = store_statement(writer, deletes[i], &statement, err);
		if (result < 0)
			break;
		store_bind_i64(statement, 1, now - STORE_METRICS_DAYS * INT64_C(86400));
		result = store_step(statement, err);
	}
	return store_write_end(writer, result, err);
}

/* ---- reading ---- */

static int read_points(struct store_connection *reader, sqlite3_stmt *statement,
	store_metric_on_point *on_point, void *context, struct err *err)
{
	struct values values = {.list = NULL};
	int result;

	while ((result = store_step(statement, err)) > 0) {
		values.count = 0;
		read_values(statement, 6, &values);
		struct store_metric_point point = {
			.time = store_column_i64(statement, 0),
			.unit = store_column_str(statement, 1),
			.count = sqlite3_column_double(statement, 2),
			.sum = sqlite3_column_double(statement, 3),
			.min = sqlite3_column_double(statement, 4),
			.max = sqlite3_column_double(statement, 5),
			.values = values.is_known ? values.list : NULL,
			.values_count = values.count,
		};
		on_point(context, &point);
	}
	free(values.list);
	return result;
}

int store_metrics_read(struct store_metrics *metrics, struct str name_space, struct str name,
	struct str dimensions, struct str unit, int64_t start, int64_t end_time,
	store_metric_on_point *on_point, void *context, struct err *err)
{
	struct store_connection *reader;
	sqlite3_stmt *statement;

	if (store_read_begin(metrics->database, &reader, err) < 0)
		return -1;
	int result = store_statement(reader,
		"SELECT time, unit, count, sum, min, max, value_list FROM metric_point"
		" WHERE metric = (SELECT id FROM metric WHERE namespace = ? AND name = ? AND dimensions = ?)"
		" AND time >= ? AND time < ? AND (?6 = '' OR unit = ?6) ORDER BY time",
		&statement, err);
	if (result == 0) {
		store_bind_str(statement, 1, name_space);
		store_bind_str(statement, 2, name);
		store_bind_str(statement, 3, dimensions);
		store_bind_i64(statement, 4, start);
		store_bind_i64(statement, 5, end_time);
		store_bind_str(statement, 6, unit.p ? unit : STR(""));
		result = read_points(reader, statement, on_point, context, err);
	}
	store_read_end(reader);
	return result;
}

int store_metrics_list(struct store_metrics *metrics, struct str name_space, struct str name,
	int64_t since, struct str after, store_metric_on_metric *on_metric, void *context,
	struct err *err)
{
	struct store_connection *reader;
	sqlite3_stmt *statement;

	if (store_read_begin(metrics->database, &reader, err) < 0)
		return -1;
	/* No name holds char(1): the key sorts as its parts do, and metrics of a name in the order
	 * in which they came. */
	int result = store_statement(reader,
		"SELECT namespace || char(1) || name || char(1) || printf('%016x', id) AS key, namespace, name,"
		" dimensions FROM metric WHERE (?1 = '' OR namespace = ?1) AND (?2 = '' OR name = ?2)"
		" AND last >= ?3 AND key > ?4 ORDER BY key",
		&statement, err);
	if (result == 0) {
		store_bind_str(statement, 1, name_space.p ? name_space : STR(""));
		store_bind_str(statement, 2, name.p ? name : STR(""));
		store_bind_i64(statement, 3, since);
		store_bind_str(statement, 4, after.p ? after : STR(""));
		while ((result = store_step(statement, err)) > 0) {
			if (!on_metric(context, store_column_str(statement, 0),
				    store_column_str(statement, 1), store_column_str(statement, 2),
				    store_column_str(statement, 3)))
				break;
		}
	}
	store_read_end(reader);
	return result < 0 ? result : 0;
}

/* ---- alarms ---- */

static json_t *load(struct str text)
{
	return json_loadb(text.p ? text.p : "", text.n, 0, NULL);
}

static struct str alarm_name(const json_t *alarm)
{
	const json_t *name = json_object_get(alarm, "AlarmName");

	return (struct str){json_string_value(name), json_string_length(name)};
}

/* A column of an alarm's row; NULL in *ret_value: no such row. */
static int read_column(struct store_connection *connection, const char *sql, struct str name,
	json_t **ret_value, struct err *err)
{
	sqlite3_stmt *statement;

	*ret_value = NULL;
	if (store_statement(connection, sql, &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, name);
	int found = store_step(statement, err);
	if (found <= 0)
		return found;
	*ret_value = load(store_column_str(statement, 0));
	if (!json_is_object(*ret_value)) {
		json_decref(take(*ret_value));
		return err_set(err, ERR_INPUT, "the row of alarm %.*s is damaged", STR_ARG(name));
	}
	return 0;
}

#define SELECT_DOCUMENT "SELECT document FROM alarm WHERE name = ?"
#define SELECT_TAGS     "SELECT tags FROM alarm WHERE name = ?"

int store_alarm_get(
	struct store_metrics *metrics, struct str name, json_t **ret_alarm, struct err *err)
{
	struct store_connection *reader;

	*ret_alarm = NULL;
	if (store_read_begin(metrics->database, &reader, err) < 0)
		return -1;
	int result = read_column(reader, SELECT_DOCUMENT, name, ret_alarm, err);
	store_read_end(reader);
	return result;
}

int store_alarms_list(struct store_metrics *metrics, json_t **ret_alarms, struct err *err)
{
	struct store_connection *reader;
	sqlite3_stmt *statement;
	json_t *alarms = json_array();

	if (store_read_begin(metrics->database, &reader, err) < 0) {
		json_decref(alarms);
		return -1;
	}
	int result = store_statement(
		reader, "SELECT document FROM alarm ORDER BY name", &statement, err);
	if (result == 0) {
		while ((result = store_step(statement, err)) > 0)
			json_array_append_new(alarms, load(store_column_str(statement, 0)));
	}
	store_read_end(reader);
	if (result < 0) {
		json_decref(alarms);
		return -1;
	}
	*ret_alarms = alarms;
	return 0;
}

static int add_history(struct store_connection *writer, struct str name,
	const struct store_alarm_event *event, struct err *err)
{
	sqlite3_stmt *statement;
	_cleanup_free_ char *data = NULL;

	if (!event || !event->type)
		return 0;
	if (store_statement(writer,
		    "INSERT INTO alarm_history (name, time_ms, type, summary, data, alarm_type)"
		    " VALUES (?1, ?, ?, ?, ?, CASE WHEN (SELECT json_extract(document, '$.AlarmRule')"
		    " FROM alarm WHERE name = ?1) IS NULL THEN 'MetricAlarm' ELSE 'CompositeAlarm' END)",
		    &statement, err) < 0)
		return -1;
	data = event->data ? json_dumps(event->data, JSON_COMPACT) : mem_strdup("{}");
	store_bind_str(statement, 1, name);
	store_bind_i64(statement, 2, clock_wall_ns() / 1000000);
	store_bind_str(statement, 3, str_from(event->type));
	store_bind_str(statement, 4, str_from(event->summary));
	store_bind_str(statement, 5, str_from(data));
	return store_step(statement, err);
}

static bool is_same_state(const json_t *there, const json_t *expected)
{
	static const char *const members[] = {
		"StateValue", "StateUpdatedTimestamp", "AlarmConfigurationUpdatedTimestamp"};

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		if (!json_equal(json_object_get(there, members[i]),
			    json_object_get(expected, members[i])))
			return false;
	}
	return true;
}

static int put_alarm(struct store_connection *writer, const json_t *alarm, const json_t *expected,
	const struct store_alarm_event *event, bool *ret_written, struct err *err)
{
	struct str name = alarm_name(alarm);
	_cleanup_free_ char *text = NULL;
	sqlite3_stmt *statement;
	json_t *there = NULL;

	*ret_written = false;
	if (expected) {
		if (read_column(writer, SELECT_DOCUMENT, name, &there, err) < 0)
			return -1;
		bool is_same = there && is_same_state(there, expected);
		json_decref(there);
		if (!is_same)
			return 0;
	}
	if (store_statement(writer,
		    "INSERT INTO alarm (name, document) VALUES (?, ?)"
		    " ON CONFLICT (name) DO UPDATE SET document = excluded.document",
		    &statement, err) < 0)
		return -1;
	text = json_dumps(alarm, JSON_COMPACT);
	store_bind_str(statement, 1, name);
	store_bind_str(statement, 2, str_from(text));
	if (store_step(statement, err) < 0)
		return -1;
	*ret_written = true;
	return add_history(writer, name, event, err);
}

int store_alarm_put(struct store_metrics *metrics, const json_t *alarm,
	const json_t *expected_state, const struct store_alarm_event *event, bool *ret_written,
	struct err *err)
{
	struct store_connection *writer;

	if (store_write_begin(metrics->database, &writer, err) < 0)
		return -1;
	return store_write_end(
		writer, put_alarm(writer, alarm, expected_state, event, ret_written, err), err);
}

int store_alarm_tell(struct store_metrics *metrics, struct str name,
	const struct store_alarm_event *event, struct err *err)
{
	struct store_connection *writer;

	if (store_write_begin(metrics->database, &writer, err) < 0)
		return -1;
	return store_write_end(writer, add_history(writer, name, event, err), err);
}

static int delete_alarms(struct store_connection *writer, const json_t *names, struct err *err)
{
	sqlite3_stmt *statement;
	size_t i;
	json_t *name;

	json_array_foreach(names, i, name)
	{
		struct str text = str_from(json_string_value(name));
		if (store_statement(writer, "SELECT 1 FROM alarm WHERE name = ?", &statement, err) <
			0)
			return -1;
		store_bind_str(statement, 1, text);
		int found = store_step(statement, err);
		sqlite3_reset(statement);
		if (found < 0)
			return -1;
		if (!found)
			continue;
		/* Told first, while it is known what it was. */
		const struct store_alarm_event event = {
			"ConfigurationUpdate", "Alarm deleted", NULL};
		if (add_history(writer, text, &event, err) < 0 ||
			store_statement(
				writer, "DELETE FROM alarm WHERE name = ?", &statement, err) < 0)
			return -1;
		store_bind_str(statement, 1, text);
		if (store_step(statement, err) < 0)
			return -1;
	}
	return 0;
}

int store_alarms_delete(struct store_metrics *metrics, const json_t *names, struct err *err)
{
	struct store_connection *writer;

	if (store_write_begin(metrics->database, &writer, err) < 0)
		return -1;
	return store_write_end(writer, delete_alarms(writer, names, err), err);
}

static int read_history(sqlite3_stmt *statement, json_t *items, struct err *err)
{
	int result;

	while ((result = store_step(statement, err)) > 0) {
		struct str name = store_column_str(statement, 1);
		struct str type = store_column_str(statement, 3);
		struct str summary = store_column_str(statement, 4);
		struct str data = store_column_str(statement, 5);
		struct str kind = store_column_str(statement, 6);
		json_array_append_new(
			items, json_pack("{s:I, s:s%, s:s%, s:I, s:s%, s:s%, s:s%}", "id",
				       (json_int_t)store_column_i64(statement, 0), "AlarmName",
				       name.p, name.n, "AlarmType", kind.p, kind.n, "Timestamp",
				       (json_int_t)store_column_i64(statement, 2),
				       "HistoryItemType", type.p, type.n, "HistorySummary",
				       summary.p, summary.n, "HistoryData", data.p, data.n));
	}
	return result;
}

int store_alarm_history(struct store_metrics *metrics, struct str name, struct str alarm_type,
	struct str type, int64_t from_ms, int64_t to_ms, bool ascending, int64_t after,
	size_t limit, json_t **ret_items, struct err *err)
{
	struct store_connection *reader;
	sqlite3_stmt *statement;
	json_t *items = json_array();

	if (store_read_begin(metrics->database, &reader, err) < 0) {
		json_decref(items);
		return -1;
	}
	/* Ids grow with time. */
	int result = store_statement(reader,
		ascending
			? "SELECT id, name, time_ms, type, summary, data, alarm_type FROM alarm_history"
			  " WHERE (?1 = '' OR name = ?1) AND (?2 = '' OR type = ?2) AND time_ms >= ?3"
			  " AND time_ms <= ?4 AND (?5 = 0 OR id > ?5) AND (?7 = '' OR alarm_type = ?7) ORDER BY id LIMIT ?6"
			: "SELECT id, name, time_ms, type, summary, data, alarm_type FROM alarm_history"
			  " WHERE (?1 = '' OR name = ?1) AND (?2 = '' OR type = ?2) AND time_ms >= ?3"
			  " AND time_ms <= ?4 AND (?5 = 0 OR id < ?5) AND (?7 = '' OR alarm_type = ?7) ORDER BY id DESC LIMIT ?6",
		&statement, err);
	if (result == 0) {
		store_bind_str(statement, 1, name.p ? name : STR(""));
		store_bind_str(statement, 2, type.p ? type : STR(""));
		store_bind_i64(statement, 3, from_ms);
		store_bind_i64(statement, 4, to_ms);
		store_bind_i64(statement, 5, after);
		store_bind_i64(statement, 6, (int64_t)limit);
		store_bind_str(statement, 7, alarm_type);
		result = read_history(statement, items, err);
	}
	store_read_end(reader);
	if (result < 0) {
		json_decref(items);
		return -1;
	}
	*ret_items = items;
	return 0;
}

/* ---- tags ---- */

int store_alarm_tags(
	struct store_metrics *metrics, struct str name, json_t **ret_tags, struct err *err)
{
	struct store_connection *reader;

	*ret_tags = NULL;
	if (store_read_begin(metrics->database, &reader, err) < 0)
		return -1;
	int result = read_column(reader, SELECT_TAGS, name, ret_tags, err);
	store_read_end(reader);
	return result;
}

static int change_tags(struct store_connection *writer, struct str name, const json_t *set,
	const json_t *remove, struct err *err)
{
	sqlite3_stmt *statement;
	json_t *tags;
	json_t *key;
	size_t i;

	if (read_column(writer, SELECT_TAGS, name, &tags, err) < 0)
		return -1;
	if (!tags)
		return 0;
	if (set)
		json_object_update(tags, (json_t *)set);
	json_array_foreach(remove, i, key) json_object_del(tags, json_string_value(key));
	_cleanup_free_ char *text = json_dumps(tags, JSON_COMPACT);
	json_decref(tags);
	if (store_statement(writer, "UPDATE alarm SET tags = ? WHERE name = ?", &statement, err) <
		0)
		return -1;
	store_bind_str(statement, 1, str_from(text));
	store_bind_str(statement, 2, name);
	return store_step(statement, err);
}

int store_alarm_tag(struct store_metrics *metrics, struct str name, const json_t *set,
	const json_t *remove, struct err *err)
{
	struct store_connection *writer;

	if (store_write_begin(metrics->database, &writer, err) < 0)
		return -1;
	return store_write_end(writer, change_tags(writer, name, set, remove, err), err);
}
