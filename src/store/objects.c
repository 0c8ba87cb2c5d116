/* The layout of the data directory:
 *
 *   buckets/BUCKET/...   the current objects, by their keys (objects_path.c)
 *   buckets/BUCKET/NAME%v/...  older versions and delete markers of NAME
 *   configs/BUCKET       a bucket's settings and configurations, one text (objects_bucket.c)
 *   sidecars/STAMP       what does not fit a file's attributes
 *   uploads/ID/NNNNN.DRAFT  parts of a multipart upload that is under way
 *   incoming/DRAFT       what is being written
 *   damaged/...          what fsck took away
 *   reserve              1 MiB that deletions may use when the disk is full
 *   rebuilding           while fsck makes the index anew
 *
 * The index is the truth; it moves from one state to the next by a commit of SQLite, and files
 * follow it. A write is
 *
 *   1. bytes and metadata into incoming/DRAFT, one fsync of it and of incoming
 *   2. one transaction: the key's new row, and a line in the journal (key, draft)
 *   3. rename to where the index says; answer
 *   4. much later, many at once: syncfs, and the lines of the journal go
 *
 * After 2 the object is there: a crash, or no space for a folder, between 2 and 4 costs nothing,
 * because the next start (or the keeper thread) moves the journal's drafts. Before 2 there is only
 * a draft, which the next start removes. So an overwritten object is old or new with the index that
 * belongs to it, and the start looks at the journal only, however many objects there are. This is
 * why the rename is behind the commit: in front of it, an overwritten object would be lost when the
 * commit fails, or need a second commit for the intent. The folders of keys need no fsync of their
 * own: the journal outlives them until syncfs.
 *
 * The bytes of a small object are in the journal's line too, and then 1 needs no fsync at all: the
 * commit, which many share, makes them durable, and a start writes the file again if the line is
 * still there and the file is not what it says. So a small write waits for one shared fsync.
 *
 * A stamp is a write's time in nanoseconds, made unique and rising over all writes of a store. It
 * orders the versions of a key, it is the file's mtime, and so tells a reader, who takes no lock,
 * whether the file it opened is the one its row means (between 2 and 3 it is not yet).
 *
 * Commits are shared: a thread that finds nobody committing takes all waiting changes into one
 * transaction; the others wait for it. With one thread a commit holds one change and with many
 * many, without a delay by design.
 *
 * A full disk is ServiceUnavailable (503): every SDK tries it again with back-off, which is right
 * for a state that lifecycle or a person mends; InternalError would say that we are broken. */
#include "store/objects_priv.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The journal is cut this often, or after so many writes: what a start may have to look at. */
enum { KEEPER_SECONDS = 5, KEEPER_WRITES = 20000, KEEPER_BYTES = 32 << 20 };

int failed(struct aws_error *error, struct err *err, int errno_value, const char *format, ...)
{
	char what[512];
	va_list arguments;
	int code = errno_value < 0 ? -errno_value : errno_value;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	err_set_errno(err, code, "%s", what);
	if (code == ENOSPC || code == EDQUOT)
		return aws_error_set(error, AWS_ERROR_SERVICE_UNAVAILABLE,
			"The server has no space left. Please try again later.");
	return aws_error_default(error, AWS_ERROR_INTERNAL_ERROR);
}

int failed_by(struct aws_error *error, const struct err *err)
{
	if (err && err_is_disk_full(err))
		return aws_error_set(error, AWS_ERROR_SERVICE_UNAVAILABLE,
			"The server has no space left. Please try again later.");
	return aws_error_default(error, AWS_ERROR_INTERNAL_ERROR);
}

/* ---- commits ---- */

static struct change *next_change(const struct change *change, bool again)
{
	return again ? change->next_again : change->next;
}

static int apply_all(
	struct store_objects *objects, struct change *changes, bool again, struct err *err)
{
	struct store_connection *connection;

	for (const struct change *change = changes; change; change = next_change(change, again)) {
		if (!change->syncs_incoming)
			continue;
		if (fsync(objects->incoming) < 0)
			return err_set_errno(err, errno, "cannot write the folder incoming");
		break;
	}
	if (store_write_begin(objects->database, &connection, err) < 0)
		return -1;
	for (struct change *change = changes; change; change = next_change(change, again)) {
		if (change->apply(change, connection, err) < 0) {
			store_rollback(connection);
			return -1;
		}
	}
	return store_commit(connection, err);
}

