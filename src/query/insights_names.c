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

/* Paths cannot have quotes and backslashes in a key: such are not found. */
static void add_key(struct buf *path, struct str key)
{
	buf_add_text(path, ".\"");
	for (size_t i = 0; i < key.n; i++)
		buf_add_char(path, key.p[i] == '"' || key.p[i] == '\\' ? '?' : key.p[i]);
	buf_add_char(path, '"');
}

/* a.b.0 as a path of JSON: '$."a"."b"[0]'. What is behind the first `nested` names is one key. */
static const char *json_path(struct insights *insights, struct str name, size_t nested)
{
	_cleanup_buf_ struct buf path = {0};
	struct str part;
	uint64_t index;

	buf_add_char(&path, '$');
	for (; nested && str_split(&name, '.', &part); nested--) {
		if (number_parse(part, 1000000, &index))
			buf_printf(&path, "[%llu]", (unsigned long long)index);
		else
			add_key(&path, part);
	}
	if (name.n)
		add_key(&path, name);
	return insights_literal(insights, buf_str(&path));
}

static const char *first_of(struct insights *insights, const char *list, bool is_list)
{
	return is_list ? insights_printf(insights,
				 "list_filter(%s, lambda found: found IS NOT NULL)[1]", list)
		       : list;
}

/* Keys may have dots of their own, as annotations have that begin with the name of a host: what
 * nests more is looked for first. True and false of JSON are 1 and 0. */
void insights_json_field(struct insights *insights, const char *json, struct str name,
	struct insights_value *ret_value)
{
	enum { KEYS_MAX = 8 };
	size_t dots = 0;
	const char *paths, *text, *type;

	bool has_empty = name.n && (name.p[0] == '.' || name.p[name.n - 1] == '.');
	for (size_t i = 0; i < name.n; i++) {
		dots += name.p[i] == '.';
		has_empty |= i && name.p[i] == '.' && name.p[i - 1] == '.';
	}
	/* "a..b" can be one key only. */
	if (has_empty)
		dots = 0;
	paths = json_path(insights, name, has_empty ? 0 : dots + 1);
	for (size_t i = 1; i <= dots && i < KEYS_MAX; i++)
		paths = insights_printf(
			insights, "%s, %s", paths, json_path(insights, name, dots - i));
	text = insights_printf(insights,
		dots ? "json_extract_string(%s, [%s])" : "json_extract_string(%s, %s)", json,
		paths);
	type = insights_printf(
		insights, dots ? "json_type(%s, [%s])" : "json_type(%s, %s)", json, paths);
	*ret_value = (struct insights_value){
		.type = QUERY_INSIGHTS_TEXT, .sql = first_of(insights, text, dots)};
	ret_value->sql = insights_printf(insights,
		"CASE WHEN %s IN ('true', 'false') AND %s = 'BOOLEAN' THEN CASE WHEN %s = 'true' THEN '1' ELSE '0' END ELSE %s END",
		ret_value->sql, first_of(insights, type, dots), ret_value->sql, ret_value->sql);
}

const char *const query_insights_dns_fields[QUERY_INSIGHTS_DNS_FIELDS] = {"version",
	"queryTimestamp", "hostZoneId", "queryName", "queryType", "responseCode", "protocol",
	"edgeLocation", "resolverIp", "ednsClientSubnet"};

/* " WHEN ... THEN ..." of a query log of Route 53: words in that order; or "". */
static const char *dns_field(struct insights *insights, const char *message, struct str name)
{
	for (size_t i = 0; i < QUERY_INSIGHTS_DNS_FIELDS; i++)
		if (str_equal(name, str_from(query_insights_dns_fields[i])))
			return insights_printf(insights,
				" WHEN regexp_matches(%s, '^1\\.[0-9] [0-9]{4}-[0-9-]+T[0-9:.]+Z Z\\S+ (\\S+ ){6}') "
				"THEN nullif(split_part(%s, ' ', %zu), '-')",
				message, message, i + 1);
	return "";
}

/* The JSON of an event: its message, or what a line of Lambda's has behind a tab. */
void insights_message_field(struct insights *insights, const char *message, struct str name,
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
		"THEN %s%s END",
		message, whole.sql, message, rest, tail.sql, dns_field(insights, message, name));
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

