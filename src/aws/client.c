/* A call is made of attempts. Each takes keys, makes the address, signs, exchanges; what came is
 * judged: done, final, to be repeated after a wait, or to be repeated at once because something
 * was learnt (the bucket's region, the service's clock, that the keys have ended). What was learnt
 * stays with the client. */
#include "aws/client.h"

#include "aws/checksum.h"
#include "aws/client_priv.h"
#include "aws/credentials_priv.h"
#include "aws/digest.h"
#include "aws/sign.h"
#include "aws/time.h"
#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#define ATTEMPTS        3
#define CONNECT_MS      5000
#define STALL_MS        30000
#define BACKOFF_MS      1000
#define ANSWER_MAX      ((size_t)64 << 20)
#define RETRY_AFTER_MAX 60000

static const char *first_set(const char *a, const char *b, const char *c)
{
	return a && *a ? a : b && *b ? b : c && *c ? c : NULL;
}

static const char *profile_value(const struct aws_client *client, const char *key)
{
	return client->profiles ? aws_profiles_get(client->profiles, client->profile, key) : NULL;
}

static int load_profiles(struct aws_client *client, struct err *err)
{
	const char *asked = getenv("AWS_PROFILE");

	client->profile = mem_strdup(asked && *asked ? asked : "default");
	if (client->credentials) {
		client->profiles = aws_credentials_profiles(client->credentials);
		free(client->profile);
		client->profile = mem_strdup(aws_credentials_profile(client->credentials));
		return 0;
	}
	if (aws_profiles_load(&client->own_profiles, NULL, NULL, err) < 0)
		return -1;
	client->profiles = client->own_profiles;
	return 0;
}

static int choose(struct aws_client *client, const struct aws_client_settings *settings,
	struct aws_http_settings *ret_http, struct err *err)
{
	const char *environment = first_set(getenv("AWS_REGION"), getenv("AWS_DEFAULT_REGION"),
		profile_value(client, "region"));
	const char *region = first_set(settings->region, environment, "us-east-1");
	const char *ignored = first_set(getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
		profile_value(client, "ignore_configured_endpoint_urls"), NULL);

	if (!client_is_region(str_from(region)))
		return err_set(err, ERR_USAGE,
			"\"%s\" is no region: expected something like eu-central-1", region);
	if (settings->endpoint && client_check_endpoint(settings->endpoint, err) < 0)
		return -1;
	client->region = mem_strdup(region);
	client->is_endpoint_ignored = ignored && strcasecmp(ignored, "true") == 0;
	if (profile_value(client, "services"))
		client->services = mem_strdup(profile_value(client, "services"));
	*ret_http = (struct aws_http_settings){
		.ca_bundle = first_set(settings->ca_bundle, getenv("AWS_CA_BUNDLE"),
			profile_value(client, "ca_bundle")),
		.connect_ms = settings->connect_ms ? settings->connect_ms : CONNECT_MS,
		.stall_ms = settings->stall_ms ? settings->stall_ms : STALL_MS,
	};
	return 0;
}

int client_new(struct aws_client **ret_client, const struct aws_client_settings *settings,
	struct aws_stop *stop, struct err *err)
{
	_cleanup_(aws_client_freep) struct aws_client *client = mem_new(1, sizeof(*client));
	struct aws_http_settings http;

	assert(settings->credentials || settings->is_anonymous);
	pthread_mutex_init(&client->lock, NULL);
	client->own_stop.fd = -1;
	client->credentials = settings->credentials;
	client->is_anonymous = settings->is_anonymous;
	client->is_path_style = settings->is_path_style;
	client->attempts = settings->attempts ? settings->attempts : ATTEMPTS;
	client->backoff_ms = settings->backoff_ms ? settings->backoff_ms : BACKOFF_MS;
	client->endpoint = settings->endpoint ? mem_strdup(settings->endpoint) : NULL;
	client->keys = aws_signing_keys_new();
	client->stop = stop ? stop : &client->own_stop;
	atomic_init(&client->retry_tokens, RETRY_TOKENS);
	if (!stop && aws_stop_init(&client->own_stop, err) < 0)
		return -1;
	if (load_profiles(client, err) < 0 || choose(client, settings, &http, err) < 0 ||
		aws_http_new(&client->http, &http, err) < 0)
		return -1;
	*ret_client = take(client);
	return 0;
}

