/* What an answer that is not 2xx says, in each protocol's way, and what there is to do about it. */
#include "aws/client_priv.h"

#include "aws/time.h"
#include "aws/xml.h"
#include "base/number.h"

#include <jansson.h>
#include <stdio.h>

static void put(char *room, size_t size, struct str text)
{
	snprintf(
		room, size, "%.*s", (int)(text.n < size ? text.n : size - 1), text.p ? text.p : "");
}

/* "aws.namespace#Code:http://..." is Code. */
static struct str bare_code(struct str code)
{
	const char *hash = code.n ? memchr(code.p, '#', code.n) : NULL;

	if (hash)
		code = (struct str){hash + 1, (size_t)(code.p + code.n - hash - 1)};
	const char *colon = code.n ? memchr(code.p, ':', code.n) : NULL;
	if (colon)
		code.n = (size_t)(colon - code.p);
	return str_trim(code);
}

static struct str body_start(const struct aws_answer *answer)
{
	struct str body = buf_str(&answer->body);

	while (body.n && strchr(" \t\r\n", body.p[0]))
		body = (struct str){body.p + 1, body.n - 1};
	return body;
}

/* S3: <Error>; the query protocols: <ErrorResponse><Error>; EC2: <Response><Errors><Error>. */
static const struct aws_xml_node *xml_error(const struct aws_xml_node *root)
{
	const struct aws_xml_node *inner = aws_xml_child(root, STR("Errors"));

	if (str_equal(root->name, STR("Error")))
		return root;
	return aws_xml_child(inner ? inner : root, STR("Error"));
}

static void read_xml(struct aws_answer *answer, struct str body)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;

	if (aws_xml_parse(&document, body, NULL) < 0)
		return;
	const struct aws_xml_node *root = aws_xml_root(document), *error = xml_error(root);
	if (!error)
		return;
	put(answer->code, sizeof(answer->code), str_trim(aws_xml_text(error, STR("Code"))));
	put(answer->message, sizeof(answer->message), aws_xml_text(error, STR("Message")));
	struct str id = aws_xml_text(root, STR("RequestId"));
	if (!id.n)
		id = aws_xml_text(root, STR("RequestID"));
	if (id.n && !answer->request_id[0])
		put(answer->request_id, sizeof(answer->request_id), str_trim(id));
}

static struct str json_text(const json_t *object, const char *const *names)
{
	for (; *names; names++) {
		const json_t *member = json_object_get(object, *names);
		if (json_is_string(member))
			return (struct str){json_string_value(member), json_string_length(member)};
	}
	return STR_NONE;
}

static void read_json(struct aws_answer *answer, struct str body)
{
	static const char *const codes[] = {"__type", "code", "Code", NULL};
	static const char *const messages[] = {"message", "Message", "errorMessage", NULL};
	json_t *object = json_loadb(body.p, body.n, 0, NULL);

	if (!object)
		return;
	if (!answer->code[0])
		put(answer->code, sizeof(answer->code), bare_code(json_text(object, codes)));
	put(answer->message, sizeof(answer->message), json_text(object, messages));
	json_decref(object);
}

static void read_request_id(struct aws_answer *answer)
{
	struct str id = aws_answer_header(answer, STR("x-amzn-RequestId"));

	if (!id.n)
		id = aws_answer_header(answer, STR("x-amz-request-id"));
	put(answer->request_id, sizeof(answer->request_id), id);
}

void client_answer_read(struct aws_answer *answer)
{
	struct str body = body_start(answer);

	read_request_id(answer);
	/* A kept answer of 200 is looked at only when it is a late error. */
	if (answer->status >= 200 && answer->status < 300 && !str_starts_with(body, STR("<")))
		return;
	if (answer->status < 200 || answer->status >= 300)
		put(answer->code, sizeof(answer->code),
			bare_code(aws_answer_header(answer, STR("x-amzn-errortype"))));
	if (str_starts_with(body, STR("<")) && answer->body.n < 1 << 20)
		read_xml(answer, body);
	else if (str_starts_with(body, STR("{")))
		read_json(answer, body);
}

bool client_answer_is_late_error(const struct aws_call *call, const struct aws_answer *answer)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;
	struct str body = body_start(answer);

	if (answer->status != 200 || strcmp(call->service, "s3") != 0 || call->data ||
		body.n > 64 << 10 || !str_starts_with(body, STR("<")) ||
		(call->method && strcmp(call->method, "GET") == 0))
		return false;
	return aws_xml_parse(&document, body, NULL) == 0 &&
	       str_equal(aws_xml_root(document)->name, STR("Error"));
}

