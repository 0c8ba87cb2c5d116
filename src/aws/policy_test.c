/* Expected decisions: the IAM user guide, pages "IAM JSON policy elements: ...", "IAM policy
 * elements: Variables and tags", "Condition operators", "Multivalued context keys", "Policy
 * evaluation logic" and the example policies of the S3 and IAM guides; the page is named at each
 * group. */
#include "aws/policy.h"
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define ACCOUNT "123456789012"
#define ADA     "arn:aws:iam::" ACCOUNT ":user/ada"
#define ROLE    "arn:aws:iam::" ACCOUNT ":role/reader"
#define SESSION "arn:aws:sts::" ACCOUNT ":assumed-role/reader/night"

#define V2012(statement) "{\"Version\":\"2012-10-17\",\"Statement\":" statement "}"

static struct aws_policy *parse(const char *json, enum aws_policy_kind kind)
{
	struct aws_policy *policy = NULL;
	struct err err = ERR_INIT;

	if (aws_policy_parse(&policy, str_from(json), kind, &err) < 0)
		fail_msg("%s\n%s", json, err.message);
	return policy;
}

#define CONTEXT_MAX 4

/* "aws:SourceIp=10.0.0.1;s3:prefix=a,b;empty=": values between commas, "name=" alone has none. */
struct context {
	struct aws_context_key keys[CONTEXT_MAX];
	struct str values[CONTEXT_MAX][4];
	size_t count;
};

static void read_context(struct context *context, const char *text)
{
	struct str rest = str_from(text), part, value;

	context->count = 0;
	while (rest.n && str_split(&rest, ';', &part)) {
		size_t i = context->count++;
		struct aws_context_key *key = &context->keys[i];
		assert_true(i < CONTEXT_MAX && str_split(&part, '=', &key->name));
		key->values = context->values[i];
		key->value_count = 0;
		while (part.n && str_split(&part, ',', &value))
			context->values[i][key->value_count++] = value;
	}
}

static const struct aws_principal ada = {.arn = {ADA, sizeof(ADA) - 1},
	.role_arn = {"", 0},
	.account = {ACCOUNT, 12},
	.service = {"", 0}};

static enum aws_decision decide(
	const char *json, const char *action, const char *resource, const char *context_text)
{
	_cleanup_(aws_policy_freep) struct aws_policy *policy = parse(json, AWS_POLICY_IDENTITY);
	const struct aws_policy *const identity[] = {policy};
	struct context context;
	struct aws_policy_result result;

	read_context(&context, context_text);
	aws_policy_evaluate(&(struct aws_policy_set){.identity = identity, .identity_count = 1},
		&(struct aws_policy_request){.principal = ada,
			.action = str_from(action),
			.resource = str_from(resource),
			.context = context.keys,
			.context_count = context.count},
		&result);
	return result.decision;
}

/* Elements Action, NotAction, Resource, NotResource; "AWS JSON policy elements: Resource" (ARNs
 * part by part, short ones completed). */
static void actions_and_resources(void **state)
{
	static const struct {
		const char *statement, *action, *resource;
		enum aws_decision decision;
	} cases[] = {
#define ALLOW(action, resource)                                                                    \
	V2012("{\"Effect\":\"Allow\",\"Action\":\"" action "\",\"Resource\":\"" resource "\"}")
		{ALLOW("s3:GetObject", "arn:aws:s3:::b/*"), "s3:GetObject", "arn:aws:s3:::b/k/l",
			1},
		{ALLOW("s3:GetObject", "arn:aws:s3:::b/*"), "s3:GetObject", "arn:aws:s3:::b", 0},
		{ALLOW("s3:GetObject", "arn:aws:s3:::b/*"), "s3:PutObject", "arn:aws:s3:::b/k", 0},
		{ALLOW("S3:getobject", "arn:aws:s3:::b/*"), "s3:GetObject", "arn:aws:s3:::b/k", 1},
		{ALLOW("s3:GetObject", "arn:aws:s3:::b/K"), "s3:GetObject", "arn:aws:s3:::b/k", 0},
		{ALLOW("s3:Get*", "*"), "s3:GetObjectAcl", "arn:aws:s3:::b/k", 1},
		{ALLOW("s3:?etObject", "*"), "s3:GetObject", "arn:aws:s3:::b/k", 1},
		{ALLOW("*", "*"), "iam:CreateUser", "arn:aws:iam::1:user/x", 1},
		{ALLOW("s3:GetObject*", "arn:aws:s3:::b/*a*b*c"), "s3:GetObject",
			"arn:aws:s3:::b/xaybzbc", 1},
		{ALLOW("s3:GetObject", "arn:aws:s3:::b/?/x"), "s3:GetObject", "arn:aws:s3:::b/ab/x",
			0},
		{ALLOW("sqs:*", "arn:aws:sqs:*:" ACCOUNT ":queue1"), "sqs:SendMessage",
			"arn:aws:sqs:us-west-2:" ACCOUNT ":queue1", 1},
		{ALLOW("sqs:*", "arn:aws:sqs:*:queue1"), "sqs:SendMessage",
			"arn:aws:sqs:us-west-2:" ACCOUNT ":queue1", 0},
		{ALLOW("sqs:*", "arn:aws:sqs"), "sqs:SendMessage",
			"arn:aws:sqs:us-west-2:" ACCOUNT ":queue1", 1},
		{ALLOW("logs:*", "arn:aws:logs:us-east-1:" ACCOUNT ":log-group:a*"),
			"logs:PutLogEvents",
			"arn:aws:logs:us-east-1:" ACCOUNT ":log-group:ab:log-stream:c", 1},
		{V2012("[{\"Effect\":\"Allow\",\"NotAction\":\"iam:*\",\"Resource\":\"*\"}]"),
			"s3:GetObject", "arn:aws:s3:::b/k", 1},
		{V2012("[{\"Effect\":\"Allow\",\"NotAction\":\"iam:*\",\"Resource\":\"*\"}]"),
			"iam:GetUser", "*", 0},
		{V2012("[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},"
		       "{\"Effect\":\"Deny\",\"Action\":\"s3:*\",\"NotResource\":"
		       "[\"arn:aws:s3:::home\",\"arn:aws:s3:::home/*\"]}]"),
			"s3:GetObject", "arn:aws:s3:::other/k", 2},
		{V2012("[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},"
		       "{\"Effect\":\"Deny\",\"Action\":\"s3:*\",\"NotResource\":"
		       "[\"arn:aws:s3:::home\",\"arn:aws:s3:::home/*\"]}]"),
			"s3:GetObject", "arn:aws:s3:::home/k", 1},
		{V2012("[{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"},"
		       "{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]"),
			"s3:GetObject", "arn:aws:s3:::b/k", 2},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum aws_decision decision =
			decide(cases[i].statement, cases[i].action, cases[i].resource, "");
		if (decision != cases[i].decision)
			fail_msg("%s\n%s on %s: %d", cases[i].statement, cases[i].action,
				cases[i].resource, decision);
	}
}

