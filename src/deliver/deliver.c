/* A flow log is a maker of batches (objects or events), a spool and a sender; one to a folder is
 * the maker of objects alone, because its destination is disk already. */
#include "deliver/deliver.h"

#include "base/clock.h"
#include "deliver/events_priv.h"
#include "deliver/object_priv.h"
#include "deliver/sender_priv.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define SPOOL_MAX   (UINT64_C(1) << 30)
#define WAITING_MAX (UINT64_C(64) << 20)

struct deliver {
	struct deliver_settings settings;
	char *strings[8]; /* copies that settings point to */
	atomic_uint open; /* flow logs */
};

struct deliver_flow_log {
	struct deliver *deliver;
	enum deliver_kind kind;
	char *id;
	struct spool *spool; /* NULL: FOLDER, as sender */
	struct sink sink;
	struct sender *sender;
	struct deliver_objects *objects; /* FOLDER and S3 */
	struct events *events;           /* LOGS and FIREHOSE */
	uint64_t given_up_told;
	uint64_t given_up_objects; /* taken from the maker */
	pthread_mutex_t lock;      /* of made, for status */
	struct deliver_status made;
};

int deliver_open(
	struct deliver **ret_deliver, const struct deliver_settings *settings, struct err *err)
{
	struct deliver *deliver = mem_new(1, sizeof(*deliver));
	struct deliver_settings *own = &deliver->settings;
	const char **const texts[] = {&own->folder, &own->region, &own->account_id,
		&own->s3_endpoint, &own->logs_endpoint, &own->firehose_endpoint, &own->sts_endpoint,
		&own->ca_bundle};

	*own = *settings;
	static_assert(ARRAY_SIZE(texts) == ARRAY_SIZE(deliver->strings), "all are copied");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (*texts[i])
			*texts[i] = deliver->strings[i] = mem_strdup(*texts[i]);
	}
	if (own->spool_max == 0)
		own->spool_max = SPOOL_MAX;
	if (own->folder && file_make_folders(own->folder, 0750, err) < 0) {
		deliver_close(deliver);
		return -1;
	}
	*ret_deliver = deliver;
	return 0;
}

void deliver_close(struct deliver *deliver)
{
	if (!deliver)
		return;
	assert(atomic_load(&deliver->open) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(deliver->strings); i++)
		free(deliver->strings[i]);
	free(deliver);
}

static int check_options(const struct deliver *deliver,
	const struct deliver_flow_log_options *options, struct err *err)
{
	bool is_object = options->kind == DELIVER_TO_FOLDER || options->kind == DELIVER_TO_S3;

	if (!options->id[0] || options->id[0] == '.' || strchr(options->id, '/'))
		return err_set(err, ERR_USAGE, "'%s' is no id of a flow log", options->id);
	if (options->kind != DELIVER_TO_FOLDER && !deliver->settings.folder)
		return err_set(
			err, ERR_USAGE, "flow log %s needs a folder for its spool", options->id);
	if (!is_object && options->is_parquet)
		return err_set(err, ERR_USAGE, "Parquet goes to S3 or a folder only");
	return 0;
}

static struct deliver_options object_options(const struct deliver_flow_log *flow_log,
	const struct deliver_flow_log_options *options, const char *bucket)
{
	const struct deliver_settings *settings = &flow_log->deliver->settings;

	return (struct deliver_options){
		.bucket = bucket,
		.prefix = flow_log->sink.prefix,
		.account_id = settings->account_id,
		.region = settings->region,
		.flow_log_id = options->id,
		.file_format = options->is_parquet ? DELIVER_PARQUET : DELIVER_TEXT,
		.hive_compatible_partitions = options->is_hive_compatible,
		.per_hour_partition = options->is_per_hour,
		.format = options->format,
		.max_waiting_bytes = WAITING_MAX,
	};
}