int aws_client_new(
	struct aws_client **ret_client, const struct aws_client_settings *settings, struct err *err)
{
	return client_new(ret_client, settings, NULL, err);
}

void aws_client_stop(struct aws_client *client)
{
	aws_stop_set(client->stop);
}

void aws_client_free(struct aws_client *client)
{
	if (!client)
		return;
	aws_http_free(client->http);
	aws_signing_keys_free(client->keys);
	aws_profiles_free(client->own_profiles);
	aws_stop_done(&client->own_stop);
	pthread_mutex_destroy(&client->lock);
	free(client->region);
	free(client->endpoint);
	free(client->profile);
	free(client->services);
	free(client);
}

const char *aws_client_region(const struct aws_client *client)
{
	return client->region;
}

/* ---- what was learnt of buckets ---- */

static void bucket_region(
	struct aws_client *client, struct str bucket, char region[static AWS_REGION_MAX])
{
	snprintf(region, AWS_REGION_MAX, "%s", client->region);
	if (bucket.n == 0)
		return;
	pthread_mutex_lock(&client->lock);
	for (size_t i = 0; i < CLIENT_BUCKETS; i++)
		if (str_equal(bucket, str_from(client->buckets[i].name)))
			memcpy(region, client->buckets[i].region, AWS_REGION_MAX);
	pthread_mutex_unlock(&client->lock);
}

static void learn_region(struct aws_client *client, struct str bucket, struct str region)
{
	struct client_bucket *place = NULL;

	if (bucket.n >= sizeof(place->name))
		return;
	pthread_mutex_lock(&client->lock);
	for (size_t i = 0; i < CLIENT_BUCKETS; i++)
		if (str_equal(bucket, str_from(client->buckets[i].name)))
			place = &client->buckets[i];
	if (!place)
		place = &client->buckets[client->next_bucket++ % CLIENT_BUCKETS];
	snprintf(place->name, sizeof(place->name), "%.*s", STR_ARG(bucket));
	snprintf(place->region, sizeof(place->region), "%.*s", STR_ARG(region));
	pthread_mutex_unlock(&client->lock);
}

/* ---- one attempt ---- */

struct attempt {
	struct aws_client *client;
	const struct aws_call *call;
	char region[AWS_REGION_MAX];
	char hash[AWS_SHA256_HEX + 1]; /* of the body, once it is known */
	struct aws_keys keys;
	struct client_address address;
	struct aws_http_result result;
	bool is_region_followed, is_clock_set, are_keys_renewed;
};

static void attempt_done(struct attempt *attempt)
{
	aws_keys_done(&attempt->keys);
	client_address_done(&attempt->address);
	aws_http_result_done(&attempt->result);
}

static int hash_fd(struct attempt *attempt, struct err *err)
{
	const struct aws_call *call = attempt->call;
	_cleanup_free_ char *bytes = mem_new(1, 256 << 10);
	struct aws_hash hash;
	struct aws_checksum_value value;
	ssize_t got = 0;

	aws_hash_init(&hash, AWS_CHECKSUM_SHA256);
	for (uint64_t at = 0; at < call->body_size; at += (uint64_t)got) {
		uint64_t left = call->body_size - at;
		got = pread(call->body_fd, bytes, left < 256 << 10 ? (size_t)left : 256 << 10,
			(off_t)at);
		if (got <= 0)
			break;
		aws_hash_add(&hash, (struct str){bytes, (size_t)got});
	}
	aws_hash_finish(&hash, &value);
	if (got < 0)
		return err_set_errno(err, errno, "reading what is to be sent");
	if (got == 0 && call->body_size)
		return err_set(err, ERR_SYSTEM, "what is to be sent has become shorter");
	aws_hex_write(attempt->hash, value.bytes, AWS_SHA256_SIZE);
	return 0;
}

