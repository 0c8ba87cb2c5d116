/* Which columns the objects have. Text: the header line of each file, read by a few threads, since
 * with many small objects opening them is what takes the time. Parquet: the footers, read by
 * DuckDB; objects with equal columns are told by a fingerprint and described once. An object that
 * has not changed since the last look keeps its shape. */
#include "query/selection_priv.h"

#include "base/input.h"
#include "record/reader.h"

#include <stdio.h>

#define THREADS_MAX 16

static void shape_free(struct query_shape *shape)
{
	if (!shape)
		return;
	for (size_t i = 0; i < shape->count; i++) {
		free(shape->source[i].name);
		free(shape->source[i].type);
	}
	free(shape->source);
	free(shape->fingerprint);
	free(shape);
}

void query_shapes_free(struct query_session *session)
{
	for (size_t i = 0; i < session->shapes_count; i++)
		shape_free(session->shapes[i]);
	free(session->shapes);
	free(session->object_shape);
	session->shapes = NULL;
	session->object_shape = NULL;
	session->shapes_count = 0;
}

static void shape_add(struct query_shape *shape, struct str name, const char *type)
{
	shape->source = mem_grow(shape->source, shape->count + 1, sizeof(*shape->source));
	shape->source[shape->count++] = (struct query_shape_column){
		.name = mem_printf("%.*s", STR_ARG(name)),
		.type = type ? mem_strdup(type) : NULL,
		.column = -1,
	};
}

/* -1 when there is none yet. Kinds of objects are few, so that a list will do. */
static int find_shape(const struct query_session *session, bool parquet, const char *fingerprint)
{
	for (size_t i = 0; i < session->shapes_count; i++) {
		if (session->shapes[i]->parquet == parquet &&
			strcmp(session->shapes[i]->fingerprint, fingerprint) == 0)
			return (int)i;
	}
	return -1;
}

static size_t add_shape(struct query_session *session, struct query_shape *shape)
{
	session->shapes =
		mem_grow(session->shapes, session->shapes_count + 1, sizeof(struct query_shape *));
	session->shapes[session->shapes_count] = shape;
	return session->shapes_count++;
}

/* Headers of text objects, by several threads. */
struct headers {
	struct query_session *session;
	atomic_size_t next;
	atomic_bool failed;
	pthread_mutex_t lock;
	struct err err;
};

static int read_header(struct headers *headers, size_t object, struct err *err)
{
	struct query_session *session = headers->session;
	_cleanup_(input_closep) struct input *input = NULL;
	_cleanup_(record_reader_closep) struct record_reader *reader = NULL;
	_cleanup_buf_ struct buf fingerprint = {0};
	size_t count;

	if (query_object_peek(&session->objects.object[object], &input, err) < 0 ||
		record_reader_open_as(&reader, take(input), session->headerless, false, err) < 0)
		return -1;
	const struct record_reader_column *columns = record_reader_columns(reader, &count);
	for (size_t i = 0; i < count; i++) {
		buf_add_str(&fingerprint, columns[i].name);
		buf_add_char(&fingerprint, ' ');
	}
	pthread_mutex_lock(&headers->lock);
	int known = find_shape(session, false, buf_text(&fingerprint));
	if (known < 0) {
		struct query_shape *shape = mem_new(1, sizeof(*shape));
		shape->fingerprint = mem_strdup(buf_text(&fingerprint));
		for (size_t i = 0; i < count; i++)
			shape_add(shape, columns[i].name, NULL);
		known = (int)add_shape(session, shape);
	}
	session->object_shape[object] = (size_t)known;
	pthread_mutex_unlock(&headers->lock);
	return 0;
}

static void *read_headers(void *argument)
{
	struct headers *headers = argument;
	struct query_session *session = headers->session;
	size_t i;

	while (!headers->failed && (i = headers->next++) < session->objects.count) {
		struct err err = ERR_INIT;
		if (query_object_is_parquet(&session->objects.object[i]) ||
			session->object_shape[i] != SHAPE_UNKNOWN ||
			read_header(headers, i, &err) == 0)
			continue;
		pthread_mutex_lock(&headers->lock);
		if (!headers->failed)
			headers->err = err;
		headers->failed = true;
		pthread_mutex_unlock(&headers->lock);
	}
	return NULL;
}

static int find_text_shapes(struct query_session *session, struct err *err)
{
	struct headers headers = {.session = session, .lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t threads[THREADS_MAX];
	unsigned started = 0;
	unsigned wanted = session->threads < THREADS_MAX ? session->threads : THREADS_MAX;

	if (session->objects.count < 16)
		wanted = 1;
	for (; started + 1 < wanted; started++) {
		if (pthread_create(&threads[started], NULL, read_headers, &headers) != 0)
			break;
	}
	read_headers(&headers);
	while (started)
		pthread_join(threads[--started], NULL);
	if (!headers.failed)
		return 0;
	if (err)
		*err = headers.err;
	return -1;
}

static struct str text_at(duckdb_data_chunk chunk, idx_t column, idx_t row)
{
	duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, column);
	duckdb_string_t *texts = duckdb_vector_get_data(vector);
	uint64_t *validity = duckdb_vector_get_validity(vector);

	if (validity && !duckdb_validity_row_is_valid(validity, row))
		return STR_NONE;
	return (struct str){duckdb_string_t_data(&texts[row]), duckdb_string_t_length(texts[row])};
}

