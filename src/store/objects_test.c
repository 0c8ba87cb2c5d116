#include "store/objects_test_help.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

static void what_was_put_is_given_back(void **state)
{
	struct place *place = *state;
	struct store_object object = {.headers = {.content_type = STR("text/plain"),
					      .cache_control = STR("no-store"),
					      .user = STR("name:value\nother:x\n")},
		.tags = STR("a=b&c=d"),
		.acl = STR("<acl/>")};
	_cleanup_(store_draft_freep) struct store_draft *draft = NULL;
	struct aws_checksum_value checksum;
	uint8_t md5[AWS_MD5_SIZE];
	int64_t size;

	/* openssl md5; printf 'hello, world' | gzip -c | tail -c8 for the CRC */
	assert_int_equal(store_draft_new(place->objects, &draft, -1, NULL, NULL), 0);
	store_draft_hash(draft, AWS_CHECKSUM_CRC32);
	assert_int_equal(store_draft_add(draft, STR("hello, "), NULL, NULL), 0);
	assert_int_equal(store_draft_add(draft, STR("world"), NULL, NULL), 0);
	store_draft_finish(draft, md5, &checksum, &size);
	assert_int_equal(size, 12);
	assert_int_equal(store_object_put(place->objects, STR("logs"), STR("a/b.txt"), draft, NULL,
				 &object, NULL, NULL),
		0);
	assert_string_equal(object.version, "");
	for (int i = 0; i < 2; i++) {
		_cleanup_(store_object_done) struct store_object found = {0};
		assert_int_equal(store_object_get(place->objects, STR("logs"), STR("a/b.txt"),
					 STR(""), &found, NULL, NULL, NULL),
			0);
		assert_string_equal(found.etag, "e4d7f1b4ed2e42d15898f4b27b019da4");
		assert_int_equal(found.size, 12);
		assert_int_equal(found.modified_ms, object.modified_ms);
		assert_int_equal(found.checksum.algorithm, AWS_CHECKSUM_CRC32);
		assert_memory_equal(found.checksum.bytes, "\xff\xab\x72\x3a", 4);
		assert_true(str_equal(found.headers.content_type, STR("text/plain")));
		assert_true(str_equal(found.headers.cache_control, STR("no-store")));
		assert_true(str_equal(found.headers.user, STR("name:value\nother:x\n")));
		assert_true(str_equal(found.tags, STR("a=b&c=d")));
		assert_true(str_equal(found.acl, STR("<acl/>")));
		assert_true(found.is_latest);
		check_object(place, "a/b.txt", "", "hello, world");
		place_close(place);
		place_open(place);
	}
	/* A plain file, readable without us. */
	assert_int_equal(
		place_shell(place, "test \"$(cat buckets/logs/a/b.txt)\" = 'hello, world'"), 0);
	assert_int_equal(place_shell(place, "test -z \"$(ls incoming)\""), 0);
}

static void replacing_and_deleting(void **state)
{
	struct place *place = *state;
	_cleanup_(store_object_done) struct store_object object = {0};
	_cleanup_close_ int fd = -1;
	char text[8] = {0};

	put(place, "x/y/z", "one", NULL);
	assert_int_equal(store_object_get(place->objects, STR("logs"), STR("x/y/z"), STR(""),
				 &object, &fd, NULL, NULL),
		0);
	put(place, "x/y/z", "two", NULL);
	check_object(place, "x/y/z", "", "two");
	assert_false(delete_object(place, "x/y/z", "").is_delete_marker);
	check_none(place, "x/y/z", "", AWS_ERROR_NO_SUCH_KEY);
	delete_object(place, "x/y/z", ""); /* no error */
	assert_int_equal(read(fd, text, sizeof(text)), 3);
	assert_string_equal(text, "one"); /* whoever reads goes on reading */
	assert_int_equal(place_shell(place, "test ! -e buckets/logs/x"), 0);
	check_none(place, "x/y", "", AWS_ERROR_NO_SUCH_KEY);
}

