/* Two passes: over the files, asking the index for each, and over the index, asking for each row's
 * file. What is found wrong in the first is put right at once (a row made, a file taken away), so
 * that the second sees what is left. */
#include "store/objects_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <unistd.h>

enum { ROWS_A_COMMIT = 1000 };

struct fsck {
	const struct store_fsck_options *options;
	struct store_fsck_report *report;
	struct store_objects *objects;
	struct store_connection *connection;
	struct bucket *bucket;
	bool adopts; /* the index is new: what a file says of itself counts */
	uint64_t expected;
	unsigned changes;
	struct err *err;
};

/* What a file's place says of it. */
struct found {
	struct buf key;
	const char *path; /* in the bucket */
	char version[STORE_VERSION_MAX];
	int64_t stamp; /* of a version; else 0 */
};

static bool read_place(const char *path, struct found *found)
{
	struct str text = str_from(path), version;
	const char *slash = strrchr(path, '/');

	found->path = path;
	found->stamp = 0;
	found->key.n = 0;
	snprintf(found->version, sizeof(found->version), "null");
	if (slash && str_ends_with((struct str){path, (size_t)(slash - path)}, STR("%v"))) {
		if (!path_parse_version(str_from(slash + 1), &found->stamp, &version))
			return false;
		snprintf(found->version, sizeof(found->version), "%.*s", STR_ARG(version));
		text.n = (size_t)(slash - path) - 2;
	} else if (str_ends_with(text, STR("%"))) {
		text.n--;
	}
	return path_to_key(text, &found->key);
}

/* Away to DATA/damaged, never deleted. */
static int take_away(struct fsck *fsck, const struct found *found)
{
	int root = fsck->objects->root;
	char target[FILE_NUMBER_MAX + 16], from[PATH_TEXT_MAX + 512];

	snprintf(target, sizeof(target), "damaged/%016llx",
		(unsigned long long)stamp_next(fsck->objects));
	snprintf(from, sizeof(from), "buckets/%s/%s", fsck->bucket->name, found->path);
	if ((mkdirat(root, "damaged", 0750) < 0 && errno != EEXIST) ||
		renameat(root, from, root, target) < 0)
		return err_set_errno(fsck->err, errno, "cannot move %s to %s", from, target);
	fsck_tell(fsck->options, "%s is now %s", from, target);
	fsck->report->repaired++;
	return 0;
}

static int is_damaged(struct fsck *fsck, const struct found *found, const char *how)
{
	fsck_tell(fsck->options, "%s/%s %s", fsck->bucket->name, found->path, how);
	return fsck->options->repair ? take_away(fsck, found) : 0;
}

static bool digest_differs(int fd, const struct store_object *object)
{
	struct aws_checksum_value checksum;
	uint8_t md5[AWS_MD5_SIZE];
	char etag[2 * AWS_MD5_SIZE + 1];
	/* Of an object of parts only a checksum of the whole can be compared. */
	enum aws_checksum algorithm =
		object->checksum.parts ? AWS_CHECKSUM_NONE : object->checksum.algorithm;

	if (object->parts && !algorithm)
		return false;
	if (rebuild_hash(fd, algorithm, md5, &checksum) < 0)
		return true;
	*aws_hex_write(etag, md5, sizeof(md5)) = '\0';
	return (algorithm && !aws_checksum_equal(&checksum, &object->checksum)) ||
	       (!object->parts && strcmp(etag, object->etag) != 0);
}

static int check_row(struct fsck *fsck, const struct found *found, const struct row *row, int fd)
{
	_cleanup_(store_object_done) struct store_object object = {0};
	struct stat status;

	if (!meta_decode(row->meta, &object, NULL, NULL))
		return err_set(fsck->err, ERR_INPUT, "the index row of %.*s is damaged",
			STR_ARG(buf_str(&found->key)));
	if (fstat(fd, &status) < 0)
		return err_set_errno(fsck->err, errno, "%s", found->path);
	if (object.is_delete_marker)
		return 0;
	if (status.st_size != row->size) {
		fsck->report->wrong_size++;
		return is_damaged(fsck, found, "does not have the size that the index says");
	}
	if (fsck->options->read_objects && digest_differs(fd, &object)) {
		fsck->report->wrong_digest++;
		return is_damaged(fsck, found, "does not have the digest that the index says");
	}
	return 0;
}

