/* Log groups and streams: rows of the database, and what is kept of them in memory. */
#include "store/events_priv.h"

#include "base/clock.h"
#include "base/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { GROUPS_MAX = 1000000 };

int events_no_group(struct aws_error *error)
{
	return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION,
		"The specified log group does not exist.");
}

int events_no_stream(struct aws_error *error)
{
	return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION,
		"The specified log stream does not exist.");
}

/* ---- batches ---- */

void events_ring_add(struct events_ring *ring, const uint8_t *id)
{
	if (ring->count == ring->capacity && ring->capacity < EVENTS_BATCHES) {
		ring->capacity = ring->capacity ? 2 * ring->capacity : 4;
		ring->ids = mem_grow(ring->ids, ring->capacity, sizeof(*ring->ids));
		ring->next = ring->count;
	}
	memcpy(ring->ids[ring->next], id, sizeof(*ring->ids));
	ring->next = (ring->next + 1) % ring->capacity;
	if (ring->count < ring->capacity)
		ring->count++;
}

bool events_ring_has(const struct events_ring *ring, const uint8_t *id)
{
	for (unsigned i = 0; i < ring->count; i++)
		if (memcmp(ring->ids[i], id, sizeof(*ring->ids)) == 0)
			return true;
	return false;
}

/* ---- streams in memory ---- */

static struct str stream_name(const void *streams, size_t i)
{
	return str_from(((struct events_stream *const *)streams)[i]->name);
}

static size_t stream_place(const struct events_group *group, struct str name, bool *ret_found)
{
	return str_place(name, group->by_name, group->stream_count, stream_name, ret_found);
}

