/* The thread of export tasks. A log stream's events become objects PREFIX/TASK/STREAM/000000.gz,
 * 000001.gz, ...: lines of time and message, in order of time. "/" in a stream's name is "-" in the
 * key, as AWS does; streams that get the same name so are numbered on. A task that is begun again
 * writes the same objects. */
#include "api/logs/exports_priv.h"

#include "aws/time.h"
#include "store/objects.h"

#include <zlib.h>

enum {
	OBJECT_BYTES = 128 << 20, /* of text in an object: then the next one begins */
	PIECE = 1 << 20,
	GZIP_LEVEL = 4,
	GZIP_WINDOW = 15 + 16,
	TIME_MAX = AWS_TIME_STR_MAX + 8
};

struct export
{
	struct logs_exports *exports;
	const json_t *task;
	struct str group, bucket;
	json_t *numbers; /* by the name in keys: number of the next object */
	const char *name;
	struct store_draft *draft; /* NULL: none is begun */
	z_stream zip;
	struct buf text;
	uint64_t bytes; /* of the object so far */
	int64_t second;
	char time[TIME_MAX]; /* of that second, without its fraction */
	size_t time_n;
	bool is_failed;
	struct aws_error error;
	struct err err;
};

/* ---- one object ---- */

static int deflate_text(struct export *export, int flush)
{
	uint8_t piece[65536];
	int result;

	export->zip.next_in = (Bytef *)export->text.p;
	export->zip.avail_in = (uInt) export->text.n;
	do {
		export->zip.next_out = piece;
		export->zip.avail_out = sizeof(piece);
		result = deflate(&export->zip, flush);
		size_t n = sizeof(piece) - export->zip.avail_out;
		if (n && store_draft_add(export->draft, (struct str){(const char *)piece, n},
				 &export->error, &export->err) < 0)
			return -1;
	} while (export->zip.avail_out == 0 && result != Z_STREAM_END);
	export->bytes += export->text.n;
	export->text.n = 0;
	return 0;
}

static int begin_object(struct export *export)
{
	const struct logs *logs = export->exports->logs;

	if (store_draft_new(logs->objects, &export->draft, -1, &export->error, &export->err) < 0)
		return -1;
	export->bytes = 0;
	export->zip = (z_stream){0};
	if (deflateInit2(&export->zip, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8,
		    Z_DEFAULT_STRATEGY) == Z_OK)
		return 0;
	store_draft_free(take(export->draft));
	return err_set(&export->err, ERR_SYSTEM, "no memory for gzip");
}

static void drop_object(struct export *export)
{
	if (!export->draft)
		return;
	deflateEnd(&export->zip);
	store_draft_free(take(export->draft));
}

static int end_object(struct export *export)
{
	const struct store_condition none = {.if_match = STR("")};
	_cleanup_(store_object_done) struct store_object object = {
		.headers.content_type = STR("application/octet-stream")};
	json_int_t number = json_integer_value(json_object_get(export->numbers, export->name));

	if (!export->draft)
		return 0;
	_cleanup_free_ char *key = mem_printf("%s/%s/%s/%06lld.gz",
		json_string_value(json_object_get(export->task, "destinationPrefix")),
		json_string_value(json_object_get(export->task, "taskId")), export->name,
		(long long)number);
	int result = deflate_text(export, Z_FINISH);
	if (result == 0)
		result = store_object_put(export->exports->logs->objects, export->bucket,
			str_from(key), export->draft, &none, &object, &export->error, &export->err);
	drop_object(export);
	json_object_set_new(export->numbers, export->name, json_integer(number + 1));
	return result;
}

/* ---- events ---- */

static void set_second(struct export *export, int64_t second)
{
	export->second = second;
	char *end = aws_time_write_iso8601(export->time, second * 1000);
	export->time_n = (size_t)(end - export->time) - 1; /* less its 'Z' */
}

static int add_line(struct export *export, const struct store_log_found *event)
{
	int64_t second = event->time_ms / 1000;

	if (!export->draft && begin_object(export) < 0)
		return -1;
	if (second != export->second || !export->time_n)
		set_second(export, second);
	buf_add(&export->text, export->time, export->time_n);
	buf_printf(&export->text, ".%03dZ ", (int)(event->time_ms % 1000));
	buf_add_str(&export->text, event->message);
	if (!str_ends_with(event->message, STR("\n")))
		buf_add_char(&export->text, '\n');
	if (export->text.n >= PIECE && deflate_text(export, Z_NO_FLUSH) < 0)
		return -1;
	return export->bytes >= OBJECT_BYTES ? end_object(export) : 0;
}

static bool take_event(void *context, const struct store_log_found *event)
{
	struct export *export = context;

	export->is_failed = add_line(export, event) < 0;
	return !export->is_failed && !export->exports->is_cancelled;
}

