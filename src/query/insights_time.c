/* Functions of time: bin, datefloor and dateceil, and dates as people write them. */
#include "query/insights_priv.h"

#include "base/mem.h"
#include "base/number.h"

#include <stdio.h>

/* ---- rounding ---- */

/* More than the most is the most: bin(300s) is bin(60s), as AWS has it. Each of more than one
 * letter may have an s behind. */
static const struct period {
	const char *names;
	int64_t ms; /* 0: by the calendar */
	uint64_t most;
	const char *calendar;
} periods[] = {
	{" ms msec millisecond ", 1, 1000, NULL},
	{" s sec second ", 1000, 60, NULL},
	{" m min minute ", 60000, 60, NULL},
	{" h hr hour ", 3600000, 24, NULL},
	{" d day ", 86400000, 100000, NULL},
	{" w week ", 604800000, 100000, NULL},
	{" mo mon month ", 0, 1, "month"},
	{" q qtr quarter ", 0, 1, "quarter"},
	{" y yr year ", 0, 1, "year"},
};

static const struct period *find_period(struct str unit)
{
	char word[24];

	for (int plural = 0; plural < 2; plural++) {
		if (plural && (unit.n < 3 || (unit.p[unit.n - 1] | 0x20) != 's'))
			break;
		unit.n -= (size_t)plural;
		size_t n = (size_t)snprintf(word, sizeof(word), " %.*s ", STR_ARG(unit));
		for (size_t i = 0; i < n && i < sizeof(word); i++)
			if (word[i] >= 'A' && word[i] <= 'Z')
				word[i] |= 0x20;
		for (size_t i = 0; i < ARRAY_SIZE(periods); i++)
			if (strstr(periods[i].names, word))
				return &periods[i];
	}
	return NULL;
}

int insights_duration(
	struct insights *insights, struct str text, int64_t *ret_ms, const char **ret_calendar)
{
	struct str digits = {text.p, 0}, unit;
	uint64_t count;

	while (digits.n < text.n && text.p[digits.n] >= '0' && text.p[digits.n] <= '9')
		digits.n++;
	unit = (struct str){text.p + digits.n, text.n - digits.n};
	if (!number_parse(digits, 1000000000, &count) || !count)
		return insights_fail(insights, "a period from 1");
	const struct period *period = unit.n < 20 ? find_period(unit) : NULL;
	if (!period)
		return insights_fail(insights, "a unit of time: ms, s, m, h, d, w, mo, q or y");
	if (count > period->most && !period->ms)
		return insights_fail(insights, "one month, quarter or year");
	*ret_ms = period->ms * (int64_t)(count < period->most ? count : period->most);
	*ret_calendar = period->calendar;
	return 0;
}

/* time rounded down to the period, or up. */
static const char *round_to(
	struct insights *insights, const char *time, int64_t ms, const char *calendar, bool is_ceil)
{
	long long step = ms;

	if (!ms)
		return insights_printf(insights,
			is_ceil ? "epoch_ms(date_trunc('%s', make_timestamp(%s * 1000) + INTERVAL 1 %s - "
				  "INTERVAL 1 millisecond))"
				: "epoch_ms(date_trunc('%s', make_timestamp(%s * 1000)))",
			calendar, time, calendar);
	return is_ceil ? insights_printf(insights, "((%s + %lld) // %lld * %lld)", time, step - 1,
				 step, step)
		       : insights_printf(insights, "(%s // %lld * %lld)", time, step, step);
}

void insights_shift_bins(struct insights *insights, struct insights_value *value, int64_t ms)
{
	long long shift = ms % value->bin_ms;

	value->sql = insights_printf(insights, "((%s - %lld) // %lld * %lld + %lld)",
		value->bin_time, shift, (long long)value->bin_ms, (long long)value->bin_ms, shift);
}

/* "5m", or "5 m"; behind it. */
static int parse_duration(struct insights *insights, int64_t *ret_ms, const char **ret_calendar)
{
	struct str duration = insights->token_text;

	if (insights->token == INSIGHTS_NUMBER) {
		if (insights_next(insights, false) < 0)
			return -1;
		if (insights->token != INSIGHTS_NAME)
			return insights_fail(insights, "a unit of time behind the number");
		const char *text = insights_printf(
			insights, "%.*s%.*s", STR_ARG(duration), STR_ARG(insights->token_text));
		duration = str_from(text);
	} else if (insights->token != INSIGHTS_DURATION) {
		return insights_fail(insights, "a period, as 5m or 1h");
	}
	if (insights_duration(insights, duration, ret_ms, ret_calendar) < 0)
		return -1;
	return insights_next(insights, false);
}

/* As deep as INSIGHTS_DEPTH_MAX. NOLINTBEGIN(misc-no-recursion) */

static const char *as_time(struct insights *insights, const struct insights_value *value)
{
	if (value->type == QUERY_INSIGHTS_TIME)
		return value->sql;
	return insights_printf(insights, "CAST(%s AS BIGINT)", insights_as_number(insights, value));
}

