/* The streams: a row each in the database, a journal each under DATA/firehose/NAME.stream. The row
 * comes first and goes last, so that a crash leaves nothing that nobody knows; a folder whose row
 * is gone (the index was lost) is taken up when its stream is created again. */
#include "api/firehose/firehose_priv.h"

#include "base/clock.h"
#include "base/file.h"

#include <string.h>

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS delivery_streams (name TEXT PRIMARY KEY,"
	" created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, version INTEGER NOT NULL,"
	" is_deleting INTEGER NOT NULL, destination TEXT NOT NULL, tags TEXT NOT NULL)"
	" WITHOUT ROWID";

static int64_t now(void)
{
	return clock_wall_ns() / 1000000;
}

static void stream_free(struct firehose_stream *stream)
{
	store_journal_close(stream->journal);
	json_decref(stream->destination);
	json_decref(stream->tags);
	pthread_mutex_destroy(&stream->lock);
	free(stream->name);
	free(stream);
}

void firehose_stream_unref(struct firehose_stream *stream)
{
	if (stream && atomic_fetch_sub(&stream->refs, 1) == 1)
		stream_free(stream);
}

static struct str name_of(const void *streams, size_t i)
{
	return str_from(((struct firehose_stream *const *)streams)[i]->name);
}

/* Where the name is or would be. Lock held. */
static size_t place(const struct firehose *firehose, struct str name, bool *ret_is_there)
{
	return str_place(name, firehose->streams, firehose->count, name_of, ret_is_there);
}

int firehose_stream_find(struct firehose *firehose, struct str name,
	struct firehose_stream **ret_stream, struct aws_error *error)
{
	bool is_there;

	pthread_rwlock_rdlock(&firehose->lock);
	size_t at = place(firehose, name, &is_there);
	if (is_there) {
		*ret_stream = firehose->streams[at];
		atomic_fetch_add(&firehose->streams[at]->refs, 1);
	}
	pthread_rwlock_unlock(&firehose->lock);
	if (is_there)
		return 0;
	return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION,
		"Firehose %.*s under account %.*s not found.", STR_ARG(name),
		STR_ARG(firehose->options.account));
}

bool firehose_has_stream(struct firehose *firehose, struct str name)
{
	bool is_there;

	pthread_rwlock_rdlock(&firehose->lock);
	size_t at = place(firehose, name, &is_there);
	if (is_there) {
		struct firehose_stream *stream = firehose->streams[at];
		pthread_mutex_lock(&stream->lock);
		is_there = !stream->is_deleting;
		pthread_mutex_unlock(&stream->lock);
	}
	pthread_rwlock_unlock(&firehose->lock);
	return is_there;
}

struct firehose_stream **firehose_streams_all(struct firehose *firehose, size_t *ret_count)
{
	pthread_rwlock_rdlock(&firehose->lock);
	struct firehose_stream **all =
		mem_new(firehose->count + 1, sizeof(struct firehose_stream *));
	for (size_t i = 0; i < firehose->count; i++) {
		all[i] = firehose->streams[i];
		atomic_fetch_add(&all[i]->refs, 1);
	}
	*ret_count = firehose->count;
	pthread_rwlock_unlock(&firehose->lock);
	return all;
}

/* ---- rows ---- */