static int open_spool(struct deliver_flow_log *flow_log, struct err *err)
{
	const struct deliver_settings *settings = &flow_log->deliver->settings;
	static const char *const kinds[] = {[DELIVER_TO_S3] = "s3",
		[DELIVER_TO_LOGS] = "logs",
		[DELIVER_TO_FIREHOSE] = "firehose"};
	_cleanup_free_ char *folder = mem_printf("%s/%s", settings->folder, flow_log->id);
	const struct spool_settings spool = {
		.folder = folder,
		.kind = kinds[flow_log->kind],
		.max_bytes = settings->spool_max,
		.warn = settings->warn,
		.context = settings->context,
	};

	return spool_open(&flow_log->spool, &spool, err);
}

static void open_maker(
	struct deliver_flow_log *flow_log, const struct deliver_flow_log_options *options)
{
	static const char *const suffixes[] = {
		[DELIVER_ALL] = "-all", [DELIVER_ACCEPT] = "-accept", [DELIVER_REJECT] = "-reject"};
	const struct deliver_options objects =
		object_options(flow_log, options, flow_log->sink.bucket);
	const struct events_options events = {
		.is_firehose = options->kind == DELIVER_TO_FIREHOSE,
		.destination = flow_log->sink.name,
		.suffix = suffixes[options->traffic],
		.is_plain = options->is_plain,
		.format = options->format,
		.max_waiting_bytes = WAITING_MAX,
	};

	if (options->kind == DELIVER_TO_S3)
		flow_log->objects = deliver_objects_open_spooled(&objects, flow_log->spool);
	else
		flow_log->events = events_new(&events, flow_log->spool);
}

static int open_parts(struct deliver_flow_log *flow_log,
	const struct deliver_flow_log_options *options, struct err *err)
{
	const struct deliver_settings *settings = &flow_log->deliver->settings;

	if (options->kind == DELIVER_TO_FOLDER) {
		const struct deliver_options objects =
			object_options(flow_log, options, options->destination);
		return deliver_objects_open(&flow_log->objects, &objects, err);
	}
	if (sink_open(&flow_log->sink, settings, options, err) < 0 || open_spool(flow_log, err) < 0)
		return -1;
	open_maker(flow_log, options);
	return sender_start(
		&flow_log->sender, flow_log->spool, &flow_log->sink, settings, options->id, err);
}

int deliver_flow_log_open(struct deliver_flow_log **ret_flow_log, struct deliver *deliver,
	const struct deliver_flow_log_options *options, struct err *err)
{
	if (check_options(deliver, options, err) < 0)
		return -1;
	struct deliver_flow_log *flow_log = mem_new(1, sizeof(*flow_log));
	flow_log->deliver = deliver;
	flow_log->kind = options->kind;
	flow_log->id = mem_strdup(options->id);
	pthread_mutex_init(&flow_log->lock, NULL);
	atomic_fetch_add(&deliver->open, 1);
	if (open_parts(flow_log, options, err) < 0) {
		deliver_flow_log_close(flow_log, 0, false);
		return err_wrap(err, "flow log %s", options->id);
	}
	*ret_flow_log = flow_log;
	return 0;
}

/* What the owner's thread knows, for those who ask from others. */
static void note_made(struct deliver_flow_log *flow_log)
{
	struct deliver_objects *objects = flow_log->objects;
	uint64_t given_up = 0, waiting;

	if (objects) {
		flow_log->given_up_objects += deliver_objects_take_given_up(objects);
		given_up = flow_log->given_up_objects;
		waiting = deliver_objects_waiting(objects);
	} else {
		given_up = events_given_up(flow_log->events);
		waiting = events_waiting(flow_log->events);
	}
	pthread_mutex_lock(&flow_log->lock);
	flow_log->made.given_up = given_up;
	flow_log->made.waiting = waiting;
	pthread_mutex_unlock(&flow_log->lock);
}

int deliver_add(struct deliver_flow_log *flow_log, const struct record *record, struct err *err)
{
	if (flow_log->objects)
		return deliver_objects_add(flow_log->objects, record, err);
	events_add(flow_log->events, record);
	return 0;
}

/* A folder's objects are delivered when they are made. */
static void note_folder(
	struct deliver_flow_log *flow_log, uint64_t before, int result, const struct err *err)
{
	struct deliver_status *made = &flow_log->made;
	uint64_t objects = deliver_objects_count(flow_log->objects);