/* Deleting takes space too, in SQLite's log. On a full disk the reserve makes it, with which what
 * the log holds goes into the database. The log begins anew and keeps its place on the disk: given
 * back, others that write at that moment would take it. */
static void use_reserve(struct store_objects *objects)
{
	struct store_connection *connection;

	if (objects->reserve >= 0 && ftruncate(objects->reserve, 0) < 0)
		return;
	if (store_read_begin(objects->database, &connection, NULL) < 0)
		return;
	store_execute(connection, "PRAGMA wal_checkpoint(RESTART)", NULL);
	store_read_end(connection);
}

static void fill_reserve(struct store_objects *objects)
{
	enum { RESERVE = 1 << 20 };
	struct statvfs disk;
	struct stat status;
	off_t size = RESERVE;

	if (objects->reserve < 0 || fstat(objects->reserve, &status) < 0 || status.st_size > 0)
		return;
	if (fstatvfs(objects->reserve, &disk) == 0 && disk.f_blocks * disk.f_frsize / 16 < RESERVE)
		size = (off_t)(disk.f_blocks * disk.f_frsize / 16);
	if (fallocate(objects->reserve, 0, 0, size) < 0 && ftruncate(objects->reserve, 0) < 0)
		return; /* the next round tries again */
}

/* Of a group that found the disk full, those that
 * free space are tried again by themselves. */
static void commit_group(struct store_objects *objects, struct change *group)
{
	struct change *frees = NULL, **tail = &frees;
	struct err failure = ERR_INIT;
	int result = apply_all(objects, group, false, &failure);

	for (struct change *change = group; change; change = change->next) {
		change->result = result;
		change->err = failure;
		if (result < 0 && change->frees && err_is_disk_full(&failure)) {
			change->next_again = NULL;
			*tail = change;
			tail = &change->next_again;
		}
	}
	if (!frees)
		return;
	use_reserve(objects);
	failure = (struct err)ERR_INIT;
	result = apply_all(objects, frees, true, &failure);
	for (struct change *change = frees; change; change = change->next_again) {
		change->result = result;
		change->err = failure;
	}
}

int objects_commit(struct store_objects *objects, struct change *change, struct err *err)
{
	change->is_done = false;
	change->next = NULL;
	pthread_mutex_lock(&objects->commit_lock);
	*objects->waiting_tail = change;
	objects->waiting_tail = &change->next;
	while (!change->is_done) {
		if (objects->is_committing) {
			pthread_cond_wait(&objects->committed, &objects->commit_lock);
			continue;
		}
		struct change *group = objects->waiting;
		objects->waiting = NULL;
		objects->waiting_tail = &objects->waiting;
		objects->is_committing = true;
		pthread_mutex_unlock(&objects->commit_lock);
		commit_group(objects, group);
		pthread_mutex_lock(&objects->commit_lock);
		objects->is_committing = false;
		while (group) {
			struct change *next = group->next; /* its owner goes when it is done */
			group->is_done = true;
			group = next;
		}
		pthread_cond_broadcast(&objects->committed);
	}
	pthread_mutex_unlock(&objects->commit_lock);
	if (change->result < 0 && err)
		*err = change->err;
	return change->result;
}

/* ---- stamps and writes under way ---- */

static int64_t next_stamp(struct store_objects *objects)
{
	int64_t now = clock_wall_ns();

	objects->last_stamp = now > objects->last_stamp ? now : objects->last_stamp + 1;
	return objects->last_stamp;
}

int64_t stamp_next(struct store_objects *objects)
{
	pthread_mutex_lock(&objects->op_lock);
	int64_t stamp = next_stamp(objects);
	pthread_mutex_unlock(&objects->op_lock);
	return stamp;
}

void op_begin(struct store_objects *objects, struct op *op)
{
	pthread_mutex_lock(&objects->op_lock);
	*op = (struct op){.stamp = next_stamp(objects), .previous = objects->last_op};
	if (objects->last_op)
		objects->last_op->next = op;
	else
		objects->first_op = op;
	objects->last_op = op;
	if (++objects->op_count == KEEPER_WRITES)
		pthread_cond_signal(&objects->keeper_wakes);
	pthread_mutex_unlock(&objects->op_lock);
}

static void op_unlink(struct store_objects *objects, struct op *op)
{
	if (op->previous)
		op->previous->next = op->next;
	else
		objects->first_op = op->next;
	if (op->next)
		op->next->previous = op->previous;
	else
		objects->last_op = op->previous;
}