struct condition_case {
	const char *condition, *context;
	bool holds;
};

static void check_conditions(const struct condition_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char json[1024];
		snprintf(json, sizeof(json),
			V2012("{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{%s}}"),
			cases[i].condition);
		bool holds = decide(json, "s3:GetObject", "arn:aws:s3:::b/k", cases[i].context) ==
			     AWS_DECISION_ALLOW;
		if (holds != cases[i].holds)
			fail_msg("%s with %s: %d", cases[i].condition, cases[i].context, holds);
	}
}

/* "IAM JSON policy elements: Condition operators". */
static void condition_operators(void **state)
{
	static const struct condition_case cases[] = {
		{"\"StringEquals\":{\"aws:PrincipalTag/job\":\"iamuser-admin\"}",
			"aws:PrincipalTag/job=iamuser-admin", true},
		{"\"StringEquals\":{\"AWS:principaltag/job\":\"x\"}", "aws:PrincipalTag/job=x",
			true},
		{"\"StringEquals\":{\"a:b\":\"x\"}", "a:b=X", false},
		{"\"StringEquals\":{\"a:b\":\"x*\"}", "a:b=xy", false},
		{"\"StringEquals\":{\"a:b\":[\"x\",\"y\"]}", "a:b=y", true},
		{"\"StringEquals\":{\"a:b\":\"x\"}", "", false},
		{"\"StringEqualsIfExists\":{\"a:b\":\"x\"}", "", true},
		{"\"StringEqualsIfExists\":{\"a:b\":\"x\"}", "a:b=y", false},
		{"\"StringNotEquals\":{\"a:b\":\"x\"}", "", true},
		{"\"StringNotEquals\":{\"a:b\":[\"x\",\"y\"]}", "a:b=y", false},
		{"\"StringNotEquals\":{\"a:b\":[\"x\",\"y\"]}", "a:b=z", true},
		{"\"StringEqualsIgnoreCase\":{\"a:b\":\"xYz\"}", "a:b=XyZ", true},
		{"\"StringNotEqualsIgnoreCase\":{\"a:b\":\"xYz\"}", "a:b=XyZ", false},
		{"\"StringLike\":{\"s3:prefix\":[\"\",\"home/\",\"home/ada/*\"]}",
			"s3:prefix=home/ada/x", true},
		{"\"StringLike\":{\"s3:prefix\":[\"home/\",\"home/ada/*\"]}",
			"s3:prefix=home/bob/x", false},
		{"\"StringNotLike\":{\"s3:prefix\":\"home/*\"}", "s3:prefix=home/x", false},
		{"\"NumericLessThanEquals\":{\"s3:max-keys\":\"10\"}", "s3:max-keys=10", true},
		{"\"NumericLessThanEquals\":{\"s3:max-keys\":10}", "s3:max-keys=11", false},
		{"\"NumericLessThan\":{\"s3:max-keys\":\"10\"}", "s3:max-keys=9", true},
		{"\"NumericGreaterThan\":{\"a:b\":\"9.5\"}", "a:b=10", true},
		{"\"NumericGreaterThanEquals\":{\"a:b\":\"10\"}", "a:b=9.99", false},
		{"\"NumericEquals\":{\"a:b\":\"10\"}", "a:b=10.0", true},
		{"\"NumericNotEquals\":{\"a:b\":\"10\"}", "a:b=11", true},
		{"\"NumericEquals\":{\"a:b\":\"10\"}", "a:b=ten", false},
		{"\"DateGreaterThan\":{\"aws:TokenIssueTime\":\"2020-01-01T00:00:01Z\"}",
			"aws:TokenIssueTime=2020-01-01T00:00:02Z", true},
		{"\"DateLessThan\":{\"aws:CurrentTime\":\"2020-06-30T23:59:59Z\"}",
			"aws:CurrentTime=2020-06-30T23:59:58Z", true},
		{"\"DateLessThan\":{\"aws:EpochTime\":\"2020-06-30T23:59:59Z\"}",
			"aws:EpochTime=1593561599", false},
		{"\"DateEquals\":{\"aws:EpochTime\":\"2020-06-30T23:59:59Z\"}",
			"aws:EpochTime=1593561599", true},
		{"\"DateGreaterThanEquals\":{\"aws:CurrentTime\":\"2020-06-30\"}",
			"aws:CurrentTime=2020-06-30T00:00:00Z", true},
		{"\"DateLessThanEquals\":{\"aws:CurrentTime\":\"2020-06-30\"}",
			"aws:CurrentTime=2020-06-30T00:00:01Z", false},
		{"\"DateNotEquals\":{\"aws:CurrentTime\":\"2020-06-30\"}",
			"aws:CurrentTime=2020-06-30T00:00:01Z", true},
		{"\"Bool\":{\"aws:SecureTransport\":\"true\"}", "aws:SecureTransport=true", true},
		{"\"Bool\":{\"aws:SecureTransport\":false}", "aws:SecureTransport=true", false},
		{"\"Bool\":{\"aws:MultiFactorAuthPresent\":\"true\"}", "", false},
		{"\"BoolIfExists\":{\"aws:MultiFactorAuthPresent\":\"true\"}", "", true},
		{"\"BinaryEquals\":{\"a:b\":\"QmluYXJ5VmFsdWVJbkJhc2U2NA==\"}",
			"a:b=QmluYXJ5VmFsdWVJbkJhc2U2NA==", true},
		{"\"IpAddress\":{\"aws:SourceIp\":\"203.0.113.0/24\"}", "aws:SourceIp=203.0.113.77",
			true},
		{"\"IpAddress\":{\"aws:SourceIp\":\"203.0.113.0/24\"}", "aws:SourceIp=203.0.114.77",
			false},
		{"\"IpAddress\":{\"aws:SourceIp\":\"203.0.113.7\"}", "aws:SourceIp=203.0.113.7",
			true},
		{"\"IpAddress\":{\"aws:SourceIp\":[\"203.0.113.0/24\",\"2001:DB8:1234:5678::/64\"]}",
			"aws:SourceIp=2001:db8:1234:5678::9", true},
		{"\"NotIpAddress\":{\"aws:SourceIp\":[\"192.0.2.0/24\",\"203.0.113.0/24\"]}",
			"aws:SourceIp=203.0.113.1", false},
		{"\"NotIpAddress\":{\"aws:SourceIp\":[\"192.0.2.0/24\"]}",
			"aws:SourceIp=203.0.113.1", true},
		{"\"ArnEquals\":{\"aws:SourceArn\":\"arn:aws:sns:us-east-1:" ACCOUNT ":t*\"}",
			"aws:SourceArn=arn:aws:sns:us-east-1:" ACCOUNT ":topic", true},
		{"\"ArnLike\":{\"aws:SourceArn\":\"arn:aws:sns:*:topic\"}",
			"aws:SourceArn=arn:aws:sns:us-east-1:" ACCOUNT ":topic", false},
		{"\"ArnNotEquals\":{\"aws:SourceArn\":\"arn:aws:sns:*:*:topic\"}",
			"aws:SourceArn=arn:aws:sns:us-east-1:" ACCOUNT ":topic", false},
		{"\"ArnNotLike\":{\"aws:SourceArn\":\"arn:aws:sns:*:*:other\"}",
			"aws:SourceArn=arn:aws:sns:us-east-1:" ACCOUNT ":topic", true},
		{"\"Null\":{\"aws:TokenIssueTime\":\"true\"}", "", true},
		{"\"Null\":{\"aws:TokenIssueTime\":\"true\"}", "aws:TokenIssueTime=x", false},
		{"\"Null\":{\"aws:TokenIssueTime\":false}", "aws:TokenIssueTime=x", true},
		/* All operators and keys must hold. */
		{"\"StringEquals\":{\"a:b\":\"x\",\"a:c\":\"y\"}", "a:b=x;a:c=z", false},
		{"\"StringEquals\":{\"a:b\":\"x\"},\"Bool\":{\"a:c\":\"true\"}", "a:b=x;a:c=true",
			true},
		/* What the principal is need not be said in the context. */
		{"\"ArnEquals\":{\"aws:PrincipalArn\":\"" ADA "\"}", "", true},
		{"\"StringEquals\":{\"aws:PrincipalAccount\":\"" ACCOUNT "\"}", "", true},
	};

	check_conditions(cases, ARRAY_SIZE(cases));
}

