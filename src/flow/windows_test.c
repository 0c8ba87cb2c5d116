#include "flow/windows.h"

#include "base/buf.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* What a sink was told, in order. */
struct event {
	enum { FLOW, NODATA, SKIPDATA, CLOSED } kind;
	int64_t window;
	struct flow_key key; /* FLOW; NODATA and SKIPDATA: interface only */
	struct flow_counts counts;
};

struct log {
	struct event *events;
	size_t count, capacity;
	size_t stop_after; /* events, 0: never */
};

static bool log_event(struct log *log, const struct event *event)
{
	if (log->count == log->capacity) {
		log->capacity = log->capacity ? log->capacity * 2 : 64;
		log->events = mem_grow(log->events, log->capacity, sizeof(*event));
	}
	log->events[log->count++] = *event;
	return log->count != log->stop_after;
}

static bool log_flow(
	void *context, int64_t window, const struct flow_key *key, const struct flow_counts *counts)
{
	return log_event(context, &(struct event){FLOW, window, *key, *counts});
}

static bool log_status(void *context, int64_t window, uint32_t interface,
	enum flow_window_status status, const struct flow_counts *missed)
{
	struct event event = {.kind = NODATA, .window = window, .key.interface = interface};

	assert_true((missed != NULL) == (status == FLOW_WINDOW_SKIPDATA));
	if (missed) {
		event.kind = SKIPDATA;
		event.counts = *missed;
	}
	return log_event(context, &event);
}

static bool log_closed(void *context, int64_t window)
{
	return log_event(context, &(struct event){.kind = CLOSED, .window = window});
}

static struct flow_windows *windows_new(
	struct log *log, uint32_t interval, uint32_t grace, size_t max_flows)
{
	const struct flow_windows_options options = {
		.interval = interval,
		.grace = grace,
		.max_flows = max_flows,
		.sink = {log_flow, log_status, log_closed, log},
	};
	struct flow_windows *windows;
	struct err err = ERR_INIT;

	assert_int_equal(flow_windows_new(&windows, &options, &err), 0);
	return windows;
}

static struct flow_key key_of(uint32_t number)
{
	struct flow_key key = {
		.src.words = {0, 0, 0xffff0000, number * 7},
		.dst.words = {number, 0, 0, 9},
		.interface = 1 + number % 3,
		.src_port = (uint16_t)number,
		.dst_port = 443,
		.protocol = 6,
		.direction = number & 1,
		.action = number >> 1 & 1,
		.ip_version = 4,
	};
	return key;
}

static int add(struct flow_windows *windows, uint32_t number, int64_t time)
{
	const struct flow_key key = key_of(number);
	const struct flow_counts counts = {.packets = 1, .bytes = 100, .first = time, .last = time};

	return flow_windows_add(windows, &key, &counts);
}

/* The log as text: one word an event, "f" window / number of packets, "n" and "s" window :
 * interface, "c" window. */
static void assert_log(struct log *log, const char *expected)
{
	_cleanup_buf_ struct buf text = {0};

	for (size_t i = 0; i < log->count; i++) {
		const struct event *event = &log->events[i];
		if (i)
			buf_add_char(&text, ' ');
		if (event->kind == FLOW)
			buf_printf(&text, "f%" PRId64 "/%" PRIu64, event->window,
				event->counts.packets);
		else if (event->kind == CLOSED)
			buf_printf(&text, "c%" PRId64, event->window);
		else
			buf_printf(&text, "%c%" PRId64 ":%u", event->kind == NODATA ? 'n' : 's',
				event->window, event->key.interface);
	}
	assert_string_equal(buf_text(&text), expected);
	log->count = 0;
}

static void log_done(struct log *log)
{
	free(log->events);
}

