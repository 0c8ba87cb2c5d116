/* Queries that a Trino cluster runs, by its REST protocol (Trino documentation, "Client protocol"):
 * a POST of the statement, then GETs of what each answer names as next, which bring rows, until one
 * names none. A GET waits at the cluster for a tenth of a second at most, so that a cancellation is
 * seen soon; it is a DELETE. The cluster reads with its own key: whether the caller may read the
 * tables is asked here before it hears of the statement. */
#include "api/athena/trino_priv.h"

#include "aws/client.h"

#include <stdio.h>

enum { FLUSH_BYTES = 1 << 20, ANSWER_MAX = 256 << 20, STALL_MS = 60000 };

struct asking {
	struct athena *athena;
	struct execution *execution;
	struct athena_engine *engine;
	struct athena_failure *failure;
	struct aws_client *client;
	json_t *columns; /* Trino's, once they are known */
	json_t *infos;   /* as ColumnInfo */
	struct buf next; /* path of the next answer; empty: there is none */
	struct buf csv;
	struct store_draft *draft;
	bool is_plan;
};

bool athena_trino_runs(const struct athena *athena, const struct execution *execution)
{
	bool is_io = str_equal(athena_text(execution->ddl.what, "type"), STR("io"));

	return athena->settings.trino.url &&
	       (execution->ddl.kind == DDL_SELECT ||
		       (execution->ddl.kind == DDL_EXPLAIN && !is_io));
}

static bool is_stopped(const struct asking *asking)
{
	pthread_mutex_lock(&asking->athena->lock);
	bool stopped = asking->execution->is_stopped || asking->athena->is_stopping;
	pthread_mutex_unlock(&asking->athena->lock);
	return stopped;
}

static const struct athena_trino *settings_of(const struct asking *asking)
{
	return &asking->athena->settings.trino;
}

/* One exchange; *ret_answer is NULL where nothing came back, as of a DELETE. */
static int send(const struct asking *asking, const char *method, struct str path, struct str body,
	json_t **ret_answer)
{
	const struct athena_trino *trino = settings_of(asking);
	const char *database = asking->execution->database;
	bool is_default = strcmp(database, "default") == 0 && trino->schema;
	const struct aws_header headers[] = {
		{STR("X-Trino-User"), str_from(trino->user ? trino->user : "nagare")},
		{STR("X-Trino-Source"), STR("nagare")},
		{STR("X-Trino-Client-Info"), str_from(asking->execution->id)},
		{STR("X-Trino-Catalog"),
			str_from(trino->catalog ? trino->catalog : "awsdatacatalog")},
		{STR("X-Trino-Schema"), str_from(is_default ? trino->schema : database)},
		{STR("X-Trino-Time-Zone"), STR("UTC")},
	};
	const char *question = memchr(path.p, '?', path.n);
	struct str query = STR("");
	struct aws_answer answer;
	struct err err = ERR_INIT;

	if (question) {
		query = (struct str){question + 1, (size_t)(path.p + path.n - question - 1)};
		path.n = (size_t)(question - path.p);
	}
	const struct aws_call call = {.service = "trino",
		.method = method,
		.path = path,
		.query = query,
		.headers = headers,
		.header_count = ARRAY_SIZE(headers),
		.body = body,
		.is_idempotent = strcmp(method, "POST") != 0,
		.answer_max = ANSWER_MAX};
	*ret_answer = NULL;
	int r = aws_client_call(asking->client, &call, &answer, &err);
	if (r == 0)
		*ret_answer = json_loadb(answer.body.p, answer.body.n, JSON_ALLOW_NUL, NULL);
	aws_answer_done(&answer);
	return r < 0 ? athena_fail(asking->failure, "GENERIC_INTERNAL_ERROR",
			       "the Trino cluster: %s", err.message)
		     : 0;
}

/* The path of a URI of the cluster's, whatever name it has for itself. */
static void take_next(struct asking *asking, struct str uri)
{
	const char *host = uri.n ? memmem(uri.p, uri.n, "://", 3) : NULL;
	const char *path = host ? memchr(host + 3, '/', (size_t)(uri.p + uri.n - host - 3)) : NULL;

	asking->next.n = 0;
	if (path)
		buf_printf(&asking->next, "%.*s?maxWait=100ms", (int)(uri.p + uri.n - path), path);
}

