/* The table of Data Firehose's operations, what they are about, its start and its counters. */
#include "api/firehose/firehose_priv.h"

#include "api/firehose/firehose_shape.h"

#include <inttypes.h>

json_t *firehose_json(struct str text)
{
	return json_stringn_nocheck(text.p ? text.p : "", text.n);
}

int firehose_stream_of(struct api_call *call, bool is_any, struct firehose_stream **ret_stream,
	struct aws_error *error)
{
	_cleanup_stream_ struct firehose_stream *stream = NULL;

	if (firehose_stream_find(firehose_of(call),
		    api_member_text(call->input, "DeliveryStreamName"), &stream, error) < 0)
		return -1;
	pthread_mutex_lock(&stream->lock);
	bool is_deleting = stream->is_deleting;
	pthread_mutex_unlock(&stream->lock);
	if (is_deleting && !is_any)
		return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION,
			"Firehose %s is being deleted.", stream->name);
	*ret_stream = take(stream);
	return 0;
}

/* The stream's tags, and those that the request gives or takes. */
static void add_tags(
	struct api_call *call, struct api_authorization *authorization, struct str name)
{
	_cleanup_stream_ struct firehose_stream *stream = NULL;
	struct aws_error none;
	const char *key;
	size_t i;
	json_t *value;

	if (firehose_stream_find(firehose_of(call), name, &stream, &none) == 0) {
		pthread_mutex_lock(&stream->lock);
		json_object_foreach(stream->tags, key, value) api_about_tag(authorization,
			STR("aws:ResourceTag/"), str_from(key), str_from(json_string_value(value)));
		pthread_mutex_unlock(&stream->lock);
	}
	json_array_foreach(json_object_get(call->input, "Tags"), i, value)
	{
		struct str text = api_member_text(value, "Value");
		api_about_tag(authorization, STR("aws:RequestTag/"), api_member_text(value, "Key"),
			text.p ? text : STR(""));
		api_about_key(authorization, STR("aws:TagKeys"), api_member_text(value, "Key"));
	}
	json_array_foreach(json_object_get(call->input, "TagKeys"), i, value)
		api_about_key(authorization, STR("aws:TagKeys"),
			(struct str){json_string_value(value), json_string_length(value)});
}

int firehose_about(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	const struct firehose_options *options = &firehose_of(call)->options;
	struct str name = api_member_text(call->input, "DeliveryStreamName");

	api_about_resource(authorization, "arn:aws:firehose:%.*s:%.*s:deliverystream/%.*s",
		STR_ARG(options->region), STR_ARG(options->account), STR_ARG(name));
	add_tags(call, authorization, name);
	return 0;
}

static const struct api_operation operations[] = {
	{"CreateDeliveryStream", firehose_about, firehose_create},
	{"DescribeDeliveryStream", firehose_about, firehose_describe},
	{"ListDeliveryStreams", NULL, firehose_list},
	{"DeleteDeliveryStream", firehose_about, firehose_delete},
	{"UpdateDestination", firehose_about, firehose_update},
	{"PutRecord", firehose_about, firehose_put},
	{"PutRecordBatch", firehose_about, firehose_put_batch},
	{"StartDeliveryStreamEncryption", firehose_about, firehose_encrypt},
	{"StopDeliveryStreamEncryption", firehose_about, firehose_encrypt},
	{"TagDeliveryStream", firehose_about, firehose_tag},
	{"UntagDeliveryStream", firehose_about, firehose_untag},
	{"ListTagsForDeliveryStream", firehose_about, firehose_list_tags},
	{NULL},
};

static const char *const signing_names[] = {"firehose", NULL};

const struct api_service api_firehose = {
	.name = "firehose",
	.signing_names = signing_names,
	.style = AWS_STYLE_JSON,
	.shape = &firehose_shape,
	.operations = operations,
};

int firehose_start(
	struct firehose **ret_firehose, const struct firehose_options *options, struct err *err)
{
	struct firehose *firehose = mem_new(1, sizeof(*firehose));
	pthread_condattr_t monotonic;

	firehose->options = *options;
	firehose->root = mem_printf("%s/firehose", options->folder);
	pthread_rwlock_init(&firehose->lock, NULL);
	pthread_mutex_init(&firehose->wake_lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&firehose->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (firehose_streams_open(firehose, err) < 0 || firehose_deliver_start(firehose, err) < 0) {
		firehose_stop(firehose);
		return -1;
	}
	*ret_firehose = firehose;
	return 0;
}

void firehose_stop(struct firehose *firehose)
{
	if (!firehose)
		return;
	firehose_deliver_stop(firehose);
	firehose_streams_close(firehose);
	pthread_cond_destroy(&firehose->wake);
	pthread_mutex_destroy(&firehose->wake_lock);
	pthread_rwlock_destroy(&firehose->lock);
	free(firehose->root);
	free(firehose);
}

static void add_waiting(struct firehose *firehose, struct store_journal_counts *ret_sum)
{
	size_t count;
	_cleanup_free_ struct firehose_stream **all = firehose_streams_all(firehose, &count);

	for (size_t i = 0; i < count; i++) {
		struct store_journal_counts counts = {0};
		if (all[i]->journal)
			store_journal_count(all[i]->journal, &counts);
		ret_sum->records += counts.records;
		ret_sum->bytes += counts.bytes;
		ret_sum->syncs += counts.syncs;
		if (counts.oldest_ms &&
			(!ret_sum->oldest_ms || counts.oldest_ms < ret_sum->oldest_ms))
			ret_sum->oldest_ms = counts.oldest_ms;
		firehose_stream_unref(all[i]);
	}
}

void firehose_metrics(void *context, struct buf *lines)
{
	struct firehose *firehose = context;
	struct store_journal_counts waiting = {0};

	add_waiting(firehose, &waiting);
	const struct {
		const char *name, *type, *help;
		uint64_t value;
	} rows[] = {
		{"records_total", "counter", "Records stored.", firehose->records},
		{"bytes_total", "counter", "Bytes of records stored.", firehose->bytes},
		{"batches_total", "counter", "Puts that stored something.", firehose->batches},
		{"repeats_total", "counter", "Batches that were known already.", firehose->repeats},
		{"refused_records_total", "counter", "Records that could not be written to disk.",
			firehose->refused},
		{"objects_total", "counter", "Objects delivered.", firehose->objects},
		{"delivered_records_total", "counter", "Records delivered.",
			firehose->delivered_records},
		{"delivered_bytes_total", "counter", "Bytes of records delivered.",
			firehose->delivered_bytes},
		{"delivery_failures_total", "counter",
			"Deliveries that failed and are tried again.", firehose->failures},
		{"damaged_total", "counter", "Damaged stretches left out of objects.",
			firehose->damaged},
		{"dropped_records_total", "counter",
			"Records of deleted streams whose bucket was gone.", firehose->dropped},
		{"waiting_records", "gauge", "Records that wait to be delivered.", waiting.records},
		{"waiting_bytes", "gauge", "Bytes of records that wait.", waiting.bytes},
		{"oldest_waiting_seconds", "gauge",
			"When the oldest record that waits arrived, in seconds since 1970; 0: none.",
			(uint64_t)waiting.oldest_ms / 1000},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		buf_printf(lines,
			"# HELP nagare_firehose_%s %s\n# TYPE nagare_firehose_%s %s\n"
			"nagare_firehose_%s %" PRIu64 "\n",
			rows[i].name, rows[i].help, rows[i].name, rows[i].type, rows[i].name,
			rows[i].value);
}
