/* Results as objects, each whole or not at all: Athena's CSV or text, and beside it .metadata, a
 * protobuf message with the columns. */
#include "api/athena/athena_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

int athena_put_draft(struct athena *athena, struct execution *execution, struct str location,
	struct store_draft *draft, struct athena_failure *failure)
{
	struct str bucket, key;
	_cleanup_buf_ struct buf arn = {0}, own = {0};
	struct aws_error error;
	struct err err = ERR_INIT;
	const struct store_condition none = {.if_match = STR("")};
	struct store_object object = {.headers = {.content_type = STR("application/octet-stream")}};

	if (!athena_split_location(location, &bucket, &key))
		return athena_fail(
			failure, "INVALID_INPUT", "outputLocation is not a valid S3 path.");
	buf_printf(&arn, "arn:aws:s3:::%.*s/%.*s", STR_ARG(bucket), STR_ARG(key));
	buf_printf(&own, "nagare-athena-results-%.*s", STR_ARG(athena->settings.account));
	if (!str_equal(bucket, buf_str(&own)) &&
		athena_may(athena, execution, "s3:PutObject", buf_str(&arn), failure) < 0)
		return -1;
	int r = store_object_put(
		athena->settings.objects, bucket, key, draft, &none, &object, &error, &err);
	if (r < 0)
		return athena_fail(failure, "FAILED", "cannot write s3://%.*s/%.*s: %s",
			STR_ARG(bucket), STR_ARG(key), error.message);
	store_object_done(&object);
	return 0;
}

int athena_put_object(struct athena *athena, struct execution *execution, struct str location,
	struct str bytes, struct athena_failure *failure)
{
	_cleanup_(store_draft_freep) struct store_draft *draft = NULL;
	struct aws_error error;
	struct err err = ERR_INIT;

	if (store_draft_new(athena->settings.objects, &draft, (int64_t)bytes.n, &error, &err) < 0 ||
		store_draft_add(draft, bytes, &error, &err) < 0)
		return athena_fail_aws(failure, &error);
	return athena_put_draft(athena, execution, location, draft, failure);
}

int athena_put_file(struct athena *athena, struct execution *execution, struct str location,
	const char *path, struct athena_failure *failure)
{
	_cleanup_(store_draft_freep) struct store_draft *draft = NULL;
	_cleanup_free_ char *block = mem_new(1, 1 << 20);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct aws_error error;
	struct err err = ERR_INIT;
	ssize_t n;

	if (fd < 0)
		return athena_fail(failure, "GENERIC_INTERNAL_ERROR", "the rows are not there");
	if (store_draft_new(athena->settings.objects, &draft, -1, &error, &err) < 0)
		return athena_fail_aws(failure, &error);
	while ((n = read(fd, block, 1 << 20)) > 0) {
		if (store_draft_add(draft, (struct str){block, (size_t)n}, &error, &err) < 0)
			return athena_fail_aws(failure, &error);
	}
	if (n < 0)
		return athena_fail(failure, "GENERIC_INTERNAL_ERROR", "the rows cannot be read");
	return athena_put_draft(athena, execution, location, draft, failure);
}

json_t *athena_column(const char *name, const char *type, int precision, int scale, bool sensitive)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:b}", "CatalogName",
		"hive", "SchemaName", "", "TableName", "", "Name", name, "Label", name, "Type",
		type, "Precision", precision, "Scale", scale, "Nullable", "UNKNOWN",
		"CaseSensitive", sensitive);
}

/* ---- .metadata ---- */

static void add_varint(struct buf *buf, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		buf_add_char(buf, (char)(value | 0x80));
	buf_add_char(buf, (char)value);
}

static void add_number(struct buf *buf, unsigned field, uint64_t value)
{
	add_varint(buf, field << 3);
	add_varint(buf, value);
}

static void add_bytes(struct buf *buf, unsigned field, struct str bytes)
{
	add_varint(buf, field << 3 | 2);
	add_varint(buf, bytes.n);
	buf_add_str(buf, bytes);
}

/* Which of precision, scale and case are told depends on the type. */
static void add_column(struct buf *buf, const json_t *column)
{
	static const char *const nothing[] = {"array", "map", "row", "json", "string", NULL};
	_cleanup_buf_ struct buf message = {0};
	struct str type = athena_text(column, "Type");
	bool bare = false;
	bool is_case_only =
		str_equal(type, STR("boolean")) || str_starts_with(type, STR("interval"));

	for (size_t i = 0; nothing[i]; i++)
		bare |= str_equal(type, str_from(nothing[i]));
	add_bytes(&message, 1, STR("hive"));
	add_bytes(&message, 4, athena_text(column, "Name"));
	add_bytes(&message, 5, athena_text(column, "Name"));
	add_bytes(&message, 6, type);
	if (!bare && !is_case_only) {
		if (!str_equal(type, STR("date")))
			add_number(&message, 7,
				(uint64_t)json_integer_value(json_object_get(column, "Precision")));
		add_number(&message, 8,
			(uint64_t)json_integer_value(json_object_get(column, "Scale")));
	}
	add_number(&message, 9, 3);
	if (!bare)
		add_number(&message, 10, json_is_true(json_object_get(column, "CaseSensitive")));
	add_bytes(buf, 4, buf_str(&message));
}

int athena_put_metadata(struct athena *athena, struct execution *execution, struct str location,
	const json_t *columns, struct athena_failure *failure)
{
	_cleanup_buf_ struct buf message = {0}, name = {0};

	add_bytes(&message, 1, str_from(execution->id));
	for (size_t i = 0; i < json_array_size(columns); i++)
		add_column(&message, json_array_get(columns, i));
	buf_printf(&name, "%.*s.metadata", STR_ARG(location));
	return athena_put_object(athena, execution, buf_str(&name), buf_str(&message), failure);
}
