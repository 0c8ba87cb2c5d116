/* DeleteObject and DeleteObjects. */
#include "api/s3/s3_priv.h"

static void tell(
	struct s3_call *call, struct str key, const struct store_deleted *deleted, bool named)
{
	struct store_object object = {.key = key};

	if (deleted->version[0])
		memcpy(object.version, deleted->version, sizeof(object.version));
	s3_event(call,
		deleted->is_delete_marker && !named ? "ObjectRemoved:DeleteMarkerCreated"
						    : "ObjectRemoved:Delete",
		&object);
}

int s3_object_delete(struct s3_call *call, struct aws_error *error)
{
	struct store_condition condition;
	struct store_deleted deleted = {0};

	if (s3_condition_headers(call, &condition, error) < 0)
		return -1;
	condition.if_none_match = STR("");
	if (store_object_delete(call->s3->objects, call->bucket, call->key, call->version,
		    &condition, &deleted, error, s3_err(call)) < 0)
		return -1;
	if (deleted.version[0] && call->info->bucket.versioning != STORE_VERSIONING_NEVER)
		api_answer_header(call->exchange, "x-amz-version-id", str_from(deleted.version));
	if (deleted.is_delete_marker)
		api_answer_header(call->exchange, "x-amz-delete-marker", STR("true"));
	tell(call, call->key, &deleted, call->version.n);
	return s3_answer_empty(call, 204);
}

static void write_error(struct aws_xml_writer *writer, struct str key, struct str version,
	const struct aws_error *error)
{
	aws_xml_open(writer, "Error");
	aws_xml_element(writer, "Key", key);
	if (version.n)
		aws_xml_element(writer, "VersionId", version);
	aws_xml_element(writer, "Code", str_from(aws_error_name(error->code)));
	aws_xml_element(writer, "Message", str_from(error->message));
	aws_xml_close(writer);
}

static void write_deleted(struct aws_xml_writer *writer, struct str key, struct str version,
	const struct store_deleted *deleted)
{
	aws_xml_open(writer, "Deleted");
	aws_xml_element(writer, "Key", key);
	if (version.n)
		aws_xml_element(writer, "VersionId", version);
	if (deleted->is_delete_marker) {
		aws_xml_element_bool(writer, "DeleteMarker", true);
		aws_xml_element(writer, "DeleteMarkerVersionId", str_from(deleted->version));
	}
	aws_xml_close(writer);
}

static void delete_one(struct s3_call *call, const struct aws_xml_node *object, bool is_quiet,
	struct aws_xml_writer *writer)
{
	struct str key = aws_xml_text(object, STR("Key"));
	struct str version = aws_xml_text(object, STR("VersionId"));
	struct str etag = aws_xml_text(object, STR("ETag"));
	struct store_condition condition = {
		.if_match = etag.p ? etag : STR(""), .if_none_match = STR("")};
	struct store_deleted deleted = {0};
	struct aws_error error = {0};

	if (!version.p)
		version = STR("");
	struct s3_access access = {
		.action = version.n ? "s3:DeleteObjectVersion" : "s3:DeleteObject",
		.bucket = call->bucket,
		.key = key,
		.info = call->info,
		.acl = &call->info->acl,
		.is_bucket_acl = true,
		.permission = S3_WRITE,
		.version = version};
	if (key.n > STORE_KEY_MAX) {
		aws_error_default(&error, AWS_ERROR_KEY_TOO_LONG);
	} else if (version.n >= STORE_VERSION_MAX) {
		aws_error_default(&error, AWS_ERROR_NO_SUCH_VERSION);
	} else if (s3_allow(call, &access, &error) == 0 &&
		   store_object_delete(call->s3->objects, call->bucket, key, version, &condition,
			   &deleted, &error, s3_err(call)) == 0) {
		if (!is_quiet)
			write_deleted(writer, key, version, &deleted);
		tell(call, key, &deleted, version.n);
		return;
	}
	write_error(writer, key, version, &error);
}

int s3_objects_delete(struct s3_call *call, struct aws_error *error)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;
	_cleanup_buf_ struct buf buf = {0};
	struct aws_xml_writer writer;
	size_t n = 0;

	if (s3_xml_parse(&document, buf_str(&call->exchange->body), "Delete", error) < 0)
		return -1;
	const struct aws_xml_node *root = aws_xml_root(document);
	bool is_quiet = str_equal_ignoring_case(aws_xml_text(root, STR("Quiet")), STR("true"));
	const struct aws_xml_node *object = aws_xml_child(root, STR("Object"));
	for (; object; object = aws_xml_next(object))
		if (++n > STORE_LIST_MAX || !aws_xml_text(object, STR("Key")).n)
			return aws_error_default(error, AWS_ERROR_MALFORMED_XML);
	if (n == 0)
		return aws_error_default(error, AWS_ERROR_MALFORMED_XML);
	s3_xml(&writer, &buf, "DeleteResult");
	for (object = aws_xml_child(root, STR("Object")); object; object = aws_xml_next(object))
		delete_one(call, object, is_quiet, &writer);
	return s3_answer_xml(call, 200, &writer);
}