static void every_part_of_the_key_counts(void **state)
{
	_cleanup_(log_done) struct log log = {0};
	_cleanup_(flow_windows_freep) struct flow_windows *windows = windows_new(&log, 60, 0, 1024);
	const struct flow_counts counts = {
		.packets = 2, .bytes = 99, .first = 70, .last = 71, .tcp_flags = 2};
	struct flow_key keys[44];
	uint64_t early;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		keys[i] = (struct flow_key){.ip_version = 4};
		unsigned char *byte = (unsigned char *)&keys[i] + i;
		*byte = i < 41 ? (unsigned char)(i + 1) : i == 43 ? 6 : 1;
	}
	for (size_t round = 0; round < 2; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
			assert_int_equal(flow_windows_add(windows, &keys[i], &counts), 0);
	}
	assert_int_equal(flow_windows_count(windows, &early), ARRAY_SIZE(keys));
	assert_int_equal(flow_windows_flush(windows), 0);
	assert_int_equal(log.count, ARRAY_SIZE(keys) + 1);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		assert_int_equal(log.events[i].kind, FLOW);
		assert_memory_equal(&log.events[i].key, &keys[i], sizeof(keys[i]));
		assert_int_equal(log.events[i].window, 60);
		assert_int_equal(log.events[i].counts.packets, 4);
		assert_int_equal(log.events[i].counts.bytes, 198);
	}
	assert_int_equal(flow_windows_count(windows, &early), 0);
	assert_int_equal(early, 0);
}

static void counts_add_up(void **state)
{
	_cleanup_(log_done) struct log log = {0};
	_cleanup_(flow_windows_freep) struct flow_windows *windows = windows_new(&log, 600, 0, 10);
	const struct flow_key key = key_of(1);
	const struct flow_counts counts[] = {
		{.packets = 1, .bytes = 40, .first = 700, .last = 720, .tcp_flags = 2},
		{.packets = 3, .bytes = 60, .first = 650, .last = 660, .tcp_flags = 1},
		{.packets = UINT64_C(1) << 40,
			.bytes = UINT64_C(1) << 50,
			.first = 1199,
			.last = 1300,
			.tcp_flags = 0x80},
	};

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		assert_int_equal(flow_windows_add(windows, &key, &counts[i]), 0);
	assert_int_equal(flow_windows_flush(windows), 0);
	assert_int_equal(log.count, 2);
	const struct flow_counts *sum = &log.events[0].counts;
	assert_true(sum->packets == (UINT64_C(1) << 40) + 4);
	assert_true(sum->bytes == (UINT64_C(1) << 50) + 100);
	assert_int_equal(sum->first, 650);
	/* What reaches into the next window is moved to the end of this one. */
	assert_int_equal(sum->last, 1199);
	assert_int_equal(sum->tcp_flags, 0x83);
}

static void windows_round_down(void **state)
{
	static const struct {
		uint32_t interval;
		int64_t time, window;
	} cases[] = {
		{60, 0, 0},
		{60, 59, 0},
		{60, 60, 60},
		{60, -1, -60},
		{60, -60, -60},
		{60, -61, -120},
		{1, -1, -1},
		{1, 1790000000, 1790000000},
		{600, 1790000399, 1789999800},
		{600, -1, -600},
		{7, -15, -21},
		{60, INT64_C(9223372036), INT64_C(9223372020)},
		{60, INT64_C(-9223372037), INT64_C(-9223372080)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(log_done) struct log log = {0};
		_cleanup_(flow_windows_freep) struct flow_windows *windows =
			windows_new(&log, cases[i].interval, 0, 4);
		assert_int_equal(add(windows, 1, cases[i].time), 0);
		assert_int_equal(flow_windows_flush(windows), 0);
		assert_int_equal(log.count, 2);
		assert_int_equal(log.events[0].window, cases[i].window);
		assert_int_equal(log.events[0].counts.first, cases[i].time);
		assert_int_equal(log.events[0].counts.last, cases[i].time);
		assert_int_equal(log.events[1].window, cases[i].window);
	}
}

static void any_time_is_safe(void **state)
{
	static const int64_t times[] = {INT64_MIN, INT64_MAX, 0, INT64_MIN + 1, INT64_MAX - 1,
		FLOW_WINDOWS_TIME_MAX, -FLOW_WINDOWS_TIME_MAX, 1790000000, -1};
	_cleanup_(log_done) struct log log = {0};
	_cleanup_(flow_windows_freep) struct flow_windows *windows = windows_new(&log, 60, 60, 4);
	uint64_t packets = 0;

	flow_windows_watch(windows, 1, 0);
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(times); j++) {
			assert_int_equal(add(windows, 0, times[i]), 0);
			flow_windows_skip(windows, 2, times[j], 1, 1);
			assert_int_equal(flow_windows_advance(windows, times[j]), 0);
		}
		flow_windows_unwatch(windows, 1, times[i]);
		flow_windows_watch(windows, 1, times[i]);
	}
	assert_int_equal(flow_windows_flush(windows), 0);
	for (size_t i = 0; i < log.count; i++)
		packets += log.events[i].kind == FLOW ? log.events[i].counts.packets : 0;
	assert_int_equal(packets, ARRAY_SIZE(times) * ARRAY_SIZE(times));
	assert_true(log.count < 1000);
}

