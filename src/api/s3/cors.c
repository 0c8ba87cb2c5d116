/* Cross-origin rules (S3 user guide, "Using CORS"): the first rule that fits origin and method. */
#include "api/s3/s3_priv.h"

#include "base/number.h"

#define RULES_MAX 100

struct s3_cors {
	struct aws_xml *document;
};

static const char *const methods[] = {"GET", "PUT", "POST", "DELETE", "HEAD"};

/* At most one '*'. */
static bool has_one_star(struct str text)
{
	const char *star = text.n ? memchr(text.p, '*', text.n) : NULL;

	return !star || !memchr(star + 1, '*', (size_t)(text.p + text.n - star - 1));
}

static int check_rule(const struct aws_xml_node *rule, struct aws_error *error)
{
	const struct aws_xml_node *one = aws_xml_child(rule, STR("AllowedMethod"));
	uint64_t age;

	if (!one || !aws_xml_child(rule, STR("AllowedOrigin")))
		return aws_error_default(error, AWS_ERROR_MALFORMED_XML);
	for (; one; one = aws_xml_next(one)) {
		bool is_known = false;

		for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
			is_known |= str_equal(one->text, str_from(methods[i]));
		if (!is_known)
			return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
				"Found unsupported HTTP method in CORS config. Unsupported method is %.*s",
				STR_ARG(one->text));
	}
	for (one = aws_xml_child(rule, STR("AllowedOrigin")); one; one = aws_xml_next(one))
		if (!has_one_star(one->text))
			return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
				"AllowedOrigin \"%.*s\" can not have more than one wildcard.",
				STR_ARG(one->text));
	for (one = aws_xml_child(rule, STR("AllowedHeader")); one; one = aws_xml_next(one))
		if (!has_one_star(one->text))
			return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
				"AllowedHeader \"%.*s\" can not have more than one wildcard.",
				STR_ARG(one->text));
	struct str text = aws_xml_text(rule, STR("MaxAgeSeconds"));
	if (text.p && !number_parse(text, INT32_MAX, &age))
		return aws_error_default(error, AWS_ERROR_MALFORMED_XML);
	return 0;
}

int s3_cors_parse(struct s3_cors **ret_cors, struct str xml, struct aws_error *error)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;
	size_t n = 0;

	if (s3_xml_parse(&document, xml, "CORSConfiguration", error) < 0)
		return -1;
	const struct aws_xml_node *rule = aws_xml_child(aws_xml_root(document), STR("CORSRule"));
	if (!rule)
		return aws_error_default(error, AWS_ERROR_MALFORMED_XML);
	for (; rule; rule = aws_xml_next(rule))
		if (++n > RULES_MAX)
			return aws_error_default(error, AWS_ERROR_MALFORMED_XML);
		else if (check_rule(rule, error) < 0)
			return -1;
	struct s3_cors *cors = mem_new(1, sizeof(*cors));
	cors->document = take(document);
	*ret_cors = cors;
	return 0;
}

void s3_cors_free(struct s3_cors *cors)
{
	if (!cors)
		return;
	aws_xml_free(cors->document);
	free(cors);
}

static bool fits(const struct aws_xml_node *rule, struct str name, struct str value,
	bool ignore_case, struct str *ret_pattern)
{
	const struct aws_xml_node *one = aws_xml_child(rule, name);

	for (; one; one = aws_xml_next(one)) {
		struct str pattern = one->text;
		const char *star = pattern.n ? memchr(pattern.p, '*', pattern.n) : NULL;
		bool fit;

		if (star) {
			struct str head = {pattern.p, (size_t)(star - pattern.p)};
			struct str tail = {star + 1, pattern.n - head.n - 1};
			fit = value.n >= head.n + tail.n &&
			      (ignore_case ? str_equal_ignoring_case(
						     (struct str){value.p, head.n}, head) &&
						      str_equal_ignoring_case(
							      (struct str){
								      value.p + value.n - tail.n,
								      tail.n},
							      tail)
					   : str_starts_with(value, head) &&
						      str_ends_with(value, tail));
		} else {
			fit = ignore_case ? str_equal_ignoring_case(pattern, value)
					  : str_equal(pattern, value);
		}
		if (fit) {
			if (ret_pattern)
				*ret_pattern = pattern;
			return true;
		}
	}
	return false;
}

