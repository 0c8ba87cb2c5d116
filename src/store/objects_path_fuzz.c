/* A key has one path and gets back from it; a path has at most one key, and stays in its folder. */
#include "store/objects_priv.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_path(struct str path)
{
	struct str part;

	while (str_split(&path, '/', &part)) {
		check(part.n > 0 && part.n <= PATH_PART_MAX + 3);
		check(!str_equal(part, STR(".")) && !str_equal(part, STR("..")));
		check(!str_ends_with(part, STR("%")) && !str_ends_with(part, STR("%v")));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str input = {(const char *)data, size};
	_cleanup_buf_ struct buf key = {0};
	struct str version;
	struct path path;
	int64_t stamp;

	if (path_of_key(input, &path)) {
		const struct str text = str_from(path.text);
		check_path(text);
		check(path_to_key(text, &key));
		check(str_equal(buf_str(&key), input));
		key.n = 0;
	}
	if (path_to_key(input, &key)) {
		check(path_of_key(buf_str(&key), &path));
		check(str_equal(str_from(path.text), input));
	}
	path_parse_version(input, &stamp, &version);
	id_stamp(input, &stamp);
	return 0;
}
