/* Whether what a request claims is true. */
#include "aws/signature.h"

#include "aws/digest.h"
#include "aws/sigv4_priv.h"
#include "aws/time.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <stdio.h>

static void set_detail(struct aws_refusal *refusal, const char *name, struct str value)
{
	if (!refusal || refusal->details == ARRAY_SIZE(refusal->detail))
		return;
	struct aws_error_detail *detail = &refusal->detail[refusal->details++];
	detail->name = name;
	snprintf(detail->value, sizeof(detail->value), "%.*s",
		(int)(value.n < sizeof(detail->value) ? value.n : sizeof(detail->value) - 1),
		value.p);
}

/* "20130524T000000Z is now earlier than 20130524T001500Z (20130524T003000Z - 15 min.)" */
static int refuse_clock(
	struct aws_refusal *refusal, enum aws_auth_fault fault, int64_t date_ms, int64_t now_ms)
{
	bool is_old = fault == AWS_AUTH_TOO_OLD || fault == AWS_AUTH_EXPIRED;
	char date[AWS_TIME_STR_MAX], limit[AWS_TIME_STR_MAX], now[AWS_TIME_STR_MAX];
	char server[AWS_TIME_STR_MAX];

	aws_time_write_basic(date, date_ms);
	aws_time_write_basic(
		limit, is_old ? now_ms - AWS_CLOCK_SKEW_MS : now_ms + AWS_CLOCK_SKEW_MS);
	aws_time_write_basic(now, now_ms);
	if (fault == AWS_AUTH_EXPIRED)
		aws_refuse(refusal, fault, "%.16s is now earlier than %.16s", date, now);
	else
		aws_refuse(refusal, fault, "%.16s is %s %.16s (%.16s %c 15 min.)", date,
			is_old ? "now earlier than" : "still later than", limit, now,
			is_old ? '-' : '+');
	char *end = aws_time_write_iso8601(server, now_ms);
	set_detail(refusal, fault == AWS_AUTH_EXPIRED ? "Expires" : "RequestTime",
		(struct str){date, 16});
	set_detail(refusal, "ServerTime", (struct str){server, (size_t)(end - server)});
	return -1;
}

static int check_clock(
	const struct aws_signature *signature, int64_t now_ms, struct aws_refusal *refusal)
{
	bool is_presigned = signature->kind == AWS_SIGNATURE_V4_QUERY ||
			    signature->kind == AWS_SIGNATURE_V2_QUERY;

	if (is_presigned && now_ms >= signature->expires_ms)
		return refuse_clock(refusal, AWS_AUTH_EXPIRED, signature->expires_ms, now_ms);
	if (is_presigned && signature->date_ms > now_ms + AWS_CLOCK_SKEW_MS)
		return refuse_clock(refusal, AWS_AUTH_NOT_YET_VALID, signature->date_ms, now_ms);
	if (is_presigned)
		return 0;
	if (signature->date_ms < now_ms - AWS_CLOCK_SKEW_MS)
		return refuse_clock(refusal, AWS_AUTH_TOO_OLD, signature->date_ms, now_ms);
	if (signature->date_ms > now_ms + AWS_CLOCK_SKEW_MS)
		return refuse_clock(refusal, AWS_AUTH_TOO_NEW, signature->date_ms, now_ms);
	return 0;
}

static int check_scope(const struct aws_signature *signature,
	const struct aws_verify_options *options, struct aws_refusal *refusal)
{
	if (options->service.n && !str_equal(signature->service, options->service) &&
		!(sigv4_is_s3(signature->service) && sigv4_is_s3(options->service)))
		return aws_refuse(
			refusal, AWS_AUTH_SCOPE_SERVICE, "'%.*s'", STR_ARG(options->service));
	if (options->region.n && signature->region.n &&
		!str_equal(signature->region, options->region)) {
		aws_refuse(refusal, AWS_AUTH_SCOPE_REGION, "'%.*s' is wrong; expecting '%.*s'",
			STR_ARG(signature->region), STR_ARG(options->region));
		set_detail(refusal, "Region", options->region);
		return -1;
	}
	return 0;
}

/* Some clients add the session token after they signed; it is proved by its own. S3 insists. */
static bool may_be_unsigned(const struct aws_signature *signature, struct str name)
{
	if (str_equal_ignoring_case(name, STR("x-amz-security-token")))
		return !sigv4_is_s3(signature->service);
	/* A presigned request may say of its body what the signature leaves open. */
	return signature->kind == AWS_SIGNATURE_V4_QUERY &&
	       str_equal_ignoring_case(name, STR("x-amz-content-sha256"));
}

