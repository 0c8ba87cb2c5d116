/* What a request claims about who signed it. */
#include "aws/signature.h"

#include "aws/sigv4_priv.h"
#include "aws/time.h"
#include "aws/uri.h"
#include "base/number.h"

#include <stdio.h>

#define V4 "AWS4-HMAC-SHA256"

#define DEFAULT_EXPIRES_SECONDS 900 /* of services other than S3, which insist on X-Amz-Expires */

void aws_signature_done(struct aws_signature *signature)
{
	buf_done(&signature->decoded);
	*signature = (struct aws_signature){0};
}

bool aws_signature_is_s3(const struct aws_signature *signature)
{
	return sigv4_is_s3(signature->service);
}

/* The part behind the last '/'; *rest keeps what is before it. */
static bool take_last(struct str *rest, struct str *ret_part)
{
	for (size_t i = rest->n; i-- > 0;) {
		if (rest->p[i] == '/') {
			*ret_part = (struct str){rest->p + i + 1, rest->n - i - 1};
			rest->n = i;
			return true;
		}
	}
	return false;
}

static bool is_date(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
	return text.n == 8;
}

/* ACCESS_KEY_ID/20130524/us-east-1/s3/aws4_request */
static bool parse_credential(struct str text, struct aws_signature *signature)
{
	struct str terminator;

	if (!take_last(&text, &terminator) || !take_last(&text, &signature->service) ||
		!take_last(&text, &signature->region) || !take_last(&text, &signature->date))
		return false;
	signature->access_key_id = text;
	return text.n && signature->service.n && signature->region.n && is_date(signature->date) &&
	       str_equal(terminator, STR("aws4_request")) &&
	       signature->region.n + signature->service.n + 32 < AWS_SCOPE_MAX;
}

static bool is_hash(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!((text.p[i] >= '0' && text.p[i] <= '9') ||
			    ((text.p[i] | 0x20) >= 'a' && (text.p[i] | 0x20) <= 'f')))
			return false;
	return text.n == 64;
}

static int parse_payload(struct aws_signature *signature, struct aws_refusal *refusal)
{
	struct str hash = signature->payload_hash;

	for (enum aws_payload payload = AWS_PAYLOAD_UNSIGNED; payload < SIGV4_PAYLOADS; payload++) {
		if (str_equal(hash, str_from(sigv4_payload_text(payload)))) {
			signature->payload = payload;
			return 0;
		}
	}
	signature->payload = AWS_PAYLOAD_HASH;
	if (is_hash(hash))
		return 0;
	int result = aws_refuse(refusal, AWS_AUTH_SHA256_INVALID, NULL);
	if (refusal)
		refusal->details = 2;
	if (refusal) {
		refusal->detail[0].name = "ArgumentName";
		snprintf(refusal->detail[0].value, sizeof(refusal->detail[0].value),
			"x-amz-content-sha256");
		refusal->detail[1].name = "ArgumentValue";
		snprintf(refusal->detail[1].value, sizeof(refusal->detail[1].value), "%.*s",
			(int)(hash.n < 200 ? hash.n : 200), hash.p);
	}
	return result;
}

/* Between 1970 and 9999, as AWS has it. */
static bool set_date(struct aws_signature *signature, struct str text, bool parsed)
{
	signature->request_date = text;
	return parsed && signature->date_ms >= 0;
}

static int parse_header_date(const struct aws_request *request, struct aws_signature *signature,
	struct aws_refusal *refusal)
{
	struct str text = STR("");
	bool parsed;

	if (aws_request_header(request, STR("x-amz-date"), &text))
		parsed = signature->kind == AWS_SIGNATURE_V4_HEADER
				 ? aws_time_parse_basic(text, &signature->date_ms)
				 : aws_time_parse(text, &signature->date_ms);
	else
		parsed = aws_request_header(request, STR("date"), &text) &&
			 (aws_time_parse_http(text, &signature->date_ms) ||
				 aws_time_parse_basic(text, &signature->date_ms));
	if (!set_date(signature, text, parsed))
		return aws_refuse(
			refusal, AWS_AUTH_DATE, "%.*s", (int)(text.n < 64 ? text.n : 64), text.p);
	return 0;
}

