/* StartQuery, GetQueryResults, StopQuery, DescribeQueries. */
#include "api/logs/queries_priv.h"

#include "aws/digest.h"
#include "aws/policy.h"
#include "base/clock.h"
#include "store/flow_logs.h"

enum { RESULTS_PAGE = 10000, QUERIES_PAGE = 1000 };

static const char *const statuses[] = {
	"Scheduled", "Running", "Complete", "Failed", "Cancelled", "Timeout"};

void logs_make_id(char ret_id[static 37])
{
	uint8_t bytes[16];

	aws_random(bytes, sizeof(bytes));
	bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
	for (size_t i = 0, n = 0; i < sizeof(bytes); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			ret_id[n++] = '-';
		n += (size_t)snprintf(ret_id + n, 3, "%02x", bytes[i]);
	}
}

/* ---- log groups ---- */

static int add_group(const struct logs *logs, struct logs_groups *groups, struct str name,
	size_t most, struct aws_error *error)
{
	_cleanup_(store_log_group_done) struct store_log_group group = {0};

	for (size_t i = 0; i < groups->count; i++)
		if (str_equal(name, str_from(groups->names[i])))
			return 0;
	if (groups->count >= most)
		return logs_refuse(error, "A query has at most %zu log groups.", most);
	if (store_log_group_get(logs->events, name, &group, error) < 0)
		return -1;
	groups->names = mem_grow(groups->names, groups->count + 1, sizeof(*groups->names));
	groups->names[groups->count++] = mem_printf("%.*s", STR_ARG(name));
	return 0;
}

/* Identifiers may end in ":" or ":*" as Grafana and describe-log-groups have them. */
static int add_identifier(const struct logs *logs, struct logs_groups *groups,
	struct str identifier, size_t most, struct aws_error *error)
{
	struct str name;

	if (str_starts_with(identifier, STR("arn:")) && str_ends_with(identifier, STR(":")))
		identifier.n--;
	if (!logs_parse_group(logs, identifier, &name))
		return logs_refuse(error,
			"The logGroupIdentifier is no log group of this account: %.*s",
			STR_ARG(identifier));
	return add_group(logs, groups, name, most, error);
}

static int add_groups(const struct api_call *call, struct log_query *query, struct aws_error *error)
{
	const struct logs *logs = query->logs;
	struct str one = logs_text(call, "logGroupName");
	const json_t *names = json_object_get(call->input, "logGroupNames");
	const json_t *identifiers = json_object_get(call->input, "logGroupIdentifiers");
	size_t i;
	json_t *item;

	if ((one.p != NULL) + (names != NULL) + (identifiers != NULL) > 1)
		return logs_refuse(error,
			"Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be given.");
	if (one.p && add_group(logs, &query->groups, one, LOGS_QUERY_GROUPS_MAX, error) < 0)
		return -1;
	json_array_foreach(names, i, item)
	{
		if (add_group(logs, &query->groups, logs_string(item), LOGS_QUERY_GROUPS_MAX,
			    error) < 0)
			return -1;
	}
	json_array_foreach(identifiers, i, item)
	{
		if (add_identifier(logs, &query->groups, logs_string(item), LOGS_QUERY_GROUPS_MAX,
			    error) < 0)
			return -1;
	}
	return 0;
}

struct prefixed {
	const struct logs *logs;
	struct logs_groups *groups;
	struct str prefix;
	struct aws_error *error;
	int result;
};

static bool add_prefixed(void *context, const struct store_log_group *group)
{
	struct prefixed *prefixed = context;

	if (str_starts_with(group->name, prefixed->prefix))
		prefixed->result = add_group(prefixed->logs, prefixed->groups, group->name,
			LOGS_QUERY_SOURCES_MAX, prefixed->error);
	return prefixed->result == 0;
}

/* SOURCE: names, and prefixes with '*' behind. */
static int add_sources(const struct logs *logs, struct logs_groups *groups, char **sources,
	size_t count, struct aws_error *error)
{
	for (size_t i = 0; i < count; i++) {
		struct str name = str_from(sources[i]);
		struct prefixed prefixed = {.logs = logs, .groups = groups, .error = error};
		if (!str_ends_with(name, STR("*"))) {
			if (add_identifier(logs, groups, name, LOGS_QUERY_SOURCES_MAX, error) < 0)
				return -1;
			continue;
		}
		prefixed.prefix = (struct str){name.p, name.n - 1};
		store_log_group_list(logs->events, STR(""), add_prefixed, &prefixed);
		if (prefixed.result < 0)
			return -1;
	}
	return 0;
}