static void keys_that_are_no_file_names(void **state)
{
	struct place *place = *state;
	static const char *const keys[] = {"a", "a/b", "a/", "a//b", "a//", "/", "//", "/a", ".",
		"..", "../x", "a/../b", "a/./b", "./..", "50%", "%41", "a%", "a%v/b", "a%v",
		"a%+/b", "%-", "A", "x\x01\n\x7fy", "caf\xc3\xa9",
		"\xe6\xb5\x81\xe3\x82\x8c/\xf0\x9f\x8c\x8a", "a/b/c/d/e", "a/b/c", "back\\slash",
		"-rf", " ", "a b", "...", ".hidden", "a/b%/c", "a/%2F/b"};
	char longs[6][STORE_KEY_MAX + 1];

	memset(longs, 0, sizeof(longs));
	memset(longs[0], 'l', STORE_KEY_MAX);
	memset(longs[1], '/', STORE_KEY_MAX);
	memset(longs[2], '%', STORE_KEY_MAX);
	memset(longs[3], 'm', 240);
	memset(longs[4], 'm', 241);
	memset(longs[5], '\x1f', STORE_KEY_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		put(place, keys[i], keys[i], NULL);
	for (size_t i = 0; i < ARRAY_SIZE(longs); i++)
		put(place, longs[i], longs[i], NULL);
	put(place, "a", "a again", NULL);
	for (size_t i = 1; i < ARRAY_SIZE(keys); i++)
		check_object(place, keys[i], "", keys[i]);
	for (size_t i = 0; i < ARRAY_SIZE(longs); i++)
		check_object(place, longs[i], "", longs[i]);
	check_object(place, "a", "", "a again");
	/* Nothing is outside, whatever the key. */
	assert_int_equal(place_shell(place, "test \"$(ls buckets)\" = logs"), 0);
	assert_int_equal(
		place_shell(place, "test -f buckets/logs/a%% && test -d buckets/logs/a"), 0);
	check_none(place, "a/b/c/d", "", AWS_ERROR_NO_SUCH_KEY);
	check_none(place, "A/b", "", AWS_ERROR_NO_SUCH_KEY);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		delete_object(place, keys[i], "");
	for (size_t i = 0; i < ARRAY_SIZE(longs); i++)
		delete_object(place, longs[i], "");
	assert_int_equal(place_shell(place, "test -z \"$(ls -A buckets/logs)\""), 0);
}

static void keys_that_are_refused(void **state)
{
	struct place *place = *state;
	char key[STORE_KEY_MAX + 1];
	struct store_object object = {0};
	struct aws_error error = {0};

	memset(key, 'k', sizeof(key));
	assert_true(put_with(place, (struct str){key, sizeof(key)}, STR("x"), NULL, &object,
			    &error) < 0);
	assert_int_equal(error.code, AWS_ERROR_KEY_TOO_LONG);
	assert_true(put_with(place, STR("a\0b"), STR("x"), NULL, &object, &error) < 0);
	assert_int_equal(error.code, AWS_ERROR_INVALID_ARGUMENT);
	assert_true(put_with(place, STR(""), STR("x"), NULL, &object, &error) < 0);
	assert_int_equal(place_shell(place, "test -z \"$(ls -A buckets/logs incoming)\" ||"
					    " test -z \"$(ls -A buckets/logs)\""),
		0);
}

static void symbolic_links_are_not_followed(void **state)
{
	struct place *place = *state;

	put(place, "in/file", "x", NULL);
	assert_int_equal(place_shell(place, "mkdir outside && echo secret > outside/f &&"
					    " ln -s ../../outside buckets/logs/link"),
		0);
	put(place, "link/f", "mine", NULL);
	check_object(place, "link/f", "", "mine");
	assert_int_equal(place_shell(place, "test \"$(cat outside/f)\" = secret"), 0);
	assert_int_equal(place_shell(place, "rm buckets/logs/in/file &&"
					    " ln -s ../../../outside/f buckets/logs/in/file"),
		0);
	check_none(place, "in/file", "", AWS_ERROR_INTERNAL_ERROR);
}

static void versions(void **state)
{
	struct place *place = *state;
	char one[STORE_VERSION_MAX], two[STORE_VERSION_MAX], three[STORE_VERSION_MAX];

	put(place, "k", "null", NULL);
	assert_int_equal(store_bucket_set_versioning(
				 place->objects, STR("logs"), STORE_VERSIONING_ENABLED, NULL, NULL),
		0);
	put(place, "k", "one", one);
	put(place, "k", "two", two);
	assert_int_equal(strlen(one), STORE_VERSION_MAX - 1);
	check_object(place, "k", "", "two");
	check_object(place, "k", one, "one");
	check_object(place, "k", "null", "null");
	/* A marker hides; deleting it shows again. */
	struct store_deleted marker = delete_object(place, "k", "");
	assert_true(marker.is_delete_marker);
	check_none(place, "k", "", AWS_ERROR_NO_SUCH_KEY);
	check_none(place, "k", marker.version, AWS_ERROR_METHOD_NOT_ALLOWED);
	check_object(place, "k", two, "two");
	check_list(place, (struct store_list_options){.versions = true}, "k*! k k k");
	check_list(place, (struct store_list_options){0}, "");
	struct store_deleted again = delete_object(place, "k", marker.version);
	assert_true(again.is_delete_marker);
	assert_string_equal(again.version, marker.version);
	check_object(place, "k", "", "two");
	/* Deleting the latest shows the one before. */
	assert_false(delete_object(place, "k", two).is_delete_marker);
	check_object(place, "k", "", "one");
	check_none(place, "k", two, AWS_ERROR_NO_SUCH_VERSION);
	/* Suspended: "null" is replaced, others stay. */
	assert_int_equal(store_bucket_set_versioning(place->objects, STR("logs"),
				 STORE_VERSIONING_SUSPENDED, NULL, NULL),
		0);
	put(place, "k", "new null", three);
	assert_string_equal(three, "null");
	check_object(place, "k", "", "new null");
	check_object(place, "k", "null", "new null");
	check_object(place, "k", one, "one");
	put(place, "k", "newer null", NULL);
	check_list(place, (struct store_list_options){.versions = true}, "k* k");
	marker = delete_object(place, "k", "");
	assert_string_equal(marker.version, "null");
	assert_true(marker.is_delete_marker);
	check_list(place, (struct store_list_options){.versions = true}, "k*! k");
	check_none(place, "k", "null", AWS_ERROR_METHOD_NOT_ALLOWED);
	put(place, "k", "null again", NULL);
	check_list(place, (struct store_list_options){.versions = true}, "k* k");
	delete_object(place, "k", "null");
	check_object(place, "k", "", "one");
	delete_object(place, "k", one);
	check_none(place, "k", "", AWS_ERROR_NO_SUCH_KEY);
	assert_int_equal(place_shell(place, "test -z \"$(ls -A buckets/logs)\""), 0);
}

static void conditions(void **state)
{
	struct place *place = *state;
	struct store_object object = {0};
	struct aws_error error = {0};
	struct store_condition absent = {.if_none_match = STR("*")};
	struct store_condition same = {.if_match = STR("\"f97c5d29941bfb1b2fdab0874906ab82\"")};
	struct store_deleted deleted;

	/* printf one | md5sum */
	assert_true(put_with(place, STR("c"), STR("x"), &same, &object, &error) < 0);
	assert_int_equal(error.code, AWS_ERROR_NO_SUCH_KEY);
	assert_int_equal(put_with(place, STR("c"), STR("one"), &absent, &object, &error), 0);
	assert_true(put_with(place, STR("c"), STR("two"), &absent, &object, &error) < 0);
	assert_int_equal(error.code, AWS_ERROR_PRECONDITION_FAILED);
	check_object(place, "c", "", "one");
	assert_int_equal(put_with(place, STR("c"), STR("two"), &same, &object, &error), 0);
	assert_true(put_with(place, STR("c"), STR("three"), &same, &object, &error) < 0);
	assert_int_equal(error.code, AWS_ERROR_PRECONDITION_FAILED);
	assert_true(store_object_delete(place->objects, STR("logs"), STR("c"), STR(""), &same,
			    &deleted, &error, NULL) < 0);
	check_object(place, "c", "", "two");
	same.if_match = STR("b8a9f715dbb64fd5c56e7783c6820a61");
	assert_int_equal(store_object_delete(place->objects, STR("logs"), STR("c"), STR(""), &same,
				 &deleted, &error, NULL),
		0);
}

struct racer {
	struct place *place;
	int won;
};

static void *race(void *context)
{
	struct racer *racer = context;
	struct store_condition absent = {.if_none_match = STR("*")};

	for (int i = 0; i < 50; i++) {
		struct store_object object = {0};
		char key[16];
		snprintf(key, sizeof(key), "race/%d", i);
		racer->won += put_with(racer->place, str_from(key), STR("x"), &absent, &object,
				      NULL) == 0;
	}
	return NULL;
}

static void one_of_many_conditional_writers_wins(void **state)
{
	struct racer racers[8];
	pthread_t threads[8];
	int won = 0;

	for (int i = 0; i < 8; i++) {
		racers[i] = (struct racer){.place = *state};
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		won += racers[i].won;
	}
	assert_int_equal(won, 50);
}

static void annotations(void **state)
{
	struct place *place = *state;
	char version[STORE_VERSION_MAX], tags[4000];
	struct aws_error error = {0};

	put(place, "t", "text", NULL);
	memset(tags, 't', sizeof(tags));
	const struct str long_tags = {tags, sizeof(tags)}; /* too long for an attribute */
	const struct str values[] = {STR("a=1"), long_tags, STR("")};
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		_cleanup_(store_object_done) struct store_object object = {0};
		assert_int_equal(store_object_annotate(place->objects, STR("logs"), STR("t"),
					 STR(""), values[i], STR_NONE, version, &error, NULL),
			0);
		assert_string_equal(version, "null");
		assert_int_equal(store_object_get(place->objects, STR("logs"), STR("t"), STR(""),
					 &object, NULL, NULL, NULL),
			0);
		assert_true(str_equal(object.tags, values[i]));
	}
	check_object(place, "t", "", "text");
	assert_true(store_object_annotate(place->objects, STR("logs"), STR("none"), STR(""),
			    STR("a=1"), STR_NONE, version, &error, NULL) < 0);
	assert_int_equal(error.code, AWS_ERROR_NO_SUCH_KEY);
	delete_object(place, "t", "");
	assert_int_equal(place_shell(place, "test -z \"$(ls -A sidecars)\""), 0);
}

