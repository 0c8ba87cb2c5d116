/* chunked: the aws-chunked body coding (S3 API reference, "Signature Calculations: Transferring
 * Payload in Multiple Chunks", and "Trailing checksums"): signed chunks, with or without trailing
 * headers, and unsigned ones with trailing headers. HTTP's own chunked coding is already undone.
 *
 * The decoder is fed whatever arrives and lends the data inside it, so its memory does not depend
 * on the body. A chunk's data is lent before its signature has arrived: what was lent counts for
 * nothing until aws_chunked_finish has returned 0, and on any error must be thrown away.
 * One thread at a time. */
#pragma once

#include "aws/error.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define AWS_CHUNK_LINE_MAX 1024  /* of a chunk header */
#define AWS_TRAILER_MAX    16384 /* of all trailing headers */
#define AWS_TRAILERS_MAX   16
#define AWS_SCOPE_MAX      256

/* What each chunk's signature is made with: the signing key, the request's date and scope, and the
 * signature before it (first the request's own). Wipe with aws_chunk_signer_done. */
struct aws_chunk_signer {
	uint8_t key[32];
	char date[16]; /* 20130524T000000Z */
	char scope[AWS_SCOPE_MAX];
	size_t scope_length;
	char previous[64];
};
void aws_chunk_signer_done(struct aws_chunk_signer *signer);

struct aws_chunked_options {
	bool is_signed;
	bool has_trailer;
	uint64_t decoded_length;        /* x-amz-decoded-content-length */
	struct aws_chunk_signer signer; /* when signed; copied */
};

struct aws_chunked;
void aws_chunked_new(struct aws_chunked **ret_chunked, const struct aws_chunked_options *options);
void aws_chunked_free(struct aws_chunked *chunked);
MEM_DEFINE_CLEANUP(struct aws_chunked, aws_chunked_free)

/* Takes bytes off the front of *input and lends the data among them in *ret_data, a part of *input;
 * empty when there was none. Call until *input is empty. Malformed bodies, wrong signatures, more
 * data than announced and bytes behind the end are errors. */
int aws_chunked_decode(struct aws_chunked *chunked, struct str *input, struct str *ret_data,
	struct aws_error *error);
/* The input has ended: was it whole, of the announced length and, when signed, all verified? */
int aws_chunked_finish(struct aws_chunked *chunked, struct aws_error *error);
/* After aws_chunked_finish: the trailing header of that name (lower case), lent until free. */
bool aws_chunked_trailer(const struct aws_chunked *chunked, struct str name, struct str *ret_value);

/* The client's side. Writes one chunk (not the last, so data is not empty); signer NULL: unsigned.
 */
void aws_chunked_write(struct aws_chunk_signer *signer, struct str data, struct buf *buf);
/* The last chunk and the trailing headers, each with a lower-case name; signer NULL: unsigned. */
struct aws_trailer {
	struct str name, value;
};
void aws_chunked_write_end(struct aws_chunk_signer *signer, const struct aws_trailer *trailers,
	size_t trailer_count, struct buf *buf);
