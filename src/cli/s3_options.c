#include "cli/s3_options.h"

int cli_s3_set_endpoint(void *settings, const char *value, struct err *err)
{
	((struct query_s3_options *)settings)->endpoint = value;
	return 0;
}

int cli_s3_set_profile(void *settings, const char *value, struct err *err)
{
	((struct query_s3_options *)settings)->profile = value;
	return 0;
}

int cli_s3_set_region(void *settings, const char *value, struct err *err)
{
	((struct query_s3_options *)settings)->region = value;
	return 0;
}

int cli_s3_set_no_sign_request(void *settings, const char *value, struct err *err)
{
	((struct query_s3_options *)settings)->no_sign_request = true;
	return 0;
}

int cli_s3_set_request_payer(void *settings, const char *value, struct err *err)
{
	((struct query_s3_options *)settings)->request_payer = true;
	return 0;
}
