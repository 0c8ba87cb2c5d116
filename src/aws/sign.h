/* sign: Signature Version 4 as a client makes it: in headers and as a presigned query. The
 * counterpart of signature.h, for deliveries and for reading buckets. What comes out is owned by
 * struct aws_signed (aws_signed_done); the request is borrowed. Any thread; the key cache may be
 * shared. */
#pragma once

#include "aws/request.h"
#include "aws/signature.h"

#include <stdint.h>

struct aws_credentials {
	struct str access_key_id, secret_access_key;
	struct str session_token; /* empty: none */
};

struct aws_sign_options {
	struct aws_credentials credentials;
	struct str region, service; /* "s3" is signed by S3's rules */
	int64_t now_ms;
	enum aws_payload payload;
	struct str payload_hash;       /* AWS_PAYLOAD_HASH: hexadecimal SHA-256; empty: no body */
	struct aws_signing_keys *keys; /* NULL: no cache */
};

#define AWS_SIGNED_HEADERS_ADDED 4

struct aws_signed {
	struct aws_header headers[AWS_SIGNED_HEADERS_ADDED]; /* to add to the request */
	size_t header_count;
	struct aws_chunk_signer chunk_signer; /* for AWS_PAYLOAD_SIGNED_CHUNKS* */
	struct buf text;                      /* private */
};

/* Signs every header of the request except those that proxies change (User-Agent, Expect,
 * Connection, ...), with X-Amz-Date, X-Amz-Security-Token, X-Amz-Content-Sha256 (S3) and
 * Authorization added. The request must have Host, as it will be sent, and none of the four. */
void aws_sign(const struct aws_request *request, const struct aws_sign_options *options,
	struct aws_signed *ret_signed);
void aws_signed_done(struct aws_signed *sign);

/* Appends the whole query of a presigned request, the given one included: S3 with any body, others
 * with payload_hash. Every header of the request must then be sent as given. */
void aws_presign(const struct aws_request *request, const struct aws_sign_options *options,
	unsigned expires_seconds, struct buf *query);
