/* Every path is resolved by openat2 below its bucket's folder without following links; what is done
 * to a file is then done by its name in the folder that this gave. */
#include "store/objects_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { TRIES = 64 };

int file_open_below(int folder, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? 0640 : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, folder, path, &how, sizeof(how));

	if (fd < 0) /* a link is to us what any file is where a folder should be */
		return errno == ELOOP ? -ENOTDIR : -errno;
	return (int)fd;
}

/* A file of this name stands where a folder must be: it becomes "NAME%". */
static int make_way(struct store_objects *objects, int folder, const char *name)
{
	char aside[PATH_PART_MAX + 32];
	struct stat status;
	int result = 0;

	snprintf(aside, sizeof(aside), "%s%%", name);
	pthread_rwlock_wrlock(&objects->tree);
	if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode))
		result = 0; /* somebody else was quicker */
	else if (renameat(folder, name, folder, aside) < 0 && errno != ENOENT)
		result = -errno;
	if (result == 0 && mkdirat(folder, name, 0750) < 0 && errno != EEXIST)
		result = -errno;
	pthread_rwlock_unlock(&objects->tree);
	return result;
}

/* Makes what is missing of the path's first n bytes and opens it. */
static int make_folders(
	struct store_objects *objects, const struct bucket *bucket, struct str path, int *ret_fd)
{
	int fd = bucket->fd;
	struct str part;

	while (str_split(&path, '/', &part)) {
		char name[PATH_PART_MAX + 16];
		snprintf(name, sizeof(name), "%.*s", STR_ARG(part));
		int below = -ENOENT;
		for (int i = 0; i < TRIES && (below == -ENOENT || below == -ENOTDIR); i++) {
			int made = 0;
			if (mkdirat(fd, name, 0750) < 0 && errno != EEXIST)
				made = -errno;
			else if (below == -ENOTDIR)
				made = make_way(objects, fd, name);
			below = made < 0 ? made : file_open_below(fd, name, O_PATH | O_DIRECTORY);
			if (made == -ENOENT)
				break; /* the folder above has been pruned */
		}
		file_folder_close(bucket, fd);
		if (below < 0)
			return below;
		fd = below;
	}
	*ret_fd = fd;
	return 0;
}

int file_folder_open(struct store_objects *objects, const struct bucket *bucket,
	const struct path *path, bool make, int *ret_fd)
{
	char folder[PATH_TEXT_MAX];
	int fd = -ENOENT;

	if (path->folder_n == 0) {
		*ret_fd = bucket->fd;
		return 0;
	}
	memcpy(folder, path->text, path->folder_n);
	folder[path->folder_n] = '\0';
	for (int i = 0; i < TRIES; i++) {
		fd = file_open_below(bucket->fd, folder, O_PATH | O_DIRECTORY);
		if (fd >= 0) {
			*ret_fd = fd;
			return 0;
		}
		if (!make || (fd != -ENOENT && fd != -ENOTDIR))
			return fd;
		fd = make_folders(objects, bucket, (struct str){folder, path->folder_n}, ret_fd);
		if (fd != -ENOENT)
			return fd;
	}
	return fd;
}

void file_folder_close(const struct bucket *bucket, int fd)
{
	if (fd >= 0 && fd != bucket->fd)
		close(fd);
}

static void name_with(char *name, size_t size, const struct path *path, const char *mark)
{
	snprintf(name, size, "%s%s", path->name, mark);
}