/* The scope's first part is the day of the request, in UTC. */
static int check_scope_date(const struct aws_signature *signature, struct aws_refusal *refusal)
{
	char text[AWS_TIME_STR_MAX];

	aws_time_write_basic(text, signature->date_ms);
	if (str_equal(signature->date, (struct str){text, 8}))
		return 0;
	return aws_refuse(refusal, AWS_AUTH_SCOPE_DATE, "'%.*s' != '%.8s', from '%.16s'",
		STR_ARG(signature->date), text, text);
}

/* " Credential=..., SignedHeaders=..., Signature=..." in any order. */
static int parse_v4_header(const struct aws_request *request, struct str rest,
	struct aws_signature *signature, struct aws_refusal *refusal)
{
	struct str part, name, credential = STR("");

	signature->kind = AWS_SIGNATURE_V4_HEADER;
	while (str_split(&rest, ',', &part)) {
		part = str_trim(part);
		str_split(&part, '=', &name);
		struct str value = part.p ? str_trim(part) : STR("");
		if (str_equal(name, STR("Credential")))
			credential = value;
		else if (str_equal(name, STR("SignedHeaders")))
			signature->signed_headers = value;
		else if (str_equal(name, STR("Signature")))
			signature->signature = value;
	}
	bool parsed = parse_credential(credential, signature);
	if (!credential.n || !signature->signed_headers.n || !signature->signature.n)
		return aws_refuse(refusal, AWS_AUTH_HEADER_MALFORMED,
			"Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters%s%s%s.",
			credential.n ? "" : "; 'Credential' is missing",
			signature->signed_headers.n ? "" : "; 'SignedHeaders' is missing",
			signature->signature.n ? "" : "; 'Signature' is missing");
	if (!parsed)
		return aws_refuse(refusal, AWS_AUTH_HEADER_MALFORMED,
			"the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
	aws_request_header(request, STR("x-amz-security-token"), &signature->session_token);
	bool has_hash =
		aws_request_header(request, STR("x-amz-content-sha256"), &signature->payload_hash);
	if (parse_header_date(request, signature, refusal) < 0 ||
		check_scope_date(signature, refusal) < 0)
		return -1;
	if (!aws_signature_is_s3(signature))
		return 0;
	if (!has_hash)
		return aws_refuse(refusal, AWS_AUTH_SHA256_MISSING, NULL);
	signature->signed_payload = signature->payload_hash;
	return parse_payload(signature, refusal);
}

/* "AWS ACCESS_KEY_ID:SIGNATURE" */
static int parse_v2_header(const struct aws_request *request, struct str rest,
	struct aws_signature *signature, struct aws_refusal *refusal)
{
	signature->kind = AWS_SIGNATURE_V2_HEADER;
	signature->payload = AWS_PAYLOAD_UNSIGNED;
	signature->service = STR("s3");
	rest = str_trim(rest);
	if (!str_split(&rest, ':', &signature->access_key_id) || !rest.n ||
		!signature->access_key_id.n)
		return aws_refuse(refusal, AWS_AUTH_V2_MALFORMED, NULL);
	signature->signature = rest;
	aws_request_header(request, STR("x-amz-security-token"), &signature->session_token);
	return parse_header_date(request, signature, refusal);
}

/* A decoded parameter in *ret_value, kept in signature->decoded, which has room for all of them. */
static bool parameter(const struct aws_request *request, struct aws_signature *signature,
	struct str name, struct str *ret_value)
{
	size_t start = signature->decoded.n;
	struct str raw;

	*ret_value = STR("");
	if (!aws_request_parameter(request, name, &raw) ||
		!aws_uri_decode(&signature->decoded, raw, AWS_URI_PLUS_IS_PLUS))
		return false;
	*ret_value = (struct str){signature->decoded.p + start, signature->decoded.n - start};
	return true;
}

static int parse_expires(
	struct str text, struct aws_signature *signature, struct aws_refusal *refusal)
{
	uint64_t seconds;

	if (text.n && text.p[0] == '-')
		return aws_refuse(
			refusal, AWS_AUTH_QUERY_MALFORMED, "X-Amz-Expires must be non-negative");
	if (!number_parse(text, UINT64_MAX, &seconds))
		return aws_refuse(
			refusal, AWS_AUTH_QUERY_MALFORMED, "X-Amz-Expires should be a number");
	if (seconds > AWS_PRESIGNED_SECONDS_MAX)
		return aws_refuse(refusal, AWS_AUTH_QUERY_MALFORMED,
			"X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than %d seconds",
			AWS_PRESIGNED_SECONDS_MAX);
	signature->expires_ms = signature->date_ms + (int64_t)seconds * 1000;
	return 0;
}

/* The signature is over UNSIGNED-PAYLOAD, or over what a parameter or a signed header says. A
 * header that is not signed tells how the body is coded, but there is no signature for chunks to
 * follow. */
static int parse_presigned_payload(const struct aws_request *request,
	struct aws_signature *signature, struct aws_refusal *refusal)
{
	const struct str header = STR("x-amz-content-sha256");
	bool is_bound = parameter(
		request, signature, STR("X-Amz-Content-Sha256"), &signature->payload_hash);