static int describe_parquet(struct query_session *session, struct query_shape *shape,
	const char *literal, struct err *err)
{
	_cleanup_free_ char *sql = mem_printf(
		"DESCRIBE SELECT * FROM read_parquet([%s], hive_partitioning = false)", literal);
	duckdb_data_chunk chunk;
	duckdb_result result;

	if (query_execute(session, sql, &result, err) < 0)
		return -1;
	while ((chunk = duckdb_fetch_chunk(result))) {
		for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk); row++) {
			struct str type = text_at(chunk, 1, row);
			_cleanup_free_ char *text = mem_printf("%.*s", STR_ARG(type));
			shape_add(shape, text_at(chunk, 0, row), text);
		}
		duckdb_destroy_data_chunk(&chunk);
	}
	duckdb_destroy_result(&result);
	return 0;
}

static void add_path(struct buf *buf, const char *path)
{
	_cleanup_buf_ struct buf pattern = {0};

	/* DuckDB takes each path for a glob */
	for (const char *p = path; *p; p++)
		buf_printf(&pattern, strchr("*?[", *p) ? "[%c]" : "%c", *p);
	query_add_literal(buf, buf_text(&pattern));
}

static int take_fingerprint(
	struct query_session *session, size_t object, struct str fingerprint, struct err *err)
{
	_cleanup_free_ char *text = mem_printf("%.*s", STR_ARG(fingerprint));
	_cleanup_buf_ struct buf literal = {0};
	int known = find_shape(session, true, text);

	if (known < 0) {
		struct query_shape *shape = mem_new(1, sizeof(*shape));
		shape->parquet = true;
		shape->fingerprint = take(text);
		add_path(&literal, query_object_path(&session->objects.object[object]));
		if (describe_parquet(session, shape, buf_text(&literal), err) < 0) {
			shape_free(shape);
			return -1;
		}
		known = (int)add_shape(session, shape);
	}
	session->object_shape[object] = (size_t)known;
	return 0;
}

/* An object by the path of its bytes. */
struct parquet_path {
	const char *path;
	size_t object;
};

static int compare_paths(const void *a, const void *b)
{
	return strcmp(
		((const struct parquet_path *)a)->path, ((const struct parquet_path *)b)->path);
}

static size_t find_object(const struct parquet_path *paths, size_t count, struct str path)
{
	_cleanup_free_ char *text = mem_printf("%.*s", STR_ARG(path));
	struct parquet_path key = {.path = text};
	const struct parquet_path *found = bsearch(&key, paths, count, sizeof(key), compare_paths);

	return found ? found->object : SIZE_MAX;
}

/* A folder of objects that all came from one flow log has one fingerprint: the query returns a row
 * an object, which is what takes the time, so that new objects only are asked for. */
static int find_parquet_shapes(struct query_session *session, struct err *err)
{
	_cleanup_buf_ struct buf sql = {0};
	_cleanup_free_ struct parquet_path *paths =
		mem_new(session->objects.count + 1, sizeof(*paths));
	const char *separator = "";
	duckdb_data_chunk chunk;
	duckdb_result result;
	size_t count = 0;
	int r = 0;

	buf_add_text(&sql,
		"SELECT file_name, string_agg(concat_ws(':', name, type, converted_type, "
		"logical_type, num_children), ',' ORDER BY column_id) "
		"FROM parquet_schema([");
	for (size_t i = 0; i < session->objects.count; i++) {
		const struct query_object *object = &session->objects.object[i];
		if (!query_object_is_parquet(object) || session->object_shape[i] != SHAPE_UNKNOWN)
			continue;
		buf_add_text(&sql, separator);
		add_path(&sql, query_object_path(object));
		separator = ", ";
		paths[count++] = (struct parquet_path){query_object_path(object), i};
	}
	qsort(paths, count, sizeof(*paths), compare_paths);
	if (!*separator)
		return 0;
	buf_add_text(&sql, "]) GROUP BY file_name ORDER BY file_name");
	if (query_execute(session, buf_text(&sql), &result, err) < 0)
		return -1;
	while (r == 0 && (chunk = duckdb_fetch_chunk(result))) {
		for (idx_t row = 0; r == 0 && row < duckdb_data_chunk_get_size(chunk); row++) {
			size_t object = find_object(paths, count, text_at(chunk, 0, row));
			if (object != SIZE_MAX)
				r = take_fingerprint(session, object, text_at(chunk, 1, row), err);
		}
		duckdb_destroy_data_chunk(&chunk);
	}
	duckdb_destroy_result(&result);
	for (size_t i = 0; r == 0 && i < session->objects.count; i++) {
		if (query_object_is_parquet(&session->objects.object[i]) &&
			session->object_shape[i] == SHAPE_UNKNOWN)
			r = err_set(err, ERR_INPUT, "%s: the Parquet footer cannot be read",
				session->objects.object[i].path);
	}
	return r;
}

static void forget_unused_shapes(struct query_session *session)
{
	_cleanup_free_ size_t *place = mem_new(session->shapes_count + 1, sizeof(*place));
	size_t kept = 0;

	/* Objects that a statement does not want now may come back with their shape. */
	if (query_selection_is_lazy(session))
		return;
	for (size_t i = 0; i < session->objects.count; i++)
		place[session->object_shape[i]] = 1;
	for (size_t i = 0; i < session->shapes_count; i++) {
		if (!place[i]) {
			shape_free(session->shapes[i]);
			continue;
		}
		place[i] = kept;
		session->shapes[kept++] = session->shapes[i];
	}
	session->shapes_count = kept;
	for (size_t i = 0; i < session->objects.count; i++)
		session->object_shape[i] = place[session->object_shape[i]];
}

int query_shapes_find(struct query_session *session, struct err *err)
{
	int result = query_selection_before_shapes(session, err);

	if (result == 0)
		result = find_text_shapes(session, err);
	if (result == 0)
		result = find_parquet_shapes(session, err);
	query_selection_after_shapes(session);
	if (result < 0)
		return -1;
	forget_unused_shapes(session);
	return 0;
}
