#include "aws/sign.h"

#include "aws/digest.h"
#include "aws/sigv4_priv.h"
#include "aws/time.h"
#include "aws/uri.h"
#include "base/number.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <stdio.h>

/* Headers that stand between two machines rather than between the two ends. */
static const char *const unsigned_headers[] = {"accept-encoding", "authorization", "cache-control",
	"connection", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
	"user-agent", "x-amzn-trace-id"};

static bool is_signed(struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(unsigned_headers); i++)
		if (str_equal_ignoring_case(name, str_from(unsigned_headers[i])))
			return false;
	return true;
}

static int compare_names(const void *left, const void *right)
{
	const struct str *a = left, *b = right;
	size_t shorter = a->n < b->n ? a->n : b->n;
	int order = memcmp(a->p, b->p, shorter);

	return order ? order : (a->n > b->n) - (a->n < b->n);
}

/* "content-type;host;x-amz-date" */
static void add_signed_headers(
	struct buf *buf, const struct aws_header *headers, size_t header_count)
{
	_cleanup_buf_ struct buf lower = {0};
	_cleanup_free_ struct str *names = mem_new(header_count, sizeof(*names));
	size_t room = 1, count = 0;

	for (size_t i = 0; i < header_count; i++)
		room += headers[i].name.n;
	buf_reserve(&lower, room);
	for (size_t i = 0; i < header_count; i++) {
		if (!is_signed(headers[i].name))
			continue;
		names[count++] = (struct str){lower.p + lower.n, headers[i].name.n};
		sigv4_add_lower(&lower, headers[i].name);
	}
	qsort(names, count, sizeof(*names), compare_names);
	for (size_t i = 0; i < count; i++) {
		if (i && str_equal(names[i], names[i - 1]))
			continue;
		if (i)
			buf_add_char(buf, ';');
		buf_add_str(buf, names[i]);
	}
}

static struct str payload_text(const struct aws_sign_options *options)
{
	if (options->payload != AWS_PAYLOAD_HASH)
		return str_from(sigv4_payload_text(options->payload));
	return options->payload_hash.n ? options->payload_hash : STR(AWS_SHA256_EMPTY);
}

struct signing {
	char date[AWS_TIME_STR_MAX];
	struct buf scope, signed_headers;
	uint8_t key[32];
	char signature[64];
};

static void signing_done(struct signing *signing)
{
	buf_done(&signing->scope);
	buf_done(&signing->signed_headers);
	OPENSSL_cleanse(signing->key, sizeof(signing->key));
}

static void signing_init(struct signing *signing, const struct aws_sign_options *options,
	const struct aws_header *headers, size_t header_count)
{
	*signing = (struct signing){0};
	aws_time_write_basic(signing->date, options->now_ms);
	struct str day = {signing->date, 8};
	sigv4_add_scope(&signing->scope, day, options->region, options->service);
	add_signed_headers(&signing->signed_headers, headers, header_count);
	aws_signing_keys_get(options->keys, options->credentials.secret_access_key, day,
		options->region, options->service, signing->key);
}

static void make_signature(struct signing *signing, const struct aws_sign_options *options,
	const struct aws_request *request, struct str payload_hash)
{
	_cleanup_buf_ struct buf canonical = {0}, text = {0};
	const struct sigv4_what what = {.signed_headers = buf_str(&signing->signed_headers),
		.payload_hash = payload_hash,
		.is_s3 = sigv4_is_s3(options->service)};

	bool written = sigv4_canonical_request(request, &what, &canonical);
	assert(written);
	sigv4_string_to_sign(options->now_ms, buf_str(&signing->scope), buf_str(&canonical), &text);
	sigv4_sign(signing->key, buf_str(&text), signing->signature);
}

static void fill_chunk_signer(const struct signing *signing, struct aws_chunk_signer *signer)
{
	assert(signing->scope.n <= sizeof(signer->scope));
	memcpy(signer->key, signing->key, sizeof(signer->key));
	memcpy(signer->date, signing->date, sizeof(signer->date));
	memcpy(signer->scope, signing->scope.p, signing->scope.n);
	signer->scope_length = signing->scope.n;
	memcpy(signer->previous, signing->signature, sizeof(signer->previous));
}

