/* Which fields events have: those of flow log lines, in the format of the flow logs that deliver
 * there or AWS's default one, and those of JSON. Found by looking at the newest events of a group;
 * the fields of JSON are found by the query itself. Names are AWS's: srcAddr, startTime, vpcId. */
#include "api/logs/queries_priv.h"

#include "base/clock.h"
#include "store/flow_logs.h"

#include <ctype.h>

enum { SAMPLE = 200, FIELDS_MAX = 200, NAME_MAX_BYTES = 256, AROUND_MS = 8 * 60000 };

static char names[RECORD_FIELDS][40];

static void make_name(enum record_field field)
{
	static const struct {
		const char *name, *is;
	} own[] = {{"srcaddr", "srcAddr"}, {"dstaddr", "dstAddr"}, {"srcport", "srcPort"},
		{"dstport", "dstPort"}, {"start", "startTime"}, {"end", "endTime"},
		{"pkt-srcaddr", "pktSrcAddr"}, {"pkt-dstaddr", "pktDstAddr"}};
	struct str name = record_fields[field].name;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		if (str_equal(name, str_from(own[i].name))) {
			snprintf(names[field], sizeof(names[field]), "%s", own[i].is);
			return;
		}
	}
	for (size_t i = 0; i < name.n && n + 1 < sizeof(names[field]); i++) {
		if (name.p[i] == '-')
			continue;
		names[field][n++] = i && name.p[i - 1] == '-'
					    ? (char)toupper((unsigned char)name.p[i])
					    : name.p[i];
	}
}

static void make_names(void)
{
	for (unsigned i = 0; i < RECORD_FIELDS; i++)
		make_name((enum record_field)i);
}

const char *logs_field_name(enum record_field field)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_names);
	return names[field];
}

/* ---- formats ---- */

static void add_format(struct logs_fields *fields, const struct record_format *format)
{
	for (size_t i = 0; i < fields->format_count; i++)
		if (fields->formats[i].count == format->count)
			return;
	if (fields->format_count < LOGS_FORMATS_MAX)
		fields->formats[fields->format_count++] = *format;
}

static int add_flow_logs(
	struct logs_fields *fields, const struct logs *logs, struct str group, struct err *err)
{
	json_t *list, *flow_log;
	size_t i;

	if (!logs->flow_logs)
		return 0;
	if (store_flow_logs_list(logs->flow_logs, &list, err) < 0)
		return -1;
	json_array_foreach(list, i, flow_log)
	{
		struct str name = logs_string(json_object_get(flow_log, "LogGroupName"));
		struct str text = logs_string(json_object_get(flow_log, "LogFormat"));
		struct record_format format = record_format_default;
		struct err none = ERR_INIT;
		if (name.p && str_equal(name, group) &&
			(!text.n || record_format_parse(text, &format, &none) == 0))
			add_format(fields, &format);
	}
	json_decref(list);
	return 0;
}

static size_t count_words(struct str line)
{
	size_t count = line.n > 0;

	for (size_t i = 0; i < line.n; i++)
		count += line.p[i] == ' ';
	return count;
}

const struct record_format *logs_fields_format(const struct logs_fields *fields, struct str line)
{
	size_t words = count_words(line);

	for (size_t i = 0; i < fields->format_count; i++)
		if (fields->formats[i].count == words &&
			(fields->formats[i].fields[0] != RECORD_VERSION || isdigit(line.p[0])))
			return &fields->formats[i];
	return NULL;
}

/* A line of the default format. */
static bool is_default(struct str line)
{
	return str_starts_with(line, STR("2 ")) &&
	       count_words(line) == record_format_default.count &&
	       (str_ends_with(line, STR(" OK")) || str_ends_with(line, STR(" NODATA")) ||
		       str_ends_with(line, STR(" SKIPDATA")));
}

struct sampling {
	struct logs_fields *fields;
	size_t left;
};

static bool look(void *context, const struct store_log_found *event)
{
	struct sampling *sampling = context;

	if (is_default(event->message))
		add_format(sampling->fields, &record_format_default);
	else if (event->message.n && event->message.p[0] == '{')
		sampling->fields->has_json = true;
	return --sampling->left > 0;
}

int logs_fields_add(struct logs_fields *fields, const struct logs *logs, struct str group,
	struct aws_error *error, struct err *err)
{
	struct sampling sampling = {.fields = fields, .left = SAMPLE};
	const struct store_log_read read = {
		.group = group, .end_ms = INT64_MAX, .is_backward = true};
	struct store_log_position end;
	bool is_complete;

