/* The client against a server that answers as AWS's services do when things go wrong. Signatures
 * are checked with the server's side (signature.h), which has AWS's own vectors. */
#include "aws/client.h"

#include "aws/digest.h"
#include "aws/http_test_help.h"
#include "aws/signature.h"
#include "aws/time.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <cmocka.h>

#define ID     "AKIAIOSFODNN7EXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

struct fixture {
	struct test_server server;
	struct aws_credentials_source *credentials;
	struct aws_client *client;
	/* Of the last request. */
	char method[16], path[128], query[128], region[32], range[64], payload[128];
	bool is_signed, is_verified;
	size_t body_bytes;
	int mode;
};

static int64_t now_ms(void)
{
	return clock_wall_ns() / 1000000;
}

static void copy(char *room, size_t size, struct str s)
{
	snprintf(room, size, "%.*s", (int)s.n, s.p ? s.p : "");
}

static size_t split_headers(struct str head, struct aws_header *headers, size_t max)
{
	struct str line;
	size_t count = 0;

	while (count < max && str_split(&head, '\n', &line)) {
		struct str value = line, name;
		if (!memchr(line.p, ':', line.n))
			continue;
		str_split(&value, ':', &name);
		if (value.n && value.p[value.n - 1] == '\r')
			value.n--;
		headers[count++] = (struct aws_header){name, str_trim(value)};
	}
	return count;
}

static void note_request(struct fixture *fixture, const struct test_request *request)
{
	struct aws_header headers[64];
	struct aws_signature signature;
	struct aws_refusal refusal = {0};
	uint8_t hash[AWS_SHA256_SIZE];
	char hex[AWS_SHA256_HEX];
	struct aws_request parsed = {.method = request->method,
		.path = request->path,
		.query = request->query.p ? request->query : STR(""),
		.headers = headers,
		.header_count = split_headers(request->head, headers, 64)};

	copy(fixture->method, sizeof(fixture->method), request->method);
	copy(fixture->path, sizeof(fixture->path), request->path);
	copy(fixture->query, sizeof(fixture->query), request->query);
	copy(fixture->range, sizeof(fixture->range), test_request_header(request, "Range"));
	fixture->body_bytes = request->body.n;
	aws_sha256(buf_str(&request->body), hash);
	aws_hex_write(hex, hash, sizeof(hash));
	const struct aws_verify_options options = {
		.now_ms = now_ms(), .secret = STR(SECRET), .payload_hash = {hex, sizeof(hex)}};
	int result = aws_signature_parse(&parsed, &signature, &refusal);
	fixture->is_signed = result == 0 && signature.kind == AWS_SIGNATURE_V4_HEADER;
	fixture->is_verified =
		fixture->is_signed &&
		aws_signature_verify(&signature, &parsed, &options, &refusal) == 0 &&
		(signature.payload != AWS_PAYLOAD_HASH || !aws_signature_is_s3(&signature) ||
			str_equal(signature.payload_hash, options.payload_hash));
	copy(fixture->region, sizeof(fixture->region), signature.region);
	copy(fixture->payload, sizeof(fixture->payload), signature.payload_hash);
	aws_signature_done(&signature);
}

static void make_client(struct fixture *fixture, const struct aws_client_settings *more)
{
	const struct aws_credentials_settings keys = {
		.access_key_id = ID, .secret_access_key = SECRET};
	struct aws_client_settings settings = *more;
	struct err err = ERR_INIT;

	if (aws_credentials_source_new(&fixture->credentials, &keys, &err) < 0)
		fail_msg("%s", err.message);
	settings.credentials = fixture->credentials;
	if (!settings.endpoint)
		settings.endpoint = fixture->server.url;
	if (!settings.backoff_ms)
		settings.backoff_ms = 10;
	if (aws_client_new(&fixture->client, &settings, &err) < 0)
		fail_msg("%s", err.message);
}

static void start_with(struct fixture *fixture,
	void (*answer)(void *, const struct test_request *, struct test_reply *),
	const struct aws_client_settings *settings)
{
	fixture->server.answer = answer;
	fixture->server.context = fixture;
	test_server_start(&fixture->server);
	make_client(fixture, settings);
}

static void start(struct fixture *fixture,
	void (*answer)(void *, const struct test_request *, struct test_reply *))
{
	const struct aws_client_settings settings = {.region = "eu-central-1"};

	start_with(fixture, answer, &settings);
}

