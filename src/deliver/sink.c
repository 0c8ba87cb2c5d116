#include "deliver/sink_priv.h"

#include "aws/arn.h"
#include "aws/checksum.h"
#include "base/number.h"

#include <assert.h>
#include <libdeflate.h>
#include <stdio.h>

#define ATTEMPTS   1 /* the sender repeats, with all of its batches in view */
#define CONNECT_MS 5000
#define STALL_MS   30000

/* The destination */

static int read_s3(struct sink *sink, struct str destination, struct err *err)
{
	struct aws_arn arn;
	struct str bucket, prefix;

	if (!aws_arn_parse(destination, &arn) || !str_equal(arn.service, STR("s3")) ||
		arn.resource.n == 0)
		return err_set(err, ERR_USAGE, "'%.*s' is not arn:aws:s3:::BUCKET[/FOLDER/]",
			STR_ARG(destination));
	prefix = arn.resource;
	str_split(&prefix, '/', &bucket);
	sink->bucket = mem_printf("%.*s", STR_ARG(bucket));
	bool is_ended = prefix.n == 0 || prefix.p[prefix.n - 1] == '/';
	sink->prefix =
		mem_printf("%.*s%s", (int)prefix.n, prefix.n ? prefix.p : "", is_ended ? "" : "/");
	return 0;
}

/* NAME, or an ARN whose resource is TYPE:NAME[:*] or TYPE/NAME. */
static int read_name(struct sink *sink, struct str destination, const char *service,
	const char *type, struct str *ret_region, struct err *err)
{
	struct aws_arn arn;
	struct str name = destination;

	if (str_starts_with(destination, STR("arn:"))) {
		struct str type_found;
		if (!aws_arn_parse(destination, &arn) || !str_equal(arn.service, str_from(service)))
			return err_set(err, ERR_USAGE, "'%.*s' is no ARN of %s",
				STR_ARG(destination), service);
		size_t n = strlen(type);
		type_found = (struct str){arn.resource.p, arn.resource.n < n ? 0 : n};
		if (!str_equal(type_found, str_from(type)) || arn.resource.n < n + 2)
			return err_set(
				err, ERR_USAGE, "'%.*s' is no %s", STR_ARG(destination), type);
		name = (struct str){arn.resource.p + n + 1, arn.resource.n - n - 1};
		if (str_ends_with(name, STR(":*")))
			name.n -= 2;
		*ret_region = arn.region;
	}
	if (name.n == 0 || name.n > 512)
		return err_set(
			err, ERR_USAGE, "'%.*s' has no name of a %s", STR_ARG(destination), type);
	sink->name = mem_printf("%.*s", STR_ARG(name));
	return 0;
}

static int read_destination(struct sink *sink, const struct deliver_flow_log_options *options,
	struct str *ret_region, struct err *err)
{
	struct str destination = str_from(options->destination);

	switch (options->kind) {
	case DELIVER_TO_S3:
		return read_s3(sink, destination, err);
	case DELIVER_TO_LOGS:
		return read_name(sink, destination, "logs", "log-group", ret_region, err);
	case DELIVER_TO_FIREHOSE:
		return read_name(sink, destination, "firehose", "deliverystream", ret_region, err);
	case DELIVER_TO_FOLDER:
		break;
	}
	return err_set(err, ERR_USAGE, "a folder needs no sink");
}

static int take_role(struct sink *sink, const struct deliver_settings *settings,
	const char *role_arn, struct err *err)
{
	struct aws_credentials_settings role = {0};

	if (settings->credentials_settings)
		role = *settings->credentials_settings;
	role.role_arn = role_arn;
	if (!role.region)
		role.region = settings->region;
	if (!role.sts_endpoint)
		role.sts_endpoint = settings->sts_endpoint;
	return aws_credentials_source_new(&sink->role, &role, err);
}