static void listing(void **state)
{
	struct place *place = *state;
	static const char *const keys[] = {"a", "a/1", "a/2", "a0", "b/x/1", "b/x/2", "b/y", "c",
		"\xc3\xa9", "\xf0\x9f\x8c\x8a"};
	const struct str slash = STR("/");

	for (size_t i = ARRAY_SIZE(keys); i-- > 0;)
		put(place, keys[i], "x", NULL);
	check_list(place, (struct store_list_options){0},
		"a a/1 a/2 a0 b/x/1 b/x/2 b/y c \xc3\xa9 \xf0\x9f\x8c\x8a");
	check_list(place, (struct store_list_options){.delimiter = slash},
		"a a/ a0 b/ c \xc3\xa9 \xf0\x9f\x8c\x8a");
	check_list(place, (struct store_list_options){.delimiter = slash, .max = 2}, "a a/ ...a/");
	check_list(place,
		(struct store_list_options){.delimiter = slash, .after = STR("a/"), .max = 2},
		"a0 b/ ...b/");
	check_list(place, (struct store_list_options){.delimiter = slash, .prefix = STR("b/")},
		"b/x/ b/y");
	check_list(place, (struct store_list_options){.prefix = STR("a/")}, "a/1 a/2");
	check_list(place, (struct store_list_options){.after = STR("a/1"), .prefix = STR("a")},
		"a/2 a0");
	check_list(place, (struct store_list_options){.after = STR("A"), .prefix = STR("c")}, "c");
	check_list(place, (struct store_list_options){.after = STR("d"), .prefix = STR("c")}, "");
	check_list(place, (struct store_list_options){.delimiter = STR("x/"), .prefix = STR("b")},
		"b/x/ b/y");
	check_list(place, (struct store_list_options){.prefix = STR("a/"), .max = 2}, "a/1 a/2");
	check_list(place, (struct store_list_options){.prefix = STR("zz")}, "");
}