static void stop(struct fixture *fixture)
{
	aws_client_free(fixture->client);
	aws_credentials_source_free(fixture->credentials);
	test_server_stop(&fixture->server);
}

static void say_yes(void *context, const struct test_request *request, struct test_reply *reply)
{
	note_request(context, request);
	test_reply_set(reply, 200, "x-amzn-RequestId: 1234\r\nX-Two:  b c \r\n", "{\"a\":1}");
}

static void signed_calls(void **state)
{
	struct fixture f = {0};
	struct err err = ERR_INIT;
	struct aws_answer answer;
	const struct aws_header headers[] = {
		{STR("X-Amz-Target"), STR("Logs_20140328.DescribeLogGroups")},
		{STR("Content-Type"), STR("application/x-amz-json-1.1")}};
	const struct aws_call json = {.service = "logs",
		.headers = headers,
		.header_count = 2,
		.body = STR("{\"limit\":5}")};
	const struct aws_header range = {STR("Range"), STR("bytes=5-9")};
	const struct aws_call get = {.service = "s3",
		.method = "GET",
		.bucket = STR("logs"),
		.path = STR("/a%20b/..//c%2Bd"),
		.query = STR("versionId=a%2Fb&x-id=GetObject"),
		.headers = &range,
		.header_count = 1};

	start(&f, say_yes);
	if (aws_client_call(f.client, &json, &answer, &err) < 0)
		fail_msg("%s", err.message);
	assert_true(f.is_verified);
	assert_string_equal(f.method, "POST");
	assert_string_equal(f.path, "/");
	assert_string_equal(f.region, "eu-central-1");
	assert_int_equal(f.body_bytes, 11);
	assert_int_equal(answer.status, 200);
	assert_string_equal(buf_text(&answer.body), "{\"a\":1}");
	assert_string_equal(answer.request_id, "1234");
	assert_true(str_equal(aws_answer_header(&answer, STR("x-two")), STR("b c")));
	assert_null(aws_answer_header(&answer, STR("x-tw")).p);
	aws_answer_done(&answer);

	assert_int_equal(aws_client_call(f.client, &get, &answer, &err), 0);
	assert_true(f.is_verified);
	assert_string_equal(f.path, "/logs/a%20b/..//c%2Bd");
	assert_string_equal(f.query, "versionId=a%2Fb&x-id=GetObject");
	assert_string_equal(f.range, "bytes=5-9");
	aws_answer_done(&answer);
	assert_int_equal(atomic_load(&f.server.connections), 1);
	stop(&f);
}

static void *call_often(void *context)
{
	struct fixture *f = context;
	const struct aws_call get = {.service = "s3", .method = "GET", .bucket = STR("logs")};

	for (int i = 0; i < 50; i++) {
		struct aws_answer answer;
		if (aws_client_call(f->client, &get, &answer, NULL) < 0)
			return f;
		aws_answer_done(&answer);
	}
	return NULL;
}

static void say_little(void *context, const struct test_request *request, struct test_reply *reply)
{
	test_reply_set(reply, 200, "", "ok");
}

/* Connections are as many as calls at a time, not as calls. */
static void threads_share_connections(void **state)
{
	struct fixture f = {0};
	pthread_t threads[4];

	start(&f, say_little);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, call_often, &f);
	for (int i = 0; i < 4; i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	assert_int_equal(atomic_load(&f.server.requests), 200);
	assert_in_range(atomic_load(&f.server.connections), 1, 4);
	stop(&f);
}

/* The status of each request in turn; 0 ends the connection, the last one goes on. */
struct script {
	struct fixture f;
	struct {
		int status;
		const char *headers, *body;
	} steps[8];
	unsigned count;
};

static void play(void *context, const struct test_request *request, struct test_reply *reply)
{
	struct script *script = context;
	unsigned at = request->number - 1 < script->count ? request->number - 1 : script->count - 1;

	note_request(&script->f, request);
	if (script->steps[at].status)
		test_reply_set(reply, script->steps[at].status, script->steps[at].headers,
			script->steps[at].body);
}

static int run(struct script *script, const struct aws_call *call,
	const struct aws_client_settings *settings, struct aws_answer *ret_answer, struct err *err)
{
	script->f.server.answer = play;
	script->f.server.context = script;
	test_server_start(&script->f.server);
	make_client(&script->f, settings);
	int result = aws_client_call(script->f.client, call, ret_answer, err);
	stop(&script->f);
	return result;
}