/* "Multivalued context keys": Set operators. */
static void set_operators(void **state)
{
	static const struct condition_case cases[] = {
		{"\"ForAllValues:StringEquals\":{\"aws:TagKeys\":[\"Dept\",\"Cost\"]}",
			"aws:TagKeys=Dept,Cost", true},
		{"\"ForAllValues:StringEquals\":{\"aws:TagKeys\":[\"Dept\",\"Cost\"]}",
			"aws:TagKeys=Dept", true},
		{"\"ForAllValues:StringEquals\":{\"aws:TagKeys\":[\"Dept\",\"Cost\"]}",
			"aws:TagKeys=Dept,Other", false},
		{"\"ForAllValues:StringEquals\":{\"aws:TagKeys\":[\"Dept\"]}", "", true},
		{"\"ForAllValues:StringEquals\":{\"aws:TagKeys\":[\"Dept\"]}",
			"aws:TagKeys=", true},
		{"\"ForAnyValue:StringEquals\":{\"aws:TagKeys\":[\"Dept\",\"Cost\"]}",
			"aws:TagKeys=Other,Cost", true},
		{"\"ForAnyValue:StringEquals\":{\"aws:TagKeys\":[\"Dept\",\"Cost\"]}",
			"aws:TagKeys=Other", false},
		{"\"ForAnyValue:StringEquals\":{\"aws:TagKeys\":[\"Dept\"]}", "", false},
		{"\"ForAnyValue:StringNotEquals\":{\"aws:TagKeys\":[\"Dept\"]}",
			"aws:TagKeys=Dept,Other", true},
		{"\"ForAnyValue:StringNotEquals\":{\"aws:TagKeys\":[\"Dept\"]}", "aws:TagKeys=Dept",
			false},
		{"\"ForAllValues:StringNotLike\":{\"aws:TagKeys\":[\"D*\"]}",
			"aws:TagKeys=Cost,Dept", false},
	};

	check_conditions(cases, ARRAY_SIZE(cases));
}

