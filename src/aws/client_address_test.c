/* Hosts and paths as AWS's guides have them (AWS General Reference, "Service endpoints"; S3 user
 * guide, "Virtual hosting of buckets"). */
#include "aws/client_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void addresses(void **state)
{
	static const struct {
		const char *endpoint;
		bool is_path_style;
		const char *service, *region, *bucket, *path, *query, *url;
	} cases[] = {
		{NULL, false, "s3", "eu-west-1", "my-logs", "/a%20b", "x=1",
			"https://my-logs.s3.eu-west-1.amazonaws.com/a%20b?x=1"},
		{NULL, false, "s3", "us-east-1", "my-logs", "", "list-type=2",
			"https://my-logs.s3.us-east-1.amazonaws.com/?list-type=2"},
		{NULL, false, "s3", "us-east-1", "", "", "", "https://s3.us-east-1.amazonaws.com/"},
		/* A certificate for *.s3 covers one label; capital letters are old buckets'. */
		{NULL, false, "s3", "us-east-1", "my.logs", "k", "",
			"https://s3.us-east-1.amazonaws.com/my.logs/k"},
		{NULL, false, "s3", "us-east-1", "MyLogs", "//k", "",
			"https://s3.us-east-1.amazonaws.com/MyLogs//k"},
		{NULL, true, "s3", "us-east-1", "my-logs", "k", "",
			"https://s3.us-east-1.amazonaws.com/my-logs/k"},
		{NULL, false, "s3", "cn-north-1", "my-logs", "k", "",
			"https://my-logs.s3.cn-north-1.amazonaws.com.cn/k"},
		{NULL, false, "s3", "us-gov-west-1", "my-logs", "k", "",
			"https://my-logs.s3.us-gov-west-1.amazonaws.com/k"},
		{NULL, false, "logs", "eu-central-1", "", "", "",
			"https://logs.eu-central-1.amazonaws.com/"},
		{NULL, false, "sts", "eu-central-1", "", "", "",
			"https://sts.eu-central-1.amazonaws.com/"},
		{NULL, false, "iam", "eu-central-1", "", "", "", "https://iam.amazonaws.com/"},
		{"http://127.0.0.1:4560", false, "s3", "us-east-1", "my-logs", "k", "",
			"http://127.0.0.1:4560/my-logs/k"},
		{"https://storage.example:443/below/", false, "s3", "us-east-1", "my-logs", "", "",
			"https://storage.example/below/my-logs"},
		{"http://[::1]:80", false, "logs", "us-east-1", "", "", "", "http://[::1]/"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct aws_client_settings settings = {.is_anonymous = true,
			.endpoint = cases[i].endpoint,
			.is_path_style = cases[i].is_path_style};
		const struct aws_call call = {.service = cases[i].service,
			.bucket = str_from(cases[i].bucket),
			.path = str_from(cases[i].path),
			.query = str_from(cases[i].query)};
		_cleanup_(aws_client_freep) struct aws_client *client = NULL;
		struct client_address address;
		struct err err = ERR_INIT;

		assert_int_equal(aws_client_new(&client, &settings, &err), 0);
		if (client_address_make(client, &call, cases[i].region, &address, &err) < 0)
			fail_msg("%s", err.message);
		assert_string_equal(buf_text(&address.url), cases[i].url);
		client_address_done(&address);
	}
	assert_string_equal(client_signing_region("iam", "eu-west-1", true), "us-east-1");
	assert_string_equal(client_signing_region("iam", "eu-west-1", false), "eu-west-1");
	assert_string_equal(client_signing_region("s3", "eu-west-1", true), "eu-west-1");
}

/* Nothing of the machine that tests counts. */
static int clean_environment(void **state)
{
	unsetenv("AWS_ENDPOINT_URL");
	unsetenv("AWS_CA_BUNDLE");
	unsetenv("AWS_REGION");
	setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials", 1);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests(tests, clean_environment, NULL);
}