	if (add_flow_logs(fields, logs, group, err) < 0)
		return aws_error_internal(error);
	return store_log_read(logs->events, &read, look, &sampling, &end, &is_complete, error, err);
}

static void add_field(struct logs_fields *fields, const char *name, enum record_field field)
{
	fields->fields = mem_grow(fields->fields, fields->field_count + 1, sizeof(*fields->fields));
	fields->fields[fields->field_count++] = (struct query_insights_field){.name = name,
		.sql = mem_printf("\"%s\"", logs_field_name(field)),
		.type = record_fields[field].parquet == RECORD_TYPE_STRING ? QUERY_INSIGHTS_TEXT
									   : QUERY_INSIGHTS_NUMBER};
}

void logs_fields_finish(struct logs_fields *fields)
{
	bool is_there[RECORD_FIELDS] = {false};

	for (size_t i = 0; i < fields->format_count; i++)
		for (size_t j = 0; j < fields->formats[i].count; j++)
			is_there[fields->formats[i].fields[j]] = true;
	for (unsigned i = 0; i < RECORD_FIELDS; i++) {
		if (!is_there[i])
			continue;
		fields->records[fields->record_count++] = (uint8_t)i;
		add_field(fields, logs_field_name((enum record_field)i), (enum record_field)i);
	}
	if (is_there[RECORD_START])
		add_field(fields, "start", RECORD_START);
	if (is_there[RECORD_END])
		add_field(fields, "end", RECORD_END);
}

void logs_fields_done(struct logs_fields *fields)
{
	for (size_t i = 0; i < fields->field_count; i++)
		free((char *)fields->fields[i].sql);
	free(fields->fields);
	*fields = (struct logs_fields){0};
}

/* ---- GetLogGroupFields, GetLogRecord ---- */

struct finding {
	const struct logs_fields *fields;
	json_t *counts; /* name: events */
	size_t events;
};

static void add_words(json_t *record, const struct record_format *format, struct str line)
{
	struct str word;

	for (size_t i = 0; i < format->count && str_split(&line, ' ', &word); i++)
		if (!str_equal(word, STR("-")))
			json_object_set_new(
				record, logs_field_name(format->fields[i]), logs_json(word));
}

/* As deep as jansson's parser lets a text be. NOLINTNEXTLINE(misc-no-recursion) */
static void add_json(json_t *record, const char *prefix, const json_t *value)
{
	char name[NAME_MAX_BYTES];
	const char *key;
	json_t *item;
	size_t i;

	if (json_object_size(record) >= FIELDS_MAX)
		return;
	json_object_foreach((json_t *)value, key, item)
	{
		snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "." : "", key);
		add_json(record, name, item);
	}
	json_array_foreach(value, i, item)
	{
		snprintf(name, sizeof(name), "%s.%zu", prefix, i);
		add_json(record, name, item);
	}
	if (json_is_object(value) || json_is_array(value) || json_is_null(value) || !*prefix)
		return;
	_cleanup_free_ char *text =
		json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	json_object_set_new(
		record, prefix, text ? json_string(text) : logs_json(logs_string(value)));
}

/* The word behind a label of a line; not there: nothing. */
static bool find_word(struct str line, const char *label, struct str *ret_word)
{
	const char *place = memmem(line.p, line.n, label, strlen(label));

	if (!place)
		return false;
	*ret_word = (struct str){place + strlen(label), 0};
	while (ret_word->p + ret_word->n < line.p + line.n &&
		!isspace((unsigned char)ret_word->p[ret_word->n]))
		ret_word->n++;
	return ret_word->n > 0;
}

