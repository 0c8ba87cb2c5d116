/* IAM user guide, "Policy evaluation logic" and "Determining whether a request is allowed or denied
 * within an account" and "Cross-account policy evaluation logic". */
#include "aws/policy_priv.h"

#include <stdio.h>

/* How a statement of a resource policy means the principal, the weakest first. An account named
 * gives its administrators the right to pass the permission on; it permits nobody by itself. A role
 * named is limited by boundary and session policy; a user or a session named is not. */
enum meant { MEANT_NOT, MEANT_ACCOUNT, MEANT_ROLE, MEANT_DIRECTLY };

static enum meant meant_by(
	const struct policy_principal *entry, const struct aws_principal *principal)
{
	switch (entry->type) {
	case POLICY_PRINCIPAL_EVERYBODY:
		return principal->role_arn.n ? MEANT_ROLE : MEANT_DIRECTLY;
	case POLICY_PRINCIPAL_ACCOUNT:
		return !principal->is_anonymous && principal->account.n &&
				       str_equal(entry->value, principal->account)
			       ? MEANT_ACCOUNT
			       : MEANT_NOT;
	case POLICY_PRINCIPAL_CANONICAL:
		return principal->canonical_id.n && str_equal(entry->value, principal->canonical_id)
			       ? MEANT_ACCOUNT
			       : MEANT_NOT;
	case POLICY_PRINCIPAL_ARN:
		if (principal->arn.n && str_equal(entry->value, principal->arn))
			return MEANT_DIRECTLY;
		return principal->role_arn.n && str_equal(entry->value, principal->role_arn)
			       ? MEANT_ROLE
			       : MEANT_NOT;
	case POLICY_PRINCIPAL_SERVICE:
		return principal->service.n &&
				       str_equal_ignoring_case(entry->value, principal->service)
			       ? MEANT_DIRECTLY
			       : MEANT_NOT;
	case POLICY_PRINCIPAL_FEDERATED:
		return principal->federated.n && str_equal(entry->value, principal->federated)
			       ? MEANT_DIRECTLY
			       : MEANT_NOT;
	}
	return MEANT_NOT;
}

static enum meant meant_by_statement(
	const struct policy_statement *statement, const struct aws_principal *principal)
{
	enum meant best = MEANT_NOT;

	/* Policies of identities have no Principal: they mean whom they are attached to. */
	if (!statement->principal_count)
		return MEANT_DIRECTLY;
	for (size_t i = 0; i < statement->principal_count; i++) {
		enum meant meant = meant_by(&statement->principals[i], principal);
		if (meant > best)
			best = meant;
	}
	if (!statement->not_principal)
		return best;
	return best == MEANT_NOT ? MEANT_DIRECTLY : MEANT_NOT;
}

static bool matches_action(const struct policy_statement *statement, struct str action)
{
	const struct policy_match match = {.has_wildcards = true, .ignores_case = true};

	for (size_t i = 0; i < statement->actions.count; i++)
		if (policy_match(&match, statement->actions.items[i], action))
			return !statement->not_action;
	return statement->not_action;
}

static bool matches_resource(const struct aws_policy *policy,
	const struct policy_statement *statement, const struct aws_policy_request *request)
{
	const struct policy_match match = {
		.request = request, .has_variables = policy->has_variables, .has_wildcards = true};

	/* Trust policies have no Resource: it is the role. */
	if (!statement->resources.count)
		return true;
	for (size_t i = 0; i < statement->resources.count; i++)
		if (policy_match_arn(&match, statement->resources.items[i], request->resource))
			return !statement->not_resource;
	return statement->not_resource;
}

static enum meant applies(const struct aws_policy *policy, const struct policy_statement *statement,
	const struct aws_policy_request *request)
{
	if (!matches_action(statement, request->action) ||
		!matches_resource(policy, statement, request))
		return MEANT_NOT;
	enum meant meant = meant_by_statement(statement, &request->principal);
	for (size_t i = 0; meant && i < statement->condition_count; i++)
		if (!policy_condition_holds(policy, &statement->conditions[i], request))
			return MEANT_NOT;
	return meant;
}

/* The strongest statement of the effect in a policy (NULL: none), with where it is. */
static enum meant find(const struct aws_policy *policy, bool is_deny,
	const struct aws_policy_request *request, size_t *ret_statement)
{
	enum meant best = MEANT_NOT;

	for (size_t i = 0; policy && i < policy->statement_count; i++) {
		if (policy->statements[i].is_deny != is_deny)
			continue;
		enum meant meant = applies(policy, &policy->statements[i], request);
		if (meant > best) {
			best = meant;
			*ret_statement = i;
		}
	}
	return best;
}

static bool decide(struct aws_policy_result *result, enum aws_decision decision,
	enum aws_decider decider, const struct aws_policy *policy, size_t index, size_t statement)
{
	*result = (struct aws_policy_result){.decision = decision,
		.decider = decider,
		.policy = index,
		.statement = statement,
		.sid = policy ? policy->statements[statement].sid : STR("")};
	return true;
}

