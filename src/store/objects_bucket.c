/* Buckets are few and looked up by every request: all are in memory, in order of names. What is in
 * the index of a bucket also stands in configs/BUCKET, rewritten whole at every change, so that
 * fsck can make the index anew:
 *
 *   nagare-bucket 1
 *   region us-east-1
 *   owner 123456789012
 *   created 1764030047000
 *   versioning 1
 *   config policy 120
 *   ...120 bytes and a line feed, and so on */
#include "store/objects_priv.h"

#include "base/clock.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <unistd.h>

void bucket_unref(struct bucket *bucket)
{
	if (!bucket || atomic_fetch_sub(&bucket->refs, 1) > 1)
		return;
	if (bucket->fd >= 0)
		close(bucket->fd);
	free(bucket->name);
	free(bucket->region);
	free(bucket->owner);
	free(bucket);
}

static struct str name_of(const void *buckets, size_t i)
{
	return str_from(((struct bucket *const *)buckets)[i]->name);
}

static size_t find_place(const struct store_objects *objects, struct str name, bool *ret_found)
{
	return str_place(name, objects->bucket, objects->bucket_count, name_of, ret_found);
}

static struct bucket *find(const struct store_objects *objects, struct str name)
{
	bool found;
	size_t i = find_place(objects, name, &found);

	return found ? objects->bucket[i] : NULL;
}

int bucket_ref(struct store_objects *objects, struct str name, struct bucket **ret_bucket,
	struct aws_error *error)
{
	pthread_rwlock_rdlock(&objects->bucket_lock);
	struct bucket *bucket = find(objects, name);
	if (bucket)
		atomic_fetch_add(&bucket->refs, 1);
	pthread_rwlock_unlock(&objects->bucket_lock);
	if (!bucket) {
		aws_error_default(error, AWS_ERROR_NO_SUCH_BUCKET);
		aws_error_detail(error, "BucketName", "%.*s", STR_ARG(name));
		return -1;
	}
	*ret_bucket = bucket;
	return 0;
}

struct bucket *bucket_find_id(struct store_objects *objects, int64_t id)
{
	struct bucket *bucket = NULL;

	pthread_rwlock_rdlock(&objects->bucket_lock);
	for (size_t i = 0; i < objects->bucket_count && !bucket; i++)
		if (objects->bucket[i]->id == id)
			bucket = objects->bucket[i];
	if (bucket)
		atomic_fetch_add(&bucket->refs, 1);
	pthread_rwlock_unlock(&objects->bucket_lock);
	return bucket;
}

void bucket_add(struct store_objects *objects, struct bucket *bucket)
{
	pthread_rwlock_wrlock(&objects->bucket_lock);
	size_t i = find_place(objects, str_from(bucket->name), NULL);
	objects->bucket =
		mem_grow(objects->bucket, objects->bucket_count + 1, sizeof(*objects->bucket));
	memmove(objects->bucket + i + 1, objects->bucket + i,
		(objects->bucket_count - i) * sizeof(*objects->bucket));
	objects->bucket[i] = bucket;
	objects->bucket_count++;
	pthread_rwlock_unlock(&objects->bucket_lock);
}

static void drop_bucket(struct store_objects *objects, const struct bucket *bucket)
{
	pthread_rwlock_wrlock(&objects->bucket_lock);
	size_t i = find_place(objects, str_from(bucket->name), NULL);
	assert(i < objects->bucket_count && objects->bucket[i] == bucket);
	struct bucket *dropped = objects->bucket[i];
	objects->bucket_count--;
	memmove(objects->bucket + i, objects->bucket + i + 1,
		(objects->bucket_count - i) * sizeof(*objects->bucket));
	pthread_rwlock_unlock(&objects->bucket_lock);
	bucket_unref(dropped);
}

int bucket_open_folder(
	struct store_objects *objects, const char *name, int *ret_fd, struct err *err)
{
	if (mkdirat(objects->buckets, name, 0750) < 0 && errno != EEXIST)
		return err_set_errno(err, errno, "cannot make the folder of bucket %s", name);
	int fd = file_open_below(objects->buckets, name, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return err_set_errno(err, fd, "cannot open the folder of bucket %s", name);
	*ret_fd = fd;
	return 0;
}

struct bucket *bucket_new(struct str name, struct str region, struct str owner)
{
	struct bucket *bucket = mem_new(1, sizeof(*bucket));