static const struct aws_client_settings usual = {.region = "us-east-1"};
static const struct aws_call put_events = {
	.service = "logs", .body = STR("{}"), .is_idempotent = true};
static const struct aws_call create = {.service = "logs", .body = STR("{}")};

static void repeats(void **state)
{
	static const struct {
		const struct aws_call *call;
		struct script script;
		unsigned requests;
		int result;
	} cases[] = {
		{&put_events, {.steps = {{500, "", ""}, {503, "", ""}, {200, "", ""}}, .count = 3},
			3, 0},
		{&put_events, {.steps = {{500, "", ""}}, .count = 1}, 3, -1},
		{&put_events, {.steps = {{0}, {200, "", ""}}, .count = 2}, 2, 0},
		{&put_events,
			{.steps = {{400, "", "{\"__type\":\"a.b#ValidationException\"}"}},
				.count = 1},
			1, -1},
		{&put_events,
			{.steps = {{400, "",
					   "{\"__type\":\"com.amazon#ThrottlingException:http://x\"}"},
				 {200, "", ""}},
				.count = 2},
			2, 0},
		/* What may have been done is not done again unless that does no harm. */
		{&create, {.steps = {{500, "", ""}, {200, "", ""}}, .count = 2}, 1, -1},
		{&create, {.steps = {{0}, {200, "", ""}}, .count = 2}, 1, -1},
		{&create,
			{.steps = {{503, "", "<Error><Code>SlowDown</Code></Error>"},
				 {200, "", ""}},
				.count = 2},
			2, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct script script = cases[i].script;
		struct aws_answer answer;
		struct err err = ERR_INIT;
		int result = run(&script, cases[i].call, &usual, &answer, &err);
		if (result != cases[i].result ||
			atomic_load(&script.f.server.requests) != cases[i].requests)
			fail_msg("case %zu: %d after %u requests: %s", i, result,
				atomic_load(&script.f.server.requests), err.message);
		assert_int_equal(answer.attempts, cases[i].requests);
		aws_answer_done(&answer);
	}
}

static void waits_as_asked(void **state)
{
	struct script script = {
		.steps = {{429, "Retry-After: 1\r\n", ""}, {200, "", ""}}, .count = 2};
	struct aws_answer answer;
	int64_t before = clock_mono_ns();

	assert_int_equal(run(&script, &create, &usual, &answer, NULL), 0);
	assert_in_range((clock_mono_ns() - before) / 1000000, 1000, 3000);
	aws_answer_done(&answer);
}

static void follows_the_bucket(void **state)
{
	const struct aws_call get = {
		.service = "s3", .method = "GET", .bucket = STR("far"), .path = STR("k")};
	struct script cases[] = {
		{.steps = {{301, "x-amz-bucket-region: ap-south-1\r\n", ""}, {200, "", ""}},
			.count = 2},
		{.steps = {{400, "",
				   "<?xml version=\"1.0\"?><Error><Code>AuthorizationHeaderMalformed</Code>"
				   "<Message>m</Message><Region>ap-south-1</Region></Error>"},
			 {200, "", ""}},
			.count = 2},
	};
	struct script circle = {
		.steps = {{301, "x-amz-bucket-region: ap-south-1\r\n", ""}}, .count = 1};
	struct script evil = {
		.steps = {{301, "x-amz-bucket-region: x.evil.example/\r\n", ""}}, .count = 1};
	struct aws_answer answer;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(run(&cases[i], &get, &usual, &answer, NULL), 0);
		assert_int_equal(atomic_load(&cases[i].f.server.requests), 2);
		assert_string_equal(cases[i].f.region, "ap-south-1");
		assert_true(cases[i].f.is_verified);
		aws_answer_done(&answer);
	}
	assert_int_equal(run(&circle, &get, &usual, &answer, NULL), -1);
	assert_int_equal(atomic_load(&circle.f.server.requests), 2);
	aws_answer_done(&answer);
	assert_int_equal(run(&evil, &get, &usual, &answer, NULL), -1);
	assert_int_equal(atomic_load(&evil.f.server.requests), 1);
	aws_answer_done(&answer);
}