/* ---- SOURCE by tags and data sources ---- */

struct tagged {
	const struct query_insights *insights;
	uint64_t holds, is_there; /* a bit for each number; keys of tags */
};

enum { TAG_FILTERS_MAX = 64 };

static void match_tag(void *context, struct str key, struct str value)
{
	struct tagged *tagged = context;

	for (size_t i = 0; i < tagged->insights->tags_count; i++) {
		const struct query_insights_tag *tag = &tagged->insights->tags[i];
		if (tag->number >= TAG_FILTERS_MAX || !str_equal(key, str_from(tag->key)))
			continue;
		bool is_negated = tag->value && tag->value[0] == '!';
		bool holds = !tag->value || aws_wildcard_match(str_from(tag->value + is_negated),
						    value) != is_negated;
		tagged->holds |= (uint64_t)holds << tag->number;
		tagged->is_there |= UINT64_C(1) << tag->number;
	}
}

/* Of each filter one value holds; a tag that is not there is not what "!value" says. */
static int has_tags(const struct log_query *query, struct str group, bool *ret_has,
	struct aws_error *error, struct err *err)
{
	struct tagged tagged = {.insights = &query->insights};

	*ret_has = true;
	if (!query->insights.tags_count)
		return 0;
	if (store_log_tags_list(query->logs->events, group, match_tag, &tagged, error, err) < 0)
		return -1;
	for (size_t i = 0; i < query->insights.tags_count; i++) {
		const struct query_insights_tag *tag = &query->insights.tags[i];
		if (tag->number >= TAG_FILTERS_MAX)
			*ret_has = false;
		else if (!(tagged.is_there >> tag->number & 1) && tag->value &&
			 tag->value[0] == '!')
			tagged.holds |= UINT64_C(1) << tag->number;
	}
	for (size_t i = 0; i < query->insights.tags_count; i++) {
		size_t number = query->insights.tags[i].number;
		*ret_has = *ret_has && number < TAG_FILTERS_MAX && (tagged.holds >> number & 1);
	}
	return 0;
}

/* The one data source that groups have here is that of flow logs. */
static bool has_data_source(
	const struct log_query *query, const json_t *flow_logs, struct str group)
{
	const json_t *flow_log;
	bool is_flow = false;
	size_t i;

	if (!query->insights.data_sources_count)
		return true;
	for (i = 0; i < query->insights.data_sources_count; i++)
		is_flow |= strcmp(query->insights.data_sources[i], "amazon_vpc.flow") == 0;
	json_array_foreach(flow_logs, i, flow_log)
	{
		struct str name = logs_string(json_object_get(flow_log, "LogGroupName"));
		if (is_flow && name.p && str_equal(name, group))
			return true;
	}
	return false;
}

static int choose_groups(struct log_query *query, struct aws_error *error, struct err *err)
{
	struct logs_groups *groups = &query->groups;
	json_t *flow_logs = NULL;
	size_t kept = 0;
	int result = 0;

	if (query->insights.data_sources_count && query->logs->flow_logs &&
		store_flow_logs_list(query->logs->flow_logs, &flow_logs, err) < 0)
		return aws_error_internal(error);
	for (size_t i = 0; i < groups->count; i++) {
		struct str name = str_from(groups->names[i]);
		bool is_wanted = false;
		if (result == 0)
			result = has_tags(query, name, &is_wanted, error, err);
		if (result == 0 && is_wanted && has_data_source(query, flow_logs, name))
			groups->names[kept++] = groups->names[i];
		else
			free(groups->names[i]);
	}
	groups->count = kept;
	json_decref(flow_logs);
	return result;
}

/* A query in the query reads what its SOURCE says, or what the whole reads. */
static int add_parts(struct log_query *query, struct aws_error *error)
{
	const struct query_insights *insights = &query->insights;

	for (size_t i = 0; i < insights->parts_count; i++) {
		const struct query_insights_part *part = &insights->parts[i];
		char **sources = part->groups_count ? part->groups : query->groups.names;
		size_t count = part->groups_count ? part->groups_count : query->groups.count;
		if (add_sources(query->logs, &query->parts[i], sources, count, error) < 0)
			return -1;
	}
	return 0;
}