int sink_open(struct sink *sink, const struct deliver_settings *settings,
	const struct deliver_flow_log_options *options, struct err *err)
{
	const char *const endpoints[] = {
		[DELIVER_TO_S3] = settings->s3_endpoint,
		[DELIVER_TO_LOGS] = settings->logs_endpoint,
		[DELIVER_TO_FIREHOSE] = settings->firehose_endpoint,
	};
	struct str region = STR_NONE;

	pthread_mutex_init(&sink->creating, NULL);
	sink->kind = options->kind;
	sink->part_from = SINK_PART_FROM;
	sink->part_size = SINK_PART_SIZE;
	if (read_destination(sink, options, &region, err) < 0)
		return -1;
	if (options->role_arn && take_role(sink, settings, options->role_arn, err) < 0)
		return -1;
	_cleanup_free_ char *own_region =
		region.n ? mem_printf("%.*s", STR_ARG(region)) : mem_strdup(settings->region);
	const struct aws_client_settings client = {
		.region = own_region,
		.endpoint = endpoints[options->kind],
		.ca_bundle = settings->ca_bundle,
		.credentials = sink->role ? sink->role : settings->credentials,
		.attempts = ATTEMPTS,
		.connect_ms = CONNECT_MS,
		.stall_ms = STALL_MS,
	};
	return aws_client_new(&sink->client, &client, err);
}

void sink_stop(struct sink *sink)
{
	if (sink->client)
		aws_client_stop(sink->client);
}

void sink_done(struct sink *sink)
{
	aws_client_free(sink->client);
	aws_credentials_source_free(sink->role);
	free(sink->bucket);
	free(sink->prefix);
	free(sink->name);
	pthread_mutex_destroy(&sink->creating);
	*sink = (struct sink){0};
}

/* What went wrong */

static const struct {
	const char *code; /* '*' at the end: and what begins so */
	enum deliver_fault fault;
	bool is_refused;
} codes[] = {
	{"Throttl*", DELIVER_RATE_LIMITED, false},
	{"SlowDown", DELIVER_RATE_LIMITED, false},
	{"RequestLimitExceeded", DELIVER_RATE_LIMITED, false},
	{"LimitExceededException", DELIVER_RATE_LIMITED, false},
	{"ProvisionedThroughputExceeded*", DELIVER_RATE_LIMITED, false},
	{"TooManyRequests*", DELIVER_RATE_LIMITED, false},
	{"ServiceUnavailableException", DELIVER_RATE_LIMITED, false}, /* Firehose's quota */
	{"AccessDenied*", DELIVER_ACCESS_ERROR, false},
	{"UnrecognizedClient*", DELIVER_ACCESS_ERROR, false},
	{"InvalidClientTokenId", DELIVER_ACCESS_ERROR, false},
	{"InvalidAccessKeyId", DELIVER_ACCESS_ERROR, false},
	{"SignatureDoesNotMatch", DELIVER_ACCESS_ERROR, false},
	{"InvalidSignature*", DELIVER_ACCESS_ERROR, false},
	{"IncompleteSignature*", DELIVER_ACCESS_ERROR, false},
	{"MissingAuthenticationToken*", DELIVER_ACCESS_ERROR, false},
	{"ExpiredToken*", DELIVER_ACCESS_ERROR, false},
	{"InvalidToken*", DELIVER_ACCESS_ERROR, false},
	{"NoSuchBucket", DELIVER_ACCESS_ERROR, false},
	{"ResourceNotFoundException", DELIVER_ACCESS_ERROR, false},
	{"KMS*", DELIVER_ACCESS_ERROR, false},
	{"InvalidKMS*", DELIVER_ACCESS_ERROR, false},
	/* Of this batch, not of the destination as a whole. */
	{"InvalidParameter*", DELIVER_UNKNOWN_ERROR, true},
	{"InvalidArgument*", DELIVER_UNKNOWN_ERROR, true},
	{"InvalidRequest", DELIVER_UNKNOWN_ERROR, true},
	{"ValidationException", DELIVER_UNKNOWN_ERROR, true},
	{"SerializationException", DELIVER_UNKNOWN_ERROR, true},
	{"EntityTooLarge", DELIVER_UNKNOWN_ERROR, true},
	{"KeyTooLong*", DELIVER_UNKNOWN_ERROR, true},
	{"MalformedXML", DELIVER_UNKNOWN_ERROR, true},
	{"InvalidPart*", DELIVER_UNKNOWN_ERROR, true},
};

