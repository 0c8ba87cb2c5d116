/* sigv4_priv: the texts that Signature Version 4 signs, shared by those who check and who make one.
 */
#pragma once

#include "aws/request.h"
#include "aws/signature.h"

/* Clients disagree on what of the path and query is signed: as AWS documents it, or as on the
 * request line (clients that do not normalize paths; curl 7, which does not sort), or without the
 * session token, which was added afterwards. All combinations are tried; each binds everything that
 * the server acts on, since a session token is proved by its own. */
enum sigv4_reading {
	SIGV4_CANONICAL,
	SIGV4_PATH_AS_SENT = 1,
	SIGV4_QUERY_AS_SENT = 2,
	SIGV4_WITHOUT_TOKEN = 4, /* in the query; not S3's */
	SIGV4_READINGS = 8
};

struct sigv4_what {
	struct str signed_headers; /* "host;x-amz-date", lower case and sorted */
	struct str payload_hash;
	bool is_s3;
	bool is_presigned; /* X-Amz-Signature of the query is left out */
	unsigned reading;  /* of enum sigv4_reading */
};

/* Appends the canonical request. False when a signed header is not in the request. */
bool sigv4_canonical_request(
	const struct aws_request *request, const struct sigv4_what *what, struct buf *buf);
/* Appends the string to sign. */
void sigv4_string_to_sign(
	int64_t date_ms, struct str scope, struct str canonical_request, struct buf *buf);
/* "20130524/us-east-1/s3/aws4_request" */
void sigv4_add_scope(struct buf *buf, struct str date, struct str region, struct str service);
void sigv4_sign(
	const uint8_t key[static 32], struct str string_to_sign, char ret_signature[static 64]);
bool sigv4_is_s3(struct str service);
bool sigv4_lists(struct str signed_headers, struct str name);
#define SIGV4_PAYLOADS (AWS_PAYLOAD_UNSIGNED_CHUNKS_TRAILER + 1)
/* What x-amz-content-sha256 says; NULL for AWS_PAYLOAD_HASH. */
const char *sigv4_payload_text(enum aws_payload payload);

/* Version 2. expires is the parameter's value of a presigned request, otherwise STR_NONE. */
void sigv2_string_to_sign(
	const struct aws_request *request, struct str bucket, struct str expires, struct buf *buf);

void sigv4_add_lower(struct buf *buf, struct str text);
