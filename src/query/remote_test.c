/* Listing and fetching against a server of the test's own that answers pages and ranges, breaks
 * off, and changes its mind. */
#include "query/remote_priv.h"

#include "aws/http_test_help.h"
#include "base/clock.h"
#include "base/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define LARGE ((20 << 20) + 5) /* three parts */

struct bucket {
	struct test_server server;
	struct query_remote *remote;
	struct query_objects objects;
	struct prune everything;
	atomic_uint gets, lists, flat_lists;
	unsigned break_every; /* of the GETs, one breaks off */
	bool is_changed, is_silent;
};

static char byte_at(uint64_t at)
{
	return (char)('a' + at / 1000 % 26);
}

static void list_folder(struct test_reply *reply, const char *contents, bool is_more)
{
	_cleanup_free_ char *body = mem_printf(
		"<?xml version=\"1.0\"?>\n<ListBucketResult><IsTruncated>%s</IsTruncated>%s%s"
		"</ListBucketResult>",
		is_more ? "true" : "false", contents,
		is_more ? "<NextContinuationToken>to/k+en=</NextContinuationToken>" : "");

	test_reply_set(reply, 200, "", body);
}

#define CONTENT(key, size)                                                                         \
	"<Contents><Key>" key "</Key><Size>" size "</Size><ETag>&quot;e&quot;</ETag>"              \
	"<LastModified>2026-11-25T00:00:00.000Z</LastModified></Contents>"
#define FOLDER(prefix) "<CommonPrefixes><Prefix>" prefix "</Prefix></CommonPrefixes>"

/* Everything under the root is too much for one page; in 2026/ there is a second page. */
static void answer_list(struct bucket *bucket, struct str query, struct test_reply *reply)
{
	bool is_split = memmem(query.p, query.n, "delimiter=%2F", 13);
	bool is_next = memmem(query.p, query.n, "continuation-token=to%2Fk%2Ben%3D&", 34);

	atomic_fetch_add(&bucket->lists, 1);
	atomic_fetch_add(&bucket->flat_lists, !is_split);
	if (memmem(query.p, query.n, "prefix=2026%2F", 14)) {
		if (!is_split)
			list_folder(reply, "", true);
		else if (!is_next)
			list_folder(reply, CONTENT("2026/b+c.log", "7") CONTENT("2026/x.md", "7"),
				true);
		else
			list_folder(reply, CONTENT("2026/d%C3%A9%26.log", "7"), false);
	} else if (memmem(query.p, query.n, "prefix=large%2F", 15)) {
		list_folder(reply, CONTENT("large/f.log", "20971525"), false);
	} else if (!is_split) {
		list_folder(reply, CONTENT("a.log", "7"), true);
	} else {
		list_folder(reply, CONTENT("a.log", "7") FOLDER("2026/") FOLDER("large/"), false);
	}
}

static void answer_get(
	struct bucket *bucket, const struct test_request *request, struct test_reply *reply)
{
	struct str range = test_request_header(request, "Range"), first;
	unsigned number = atomic_fetch_add(&bucket->gets, 1) + 1;
	uint64_t low = 0, high = 0;

	if (bucket->is_silent) {
		reply->silent_ms = 20000;
		return;
	}
	if (bucket->is_changed ||
		!str_equal(test_request_header(request, "If-Match"), STR("\"e\""))) {
		test_reply_set(reply, 412, "", "<Error><Code>PreconditionFailed</Code></Error>");
		return;
	}
	range = (struct str){range.p + 6, range.n - 6}; /* "bytes=" */
	assert_true(str_split(&range, '-', &first));
	assert_true(
		number_parse(first, UINT64_MAX, &low) && number_parse(range, UINT64_MAX, &high));
	uint64_t n = high - low + 1;
	buf_printf(&reply->text, "HTTP/1.1 206 X\r\nContent-Length: %llu\r\n\r\n",
		(unsigned long long)n);
	char *p = buf_reserve(&reply->text, n);
	for (uint64_t i = 0; i < n; i++)
		p[i] = byte_at(low + i);
	reply->text.n += n;
	if (bucket->break_every && number % bucket->break_every == 0) {
		reply->text.n -= n / 2;
		reply->is_last = true;
	}
}

