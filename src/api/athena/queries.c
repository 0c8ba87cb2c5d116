/* StartQueryExecution and what tells of queries. A text that does not parse is refused at once; all
 * else is found out when it runs. */
#include "api/athena/athena_priv.h"

#include "api/server.h"
#include "base/clock.h"

#include <stdio.h>

/* ---- parameters ---- */

/* Is it an expression that names no column? Else it is text. */
static void add_parameter(struct athena *athena, struct buf *sql, struct str parameter)
{
	_cleanup_buf_ struct buf probe = {0};
	struct athena_failure failure;

	buf_printf(&probe, "SELECT (%.*s\n)", STR_ARG(parameter));
	bool bare_word = parameter.n > 0;
	for (size_t i = 0; i < parameter.n; i++)
		bare_word &= strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.\" ",
				     parameter.p[i]) != NULL;
	bare_word &= !str_equal_ignoring_case(parameter, STR("true")) &&
		     !str_equal_ignoring_case(parameter, STR("false")) &&
		     !str_equal_ignoring_case(parameter, STR("null")) &&
		     !str_equal_ignoring_case(parameter, STR("current_date")) &&
		     !str_equal_ignoring_case(parameter, STR("current_timestamp"));
	if (!bare_word && parameter.n &&
		athena_check(athena->checker, buf_str(&probe), &failure) == 0) {
		buf_printf(sql, "(%.*s)", STR_ARG(parameter));
		return;
	}
	buf_add_char(sql, '\'');
	for (size_t i = 0; i < parameter.n; i++) {
		if (parameter.p[i] == '\'')
			buf_add_char(sql, '\'');
		buf_add_char(sql, parameter.p[i]);
	}
	buf_add_char(sql, '\'');
}

/* The text with a parameter for each ? outside of quotes and comments. False: too few. */
static bool add_parameters(
	struct athena *athena, struct str text, const json_t *parameters, struct buf *sql)
{
	size_t used = 0;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (c == '\'' || c == '"') {
			const char *end =
				i + 1 < text.n ? memchr(text.p + i + 1, c, text.n - i - 1) : NULL;
			size_t n = end ? (size_t)(end - text.p) - i + 1 : text.n - i;
			buf_add(sql, text.p + i, n);
			i += n - 1;
		} else if (c == '-' && i + 1 < text.n && text.p[i + 1] == '-') {
			const char *end = memchr(text.p + i, '\n', text.n - i);
			size_t n = end ? (size_t)(end - text.p) - i : text.n - i;
			buf_add(sql, text.p + i, n);
			i += n - 1;
		} else if (c == '?') {
			if (used >= json_array_size(parameters))
				return false;
			const json_t *value = json_array_get(parameters, used++);
			add_parameter(athena, sql,
				(struct str){json_string_value(value), json_string_length(value)});
		} else {
			buf_add_char(sql, c);
		}
	}
	return true;
}

/* ---- start ---- */

static int refuse_text(struct aws_error *error, const char *message)
{
	return athena_refuse(error, "MALFORMED_QUERY", "%s", message);
}

/* EXECUTE stands for the statement that was prepared. */
static int use_prepared(struct api_call *call, struct execution *execution, struct str group,
	json_t **ret_parameters, struct aws_error *error)
{
	struct athena *athena = athena_of(call);
	json_t *prepared = NULL;
	struct err err = ERR_INIT;

	if (store_queries_get(athena->settings.queries, STORE_PREPARED, group,
		    str_from(execution->ddl.name), &prepared, &call->exchange->err) < 0)
		return aws_error_internal(error);
	if (!prepared)
		return athena_refuse(error, "INVALID_INPUT",
			"PreparedStatement %s was not found in workGroup %.*s", execution->ddl.name,
			STR_ARG(group));
	struct str text = athena_text(prepared, "QueryStatement");
	*ret_parameters = json_incref(execution->ddl.what);
	ddl_done(&execution->ddl);
	free(execution->text);
	execution->text = mem_printf("%.*s", STR_ARG(text));
	json_decref(prepared);
	return ddl_parse(str_from(execution->text), &execution->ddl, &err) < 0
		       ? refuse_text(error, err.message)
		       : 0;
}

static int parse(struct api_call *call, struct execution *execution, struct str group,
	struct aws_error *error)
{
	struct athena *athena = athena_of(call);
	json_t *parameters = json_incref(json_object_get(call->input, "ExecutionParameters"));
	struct athena_failure failure;
	struct err err = ERR_INIT;
	_cleanup_buf_ struct buf sql = {0};
	int r = 0;