/* ---- StartQuery ---- */

/* The answer has the place of the mistake, which an error of the store's kind has not. */
static int refuse_query(
	struct api_call *call, const struct query_insights *insights, const struct err *err)
{
	struct buf body = {0};

	json_t *answer = json_pack("{s:s, s:s, s:{s:s, s:{s:I, s:I}}}", "__type",
		"MalformedQueryException", "message", err->message, "queryCompileError", "message",
		err->message, "location", "startCharOffset", (json_int_t)insights->error_start,
		"endCharOffset", (json_int_t)insights->error_end);
	_cleanup_free_ char *written = json_dumps(answer, JSON_COMPACT);
	json_decref(answer);
	buf_add_text(&body, written ? written : "{\"__type\":\"MalformedQueryException\"}");
	api_answer_bytes(call->exchange, 400, "application/x-amz-json-1.1", &body);
	call->is_answered = true;
	return 0;
}

static int translate(
	struct log_query *query, int64_t limit, struct query_insights *insights, struct err *err)
{
	char relation[64];
	_cleanup_free_ char *region = mem_printf("%.*s", STR_ARG(query->logs->region));
	const struct query_insights_source source = {.relation = relation,
		.tags = query->tags,
		.tags_count = query->tag_count,
		.region = region,
		.fields = query->fields.fields,
		.fields_count = query->fields.field_count,
		.has_json = query->fields.has_json,
		.now_ms = query->created_ms,
		.start_ms = query->start_ms,
		.end_ms = query->end_ms,
		.limit = (uint64_t)limit};

	snprintf(
		relation, sizeof(relation), LOGS_QUERY_FUNCTION "(%lld)", (long long)query->number);
	query_insights_done(insights);
	return query_insights_translate(str_from(query->text), &source, insights, err);
}

struct tagging {
	struct log_query *query;
	const char *group;
};

static void add_tag(void *context, struct str key, struct str value)
{
	const struct tagging *tagging = context;
	struct log_query *query = tagging->query;

	query->tags = mem_grow(query->tags, query->tag_count + 1, sizeof(*query->tags));
	query->tags[query->tag_count++] = (struct query_insights_log_tag){
		.log = mem_printf("%.*s:%s", STR_ARG(query->logs->account), tagging->group),
		.key = mem_printf("%.*s", STR_ARG(key)),
		.value = mem_printf("%.*s", STR_ARG(value))};
}

static int add_fields(struct api_call *call, struct log_query *query,
	const struct logs_groups *groups, struct aws_error *error)
{
	struct tagging tagging = {.query = query};
	/* They cost a look at the database each. */
	bool needs_tags = strstr(query->text, "aws.tag.") != NULL;

	for (size_t i = 0; i < groups->count; i++) {
		tagging.group = groups->names[i];
		if (needs_tags && store_log_tags_list(query->logs->events, str_from(tagging.group),
					  add_tag, &tagging, error, &call->exchange->err) < 0)
			return -1;
		if (logs_fields_add(&query->fields, query->logs, str_from(groups->names[i]), error,
			    &call->exchange->err) < 0)
			return -1;
	}
	return 0;
}

static int prepare(struct api_call *call, struct log_query *query, bool *ret_is_malformed,
	struct err *err, struct aws_error *error)
{
	int64_t limit = logs_number(call, "limit", 0);

	if (add_groups(call, query, error) < 0)
		return -1;
	/* First for SOURCE, which tells what fields there are. */
	*ret_is_malformed = translate(query, limit, &query->insights, err) < 0 ||
			    logs_query_check(query->logs->queries, &query->insights, err) < 0;
	if (*ret_is_malformed)
		return 0;
	if (query->groups.count && query->insights.groups_count)
		return logs_refuse(
			error, "SOURCE and log groups of the request exclude each other.");
	if (add_sources(query->logs, &query->groups, query->insights.groups,
		    query->insights.groups_count, error) < 0 ||
		choose_groups(query, error, &call->exchange->err) < 0 ||
		add_parts(query, error) < 0)
		return -1;
	if (!query->groups.count)
		return logs_refuse(error, "A query needs at least one log group.");
	if (add_fields(call, query, &query->groups, error) < 0)
		return -1;
	for (size_t i = 0; i < query->insights.parts_count; i++)
		if (add_fields(call, query, &query->parts[i], error) < 0)
			return -1;
	logs_fields_finish(&query->fields);
	*ret_is_malformed = translate(query, limit, &query->insights, err) < 0;
	return 0;
}