static void answer(void *context, const struct test_request *request, struct test_reply *reply)
{
	if (request->query.p && memmem(request->query.p, request->query.n, "list-type=2", 11))
		answer_list(context, request->query, reply);
	else
		answer_get(context, request, reply);
}

static void start(struct bucket *bucket)
{
	struct err err = ERR_INIT;

	bucket->server.answer = answer;
	bucket->server.context = bucket;
	test_server_start(&bucket->server);
	prune_init(&bucket->everything);
	const struct query_s3_options options = {
		.endpoint = bucket->server.url, .region = "us-east-1", .no_sign_request = true};
	if (query_remote_new(&bucket->remote, &options, &err) < 0)
		fail_msg("%s", err.message);
}

static void stop(struct bucket *bucket)
{
	query_remote_free(bucket->remote);
	query_objects_done(&bucket->objects);
	prune_done(&bucket->everything);
	test_server_stop(&bucket->server);
}

static void list(struct bucket *bucket, const char *location)
{
	struct err err = ERR_INIT;
	uint64_t left_out = 0;

	if (query_remote_list(bucket->remote, location, &bucket->everything, &bucket->objects,
		    &left_out, &err) < 0)
		fail_msg("%s", err.message);
	query_objects_sort(&bucket->objects);
}

static void pages_and_folders(void **state)
{
	struct bucket bucket = {0};

	start(&bucket);
	list(&bucket, "s3://bucket");
	assert_int_equal(bucket.objects.count, 4);
	assert_string_equal(bucket.objects.object[0].path, "s3://bucket/2026/b c.log");
	assert_string_equal(bucket.objects.object[1].path, "s3://bucket/2026/d\xc3\xa9&.log");
	assert_string_equal(bucket.objects.object[2].path, "s3://bucket/a.log");
	assert_string_equal(bucket.objects.object[3].path, "s3://bucket/large/f.log");
	assert_int_equal(bucket.objects.object[3].size_bytes, LARGE);
	assert_string_equal(bucket.objects.object[3].remote->etag, "\"e\"");
	/* The root flat, then by folders; 2026/ flat, then two pages; large/ at once. */
	assert_int_equal(bucket.lists, 6);
	assert_int_equal(bucket.flat_lists, 3);
	stop(&bucket);
}

static void read_all(const struct query_object *object, struct err *err, uint64_t *ret_read)
{
	_cleanup_(input_closep) struct input *input = NULL;
	struct str bytes;

	*ret_read = 0;
	if (query_remote_open(object, false, &input, err) < 0)
		return;
	while (input_peek(input, 1, &bytes, err) == 0 && bytes.n) {
		for (size_t i = 0; i < bytes.n; i++)
			if (bytes.p[i] != byte_at(*ret_read + i))
				fail_msg("byte %llu", (unsigned long long)(*ret_read + i));
		*ret_read += bytes.n;
		input_skip(input, bytes.n);
	}
}

static void parts_in_order(void **state)
{
	struct bucket bucket = {.break_every = 3};
	struct query_remote_progress progress;
	const struct query_object *planned[1];
	struct err err = ERR_INIT;
	uint64_t read;

	start(&bucket);
	list(&bucket, "s3://bucket/large/");
	planned[0] = &bucket.objects.object[0];
	query_remote_plan(bucket.remote, planned, 1);
	read_all(planned[0], &err, &read);
	assert_int_equal(err.code, ERR_NONE);
	assert_int_equal(read, LARGE);
	query_remote_progress(bucket.remote, &progress);
	assert_int_equal(progress.bytes, LARGE);
	assert_int_equal(progress.bytes_all, LARGE);
	assert_int_equal(progress.objects, 1);
	assert_int_equal(bucket.gets, 4); /* one broke off */
	stop(&bucket);
}

