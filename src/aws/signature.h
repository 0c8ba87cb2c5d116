/* signature: who signed this request, and is it true? Signature Version 4 in the Authorization
 * header and in the query (presigned), for S3 and for all other services, S3's POST policies, and
 * S3's older Version 2, which boto3 and the CLI still make for presigned URLs on endpoints of one's
 * own. Source: IAM guide, "AWS Signature Version 4 for API requests"; S3 API reference,
 * "Authenticating Requests"; S3 user guide, "Signing and authenticating REST requests" (Version 2).
 *
 * In three steps, because only the caller knows the keys:
 *   1. aws_signature_parse    what the request claims: access key id, session token, scope, payload
 *   2. the caller looks the secret up (AWS_AUTH_UNKNOWN_KEY, AWS_AUTH_INVALID_TOKEN, ... are its
 * own)
 *   3. aws_signature_verify   scope, clock, expiry, signed headers and the signature itself
 * All three refuse by filling a struct aws_refusal and returning a negative value;
 * aws_refusal_error turns that into the error of the service's protocol, with AWS's code and
 * sentence.
 *
 * A struct aws_signature borrows from the request, which must outlive it, and owns what it had to
 * decode (aws_signature_done). struct aws_signing_keys may be shared by all threads; the rest
 * belongs to one thread at a time. Nothing blocks. Comparisons take constant time. */
#pragma once

#include "aws/chunked.h"
#include "aws/error.h"
#include "aws/request.h"
#include "base/buf.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

#define AWS_CLOCK_SKEW_MS         INT64_C(900000)
#define AWS_PRESIGNED_SECONDS_MAX 604800
#define AWS_SIGNED_HEADERS_MAX    128

/* How a service writes errors of authentication; the same fault has other codes in each. */
enum aws_error_style {
	AWS_STYLE_S3,
	AWS_STYLE_QUERY, /* STS, IAM, CloudWatch: awsQuery */
	AWS_STYLE_EC2,
	AWS_STYLE_JSON, /* awsJson, rest-json and rpc-v2-cbor */
	AWS_STYLES
};

/* One row a fault: symbol, the code for S3, awsQuery, EC2 and JSON (rows of error.def), and the
 * sentences for S3 and for all others (aws_signature_* put what they found in place of %s). */
enum aws_auth_fault {
	AWS_AUTH_OK,
#define X(symbol, s3, query, ec2, json, s3_message, other_message) AWS_AUTH_##symbol,
#include "aws/auth.def"
#undef X
	AWS_AUTH_FAULTS
};

struct aws_refusal {
	enum aws_auth_fault fault;
	char found[512];  /* stands for %s in the sentences; may be empty */
	unsigned details; /* for S3's further elements */
	struct aws_error_detail detail[2];
};

/* found (printf form) may be NULL. Returns a negative value. */
int aws_refuse(struct aws_refusal *refusal, enum aws_auth_fault fault, const char *found, ...)
	__attribute__((format(printf, 3, 4), cold));
/* Fills error from refusal; returns a negative value. */
int aws_refusal_error(const struct aws_refusal *refusal, enum aws_error_style style,
	struct aws_error *error) __attribute__((cold));

enum aws_signature_kind {
	AWS_SIGNATURE_NONE, /* anonymous */
	AWS_SIGNATURE_V4_HEADER,
	AWS_SIGNATURE_V4_QUERY,
	AWS_SIGNATURE_V2_HEADER,
	AWS_SIGNATURE_V2_QUERY,
};

/* What x-amz-content-sha256 says of the body (S3). */
enum aws_payload {
	AWS_PAYLOAD_HASH, /* payload_hash is the body's SHA-256: the reader of the body checks it */
	AWS_PAYLOAD_UNSIGNED,              /* UNSIGNED-PAYLOAD, presigned, or Version 2: any body */
	AWS_PAYLOAD_SIGNED_CHUNKS,         /* STREAMING-AWS4-HMAC-SHA256-PAYLOAD */
	AWS_PAYLOAD_SIGNED_CHUNKS_TRAILER, /* STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER */
	AWS_PAYLOAD_UNSIGNED_CHUNKS_TRAILER, /* STREAMING-UNSIGNED-PAYLOAD-TRAILER */
};

