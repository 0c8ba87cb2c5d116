/* Log events in files of our own.
 *
 * Layout. DATA/logs/GROUP is a group's folder, by the number of its row in the database. In it are
 *   about                        name and settings, for fsck to make the row anew
 *   0000000007.tail              what was put lately, chunk behind chunk in order of arrival
 *   0000000006.2026-11-25.events what was a tail once, events of one day, sealed
 * A chunk (events_chunk.c) is the events of one stream that were put together, or lie together
 * after sealing: columns of times and ends, then the messages one behind the other, each with a
 * newline. So a search runs over plain text, a megabyte at a time, and a row is found by an index.
 *
 * Why not a database's tables. The tail is the journal: a put is written once, at the place where
 * it is read, and is on disk after one fdatasync that all puts of that moment share
 * (events_put.c). Sealing (events_seal.c) writes it once more, in the order in which it is read.
 * Both are sequential, and neither parses or converts what it was given.
 *
 * Sequences. Each event has a number in its group, given when it is written: with its time it is
 * the order of all events (time first), it makes ids that never change, and it says what a reader
 * had seen: whatever came later has a higher one. That is how pages neither skip nor repeat an
 * event while others come in, even with times before those already read (store_log_position: a
 * round of reading is the events between two sequences; what came meanwhile is the next round).
 *
 * A tail is closed, to be sealed, when it is full, a day old, or half full and nothing has come for
 * a second: after a burst, which flow logs come in, what came is soon where searches are fastest.
 *
 * After a crash. A chunk has checksums, and how far the file had been synchronised when it was
 * written. A start walks the tails: a chunk that is broken and lies behind everything that is known
 * to have been synchronised was never acknowledged, and is cut off; one before that is damage: it
 * is left out, counted, and fsck's to tell. Sealed files count only when their tail is gone, so a
 * sealing that was broken off is done again. A write that fails is cut off at once; if that fails
 * too the file gets no more.
 *
 * Retention. Events that have expired are never given out; a file whose last has is deleted. As
 * sealed files are of one day of events each, a group keeps at most a day more than it should, and
 * a tail at most a day of arrival.
 *
 * A stream that is deleted loses its row: its events are not given out from then on, and are gone
 * from the disk when their tail is sealed or their file expires. Ids of streams are not used
 * again. */
#include "store/events_priv.h"

#include "base/clock.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { KEEPER_SECONDS = 1, KEEP_ALL_SECONDS = 60, IDLE_MS = 60000 };

/* ---- keeping ---- */

int64_t events_expiry(const struct events_group *group, int64_t now_ms)
{
	return group->retention_days ? now_ms - (int64_t)group->retention_days * EVENTS_DAY_MS : 0;
}

/* Lock held, nobody writes. */
static void close_tail(struct events_group *group, int64_t now_ms, int64_t expiry_ms)
{
	struct events_file *tail = group->tail;

	if (!tail || !tail->count)
		return;
	int64_t rest_ms = clock_mono_ns() / 1000000 - group->written_ms;
	bool is_large = tail->size >= EVENTS_REST_BYTES;
	if (tail->time_last < expiry_ms || now_ms - tail->ingested_first > EVENTS_TAIL_AGE_MS ||
		(is_large && rest_ms > EVENTS_REST_MS))
		tail->is_closed = true;
	else if (is_large)
		group->events->has_large_tail = true;
	if (tail->fd >= 0 && (tail->is_closed || rest_ms > IDLE_MS)) {
		close(tail->fd);
		tail->fd = -1;
	}
}

/* The next tail to be sealed, or NULL. Lock held. */
static struct events_file *find_closed(const struct events_group *group)
{
	for (size_t i = 0; i < group->file_count; i++)
		if (group->files[i]->is_tail && group->files[i]->is_closed &&
			!(group->is_writing && group->files[i] == group->tail))
			return group->files[i];
	return NULL;
}

static int seal_all(struct events_group *group, struct err *err)
{
	for (;;) {
		pthread_mutex_lock(&group->lock);
		struct events_file *tail = find_closed(group);
		pthread_mutex_unlock(&group->lock);
		if (!tail)
			return 0;
		if (events_seal(group, tail, err) < 0)
			return -1;
	}
}

/* Lock held. */
static void remove_expired(struct events_group *group, int64_t expiry_ms)
{
	for (size_t i = 0; i < group->file_count;) {
		struct events_file *file = group->files[i];
		if (file->is_tail || file->time_last >= expiry_ms) {
			i++;
			continue;
		}
		group->files[i] = group->files[--group->file_count];
		group->stored_bytes -= file->event_bytes;
		group->are_times_stale = true;
		group->events->expired++;
		file->is_removed = true;
		events_file_unref(group, file);
	}
}

/* The first and last moments of all streams, from what is left. New puts wait meanwhile; it is done
 * after files have expired, once a day. Lock held. */