	bucket->refs = 1;
	bucket->fd = -1;
	bucket->name = mem_printf("%.*s", STR_ARG(name));
	bucket->region = mem_printf("%.*s", STR_ARG(region));
	bucket->owner = mem_printf("%.*s", STR_ARG(owner));
	return bucket;
}

int buckets_load(struct store_objects *objects, struct err *err)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;

	if (store_read_begin(objects->database, &connection, err) < 0)
		return -1;
	int result = store_statement(connection,
		"SELECT id, name, region, owner, created, versioning FROM buckets", &statement,
		err);
	while (result >= 0 && (result = store_step(statement, err)) > 0) {
		struct bucket *bucket = bucket_new(store_column_str(statement, 1),
			store_column_str(statement, 2), store_column_str(statement, 3));
		bucket->id = store_column_i64(statement, 0);
		bucket->created_ms = store_column_i64(statement, 4);
		bucket->versioning = (int)store_column_i64(statement, 5);
		bucket_add(objects, bucket);
		result = bucket_open_folder(objects, bucket->name, &bucket->fd, err);
	}
	store_read_end(connection);
	return result < 0 ? -1 : 0;
}

void buckets_done(struct store_objects *objects)
{
	for (size_t i = 0; i < objects->bucket_count; i++)
		bucket_unref(objects->bucket[i]);
	free(objects->bucket);
}

int bucket_check(struct store_connection *connection, const struct bucket *bucket, int versioning,
	struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(
		    connection, "SELECT versioning FROM buckets WHERE id = ?", &statement, err) < 0)
		return -1;
	store_bind_i64(statement, 1, bucket->id);
	int result = store_step(statement, err);
	if (result <= 0)
		return result < 0 ? -1 : BUCKET_E_GONE;
	return store_column_i64(statement, 0) == versioning ? BUCKET_E_OK : BUCKET_E_CHANGED;
}

int bucket_demand(struct store_connection *connection, const struct bucket *bucket,
	struct aws_error *error, bool *ret_is_refused, struct err *err)
{
	int found = bucket_check(connection, bucket, 0, err);

	if (found < 0)
		return -1;
	*ret_is_refused = found == BUCKET_E_GONE;
	if (*ret_is_refused)
		aws_error_default(error, AWS_ERROR_NO_SUCH_BUCKET);
	return 0;
}

int bucket_insert(struct store_connection *connection, struct bucket *bucket, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(connection,
		    "INSERT INTO buckets (name, region, owner, created, versioning)"
		    " VALUES (?, ?, ?, ?, ?)",
		    &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, str_from(bucket->name));
	store_bind_str(statement, 2, str_from(bucket->region));
	store_bind_str(statement, 3, str_from(bucket->owner));
	store_bind_i64(statement, 4, bucket->created_ms);
	store_bind_i64(statement, 5, bucket->versioning);
	if (store_step(statement, err) < 0)
		return -1;
	bucket->id = sqlite3_last_insert_rowid(sqlite3_db_handle(statement));
	return 0;
}

/* ---- the text in configs/BUCKET ---- */

static int write_settings(struct store_connection *connection, int64_t id, struct buf *text,
	struct str *ret_name, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(connection,
		    "SELECT name, region, owner, created, versioning FROM buckets WHERE id = ?",
		    &statement, err) < 0)
		return -1;
	store_bind_i64(statement, 1, id);
	int result = store_step(statement, err);
	if (result <= 0)
		return result;
	*ret_name = store_column_str(statement, 0);
	struct str region = store_column_str(statement, 1), owner = store_column_str(statement, 2);
	buf_printf(text,
		"nagare-bucket 1\nregion %.*s\nowner %.*s\ncreated %lld\nversioning %lld\n",
		STR_ARG(region), STR_ARG(owner), (long long)store_column_i64(statement, 3),
		(long long)store_column_i64(statement, 4));
	if (store_statement(connection,
		    "SELECT name, text FROM bucket_configs WHERE bucket = ? ORDER BY name",
		    &statement, err) < 0)
		return -1;
	store_bind_i64(statement, 1, id);
	while ((result = store_step(statement, err)) > 0) {
		struct str name = store_column_str(statement, 0);
		struct str config = store_column_str(statement, 1);
		buf_printf(text, "config %.*s %zu\n", STR_ARG(name), config.n);
		buf_add_str(text, config);
		buf_add_char(text, '\n');
	}
	return result < 0 ? -1 : 1;
}