static size_t id_place(const struct events_group *group, uint64_t id)
{
	size_t low = 0, high = group->stream_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (group->by_id[middle]->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct events_stream *events_stream_find(struct events_group *group, struct str name)
{
	bool found;
	size_t place = stream_place(group, name, &found);

	return found ? group->by_name[place] : NULL;
}

struct events_stream *events_stream_by_id(struct events_group *group, uint64_t id)
{
	size_t place = id_place(group, id);

	return place < group->stream_count && group->by_id[place]->id == id ? group->by_id[place]
									    : NULL;
}

static void insert(
	struct events_stream **list, size_t count, size_t place, struct events_stream *stream)
{
	memmove(list + place + 1, list + place, (count - place) * sizeof(struct events_stream *));
	list[place] = stream;
}

struct events_stream *events_stream_add(
	struct events_group *group, struct str name, uint64_t id, int64_t created_ms)
{
	struct events_stream *stream = mem_new(1, sizeof(*stream));
	bool found;

	if (group->stream_count == group->stream_capacity) {
		group->stream_capacity = group->stream_capacity ? 2 * group->stream_capacity : 8;
		group->by_name = mem_grow(group->by_name, group->stream_capacity, sizeof(stream));
		group->by_id = mem_grow(group->by_id, group->stream_capacity, sizeof(stream));
	}
	*stream = (struct events_stream){.name = mem_printf("%.*s", STR_ARG(name)),
		.id = id,
		.created_ms = created_ms,
		.first_ms = -1,
		.last_ms = -1,
		.ingested_ms = -1};
	size_t place = stream_place(group, name, &found);
	assert(!found);
	insert(group->by_name, group->stream_count, place, stream);
	insert(group->by_id, group->stream_count, id_place(group, id), stream);
	group->stream_count++;
	return stream;
}

static void stream_free(struct events_stream *stream)
{
	free(stream->name);
	free(stream->ring.ids);
	free(stream);
}

static void stream_remove(struct events_group *group, struct events_stream *stream)
{
	bool found;
	size_t place = stream_place(group, str_from(stream->name), &found);
	size_t by_id = id_place(group, stream->id);

	memmove(group->by_name + place, group->by_name + place + 1,
		(group->stream_count - place - 1) * sizeof(stream));
	memmove(group->by_id + by_id, group->by_id + by_id + 1,
		(group->stream_count - by_id - 1) * sizeof(stream));
	group->stream_count--;
	stream_free(stream);
}

/* ---- groups in memory ---- */

static struct events_group *group_new(struct store_events *events, struct str name, int64_t id)
{
	struct events_group *group = mem_new(1, sizeof(*group));
	pthread_condattr_t attributes;

	group->events = events;
	group->refs = 1;
	group->name = mem_printf("%.*s", STR_ARG(name));
	group->id = id;
	group->pending_tail = &group->pending;
	group->next_file = 1;
	/* Behind all that ever was, even when all files are gone: a position that a client still
	 * has must not be ahead of what comes. */
	group->next_sequence =
		(uint64_t)(clock_wall_ns() / CLOCK_NS_PER_SECOND - INT64_C(1577836800)) << 18;
	snprintf(group->folder, sizeof(group->folder), "%06" PRId64, id);
	pthread_mutex_init(&group->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_cond_init(&group->written, &attributes);
	pthread_condattr_destroy(&attributes);
	return group;
}

struct events_group *events_group_ref(struct events_group *group)
{
	group->refs++;
	return group;
}

void events_group_unref(struct events_group *group)
{
	if (!group || --group->refs > 0)
		return;
	for (size_t i = 0; i < group->file_count; i++) {
		group->events->kept -= group->files[i]->is_kept;
		events_file_free(group->files[i]);
	}
	for (size_t i = 0; i < group->stream_count; i++)
		stream_free(group->by_id[i]);
	pthread_mutex_destroy(&group->lock);
	pthread_cond_destroy(&group->written);
	free(group->files);
	free(group->by_name);
	free(group->by_id);
	free(group->name);
	free(group);
}

static struct str group_name(const void *groups, size_t i)
{
	return str_from(((struct events_group *const *)groups)[i]->name);
}

/* events->lock held. */
static size_t group_place(const struct store_events *events, struct str name, bool *ret_found)
{
	return str_place(name, events->groups, events->group_count, group_name, ret_found);
}

static void group_insert(struct store_events *events, struct events_group *group)
{
	bool found;
	size_t place = group_place(events, str_from(group->name), &found);

	if (events->group_count == events->group_capacity) {
		events->group_capacity = events->group_capacity ? 2 * events->group_capacity : 16;
		events->groups = mem_grow(events->groups, events->group_capacity, sizeof(group));
	}
	memmove(events->groups + place + 1, events->groups + place,
		(events->group_count - place) * sizeof(group));
	events->groups[place] = group;
	events->group_count++;
}

int events_group_find(struct store_events *events, struct str name, struct events_group **ret_group,
	struct aws_error *error)
{
	bool found;

	pthread_rwlock_rdlock(&events->lock);
	size_t place = group_place(events, name, &found);
	if (found)
		*ret_group = events_group_ref(events->groups[place]);
	pthread_rwlock_unlock(&events->lock);
	if (!found) {
		events_no_group(error);
		return -1;
	}
	return 0;
}

struct events_group **events_groups_all(struct store_events *events, size_t *ret_count)
{
	pthread_rwlock_rdlock(&events->lock);
	struct events_group **groups = mem_new(events->group_count + 1, sizeof(*groups));
	for (size_t i = 0; i < events->group_count; i++)
		groups[i] = events_group_ref(events->groups[i]);
	*ret_count = events->group_count;
	pthread_rwlock_unlock(&events->lock);
	return groups;
}

/* ---- rows ---- */

static int load_streams(
	struct events_group *group, struct store_connection *connection, struct err *err)
{
	sqlite3_stmt *statement;
	int result;

	if (store_statement(connection,
		    "SELECT name, id, created FROM log_streams WHERE log_group = ? ORDER BY id",
		    &statement, err) < 0)
		return -1;
	store_bind_i64(statement, 1, group->id);
	while ((result = store_step(statement, err)) > 0)
		events_stream_add(group, store_column_str(statement, 0),
			(uint64_t)store_column_i64(statement, 1), store_column_i64(statement, 2));
	return result;
}

static int load_groups(
	struct store_events *events, struct store_connection *connection, struct err *err)
{
	sqlite3_stmt *statement;
	int result;

	if (store_statement(connection,
		    "SELECT name, id, created, retention, class, protected FROM log_groups",
		    &statement, err) < 0)
		return -1;
	while ((result = store_step(statement, err)) > 0) {
		struct events_group *group = group_new(
			events, store_column_str(statement, 0), store_column_i64(statement, 1));
		group->created_ms = store_column_i64(statement, 2);
		group->retention_days = (unsigned)store_column_i64(statement, 3);
		group->log_class = (enum store_log_class)store_column_i64(statement, 4);
		group->is_protected = store_column_i64(statement, 5) != 0;
		group_insert(events, group);
	}
	for (size_t i = 0; result == 0 && i < events->group_count; i++)
		result = load_streams(events->groups[i], connection, err);
	return result;
}

static int make_folder(struct events_group *group, struct err *err)
{
	int root = group->events->root;

	if ((mkdirat(root, group->folder, 0750) < 0 && errno != EEXIST) || fsync(root) < 0)
		return err_set_errno(err, errno, "cannot make the folder %s/%s",
			STORE_EVENTS_FOLDER, group->folder);
	return 0;
}

/* What fsck makes the row from, if it must. */
static int write_about(const struct events_group *group, struct err *err)
{
	_cleanup_buf_ struct buf text = {0};
	char path[64];

	buf_printf(&text, "%s\n%" PRId64 " %u %d %d\n", group->name, group->created_ms,
		group->retention_days, (int)group->log_class, group->is_protected);
	snprintf(path, sizeof(path), "%s/about", group->folder);
	_cleanup_free_ char *draft = mem_printf("%s.part", path);
	_cleanup_close_ int fd =
		openat(group->events->root, draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0 || write(fd, text.p, text.n) != (ssize_t)text.n || fdatasync(fd) < 0 ||
		renameat(group->events->root, draft, group->events->root, path) < 0)
		return err_set_errno(err, errno, "cannot write %s/%s", STORE_EVENTS_FOLDER, path);
	return 0;
}

/* A crash while it was made, or changed, may have left the folder behind the row. */
static int complete(struct events_group *group, struct err *err)
{
	char path[64];

	if (make_folder(group, err) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/about", group->folder);
	/* For fsck only: a full disk does not keep the server from its start. */
	if (faccessat(group->events->root, path, F_OK, 0) < 0)
		write_about(group, NULL);
	return 0;
}

int events_groups_load(struct store_events *events, struct err *err)
{
	struct store_connection *connection;

	if (store_read_begin(events->database, &connection, err) < 0)
		return -1;
	int result = load_groups(events, connection, err);
	store_read_end(connection);
	for (size_t i = 0; result == 0 && i < events->group_count; i++) {
		result = complete(events->groups[i], err);
		if (result == 0)
			result = events_group_load(events->groups[i], err);
	}
	return result;
}

/* One statement with what it binds, in a transaction of its own. Returns how many rows changed. */
static int change(struct store_events *events, const char *sql, const struct str *texts,
	size_t text_count, const int64_t *numbers, size_t number_count, int64_t *ret_id,
	struct err *err)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;
	int index = 1;

	if (store_write_begin(events->database, &connection, err) < 0)
		return -1;
	int result = store_statement(connection, sql, &statement, err);
	if (result == 0) {
		for (size_t i = 0; i < text_count; i++)
			store_bind_str(statement, index++, texts[i]);
		for (size_t i = 0; i < number_count; i++)
			store_bind_i64(statement, index++, numbers[i]);
		result = store_step(statement, err);
	}
	if (result < 0) {
		store_rollback(connection);
		return -1;
	}
	int changed = sqlite3_changes(sqlite3_db_handle(statement));
	if (ret_id)
		*ret_id = sqlite3_last_insert_rowid(sqlite3_db_handle(statement));
	return store_commit(connection, err) < 0 ? -1 : changed;
}

/* ---- groups ---- */

void store_log_group_done(struct store_log_group *group)
{
	buf_done(&group->storage);
}

static int refuse_existing_group(struct aws_error *error)
{
	return aws_error_set(error, AWS_ERROR_RESOURCE_ALREADY_EXISTS_EXCEPTION,
		"The specified log group already exists");
}

int store_log_group_create(struct store_events *events, struct str name,
	enum store_log_class log_class, bool is_protected, struct aws_error *error, struct err *err)
{
	int64_t id, now = clock_wall_ns() / 1000000;
	bool found;

	pthread_rwlock_rdlock(&events->lock);
	size_t count = events->group_count;
	group_place(events, name, &found);
	pthread_rwlock_unlock(&events->lock);
	if (found)
		return refuse_existing_group(error);
	if (count >= GROUPS_MAX)
		return aws_error_set(
			error, AWS_ERROR_LIMIT_EXCEEDED_EXCEPTION, "Resource limit exceeded.");
	int changed = change(events,
		"INSERT OR IGNORE INTO log_groups (name, created, retention, class, protected)"
		" VALUES (?, ?, 0, ?, ?)",
		&name, 1, (const int64_t[]){now, log_class, is_protected}, 3, &id, err);
	if (changed < 0)
		return events_broken(error);
	if (changed == 0)
		return refuse_existing_group(error);
	_cleanup_(events_group_unrefp) struct events_group *group = group_new(events, name, id);
	group->created_ms = now;
	group->log_class = log_class;
	group->is_protected = is_protected;
	group->visible = group->next_sequence - 1;
	if (make_folder(group, err) < 0 || write_about(group, err) < 0 ||
		events_sync_folder(group, err) < 0) {
		change(events, "DELETE FROM log_groups WHERE id = ?", NULL, 0, &id, 1, NULL, NULL);
		return events_broken(error);
	}
	pthread_rwlock_wrlock(&events->lock);
	group_insert(events, take(group));
	pthread_rwlock_unlock(&events->lock);
	return 0;
}

/* Group's lock held, or the group not shared. */
static void describe(const struct events_group *group, struct store_log_group *ret_group)
{
	*ret_group = (struct store_log_group){.name = str_from(group->name),
		.id = group->id,
		.created_ms = group->created_ms,
		.stored_bytes = (int64_t)group->stored_bytes,
		.retention_days = group->retention_days,
		.log_class = group->log_class,
		.is_protected = group->is_protected};
}

int store_log_group_get(struct store_events *events, struct str name,
	struct store_log_group *ret_group, struct aws_error *error)
{
	_cleanup_(events_group_unrefp) struct events_group *group = NULL;

	if (events_group_find(events, name, &group, error) < 0)
		return -1;
	pthread_mutex_lock(&group->lock);
	describe(group, ret_group);
	pthread_mutex_unlock(&group->lock);
	buf_add_str(&ret_group->storage, ret_group->name);
	ret_group->name = buf_str(&ret_group->storage);
	return 0;
}

void store_log_group_list(struct store_events *events, struct str after,
	bool (*visit)(void *context, const struct store_log_group *group), void *context)
{
	bool found, goes_on = true;

	pthread_rwlock_rdlock(&events->lock);
	size_t i = group_place(events, after, &found);
	for (i += found; goes_on && i < events->group_count; i++) {
		struct store_log_group group;
		pthread_mutex_lock(&events->groups[i]->lock);
		describe(events->groups[i], &group);
		pthread_mutex_unlock(&events->groups[i]->lock);
		goes_on = visit(context, &group);
	}
	pthread_rwlock_unlock(&events->lock);
}

static int change_group(struct store_events *events, struct str name, unsigned days, int protect,
	struct aws_error *error, struct err *err)
{
	_cleanup_(events_group_unrefp) struct events_group *group = NULL;

	if (events_group_find(events, name, &group, error) < 0)
		return -1;
	int64_t values[] = {protect < 0 ? days : group->retention_days,
		protect < 0 ? group->is_protected : protect, group->id};
	int changed =
		change(events, "UPDATE log_groups SET retention = ?, protected = ? WHERE id = ?",
			NULL, 0, values, 3, NULL, err);
	if (changed < 0)
		return events_broken(error);
	if (changed == 0)
		return events_no_group(error);
	pthread_mutex_lock(&group->lock);
	group->retention_days = (unsigned)values[0];
	group->is_protected = values[1] != 0;
	pthread_mutex_unlock(&group->lock);
	return write_about(group, err) < 0 ? events_broken(error) : 0;
}

int store_log_group_retain(struct store_events *events, struct str name, unsigned days,
	struct aws_error *error, struct err *err)
{
	if (change_group(events, name, days, -1, error, err) < 0)
		return -1;
	events->wants_keeping = true;
	pthread_mutex_lock(&events->keeper_lock);
	pthread_cond_signal(&events->keeper_wakes);
	pthread_mutex_unlock(&events->keeper_lock);
	return 0;
}

int store_log_group_protect(struct store_events *events, struct str name, bool is_protected,
	struct aws_error *error, struct err *err)
{
	return change_group(events, name, 0, is_protected, error, err);
}

/* The folder's new name says that it is to go: a start after a crash goes on with it. */
int store_log_group_delete(
	struct store_events *events, struct str name, struct aws_error *error, struct err *err)
{
	_cleanup_(events_group_unrefp) struct events_group *group = NULL;
	bool found;

	pthread_rwlock_wrlock(&events->lock);
	size_t place = group_place(events, name, &found);
	if (found && !events->groups[place]->is_protected) {
		group = events->groups[place];
		events->group_count--;
		memmove(events->groups + place, events->groups + place + 1,
			(events->group_count - place) * sizeof(group));
	}
	pthread_rwlock_unlock(&events->lock);
	if (!found)
		return events_no_group(error);
	if (!group)
		return aws_error_set(error, AWS_ERROR_VALIDATION_EXCEPTION,
			"The log group is protected from deletion. Disable its deletion protection first.");
	_cleanup_free_ char *removed = mem_printf("removed.%" PRId64, group->id);
	pthread_mutex_lock(&group->lock);
	while (group->is_writing || group->is_kept)
		pthread_cond_wait(&group->written, &group->lock);
	group->is_deleted = true;
	int result = renameat(events->root, group->folder, events->root, removed);
	pthread_mutex_unlock(&group->lock);
	if ((result < 0 && errno != ENOENT) || fsync(events->root) < 0) {
		err_set_errno(
			err, errno, "cannot remove %s/%s", STORE_EVENTS_FOLDER, group->folder);
		return events_broken(error);
	}
	return events_finish_removal(events, group->id, removed, err) < 0 ? events_broken(error)
									  : 0;
}

/* ---- streams ---- */

static int refuse_existing_stream(struct aws_error *error)
{
	return aws_error_set(error, AWS_ERROR_RESOURCE_ALREADY_EXISTS_EXCEPTION,
		"The specified log stream already exists");
}

int store_log_stream_create(struct store_events *events, struct str group_name, struct str name,
	struct aws_error *error, struct err *err)
{
	_cleanup_(events_group_unrefp) struct events_group *group = NULL;
	int64_t id, now = clock_wall_ns() / 1000000;

	if (events_group_find(events, group_name, &group, error) < 0)
		return -1;
	pthread_mutex_lock(&group->lock);
	bool found = events_stream_find(group, name) != NULL;
	pthread_mutex_unlock(&group->lock);
	if (found)
		return refuse_existing_stream(error);
	int changed = change(events,
		"INSERT OR IGNORE INTO log_streams (name, log_group, created) VALUES (?, ?, ?)",
		&name, 1, (const int64_t[]){group->id, now}, 2, &id, err);
	if (changed < 0)
		return events_broken(error);
	if (changed == 0)
		return refuse_existing_stream(error);
	pthread_mutex_lock(&group->lock);
	if (!group->is_deleted)
		events_stream_add(group, name, (uint64_t)id, now);
	bool is_deleted = group->is_deleted;
	pthread_mutex_unlock(&group->lock);
	return is_deleted ? events_no_group(error) : 0;
}

int store_log_stream_delete(struct store_events *events, struct str group_name, struct str name,
	struct aws_error *error, struct err *err)
{
	_cleanup_(events_group_unrefp) struct events_group *group = NULL;

	if (events_group_find(events, group_name, &group, error) < 0)
		return -1;
	pthread_mutex_lock(&group->lock);
	const struct events_stream *stream = events_stream_find(group, name);
	int64_t id = stream ? (int64_t)stream->id : 0;
	pthread_mutex_unlock(&group->lock);
	if (!id)
		return events_no_stream(error);
	int changed =
		change(events, "DELETE FROM log_streams WHERE id = ?", NULL, 0, &id, 1, NULL, err);
	if (changed < 0)
		return events_broken(error);
	if (changed == 0)
		return events_no_stream(error);
	pthread_mutex_lock(&group->lock);
	stream_remove(group, events_stream_by_id(group, (uint64_t)id));
	pthread_mutex_unlock(&group->lock);
	return 0;
}

int store_log_stream_check(struct store_events *events, struct str group_name, struct str name,
	struct aws_error *error)
{
	_cleanup_(events_group_unrefp) struct events_group *group = NULL;

	if (events_group_find(events, group_name, &group, error) < 0)
		return -1;
	pthread_mutex_lock(&group->lock);
	bool found = events_stream_find(group, name) != NULL;
	pthread_mutex_unlock(&group->lock);
	return found ? 0 : events_no_stream(error);
}

static int compare_ends(const void *a_, const void *b_)
{
	const struct events_stream *const *a = a_, *const *b = b_;

	if ((*a)->last_ms != (*b)->last_ms)
		return (*a)->last_ms < (*b)->last_ms ? -1 : 1;
	return strcmp((*a)->name, (*b)->name);
}

/* Is the stream behind the page before, in the order of the list? */
static bool is_behind(const struct store_log_stream_list *list, const struct events_stream *stream)
{
	int order = str_compare(str_from(stream->name), list->after);

	if (!list->after.n)
		return true;
	if (list->by_last_event && stream->last_ms != list->after_ms)
		order = stream->last_ms < list->after_ms ? -1 : 1;
	return list->descending ? order < 0 : order > 0;
}

int store_log_stream_list(struct store_events *events, struct str group_name,
	const struct store_log_stream_list *list,
	bool (*visit)(void *context, const struct store_log_stream *stream), void *context,
	struct aws_error *error)
{
	_cleanup_(events_group_unrefp) struct events_group *group = NULL;
	_cleanup_free_ struct events_stream **sorted = NULL;
	bool goes_on = true;

	if (events_group_find(events, group_name, &group, error) < 0)
		return -1;
	pthread_mutex_lock(&group->lock);
	size_t count = group->stream_count;
	struct events_stream **streams = group->by_name;
	if (list->by_last_event && count) {
		sorted = mem_new(count, sizeof(*sorted));
		memcpy(sorted, streams, count * sizeof(*sorted));
		qsort(sorted, count, sizeof(struct events_stream *), compare_ends);
		streams = sorted;
	}
	for (size_t i = 0; goes_on && i < count; i++) {
		const struct events_stream *stream = streams[list->descending ? count - 1 - i : i];
		if (!str_starts_with(str_from(stream->name), list->prefix) ||
			!is_behind(list, stream))
			continue;
		const struct store_log_stream found = {.name = str_from(stream->name),
			.id = (int64_t)stream->id,
			.created_ms = stream->created_ms,
			.first_ms = stream->first_ms,
			.last_ms = stream->last_ms,
			.ingested_ms = stream->ingested_ms};
		goes_on = visit(context, &found);
	}
	pthread_mutex_unlock(&group->lock);
	return 0;
}
