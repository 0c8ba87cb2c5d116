/* What a stream's destination may be, and where an object of it goes. The description that
 * DescribeDeliveryStream gives is what is kept. */
#include "api/firehose/firehose_priv.h"

#include "aws/arn.h"
#include "aws/digest.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

enum { MEBIBYTES = 5, SECONDS = 300 }; /* AWS's defaults */

int firehose_refuse(struct aws_error *error, const char *format, ...)
{
	char message[AWS_ERROR_MESSAGE_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	return aws_error_set(error, AWS_ERROR_INVALID_ARGUMENT_EXCEPTION, "%s", message);
}

/* ---- what is refused ---- */

static bool is_on(const json_t *given, const char *name, bool otherwise)
{
	const json_t *object = json_object_get(given, name);
	const json_t *enabled = json_object_get(object, "Enabled");

	return object && (enabled ? json_is_true(enabled) : otherwise);
}

static int check_processors(const json_t *given, struct aws_error *error)
{
	const json_t *processing = json_object_get(given, "ProcessingConfiguration");
	size_t i, k;
	json_t *processor, *parameter;

	if (!is_on(given, "ProcessingConfiguration", false))
		return 0;
	json_array_foreach(json_object_get(processing, "Processors"), i, processor)
	{
		struct str type = api_member_text(processor, "Type");
		if (!str_equal(type, STR("AppendDelimiterToRecord")))
			return firehose_refuse(error,
				"The processor %.*s is not supported: only AppendDelimiterToRecord is.",
				STR_ARG(type));
		json_array_foreach(json_object_get(processor, "Parameters"), k, parameter)
		{
			struct str value = api_member_text(parameter, "ParameterValue");
			if (!str_equal(api_member_text(parameter, "ParameterName"),
				    STR("Delimiter")) ||
				(!str_equal(value, STR("\\n")) && !str_equal(value, STR("\n"))))
				return firehose_refuse(error,
					"AppendDelimiterToRecord takes the parameter Delimiter with "
					"the value \\n.");
		}
	}
	return 0;
}

static int check_given(const json_t *given, struct aws_error *error)
{
	struct str compression = api_member_text(given, "CompressionFormat");
	struct str zone = api_member_text(given, "CustomTimeZone");
	const json_t *hints = json_object_get(given, "BufferingHints");

	if (compression.p && !str_equal(compression, STR("UNCOMPRESSED")) &&
		!str_equal(compression, STR("GZIP")))
		return firehose_refuse(error,
			"CompressionFormat %.*s is not supported: UNCOMPRESSED and GZIP are.",
			STR_ARG(compression));
	if (zone.n && !str_equal(zone, STR("UTC")))
		return firehose_refuse(
			error, "CustomTimeZone %.*s is not supported: UTC is.", STR_ARG(zone));
	if (json_object_get(
		    json_object_get(given, "EncryptionConfiguration"), "KMSEncryptionConfig"))
		return firehose_refuse(error, "KMSEncryptionConfig is not supported.");
	if (is_on(given, "CloudWatchLoggingOptions", false))
		return firehose_refuse(error, "CloudWatchLoggingOptions are not supported.");
	if (str_equal(api_member_text(given, "S3BackupMode"), STR("Enabled")) ||
		json_object_get(given, "S3BackupConfiguration") ||
		json_object_get(given, "S3BackupUpdate"))
		return firehose_refuse(error, "A backup to S3 is not supported.");
	if (is_on(given, "DataFormatConversionConfiguration", true))
		return firehose_refuse(
			error, "DataFormatConversionConfiguration is not supported.");
	if (is_on(given, "DynamicPartitioningConfiguration", false))
		return firehose_refuse(error, "DynamicPartitioningConfiguration is not supported.");
	if (hints && json_object_size(hints) != 2)
		return firehose_refuse(
			error, "BufferingHints must have both SizeInMBs and IntervalInSeconds.");
	return check_processors(given, error);
}

static int check_prefixes(const json_t *destination, struct aws_error *error)
{
	struct str prefix = api_member_text(destination, "Prefix");
	struct str error_prefix = api_member_text(destination, "ErrorOutputPrefix");
	const char *wrong = firehose_prefix_check(
		prefix.p ? prefix : STR(""), error_prefix.p ? error_prefix : STR(""));

	return wrong ? firehose_refuse(error, "%s", wrong) : 0;
}

/* ---- making ---- */

static json_t *make_default(void)
{
	return json_pack("{s:{s:i,s:i},s:s,s:{s:s},s:{s:b},s:s}", "BufferingHints", "SizeInMBs",
		MEBIBYTES, "IntervalInSeconds", SECONDS, "CompressionFormat", "UNCOMPRESSED",
		"EncryptionConfiguration", "NoEncryptionConfig", "NoEncryption",
		"CloudWatchLoggingOptions", "Enabled", 0, "S3BackupMode", "Disabled");
}

int firehose_destination_make(
	const json_t *old, const json_t *given, json_t **ret_destination, struct aws_error *error)
{
	static const char *const taken[] = {"RoleARN", "BucketARN", "Prefix", "ErrorOutputPrefix",
		"BufferingHints", "CompressionFormat", "ProcessingConfiguration", "FileExtension",
		"CustomTimeZone"};

	if (check_given(given, error) < 0)
		return -1;
	json_t *destination = old ? json_deep_copy(old) : make_default();
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
		json_t *value = json_object_get(given, taken[i]);
		if (value)
			json_object_set_new(destination, taken[i], json_deep_copy(value));
	}
	if (check_prefixes(destination, error) < 0) {
		json_decref(destination);
		return -1;
	}
	*ret_destination = destination;
	return 0;
}