/* "IAM policy elements: Variables and tags". */
static void variables(void **state)
{
	static const char home[] =
		V2012("[{\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\","
		      "\"Resource\":\"arn:aws:s3:::b/home/${aws:username}/*\"}]");
	static const char old[] =
		"{\"Version\":\"2008-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\","
		"\"Resource\":\"arn:aws:s3:::b/${aws:username}\"}}";
	static const char fallback[] = V2012(
		"{\"Effect\":\"Allow\",\"Action\":\"*\","
		"\"Resource\":\"arn:aws:s3:::b/${aws:PrincipalTag/team, 'company-wide'}/*\"}");
	static const char special[] = V2012("{\"Effect\":\"Allow\",\"Action\":\"*\","
					    "\"Resource\":\"arn:aws:s3:::b/${*}${?}${$}{x}\"}");
	static const struct {
		const char *policy, *resource, *context;
		bool allowed;
	} cases[] = {
		{home, "arn:aws:s3:::b/home/ada/x", "aws:username=ada", true},
		{home, "arn:aws:s3:::b/home/ada/x", "AWS:UserName=ada", true},
		{home, "arn:aws:s3:::b/home/bob/x", "aws:username=ada", false},
		{home, "arn:aws:s3:::b/home//x", "", false},
		/* What a variable stands for is never a wildcard nor a variable. */
		{home, "arn:aws:s3:::b/home/bob/x", "aws:username=*", false},
		{home, "arn:aws:s3:::b/home/${aws:username}/x", "aws:username=${aws:username}",
			true},
		/* A key with several values is no variable. */
		{home, "arn:aws:s3:::b/home/ada/x", "aws:username=ada,bob", false},
		{old, "arn:aws:s3:::b/ada", "aws:username=ada", false},
		{old, "arn:aws:s3:::b/${aws:username}", "aws:username=ada", true},
		{fallback, "arn:aws:s3:::b/yellow/x", "aws:PrincipalTag/team=yellow", true},
		{fallback, "arn:aws:s3:::b/company-wide/x", "", true},
		{fallback, "arn:aws:s3:::b/company-wide/x", "aws:PrincipalTag/team=yellow", false},
		{special, "arn:aws:s3:::b/*?${x}", "", true},
		{special, "arn:aws:s3:::b/ab${x}", "", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool allowed = decide(cases[i].policy, "s3:GetObject", cases[i].resource,
				       cases[i].context) == AWS_DECISION_ALLOW;
		if (allowed != cases[i].allowed)
			fail_msg("%s\n%s with %s: %d", cases[i].policy, cases[i].resource,
				cases[i].context, allowed);
	}
	static const struct condition_case conditions[] = {
		{"\"StringLike\":{\"s3:prefix\":\"${aws:username}/*\"}",
			"s3:prefix=ada/x;aws:username=ada", true},
		{"\"StringEquals\":{\"s3:prefix\":\"${aws:username}\"}", "s3:prefix=ada", false},
		{"\"IpAddress\":{\"aws:SourceIp\":\"${aws:PrincipalTag/net}/24\"}",
			"aws:SourceIp=10.1.2.3;aws:PrincipalTag/net=10.1.2.0", true},
	};
	check_conditions(conditions, ARRAY_SIZE(conditions));
}

#define GET_K "{\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::b/k\""

struct world {
	const char *identity, *resource, *boundary, *session;
	struct aws_principal principal;
	const char *resource_account;
};

static struct aws_policy_result evaluate(const struct world *world)
{
	_cleanup_(aws_policy_freep) struct aws_policy *identity =
		world->identity ? parse(world->identity, AWS_POLICY_IDENTITY) : NULL;
	_cleanup_(aws_policy_freep) struct aws_policy *resource =
		world->resource ? parse(world->resource, AWS_POLICY_RESOURCE) : NULL;
	_cleanup_(aws_policy_freep) struct aws_policy *boundary =
		world->boundary ? parse(world->boundary, AWS_POLICY_IDENTITY) : NULL;
	_cleanup_(aws_policy_freep) struct aws_policy *session =
		world->session ? parse(world->session, AWS_POLICY_IDENTITY) : NULL;
	const struct aws_policy *const list[] = {identity};
	struct aws_policy_result result;

	aws_policy_evaluate(
		&(struct aws_policy_set){.identity = list,
			.identity_count = identity != NULL,
			.resource = resource,
			.boundary = boundary,
			.session = session,
			.resource_account =
				str_from(world->resource_account ? world->resource_account : "")},
		&(struct aws_policy_request){.principal = world->principal,
			.action = STR("s3:GetObject"),
			.resource = STR("arn:aws:s3:::b/k")},
		&result);
	result.sid = STR("");
	return result;
}

/* "Determining whether a request is allowed or denied within an account", "Cross-account policy
 * evaluation logic", "Permissions boundaries" (evaluating effective permissions). */
static void several_policies(void **state)
{
	static const char allow[] = V2012(GET_K "}"),
			  nothing[] = V2012(
				  "{\"Effect\":\"Allow\",\"Action\":\"ec2:*\",\"Resource\":\"*\"}");
	static const char deny[] = V2012(
		"{\"Sid\":\"No\",\"Effect\":\"Deny\",\"Action\":\"s3:*\",\"Resource\":\"*\"}");
	static const char for_ada[] = V2012(GET_K ",\"Principal\":{\"AWS\":\"" ADA "\"}}");
	static const char for_role[] = V2012(GET_K ",\"Principal\":{\"AWS\":[\"" ROLE "\"]}}");
	static const char for_session[] = V2012(GET_K ",\"Principal\":{\"AWS\":\"" SESSION "\"}}");
	static const char for_account[] = V2012(GET_K ",\"Principal\":{\"AWS\":\"" ACCOUNT "\"}}");
	static const char for_root[] =
		V2012(GET_K ",\"Principal\":{\"AWS\":\"arn:aws:iam::" ACCOUNT ":root\"}}");
	static const char for_all[] = V2012(GET_K ",\"Principal\":\"*\"}");
	static const char for_service[] =
		V2012(GET_K ",\"Principal\":{\"Service\":\"delivery.logs.amazonaws.com\"}}");
	static const char not_ada[] = V2012("{\"Effect\":\"Deny\",\"NotPrincipal\":{\"AWS\":\"" ADA
					    "\"},\"Action\":\"*\",\"Resource\":\"*\"}");
	const struct aws_principal role = {.arn = STR(SESSION),
		.role_arn = STR(ROLE),
		.account = STR(ACCOUNT),
		.service = STR("")};
	const struct aws_principal anonymous = {.is_anonymous = true};
	const struct aws_principal service = {.service = STR("delivery.logs.amazonaws.com")};
	const char *const other = "999999999999";
	const struct {
		struct world world;
		enum aws_decision decision;
		enum aws_decider decider;
	} cases[] = {
		{{NULL, NULL, NULL, NULL, ada, NULL}, AWS_DECISION_DENY, AWS_DECIDER_IDENTITY},
		{{allow, NULL, NULL, NULL, ada, NULL}, AWS_DECISION_ALLOW, AWS_DECIDER_IDENTITY},
		{{allow, NULL, NULL, NULL, ada, ACCOUNT}, AWS_DECISION_ALLOW, AWS_DECIDER_IDENTITY},
		{{NULL, for_ada, NULL, NULL, ada, ACCOUNT}, AWS_DECISION_ALLOW,
			AWS_DECIDER_RESOURCE},
		{{deny, for_ada, NULL, NULL, ada, NULL}, AWS_DECISION_EXPLICIT_DENY,
			AWS_DECIDER_IDENTITY},
		{{allow, not_ada, NULL, NULL, ada, NULL}, AWS_DECISION_ALLOW, AWS_DECIDER_IDENTITY},
		{{allow, not_ada, NULL, NULL, role, NULL}, AWS_DECISION_EXPLICIT_DENY,
			AWS_DECIDER_RESOURCE},
		/* The account named alone passes the permission to its administrators only. */
		{{NULL, for_account, NULL, NULL, ada, ACCOUNT}, AWS_DECISION_DENY,
			AWS_DECIDER_IDENTITY},
		{{NULL, for_root, NULL, NULL, ada, ACCOUNT}, AWS_DECISION_DENY,
			AWS_DECIDER_IDENTITY},
		{{NULL, for_all, NULL, NULL, ada, ACCOUNT}, AWS_DECISION_ALLOW,
			AWS_DECIDER_RESOURCE},
		/* Across accounts both sides must allow. */
		{{allow, NULL, NULL, NULL, ada, other}, AWS_DECISION_DENY, AWS_DECIDER_RESOURCE},
		{{NULL, for_ada, NULL, NULL, ada, other}, AWS_DECISION_DENY, AWS_DECIDER_IDENTITY},
		{{allow, for_ada, NULL, NULL, ada, other}, AWS_DECISION_ALLOW,
			AWS_DECIDER_IDENTITY},
		{{allow, for_root, NULL, NULL, ada, other}, AWS_DECISION_ALLOW,
			AWS_DECIDER_IDENTITY},
		{{allow, for_role, NULL, NULL, ada, other}, AWS_DECISION_DENY,
			AWS_DECIDER_RESOURCE},
		/* Boundaries and session policies only take away. */
		{{allow, NULL, allow, NULL, ada, NULL}, AWS_DECISION_ALLOW, AWS_DECIDER_IDENTITY},
		{{allow, NULL, nothing, NULL, ada, NULL}, AWS_DECISION_DENY, AWS_DECIDER_BOUNDARY},
		{{NULL, NULL, allow, NULL, ada, NULL}, AWS_DECISION_DENY, AWS_DECIDER_IDENTITY},
		{{allow, NULL, deny, NULL, ada, NULL}, AWS_DECISION_EXPLICIT_DENY,
			AWS_DECIDER_BOUNDARY},
		{{allow, NULL, NULL, nothing, role, NULL}, AWS_DECISION_DENY, AWS_DECIDER_SESSION},
		{{allow, NULL, NULL, allow, role, NULL}, AWS_DECISION_ALLOW, AWS_DECIDER_IDENTITY},
		{{allow, NULL, NULL, deny, role, NULL}, AWS_DECISION_EXPLICIT_DENY,
			AWS_DECIDER_SESSION},
		/* A user or session named by a resource is not limited by them, a role is. */
		{{NULL, for_ada, nothing, NULL, ada, NULL}, AWS_DECISION_ALLOW,
			AWS_DECIDER_RESOURCE},
		{{NULL, for_role, NULL, nothing, role, NULL}, AWS_DECISION_DENY,
			AWS_DECIDER_IDENTITY},
		{{NULL, for_role, NULL, NULL, role, NULL}, AWS_DECISION_ALLOW,
			AWS_DECIDER_RESOURCE},
		{{NULL, for_session, NULL, nothing, role, NULL}, AWS_DECISION_ALLOW,
			AWS_DECIDER_RESOURCE},
		{{NULL, NULL, NULL, NULL, anonymous, NULL}, AWS_DECISION_DENY,
			AWS_DECIDER_RESOURCE},
		{{NULL, for_all, NULL, NULL, anonymous, other}, AWS_DECISION_ALLOW,
			AWS_DECIDER_RESOURCE},
		{{NULL, for_ada, NULL, NULL, anonymous, other}, AWS_DECISION_DENY,
			AWS_DECIDER_RESOURCE},
		{{NULL, for_service, NULL, NULL, service, other}, AWS_DECISION_ALLOW,
			AWS_DECIDER_RESOURCE},
		{{NULL, for_service, NULL, NULL, ada, NULL}, AWS_DECISION_DENY,
			AWS_DECIDER_IDENTITY},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct aws_policy_result result = evaluate(&cases[i].world);
		if (result.decision != cases[i].decision || result.decider != cases[i].decider)
			fail_msg("case %zu: decision %d by %d", i, result.decision, result.decider);
	}
}

static void the_statement_that_decided(void **state)
{
	_cleanup_(aws_policy_freep) struct aws_policy *first =
		parse(V2012(GET_K "}"), AWS_POLICY_IDENTITY);
	_cleanup_(aws_policy_freep) struct aws_policy *second =
		parse(V2012("[" GET_K
			    "},{\"Sid\":\"NoReading\",\"Effect\":\"Deny\",\"Action\":\"s3:Get*\","
			    "\"Resource\":\"*\"}]"),
			AWS_POLICY_IDENTITY);
	const struct aws_policy *const list[] = {first, second};
	const struct aws_policy_set set = {.identity = list, .identity_count = 2};
	struct aws_policy_request request = {.principal = ada,
		.action = STR("s3:GetObject"),
		.resource = STR("arn:aws:s3:::b/k")};
	struct aws_policy_result result;
	char text[512];

	aws_policy_evaluate(&set, &request, &result);
	assert_int_equal(result.decision, AWS_DECISION_EXPLICIT_DENY);
	assert_int_equal(result.policy, 1);
	assert_int_equal(result.statement, 1);
	assert_true(str_equal(result.sid, STR("NoReading")));
	aws_policy_explain(&request, &result, text, sizeof(text));
	assert_string_equal(text,
		"User: " ADA " is not authorized to perform: s3:GetObject on resource: "
		"\"arn:aws:s3:::b/k\" with an explicit deny in an identity-based policy");
	request.action = STR("s3:PutObject");
	aws_policy_evaluate(&set, &request, &result);
	assert_int_equal(result.decision, AWS_DECISION_DENY);
	aws_policy_explain(&request, &result, text, sizeof(text));
	assert_string_equal(text,
		"User: " ADA " is not authorized to perform: s3:PutObject on resource: "
		"\"arn:aws:s3:::b/k\" because no identity-based policy allows the s3:PutObject action");
	aws_policy_explain(&request, &result, text, 20);
	assert_int_equal(strlen(text), 19);
}

/* Each message names what is wrong and where. */
static void malformed_documents(void **state)
{
	static const struct {
		enum aws_policy_kind kind;
		const char *json, *message;
	} cases[] = {
		{AWS_POLICY_IDENTITY, "", "valid JSON"},
		{AWS_POLICY_IDENTITY, "[]", "first byte must be '{'"},
		{AWS_POLICY_IDENTITY, "{\"Version\":\"2012-10-17\"", "line 1"},
		{AWS_POLICY_IDENTITY, "{\"Statement\":[],\"Statement\":[]}", "duplicate"},
		{AWS_POLICY_IDENTITY, "{\"Version\":\"2012-10-17\"}", "required field Statement"},
		{AWS_POLICY_IDENTITY, "{\"Version\":\"2013-10-17\",\"Statement\":[]}",
			"valid version string"},
		{AWS_POLICY_IDENTITY, V2012("[]"), "0 statements"},
		{AWS_POLICY_IDENTITY, V2012("[1]"), "Statement 1: it is not an object"},
		{AWS_POLICY_IDENTITY, "{\"Statement\":[],\"Statements\":1}",
			"Unknown field Statements"},
		{AWS_POLICY_IDENTITY, V2012("[" GET_K "}," GET_K ",\"Resources\":1}]"),
			"Statement 2: Unknown field Resources"},
		{AWS_POLICY_IDENTITY, V2012("{\"Action\":\"s3:*\",\"Resource\":\"*\"}"),
			"required field Effect"},
		{AWS_POLICY_IDENTITY,
			V2012("{\"Effect\":\"allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}"),
			"Invalid effect"},
		{AWS_POLICY_IDENTITY, V2012("{\"Effect\":\"Allow\",\"Resource\":\"*\"}"),
			"required field Action"},
		{AWS_POLICY_IDENTITY,
			V2012("{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"NotAction\":\"s3:*\",\"Resource\":\"*\"}"),
			"both Action and NotAction"},
		{AWS_POLICY_IDENTITY,
			V2012("{\"Effect\":\"Allow\",\"Action\":\"GetObject\",\"Resource\":\"*\"}"),
			"prefaced by a vendor"},
		{AWS_POLICY_IDENTITY, V2012("{\"Effect\":\"Allow\",\"Action\":\"s3:*\"}"),
			"required field Resource"},
		{AWS_POLICY_IDENTITY,
			V2012("{\"Effect\":\"Allow\",\"Action\":[],\"Resource\":\"*\"}"), "empty"},
		{AWS_POLICY_IDENTITY,
			V2012("{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":[\"b\"]}"),
			"Resource b must be in ARN format"},
		{AWS_POLICY_IDENTITY, V2012(GET_K ",\"Principal\":\"*\"}"),
			"should not specify a principal"},
		{AWS_POLICY_IDENTITY, V2012(GET_K ",\"Sid\":\"a b\"}"), "alpha-numeric"},
		{AWS_POLICY_IDENTITY, V2012("[" GET_K ",\"Sid\":\"a\"}," GET_K ",\"Sid\":\"a\"}]"),
			"Statement 2: Statement IDs (SID) in a single policy must be unique"},
		{AWS_POLICY_IDENTITY, V2012(GET_K ",\"Condition\":{\"StringIs\":{\"a:b\":\"c\"}}}"),
			"Invalid Condition type : StringIs"},
		{AWS_POLICY_IDENTITY,
			V2012(GET_K ",\"Condition\":{\"NullIfExists\":{\"a:b\":\"true\"}}}"),
			"Invalid Condition type"},
		{AWS_POLICY_IDENTITY,
			V2012(GET_K
				",\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0/8\"}}}"),
			"aws:SourceIp: '10.0.0/8' is not an IP address"},
		{AWS_POLICY_IDENTITY,
			V2012(GET_K ",\"Condition\":{\"NumericEquals\":{\"a:b\":\"0x10\"}}}"),
			"is not a number"},
		{AWS_POLICY_IDENTITY,
			V2012(GET_K ",\"Condition\":{\"DateEquals\":{\"a:b\":\"soon\"}}}"),
			"is not a date"},
		{AWS_POLICY_IDENTITY, V2012(GET_K ",\"Condition\":{\"Bool\":{\"a:b\":\"yes\"}}}"),
			"neither true nor false"},
		{AWS_POLICY_IDENTITY, V2012(GET_K ",\"Condition\":{\"Bool\":{\"a:b\":[]}}}"),
			"no value"},
		{AWS_POLICY_IDENTITY, V2012(GET_K ",\"Condition\":{\"Bool\":{\"a:b\":{}}}}"),
			"neither a string"},
		{AWS_POLICY_IDENTITY, V2012(GET_K ",\"Condition\":{\"Bool\":{\"ab\":\"true\"}}}"),
			"prefaced by a vendor"},
		{AWS_POLICY_RESOURCE, V2012(GET_K "}"), "required field Principal"},
		{AWS_POLICY_RESOURCE, V2012(GET_K ",\"Principal\":\"ada\"}"), "Invalid principal"},
		{AWS_POLICY_RESOURCE, V2012(GET_K ",\"Principal\":{\"AWS\":\"ada\"}}"),
			"Invalid principal"},
		{AWS_POLICY_RESOURCE, V2012(GET_K ",\"Principal\":{\"User\":\"ada\"}}"),
			"unknown type 'User'"},
		{AWS_POLICY_TRUST, V2012(GET_K ",\"Principal\":\"*\"}"),
			"prohibited field Resource"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct aws_policy *policy = NULL;
		struct err err = ERR_INIT;
		if (aws_policy_parse(&policy, str_from(cases[i].json), cases[i].kind, &err) == 0)
			fail_msg("accepted: %s", cases[i].json);
		if (!strstr(err.message, cases[i].message))
			fail_msg("%s\nsays: %s", cases[i].json, err.message);
		assert_null(policy);
	}
}

static void limits(void **state)
{
	_cleanup_buf_ struct buf json = {0};
	struct aws_policy *policy = NULL;
	struct err err = ERR_INIT;

	while (json.n <= AWS_POLICY_MAX)
		buf_add_char(&json, '[');
	assert_true(aws_policy_parse(&policy, buf_str(&json), AWS_POLICY_IDENTITY, &err) < 0);
	json.n = AWS_POLICY_MAX;
	assert_true(aws_policy_parse(&policy, buf_str(&json), AWS_POLICY_IDENTITY, &err) < 0);
	/* Many '*' over a long text that never fits: no explosion. */
	assert_false(aws_wildcard_match(STR("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b"),
		STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
	assert_true(aws_wildcard_match(STR("*"), STR("")));
	assert_true(aws_wildcard_match(STR("a**"), STR("a")));
	assert_false(aws_wildcard_match(STR("?"), STR("")));
}

/* What a service only keeps may name anything; its form is looked at all the same. */
static void kept_policies(void **state)
{
	static const char document[] =
		V2012("{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"logs.amazonaws.com\"},"
		      "\"Action\":\"logs:PutLogEvents\",\"Resource\":\"log_arn\"}");
	struct aws_policy *policy = NULL;
	struct err err = ERR_INIT;

	assert_true(aws_policy_parse(&policy, str_from(document), AWS_POLICY_RESOURCE, &err) < 0);
	aws_policy_free(parse(document, AWS_POLICY_KEPT));
	assert_true(aws_policy_parse(&policy, STR(V2012(GET_K "}")), AWS_POLICY_KEPT, &err) < 0);
	assert_non_null(strstr(err.message, "required field Principal"));
}

static void public_policies(void **state)
{
	_cleanup_(aws_policy_freep) struct aws_policy *everybody =
		parse(V2012(GET_K ",\"Principal\":{\"AWS\":[\"*\"]}}"), AWS_POLICY_RESOURCE);
	_cleanup_(aws_policy_freep) struct aws_policy *limited = parse(
		V2012(GET_K
			",\"Principal\":\"*\",\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}}}"),
		AWS_POLICY_RESOURCE);
	_cleanup_(aws_policy_freep) struct aws_policy *denied = parse(
		V2012("{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:*\",\"Resource\":\"*\"}"),
		AWS_POLICY_RESOURCE);

	assert_true(aws_policy_is_public(everybody));
	assert_false(aws_policy_is_public(limited));
	assert_false(aws_policy_is_public(denied));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(actions_and_resources),
		cmocka_unit_test(condition_operators),
		cmocka_unit_test(set_operators),
		cmocka_unit_test(variables),
		cmocka_unit_test(several_policies),
		cmocka_unit_test(the_statement_that_decided),
		cmocka_unit_test(malformed_documents),
		cmocka_unit_test(limits),
		cmocka_unit_test(kept_policies),
		cmocka_unit_test(public_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