static int find_times(struct events_group *group, struct err *err)
{
	for (size_t i = 0; i < group->stream_count; i++)
		group->by_id[i]->first_ms = group->by_id[i]->last_ms = -1;
	for (size_t i = 0; i < group->file_count; i++) {
		struct events_file *file = group->files[i];
		size_t count;
		pthread_mutex_unlock(&group->lock);
		int result = events_file_map(group, file, err);
		pthread_mutex_lock(&group->lock);
		if (result < 0)
			return -1;
		const struct events_entry *entries = events_file_entries(file, &count);
		for (size_t j = 0; j < count; j++) {
			const struct events_header *header = &entries[j].header;
			struct events_stream *stream =
				header->kind == EVENTS_ROWS
					? events_stream_by_id(group, header->stream)
					: NULL;
			if (!stream)
				continue;
			if (stream->first_ms < 0 || header->time_first < stream->first_ms)
				stream->first_ms = header->time_first;
			if (header->time_last > stream->last_ms)
				stream->last_ms = header->time_last;
		}
		pthread_mutex_unlock(&group->lock);
		events_file_unmap(group, file);
		pthread_mutex_lock(&group->lock);
	}
	group->are_times_stale = false;
	return 0;
}

static int keep_group(struct events_group *group, int64_t now_ms, struct err *err)
{
	int64_t expiry_ms = events_expiry(group, now_ms);

	pthread_mutex_lock(&group->lock);
	if (group->is_deleted) {
		pthread_mutex_unlock(&group->lock);
		return 0;
	}
	group->is_kept = true;
	if (!group->is_writing)
		close_tail(group, now_ms, expiry_ms);
	pthread_mutex_unlock(&group->lock);
	int result = seal_all(group, err);
	pthread_mutex_lock(&group->lock);
	remove_expired(group, expiry_ms);
	if (group->are_times_stale && find_times(group, err) < 0)
		result = -1;
	group->is_kept = false;
	pthread_cond_broadcast(&group->written);
	pthread_mutex_unlock(&group->lock);
	return result;
}

int store_events_keep(struct store_events *events, int64_t now_ms, struct err *err)
{
	size_t count;
	int result = 0;

	pthread_mutex_lock(&events->keep_lock);
	struct events_group **groups = events_groups_all(events, &count);
	for (size_t i = 0; i < count; i++) {
		if (keep_group(groups[i], now_ms, err) < 0)
			result = -1;
		events_group_unref(groups[i]);
	}
	free(groups);
	pthread_mutex_unlock(&events->keep_lock);
	return result;
}

static void *keeper_main(void *context)
{
	struct store_events *events = context;
	int64_t kept_ns = clock_mono_ns();

	pthread_mutex_lock(&events->keeper_lock);
	while (!events->is_closing) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += KEEPER_SECONDS;
		pthread_cond_timedwait(&events->keeper_wakes, &events->keeper_lock, &until);
		bool is_time = clock_mono_ns() - kept_ns > KEEP_ALL_SECONDS * CLOCK_NS_PER_SECOND;
		if (events->is_closing ||
			(!is_time && !events->wants_keeping && !events->has_large_tail))
			continue;
		events->wants_keeping = events->has_large_tail = false;
		pthread_mutex_unlock(&events->keeper_lock);
		/* What fails (a full disk) is tried again the next time; nothing is lost. */
		store_events_keep(events, clock_wall_ns() / 1000000, NULL);
		kept_ns = clock_mono_ns();
		pthread_mutex_lock(&events->keeper_lock);
	}
	pthread_mutex_unlock(&events->keeper_lock);
	return NULL;
}

/* ---- removing a group ---- */

