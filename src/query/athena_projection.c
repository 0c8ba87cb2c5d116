/* Partitions by projection (Athena user guide, "Supported types for partition projection"): each
 * key has the values that its properties name, less those that the statement's conditions on that
 * key exclude; a partition is a combination of them. Dates are made in UTC. */
#include "query/athena_priv.h"

#include "base/clock.h"
#include "base/number.h"

#include <ctype.h>
#include <stdio.h>
#include <time.h>

struct projection {
	struct athena_engine *engine;
	const struct athena_reference *reference;
	const json_t *table, *keys;
	struct athena_failure *failure;
};

/* projection.KEY.WHAT; STR_NONE: not set. */
static struct str property(const struct projection *projection, struct str key, const char *what)
{
	char name[320];

	snprintf(name, sizeof(name), "projection.%.*s.%s", STR_ARG(key), what);
	struct str value = athena_property(projection->table, name);
	for (size_t i = 0; !value.p && name[i]; i++)
		name[i] = (char)tolower((unsigned char)name[i]);
	return value.p ? value : athena_property(projection->table, name);
}

static int refuse(const struct projection *projection, struct str key, const char *what)
{
	return athena_fail(projection->failure, "INVALID_TABLE_PROPERTY",
		"Table %s.%s: projection of column '%.*s': %s", projection->reference->database,
		projection->reference->table, STR_ARG(key), what);
}

static void add_text(json_t *values, const char *text, size_t n)
{
	json_array_append_new(values, json_stringn(text, n));
}

static int too_many(const struct projection *projection, struct str key, const json_t *values)
{
	return json_array_size(values) < ATHENA_PARTITIONS_MAX
		       ? 0
		       : refuse(projection, key, "it has too many values");
}

/* ---- enum, integer ---- */

static int add_enum(struct projection *projection, struct str key, json_t *values)
{
	struct str list = property(projection, key, "values"), part;

	if (!list.p)
		return refuse(projection, key, "values is not set");
	while (str_split(&list, ',', &part))
		add_text(values, part.p, part.n);
	return 0;
}

static int add_integers(struct projection *projection, struct str key, json_t *values)
{
	struct str range = property(projection, key, "range"), low, high;
	struct str digits = property(projection, key, "digits");
	struct str interval = property(projection, key, "interval");
	int64_t from, to, step = 1;
	uint64_t width = 0;
	char text[64];

	if (!range.p || !str_split(&range, ',', &low) || !str_split(&range, ',', &high) ||
		!number_parse_signed(str_trim(low), INT64_MIN / 2, INT64_MAX / 2, &from) ||
		!number_parse_signed(str_trim(high), INT64_MIN / 2, INT64_MAX / 2, &to))
		return refuse(projection, key, "range must be two integers");
	if ((interval.p && !number_parse_signed(str_trim(interval), 1, INT64_MAX / 4, &step)) ||
		(digits.p && !number_parse(str_trim(digits), 20, &width)))
		return refuse(projection, key, "interval or digits is no number");
	for (int64_t i = from; i <= to; i += step) {
		if (too_many(projection, key, values) < 0)
			return -1;
		int n = snprintf(text, sizeof(text), "%0*lld", (int)width, (long long)i);
		add_text(values, text, (size_t)n);
	}
	return 0;
}

/* ---- dates ---- */

/* A run of one letter of a Java pattern, as a number's place in a struct tm. */
static int *field_of(struct tm *time, char letter)
{
	switch (letter) {
	case 'y':
	case 'u':
		return &time->tm_year;
	case 'M':
		return &time->tm_mon;
	case 'd':
		return &time->tm_mday;
	case 'H':
		return &time->tm_hour;
	case 'm':
		return &time->tm_min;
	case 's':
		return &time->tm_sec;
	default:
		return NULL;
	}
}

static int base_of(char letter)
{
	return letter == 'y' || letter == 'u' ? 1900 : letter == 'M' ? -1 : 0;
}

/* Writes the time, or (text not NULL) reads it from *text. False: a pattern or text that is not
 * understood. */
