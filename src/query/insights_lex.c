#include "query/insights_priv.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

static char at(const struct insights *insights, size_t place)
{
	return place < insights->text.n ? insights->text.p[place] : '\0';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool begins_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '@' ||
	       c == '$' || (c & 0x80);
}

static bool is_in_name(char c)
{
	return begins_name(c) || is_digit(c) || c == '.';
}

int insights_fail_at(struct insights *insights, size_t place, const char *format, ...)
{
	char message[512];
	unsigned line = 1;
	size_t start = 0;
	va_list arguments;

	for (size_t i = 0; i < place && i < insights->text.n; i++) {
		if (insights->text.p[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	insights->error_start = place < insights->text.n ? place : insights->text.n;
	/* The token that is wrong, or the name before it. */
	insights->error_end = insights->error_start;
	while (place < insights->token_at && is_in_name(at(insights, insights->error_end)))
		insights->error_end++;
	if (insights->error_end == insights->error_start && insights->at > insights->error_start)
		insights->error_end = insights->at;
	return err_set(insights->err, ERR_USAGE, "query, line %u, column %zu: %s", line,
		place - start + 1, message);
}

int insights_fail(struct insights *insights, const char *expected)
{
	size_t n = insights->at - insights->token_at;

	if (insights->token == INSIGHTS_END)
		return insights_fail_at(
			insights, insights->token_at, "expected %s, found the end", expected);
	return insights_fail_at(insights, insights->token_at, "expected %s, found '%.*s'", expected,
		(int)(n < 40 ? n : 40), insights->text.p + insights->token_at);
}

static void *keep(struct insights *insights, size_t n)
{
	insights->pieces =
		mem_grow(insights->pieces, insights->pieces_count + 1, sizeof(insights->pieces[0]));
	insights->pieces_bytes += n;
	if (insights->pieces_bytes > INSIGHTS_SQL_MAX)
		insights->is_too_large = true;
	return insights->pieces[insights->pieces_count++] = mem_new(n, 1);
}

const char *insights_printf(struct insights *insights, const char *format, ...)
{
	va_list arguments;

	/* What is too large already is not made larger: it is refused at the end of the command. */
	if (insights->is_too_large)
		return "NULL";
	va_start(arguments, format);
	int n = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	char *piece = keep(insights, (size_t)n + 1);
	va_start(arguments, format);
	vsnprintf(piece, (size_t)n + 1, format, arguments);
	va_end(arguments);
	return piece;
}

struct str insights_keep(struct insights *insights, struct str text)
{
	char *piece = keep(insights, text.n + 1);

	memcpy(piece, text.p, text.n);
	return (struct str){piece, text.n};
}

const char *insights_literal(struct insights *insights, struct str text)
{
	char *piece = keep(insights, 2 * text.n + 3);
	char *p = piece;

	*p++ = '\'';
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\'')
			*p++ = '\'';
		*p++ = text.p[i];
	}
	*p++ = '\'';
	return piece;
}

/* Blanks, and comments: '#' to the end of the line, or two slashes where no regular expression can
 * stand. */
static void skip(struct insights *insights, bool allow_regex)
{
	for (;;) {
		char c = at(insights, insights->at);
		bool is_slashes = c == '/' && at(insights, insights->at + 1) == '/';
		if (c == '#' || (is_slashes && !allow_regex)) {
			while (insights->at < insights->text.n &&
				at(insights, insights->at) != '\n')
				insights->at++;
		} else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
			insights->at++;
		} else {
			return;
		}
	}
}

/* Up to the closing quote; a backslash takes the next character as it is. */
static int take_quoted(struct insights *insights, char quote)
{
	char *text = keep(insights, insights->text.n - insights->at + 1);
	size_t n = 0;

	for (size_t i = insights->at + 1; i < insights->text.n; i++) {
		char c = insights->text.p[i];
		if (c == quote) {
			insights->at = i + 1;
			insights->token_text = (struct str){text, n};
			return 0;
		}
		if (c == '\\' && quote != '`' && i + 1 < insights->text.n) {
			c = insights->text.p[++i];
			if (c == 'n' || c == 't' || c == 'r')
				c = c == 'n' ? '\n' : c == 't' ? '\t' : '\r';
			else if (c != quote && c != '\\')
				text[n++] = '\\';
		}
		text[n++] = c;
	}
	return insights_fail_at(insights, insights->at, "the text in %c does not end", quote);
}

static int take_regex(struct insights *insights)
{
	char *text = keep(insights, insights->text.n - insights->at + 5);
	size_t n = 4; /* room for "(?i)" */

	for (size_t i = insights->at + 1; i < insights->text.n; i++) {
		char c = insights->text.p[i];
		if (c == '\\' && at(insights, i + 1) == '/') {
			c = insights->text.p[++i];
		} else if (c == '\\' && i + 1 < insights->text.n) {
			text[n++] = c;
			c = insights->text.p[++i];
		} else if (c == '/') {
			insights->at = i + 1;
			insights->token_text = (struct str){text + 4, n - 4};
			if (at(insights, i + 1) == 'i' && !is_in_name(at(insights, i + 2))) {
				memcpy(text, "(?i)", 4);
				insights->token_text = (struct str){text, n};
				insights->at++;
			}
			return 0;
		}
		text[n++] = c;
	}
	return insights_fail_at(insights, insights->at, "the regular expression does not end");
}

