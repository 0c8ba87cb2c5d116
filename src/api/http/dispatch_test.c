/* Expected: how AWS's clients address each service (botocore's models: endpointPrefix, signingName,
 * targetPrefix, apiVersion), on one port. */
#include "api/http/http_priv.h"
#include "api/protocol/shape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct shape_service logs_shape = {
	.name = "Logs_20140328", .version = "2014-03-28", .protocols = 1u << SHAPE_AWS_JSON_1_1};
static const struct shape_service metrics_shape = {.name = "GraniteServiceVersion20100801",
	.version = "2010-08-01",
	.protocols = 1u << SHAPE_AWS_QUERY | 1u << SHAPE_AWS_JSON_1_0 | 1u << SHAPE_RPC_V2_CBOR};
static const char *const metrics_names[] = {"monitoring", NULL};
static const char *const s3_names[] = {"s3", "s3express", NULL};

static const struct api_service s3 = {
	.name = "s3", .signing_names = s3_names, .style = AWS_STYLE_S3};
static const struct api_service logs = {
	.name = "logs", .style = AWS_STYLE_JSON, .shape = &logs_shape};
static const struct api_service metrics = {.name = "cloudwatch",
	.signing_names = metrics_names,
	.style = AWS_STYLE_QUERY,
	.shape = &metrics_shape};
static const struct api_service sts = {.name = "sts", .style = AWS_STYLE_QUERY};
static const struct api_service *const services[] = {&s3, &logs, &metrics, &sts, NULL};

#define FORM "application/x-www-form-urlencoded; charset=utf-8"

static void finds(struct dispatch_input input, enum dispatch_result expected,
	const struct api_service *service, enum aws_error_style style)
{
	const struct api_service *found = NULL;

	if (!input.method.p)
		input.method = STR("POST");
	if (!input.path.p)
		input.path = STR("/");
	assert_int_equal(dispatch_find(services, &input, &found), expected);
	if (expected == DISPATCH_FORM)
		return;
	if (service)
		assert_ptr_equal(found, service);
	assert_int_equal(found->style, style);
}

static void by_scope(void **state)
{
	finds((struct dispatch_input){.scope = STR("s3")}, DISPATCH_FOUND, &s3, AWS_STYLE_S3);
	finds((struct dispatch_input){.scope = STR("s3express")}, DISPATCH_FOUND, &s3,
		AWS_STYLE_S3);
	finds((struct dispatch_input){.scope = STR("monitoring")}, DISPATCH_FOUND, &metrics,
		AWS_STYLE_QUERY);
	/* the scope is signed: it wins over everything else */
	finds((struct dispatch_input){.scope = STR("sts"), .target = STR("Logs_20140328.X")},
		DISPATCH_FOUND, &sts, AWS_STYLE_QUERY);
	finds((struct dispatch_input){.scope = STR("ec2")}, DISPATCH_UNKNOWN, NULL, AWS_STYLE_EC2);
	finds((struct dispatch_input){.scope = STR("iam")}, DISPATCH_UNKNOWN, NULL,
		AWS_STYLE_QUERY);
	finds((struct dispatch_input){.scope = STR("guardduty")}, DISPATCH_UNKNOWN, NULL,
		AWS_STYLE_JSON);
	finds((struct dispatch_input){.scope = STR("dynamodb")}, DISPATCH_UNKNOWN, NULL,
		AWS_STYLE_JSON);
}

static void by_target(void **state)
{
	finds((struct dispatch_input){.target = STR("Logs_20140328.PutLogEvents")}, DISPATCH_FOUND,
		&logs, AWS_STYLE_JSON);
	finds((struct dispatch_input){.target = STR("GraniteServiceVersion20100801.PutMetricData")},
		DISPATCH_FOUND, &metrics, AWS_STYLE_QUERY);
	finds((struct dispatch_input){.target = STR("AmazonAthena.StartQueryExecution")},
		DISPATCH_UNKNOWN, NULL, AWS_STYLE_JSON);
	finds((struct dispatch_input){.target = STR("Nothing")}, DISPATCH_UNKNOWN, NULL,
		AWS_STYLE_JSON);
}

static void by_path(void **state)
{
	finds((struct dispatch_input){.path = STR("/service/GraniteServiceVersion20100801/"
						  "operation/PutMetricData")},
		DISPATCH_FOUND, &metrics, AWS_STYLE_QUERY);
	/* a bucket may be called "service" */
	finds((struct dispatch_input){.path = STR("/service/a/operation/b"), .method = STR("PUT")},
		DISPATCH_FOUND, &s3, AWS_STYLE_S3);
	finds((struct dispatch_input){.path = STR("/service/a"), .method = STR("GET")},
		DISPATCH_FOUND, &s3, AWS_STYLE_S3);
}

static void by_form(void **state)
{
	finds((struct dispatch_input){.content_type = STR(FORM)}, DISPATCH_FORM, NULL, 0);
	finds((struct dispatch_input){.content_type = STR(FORM),
		      .form = STR("Action=AssumeRoleWithWebIdentity&Version=2011-06-15")},
		DISPATCH_FOUND, &sts, AWS_STYLE_QUERY);
	finds((struct dispatch_input){.content_type = STR(FORM),
		      .form = STR("Version=2010-08-01&Action=PutMetricData")},
		DISPATCH_FOUND, &metrics, AWS_STYLE_QUERY);
	/* logs has no forms, whatever its version is */
	finds((struct dispatch_input){.content_type = STR(FORM), .form = STR("Version=2014-03-28")},
		DISPATCH_FOUND, &s3, AWS_STYLE_S3);
	finds((struct dispatch_input){.content_type = STR(FORM), .form = STR("Version=2016-11-15")},
		DISPATCH_UNKNOWN, NULL, AWS_STYLE_EC2);
	finds((struct dispatch_input){.content_type = STR(FORM), .form = STR("")}, DISPATCH_FOUND,
		&s3, AWS_STYLE_S3);
	finds((struct dispatch_input){.content_type = STR("multipart/form-data; boundary=x")},
		DISPATCH_FOUND, &s3, AWS_STYLE_S3);
	finds((struct dispatch_input){.method = STR("GET"), .content_type = STR(FORM)},
		DISPATCH_FOUND, &s3, AWS_STYLE_S3);
}

static void bucket_is(const char *host, const char *expected)
{
	static const struct str domains[] = {{"localhost", 9}, {"s3.example.com", 14}};
	struct str bucket = dispatch_bucket(domains, 2, str_from(host));

	if (!str_equal(bucket, str_from(expected)))
		fail_msg("%s: '%.*s', not '%s'", host, STR_ARG(bucket), expected);
}

static void buckets(void **state)
{
	bucket_is("my-bucket.localhost:4560", "my-bucket");
	bucket_is("my.bucket.LOCALHOST", "my.bucket");
	bucket_is("b.s3.example.com:443", "b");
	bucket_is("localhost:4560", "");
	bucket_is("s3.example.com", "");
	bucket_is("stream-localhost:4560", "");
	bucket_is("xlocalhost", "");
	bucket_is(".localhost", "");
	bucket_is("127.0.0.1:4560", "");
	bucket_is("[::1]:4560", "");
	bucket_is("", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_scope),
		cmocka_unit_test(by_target),
		cmocka_unit_test(by_path),
		cmocka_unit_test(by_form),
		cmocka_unit_test(buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
