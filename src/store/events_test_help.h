/* events_test_help: a store in a folder of its own with the group g and its streams a and b, and
 * the store's calls with less to say. */
#pragma once

#include "store/events.h"

#include "base/clock.h"
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>

#define DAY_MS INT64_C(86400000)

struct place {
	char folder[64];
	struct store_database *database;
	struct store_events *events;
	int64_t now;
};

static inline void place_open(struct place *place)
{
	_cleanup_free_ char *path = mem_printf("%s/nagare.db", place->folder);
	struct err err = ERR_INIT;

	if (store_database_open(&place->database, path, &err) < 0 ||
		store_events_open(&place->events, place->folder, place->database, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		abort();
	}
}

static inline void place_close(struct place *place)
{
	store_events_close(place->events);
	store_database_close(place->database);
}

static inline void reopen(struct place *place)
{
	place_close(place);
	place_open(place);
}

static inline int shell(const struct place *place, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static inline int shell(const struct place *place, const char *format, ...)
{
	char command[512];
	va_list arguments;
	int n = snprintf(command, sizeof(command), "cd %s/logs/000001 && ", place->folder);

	va_start(arguments, format);
	vsnprintf(command + n, sizeof(command) - (size_t)n, format, arguments);
	va_end(arguments);
	return system(command);
}

static inline void make_group(struct place *place)
{
	assert_int_equal(store_log_group_create(
				 place->events, STR("g"), STORE_LOG_STANDARD, false, NULL, NULL),
		0);
	assert_int_equal(store_log_stream_create(place->events, STR("g"), STR("a"), NULL, NULL), 0);
	assert_int_equal(store_log_stream_create(place->events, STR("g"), STR("b"), NULL, NULL), 0);
}

static inline int setup(void **state)
{
	struct place *place = mem_new(1, sizeof(*place));

	snprintf(place->folder, sizeof(place->folder), "/tmp/nagare-events-test-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	place->now = clock_wall_ns() / 1000000;
	place_open(place);
	make_group(place);
	*state = place;
	return 0;
}

static inline int teardown(void **state)
{
	struct place *place = *state;
	_cleanup_free_ char *command = mem_printf("rm -rf %s", place->folder);

	place_close(place);
	int result = system(command);
	free(place);
	return result;
}

/* ---- short forms ---- */

/* count events from first_ms on, a millisecond apart, named PREFIX0, PREFIX1, ... */
static inline int put_some(struct place *place, const char *stream, const char *prefix,
	int64_t first_ms, size_t count, const uint8_t *batch)
{
	_cleanup_free_ struct store_log_event *list = mem_new(count, sizeof(*list));
	_cleanup_free_ char(*texts)[32] = mem_new(count, sizeof(*texts));

	for (size_t i = 0; i < count; i++) {
		int n = snprintf(texts[i], sizeof(texts[i]), "%s%zu", prefix, i);
		list[i] = (struct store_log_event){first_ms + (int64_t)i, {texts[i], (size_t)n}};
	}
	const struct store_log_put put = {.group = STR("g"),
		.stream = str_from(stream),
		.events = list,
		.count = count,
		.batch = batch,
		.now_ms = place->now};
	return store_log_put(place->events, &put, NULL, NULL) < 0 ? -1 : 0;
}

struct collected {
	struct buf text; /* "time stream message id\n" */
	size_t count, max;
};

static inline bool collect(void *context, const struct store_log_found *event)
{
	struct collected *collected = context;
	char id[STORE_LOG_ID_DIGITS + 1];

	if (collected->count == collected->max)
		return false;
	store_log_id_write(event, id);
	buf_printf(&collected->text, "%" PRId64 " %.*s %.*s %s\n", event->time_ms,
		STR_ARG(event->stream), STR_ARG(event->message), id);
	collected->count++;
	return true;
}

static inline void read_range(struct place *place, bool is_backward, int64_t start_ms,
	int64_t end_ms, struct collected *collected)
{
	const struct store_log_read read = {.group = STR("g"),
		.start_ms = start_ms,
		.end_ms = end_ms,
		.is_backward = is_backward};
	struct store_log_position position;
	bool is_complete;

	collected->max = SIZE_MAX;
	assert_int_equal(store_log_read(place->events, &read, collect, collected, &position,
				 &is_complete, NULL, NULL),
		0);
	assert_true(is_complete);
}

static inline struct collected read_all(struct place *place)
{
	struct collected collected = {0};

	read_range(place, false, 0, INT64_MAX, &collected);
	return collected;
}

static inline void assert_same(struct place *place, struct collected *before)
{
	struct collected after = read_all(place);

	assert_int_equal(after.count, before->count);
	assert_string_equal(buf_text(&after.text), buf_text(&before->text));
	buf_done(&after.text);
}

static inline void seal(struct place *place)
{
	assert_int_equal(store_events_keep(place->events, place->now + DAY_MS + 1000, NULL), 0);
	assert_int_equal(shell(place, "! ls *.tail 2>/dev/null"), 0);
}

/* ---- scans: two threads take blocks in turn ---- */

struct scanning {
	struct store_log_scan *scan;
	void (*visit)(void *context, const struct store_log_block *block, const uint64_t *mask);
	void *context;
};

static inline void *scan_blocks(void *context)
{
	struct scanning *scanning = context;
	struct store_log_held held = {.cursor = NULL};

	while (store_log_scan_next(scanning->scan, &held))
		scanning->visit(scanning->context, &held.block, held.mask);
	store_log_held_done(&held);
	return NULL;
}

static inline int scan_all(struct place *place, const struct store_log_read *read,
	void (*visit)(void *context, const struct store_log_block *block, const uint64_t *mask),
	void *context, struct aws_error *error)
{
	struct scanning scanning = {.visit = visit, .context = context};
	pthread_t other;

	if (store_log_scan_open(&scanning.scan, place->events, read, error, NULL) < 0)
		return -1;
	assert_int_equal(pthread_create(&other, NULL, scan_blocks, &scanning), 0);
	scan_blocks(&scanning);
	pthread_join(other, NULL);
	store_log_scan_close(scanning.scan);
	return 0;
}
