/* What survives: kill -9 under load, a full disk, an index that is gone, files that were touched.
 */
#include "store/objects_test_help.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ---- kill -9 ---- */

/* Each thread writes its keys over and over: "THREAD KEY ROUND" repeated to a length of its own,
 * and notes in shared memory what was acknowledged. */
enum { WRITERS = 6, KEYS = 5, KILLS = 15 };

struct noted {
	_Atomic int acknowledged[WRITERS][KEYS]; /* round; 0: none; negative: deleted in round */
	_Atomic int tried[WRITERS][KEYS];
};

struct writer {
	struct place *place;
	struct noted *noted;
	int thread, round;
};

static void fill(struct buf *bytes, int thread, int key, int round)
{
	/* Some larger than what stays in memory. */
	int lines = key == 4 ? 40000 : 1 + (round * 7 + key) % 300;

	bytes->n = 0;
	for (int i = 0; i < lines; i++)
		buf_printf(bytes, "%d %d %d\n", thread, key, round);
}

static void *write_for_ever(void *context)
{
	struct writer *writer = context;
	_cleanup_buf_ struct buf bytes = {0};

	for (int round = writer->round;; round++) {
		for (int key = 0; key < KEYS; key++) {
			struct store_object object = {0};
			char name[32];
			snprintf(name, sizeof(name), "t%d/k%d%s", writer->thread, key,
				key == 3 ? "/" : "");
			writer->noted->tried[writer->thread][key] = round;
			if (round % 5 == 4) {
				delete_object(writer->place, name, "");
				writer->noted->acknowledged[writer->thread][key] = -round;
				continue;
			}
			fill(&bytes, writer->thread, key, round);
			if (put_with(writer->place, str_from(name), buf_str(&bytes), NULL, &object,
				    NULL) == 0)
				writer->noted->acknowledged[writer->thread][key] = round;
		}
	}
	return NULL;
}

static void write_until_killed(struct place *place, struct noted *noted, int round)
{
	struct writer writers[WRITERS];
	pthread_t thread;

	place_open(place);
	for (int i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){place, noted, i, round};
		pthread_create(&thread, NULL, write_for_ever, &writers[i]);
	}
	pause();
	_exit(1);
}

/* The object is what was acknowledged, or what was being tried. */
static void check_key(struct place *place, struct noted *noted, int thread, int key)
{
	int acknowledged = noted->acknowledged[thread][key], tried = noted->tried[thread][key];
	_cleanup_buf_ struct buf bytes = {0};
	enum aws_error_code code;
	char name[32];

	snprintf(name, sizeof(name), "t%d/k%d%s", thread, key, key == 3 ? "/" : "");
	_cleanup_free_ char *text = get(place, name, "", &code);
	if (!text) {
		assert_int_equal(code, AWS_ERROR_NO_SUCH_KEY);
		assert_true(acknowledged <= 0 || tried % 5 == 4);
		noted->acknowledged[thread][key] = 0;
		return;
	}
	int round = -1;
	sscanf(text, "%*d %*d %d", &round);
	if (round != tried && round != acknowledged)
		fail_msg("%s is of round %d; %d was acknowledged, %d tried", name, round,
			acknowledged, tried);
	fill(&bytes, thread, key, round);
	assert_string_equal(text, buf_text(&bytes));
	noted->acknowledged[thread][key] = round; /* what the next run must keep */
}

static void nothing_found(void *context, const char *finding)
{
	*(int *)context += 1;
	fprintf(stderr, "%s\n", finding);
}

static struct store_fsck_report fsck(struct place *place, bool repair, int *ret_findings)
{
	int findings = 0;
	struct store_fsck_options options = {.repair = repair,
		.read_objects = true,
		.told = nothing_found,
		.context = &findings};
	struct store_fsck_report report = {0};
	struct err err = ERR_INIT;

	place_close(place);
	if (store_fsck(place->folder, &options, &report, &err) < 0)
		fail_msg("%s", err.message);
	place_open(place);
	if (ret_findings)
		*ret_findings = findings;
	return report;
}

