#include "aws/uri.h"

static bool is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

static char *write_percent(char *p, unsigned char c)
{
	static const char digits[] = "0123456789ABCDEF";

	*p++ = '%';
	*p++ = digits[c >> 4];
	*p++ = digits[c & 15];
	return p;
}

void aws_uri_encode(struct buf *buf, struct str bytes, enum aws_uri_slash slash)
{
	char *p = buf_reserve(buf, bytes.n * 3);

	for (size_t i = 0; i < bytes.n; i++) {
		unsigned char c = (unsigned char)bytes.p[i];
		if (is_unreserved(c) || (c == '/' && slash == AWS_URI_KEEP_SLASH))
			*p++ = (char)c;
		else
			p = write_percent(p, c);
	}
	buf->n = (size_t)(p - buf->p);
}

void aws_uri_encode_listing(struct buf *buf, struct str bytes)
{
	char *p = buf_reserve(buf, bytes.n * 3);

	for (size_t i = 0; i < bytes.n; i++) {
		unsigned char c = (unsigned char)bytes.p[i];
		if (c == ' ')
			*p++ = '+';
		else if ((is_unreserved(c) && c != '~') || c == '/' || c == '*')
			*p++ = (char)c;
		else
			p = write_percent(p, c);
	}
	buf->n = (size_t)(p - buf->p);
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool aws_uri_decode(struct buf *buf, struct str text, enum aws_uri_plus plus)
{
	char *p = buf_reserve(buf, text.n);

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (c == '%') {
			if (text.n - i < 3)
				return false;
			int high = digit_value(text.p[i + 1]), low = digit_value(text.p[i + 2]);
			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+' && plus == AWS_URI_PLUS_IS_SPACE) {
			c = ' ';
		}
		*p++ = c;
	}
	buf->n = (size_t)(p - buf->p);
	return true;
}

bool aws_uri_next_parameter(struct str *rest, struct str *ret_name, struct str *ret_value)
{
	struct str parameter;

	do {
		if (!str_split(rest, '&', &parameter))
			return false;
	} while (parameter.n == 0);
	/* Without '=' there is nothing left after the name, and the value is empty. */
	str_split(&parameter, '=', ret_name);
	*ret_value = parameter.p ? parameter : STR("");
	return true;
}
