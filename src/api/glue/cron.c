/* AWS's cron expressions (AWS Glue developer guide, "Time-based schedules for jobs and crawlers").
 */
#include "api/glue/crawlers_priv.h"

#include "base/number.h"

#include <time.h>

enum { YEAR_MIN = 1970, YEAR_MAX = 2199 };

static const char *const month_names[] = {
	"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC", NULL};
static const char *const weekday_names[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", NULL};

struct field {
	unsigned min, max;
	const char *const *names; /* of min, min + 1, ... */
	bool *set;                /* [max + 1] */
};

static bool parse_value(const struct field *field, struct str text, unsigned *ret_value)
{
	uint64_t number;

	for (unsigned i = 0; field->names && field->names[i]; i++)
		if (str_equal_ignoring_case(text, str_from(field->names[i]))) {
			*ret_value = field->min + i;
			return true;
		}
	if (!number_parse(text, field->max, &number) || number < field->min)
		return false;
	*ret_value = (unsigned)number;
	return true;
}

/* A, A-B, A/N, A-B/N, or * in A's place. */
static bool parse_range(const struct field *field, struct str text)
{
	unsigned first = field->min, last = field->max;
	struct str range, low, rest = text;
	uint64_t step = 1;

	if (!str_split(&rest, '/', &range))
		return false;
	bool has_step = rest.p;
	if (has_step && (!number_parse(rest, field->max, &step) || step == 0))
		return false;
	if (!str_equal(range, STR("*"))) {
		struct str high = range;
		str_split(&high, '-', &low);
		if (!parse_value(field, low, &first))
			return false;
		last = has_step ? field->max : first;
		if (high.p && (!parse_value(field, high, &last) || last < first))
			return false;
	}
	for (unsigned value = first; value <= last; value += (unsigned)step)
		field->set[value] = true;
	return true;
}

static bool parse_field(const struct field *field, struct str text)
{
	struct str part;

	while (str_split(&text, ',', &part))
		if (!parse_range(field, part))
			return false;
	return true;
}

/* Six fields, separated by single spaces or more. */
static bool split(struct str text, struct str fields[static 6])
{
	struct str prefix = STR("cron(");
	size_t count = 0;
	struct str part;

	if (!str_starts_with(text, prefix) || !str_ends_with(text, STR(")")))
		return false;
	text = (struct str){text.p + prefix.n, text.n - prefix.n - 1};
	while (str_split(&text, ' ', &part)) {
		if (!part.n)
			continue;
		if (count == 6)
			return false;
		fields[count++] = part;
	}
	return count == 6;
}

static uint64_t bits(const bool *set, unsigned max)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i <= max; i++)
		mask |= (uint64_t)set[i] << i;
	return mask;
}

bool glue_cron_parse(struct str text, struct glue_cron *ret_cron)
{
	bool minutes[60] = {0}, hours[24] = {0}, days[32] = {0}, months[13] = {0};
	bool weekdays[8] = {0};
	bool years[YEAR_MAX + 1] = {0};
	const struct field fields[] = {{0, 59, NULL, minutes}, {0, 23, NULL, hours},
		{1, 31, NULL, days}, {1, 12, month_names, months}, {1, 7, weekday_names, weekdays},
		{YEAR_MIN, YEAR_MAX, NULL, years}};
	struct str texts[6];
	const size_t day = 2, weekday = 4;

	if (!split(text, texts))
		return false;
	/* ? is any; exactly one of the days is it. */
	if (str_equal(texts[day], STR("?")) == str_equal(texts[weekday], STR("?")))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		bool is_any = (i == day || i == weekday) && str_equal(texts[i], STR("?"));
		if (!parse_field(&fields[i], is_any ? STR("*") : texts[i]))
			return false;
	}
	*ret_cron = (struct glue_cron){.minutes = bits(minutes, 59),
		.hours = (uint32_t)bits(hours, 23),
		.days = (uint32_t)bits(days, 31),
		.months = (uint32_t)bits(months, 12),
		.weekdays = (uint32_t)bits(weekdays, 7)};
	memcpy(ret_cron->years, years + YEAR_MIN, sizeof(ret_cron->years));
	return true;
}

static bool is_day(const struct glue_cron *cron, const struct tm *date)
{
	int year = date->tm_year + 1900;

	return year >= YEAR_MIN && year <= YEAR_MAX && cron->years[year - YEAR_MIN] &&
	       (cron->months >> (date->tm_mon + 1) & 1) && (cron->days >> date->tm_mday & 1) &&
	       (cron->weekdays >> (date->tm_wday + 1) & 1);
}

/* Day by day, then the minutes of the day. */
int64_t glue_cron_next(const struct glue_cron *cron, int64_t after)
{
	const int64_t day = 86400;
	int64_t minute = (after / 60 + 1) * 60;
	struct tm date;

	for (time_t begin = minute / day * day;; begin += day) {
		if (!gmtime_r(&begin, &date) || date.tm_year + 1900 > YEAR_MAX)
			return -1;
		if (!is_day(cron, &date))
			continue;
		for (int64_t at = begin < minute ? minute : begin; at < begin + day; at += 60)
			if ((cron->hours >> (at % day / 3600) & 1) &&
				(cron->minutes >> (at % 3600 / 60) & 1))
				return at;
	}
}