/* Host must be signed, and so must every x-amz-* header: they change what the request means. */
static int check_signed_headers(const struct aws_signature *signature,
	const struct aws_request *request, struct aws_refusal *refusal)
{
	size_t count = 1;

	for (size_t i = 0; i < signature->signed_headers.n; i++)
		count += signature->signed_headers.p[i] == ';';
	if (count > AWS_SIGNED_HEADERS_MAX)
		return aws_refuse(refusal, AWS_AUTH_MISMATCH, NULL);
	if (!sigv4_lists(signature->signed_headers, STR("host"))) {
		aws_refuse(refusal, AWS_AUTH_HOST_UNSIGNED, NULL);
		set_detail(refusal, "HeadersNotSigned", STR("host"));
		return -1;
	}
	for (size_t i = 0; i < request->header_count; i++) {
		struct str name = request->headers[i].name;
		if (name.n < 6 || !str_equal_ignoring_case((struct str){name.p, 6}, STR("x-amz-")))
			continue;
		if (!sigv4_lists(signature->signed_headers, name) &&
			!may_be_unsigned(signature, name)) {
			aws_refuse(refusal, AWS_AUTH_HEADERS_UNSIGNED, "%.*s",
				(int)(name.n < 64 ? name.n : 64), name.p);
			set_detail(refusal, "HeadersNotSigned", name);
			return -1;
		}
	}
	return 0;
}

static struct str payload_hash(
	const struct aws_signature *signature, const struct aws_verify_options *options)
{
	if (sigv4_is_s3(signature->service))
		return signature->signed_payload;
	return options->payload_hash.n ? options->payload_hash : STR(AWS_SHA256_EMPTY);
}

static bool write_v4(const struct aws_signature *signature, const struct aws_request *request,
	const struct aws_verify_options *options, unsigned reading, struct buf *canonical,
	struct buf *text)
{
	_cleanup_buf_ struct buf scope = {0};
	const struct sigv4_what what = {.signed_headers = signature->signed_headers,
		.payload_hash = payload_hash(signature, options),
		.is_s3 = sigv4_is_s3(signature->service),
		.is_presigned = signature->kind == AWS_SIGNATURE_V4_QUERY,
		.reading = reading};

	if (!sigv4_canonical_request(request, &what, canonical))
		return false;
	sigv4_add_scope(&scope, signature->date, signature->region, signature->service);
	sigv4_string_to_sign(signature->date_ms, buf_str(&scope), buf_str(canonical), text);
	return true;
}

static bool matches_v4(const struct aws_signature *signature, const struct aws_request *request,
	const struct aws_verify_options *options)
{
	uint8_t key[32];
	char expected[64];
	bool matches = false;

	aws_signing_keys_get(options->keys, options->secret, signature->date, signature->region,
		signature->service, key);
	for (unsigned reading = 0; reading < SIGV4_READINGS && !matches; reading++) {
		_cleanup_buf_ struct buf canonical = {0}, text = {0};
		if (reading & SIGV4_WITHOUT_TOKEN &&
			(!signature->session_token.n || sigv4_is_s3(signature->service)))
			break;
		if (!write_v4(signature, request, options, reading, &canonical, &text))
			break;
		sigv4_sign(key, buf_str(&text), expected);
		matches = aws_equal_constant_time(
			(struct str){expected, sizeof(expected)}, signature->signature);
	}
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(expected, sizeof(expected));
	return matches;
}

static bool matches_sha1(struct str secret, struct str text, struct str signature)
{
	uint8_t mac[AWS_SHA1_SIZE], given[AWS_SHA1_SIZE];

	aws_hmac_sha1(secret, text, mac);
	return aws_base64_parse(signature, given, sizeof(given)) &&
	       aws_equal_constant_time((struct str){(char *)mac, sizeof(mac)},
		       (struct str){(char *)given, sizeof(given)});
}

static void write_v2(const struct aws_signature *signature, const struct aws_request *request,
	const struct aws_verify_options *options, struct buf *text)
{
	sigv2_string_to_sign(request, options->bucket,
		signature->kind == AWS_SIGNATURE_V2_QUERY ? signature->request_date : STR_NONE,
		text);
}

