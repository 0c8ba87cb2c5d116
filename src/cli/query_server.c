#include "cli/query_server.h"

#include "base/clock.h"
#include "query/cells.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	WAIT_FIRST_MS = 5,
	WAIT_LAST_MS = 250,
	SHOW_AFTER_MS = 400, /* what is over sooner shows nothing */
};

struct query_server {
	struct cli_remote *remote;
	volatile sig_atomic_t is_interrupted;
};

struct query_server *query_server_new(struct cli_remote *remote)
{
	struct query_server *server = mem_new(1, sizeof(*server));

	server->remote = remote;
	return server;
}

void query_server_free(struct query_server *server)
{
	free(server);
}

void query_server_interrupt(struct query_server *server)
{
	server->is_interrupted = 1;
}

static int call(struct query_server *server, const char *operation, json_t *input,
	json_t **ret_answer, struct err *err)
{
	const struct cli_remote_json call = {.service = "athena",
		.target = "AmazonAthena",
		.operation = operation,
		.is_idempotent = strcmp(operation, "StartQueryExecution") != 0};

	int r = cli_remote_call_json(server->remote, &call, input, ret_answer, err);
	if (r < 0 && err && strcmp(server->remote->code, "InvalidRequestException") == 0)
		err->code = ERR_USAGE;
	return r;
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

/* ---- waiting ---- */

static void show(const json_t *execution, int64_t since_ns)
{
	const json_t *scanned =
		json_object_get(json_object_get(execution, "Statistics"), "DataScannedInBytes");
	const char *state = text_of(json_object_get(execution, "Status"), "State");

	fprintf(stderr, "\r\033[K%s: %.1f MB read, %.0f s",
		strcmp(state, "QUEUED") == 0 ? "waiting" : "running",
		(double)json_integer_value(scanned) / 1e6,
		(double)(clock_mono_ns() - since_ns) / CLOCK_NS_PER_SECOND);
}

/* The execution in its last state. Ctrl-C asks for its end once, and goes on waiting for that. */
static int wait_for_end(
	struct query_server *server, const char *id, json_t **ret_execution, struct err *err)
{
	int64_t since_ns = clock_mono_ns();
	bool is_shown = false, is_told = false;
	unsigned pause_ms = WAIT_FIRST_MS;
	int r = 0;

	while (r == 0) {
		json_t *answer = NULL;
		if (server->is_interrupted && !is_told) {
			is_told = true;
			r = call(server, "StopQueryExecution",
				json_pack("{s:s}", "QueryExecutionId", id), &answer, err);
			json_decref(take(answer));
			if (r < 0)
				break;
		}
		r = call(server, "GetQueryExecution", json_pack("{s:s}", "QueryExecutionId", id),
			&answer, err);
		json_t *execution = json_incref(json_object_get(answer, "QueryExecution"));
		json_decref(answer);
		const char *state = text_of(json_object_get(execution, "Status"), "State");
		if (r == 0 && strcmp(state, "QUEUED") != 0 && strcmp(state, "RUNNING") != 0) {
			*ret_execution = execution;
			break;
		}
		if (cli_is_terminal(STDERR_FILENO) &&
			clock_mono_ns() - since_ns > SHOW_AFTER_MS * INT64_C(1000000)) {
			show(execution, since_ns);
			is_shown = true;
		}
		json_decref(execution);
		const struct timespec moment = {.tv_nsec = pause_ms * 1000000L};
		nanosleep(&moment, NULL);
		pause_ms = 2 * pause_ms < WAIT_LAST_MS ? 2 * pause_ms : WAIT_LAST_MS;
	}
	if (is_shown)
		fprintf(stderr, "\r\033[K");
	return r;
}

static int check_end(const json_t *execution, struct err *err)
{
	const json_t *status = json_object_get(execution, "Status");
	const json_t *category =
		json_object_get(json_object_get(status, "AthenaError"), "ErrorCategory");

	if (strcmp(text_of(status, "State"), "SUCCEEDED") == 0)
		return 0;
	const char *reason = text_of(status, "StateChangeReason");
	if (strncmp(reason, "PERMISSION_DENIED", 17) == 0)
		return err_set(err, ERR_PERMISSION, "%s", reason);
	/* 2: the user's */
	return err_set(
		err, json_integer_value(category) == 2 ? ERR_USAGE : ERR_SYSTEM, "%s", reason);
}

/* ---- rows ---- */

struct rows {
	struct query_cells *cells;
	json_t *columns;
	int64_t count;
	bool is_first;
};

static int open_cells(struct rows *rows, struct err *err)
{
	size_t count = json_array_size(rows->columns);
	_cleanup_free_ struct query_cells_column *columns = mem_new(count + 1, sizeof(*columns));

	for (size_t i = 0; i < count; i++) {
		const json_t *info = json_array_get(rows->columns, i);
		columns[i] = (struct query_cells_column){.name = text_of(info, "Name"),
			.type = text_of(info, "Type"),
			.precision = (int)json_integer_value(json_object_get(info, "Precision")),
			.scale = (int)json_integer_value(json_object_get(info, "Scale"))};
	}
	return query_cells_new(&rows->cells, columns, count, err);
}

/* Results of SELECT begin with their columns' names. */
static bool is_header(const struct rows *rows, const json_t *data)
{
	for (size_t i = 0; i < json_array_size(rows->columns); i++) {
		if (strcmp(text_of(json_array_get(data, i), "VarCharValue"),
			    text_of(json_array_get(rows->columns, i), "Name")) != 0)
			return false;
	}
	return true;
}

/* Rows of DESCRIBE are one text with tabs between columns that spaces fill. */
static void split_cell(struct str *cells, size_t count)
{
	struct str rest = cells[0], part;

	for (size_t i = 0; i < count; i++)
		cells[i] = str_split(&rest, '\t', &part) ? str_trim(part) : STR("");
}

static int add_page(struct rows *rows, const json_t *page, bool has_header, struct err *err)
{
	size_t count = json_array_size(rows->columns);
	_cleanup_free_ struct str *cells = mem_new(count + 1, sizeof(*cells));
	const json_t *list = json_object_get(page, "Rows");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *data = json_object_get(json_array_get(list, i), "Data");
		bool skip = rows->is_first && has_header && is_header(rows, data);
		rows->is_first = false;
		if (skip)
			continue;
		for (size_t j = 0; j < count; j++) {
			const json_t *text =
				json_object_get(json_array_get(data, j), "VarCharValue");
			cells[j] = (struct str){json_string_value(text), json_string_length(text)};
		}
		if (json_array_size(data) == 1 && count > 1 && cells[0].p)
			split_cell(cells, count);
		if (query_cells_add(rows->cells, cells, err) < 0)
			return -1;
		rows->count++;
	}
	return 0;
}