/* The payload's hash, or that there is none. */
static int hash_body(struct attempt *attempt, enum aws_payload *ret_payload, struct err *err)
{
	const struct aws_call *call = attempt->call;
	bool is_s3 = strcmp(call->service, "s3") == 0;
	uint8_t hash[AWS_SHA256_SIZE];

	*ret_payload = AWS_PAYLOAD_HASH;
	if (call->body_size && call->body_sha256.n == AWS_SHA256_HEX) {
		memcpy(attempt->hash, call->body_sha256.p, AWS_SHA256_HEX);
	} else if (call->body_size && is_s3 && attempt->address.is_https) {
		*ret_payload = AWS_PAYLOAD_UNSIGNED;
	} else if (attempt->hash[0]) {
		return 0;
	} else if (call->body_size) {
		return hash_fd(attempt, err);
	} else {
		aws_sha256(call->body, hash);
		aws_hex_write(attempt->hash, hash, sizeof(hash));
	}
	return 0;
}

static int sign_call(struct attempt *attempt, const struct aws_header *headers, size_t count,
	struct aws_signed *ret_signed, struct err *err)
{
	struct aws_client *client = attempt->client;
	const struct aws_call *call = attempt->call;
	const struct aws_request request = {
		.method = str_from(call->method ? call->method : "POST"),
		.path = buf_str(&attempt->address.path),
		.query = call->query,
		.headers = headers,
		.header_count = count};
	struct aws_sign_options options = {
		.credentials = {str_from(attempt->keys.access_key_id),
			str_from(attempt->keys.secret_access_key),
			str_from(attempt->keys.session_token ? attempt->keys.session_token : "")},
		.region = str_from(client_signing_region(
			call->service, attempt->region, attempt->address.is_aws)),
		.service = str_from(call->service),
		.now_ms = clock_wall_ns() / 1000000 + atomic_load(&client->skew_ms),
		.keys = client->keys,
	};

	if (hash_body(attempt, &options.payload, err) < 0)
		return -1;
	if (options.payload == AWS_PAYLOAD_HASH)
		options.payload_hash = (struct str){attempt->hash, AWS_SHA256_HEX};
	aws_sign(&request, &options, ret_signed);
	return 0;
}

static void exchange(struct attempt *attempt, const struct aws_header *headers, size_t header_count)
{
	const struct aws_call *call = attempt->call;
	const struct aws_http_request request = {.method = call->method ? call->method : "POST",
		.url = buf_text(&attempt->address.url),
		.headers = headers,
		.header_count = header_count,
		.body = call->body,
		.body_fd = call->body_fd,
		.body_size = call->body_size,
		.answer_max = call->answer_max ? call->answer_max : ANSWER_MAX,
		.data = call->data,
		.context = call->context};

	aws_http_exchange(attempt->client->http, attempt->client->stop, &request, &attempt->result);
}

/* 0 when there was an exchange, well or badly ended. */
static int try_once(struct attempt *attempt, struct err *err)
{
	struct aws_client *client = attempt->client;
	const struct aws_call *call = attempt->call;
	size_t count = call->header_count;
	_cleanup_free_ struct aws_header *headers =
		mem_new(count + 1 + AWS_SIGNED_HEADERS_ADDED, sizeof(*headers));
	_cleanup_(aws_signed_done) struct aws_signed sign = {0};

	attempt_done(attempt);
	attempt->keys = (struct aws_keys){0};
	attempt->address = (struct client_address){0};
	attempt->result = (struct aws_http_result){0};
	if (client_address_make(client, call, attempt->region, &attempt->address, err) < 0)
		return -1;
	if (!client->is_anonymous && aws_credentials_get_until(client->credentials, client->stop,
					     &attempt->keys, err) < 0)
		return -1;
	if (count)
		memcpy(headers, call->headers, count * sizeof(*headers));
	headers[count++] = (struct aws_header){STR("Host"), buf_str(&attempt->address.host)};
	if (!client->is_anonymous) {
		if (sign_call(attempt, headers, count, &sign, err) < 0)
			return -1;
		memcpy(headers + count, sign.headers, sign.header_count * sizeof(*headers));
		count += sign.header_count;
	}
	exchange(attempt, headers, count);
	return 0;
}

