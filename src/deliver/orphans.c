#include "deliver/orphans.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOTE "orphan"

/* Bytes of all files but the note. */
static uint64_t count_bytes(int folder, DIR *stream)
{
	struct dirent *entry;
	uint64_t bytes = 0;

	rewinddir(stream);
	while ((entry = readdir(stream))) {
		struct stat status;
		if (fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(status.st_mode) && strcmp(entry->d_name, NOTE) != 0)
			bytes += (uint64_t)status.st_size;
	}
	return bytes;
}

static void empty(int folder, DIR *stream)
{
	struct dirent *entry;

	rewinddir(stream);
	while ((entry = readdir(stream))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(folder, entry->d_name, 0);
	}
}

/* When it was noted, or -1. */
static int64_t note(int folder)
{
	_cleanup_close_ int fd =
		openat(folder, NOTE, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -1;
	return status.st_mtim.tv_sec * INT64_C(1000) + status.st_mtim.tv_nsec / 1000000;
}

/* Whether it is one, and is there still. */
static bool look_at(
	int spools, const char *name, bool is_known, unsigned keep_s, struct deliver_orphan *orphan)
{
	int fd = openat(spools, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return false;
	DIR *stream = fdopendir(fd);
	if (!stream) {
		close(fd);
		return false;
	}
	bool is_there = false;
	if (is_known) {
		unlinkat(fd, NOTE, 0);
	} else if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		*orphan = (struct deliver_orphan){.bytes = count_bytes(fd, stream)};
		orphan->since_ms = orphan->bytes ? note(fd) : 0;
		snprintf(orphan->id, sizeof(orphan->id), "%s", name);
		is_there = orphan->since_ms < 0 ||
			   (orphan->bytes && clock_wall_ns() / 1000000 - orphan->since_ms <
						     (int64_t)keep_s * 1000);
		if (!is_there) {
			empty(fd, stream);
			unlinkat(spools, name, AT_REMOVEDIR);
		}
	}
	closedir(stream);
	return is_there;
}

int deliver_orphans_look(const char *folder, bool (*is_known)(void *context, const char *id),
	void *context, unsigned keep_s, struct deliver_orphan **ret_orphans, size_t *ret_count,
	struct err *err)
{
	struct deliver_orphan *orphans = NULL;
	DIR *stream = opendir(folder);
	struct dirent *entry;
	size_t count = 0;

	if (!stream && errno != ENOENT)
		return err_set_errno(err, errno, "%s", folder);
	while (stream && (entry = readdir(stream))) {
		struct deliver_orphan orphan;
		/* Nothing but what flow logs make. */
		if (!str_starts_with(str_from(entry->d_name), STR("fl-")) ||
			strlen(entry->d_name) >= sizeof(orphan.id) ||
			!look_at(dirfd(stream), entry->d_name, is_known(context, entry->d_name),
				keep_s, &orphan))
			continue;
		orphans = mem_grow(orphans, count + 1, sizeof(*orphans));
		orphans[count++] = orphan;
	}
	if (stream)
		closedir(stream);
	*ret_orphans = orphans;
	*ret_count = count;
	return 0;
}
