/* The store of log events after crashes, under damage and many threads: what was acknowledged is
 * there once, what is broken is noticed. */
#include "store/events_test_help.h"

#include <stdatomic.h>

static void test_sealing_broken_off(void **state)
{
	struct place *place = *state;

	assert_int_equal(put_some(place, "a", "x", place->now, 100, NULL), 0);
	assert_int_equal(put_some(place, "a", "y", place->now - DAY_MS, 100, NULL), 0);
	struct collected before = read_all(place);
	assert_int_equal(shell(place, "cp *.tail kept"), 0);
	seal(place);
	place_close(place);
	/* Both days were published, the tail is not gone yet. */
	assert_int_equal(
		shell(place, "mv kept 0000000001.tail; touch 0000000001.x.events.part"), 0);
	place_open(place);
	assert_same(place, &before);
	seal(place);
	assert_same(place, &before);
	assert_int_equal(shell(place, "! ls *.part 2>/dev/null"), 0);
	buf_done(&before.text);
}

/* ---- crashes and damage ---- */

static off_t size_of_tail(const struct place *place)
{
	_cleanup_free_ char *path = mem_printf("%s/logs/000001/0000000001.tail", place->folder);
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return status.st_size;
}

/* A tail that ends anywhere in its last put: that put is not there, all others are. */
static void test_cut_off_tails(void **state)
{
	struct place *place = *state;

	assert_int_equal(put_some(place, "a", "x", place->now, 10, NULL), 0);
	assert_int_equal(put_some(place, "a", "y", place->now, 10, NULL), 0);
	struct collected before = read_all(place);
	off_t good = size_of_tail(place);
	assert_int_equal(put_some(place, "a", "z", place->now, 10, NULL), 0);
	off_t whole = size_of_tail(place);
	place_close(place);
	assert_int_equal(shell(place, "cp *.tail ../whole"), 0);
	for (off_t size = good; size < whole; size += 13) {
		assert_int_equal(shell(place,
					 "cp ../whole 0000000001.tail; truncate -s %lld "
					 "0000000001.tail",
					 (long long)size),
			0);
		/* What follows a torn write may be anything. */
		if (size % 2)
			assert_int_equal(
				shell(place, "head -c 300 /dev/urandom >> 0000000001.tail"), 0);
		place_open(place);
		assert_same(place, &before);
		assert_int_equal(size_of_tail(place), good);
		place_close(place);
	}
	place_open(place);
	assert_int_equal(put_some(place, "b", "w", place->now + 50, 1, NULL), 0);
	reopen(place);
	struct collected after = read_all(place);
	assert_int_equal(after.count, 21);
	buf_done(&before.text);
	buf_done(&after.text);
	assert_int_equal(shell(place, "rm ../whole"), 0);
}

static void flip(const struct place *place, const char *name, off_t offset)
{
	_cleanup_free_ char *path = mem_printf("%s/logs/000001/%s", place->folder, name);
	FILE *file = fopen(path, "r+b");

	assert_non_null(file);
	assert_int_equal(fseek(file, offset, SEEK_SET), 0);
	int c = fgetc(file);
	assert_int_equal(fseek(file, offset, SEEK_SET), 0);
	assert_int_not_equal(fputc(c ^ 0x10, file), EOF);
	assert_int_equal(fclose(file), 0);
}

static uint64_t damaged(const struct place *place)
{
	struct store_events_counters counters;

	store_events_count(place->events, &counters);
	return counters.damaged;
}

/* Damage to what had been acknowledged: noticed, never given out, the rest is there. */
static void test_damage_in_a_tail(void **state)
{
	struct place *place = *state;

	assert_int_equal(put_some(place, "a", "x", place->now, 10, NULL), 0);
	off_t end = size_of_tail(place);
	assert_int_equal(put_some(place, "a", "y", place->now, 10, NULL), 0);
	off_t behind = size_of_tail(place);
	assert_int_equal(put_some(place, "a", "z", place->now, 10, NULL), 0);
	for (off_t offset = end; offset < behind; offset += 29) {
		place_close(place);
		flip(place, "0000000001.tail", offset);
		place_open(place);
		struct collected found = read_all(place);
		assert_int_equal(damaged(place), 1);
		assert_int_equal(found.count, 20);
		assert_null(strstr(buf_text(&found.text), " y"));
		buf_done(&found.text);
		flip(place, "0000000001.tail", offset);
	}
	reopen(place);
	struct collected found = read_all(place);
	assert_int_equal(found.count, 30);
	buf_done(&found.text);
}