/* A service an hour ahead: the first answer tells, the second request is signed with its time. */
static void an_hour_ahead(
	void *context, const struct test_request *request, struct test_reply *reply)
{
	struct fixture *f = context;
	char date[AWS_TIME_STR_MAX + 1] = {0}, headers[64];
	int64_t signed_ms, theirs = now_ms() + 3600000;

	aws_time_write_http(date, theirs);
	snprintf(headers, sizeof(headers), "Date: %s\r\n", date);
	assert_true(aws_time_parse_basic(test_request_header(request, "X-Amz-Date"), &signed_ms));
	note_request(f, request);
	if (llabs(signed_ms - theirs) > 300000)
		test_reply_set(reply, 403, headers,
			"<Error><Code>RequestTimeTooSkewed</Code><Message>The difference between the "
			"request time and the current time is too large.</Message></Error>");
	else
		test_reply_set(reply, 200, headers, "");
}

static void corrects_the_clock(void **state)
{
	struct fixture f = {0};
	struct aws_answer answer;
	struct err err = ERR_INIT;

	start(&f, an_hour_ahead);
	for (unsigned requests = 2; requests <= 3; requests++) {
		if (aws_client_call(f.client, &create, &answer, &err) < 0)
			fail_msg("%s", err.message);
		assert_int_equal(atomic_load(&f.server.requests), requests);
		aws_answer_done(&answer);
	}
	stop(&f);
}

/* ---- bodies that stream ---- */

struct sink {
	struct buf bytes;
	unsigned resets;
	bool is_full;
};

static int sink_data(void *context, struct str bytes)
{
	struct sink *sink = context;

	buf_add_str(&sink->bytes, bytes);
	return sink->is_full ? -1 : 0;
}

static void sink_reset(void *context)
{
	struct sink *sink = context;

	sink->bytes.n = 0;
	sink->resets++;
}