static bool fits_headers(const struct aws_xml_node *rule, struct str list)
{
	struct str one;

	while (list.p && str_split(&list, ',', &one)) {
		one = str_trim(one);
		if (one.n && !fits(rule, STR("AllowedHeader"), one, true, NULL))
			return false;
	}
	return true;
}

static struct str join(struct s3_call *call, const struct aws_xml_node *rule, struct str name)
{
	_cleanup_buf_ struct buf list = {0};
	const struct aws_xml_node *one = aws_xml_child(rule, name);

	for (; one; one = aws_xml_next(one)) {
		if (list.n)
			buf_add_text(&list, ", ");
		buf_add_str(&list, one->text);
	}
	return s3_keep(call, buf_str(&list));
}

/* False: no rule fits. */
static bool answer_rule(
	struct s3_call *call, struct str origin, struct str method, struct str headers)
{
	struct api_exchange *exchange = call->exchange;
	const struct aws_xml_node *rule;
	struct str pattern = STR("");

	if (!call->info || !call->info->cors)
		return false;
	rule = aws_xml_child(aws_xml_root(call->info->cors->document), STR("CORSRule"));
	while (rule && (!fits(rule, STR("AllowedOrigin"), origin, false, &pattern) ||
			       !fits(rule, STR("AllowedMethod"), method, false, NULL) ||
			       !fits_headers(rule, headers)))
		rule = aws_xml_next(rule);
	if (!rule)
		return false;
	bool is_any = str_equal(pattern, STR("*"));
	api_answer_header(exchange, "Access-Control-Allow-Origin", is_any ? STR("*") : origin);
	api_answer_header(
		exchange, "Access-Control-Allow-Methods", join(call, rule, STR("AllowedMethod")));
	if (headers.n)
		api_answer_header(exchange, "Access-Control-Allow-Headers", headers);
	struct str exposed = join(call, rule, STR("ExposeHeader"));
	if (exposed.n)
		api_answer_header(exchange, "Access-Control-Expose-Headers", exposed);
	struct str age = aws_xml_text(rule, STR("MaxAgeSeconds"));
	if (age.n)
		api_answer_header(exchange, "Access-Control-Max-Age", age);
	if (!is_any)
		api_answer_header(exchange, "Access-Control-Allow-Credentials", STR("true"));
	api_answer_header(exchange, "Vary",
		STR("Origin, Access-Control-Request-Headers, Access-Control-Request-Method"));
	return true;
}

void s3_cors_answer(struct s3_call *call)
{
	struct str origin = s3_header(call, "origin");

	struct str method = s3_header(call, "access-control-request-method");

	if (origin.n)
		answer_rule(
			call, origin, method.n ? method : call->exchange->request.method, STR_NONE);
}

int s3_cors_preflight(struct s3_call *call, struct aws_error *error)
{
	struct str origin = s3_header(call, "origin");
	struct str method = s3_header(call, "access-control-request-method");
	struct str headers = s3_header(call, "access-control-request-headers");
	bool is_known = false;

	if (!origin.n)
		return aws_error_set(error, AWS_ERROR_BAD_REQUEST,
			"Insufficient information. Origin request header needed.");
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		is_known |= str_equal(method, str_from(methods[i]));
	if (!is_known)
		return aws_error_set(error, AWS_ERROR_BAD_REQUEST,
			"Invalid Access-Control-Request-Method: %.*s", STR_ARG(method));
	if (!call->bucket.n)
		return aws_error_default(error, AWS_ERROR_ACCESS_FORBIDDEN);
	if (s3_bucket_get(call->s3, call->bucket, &call->info, error, s3_err(call)) < 0)
		return -1;
	if (!call->info->cors)
		return aws_error_set(error, AWS_ERROR_ACCESS_FORBIDDEN,
			"CORSResponse: CORS is not enabled for this bucket.");
	if (!answer_rule(call, origin, method, headers))
		return aws_error_default(error, AWS_ERROR_ACCESS_FORBIDDEN);
	return s3_answer_empty(call, 200);
}