int bucket_settle(struct store_objects *objects, int64_t id, struct err *err)
{
	struct store_connection *connection;
	_cleanup_buf_ struct buf text = {0};
	struct str name;

	if (store_read_begin(objects->database, &connection, err) < 0)
		return -1;
	int result = write_settings(connection, id, &text, &name, err);
	if (result > 0) {
		_cleanup_free_ char *file = mem_printf("%.*s", STR_ARG(name));
		result = file_write_whole(objects, objects->configs, file, buf_str(&text));
		if (result < 0)
			err_set_errno(err, result, "cannot write configs/%s", file);
	}
	store_read_end(connection);
	return result < 0 ? -1 : 0;
}

/* rmdir of a bucket's empty folders; what a person has put there stays. */
static void remove_folders(struct store_objects *objects, const char *name)
{
	_cleanup_free_ char *path = mem_printf("/proc/self/fd/%d/%s", objects->buckets, name);
	char *const roots[] = {path, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	const FTSENT *entry;

	while (walk && (entry = fts_read(walk)))
		if (entry->fts_info == FTS_DP)
			rmdir(entry->fts_accpath);
	if (walk)
		fts_close(walk);
}

void bucket_recover(struct store_objects *objects, struct str name)
{
	_cleanup_(bucket_unrefp) struct bucket *bucket = NULL;
	_cleanup_free_ char *text = mem_printf("%.*s", STR_ARG(name));

	if (bucket_ref(objects, name, &bucket, NULL) == 0) {
		bucket_settle(objects, bucket->id, NULL);
		return;
	}
	unlinkat(objects->configs, text, 0);
	remove_folders(objects, text);
}

/* ---- changes ---- */

struct bucket_change {
	struct change change;
	struct op op;
	struct store_objects *objects;
	struct bucket *bucket;
	enum store_versioning versioning;
	struct str config, text;
	struct aws_error *error;
	bool is_refused;
	struct buf uploads; /* ids of those that go with it, one a line */
};

static void bind_bucket(sqlite3_stmt *statement, const struct bucket_change *change)
{
	store_bind_i64(statement, 1, change->bucket->id);
}

static int run_for_bucket(struct store_connection *connection, const char *sql,
	const struct bucket_change *change, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(connection, sql, &statement, err) < 0)
		return -1;
	bind_bucket(statement, change);
	return store_step(statement, err);
}

static int journal_bucket(
	struct store_connection *connection, const struct bucket_change *change, struct err *err)
{
	return journal_add(connection, change->op.stamp, change->bucket->id,
		str_from(change->bucket->name), JOURNAL_BUCKET, STR_NONE, err);
}

/* Commits and brings configs/BUCKET up to date, if the bucket still is. */
static int commit_bucket(
	struct bucket_change *change, bool settles, struct aws_error *error, struct err *err)
{
	struct err failure = ERR_INIT;

	op_begin(change->objects, &change->op);
	int result = objects_commit(change->objects, &change->change, &failure);
	if (result < 0 && err)
		*err = failure;
	if (result < 0)
		failed_by(error, &failure);
	if (result == 0 && !change->is_refused && settles &&
		bucket_settle(change->objects, change->bucket->id, NULL) < 0)
		op_stuck(change->objects, &change->op, change->bucket, STR_NONE);
	else
		op_end(change->objects, &change->op);
	return result < 0 || change->is_refused ? -1 : 0;
}

static int apply_create(struct change *base, struct store_connection *connection, struct err *err)
{
	struct bucket_change *change = (struct bucket_change *)base;

	return bucket_insert(connection, change->bucket, err) < 0
		       ? -1
		       : journal_bucket(connection, change, err);
}