/* ---- reading ---- */

int64_t firehose_destination_seconds(const json_t *destination)
{
	return api_member_number(
		json_object_get(destination, "BufferingHints"), "IntervalInSeconds", SECONDS);
}

uint64_t firehose_destination_bytes(const json_t *destination)
{
	return (uint64_t)api_member_number(
		       json_object_get(destination, "BufferingHints"), "SizeInMBs", MEBIBYTES)
	       << 20;
}

struct str firehose_destination_bucket(const json_t *destination)
{
	struct aws_arn arn;

	return aws_arn_parse(api_member_text(destination, "BucketARN"), &arn) ? arn.resource
									      : STR("");
}

static bool has_delimiter(const json_t *destination)
{
	return is_on(destination, "ProcessingConfiguration", false) &&
	       json_array_size(json_object_get(
		       json_object_get(destination, "ProcessingConfiguration"), "Processors")) > 0;
}

/* STREAM-VERSION-YYYY-MM-DD-HH-MM-SS-UUID */
static void add_name(struct buf *key, const char *name, int64_t version, int64_t now_ms)
{
	time_t seconds = now_ms / 1000;
	uint8_t random[16];
	char digits[2 * sizeof(random)];
	struct tm time;

	gmtime_r(&seconds, &time);
	aws_random(random, sizeof(random));
	random[6] = (uint8_t)((random[6] & 0x0f) | 0x40);
	random[8] = (uint8_t)((random[8] & 0x3f) | 0x80);
	aws_hex_write(digits, random, sizeof(random));
	buf_printf(key, "%s-%" PRId64 "-%04d-%02d-%02d-%02d-%02d-%02d", name, version,
		time.tm_year + 1900, time.tm_mon + 1, time.tm_mday, time.tm_hour, time.tm_min,
		time.tm_sec);
	buf_printf(key, "-%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8, digits + 12, digits + 16,
		digits + 20);
}

void firehose_destination_head(const json_t *destination, const char *name, int64_t version,
	int64_t now_ms, struct buf *head)
{
	struct str prefix = api_member_text(destination, "Prefix");
	struct str extension = api_member_text(destination, "FileExtension");
	struct str bucket = firehose_destination_bucket(destination);
	bool is_gzip = str_equal(api_member_text(destination, "CompressionFormat"), STR("GZIP"));
	_cleanup_buf_ struct buf key = {0};

	firehose_prefix_add(&key, prefix.p ? prefix : STR(""), now_ms);
	add_name(&key, name, version, now_ms);
	if (extension.n)
		buf_add_str(&key, extension);
	else if (is_gzip)
		buf_add_text(&key, ".gz");
	json_t *document = json_pack("{s:s%,s:s%,s:b,s:b}", "bucket", bucket.p, bucket.n, "key",
		key.p, key.n, "gzip", is_gzip, "delimiter", has_delimiter(destination));
	char *text = json_dumps(document, JSON_COMPACT);
	buf_add_text(head, text);
	free(text);
	json_decref(document);
}
