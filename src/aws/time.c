#include "aws/time.h"

#include <stdint.h>
#include <stdio.h>

#define MS_PER_DAY INT64_C(86400000)
#define MS_MIN     INT64_C(-62135596800000) /* 0001-01-01T00:00:00.000Z */
#define MS_MAX     INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char days[] = "SunMonTueWedThuFriSat";

struct moment {
	int year, month, day, hour, minute, second, ms;
};

/* Days since 1970-01-01 of a date of the Gregorian calendar (H. Hinnant, "chrono-Compatible
 * Low-Level Date Algorithms"): years begin in March, so that the leap day is the last. */
static int64_t days_from_civil(int year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

static void civil_from_days(int64_t since_epoch, struct moment *ret_moment)
{
	int64_t z = since_epoch + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t day_of_era = z - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted = (5 * day_of_year + 2) / 153;

	ret_moment->day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
	ret_moment->month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
	ret_moment->year = (int)(year_of_era + era * 400 + (ret_moment->month <= 2));
}

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* zone: minutes east of Greenwich. A leap second (60) is the next minute's first. */
static bool to_ms(const struct moment *m, int zone, int64_t *ret_ms)
{
	static const char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (m->year < 1 || m->year > 9999 || m->month < 1 || m->month > 12 || m->day < 1 ||
		m->day > lengths[m->month - 1] + (m->month == 2 && is_leap(m->year)) ||
		m->hour > 23 || m->minute > 59 || m->second > 60)
		return false;
	int64_t ms = days_from_civil(m->year, m->month, m->day) * MS_PER_DAY +
		     ((m->hour * 60 + m->minute - zone) * INT64_C(60) + m->second) * 1000 + m->ms;
	if (ms < MS_MIN || ms > MS_MAX)
		return false;
	*ret_ms = ms;
	return true;
}

/* Exactly `digits` digits off the front. */
static bool take_number(struct str *rest, size_t digits, int *ret_value)
{
	int value = 0;

	if (rest->n < digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		if (rest->p[i] < '0' || rest->p[i] > '9')
			return false;
		value = value * 10 + rest->p[i] - '0';
	}
	*rest = (struct str){rest->p + digits, rest->n - digits};
	*ret_value = value;
	return true;
}

static bool take_char(struct str *rest, char c)
{
	if (!rest->n || rest->p[0] != c)
		return false;
	rest->p++, rest->n--;
	return true;
}

static bool take_text(struct str *rest, struct str text)
{
	if (!str_starts_with(*rest, text))
		return false;
	*rest = (struct str){rest->p + text.n, rest->n - text.n};
	return true;
}

bool aws_time_parse_basic(struct str text, int64_t *ret_ms)
{
	struct moment m = {0};

	return take_number(&text, 4, &m.year) && take_number(&text, 2, &m.month) &&
	       take_number(&text, 2, &m.day) && take_char(&text, 'T') &&
	       take_number(&text, 2, &m.hour) && take_number(&text, 2, &m.minute) &&
	       take_number(&text, 2, &m.second) && take_char(&text, 'Z') && text.n == 0 &&
	       to_ms(&m, 0, ret_ms);
}

/* A fraction of a second after its '.', cut to milliseconds. */
static bool take_fraction(struct str *rest, int *ret_ms)
{
	size_t digits = 0;
	int ms = 0, scale = 100;

	for (int digit; digits < 9 && take_number(rest, 1, &digit); digits++) {
		ms += digit * scale;
		scale /= 10;
	}
	*ret_ms = ms;
	return digits > 0;
}

/* "Z", "+hh:mm", "-hhmm"; the minutes to subtract. */
static bool take_zone(struct str *rest, int *ret_minutes)
{
	int sign, hours, minutes;

	*ret_minutes = 0;
	if (take_char(rest, 'Z'))
		return true;
	if (take_char(rest, '+'))
		sign = 1;
	else if (take_char(rest, '-'))
		sign = -1;
	else
		return false;
	if (!take_number(rest, 2, &hours))
		return false;
	take_char(rest, ':');
	if (!take_number(rest, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ret_minutes = sign * (hours * 60 + minutes);
	return true;
}

bool aws_time_parse_iso8601(struct str text, int64_t *ret_ms)
{
	struct moment m = {0};
	int zone = 0;

	if (aws_time_parse_basic(text, ret_ms))
		return true;
	if (!take_number(&text, 4, &m.year) || !take_char(&text, '-') ||
		!take_number(&text, 2, &m.month) || !take_char(&text, '-') ||
		!take_number(&text, 2, &m.day))
		return false;
	if (text.n) {
		if (!take_char(&text, 'T') || !take_number(&text, 2, &m.hour) ||
			!take_char(&text, ':') || !take_number(&text, 2, &m.minute) ||
			!take_char(&text, ':') || !take_number(&text, 2, &m.second))
			return false;
		if (take_char(&text, '.') && !take_fraction(&text, &m.ms))
			return false;
		if (!take_zone(&text, &zone) || text.n)
			return false;
	}
	return to_ms(&m, zone, ret_ms);
}

static bool take_month(struct str *rest, int *ret_month)
{
	for (int month = 0; month < 12; month++) {
		if (take_text(rest, (struct str){months + 3 * month, 3})) {
			*ret_month = month + 1;
			return true;
		}
	}
	return false;
}

static bool take_clock(struct str *rest, struct moment *m)
{
	return take_number(rest, 2, &m->hour) && take_char(rest, ':') &&
	       take_number(rest, 2, &m->minute) && take_char(rest, ':') &&
	       take_number(rest, 2, &m->second);
}

/* "24 May 2013 00:00:00 GMT", behind "Fri, ". */
static bool parse_imf(struct str text, int64_t *ret_ms)
{
	struct moment m = {0};
	int zone = 0;

	if (!take_number(&text, 2, &m.day) && !take_number(&text, 1, &m.day))
		return false;
	if (!take_char(&text, ' ') || !take_month(&text, &m.month) || !take_char(&text, ' ') ||
		!take_number(&text, 4, &m.year) || !take_char(&text, ' ') ||
		!take_clock(&text, &m) || !take_char(&text, ' '))
		return false;
	if (!take_text(&text, STR("GMT")) && !take_text(&text, STR("UTC")) &&
		!take_zone(&text, &zone))
		return false;
	return text.n == 0 && to_ms(&m, zone, ret_ms);
}

/* "06-Nov-94 08:49:37 GMT", behind "Sunday, ": the two digits are of 1970 to 2069. */
static bool parse_rfc850(struct str text, int64_t *ret_ms)
{
	struct moment m = {0};

	if (!take_number(&text, 2, &m.day) || !take_char(&text, '-') ||
		!take_month(&text, &m.month) || !take_char(&text, '-') ||
		!take_number(&text, 2, &m.year) || !take_char(&text, ' ') ||
		!take_clock(&text, &m) || !take_text(&text, STR(" GMT")) || text.n)
		return false;
	m.year += m.year < 70 ? 2000 : 1900;
	return to_ms(&m, 0, ret_ms);
}

/* "Nov  6 08:49:37 1994", behind "Sun ". */
static bool parse_asctime(struct str text, int64_t *ret_ms)
{
	struct moment m = {0};

	if (!take_month(&text, &m.month) || !take_char(&text, ' '))
		return false;
	if (take_char(&text, ' ') ? !take_number(&text, 1, &m.day) : !take_number(&text, 2, &m.day))
		return false;
	return take_char(&text, ' ') && take_clock(&text, &m) && take_char(&text, ' ') &&
	       take_number(&text, 4, &m.year) && text.n == 0 && to_ms(&m, 0, ret_ms);
}

bool aws_time_parse_http(struct str text, int64_t *ret_ms)
{
	const char *comma = text.n ? memchr(text.p, ',', text.n) : NULL;
	size_t start = comma ? (size_t)(comma - text.p) + 2 : 4;

	/* The name of the day is not checked against the date: nothing depends on it. */
	if (text.n <= start || text.p[start - 1] != ' ')
		return false;
	struct str rest = {text.p + start, text.n - start};
	if (!comma)
		return parse_asctime(rest, ret_ms);
	return parse_imf(rest, ret_ms) || parse_rfc850(rest, ret_ms);
}

/* Up to 12 digits of seconds: the year 9999 has 12. */
static bool parse_epoch(struct str text, int64_t *ret_ms)
{
	int64_t seconds = 0;
	size_t digits = 0;
	int digit, ms = 0;
	bool negative = take_char(&text, '-');

	for (; digits < 12 && take_number(&text, 1, &digit); digits++)
		seconds = seconds * 10 + digit;
	if (digits == 0 || (take_char(&text, '.') && !take_fraction(&text, &ms)) || text.n)
		return false;
	int64_t value = seconds * 1000 + ms;
	if (value > MS_MAX || (negative && -value < MS_MIN))
		return false;
	*ret_ms = negative ? -value : value;
	return true;
}

bool aws_time_parse(struct str text, int64_t *ret_ms)
{
	return aws_time_parse_iso8601(text, ret_ms) || aws_time_parse_http(text, ret_ms) ||
	       parse_epoch(text, ret_ms);
}

static struct moment from_ms(int64_t ms, int *ret_weekday)
{
	struct moment m;
	int64_t since_epoch = ms / MS_PER_DAY - (ms % MS_PER_DAY < 0);
	int rest = (int)(ms - since_epoch * MS_PER_DAY);

	civil_from_days(since_epoch, &m);
	m.ms = rest % 1000;
	m.second = rest / 1000 % 60;
	m.minute = rest / 60000 % 60;
	m.hour = rest / 3600000;
	*ret_weekday = (int)(((since_epoch + 4) % 7 + 7) % 7);
	return m;
}

static char *write_number(char *p, int value, int digits)
{
	for (int i = digits - 1; i >= 0; i--, value /= 10)
		p[i] = (char)('0' + value % 10);
	return p + digits;
}

static char *write_text(char *p, const char *text, size_t n)
{
	memcpy(p, text, n);
	return p + n;
}

static char *write_clock(char *p, const struct moment *m)
{
	p = write_number(p, m->hour, 2);
	*p++ = ':';
	p = write_number(p, m->minute, 2);
	*p++ = ':';
	return write_number(p, m->second, 2);
}

char *aws_time_write_basic(char *p, int64_t ms)
{
	int weekday;
	struct moment m = from_ms(ms, &weekday);

	p = write_number(p, m.year, 4);
	p = write_number(p, m.month, 2);
	p = write_number(p, m.day, 2);
	*p++ = 'T';
	p = write_number(p, m.hour, 2);
	p = write_number(p, m.minute, 2);
	p = write_number(p, m.second, 2);
	*p++ = 'Z';
	return p;
}

static char *write_extended(char *p, const struct moment *m)
{
	p = write_number(p, m->year, 4);
	*p++ = '-';
	p = write_number(p, m->month, 2);
	*p++ = '-';
	p = write_number(p, m->day, 2);
	*p++ = 'T';
	return write_clock(p, m);
}

char *aws_time_write_iso8601(char *p, int64_t ms)
{
	int weekday;
	struct moment m = from_ms(ms, &weekday);

	p = write_extended(p, &m);
	*p++ = 'Z';
	return p;
}

char *aws_time_write_millis(char *p, int64_t ms)
{
	int weekday;
	struct moment m = from_ms(ms, &weekday);

	p = write_extended(p, &m);
	*p++ = '.';
	p = write_number(p, m.ms, 3);
	*p++ = 'Z';
	return p;
}

char *aws_time_write_http(char *p, int64_t ms)
{
	int weekday;
	struct moment m = from_ms(ms, &weekday);

	p = write_text(p, days + 3 * weekday, 3);
	p = write_text(p, ", ", 2);
	p = write_number(p, m.day, 2);
	*p++ = ' ';
	p = write_text(p, months + 3 * (m.month - 1), 3);
	*p++ = ' ';
	p = write_number(p, m.year, 4);
	*p++ = ' ';
	p = write_clock(p, &m);
	return write_text(p, " GMT", 4);
}
