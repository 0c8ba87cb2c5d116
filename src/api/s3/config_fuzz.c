/* The first byte says which document of S3 the rest is; what is kept must be read again. */
#include "api/s3/s3_priv.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void cors(struct str xml)
{
	struct s3_cors *cors = NULL;
	struct aws_error error;

	s3_cors_parse(&cors, xml, &error);
	s3_cors_free(cors);
}

/* With ids for the rules that had none: still a lifecycle. */
static void lifecycle(struct str xml)
{
	struct s3_lifecycle *lifecycle = NULL, *again = NULL;
	_cleanup_buf_ struct buf changed = {0};
	struct aws_error error;

	if (s3_lifecycle_parse(&lifecycle, xml, &error) == 0 &&
		s3_lifecycle_name(xml, &changed, &error) == 0 && changed.n)
		assert(s3_lifecycle_parse(&again, buf_str(&changed), &error) == 0);
	s3_lifecycle_free(lifecycle);
	s3_lifecycle_free(again);
}

static void events(struct str xml)
{
	struct s3_events *events = NULL;
	struct aws_error error;

	s3_events_parse(&events, xml, &error);
	s3_events_free(events);
}

static void tags(struct str xml)
{
	_cleanup_buf_ struct buf encoded = {0};
	struct aws_error error;

	buf_reserve(&encoded, 1);
	s3_tags_xml(xml, S3_BUCKET_TAGS_MAX, &encoded, &error);
}

static void acl(struct str xml)
{
	_cleanup_buf_ struct buf kept = {0}, answer = {0};
	struct s3_acl acl = {0}, again = {0};
	struct aws_error error;

	if (s3_acl_xml(&acl, xml, &error) == 0) {
		s3_acl_write(&acl, &kept);
		s3_acl_read(&again, buf_str(&kept), STR("owner"));
		s3_acl_answer(&answer, &again);
	}
	s3_acl_done(&acl);
	s3_acl_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const documents[])(struct str xml) = {cors, lifecycle, events, tags, acl};

	if (size > 0)
		documents[data[0] % ARRAY_SIZE(documents)](
			(struct str){(const char *)data + 1, size - 1});
	return 0;
}
