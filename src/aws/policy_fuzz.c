/* The document as each kind, evaluated for a request whose context has something of everything. */
#include "aws/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct str values[] = {
		{"ada", 3}, {"10.1.2.3", 8}, {"2020-01-01T00:00:00Z", 20}, {"*", 1}};
	static const struct aws_context_key context[] = {{{"aws:username", 12}, &values[0], 1},
		{{"aws:SourceIp", 12}, &values[1], 1}, {{"aws:CurrentTime", 15}, &values[2], 1},
		{{"aws:TagKeys", 11}, values, 4}, {{"aws:empty", 9}, NULL, 0}};
	const struct aws_policy_request request = {
		.principal = {.arn = STR("arn:aws:iam::123456789012:user/ada"),
			.account = STR("123456789012")},
		.action = STR("s3:GetObject"),
		.resource = STR("arn:aws:s3:::bucket/home/ada/key"),
		.context = context,
		.context_count = 5,
	};
	const struct str json = {(const char *)data, size};

	for (enum aws_policy_kind kind = AWS_POLICY_IDENTITY; kind <= AWS_POLICY_KEPT; kind++) {
		struct aws_policy *policy = NULL;
		struct aws_policy_result result;
		struct err err = ERR_INIT;
		char text[256];
		if (aws_policy_parse(&policy, json, kind, &err) < 0)
			continue;
		const struct aws_policy *const list[] = {policy};
		const struct aws_policy_set set = {
			.identity = list, .identity_count = 1, .resource = policy};
		aws_policy_evaluate(&set, &request, &result);
		aws_policy_explain(&request, &result, text, sizeof(text));
		aws_policy_is_public(policy);
		aws_policy_free(policy);
	}
	return 0;
}