	if (!is_bound) {
		if (!aws_request_header(request, header, &signature->payload_hash))
			return 0;
		is_bound = sigv4_lists(signature->signed_headers, header);
	}
	if (is_bound)
		signature->signed_payload = signature->payload_hash;
	if (parse_payload(signature, refusal) < 0)
		return -1;
	if (signature->payload == AWS_PAYLOAD_SIGNED_CHUNKS ||
		signature->payload == AWS_PAYLOAD_SIGNED_CHUNKS_TRAILER)
		return aws_refuse(refusal, AWS_AUTH_SHA256_INVALID, NULL);
	return 0;
}

static int parse_v4_query(const struct aws_request *request, struct aws_signature *signature,
	struct aws_refusal *refusal)
{
	struct str algorithm, credential, date, expires;

	signature->kind = AWS_SIGNATURE_V4_QUERY;
	/* Each value is decoded at most once, and no longer than it was. */
	buf_reserve(&signature->decoded, 8 * request->query.n + 1);
	parameter(request, signature, STR("X-Amz-Credential"), &credential);
	bool parsed = parse_credential(credential, signature);
	bool has_all =
		parameter(request, signature, STR("X-Amz-Algorithm"), &algorithm) &&
		parameter(request, signature, STR("X-Amz-Date"), &date) &&
		parameter(request, signature, STR("X-Amz-SignedHeaders"),
			&signature->signed_headers) &&
		parameter(request, signature, STR("X-Amz-Signature"), &signature->signature) &&
		credential.n;
	bool has_expires = parameter(request, signature, STR("X-Amz-Expires"), &expires);
	if (!has_all || (!has_expires && (!parsed || aws_signature_is_s3(signature))))
		return aws_refuse(refusal, AWS_AUTH_QUERY_INCOMPLETE, NULL);
	if (!str_equal(algorithm, STR(V4)))
		return aws_refuse(refusal, AWS_AUTH_QUERY_MALFORMED,
			"X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"");
	if (!parsed)
		return aws_refuse(refusal, AWS_AUTH_QUERY_MALFORMED,
			"Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
	if (!set_date(signature, date, aws_time_parse_basic(date, &signature->date_ms)))
		return aws_refuse(refusal, AWS_AUTH_QUERY_MALFORMED,
			"X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
	if (!has_expires)
		signature->expires_ms = signature->date_ms + DEFAULT_EXPIRES_SECONDS * 1000;
	else if (parse_expires(expires, signature, refusal) < 0)
		return -1;
	if (check_scope_date(signature, refusal) < 0)
		return aws_refuse(refusal, AWS_AUTH_QUERY_MALFORMED,
			"Error parsing the X-Amz-Credential parameter; incorrect date \"%.*s\". This date is not the same as X-Amz-Date: \"%.*s\".",
			STR_ARG(signature->date), 8, date.p);
	parameter(request, signature, STR("X-Amz-Security-Token"), &signature->session_token);
	signature->payload = AWS_PAYLOAD_UNSIGNED;
	signature->signed_payload = STR("UNSIGNED-PAYLOAD");
	if (!aws_signature_is_s3(signature))
		return 0;
	return parse_presigned_payload(request, signature, refusal);
}

static int parse_v2_query(const struct aws_request *request, struct aws_signature *signature,
	struct aws_refusal *refusal)
{
	struct str expires;
	uint64_t seconds;

	signature->kind = AWS_SIGNATURE_V2_QUERY;
	signature->payload = AWS_PAYLOAD_UNSIGNED;
	signature->service = STR("s3");
	buf_reserve(&signature->decoded, 4 * request->query.n + 1);
	if (!parameter(request, signature, STR("AWSAccessKeyId"), &signature->access_key_id) ||
		!parameter(request, signature, STR("Signature"), &signature->signature) ||
		!parameter(request, signature, STR("Expires"), &expires))
		return aws_refuse(refusal, AWS_AUTH_V2_QUERY_INCOMPLETE, NULL);
	if (!number_parse(expires, UINT32_MAX * UINT64_C(16), &seconds))
		return aws_refuse(refusal, AWS_AUTH_V2_EXPIRES, "%.*s",
			(int)(expires.n < 64 ? expires.n : 64), expires.p);
	signature->request_date = expires;
	signature->expires_ms = (int64_t)seconds * 1000;
	if (!parameter(request, signature, STR("x-amz-security-token"), &signature->session_token))
		aws_request_header(request, STR("x-amz-security-token"), &signature->session_token);
	return 0;
}

/* The word in front of the first space; *rest is what is behind it. */
static struct str take_word(struct str *rest)
{
	struct str word;

	str_split(rest, ' ', &word);
	if (!rest->p)
		*rest = STR("");
	return word;
}

int aws_signature_parse(const struct aws_request *request, struct aws_signature *ret_signature,
	struct aws_refusal *refusal)
{
	struct str header = STR(""), unused;
	bool has_header = aws_request_header(request, STR("authorization"), &header);
	bool has_v4 = aws_request_parameter(request, STR("X-Amz-Algorithm"), &unused) ||
		      aws_request_parameter(request, STR("X-Amz-Signature"), &unused);
	bool has_v2 = aws_request_parameter(request, STR("AWSAccessKeyId"), &unused) &&
		      aws_request_parameter(request, STR("Signature"), &unused);

	*ret_signature = (struct aws_signature){.access_key_id = STR(""),
		.session_token = STR(""),
		.date = STR(""),
		.region = STR(""),
		.service = STR(""),
		.signed_headers = STR(""),
		.signature = STR(""),
		.payload_hash = STR(""),
		.request_date = STR("")};
	if (has_header && header.n && (has_v4 || has_v2))
		return aws_refuse(refusal, AWS_AUTH_TWO_MECHANISMS, NULL);
	if (has_v4)
		return parse_v4_query(request, ret_signature, refusal);
	if (has_v2)
		return parse_v2_query(request, ret_signature, refusal);
	if (!has_header || !header.n)
		return 0;
	struct str scheme = take_word(&header);
	int shown = (int)(scheme.n < 64 ? scheme.n : 64);
	if (str_equal(scheme, STR(V4)))
		return parse_v4_header(request, header, ret_signature, refusal);
	if (str_equal(scheme, STR("AWS")))
		return parse_v2_header(request, header, ret_signature, refusal);
	if (str_starts_with(scheme, STR("AWS")))
		return aws_refuse(refusal, AWS_AUTH_MECHANISM, "%.*s", shown, scheme.p);
	return aws_refuse(refusal, AWS_AUTH_TYPE, "%.*s", shown, scheme.p);
}

int aws_post_form_parse(const struct aws_post_form *form, struct aws_signature *ret_signature,
	struct aws_refusal *refusal)
{
	*ret_signature = (struct aws_signature){.access_key_id = STR(""),
		.session_token = form->session_token,
		.date = STR(""),
		.region = STR(""),
		.service = STR("s3"),
		.signed_headers = STR(""),
		.signature = form->signature,
		.payload_hash = STR(""),
		.request_date = STR(""),
		.payload = AWS_PAYLOAD_UNSIGNED};
	if (form->algorithm.n || form->credential.n) {
		ret_signature->kind = AWS_SIGNATURE_V4_QUERY;
		if (!str_equal(form->algorithm, STR(V4)))
			return aws_refuse(refusal, AWS_AUTH_MECHANISM, "%.*s",
				(int)(form->algorithm.n < 64 ? form->algorithm.n : 64),
				form->algorithm.p);
		if (!parse_credential(form->credential, ret_signature))
			return aws_refuse(refusal, AWS_AUTH_QUERY_MALFORMED,
				"Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
		if (!set_date(ret_signature, form->date,
			    aws_time_parse_basic(form->date, &ret_signature->date_ms)))
			return aws_refuse(refusal, AWS_AUTH_DATE, NULL);
		return check_scope_date(ret_signature, refusal);
	}
	if (!form->access_key_id.n && !form->signature.n)
		return 0;
	ret_signature->kind = AWS_SIGNATURE_V2_QUERY;
	ret_signature->access_key_id = form->access_key_id;
	return form->access_key_id.n && form->signature.n
		       ? 0
		       : aws_refuse(refusal, AWS_AUTH_V2_QUERY_INCOMPLETE, NULL);
}
