/* Values of metrics on their way to the store. They are added up here, a series for each metric,
 * its dimensions and minute, and written once a second in one transaction: the events of a log
 * group may come faster than a database can commit. How far each group is counted is written with
 * them, so that the next start counts what a crash has lost. */
#include "api/logs/logs_priv.h"

#include "base/clock.h"
#include "base/hash.h"
#include "store/log_documents.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>

enum {
	BUCKETS = 4096,
	SERIES_MAX = 100000, /* that wait; more are not counted */
	VALUES_MAX = 4096,   /* of one series, before equal ones are put together */
	MINUTE_MS = 60000,
};

struct series {
	struct series *next;
	uint64_t hash;
	char *name_space, *name, *unit, *dimensions;
	int64_t minute;
	double count, sum, min, max;
	struct store_metric_value *values;
	size_t values_count, values_capacity;
};

struct logs_values {
	struct store_metrics *metrics;
	struct logs_values_hooks hooks;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	bool is_stopping;
	struct series *buckets[BUCKETS]; /* under the lock, as count */
	size_t count;
};

static void series_free(struct series *series)
{
	free(series->name_space);
	free(series->name);
	free(series->unit);
	free(series->dimensions);
	free(series->values);
	free(series);
}

static uint64_t hash_of(const struct logs_value *value, int64_t minute)
{
	uint64_t hash = hash_bytes(value->name_space, strlen(value->name_space), (uint64_t)minute);

	hash = hash_bytes(value->name, strlen(value->name), hash);
	hash = hash_bytes(value->unit, strlen(value->unit), hash);
	return hash_bytes(value->dimensions, strlen(value->dimensions), hash);
}

static bool is_of(
	const struct series *series, uint64_t hash, const struct logs_value *value, int64_t minute)
{
	return series->hash == hash && series->minute == minute &&
	       strcmp(series->name, value->name) == 0 &&
	       strcmp(series->name_space, value->name_space) == 0 &&
	       strcmp(series->unit, value->unit) == 0 &&
	       strcmp(series->dimensions, value->dimensions) == 0;
}

/* Lock held. NULL: there are too many. */
static struct series *find_series(struct logs_values *values, const struct logs_value *value)
{
	int64_t minute = value->time_ms / MINUTE_MS;
	uint64_t hash = hash_of(value, minute);
	struct series **place = &values->buckets[hash % BUCKETS];

	for (struct series *series = *place; series; series = series->next)
		if (is_of(series, hash, value, minute))
			return series;
	if (values->count == SERIES_MAX)
		return NULL;
	struct series *series = mem_new(1, sizeof(*series));
	*series = (struct series){.next = *place,
		.hash = hash,
		.name_space = mem_strdup(value->name_space),
		.name = mem_strdup(value->name),
		.unit = mem_strdup(value->unit),
		.dimensions = mem_strdup(value->dimensions),
		.minute = minute,
		.min = INFINITY,
		.max = -INFINITY};
	*place = series;
	values->count++;
	return series;
}

static int compare_values(const void *a, const void *b)
{
	const struct store_metric_value *left = a, *right = b;

	return (left->value > right->value) - (left->value < right->value);
}

/* Equal values become one. */
static void merge_values(struct series *series)
{
	size_t kept = 0;

	qsort(series->values, series->values_count, sizeof(*series->values), compare_values);
	for (size_t i = 0; i < series->values_count; i++) {
		if (kept && series->values[kept - 1].value == series->values[i].value)
			series->values[kept - 1].count += series->values[i].count;
		else
			series->values[kept++] = series->values[i];
	}
	series->values_count = kept;
}

void logs_values_add(struct logs_values *values, const struct logs_value *value)
{
	pthread_mutex_lock(&values->lock);
	struct series *series = find_series(values, value);
	if (series) {
		series->count++;
		series->sum += value->value;
		series->min = fmin(series->min, value->value);
		series->max = fmax(series->max, value->value);
		if (series->values_count &&
			series->values[series->values_count - 1].value == value->value) {
			series->values[series->values_count - 1].count++;
		} else {
			if (series->values_count == series->values_capacity) {
				if (series->values_count >= VALUES_MAX)
					merge_values(series);
				series->values_capacity = 2 * series->values_count + 8;
				series->values = mem_grow(series->values, series->values_capacity,
					sizeof(*series->values));
			}
			series->values[series->values_count++] =
				(struct store_metric_value){value->value, 1};
		}
	}
	pthread_mutex_unlock(&values->lock);
}