struct str client_answer_region(const struct aws_answer *answer, char room[static AWS_REGION_MAX])
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;
	struct str region = aws_answer_header(answer, STR("x-amz-bucket-region"));

	if (answer->status != 301 && answer->status != 307 && answer->status != 400)
		return STR_NONE;
	if (!region.n && str_starts_with(body_start(answer), STR("<")) &&
		aws_xml_parse(&document, body_start(answer), NULL) == 0)
		region = str_trim(aws_xml_text(aws_xml_root(document), STR("Region")));
	if (!client_is_region(region))
		return STR_NONE;
	put(room, AWS_REGION_MAX, region);
	return str_from(room);
}

static bool is_one_of(const char *code, const char *const *codes)
{
	for (; *codes; codes++)
		if (strcmp(code, *codes) == 0)
			return true;
	return false;
}

bool client_answer_is_throttling(const struct aws_answer *answer)
{
	static const char *const codes[] = {"Throttling", "ThrottlingException",
		"ThrottledException", "RequestThrottledException", "RequestThrottled",
		"TooManyRequestsException", "ProvisionedThroughputExceededException",
		"TransactionInProgressException", "RequestLimitExceeded", "BandwidthLimitExceeded",
		"LimitExceededException", "SlowDown", "PriorRequestNotComplete",
		"EC2ThrottledException", "ServiceUnavailable", "ServiceUnavailableException",
		"XMinioServerNotInitialized", NULL};

	/* 503 and 429: it was turned away, not begun. */
	return answer->status == 429 || answer->status == 503 ||
	       (answer->status >= 400 && is_one_of(answer->code, codes));
}

bool client_answer_is_transient(const struct aws_answer *answer)
{
	static const char *const codes[] = {"RequestTimeout", "RequestTimeoutException",
		"InternalError", "InternalFailure", "OperationAborted", NULL};

	return answer->status == 500 || answer->status == 502 || answer->status == 504 ||
	       (answer->status >= 400 && is_one_of(answer->code, codes));
}

bool client_answer_is_skew(const struct aws_answer *answer)
{
	static const char *const codes[] = {
		"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture", NULL};
	static const char *const perhaps[] = {
		"InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure", NULL};

	if (is_one_of(answer->code, codes))
		return true;
	return is_one_of(answer->code, perhaps) &&
	       (strstr(answer->message, "expired") || strstr(answer->message, "not yet current"));
}

static const char *const expired_codes[] = {"ExpiredToken", "ExpiredTokenException", NULL};

bool client_answer_is_expired(const struct aws_answer *answer)
{
	return is_one_of(answer->code, expired_codes);
}

int64_t client_answer_retry_after(const struct aws_answer *answer, int64_t now_ms)
{
	struct str text = aws_answer_header(answer, STR("x-amz-retry-after"));
	uint64_t number;
	int64_t then;

	if (text.n && number_parse(text, INT32_MAX, &number))
		return (int64_t)number;
	text = aws_answer_header(answer, STR("Retry-After"));
	if (text.n && number_parse(text, INT32_MAX / 1000, &number))
		return (int64_t)number * 1000;
	if (text.n && aws_time_parse_http(text, &then) && then > now_ms)
		return then - now_ms;
	return 0;
}

/* ---- as errors ---- */

void client_call_name(const struct aws_call *call, char room[static 128])
{
	for (size_t i = 0; i < call->header_count; i++) {
		struct str target = call->headers[i].value, last = target;
		if (!str_equal_ignoring_case(call->headers[i].name, STR("X-Amz-Target")))
			continue;
		while (str_split(&target, '.', &last))
			;
		snprintf(room, 128, "%s %.*s", call->service, (int)(last.n < 100 ? last.n : 100),
			last.p);
		return;
	}
	struct str body = call->body;
	if (str_starts_with(body, STR("Action="))) {
		struct str action;
		body = (struct str){body.p + 7, body.n - 7};
		str_split(&body, '&', &action);
		snprintf(room, 128, "%s %.*s", call->service,
			(int)(action.n < 100 ? action.n : 100), action.p);
		return;
	}
	struct str path = call->path;
	snprintf(room, 128, "%s %s %.*s%s%.*s", call->service, call->method ? call->method : "POST",
		(int)(call->bucket.n < 63 ? call->bucket.n : 63),
		call->bucket.p ? call->bucket.p : "",
		path.n && path.p[0] != '/' && call->bucket.n ? "/" : "",
		(int)(path.n < 50 ? path.n : 50), path.p ? path.p : "");
}

