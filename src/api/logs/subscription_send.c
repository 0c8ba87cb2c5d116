/* Subscription filters: what matches goes to their destinations, in AWS's envelope (CloudWatch Logs
 * user guide, "Real-time processing of log data with subscriptions"): gzip'd JSON of the events of
 * one stream. A stream of this server's Firehose gets them as a record. What another ARN is posted
 * to is the operator's to say, also of this server's; unsigned, in the form of its kind:
 *   firehose   PutRecordBatch of one record       kinesis   PutRecord
 *   others     {"awslogs": {"data": "..."}}, as functions get it
 *
 * One thread goes through the filters when events have come, and every second. Where a filter is in
 * its group is kept in the database after each answer: what was not answered well is sent again,
 * later and later; so events come at least once. */
#include "api/logs/kept_priv.h"
#include "api/logs/subscriptions_priv.h"

#include "api/firehose/firehose.h"
#include "aws/arn.h"
#include "aws/digest.h"
#include "base/clock.h"

#include <curl/curl.h>
#include <libdeflate.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
	EVENTS_MAX = 5000, /* of one round of a filter */
	BYTES_MAX = 768 << 10,
	TIMEOUT_S = 10,
	WAIT_FIRST_MS = 1000,
	WAIT_LAST_MS = 60000,
	FAILURES_MAX = 1000
};
#define SEQUENCE_LAST ((UINT64_C(1) << 48) - 1)
#define SCAN_MAX      (UINT64_C(64) << 20)

/* A filter whose destination did not answer well. */
struct failure {
	char id[37];
	int64_t until_ms, wait_ms;
};

struct logs_subscriptions {
	const struct logs *logs;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_stopping, has_work;
	atomic_bool are_any;
	struct failure failures[FAILURES_MAX]; /* the thread's */
	size_t failure_count;
};

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

/* ---- the envelope ---- */

static json_t *envelope_of(const struct logs *logs, const json_t *filter, const char *type)
{
	return json_pack("{s:s, s:s%, s:s, s:s, s:[s], s:[]}", "messageType", type, "owner",
		logs->account.p, logs->account.n, "logGroup", text_of(filter, "logGroupName"),
		"logStream", "", "subscriptionFilters", text_of(filter, "filterName"), "logEvents");
}

static void add_packed(struct buf *packed, const json_t *envelope)
{
	_cleanup_free_ char *text = json_dumps(envelope, JSON_COMPACT);
	struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(6);
	size_t n = text ? strlen(text) : 0;

	if (!compressor || !text)
		abort();
	size_t bound = libdeflate_gzip_compress_bound(compressor, n);
	_cleanup_free_ char *bytes = mem_new(bound, 1);
	size_t size = libdeflate_gzip_compress(compressor, text, n, bytes, bound);
	libdeflate_free_compressor(compressor);
	buf_add(packed, bytes, size);
}

/* ---- the destination ---- */

/* NULL: the operator has named none. */
static const char *url_of(const struct logs *logs, const char *arn)
{
	size_t n = strlen(arn);

	for (const char *const *at = logs->destinations; at && *at; at++) {
		if ((*at)[0] == '*' && (*at)[1] == '=')
			return *at + 2;
		if (strncmp(*at, arn, n) == 0 && (*at)[n] == '=')
			return *at + n + 1;
	}
	return NULL;
}

static json_t *body_of(
	const char *arn, const char *data, const char *stream, const char **ret_target)
{
	const char *name = strrchr(arn, '/');

	*ret_target = NULL;
	name = name ? name + 1 : arn;
	if (strncmp(arn, "arn:aws:firehose:", 17) == 0) {
		*ret_target = "X-Amz-Target: Firehose_20150804.PutRecordBatch";
		return json_pack(
			"{s:s, s:[{s:s}]}", "DeliveryStreamName", name, "Records", "Data", data);
	}
	if (strncmp(arn, "arn:aws:kinesis:", 16) == 0) {
		*ret_target = "X-Amz-Target: Kinesis_20131202.PutRecord";
		return json_pack("{s:s, s:s, s:s}", "StreamName", name, "Data", data,
			"PartitionKey", *stream ? stream : "-");
	}
	return json_pack("{s:{s:s}}", "awslogs", "data", data);
}

static size_t keep(char *bytes, size_t size, size_t count, void *context)
{
	struct buf *answer = context;

	if (answer->n + size * count < 65536)
		buf_add(answer, bytes, size * count);
	return size * count;
}

