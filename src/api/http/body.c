/* The codings of a body, undone and checked while it comes in. HTTP's own chunked coding is
 * libmicrohttpd's. S3: aws-chunked, or a hash that the signature covers; the data is handed on
 * before it is proved, and what was handed on counts for nothing when body_finish fails. All
 * others: kept whole as sent, because the signature covers its hash; then gzip is undone. */
#include "api/http/http_priv.h"

#include "aws/digest.h"
#include "base/number.h"

#include <zlib.h>

static bool is_s3(const struct request *request)
{
	return error_style(request) == AWS_STYLE_S3;
}

int body_too_large(const struct request *request, uint64_t max, struct aws_error *error)
{
	switch (error_style(request)) {
	case AWS_STYLE_S3:
		/* of an object, or of a document that says something of one */
		if (request->exchange.handler.body != API_BODY_STREAM)
			return aws_error_default(error, AWS_ERROR_MAX_MESSAGE_LENGTH_EXCEEDED);
		aws_error_default(error, AWS_ERROR_ENTITY_TOO_LARGE);
		return aws_error_detail(error, "MaxSizeAllowed", "%llu", (unsigned long long)max);
	case AWS_STYLE_QUERY:
	case AWS_STYLE_EC2:
		return aws_error_set(error, AWS_ERROR_REQUEST_ENTITY_TOO_LARGE,
			"Request exceeds the maximum allowed size of %llu bytes.",
			(unsigned long long)max);
	default:
		return aws_error_set(error, AWS_ERROR_REQUEST_ENTITY_TOO_LARGE_EXCEPTION,
			"Request exceeds the maximum allowed size of %llu bytes.",
			(unsigned long long)max);
	}
}

void body_done(struct body *body)
{
	aws_hash_done(&body->hash);
	aws_chunked_free(body->chunked);
	*body = (struct body){0};
}

/* Anonymous and presigned requests may have a coded body too: the header tells. */
static enum aws_payload payload_of(const struct request *request)
{
	const struct aws_signature *signature = &request->exchange.signature;
	struct str text = api_header(&request->exchange, STR("x-amz-content-sha256"));

	if (signature->kind == AWS_SIGNATURE_V4_HEADER ||
		signature->payload == AWS_PAYLOAD_UNSIGNED_CHUNKS_TRAILER)
		return signature->payload;
	if (text.p && str_equal(text, STR("STREAMING-UNSIGNED-PAYLOAD-TRAILER")))
		return AWS_PAYLOAD_UNSIGNED_CHUNKS_TRAILER;
	if (signature->kind == AWS_SIGNATURE_V4_QUERY)
		return signature->payload;
	return AWS_PAYLOAD_UNSIGNED;
}

static int begin_chunked(struct request *request, enum aws_payload payload, struct aws_error *error)
{
	struct api_exchange *exchange = &request->exchange;
	struct str length = api_header(exchange, STR("x-amz-decoded-content-length"));
	struct aws_chunked_options options = {
		.is_signed = payload != AWS_PAYLOAD_UNSIGNED_CHUNKS_TRAILER,
		.has_trailer = payload != AWS_PAYLOAD_SIGNED_CHUNKS};

	if (!length.p || !number_parse(length, INT64_MAX, &options.decoded_length))
		return aws_error_default(error, AWS_ERROR_MISSING_CONTENT_LENGTH);
	exchange->content_length = (int64_t)options.decoded_length;
	if (options.is_signed)
		authenticate_chunk_signer(request, &options.signer);
	aws_chunked_new(&request->body.chunked, &options);
	aws_chunk_signer_done(&options.signer);
	return 0;
}

int body_begin(struct request *request, struct aws_error *error)
{
	struct api_exchange *exchange = &request->exchange;
	struct body *body = &request->body;

	if (!is_s3(request)) {
		struct str coding = api_header(exchange, STR("content-encoding"));
		body->is_gzip = coding.p && str_equal_ignoring_case(coding, STR("gzip"));
		return 0;
	}
	enum aws_payload payload = payload_of(request);
	if (payload == AWS_PAYLOAD_HASH && exchange->signature.payload_hash.n == 64) {
		body->is_hashed = true;
		aws_hash_init(&body->hash, AWS_CHECKSUM_SHA256);
	} else if (payload == AWS_PAYLOAD_SIGNED_CHUNKS ||
		   payload == AWS_PAYLOAD_SIGNED_CHUNKS_TRAILER ||
		   payload == AWS_PAYLOAD_UNSIGNED_CHUNKS_TRAILER) {
		return begin_chunked(request, payload, error);
	}
	return 0;
}

