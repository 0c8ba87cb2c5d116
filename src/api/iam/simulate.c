/* SimulateCustomPolicy and SimulatePrincipalPolicy: the same evaluation that requests get, over
 * policies that are given or are a user's, group's or role's. */
#include "api/iam/iam_priv.h"

#include "aws/arn.h"

enum { PAIRS_MAX = 1000 }; /* actions times resources, of one call */

struct simulation {
	struct iam *iam;
	struct aws_policy **policies; /* owned, with where each is from */
	struct str *sources;
	size_t count;
	struct aws_policy *boundary, *resource_policy;
	struct aws_principal principal;
	struct aws_context_key *context;
	size_t context_count;
};

static void simulation_done(struct simulation *simulation)
{
	for (size_t i = 0; i < simulation->count; i++)
		aws_policy_free(simulation->policies[i]);
	free(simulation->policies);
	free(simulation->sources);
	aws_policy_free(simulation->boundary);
	aws_policy_free(simulation->resource_policy);
}

static struct str text_of(const json_t *value)
{
	return (struct str){json_string_value(value), json_string_length(value)};
}

static int parse(struct simulation *simulation, struct str text, enum aws_policy_kind kind,
	struct aws_policy **ret_policy)
{
	struct err err = ERR_INIT;

	if (aws_policy_parse(ret_policy, text, kind, &err) < 0)
		return iam_refuse(simulation->iam, AWS_ERROR_INVALID_INPUT, "%s", err.message);
	return 0;
}

static int add_policy(struct simulation *simulation, struct str text, struct str source)
{
	size_t n = simulation->count;

	simulation->policies = mem_grow(simulation->policies, n + 1, sizeof(*simulation->policies));
	simulation->sources = mem_grow(simulation->sources, n + 1, sizeof(*simulation->sources));
	simulation->sources[n] = source;
	if (parse(simulation, text, AWS_POLICY_IDENTITY, &simulation->policies[n]) < 0)
		return -1;
	simulation->count++;
	return 0;
}

static int managed_text(struct simulation *simulation, struct str arn, struct str *ret_text)
{
	struct iam *iam = simulation->iam;
	struct store_document document;
	struct store_entity policy;

	if (iam_find_policy(iam, arn, &policy) < 0)
		return -1;
	struct str version = store_edit_printf(iam->edit, "v%lld", (long long)policy.version);
	if (store_document_get(iam->edit, policy.id, version, &document, iam->err) != 0)
		return iam_broken(iam);
	*ret_text = document.text;
	return 0;
}

/* Inline and attached. */
static int add_entity(struct simulation *simulation, const struct store_entity *entity)
{
	struct iam *iam = simulation->iam;
	struct store_document *documents;
	struct str *arns, text = STR("");
	size_t count;

	if (store_document_list(iam->edit, entity->id, &documents, &count, iam->err) < 0)
		return iam_broken(iam);
	for (size_t i = 0; i < count; i++) {
		struct str source = store_edit_printf(iam->edit, "%s_%.*s_%.*s",
			iam_noun(entity->kind), STR_ARG(entity->name), STR_ARG(documents[i].name));
		if (add_policy(simulation, documents[i].text, source) < 0)
			return -1;
	}
	if (store_link_from(iam->edit, STORE_LINK_ATTACHED, entity->id, &arns, &count, iam->err) <
		0)
		return iam_broken(iam);
	for (size_t i = 0; i < count; i++)
		if (managed_text(simulation, arns[i], &text) < 0 ||
			add_policy(simulation, text, arns[i]) < 0)
			return -1;
	return 0;
}

static int add_groups(struct simulation *simulation, const struct store_entity *user)
{
	struct iam *iam = simulation->iam;
	struct store_entity group;
	struct str *ids;
	size_t count;

	if (store_link_to(iam->edit, STORE_LINK_MEMBER, user->id, &ids, &count, iam->err) < 0)
		return iam_broken(iam);
	for (size_t i = 0; i < count; i++)
		if (store_entity_find_id(iam->edit, ids[i], &group, iam->err) != 0)
			return iam_broken(iam);
		else if (add_entity(simulation, &group) < 0)
			return -1;
	return 0;
}

/* The user, group or role of PolicySourceArn. */
static int add_principal(struct simulation *simulation)
{
	struct iam *iam = simulation->iam;
	struct str source = iam_text(iam, "PolicySourceArn"), type, id, name = STR(""), part;
	struct str text = STR("");
	enum store_entity_kind kind;
	struct store_entity entity;
	struct aws_arn arn;

	if (!aws_arn_parse(source, &arn))
		return iam_refuse(
			iam, AWS_ERROR_INVALID_INPUT, "Invalid Entity Arn: %.*s", STR_ARG(source));
	aws_arn_split_resource(arn.resource, &type, &id);
	if (str_equal(type, STR("user")))
		kind = STORE_USER;
	else if (str_equal(type, STR("group")))
		kind = STORE_GROUP;
	else if (str_equal(type, STR("role")))
		kind = STORE_ROLE;
	else
		return iam_refuse(
			iam, AWS_ERROR_INVALID_INPUT, "Invalid Entity Arn: %.*s", STR_ARG(source));
	while (str_split(&id, '/', &part))
		name = part;
	if (iam_find(iam, kind, name, &entity) < 0 || add_entity(simulation, &entity) < 0 ||
		(kind == STORE_USER && add_groups(simulation, &entity) < 0))
		return -1;
	simulation->principal.arn = entity.arn;
	if (kind == STORE_ROLE)
		simulation->principal.role_arn = entity.arn;
	if (!entity.boundary.p)
		return 0;
	if (managed_text(simulation, entity.boundary, &text) < 0)
		return -1;
	return parse(simulation, text, AWS_POLICY_IDENTITY, &simulation->boundary);
}

