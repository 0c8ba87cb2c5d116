/* client_priv: what the parts of the client share. */
#pragma once

#include "aws/client.h"
#include "aws/http_priv.h"
#include "aws/profiles_priv.h"
#include "aws/signature.h"

#include <pthread.h>
#include <stdatomic.h>

#define AWS_REGION_MAX  64
#define CLIENT_BUCKETS  64 /* whose region is remembered */
#define RETRY_TOKENS    500
#define RETRY_COST      5
#define RETRY_DELAY_MAX 20000

struct client_bucket {
	char name[64];
	char region[AWS_REGION_MAX];
};

struct aws_client {
	char *region, *endpoint, *profile, *services;
	bool is_anonymous, is_path_style, is_endpoint_ignored;
	unsigned attempts, backoff_ms;
	struct aws_credentials_source *credentials;
	struct aws_profiles *own_profiles; /* without a source */
	const struct aws_profiles *profiles;
	struct aws_signing_keys *keys;
	struct aws_http *http;
	struct aws_stop own_stop;
	struct aws_stop *stop;
	_Atomic int64_t skew_ms; /* what to add to our clock to have theirs */
	atomic_int retry_tokens;
	pthread_mutex_t lock; /* of buckets */
	struct client_bucket buckets[CLIENT_BUCKETS];
	unsigned next_bucket;
};

/* The client's stop is the one given: who waits for keys that the client fetches is stopped with
 * it. NULL: its own. */
int client_new(struct aws_client **ret_client, const struct aws_client_settings *settings,
	struct aws_stop *stop, struct err *err);

/* ---- where a call goes ---- */

struct client_address {
	struct buf url;
	struct buf host; /* as in the header */
	struct buf path; /* as signed */
	bool is_https, is_aws;
};
/* *ret_address is always set and needs client_address_done. */
int client_address_make(const struct aws_client *client, const struct aws_call *call,
	const char *region, struct client_address *ret_address, struct err *err);
void client_address_done(struct client_address *address);
int client_check_endpoint(const char *endpoint, struct err *err);
bool client_is_region(struct str region);
/* The region that signs for this service: of the few that have one for all regions theirs. */
const char *client_signing_region(const char *service, const char *region, bool is_aws);

/* ---- what an answer says ---- */

/* code, message and request id from head and body. */
void client_answer_read(struct aws_answer *answer);
/* Was a 200 an error after all, as S3's long operations do? */
bool client_answer_is_late_error(const struct aws_call *call, const struct aws_answer *answer);
/* The region that S3 says a bucket is in; STR_NONE when it does not. */
struct str client_answer_region(const struct aws_answer *answer, char room[static AWS_REGION_MAX]);
bool client_answer_is_throttling(const struct aws_answer *answer);
bool client_answer_is_transient(const struct aws_answer *answer);
bool client_answer_is_skew(const struct aws_answer *answer);
bool client_answer_is_expired(const struct aws_answer *answer);
/* Milliseconds that the answer asks to wait; 0: it does not say. */
int64_t client_answer_retry_after(const struct aws_answer *answer, int64_t now_ms);
/* The error of an answer; access_key_id "" when it was not signed. Returns <0. */
int client_answer_error(const struct aws_call *call, const struct aws_answer *answer,
	const char *access_key_id, const char *endpoint, struct err *err);
/* The error of an exchange without an answer. Returns <0. */
int client_failure_error(const struct aws_call *call, const struct aws_http_result *result,
	const struct client_address *address, struct err *err);
/* "s3 GetObject" or "s3 GET /key", for messages. */
void client_call_name(const struct aws_call *call, char room[static 128]);