void op_end(struct store_objects *objects, struct op *op)
{
	pthread_mutex_lock(&objects->op_lock);
	objects->journal_bytes += op->bytes;
	if (objects->journal_bytes >= KEEPER_BYTES && op->bytes)
		pthread_cond_signal(&objects->keeper_wakes);
	op_unlink(objects, op);
	pthread_mutex_unlock(&objects->op_lock);
}

void stuck_add(
	struct store_objects *objects, const struct op *op, struct bucket *bucket, struct str key)
{
	struct op *stuck = mem_new(1, sizeof(*stuck));
	char *copy = mem_printf("%.*s", STR_ARG(key));

	atomic_fetch_add(&bucket->refs, 1);
	*stuck = (struct op){
		.stamp = op->stamp, .draft = op->draft, .bucket = bucket, .key = {copy, key.n}};
	pthread_mutex_lock(&objects->op_lock);
	stuck->next = objects->stuck;
	objects->stuck = stuck;
	pthread_mutex_unlock(&objects->op_lock);
}

void op_stuck(struct store_objects *objects, struct op *op, struct bucket *bucket, struct str key)
{
	/* First there, then not here: the journal's line must not be cut in between. */
	stuck_add(objects, op, bucket, key);
	op_end(objects, op);
}

pthread_mutex_t *key_lock(
	struct store_objects *objects, const struct bucket *bucket, struct str key)
{
	uint64_t hash = hash_bytes(key.p, key.n, objects->seed ^ (uint64_t)bucket->id);
	pthread_mutex_t *mutex = &objects->stripe[hash % STRIPES];

	pthread_mutex_lock(mutex);
	return mutex;
}

int journal_add(struct store_connection *connection, int64_t stamp, int64_t bucket, struct str key,
	uint64_t draft, struct str bytes, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(connection, "INSERT INTO object_journal VALUES (?, ?, ?, ?, ?)",
		    &statement, err) < 0)
		return -1;
	store_bind_i64(statement, 1, stamp);
	store_bind_i64(statement, 2, bucket);
	store_bind_str(statement, 3, key);
	store_bind_i64(statement, 4, (int64_t)draft);
	if (bytes.p)
		sqlite3_bind_blob64(statement, 5, bytes.p, bytes.n, SQLITE_STATIC);
	return store_step(statement, err);
}

/* ---- the keeper: cuts the journal ---- */

struct cut {
	struct change change;
	int64_t behind, last;
};

static int apply_cut(struct change *change, struct store_connection *connection, struct err *err)
{
	const struct cut *cut = (struct cut *)change;
	sqlite3_stmt *statement;

	if (store_statement(
		    connection, "DELETE FROM object_journal WHERE stamp <= ?", &statement, err) < 0)
		return -1;
	store_bind_i64(statement, 1, cut->behind);
	if (store_step(statement, err) < 0)
		return -1;
	if (store_statement(connection, "UPDATE object_state SET last_stamp = ?", &statement, err) <
		0)
		return -1;
	store_bind_i64(statement, 1, cut->last);
	if (store_step(statement, err) < 0)
		return -1;
	/* A week is longer than any client asks again. */
	if (store_statement(connection, "DELETE FROM object_completed WHERE completed < ?",
		    &statement, err) < 0)
		return -1;
	store_bind_i64(statement, 1, cut->last / 1000000 - INT64_C(7) * 86400 * 1000);
	return store_step(statement, err);
}

/* Lines of writes whose files lie where they should, on disk. */
static void cut_journal(struct store_objects *objects)
{
	struct cut cut = {.change = {.apply = apply_cut, .frees = true}};

	fill_reserve(objects);
	pthread_mutex_lock(&objects->op_lock);
	cut.last = objects->last_stamp;
	cut.behind = objects->first_op ? objects->first_op->stamp - 1 : objects->last_stamp;
	for (const struct op *stuck = objects->stuck; stuck; stuck = stuck->next)
		if (stuck->stamp <= cut.behind)
			cut.behind = stuck->stamp - 1;
	objects->op_count = 0;
	objects->journal_bytes = 0;
	pthread_mutex_unlock(&objects->op_lock);
	if (syncfs(objects->root) == 0)
		objects_commit(objects, &cut.change, NULL);
}

static void *keeper_main(void *context)
{
	struct store_objects *objects = context;

	pthread_mutex_lock(&objects->op_lock);
	while (!objects->is_closing) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += KEEPER_SECONDS;
		pthread_cond_timedwait(&objects->keeper_wakes, &objects->op_lock, &until);
		if (objects->is_closing || (objects->op_count == 0 && !objects->stuck))
			continue;
		pthread_mutex_unlock(&objects->op_lock);
		objects_retry_stuck(objects);
		cut_journal(objects);
		pthread_mutex_lock(&objects->op_lock);
	}
	pthread_mutex_unlock(&objects->op_lock);
	return NULL;
}