static bool matches(const char *pattern, const char *code)
{
	size_t n = strlen(pattern);

	return pattern[n - 1] == '*' ? strncmp(pattern, code, n - 1) == 0
				     : strcmp(pattern, code) == 0;
}

static void classify(
	const struct aws_answer *answer, const struct err *err, struct sink_outcome *outcome)
{
	struct str after = aws_answer_header(answer, STR("Retry-After"));
	uint64_t seconds;

	if (after.n && number_parse(after, 3600, &seconds))
		outcome->after_ms = (int64_t)seconds * 1000;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (!matches(codes[i].code, answer->code))
			continue;
		outcome->fault = codes[i].fault;
		outcome->is_refused = codes[i].is_refused;
		return;
	}
	bool are_keys_missing = answer->status == 0 && err->code != ERR_SYSTEM;
	if (answer->status == 401 || answer->status == 403 || answer->status == 404 ||
		are_keys_missing)
		outcome->fault = DELIVER_ACCESS_ERROR;
	else if (answer->status == 429)
		outcome->fault = DELIVER_RATE_LIMITED;
	else if (answer->status == 413)
		outcome->is_refused = true;
}

int sink_call(struct sink *sink, const struct aws_call *call, struct aws_answer *ret_answer,
	struct sink_outcome *outcome, struct err *err)
{
	struct err failure = ERR_INIT;

	if (aws_client_call(sink->client, call, ret_answer, &failure) == 0)
		return 0;
	outcome->fault = DELIVER_UNKNOWN_ERROR;
	outcome->is_refused = false;
	classify(ret_answer, &failure, outcome);
	if (err)
		*err = failure;
	return -1;
}

/* As it was put there, and as it is sent. */
static int load(const struct spool_taken *taken, struct buf *ret_body, struct err *err)
{
	const struct spool_batch *batch = taken->batch;
	_cleanup_buf_ struct buf stored = {0};

	if (spool_read(taken, 0, batch->size, &stored, err) < 0)
		return -1;
	if (aws_crc32(0, stored.p, stored.n) != batch->crc32)
		return spool_check(taken, err); /* that says it in full */
	if (batch->plain_size == 0) {
		*ret_body = stored;
		stored = (struct buf){0};
		return 0;
	}
	struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
	if (!decompressor)
		return err_set(err, ERR_SYSTEM, "cannot start the gzip decompressor");
	/* Exactly plain_size, as nothing takes the place of the actual size. */
	enum libdeflate_result result = libdeflate_gzip_decompress(decompressor, stored.p, stored.n,
		buf_reserve(ret_body, batch->plain_size), batch->plain_size, NULL);
	libdeflate_free_decompressor(decompressor);
	if (result != LIBDEFLATE_SUCCESS)
		return err_set(err, ERR_INPUT, "a batch in the spool is no gzip of %llu bytes",
			(unsigned long long)batch->plain_size);
	ret_body->n = batch->plain_size;
	return 0;
}

int sink_load(const struct spool_taken *taken, struct buf *ret_body, struct sink_outcome *outcome,
	struct err *err)
{
	struct err failure = ERR_INIT;

	if (load(taken, ret_body, &failure) == 0)
		return 0;
	outcome->fault = DELIVER_UNKNOWN_ERROR;
	outcome->is_damaged = failure.code == ERR_INPUT;
	if (err)
		*err = failure;
	return -1;
}

int sink_send(struct sink *sink, const struct spool_taken *taken, struct sink_outcome *ret_outcome,
	struct err *err)
{
	static int (*const send[])(
		struct sink *, const struct spool_taken *, struct sink_outcome *, struct err *) = {
		[DELIVER_TO_S3] = sink_send_object,
		[DELIVER_TO_LOGS] = sink_send_events,
		[DELIVER_TO_FIREHOSE] = sink_send_records,
	};

	*ret_outcome = (struct sink_outcome){.fault = DELIVER_OK};
	assert(send[sink->kind]);
	if (send[sink->kind](sink, taken, ret_outcome, err) < 0)
		return -1;
	ret_outcome->fault = DELIVER_OK;
	return 0;
}
