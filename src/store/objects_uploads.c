/* Listing the uploads of a bucket: as objects_list.c, over a small table. An id begins with its
 * upload's start, so that the order of ids is that of starts. */
#include "store/objects_priv.h"

#include <stdio.h>

struct gathering {
	const struct store_upload_list_options *options;
	struct store_upload_list list;
	struct {
		size_t at, n;
	} prefix[STORE_LIST_MAX];
};

/* The first row behind (key, id); id empty: with that key or behind it. */
static int next_row(struct store_connection *connection, int64_t bucket, struct str key,
	struct str id, sqlite3_stmt **ret_statement, struct err *err)
{
	if (store_statement(connection,
		    "SELECT key, id, meta FROM uploads WHERE bucket = ? AND (key, id) > (?, ?)"
		    " ORDER BY key, id LIMIT 1",
		    ret_statement, err) < 0)
		return -1;
	store_bind_i64(*ret_statement, 1, bucket);
	store_bind_str(*ret_statement, 2, key.n ? key : STR(""));
	store_bind_str(*ret_statement, 3, id.n ? id : STR(""));
	return store_step(*ret_statement, err);
}

static void set(struct buf *buf, struct str text)
{
	buf->n = 0;
	buf_add_str(buf, text);
}

static void add_prefix(struct gathering *gathering, struct str rolled)
{
	struct store_upload_list *list = &gathering->list;

	gathering->prefix[list->prefix_count].at = list->storage.n;
	gathering->prefix[list->prefix_count].n = rolled.n;
	list->prefix_count++;
	buf_add_str(&list->storage, rolled);
	list->next_id[0] = '\0';
}

static int add_upload(struct gathering *gathering, sqlite3_stmt *statement, struct err *err)
{
	struct store_upload_list *list = &gathering->list;
	struct store_upload *upload = &list->uploads[list->count];
	struct str id = store_column_str(statement, 1);
	const struct str meta = {
		sqlite3_column_blob(statement, 2), (size_t)sqlite3_column_bytes(statement, 2)};

	if (!meta_decode_upload(meta, upload))
		return err_set(err, ERR_INPUT, "the row of upload %.*s is damaged", STR_ARG(id));
	snprintf(upload->id, sizeof(upload->id), "%.*s", STR_ARG(id));
	memcpy(list->next_id, upload->id, sizeof(upload->id));
	list->count++;
	return 0;
}

/* A key behind all that begin with the prefix. */
static void behind_prefix(struct buf *key, struct str prefix)
{
	set(key, prefix);
	while (key->n && (unsigned char)key->p[key->n - 1] == 0xff)
		key->n--;
	if (key->n)
		key->p[key->n - 1]++;
	else
		buf_add(key, "\xff\xff\xff\xff\xff", 5); /* no UTF-8 is behind it */
}

static int gather(struct gathering *gathering, struct store_connection *connection, int64_t bucket,
	struct err *err)
{
	const struct store_upload_list_options *options = gathering->options;
	struct store_upload_list *list = &gathering->list;
	_cleanup_buf_ struct buf key = {0}, id = {0}, last = {0};
	sqlite3_stmt *statement;
	int result;

	set(&key, options->after_key.n ? options->after_key : options->prefix);
	if (options->after_key.n && options->after_id.n)
		set(&id, options->after_id);
	else if (options->after_key.n && options->delimiter.n &&
		 str_ends_with(options->after_key, options->delimiter))
		behind_prefix(&key, options->after_key);
	else if (options->after_key.n)
		buf_add_char(&key, '\0');
	while ((result = next_row(
			connection, bucket, buf_str(&key), buf_str(&id), &statement, err)) > 0) {
		struct str found = store_column_str(statement, 0);
		if (!str_starts_with(found, options->prefix)) {
			if (str_compare(found, options->prefix) >= 0)
				break;
			set(&key, options->prefix);
			id.n = 0;
			continue;
		}
		if (list->count + list->prefix_count == options->max) {
			list->is_truncated = true;
			break;
		}
		const char *delimiter =
			options->delimiter.n
				? memmem(found.p + options->prefix.n, found.n - options->prefix.n,
					  options->delimiter.p, options->delimiter.n)
				: NULL;
		if (delimiter) {
			set(&last, (struct str){found.p,
					   (size_t)(delimiter - found.p) + options->delimiter.n});
			add_prefix(gathering, buf_str(&last));
			behind_prefix(&key, buf_str(&last));
			id.n = 0;
			continue;
		}
		if (add_upload(gathering, statement, err) < 0)
			return -1;
		set(&last, found);
		set(&key, found);
		set(&id, store_column_str(statement, 1));
	}
	list->next_key.n = last.n; /* its place: where the storage ends now */
	buf_add_str(&list->storage, buf_str(&last));
	return result < 0 ? -1 : 0;
}

int store_upload_list(struct store_objects *objects,
	const struct store_upload_list_options *options, struct store_upload_list *ret_list,
	struct aws_error *error, struct err *err)
{
	_cleanup_(bucket_unrefp) struct bucket *bucket = NULL;
	struct store_upload_list_options copy = *options;
	struct store_connection *connection;

	copy.prefix = some(options->prefix);
	options = &copy;
	if (bucket_ref(objects, options->bucket, &bucket, error) < 0)
		return -1;
	_cleanup_free_ struct gathering *gathering = mem_new(1, sizeof(*gathering));
	struct store_upload_list *list = &gathering->list;
	gathering->options = options;
	list->uploads = mem_new(options->max + 1, sizeof(*list->uploads));
	int result = 0;
	if (options->max) {
		result = store_read_begin(objects->database, &connection, err);
		if (result == 0) {
			result = gather(gathering, connection, bucket->id, err);
			store_read_end(connection);
		}
	}
	if (result < 0) {
		store_upload_list_done(list);
		return aws_error_default(error, AWS_ERROR_INTERNAL_ERROR);
	}
	list->prefixes = mem_new(list->prefix_count + 1, sizeof(*list->prefixes));
	for (size_t i = 0; i < list->prefix_count; i++)
		list->prefixes[i] = (struct str){
			list->storage.p + gathering->prefix[i].at, gathering->prefix[i].n};
	if (list->next_key.n)
		list->next_key.p = list->storage.p + list->storage.n - list->next_key.n;
	*ret_list = *list;
	return 0;
}

void store_upload_list_done(struct store_upload_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		store_upload_done(&list->uploads[i]);
	free(list->uploads);
	free(list->prefixes);
	buf_done(&list->storage);
	*list = (struct store_upload_list){0};
}
