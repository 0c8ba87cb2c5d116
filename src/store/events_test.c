/* The store of log events: what is written is read, in order, once, in pages of any size, before
 * and after sealing and restarts. */
#include "store/events_test_help.h"

#include <unistd.h>

/* ---- order ---- */

static void test_order_is_time_then_arrival(void **state)
{
	struct place *place = *state;
	struct collected forward, backward = {0};
	struct str rest, line, reversed;

	assert_int_equal(put_some(place, "a", "x", place->now + 10, 3, NULL), 0);
	assert_int_equal(put_some(place, "b", "same", place->now + 11, 1, NULL), 0);
	assert_int_equal(put_some(place, "b", "late", place->now + 9, 1, NULL), 0);
	for (int is_sealed = 0; is_sealed < 2; is_sealed++) {
		forward = read_all(place);
		assert_int_equal(forward.count, 5);
		rest = buf_str(&forward.text);
		static const char *const order[] = {
			" b late0 ", " a x0 ", " a x1 ", " b same0 ", " a x2 "};
		for (size_t i = 0; i < 5; i++) {
			assert_true(str_split(&rest, '\n', &line));
			assert_non_null(memmem(line.p, line.n, order[i], strlen(order[i])));
		}
		backward = (struct collected){0};
		read_range(place, true, 0, INT64_MAX, &backward);
		assert_int_equal(backward.count, 5);
		reversed = buf_str(&backward.text);
		assert_true(str_split(&reversed, '\n', &line));
		assert_non_null(memmem(line.p, line.n, " a x2 ", 6));
		buf_done(&forward.text);
		buf_done(&backward.text);
		seal(place);
	}
}

static void test_range_is_inclusive(void **state)
{
	struct place *place = *state;
	struct collected collected = {0};

	assert_int_equal(put_some(place, "a", "x", place->now, 100, NULL), 0);
	read_range(place, false, place->now + 10, place->now + 19, &collected);
	assert_int_equal(collected.count, 10);
	assert_non_null(strstr(buf_text(&collected.text), " a x10 "));
	assert_non_null(strstr(buf_text(&collected.text), " a x19 "));
	buf_done(&collected.text);
}

/* ---- pages ---- */

/* Reads pages of `max` until the store says that it is complete. */
static struct collected read_pages(struct place *place, bool is_backward, size_t max)
{
	struct collected all = {0};
	struct store_log_position position;
	bool is_complete = false, has_position = false;

	while (!is_complete) {
		const struct store_log_read read = {.group = STR("g"),
			.end_ms = INT64_MAX,
			.is_backward = is_backward,
			.from = has_position ? &position : NULL};
		all.max = all.count + max;
		assert_int_equal(store_log_read(place->events, &read, collect, &all, &position,
					 &is_complete, NULL, NULL),
			0);
		has_position = true;
		assert_true(all.count <= 1000);
	}
	return all;
}

static void test_pages_are_the_whole(void **state)
{
	struct place *place = *state;

	assert_int_equal(put_some(place, "a", "x", place->now, 50, NULL), 0);
	assert_int_equal(put_some(place, "b", "y", place->now + 20, 50, NULL), 0);
	seal(place);
	assert_int_equal(put_some(place, "a", "z", place->now + 10, 50, NULL), 0);
	struct collected whole = read_all(place), backward = {0};
	read_range(place, true, 0, INT64_MAX, &backward);
	static const size_t sizes[] = {1, 7, 50, 149, 150, 151};
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct collected pages = read_pages(place, false, sizes[i]);
		assert_string_equal(buf_text(&pages.text), buf_text(&whole.text));
		buf_done(&pages.text);
		pages = read_pages(place, true, sizes[i]);
		assert_string_equal(buf_text(&pages.text), buf_text(&backward.text));
		buf_done(&pages.text);
	}
	buf_done(&whole.text);
	buf_done(&backward.text);
}

/* What comes while a reader is on its way is not in its round, whatever its time, and is all of the
 * next one. */
static void test_rounds_neither_skip_nor_repeat(void **state)
{
	struct place *place = *state;
	struct collected seen = {.max = 5};
	struct store_log_position position;
	bool is_complete;
	struct store_log_read read = {.group = STR("g"), .end_ms = INT64_MAX};

	assert_int_equal(put_some(place, "a", "x", place->now + 100, 10, NULL), 0);
	assert_int_equal(store_log_read(place->events, &read, collect, &seen, &position,
				 &is_complete, NULL, NULL),
		0);
	assert_false(is_complete);
	assert_int_equal(put_some(place, "b", "early", place->now, 3, NULL), 0);
	assert_int_equal(put_some(place, "b", "late", place->now + 200, 3, NULL), 0);
	seal(place);
	reopen(place);
	read.from = &position;
	seen.max = SIZE_MAX;
	assert_int_equal(store_log_read(place->events, &read, collect, &seen, &position,
				 &is_complete, NULL, NULL),
		0);
	assert_true(is_complete);
	assert_int_equal(seen.count, 10);
	assert_null(strstr(buf_text(&seen.text), "early"));
	position = (struct store_log_position){.low = position.high, .high = UINT64_MAX >> 16};
	assert_int_equal(store_log_read(place->events, &read, collect, &seen, &position,
				 &is_complete, NULL, NULL),
		0);
	assert_int_equal(seen.count, 16);
	assert_non_null(strstr(buf_text(&seen.text), "early0"));
	buf_done(&seen.text);
}

