/* A listing is a walk over the index in the order (bucket, key, newest first): SQLite compares keys
 * byte by byte, which for UTF-8 is S3's order. What is rolled up into a common prefix is jumped
 * over by seeking behind it, and so are the older versions of a key where only the latest counts,
 * after a few steps on foot. */
#include "store/objects_priv.h"

#include <assert.h>
#include <stdio.h>

enum { STEPS_ON_FOOT = 8 };

struct walk {
	struct store_connection *connection;
	sqlite3_stmt *statement;
	int64_t bucket;
	bool has_row;
	struct str key; /* of the row; until the next step */
	struct row row;
};

static int walk_step(struct walk *walk, struct err *err)
{
	int result = store_step(walk->statement, err);

	walk->has_row = result > 0;
	if (result > 0) {
		walk->key = store_column_str(walk->statement, 5);
		row_read(walk->statement, 0, &walk->row);
	}
	return result < 0 ? -1 : 0;
}

/* To the first row whose key is not before `from`. */
static int walk_seek(struct walk *walk, struct str from, struct err *err)
{
	_cleanup_buf_ struct buf copy = {0}; /* from may lie in the row that goes */

	buf_add_str(&copy, from);
	if (store_statement(walk->connection,
		    "SELECT " ROW_COLUMNS ", key FROM objects WHERE bucket = ? AND key >= ?"
		    " ORDER BY key, stamp DESC",
		    &walk->statement, err) < 0)
		return -1;
	store_bind_i64(walk->statement, 1, walk->bucket);
	store_bind_str(walk->statement, 2, copy.n ? buf_str(&copy) : STR(""));
	return walk_step(walk, err);
}

/* Behind the versions of a key not older than stamp. */
static int walk_seek_version(struct walk *walk, struct str key, int64_t stamp, struct err *err)
{
	if (walk_seek(walk, key, err) < 0)
		return -1;
	while (walk->has_row && str_equal(walk->key, key) && walk->row.stamp >= stamp)
		if (walk_step(walk, err) < 0)
			return -1;
	return 0;
}

/* Behind every key that equals `key` (a NUL is the smallest that can follow). */
static int walk_behind_key(struct walk *walk, struct str key, struct err *err)
{
	_cleanup_buf_ struct buf from = {0};

	buf_add_str(&from, key);
	for (int i = 0; i < STEPS_ON_FOOT; i++) {
		if (walk_step(walk, err) < 0)
			return -1;
		if (!walk->has_row || !str_equal(walk->key, buf_str(&from)))
			return 0;
	}
	buf_add_char(&from, '\0');
	return walk_seek(walk, buf_str(&from), err);
}

/* Behind every key that starts with prefix. */
static int walk_behind_prefix(struct walk *walk, struct str prefix, struct err *err)
{
	_cleanup_buf_ struct buf from = {0};

	buf_add_str(&from, prefix);
	while (from.n && (unsigned char)from.p[from.n - 1] == 0xff)
		from.n--;
	if (from.n == 0) {
		walk->has_row = false;
		return 0;
	}
	from.p[from.n - 1]++;
	return walk_seek(walk, buf_str(&from), err);
}

/* "PREFIX...DELIMITER" of a key, or STR_NONE. */
static struct str common_prefix(struct str key, struct str prefix, struct str delimiter)
{
	if (delimiter.n == 0 || key.n < prefix.n)
		return STR_NONE;
	const char *found = memmem(key.p + prefix.n, key.n - prefix.n, delimiter.p, delimiter.n);
	return found ? (struct str){key.p, (size_t)(found - key.p) + delimiter.n} : STR_NONE;
}

/* Rows collected before the strings of the result stop moving: offsets into storage. */
struct collected {
	size_t key, key_n;
	bool is_prefix;
	struct store_object object;
};

struct gathering {
	const struct store_list_options *options;
	struct collected *item;
	size_t count, prefixes;
	struct buf keys;
	bool is_truncated;
};

static struct collected *add_item(struct gathering *gathering, struct str key, bool is_prefix)
{
	struct collected *item = &gathering->item[gathering->count++];

	*item = (struct collected){
		.key = gathering->keys.n, .key_n = key.n, .is_prefix = is_prefix};
	gathering->prefixes += is_prefix;
	buf_add_str(&gathering->keys, key);
	return item;
}

/* Where the walk begins: behind the marker. */
static int walk_begin(struct walk *walk, const struct store_list_options *options, struct err *err)
{
	struct str after = options->after;
	int64_t stamp;

	if (after.n == 0)
		return walk_seek(walk, options->prefix, err);
	if (options->versions && options->after_version.n) {
		if (id_stamp(options->after_version, &stamp))
			return walk_seek_version(walk, after, stamp, err);
		struct row row;
		int found = row_version(
			walk->connection, walk->bucket, after, options->after_version, &row, err);
		if (found < 0)
			return -1;
		if (found)
			return walk_seek_version(walk, after, row.stamp, err);
	}
	struct str rolled = str_starts_with(after, options->prefix)
				    ? common_prefix(after, options->prefix, options->delimiter)
				    : STR_NONE;
	if (rolled.n == after.n)
		return walk_behind_prefix(walk, after, err);
	_cleanup_buf_ struct buf from = {0};
	buf_add_str(&from, after);
	buf_add_char(&from, '\0');
	struct str prefix = options->prefix;
	size_t n = from.n < prefix.n ? from.n : prefix.n;
	int order = n ? memcmp(prefix.p, from.p, n) : 0;
	bool prefix_is_behind = order > 0 || (order == 0 && prefix.n > from.n);
	return walk_seek(walk, prefix_is_behind ? prefix : buf_str(&from), err);
}