static enum err_code err_code_of(int status)
{
	switch (status) {
	case 401:
	case 403:
		return ERR_PERMISSION;
	case 404:
	case 410:
		return ERR_NOT_FOUND;
	case 501:
		return ERR_UNSUPPORTED;
	default:
		return status < 400 || status >= 500 || status == 429 ? ERR_SYSTEM : ERR_USAGE;
	}
}

/* Codes and what to do; %s is the access key. */
static const struct {
	const char *code, *hint;
} hints[] = {
	{"InvalidAccessKeyId", "is the access key %s of another account or endpoint?"},
	{"UnrecognizedClientException", "is the access key %s of another account or endpoint?"},
	{"InvalidClientTokenId", "is the access key %s of another account or endpoint?"},
	{"AuthFailure", "is the access key %s of another account or endpoint?"},
	{"InvalidToken", "the session token does not belong to the access key %s"},
	{"SignatureDoesNotMatch", "the secret access key is not that of %s"},
	{"InvalidSignatureException", "the secret access key is not that of %s"},
	{"ExpiredToken", "the keys of %s have ended: log in again for new ones"},
	{"ExpiredTokenException", "the keys of %s have ended: log in again for new ones"},
	{"RequestTimeTooSkewed", "set this machine's clock (signed by %s)"},
	{"AccessDenied", "the policies of %s must allow it"},
	{"AccessDeniedException", "the policies of %s must allow it"},
	{"UnauthorizedOperation", "the policies of %s must allow it"},
};

static void hint_at(const struct aws_answer *answer, const char *access_key_id, struct err *err)
{
	struct str region = aws_answer_header(answer, STR("x-amz-bucket-region"));

	if (!access_key_id[0] && (answer->status == 401 || answer->status == 403)) {
		err_hint(err, "the call was not signed: without keys only public things are shown");
		return;
	}
	for (size_t i = 0; access_key_id[0] && i < ARRAY_SIZE(hints); i++) {
		const char *hint = hints[i].hint, *key = strstr(hint, "%s");
		if (strcmp(answer->code, hints[i].code) == 0) {
			err_hint(err, "%.*s%s%s", (int)(key - hint), hint, access_key_id, key + 2);
			return;
		}
	}
	if (answer->status == 301 || answer->status == 307) {
		if (region.n)
			err_hint(err, "the bucket is in region %.*s", STR_ARG(region));
		else
			err_hint(err, "the bucket is in another region: set AWS_REGION");
	} else if (answer->status == 403 && access_key_id[0]) {
		err_hint(err, "is %s the right access key, and may it do this?", access_key_id);
	} else if (!answer->code[0] && answer->status >= 400 && answer->status < 500) {
		err_hint(err, "is the endpoint one of AWS's APIs?");
	}
}

int client_answer_error(const struct aws_call *call, const struct aws_answer *answer,
	const char *access_key_id, const char *endpoint, struct err *err)
{
	char name[128];

	client_call_name(call, name);
	if (answer->code[0])
		err_set(err, err_code_of(answer->status), "%s: %s%s%s", name, answer->code,
			answer->message[0] ? ": " : "", answer->message);
	else
		err_set(err, err_code_of(answer->status), "%s: %s answered with status %d", name,
			endpoint, answer->status);
	hint_at(answer, access_key_id, err);
	return -1;
}

int client_failure_error(const struct aws_call *call, const struct aws_http_result *result,
	const struct client_address *address, struct err *err)
{
	char name[128];
	const char *host = address->host.p ? address->host.p : "";
	int n = (int)address->host.n;

	client_call_name(call, name);
	err_set(err, ERR_SYSTEM, "%s: %.*s: %s", name, n, host, result->detail);
	switch (result->failure) {
	case AWS_HTTP_UNRESOLVED:
		err_hint(err,
			address->is_aws
				? "is the region right, and does this machine have a name server?"
				: "is the endpoint's name right?");
		break;
	case AWS_HTTP_UNCONNECTED:
		err_hint(err, "does something listen at %.*s, and may this machine connect to it?",
			n, host);
		break;
	case AWS_HTTP_UNTRUSTED:
		err_hint(err, "if the server is yours, set AWS_CA_BUNDLE to a PEM file with its "
			      "certificate authority");
		break;
	case AWS_HTTP_NO_TLS:
		err_hint(err, "does the endpoint speak https, or should it be http://%.*s?", n,
			host);
		break;
	case AWS_HTTP_BROKEN:
		if (!address->is_https && result->status == 0)
			err_hint(err, "should it be https://%.*s?", n, host);
		break;
	default:
		break;
	}
	return -1;
}