static void test_damage_in_a_sealed_file(void **state)
{
	struct place *place = *state;
	struct stat status;
	char name[64];
	time_t seconds = (time_t)(place->now / 1000);
	struct tm parts;

	gmtime_r(&seconds, &parts);
	strftime(name, sizeof(name), "0000000001.%Y-%m-%d.events", &parts);
	assert_int_equal(put_some(place, "a", "x", place->now / DAY_MS * DAY_MS, 100, NULL), 0);
	assert_int_equal(put_some(place, "b", "y", place->now / DAY_MS * DAY_MS, 100, NULL), 0);
	struct collected before = read_all(place);
	seal(place);
	_cleanup_free_ char *path = mem_printf("%s/logs/000001/%s", place->folder, name);
	assert_int_equal(stat(path, &status), 0);
	for (off_t offset = 8; offset < status.st_size; offset += 101) {
		place_close(place);
		flip(place, name, offset);
		place_open(place);
		struct collected found = read_all(place);
		assert_true(found.count == 0 || found.count == 100 || found.count == 200);
		/* What is given out is as it was, or is not there and counted. */
		if (found.count == 200)
			assert_string_equal(buf_text(&found.text), buf_text(&before.text));
		else
			assert_true(damaged(place) > 0);
		buf_done(&found.text);
		place_close(place);
		flip(place, name, offset);
		place_open(place);
	}
	assert_same(place, &before);
	buf_done(&before.text);
}

/* ---- fsck ---- */

static void tell_nothing(void *context, const char *finding)
{
	buf_printf(context, "%s\n", finding);
}

/* Over the closed store. */
static struct store_events_fsck_report fsck(struct place *place, bool repair, struct buf *told)
{
	_cleanup_free_ char *path = mem_printf("%s/nagare.db", place->folder);
	_cleanup_(store_database_closep) struct store_database *database = NULL;
	const struct store_events_fsck_options options = {
		.repair = repair, .read = true, .told = tell_nothing, .context = told};
	struct store_events_fsck_report report;

	assert_int_equal(store_database_open(&database, path, NULL), 0);
	assert_int_equal(store_events_fsck(place->folder, database, &options, &report, NULL), 0);
	return report;
}

/* What is damaged goes to DATA/damaged, the rest is as it was and takes new events. */
static void test_fsck_takes_damage_out(void **state)
{
	struct place *place = *state;
	struct buf told = {0};

	assert_int_equal(put_some(place, "a", "x", place->now, 10, NULL), 0);
	off_t end = size_of_tail(place);
	assert_int_equal(put_some(place, "a", "y", place->now, 10, NULL), 0);
	assert_int_equal(put_some(place, "b", "z", place->now, 10, NULL), 0);
	place_close(place);
	assert_int_equal(fsck(place, false, &told).damaged, 0);
	assert_int_equal(told.n, 0);
	flip(place, "0000000001.tail", end + 140);
	assert_int_equal(fsck(place, false, &told).damaged, 1);
	assert_non_null(strstr(buf_text(&told), "logs/000001/0000000001.tail is damaged at byte"));
	struct store_events_fsck_report report = fsck(place, true, &told);
	assert_int_equal(report.repaired, 1);
	assert_int_equal(report.events, 20);
	assert_int_equal(fsck(place, true, &told).damaged, 0);
	assert_int_equal(shell(place, "test -s ../../damaged/000001.0000000001.tail"), 0);
	place_open(place);
	assert_int_equal(damaged(place), 0);
	assert_int_equal(put_some(place, "a", "w", place->now, 10, NULL), 0);
	reopen(place);
	struct collected found = read_all(place);
	assert_int_equal(found.count, 30);
	assert_null(strstr(buf_text(&found.text), " y"));
	seal(place);
	assert_same(place, &found);
	place_close(place);
	assert_int_equal(shell(place, "for f in *.events; do cp $f kept; head -c 1000 kept > $f; "
				      "done; rm kept"),
		0);
	assert_true(fsck(place, true, &told).damaged >= 1);
	assert_int_equal(fsck(place, false, &told).damaged, 0);
	place_open(place);
	assert_int_equal(damaged(place), 0);
	buf_done(&found.text);
	buf_done(&told);
}

