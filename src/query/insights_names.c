/* What a name means: a field, a part of JSON, or what lines of Lambda's say. */
#include "query/insights_priv.h"

#include "base/mem.h"
#include "base/number.h"

const struct insights_name *insights_find(const struct insights *insights, struct str name)
{
	/* The last one of a name counts. */
	for (size_t i = insights->names_count; i > 0; i--) {
		if (str_equal(insights->names[i - 1].name, name))
			return &insights->names[i - 1];
	}
	return NULL;
}

/* a.b.0 as a path of JSON: '$."a"."b"[0]'. */
static const char *json_path(struct insights *insights, struct str name)
{
	_cleanup_buf_ struct buf path = {0};
	struct str part;
	uint64_t index;

	buf_add_char(&path, '$');
	while (str_split(&name, '.', &part)) {
		if (number_parse(part, 1000000, &index)) {
			buf_printf(&path, "[%llu]", (unsigned long long)index);
			continue;
		}
		buf_add_text(&path, ".\"");
		for (size_t i = 0; i < part.n; i++) {
			if (part.p[i] != '"' && part.p[i] != '\\')
				buf_add_char(&path, part.p[i]);
		}
		buf_add_char(&path, '"');
	}
	return insights_literal(insights, buf_str(&path));
}

/* A key may have dots of its own: what nests is looked for first. */
void insights_json_field(struct insights *insights, const char *json, struct str name,
	struct insights_value *ret_value)
{
	const char *nested = insights_printf(
		insights, "json_extract_string(%s, %s)", json, json_path(insights, name));

	*ret_value = (struct insights_value){.type = QUERY_INSIGHTS_TEXT, .sql = nested};
	if (!memchr(name.p, '.', name.n))
		return;
	_cleanup_buf_ struct buf key = {0};
	buf_add_text(&key, "$.\"");
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] != '"' && name.p[i] != '\\')
			buf_add_char(&key, name.p[i]);
	buf_add_char(&key, '"');
	ret_value->sql = insights_printf(insights, "coalesce(%s, json_extract_string(%s, %s))",
		nested, json, insights_literal(insights, buf_str(&key)));
}

/* The JSON of an event: its message, or what a line of Lambda's has behind a tab. */
static void message_field(struct insights *insights, const char *message, struct str name,
	struct insights_value *ret_value)
{
	const char *rest = insights_printf(
		insights, "substring(%s, strpos(%s, E'\\t{') + 1)", message, message);
	struct insights_value whole, tail;

	/* "@@type" is what JSON calls "@type". */
	if (name.p[0] == '@')
		name = (struct str){name.p + 1, name.n - 1};
	insights_json_field(insights, message, name, &whole);
	insights_json_field(insights, rest, name, &tail);
	*ret_value = whole;
	ret_value->sql = insights_printf(insights,
		"CASE WHEN json_valid(%s) THEN %s WHEN contains(%s, E'\\t{') AND json_valid(%s) "
		"THEN %s END",
		message, whole.sql, message, rest, tail.sql);
}