/* A file without a row. */
static int check_unknown(struct fsck *fsck, const struct found *found, int64_t stamp, int fd)
{
	struct row latest;
	const struct str key = buf_str(&found->key);
	int has_others = row_latest(fsck->connection, fsck->bucket->id, key, &latest, fsck->err);

	if (has_others < 0)
		return -1;
	fsck->report->unknown_files++;
	if (has_others && !fsck->adopts)
		return is_damaged(fsck, found, "is not in the index, other versions of it are");
	fsck_tell(fsck->options, "%s/%s is not in the index", fsck->bucket->name, found->path);
	if (!fsck->options->repair)
		return 0;
	int result = rebuild_row(fsck->objects, fsck->connection, fsck->bucket->id, key, fd,
		found->version, stamp, fsck->err);
	if (result > 0) {
		fsck->report->half_written++;
		return is_damaged(fsck, found, "is not as long as it was written");
	}
	fsck->report->repaired += result == 0;
	return result;
}

static int check_file(struct fsck *fsck, const char *path)
{
	struct found found = {0};
	struct stat status;
	struct row row;
	int result = 0;

	if (!read_place(path, &found)) {
		fsck->report->unknown_files++;
		fsck_tell(fsck->options, "%s/%s is not the name of an object, and left alone",
			fsck->bucket->name, path);
		buf_done(&found.key);
		return 0;
	}
	_cleanup_close_ int fd =
		file_open_below(fsck->bucket->fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &status) < 0) {
		buf_done(&found.key);
		return err_set_errno(
			fsck->err, fd < 0 ? fd : errno, "%s/%s", fsck->bucket->name, path);
	}
	int64_t stamp = found.stamp ? found.stamp : file_stamp(fsck->objects, fd);
	int has_row = row_before(fsck->connection, fsck->bucket->id, buf_str(&found.key), stamp + 1,
		&row, fsck->err);
	fsck->report->objects++;
	fsck->report->bytes += (uint64_t)status.st_size;
	if (has_row < 0)
		result = -1;
	else if (has_row && row.stamp == stamp)
		result = check_row(fsck, &found, &row, fd);
	else
		result = check_unknown(fsck, &found, stamp, fd);
	buf_done(&found.key);
	return result;
}

static int commit_some(struct fsck *fsck)
{
	if (++fsck->changes % ROWS_A_COMMIT)
		return 0;
	if (store_commit(take(fsck->connection), fsck->err) < 0)
		return -1;
	return store_write_begin(fsck->objects->database, &fsck->connection, fsck->err);
}