static bool follow(struct str pattern, struct tm *time, struct str *text, struct buf *ret_text)
{
	bool in_quotes = false;

	for (size_t i = 0; i < pattern.n;) {
		char letter = pattern.p[i];
		size_t run = 1;
		if (letter == '\'') {
			in_quotes = !in_quotes;
			i++;
			continue;
		}
		if (in_quotes || !isalpha((unsigned char)letter)) {
			if (text && (!text->n || text->p[0] != letter))
				return false;
			if (text)
				*text = (struct str){text->p + 1, text->n - 1};
			else
				buf_add_char(ret_text, letter);
			i++;
			continue;
		}
		while (i + run < pattern.n && pattern.p[i + run] == letter)
			run++;
		int *field = field_of(time, letter);
		if (!field || run > 4)
			return false;
		if (text) {
			uint64_t value;
			size_t digits = 0;
			while (digits < text->n && (run == 1 || digits < run) &&
				isdigit((unsigned char)text->p[digits]))
				digits++;
			if (!number_parse((struct str){text->p, digits}, 9999, &value))
				return false;
			*text = (struct str){text->p + digits, text->n - digits};
			*field = (int)value + (letter == 'M' ? -1 : -base_of(letter));
		} else {
			int value = *field + (letter == 'M' ? 1 : base_of(letter));
			buf_printf(ret_text, "%0*d", (int)run,
				run == 2 && letter == 'y' ? value % 100 : value);
		}
		i += run;
	}
	return true;
}

enum unit { YEARS, MONTHS, WEEKS, DAYS, HOURS, MINUTES, SECONDS, UNITS };

static enum unit unit_of(struct str name)
{
	static const char *const names[UNITS] = {
		"YEAR", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND"};

	name = str_trim(name);
	if (name.n && (name.p[name.n - 1] == 'S' || name.p[name.n - 1] == 's'))
		name.n--;
	for (int i = 0; i < UNITS; i++) {
		if (str_equal_ignoring_case(name, str_from(names[i])))
			return (enum unit)i;
	}
	return UNITS;
}

static void move(struct tm *time, enum unit unit, int64_t by)
{
	static const int seconds[UNITS] = {0, 0, 604800, 86400, 3600, 60, 1};

	if (unit == YEARS)
		time->tm_year += (int)by;
	else if (unit == MONTHS)
		time->tm_mon += (int)by;
	time_t at = timegm(time) + (time_t)(seconds[unit] * by);
	gmtime_r(&at, time);
}

/* NOW, NOW-3YEARS, NOW+1DAY, or a date in the format. */
static bool read_bound(struct str text, struct str format, struct tm *ret_time)
{
	time_t now = (time_t)(clock_wall_ns() / CLOCK_NS_PER_SECOND);

	text = str_trim(text);
	if (!str_starts_with(text, STR("NOW"))) {
		*ret_time = (struct tm){.tm_mday = 1, .tm_year = 70};
		return follow(format, ret_time, &text, NULL) && text.n == 0;
	}
	gmtime_r(&now, ret_time);
	text = str_trim((struct str){text.p + 3, text.n - 3});
	if (!text.n)
		return true;
	size_t n = 1;
	int64_t by;
	while (n < text.n && isdigit((unsigned char)text.p[n]))
		n++;
	struct str digits = {text.p + 1, n - 1};
	enum unit unit = unit_of((struct str){text.p + n, text.n - n});
	if ((text.p[0] != '-' && text.p[0] != '+') || unit == UNITS ||
		!number_parse_signed(digits, 0, 1000000, &by))
		return false;
	move(ret_time, unit, text.p[0] == '-' ? -by : by);
	return true;
}

/* What the format tells apart. */
static enum unit precision(struct str format)
{
	static const char letters[] = "smHdM";
	static const enum unit units[] = {SECONDS, MINUTES, HOURS, DAYS, MONTHS};

