/* What strangers send to S3: the first byte says which of it the rest is. */
#include "api/s3/lifecycle_priv.h"
#include "api/s3/post_priv.h"

#include <stdint.h>

static int take_field(void *context, struct str name, struct str value, struct aws_error *error)
{
	return 0;
}

static int take_file(void *context, struct str name, struct aws_error *error)
{
	return 0;
}

static void feed_form(struct str text)
{
	struct s3_form_parser parser = {.field = take_field, .file = take_file, .data = take_file};

	s3_form_init(&parser, STR("multipart/form-data; boundary=XX"), NULL);
	while (text.n) {
		size_t n = 1 + (unsigned char)text.p[0] % 32;
		n = n < text.n ? n : text.n;
		if (s3_form_feed(&parser, (struct str){text.p, n}, NULL) < 0)
			break;
		text = (struct str){text.p + n, text.n - n};
	}
	s3_form_done(&parser);
}

static void check_policy(struct str text)
{
	struct s3_form form = {
		.bucket = STR("b"), .fields = {{STR("key"), STR("user/a"), false}}, .count = 1};

	s3_post_policy_check(&form, text, 0, NULL);
}

static void read_configurations(struct str text)
{
	struct s3_lifecycle *lifecycle = NULL;
	struct s3_cors *cors = NULL;
	struct s3_events *events = NULL;
	struct s3_acl acl;
	_cleanup_buf_ struct buf tags = {0}, named = {0};

	buf_reserve(&tags, 1);
	if (s3_lifecycle_parse(&lifecycle, text, NULL) == 0)
		s3_lifecycle_name(text, &named, NULL);
	s3_lifecycle_free(lifecycle);
	s3_cors_parse(&cors, text, NULL);
	s3_cors_free(cors);
	s3_events_parse(&events, text, NULL);
	s3_events_free(events);
	s3_acl_xml(&acl, text, NULL);
	s3_acl_done(&acl);
	s3_tags_xml(text, S3_BUCKET_TAGS_MAX, &tags, NULL);
}

static void read_texts(struct str text)
{
	struct s3_range range;
	struct s3_acl acl;

	s3_range_parse(text, 1000, &range, NULL);
	s3_tags_check(text, NULL);
	s3_etag_matches(text, "a");
	s3_acl_read(&acl, text, STR("o"));
	s3_acl_done(&acl);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static void (*const kinds[])(struct str text) = {
		feed_form, check_policy, read_configurations, read_texts};

	if (n)
		kinds[bytes[0] % ARRAY_SIZE(kinds)]((struct str){(const char *)bytes + 1, n - 1});
	return 0;
}