static void closing_waits_for_grace(void **state)
{
	_cleanup_(log_done) struct log log = {0};
	_cleanup_(flow_windows_freep) struct flow_windows *windows = windows_new(&log, 60, 10, 100);

	add(windows, 1, 119);
	add(windows, 1, 121);
	assert_int_equal(flow_windows_advance(windows, 129), 0);
	add(windows, 1, 118);
	assert_log(&log, "");
	assert_int_equal(flow_windows_advance(windows, 130), 0);
	assert_log(&log, "f60/2 c60");
	/* Late: kept until 130 + 60 + 10. */
	add(windows, 1, 117);
	add(windows, 1, 30);
	assert_int_equal(flow_windows_advance(windows, 189), 0);
	add(windows, 1, 31);
	assert_log(&log, "");
	assert_int_equal(flow_windows_advance(windows, 199), 0);
	assert_log(&log, "f120/1 c120");
	assert_int_equal(flow_windows_advance(windows, 200), 0);
	assert_log(&log, "f0/2 c0 f60/1 c60");
}

static void interleaved_captures_stay_together(void **state)
{
	_cleanup_(log_done) struct log log = {0};
	_cleanup_(flow_windows_freep) struct flow_windows *windows = windows_new(&log, 60, 60, 100);
	const int64_t years = INT64_C(20) * 365 * 86400;

	/* Two captures, twenty years apart, packet by packet, an hour of each. */
	for (int64_t second = 0; second < 3600; second++) {
		assert_int_equal(add(windows, 1, years + second), 0);
		assert_int_equal(flow_windows_advance(windows, years + second), 0);
		assert_int_equal(add(windows, 1, second), 0);
		assert_int_equal(flow_windows_advance(windows, years + second), 0);
	}
	assert_int_equal(flow_windows_flush(windows), 0);
	/* A record and a closing for each of 120 windows; never one for each packet. */
	assert_int_equal(log.count, 240);
	for (size_t i = 0; i < log.count; i++)
		assert_true(log.events[i].kind == CLOSED || log.events[i].counts.packets == 60);
}

static void wall_clock_steps(void **state)
{
	_cleanup_(log_done) struct log log = {0};
	_cleanup_(flow_windows_freep) struct flow_windows *windows = windows_new(&log, 60, 5, 100);

	flow_windows_advance(windows, 7200);
	flow_windows_watch(windows, 9, 7200);
	add(windows, 1, 7210);
	flow_windows_advance(windows, 7210);
	/* An hour back: what was open closes, and what follows is counted where it says. */
	flow_windows_advance(windows, 3610);
	assert_log(&log, "f7200/1 c7200");
	add(windows, 1, 3620);
	add(windows, 1, 3660);
	flow_windows_advance(windows, 3725);
	assert_log(&log, "f3600/1 c3600 f3660/1 c3660");
	/* The hour comes round again, and the window with it. */
	add(windows, 1, 7230);
	flow_windows_advance(windows, 7265);
	assert_log(&log, "f7200/1 n7200:9 c7200");
	/* Ten days ahead: nobody watched. */
	add(windows, 1, 7270);
	flow_windows_advance(windows, 871200);
	assert_log(&log, "f7260/1 c7260");
	flow_windows_advance(windows, 871265);
	assert_log(&log, "n871200:9 c871200");
}

