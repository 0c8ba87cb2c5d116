#include "query/locations_priv.h"

#include "query/remote_priv.h"
#include "record/unwrap.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <fts.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>

static const struct str suffixes[] = {
	STR(".log"),
	STR(".txt"),
	STR(".gz"),
	STR(".zst"),
	STR(".parquet"),
};

static bool has_flow_log_suffix(struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		if (str_ends_with(name, suffixes[i]))
			return true;
	}
	return false;
}

static void add_object(
	struct query_objects *objects, const char *path, const struct stat *status, bool parquet)
{
	if (objects->count == objects->capacity) {
		objects->capacity = objects->capacity * 2 + 16;
		objects->object =
			mem_grow(objects->object, objects->capacity, sizeof(*objects->object));
	}
	objects->object[objects->count++] = (struct query_object){
		.path = mem_strdup(path),
		.parquet = parquet,
		.size_bytes = (uint64_t)status->st_size,
		.modified_ns =
			status->st_mtim.tv_sec * CLOCK_NS_PER_SECOND + status->st_mtim.tv_nsec,
		.device = status->st_dev,
		.inode = status->st_ino,
	};
}

static int add_named_file(
	struct query_objects *objects, const char *path, const struct stat *status, struct err *err)
{
	char magic[4] = {0};

	if (!S_ISREG(status->st_mode)) {
		err_set(err, ERR_USAGE, "%s is neither a file nor a folder", path);
		return err_hint(err, "statements may read a location more than once: use a file");
	}
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, errno, "cannot open %s", path);
	ssize_t n = read(fd, magic, sizeof(magic));
	if (n < 0)
		return err_set_errno(err, errno, "cannot read %s", path);
	add_object(objects, path, status, n == 4 && memcmp(magic, "PAR1", 4) == 0);
	return 0;
}

/* pattern: NULL, or what the path of a file must match. */
static int walk(
	struct query_objects *objects, const char *folder, const char *pattern, struct err *err)
{
	char *roots[] = {(char *)folder, NULL};
	FTS *fts = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;
	int r = 0;

	if (!fts)
		return err_set_errno(err, errno, "cannot read folder %s", folder);
	while (r == 0 && (errno = 0, entry = fts_read(fts))) {
		struct str name = {entry->fts_name, entry->fts_namelen};
		struct str path = {entry->fts_path, entry->fts_pathlen};
		if (entry->fts_level > 0 && entry->fts_info != FTS_DP && name.p[0] == '.') {
			fts_set(fts, entry, FTS_SKIP);
		} else if (entry->fts_info == FTS_DNR ||
			   (entry->fts_info == FTS_NS && entry->fts_errno != ENOENT)) {
			/* what has vanished since it was listed is no error, the rest is */
			r = err_set_errno(err, entry->fts_errno, "cannot read %s", path.p);
		} else if (entry->fts_info == FTS_ERR) {
			r = err_set_errno(err, entry->fts_errno, "cannot read folder %s", folder);
		} else if (entry->fts_info == FTS_F && S_ISREG(entry->fts_statp->st_mode)) {
			if (pattern ? fnmatch(pattern, path.p, 0) == 0 : has_flow_log_suffix(name))
				add_object(objects, path.p, entry->fts_statp,
					str_ends_with(name, STR(".parquet")));
		}
	}
	if (r == 0 && errno)
		r = err_set_errno(err, errno, "cannot read folder %s", folder);
	fts_close(fts);
	return r;
}

/* A folder, without slashes at the end: the paths below it begin with this text. */
static char *without_slashes(const char *path)
{
	char *copy = mem_strdup(path);
	size_t n = strlen(copy);

	while (n > 1 && copy[n - 1] == '/')
		copy[--n] = '\0';
	return copy;
}

static int add_existing(
	struct query_objects *objects, const char *path, const struct stat *status, struct err *err)
{
	if (!S_ISDIR(status->st_mode))
		return add_named_file(objects, path, status, err);
	_cleanup_free_ char *folder = without_slashes(path);
	return walk(objects, folder, NULL, err);
}

/* "a/" "**" "/b" and the like: walks what comes before the first wildcard. The `**` with its slash
 * may stand for no folder at all, so the pattern is tried without it too. */
static int add_deep_glob(struct query_objects *objects, const char *pattern, struct err *err)
{
	size_t n = strcspn(pattern, "*?[");
	const char *deep = strstr(pattern, "**/");

	while (n > 0 && pattern[n - 1] != '/')
		n--;
	_cleanup_free_ char *folder = n ? mem_printf("%.*s", (int)n, pattern) : mem_strdup(".");
	_cleanup_free_ char *root = without_slashes(folder);
	/* "./" or "/" so that paths from the walk and the pattern begin alike */
	const char *prefix = n ? "" : "./";
	_cleanup_free_ char *full = mem_printf("%s%s", prefix, pattern);
	_cleanup_free_ char *flat =
		deep ? mem_printf("%s%.*s%s", prefix, (int)(deep - pattern), pattern, deep + 3)
		     : mem_strdup(full);
	int r = walk(objects, root, full, err);
	return r < 0 ? r : walk(objects, root, flat, err);
}