static void take_number(struct insights *insights)
{
	size_t i = insights->at;

	while (is_digit(at(insights, i)))
		i++;
	if (at(insights, i) == '.' && is_digit(at(insights, i + 1))) {
		for (i++; is_digit(at(insights, i)); i++)
			;
	}
	if ((at(insights, i) | 0x20) == 'e' &&
		(is_digit(at(insights, i + 1)) ||
			(strchr("+-", at(insights, i + 1)) && is_digit(at(insights, i + 2))))) {
		for (i += 2; is_digit(at(insights, i)); i++)
			;
	} else if (begins_name(at(insights, i))) {
		insights->token = INSIGHTS_DURATION;
		while (is_in_name(at(insights, i)))
			i++;
	}
	insights->token_text = (struct str){insights->text.p + insights->at, i - insights->at};
	insights->at = i;
}

/* An address as http://192.0.2.1/ stands for itself without quotes. */
static bool take_address(struct insights *insights)
{
	size_t i = insights->at;

	while (is_in_name(at(insights, i)))
		i++;
	if (at(insights, i) != ':' || at(insights, i + 1) != '/' || at(insights, i + 2) != '/')
		return false;
	while (i < insights->text.n && !strchr(" \t\r\n|,)", at(insights, i)))
		i++;
	insights->token = INSIGHTS_STRING;
	insights->token_text = (struct str){insights->text.p + insights->at, i - insights->at};
	insights->at = i;
	return true;
}

/* "[1]" behind a name is its first element but one: "name.1". */
static size_t take_index(struct insights *insights, char *text, size_t n)
{
	size_t i = insights->at + 1, digits;

	while (is_digit(at(insights, i)))
		i++;
	digits = i - insights->at - 1;
	if (!digits || digits > 9 || at(insights, i) != ']' ||
		(n == 2 && memcmp(text, "in", 2) == 0))
		return 0;
	text[n] = '.';
	memcpy(text + n + 1, insights->text.p + insights->at + 1, digits);
	insights->at = i + 1;
	return digits + 1;
}

/* Words, dots, what stands in backticks, and indexes, without blanks between them. */
static int take_name(struct insights *insights)
{
	char *text = keep(insights, insights->text.n - insights->at + 1);
	size_t n = 0, taken;

	insights->token = INSIGHTS_NAME;
	for (;;) {
		char c = at(insights, insights->at);
		if (is_in_name(c)) {
			text[n++] = c;
			insights->at++;
		} else if (c == '`' || (c == '"' && n && text[n - 1] == '.')) {
			if (take_quoted(insights, c) < 0)
				return -1;
			memcpy(text + n, insights->token_text.p, insights->token_text.n);
			n += insights->token_text.n;
			insights->is_quoted = true;
		} else if (c == '[' && (taken = take_index(insights, text, n)) > 0) {
			n += taken;
		} else {
			break;
		}
	}
	insights->token_text = (struct str){text, n};
	return 0;
}

static int take_sign(struct insights *insights)
{
	static const char *const signs[] = {"==", "!=", "<=", ">=", "=~", "|", "(", ")", "[", "]",
		",", "=", "<", ">", "+", "-", "*", "/", "%", "^", "!", ".", ":", "{", "}"};
	struct str rest = {insights->text.p + insights->at, insights->text.n - insights->at};

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		if (!str_starts_with(rest, str_from(signs[i])))
			continue;
		insights->token = INSIGHTS_SIGN;
		insights->token_text = str_from(i == 0 ? "=" : signs[i]);
		insights->at += strlen(signs[i]);
		return 0;
	}
	return insights_fail_at(
		insights, insights->at, "'%c' is not part of the language", rest.p[0]);
}

int insights_next(struct insights *insights, bool allow_regex)
{
	insights->ended_at = insights->at;
	skip(insights, allow_regex);
	insights->token_at = insights->at;
	insights->is_quoted = false;
	char c = at(insights, insights->at);
	if (insights->at >= insights->text.n) {
		insights->token = INSIGHTS_END;
		insights->token_text = STR("");
		return 0;
	}
	if (c == '\'' || c == '"') {
		insights->token = INSIGHTS_STRING;
		return take_quoted(insights, c);
	}
	if (c == '/' && allow_regex) {
		insights->token = INSIGHTS_REGEX;
		return take_regex(insights);
	}
	if (begins_name(c) || c == '`')
		return take_address(insights) ? 0 : take_name(insights);
	if (is_digit(c) || (c == '.' && is_digit(at(insights, insights->at + 1)))) {
		insights->token = INSIGHTS_NUMBER;
		take_number(insights);
		return 0;
	}
	return take_sign(insights);
}

bool insights_is_sign(const struct insights *insights, const char *sign)
{
	return insights->token == INSIGHTS_SIGN && str_equal(insights->token_text, str_from(sign));
}

bool insights_is_word(const struct insights *insights, const char *word)
{
	return insights->token == INSIGHTS_NAME && !insights->is_quoted &&
	       str_equal_ignoring_case(insights->token_text, str_from(word));
}

int insights_take_sign(struct insights *insights, const char *sign, bool *ret_taken)
{
	*ret_taken = insights_is_sign(insights, sign);
	return *ret_taken ? insights_next(insights, false) : 0;
}

int insights_expect_sign(struct insights *insights, const char *sign)
{
	char expected[8];
	bool taken;

	if (insights_take_sign(insights, sign, &taken) < 0)
		return -1;
	if (taken)
		return 0;
	snprintf(expected, sizeof(expected), "'%s'", sign);
	return insights_fail(insights, expected);
}