/* What Lambda's own lines say: "REPORT RequestId: ...\tDuration: 12.34 ms\t...". */
static bool lambda_field(struct insights *insights, const char *message, struct str name,
	struct insights_value *ret_value)
{
#define ID     "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
#define REPORT "REPORT %"
	static const struct {
		const char *name, *line, *regex;
		unsigned factor; /* of numbers; 0: text */
	} fields[] = {
		{"@type", "%", "^(START|END|REPORT) RequestId: ", 0},
		{"@requestId", "%", "(?:^(?:START|END|REPORT) RequestId: |^\\S+\\t|\\s)(" ID ")\\b",
			0},
		{"@duration", REPORT, "RequestId: \\S+\\s+Duration: ([0-9.]+) ms", 1},
		{"@billedDuration", REPORT, "Billed Duration: ([0-9.]+) ms", 1},
		{"@initDuration", REPORT, "\\sInit Duration: ([0-9.]+) ms", 1},
		{"@restoreDuration", REPORT, "\\sRestore Duration: ([0-9.]+) ms", 1},
		{"@billedRestoreDuration", REPORT, "Billed Restore Duration: ([0-9.]+) ms", 1},
		{"@memorySize", REPORT, "Memory Size: ([0-9]+) MB", 1000000},
		{"@maxMemoryUsed", REPORT, "Max Memory Used: ([0-9]+) MB", 1000000},
		{"@xrayTraceId", REPORT, "XRAY TraceId: (\\S+)", 0},
		{"@xraySegmentId", REPORT, "SegmentId: (\\S+)", 0},
	};
#undef ID
#undef REPORT
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!str_equal(name, str_from(fields[i].name)))
			continue;
		const char *found = insights_printf(
			insights, "regexp_extract(%s, '%s', 1)", message, fields[i].regex);
		found = fields[i].factor ? insights_printf(insights, "TRY_CAST(%s AS DOUBLE) * %u",
						   found, fields[i].factor)
					 : insights_printf(insights, "nullif(%s, '')", found);
		*ret_value = (struct insights_value){
			.type = fields[i].factor ? QUERY_INSIGHTS_NUMBER : QUERY_INSIGHTS_TEXT};
		ret_value->sql = insights_printf(insights, "CASE WHEN %s LIKE '%s' THEN %s END",
			message, fields[i].line, found);
		return true;
	}
	return false;
}

static void set_found(const struct insights_name *found, struct insights_value *value)
{
	value->sql = found->sql;
	value->type = found->type;
	value->is_integer = found->is_integer;
	value->is_structure = found->is_structure;
	value->bin_ms = found->bin_ms;
}

/* In stats, the name of a result before stands for that aggregate. */
static bool take_result(
	struct insights *insights, struct str name, struct insights_value *ret_value)
{
	for (size_t i = insights->results_count; i > 0; i--) {
		if (!str_equal(insights->results[i - 1].name, name))
			continue;
		set_found(&insights->results[i - 1], ret_value);
		ret_value->is_aggregate = true;
		return true;
	}
	return false;
}

/* "event.name" where there is an "event" of JSON. */
static bool part_of_field(
	struct insights *insights, struct str name, struct insights_value *ret_value)
{
	for (struct str prefix = name; prefix.n; prefix.n--) {
		const struct insights_name *found;
		if (prefix.n == name.n || name.p[prefix.n] != '.')
			continue;
		found = insights_find(insights, prefix);
		if (!found || found->type != QUERY_INSIGHTS_TEXT)
			continue;
		insights_json_field(insights,
			insights_printf(insights, "CASE WHEN json_valid(%s) THEN %s END",
				found->sql, found->sql),
			(struct str){name.p + prefix.n + 1, name.n - prefix.n - 1}, ret_value);
		return true;
	}
	return false;
}

void insights_field(struct insights *insights, struct str name, struct insights_value *ret_value)
{
	const struct insights_name *found = insights_find(insights, name);

	*ret_value = (struct insights_value){.sql = "NULL::VARCHAR"};
	if (take_result(insights, name, ret_value))
		return;
	if (found) {
		set_found(found, ret_value);
		return;
	}
	if (part_of_field(insights, name, ret_value))
		return;
	/* What a regular expression calls "user" AWS's own samples call "@user" behind it. */
	found = name.n > 1 && name.p[0] == '@'
			? insights_find(insights, (struct str){name.p + 1, name.n - 1})
			: NULL;
	if (found) {
		set_found(found, ret_value);
		return;
	}
	found = insights_find(insights, STR("@message"));
	if (!found || !insights->has_events || !name.n)
		return;
	if (!lambda_field(insights, found->sql, name, ret_value) &&
		(name.p[0] != '@' || (name.n > 2 && name.p[1] == '@')))
		message_field(insights, found->sql, name, ret_value);
}