static int put_row(struct store_connection *connection, const struct firehose_stream *stream,
	const json_t *destination, const json_t *tags, struct err *err)
{
	_cleanup_free_ char *destination_text = json_dumps(destination, JSON_COMPACT);
	_cleanup_free_ char *tags_text = json_dumps(tags, JSON_COMPACT);
	sqlite3_stmt *statement;

	if (store_statement(connection,
		    "INSERT OR REPLACE INTO delivery_streams VALUES (?, ?, ?, ?, ?, ?, ?)",
		    &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, str_from(stream->name));
	store_bind_i64(statement, 2, stream->created_ms);
	store_bind_i64(statement, 3, stream->updated_ms);
	store_bind_i64(statement, 4, stream->version);
	store_bind_i64(statement, 5, stream->is_deleting);
	store_bind_str(statement, 6, str_from(destination_text));
	store_bind_str(statement, 7, str_from(tags_text));
	return store_step(statement, err);
}

static int save(const struct firehose_stream *stream, const json_t *destination, const json_t *tags,
	struct err *err)
{
	struct store_connection *connection;

	if (store_write_begin(stream->firehose->options.database, &connection, err) < 0)
		return -1;
	return store_write_end(
		connection, put_row(connection, stream, destination, tags, err), err);
}

static int delete_row(struct firehose *firehose, const char *name, struct err *err)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;

	if (store_write_begin(firehose->options.database, &connection, err) < 0)
		return -1;
	int result = store_statement(
		connection, "DELETE FROM delivery_streams WHERE name = ?", &statement, err);
	if (result == 0) {
		store_bind_str(statement, 1, str_from(name));
		result = store_step(statement, err);
	}
	return store_write_end(connection, result, err);
}

int firehose_stream_save(struct firehose_stream *stream, json_t *destination, json_t *tags,
	bool is_deleting, struct err *err)
{
	int64_t updated_ms = stream->updated_ms, version = stream->version;
	bool was_deleting = stream->is_deleting;

	if (destination) {
		stream->updated_ms = now();
		stream->version++;
	}
	stream->is_deleting = is_deleting;
	if (save(stream, destination ? destination : stream->destination,
		    tags ? tags : stream->tags, err) < 0) {
		stream->updated_ms = updated_ms;
		stream->version = version;
		stream->is_deleting = was_deleting;
		return -1;
	}
	if (destination) {
		json_decref(stream->destination);
		stream->destination = destination;
		stream->is_rolled = true;
		store_journal_limit(stream->journal, firehose_destination_bytes(destination));
	}
	if (tags) {
		json_decref(stream->tags);
		stream->tags = tags;
	}
	return 0;
}

/* ---- making and removing ---- */

static void make_head(void *context, int64_t now_ms, struct buf *head)
{
	struct firehose_stream *stream = context;

	pthread_mutex_lock(&stream->lock);
	firehose_destination_head(stream->destination, stream->name, stream->version, now_ms, head);
	pthread_mutex_unlock(&stream->lock);
}

static void on_filled(void *context)
{
	const struct firehose_stream *stream = context;

	firehose_deliver_wake(stream->firehose);
}

/* Takes destination and tags over. */
static struct firehose_stream *stream_new(
	struct firehose *firehose, struct str name, json_t *destination, json_t *tags)
{
	struct firehose_stream *stream = mem_new(1, sizeof(*stream));

	stream->firehose = firehose;
	atomic_init(&stream->refs, 1);
	stream->name = mem_printf("%.*s", STR_ARG(name));
	stream->created_ms = now();
	stream->version = 1;
	stream->destination = destination;
	stream->tags = tags;
	pthread_mutex_init(&stream->lock, NULL);
	return stream;
}

static int open_journal(struct firehose_stream *stream, struct err *err)
{
	_cleanup_free_ char *folder =
		mem_printf("%s/%s.stream", stream->firehose->root, stream->name);
	const struct store_journal_settings settings = {.folder = folder,
		.head = make_head,
		.filled = on_filled,
		.context = stream,
		.segment_bytes = firehose_destination_bytes(stream->destination)};

	return store_journal_open(&stream->journal, &settings, err);
}

/* Lock held. */
static void insert(struct firehose *firehose, size_t at, struct firehose_stream *stream)
{
	firehose->streams =
		mem_grow(firehose->streams, firehose->count + 1, sizeof(struct firehose_stream *));
	memmove(&firehose->streams[at + 1], &firehose->streams[at],
		(firehose->count++ - at) * sizeof(struct firehose_stream *));
	firehose->streams[at] = stream;
}

/* Lock held. */
static int create(struct firehose *firehose, struct firehose_stream *stream,
	struct aws_error *error, struct err *err)
{
	bool is_there;
	size_t at = place(firehose, str_from(stream->name), &is_there);