static void silent_windows(void **state)
{
	_cleanup_(log_done) struct log log = {0};
	_cleanup_(flow_windows_freep) struct flow_windows *windows = windows_new(&log, 60, 5, 100);

	flow_windows_watch(windows, 1, 30);
	flow_windows_watch(windows, 2, 60);
	flow_windows_watch(windows, 2, 90);
	flow_windows_advance(windows, 64);
	assert_log(&log, "");
	flow_windows_advance(windows, 125);
	assert_log(&log, "n60:1 n60:2 c60");
	add(windows, 3, 130); /* interface 1 */
	flow_windows_skip(windows, 2, 131, 5, 500);
	flow_windows_skip(windows, 2, 129, 1, 100);
	flow_windows_skip(windows, 7, 129, 0, 0);
	flow_windows_advance(windows, 185);
	assert_int_equal(log.count, 4);
	assert_int_equal(log.events[1].counts.packets, 6);
	assert_int_equal(log.events[1].counts.bytes, 600);
	assert_int_equal(log.events[1].counts.first, 129);
	assert_int_equal(log.events[1].counts.last, 131);
	assert_log(&log, "f120/1 s120:2 s120:7 c120");
	/* Several windows at once; interface 2 leaves inside the second, and comes back. */
	flow_windows_unwatch(windows, 2, 250);
	flow_windows_watch(windows, 2, 260);
	flow_windows_advance(windows, 365);
	assert_log(&log, "n180:1 n180:2 c180 n240:1 c240 n300:1 n300:2 c300");
	/* The last one is cut short by the flush, but for what is over. */
	flow_windows_advance(windows, 421);
	add(windows, 3, 421);
	flow_windows_flush(windows);
	assert_log(&log, "n360:1 n360:2 c360 f420/1 c420");
	flow_windows_advance(windows, 485);
	assert_log(&log, "n420:2 c420");
}

static void handed_out_early_is_not_silent(void **state)
{
	_cleanup_(log_done) struct log log = {0};
	_cleanup_(flow_windows_freep) struct flow_windows *windows = windows_new(&log, 60, 0, 2);
	uint64_t early;

	flow_windows_watch(windows, 1, 0);
	flow_windows_watch(windows, 2, 0);
	flow_windows_watch(windows, 3, 0);
	add(windows, 0, 1);
	add(windows, 1, 1);
	assert_log(&log, "");
	add(windows, 4, 2);
	add(windows, 7, 2);
	add(windows, 0, 3);
	assert_int_equal(flow_windows_count(windows, &early), 2);
	assert_int_equal(early, 3);
	flow_windows_advance(windows, 60);
	assert_log(&log, "f0/1 f0/1 f0/1 f0/1 f0/1 n0:3 c0");
}

static void too_many_open_windows_close_the_earliest(void **state)
{
	_cleanup_(log_done) struct log log = {0};
	_cleanup_(flow_windows_freep) struct flow_windows *windows = windows_new(&log, 1, 0, 4096);
	struct flow_sample samples[FLOW_WINDOWS_OPEN_MAX + 100];

	for (int64_t i = 0; i < (int64_t)ARRAY_SIZE(samples); i++)
		samples[i] = (struct flow_sample){
			.key = key_of(1), .time = 100000 - i, .packets = 1, .bytes = 40};
	assert_int_equal(flow_windows_add_batch(windows, samples, ARRAY_SIZE(samples)), 0);
	/* Backwards: each one that opens beyond the bound closes the one before it. */
	assert_int_equal(log.count, 200);
	assert_int_equal(log.events[0].window, 100000 - FLOW_WINDOWS_OPEN_MAX + 1);
	assert_int_equal(log.events[1].kind, CLOSED);
	flow_windows_flush(windows);
	assert_int_equal(log.count, 2 * ARRAY_SIZE(samples));
}

static void stops_when_told(void **state)
{
	for (size_t stop = 1; stop < 12; stop++) {
		_cleanup_(log_done) struct log log = {.stop_after = stop};
		_cleanup_(flow_windows_freep) struct flow_windows *windows =
			windows_new(&log, 60, 0, 4);
		int status = 0;
		flow_windows_watch(windows, 1, 0);
		flow_windows_watch(windows, 8, 0);
		for (uint32_t i = 0; i < 6 && status == 0; i++)
			status = add(windows, i * 3 + 1, 0);
		flow_windows_skip(windows, 5, 30, 1, 1);
		if (status == 0)
			status = flow_windows_advance(windows, 120);
		assert_int_equal(status, -1);
		assert_int_equal(log.count, stop);
		assert_int_equal(flow_windows_flush(windows), -1);
		assert_int_equal(flow_windows_advance(windows, 1000), -1);
		assert_int_equal(add(windows, 1, 1), -1);
		assert_int_equal(log.count, stop);
	}
}