static void kill_at_random(struct place *place)
{
	struct noted *noted = mmap(
		NULL, sizeof(*noted), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned seed = (unsigned)getpid();
	int findings;

	assert_true(noted != MAP_FAILED);
	for (int i = 0; i < KILLS; i++) {
		place_close(place);
		pid_t child = fork();
		if (child == 0)
			write_until_killed(place, noted, 1 + i * 100000);
		usleep(30000 + (unsigned)rand_r(&seed) % 150000);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
		place_open(place);
		for (int thread = 0; thread < WRITERS; thread++)
			for (int key = 0; key < KEYS; key++)
				check_key(place, noted, thread, key);
		assert_int_equal(place_shell(place, "test -z \"$(ls -A incoming)\""), 0);
	}
	fsck(place, false, &findings);
	assert_int_equal(findings, 0);
	munmap(noted, sizeof(*noted));
}

static void kill_without_versioning(void **state)
{
	kill_at_random(*state);
}

static void kill_with_versioning(void **state)
{
	struct place *place = *state;

	store_bucket_set_versioning(
		place->objects, STR("logs"), STORE_VERSIONING_ENABLED, NULL, NULL);
	kill_at_random(place);
}

/* What a file system may have made of files that were not synchronised when the power went. */
static void small_objects_survive_their_files(void **state)
{
	struct place *place = *state;

	place_close(place);
	pid_t child = fork();
	if (child == 0) {
		place_open(place);
		for (int round = 0; round < 2; round++) {
			put(place, "lost", "lost", NULL);
			put(place, "d/empty", "now empty", NULL);
			put(place, "zeros", "now zeros", NULL);
			put(place, "not renamed", "not renamed", NULL);
			put(place, "whole", "whole", NULL);
			put(place, "deleted", "deleted", NULL);
			put(place, "nothing", "", NULL);
		}
		delete_object(place, "deleted", "");
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(
		place_shell(place, "cd buckets/logs && rm lost nothing && : > d/empty &&"
				   " head -c 9 /dev/zero > zeros && touch -r whole zeros &&"
				   " mv 'not renamed' ../../incoming/0000000000000001 &&"
				   " echo back > deleted"),
		0);
	place_open(place);
	check_object(place, "lost", "", "lost");
	check_object(place, "d/empty", "", "now empty");
	check_object(place, "zeros", "", "now zeros");
	check_object(place, "not renamed", "", "not renamed");
	check_object(place, "whole", "", "whole");
	check_object(place, "nothing", "", "");
	check_none(place, "deleted", "", AWS_ERROR_NO_SUCH_KEY);
	assert_int_equal(place_shell(place, "test -z \"$(ls -A incoming)\""), 0);
	assert_int_equal(place_shell(place, "test ! -e buckets/logs/deleted"), 0);
	int findings;
	fsck(place, false, &findings);
	assert_int_equal(findings, 0);
}

/* ---- a full disk ---- */

static void a_full_disk_leaves_nothing_half(void **state)
{
	struct place place = {0};
	struct store_object object = {0};
	struct aws_error error = {0};
	struct store_upload upload = {.key = STR("u")};
	_cleanup_buf_ struct buf bytes = {0};
	int stored = 0;

	snprintf(place.folder, sizeof(place.folder), "/tmp/nagare-objects-full-XXXXXX");
	assert_non_null(mkdtemp(place.folder));
	if (mount("nagare", place.folder, "tmpfs", 0, "size=2m") < 0) {
		rmdir(place.folder);
		skip();
	}
	place_open(&place);
	assert_int_equal(
		store_bucket_create(place.objects, STR("logs"), STR("r"), STR("o"), NULL, NULL), 0);
	put(&place, "kept", "kept", NULL);
	for (int i = 0; i < 40000; i++)
		buf_add_char(&bytes, (char)('a' + i % 26));
	for (; stored < 100; stored++) {
		char key[16];
		snprintf(key, sizeof(key), "f/%d", stored);
		if (put_with(&place, str_from(key), buf_str(&bytes), NULL, &object, &error) < 0)
			break;
	}
	assert_true(stored > 5 && stored < 100);
	assert_int_equal(error.code, AWS_ERROR_SERVICE_UNAVAILABLE);
	assert_int_equal(aws_error_status(error.code), 503);
	/* Overwriting what is there fails too, and leaves it. */
	assert_true(put_with(&place, STR("kept"), buf_str(&bytes), NULL, &object, &error) < 0);
	check_object(&place, "kept", "", "kept");
	/* Room is asked for before the first byte. */
	struct store_draft *draft = NULL;
	error.code = AWS_ERROR_NONE;
	assert_true(store_draft_new(place.objects, &draft, 1 << 30, &error, NULL) < 0);
	assert_int_equal(error.code, AWS_ERROR_SERVICE_UNAVAILABLE);
	for (int i = 0; i < stored; i++) {
		char key[16];
		snprintf(key, sizeof(key), "f/%d", i);
		check_object(&place, key, "", buf_text(&bytes));
	}
	assert_int_equal(place_shell(&place, "test -z \"$(ls -A incoming)\""), 0);
	/* There is room again after a deletion. */
	for (int i = 0; i < stored; i++) {
		char key[16];
		snprintf(key, sizeof(key), "f/%d", i);
		delete_object(&place, key, "");
	}
	assert_int_equal(put_with(&place, STR("again"), buf_str(&bytes), NULL, &object, &error), 0);
	/* Completing needs the room of the whole. */
	assert_int_equal(store_upload_create(place.objects, STR("logs"), &upload, NULL, NULL), 0);
	struct store_part part = {.number = 1};
	assert_int_equal(store_draft_new(place.objects, &draft, 700000, &error, NULL), 0);
	for (int i = 0; i < 17; i++)
		assert_int_equal(store_draft_add(draft, buf_str(&bytes), &error, NULL), 0);
	assert_int_equal(store_part_put(place.objects, STR("logs"), upload.key, str_from(upload.id),
				 draft, &part, &error, NULL),
		0);
	store_draft_free(draft);
	struct store_object completed;
	error.code = AWS_ERROR_NONE;
	assert_true(
		store_upload_complete(place.objects, STR("logs"), upload.key, str_from(upload.id),
			&part, 1, NULL, NULL, &completed, &error, NULL) < 0);
	assert_int_equal(error.code, AWS_ERROR_SERVICE_UNAVAILABLE);
	check_none(&place, "u", "", AWS_ERROR_NO_SUCH_KEY);
	delete_object(&place, "again", "");
	place_close(&place);
	umount(place.folder);
	rmdir(place.folder);
}

struct hog {
	char path[128];
	_Atomic bool is_over;
};

/* Takes each block that becomes free, at once. */
static void *take_all(void *context)
{
	struct hog *hog = context;
	static const char block[4096];
	int fd = open(hog->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	while (!hog->is_over)
		if (write(fd, block, sizeof(block)) < 0)
			sched_yield();
	close(fd);
	return NULL;
}

static void deletions_have_room_when_others_take_it_all(void **state)
{
	enum { OBJECTS = 40 };
	struct place place = {0};
	struct hog hog = {0};
	pthread_t thread;

	snprintf(place.folder, sizeof(place.folder), "/tmp/nagare-objects-full-XXXXXX");
	assert_non_null(mkdtemp(place.folder));
	if (mount("nagare", place.folder, "tmpfs", 0, "size=16m") < 0) {
		rmdir(place.folder);
		skip();
	}
	place_open(&place);
	assert_int_equal(
		store_bucket_create(place.objects, STR("logs"), STR("r"), STR("o"), NULL, NULL), 0);
	for (int i = 0; i < OBJECTS; i++) {
		char key[16];
		snprintf(key, sizeof(key), "o/%d", i);
		put(&place, key, "bytes", NULL);
	}
	snprintf(hog.path, sizeof(hog.path), "%s/hog", place.folder);
	assert_int_equal(pthread_create(&thread, NULL, take_all, &hog), 0);
	usleep(200000);
	for (int i = 0; i < OBJECTS; i++) {
		char key[16];
		snprintf(key, sizeof(key), "o/%d", i);
		delete_object(&place, key, "");
		check_none(&place, key, "", AWS_ERROR_NO_SUCH_KEY);
	}
	hog.is_over = true;
	pthread_join(thread, NULL);
	assert_int_equal(unlink(hog.path), 0);
	place_close(&place);
	umount(place.folder);
	rmdir(place.folder);
}

/* ---- fsck ---- */

/* The index as text, but for the numbers of buckets. */
static char *dump(struct place *place)
{
	struct buf text = {0};
	char line[4096];
	_cleanup_free_ char *command = mem_printf(
		"sqlite3 %s/" STORE_INDEX_NAME " \"SELECT b.name, o.key, o.stamp, o.size,"
		" o.flags & 1, o.version, hex(o.meta) FROM objects o JOIN buckets b ON b.id ="
		" o.bucket ORDER BY 1, 2, 3; SELECT * FROM object_parts; SELECT name, region,"
		" owner, created, versioning FROM buckets ORDER BY 1; SELECT b.name, c.name,"
		" hex(text) FROM bucket_configs c JOIN buckets b ON b.id = c.bucket ORDER BY 1,"
		" 2;\"",
		place->folder);
	FILE *output = popen(command, "r");

	while (output && fgets(line, sizeof(line), output))
		buf_add_text(&text, line);
	if (output)
		pclose(output);
	buf_text(&text);
	return text.p;
}

static void make_things(struct place *place)
{
	struct store_upload upload = {.key = STR("multi"), .algorithm = AWS_CHECKSUM_CRC32C};
	_cleanup_(store_draft_freep) struct store_draft *draft = NULL;
	struct store_part part = {.number = 3};
	struct store_object object = {0};
	char tags[3000], version[STORE_VERSION_MAX];

	put(place, "a", "a", NULL);
	put(place, "a/b", "a/b", NULL);
	store_bucket_set_versioning(
		place->objects, STR("logs"), STORE_VERSIONING_ENABLED, NULL, NULL);
	put(place, "a", "newer", NULL);
	put(place, "deleted", "x", NULL);
	delete_object(place, "deleted", "");
	put(place, "dir/", "", NULL);
	memset(tags, 't', sizeof(tags));
	store_object_annotate(place->objects, STR("logs"), STR("a/b"), STR(""),
		(struct str){tags, sizeof(tags)}, STR_NONE, version, NULL, NULL);
	store_config_put(
		place->objects, STR("logs"), STR("policy"), STR("{\"a\":\n1}"), NULL, NULL);
	store_config_put(place->objects, STR("logs"), STR("cors"), STR(""), NULL, NULL);
	store_bucket_create(place->objects, STR("empty"), STR("eu-west-1"), STR("4"), NULL, NULL);
	assert_int_equal(store_upload_create(place->objects, STR("logs"), &upload, NULL, NULL), 0);
	assert_int_equal(store_draft_new(place->objects, &draft, 5, NULL, NULL), 0);
	store_draft_hash(draft, AWS_CHECKSUM_CRC32C);
	assert_int_equal(store_draft_add(draft, STR("parts"), NULL, NULL), 0);
	assert_int_equal(store_part_put(place->objects, STR("logs"), upload.key,
				 str_from(upload.id), draft, &part, NULL, NULL),
		0);
	assert_int_equal(store_upload_complete(place->objects, STR("logs"), upload.key,
				 str_from(upload.id), &part, 1, NULL, NULL, &object, NULL, NULL),
		0);
	store_object_done(&object);
}

static void the_index_is_made_anew(void **state)
{
	struct place *place = *state;
	struct store_objects *refused = NULL;
	int findings;

	make_things(place);
	assert_int_equal(fsck(place, false, &findings).objects, 7);
	assert_int_equal(findings, 0);
	_cleanup_free_ char *before = dump(place);
	place_close(place);
	assert_int_equal(place_shell(place, "rm " STORE_INDEX_NAME "*"), 0);
	/* A server does not start over it, and so cannot throw anything away. */
	char path[128];
	struct err err = ERR_INIT;
	snprintf(path, sizeof(path), "%s/" STORE_INDEX_NAME, place->folder);
	assert_int_equal(store_database_open(&place->database, path, NULL), 0);
	assert_true(store_objects_open(&refused, place->folder, place->database, &err) < 0);
	assert_non_null(strstr(err.hint, "fsck"));
	assert_true(fsck(place, true, NULL).repaired > 5);
	_cleanup_free_ char *after = dump(place);
	assert_string_equal(before, after);
	assert_true(strlen(before) > 500);
	check_object(place, "a", "", "newer");
	check_object(place, "a", "null", "a");
	fsck(place, true, &findings);
	assert_int_equal(findings, 0);
	/* Damaged instead of gone. */
	place_close(place);
	assert_int_equal(
		place_shell(place, "head -c 30000 /dev/zero | tr '\\0' x > " STORE_INDEX_NAME), 0);
	place->objects = NULL;
	fsck(place, true, NULL);
	_cleanup_free_ char *again = dump(place);
	assert_string_equal(before, again);
	assert_int_equal(place_shell(place, "test -f damaged/" STORE_INDEX_NAME), 0);
}

/* fsck broken off: some rows of a new index, and what says so. */
static void half_an_index_is_finished(void **state)
{
	struct place *place = *state;
	struct store_objects *refused = NULL;
	struct err err = ERR_INIT;
	int findings;

	make_things(place);
	_cleanup_free_ char *before = dump(place);
	place_close(place);
	assert_int_equal(
		place_shell(place, "sqlite3 " STORE_INDEX_NAME
				   " \"DELETE FROM objects WHERE key IN ('a/b', 'multi') OR version"
				   " <> 'null'; DELETE FROM object_parts\" && touch rebuilding"),
		0);
	char path[128];
	snprintf(path, sizeof(path), "%s/" STORE_INDEX_NAME, place->folder);
	assert_int_equal(store_database_open(&place->database, path, NULL), 0);
	assert_true(store_objects_open(&refused, place->folder, place->database, &err) < 0);
	assert_non_null(strstr(err.message, "not whole"));
	assert_non_null(strstr(err.hint, "fsck --repair"));
	fsck(place, true, NULL);
	_cleanup_free_ char *after = dump(place);
	assert_string_equal(before, after);
	fsck(place, false, &findings);
	assert_int_equal(findings, 0);
	assert_int_equal(place_shell(place, "test ! -e rebuilding && test ! -e damaged"), 0);
}

static void what_was_touched_is_told_and_mended(void **state)
{
	struct place *place = *state;
	struct store_fsck_report report;
	int findings;

	put(place, "same", "same", NULL);
	put(place, "short", "short", NULL);
	put(place, "changed", "changed", NULL);
	put(place, "gone/x", "gone", NULL);
	assert_int_equal(
		place_shell(place,
			"cd buckets/logs && truncate -s 3 short && printf CHANGED > changed &&"
			" rm -r gone && touch same && echo new > put && echo x > 'a%%zz' &&"
			" mkdir -p only/folders"),
		0);
	check_object(place, "same", "", "same"); /* its time does not matter */
	report = fsck(place, false, &findings);
	assert_int_equal(report.wrong_size, 1);
	assert_int_equal(report.wrong_digest, 1);
	assert_int_equal(report.missing_files, 1);
	assert_int_equal(report.unknown_files, 2);
	assert_int_equal(report.repaired, 0);
	check_object(place, "changed", "", "CHANGED"); /* told only */
	report = fsck(place, true, &findings);
	assert_true(report.repaired >= 4);
	check_none(place, "short", "", AWS_ERROR_NO_SUCH_KEY);
	check_none(place, "changed", "", AWS_ERROR_NO_SUCH_KEY);
	check_none(place, "gone/x", "", AWS_ERROR_NO_SUCH_KEY);
	check_object(place, "put", "", "new\n");
	check_object(place, "same", "", "same");
	assert_int_equal(place_shell(place, "test \"$(cat damaged/* | wc -c)\" = 10"), 0);
	assert_int_equal(place_shell(place, "test ! -e buckets/logs/only"), 0);
	fsck(place, false, &findings);
	assert_int_equal(findings, 1); /* a%zz is no name of ours */
}

static void only_one_at_a_time(void **state)
{
	struct place *place = *state;
	struct store_objects *second = NULL;
	struct store_fsck_options options = {.repair = true};
	struct store_fsck_report report;
	struct err err = ERR_INIT;

	assert_true(store_objects_open(&second, place->folder, place->database, &err) < 0);
	assert_non_null(strstr(err.message, "in use"));
	assert_true(store_fsck(place->folder, &options, &report, &err) < 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, place_setup, place_teardown)
	const struct CMUnitTest tests[] = {
		TEST(kill_without_versioning),
		TEST(kill_with_versioning),
		TEST(small_objects_survive_their_files),
		cmocka_unit_test(a_full_disk_leaves_nothing_half),
		cmocka_unit_test(deletions_have_room_when_others_take_it_all),
		TEST(the_index_is_made_anew),
		TEST(half_an_index_is_finished),
		TEST(what_was_touched_is_told_and_mended),
		TEST(only_one_at_a_time),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
