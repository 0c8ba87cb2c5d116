#include "deliver/json_priv.h"

void deliver_json_add_string(struct buf *buf, struct str s)
{
	static const char digits[] = "0123456789abcdef";
	char *p = buf_reserve(buf, s.n * 6 + 2);
	char *start = p;

	*p++ = '"';
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c == '"' || c == '\\') {
			*p++ = '\\';
			*p++ = (char)c;
		} else if (c < 0x20 || c == 0x7f) {
			*p++ = '\\';
			*p++ = 'u';
			*p++ = '0';
			*p++ = '0';
			*p++ = digits[c >> 4];
			*p++ = digits[c & 15];
		} else {
			*p++ = (char)c;
		}
	}
	*p++ = '"';
	buf->n += (size_t)(p - start);
}