/* ---- what to do next ---- */

enum verdict { DONE, FINAL, AT_ONCE, LATER };

/* Something that will make the next attempt another one; once each. */
static bool learn(struct attempt *attempt, const struct aws_answer *answer)
{
	struct aws_client *client = attempt->client;
	char room[AWS_REGION_MAX];
	int64_t theirs;

	if (attempt->call->bucket.n && !attempt->is_region_followed) {
		struct str region = client_answer_region(answer, room);
		if (region.n && !str_equal(region, str_from(attempt->region))) {
			learn_region(client, attempt->call->bucket, region);
			snprintf(attempt->region, sizeof(attempt->region), "%.*s", STR_ARG(region));
			return attempt->is_region_followed = true;
		}
	}
	if (!attempt->is_clock_set && client_answer_is_skew(answer) &&
		aws_time_parse_http(aws_answer_header(answer, STR("Date")), &theirs)) {
		atomic_store(&client->skew_ms, theirs - clock_wall_ns() / 1000000);
		return attempt->is_clock_set = true;
	}
	if (!client->is_anonymous && !attempt->are_keys_renewed &&
		client_answer_is_expired(answer)) {
		struct aws_keys keys = {0};
		aws_credentials_expire(client->credentials);
		if (aws_credentials_get_until(client->credentials, client->stop, &keys, NULL) == 0)
			attempt->are_keys_renewed =
				strcmp(keys.access_key_id, attempt->keys.access_key_id) != 0;
		aws_keys_done(&keys);
		return attempt->are_keys_renewed;
	}
	return false;
}

static bool may_repeat(const struct attempt *attempt, const struct aws_answer *answer)
{
	const struct aws_call *call = attempt->call;
	bool is_harmless =
		call->is_idempotent || (call->method && (strcmp(call->method, "GET") == 0 ||
								strcmp(call->method, "HEAD") == 0));

	switch (attempt->result.failure) {
	case AWS_HTTP_DONE:
		return client_answer_is_throttling(answer) ||
		       (is_harmless && client_answer_is_transient(answer));
	case AWS_HTTP_UNRESOLVED:
	case AWS_HTTP_UNCONNECTED:
		return true;
	case AWS_HTTP_STALLED:
	case AWS_HTTP_BROKEN:
	case AWS_HTTP_NO_TLS:
		return is_harmless || !attempt->result.is_sent;
	default:
		return false;
	}
}

/* Repeats are paid for out of what successes bring in, so that many calls at once do not hammer a
 * service that is down. */
static bool pay(struct aws_client *client)
{
	int tokens = atomic_load(&client->retry_tokens);

	while (tokens >= RETRY_COST)
		if (atomic_compare_exchange_weak(
			    &client->retry_tokens, &tokens, tokens - RETRY_COST))
			return true;
	return false;
}

static void earn(struct aws_client *client, bool was_repeated)
{
	int tokens = atomic_load(&client->retry_tokens), more;

	do {
		more = tokens + (was_repeated ? RETRY_COST : 1);
		if (more > RETRY_TOKENS)
			more = RETRY_TOKENS;
	} while (more > tokens &&
		 !atomic_compare_exchange_weak(&client->retry_tokens, &tokens, more));
}

static enum verdict judge(struct attempt *attempt, struct aws_answer *answer)
{
	struct aws_client *client = attempt->client;