static int walk_bucket(struct fsck *fsck)
{
	_cleanup_free_ char *root = mem_printf("/proc/self/fd/%d/.", fsck->bucket->fd);
	char *const roots[] = {root, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	const FTSENT *entry;
	int result = 0;

	if (!walk)
		return err_set_errno(fsck->err, errno, "cannot walk bucket %s", fsck->bucket->name);
	while (result == 0 && (entry = fts_read(walk))) {
		const char *path = entry->fts_path + strlen(root) + 1;
		if (entry->fts_info == FTS_F) {
			result = check_file(fsck, path);
			if (fsck->options->progressed)
				fsck->options->progressed(
					fsck->options->context, fsck->report, fsck->expected);
		} else if (entry->fts_info == FTS_DP && fsck->options->repair &&
			   entry->fts_level > 0) {
			rmdir(entry->fts_accpath); /* an empty one, or it stays */
		}
		if (result == 0)
			result = commit_some(fsck);
	}
	fts_close(walk);
	return result;
}

/* ---- rows ---- */

/* Is the row's file where it should be? */
static bool file_is_there(
	struct fsck *fsck, struct str key, const struct row *row, bool is_latest, struct path *path)
{
	_cleanup_(store_object_done) struct store_object object = {0};
	bool is_aside;

	if (!path_of_key(key, path) || !meta_decode(row->meta, &object, NULL, NULL))
		return false;
	_cleanup_close_ int fd =
		is_latest && !object.is_delete_marker
			? file_open_current(fsck->bucket, path, &is_aside)
			: file_open_version(fsck->bucket, path, row->stamp, row->version);
	return fd >= 0 && file_stamp(fsck->objects, fd) == row->stamp;
}

/* One row whose file is not in its place: moved there, or gone with it. */
static int mend_row(struct fsck *fsck, struct str key, int64_t stamp, const struct path *path)
{
	_cleanup_(store_object_done) struct store_object object = {0};
	struct row row;
	int found = row_before(fsck->connection, fsck->bucket->id, key, stamp + 1, &row, fsck->err);

	if (found <= 0 || row_object(&row, key, &object, fsck->err) < 0)
		return found < 0 ? -1 : 0;
	_cleanup_close_ int fd = open_row(fsck->objects, fsck->bucket, path, &object, stamp, true);
	if (fd >= 0) {
		fsck_tell(fsck->options, "%s/%.*s is not in its place", fsck->bucket->name,
			STR_ARG(key));
		if (!fsck->options->repair)
			return 0;
		fsck->report->repaired++;
		return settle_key(fsck->objects, fsck->bucket, key, 0, 0, fsck->err);
	}
	fsck->report->missing_files++;
	fsck_tell(fsck->options, "%s/%.*s is in the index but has no file", fsck->bucket->name,
		STR_ARG(key));
	if (!fsck->options->repair)
		return 0;
	struct store_connection *writer;
	if (store_write_begin(fsck->objects->database, &writer, fsck->err) < 0)
		return -1;
	if (row_delete(writer, fsck->bucket->id, key, stamp, fsck->err) < 0) {
		store_rollback(writer);
		return -1;
	}
	fsck->report->repaired++;
	if (store_commit(writer, fsck->err) < 0)
		return -1;
	return settle_key(fsck->objects, fsck->bucket, key, 0, 0, fsck->err);
}

static int check_rows(struct fsck *fsck)
{
	_cleanup_buf_ struct buf last = {0};
	sqlite3_stmt *statement;
	int result;

	if (store_statement(fsck->connection,
		    "SELECT " ROW_COLUMNS ", key FROM objects WHERE bucket = ?"
		    " ORDER BY key, stamp DESC",
		    &statement, fsck->err) < 0)
		return -1;
	store_bind_i64(statement, 1, fsck->bucket->id);
	while ((result = store_step(statement, fsck->err)) > 0) {
		struct str key = store_column_str(statement, 5);
		struct path path;
		struct row row;
		row_read(statement, 0, &row);
		bool is_latest = !str_equal(key, buf_str(&last)) || last.n == 0;
		last.n = 0;
		buf_add_str(&last, key);
		if (!file_is_there(fsck, key, &row, is_latest, &path) &&
			mend_row(fsck, buf_str(&last), row.stamp, &path) < 0)
			return -1;
	}
	return result;
}

static int check_bucket(struct fsck *fsck)
{
	if (store_write_begin(fsck->objects->database, &fsck->connection, fsck->err) < 0)
		return -1;
	int result = walk_bucket(fsck);
	if (result < 0 && fsck->connection)
		store_rollback(fsck->connection);
	else if (result == 0)
		result = store_commit(fsck->connection, fsck->err);
	if (result < 0 ||
		store_read_begin(fsck->objects->database, &fsck->connection, fsck->err) < 0)
		return -1;
	result = check_rows(fsck);
	store_read_end(fsck->connection);
	return result;
}

/* ---- sidecars ---- */

struct sidecar {
	int64_t stamp;
	bool has_row;
};

static int compare_sidecars(const void *a, const void *b)
{
	int64_t x = ((const struct sidecar *)a)->stamp, y = ((const struct sidecar *)b)->stamp;

	return (x > y) - (x < y);
}

static int list_sidecars(struct fsck *fsck, struct sidecar **ret_sidecars, size_t *ret_count)
{
	int fd = openat(fsck->objects->sidecars, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	struct sidecar *sidecars = NULL;
	size_t count = 0, room = 0;
	const struct dirent *entry;

	if (!folder) {
		if (fd >= 0)
			close(fd);
		return err_set_errno(fsck->err, errno, "cannot read the folder sidecars");
	}
	while ((entry = readdir(folder))) {
		char *end;
		if (entry->d_name[0] == '.')
			continue;
		uint64_t stamp = strtoull(entry->d_name, &end, 16);
		if (*end || strlen(entry->d_name) != 16)
			continue; /* not one of ours */
		if (count == room)
			sidecars =
				mem_grow(sidecars, room = room ? 2 * room : 64, sizeof(*sidecars));
		sidecars[count++] = (struct sidecar){.stamp = (int64_t)stamp};
	}
	closedir(folder);
	if (count)
		qsort(sidecars, count, sizeof(*sidecars), compare_sidecars);
	*ret_sidecars = sidecars;
	*ret_count = count;
	return 0;
}

/* Rows have no index by their stamps alone: all of them are read once. */
static int match_sidecars(struct fsck *fsck, struct sidecar *sidecars, size_t count)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;

	if (store_read_begin(fsck->objects->database, &connection, fsck->err) < 0)
		return -1;
	int result =
		store_statement(connection, "SELECT stamp FROM objects", &statement, fsck->err);
	while (result == 0 && (result = store_step(statement, fsck->err)) > 0) {
		const struct sidecar wanted = {.stamp = store_column_i64(statement, 0)};
		struct sidecar *sidecar =
			bsearch(&wanted, sidecars, count, sizeof(*sidecars), compare_sidecars);
		if (sidecar)
			sidecar->has_row = true;
		result = 0;
	}
	store_read_end(connection);
	return result;
}

/* What is left of an object that was replaced or deleted when the machine stopped. */
static int check_sidecars(struct fsck *fsck)
{
	_cleanup_free_ struct sidecar *sidecars = NULL;
	int root = fsck->objects->root;
	size_t count = 0;

	if (list_sidecars(fsck, &sidecars, &count) < 0)
		return -1;
	if (count && match_sidecars(fsck, sidecars, count) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		char name[FILE_NUMBER_MAX], from[FILE_NUMBER_MAX + 16], to[FILE_NUMBER_MAX + 16];
		if (sidecars[i].has_row)
			continue;
		file_number(name, (uint64_t)sidecars[i].stamp);
		snprintf(from, sizeof(from), "sidecars/%s", name);
		snprintf(to, sizeof(to), "damaged/%s.meta", name);
		fsck->report->orphans++;
		fsck_tell(fsck->options, "%s belongs to no object", from);
		if (!fsck->options->repair)
			continue;
		if ((mkdirat(root, "damaged", 0750) < 0 && errno != EEXIST) ||
			renameat(root, from, root, to) < 0)
			return err_set_errno(fsck->err, errno, "cannot move %s to %s", from, to);
		fsck->report->repaired++;
	}
	return 0;
}

/* ---- the whole ---- */

static int count_rows(struct fsck *fsck)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;

	if (store_read_begin(fsck->objects->database, &connection, fsck->err) < 0)
		return -1;
	int result =
		store_statement(connection, "SELECT count(*) FROM objects", &statement, fsck->err);
	if (result == 0)
		result = store_step(statement, fsck->err);
	if (result > 0)
		fsck->expected = (uint64_t)store_column_i64(statement, 0);
	store_read_end(connection);
	return result < 0 ? -1 : 0;
}