/* "@aws.tag.KEY", "@aws.account" and "@aws.region": of the log group. */
static bool aws_field(struct insights *insights, const char *log, struct str name,
	struct insights_value *ret_value)
{
	const struct query_insights_source *source = insights->source;
	static const struct str prefix = {"@aws.tag.", 9};
	_cleanup_buf_ struct buf sql = {0};

	ret_value->type = QUERY_INSIGHTS_TEXT;
	if (str_equal(name, STR("@aws.account"))) {
		ret_value->sql = insights_printf(insights, "split_part(%s, ':', 1)", log);
		return true;
	}
	if (str_equal(name, STR("@aws.region")) && source->region) {
		ret_value->sql = insights_literal(insights, str_from(source->region));
		return true;
	}
	if (!str_starts_with(name, prefix))
		return false;
	struct str key = {name.p + prefix.n, name.n - prefix.n};
	for (size_t i = 0; i < source->tags_count; i++)
		if (str_equal(key, str_from(source->tags[i].key)))
			buf_printf(&sql, " WHEN %s THEN %s",
				insights_literal(insights, str_from(source->tags[i].log)),
				insights_literal(insights, str_from(source->tags[i].value)));
	if (sql.n)
		ret_value->sql = insights_printf(insights, "CASE %s%s END", log, buf_text(&sql));
	return true;
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

static size_t plain_name(struct str name, char plain[static 48])
{
	size_t n = 0;

	for (size_t i = 0; i < name.n && n < 48; i++)
		if (name.p[i] != '-' && name.p[i] != '_')
			plain[n++] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] | 0x20)
									  : name.p[i];
	return n;
}

/* "srcaddr", "log_status": as the fields are called in a flow log's format. AWS has no such. */
static bool like_field(struct insights *insights, struct str name, struct insights_value *ret_value)
{
	char wanted[48], plain[48];
	size_t n = plain_name(name, wanted);

	for (size_t i = 0; insights->has_events && i < insights->source->fields_count; i++) {
		struct str field = str_from(insights->source->fields[i].name);
		const struct insights_name *found;
		if (plain_name(field, plain) != n || memcmp(plain, wanted, n) != 0)
			continue;
		found = insights_find(insights, field);
		if (found)
			set_found(found, ret_value);
		return found != NULL;
	}
	return false;
}

static bool is_of(struct str name, struct str side)
{
	return side.n && name.n > side.n + 1 && str_starts_with(name, side) &&
	       name.p[side.n] == '.';
}

/* Behind a join, "RIGHT.name": of the JSON of the other event. */
static bool right_field(
	struct insights *insights, struct str name, struct insights_value *ret_value)
{
	size_t n = insights->right.n;

	if (!insights->has_events || !is_of(name, insights->right))
		return false;
	const char *message = insights_printf(insights, "%.*s.@message", STR_ARG(insights->right));
	const struct insights_name *found = insights_find(insights, str_from(message));
	if (found)
		insights_message_field(insights, found->sql,
			(struct str){name.p + n + 1, name.n - n - 1}, ret_value);
	return found != NULL;
}

void insights_field(struct insights *insights, struct str name, struct insights_value *ret_value)
{
	if (insights->has_events && is_of(name, insights->left) && !insights_find(insights, name))
		name = (struct str){name.p + insights->left.n + 1, name.n - insights->left.n - 1};
	const struct insights_name *found = insights_find(insights, name);

	*ret_value = (struct insights_value){.sql = "NULL::VARCHAR"};
	if (take_result(insights, name, ret_value))
		return;
	if (found) {
		set_found(found, ret_value);
		return;
	}
	if (right_field(insights, name, ret_value) || part_of_field(insights, name, ret_value) ||
		like_field(insights, name, ret_value))
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
	const struct insights_name *log = insights_find(insights, STR("@log"));
	if (log && aws_field(insights, log->sql, name, ret_value))
		return;
	if (!lambda_field(insights, found->sql, name, ret_value) &&
		(name.p[0] != '@' || (name.n > 2 && name.p[1] == '@')))
		insights_message_field(insights, found->sql, name, ret_value);
}
