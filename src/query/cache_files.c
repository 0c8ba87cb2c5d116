/* The two files of a cache entry, whoever keeps the entries. */
#include "query/cache_priv.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <xxhash.h>

#define VERSION  "2" /* of what an entry holds */
#define META_MAX ((size_t)1 << 20)

char *query_cache_key(const struct query_cache_entry *entry)
{
	return mem_printf(VERSION "\n%s\n%s\n%llu\n%lld\n%s", entry->path, entry->etag,
		(unsigned long long)entry->size_bytes, (long long)entry->modified_ns,
		entry->format);
}

void query_cache_name(const char *key, uint64_t ret_name[static 2])
{
	XXH128_hash_t hash = XXH3_128bits(key, strlen(key));

	ret_name[0] = hash.high64;
	ret_name[1] = hash.low64;
}

char *query_cache_file(const char *folder, const uint64_t name[static 2], const char *ending)
{
	return mem_printf("%s/%02x/%016llx%016llx.%s", folder, (unsigned)(name[0] >> 56),
		(unsigned long long)name[0], (unsigned long long)name[1], ending);
}

static int hash_file(int fd, const char *path, uint64_t hash[2], struct err *err)
{
	enum { CHUNK = 1 << 18 };
	_cleanup_free_ char *bytes = mem_new(CHUNK, 1);
	XXH3_state_t *state = XXH3_createState();
	off_t at = 0;
	ssize_t n;

	XXH3_128bits_reset(state);
	while ((n = pread(fd, bytes, CHUNK, at)) > 0) {
		XXH3_128bits_update(state, bytes, (size_t)n);
		at += n;
	}
	XXH128_hash_t digest = XXH3_128bits_digest(state);
	XXH3_freeState(state);
	hash[0] = digest.high64;
	hash[1] = digest.low64;
	return n < 0 ? err_set_errno(err, errno, "cannot read %s", path) : 0;
}

static void take_identity(struct query_cache_entry *entry, const struct stat *status)
{
	entry->inode = status->st_ino;
	entry->file_modified_ns = clock_ns_from(status->st_mtim);
	entry->file_changed_ns = clock_ns_from(status->st_ctim);
}

static bool has_identity(const struct query_cache_entry *entry, const struct stat *status)
{
	return entry->inode == status->st_ino &&
	       entry->file_modified_ns == clock_ns_from(status->st_mtim) &&
	       entry->file_changed_ns == clock_ns_from(status->st_ctim);
}

static int write_entry(const char *path, const struct query_cache_entry *entry, struct err *err)
{
	_cleanup_(file_draft_done) struct file_draft draft = FILE_DRAFT_INIT;
	_cleanup_free_ char *text = query_cache_print(entry);

	if (!text)
		return err_set(err, ERR_INPUT, "a path that is not UTF-8");
	if (file_draft_open(&draft, path, err) < 0 ||
		file_draft_write(&draft, str_from(text), err) < 0 ||
		file_draft_commit(&draft, true, err) < 0)
		return -1;
	return 0;
}

int query_cache_measure(
	struct query_cache_entry *entry, int fd, const char *parquet, struct err *err)
{
	struct stat status;

	if (hash_file(fd, parquet, entry->hash, err) < 0)
		return -1;
	if (fstat(fd, &status) < 0)
		return err_set_errno(err, errno, "cannot read %s", parquet);
	entry->bytes = (uint64_t)status.st_size;
	return 0;
}

int query_cache_commit(struct query_cache_entry *entry, struct file_draft *draft, const char *json,
	struct err *err)
{
	struct stat status;

	if (file_draft_commit(draft, true, err) < 0)
		return -1;
	if (fstat(draft->fd, &status) < 0) /* its name is new */
		return err_set_errno(err, errno, "cannot read %s", draft->path);
	take_identity(entry, &status);
	return write_entry(json, entry, err);
}

bool query_cache_read(const char *json, const char *key, struct query_cache_entry *ret_entry)
{
	_cleanup_buf_ struct buf text = {0};
	_cleanup_free_ char *found = NULL;
	struct err err;

	*ret_entry = (struct query_cache_entry){0};
	if (file_read(json, META_MAX, &text, &err) < 0 ||
		!query_cache_parse(buf_str(&text), ret_entry))
		return false;
	found = query_cache_key(ret_entry);
	return strcmp(found, key) == 0;
}

bool query_cache_is_intact(struct query_cache_entry *entry, const char *parquet, const char *json)
{
	_cleanup_close_ int fd = open(parquet, O_RDONLY | O_CLOEXEC);
	struct stat status;
	uint64_t hash[2];
	struct err err;

	if (fd < 0 || fstat(fd, &status) < 0 || (uint64_t)status.st_size != entry->bytes)
		return false;
	if (has_identity(entry, &status))
		return true;
	if (hash_file(fd, parquet, hash, &err) < 0 || hash[0] != entry->hash[0] ||
		hash[1] != entry->hash[1])
		return false;
	take_identity(entry, &status);
	(void)!write_entry(json, entry, &err);
	return true;
}

bool query_cache_is_whole(const char *parquet, const char *json)
{
	_cleanup_close_ int fd = open(parquet, O_RDONLY | O_CLOEXEC);
	_cleanup_buf_ struct buf text = {0};
	struct query_cache_entry entry;
	uint64_t hash[2];
	struct err err;

	if (fd < 0 || file_read(json, META_MAX, &text, &err) < 0 ||
		!query_cache_parse(buf_str(&text), &entry))
		return false;
	bool whole = hash_file(fd, parquet, hash, &err) == 0 && hash[0] == entry.hash[0] &&
		     hash[1] == entry.hash[1];
	query_cache_entry_done(&entry);
	return whole;
}

bool query_cache_touch(const char *json)
{
	int64_t now_ns = clock_wall_ns();
	struct timespec now = {now_ns / CLOCK_NS_PER_SECOND, now_ns % CLOCK_NS_PER_SECOND};

	return utimensat(AT_FDCWD, json, (struct timespec[2]){now, now}, 0) == 0;
}