static void half_first(void *context, const struct test_request *request, struct test_reply *reply)
{
	if (request->number == 1) {
		buf_add_text(&reply->text, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123");
		reply->is_last = true;
	} else {
		test_reply_set(reply, 200, "", "0123456789");
	}
}

static void streams(void **state)
{
	struct sink sink = {0};
	const struct aws_call get = {.service = "s3",
		.method = "GET",
		.bucket = STR("logs"),
		.data = sink_data,
		.reset = sink_reset,
		.context = &sink};
	struct script refused = {
		.steps = {{404, "",
			"<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>"}},
		.count = 1};
	struct fixture f = {0};
	struct aws_answer answer;
	struct err err = ERR_INIT;

	start(&f, half_first);
	if (aws_client_call(f.client, &get, &answer, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(buf_text(&sink.bytes), "0123456789");
	assert_int_equal(sink.resets, 1);
	assert_int_equal(answer.body.n, 0);
	aws_answer_done(&answer);
	/* Whoever reads may have enough. */
	sink.is_full = true;
	assert_int_equal(aws_client_call(f.client, &get, &answer, &err), -1);
	assert_int_equal(atomic_load(&f.server.requests), 3);
	aws_answer_done(&answer);
	stop(&f);
	/* The body of an error is not data. */
	sink.bytes.n = 0;
	assert_int_equal(run(&refused, &get, &usual, &answer, &err), -1);
	assert_int_equal(sink.bytes.n, 0);
	assert_string_equal(answer.code, "NoSuchKey");
	assert_int_equal(err.code, ERR_NOT_FOUND);
	aws_answer_done(&answer);
	buf_done(&sink.bytes);
}

static void say_busy_first(
	void *context, const struct test_request *request, struct test_reply *reply)
{
	note_request(context, request);
	test_reply_set(reply, request->number == 1 ? 503 : 200, "", "");
}

/* 3 MiB and a bit from a file, twice; its hash is what is signed over http. */
static void sends_files(void **state)
{
	struct fixture f = {0};
	struct aws_answer answer;
	struct err err = ERR_INIT;
	size_t size = (3 << 20) + 17;
	_cleanup_close_ int fd = memfd_create("body", MFD_CLOEXEC);
	struct aws_call put = {.service = "s3",
		.method = "PUT",
		.bucket = STR("logs"),
		.path = STR("k"),
		.body_fd = fd,
		.body_size = size,
		.is_idempotent = true};

	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(pwrite(fd, "end", 3, (off_t)size - 3), 3);
	start(&f, say_busy_first);
	if (aws_client_call(f.client, &put, &answer, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(answer.attempts, 2);
	assert_int_equal(f.body_bytes, size);
	assert_true(f.is_verified);
	aws_answer_done(&answer);
	/* Shorter than said: an error, not a hang. */
	put.body_size = size + 1;
	assert_int_equal(aws_client_call(f.client, &put, &answer, &err), -1);
	assert_non_null(strstr(err.message, "shorter"));
	aws_answer_done(&answer);
	stop(&f);
}

/* ---- what is said of errors ---- */

static void errors_of_every_protocol(void **state)
{
	static const struct {
		int status;
		const char *headers, *body, *code, *message;
		enum err_code err;
		const char *hint;
	} cases[] = {
		{403, "", "<Error><Code>InvalidAccessKeyId</Code><Message>m1</Message></Error>",
			"InvalidAccessKeyId", "m1", ERR_PERMISSION, ID},
		{403, "",
			"<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error>"
			"<Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>m2</Message>"
			"</Error><RequestId>r</RequestId></ErrorResponse>",
			"SignatureDoesNotMatch", "m2", ERR_PERMISSION, "secret"},
		{401, "",
			"<Response><Errors><Error><Code>AuthFailure</Code><Message>m3</Message></Error>"
			"</Errors><RequestID>r</RequestID></Response>",
			"AuthFailure", "m3", ERR_PERMISSION, ID},
		{400, "", "{\"__type\":\"UnrecognizedClientException\",\"message\":\"m4\"}",
			"UnrecognizedClientException", "m4", ERR_USAGE, ID},
		{400, "x-amzn-errortype: ValidationException:http://internal/\r\n",
			"{\"Message\":\"m5\"}", "ValidationException", "m5", ERR_USAGE, ""},
		{404, "", "<html>not found</html>", "", "", ERR_NOT_FOUND, "endpoint"},
		{403, "", "", "", "", ERR_PERMISSION, ID},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct script script = {
			.steps = {{cases[i].status, cases[i].headers, cases[i].body}}, .count = 1};
		struct aws_answer answer;
		struct err err = ERR_INIT;

		assert_int_equal(run(&script, &create, &usual, &answer, &err), -1);
		assert_string_equal(answer.code, cases[i].code);
		assert_string_equal(answer.message, cases[i].message);
		assert_int_equal(err.code, cases[i].err);
		if (!strstr(err.hint, cases[i].hint))
			fail_msg("%zu: %s", i, err.hint);
		assert_null(strstr(err.message, SECRET));
		aws_answer_done(&answer);
	}
}

static void late_errors_of_s3(void **state)
{
	struct script script = {
		.steps =
			{{200, "",
				 "<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code></Error>"},
				{200, "", "<CompleteMultipartUploadResult/>"}},
		.count = 2};
	const struct aws_call complete = {.service = "s3",
		.bucket = STR("logs"),
		.path = STR("k"),
		.query = STR("uploadId=1"),
		.is_idempotent = true};
	struct aws_answer answer;

	assert_int_equal(run(&script, &complete, &usual, &answer, NULL), 0);
	assert_int_equal(answer.attempts, 2);
	aws_answer_done(&answer);
}

static void too_large(void **state)
{
	struct script script = {.steps = {{200, "", "0123456789"}}, .count = 1};
	struct aws_call call = create;
	struct aws_answer answer;
	struct err err = ERR_INIT;

	call.answer_max = 9;
	assert_int_equal(run(&script, &call, &usual, &answer, &err), -1);
	assert_non_null(strstr(err.message, "9 bytes"));
	aws_answer_done(&answer);
}

static void nobody_there(void **state)
{
	struct fixture f = {0};
	struct aws_client_settings settings = {
		.region = "us-east-1", .endpoint = "http://127.0.0.1:9"};
	struct aws_answer answer;
	struct err err = ERR_INIT;

	make_client(&f, &settings);
	assert_int_equal(aws_client_call(f.client, &create, &answer, &err), -1);
	assert_int_equal(answer.status, 0);
	assert_non_null(strstr(err.message, "127.0.0.1:9"));
	assert_non_null(strstr(err.message, "attempt 3"));
	assert_non_null(strstr(err.hint, "listen"));
	aws_answer_done(&answer);
	aws_client_free(f.client);
	aws_credentials_source_free(f.credentials);
}

/* ---- silence ---- */

static void be_silent(void *context, const struct test_request *request, struct test_reply *reply)
{
	reply->silent_ms = 20000;
}

static void silence_ends(void **state)
{
	const struct aws_client_settings settings = {
		.region = "us-east-1", .stall_ms = 200, .attempts = 2};
	struct fixture f = {0};
	struct aws_answer answer;
	struct err err = ERR_INIT;
	int64_t before = clock_mono_ns();

	start_with(&f, be_silent, &settings);
	assert_int_equal(aws_client_call(f.client, &put_events, &answer, &err), -1);
	assert_in_range((clock_mono_ns() - before) / 1000000, 400, 3000);
	assert_int_equal(answer.attempts, 2);
	assert_non_null(strstr(err.message, "200 ms"));
	aws_answer_done(&answer);
	stop(&f);
}

static void *stop_soon(void *context)
{
	usleep(100000);
	aws_client_stop(context);
	return NULL;
}

static void stops_at_once(void **state)
{
	struct fixture f = {0};
	pthread_t thread;
	struct aws_answer answer;
	struct err err = ERR_INIT;

	start(&f, be_silent);
	int64_t before = clock_mono_ns();
	pthread_create(&thread, NULL, stop_soon, f.client);
	assert_int_equal(aws_client_call(f.client, &put_events, &answer, &err), -1);
	assert_in_range((clock_mono_ns() - before) / 1000000, 90, 1000);
	assert_non_null(strstr(err.message, "stopped"));
	pthread_join(thread, NULL);
	aws_answer_done(&answer);
	/* And stays so. */
	assert_int_equal(aws_client_call(f.client, &put_events, &answer, &err), -1);
	aws_answer_done(&answer);
	stop(&f);
}

static void bad_settings(void **state)
{
	static const struct {
		struct aws_client_settings settings;
		const char *said;
	} cases[] = {
		{{.is_anonymous = true, .region = "x.evil.example/"}, "no region"},
		{{.is_anonymous = true, .endpoint = "ftp://h"}, "no endpoint"},
		{{.is_anonymous = true, .endpoint = "http://u:p@h"}, "no endpoint"},
		{{.is_anonymous = true, .endpoint = "h:1"}, "no endpoint"},
		{{.is_anonymous = true, .ca_bundle = "/nowhere/ca.pem"}, "/nowhere/ca.pem"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct aws_client *client = NULL;
		struct err err = ERR_INIT;
		assert_int_equal(aws_client_new(&client, &cases[i].settings, &err), -1);
		if (!strstr(err.message, cases[i].said))
			fail_msg("%zu: %s", i, err.message);
	}
}

/* As libcurl has it: http_proxy, and no_proxy for what does not go there. */
static void proxies(void **state)
{
	const struct aws_client_settings settings = {
		.region = "us-east-1", .endpoint = "http://storage.invalid:4560", .attempts = 1};
	struct fixture f = {0};
	struct aws_answer answer;
	struct err err = ERR_INIT;

	f.server.answer = say_yes;
	f.server.context = &f;
	test_server_start(&f.server);
	setenv("http_proxy", f.server.url, 1);
	make_client(&f, &settings);
	if (aws_client_call(f.client, &create, &answer, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(f.path, "http://storage.invalid:4560/");
	aws_answer_done(&answer);
	setenv("no_proxy", "storage.invalid", 1);
	assert_int_equal(aws_client_call(f.client, &create, &answer, &err), -1);
	assert_int_equal(atomic_load(&f.server.requests), 1);
	assert_non_null(strstr(err.hint, "endpoint's name"));
	aws_answer_done(&answer);
	unsetenv("http_proxy");
	unsetenv("no_proxy");
	stop(&f);
}

/* Nothing of the machine that tests counts. */
static int clean_environment(void **state)
{
	static const char *const names[] = {"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE",
		"AWS_CA_BUNDLE", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "http_proxy", "all_proxy",
		"ALL_PROXY"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unsetenv(names[i]);
	setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials", 1);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signed_calls),
		cmocka_unit_test(threads_share_connections),
		cmocka_unit_test(repeats),
		cmocka_unit_test(waits_as_asked),
		cmocka_unit_test(follows_the_bucket),
		cmocka_unit_test(corrects_the_clock),
		cmocka_unit_test(streams),
		cmocka_unit_test(sends_files),
		cmocka_unit_test(errors_of_every_protocol),
		cmocka_unit_test(late_errors_of_s3),
		cmocka_unit_test(too_large),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(silence_ends),
		cmocka_unit_test(stops_at_once),
		cmocka_unit_test(bad_settings),
		cmocka_unit_test(proxies),
	};

	return cmocka_run_group_tests(tests, clean_environment, NULL);
}