static int check_error(const struct asking *asking, const json_t *answer)
{
	const json_t *error = json_object_get(answer, "error");
	const json_t *stats = json_object_get(answer, "stats");
	json_int_t bytes = json_integer_value(json_object_get(stats, "physicalInputBytes"));
	uint64_t limit = asking->execution->scan_limit;
	struct str name = athena_text(error, "errorName");

	athena_set_scanned(asking->engine, (uint64_t)bytes);
	if (limit && (uint64_t)bytes > limit)
		return athena_fail(asking->failure, "", "Bytes scanned limit was exceeded");
	if (!error)
		return 0;
	_cleanup_free_ char *text = mem_printf("%.*s", STR_ARG(name));
	return athena_fail(asking->failure, name.n ? text : "GENERIC_INTERNAL_ERROR", "%.*s",
		STR_ARG(athena_text(error, "message")));
}

static int flush(struct asking *asking)
{
	struct aws_error error;
	struct err err = ERR_INIT;

	if (store_draft_add(asking->draft, buf_str(&asking->csv), &error, &err) < 0)
		return athena_fail_aws(asking->failure, &error);
	asking->csv.n = 0;
	return 0;
}

static void take_columns(struct asking *asking, const json_t *columns)
{
	asking->columns = json_incref((json_t *)columns);
	asking->infos = json_array();
	for (size_t i = 0; i < json_array_size(columns); i++) {
		const json_t *column = json_array_get(columns, i);
		json_array_append_new(asking->infos, athena_trino_column(column));
		if (asking->is_plan)
			continue;
		buf_add_text(&asking->csv, i ? "," : "");
		athena_add_csv(&asking->csv, athena_text(column, "name"));
	}
	if (!asking->is_plan)
		buf_add_char(&asking->csv, '\n');
}

static int take_rows(struct asking *asking, const json_t *answer)
{
	const json_t *rows = json_object_get(answer, "data");
	const json_t *columns = json_object_get(answer, "columns");

	if (columns && !asking->columns)
		take_columns(asking, columns);
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		for (size_t j = 0; j < json_array_size(row) && !asking->is_plan; j++) {
			buf_add_text(&asking->csv, j ? "," : "");
			athena_trino_add_field(&asking->csv, json_array_get(row, j),
				athena_text(json_array_get(asking->columns, j), "type"));
		}
		if (asking->is_plan)
			buf_add_text(&asking->csv, json_string_value(json_array_get(row, 0)));
		buf_add_char(&asking->csv, '\n');
		if (!asking->is_plan && asking->csv.n >= FLUSH_BYTES && flush(asking) < 0)
			return -1;
	}
	return 0;
}

static int take_answer(struct asking *asking, const json_t *answer)
{
	if (!json_is_object(answer))
		return athena_fail(asking->failure, "GENERIC_INTERNAL_ERROR",
			"the Trino cluster's answer is none of its protocol");
	take_next(asking, athena_text(answer, "nextUri"));
	if (check_error(asking, answer) < 0)
		return -1;
	return take_rows(asking, answer);
}

/* The cluster forgets it; what it says to that matters to nobody. */
static void cancel(const struct asking *asking)
{
	struct athena_failure ignored;
	struct asking ending = *asking;
	json_t *answer;

	ending.failure = &ignored;
	if (asking->next.n)
		send(&ending, "DELETE", buf_str(&asking->next), STR(""), &answer);
	else
		return;
	json_decref(answer);
}

static int ask(struct asking *asking, struct str statement)
{
	json_t *answer = NULL;
	int r = send(asking, "POST", STR("/v1/statement"), statement, &answer);

	if (r == 0)
		r = take_answer(asking, answer);
	json_decref(answer);
	while (r == 0 && asking->next.n) {
		if (is_stopped(asking)) {
			r = athena_fail(asking->failure, "", "Query cancelled by user");
			break;
		}
		r = send(asking, "GET", buf_str(&asking->next), STR(""), &answer);
		if (r == 0)
			r = take_answer(asking, answer);
		json_decref(answer);
	}
	if (r < 0)
		cancel(asking);
	return r;
}