static void read_context(struct simulation *simulation)
{
	const json_t *entries = iam_input(simulation->iam, "ContextEntries");
	size_t count = json_array_size(entries);

	simulation->context =
		store_edit_take(simulation->iam->edit, (count + 1) * sizeof(*simulation->context));
	for (size_t i = 0; i < count; i++) {
		const json_t *entry = json_array_get(entries, i);
		const json_t *values = json_object_get(entry, "ContextKeyValues");
		const json_t *name = json_object_get(entry, "ContextKeyName");
		size_t n = json_array_size(values);
		struct str *texts =
			store_edit_take(simulation->iam->edit, (n + 1) * sizeof(*texts));
		for (size_t j = 0; j < n; j++)
			texts[j] = text_of(json_array_get(values, j));
		if (json_is_string(name))
			simulation->context[simulation->context_count++] =
				(struct aws_context_key){text_of(name), texts, n};
	}
}

static int read_given(struct simulation *simulation)
{
	struct iam *iam = simulation->iam;
	const json_t *given = iam_input(iam, "PolicyInputList");
	const json_t *bounds = iam_input(iam, "PermissionsBoundaryPolicyInputList");
	struct str resource = iam_text(iam, "ResourcePolicy"), caller = iam_text(iam, "CallerArn");

	for (size_t i = 0; i < json_array_size(given); i++)
		if (add_policy(simulation, text_of(json_array_get(given, i)),
			    store_edit_printf(iam->edit, "PolicyInputList.%zu", i + 1)) < 0)
			return -1;
	if (json_array_size(bounds)) {
		aws_policy_free(take(simulation->boundary));
		if (parse(simulation, text_of(json_array_get(bounds, 0)), AWS_POLICY_IDENTITY,
			    &simulation->boundary) < 0)
			return -1;
	}
	if (resource.p &&
		parse(simulation, resource, AWS_POLICY_RESOURCE, &simulation->resource_policy) < 0)
		return -1;
	if (caller.p)
		simulation->principal.arn = caller;
	read_context(simulation);
	return 0;
}

static json_t *evaluate(const struct simulation *simulation, struct str action, struct str resource)
{
	static const char *const decisions[] = {
		[AWS_DECISION_ALLOW] = "allowed",
		[AWS_DECISION_DENY] = "implicitDeny",
		[AWS_DECISION_EXPLICIT_DENY] = "explicitDeny",
	};
	const struct aws_policy_set set = {
		.identity = (const struct aws_policy *const *)simulation->policies,
		.identity_count = simulation->count,
		.resource = simulation->resource_policy,
		.boundary = simulation->boundary};
	const struct aws_policy_request request = {.principal = simulation->principal,
		.action = action,
		.resource = resource,
		.context = simulation->context,
		.context_count = simulation->context_count};
	struct aws_policy_result result;
	json_t *matched = json_array();

	aws_policy_evaluate(&set, &request, &result);
	if (result.decision != AWS_DECISION_DENY && result.decider == AWS_DECIDER_IDENTITY &&
		result.policy < simulation->count)
		json_array_append_new(
			matched, json_pack("{s:o, s:s}", "SourcePolicyId",
					 iam_string(simulation->sources[result.policy]),
					 "SourcePolicyType", "none"));
	return json_pack("{s:o, s:o, s:s, s:o, s:[]}", "EvalActionName", iam_string(action),
		"EvalResourceName", iam_string(resource), "EvalDecision",
		decisions[result.decision], "MatchedStatements", matched, "MissingContextValues");
}

static int simulate(struct simulation *simulation)
{
	struct iam *iam = simulation->iam;
	const json_t *actions = iam_input(iam, "ActionNames");
	const json_t *resources = iam_input(iam, "ResourceArns");
	size_t resource_count = json_array_size(resources);

	if (json_array_size(actions) * (resource_count ? resource_count : 1) > PAIRS_MAX)
		return iam_refuse(iam, AWS_ERROR_INVALID_INPUT,
			"At most %d pairs of an action and a resource can be simulated at once.",
			PAIRS_MAX);
	json_t *results = json_array();
	for (size_t i = 0; i < json_array_size(actions); i++) {
		struct str action = text_of(json_array_get(actions, i));
		for (size_t j = 0; j < (resource_count ? resource_count : 1); j++)
			json_array_append_new(results,
				evaluate(simulation, action,
					resource_count ? text_of(json_array_get(resources, j))
						       : STR("*")));
	}
	return iam_answer_list(iam, "EvaluationResults", results);
}

static int run(struct iam *iam, bool of_principal)
{
	_cleanup_(simulation_done) struct simulation simulation = {
		.iam = iam, .principal = {.account = store_identities_account(iam->identities)}};

	if ((of_principal && add_principal(&simulation) < 0) || read_given(&simulation) < 0)
		return -1;
	return simulate(&simulation);
}

int iam_simulate_custom_policy(struct iam *iam)
{
	return run(iam, false);
}

int iam_simulate_principal_policy(struct iam *iam)
{
	return run(iam, true);
}