	if (ddl_parse(str_from(execution->text), &execution->ddl, &err) < 0)
		r = refuse_text(error, err.message);
	if (r == 0 && execution->ddl.kind == DDL_EXECUTE) {
		json_decref(parameters);
		parameters = NULL;
		r = use_prepared(call, execution, group, &parameters, error);
	}
	if (r == 0 && execution->ddl.query.p && execution->ddl.kind != DDL_PREPARE) {
		pthread_mutex_lock(&athena->check_lock);
		if (!add_parameters(athena, execution->ddl.query, parameters, &sql))
			r = athena_refuse(error, "INVALID_INPUT",
				"Incorrect number of parameters: more were expected than %zu",
				json_array_size(parameters));
		else if (athena_check(athena->checker, buf_str(&sql), &failure) < 0)
			r = refuse_text(error, strchr(failure.message, ':') + 2);
		pthread_mutex_unlock(&athena->check_lock);
		execution->sql = mem_printf("%.*s", STR_ARG(buf_str(&sql)));
	}
	json_decref(parameters);
	return r;
}

/* The object's name: s3://BUCKET/PREFIX/ID.csv. */
static int make_output(struct api_call *call, const json_t *group, struct execution *execution,
	struct buf *output, struct aws_error *error)
{
	struct athena *athena = athena_of(call);
	const json_t *configuration = json_object_get(group, "Configuration");
	struct str given =
		athena_text(json_object_get(call->input, "ResultConfiguration"), "OutputLocation");
	struct str groups = athena_text(
		json_object_get(configuration, "ResultConfiguration"), "OutputLocation");
	bool enforced =
		json_is_true(json_object_get(configuration, "EnforceWorkGroupConfiguration"));
	struct str chosen = groups.n && (enforced || !given.n) ? groups : given;
	const char *ending = execution->ddl.kind == DDL_SELECT ? ".csv"
			     : execution->sql && execution->ddl.kind != DDL_EXPLAIN &&
					     execution->ddl.kind != DDL_CREATE_VIEW
				     ? ""
				     : ".txt";
	struct str bucket, key;

	if (chosen.n) {
		if (!athena_split_location(chosen, &bucket, &key))
			return athena_refuse(
				error, "INVALID_INPUT", "outputLocation is not a valid S3 path.");
		buf_add_str(output, chosen);
	} else {
		struct aws_error ignored;
		struct err err = ERR_INIT;
		buf_printf(output, "nagare-athena-results-%.*s", STR_ARG(athena->settings.account));
		/* there already is as good */
		store_bucket_create(athena->settings.objects, buf_str(output),
			athena->settings.region, athena->settings.account, &ignored, &err);
		output->n = 0;
		buf_printf(output, "s3://nagare-athena-results-%.*s/",
			STR_ARG(athena->settings.account));
	}
	/* awswrangler names the object itself */
	if (str_ends_with(chosen, STR(".csv")) && execution->ddl.kind == DDL_SELECT)
		return 0;
	if (!str_ends_with(buf_str(output), STR("/")))
		buf_add_char(output, '/');
	buf_printf(output, "%s%s%s", execution->ddl.kind == DDL_CREATE_TABLE_AS ? "tables/" : "",
		execution->id, ending);
	return 0;
}

static json_t *document_of(struct api_call *call, const struct execution *execution,
	struct str group, struct str output)
{
	json_t *context = json_pack(
		"{s:s, s:s}", "Catalog", "awsdatacatalog", "Database", execution->database);
	const char *engine = "Athena engine version 3";
	json_t *parameters = json_object_get(call->input, "ExecutionParameters");
	json_t *document = json_pack("{s:s, s:s, s:s, s:s, s:{s:o}, s:o, s:s%, s:{s:s, s:I}, "
				     "s:{s:s, s:s}, s:{s:{s:b}}}",
		"QueryExecutionId", execution->id, "Query", execution->text, "StatementType",
		ddl_type(execution->ddl.kind), "SubstatementType",
		ddl_substatement(execution->ddl.kind), "ResultConfiguration", "OutputLocation",
		athena_json(output), "QueryExecutionContext", context, "WorkGroup", group.p,
		group.n, "Status", "State", "QUEUED", "SubmissionDateTime",
		(json_int_t)athena_now_ms(), "EngineVersion", "SelectedEngineVersion", engine,
		"EffectiveEngineVersion", engine, "Statistics", "ResultReuseInformation",
		"ReusedPreviousResult", 0);