static void count_drafts(struct fsck *fsck)
{
	int fd = openat(fsck->objects->incoming, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		fsck->report->half_written++;
		fsck_tell(fsck->options, "incoming/%s was being written when the server stopped",
			entry->d_name);
		fsck->report->repaired += fsck->options->repair;
	}
	if (folder)
		closedir(folder);
	else if (fd >= 0)
		close(fd);
}

static int keep_last_stamp(struct fsck *fsck)
{
	sqlite3_stmt *statement;

	if (store_write_begin(fsck->objects->database, &fsck->connection, fsck->err) < 0)
		return -1;
	int result = store_statement(fsck->connection,
		"UPDATE object_state SET last_stamp = max(last_stamp, ?)", &statement, fsck->err);
	if (result == 0) {
		store_bind_i64(statement, 1, fsck->objects->last_stamp);
		result = store_step(statement, fsck->err);
	}
	if (result < 0) {
		store_rollback(fsck->connection);
		return -1;
	}
	return store_commit(fsck->connection, fsck->err);
}

/* From the first row of a new index to its last a file stands in the folder: a server that began
 * with half of the rows would write over the files of the others. */
static int begin_rebuild(struct fsck *fsck)
{
	int root = fsck->objects->root;

	if (!fsck->adopts || !fsck->options->repair)
		return 0;
	_cleanup_close_ int fd =
		openat(root, OBJECTS_REBUILDING, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fsync(root) < 0)
		return err_set_errno(fsck->err, errno, "cannot write %s", OBJECTS_REBUILDING);
	return 0;
}

static int end_rebuild(struct fsck *fsck)
{
	if (!fsck->adopts || unlinkat(fsck->objects->root, OBJECTS_REBUILDING, 0) == 0 ||
		errno == ENOENT)
		return 0;
	return err_set_errno(fsck->err, errno, "cannot remove %s", OBJECTS_REBUILDING);
}

/* Uploads without a row come back into a new index; from an old one they are gone already. */
static int check_uploads(struct fsck *fsck)
{
	bool repair = fsck->options->repair;

	if (fsck->adopts &&
		rebuild_uploads(fsck->objects, repair, fsck->options, fsck->report, fsck->err) < 0)
		return -1;
	return repair ? uploads_sweep(fsck->objects, fsck->err) : 0;
}