static bool is_label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* S3 guide, "General purpose bucket naming rules". */
static bool is_bucket_name(struct str name)
{
	unsigned dots = 0;
	bool is_numeric = true;

	if (name.n < 3 || name.n > 63 || !is_label_char(name.p[0]) ||
		!is_label_char(name.p[name.n - 1]))
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		if (!is_label_char(c) && c != '-' && c != '.')
			return false;
		if (c == '.' && name.p[i + 1] == '.')
			return false;
		dots += c == '.';
		is_numeric = is_numeric && (c == '.' || (c >= '0' && c <= '9'));
	}
	return !(is_numeric && dots == 3);
}

static int refuse_existing(const struct bucket *bucket, struct str owner, struct aws_error *error)
{
	aws_error_default(error, str_equal(str_from(bucket->owner), owner)
					 ? AWS_ERROR_BUCKET_ALREADY_OWNED_BY_YOU
					 : AWS_ERROR_BUCKET_ALREADY_EXISTS);
	return aws_error_detail(error, "BucketName", "%s", bucket->name);
}

int store_bucket_create(struct store_objects *objects, struct str name, struct str region,
	struct str owner, struct aws_error *error, struct err *err)
{
	if (!is_bucket_name(name)) {
		aws_error_default(error, AWS_ERROR_INVALID_BUCKET_NAME);
		return aws_error_detail(error, "BucketName", "%.*s", STR_ARG(name));
	}
	pthread_mutex_lock(&objects->bucket_admin);
	_cleanup_unlock_ pthread_mutex_t *lock = &objects->bucket_admin;
	_cleanup_(bucket_unrefp) struct bucket *existing = NULL;
	if (bucket_ref(objects, name, &existing, NULL) == 0)
		return refuse_existing(existing, owner, error);
	_cleanup_(bucket_unrefp) struct bucket *bucket = bucket_new(name, region, owner);
	struct err failure = ERR_INIT;
	if (bucket_open_folder(objects, bucket->name, &bucket->fd, &failure) < 0) {
		if (err)
			*err = failure;
		return failed_by(error, &failure);
	}
	if (fsync(objects->buckets) < 0)
		return failed(error, err, errno, "cannot write the folder buckets");
	bucket->created_ms = clock_wall_ns() / 1000000;
	struct bucket_change change = {
		.change.apply = apply_create, .objects = objects, .bucket = bucket};
	if (commit_bucket(&change, true, error, err) < 0) {
		unlinkat(objects->buckets, bucket->name, AT_REMOVEDIR);
		return -1;
	}
	bucket_add(objects, take(bucket));
	return 0;
}

static int collect_uploads(
	struct store_connection *connection, struct bucket_change *change, struct err *err)
{
	sqlite3_stmt *statement;
	int result;

	if (store_statement(
		    connection, "SELECT id FROM uploads WHERE bucket = ?", &statement, err) < 0)
		return -1;
	bind_bucket(statement, change);
	while ((result = store_step(statement, err)) > 0) {
		buf_add_str(&change->uploads, store_column_str(statement, 0));
		buf_add_char(&change->uploads, '\n');
	}
	return result;
}

static int apply_delete(struct change *base, struct store_connection *connection, struct err *err)
{
	struct bucket_change *change = (struct bucket_change *)base;
	int found = run_for_bucket(
		connection, "SELECT 1 FROM objects WHERE bucket = ? LIMIT 1", change, err);

	if (found < 0)
		return -1;
	if (found > 0) {
		change->is_refused = true;
		aws_error_default(change->error, AWS_ERROR_BUCKET_NOT_EMPTY);
		aws_error_detail(change->error, "BucketName", "%s", change->bucket->name);
		return 0;
	}
	if (collect_uploads(connection, change, err) < 0 ||
		run_for_bucket(connection,
			"DELETE FROM upload_parts WHERE upload IN"
			" (SELECT id FROM uploads WHERE bucket = ?)",
			change, err) < 0 ||
		run_for_bucket(connection, "DELETE FROM uploads WHERE bucket = ?", change, err) <
			0 ||
		run_for_bucket(connection, "DELETE FROM object_completed WHERE bucket = ?", change,
			err) < 0 ||
		run_for_bucket(connection, "DELETE FROM bucket_configs WHERE bucket = ?", change,
			err) < 0 ||
		run_for_bucket(connection, "DELETE FROM buckets WHERE id = ?", change, err) < 0)
		return -1;
	return journal_bucket(connection, change, err);
}