	for (size_t i = 0; letters[i]; i++) {
		if (memchr(format.p, letters[i], format.n))
			return units[i];
	}
	return YEARS;
}

static int add_dates(struct projection *projection, struct str key, json_t *values)
{
	struct str range = property(projection, key, "range"), low, high;
	struct str format = property(projection, key, "format");
	struct str interval = property(projection, key, "interval");
	struct str unit_name = property(projection, key, "interval.unit");
	struct tm from, to;
	int64_t step = 1;

	if (!format.p || !range.p || !str_split(&range, ',', &low) ||
		!str_split(&range, ',', &high) || !read_bound(low, format, &from) ||
		!read_bound(high, format, &to))
		return refuse(projection, key, "range does not go with format");
	enum unit unit = unit_name.p ? unit_of(unit_name) : precision(format);
	if (unit == UNITS ||
		(interval.p && !number_parse_signed(str_trim(interval), 1, 100000, &step)))
		return refuse(projection, key, "interval or interval.unit is not understood");
	_cleanup_buf_ struct buf text = {0}, end = {0};
	if (!follow(format, &to, NULL, &end))
		return refuse(projection, key, "format is not understood");
	time_t last = timegm(&to);
	for (int64_t i = 0;; i++) {
		struct tm at = from;
		move(&at, unit, i * step);
		text.n = 0;
		if (!follow(format, &at, NULL, &text))
			return refuse(projection, key, "format is not understood");
		/* the last value holds the range's end, which may lie within it */
		if (timegm(&at) > last && !str_equal(buf_str(&text), buf_str(&end)))
			return 0;
		if (too_many(projection, key, values) < 0)
			return -1;
		add_text(values, text.p, text.n);
		if (timegm(&at) > last)
			return 0;
	}
}

/* ---- injected ---- */

static bool is(const json_t *node, const char *member, const char *value)
{
	return str_equal(athena_json_str(json_object_get(node, member)), str_from(value));
}

static bool names_key(const json_t *node, struct str key)
{
	const json_t *names = json_object_get(node, "column_names");
	size_t count = json_array_size(names);

	return count > 0 &&
	       str_equal_ignoring_case(athena_json_str(json_array_get(names, count - 1)), key);
}

static bool add_constant(json_t *values, const json_t *node)
{
	json_t *value = json_object_get(json_object_get(node, "value"), "value");

	if (!is(node, "class", "CONSTANT"))
		return false;
	if (json_is_string(value))
		json_array_append(values, value);
	else if (json_is_integer(value))
		json_array_append_new(
			values, json_sprintf("%lld", (long long)json_integer_value(value)));
	else
		return false;
	return true;
}

/* key = constant, or key IN (constants). */
static bool add_equals(json_t *values, const json_t *conjunct, struct str key)
{
	const json_t *left = json_object_get(conjunct, "left");
	const json_t *right = json_object_get(conjunct, "right");
	const json_t *children = json_object_get(conjunct, "children");

	if (is(conjunct, "type", "COMPARE_EQUAL"))
		return (names_key(left, key) && add_constant(values, right)) ||
		       (names_key(right, key) && add_constant(values, left));
	if (!is(conjunct, "type", "COMPARE_IN") || !names_key(json_array_get(children, 0), key))
		return false;
	for (size_t i = 1; i < json_array_size(children); i++) {
		if (!add_constant(values, json_array_get(children, i)))
			return false;
	}
	return true;
}

static int add_injected(struct projection *projection, struct str key, json_t *values)
{
	const struct athena_reference *reference = projection->reference;

	for (size_t u = 0; u < reference->uses_count; u++) {
		const json_t *conjuncts = reference->uses[u].conjuncts;
		bool found = false;
		for (size_t i = 0; i < json_array_size(conjuncts) && !found; i++)
			found = add_equals(values, json_array_get(conjuncts, i), key);
		if (!found)
			return athena_fail(projection->failure, "CONSTRAINT_VIOLATION",
				"For the injected projected partition column %.*s, the WHERE "
				"clause must contain only static equality conditions, and at least "
				"one such condition must be present.",
				STR_ARG(key));
	}
	return 0;
}

/* ---- combinations ---- */

static int values_of(struct projection *projection, const json_t *key, json_t **ret_values)
{
	static const struct {
		const char *type;
		int (*add)(struct projection *projection, struct str key, json_t *values);
	} kinds[] = {{"enum", add_enum}, {"integer", add_integers}, {"date", add_dates},
		{"injected", add_injected}};
	struct str name = athena_json_str(json_object_get(key, "Name"));
	struct str type = property(projection, name, "type");
	json_t *values = json_array(), *rows = json_array(), *kept = json_array();
	json_t *keys = json_pack("[O]", key);
	int r = 1;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (type.p && str_equal_ignoring_case(str_trim(type), str_from(kinds[i].type)))
			r = kinds[i].add(projection, name, values);
	}
	if (r > 0)
		r = refuse(projection, name, "type must be enum, integer, date or injected");
	for (size_t i = 0; i < json_array_size(values); i++)
		json_array_append_new(rows, json_pack("[O]", json_array_get(values, i)));
	_cleanup_free_ bool *wanted = mem_new(json_array_size(rows) + 1, sizeof(*wanted));
	if (r == 0)
		r = athena_filter_keys(projection->engine, projection->reference, keys, rows,
			wanted, projection->failure);
	for (size_t i = 0; r == 0 && i < json_array_size(values); i++) {
		if (wanted[i])
			json_array_append(kept, json_array_get(values, i));
	}
	json_decref(keys);
	json_decref(rows);
	json_decref(values);
	*ret_values = kept;
	return r;
}

/* The template with the values, or LOCATION/key=value/... */
static void add_location(
	struct buf *place, const json_t *table, struct str pattern, const json_t *values)
{
	const json_t *keys = json_object_get(table, "PartitionKeys");