static int add_glob(struct query_objects *objects, const char *pattern, struct err *err)
{
	glob_t found = {0};
	int r = glob(pattern, GLOB_BRACE | GLOB_NOSORT, NULL, &found);

	if (r == GLOB_NOSPACE || r == GLOB_ABORTED)
		r = err_set(err, ERR_SYSTEM, "cannot look for %s", pattern);
	else
		r = 0;
	for (size_t i = 0; r == 0 && i < found.gl_pathc; i++) {
		struct stat status;
		if (stat(found.gl_pathv[i], &status) == 0)
			r = add_existing(objects, found.gl_pathv[i], &status, err);
		else if (errno != ENOENT)
			r = err_set_errno(err, errno, "cannot read %s", found.gl_pathv[i]);
	}
	globfree(&found);
	return r;
}

static int add_location(struct query_objects *objects, const char *location, struct err *err)
{
	size_t before = objects->count;
	struct stat status;
	int r = 0;

	if (query_remote_is_location(location))
		return 0;
	if (stat(location, &status) == 0)
		r = add_existing(objects, location, &status, err);
	else if (errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG)
		return err_set_errno(err, errno, "cannot read %s", location);
	else if (strpbrk(location, "*?[{"))
		r = strstr(location, "**") ? add_deep_glob(objects, location, err)
					   : add_glob(objects, location, err);
	else
		return err_set_errno(err, ENOENT, "location %s", location);
	if (r < 0 || objects->count > before)
		return r;
	err_set(err, ERR_NOT_FOUND, "there is no flow log in %s", location);
	return err_hint(err,
		"files ending in .log, .txt, .gz, .zst or .parquet are looked for, in all folders "
		"below; others can be named one by one");
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(
		((const struct query_object *)a)->path, ((const struct query_object *)b)->path);
}

static int compare_identities(const void *a, const void *b)
{
	const struct query_object *left = a, *right = b;

	if (left->device != right->device)
		return left->device < right->device ? -1 : 1;
	if (left->inode != right->inode)
		return left->inode < right->inode ? -1 : 1;
	return compare_paths(a, b);
}

static void object_done(struct query_object *object)
{
	if (object->remote) {
		free(object->remote->bucket);
		free(object->remote->key);
		free(object->remote->etag);
		if (object->remote->copy)
			unlink(object->remote->copy);
		free(object->remote->copy);
		query_remote_parts_free(object->remote->parts);
		free(object->remote);
	}
	if (object->cached)
		free(object->cached->path);
	free(object->cached);
	free(object->path);
}

static void remove_twins(struct query_objects *objects)
{
	size_t kept = 0;

	qsort(objects->object, objects->count, sizeof(*objects->object), compare_identities);
	for (size_t i = 0; i < objects->count; i++) {
		struct query_object *object = &objects->object[i];
		if (kept && objects->object[kept - 1].device == object->device &&
			objects->object[kept - 1].inode == object->inode)
			object_done(object);
		else
			objects->object[kept++] = *object;
	}
	objects->count = kept;
}

void query_objects_sort(struct query_objects *objects)
{
	if (objects->count == 0)
		return;
	remove_twins(objects);
	qsort(objects->object, objects->count, sizeof(*objects->object), compare_paths);
}

int query_objects_list(struct query_objects *ret_objects, const char *const *locations,
	size_t count, struct err *err)
{
	struct query_objects objects = {0};

	for (size_t i = 0; i < count; i++) {
		if (add_location(&objects, locations[i], err) < 0) {
			query_objects_done(&objects);
			return -1;
		}
	}
	query_objects_sort(&objects);
	*ret_objects = objects;
	return 0;
}

static int open_packed(
	const struct query_object *object, bool peek, struct input **ret_input, struct err *err)
{
	if (object->remote)
		return query_remote_open(object, peek, ret_input, err);
	if (input_open(ret_input, object->path, err) == 0)
		return 0;
	if (err && err->code == ERR_NOT_FOUND)
		err_hint(err, "it was there when the locations were listed and has been removed "
			      "since; run the statement again");
	return -1;
}

static int open_object(
	const struct query_object *object, bool peek, struct input **ret_input, struct err *err)
{
	_cleanup_(input_closep) struct input *input = NULL;

	if (open_packed(object, peek, &input, err) < 0 || record_unwrap(&input, err) < 0)
		return -1;
	*ret_input = take(input);
	return 0;
}

const char *query_object_path(const struct query_object *object)
{
	if (object->cached)
		return object->cached->path;
	return object->remote ? object->remote->copy : object->path;
}

bool query_object_is_parquet(const struct query_object *object)
{
	return object->parquet || object->cached;
}

bool query_object_is_same(const struct query_object *a, const struct query_object *b)
{
	if (strcmp(a->path, b->path) != 0 || a->size_bytes != b->size_bytes ||
		a->modified_ns != b->modified_ns || a->inode != b->inode ||
		!a->remote != !b->remote)
		return false;
	return !a->remote || strcmp(a->remote->etag, b->remote->etag) == 0;
}

int query_object_open(const struct query_object *object, struct input **ret_input, struct err *err)
{
	return open_object(object, false, ret_input, err);
}

int query_object_peek(const struct query_object *object, struct input **ret_input, struct err *err)
{
	return open_object(object, true, ret_input, err);
}

void query_objects_done(struct query_objects *objects)
{
	for (size_t i = 0; i < objects->count; i++)
		object_done(&objects->object[i]);
	free(objects->object);
	*objects = (struct query_objects){0};
}