/* ---- opening ---- */

static const char tables[] =
	"CREATE TABLE IF NOT EXISTS buckets (id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" name TEXT NOT NULL UNIQUE, region TEXT NOT NULL, owner TEXT NOT NULL,"
	" created INTEGER NOT NULL, versioning INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS bucket_configs (bucket INTEGER NOT NULL, name TEXT NOT NULL,"
	" text BLOB NOT NULL, PRIMARY KEY (bucket, name)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS objects (bucket INTEGER NOT NULL, key TEXT NOT NULL,"
	" stamp INTEGER NOT NULL, size INTEGER NOT NULL, flags INTEGER NOT NULL,"
	" version TEXT, meta BLOB NOT NULL, PRIMARY KEY (bucket, key, stamp DESC)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS object_parts (stamp INTEGER PRIMARY KEY, parts BLOB NOT NULL);"
	"CREATE TABLE IF NOT EXISTS object_journal (stamp INTEGER PRIMARY KEY,"
	" bucket INTEGER NOT NULL, key TEXT, draft INTEGER NOT NULL, bytes BLOB);"
	"CREATE TABLE IF NOT EXISTS object_state (one INTEGER PRIMARY KEY CHECK (one = 1),"
	" last_stamp INTEGER NOT NULL);"
	"INSERT OR IGNORE INTO object_state VALUES (1, 0);"
	"CREATE TABLE IF NOT EXISTS uploads (bucket INTEGER NOT NULL, key TEXT NOT NULL,"
	" id TEXT NOT NULL, meta BLOB NOT NULL, PRIMARY KEY (bucket, key, id)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS upload_parts (upload TEXT NOT NULL, number INTEGER NOT NULL,"
	" stamp INTEGER NOT NULL, size INTEGER NOT NULL, meta BLOB NOT NULL,"
	" PRIMARY KEY (upload, number)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS object_completed (upload TEXT PRIMARY KEY,"
	" bucket INTEGER NOT NULL, key TEXT NOT NULL, parts BLOB NOT NULL, meta BLOB NOT NULL,"
	" completed INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS object_completed_time ON object_completed (completed);";

int objects_create_tables(struct store_database *database, struct err *err)
{
	return store_make_tables(database, tables, err);
}

static int open_folder(int root, const char *name, int *ret_fd, struct err *err)
{
	if (mkdirat(root, name, 0750) < 0 && errno != EEXIST)
		return err_set_errno(err, errno, "cannot make the folder %s", name);
	*ret_fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *ret_fd < 0 ? err_set_errno(err, errno, "cannot open the folder %s", name) : 0;
}

int objects_open_folders(struct store_objects *objects, const char *folder, struct err *err)
{
	objects->root = objects->incoming = objects->buckets = objects->uploads = -1;
	objects->sidecars = objects->configs = objects->reserve = -1;
	if (file_make_folders(folder, 0750, err) < 0)
		return -1;
	objects->root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (objects->root < 0)
		return err_set_errno(err, errno, "cannot open %s", folder);
	if (flock(objects->root, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, ERR_USAGE, "%s is in use by another nagare", folder);
	if (open_folder(objects->root, "incoming", &objects->incoming, err) < 0 ||
		open_folder(objects->root, "buckets", &objects->buckets, err) < 0 ||
		open_folder(objects->root, "uploads", &objects->uploads, err) < 0 ||
		open_folder(objects->root, "sidecars", &objects->sidecars, err) < 0 ||
		open_folder(objects->root, "configs", &objects->configs, err) < 0)
		return err_wrap(err, "%s", folder);
	objects->reserve =
		openat(objects->root, "reserve", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
	return fsync(objects->root) < 0 ? err_set_errno(err, errno, "cannot write %s", folder) : 0;
}

void objects_close_folders(struct store_objects *objects)
{
	const int folders[] = {objects->root, objects->incoming, objects->buckets, objects->uploads,
		objects->sidecars, objects->configs};

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (folders[i] >= 0)
			close(folders[i]);
}

static int read_last_stamp(struct store_objects *objects, struct err *err)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;

	if (store_read_begin(objects->database, &connection, err) < 0)
		return -1;
	int result = store_statement(connection,
		"SELECT max(last_stamp, (SELECT coalesce(max(stamp), 0) FROM object_journal))"
		" FROM object_state",
		&statement, err);
	if (result == 0)
		result = store_step(statement, err);
	if (result > 0)
		objects->last_stamp = store_column_i64(statement, 0);
	store_read_end(connection);
	return result < 0 ? -1 : 0;
}

static void objects_init(struct store_objects *objects, struct store_database *database)
{
	pthread_rwlockattr_t attributes;

	objects->database = database;
	objects->waiting_tail = &objects->waiting;
	/* Folders that wait for a file to make way must not wait for ever. */
	pthread_rwlockattr_init(&attributes);
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&objects->tree, &attributes);
	pthread_rwlock_init(&objects->bucket_lock, &attributes);
	pthread_rwlockattr_destroy(&attributes);
	for (size_t i = 0; i < STRIPES; i++)
		pthread_mutex_init(&objects->stripe[i], NULL);
	pthread_mutex_init(&objects->bucket_admin, NULL);
	pthread_mutex_init(&objects->commit_lock, NULL);
	pthread_mutex_init(&objects->op_lock, NULL);
	pthread_cond_init(&objects->committed, NULL);
	pthread_cond_init(&objects->keeper_wakes, NULL);
	aws_random(&objects->seed, sizeof(objects->seed));
}