	if (attempt->result.failure == AWS_HTTP_DONE) {
		bool is_late = client_answer_is_late_error(attempt->call, answer);
		if (answer->status >= 200 && answer->status < 300 && !is_late)
			return DONE;
		client_answer_read(answer);
		if (is_late)
			answer->status = 500; /* what it would have been */
		if (learn(attempt, answer))
			return AT_ONCE;
	}
	return answer->attempts < client->attempts && may_repeat(attempt, answer) && pay(client)
		       ? LATER
		       : FINAL;
}

static int64_t delay_ms(const struct aws_client *client, const struct aws_answer *answer)
{
	uint64_t random, most = client->backoff_ms;
	int64_t now_ms = clock_wall_ns() / 1000000;
	int64_t asked = answer->status ? client_answer_retry_after(answer, now_ms) : 0;

	for (unsigned i = 1; i < answer->attempts && most < RETRY_DELAY_MAX; i++)
		most *= 2;
	if (most > RETRY_DELAY_MAX)
		most = RETRY_DELAY_MAX;
	aws_random(&random, sizeof(random));
	int64_t own = (int64_t)(random % (most + 1));
	if (asked > RETRY_AFTER_MAX)
		asked = RETRY_AFTER_MAX;
	return asked > own ? asked : own;
}

static int stopped(const struct aws_call *call, struct err *err)
{
	char name[128];

	client_call_name(call, name);
	return err_set(err, ERR_SYSTEM, "%s: stopped", name);
}

static int fail(struct attempt *attempt, const struct aws_answer *answer, struct err *err)
{
	if (attempt->result.failure == AWS_HTTP_STOPPED)
		stopped(attempt->call, err);
	else if (attempt->result.failure != AWS_HTTP_DONE)
		client_failure_error(attempt->call, &attempt->result, &attempt->address, err);
	else
		client_answer_error(attempt->call, answer,
			attempt->keys.access_key_id ? attempt->keys.access_key_id : "",
			buf_text(&attempt->address.host), err);
	if (err && answer->attempts > 1 && attempt->result.failure != AWS_HTTP_STOPPED) {
		size_t n = strlen(err->message);
		snprintf(err->message + n, sizeof(err->message) - n, " (attempt %u)",
			answer->attempts);
	}
	return -1;
}

int aws_client_call(struct aws_client *client, const struct aws_call *call,
	struct aws_answer *ret_answer, struct err *err)
{
	_cleanup_(attempt_done) struct attempt attempt = {.client = client, .call = call};

	*ret_answer = (struct aws_answer){0};
	bucket_region(client, call->bucket, attempt.region);
	for (;;) {
		if (aws_stop_is_set(client->stop))
			return stopped(call, err);
		if (try_once(&attempt, err) < 0)
			return aws_stop_is_set(client->stop) ? stopped(call, err) : -1;
		unsigned attempts = ret_answer->attempts + 1;
		aws_answer_done(ret_answer);
		*ret_answer = (struct aws_answer){.status = attempt.result.status,
			.attempts = attempts,
			.head = attempt.result.head,
			.body = attempt.result.body};
		attempt.result.head = attempt.result.body = (struct buf){0};
		switch (judge(&attempt, ret_answer)) {
		case DONE:
			client_answer_read(ret_answer);
			earn(client, attempts > 1);
			return 0;
		case FINAL:
			return fail(&attempt, ret_answer, err);
		case LATER:
			if (aws_stop_wait(client->stop, delay_ms(client, ret_answer)))
				return stopped(call, err);
			break;
		case AT_ONCE:
			break;
		}
		if (call->reset)
			call->reset(call->context);
	}
}

struct str aws_answer_header(const struct aws_answer *answer, struct str name)
{
	return aws_http_header(buf_str(&answer->head), name);
}

void aws_answer_done(struct aws_answer *answer)
{
	buf_done(&answer->head);
	buf_done(&answer->body);
}
