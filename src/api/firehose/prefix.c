/* The expressions in prefixes of objects (Data Firehose guide, "Custom prefixes for Amazon S3
 * objects"): !{timestamp:FORMAT} with a pattern of Java's DateTimeFormatter in UTC,
 * !{firehose:random-string}, and in ErrorOutputPrefix !{firehose:error-output-type}. */
#include "api/firehose/firehose_priv.h"

#include "aws/digest.h"

#include <time.h>

enum { RANDOM_LENGTH = 11 };

static void add_random(struct buf *key)
{
	static const char letters[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	for (unsigned i = 0; i < RANDOM_LENGTH;) {
		uint8_t byte;
		aws_random(&byte, sizeof(byte));
		if (byte >= 4 * (sizeof(letters) - 1))
			continue;
		buf_add_char(key, letters[byte % (sizeof(letters) - 1)]);
		i++;
	}
}

/* A run of n equal letters; what is wrong with it, or NULL. key NULL: only checked. */
static const char *add_field(struct buf *key, char letter, size_t n, const struct tm *time)
{
	const struct {
		char letter;
		size_t max;
		int value;
	} fields[] = {
		{'y', 4, time->tm_year + 1900},
		{'u', 4, time->tm_year + 1900},
		{'D', 3, time->tm_yday + 1},
		{'M', 2, time->tm_mon + 1},
		{'d', 2, time->tm_mday},
		{'H', 2, time->tm_hour},
		{'m', 2, time->tm_min},
		{'s', 2, time->tm_sec},
	};
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (fields[i].letter != letter || n > fields[i].max)
			continue;
		bool is_short_year = fields[i].max == 4 && n == 2;
		if (key)
			buf_printf(key, "%0*d", (int)n,
				is_short_year ? fields[i].value % 100 : fields[i].value);
		return NULL;
	}
	return "The format of a timestamp expression may have the fields yyyy, yy, MM, M, dd, d, "
	       "DDD, HH, H, mm, m, ss and s.";
}

static const char *add_time(struct buf *key, struct str format, int64_t time_ms)
{
	time_t seconds = time_ms / 1000;
	const char *wrong = NULL;
	bool is_quoted = false;
	struct tm time;

	gmtime_r(&seconds, &time);
	for (size_t i = 0, n = 1; i < format.n && !wrong; i += n) {
		char c = format.p[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		n = 1;
		if (c == '\'') {
			/* Two are one, outside and inside of quotes. */
			bool is_pair = i + 1 < format.n && format.p[i + 1] == '\'';
			n += is_pair;
			if (is_pair && key)
				buf_add_char(key, c);
			is_quoted = is_quoted != !is_pair;
		} else if (is_letter && !is_quoted) {
			while (i + n < format.n && format.p[i + n] == c)
				n++;
			wrong = add_field(key, c, n, &time);
		} else if (key) {
			buf_add_char(key, c);
		}
	}
	if (!wrong && (is_quoted || !format.n))
		return "The format of a timestamp expression is empty or has a quote without its end.";
	return wrong;
}

struct found {
	bool has_expression, has_timestamp, has_error_type;
};

/* One expression, without "!{" and "}". */
static const char *add_expression(
	struct buf *key, struct str expression, int64_t time_ms, struct found *found)
{
	const struct str timestamp = STR("timestamp:");

	found->has_expression = true;
	if (str_starts_with(expression, timestamp)) {
		found->has_timestamp = true;
		return add_time(key,
			(struct str){expression.p + timestamp.n, expression.n - timestamp.n},
			time_ms);
	}
	if (str_equal(expression, STR("firehose:random-string"))) {
		if (key)
			add_random(key);
		return NULL;
	}
	found->has_error_type = str_equal(expression, STR("firehose:error-output-type"));
	return found->has_error_type
		       ? NULL
		       : "An expression of a prefix must be !{timestamp:FORMAT}, "
			 "!{firehose:random-string} or !{firehose:error-output-type}.";
}

static const char *walk(struct buf *key, struct str prefix, int64_t time_ms, struct found *found)
{
	bool has_error_type = false;

	for (size_t i = 0; i < prefix.n;) {
		if (!str_starts_with((struct str){prefix.p + i, prefix.n - i}, STR("!{"))) {
			if (key)
				buf_add_char(key, prefix.p[i]);
			i++;
			continue;
		}
		const char *start = prefix.p + i + 2;
		const char *end = memchr(start, '}', prefix.n - i - 2);
		if (!end)
			return "An expression of a prefix has no closing brace.";
		const char *wrong = add_expression(
			key, (struct str){start, (size_t)(end - start)}, time_ms, found);
		if (wrong)
			return wrong;
		has_error_type = has_error_type || found->has_error_type;
		i = (size_t)(end - prefix.p) + 1;
	}
	found->has_error_type = has_error_type;
	return NULL;
}

const char *firehose_prefix_check(struct str prefix, struct str error_prefix)
{
	struct found in_prefix = {0}, in_error = {0};
	const char *wrong = walk(NULL, prefix, 0, &in_prefix);

	if (!wrong)
		wrong = walk(NULL, error_prefix, 0, &in_error);
	if (wrong)
		return wrong;
	if (in_prefix.has_error_type)
		return "Prefix cannot have the expression !{firehose:error-output-type}.";
	if (in_prefix.has_expression && !error_prefix.n)
		return "ErrorOutputPrefix cannot be null or empty when Prefix contains expressions.";
	if (in_error.has_expression && !in_error.has_error_type)
		return "ErrorOutputPrefix must have the expression !{firehose:error-output-type} "
		       "when it has expressions.";
	return NULL;
}

void firehose_prefix_add(struct buf *key, struct str prefix, int64_t time_ms)
{
	struct found found = {0};

	walk(key, prefix, time_ms, &found);
	if (!found.has_expression)
		add_time(key, STR("yyyy/MM/dd/HH/"), time_ms);
}