int objects_open(struct store_objects **ret_objects, const char *folder,
	struct store_database *database, struct err *err)
{
	_cleanup_(store_objects_closep) struct store_objects *objects =
		mem_new(1, sizeof(*objects));

	objects_init(objects, database);
	if (objects_open_folders(objects, folder, err) < 0 ||
		objects_create_tables(database, err) < 0 || read_last_stamp(objects, err) < 0 ||
		buckets_load(objects, err) < 0)
		return -1;
	*ret_objects = take(objects);
	return 0;
}

static bool has_entries(int folder_fd)
{
	int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	bool found = false;

	while (folder && !found && (entry = readdir(folder)))
		found = entry->d_name[0] != '.';
	if (folder)
		closedir(folder);
	else if (fd >= 0)
		close(fd);
	return found;
}

bool objects_are_rebuilt(const struct store_objects *objects)
{
	return faccessat(objects->root, OBJECTS_REBUILDING, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int store_objects_open(struct store_objects **ret_objects, const char *folder,
	struct store_database *database, struct err *err)
{
	_cleanup_(store_objects_closep) struct store_objects *objects = NULL;

	if (objects_open(&objects, folder, database, err) < 0)
		return -1;
	bool is_partial = objects_are_rebuilt(objects);
	if (is_partial || (objects->bucket_count == 0 && has_entries(objects->configs))) {
		err_set(err, ERR_INPUT, "%s has buckets, but its index is %s", folder,
			is_partial ? "not whole" : "empty");
		return err_hint(err, "'nagare fsck --repair' makes the index anew from the files");
	}
	if (objects_recover(objects, err) < 0)
		return -1;
	cut_journal(objects);
	int result = pthread_create(&objects->keeper, NULL, keeper_main, objects);
	if (result != 0)
		return err_set_errno(err, result, "cannot start a thread");
	objects->has_keeper = true;
	*ret_objects = take(objects);
	return 0;
}

static void free_stuck(struct store_objects *objects)
{
	while (objects->stuck) {
		struct op *stuck = objects->stuck;
		objects->stuck = stuck->next;
		bucket_unref(stuck->bucket);
		free((char *)stuck->key.p);
		free(stuck);
	}
}

void store_objects_close(struct store_objects *objects)
{
	if (!objects)
		return;
	if (objects->has_keeper) {
		pthread_mutex_lock(&objects->op_lock);
		objects->is_closing = true;
		pthread_cond_signal(&objects->keeper_wakes);
		pthread_mutex_unlock(&objects->op_lock);
		pthread_join(objects->keeper, NULL);
		cut_journal(objects);
	}
	free_stuck(objects);
	buckets_done(objects);
	objects_close_folders(objects);
	for (size_t i = 0; i < STRIPES; i++)
		pthread_mutex_destroy(&objects->stripe[i]);
	pthread_rwlock_destroy(&objects->tree);
	pthread_rwlock_destroy(&objects->bucket_lock);
	pthread_mutex_destroy(&objects->bucket_admin);
	pthread_mutex_destroy(&objects->commit_lock);
	pthread_mutex_destroy(&objects->op_lock);
	pthread_cond_destroy(&objects->committed);
	pthread_cond_destroy(&objects->keeper_wakes);
	free(objects);
}