static int check_all(struct fsck *fsck)
{
	struct store_objects *objects = fsck->objects;
	bool repair = fsck->options->repair;

	count_drafts(fsck);
	if (fsck->options->progressed && count_rows(fsck) < 0)
		return -1;
	fsck->adopts = objects->bucket_count == 0 || objects_are_rebuilt(objects);
	if (repair && objects_recover_objects(objects, fsck->err) < 0)
		return -1;
	if (objects_are_rebuilt(objects))
		fsck_tell(fsck->options, "the index is not whole: a repair of it was broken off");
	if (begin_rebuild(fsck) < 0)
		return -1;
	int lacking = rebuild_buckets(objects, repair, fsck->options, fsck->report, fsck->err);
	if (lacking < 0 || check_uploads(fsck) < 0)
		return -1;
	for (size_t i = 0; i < objects->bucket_count; i++) {
		fsck->bucket = objects->bucket[i];
		if (check_bucket(fsck) < 0)
			return -1;
	}
	/* As long as rows are missing, theirs would seem to belong to nothing. */
	if ((repair || (lacking == 0 && fsck->report->unknown_files == 0)) &&
		check_sidecars(fsck) < 0)
		return -1;
	if (!repair)
		return 0;
	if (syncfs(objects->root) < 0)
		return err_set_errno(fsck->err, errno, "cannot write to disk");
	return keep_last_stamp(fsck) < 0 ? -1 : end_rebuild(fsck);
}

/* A damaged index goes to DATA/damaged, with its log. */
static int set_index_aside(const char *folder, struct err *err)
{
	static const char *const endings[] = {"", "-wal", "-shm"};
	_cleanup_free_ char *damaged = mem_printf("%s/damaged", folder);

	if (mkdir(damaged, 0750) < 0 && errno != EEXIST)
		return err_set_errno(err, errno, "cannot make %s", damaged);
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		_cleanup_free_ char *from =
			mem_printf("%s/%s%s", folder, STORE_INDEX_NAME, endings[i]);
		_cleanup_free_ char *to =
			mem_printf("%s/%s%s", damaged, STORE_INDEX_NAME, endings[i]);
		if (rename(from, to) < 0 && errno != ENOENT)
			return err_set_errno(err, errno, "cannot move %s", from);
	}
	return 0;
}

static int is_sound(struct store_database *database, struct err *err)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;

	if (store_read_begin(database, &connection, err) < 0)
		return -1;
	int result = store_statement(connection, "PRAGMA quick_check(1)", &statement, err);
	if (result == 0)
		result = store_step(statement, err);
	if (result > 0 && !str_equal(store_column_str(statement, 0), STR("ok")))
		result = err_set(err, ERR_INPUT, "the index is damaged");
	store_read_end(connection);
	return result < 0 ? -1 : 0;
}

int store_fsck(const char *folder, const struct store_fsck_options *options,
	struct store_fsck_report *ret_report, struct err *err)
{
	_cleanup_free_ char *path = mem_printf("%s/%s", folder, STORE_INDEX_NAME);
	_cleanup_(store_database_closep) struct store_database *database = NULL;
	_cleanup_(store_objects_closep) struct store_objects *objects = NULL;
	struct store_fsck_report report = {0};
	struct err failure = ERR_INIT;

	if (access(path, F_OK) < 0) {
		if (access(folder, F_OK) < 0)
			return err_set_errno(err, errno, "%s", folder);
		fsck_tell(options, "%s is missing", path);
		if (!options->repair) {
			*ret_report = report;
			return 0;
		}
	}
	int result = store_database_open(&database, path, &failure);
	if (result == 0)
		result = is_sound(database, &failure);
	if (result < 0) {
		if (failure.code != ERR_INPUT || !options->repair) {
			if (err)
				*err = failure;
			return -1;
		}
		fsck_tell(options, "%s", failure.message);
		store_database_close(take(database));
		if (set_index_aside(folder, err) < 0 ||
			store_database_open(&database, path, err) < 0)
			return -1;
		report.repaired++;
	}
	if (objects_open(&objects, folder, database, err) < 0)
		return -1;
	struct fsck fsck = {.options = options, .report = &report, .objects = objects, .err = err};
	if (check_all(&fsck) < 0)
		return -1;
	*ret_report = report;
	return 0;
}