/* PutRecordBatch answers 200 also when it did not take the record. */
static bool is_taken(long status, struct buf *answer)
{
	json_t *value = json_loadb(answer->p ? answer->p : "", answer->n, 0, NULL);
	json_int_t failed = json_integer_value(json_object_get(value, "FailedPutCount"));

	json_decref(value);
	return status / 100 == 2 && failed == 0;
}

static bool post(const char *url, const char *target, const char *body)
{
	CURL *curl = curl_easy_init();
	struct curl_slist *headers =
		curl_slist_append(NULL, target ? "Content-Type: application/x-amz-json-1.1"
					       : "Content-Type: application/json");
	_cleanup_buf_ struct buf answer = {0};
	long status = 0;

	if (!curl)
		abort();
	if (target)
		headers = curl_slist_append(headers, target);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
	CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	return code == CURLE_OK && is_taken(status, &answer);
}

/* Of this server's Firehose. */
static bool own_stream(const struct logs *logs, const char *text, struct str *ret_name)
{
	struct str prefix = STR("deliverystream/");
	struct aws_arn arn;

	if (!logs->firehose || !aws_arn_parse(str_from(text), &arn) ||
		!str_equal(arn.service, STR("firehose")) || !str_equal(arn.region, logs->region) ||
		!str_equal(arn.account, logs->account) || !str_starts_with(arn.resource, prefix))
		return false;
	*ret_name = (struct str){arn.resource.p + prefix.n, arn.resource.n - prefix.n};
	return true;
}

/* Nothing is sent to a stream that is here: what waits there would be delivered. */
static bool has_own_stream(const struct logs *logs, const json_t *filter)
{
	_cleanup_free_ char *arn = logs_destination_target(logs, text_of(filter, "destinationArn"));
	struct str name;

	return arn && !url_of(logs, arn) && own_stream(logs, arn, &name) &&
	       firehose_has_stream(logs->firehose, name);
}

static bool send_envelope(const struct logs *logs, const json_t *filter, const json_t *envelope)
{
	_cleanup_free_ char *arn = logs_destination_target(logs, text_of(filter, "destinationArn"));
	const char *url = arn ? url_of(logs, arn) : NULL, *target;
	_cleanup_buf_ struct buf packed = {0}, data = {0};
	struct err err = ERR_INIT;
	struct str stream;

	if (!url && (!arn || !own_stream(logs, arn, &stream)))
		return false;
	add_packed(&packed, envelope);
	if (!url)
		return firehose_add(logs->firehose, stream, buf_str(&packed), &err) == 0;
	aws_base64_add(&data, packed.p, packed.n);
	json_t *body = body_of(arn, buf_text(&data), text_of(envelope, "logStream"), &target);
	_cleanup_free_ char *text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	return post(url, target, text);
}

int logs_subscription_probe(const struct logs *logs, const json_t *filter, struct aws_error *error)
{
	json_t *envelope = envelope_of(logs, filter, "CONTROL_MESSAGE");

	json_array_append_new(json_object_get(envelope, "logEvents"),
		json_pack("{s:s, s:I, s:s}", "id", "", "timestamp",
			(json_int_t)(clock_wall_ns() / 1000000), "message",
			"CWL CONTROL MESSAGE: Checking health of destination."));
	bool is_sent = has_own_stream(logs, filter) || send_envelope(logs, filter, envelope);
	json_decref(envelope);
	if (is_sent)
		return 0;
	return logs_refuse(error,
		"Could not deliver test message to specified destination. Check if the destination is valid.");
}

/* ---- where a filter is ---- */

static int write_cursor(const struct logs *logs, int64_t group, const json_t *filter,
	const struct store_log_position *position, struct err *err)
{
	char text[STORE_LOG_ID_DIGITS + 1];

	store_log_position_write(position, text);
	const struct store_log_document document = {.kind = LOGS_SUBSCRIPTION_CURSOR,
		.owner = group,
		.name = str_from(text_of(filter, "id")),
		.text = str_from(text)};
	return store_log_document_put(logs->database, &document, SIZE_MAX >> 1, err);
}

static bool take_none(void *context, const struct store_log_found *event)
{
	return false;
}

/* All that is there is behind it. */
static struct store_log_position behind(const struct store_log_position *position)
{
	return (struct store_log_position){.low = position->high, .high = SEQUENCE_LAST};
}