/* Plain bytes, for the service. */
static int hand_on(struct request *request, struct str bytes, struct aws_error *error)
{
	struct api_exchange *exchange = &request->exchange;
	struct body *body = &request->body;

	if (!bytes.n)
		return 0;
	body->decoded += bytes.n;
	if (body->decoded > body->max)
		return body_too_large(request, body->max, error);
	if (exchange->handler.body == API_BODY_WHOLE)
		buf_add_str(&exchange->body, bytes);
	else if (exchange->handler.body == API_BODY_STREAM)
		return exchange->handler.data(exchange, bytes, error);
	return 0;
}

int body_add(struct request *request, struct str bytes, struct aws_error *error)
{
	struct body *body = &request->body;

	body->received += bytes.n;
	if (body->is_hashed)
		aws_hash_add(&body->hash, bytes);
	if (!body->chunked)
		return hand_on(request, bytes, error);
	while (bytes.n) {
		struct str data = STR("");
		if (aws_chunked_decode(body->chunked, &bytes, &data, error) < 0 ||
			hand_on(request, data, error) < 0)
			return -1;
	}
	return 0;
}

static int check_hash(struct request *request, struct aws_error *error)
{
	const struct aws_signature *signature = &request->exchange.signature;
	struct aws_checksum_value value;
	char hex[AWS_SHA256_HEX];

	aws_hash_finish(&request->body.hash, &value);
	aws_hex_write(hex, value.bytes, AWS_SHA256_SIZE);
	const struct str computed = {hex, sizeof(hex)};
	if (str_equal_ignoring_case(computed, signature->payload_hash))
		return 0;
	struct aws_refusal refusal;
	aws_refuse(&refusal, AWS_AUTH_PAYLOAD_MISMATCH, NULL);
	aws_refusal_error(&refusal, AWS_STYLE_S3, error);
	aws_error_detail(
		error, "ClientComputedContentSHA256", "%.*s", STR_ARG(signature->payload_hash));
	return aws_error_detail(error, "S3ComputedContentSHA256", "%.*s", STR_ARG(computed));
}

/* Of one or more gzip members, at most max bytes. Negative: error is filled. */
static int inflate_body(struct request *request, uint64_t max, struct aws_error *error)
{
	struct buf *body = &request->exchange.body;
	_cleanup_buf_ struct buf plain = {0};
	z_stream z = {.next_in = (Bytef *)body->p, .avail_in = (uInt)body->n};
	int status = Z_OK;

	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return aws_error_internal(error);
	while (plain.n <= max && status == Z_OK) {
		z.next_out = (Bytef *)buf_reserve(&plain, 65536);
		z.avail_out = 65536;
		status = inflate(&z, Z_NO_FLUSH);
		plain.n += 65536 - z.avail_out;
		if (status == Z_STREAM_END && z.avail_in)
			status = inflateReset(&z);
	}
	inflateEnd(&z);
	if (plain.n > max)
		return body_too_large(request, max, error);
	if (status != Z_STREAM_END)
		return aws_error_set(error, AWS_ERROR_SERIALIZATION_EXCEPTION,
			"The gzip coding of the request body is damaged.");
	buf_done(body);
	*body = plain;
	plain = (struct buf){0};
	return 0;
}

/* The signature over all of it. */
static int prove(struct request *request, struct aws_error *error)
{
	struct api_exchange *exchange = &request->exchange;
	uint8_t hash[AWS_SHA256_SIZE];
	char hex[AWS_SHA256_HEX];
	struct aws_refusal refusal;

	if (exchange->signature.kind == AWS_SIGNATURE_NONE || request->is_proved)
		return 0;
	aws_sha256(buf_str(&exchange->body), hash);
	aws_hex_write(hex, hash, sizeof(hash));
	if (authenticate_verify(request, (struct str){hex, sizeof(hex)}, &refusal) < 0)
		return aws_refusal_error(&refusal, error_style(request), error);
	return 0;
}

int body_finish(struct request *request, struct aws_error *error)
{
	struct body *body = &request->body;

	if (body->chunked && aws_chunked_finish(body->chunked, error) < 0)
		return -1;
	if (body->is_hashed && check_hash(request, error) < 0)
		return -1;
	if (is_s3(request))
		return 0;
	if (prove(request, error) < 0)
		return -1;
	return body->is_gzip && request->exchange.body.n ? inflate_body(request, body->max, error)
							 : 0;
}