	pthread_mutex_lock(&flow_log->lock);
	if (objects != made->batches) {
		made->delivered_ms = clock_wall_ns() / 1000000;
		snprintf(made->last_name, sizeof(made->last_name), "%s",
			deliver_objects_last_key(flow_log->objects));
	}
	made->batches = objects;
	made->records += before - made->waiting;
	made->retries += result < 0;
	made->fault = result < 0 ? DELIVER_UNKNOWN_ERROR : DELIVER_OK;
	snprintf(made->message, sizeof(made->message), "%.511s", result < 0 ? err->message : "");
	pthread_mutex_unlock(&flow_log->lock);
}

static void warn_given_up(struct deliver_flow_log *flow_log, uint64_t records)
{
	const struct deliver_settings *settings = &flow_log->deliver->settings;
	struct err err = ERR_INIT;

	if (!records || !settings->warn)
		return;
	err_set(&err, ERR_SYSTEM, "flow log %s: no room for %llu records: they are given up",
		flow_log->id, (unsigned long long)records);
	err_hint(&err, "the spool takes %llu bytes, and on a full disk %llu bytes wait in memory",
		(unsigned long long)settings->spool_max, (unsigned long long)WAITING_MAX);
	settings->warn(settings->context, &err);
}

int deliver_commit(struct deliver_flow_log *flow_log, int64_t window_start, struct err *err)
{
	struct err failure = ERR_INIT;
	uint64_t before = 0, given_up_before = flow_log->made.given_up;
	int result;

	if (flow_log->objects) {
		before = deliver_objects_waiting(flow_log->objects);
		result = deliver_objects_publish(flow_log->objects, window_start, &failure);
	} else {
		result = events_commit(flow_log->events, &failure);
	}
	note_made(flow_log);
	warn_given_up(flow_log, flow_log->made.given_up - given_up_before);
	if (flow_log->kind == DELIVER_TO_FOLDER)
		note_folder(flow_log, before - (flow_log->made.given_up - given_up_before), result,
			&failure);
	if (flow_log->sender)
		sender_wake(flow_log->sender);
	if (result < 0 && err) {
		*err = failure;
		err_wrap(err, "flow log %s", flow_log->id);
	}
	return result;
}

static uint64_t given_up(struct deliver_flow_log *flow_log)
{
	struct spool_counts counts = {0};
	uint64_t records = flow_log->made.given_up;

	if (flow_log->spool) {
		spool_count(flow_log->spool, &counts);
		records += sender_given_up(flow_log->sender) + counts.lost;
	}
	return records;
}

uint64_t deliver_take_given_up(struct deliver_flow_log *flow_log)
{
	note_made(flow_log);
	uint64_t all = given_up(flow_log);
	uint64_t new = all - flow_log->given_up_told;

	flow_log->given_up_told = all;
	return new;
}

void deliver_flow_log_status(struct deliver_flow_log *flow_log, struct deliver_status *ret_status)
{
	struct deliver_status status;
	struct spool_counts counts = {0};

	pthread_mutex_lock(&flow_log->lock);
	struct deliver_status made = flow_log->made;
	pthread_mutex_unlock(&flow_log->lock);
	if (!flow_log->spool) {
		*ret_status = made;
		return;
	}
	sender_status(flow_log->sender, &status);
	spool_count(flow_log->spool, &counts);
	status.given_up += made.given_up + counts.lost;
	status.waiting = made.waiting;
	status.spool_batches = counts.batches;
	status.spool_bytes = counts.bytes;
	status.oldest_ms = counts.oldest_ms;
	*ret_status = status;
}

void deliver_flow_log_close(struct deliver_flow_log *flow_log, unsigned drain_ms, bool is_deleted)
{
	if (!flow_log)
		return;
	sender_stop(flow_log->sender, drain_ms);
	deliver_objects_close(flow_log->objects);
	events_free(flow_log->events);
	spool_close(flow_log->spool, is_deleted);
	sink_done(&flow_log->sink);
	pthread_mutex_destroy(&flow_log->lock);
	atomic_fetch_sub(&flow_log->deliver->open, 1);
	free(flow_log->id);
	free(flow_log);
}