/* What is in the folder; the folder itself is what tells of the removal, to the end. */
static int empty_folder(struct store_events *events, const char *name, struct err *err)
{
	int fd = openat(events->root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (!folder) {
		if (fd >= 0)
			close(fd);
		return errno == ENOENT
			       ? 0
			       : err_set_errno(err, errno, "%s/%s", STORE_EVENTS_FOLDER, name);
	}
	while ((entry = readdir(folder)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(fd, entry->d_name, 0);
	closedir(folder);
	return 0;
}

int events_finish_removal(
	struct store_events *events, int64_t id, const char *folder, struct err *err)
{
	static const char *const statements[] = {"DELETE FROM log_streams WHERE log_group = ?",
		"DELETE FROM log_tags WHERE log_group = ?", "DELETE FROM log_groups WHERE id = ?"};
	struct store_connection *connection;
	sqlite3_stmt *statement;
	int result = 0;

	/* The files first: the disk may be too full for anything else. */
	if (empty_folder(events, folder, err) < 0 ||
		store_write_begin(events->database, &connection, err) < 0)
		return -1;
	for (size_t i = 0; result == 0 && i < ARRAY_SIZE(statements); i++) {
		result = store_statement(connection, statements[i], &statement, err);
		if (result < 0)
			break;
		store_bind_i64(statement, 1, id);
		result = store_step(statement, err);
	}
	if (result < 0) {
		store_rollback(connection);
		return -1;
	}
	if (store_commit(connection, err) < 0)
		return -1;
	if (unlinkat(events->root, folder, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_set_errno(err, errno, "%s/%s", STORE_EVENTS_FOLDER, folder);
	return 0;
}

/* Removals that a crash broke off; and are there folders at all? */
static int look_at_folders(struct store_events *events, bool *ret_has_groups, struct err *err)
{
	int fd = openat(events->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	int64_t id;
	int result = 0;

	if (!folder) {
		if (fd >= 0)
			close(fd);
		return err_set_errno(err, errno, "%s", STORE_EVENTS_FOLDER);
	}
	while (result == 0 && (entry = readdir(folder))) {
		if (sscanf(entry->d_name, "removed.%" SCNd64, &id) == 1)
			result = events_finish_removal(events, id, entry->d_name, err);
		else if (entry->d_name[0] != '.')
			*ret_has_groups = true;
	}
	closedir(folder);
	return result;
}

/* ---- opening ---- */

static const char tables[] =
	"CREATE TABLE IF NOT EXISTS log_groups (id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL, retention INTEGER NOT NULL,"
	" class INTEGER NOT NULL, protected INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS log_streams (id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" log_group INTEGER NOT NULL, name TEXT NOT NULL, created INTEGER NOT NULL,"
	" UNIQUE (log_group, name));"
	"CREATE TABLE IF NOT EXISTS log_tags (log_group INTEGER NOT NULL, key TEXT NOT NULL,"
	" value TEXT NOT NULL, PRIMARY KEY (log_group, key)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS log_policies (name TEXT PRIMARY KEY, document TEXT NOT NULL,"
	" updated INTEGER NOT NULL) WITHOUT ROWID;";

int events_create_tables(struct store_database *database, struct err *err)
{
	return store_make_tables(database, tables, err);
}

static int open_root(struct store_events *events, const char *folder, struct err *err)
{
	_cleanup_free_ char *path = mem_printf("%s/" STORE_EVENTS_FOLDER, folder);

	if (file_make_folders(path, 0750, err) < 0)
		return -1;
	events->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return events->root < 0 ? err_set_errno(err, errno, "%s", path) : 0;
}

int events_open(struct store_events **ret_events, const char *folder,
	struct store_database *database, bool *ret_has_folders, struct err *err)
{
	_cleanup_(store_events_closep) struct store_events *events = mem_new(1, sizeof(*events));

	events->database = database;
	events->root = -1;
	pthread_rwlock_init(&events->lock, NULL);
	pthread_mutex_init(&events->keep_lock, NULL);
	pthread_mutex_init(&events->keeper_lock, NULL);
	pthread_cond_init(&events->keeper_wakes, NULL);
	if (open_root(events, folder, err) < 0 || events_create_tables(database, err) < 0 ||
		look_at_folders(events, ret_has_folders, err) < 0 ||
		events_groups_load(events, err) < 0)
		return -1;
	*ret_events = take(events);
	return 0;
}

int store_events_open(struct store_events **ret_events, const char *folder,
	struct store_database *database, struct err *err)
{
	_cleanup_(store_events_closep) struct store_events *events = NULL;
	bool has_folders = false;

	if (events_open(&events, folder, database, &has_folders, err) < 0)
		return -1;
	if (has_folders && !events->group_count) {
		err_set(err, ERR_INPUT, "%s has log groups, but its index does not know them",
			folder);
		return err_hint(err, "'nagare fsck --repair' makes the index anew from the files");
	}
	events->wants_keeping = true;
	int result = pthread_create(&events->keeper, NULL, keeper_main, events);
	if (result != 0)
		return err_set_errno(err, result, "cannot start a thread");
	events->has_keeper = true;
	*ret_events = take(events);
	return 0;
}

void store_events_close(struct store_events *events)
{
	if (!events)
		return;
	if (events->has_keeper) {
		pthread_mutex_lock(&events->keeper_lock);
		events->is_closing = true;
		pthread_cond_signal(&events->keeper_wakes);
		pthread_mutex_unlock(&events->keeper_lock);
		pthread_join(events->keeper, NULL);
	}
	for (size_t i = 0; i < events->group_count; i++)
		events_group_unref(events->groups[i]);
	if (events->root >= 0)
		close(events->root);
	pthread_rwlock_destroy(&events->lock);
	pthread_mutex_destroy(&events->keep_lock);
	pthread_mutex_destroy(&events->keeper_lock);
	pthread_cond_destroy(&events->keeper_wakes);
	free(events->groups);
	free(events);
}

void store_events_count(struct store_events *events, struct store_events_counters *ret_counters)
{
	*ret_counters = (struct store_events_counters){.events = events->events,
		.bytes = events->bytes,
		.puts = events->puts,
		.repeats = events->repeats,
		.syncs = events->syncs,
		.damaged = events->damaged,
		.sealed = events->sealed,
		.expired = events->expired};
}
