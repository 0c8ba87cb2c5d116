/* CreateDeliveryStream, DescribeDeliveryStream, ListDeliveryStreams, DeleteDeliveryStream,
 * UpdateDestination. A stream is ACTIVE when it is created; while it is DELETING what it has is
 * delivered. */
#include "api/firehose/firehose_priv.h"

#include <inttypes.h>
#include <stdio.h>

enum { LIST_DEFAULT = 10 };

/* The one destination of the call: suffix is "Configuration" or "Update". */
static int read_destination(const struct api_call *call, const char *suffix,
	const json_t **ret_given, struct aws_error *error)
{
	static const char *const others[] = {"RedshiftDestination", "ElasticsearchDestination",
		"AmazonopensearchserviceDestination", "AmazonOpenSearchServerlessDestination",
		"SplunkDestination", "HttpEndpointDestination", "SnowflakeDestination",
		"IcebergDestination"};
	char name[64];

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		snprintf(name, sizeof(name), "%s%s", others[i], suffix);
		if (json_object_get(call->input, name))
			return firehose_refuse(error,
				"%s is not supported: a destination is a bucket (ExtendedS3Destination%s).",
				name, suffix);
	}
	snprintf(name, sizeof(name), "S3Destination%s", suffix);
	const json_t *simple = json_object_get(call->input, name);
	snprintf(name, sizeof(name), "ExtendedS3Destination%s", suffix);
	const json_t *extended = json_object_get(call->input, name);
	if (!simple == !extended)
		return firehose_refuse(
			error, "Exactly one destination configuration is supported for a Firehose");
	*ret_given = extended ? extended : simple;
	return 0;
}

static int check_source(const struct api_call *call, struct aws_error *error)
{
	static const char *const others[] = {"DirectPutSourceConfiguration",
		"KinesisStreamSourceConfiguration", "MSKSourceConfiguration",
		"DatabaseSourceConfiguration", "DeliveryStreamEncryptionConfigurationInput"};
	struct str type = api_member_text(call->input, "DeliveryStreamType");

	if (type.p && !str_equal(type, STR("DirectPut")))
		return firehose_refuse(error,
			"DeliveryStreamType %.*s is not supported: DirectPut is.", STR_ARG(type));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (json_object_get(call->input, others[i]))
			return firehose_refuse(error, "%s is not supported.", others[i]);
	return 0;
}

static json_t *arn_of(const struct firehose *firehose, struct str name)
{
	return json_sprintf("arn:aws:firehose:%.*s:%.*s:deliverystream/%.*s",
		STR_ARG(firehose->options.region), STR_ARG(firehose->options.account),
		STR_ARG(name));
}

FIREHOSE_HANDLER(firehose_create)
{
	struct firehose *firehose = firehose_of(call);
	struct str name = api_member_text(call->input, "DeliveryStreamName");
	const json_t *given;
	json_t *destination;

	if (check_source(call, error) < 0 ||
		read_destination(call, "Configuration", &given, error) < 0 ||
		firehose_destination_make(NULL, given, &destination, error) < 0)
		return -1;
	json_t *tags = json_object();
	int result = firehose_tags_read(json_object_get(call->input, "Tags"), tags, error);
	if (result == 0)
		result = firehose_stream_create(
			firehose, name, destination, tags, error, &call->exchange->err);
	json_decref(destination);
	json_decref(tags);
	if (result < 0)
		return -1;
	json_object_set_new(call->output, "DeliveryStreamARN", arn_of(firehose, name));
	return 0;
}

/* The members that the simple description has. */
static json_t *simple_description(const json_t *destination)
{
	static const char *const members[] = {"RoleARN", "BucketARN", "Prefix", "ErrorOutputPrefix",
		"BufferingHints", "CompressionFormat", "EncryptionConfiguration",
		"CloudWatchLoggingOptions"};
	json_t *simple = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		json_t *value = json_object_get(destination, members[i]);
		if (value)
			json_object_set_new(simple, members[i], json_deep_copy(value));
	}
	return simple;
}