/* Lambda's own lines, as the query language reads them. */
static void add_lambda(json_t *record, struct str line)
{
	static const char *const types[] = {"START", "END", "REPORT"};
	static const struct {
		const char *name, *label;
		bool is_megabytes;
	} values[] = {{"@duration", "Duration: ", false},
		{"@billedDuration", "Billed Duration: ", false},
		{"@initDuration", "Init Duration: ", false}, {"@memorySize", "Memory Size: ", true},
		{"@maxMemoryUsed", "Max Memory Used: ", true},
		{"@xrayTraceId", "XRAY TraceId: ", false},
		{"@xraySegmentId", "SegmentId: ", false}};
	struct str word;
	size_t type = 0;

	while (type < ARRAY_SIZE(types) && !str_starts_with(line, str_from(types[type])))
		type++;
	if (type == ARRAY_SIZE(types) || !find_word(line, " RequestId: ", &word))
		return;
	json_object_set_new(record, "@type", json_string(types[type]));
	json_object_set_new(record, "@requestId", logs_json(word));
	for (size_t i = 0; type == 2 && i < ARRAY_SIZE(values); i++) {
		if (!find_word(line, values[i].label, &word))
			continue;
		_cleanup_free_ char *text =
			mem_printf("%.*s%s", STR_ARG(word), values[i].is_megabytes ? "000000" : "");
		json_object_set_new(record, values[i].name, json_string(text));
	}
}

static void add_dns(json_t *record, struct str line)
{
	struct str word;

	if (!str_starts_with(line, STR("1.")) || count_words(line) != QUERY_INSIGHTS_DNS_FIELDS)
		return;
	for (size_t i = 0; i < QUERY_INSIGHTS_DNS_FIELDS && str_split(&line, ' ', &word); i++)
		if (!str_equal(word, STR("-")))
			json_object_set_new(record, query_insights_dns_fields[i], logs_json(word));
}

void logs_record_fields(const struct logs_fields *fields, struct str message, json_t *record)
{
	const struct record_format *format = logs_fields_format(fields, message);
	struct str json = message;

	if (format) {
		add_words(record, format, message);
		return;
	}
	add_lambda(record, message);
	add_dns(record, message);
	/* A line of Lambda's may have JSON behind a tab. */
	if (json.n && json.p[0] != '{') {
		const char *place = memmem(json.p, json.n, "\t{", 2);
		json = place ? (struct str){place + 1, json.n - (size_t)(place + 1 - json.p)}
			     : STR_NONE;
	}
	if (json.n) {
		json_t *value = json_loadb(json.p, json.n, 0, NULL);
		add_json(record, "", value);
		json_decref(value);
	}
}

static bool count_fields(void *context, const struct store_log_found *event)
{
	struct finding *finding = context;
	json_t *record = json_object(), *value;
	const char *name;

	logs_record_fields(finding->fields, event->message, record);
	json_object_foreach(record, name, value) json_object_set_new(finding->counts, name,
		json_integer(json_integer_value(json_object_get(finding->counts, name)) + 1));
	json_decref(record);
	return ++finding->events < SAMPLE;
}

static void answer_fields(struct api_call *call, const struct finding *finding)
{
	static const char *const system[] = {
		"@ingestionTime", "@log", "@logStream", "@message", "@timestamp"};
	json_t *list = json_array(), *count;
	const char *name;

	for (size_t i = 0; i < ARRAY_SIZE(system); i++)
		json_array_append_new(
			list, json_pack("{s:s, s:i}", "name", system[i], "percent", 100));
	json_object_foreach(finding->counts, name, count) json_array_append_new(
		list, json_pack("{s:s, s:I}", "name", name, "percent",
			      json_integer_value(count) * 100 / (json_int_t)finding->events));
	json_object_set_new(call->output, "logGroupFields", list);
}

/* Of the newest events of the last quarter of an hour, or around the time given. */
LOGS_HANDLER(logs_get_fields)
{
	const struct logs *logs = logs_of(call);
	_cleanup_(logs_fields_done) struct logs_fields fields = {0};
	struct finding finding = {.fields = &fields};
	int64_t now_ms = clock_wall_ns() / 1000000;
	int64_t time_ms = logs_number(call, "time", 0);
	struct store_log_read read = {.end_ms = time_ms ? time_ms + AROUND_MS : now_ms + AROUND_MS,
		.start_ms = time_ms ? time_ms - AROUND_MS : now_ms - 2 * AROUND_MS,
		.is_backward = true};
	struct store_log_position end;
	bool is_complete;

	if (logs_group(call, &read.group, error) < 0 ||
		logs_fields_add(&fields, logs, read.group, error, &call->exchange->err) < 0)
		return -1;
	finding.counts = json_object();
	int result = store_log_read(logs->events, &read, count_fields, &finding, &end, &is_complete,
		error, &call->exchange->err);
	if (result == 0)
		answer_fields(call, &finding);
	json_decref(finding.counts);
	return result;
}