	json_t *reuse = json_object_get(call->input, "ResultReuseConfiguration");
	if (reuse)
		json_object_set(document, "ResultReuseConfiguration", reuse);
	else
		json_object_set_new(document, "ResultReuseConfiguration",
			json_pack("{s:{s:b}}", "ResultReuseByAgeConfiguration", "Enabled", 0));
	if (parameters)
		json_object_set(document, "ExecutionParameters", parameters);
	return document;
}

/* 1: the token was used for the same before. */
static int check_token(struct api_call *call, struct aws_error *error)
{
	struct athena *athena = athena_of(call);
	struct str token = athena_text(call->input, "ClientRequestToken");
	json_t *former = NULL;
	int r = 0;

	if (!token.p)
		return 0;
	if (store_queries_get(athena->settings.queries, STORE_EXECUTION_TOKEN, STR(""), token,
		    &former, &call->exchange->err) < 0)
		return aws_error_internal(error);
	if (former) {
		bool same =
			str_equal(athena_text(former, "Query"),
				athena_text(call->input, "QueryString")) &&
			str_equal(athena_text(former, "Database"),
				athena_text(json_object_get(call->input, "QueryExecutionContext"),
					"Database"));
		json_object_set(call->output, "QueryExecutionId",
			json_object_get(former, "QueryExecutionId"));
		r = same ? 1
			 : athena_refuse(error, "IDEMPOTENT_PARAMETER_MISMATCH",
				   "Idempotent parameters do not match");
	}
	json_decref(former);
	return r;
}

static int keep_token(struct api_call *call, const struct execution *execution)
{
	struct str token = athena_text(call->input, "ClientRequestToken");
	const json_t *context = json_object_get(call->input, "QueryExecutionContext");

	if (!token.p)
		return 0;
	json_t *document = json_pack("{s:s, s:O, s:I}", "QueryExecutionId", execution->id, "Query",
		json_object_get(call->input, "QueryString"), "Time", (json_int_t)athena_now_ms());
	if (athena_text(context, "Database").p)
		json_object_set(document, "Database", json_object_get(context, "Database"));
	int r = store_queries_put(athena_of(call)->settings.queries, STORE_EXECUTION_TOKEN, STR(""),
		token, document, &call->exchange->err);
	json_decref(document);
	return r;
}

static int start(struct api_call *call, struct execution *execution, const json_t *group,
	struct aws_error *error)
{
	struct athena *athena = athena_of(call);
	struct str name = athena_text(group, "Name");
	const json_t *cutoff = json_object_get(
		json_object_get(group, "Configuration"), "BytesScannedCutoffPerQuery");
	_cleanup_buf_ struct buf output = {0};

	athena_id(execution->id);
	if (parse(call, execution, name, error) < 0 ||
		make_output(call, group, execution, &output, error) < 0)
		return -1;
	execution->scan_limit = (uint64_t)json_integer_value(cutoff);
	execution->reuse_ms =
		athena_reuse_age(json_object_get(call->input, "ResultReuseConfiguration"));
	execution->queued_ns = clock_mono_ns();
	execution->kept = json_pack("{s:o, s:[], s:i}", "Execution",
		document_of(call, execution, name, buf_str(&output)), "Columns", "UpdateCount", 0);
	if (store_queries_put(athena->settings.queries, STORE_EXECUTION, name,
		    str_from(execution->id), execution->kept, &call->exchange->err) < 0 ||
		keep_token(call, execution) < 0)
		return aws_error_internal(error);
	json_object_set_new(call->output, "QueryExecutionId", json_string(execution->id));
	return 0;
}

/* awswrangler puts it into backquotes, and Athena takes that. */
static struct str without_quotes(struct str name)
{
	bool is_quoted = name.n > 2 && name.p[0] == '`' && name.p[name.n - 1] == '`';

	return is_quoted ? (struct str){name.p + 1, name.n - 2} : name;
}

static struct execution *new_execution(struct api_call *call)
{
	const json_t *context = json_object_get(call->input, "QueryExecutionContext");
	struct str database = without_quotes(athena_text(context, "Database"));
	struct str text = athena_text(call->input, "QueryString");
	struct execution *execution = mem_new(1, sizeof(*execution));

	execution->text = mem_printf("%.*s", STR_ARG(text));
	execution->database = database.n ? store_catalog_fold(database) : mem_strdup("default");
	execution->caller = store_caller_ref(call->exchange->caller);
	execution->peer = mem_strdup(call->exchange->peer);
	return execution;
}