	if (is_there)
		return aws_error_set(error, AWS_ERROR_RESOURCE_IN_USE_EXCEPTION,
			"Firehose %s under accountId %.*s already exists", stream->name,
			STR_ARG(firehose->options.account));
	if (firehose->count >= FIREHOSE_STREAMS_MAX)
		return aws_error_set(error, AWS_ERROR_LIMIT_EXCEEDED_EXCEPTION,
			"There are %d delivery streams, as many as there may be.",
			FIREHOSE_STREAMS_MAX);
	if (save(stream, stream->destination, stream->tags, err) < 0 ||
		open_journal(stream, err) < 0)
		return aws_error_internal(error);
	atomic_fetch_add(&stream->refs, 1);
	insert(firehose, at, stream);
	return 0;
}

int firehose_stream_create(struct firehose *firehose, struct str name, json_t *destination,
	json_t *tags, struct aws_error *error, struct err *err)
{
	_cleanup_stream_ struct firehose_stream *stream =
		stream_new(firehose, name, json_incref(destination), json_incref(tags));

	pthread_rwlock_wrlock(&firehose->lock);
	int result = create(firehose, stream, error, err);
	pthread_rwlock_unlock(&firehose->lock);
	return result;
}

void firehose_stream_remove(struct firehose_stream *stream)
{
	struct firehose *firehose = stream->firehose;
	struct err err = ERR_INIT;
	bool is_there;

	pthread_rwlock_wrlock(&firehose->lock);
	size_t at = place(firehose, str_from(stream->name), &is_there);
	/* The list's reference and the deliverer's; nobody gets another one now. */
	bool is_free = is_there && atomic_load(&stream->refs) == 2;
	if (is_free && store_journal_delete(take(stream->journal), &err) == 0 &&
		delete_row(firehose, stream->name, &err) == 0) {
		memmove(&firehose->streams[at], &firehose->streams[at + 1],
			(--firehose->count - at) * sizeof(struct firehose_stream *));
		firehose_stream_unref(stream);
	} else if (is_free) {
		/* Again at the next round, or the next start. */
		stream->retry_ms = now() + 60000;
		if (open_journal(stream, &err) < 0)
			stream->retry_ms = INT64_MAX;
	}
	pthread_rwlock_unlock(&firehose->lock);
}

/* ---- starting ---- */

static int load_row(struct firehose *firehose, sqlite3_stmt *statement, struct err *err)
{
	struct str name = store_column_str(statement, 0);
	struct str destination = store_column_str(statement, 5),
		   tags = store_column_str(statement, 6);
	json_t *destination_json = json_loadb(destination.p, destination.n, 0, NULL);
	json_t *tags_json = json_loadb(tags.p, tags.n, 0, NULL);

	if (!destination_json || !tags_json) {
		json_decref(destination_json);
		json_decref(tags_json);
		return err_set(err, ERR_INPUT, "the delivery stream %.*s has a damaged row",
			STR_ARG(name));
	}
	struct firehose_stream *stream = stream_new(firehose, name, destination_json, tags_json);
	stream->created_ms = store_column_i64(statement, 1);
	stream->updated_ms = store_column_i64(statement, 2);
	stream->version = store_column_i64(statement, 3);
	stream->is_deleting = store_column_i64(statement, 4) != 0;
	insert(firehose, firehose->count, stream);
	return open_journal(stream, err);
}

static int load(struct firehose *firehose, struct err *err)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;

	if (store_read_begin(firehose->options.database, &connection, err) < 0)
		return -1;
	int result = store_statement(
		connection, "SELECT * FROM delivery_streams ORDER BY name", &statement, err);
	while (result == 0 && (result = store_step(statement, err)) > 0)
		result = load_row(firehose, statement, err);
	store_read_end(connection);
	return result;
}

int firehose_streams_open(struct firehose *firehose, struct err *err)
{
	if (file_make_folders(firehose->root, 0700, err) < 0 ||
		store_make_tables(firehose->options.database, schema, err) < 0)
		return -1;
	return load(firehose, err);
}

void firehose_streams_close(struct firehose *firehose)
{
	for (size_t i = 0; i < firehose->count; i++)
		firehose_stream_unref(firehose->streams[i]);
	free(firehose->streams);
}