static void add_authorization(
	struct buf *buf, const struct aws_sign_options *options, const struct signing *signing)
{
	buf_printf(buf,
		"AWS4-HMAC-SHA256 Credential=%.*s/%.*s, SignedHeaders=%.*s, Signature=%.64s",
		STR_ARG(options->credentials.access_key_id), (int)signing->scope.n,
		signing->scope.p, (int)signing->signed_headers.n, signing->signed_headers.p,
		signing->signature);
}

void aws_sign(const struct aws_request *request, const struct aws_sign_options *options,
	struct aws_signed *ret_signed)
{
	_cleanup_(signing_done) struct signing signing = {0};
	size_t n = request->header_count;
	_cleanup_free_ struct aws_header *headers =
		mem_new(n + AWS_SIGNED_HEADERS_ADDED, sizeof(*headers));
	struct aws_signed result = {0};
	char date[AWS_TIME_STR_MAX];

	if (n)
		memcpy(headers, request->headers, n * sizeof(*headers));
	aws_time_write_basic(date, options->now_ms);
	headers[n++] = (struct aws_header){STR("X-Amz-Date"), {date, 16}};
	if (options->credentials.session_token.n)
		headers[n++] = (struct aws_header){
			STR("X-Amz-Security-Token"), options->credentials.session_token};
	if (sigv4_is_s3(options->service))
		headers[n++] =
			(struct aws_header){STR("X-Amz-Content-Sha256"), payload_text(options)};
	struct aws_request whole = *request;
	whole.headers = headers;
	whole.header_count = n;
	signing_init(&signing, options, headers, n);
	make_signature(&signing, options, &whole, payload_text(options));
	fill_chunk_signer(&signing, &result.chunk_signer);

	/* The text moves while it grows: offsets first, pointers afterwards. */
	size_t ends[AWS_SIGNED_HEADERS_ADDED], count = 0;
	for (size_t i = request->header_count; i < n; i++) {
		buf_add_str(&result.text, headers[i].value);
		ends[count] = result.text.n;
		result.headers[count++].name = headers[i].name;
	}
	add_authorization(&result.text, options, &signing);
	ends[count] = result.text.n;
	result.headers[count++].name = STR("Authorization");
	for (size_t i = 0, start = 0; i < count; start = ends[i++])
		result.headers[i].value = (struct str){result.text.p + start, ends[i] - start};
	result.header_count = count;
	*ret_signed = result;
}

void aws_signed_done(struct aws_signed *sign)
{
	aws_chunk_signer_done(&sign->chunk_signer);
	buf_done(&sign->text);
	*sign = (struct aws_signed){0};
}

static void add_parameter(struct buf *query, const char *name, struct str value)
{
	if (query->n)
		buf_add_char(query, '&');
	buf_add_text(query, name);
	buf_add_char(query, '=');
	aws_uri_encode(query, value, AWS_URI_ENCODE_SLASH);
}

void aws_presign(const struct aws_request *request, const struct aws_sign_options *options,
	unsigned expires_seconds, struct buf *query)
{
	_cleanup_(signing_done) struct signing signing = {0};
	_cleanup_buf_ struct buf made = {0}, credential = {0};
	char expires[NUMBER_U64_STR_MAX];
	bool is_s3 = sigv4_is_s3(options->service);

	signing_init(&signing, options, request->headers, request->header_count);
	buf_add_str(&credential, options->credentials.access_key_id);
	buf_add_char(&credential, '/');
	buf_add_str(&credential, buf_str(&signing.scope));
	buf_add_str(&made, request->query);
	add_parameter(&made, "X-Amz-Algorithm", STR("AWS4-HMAC-SHA256"));
	add_parameter(&made, "X-Amz-Credential", buf_str(&credential));
	add_parameter(&made, "X-Amz-Date", (struct str){signing.date, 16});
	add_parameter(&made, "X-Amz-Expires",
		(struct str){expires, (size_t)(number_write(expires, expires_seconds) - expires)});
	if (options->credentials.session_token.n)
		add_parameter(&made, "X-Amz-Security-Token", options->credentials.session_token);
	add_parameter(&made, "X-Amz-SignedHeaders", buf_str(&signing.signed_headers));
	struct aws_request whole = *request;
	whole.query = buf_str(&made);
	make_signature(
		&signing, options, &whole, is_s3 ? STR("UNSIGNED-PAYLOAD") : payload_text(options));
	buf_add_str(query, buf_str(&made));
	buf_add_text(query, "&X-Amz-Signature=");
	buf_add(query, signing.signature, sizeof(signing.signature));
}