static void test_fsck_makes_the_index_anew(void **state)
{
	struct place *place = *state;
	struct buf told = {0};
	struct err err = ERR_INIT;

	assert_int_equal(put_some(place, "a", "x", place->now, 10, NULL), 0);
	assert_int_equal(put_some(place, "b", "y", place->now, 10, NULL), 0);
	seal(place);
	assert_int_equal(put_some(place, "b", "z", place->now, 10, NULL), 0);
	assert_int_equal(store_log_group_retain(place->events, STR("g"), 7, NULL, NULL), 0);
	struct collected before = read_all(place);
	place_close(place);
	assert_int_equal(shell(place, "rm ../../nagare.db*"), 0);
	_cleanup_free_ char *path = mem_printf("%s/nagare.db", place->folder);
	assert_int_equal(store_database_open(&place->database, path, NULL), 0);
	assert_true(store_events_open(&place->events, place->folder, place->database, &err) < 0);
	assert_non_null(strstr(err.hint, "nagare fsck --repair"));
	store_database_close(place->database);
	assert_int_equal(fsck(place, false, &told).unknown, 1);
	assert_non_null(strstr(buf_text(&told), "log group g (logs/000001) is not in the index"));
	assert_int_equal(fsck(place, true, &told).repaired, 1);
	assert_int_equal(fsck(place, false, &told).unknown, 0);
	place_open(place);
	/* Ids too: they have the stream's number. */
	assert_same(place, &before);
	struct store_log_group group = {0};
	assert_int_equal(store_log_group_get(place->events, STR("g"), &group, NULL), 0);
	assert_int_equal(group.retention_days, 7);
	store_log_group_done(&group);
	buf_done(&before.text);
	buf_done(&told);
}

/* ---- many at once ---- */

enum { THREADS = 4, PUTS = 50, EVENTS = 20 };

struct writer {
	struct place *place;
	int number;
};

static void *write_many(void *context)
{
	const struct writer *writer = context;

	for (int i = 0; i < PUTS; i++) {
		char prefix[24];
		snprintf(prefix, sizeof(prefix), "t%d.%d.", writer->number, i);
		/* Times go back and forth. */
		if (put_some(writer->place, writer->number % 2 ? "a" : "b", prefix,
			    writer->place->now + (i * 37) % 100, EVENTS, NULL) < 0)
			abort();
	}
	return NULL;
}

struct keeper {
	struct place *place;
	atomic_bool is_over;
};

/* Seals what there is, over and over, as if days went by. */
static void *keep_on(void *context)
{
	struct keeper *keeper = context;

	while (!keeper->is_over)
		if (store_events_keep(
			    keeper->place->events, keeper->place->now + 2 * DAY_MS, NULL) < 0)
			abort();
	return NULL;
}

struct seen {
	struct collected collected;
	unsigned char *marks; /* thread, put, event */
};

static bool see(void *context, const struct store_log_found *event)
{
	struct seen *seen = context;
	char text[32];
	int thread, put, number;

	snprintf(text, sizeof(text), "%.*s", STR_ARG(event->message));
	if (seen->collected.count == seen->collected.max)
		return false;
	assert_int_equal(sscanf(text, "t%d.%d.%d", &thread, &put, &number), 3);
	unsigned char *mark = &seen->marks[(thread * PUTS + put) * EVENTS + number];
	assert_int_equal(*mark, 0);
	*mark = 1;
	seen->collected.count++;
	return true;
}

static void test_following_while_many_write_and_files_are_sealed(void **state)
{
	enum { ALL = THREADS * PUTS * EVENTS };
	struct place *place = *state;
	struct writer writers[THREADS];
	pthread_t threads[THREADS];
	struct seen seen = {.marks = mem_new(ALL, 1)};
	struct keeper keeper = {.place = place};
	pthread_t keeping;
	struct store_log_position position;
	struct store_log_read read = {.group = STR("g"), .end_ms = INT64_MAX};
	bool is_complete;

	for (int i = 0; i < THREADS; i++) {
		writers[i] = (struct writer){place, i};
		assert_int_equal(pthread_create(&threads[i], NULL, write_many, &writers[i]), 0);
	}
	assert_int_equal(pthread_create(&keeping, NULL, keep_on, &keeper), 0);
	int64_t until = clock_mono_ns() + 60 * CLOCK_NS_PER_SECOND;
	while (seen.collected.count < ALL && clock_mono_ns() < until) {
		seen.collected.max = seen.collected.count + 33;
		assert_int_equal(store_log_read(place->events, &read, see, &seen, &position,
					 &is_complete, NULL, NULL),
			0);
		read.from = &position;
		if (is_complete)
			position = (struct store_log_position){
				.low = position.high, .high = UINT64_MAX >> 16};
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	keeper.is_over = true;
	pthread_join(keeping, NULL);
	assert_int_equal(seen.collected.count, ALL);
	struct store_events_counters counters;
	store_events_count(place->events, &counters);
	assert_int_equal(counters.puts, THREADS * PUTS);
	assert_int_equal(counters.events, ALL);
	assert_true(counters.syncs <= counters.puts);
	assert_true(counters.sealed > 0);
	free(seen.marks);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_sealing_broken_off),
		TEST(test_cut_off_tails),
		TEST(test_damage_in_a_tail),
		TEST(test_damage_in_a_sealed_file),
		TEST(test_fsck_takes_damage_out),
		TEST(test_fsck_makes_the_index_anew),
		TEST(test_following_while_many_write_and_files_are_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