/* bin(5m), datefloor(@timestamp, 1h), dateceil(...); at '('. */
static int call_round(struct insights *insights, struct str name, struct insights_value *value)
{
	const struct insights_name *timestamp = insights_find(insights, STR("@timestamp"));
	bool is_bin = str_equal_ignoring_case(name, STR("bin"));
	struct insights_value given = {
		.sql = timestamp ? timestamp->sql : "NULL::BIGINT", .type = QUERY_INSIGHTS_TIME};
	const char *calendar = NULL;
	int64_t ms = 0;

	if (insights_next(insights, false) < 0)
		return -1;
	if (!is_bin ||
		(insights->token != INSIGHTS_DURATION && insights->token != INSIGHTS_NUMBER)) {
		if (insights_expression(insights, &given) < 0 ||
			insights_expect_sign(insights, ",") < 0)
			return -1;
	}
	if (parse_duration(insights, &ms, &calendar) < 0)
		return -1;
	*value = (struct insights_value){
		.type = QUERY_INSIGHTS_TIME, .bin_ms = ms, .is_aggregate = given.is_aggregate};
	value->bin_time = is_bin ? as_time(insights, &given) : NULL;
	value->sql = round_to(insights, as_time(insights, &given), ms, calendar,
		str_equal_ignoring_case(name, STR("dateceil")));
	return insights_expect_sign(insights, ")");
}

/* ---- dates ---- */

/* Java's letters as those of strptime: "yyyy-MM-dd'T'HH:mm:ss". NULL: it has others. */
static const char *date_format(struct insights *insights, struct str java)
{
	static const struct {
		const char *java, *ours;
	} parts[] = {{"yyyy", "%Y"}, {"uuuu", "%Y"}, {"yy", "%y"}, {"MMMM", "%B"}, {"MMM", "%b"},
		{"MM", "%m"}, {"M", "%-m"}, {"dd", "%d"}, {"d", "%-d"}, {"HH", "%H"}, {"H", "%-H"},
		{"hh", "%I"}, {"h", "%-I"}, {"mm", "%M"}, {"m", "%-M"}, {"ss", "%S"}, {"s", "%-S"},
		{"SSSSSS", "%f"}, {"SSS", "%g"}, {"EEEE", "%A"}, {"EEE", "%a"}, {"a", "%p"},
		{"X"
		 "XX",
			"%z"},
		{"XX", "%z"}, {"X", "%z"}, {"Z", "%z"}, {"z", "%Z"}, {"DDD", "%j"}};
	_cleanup_buf_ struct buf format = {0};
	bool is_quoted = false;

	for (size_t i = 0; i < java.n;) {
		char c = java.p[i];
		size_t part = 0;
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (c == '\'' || is_quoted || !is_letter) {
			is_quoted = is_quoted != (c == '\'');
			if (c != '\'')
				buf_printf(&format, "%s%c", c == '%' ? "%" : "", c);
			i++;
			continue;
		}
		while (part < ARRAY_SIZE(parts) &&
			!str_starts_with(
				(struct str){java.p + i, java.n - i}, str_from(parts[part].java)))
			part++;
		if (part == ARRAY_SIZE(parts))
			return NULL;
		buf_add_text(&format, parts[part].ours);
		i += strlen(parts[part].java);
	}
	return insights_literal(insights, buf_str(&format));
}

/* parseDate(text, "yyyy-MM-dd", "UTC"), formatDate(@timestamp, "%Y-%m-%d", "UTC"); at '('. */
static int call_date(struct insights *insights, bool is_parse, struct insights_value *value)
{
	struct insights_value given, format, zone = {.sql = NULL};
	bool taken;

	if (insights_next(insights, false) < 0 || insights_expression(insights, &given) < 0 ||
		insights_expect_sign(insights, ",") < 0)
		return -1;
	if (insights->token != INSIGHTS_STRING)
		return insights_fail(insights, "a format in quotes");
	size_t at = insights->token_at;
	if (insights_expression(insights, &format) < 0 ||
		insights_take_sign(insights, ",", &taken) < 0 ||
		(taken && insights_expression(insights, &zone) < 0))
		return -1;
	const char *written = is_parse ? date_format(insights, format.text)
				       : insights_literal(insights, format.text);
	if (!written)
		return insights_fail_at(insights, at, "a part of the format is not supported");
	*value = (struct insights_value){.is_aggregate = given.is_aggregate};
	if (is_parse) {
		const char *time = insights_printf(insights, "try_strptime(%s, %s)",
			insights_as_text(insights, &given), written);
		value->type = QUERY_INSIGHTS_NUMBER;
		value->is_integer = true;
		value->sql = zone.sql ? insights_printf(insights, "epoch_ms(timezone(%s, %s))",
						insights_as_text(insights, &zone), time)
				      : insights_printf(insights, "epoch_ms(%s)", time);
	} else {
		const char *time = as_time(insights, &given);
		value->type = QUERY_INSIGHTS_TEXT;
		time = zone.sql ? insights_printf(insights,
					  "timezone(%s, make_timestamptz(%s * 1000))",
					  insights_as_text(insights, &zone), time)
				: insights_printf(insights, "make_timestamp(%s * 1000)", time);
		value->sql = insights_printf(insights, "strftime(%s, %s)", time, written);
	}
	return insights_expect_sign(insights, ")");
}
/* NOLINTEND(misc-no-recursion) */

static const char *const round_names[] = {"bin", "datefloor", "dateceil"};
static const char *const date_names[] = {"parsedate", "formatdate", "strftime"};

bool insights_is_time_call(struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(round_names); i++)
		if (str_equal_ignoring_case(name, str_from(round_names[i])) ||
			str_equal_ignoring_case(name, str_from(date_names[i])))
			return true;
	return false;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
int insights_time_call(struct insights *insights, struct str name, struct insights_value *ret_value)
{
	for (size_t i = 0; i < ARRAY_SIZE(round_names); i++)
		if (str_equal_ignoring_case(name, str_from(round_names[i])))
			return call_round(insights, name, ret_value);
	return call_date(insights, str_equal_ignoring_case(name, STR("parsedate")), ret_value);
}