static bool is_denied(const struct aws_policy_set *set, const struct aws_policy_request *request,
	struct aws_policy_result *result)
{
	size_t at;

	for (size_t i = 0; i < set->identity_count; i++)
		if (find(set->identity[i], true, request, &at))
			return decide(result, AWS_DECISION_EXPLICIT_DENY, AWS_DECIDER_IDENTITY,
				set->identity[i], i, at);
	if (find(set->resource, true, request, &at))
		return decide(result, AWS_DECISION_EXPLICIT_DENY, AWS_DECIDER_RESOURCE,
			set->resource, 0, at);
	if (find(set->boundary, true, request, &at))
		return decide(result, AWS_DECISION_EXPLICIT_DENY, AWS_DECIDER_BOUNDARY,
			set->boundary, 0, at);
	if (find(set->session, true, request, &at))
		return decide(result, AWS_DECISION_EXPLICIT_DENY, AWS_DECIDER_SESSION, set->session,
			0, at);
	return false;
}

/* Boundary and session policy permit it, or are not there. */
static bool is_within_limits(const struct aws_policy_set *set,
	const struct aws_policy_request *request, enum aws_decider *ret_missing)
{
	size_t at;

	if (set->boundary && !find(set->boundary, false, request, &at)) {
		*ret_missing = AWS_DECIDER_BOUNDARY;
		return false;
	}
	if (set->session && !find(set->session, false, request, &at)) {
		*ret_missing = AWS_DECIDER_SESSION;
		return false;
	}
	return true;
}

void aws_policy_evaluate(const struct aws_policy_set *set, const struct aws_policy_request *request,
	struct aws_policy_result *ret_result)
{
	const struct aws_principal *principal = &request->principal;
	bool is_foreign =
		set->resource_account.n && !str_equal(set->resource_account, principal->account);
	enum aws_decider missing = AWS_DECIDER_IDENTITY;
	size_t identity = 0, identity_at = 0, resource_at = 0;
	bool identity_allows = false;

	if (is_denied(set, request, ret_result))
		return;
	enum meant meant = find(set->resource, false, request, &resource_at);
	for (; identity < set->identity_count && !identity_allows; identity++)
		identity_allows =
			find(set->identity[identity], false, request, &identity_at) != MEANT_NOT;
	bool within = is_within_limits(set, request, &missing);

	if (principal->is_anonymous || principal->service.n) {
		if (meant == MEANT_DIRECTLY)
			decide(ret_result, AWS_DECISION_ALLOW, AWS_DECIDER_RESOURCE, set->resource,
				0, resource_at);
		else
			decide(ret_result, AWS_DECISION_DENY, AWS_DECIDER_RESOURCE, NULL, 0, 0);
		return;
	}
	if (identity_allows && within && (!is_foreign || meant))
		decide(ret_result, AWS_DECISION_ALLOW, AWS_DECIDER_IDENTITY,
			set->identity[identity - 1], identity - 1, identity_at);
	else if (!is_foreign && (meant == MEANT_DIRECTLY || (meant == MEANT_ROLE && within)))
		decide(ret_result, AWS_DECISION_ALLOW, AWS_DECIDER_RESOURCE, set->resource, 0,
			resource_at);
	else if (identity_allows && !within)
		decide(ret_result, AWS_DECISION_DENY, missing, NULL, 0, 0);
	else if (identity_allows)
		decide(ret_result, AWS_DECISION_DENY, AWS_DECIDER_RESOURCE, NULL, 0, 0);
	else
		decide(ret_result, AWS_DECISION_DENY, AWS_DECIDER_IDENTITY, NULL, 0, 0);
}

static const char *const deciders[] = {
	[AWS_DECIDER_NONE] = "policy",
	[AWS_DECIDER_IDENTITY] = "identity-based policy",
	[AWS_DECIDER_RESOURCE] = "resource-based policy",
	[AWS_DECIDER_BOUNDARY] = "permissions boundary",
	[AWS_DECIDER_SESSION] = "session policy",
};

void aws_policy_explain(const struct aws_policy_request *request,
	const struct aws_policy_result *result, char *ret_text, size_t size)
{
	const struct aws_principal *principal = &request->principal;
	struct str who = principal->is_anonymous ? STR("anonymous")
			 : principal->service.n  ? principal->service
						 : principal->arn;
	const char *decider = deciders[result->decider];
	const char *article = decider[0] == 'i' ? "an" : "a";
	int n = snprintf(ret_text, size,
		"User: %.*s is not authorized to perform: %.*s on resource: \"%.*s\" ",
		STR_ARG(who), STR_ARG(request->action), STR_ARG(request->resource));

	if (n < 0 || (size_t)n >= size)
		return;
	if (result->decision == AWS_DECISION_EXPLICIT_DENY)
		snprintf(ret_text + n, size - (size_t)n, "with an explicit deny in %s %s", article,
			decider);
	else
		snprintf(ret_text + n, size - (size_t)n, "because no %s allows the %.*s action",
			decider, STR_ARG(request->action));
}
