/* client: calls of AWS's APIs, on AWS or whatever speaks as AWS does: signed, sent over HTTP(S) by
 * libcurl, repeated where AWS says it may be. For deliveries, for reading buckets, and for the
 * command line. Sources: SDKs and Tools reference guide, "Retry behavior" (standard mode),
 * "Service- specific endpoints"; Signature Version 4 as aws/sign.h does.
 *
 * A client may be shared by all threads; it keeps connections for the next call. Calls block: name
 * look-up, network, the waits between attempts. aws_client_stop ends all of them at once.
 * Memory: an answer is kept whole up to its limit, or handed on piece by piece. */
#pragma once

#include "aws/credentials.h"
#include "aws/error.h"
#include "aws/request.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

struct aws_client;

struct aws_client_settings {
	const char *region;    /* NULL: AWS_REGION, the profile's, else us-east-1 */
	const char *endpoint;  /* NULL: AWS_ENDPOINT_URL_SERVICE, AWS_ENDPOINT_URL, the profile's,
				  AWS's own */
	const char *ca_bundle; /* PEM file; NULL: AWS_CA_BUNDLE, the profile's, the system's */
	struct aws_credentials_source *credentials; /* kept by the caller, outlives the client */
	bool is_anonymous;                          /* nothing is signed */
	bool is_path_style;  /* S3: bucket in the path; set by itself where endpoint is not AWS's */
	unsigned attempts;   /* of one call; 0: 3 */
	unsigned connect_ms; /* 0: 5000 */
	unsigned stall_ms;   /* no byte for so long ends the attempt; 0: 30000 */
	unsigned backoff_ms; /* the longest wait before the first repeat, doubled for each further
				one up to 20 s, a random part of it waited; 0: 1000 */
};

int aws_client_new(struct aws_client **ret_client, const struct aws_client_settings *settings,
	struct err *err);
void aws_client_stop(struct aws_client *client); /* any thread, signal handlers too */
void aws_client_free(struct aws_client *client);
MEM_DEFINE_CLEANUP(struct aws_client, aws_client_free)
const char *aws_client_region(const struct aws_client *client);
/* Is it told where the service is, or does it go to AWS's own? */
bool aws_client_has_endpoint(const struct aws_client *client, const char *service);

/* One call. Strings are borrowed. */
struct aws_call {
	const char *service; /* that signs: "s3", "logs", "ec2", "firehose", ... */
	const char *method;  /* NULL: POST */
	struct str bucket;   /* S3 only: goes into the host or the path */
	struct str
		path; /* encoded, beginning with "/" (added when it does not); empty: "/". S3: the
			 key's part, encoded, without the bucket: of the key "/a" it is "//a" */
	struct str query;                 /* encoded */
	const struct aws_header *headers; /* more of them: X-Amz-Target, Content-Type, Range, ... */
	size_t header_count;
	struct str body;
	int body_fd; /* used when body_size > 0: read by pread from 0, so that it can be sent again
		      */
	uint64_t body_size;
	struct str body_sha256; /* hexadecimal, of body_fd; empty: computed (body) or unsigned
				   (https) */
	bool is_idempotent;     /* may be sent again although it may have been done */
	size_t answer_max;      /* bytes of a kept answer; 0: 64 MiB */
	/* The body of a 2xx answer, piece by piece; <0 ends the call. Called on the thread of the
	 * call; reset is called before a repeat. NULL: kept in the answer. */
	int (*data)(void *context, struct str bytes);
	void (*reset)(void *context);
	void *context;
};

struct aws_answer {
	int status; /* 0: there was none */
	struct buf body;
	struct buf head; /* private: headers as they came */
	char request_id[64];
	unsigned attempts;
	/* Of an answer that is not 2xx: code and message as the service said them ("" when it said
	 * nothing that could be read). */
	char code[128];
	char message[512];
};

/* 0 with a 2xx answer. Otherwise <0: err tells service, operation and what the service or the
 * network said, with a hint where one is known; answer->status and ->code for who wants to decide.
 * *ret_answer is always set and needs aws_answer_done. */
int aws_client_call(struct aws_client *client, const struct aws_call *call,
	struct aws_answer *ret_answer, struct err *err);
/* Trimmed value of a header of the answer, STR_NONE when it is not there; lent by the answer. */
struct str aws_answer_header(const struct aws_answer *answer, struct str name);
void aws_answer_done(struct aws_answer *answer);