/* EXPLAIN (TYPE ..., FORMAT ...) or EXPLAIN ANALYZE, or nothing. */
static void add_explain(struct buf *text, const struct ddl *ddl)
{
	const char *separator = "(", *key;
	json_t *value;

	if (ddl->kind != DDL_EXPLAIN)
		return;
	buf_add_text(text, "EXPLAIN ");
	if (json_is_true(json_object_get(ddl->what, "ANALYZE"))) {
		buf_add_text(text, "ANALYZE ");
		return;
	}
	json_object_foreach(ddl->what, key, value)
	{
		buf_printf(text, "%s%s %s", separator, key, json_string_value(value));
		separator = ", ";
	}
	if (*separator == ',')
		buf_add_text(text, ") ");
}

static int put(struct asking *asking)
{
	struct str output =
		athena_text(json_object_get(json_object_get(asking->execution->kept, "Execution"),
				    "ResultConfiguration"),
			"OutputLocation");
	_cleanup_buf_ struct buf plan = {0};

	if (asking->is_plan) {
		buf_printf(&plan, "Query Plan\n%.*s", STR_ARG(str_trim(buf_str(&asking->csv))));
		while (plan.n && plan.p[plan.n - 1] == '\n')
			plan.n--;
		if (athena_put_object(asking->athena, asking->execution, output, buf_str(&plan),
			    asking->failure) < 0)
			return -1;
	} else if (flush(asking) < 0 || athena_put_draft(asking->athena, asking->execution, output,
						asking->draft, asking->failure) < 0) {
		return -1;
	}
	return athena_put_metadata(
		asking->athena, asking->execution, output, asking->infos, asking->failure);
}

/* May the caller read what the statement names, and does it name tables of the catalog only? */
static int check_tables(const struct asking *asking)
{
	struct source source = {asking->athena, asking->execution};
	const struct athena_query query = {.text = str_from(asking->execution->sql),
		.database = str_from(asking->execution->database),
		.source = athena_source_of(&source)};

	return athena_check_tables(asking->engine, &query, asking->failure);
}

static int run(struct asking *asking)
{
	const struct aws_client_settings settings = {.region = "us-east-1",
		.endpoint = settings_of(asking)->url,
		.is_anonymous = true,
		.stall_ms = STALL_MS};
	_cleanup_buf_ struct buf statement = {0};
	struct aws_error error;
	struct err err = ERR_INIT;

	if (check_tables(asking) < 0)
		return -1;
	if (aws_client_new(&asking->client, &settings, &err) < 0)
		return athena_fail(asking->failure, "GENERIC_INTERNAL_ERROR", "%s", err.message);
	if (store_draft_new(asking->athena->settings.objects, &asking->draft, -1, &error, &err) < 0)
		return athena_fail_aws(asking->failure, &error);
	add_explain(&statement, &asking->execution->ddl);
	buf_add_text(&statement, asking->execution->sql);
	if (ask(asking, buf_str(&statement)) < 0)
		return -1;
	return put(asking);
}

int athena_trino_execute(struct athena *athena, struct execution *execution,
	struct athena_engine *engine, struct athena_failure *failure)
{
	struct asking asking = {.athena = athena,
		.execution = execution,
		.engine = engine,
		.failure = failure,
		.is_plan = execution->ddl.kind == DDL_EXPLAIN};

	int r = run(&asking);
	if (asking.infos) {
		pthread_mutex_lock(&athena->lock);
		json_object_set(execution->kept, "Columns", asking.infos);
		pthread_mutex_unlock(&athena->lock);
	}
	aws_client_free(asking.client);
	store_draft_free(asking.draft);
	json_decref(asking.columns);
	json_decref(asking.infos);
	buf_done(&asking.next);
	buf_done(&asking.csv);
	return r;
}