int store_bucket_delete(
	struct store_objects *objects, struct str name, struct aws_error *error, struct err *err)
{
	pthread_mutex_lock(&objects->bucket_admin);
	_cleanup_unlock_ pthread_mutex_t *lock = &objects->bucket_admin;
	_cleanup_(bucket_unrefp) struct bucket *bucket = NULL;
	if (bucket_ref(objects, name, &bucket, error) < 0)
		return -1;
	struct bucket_change change = {.change = {.apply = apply_delete, .frees = true},
		.objects = objects,
		.bucket = bucket,
		.error = error};
	int result = commit_bucket(&change, false, error, err);
	if (result == 0) {
		struct str uploads = buf_str(&change.uploads), id;
		drop_bucket(objects, bucket);
		unlinkat(objects->configs, bucket->name, 0);
		remove_folders(objects, bucket->name);
		while (uploads.n && str_split(&uploads, '\n', &id)) {
			char text[STORE_VERSION_MAX];
			snprintf(text, sizeof(text), "%.*s", STR_ARG(id));
			upload_remove_files(objects, text);
		}
	}
	buf_done(&change.uploads);
	return result;
}

static int apply_versioning(
	struct change *base, struct store_connection *connection, struct err *err)
{
	struct bucket_change *change = (struct bucket_change *)base;
	sqlite3_stmt *statement;

	if (store_statement(connection, "UPDATE buckets SET versioning = ? WHERE id = ?",
		    &statement, err) < 0)
		return -1;
	store_bind_i64(statement, 1, change->versioning);
	store_bind_i64(statement, 2, change->bucket->id);
	if (store_step(statement, err) < 0)
		return -1;
	return journal_bucket(connection, change, err);
}

int store_bucket_set_versioning(struct store_objects *objects, struct str name,
	enum store_versioning versioning, struct aws_error *error, struct err *err)
{
	pthread_mutex_lock(&objects->bucket_admin);
	_cleanup_unlock_ pthread_mutex_t *lock = &objects->bucket_admin;
	_cleanup_(bucket_unrefp) struct bucket *bucket = NULL;
	if (bucket_ref(objects, name, &bucket, error) < 0)
		return -1;
	struct bucket_change change = {.change.apply = apply_versioning,
		.objects = objects,
		.bucket = bucket,
		.versioning = versioning};
	if (commit_bucket(&change, true, error, err) < 0)
		return -1;
	bucket->versioning = (int)versioning;
	return 0;
}

/* ---- reading ---- */

static void describe(const struct bucket *bucket, struct store_bucket *ret_bucket)
{
	*ret_bucket = (struct store_bucket){
		.created_ms = bucket->created_ms,
		.versioning = (enum store_versioning)bucket->versioning,
	};
	buf_printf(&ret_bucket->storage, "%s%s%s", bucket->name, bucket->region, bucket->owner);
	const char *p = ret_bucket->storage.p;
	ret_bucket->name = (struct str){p, strlen(bucket->name)};
	ret_bucket->region = (struct str){p + ret_bucket->name.n, strlen(bucket->region)};
	ret_bucket->owner =
		(struct str){ret_bucket->region.p + ret_bucket->region.n, strlen(bucket->owner)};
}

void store_bucket_done(struct store_bucket *bucket)
{
	buf_done(&bucket->storage);
	*bucket = (struct store_bucket){0};
}

int store_bucket_get(struct store_objects *objects, struct str name,
	struct store_bucket *ret_bucket, struct aws_error *error, struct err *err)
{
	_cleanup_(bucket_unrefp) struct bucket *bucket = NULL;

	if (bucket_ref(objects, name, &bucket, error) < 0)
		return -1;
	describe(bucket, ret_bucket);
	return 0;
}

/* The next bucket behind `after`, or NULL. */
static struct bucket *next_bucket(struct store_objects *objects, struct str after)
{
	struct bucket *bucket = NULL;
	bool found;