static int read_pages(struct query_server *server, const char *id, bool has_header,
	struct rows *rows, struct err *err)
{
	json_t *token = NULL, *answer = NULL;
	int r = 0;

	do {
		json_t *input =
			json_pack("{s:s, s:O*}", "QueryExecutionId", id, "NextToken", token);
		json_decref(take(token));
		r = call(server, "GetQueryResults", input, &answer, err);
		if (r < 0)
			break;
		const json_t *page = json_object_get(answer, "ResultSet");
		if (!rows->columns) {
			rows->columns = json_incref(json_object_get(
				json_object_get(page, "ResultSetMetadata"), "ColumnInfo"));
			if (json_array_size(rows->columns) > 0)
				r = open_cells(rows, err);
		}
		if (r == 0 && rows->cells)
			r = add_page(rows, page, has_header, err);
		token = json_incref(json_object_get(answer, "NextToken"));
		json_decref(answer);
		if (r == 0 && server->is_interrupted)
			r = QUERY_INTERRUPTED;
	} while (r == 0 && token);
	json_decref(token);
	return r;
}

static int print_cells(struct query_cells *cells, enum query_output output, bool is_plan,
	unsigned terminal_columns, struct err *err)
{
	_cleanup_(query_result_freep) struct query_result *result = NULL;
	int r = query_cells_result(cells, output, is_plan, &result, err);

	fflush(stdout);
	return r == 0 ? query_result_print(result, terminal_columns, STDOUT_FILENO, err) : r;
}

static void rows_done(struct rows *rows)
{
	query_cells_free(rows->cells);
	json_decref(rows->columns);
}

static int print_rows(struct query_server *server, const struct query_server_request *request,
	const json_t *execution, int64_t *ret_count, struct err *err)
{
	_cleanup_(rows_done) struct rows rows = {.is_first = true};
	bool is_dml = strcmp(text_of(execution, "StatementType"), "DML") == 0;
	bool is_plan = strcmp(text_of(execution, "SubstatementType"), "EXPLAIN") == 0;

	int r = read_pages(server, text_of(execution, "QueryExecutionId"), is_dml, &rows, err);
	if (r != 0)
		return r;
	*ret_count = rows.cells ? rows.count : -1;
	return rows.cells ? print_cells(rows.cells, request->output, is_plan,
				    request->terminal_columns, err)
			  : 0;
}

/* ---- cost ---- */

