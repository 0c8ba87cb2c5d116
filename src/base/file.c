#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <fts.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

int file_read(const char *path, size_t max, struct buf *ret_bytes, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_buf_ struct buf bytes = {0};

	if (fd < 0)
		return err_set_errno(err, errno, "cannot open %s", path);
	for (;;) {
		ssize_t got = read(fd, buf_reserve(&bytes, 64 << 10), 64 << 10);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, errno, "cannot read %s", path);
		if (got == 0)
			break;
		bytes.n += (size_t)got;
		if (bytes.n > max)
			return err_set(err, ERR_INPUT, "%s is larger than %zu bytes", path, max);
	}
	*ret_bytes = bytes;
	bytes = (struct buf){0};
	return 0;
}

int file_make_folders(const char *path, mode_t mode, struct err *err)
{
	_cleanup_free_ char *partial = mem_strdup(path);

	for (char *slash = partial + 1; *partial; slash++) {
		slash = strchr(slash, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(partial, mode) < 0 && errno != EEXIST)
			return err_set_errno(err, errno, "cannot make folder %s", partial);
		if (!slash)
			break;
		*slash = '/';
		if (!slash[1])
			break;
	}
	return 0;
}

/* The folder of path, "." when it names none. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return mem_strdup(".");
	return slash == path ? mem_strdup("/") : mem_printf("%.*s", (int)(slash - path), path);
}

/* A new file that is locked as long as this process has it open. file_remove_drafts may be faster
 * than the lock: then the file is gone, and another is made. */
static int draft_create(char **ret_path, const char *folder, const char *name, struct err *err)
{
	for (;;) {
		_cleanup_free_ char *path = mem_printf("%s/.%s.XXXXXX.part", folder, name);
		_cleanup_close_ int fd = mkostemps(path, (int)strlen(".part"), O_CLOEXEC);
		struct stat status;

		if (fd < 0)
			return err_set_errno(err, errno, "cannot create a file in %s", folder);
		/* Where the file system has no locks, there is one writer, as always was. */
		(void)!flock(fd, LOCK_EX);
		if (fchmod(fd, 0640) < 0 || fstat(fd, &status) < 0) {
			int failure = errno;
			unlink(path);
			return err_set_errno(err, failure, "cannot set the mode of %s", path);
		}
		if (status.st_nlink == 0)
			continue;
		*ret_path = take(path);
		return take_fd(fd);
	}
}

int file_draft_open(struct file_draft *ret_draft, const char *path, struct err *err)
{
	_cleanup_free_ char *folder = folder_of(path);
	const char *slash = strrchr(path, '/');

	if (file_make_folders(folder, 0750, err) < 0)
		return -1;
	char *draft_path;
	int fd = draft_create(&draft_path, folder, slash ? slash + 1 : path, err);
	if (fd < 0)
		return -1;
	*ret_draft = (struct file_draft){fd, mem_strdup(path), draft_path};
	return 0;
}

int file_draft_write(struct file_draft *draft, struct str bytes, struct err *err)
{
	while (bytes.n) {
		ssize_t n = write(draft->fd, bytes.p, bytes.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, errno, "cannot write %s", draft->path);
		bytes.p += n;
		bytes.n -= (size_t)n;
	}
	return 0;
}

int file_draft_commit(struct file_draft *draft, bool replace, struct err *err)
{
	_cleanup_free_ char *folder = folder_of(draft->path);
	_cleanup_close_ int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (folder_fd < 0)
		return err_set_errno(err, errno, "cannot open folder %s", folder);
	if (fdatasync(draft->fd) < 0)
		return err_set_errno(err, errno, "cannot write %s to disk", draft->path);
	if (renameat2(AT_FDCWD, draft->draft_path, AT_FDCWD, draft->path,
		    replace ? 0 : RENAME_NOREPLACE) < 0) {
		if (errno == EEXIST && !replace)
			return FILE_DRAFT_EXISTS;
		return err_set_errno(err, errno, "cannot name %s", draft->path);
	}
	free(take(draft->draft_path));
	if (fsync(folder_fd) < 0)
		return err_set_errno(err, errno, "cannot write folder %s to disk", folder);
	return 0;
}

void file_draft_done(struct file_draft *draft)
{
	if (draft->draft_path) {
		unlink(draft->draft_path);
		close(draft->fd);
	} else if (draft->path) {
		close(draft->fd);
	}
	free(draft->path);
	free(draft->draft_path);
	*draft = (struct file_draft)FILE_DRAFT_INIT;
}

/* Whether the process that makes this draft lives. */
static bool draft_is_locked(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

int file_remove_drafts(const char *folder, struct err *err)
{
	char *const roots[] = {(char *)folder, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
	FTSENT *entry;
	int result = 0;

	if (!walk)
		return err_set_errno(err, errno, "cannot read folder %s", folder);
	while (result == 0 && (entry = fts_read(walk))) {
		if (entry->fts_info == FTS_D ||
			fnmatch(".*.??????.part", entry->fts_name, 0) != 0 ||
			draft_is_locked(entry->fts_accpath))
			continue;
		if (unlink(entry->fts_accpath) < 0 && errno != ENOENT)
			result = err_set_errno(err, errno, "cannot remove %s", entry->fts_path);
	}
	fts_close(walk);
	return result;
}