	pthread_rwlock_rdlock(&objects->bucket_lock);
	size_t i = find_place(objects, after, &found);
	i += found;
	if (i < objects->bucket_count) {
		bucket = objects->bucket[i];
		atomic_fetch_add(&bucket->refs, 1);
	}
	pthread_rwlock_unlock(&objects->bucket_lock);
	return bucket;
}

int store_bucket_list(struct store_objects *objects, struct str prefix, struct str after,
	bool (*visit)(void *context, const struct store_bucket *bucket), void *context,
	struct err *err)
{
	_cleanup_(bucket_unrefp) struct bucket *held = NULL; /* `after` points into it */

	for (bool goes_on = true; goes_on;) {
		struct bucket *bucket = next_bucket(objects, after);
		bucket_unref(held);
		held = bucket;
		if (!bucket)
			break;
		after = str_from(bucket->name);
		if (!str_starts_with(after, some(prefix)))
			continue;
		struct store_bucket description;
		describe(bucket, &description);
		goes_on = visit(context, &description);
		store_bucket_done(&description);
	}
	return 0;
}

/* ---- configurations ---- */

int store_config_get(struct store_objects *objects, struct str bucket_name, struct str name,
	struct buf *ret_text, struct aws_error *error, struct err *err)
{
	_cleanup_(bucket_unrefp) struct bucket *bucket = NULL;
	struct store_connection *connection;
	sqlite3_stmt *statement;

	if (bucket_ref(objects, bucket_name, &bucket, error) < 0)
		return -1;
	if (store_read_begin(objects->database, &connection, err) < 0)
		return failed_by(error, err);
	int result = store_statement(connection,
		"SELECT text FROM bucket_configs WHERE bucket = ? AND name = ?", &statement, err);
	if (result == 0) {
		store_bind_i64(statement, 1, bucket->id);
		store_bind_str(statement, 2, name);
		result = store_step(statement, err);
	}
	if (result > 0) {
		struct str text = store_column_str(statement, 0);
		ret_text->n = 0;
		buf_add_str(ret_text, text);
	}
	store_read_end(connection);
	if (result < 0)
		return failed_by(error, err);
	return result > 0 ? STORE_E_OK : STORE_E_NO_CONFIG;
}

static int apply_config(struct change *base, struct store_connection *connection, struct err *err)
{
	struct bucket_change *change = (struct bucket_change *)base;
	sqlite3_stmt *statement;

	if (bucket_demand(connection, change->bucket, change->error, &change->is_refused, err) < 0)
		return -1;
	if (change->is_refused)
		return 0;
	if (store_statement(connection,
		    change->text.p ? "INSERT OR REPLACE INTO bucket_configs VALUES (?, ?, ?)"
				   : "DELETE FROM bucket_configs WHERE bucket = ? AND name = ?",
		    &statement, err) < 0)
		return -1;
	bind_bucket(statement, change);
	store_bind_str(statement, 2, change->config);
	if (change->text.p)
		store_bind_str(statement, 3, change->text);
	if (store_step(statement, err) < 0)
		return -1;
	return journal_bucket(connection, change, err);
}

static int change_config(struct store_objects *objects, struct str bucket_name, struct str name,
	struct str text, struct aws_error *error, struct err *err)
{
	pthread_mutex_lock(&objects->bucket_admin);
	_cleanup_unlock_ pthread_mutex_t *lock = &objects->bucket_admin;
	_cleanup_(bucket_unrefp) struct bucket *bucket = NULL;
	if (bucket_ref(objects, bucket_name, &bucket, error) < 0)
		return -1;
	struct bucket_change change = {.change.apply = apply_config,
		.objects = objects,
		.bucket = bucket,
		.config = name,
		.text = text,
		.error = error};
	return commit_bucket(&change, true, error, err);
}

int store_config_put(struct store_objects *objects, struct str bucket, struct str name,
	struct str text, struct aws_error *error, struct err *err)
{
	return change_config(objects, bucket, name, text.p ? text : STR(""), error, err);
}

int store_config_delete(struct store_objects *objects, struct str bucket, struct str name,
	struct aws_error *error, struct err *err)
{
	return change_config(objects, bucket, name, STR_NONE, error, err);
}