int query_cost_print(const struct query_cost *cost, enum query_output output,
	unsigned terminal_columns, struct err *err)
{
	static const struct query_cells_column columns[] = {{"objects", "bigint", 0, 0},
		{"pruned", "bigint", 0, 0}, {"bytes", "bigint", 0, 0},
		{"charged_bytes", "bigint", 0, 0}, {"dollars", "decimal", 18, 7}};
	_cleanup_(query_cells_freep) struct query_cells *cells = NULL;
	char texts[ARRAY_SIZE(columns)][32];
	struct str row[ARRAY_SIZE(columns)];

	snprintf(texts[0], sizeof(texts[0]), "%" PRIu64, cost->objects);
	snprintf(texts[1], sizeof(texts[1]), "%" PRIu64, cost->pruned);
	snprintf(texts[2], sizeof(texts[2]), "%" PRIu64, cost->bytes);
	snprintf(texts[3], sizeof(texts[3]), "%" PRIu64, query_cost_charged(cost->bytes));
	snprintf(texts[4], sizeof(texts[4]), "%.7f", query_cost_dollars(cost->bytes));
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		row[i] = str_from(texts[i]);
	if (query_cells_new(&cells, columns, ARRAY_SIZE(columns), err) < 0 ||
		query_cells_add(cells, row, err) < 0)
		return -1;
	return print_cells(cells, output, false, terminal_columns, err);
}

/* The document of EXPLAIN (TYPE IO), in lines. */
static int read_plan(
	struct query_server *server, const char *id, json_t **ret_plan, struct err *err)
{
	_cleanup_buf_ struct buf text = {0};
	json_t *answer = NULL;

	if (call(server, "GetQueryResults", json_pack("{s:s}", "QueryExecutionId", id), &answer,
		    err) < 0)
		return -1;
	const json_t *rows = json_object_get(json_object_get(answer, "ResultSet"), "Rows");
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *data = json_object_get(json_array_get(rows, i), "Data");
		const char *line = text_of(json_array_get(data, 0), "VarCharValue");
		if (i > 0 || line[0] == '{')
			buf_printf(&text, "%s\n", line);
	}
	json_decref(answer);
	*ret_plan = json_loadb(text.p, text.n, 0, NULL);
	return *ret_plan ? 0
			 : err_set(err, ERR_INPUT,
				   "the answer to EXPLAIN (TYPE IO, FORMAT JSON) is no JSON");
}

static int print_cost(struct query_server *server, const struct query_server_request *request,
	const char *id, struct err *err)
{
	struct query_cost cost = {0};
	json_t *plan = NULL;

	if (read_plan(server, id, &plan, err) < 0)
		return -1;
	const json_t *tables = json_object_get(plan, "inputTableColumnInfos");
	bool is_known = true;
	for (size_t i = 0; i < json_array_size(tables); i++) {
		const json_t *table = json_array_get(tables, i);
		const json_t *bytes = json_object_get(table, "bytes");
		is_known = is_known && json_is_integer(bytes);
		cost.bytes += (uint64_t)json_integer_value(bytes);
		cost.objects += (uint64_t)json_integer_value(json_object_get(table, "objects"));
		cost.pruned +=
			(uint64_t)json_integer_value(json_object_get(table, "partitionsPruned"));
	}
	json_decref(plan);
	if (!is_known)
		return err_set(err, ERR_UNSUPPORTED,
			"this server does not say what a statement would read");
	return query_cost_print(&cost, request->output, request->terminal_columns, err);
}

/* ---- a statement ---- */

static int print(struct query_server *server, const struct query_server_request *request,
	const json_t *execution, struct query_server_summary *ret_summary, struct err *err)
{
	const json_t *statistics = json_object_get(execution, "Statistics");
	struct query_server_summary summary = {.rows = 1,
		.scanned_bytes = (uint64_t)json_integer_value(
			json_object_get(statistics, "DataScannedInBytes"))};
	int r = check_end(execution, err);

	if (r == 0 && request->is_cost)
		r = print_cost(server, request, text_of(execution, "QueryExecutionId"), err);
	else if (r == 0)
		r = print_rows(server, request, execution, &summary.rows, err);
	*ret_summary = summary;
	return r;
}

int query_server_run(struct query_server *server, const struct query_server_request *request,
	struct query_server_summary *ret_summary, struct err *err)
{
	struct str text = request->statement;
	_cleanup_buf_ struct buf sql = {0};
	json_t *started = NULL, *execution = NULL;

	while (text.n && strchr("; \t\r\n", text.p[text.n - 1]))
		text.n--;
	buf_printf(&sql, "%s%.*s", request->is_cost ? "EXPLAIN (TYPE IO, FORMAT JSON) " : "",
		STR_ARG(text));
	server->is_interrupted = 0;
	if (call(server, "StartQueryExecution", json_pack("{s:s%}", "QueryString", sql.p, sql.n),
		    &started, err) < 0)
		return -1;
	int r = wait_for_end(server, text_of(started, "QueryExecutionId"), &execution, err);
	if (r == 0 && server->is_interrupted)
		r = QUERY_INTERRUPTED;
	if (r == 0)
		r = print(server, request, execution, ret_summary, err);
	json_decref(started);
	json_decref(execution);
	return r;
}
