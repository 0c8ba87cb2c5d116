#include "base/number.h"

#include <endian.h>
#include <string.h>

bool number_parse(struct str text, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (text.n == 0 || text.n > NUMBER_U64_STR_MAX)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		unsigned digit = (unsigned char)text.p[i] - (unsigned)'0';
		if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, digit, &value))
			return false;
	}
	if (value > max)
		return false;
	*ret_value = value;
	return true;
}

bool number_parse_signed(struct str text, int64_t min, int64_t max, int64_t *ret_value)
{
	bool negative = text.n && text.p[0] == '-';
	uint64_t magnitude;

	if (negative)
		text.p++, text.n--;
	if (!number_parse(text, (uint64_t)INT64_MAX + negative, &magnitude))
		return false;
	int64_t value = negative ? (int64_t)-magnitude : (int64_t)magnitude;
	if (value < min || value > max)
		return false;
	*ret_value = value;
	return true;
}

/* Digits off the front of *text. */
static bool take_digits(struct str *text, uint64_t *ret_value)
{
	size_t n = 0;

	while (n < text->n && text->p[n] >= '0' && text->p[n] <= '9')
		n++;
	if (!number_parse((struct str){text->p, n}, UINT64_MAX, ret_value))
		return false;
	text->p += n, text->n -= n;
	return true;
}

bool number_parse_seconds(struct str text, uint64_t max, uint64_t *ret_seconds)
{
	uint64_t total = 0;

	if (text.n == 0)
		return false;
	while (text.n) {
		uint64_t value;
		uint64_t unit = 1;

		if (!take_digits(&text, &value))
			return false;
		if (text.n) {
			switch (text.p[0]) {
			case 's':
				unit = 1;
				break;
			case 'm':
				unit = 60;
				break;
			case 'h':
				unit = 3600;
				break;
			case 'd':
				unit = 86400;
				break;
			default:
				return false;
			}
			text.p++, text.n--;
		}
		if (__builtin_mul_overflow(value, unit, &value) ||
			__builtin_add_overflow(total, value, &total))
			return false;
	}
	if (total > max)
		return false;
	*ret_seconds = total;
	return true;
}

bool number_parse_size(struct str text, uint64_t max, uint64_t *ret_bytes)
{
	uint64_t value;

	if (!take_digits(&text, &value))
		return false;
	if (text.n) {
		static const char units[] = "KMGT";
		const char *unit = memchr(units, text.p[0] & ~0x20, sizeof(units) - 1);
		if (unit) {
			uint64_t factor = UINT64_C(1) << (10 * (unit - units + 1));
			if (__builtin_mul_overflow(value, factor, &value))
				return false;
			text.p++, text.n--;
			if (text.n && text.p[0] == 'i')
				text.p++, text.n--;
		}
		if (text.n && text.p[0] == 'B')
			text.p++, text.n--;
	}
	if (text.n || value > max)
		return false;
	*ret_bytes = value;
	return true;
}

static const char pairs[] = "00010203040506070809101112131415161718192021222324"
			    "25262728293031323334353637383940414243444546474849"
			    "50515253545556575859606162636465666768697071727374"
			    "75767778798081828384858687888990919293949596979899";

char *number_write(char *p, uint64_t value)
{
	char digits[NUMBER_U64_STR_MAX];
	char *first = digits + sizeof(digits);

	while (value >= 100) {
		first -= 2;
		memcpy(first, pairs + 2 * (value % 100), 2);
		value /= 100;
	}
	if (value >= 10) {
		first -= 2;
		memcpy(first, pairs + 2 * value, 2);
	} else {
		*--first = (char)('0' + value);
	}
	size_t n = (size_t)(digits + sizeof(digits) - first);
	memcpy(p, first, n);
	return p + n;
}

/* The eight digits of a value below 10^8, the first in the lowest byte, each 0 to 9: halves of four
 * digits, then of two, then digits, all lanes of one word at a time. */
static uint64_t eight_digits(uint32_t value)
{
	uint64_t fours = value / 10000 | (uint64_t)(value % 10000) << 32;
	/* x * 10486 >> 20 is x / 100 up to 9999, x * 103 >> 10 is x / 10 up to 99. */
	uint64_t hundreds = (fours * 10486 >> 20) & UINT64_C(0x0000007f0000007f);
	uint64_t twos = hundreds + ((fours - 100 * hundreds) << 16);
	uint64_t tens = (twos * 103 >> 10) & UINT64_C(0x000f000f000f000f);

	return tens + ((twos - 10 * tens) << 8);
}

static char *write_lowest(char *p, uint64_t digits, unsigned skipped)
{
	uint64_t text = htole64((digits + UINT64_C(0x3030303030303030)) >> 8 * skipped);

	memcpy(p, &text, sizeof(text));
	return p + sizeof(text) - skipped;
}

/* At most three deep. NOLINTNEXTLINE(misc-no-recursion) */
char *number_write_wide(char *p, uint64_t value)
{
	const uint64_t eight = 100000000;

	if (value < 100) {
		unsigned one = value < 10;
		p[0] = pairs[2 * value + one];
		p[1] = pairs[2 * value + 1];
		return p + 2 - one;
	}
	if (value >= eight) {
		p = number_write_wide(p, value / eight);
		return write_lowest(p, eight_digits((uint32_t)(value % eight)), 0);
	}
	uint64_t digits = eight_digits((uint32_t)value);
	/* Of eight zeros the last one stands. */
	unsigned zeros = (unsigned)__builtin_ctzll(digits | UINT64_C(1) << 56) / 8;
	return write_lowest(p, digits, zeros);
}

char *number_write_near(struct number_near *near, char *p, uint64_t value)
{
	const uint64_t near_enough = 10000;

	if (value < near_enough)
		return number_write_wide(p, value);
	if (!near->base || value - near->base >= near_enough) {
		uint64_t front = value / near_enough;
		near->base = front * near_enough;
		near->n = (uint8_t)(number_write(near->text, front) - near->text);
	}
	uint32_t last = (uint32_t)(value - near->base);
	memcpy(p, near->text, sizeof(near->text));
	p += near->n;
	memcpy(p, pairs + 2 * (last / 100), 2);
	memcpy(p + 2, pairs + 2 * (last % 100), 2);
	return p + 4;
}
