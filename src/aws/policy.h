/* policy: the IAM policy language (IAM user guide, "IAM JSON policy reference"): documents parsed
 * and checked, and one request decided against all policies that concern it ("Policy evaluation
 * logic"). A policy is immutable once parsed and may be used by all threads at once; its owner
 * keeps it alive. A request and its context are borrowed for the call. Evaluation neither allocates
 * nor blocks. Names of actions and condition keys ignore case; resources and values do not, except
 * where an operator says so. Limits: AWS_POLICY_MAX bytes, AWS_POLICY_STATEMENTS_MAX statements. */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AWS_POLICY_MAX            20480 /* S3's limit on bucket policies; IAM's are smaller */
#define AWS_POLICY_STATEMENTS_MAX 512

enum aws_policy_kind {
	AWS_POLICY_IDENTITY, /* of a user, group or role; boundary and session policies */
	AWS_POLICY_RESOURCE, /* of a bucket: has Principal and Resource */
	AWS_POLICY_TRUST,    /* of a role: has Principal, no Resource */
	AWS_POLICY_KEPT,     /* as of a bucket, of a service that asks nobody's ARN to be one */
};

struct aws_policy;

/* Errors say what and where: the line of the JSON, or the statement, the element and the value,
 * with AWS's sentence as far as it has one; the service answers MalformedPolicyDocument (IAM) or
 * MalformedPolicy (S3) with that message. */
int aws_policy_parse(struct aws_policy **ret_policy, struct str json, enum aws_policy_kind kind,
	struct err *err);
void aws_policy_free(struct aws_policy *policy);
MEM_DEFINE_CLEANUP(struct aws_policy, aws_policy_free)
size_t aws_policy_statements(const struct aws_policy *policy);
/* True when a statement allows everybody ("Principal": "*") without a condition: S3's public. */
bool aws_policy_is_public(const struct aws_policy *policy);

/* Who asks. A resource or trust policy's Principal is compared with these. */
struct aws_principal {
	bool is_anonymous;
	struct str arn; /* arn:aws:iam::123456789012:user/ada, arn:aws:sts::...:assumed-role/r/s */
	struct str role_arn;  /* of an assumed role: the role's own ARN; otherwise empty */
	struct str account;   /* 123456789012 */
	struct str service;   /* delivery.logs.amazonaws.com when a service asks; otherwise empty */
	struct str federated; /* ARN of the provider that vouches; no account is asked then */
	struct str canonical_id; /* S3's canonical user id of the account; may be empty */
};

/* One condition key with its values; a key with no values is present and empty. */
struct aws_context_key {
	struct str name; /* aws:SourceIp, s3:prefix, aws:RequestTag/team */
	const struct str *values;
	size_t value_count;
};

struct aws_policy_request {
	struct aws_principal principal;
	struct str action;   /* s3:GetObject */
	struct str resource; /* ARN, or "*" for actions without a resource */
	const struct aws_context_key *context;
	size_t context_count;
};

/* All policies that concern one request. Any part may be empty. */
struct aws_policy_set {
	const struct aws_policy *const *identity; /* of the user with its groups, or the role */
	size_t identity_count;
	const struct aws_policy *resource; /* of the resource */
	const struct aws_policy *boundary; /* permissions boundary: at most this */
	const struct aws_policy *session;  /* session policy of AssumeRole: at most this */
	struct str resource_account;       /* whose resource it is; empty: the principal's own */
};

enum aws_decision {
	AWS_DECISION_DENY, /* nothing allows it */
	AWS_DECISION_ALLOW,
	AWS_DECISION_EXPLICIT_DENY
};

/* Which kind of policy decided; AWS's message names it. */
enum aws_decider {
	AWS_DECIDER_NONE,
	AWS_DECIDER_IDENTITY,
	AWS_DECIDER_RESOURCE,
	AWS_DECIDER_BOUNDARY,
	AWS_DECIDER_SESSION
};

struct aws_policy_result {
	enum aws_decision decision;
	enum aws_decider decider;
	size_t policy;    /* index among the identity policies; 0 for others */
	size_t statement; /* index in it, when a statement decided */
	struct str sid;   /* lent by the policy; empty: none or nothing decided */
};

/* aws:PrincipalArn and aws:PrincipalAccount need not be in the context: the principal has them.
 *
 * Explicit deny in any policy first; then, within one account, a resource policy that names the
 * principal or an identity policy allows; across accounts both must; boundary and session policies
 * must allow too. The root user of an account passes as a principal whose identity policy allows
 * everything: that is the caller's to add. */
void aws_policy_evaluate(const struct aws_policy_set *set, const struct aws_policy_request *request,
	struct aws_policy_result *ret_result);

/* "User: ARN is not authorized to perform: ACTION on resource: ARN because ...", AWS's sentence for
 * AccessDenied, at most size bytes with the NUL. */
void aws_policy_explain(const struct aws_policy_request *request,
	const struct aws_policy_result *result, char *ret_text, size_t size);

/* '*' any run, '?' any one byte; linear in practice, no recursion. */
bool aws_wildcard_match(struct str pattern, struct str text);