/* ---- sealing ---- */

static void test_sealing_changes_nothing(void **state)
{
	struct place *place = *state;
	int64_t midnight = place->now / DAY_MS * DAY_MS;

	for (int i = 0; i < 20; i++) {
		char prefix[16];
		snprintf(prefix, sizeof(prefix), "x%d.", i);
		assert_int_equal(put_some(place, i % 2 ? "a" : "b", prefix,
					 midnight - 30 + (i * 7) % 60, 40, NULL),
			0);
	}
	struct collected before = read_all(place);
	assert_int_equal(before.count, 800);
	assert_same(place, &before);
	seal(place);
	assert_int_equal(shell(place, "[ $(ls *.events | wc -l) = 2 ]"), 0);
	assert_same(place, &before);
	reopen(place);
	assert_same(place, &before);
	buf_done(&before.text);
}

/* ---- batches ---- */

static void test_batches_are_stored_once(void **state)
{
	struct place *place = *state;
	uint8_t batch[STORE_LOG_BATCH_SIZE] = {1, 2, 3};

	assert_int_equal(put_some(place, "a", "x", place->now, 10, batch), 0);
	assert_int_equal(put_some(place, "a", "x", place->now, 10, batch), 0);
	assert_int_equal(put_some(place, "b", "x", place->now, 10, batch), 0);
	struct collected before = read_all(place);
	assert_int_equal(before.count, 20);
	for (int i = 0; i < 2; i++) {
		reopen(place);
		assert_int_equal(put_some(place, "a", "x", place->now, 10, batch), 0);
		assert_same(place, &before);
		seal(place);
	}
	/* The last 512 are remembered. */
	for (int i = 0; i < 512; i++) {
		uint8_t other[STORE_LOG_BATCH_SIZE] = {9, (uint8_t)i, (uint8_t)(i >> 8)};
		assert_int_equal(put_some(place, "a", "o", place->now, 1, other), 0);
		assert_int_equal(put_some(place, "a", "o", place->now, 1, other), 0);
	}
	assert_int_equal(put_some(place, "a", "x", place->now, 10, batch), 0);
	struct collected after = read_all(place);
	assert_int_equal(after.count, 20 + 512 + 10);
	buf_done(&before.text);
	buf_done(&after.text);
}

/* ---- retention and deletion ---- */

static void test_retention_frees_the_disk(void **state)
{
	struct place *place = *state;

	assert_int_equal(put_some(place, "a", "old", place->now - 5 * DAY_MS, 100, NULL), 0);
	assert_int_equal(put_some(place, "a", "new", place->now, 100, NULL), 0);
	seal(place);
	assert_int_equal(shell(place, "[ $(ls *.events | wc -l) = 2 ]"), 0);
	assert_int_equal(store_log_group_retain(place->events, STR("g"), 3, NULL, NULL), 0);
	struct collected found = read_all(place);
	assert_int_equal(found.count, 100);
	assert_null(strstr(buf_text(&found.text), "old"));
	buf_done(&found.text);
	assert_int_equal(store_events_keep(place->events, place->now, NULL), 0);
	assert_int_equal(shell(place, "[ $(ls *.events | wc -l) = 1 ]"), 0);
	reopen(place);
	assert_int_equal(store_events_keep(place->events, place->now + 4 * DAY_MS, NULL), 0);
	assert_int_equal(shell(place, "! ls *.events 2>/dev/null"), 0);
	struct store_log_group group = {0};
	assert_int_equal(store_log_group_get(place->events, STR("g"), &group, NULL), 0);
	assert_int_equal(group.stored_bytes, 0);
	assert_int_equal(group.retention_days, 3);
	store_log_group_done(&group);
}

static bool count_stream(void *context, const struct store_log_stream *stream)
{
	struct store_log_stream *last = context;

	*last = *stream;
	last->id++;
	return true;
}