int file_place(struct store_objects *objects, const struct bucket *bucket, const struct path *path,
	int from, const char *name, bool replaces)
{
	char aside[PATH_PART_MAX + 16];
	int result = -ENOENT;

	name_with(aside, sizeof(aside), path, "%");
	for (int i = 0; i < TRIES && result == -ENOENT; i++) {
		int folder;
		result = file_folder_open(objects, bucket, path, true, &folder);
		if (result < 0)
			continue;
		pthread_rwlock_rdlock(&objects->tree);
		result = renameat(from, name, folder, path->name) < 0 ? -errno : 0;
		if (result == -EISDIR || result == -ENOTEMPTY || result == -EEXIST)
			result = renameat(from, name, folder, aside) < 0 ? -errno : 0;
		else if (result == 0 && replaces)
			unlinkat(folder, aside, 0); /* from when there was a folder */
		pthread_rwlock_unlock(&objects->tree);
		file_folder_close(bucket, folder);
		if (result == -ENOENT && faccessat(from, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
	}
	return result;
}

/* The folder of the path's older versions, "NAME%v". */
static int versions_open(struct store_objects *objects, const struct bucket *bucket,
	const struct path *path, bool make)
{
	char name[PATH_PART_MAX + 16];
	int fd = -ENOENT;

	name_with(name, sizeof(name), path, "%v");
	for (int i = 0; i < TRIES; i++) {
		int folder;
		int result = file_folder_open(objects, bucket, path, make, &folder);
		if (result < 0)
			return result;
		if (make && mkdirat(folder, name, 0750) < 0 && errno != EEXIST)
			fd = -errno;
		else
			fd = file_open_below(folder, name, O_RDONLY | O_DIRECTORY);
		file_folder_close(bucket, folder);
		if (fd != -ENOENT || !make)
			break;
	}
	return fd;
}

int file_place_version(struct store_objects *objects, const struct bucket *bucket,
	const struct path *path, int from, const char *name, int64_t stamp, const char *version)
{
	char target[PATH_VERSION_MAX];
	int result = -ENOENT;

	path_version(target, stamp, version);
	for (int i = 0; i < TRIES && result == -ENOENT; i++) {
		_cleanup_close_ int folder = versions_open(objects, bucket, path, true);
		if (folder < 0)
			return folder;
		result = renameat(from, name, folder, target) < 0 ? -errno : 0;
		if (result == -ENOENT && faccessat(from, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
	}
	return result;
}

/* Calls rename or unlink on the current file, which is "NAME" or "NAME%". */
static int on_current(struct store_objects *objects, const struct bucket *bucket,
	const struct path *path, int target_folder, const char *target)
{
	char aside[PATH_PART_MAX + 16];
	int folder;
	int result = file_folder_open(objects, bucket, path, false, &folder);

	if (result < 0)
		return result;
	name_with(aside, sizeof(aside), path, "%");
	pthread_rwlock_rdlock(&objects->tree);
	for (int i = 0; i < 2; i++) {
		const char *name = i == 0 ? path->name : aside;
		struct stat status;
		if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
			S_ISDIR(status.st_mode)) {
			result = -ENOENT;
			continue;
		}
		result = target ? renameat(folder, name, target_folder, target)
				: unlinkat(folder, name, 0);
		result = result < 0 ? -errno : 0;
		break;
	}
	pthread_rwlock_unlock(&objects->tree);
	file_folder_close(bucket, folder);
	return result;
}

int file_retire(struct store_objects *objects, const struct bucket *bucket, const struct path *path,
	int64_t stamp, const char *version)
{
	char target[PATH_VERSION_MAX];
	_cleanup_close_ int folder = versions_open(objects, bucket, path, true);

	if (folder < 0)
		return folder;
	path_version(target, stamp, version);
	return on_current(objects, bucket, path, folder, target);
}

int file_promote(struct store_objects *objects, const struct bucket *bucket,
	const struct path *path, int64_t stamp, const char *version)
{
	char name[PATH_VERSION_MAX];
	_cleanup_close_ int folder = versions_open(objects, bucket, path, false);

	if (folder < 0)
		return folder;
	path_version(name, stamp, version);
	int result = file_place(objects, bucket, path, folder, name, true);
	if (result == 0)
		file_prune(bucket, path);
	return result;
}

int file_remove(struct store_objects *objects, const struct bucket *bucket, const struct path *path)
{
	return on_current(objects, bucket, path, -1, NULL);
}

int file_remove_version(struct store_objects *objects, const struct bucket *bucket,
	const struct path *path, int64_t stamp, const char *version)
{
	char name[PATH_VERSION_MAX];
	_cleanup_close_ int folder = versions_open(objects, bucket, path, false);

	if (folder < 0)
		return folder;
	path_version(name, stamp, version);
	return unlinkat(folder, name, 0) < 0 ? -errno : 0;
}

void file_prune(const struct bucket *bucket, const struct path *path)
{
	char text[PATH_TEXT_MAX + 4];

	snprintf(text, sizeof(text), "%s%%v", path->text);
	for (;;) {
		char *slash = strrchr(text, '/');
		int above = bucket->fd;
		if (slash) {
			*slash = '\0';
			above = file_open_below(bucket->fd, text, O_PATH | O_DIRECTORY);
		}
		if (above < 0)
			return;
		int result = unlinkat(above, slash ? slash + 1 : text, AT_REMOVEDIR);
		int failure = errno;
		file_folder_close(bucket, above);
		if (!slash || (result < 0 && failure != ENOENT))
			return;
	}
}

int file_open_current(const struct bucket *bucket, const struct path *path, bool *ret_is_aside)
{
	char text[PATH_TEXT_MAX + 4];
	int fd = -ENOENT;

	snprintf(text, sizeof(text), "%s%%", path->text);
	for (int i = 0; i < 2; i++) {
		struct stat status;
		fd = file_open_below(
			bucket->fd, i == 0 ? path->text : text, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
		if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
			*ret_is_aside = i == 1;
			return fd;
		}
		if (fd >= 0) {
			close(fd);
			fd = -ENOENT;
		} else if (fd == -EMFILE || fd == -ENFILE) {
			return fd;
		}
	}
	return fd;
}

int file_open_version(
	const struct bucket *bucket, const struct path *path, int64_t stamp, const char *version)
{
	char text[PATH_TEXT_MAX + PATH_VERSION_MAX + 8], name[PATH_VERSION_MAX];

	path_version(name, stamp, version);
	snprintf(text, sizeof(text), "%s%%v/%s", path->text, name);
	return file_open_below(bucket->fd, text, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
}

void file_number(char ret_name[static FILE_NUMBER_MAX], uint64_t number)
{
	snprintf(ret_name, FILE_NUMBER_MAX, "%016" PRIx64, number);
}

void file_number_meta(char ret_name[static FILE_NUMBER_MAX], uint64_t number)
{
	snprintf(ret_name, FILE_NUMBER_MAX, "%016" PRIx64 ".meta", number);
}

static int write_all(int fd, struct str bytes)
{
	while (bytes.n) {
		ssize_t n = write(fd, bytes.p, bytes.n);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			bytes = (struct str){bytes.p + n, bytes.n - (size_t)n};
	}
	return 0;
}

int file_write_whole(struct store_objects *objects, int folder, const char *name, struct str bytes)
{
	char draft[FILE_NUMBER_MAX];

	file_number_meta(draft, (uint64_t)stamp_next(objects));
	_cleanup_close_ int fd =
		openat(objects->incoming, draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	int result = write_all(fd, bytes);
	if (result == 0 && fsync(fd) < 0)
		result = -errno;
	if (result == 0 && renameat(objects->incoming, draft, folder, name) < 0)
		result = -errno;
	if (result < 0)
		unlinkat(objects->incoming, draft, 0);
	return result;
}

int file_read_whole(int folder, const char *name, struct buf *ret_bytes)
{
	_cleanup_close_ int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	ret_bytes->n = 0;
	for (;;) {
		ssize_t n = read(fd, buf_reserve(ret_bytes, 4096), 4096);
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		ret_bytes->n += (size_t)n;
		if (ret_bytes->n > 64 << 20)
			return -EFBIG;
	}
}

bool file_meta_read(struct store_objects *objects, int fd, struct buf *ret_blob)
{
	char name[FILE_NUMBER_MAX];
	struct stat status;

	ret_blob->n = 0;
	ssize_t n =
		fgetxattr(fd, META_XATTR, buf_reserve(ret_blob, META_XATTR_MAX), META_XATTR_MAX);
	if (n > 8) {
		ret_blob->n = (size_t)n;
		return true;
	}
	uint64_t stamp = 0;
	if (n == 8) { /* the sidecar's number */
		for (int i = 0; i < 8; i++)
			stamp = stamp << 8 | (unsigned char)ret_blob->p[i];
	} else if (fstat(fd, &status) == 0) {
		stamp = (uint64_t)stat_stamp(&status);
	}
	file_number(name, stamp);
	return file_read_whole(objects->sidecars, name, ret_blob) == 0;
}

int file_meta_write(
	struct store_objects *objects, int fd, struct str blob, int64_t stamp, uint64_t number)
{
	char name[FILE_NUMBER_MAX], link[8];

	if (blob.n <= META_XATTR_MAX && fsetxattr(fd, META_XATTR, blob.p, blob.n, 0) == 0)
		return 0;
	for (int i = 0; i < 8; i++)
		link[i] = (char)((uint64_t)stamp >> (56 - 8 * i));
	/* Where there are no attributes, the time of change tells which sidecar it is. */
	fsetxattr(fd, META_XATTR, link, sizeof(link), 0);
	if (number)
		file_number_meta(name, number);
	else
		file_number(name, (uint64_t)stamp);
	int result = file_write_whole(
		objects, number ? objects->incoming : objects->sidecars, name, blob);
	return result < 0 ? result : 1;
}

void file_sidecar_place(struct store_objects *objects, uint64_t number, int64_t stamp)
{
	char from[FILE_NUMBER_MAX], to[FILE_NUMBER_MAX];

	file_number_meta(from, number);
	file_number(to, (uint64_t)stamp);
	renameat(objects->incoming, from, objects->sidecars, to);
}

void file_sidecar_remove(struct store_objects *objects, int64_t stamp)
{
	char name[FILE_NUMBER_MAX];

	file_number(name, (uint64_t)stamp);
	unlinkat(objects->sidecars, name, 0);
}