ATHENA_HANDLER(athena_start_query)
{
	struct athena *athena = athena_of(call);
	struct str name = athena_text(call->input, "WorkGroup");

	int known = check_token(call, error);
	if (known != 0)
		return known < 0 ? -1 : 0;
	json_t *group = athena_workgroup(athena, name, &call->exchange->err);
	if (!group)
		return athena_refuse(error, "WORKGROUP_NOT_FOUND", "WorkGroup is not found.");
	int r = 0;
	if (str_equal(athena_text(group, "State"), STR("DISABLED")))
		r = athena_refuse(error, "INVALID_INPUT", "WorkGroup is disabled.");
	struct execution *execution = new_execution(call);
	if (r == 0)
		r = start(call, execution, group, error);
	json_decref(group);
	if (r < 0)
		execution_free(execution);
	else
		athena_enqueue(athena, execution);
	return r;
}

/* ---- look and stop ---- */

static int find(struct api_call *call, json_t **ret_kept, struct aws_error *error)
{
	struct str id = athena_text(call->input, "QueryExecutionId");

	*ret_kept = athena_kept(athena_of(call), id, &call->exchange->err);
	return *ret_kept ? 0
			 : athena_refuse(error, "QUERY_EXECUTION_NOT_FOUND",
				   "QueryExecution %.*s was not found", STR_ARG(id));
}

ATHENA_HANDLER(athena_get_query)
{
	json_t *kept;

	if (find(call, &kept, error) < 0)
		return -1;
	json_object_set(call->output, "QueryExecution", json_object_get(kept, "Execution"));
	json_decref(kept);
	return 0;
}

ATHENA_HANDLER(athena_stop_query)
{
	json_t *kept;

	if (find(call, &kept, error) < 0)
		return -1;
	json_decref(kept);
	athena_cancel(athena_of(call), athena_text(call->input, "QueryExecutionId"));
	return 0;
}

ATHENA_HANDLER(athena_batch_get_query)
{
	const json_t *ids = json_object_get(call->input, "QueryExecutionIds");
	json_t *found = json_array(), *missing = json_array();

	for (size_t i = 0; i < json_array_size(ids); i++) {
		json_t *id = json_array_get(ids, i);
		struct str text = {json_string_value(id), json_string_length(id)};
		json_t *kept = athena_kept(athena_of(call), text, &call->exchange->err);
		if (kept)
			json_array_append(found, json_object_get(kept, "Execution"));
		else
			json_array_append_new(
				missing, json_pack("{s:O, s:s, s:s}", "QueryExecutionId", id,
						 "ErrorCode", "QUERY_EXECUTION_NOT_FOUND",
						 "ErrorMessage", "QueryExecution was not found"));
		json_decref(kept);
	}
	json_object_set_new(call->output, "QueryExecutions", found);
	json_object_set_new(call->output, "UnprocessedQueryExecutionIds", missing);
	return 0;
}

static json_t *id_of(const json_t *kept)
{
	return json_incref(json_object_get(json_object_get(kept, "Execution"), "QueryExecutionId"));
}

ATHENA_HANDLER(athena_list_queries)
{
	struct str group = athena_text(call->input, "WorkGroup");

	return athena_list(call, STORE_EXECUTION, group.n ? group : STR("primary"),
		"QueryExecutionIds", id_of, error);
}

ATHENA_HANDLER(athena_get_statistics)
{
	static const struct {
		const char *from, *to;
	} times[] = {{"QueryQueueTimeInMillis", "QueryQueueTimeInMillis"},
		{"EngineExecutionTimeInMillis", "EngineExecutionTimeInMillis"},
		{"TotalExecutionTimeInMillis", "TotalExecutionTimeInMillis"},
		{"QueryPlanningTimeInMillis", "QueryPlanningTimeInMillis"},
		{"ServiceProcessingTimeInMillis", "ServiceProcessingTimeInMillis"}};
	json_t *kept, *timeline = json_object();

	if (find(call, &kept, error) < 0) {
		json_decref(timeline);
		return -1;
	}
	const json_t *statistics =
		json_object_get(json_object_get(kept, "Execution"), "Statistics");
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		json_t *value = json_object_get(statistics, times[i].from);
		if (value)
			json_object_set(timeline, times[i].to, value);
	}
	json_t *scanned = json_object_get(statistics, "DataScannedInBytes");
	json_object_set_new(call->output, "QueryRuntimeStatistics",
		json_pack("{s:o, s:{s:I}}", "Timeline", timeline, "Rows", "InputBytes",
			json_integer_value(scanned)));
	json_decref(kept);
	return 0;
}
