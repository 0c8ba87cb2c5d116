/* The parts of S3 that need no server: routes, ranges, conditions, forms and their policies, rules.
 * Expected values: S3 API reference and RFC 9110. */
#include "api/s3/lifecycle_priv.h"
#include "api/s3/post_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct query {
	const char *parameters, *headers; /* names between spaces */
};

static bool has(const char *list, struct str name)
{
	struct str rest = str_from(list), one;

	while (str_split(&rest, ' ', &one))
		if (str_equal(one, name))
			return true;
	return false;
}

static bool has_parameter(void *context, struct str name)
{
	return has(((struct query *)context)->parameters, name);
}

static bool has_header(void *context, struct str name)
{
	return has(((struct query *)context)->headers, name);
}

static const char *route(
	const char *method, enum s3_level level, const char *parameters, const char *headers)
{
	struct query query = {parameters, headers};
	const struct s3_operation *row =
		s3_route(str_from(method), level, has_parameter, has_header, &query);

	return row ? row->name : "";
}

static void test_routes(void **state)
{
	static const struct {
		const char *method;
		enum s3_level level;
		const char *parameters, *headers, *operation;
	} cases[] = {
		{"GET", S3_LEVEL_SERVICE, "x-id", "", "ListBuckets"},
		{"PUT", S3_LEVEL_SERVICE, "", "", ""},
		{"PUT", S3_LEVEL_BUCKET, "", "", "CreateBucket"},
		{"GET", S3_LEVEL_BUCKET, "", "", "ListObjects"},
		{"GET", S3_LEVEL_BUCKET, "list-type prefix", "", "ListObjectsV2"},
		{"GET", S3_LEVEL_BUCKET, "versions", "", "ListObjectVersions"},
		{"GET", S3_LEVEL_BUCKET, "uploads", "", "ListMultipartUploads"},
		{"GET", S3_LEVEL_BUCKET, "policyStatus", "", "GetBucketPolicyStatus"},
		{"POST", S3_LEVEL_BUCKET, "delete", "content-type", "DeleteObjects"},
		{"POST", S3_LEVEL_BUCKET, "", "content-type", "PostObject"},
		{"GET", S3_LEVEL_OBJECT, "acl", "", "GetObjectAcl"},
		{"GET", S3_LEVEL_OBJECT, "uploadId", "", "ListParts"},
		{"GET", S3_LEVEL_OBJECT, "partNumber", "", "GetObject"},
		{"HEAD", S3_LEVEL_OBJECT, "versionId", "", "HeadObject"},
		{"PUT", S3_LEVEL_OBJECT, "partNumber uploadId", "", "UploadPart"},
		{"PUT", S3_LEVEL_OBJECT, "partNumber uploadId", "x-amz-copy-source",
			"UploadPartCopy"},
		{"PUT", S3_LEVEL_OBJECT, "", "x-amz-copy-source", "CopyObject"},
		{"PUT", S3_LEVEL_OBJECT, "x-id", "", "PutObject"},
		{"POST", S3_LEVEL_OBJECT, "uploads", "", "CreateMultipartUpload"},
		{"POST", S3_LEVEL_OBJECT, "uploadId", "", "CompleteMultipartUpload"},
		{"DELETE", S3_LEVEL_OBJECT, "uploadId", "", "AbortMultipartUpload"},
		{"PATCH", S3_LEVEL_OBJECT, "", "", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(route(cases[i].method, cases[i].level, cases[i].parameters,
					    cases[i].headers),
			cases[i].operation);
}

static void test_ranges(void **state)
{
	static const struct {
		const char *header;
		int64_t size, offset, length; /* length -1: InvalidRange */
		bool is_whole;
	} cases[] = {
		{"bytes=0-0", 10, 0, 1, false},
		{"bytes=4-7", 10, 4, 4, false},
		{"bytes=4-", 10, 4, 6, false},
		{"bytes=4-99", 10, 4, 6, false},
		{"bytes=-3", 10, 7, 3, false},
		{"bytes=-30", 10, 0, 10, false},
		{"bytes=10-", 10, 0, -1, false},
		{"bytes=-0", 10, 0, -1, false},
		{"bytes=0-5", 0, 0, -1, false},
		{"bytes=5-4", 10, 0, 10, true},
		{"bytes=0-1,3-4", 10, 0, 10, true},
		{"bytes=a-b", 10, 0, 10, true},
		{"bytes=", 10, 0, 10, true},
		{"lines=0-1", 10, 0, 10, true},
		{"bytes=99999999999999999999-", 10, 0, 10, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct aws_error error = {0};
		struct s3_range range;
		int parsed =
			s3_range_parse(str_from(cases[i].header), cases[i].size, &range, &error);

		if (cases[i].length < 0) {
			assert_true(parsed < 0);
			assert_int_equal(error.code, AWS_ERROR_INVALID_RANGE);
			continue;
		}
		assert_int_equal(parsed, 0);
		assert_int_equal(range.offset, cases[i].offset);
		assert_int_equal(range.size, cases[i].length);
		assert_int_equal(range.is_whole, cases[i].is_whole);
	}
}

/* RFC 9110, 13.2.2: If-Match before If-Unmodified-Since, If-None-Match before If-Modified-Since. */
static void test_conditions(void **state)
{
	const int64_t modified = INT64_C(1369353600500); /* 24 May 2013, half a second after */
	const struct str same = STR("Fri, 24 May 2013 00:00:00 GMT");
	const struct str before = STR("Thu, 23 May 2013 00:00:00 GMT");
	const struct {
		struct s3_conditions conditions;
		enum s3_condition result;
	} cases[] = {
		{{.if_match = {0}}, S3_CONDITION_MET},
		{{.if_match = STR("\"a\"")}, S3_CONDITION_MET},
		{{.if_match = STR("*")}, S3_CONDITION_MET},
		{{.if_match = STR("\"b\", \"a\"")}, S3_CONDITION_MET},
		{{.if_match = STR("\"b\"")}, S3_CONDITION_FAILED},
		{{.if_match = STR("\"a\""), .if_unmodified_since = before}, S3_CONDITION_MET},
		{{.if_unmodified_since = before}, S3_CONDITION_FAILED},
		{{.if_unmodified_since = same}, S3_CONDITION_MET},
		{{.if_none_match = STR("a")}, S3_CONDITION_NOT_MODIFIED},
		{{.if_none_match = STR("\"b\""), .if_modified_since = same}, S3_CONDITION_MET},
		{{.if_modified_since = same}, S3_CONDITION_NOT_MODIFIED},
		{{.if_modified_since = before}, S3_CONDITION_MET},
		{{.if_modified_since = STR("yesterday")}, S3_CONDITION_MET},
		{{.if_match = STR("b"), .if_none_match = STR("a")}, S3_CONDITION_FAILED},
	};
	const char *failed;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(s3_conditions_check(&cases[i].conditions, "a", modified, &failed),
			cases[i].result);
}

/* ---- forms ---- */

struct seen {
	struct buf text;
};

static int see_field(void *context, struct str name, struct str value, struct aws_error *error)
{
	struct seen *seen = context;
	buf_printf(&seen->text, "%.*s=%.*s;", STR_ARG(name), STR_ARG(value));
	return 0;
}

static int see_file(void *context, struct str name, struct aws_error *error)
{
	struct seen *seen = context;
	buf_printf(&seen->text, "file %.*s:", STR_ARG(name));
	return 0;
}

static int see_data(void *context, struct str bytes, struct aws_error *error)
{
	struct seen *seen = context;
	buf_add_str(&seen->text, bytes);
	return 0;
}

#define FORM                                                                                       \
	"--XX\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\na/${filename}\r\n"            \
	"--XX\r\nContent-Disposition: form-data; name=\"acl\"\r\n\r\nprivate\r\n"                  \
	"--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.txt\"\r\n"            \
	"Content-Type: text/plain\r\n\r\none\r\n--X two\r\n--XX--\r\n"

/* In pieces of every size: a delimiter may come in two. */
static void test_form(void **state)
{
	for (size_t piece = 1; piece < sizeof(FORM); piece++) {
		struct seen seen = {0};
		struct s3_form_parser parser = {
			.field = see_field, .file = see_file, .data = see_data, .context = &seen};

		assert_int_equal(
			s3_form_init(&parser, STR("multipart/form-data; boundary=XX"), NULL), 0);
		for (struct str rest = STR(FORM); rest.n;) {
			size_t n = rest.n < piece ? rest.n : piece;
			assert_int_equal(s3_form_feed(&parser, (struct str){rest.p, n}, NULL), 0);
			rest = (struct str){rest.p + n, rest.n - n};
		}
		assert_int_equal(parser.state, S3_FORM_END);
		assert_string_equal(buf_text(&seen.text),
			"key=a/${filename};acl=private;file f.txt:one\r\n--X two");
		buf_done(&seen.text);
		s3_form_done(&parser);
	}
}

#define NOW INT64_C(1369353600000)
#define POLICY(conditions)                                                                         \
	"{\"expiration\": \"2013-05-25T00:00:00Z\", \"conditions\": [" conditions "]}"

static void test_post_policy(void **state)
{
	static const struct {
		const char *json;
		enum aws_error_code code;
	} cases[] = {
		{POLICY("{\"bucket\": \"b\"}, [\"starts-with\", \"$key\", \"us\"], {\"acl\": \"private\"}"),
			0},
		{POLICY("{\"bUcKeT\": \"b\"}, [\"StArTs-WiTh\", \"$KeY\", \"us\"], {\"acl\": \"private\"}"),
			0},
		{POLICY("[\"eq\", \"$key\", \"user/a\"], {\"acl\": \"private\"}, [\"content-length-range\", 0, 10]"),
			0},
		{POLICY("[\"eq\", \"$key\", \"user/b\"], {\"acl\": \"private\"}"),
			AWS_ERROR_ACCESS_DENIED},
		{POLICY("[\"eq\", \"$key\", \"user/a\"]"), AWS_ERROR_ACCESS_DENIED},
		{POLICY("{\"bucket\": \"c\"}, [\"eq\", \"$key\", \"user/a\"], {\"acl\": \"private\"}"),
			AWS_ERROR_ACCESS_DENIED},
		{POLICY(""), AWS_ERROR_INVALID_POLICY_DOCUMENT},
		{POLICY("[\"content-length-range\", 10]"), AWS_ERROR_INVALID_POLICY_DOCUMENT},
		{POLICY("[\"content-length-range\", -1, 10]"), AWS_ERROR_INVALID_POLICY_DOCUMENT},
		{"{\"expiration\": \"2013-05-23T00:00:00Z\", \"conditions\": [{\"acl\": \"private\"}]}",
			AWS_ERROR_ACCESS_DENIED},
		{"{\"EXPIRATION\": \"2013-05-25T00:00:00Z\", \"conditions\": [{\"acl\": \"private\"}]}",
			AWS_ERROR_INVALID_POLICY_DOCUMENT},
		{"{\"expiration\": \"2013-05-25T00:00:00Z\"}", AWS_ERROR_INVALID_POLICY_DOCUMENT},
		{"[", AWS_ERROR_INVALID_POLICY_DOCUMENT},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct s3_form form = {.bucket = STR("b"),
			.fields = {{STR("key"), STR("user/a"), false},
				{STR("acl"), STR("private"), false},
				{STR("x-ignore-me"), STR("1"), false},
				{STR("signature"), STR("s"), false}},
			.count = 4};
		struct aws_error error = {0};

		s3_post_policy_check(&form, str_from(cases[i].json), NOW, &error);
		assert_int_equal(error.code, cases[i].code);
	}
}

/* ---- lifecycle ---- */

#define RULE(inside)                                                                               \
	"<LifecycleConfiguration><Rule><ID>r</ID><Status>Enabled</Status>" inside                  \
	"</Rule></LifecycleConfiguration>"

static void test_lifecycle(void **state)
{
	static const struct {
		const char *xml;
		enum aws_error_code code;
	} cases[] = {
		{RULE("<Filter/><Expiration><Days>1</Days></Expiration>"), 0},
		{RULE("<Prefix/><Expiration><Date>2030-01-01T00:00:00Z</Date></Expiration>"), 0},
		{RULE("<Filter/><Expiration><Days>0</Days></Expiration>"),
			AWS_ERROR_INVALID_ARGUMENT},
		{RULE("<Filter/><Expiration><Date>2030-01-01T01:00:00Z</Date></Expiration>"),
			AWS_ERROR_INVALID_ARGUMENT},
		{RULE("<Filter/><Expiration><Date>20200101</Date></Expiration>"),
			AWS_ERROR_MALFORMED_XML},
		{RULE("<Filter/><Expiration><Days>1</Days><Date>2030-01-01T00:00:00Z</Date></Expiration>"),
			AWS_ERROR_MALFORMED_XML},
		{RULE("<Filter/>"), AWS_ERROR_INVALID_REQUEST},
		{RULE("<Filter/><Transition><Days>1</Days><StorageClass>COLD</StorageClass></Transition>"),
			AWS_ERROR_MALFORMED_XML},
		{"<LifecycleConfiguration/>", AWS_ERROR_MALFORMED_XML},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct s3_lifecycle *lifecycle = NULL;
		struct aws_error error = {0};

		s3_lifecycle_parse(&lifecycle, str_from(cases[i].xml), &error);
		assert_int_equal(error.code, cases[i].code);
		s3_lifecycle_free(lifecycle);
	}
}

static void test_rules(void **state)
{
	struct s3_lifecycle *lifecycle = NULL;

	assert_int_equal(
		s3_lifecycle_parse(&lifecycle,
			STR(RULE(
				"<Filter><And><Prefix>log/</Prefix><Tag><Key>a</Key><Value>1 2</Value></Tag>"
				"<ObjectSizeGreaterThan>10</ObjectSizeGreaterThan></And></Filter>"
				"<Expiration><Days>1</Days></Expiration>")),
			NULL),
		0);
	const struct s3_rule *rule = &lifecycle->rules[0];
	assert_true(s3_rule_fits(rule, STR("log/a"), 11, STR("b=2&a=1+2")));
	assert_false(s3_rule_fits(rule, STR("log/a"), 10, STR("a=1%202")));
	assert_false(s3_rule_fits(rule, STR("lag/a"), 11, STR("a=1%202")));
	assert_false(s3_rule_fits(rule, STR("log/a"), 11, STR("a=1")));
	/* S3 user guide: created 15 January 2014 10:30 UTC, 3 days: 19 January 2014 00:00 UTC. */
	assert_int_equal(
		s3_rule_due(rule, INT64_C(1389781800000), 3, S3_DAY_MS), INT64_C(1390089600000));
	s3_lifecycle_free(lifecycle);
}

static void test_tags(void **state)
{
	struct aws_error error = {0};
	_cleanup_buf_ struct buf tags = {0};

	buf_reserve(&tags, 1);
	assert_int_equal(s3_tags_check(STR("a=1&b=%C3%A9&c"), &error), 0);
	assert_true(s3_tags_check(STR("a=1&a=2"), &error) < 0);
	assert_true(s3_tags_check(STR("aws:x=1"), &error) < 0);
	assert_true(s3_tags_check(STR("a=%3C"), &error) < 0);
	assert_true(s3_tags_check(STR("1&2&3&4&5&6&7&8&9&10&11"), &error) < 0);
	assert_int_equal(
		s3_tags_xml(
			STR("<Tagging><TagSet><Tag><Key>a b</Key><Value>1/2</Value></Tag></TagSet></Tagging>"),
			10, &tags, &error),
		0);
	assert_string_equal(buf_text(&tags), "a%20b=1%2F2");
}

static void test_acl(void **state)
{
	char owner[AWS_CANONICAL_ID_SIZE + 1], other[AWS_CANONICAL_ID_SIZE + 1];
	_cleanup_buf_ struct buf text = {0};
	struct s3_acl acl, again;

	aws_canonical_id(STR("123456789012"), owner);
	aws_canonical_id(STR("210987654321"), other);
	assert_true(str_equal(aws_canonical_account(str_from(owner)), STR("123456789012")));
	acl = (struct s3_acl){.owner = str_from(owner)};
	assert_false(s3_acl_canned(&acl, STR("public"), str_from(owner)));
	assert_true(s3_acl_canned(&acl, STR("public-read"), str_from(owner)));
	s3_acl_write(&acl, &text);
	s3_acl_read(&again, buf_str(&text), STR(""));
	assert_true(s3_acl_is_public(&again));
	assert_true(s3_acl_allows(&again, S3_READ, STR(""), false));
	assert_false(s3_acl_allows(&again, S3_READ, STR(""), true));
	assert_false(s3_acl_allows(&again, S3_WRITE, str_from(other), false));
	assert_true(s3_acl_allows(&again, S3_WRITE, str_from(owner), false));
	s3_acl_done(&again);
	assert_true(s3_acl_canned(&acl, STR("authenticated-read"), str_from(owner)));
	assert_false(s3_acl_allows(&acl, S3_READ, STR(""), false));
	assert_true(s3_acl_allows(&acl, S3_READ, str_from(other), false));
}

static void test_utf8(void **state)
{
	assert_true(s3_is_utf8(STR("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")));
	assert_false(s3_is_utf8(STR("\xc0\xaf")));
	assert_false(s3_is_utf8(STR("\xed\xa0\x80")));
	assert_false(s3_is_utf8(STR("\xf4\x90\x80\x80")));
	assert_false(s3_is_utf8(STR("\xe2\x82")));
}

static void test_webhook_hosts(void **state)
{
	static const char *const hosts[] = {
		"hooks.example.com", "10.0.0.5:8080", "[fd00::1]:80", NULL};
	static const struct {
		const char *url;
		bool listed, loopback; /* with these hosts; with loopback alone */
	} cases[] = {
		{"http://hooks.example.com/a", true, false},
		{"https://HOOKS.example.com:8443/a?b", true, false},
		{"http://10.0.0.5:8080/", true, false},
		{"http://10.0.0.5/", false, false},
		{"http://10.0.0.5:80801/", false, false},
		{"http://[fd00::1]/", true, false},
		{"http://127.0.0.1:9/hook", false, true},
		{"http://localhost:9", false, true},
		{"http://[::1]:9/", false, true},
		{"http://127.0.0.1.example.net/", false, false},
		{"http://hooks.example.com.example.net/", false, false},
		{"http://hooks.example.com@169.254.169.254/", false, false},
		{"http://127.0.0.1:80@169.254.169.254/", false, false},
		{"http://169.254.169.254/latest/meta-data/", false, false},
		{"http://127.0.0.1\\@169.254.169.254/", false, false},
		{"http://user@hooks.example.com/", false, false},
		{"http:///", false, false},
		{"", false, false},
	};
	static const char *const none[] = {NULL};
	struct s3 nowhere = {.webhook_hosts = none};
	struct s3 listed = {.webhook_hosts = hosts};
	struct s3 loopback = {.webhook_hosts = none, .webhooks_to_loopback = true};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct str url = str_from(cases[i].url);

		assert_false(s3_webhook_may(&nowhere, url));
		if (s3_webhook_may(&listed, url) != cases[i].listed ||
			s3_webhook_may(&loopback, url) != cases[i].loopback)
			fail_msg("%s", cases[i].url);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_webhook_hosts),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_post_policy),
		cmocka_unit_test(test_lifecycle),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_acl),
		cmocka_unit_test(test_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