	if (!pattern.p) {
		struct str location = athena_json_str(
			json_object_get(json_object_get(table, "StorageDescriptor"), "Location"));
		buf_add_str(place, location);
		if (!str_ends_with(location, STR("/")))
			buf_add_char(place, '/');
	}
	for (size_t k = 0; !pattern.p && k < json_array_size(values); k++) {
		struct str name = athena_json_str(json_object_get(json_array_get(keys, k), "Name"));
		buf_printf(place, "%.*s=%.*s/", STR_ARG(name),
			STR_ARG(athena_json_str(json_array_get(values, k))));
	}
	for (size_t i = 0; pattern.p && i < pattern.n;) {
		const char *end =
			pattern.p[i] == '$' && i + 1 < pattern.n && pattern.p[i + 1] == '{'
				? memchr(pattern.p + i, '}', pattern.n - i)
				: NULL;
		if (!end) {
			buf_add_char(place, pattern.p[i++]);
			continue;
		}
		struct str name = {pattern.p + i + 2, (size_t)(end - pattern.p) - i - 2};
		for (size_t k = 0; k < json_array_size(values); k++) {
			if (str_equal_ignoring_case(name,
				    athena_json_str(
					    json_object_get(json_array_get(keys, k), "Name"))))
				buf_add_str(place, athena_json_str(json_array_get(values, k)));
		}
		i = (size_t)(end - pattern.p) + 1;
	}
}

bool athena_projected_place(struct buf *place, const json_t *table, const json_t *values)
{
	struct str pattern = athena_property(table, "storage.location.template");

	if (!pattern.p ||
		!str_equal_ignoring_case(athena_property(table, "projection.enabled"), STR("true")))
		return false;
	add_location(place, table, pattern, values);
	if (!str_ends_with(buf_str(place), STR("/")))
		buf_add_char(place, '/');
	return true;
}

static int combine(struct projection *projection, const json_t *lists, json_t *partitions)
{
	struct str pattern = athena_property(projection->table, "storage.location.template");
	size_t keys = json_array_size(lists), total = 1;
	_cleanup_buf_ struct buf place = {0};

	for (size_t k = 0; k < keys; k++) {
		size_t count = json_array_size(json_array_get(lists, k));
		if (count > 0 && total > ATHENA_PARTITIONS_MAX / count)
			return athena_fail(projection->failure, "GENERIC_USER_ERROR",
				"Table %s.%s has more than %d partitions for this query",
				projection->reference->database, projection->reference->table,
				ATHENA_PARTITIONS_MAX);
		total *= count;
	}
	for (size_t i = 0; i < total; i++) {
		json_t *values = json_array();
		size_t rest = i, block = total;
		for (size_t k = 0; k < keys; k++) {
			const json_t *list = json_array_get(lists, k);
			block /= json_array_size(list);
			json_array_append(values, json_array_get(list, rest / block));
			rest %= block;
		}
		place.n = 0;
		add_location(&place, projection->table, pattern, values);
		if (!str_ends_with(buf_str(&place), STR("/")))
			buf_add_char(&place, '/');
		json_array_append_new(
			partitions, json_pack("{s:o, s:{s:s%}}", "Values", values,
					    "StorageDescriptor", "Location", place.p, place.n));
	}
	return 0;
}

/* More combinations than this are not each listed. */
enum { COMBINE_MAX = 1000 };

static bool is_large(const json_t *lists)
{
	size_t total = 1;

	for (size_t k = 0; k < json_array_size(lists); k++) {
		size_t count = json_array_size(json_array_get(lists, k));
		if (count == 0)
			return false;
		total = total > SIZE_MAX / count ? SIZE_MAX : total * count;
	}
	return total > COMBINE_MAX;
}

int athena_project(struct athena_engine *engine, const struct athena_query *query,
	const struct athena_reference *reference, const json_t *table, json_t **ret_partitions,
	struct athena_failure *failure)
{
	struct projection projection = {
		engine, reference, table, json_object_get(table, "PartitionKeys"), failure};
	json_t *lists = json_array(), *partitions = json_array();
	int r = 0;

	for (size_t k = 0; r == 0 && k < json_array_size(projection.keys); k++) {
		json_t *values = NULL;
		r = values_of(&projection, json_array_get(projection.keys, k), &values);
		json_array_append_new(lists, values);
	}
	if (r == 0 && is_large(lists))
		r = athena_discover(engine, query, table, lists, partitions, failure);
	else if (r == 0)
		r = ATHENA_NOT_UNDERSTOOD;
	if (r == ATHENA_NOT_UNDERSTOOD)
		r = combine(&projection, lists, partitions);
	json_decref(lists);
	if (r < 0)
		json_decref(partitions);
	else
		*ret_partitions = partitions;
	return r;
}