/* ---- to the store ---- */

struct batch {
	struct logs_values *values;
	struct series **series;
	size_t count;
	struct logs_marks marks;
};

static void batch_take(void *context)
{
	struct batch *batch = context;
	struct logs_values *values = batch->values;

	pthread_mutex_lock(&values->lock);
	batch->series = mem_new(values->count + 1, sizeof(struct series *));
	for (size_t i = 0; values->count && i < BUCKETS; i++) {
		struct series *next;
		for (struct series *series = values->buckets[i]; series; series = next) {
			next = series->next;
			batch->series[batch->count++] = series;
		}
		values->buckets[i] = NULL;
	}
	values->count = 0;
	pthread_mutex_unlock(&values->lock);
}

static void batch_done(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		series_free(batch->series[i]);
	free(batch->series);
	free(batch->marks.marks);
	*batch = (struct batch){.values = batch->values};
}

static int batch_write(const struct logs_values *values, const struct batch *batch)
{
	struct store_metric_datum *data = mem_new(batch->count + 1, sizeof(*data));
	struct store_log_document *marks = mem_new(batch->marks.count + 1, sizeof(*marks));
	const struct store_metric_marks all = {marks, batch->marks.count};
	struct err err = ERR_INIT;

	for (size_t i = 0; i < batch->marks.count; i++)
		marks[i] = (struct store_log_document){.kind = LOGS_MARK,
			.owner = batch->marks.marks[i].group,
			.name = STR("counted"),
			.text = str_from(batch->marks.marks[i].position)};

	for (size_t i = 0; i < batch->count; i++) {
		struct series *series = batch->series[i];
		merge_values(series);
		data[i] = (struct store_metric_datum){.name_space = str_from(series->name_space),
			.name = str_from(series->name),
			.dimensions = str_from(series->dimensions),
			.unit = str_from(series->unit),
			.time = series->minute * 60,
			.count = series->count,
			.sum = series->sum,
			.min = series->min,
			.max = series->max,
			.values = series->values,
			.values_count = series->values_count};
	}
	int result = store_metrics_put(values->metrics, data, batch->count, &all, &err);
	free(data);
	free(marks);
	return result;
}

/* One second, or the end. */
static bool wait_second(struct logs_values *values)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	pthread_mutex_lock(&values->lock);
	int result = 0;
	while (!values->is_stopping && result == 0)
		result = pthread_cond_timedwait(&values->stopped, &values->lock, &until);
	bool is_over = values->is_stopping;
	pthread_mutex_unlock(&values->lock);
	return !is_over;
}

static void *values_main(void *context)
{
	struct logs_values *values = context;
	struct batch batch = {.values = values};
	bool is_running;

	do {
		is_running = wait_second(values);
		values->hooks.tick(values->hooks.context, clock_wall_ns() / 1000000);
		/* What could not be written is tried again, before anything else. */
		if (!batch.count && !batch.marks.count) {
			batch_done(&batch);
			values->hooks.snapshot(
				values->hooks.context, batch_take, &batch, &batch.marks);
		}
		if ((batch.count || batch.marks.count) && batch_write(values, &batch) == 0)
			batch_done(&batch);
	} while (is_running);
	batch_done(&batch);
	return NULL;
}

int logs_values_start(struct logs_values **ret_values, struct store_metrics *metrics,
	const struct logs_values_hooks *hooks, struct err *err)
{
	struct logs_values *values = mem_new(1, sizeof(*values));
	pthread_condattr_t monotonic;

	values->metrics = metrics;
	values->hooks = *hooks;
	pthread_mutex_init(&values->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&values->stopped, &monotonic);
	pthread_condattr_destroy(&monotonic);
	int result = pthread_create(&values->thread, NULL, values_main, values);
	if (result) {
		pthread_cond_destroy(&values->stopped);
		pthread_mutex_destroy(&values->lock);
		free(values);
		return err_set_errno(err, result, "the thread of metric filters");
	}
	*ret_values = values;
	return 0;
}

void logs_values_stop(struct logs_values *values)
{
	if (!values)
		return;
	pthread_mutex_lock(&values->lock);
	values->is_stopping = true;
	pthread_cond_signal(&values->stopped);
	pthread_mutex_unlock(&values->lock);
	pthread_join(values->thread, NULL);
	pthread_cond_destroy(&values->stopped);
	pthread_mutex_destroy(&values->lock);
	free(values);
}