FIREHOSE_HANDLER(firehose_describe)
{
	_cleanup_stream_ struct firehose_stream *stream = NULL;

	if (firehose_stream_of(call, true, &stream, error) < 0)
		return -1;
	json_t *description = json_object(), *destinations = json_array();
	json_object_set_new(description, "DeliveryStreamName", json_string(stream->name));
	json_object_set_new(
		description, "DeliveryStreamARN", arn_of(stream->firehose, str_from(stream->name)));
	json_object_set_new(description, "DeliveryStreamType", json_string("DirectPut"));
	json_object_set_new(description, "CreateTimestamp", json_integer(stream->created_ms));
	json_object_set_new(description, "HasMoreDestinations", json_false());
	pthread_mutex_lock(&stream->lock);
	json_object_set_new(description, "DeliveryStreamStatus",
		json_string(stream->is_deleting ? "DELETING" : "ACTIVE"));
	json_object_set_new(description, "VersionId", json_sprintf("%" PRId64, stream->version));
	if (stream->updated_ms)
		json_object_set_new(
			description, "LastUpdateTimestamp", json_integer(stream->updated_ms));
	if (!api_member_text(call->input, "ExclusiveStartDestinationId").p)
		json_array_append_new(destinations,
			json_pack("{s:s,s:o,s:o}", "DestinationId", FIREHOSE_DESTINATION,
				"S3DestinationDescription", simple_description(stream->destination),
				"ExtendedS3DestinationDescription",
				json_deep_copy(stream->destination)));
	pthread_mutex_unlock(&stream->lock);
	json_object_set_new(description, "Destinations", destinations);
	json_object_set_new(call->output, "DeliveryStreamDescription", description);
	return 0;
}

/* Is the name behind `after`, in the order of bytes? */
static bool is_behind(struct str name, struct str after)
{
	int order = memcmp(name.p, after.p, name.n < after.n ? name.n : after.n);

	return order > 0 || (order == 0 && name.n > after.n);
}

FIREHOSE_HANDLER(firehose_list)
{
	struct str after = api_member_text(call->input, "ExclusiveStartDeliveryStreamName");
	struct str type = api_member_text(call->input, "DeliveryStreamType");
	size_t limit = (size_t)api_member_number(call->input, "Limit", LIST_DEFAULT), count;
	bool has_more = false;
	json_t *names = json_array();
	_cleanup_free_ struct firehose_stream **all =
		firehose_streams_all(firehose_of(call), &count);

	for (size_t i = 0; i < count; i++) {
		struct str name = str_from(all[i]->name);
		if ((!type.p || str_equal(type, STR("DirectPut"))) &&
			(!after.p || is_behind(name, after))) {
			has_more = json_array_size(names) == limit;
			if (!has_more)
				json_array_append_new(names, firehose_json(name));
		}
		firehose_stream_unref(all[i]);
	}
	json_object_set_new(call->output, "DeliveryStreamNames", names);
	json_object_set_new(call->output, "HasMoreDeliveryStreams", json_boolean(has_more));
	return 0;
}

FIREHOSE_HANDLER(firehose_delete)
{
	_cleanup_stream_ struct firehose_stream *stream = NULL;

	if (firehose_stream_of(call, false, &stream, error) < 0)
		return -1;
	pthread_mutex_lock(&stream->lock);
	int result = firehose_stream_save(stream, NULL, NULL, true, &call->exchange->err);
	pthread_mutex_unlock(&stream->lock);
	if (result < 0)
		return aws_error_internal(error);
	firehose_deliver_wake(stream->firehose);
	return 0;
}

/* Lock held. */
static int update(struct api_call *call, struct firehose_stream *stream, const json_t *given,
	struct aws_error *error)
{
	struct str version = api_member_text(call->input, "CurrentDeliveryStreamVersionId");
	char current[24];
	json_t *destination;

	snprintf(current, sizeof(current), "%" PRId64, stream->version);
	if (!str_equal(version, str_from(current)))
		return aws_error_set(error, AWS_ERROR_CONCURRENT_MODIFICATION_EXCEPTION,
			"Cannot update firehose: %s since the current version id: %s and specified "
			"version id: %.*s do not match",
			stream->name, current, STR_ARG(version));
	if (firehose_destination_make(stream->destination, given, &destination, error) < 0)
		return -1;
	if (firehose_stream_save(stream, destination, NULL, false, &call->exchange->err) == 0)
		return 0;
	json_decref(destination);
	return aws_error_internal(error);
}

FIREHOSE_HANDLER(firehose_update)
{
	_cleanup_stream_ struct firehose_stream *stream = NULL;
	const json_t *given;

	if (read_destination(call, "Update", &given, error) < 0 ||
		firehose_stream_of(call, false, &stream, error) < 0)
		return -1;
	if (!str_equal(api_member_text(call->input, "DestinationId"), STR(FIREHOSE_DESTINATION)))
		return firehose_refuse(
			error, "The destination of %s is " FIREHOSE_DESTINATION ".", stream->name);
	pthread_mutex_lock(&stream->lock);
	int result = update(call, stream, given, error);
	pthread_mutex_unlock(&stream->lock);
	return result;
}

FIREHOSE_HANDLER(firehose_encrypt)
{
	_cleanup_stream_ struct firehose_stream *stream = NULL;

	if (firehose_stream_of(call, true, &stream, error) < 0)
		return -1;
	return firehose_refuse(error, "%s is not supported.", call->operation->name);
}
