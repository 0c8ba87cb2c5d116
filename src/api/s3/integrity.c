/* What the client says its body hashes to: Content-MD5, and one x-amz-checksum-* in the headers or,
 * named by x-amz-trailer, behind the body. */
#include "api/s3/s3_priv.h"

#include <ctype.h>

#define ELEMENT(symbol, name, size, is_crc, header) [AWS_CHECKSUM_##symbol] = "Checksum" name,
static const char *const elements[] = {AWS_CHECKSUMS(ELEMENT)};

const char *s3_checksum_element(enum aws_checksum algorithm)
{
	return elements[algorithm];
}

static int read_md5(struct s3_integrity *integrity, struct str text, struct aws_error *error)
{
	if (!text.p)
		return 0;
	if (!aws_base64_parse(text, integrity->md5, sizeof(integrity->md5))) {
		aws_error_default(error, AWS_ERROR_INVALID_DIGEST);
		return aws_error_detail(error, "Content-MD5", "%.*s", STR_ARG(text));
	}
	integrity->has_md5 = true;
	return 0;
}

int s3_integrity_set(struct s3_integrity *integrity, enum aws_checksum algorithm, struct str text,
	struct aws_error *error)
{
	if (integrity->algorithm != AWS_CHECKSUM_NONE)
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
	if (!aws_checksum_parse(algorithm, text, &integrity->expected) || integrity->expected.parts)
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"Value for %s header is invalid.", aws_checksum_header(algorithm));
	integrity->algorithm = algorithm;
	return 0;
}

static int read_trailer(struct s3_call *call, struct aws_error *error)
{
	struct str trailer = s3_header(call, "x-amz-trailer");

	if (!trailer.n)
		return 0;
	enum aws_checksum algorithm = aws_checksum_find_header(trailer);
	if (algorithm == AWS_CHECKSUM_NONE)
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"The value specified in the x-amz-trailer header is not supported");
	if (call->integrity.algorithm != AWS_CHECKSUM_NONE)
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"Expecting a single x-amz-checksum- header");
	call->integrity.algorithm = algorithm;
	call->integrity.in_trailer = true;
	return 0;
}

int s3_integrity_read(struct s3_call *call, struct aws_error *error)
{
	/* Of the whole object there, not of the body. */
	bool is_complete = call->operation->run == s3_upload_complete;

	if (call->operation->body == API_BODY_NONE)
		return 0;
	if (read_md5(&call->integrity, s3_header(call, "content-md5"), error) < 0)
		return -1;
	for (int i = 1; i < AWS_CHECKSUM_COUNT && !is_complete; i++) {
		const char *header = aws_checksum_header((enum aws_checksum)i);
		struct str text = header ? s3_header(call, header) : STR_NONE;

		if (text.p &&
			s3_integrity_set(&call->integrity, (enum aws_checksum)i, text, error) < 0)
			return -1;
	}
	if (!is_complete && read_trailer(call, error) < 0)
		return -1;
	struct str named = s3_header(call, "x-amz-sdk-checksum-algorithm");
	if (!named.n || call->operation->run == s3_upload_complete)
		return 0;
	enum aws_checksum algorithm = aws_checksum_find(named);
	if (algorithm == AWS_CHECKSUM_NONE || algorithm == AWS_CHECKSUM_MD5)
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"Value for x-amz-sdk-checksum-algorithm header is invalid.");
	if (call->integrity.algorithm != AWS_CHECKSUM_NONE &&
		call->integrity.algorithm != algorithm)
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"Value for x-amz-sdk-checksum-algorithm header is invalid.");
	return 0;
}

static int mismatch(struct aws_error *error, enum aws_checksum algorithm)
{
	return aws_error_set(error, AWS_ERROR_BAD_DIGEST,
		"The %s you specified did not match the calculated checksum.",
		aws_checksum_name(algorithm));
}

int s3_integrity_check(struct s3_call *call, const uint8_t md5[static AWS_MD5_SIZE],
	const struct aws_checksum_value *value, struct aws_error *error)
{
	struct s3_integrity *integrity = &call->integrity;

	if (integrity->has_md5 && memcmp(integrity->md5, md5, AWS_MD5_SIZE) != 0)
		return aws_error_default(error, AWS_ERROR_BAD_DIGEST);
	if (integrity->algorithm == AWS_CHECKSUM_NONE)
		return 0;
	if (integrity->in_trailer) {
		struct str text = api_trailer(
			call->exchange, str_from(aws_checksum_header(integrity->algorithm)));

		if (!text.p)
			return aws_error_default(error, AWS_ERROR_MALFORMED_TRAILER);
		if (!aws_checksum_parse(integrity->algorithm, text, &integrity->expected))
			return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
				"Value for %s trailing header is invalid.",
				aws_checksum_header(integrity->algorithm));
	}
	if (!aws_checksum_equal(&integrity->expected, value))
		return mismatch(error, integrity->algorithm);
	return 0;
}

int s3_integrity_check_body(struct s3_call *call, bool required, struct aws_error *error)
{
	struct str body = buf_str(&call->exchange->body);
	struct aws_checksum_value value = {0};
	uint8_t md5[AWS_MD5_SIZE];
	struct aws_hash hash;

	if (required && !call->integrity.has_md5 &&
		call->integrity.algorithm == AWS_CHECKSUM_NONE) {
		aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
		return -1;
	}
	if (call->integrity.has_md5)
		aws_md5(body, md5);
	if (call->integrity.algorithm != AWS_CHECKSUM_NONE) {
		aws_hash_init(&hash, call->integrity.algorithm);
		aws_hash_add(&hash, body);
		aws_hash_finish(&hash, &value);
	}
	return s3_integrity_check(call, md5, &value, error);
}

void s3_answer_checksum(
	struct s3_call *call, const struct aws_checksum_value *value, bool is_composite)
{
	char text[AWS_CHECKSUM_STR_MAX];
	const char *header = aws_checksum_header((enum aws_checksum)value->algorithm);

	if (!header)
		return;
	api_answer_header(call->exchange, header,
		(struct str){text, (size_t)(aws_checksum_write(text, value) - text)});
	api_answer_header(call->exchange, "x-amz-checksum-type",
		is_composite ? STR("COMPOSITE") : STR("FULL_OBJECT"));
}

void s3_xml_checksum(struct aws_xml_writer *writer, const struct aws_checksum_value *value)
{
	char text[AWS_CHECKSUM_STR_MAX];

	if (value->algorithm != AWS_CHECKSUM_NONE && value->algorithm != AWS_CHECKSUM_MD5)
		aws_xml_element(writer, s3_checksum_element((enum aws_checksum)value->algorithm),
			(struct str){text, (size_t)(aws_checksum_write(text, value) - text)});
}