struct aws_signature {
	enum aws_signature_kind kind;
	enum aws_payload payload;
	struct str access_key_id;
	struct str session_token;         /* empty: none */
	struct str date, region, service; /* of the scope; Version 2 has none and service is "s3" */
	struct str signed_headers;        /* "host;x-amz-date" */
	struct str signature;      /* as given: 64 hexadecimal digits, or base64 for Version 2 */
	struct str payload_hash;   /* x-amz-content-sha256 as given; empty: none */
	struct str signed_payload; /* S3: the last line of what was signed */
	struct str request_date;   /* as given */
	int64_t date_ms;           /* when it was signed */
	int64_t expires_ms;        /* presigned: when it ends; otherwise 0 */
	struct buf decoded;        /* private: storage of what was percent-encoded */
};

/* Reads the claim. 0 also for an anonymous request (kind NONE). *ret_signature is always set and
 * needs aws_signature_done, also after a refusal (its service may tell the style). */
int aws_signature_parse(const struct aws_request *request, struct aws_signature *ret_signature,
	struct aws_refusal *refusal);
void aws_signature_done(struct aws_signature *signature);
/* True for s3 and its relatives: one encoding of the path, x-amz-content-sha256 required. */
bool aws_signature_is_s3(const struct aws_signature *signature);

/* Signing keys derived lately (secret, date, region, service), because deriving one costs four
 * HMACs. Bounded; any thread. Secrets are wiped on free. */
struct aws_signing_keys;
struct aws_signing_keys *aws_signing_keys_new(void);
void aws_signing_keys_free(struct aws_signing_keys *keys);
MEM_DEFINE_CLEANUP(struct aws_signing_keys, aws_signing_keys_free)
/* keys may be NULL: then it is derived each time. */
void aws_signing_keys_get(struct aws_signing_keys *keys, struct str secret, struct str date,
	struct str region, struct str service, uint8_t ret_key[static 32]);

struct aws_verify_options {
	int64_t now_ms;
	struct str secret;       /* secret access key */
	struct str payload_hash; /* hexadecimal SHA-256 of the body, for every service but S3 */
	struct str region;       /* the only one to accept; empty: any */
	struct str service;      /* the one the request was dispatched to; empty: any */
	struct str bucket; /* of a virtual-host-style request, for Version 2; otherwise empty */
	struct aws_signing_keys *keys; /* NULL: no cache */
};

/* Checks everything about a signature of a kind other than NONE. After 0, S3 bodies remain to be
 * checked against signature->payload_hash (AWS_PAYLOAD_HASH) or chunk by chunk. */
int aws_signature_verify(const struct aws_signature *signature, const struct aws_request *request,
	const struct aws_verify_options *options, struct aws_refusal *refusal);

/* For the error SignatureDoesNotMatch, which shows them: what the client should have signed. */
void aws_signature_explain(const struct aws_signature *signature, const struct aws_request *request,
	const struct aws_verify_options *options, struct buf *canonical_request,
	struct buf *string_to_sign);

/* What checks the chunks of a verified request with AWS_PAYLOAD_SIGNED_CHUNKS*. */
void aws_signature_chunk_signer(const struct aws_signature *signature,
	const struct aws_verify_options *options, struct aws_chunk_signer *ret_signer);

/* The fields of an S3 POST form (browser upload), values as in the form; empty ones are missing.
 * Version 4: algorithm, credential, date, signature; Version 2: access_key_id, signature. */
struct aws_post_form {
	struct str policy; /* base64, as signed */
	struct str algorithm, credential, date;
	struct str access_key_id;
	struct str signature;
	struct str session_token;
};
/* As aws_signature_parse; the form must outlive the signature. A form without any of the fields is
 * anonymous. */
int aws_post_form_parse(const struct aws_post_form *form, struct aws_signature *ret_signature,
	struct aws_refusal *refusal);
/* The signature over the policy; its expiration and conditions are the caller's to check. */
int aws_post_form_verify(const struct aws_post_form *form, const struct aws_signature *signature,
	const struct aws_verify_options *options, struct aws_refusal *refusal);