/* Takes the row the walk is on, if it counts, and moves on. */
static int gather_row(
	struct gathering *gathering, struct walk *walk, struct buf *latest_key, struct err *err)
{
	const struct store_list_options *options = gathering->options;
	bool is_latest = latest_key->n != walk->key.n || !str_equal(buf_str(latest_key), walk->key);
	struct str rolled = common_prefix(walk->key, options->prefix, options->delimiter);
	bool counts = options->versions || !(walk->row.flags & ROW_MARKER);

	if (is_latest) {
		latest_key->n = 0;
		buf_add_str(latest_key, walk->key);
	}
	if (counts && gathering->count == options->max) {
		gathering->is_truncated = true;
		walk->has_row = false;
		return 0;
	}
	if (counts && rolled.p) {
		add_item(gathering, rolled, true);
		return walk_behind_prefix(walk, rolled, err);
	}
	if (counts) {
		struct collected *item = add_item(gathering, walk->key, false);
		if (!meta_decode(walk->row.meta, &item->object, NULL, NULL))
			return err_set(err, ERR_INPUT, "the index row of %.*s is damaged",
				STR_ARG(walk->key));
		item->object.size = walk->row.size;
		item->object.is_latest = is_latest;
	}
	return options->versions ? walk_step(walk, err) : walk_behind_key(walk, walk->key, err);
}

static int gather(struct gathering *gathering, struct walk *walk, struct err *err)
{
	const struct store_list_options *options = gathering->options;
	_cleanup_buf_ struct buf latest_key = {0};

	if (walk_begin(walk, options, err) < 0)
		return -1;
	/* A page that begins in the middle of a key's versions does not begin with the latest. */
	if (options->after_version.n)
		buf_add_str(&latest_key, options->after);
	while (walk->has_row && str_starts_with(walk->key, options->prefix))
		if (gather_row(gathering, walk, &latest_key, err) < 0)
			return -1;
	return 0;
}

static void make_list(struct gathering *gathering, struct store_list *ret_list)
{
	struct store_list list = {.is_truncated = gathering->is_truncated};

	list.storage = gathering->keys;
	gathering->keys = (struct buf){0};
	list.objects = mem_new(gathering->count + 1, sizeof(*list.objects));
	list.prefixes = mem_new(gathering->prefixes + 1, sizeof(*list.prefixes));
	for (size_t i = 0; i < gathering->count; i++) {
		struct collected *item = &gathering->item[i];
		const struct str key = {list.storage.p + item->key, item->key_n};
		list.next_key = key;
		list.next_version[0] = '\0';
		if (item->is_prefix) {
			list.prefixes[list.prefix_count++] = key;
			continue;
		}
		item->object.key = key;
		list.objects[list.count++] = item->object;
		if (gathering->options->versions)
			memcpy(list.next_version, item->object.version, STORE_VERSION_MAX);
	}
	*ret_list = list;
}

int store_list(struct store_objects *objects, const struct store_list_options *options,
	struct store_list *ret_list, struct aws_error *error, struct err *err)
{
	struct store_list_options copy = *options;
	_cleanup_(bucket_unrefp) struct bucket *bucket = NULL;
	struct walk walk = {0};
	struct gathering gathering = {.options = options};

	copy.prefix = some(options->prefix);
	options = &copy;
	assert(options->max <= STORE_LIST_MAX);
	if (bucket_ref(objects, options->bucket, &bucket, error) < 0)
		return -1;
	walk.bucket = bucket->id;
	gathering.item = mem_new(options->max + 1, sizeof(*gathering.item));
	int result = 0;
	if (options->max) {
		result = store_read_begin(objects->database, &walk.connection, err);
		if (result == 0) {
			result = gather(&gathering, &walk, err);
			store_read_end(walk.connection);
		}
	}
	if (result < 0) {
		for (size_t i = 0; i < gathering.count; i++)
			store_object_done(&gathering.item[i].object);
		aws_error_default(error, AWS_ERROR_INTERNAL_ERROR);
	} else {
		make_list(&gathering, ret_list);
	}
	buf_done(&gathering.keys);
	free(gathering.item);
	return result;
}

void store_list_done(struct store_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		store_object_done(&list->objects[i]);
	free(list->objects);
	free(list->prefixes);
	buf_done(&list->storage);
	*list = (struct store_list){0};
}