static struct log_query *query_new(struct api_call *call)
{
	struct logs_queries *queries = logs_of(call)->queries;
	struct log_query *query = mem_new(1, sizeof(*query));
	struct str text = logs_text(call, "queryString");

	query->refs = 1;
	query->logs = logs_of(call);
	logs_make_id(query->id);
	query->text = mem_printf("%.*s", STR_ARG(text));
	query->user = mem_printf("%.*s", STR_ARG(call->exchange->caller->principal.arn));
	query->created_ms = clock_wall_ns() / 1000000;
	query->deadline_ms = query->created_ms + LOGS_QUERY_TIMEOUT_MS;
	pthread_mutex_lock(&queries->lock);
	query->number = ++queries->last_number;
	pthread_mutex_unlock(&queries->lock);
	return query;
}

/* Seconds; AWS's console and Grafana send milliseconds now and then, which it takes too. */
static int64_t milliseconds(int64_t time, int64_t beyond)
{
	static const int64_t seconds_max = INT64_C(100000000000);

	return time < seconds_max ? 1000 * time + beyond : time;
}

LOGS_HANDLER(logs_start_query)
{
	_cleanup_(logs_query_unrefp) struct log_query *query = NULL;
	struct str language = logs_text(call, "queryLanguage");
	struct err err = ERR_INIT;
	bool is_malformed;

	if (language.p && !str_equal(language, STR("CWLI")))
		return logs_refuse(
			error, "The query language %.*s is not supported.", STR_ARG(language));
	query = query_new(call);
	query->start_ms = milliseconds(logs_number(call, "startTime", 0), 0);
	query->end_ms = milliseconds(logs_number(call, "endTime", 0), 999);
	if (query->start_ms > query->end_ms)
		return logs_refuse(error, "End time should not be less than start time.");
	if (prepare(call, query, &is_malformed, &err, error) < 0)
		return -1;
	if (is_malformed)
		return refuse_query(call, &query->insights, &err);
	if (logs_queries_add(logs_of(call)->queries, query, error) < 0)
		return -1;
	json_object_set_new(call->output, "queryId", json_string(query->id));
	return 0;
}

/* ---- GetQueryResults ---- */

static int find(struct api_call *call, struct log_query **ret_query, struct aws_error *error)
{
	*ret_query = logs_queries_find(logs_of(call)->queries, logs_text(call, "queryId"));
	if (*ret_query)
		return 0;
	return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION,
		"Query with ID %.*s does not exist.", STR_ARG(logs_text(call, "queryId")));
}

static int read_page(struct api_call *call, size_t *ret_from, struct aws_error *error)
{
	_cleanup_buf_ struct buf after = {0};
	char *end;

	*ret_from = 0;
	if (logs_page_after(call, &after, error) < 0)
		return -1;
	if (!after.n)
		return 0;
	*ret_from = strtoull(buf_text(&after), &end, 10);
	return *end ? logs_refuse_token(error) : 0;
}

/* Rows that are there already as text go between what comes before and after them. */
static void answer_rows(struct api_call *call, const struct logs_rows *rows, size_t from, size_t to)
{
	_cleanup_free_ char *rest = json_dumps(call->output, JSON_COMPACT);
	struct buf body = {0};

	buf_add_text(&body, "{\"results\":[");
	for (size_t i = from; i < to; i++) {
		size_t start = i ? rows->ends[i - 1] : 0;
		if (i > from)
			buf_add_char(&body, ',');
		buf_add(&body, rows->text.p + start, rows->ends[i] - start);
	}
	buf_add_text(&body, "],");
	buf_add_text(&body, rest + 1);
	api_answer_bytes(call->exchange, 200, "application/x-amz-json-1.1", &body);
	call->is_answered = true;
}

/* The rows as they are now, and whether they are all. */
static struct logs_rows *rows_of(
	struct logs_queries *queries, struct log_query *query, enum logs_query_status *ret_status)
{
	pthread_mutex_lock(&queries->lock);
	struct logs_rows *rows = query->rows;
	if (rows)
		rows->refs++;
	*ret_status = query->status;
	pthread_mutex_unlock(&queries->lock);
	return rows;
}