static void test_deleted_stream_stays_deleted(void **state)
{
	struct place *place = *state;
	struct store_log_stream last = {0};
	const struct store_log_stream_list list = {.prefix = STR("a")};

	assert_int_equal(put_some(place, "a", "x", place->now, 10, NULL), 0);
	assert_int_equal(put_some(place, "b", "y", place->now, 10, NULL), 0);
	assert_int_equal(store_log_stream_delete(place->events, STR("g"), STR("a"), NULL, NULL), 0);
	assert_int_equal(store_log_stream_create(place->events, STR("g"), STR("a"), NULL, NULL), 0);
	for (int i = 0; i < 3; i++) {
		struct collected found = read_all(place);
		assert_int_equal(found.count, 10);
		assert_null(strstr(buf_text(&found.text), " a "));
		buf_done(&found.text);
		assert_int_equal(store_log_stream_list(
					 place->events, STR("g"), &list, count_stream, &last, NULL),
			0);
		assert_int_equal(last.last_ms, -1);
		if (i == 0)
			seal(place);
		else
			reopen(place);
	}
}

static void test_deleted_group_is_gone(void **state)
{
	struct place *place = *state;
	struct aws_error error = {0};

	assert_int_equal(put_some(place, "a", "x", place->now, 10, NULL), 0);
	/* A crash behind the renaming. */
	place_close(place);
	assert_int_equal(shell(place, "cd .. && mv 000001 removed.1"), 0);
	place_open(place);
	const struct store_log_read read = {.group = STR("g"), .end_ms = INT64_MAX};
	struct store_log_position position;
	bool is_complete;
	assert_true(store_log_read(place->events, &read, collect, NULL, &position, &is_complete,
			    &error, NULL) < 0);
	assert_int_equal(error.code, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION);
	_cleanup_free_ char *command = mem_printf("[ -z \"$(ls %s/logs)\" ]", place->folder);
	assert_int_equal(system(command), 0);
	make_group(place);
	assert_int_equal(store_log_group_delete(place->events, STR("g"), NULL, NULL), 0);
	assert_int_equal(system(command), 0);
	make_group(place);
}

/* ---- matcher and scan ---- */

static void match_sevens(void *context, const struct store_log_block *block, uint64_t *bits)
{
	uint32_t start = 0;

	for (size_t i = 0; i < block->count; i++) {
		if (block->messages[block->ends[i] - 1] == '7')
			bits[i / 64] |= UINT64_C(1) << (i % 64);
		assert_true(block->ends[i] >= start);
		start = block->ends[i] + 1;
	}
	*(size_t *)context += block->count;
}

static void count_rows(void *context, const struct store_log_block *block, const uint64_t *mask)
{
	atomic_size_t *counts = context;

	for (size_t i = 0; i < block->count; i++)
		counts[0] += mask[i / 64] >> (i % 64) & 1;
}

static void test_streams_and_matcher(void **state)
{
	struct place *place = *state;
	const struct str b = STR("b");
	size_t looked_at = 0;
	const struct store_log_matcher matcher = {match_sevens, &looked_at};
	struct store_log_read read = {.group = STR("g"),
		.streams = &b,
		.stream_count = 1,
		.end_ms = INT64_MAX,
		.matcher = &matcher};
	struct store_log_position position;
	bool is_complete;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(put_some(place, "a", "x", place->now, 1000, NULL), 0);
		assert_int_equal(put_some(place, "b", "y", place->now, 1000, NULL), 0);
		if (i == 1)
			seal(place);
	}
	struct collected found = {.max = SIZE_MAX};
	assert_int_equal(store_log_read(place->events, &read, collect, &found, &position,
				 &is_complete, NULL, NULL),
		0);
	assert_int_equal(found.count, 300);
	assert_int_equal(looked_at, 3000);
	buf_done(&found.text);

	atomic_size_t counts[1] = {0};
	read.stream_count = 0;
	read.prefix = STR("a");
	read.start_ms = place->now + 100;
	read.end_ms = place->now + 199;
	assert_int_equal(scan_all(place, &read, count_rows, counts, NULL), 0);
	assert_int_equal(counts[0], 300);
	counts[0] = 0;
	read.start_ms = 0;
	read.end_ms = INT64_MAX;
	assert_int_equal(scan_all(place, &read, count_rows, counts, NULL), 0);
	assert_int_equal(counts[0], 3000);
	const struct str none = STR("nothing");
	struct aws_error error = {0};
	read = (struct store_log_read){
		.group = STR("g"), .streams = &none, .stream_count = 1, .end_ms = INT64_MAX};
	assert_true(scan_all(place, &read, count_rows, counts, &error) < 0);
	assert_int_equal(error.code, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION);
}