static bool matches_v2(const struct aws_signature *signature, const struct aws_request *request,
	const struct aws_verify_options *options)
{
	_cleanup_buf_ struct buf text = {0};

	write_v2(signature, request, options, &text);
	if (matches_sha1(options->secret, buf_str(&text), signature->signature))
		return true;
	/* botocore signs "/bucket/" and sends "/bucket". */
	struct str path = request->path;
	if (options->bucket.n || path.n < 2 || memchr(path.p + 1, '/', path.n - 1))
		return false;
	_cleanup_buf_ struct buf longer = {0};
	struct aws_request other = *request;
	buf_add_str(&longer, path);
	buf_add_char(&longer, '/');
	other.path = buf_str(&longer);
	text.n = 0;
	write_v2(signature, &other, options, &text);
	return matches_sha1(options->secret, buf_str(&text), signature->signature);
}

static bool is_v4(const struct aws_signature *signature)
{
	return signature->kind == AWS_SIGNATURE_V4_HEADER ||
	       signature->kind == AWS_SIGNATURE_V4_QUERY;
}

int aws_signature_verify(const struct aws_signature *signature, const struct aws_request *request,
	const struct aws_verify_options *options, struct aws_refusal *refusal)
{
	assert(signature->kind != AWS_SIGNATURE_NONE);
	if (check_scope(signature, options, refusal) < 0 ||
		check_clock(signature, options->now_ms, refusal) < 0)
		return -1;
	if (is_v4(signature) && check_signed_headers(signature, request, refusal) < 0)
		return -1;
	if (is_v4(signature) ? matches_v4(signature, request, options)
			     : matches_v2(signature, request, options))
		return 0;
	aws_refuse(refusal, AWS_AUTH_MISMATCH, NULL);
	set_detail(refusal, "AWSAccessKeyId", signature->access_key_id);
	set_detail(refusal, "SignatureProvided", signature->signature);
	return -1;
}

void aws_signature_explain(const struct aws_signature *signature, const struct aws_request *request,
	const struct aws_verify_options *options, struct buf *canonical_request,
	struct buf *string_to_sign)
{
	if (is_v4(signature))
		write_v4(signature, request, options, SIGV4_CANONICAL, canonical_request,
			string_to_sign);
	else
		write_v2(signature, request, options, string_to_sign);
}

void aws_signature_chunk_signer(const struct aws_signature *signature,
	const struct aws_verify_options *options, struct aws_chunk_signer *ret_signer)
{
	_cleanup_buf_ struct buf scope = {0};
	char date[AWS_TIME_STR_MAX];

	assert(signature->kind == AWS_SIGNATURE_V4_HEADER && signature->signature.n == 64);
	*ret_signer = (struct aws_chunk_signer){0};
	aws_signing_keys_get(options->keys, options->secret, signature->date, signature->region,
		signature->service, ret_signer->key);
	sigv4_add_scope(&scope, signature->date, signature->region, signature->service);
	assert(scope.n <= sizeof(ret_signer->scope));
	memcpy(ret_signer->scope, scope.p, scope.n);
	ret_signer->scope_length = scope.n;
	aws_time_write_basic(date, signature->date_ms);
	memcpy(ret_signer->date, date, sizeof(ret_signer->date));
	memcpy(ret_signer->previous, signature->signature.p, sizeof(ret_signer->previous));
}

int aws_post_form_verify(const struct aws_post_form *form, const struct aws_signature *signature,
	const struct aws_verify_options *options, struct aws_refusal *refusal)
{
	bool matches;

	assert(signature->kind != AWS_SIGNATURE_NONE);
	if (check_scope(signature, options, refusal) < 0)
		return -1;
	if (signature->kind == AWS_SIGNATURE_V4_QUERY) {
		uint8_t key[32];
		char expected[64];
		if (signature->date_ms > options->now_ms + AWS_CLOCK_SKEW_MS)
			return refuse_clock(refusal, AWS_AUTH_NOT_YET_VALID, signature->date_ms,
				options->now_ms);
		aws_signing_keys_get(options->keys, options->secret, signature->date,
			signature->region, signature->service, key);
		sigv4_sign(key, form->policy, expected);
		matches = aws_equal_constant_time(
			(struct str){expected, sizeof(expected)}, form->signature);
		OPENSSL_cleanse(key, sizeof(key));
	} else {
		matches = matches_sha1(options->secret, form->policy, form->signature);
	}
	return matches ? 0 : aws_refuse(refusal, AWS_AUTH_MISMATCH, NULL);
}