/* Many readers of many objects, in the order of the plan and not. */
struct readers {
	const struct query_object **objects;
	size_t count;
	atomic_size_t next;
	atomic_uint failures;
};

static void *read_some(void *context)
{
	struct readers *readers = context;
	size_t at;

	while ((at = readers->next++) < readers->count) {
		struct err err = ERR_INIT;
		uint64_t read;
		/* Pairs are swapped: who comes first is not the plan's to say. */
		const struct query_object *object = readers->objects[at ^ 1];
		read_all(object, &err, &read);
		readers->failures += err.code != ERR_NONE || read != object->size_bytes;
	}
	return NULL;
}

static void many_readers(void **state)
{
	struct bucket bucket = {0};
	struct query_object *objects = mem_new(200, sizeof(*objects));
	struct query_remote_object *remotes = mem_new(200, sizeof(*remotes));
	const struct query_object *planned[200];
	struct readers readers = {.objects = planned, .count = 200};
	pthread_t threads[4];

	start(&bucket);
	list(&bucket, "s3://bucket/large/");
	for (size_t i = 0; i < 200; i++) {
		objects[i] = bucket.objects.object[0];
		objects[i].size_bytes = 100 + i * i;
		remotes[i] = *bucket.objects.object[0].remote;
		objects[i].remote = &remotes[i];
		planned[i] = &objects[i];
	}
	query_remote_plan(bucket.remote, planned, 200);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_create(&threads[i], NULL, read_some, &readers);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(readers.failures, 0);
	assert_int_equal(bucket.gets, 200); /* each once */
	stop(&bucket);
	free(objects);
	free(remotes);
}

static void changed_objects(void **state)
{
	struct bucket bucket = {.is_changed = true};
	struct err err = ERR_INIT;
	uint64_t read;

	start(&bucket);
	list(&bucket, "s3://bucket/large/");
	read_all(&bucket.objects.object[0], &err, &read);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_non_null(strstr(err.message, "large/f.log has changed"));
	stop(&bucket);
}

static void *interrupt_soon(void *context)
{
	usleep(100000);
	query_remote_interrupt(context);
	return NULL;
}

/* Ends at once, and the next statement goes on. */
static void interruption(void **state)
{
	struct bucket bucket = {.is_silent = true};
	struct err err = ERR_INIT;
	pthread_t thread;
	uint64_t read;

	start(&bucket);
	list(&bucket, "s3://bucket/large/");
	int64_t before = clock_mono_ns();
	pthread_create(&thread, NULL, interrupt_soon, bucket.remote);
	read_all(&bucket.objects.object[0], &err, &read);
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_in_range((clock_mono_ns() - before) / 1000000, 90, 1500);
	pthread_join(thread, NULL);
	bucket.is_silent = false;
	assert_int_equal(query_remote_reset(bucket.remote, &err), 0);
	err = (struct err)ERR_INIT;
	read_all(&bucket.objects.object[0], &err, &read);
	assert_int_equal(err.code, ERR_NONE);
	assert_int_equal(read, LARGE);
	stop(&bucket);
}

/* Nothing of the machine that tests counts. */
static int clean_environment(void **state)
{
	static const char *const names[] = {
		"AWS_PROFILE", "AWS_CA_BUNDLE", "AWS_ENDPOINT_URL", "http_proxy", "all_proxy"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unsetenv(names[i]);
	setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials", 1);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_and_folders),
		cmocka_unit_test(parts_in_order),
		cmocka_unit_test(many_readers),
		cmocka_unit_test(changed_objects),
		cmocka_unit_test(interruption),
	};

	return cmocka_run_group_tests(tests, clean_environment, NULL);
}