/* Empty pages end, and what matches is still found. */
static void test_scan_bound(void **state)
{
	struct place *place = *state;
	size_t looked_at = 0, pages = 0;
	const struct store_log_matcher matcher = {match_sevens, &looked_at};
	struct collected found = {.max = SIZE_MAX};
	struct store_log_position position;
	bool is_complete = false;
	struct store_log_read read = {
		.group = STR("g"), .end_ms = INT64_MAX, .matcher = &matcher, .scan_max = 1000};

	for (int i = 0; i < 20; i++)
		assert_int_equal(put_some(place, "a", "x", place->now + i * 200, 100, NULL), 0);
	for (; !is_complete; pages++) {
		assert_int_equal(store_log_read(place->events, &read, collect, &found, &position,
					 &is_complete, NULL, NULL),
			0);
		read.from = &position;
		assert_true(pages < 100);
	}
	assert_true(pages > 5);
	assert_int_equal(found.count, 200);
	buf_done(&found.text);
}

/* ---- ids ---- */

static void found_one(void *context, struct str group, const struct store_log_found *event)
{
	assert_true(str_equal(group, STR("g")));
	buf_add_str(context, event->message);
}

static void test_ids(void **state)
{
	struct place *place = *state;
	char text[STORE_LOG_ID_DIGITS + 1];
	const struct store_log_position position = {1795576833744, 123456789, 42, 99};
	struct store_log_position parsed;

	/* Both numbers are Python's. */
	store_log_position_write(&position, text);
	assert_string_equal(text, "40042701453709326991483253932065991686920552069631836259");
	assert_true(store_log_position_parse(str_from(text), &parsed));
	assert_memory_equal(&parsed, &position, sizeof(parsed));
	assert_true(store_log_position_parse(
		STR("98079714615416886934934209737619787751599303819750539263"), &parsed));
	assert_int_equal(parsed.time_ms, (INT64_C(1) << 42) - 1);
	assert_int_equal(parsed.high, (UINT64_C(1) << 48) - 1);
	assert_false(store_log_position_parse(
		STR("99999999999999999999999999999999999999999999999999999999"), &parsed));
	assert_false(store_log_position_parse(STR("1"), &parsed));

	assert_int_equal(put_some(place, "a", "x", place->now, 10, NULL), 0);
	struct collected found = read_all(place);
	struct str rest = buf_str(&found.text), line = STR("");
	for (int i = 0; i <= 4; i++)
		assert_true(str_split(&rest, '\n', &line));
	struct buf message = {0};
	const struct str id = {line.p + line.n - STORE_LOG_ID_DIGITS, STORE_LOG_ID_DIGITS};
	assert_int_equal(store_log_find(place->events, id, found_one, &message, NULL), 0);
	assert_string_equal(buf_text(&message), "x4");
	assert_int_equal(store_log_find(place->events, str_from(text), found_one, &message, NULL),
		STORE_LOG_NONE);
	buf_done(&message);
	buf_done(&found.text);
}

/* A large tail at which nothing happens is sealed; a small one is not, nor one that is written to.
 */
static void test_a_large_tail_at_rest(void **state)
{
	enum { BYTES = 1000000, PUTS = 34 };
	struct place *place = *state;
	_cleanup_free_ char *text = mem_new(BYTES, 1);
	const struct store_log_event event = {place->now, {text, BYTES}};
	const struct store_log_put put = {.group = STR("g"),
		.stream = STR("a"),
		.events = &event,
		.count = 1,
		.now_ms = place->now};
	struct store_events_counters counters;

	memset(text, 'x', BYTES);
	for (unsigned i = 0; i < PUTS; i++) {
		assert_int_equal(store_log_put(place->events, &put, NULL, NULL), 0);
		if (i == PUTS / 2)
			usleep(1100000);
		assert_int_equal(store_events_keep(place->events, place->now, NULL), 0);
		store_events_count(place->events, &counters);
		assert_int_equal(counters.sealed, 0);
	}
	for (unsigned i = 0; i < 100 && !counters.sealed; i++) {
		usleep(100000);
		store_events_count(place->events, &counters);
	}
	assert_int_equal(counters.sealed, 1);
	assert_int_equal(shell(place, "! ls *.tail 2>/dev/null"), 0);
	struct collected all = read_all(place);
	assert_int_equal(all.count, PUTS);
	buf_done(&all.text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_order_is_time_then_arrival),
		TEST(test_range_is_inclusive),
		TEST(test_pages_are_the_whole),
		TEST(test_rounds_neither_skip_nor_repeat),
		TEST(test_sealing_changes_nothing),
		TEST(test_batches_are_stored_once),
		TEST(test_retention_frees_the_disk),
		TEST(test_deleted_stream_stays_deleted),
		TEST(test_deleted_group_is_gone),
		TEST(test_streams_and_matcher),
		TEST(test_scan_bound),
		TEST(test_ids),
		TEST(test_a_large_tail_at_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