static void listing_versions_by_pages(void **state)
{
	struct place *place = *state;
	struct store_list_options options = {.bucket = STR("logs"), .versions = true, .max = 3};
	size_t seen = 0, latest = 0;

	store_bucket_set_versioning(
		place->objects, STR("logs"), STORE_VERSIONING_ENABLED, NULL, NULL);
	for (int i = 0; i < 20; i++)
		put(place, i % 2 ? "v/odd" : "v/even", "x", NULL);
	delete_object(place, "v/odd", "");
	check_list(place, (struct store_list_options){0}, "v/even");
	check_list(
		place, (struct store_list_options){.delimiter = STR("/"), .versions = true}, "v/");
	char key[16], version[STORE_VERSION_MAX];
	for (bool more = true; more;) {
		_cleanup_(store_list_done) struct store_list list = {0};
		assert_int_equal(store_list(place->objects, &options, &list, NULL, NULL), 0);
		seen += list.count;
		for (size_t i = 0; i < list.count; i++)
			latest += list.objects[i].is_latest;
		more = list.is_truncated;
		snprintf(key, sizeof(key), "%.*s", STR_ARG(list.next_key));
		memcpy(version, list.next_version, sizeof(version));
		options.after = str_from(key);
		options.after_version = str_from(version);
	}
	assert_int_equal(seen, 21);
	assert_int_equal(latest, 2);
}