LOGS_HANDLER(logs_get_results)
{
	_cleanup_(logs_query_unrefp) struct log_query *query = NULL;
	_cleanup_(logs_rows_unrefp) struct logs_rows *rows = NULL;
	enum logs_query_status status;
	size_t from, max = (size_t)logs_number(call, "maxItems", RESULTS_PAGE);
	char token[32];

	if (find(call, &query, error) < 0 || read_page(call, &from, error) < 0)
		return -1;
	logs_query_wait(logs_of(call)->queries, query);
	rows = rows_of(logs_of(call)->queries, query, &status);
	size_t count = rows ? rows->count : 0;
	size_t to = from + max < count ? from + max : count;
	if (status == LOGS_QUERY_COMPLETE && to < count) {
		snprintf(token, sizeof(token), "%zu", to);
		logs_page_next(call, str_from(token));
	}
	json_object_set_new(call->output, "queryLanguage", json_string("CWLI"));
	json_object_set_new(call->output, "status", json_string(statuses[status]));
	json_object_set_new(call->output, "statistics",
		json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "recordsMatched",
			(double)query->matched, "recordsScanned", (double)query->records,
			"bytesScanned", (double)query->bytes, "estimatedRecordsSkipped", 0.0,
			"estimatedBytesSkipped", 0.0, "logGroupsScanned",
			(double)query->groups.count));
	/* AWS has no member for it, and clients do not look at more. */
	if (status == LOGS_QUERY_FAILED)
		json_object_set_new(call->output, "failureReason", json_string(query->failure));
	answer_rows(call, rows, from < to ? from : to, to);
	return 0;
}

LOGS_HANDLER(logs_stop_query)
{
	_cleanup_(logs_query_unrefp) struct log_query *query = NULL;

	if (find(call, &query, error) < 0)
		return -1;
	if (!logs_query_stop(logs_of(call)->queries, query))
		return logs_refuse(error, "Cannot stop query that is not running or scheduled");
	json_object_set_new(call->output, "success", json_true());
	return 0;
}

/* ---- DescribeQueries ---- */

static bool is_of_group(const struct log_query *query, struct str group)
{
	for (size_t i = 0; i < query->groups.count; i++)
		if (str_equal(group, str_from(query->groups.names[i])))
			return true;
	return !group.p;
}

static json_t *describe(const struct log_query *query, int64_t now_ms)
{
	int64_t end_ms = query->ended_ms ? query->ended_ms : now_ms;

	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:I, s:f, s:s}", "queryLanguage", "CWLI",
		"queryId", query->id, "queryString", query->text, "status", statuses[query->status],
		"createTime", (json_int_t)query->created_ms, "logGroupName", query->groups.names[0],
		"queryDuration", (json_int_t)(end_ms - query->created_ms), "bytesScanned",
		(double)query->bytes, "userIdentity", query->user);
}

/* As in GetQueryResults: what ends in a moment has ended. */
static void wait_for_newest(struct logs_queries *queries)
{
	pthread_mutex_lock(&queries->lock);
	_cleanup_(logs_query_unrefp) struct log_query *query = queries->first;
	if (query)
		query->refs++;
	pthread_mutex_unlock(&queries->lock);
	if (query)
		logs_query_wait(queries, query);
}

LOGS_HANDLER(logs_describe_queries)
{
	struct logs_queries *queries = logs_of(call)->queries;
	struct str status = logs_text(call, "status"), group = logs_text(call, "logGroupName");
	size_t from, max = (size_t)logs_number(call, "maxResults", QUERIES_PAGE), at = 0;
	json_t *list = json_array();
	char token[32];

	json_object_set_new(call->output, "queries", list);
	if (read_page(call, &from, error) < 0)
		return -1;
	wait_for_newest(queries);
	pthread_mutex_lock(&queries->lock);
	for (const struct log_query *query = queries->first; query; query = query->next) {
		if (!is_of_group(query, group) ||
			(status.p && !str_equal(status, str_from(statuses[query->status]))))
			continue;
		if (json_array_size(list) == max) {
			snprintf(token, sizeof(token), "%zu", at);
			logs_page_next(call, str_from(token));
			break;
		}
		if (at++ >= from)
			json_array_append_new(list, describe(query, clock_wall_ns() / 1000000));
	}
	pthread_mutex_unlock(&queries->lock);
	return 0;
}