static void memory_is_bounded(void **state)
{
	static const size_t sizes[] = {4096, 5000, 65536, 65537, 262144, 1000000};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_(log_done) struct log log = {0};
		_cleanup_(flow_windows_freep) struct flow_windows *windows =
			windows_new(&log, 60, 0, sizes[i]);
		assert_true(flow_windows_memory(windows) <= 128 * sizes[i]);
		/* And that is all it takes to hold them. */
		size_t before = flow_windows_memory(windows);
		uint64_t early;
		for (uint32_t flow = 0; flow < sizes[i]; flow++)
			add(windows, flow, 1);
		assert_int_equal(flow_windows_count(windows, &early), sizes[i]);
		assert_int_equal(early, 0);
		assert_int_equal(flow_windows_memory(windows), before);
	}
}

static void bad_options_are_refused(void **state)
{
	static const struct flow_windows_options bad[] = {
		{.interval = 0, .max_flows = 1},
		{.interval = 601, .max_flows = 1},
		{.interval = 60, .max_flows = 0},
		{.interval = 60, .max_flows = FLOW_WINDOWS_FLOWS_MAX + 1},
		{.interval = 1, .grace = 513, .max_flows = 1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct flow_windows *windows = NULL;
		struct err err = ERR_INIT;
		assert_true(flow_windows_new(&windows, &bad[i], &err) < 0);
		assert_int_equal(err.code, ERR_USAGE);
		assert_null(windows);
	}
}

/* The same by the plainest means: a list of records in order of arrival, searched from the front.
 */

#define MODEL_MAX 40000

struct model {
	int64_t interval;
	size_t count;
	struct event *flows;
};

static int64_t model_window(const struct model *model, int64_t time)
{
	int64_t window = time / model->interval * model->interval;

	return window > time ? window - model->interval : window;
}

static void model_add(
	struct model *model, const struct flow_key *key, const struct flow_counts *counts)
{
	int64_t window = model_window(model, counts->first);
	size_t i = 0;

	while (i < model->count && (model->flows[i].window != window ||
					   memcmp(&model->flows[i].key, key, sizeof(*key)) != 0))
		i++;
	struct event *flow = &model->flows[i];
	if (i == model->count) {
		assert_true(model->count++ < MODEL_MAX);
		*flow = (struct event){FLOW, window, *key, *counts};
		return;
	}
	flow->counts.packets += counts->packets;
	flow->counts.bytes += counts->bytes;
	flow->counts.tcp_flags |= counts->tcp_flags;
	if (counts->first < flow->counts.first)
		flow->counts.first = counts->first;
	if (counts->last > flow->counts.last)
		flow->counts.last = counts->last;
}

/* Records of one key and window together, by window; arrival decides between the others. */
static void model_merge(struct model *model, const struct log *log)
{
	for (size_t i = 0; i < log->count; i++) {
		if (log->events[i].kind == FLOW)
			model_add(model, &log->events[i].key, &log->events[i].counts);
	}
}

static int compare_flows(const void *left, const void *right)
{
	const struct event *a = left, *b = right;

	if (a->window != b->window)
		return a->window < b->window ? -1 : 1;
	return memcmp(&a->key, &b->key, sizeof(a->key));
}

static void assert_same_totals(struct model *model, struct model *other)
{
	assert_int_equal(model->count, other->count);
	qsort(model->flows, model->count, sizeof(*model->flows), compare_flows);
	qsort(other->flows, other->count, sizeof(*other->flows), compare_flows);
	for (size_t i = 0; i < model->count; i++) {
		assert_int_equal(compare_flows(&model->flows[i], &other->flows[i]), 0);
		const struct flow_counts *a = &model->flows[i].counts, *b = &other->flows[i].counts;
		assert_int_equal(a->packets, b->packets);
		assert_int_equal(a->bytes, b->bytes);
		assert_int_equal(a->first, b->first);
		assert_int_equal(a->last, b->last);
		assert_int_equal(a->tcp_flags, b->tcp_flags);
	}
}

/* Within one closing, records come as the keys first came, and windows rise from closing to closing
 * within one call. */
static void assert_window_order(const struct log *log, size_t from)
{
	int64_t last = INT64_MIN;

	for (size_t i = from; i < log->count; i++) {
		if (log->events[i].kind != CLOSED)
			continue;
		assert_true(log->events[i].window > last);
		last = log->events[i].window;
	}
}

static struct flow_sample random_sample(int64_t now, uint32_t flows)
{
	int64_t time = now - rand() % 100;

	if (rand() % 50 == 0)
		time = now + rand() % 1000 - 900;
	if (rand() % 200 == 0)
		time = (int64_t)(rand() % 3 - 1) * 1000000000 - rand() % 2000;
	return (struct flow_sample){
		.key = key_of((uint32_t)rand() % flows),
		.time = time,
		.packets = 1 + (uint32_t)rand() % 3,
		.bytes = (uint64_t)rand() % 1500,
		.tcp_flags = (uint8_t)(1 << rand() % 8),
	};
}

static void run_against_model(unsigned seed, uint32_t interval, uint32_t grace, size_t max_flows,
	uint32_t flows, bool in_batches)
{
	_cleanup_(log_done) struct log log = {0};
	_cleanup_(flow_windows_freep) struct flow_windows *windows =
		windows_new(&log, interval, grace, max_flows);
	struct model model = {interval, 0, mem_new(MODEL_MAX, sizeof(struct event))};
	struct model merged = {interval, 0, mem_new(MODEL_MAX, sizeof(struct event))};
	int64_t now = 1790000000;
	uint64_t early = 0;

	srand(seed);
	for (int step = 0; step < 400; step++) {
		struct flow_sample samples[70];
		size_t count = (size_t)rand() % ARRAY_SIZE(samples);
		for (size_t i = 0; i < count; i++) {
			samples[i] = random_sample(now, flows);
			const struct flow_counts counts = {.packets = samples[i].packets,
				.bytes = samples[i].bytes,
				.first = samples[i].time,
				.last = samples[i].time,
				.tcp_flags = samples[i].tcp_flags};
			model_add(&model, &samples[i].key, &counts);
			if (!in_batches)
				assert_int_equal(
					flow_windows_add(windows, &samples[i].key, &counts), 0);
		}
		if (in_batches)
			assert_int_equal(flow_windows_add_batch(windows, samples, count), 0);
		assert_true(flow_windows_count(windows, &early) <= max_flows);
		now += rand() % 20;
		if (rand() % 40 == 0)
			now += rand() % 7200 - 3600;
		size_t from = log.count;
		assert_int_equal(flow_windows_advance(windows, now), 0);
		assert_window_order(&log, from);
	}
	size_t from = log.count;
	assert_int_equal(flow_windows_flush(windows), 0);
	assert_window_order(&log, from);
	assert_int_equal(flow_windows_count(windows, &early), 0);
	assert_true((early > 0) == (max_flows < 200));
	model_merge(&merged, &log);
	assert_same_totals(&model, &merged);
	free(model.flows);
	free(merged.flows);
}

static void as_the_model_says(void **state)
{
	static const uint32_t intervals[] = {1, 60, 600};
	unsigned seed = 1;

	for (size_t i = 0; i < ARRAY_SIZE(intervals); i++) {
		for (int in_batches = 0; in_batches < 2; in_batches++) {
			run_against_model(seed++, intervals[i], 0, 20000, 30, in_batches);
			run_against_model(seed++, intervals[i], 30, 100, 200, in_batches);
			run_against_model(seed++, intervals[i], 90, 20000, 300, in_batches);
			run_against_model(seed++, intervals[i], 5, 1, 10, in_batches);
		}
	}
}

static void flows_come_in_order_of_arrival(void **state)
{
	_cleanup_(log_done) struct log log = {0};
	_cleanup_(flow_windows_freep) struct flow_windows *windows =
		windows_new(&log, 60, 60, 50000);

	/* Two windows by turns, so that each one's entries lie apart; the first leaves holes that
	 * the third fills. */
	for (uint32_t i = 0; i < 20000; i++) {
		add(windows, i * 11, 30);
		add(windows, i * 13, 90);
		add(windows, i * 11, 31);
	}
	flow_windows_advance(windows, 120);
	for (uint32_t i = 0; i < 20000; i++)
		add(windows, i * 17, 150);
	flow_windows_flush(windows);
	assert_int_equal(log.count, 60003);
	for (uint32_t i = 0; i < 20000; i++) {
		assert_int_equal(log.events[i].key.src.words[3], i * 11 * 7);
		assert_int_equal(log.events[i].counts.packets, 2);
		assert_int_equal(log.events[20001 + i].key.src.words[3], i * 13 * 7);
		assert_int_equal(log.events[40002 + i].key.src.words[3], i * 17 * 7);
		assert_int_equal(log.events[40002 + i].counts.packets, 1);
	}
}

/* However many flows leave with a window, those of the next one are found afterwards. */
static void flows_stay_when_others_leave(void **state)
{
	static const uint32_t leaving[] = {1, 60, 1000, 30000};

	for (size_t i = 0; i < ARRAY_SIZE(leaving); i++) {
		_cleanup_(log_done) struct log log = {0};
		_cleanup_(flow_windows_freep) struct flow_windows *windows =
			windows_new(&log, 60, 30, 65536);
		for (uint32_t n = 0; n < leaving[i]; n++)
			add(windows, n, 30);
		for (uint32_t n = 0; n < 5000; n++)
			add(windows, n, 90);
		flow_windows_advance(windows, 95);
		assert_int_equal(log.count, leaving[i] + 1);
		for (uint32_t n = 0; n < 10000; n++)
			add(windows, n, 100);
		flow_windows_flush(windows);
		assert_int_equal(log.count, leaving[i] + 1 + 10000 + 1);
		for (uint32_t n = 0; n < 10000; n++)
			assert_int_equal(
				log.events[leaving[i] + 1 + n].counts.packets, n < 5000 ? 2 : 1);
	}
}

static bool count_shown(
	void *context, int64_t window, const struct flow_key *key, const struct flow_counts *counts)
{
	struct log *log = context;

	return log_event(log, &(struct event){FLOW, window, *key, *counts});
}

static void open_flows_are_shown_and_stay(void **state)
{
	_cleanup_(log_done) struct log log = {0}, shown = {0};
	_cleanup_(flow_windows_freep) struct flow_windows *windows =
		windows_new(&log, 60, 60, 1024);
	const struct flow_key one = key_of(1), two = key_of(2);
	struct flow_counts counts = {0};

	assert_false(flow_windows_find(windows, &one, 70, &counts));
	add(windows, 1, 70);
	add(windows, 2, 75);
	add(windows, 1, 110);
	add(windows, 1, 125);
	assert_true(flow_windows_find(windows, &one, 119, &counts));
	assert_int_equal(counts.packets, 2);
	assert_int_equal(counts.bytes, 200);
	assert_int_equal(counts.first, 70);
	assert_int_equal(counts.last, 110);
	assert_true(flow_windows_find(windows, &one, 120, &counts));
	assert_int_equal(counts.packets, 1);
	assert_false(flow_windows_find(windows, &two, 120, &counts));
	assert_false(flow_windows_find(windows, &one, 59, &counts));
	flow_windows_show(windows, count_shown, &shown);
	assert_log(&shown, "f60/2 f60/1 f120/1");
	shown.stop_after = 1;
	flow_windows_show(windows, count_shown, &shown);
	assert_log(&shown, "f60/2");
	assert_int_equal(log.count, 0);
	flow_windows_flush(windows);
	assert_log(&log, "f60/2 f60/1 c60 f120/1 c120");
	assert_false(flow_windows_find(windows, &one, 70, &counts));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_part_of_the_key_counts),
		cmocka_unit_test(counts_add_up),
		cmocka_unit_test(windows_round_down),
		cmocka_unit_test(any_time_is_safe),
		cmocka_unit_test(closing_waits_for_grace),
		cmocka_unit_test(interleaved_captures_stay_together),
		cmocka_unit_test(wall_clock_steps),
		cmocka_unit_test(silent_windows),
		cmocka_unit_test(handed_out_early_is_not_silent),
		cmocka_unit_test(too_many_open_windows_close_the_earliest),
		cmocka_unit_test(stops_when_told),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(bad_options_are_refused),
		cmocka_unit_test(as_the_model_says),
		cmocka_unit_test(flows_come_in_order_of_arrival),
		cmocka_unit_test(flows_stay_when_others_leave),
		cmocka_unit_test(open_flows_are_shown_and_stay),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