static int read_stream(struct export *export, struct str stream)
{
	const struct store_log_read read = {.group = export->group,
		.streams = &stream,
		.stream_count = 1,
		.start_ms = json_integer_value(json_object_get(export->task, "from")),
		.end_ms = json_integer_value(json_object_get(export->task, "to"))};
	_cleanup_free_ char *name = mem_printf("%.*s", STR_ARG(stream));
	struct store_log_position end;
	bool is_complete;

	for (char *p = name; *p; p++)
		*p = *p == '/' ? '-' : *p;
	export->name = name;
	int result = store_log_read(export->exports->logs->events, &read, take_event, export, &end,
		&is_complete, &export->error, &export->err);
	if (result < 0 && export->error.code == AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION)
		result = 0; /* the stream is deleted by now */
	if (result == 0 && !export->is_failed && !export->exports->is_cancelled)
		result = end_object(export);
	drop_object(export);
	export->text.n = 0;
	export->name = NULL;
	return export->is_failed ? -1 : result;
}

/* ---- a task ---- */

static bool add_stream(void *context, const struct store_log_stream *stream)
{
	json_array_append_new(context, logs_json(stream->name));
	return true;
}

static int read_group(struct export *export)
{
	struct str prefix = logs_string(json_object_get(export->task, LOGS_EXPORT_STREAMS));
	const struct store_log_stream_list list = {.prefix = prefix.p ? prefix : STR("")};
	json_t *streams = json_array(), *stream;
	size_t i;
	int result = store_log_stream_list(export->exports->logs->events, export->group, &list,
		add_stream, streams, &export->error);

	json_array_foreach(streams, i, stream)
	{
		if (result < 0 || export->exports->is_cancelled)
			break;
		result = read_stream(export, logs_string(stream));
	}
	json_decref(streams);
	return result;
}

static void run(struct logs_exports *exports, const json_t *task, char *ret_message, size_t size)
{
	struct export export = {.exports = exports,
		.task = task,
		.group = logs_string(json_object_get(task, "logGroupName")),
		.bucket = logs_string(json_object_get(task, "destination")),
		.numbers = json_object(),
		.err = ERR_INIT};

	ret_message[0] = '\0';
	if (read_group(&export) < 0)
		snprintf(ret_message, size, "%s",
			export.err.code != ERR_NONE ? export.err.message : export.error.message);
	json_decref(export.numbers);
	buf_done(&export.text);
}

/* ---- the thread ---- */

static json_t *next_task(const struct logs_exports *exports)
{
	json_t *task;
	size_t i;

	json_array_foreach(exports->tasks, i, task)
	{
		if (strcmp(logs_export_status(task), "PENDING") == 0)
			return task;
	}
	return NULL;
}

/* Stopped with the service it stays RUNNING, for the next start. */
static void end_task(struct logs_exports *exports, json_t *task, const char *message)
{
	struct err err = ERR_INIT;

	if (strcmp(logs_export_status(task), "PENDING_CANCEL") == 0)
		logs_export_set(exports, task, "CANCELLED", "Task was cancelled by the user", &err);
	else if (*message)
		logs_export_set(exports, task, "FAILED", message, &err);
	else if (!exports->is_stopping)
		logs_export_set(exports, task, "COMPLETED", "Completed successfully", &err);
}

static void *export_main(void *context)
{
	struct logs_exports *exports = context;
	char message[AWS_ERROR_MESSAGE_MAX];
	struct err err = ERR_INIT;

	pthread_mutex_lock(&exports->lock);
	while (!exports->is_stopping) {
		json_t *task = next_task(exports);
		if (!task) {
			pthread_cond_wait(&exports->changed, &exports->lock);
			continue;
		}
		exports->is_cancelled = false;
		logs_export_set(exports, task, "RUNNING", "Task is running", &err);
		json_t *copy = json_deep_copy(task);
		pthread_mutex_unlock(&exports->lock);
		run(exports, copy, message, sizeof(message));
		json_decref(copy);
		pthread_mutex_lock(&exports->lock);
		end_task(exports, task, message);
	}
	pthread_mutex_unlock(&exports->lock);
	return NULL;
}

/* What the last process was about is begun again, or was to end. */
static void take_up(struct logs_exports *exports)
{
	struct err err = ERR_INIT;
	json_t *task;
	size_t i;

	json_array_foreach(exports->tasks, i, task)
	{
		const char *status = logs_export_status(task);
		if (strcmp(status, "RUNNING") == 0)
			logs_export_set(exports, task, "PENDING", NULL, &err);
		else if (strcmp(status, "PENDING_CANCEL") == 0)
			logs_export_set(
				exports, task, "CANCELLED", "Task was cancelled by the user", &err);
	}
}

int logs_export_run_start(struct logs_exports *exports, struct err *err)
{
	take_up(exports);
	int result = pthread_create(&exports->thread, NULL, export_main, exports);
	if (result)
		return err_set_errno(err, result, "a thread for export tasks");
	exports->has_thread = true;
	return 0;
}