int logs_subscription_begin(const struct logs *logs, int64_t group, const json_t *filter,
	struct aws_error *error, struct err *err)
{
	const struct store_log_read read = {
		.group = str_from(text_of(filter, "logGroupName")), .end_ms = INT64_MAX};
	struct store_log_position end;
	bool is_complete;

	if (store_log_read(logs->events, &read, take_none, NULL, &end, &is_complete, error, err) <
		0)
		return -1;
	end = behind(&end);
	return write_cursor(logs, group, filter, &end, err) < 0 ? aws_error_internal(error) : 0;
}

struct cursor {
	int64_t group;
	struct str id;
	struct store_log_position position;
	bool is_found;
};

static void find_cursor(void *context, const struct store_log_document *document)
{
	struct cursor *cursor = context;

	if (document->owner == cursor->group && str_equal(document->name, cursor->id))
		cursor->is_found = store_log_position_parse(document->text, &cursor->position);
}

/* ---- a round of a filter ---- */

struct round {
	const struct logs *logs;
	const json_t *filter;
	json_t *envelopes; /* by stream */
	size_t count, bytes;
};

static bool take_event(void *context, const struct store_log_found *event)
{
	struct round *round = context;
	_cleanup_free_ char *stream = mem_printf("%.*s", STR_ARG(event->stream));
	char id[STORE_LOG_ID_DIGITS + 1];

	if (round->count == EVENTS_MAX ||
		(round->count && round->bytes + event->message.n > BYTES_MAX))
		return false;
	round->count++;
	round->bytes += event->message.n;
	json_t *envelope = json_object_get(round->envelopes, stream);
	if (!envelope) {
		envelope = envelope_of(round->logs, round->filter, "DATA_MESSAGE");
		json_object_set_new(envelope, "logStream", json_string(stream));
		json_object_set_new(round->envelopes, stream, envelope);
	}
	store_log_id_write(event, id);
	json_array_append_new(json_object_get(envelope, "logEvents"),
		json_pack("{s:s, s:I, s:o}", "id", id, "timestamp", (json_int_t)event->time_ms,
			"message", logs_json(event->message)));
	return true;
}

static bool send_round(struct round *round)
{
	const char *stream;
	json_t *envelope;

	json_object_foreach(round->envelopes, stream, envelope)
	{
		if (!send_envelope(round->logs, round->filter, envelope))
			return false;
	}
	return true;
}

enum outcome { OUTCOME_DONE, OUTCOME_MORE, OUTCOME_FAILED };

static enum outcome go_on(const struct logs *logs, int64_t group, const json_t *filter,
	const struct query_pattern *pattern)
{
	struct cursor cursor = {.group = group, .id = str_from(text_of(filter, "id"))};
	const struct store_log_matcher matcher = logs_matcher(pattern);
	struct round round = {.logs = logs, .filter = filter};
	struct store_log_position end;
	struct aws_error error = {0};
	struct err err = ERR_INIT;
	bool is_complete;

	if (store_log_documents_list(
		    logs->database, LOGS_SUBSCRIPTION_CURSOR, find_cursor, &cursor, &err) < 0 ||
		!cursor.is_found)
		return OUTCOME_FAILED;
	const struct store_log_read read = {.group = str_from(text_of(filter, "logGroupName")),
		.end_ms = INT64_MAX,
		.from = &cursor.position,
		.matcher = query_pattern_matches_all(pattern) ? NULL : &matcher,
		.scan_max = SCAN_MAX};
	round.envelopes = json_object();
	enum outcome outcome = OUTCOME_FAILED;
	if (store_log_read(logs->events, &read, take_event, &round, &end, &is_complete, &error,
		    &err) == 0 &&
		send_round(&round)) {
		const struct store_log_position next = is_complete ? behind(&end) : end;
		bool has_moved = next.low != cursor.position.low || !is_complete;
		outcome = is_complete ? OUTCOME_DONE : OUTCOME_MORE;
		if (has_moved && write_cursor(logs, group, filter, &next, &err) < 0)
			outcome = OUTCOME_FAILED;
	}
	json_decref(round.envelopes);
	return outcome;
}

/* ---- the thread ---- */

static struct failure *find_failure(struct logs_subscriptions *all, const char *id)
{
	for (size_t i = 0; i < all->failure_count; i++)
		if (strcmp(all->failures[i].id, id) == 0)
			return &all->failures[i];
	return NULL;
}

