/* s3_options: how a command that takes s3:// locations is told of their server. Its settings begin
 * with a struct query_s3_options. Texts are lent. */
#pragma once

#include "cli/command.h"
#include "query/query.h"

/* more: what the endpoint is besides, "; as ..." or "". */
#define CLI_S3_OPTIONS(more)                                                                       \
	{"endpoint-url", 0, "URL",                                                                 \
		"The S3 server of s3:// locations, as http://localhost:8080" more                  \
		". Default: AWS's own, or what AWS_ENDPOINT_URL or the profile says.",             \
		cli_s3_set_endpoint},                                                              \
		{"profile", 0, "NAME", "Whose keys, region and endpoint to use.",                  \
			cli_s3_set_profile},                                                       \
		{"region", 0, "REGION", "Where the buckets are; found out when it is another.",    \
			cli_s3_set_region},                                                        \
		{"no-sign-request", 0, NULL, "Read public buckets, without keys.",                 \
			cli_s3_set_no_sign_request},                                               \
	{                                                                                          \
		"request-payer", 0, NULL, "Pay for the requests, where the bucket asks for that.", \
			cli_s3_set_request_payer                                                   \
	}
int cli_s3_set_endpoint(void *settings, const char *value, struct err *err);
int cli_s3_set_profile(void *settings, const char *value, struct err *err);
int cli_s3_set_region(void *settings, const char *value, struct err *err);
int cli_s3_set_no_sign_request(void *settings, const char *value, struct err *err);
int cli_s3_set_request_payer(void *settings, const char *value, struct err *err);
