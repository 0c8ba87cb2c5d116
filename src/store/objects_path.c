/* The key's parts are folders, its last part is the file. What a file system cannot take is written
 * with '%', which itself is "%25"; so names can be read back without asking anything else:
 *
 *   a/b.txt           a/b.txt
 *   bytes 00-1f 7f %  %XX                    "50%" is "50%25"
 *   "." and ".."      %2E and %2E%2E
 *   an empty part     %-                     "a/" is "a/%-", "/a" is "%-/a"
 *   a part > 240      cut: "aaa%+/aaa"       a folder ending in "%+" goes on without a slash
 *   "a" beside "a/b"  a%                     the file makes way for the folder of its name
 *   older versions    a%v/TIME-VERSION       of "a"; delete markers too, as empty files
 *
 * Which of "a" and "a%" an object has depends on what else is there, so nothing remembers it: who
 * looks for it tries both. */
#include "store/objects_priv.h"

#include "aws/time.h"

#include <stdio.h>

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c != 0x7f && c != '%';
}

/* One part of the key; the path grows at p. Returns the place behind it. */
static char *add_part(char *p, struct str part)
{
	size_t component = 0;
	bool is_dots = str_equal(part, STR(".")) || str_equal(part, STR(".."));

	if (part.n == 0) {
		*p++ = '%';
		*p++ = '-';
	}
	for (size_t i = 0; i < part.n; i++) {
		unsigned char c = (unsigned char)part.p[i];
		if (component + 3 > PATH_PART_MAX) {
			*p++ = '%';
			*p++ = '+';
			*p++ = '/';
			component = 0;
		}
		if (is_plain(c) && !is_dots) {
			*p++ = (char)c;
			component++;
		} else {
			*p++ = '%';
			*p++ = "0123456789ABCDEF"[c >> 4];
			*p++ = "0123456789ABCDEF"[c & 15];
			component += 3;
		}
	}
	return p;
}

bool path_of_key(struct str key, struct path *ret_path)
{
	char *p = ret_path->text;

	if (key.n == 0 || key.n > STORE_KEY_MAX || memchr(key.p, '\0', key.n))
		return false;
	for (;;) {
		const char *slash = memchr(key.p, '/', key.n);
		size_t n = slash ? (size_t)(slash - key.p) : key.n;
		p = add_part(p, (struct str){key.p, n});
		if (!slash)
			break;
		*p++ = '/';
		key = (struct str){slash + 1, key.n - n - 1};
	}
	*p = '\0';
	char *last = strrchr(ret_path->text, '/');
	ret_path->folder_n = last ? (size_t)(last - ret_path->text) : 0;
	ret_path->name = last ? last + 1 : ret_path->text;
	return true;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Reads it back loosely; path_to_key proves that it was what path_of_key writes. */
static void unescape(struct str path, struct buf *key)
{
	for (size_t i = 0; i < path.n; i++) {
		struct str rest = {path.p + i, path.n - i};
		if (rest.p[0] != '%' || rest.n < 2) {
			buf_add_char(key, rest.p[0]);
		} else if (str_starts_with(rest, STR("%+/"))) {
			i += 2;
		} else if (str_starts_with(rest, STR("%-"))) {
			i += 1;
		} else if (rest.n > 2 && hex_value(rest.p[1]) >= 0 && hex_value(rest.p[2]) >= 0) {
			buf_add_char(key, (char)(hex_value(rest.p[1]) << 4 | hex_value(rest.p[2])));
			i += 2;
		} else {
			buf_add_char(key, '%');
		}
	}
}

bool path_to_key(struct str path, struct buf *key)
{
	size_t before = key->n;
	struct path check;

	if (path.n == 0)
		return false;
	unescape(path, key);
	const struct str found = {key->p + before, key->n - before};
	if (path.n < PATH_TEXT_MAX && path_of_key(found, &check) &&
		str_equal(str_from(check.text), path))
		return true;
	key->n = before;
	return false;
}

void path_version(char ret_name[static PATH_VERSION_MAX], int64_t stamp, const char *version)
{
	char time[AWS_TIME_STR_MAX + 1];
	char *end = aws_time_write_basic(time, stamp / 1000000);

	/* The time's Z moves behind the nanoseconds. */
	snprintf(ret_name, PATH_VERSION_MAX, "%.*s.%09lldZ-%s", (int)(end - time) - 1, time,
		(long long)(stamp % 1000000000), version);
}

bool path_parse_version(struct str name, int64_t *ret_stamp, struct str *ret_version)
{
	/* 20261125T002047.123456789Z-VERSION */
	enum { FRACTION = 16, VERSION = 27 };
	char time[FRACTION + 1];
	char again[PATH_VERSION_MAX], version[STORE_VERSION_MAX];
	int64_t ms, fraction = 0;

	if (name.n <= VERSION || name.n - VERSION >= STORE_VERSION_MAX)
		return false;
	snprintf(time, sizeof(time), "%.*sZ", FRACTION - 1, name.p);
	if (!aws_time_parse_basic(str_from(time), &ms))
		return false;
	for (int i = FRACTION; i < FRACTION + 9; i++) {
		if (name.p[i] < '0' || name.p[i] > '9')
			return false;
		fraction = fraction * 10 + name.p[i] - '0';
	}
	const int64_t stamp = ms * 1000000 + fraction;
	snprintf(version, sizeof(version), "%.*s", (int)(name.n - VERSION), name.p + VERSION);
	path_version(again, stamp, version);
	if (!str_equal(str_from(again), name))
		return false;
	*ret_stamp = stamp;
	*ret_version = (struct str){name.p + VERSION, name.n - VERSION};
	return true;
}

/* Ids: 13 digits of base 32 (Crockford's letters without those that look alike, and 'u'). */
static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
enum { ID_STAMP = 13 };

void id_make(char ret_id[static STORE_VERSION_MAX], int64_t stamp)
{
	uint8_t random[STORE_VERSION_MAX - 1 - ID_STAMP];
	uint64_t value = (uint64_t)stamp;

	for (int i = ID_STAMP - 1; i >= 0; i--, value >>= 5)
		ret_id[i] = digits[value & 31];
	aws_random(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		ret_id[ID_STAMP + i] = digits[random[i] & 31];
	ret_id[STORE_VERSION_MAX - 1] = '\0';
}

bool id_stamp(struct str id, int64_t *ret_stamp)
{
	uint64_t value = 0;

	if (id.n != STORE_VERSION_MAX - 1)
		return false;
	for (size_t i = 0; i < id.n; i++) {
		const char *digit = id.p[i] ? strchr(digits, id.p[i]) : NULL;
		if (!digit)
			return false;
		if (i < ID_STAMP)
			value = value << 5 | (uint64_t)(digit - digits);
	}
	*ret_stamp = (int64_t)(value & INT64_MAX);
	return true;
}