static void keep_failure(struct logs_subscriptions *all, const char *id, int64_t now_ms)
{
	struct failure *failure = find_failure(all, id);

	if (!failure) {
		failure = &all->failures[all->failure_count % FAILURES_MAX];
		all->failure_count += all->failure_count < FAILURES_MAX;
		*failure = (struct failure){.wait_ms = WAIT_FIRST_MS / 2};
		snprintf(failure->id, sizeof(failure->id), "%s", id);
	}
	failure->wait_ms =
		2 * failure->wait_ms < WAIT_LAST_MS ? 2 * failure->wait_ms : WAIT_LAST_MS;
	failure->until_ms = now_ms + failure->wait_ms;
}

struct filters {
	json_t *list; /* [group, filter] */
};

static void add_filter(void *context, const struct store_log_document *document)
{
	struct filters *filters = context;
	json_t *filter = json_loadb(document->text.p, document->text.n, 0, NULL);

	if (filter)
		json_array_append_new(
			filters->list, json_pack("[I, o]", (json_int_t)document->owner, filter));
}

/* Are there filters that have more at once? */
static bool serve(struct logs_subscriptions *all, int64_t group, const json_t *filter)
{
	_cleanup_(query_pattern_freep) struct query_pattern *pattern = NULL;
	int64_t now_ms = clock_mono_ns() / 1000000;
	struct failure *failure = find_failure(all, text_of(filter, "id"));

	if ((failure && failure->until_ms > now_ms) ||
		logs_pattern(
			logs_string(json_object_get(filter, "filterPattern")), &pattern, NULL) < 0)
		return false;
	enum outcome outcome = go_on(all->logs, group, filter, pattern);
	if (outcome == OUTCOME_FAILED)
		keep_failure(all, text_of(filter, "id"), clock_mono_ns() / 1000000);
	else if (failure)
		*failure = all->failures[--all->failure_count];
	return outcome == OUTCOME_MORE;
}

static bool serve_all(struct logs_subscriptions *all)
{
	struct filters filters = {.list = json_array()};
	struct err err = ERR_INIT;
	bool has_more = false;
	json_t *item;
	size_t i;

	store_log_documents_list(
		all->logs->database, LOGS_SUBSCRIPTION, add_filter, &filters, &err);
	all->are_any = json_array_size(filters.list) > 0;
	json_array_foreach(filters.list, i, item) has_more |=
		serve(all, json_integer_value(json_array_get(item, 0)), json_array_get(item, 1));
	json_decref(filters.list);
	return has_more;
}

static void *send_main(void *context)
{
	struct logs_subscriptions *all = context;
	struct timespec until;

	pthread_mutex_lock(&all->lock);
	while (!all->is_stopping) {
		all->has_work = false;
		pthread_mutex_unlock(&all->lock);
		bool has_more = serve_all(all);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += all->are_any ? 1 : 3600;
		pthread_mutex_lock(&all->lock);
		if (!all->is_stopping && !all->has_work && !has_more)
			pthread_cond_timedwait(&all->changed, &all->lock, &until);
	}
	pthread_mutex_unlock(&all->lock);
	return NULL;
}

void logs_subscriptions_changed(const struct logs *logs)
{
	struct logs_subscriptions *all = logs->subscriptions;

	pthread_mutex_lock(&all->lock);
	all->has_work = true;
	pthread_cond_signal(&all->changed);
	pthread_mutex_unlock(&all->lock);
}

void logs_subscriptions_offer(const struct logs *logs)
{
	if (logs->subscriptions->are_any)
		logs_subscriptions_changed(logs);
}

int logs_subscriptions_start(struct logs *logs, struct err *err)
{
	struct logs_subscriptions *all = mem_new(1, sizeof(*all));
	pthread_condattr_t monotonic;

	all->logs = logs;
	pthread_mutex_init(&all->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&all->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	int result = pthread_create(&all->thread, NULL, send_main, all);
	if (result) {
		free(all);
		return err_set_errno(err, result, "the thread of subscription filters");
	}
	logs->subscriptions = all;
	return 0;
}

void logs_subscriptions_stop(struct logs *logs)
{
	struct logs_subscriptions *all = take(logs->subscriptions);

	if (!all)
		return;
	pthread_mutex_lock(&all->lock);
	all->is_stopping = true;
	pthread_cond_signal(&all->changed);
	pthread_mutex_unlock(&all->lock);
	pthread_join(all->thread, NULL);
	pthread_mutex_destroy(&all->lock);
	pthread_cond_destroy(&all->changed);
	free(all);
}
