/* Grok patterns of Glue's GrokSerDe as regular expressions (Athena user guide, "Grok SerDe"; the
 * names are those of Logstash's patterns): "%{NUMBER:bytes}" is a group that a column of that name
 * gets, "%{SPACE}" is only matched. As deep as DEPTH_MAX. NOLINTBEGIN(misc-no-recursion) */
#include "query/athena_priv.h"

enum { DEPTH_MAX = 8 };

static const struct {
	const char *name, *regex;
} patterns[] = {
	{"BASE10NUM", "[+-]?(?:[0-9]+(?:\\.[0-9]+)?|\\.[0-9]+)"},
	{"NUMBER", "%{BASE10NUM}"},
	{"INT", "[+-]?[0-9]+"},
	{"POSINT", "[1-9][0-9]*"},
	{"NONNEGINT", "[0-9]+"},
	{"WORD", "\\w+"},
	{"NOTSPACE", "\\S+"},
	{"SPACE", "\\s*"},
	{"DATA", ".*?"},
	{"GREEDYDATA", ".*"},
	{"QUOTEDSTRING", "\"(?:[^\"\\\\]|\\\\.)*\"|'(?:[^'\\\\]|\\\\.)*'"},
	{"QS", "%{QUOTEDSTRING}"},
	{"USERNAME", "[a-zA-Z0-9._-]+"},
	{"USER", "%{USERNAME}"},
	{"IPV4", "[0-9]{1,3}(?:\\.[0-9]{1,3}){3}"},
	{"IPV6", "[0-9A-Fa-f]*:[0-9A-Fa-f:.]*"},
	{"IP", "%{IPV6}|%{IPV4}"},
	{"HOSTNAME", "[0-9A-Za-z][0-9A-Za-z.-]*"},
	{"IPORHOST", "%{IP}|%{HOSTNAME}"},
	{"YEAR", "[0-9]{2,4}"},
	{"MONTHNUM", "0?[1-9]|1[0-2]"},
	{"MONTHDAY", "0[1-9]|[12][0-9]|3[01]|[1-9]"},
	{"HOUR", "2[0123]|[01]?[0-9]"},
	{"MINUTE", "[0-5][0-9]"},
	{"SECOND", "(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?"},
	{"TIME", "%{HOUR}:%{MINUTE}(?::%{SECOND})?"},
	{"TIMESTAMP_ISO8601",
		"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:?[0-9]{2}(?::?[0-9]{2}(?:[.,][0-9]+)?)?"
		"(?:Z|[+-][0-9]{2}:?[0-9]{2})?"},
};

struct grok {
	struct str custom; /* lines of "NAME regex" */
	struct buf *regex;
	json_t *names; /* of the groups, in their order */
};

static struct str find_pattern(const struct grok *grok, struct str name)
{
	struct str rest = grok->custom, line, word;

	while (str_split(&rest, '\n', &line)) {
		line = str_trim(line);
		if (str_split(&line, ' ', &word) && str_equal(word, name))
			return str_trim(line);
	}
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		if (str_equal(name, str_from(patterns[i].name)))
			return str_from(patterns[i].regex);
	}
	return STR_NONE;
}

/* False: a name that is not known, or too deep. */
static bool add_pattern(struct grok *grok, struct str format, int depth)
{
	for (size_t i = 0; i < format.n; i++) {
		const char *end = memchr(format.p + i, '}', format.n - i);
		if (format.p[i] != '%' || i + 1 == format.n || format.p[i + 1] != '{' || !end) {
			buf_add_char(grok->regex, format.p[i]);
			continue;
		}
		struct str inside = {format.p + i + 2, (size_t)(end - format.p) - i - 2};
		struct str name, field = STR_NONE;
		if (!str_split(&inside, ':', &name) || depth == 0)
			return false;
		str_split(&inside, ':', &field);
		struct str pattern = find_pattern(grok, name);
		if (!pattern.p)
			return false;
		bool captures = field.p && field.n && depth == DEPTH_MAX;
		buf_add_text(grok->regex, captures ? "(" : "(?:");
		if (captures)
			json_array_append_new(grok->names, json_stringn(field.p, field.n));
		if (!add_pattern(grok, pattern, depth - 1))
			return false;
		buf_add_char(grok->regex, ')');
		i = (size_t)(end - format.p);
	}
	return true;
}

bool athena_grok(struct str format, struct str custom, struct buf *ret_regex, json_t **ret_names)
{
	struct grok grok = {custom, ret_regex, json_array()};

	*ret_names = grok.names;
	return add_pattern(&grok, format, DEPTH_MAX);
}
/* NOLINTEND(misc-no-recursion) */