static bool add_name(void *context, const struct store_bucket *bucket)
{
	buf_printf(context, "%.*s ", STR_ARG(bucket->name));
	return true;
}

static void buckets(void **state)
{
	struct place *place = *state;
	struct aws_error error = {0};
	_cleanup_buf_ struct buf names = {0}, text = {0};
	static const char *const bad[] = {"ab", "Upper", "under_score", "a..b", "-ab", "ab-",
		"192.168.0.1", "../x", "a/b", ""};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_true(store_bucket_create(place->objects, str_from(bad[i]), STR("r"),
				    STR("o"), &error, NULL) < 0);
		assert_int_equal(error.code, AWS_ERROR_INVALID_BUCKET_NAME);
	}
	assert_true(store_bucket_create(place->objects, STR("logs"), STR("r"), STR("111122223333"),
			    &error, NULL) < 0);
	assert_int_equal(error.code, AWS_ERROR_BUCKET_ALREADY_OWNED_BY_YOU);
	assert_true(store_bucket_create(
			    place->objects, STR("logs"), STR("r"), STR("other"), &error, NULL) < 0);
	assert_int_equal(error.code, AWS_ERROR_BUCKET_ALREADY_EXISTS);
	assert_int_equal(store_bucket_create(place->objects, STR("bbb"), STR("eu-west-1"),
				 STR("444455556666"), NULL, NULL),
		0);
	assert_int_equal(store_config_put(place->objects, STR("bbb"), STR("policy"), STR("{\n}"),
				 NULL, NULL),
		0);
	place_close(place);
	place_open(place);
	store_bucket_list(place->objects, STR(""), STR(""), add_name, &names, NULL);
	assert_string_equal(buf_text(&names), "bbb logs ");
	struct store_bucket bucket;
	assert_int_equal(store_bucket_get(place->objects, STR("bbb"), &bucket, NULL, NULL), 0);
	assert_true(str_equal(bucket.region, STR("eu-west-1")));
	assert_true(str_equal(bucket.owner, STR("444455556666")));
	store_bucket_done(&bucket);
	assert_int_equal(
		store_config_get(place->objects, STR("bbb"), STR("policy"), &text, NULL, NULL),
		STORE_E_OK);
	assert_true(str_equal(buf_str(&text), STR("{\n}")));
	assert_int_equal(
		store_config_delete(place->objects, STR("bbb"), STR("policy"), NULL, NULL), 0);
	assert_int_equal(
		store_config_get(place->objects, STR("bbb"), STR("policy"), &text, NULL, NULL),
		STORE_E_NO_CONFIG);
	put(place, "k", "x", NULL);
	assert_true(store_bucket_delete(place->objects, STR("logs"), &error, NULL) < 0);
	assert_int_equal(error.code, AWS_ERROR_BUCKET_NOT_EMPTY);
	assert_int_equal(store_bucket_delete(place->objects, STR("bbb"), NULL, NULL), 0);
	assert_true(store_bucket_get(place->objects, STR("bbb"), &bucket, &error, NULL) < 0);
	assert_int_equal(error.code, AWS_ERROR_NO_SUCH_BUCKET);
	assert_int_equal(place_shell(place, "test \"$(ls buckets configs | sort -u | tr -d '\\n')\""
					    " = buckets:configs:logs"),
		0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, place_setup, place_teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_was_put_is_given_back),
		TEST(replacing_and_deleting),
		TEST(keys_that_are_no_file_names),
		TEST(keys_that_are_refused),
		TEST(symbolic_links_are_not_followed),
		TEST(versions),
		TEST(conditions),
		TEST(one_of_many_conditional_writers_wins),
		TEST(annotations),
		TEST(listing),
		TEST(listing_versions_by_pages),
		TEST(buckets),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
