/* AssumeRole asks twice. First the role: does its trust policy mean the caller, by name or by
 * account? Then the caller: do its own policies allow it, or did the trust policy name it itself
 * (IAM guide, "Policies and permissions: role trust policies")? Both questions are api_authorize's,
 * so that all condition keys count in both. */
#include "api/sts/sts_priv.h"

#include "aws/arn.h"
#include "base/clock.h"

#include <stdio.h>
#include <strings.h>

enum {
	DURATION_DEFAULT_S = 3600,
	CHAINED_MAX_S = 3600,
	POLICY_MAX = 2048,
	POLICY_ARNS_MAX = 10,
	TAGS_MAX = 50,
};

struct assuming {
	struct api_call *call;
	struct store_edit *edit;
	struct aws_error *error;
	struct err *err;
	struct str role_arn, session_name;
	struct str source_identity; /* given, or the calling session's; empty: none */
	struct api_authorization about;
	struct store_entity role;
	struct store_tag tags[TAGS_MAX];
	size_t tag_count;
	struct str policy_arns[POLICY_ARNS_MAX];
	size_t policy_arn_count;
	int64_t seconds;
};

static int broken(struct assuming *assuming)
{
	return aws_error_internal(assuming->error);
}

/* A role that is not there is refused as one that may not be assumed. */
static int refuse(struct assuming *assuming, const char *action)
{
	const struct store_caller *caller = assuming->call->exchange->caller;

	return aws_error_set(assuming->error, AWS_ERROR_ACCESS_DENIED,
		"User: %.*s is not authorized to perform: %s on resource: %.*s",
		STR_ARG(caller->principal.arn), action, STR_ARG(assuming->role_arn));
}

static int find_role(struct assuming *assuming)
{
	struct str rest, part, name = STR("");
	struct aws_arn arn;

	if (!aws_arn_parse(assuming->role_arn, &arn) || !str_equal(arn.service, STR("iam")) ||
		!str_starts_with(arn.resource, STR("role/")))
		return aws_error_set(assuming->error, AWS_ERROR_VALIDATION_ERROR, "%.*s is invalid",
			STR_ARG(assuming->role_arn));
	rest = arn.resource;
	while (str_split(&rest, '/', &part))
		name = part;
	int result =
		store_entity_find(assuming->edit, STORE_ROLE, name, &assuming->role, assuming->err);
	if (result < 0)
		return broken(assuming);
	if (result == STORE_EDIT_NONE || !str_equal(assuming->role.arn, assuming->role_arn))
		return refuse(assuming, "sts:AssumeRole");
	return 0;
}

static int read_tags(struct assuming *assuming)
{
	const json_t *tags = json_object_get(assuming->call->input, "Tags");

	for (size_t i = 0; i < json_array_size(tags) && i < TAGS_MAX; i++) {
		const json_t *key = json_object_get(json_array_get(tags, i), "Key");
		const json_t *value = json_object_get(json_array_get(tags, i), "Value");
		struct store_tag tag = {{json_string_value(key), json_string_length(key)},
			{json_string_value(value), json_string_length(value)}};
		if (tag.key.n >= 4 && strncasecmp(tag.key.p, "aws:", 4) == 0)
			return aws_error_set(assuming->error, AWS_ERROR_INVALID_INPUT,
				"aws: prefixed tag key names are not allowed for external use.");
		for (size_t j = 0; j < assuming->tag_count; j++)
			if (str_equal_ignoring_case(assuming->tags[j].key, tag.key))
				return aws_error_set(assuming->error, AWS_ERROR_INVALID_INPUT,
					"Duplicate tag keys found. Please note that Tag keys are case insensitive.");
		assuming->tags[assuming->tag_count++] = tag;
	}
	return 0;
}

/* Once it is set a source identity stays through all roles that follow (STS API reference). */
static int read_source_identity(struct assuming *assuming)
{
	struct str given = sts_text(assuming->call, "SourceIdentity");
	struct str kept = assuming->call->exchange->caller->source_identity;

	assuming->source_identity = kept.n ? kept : given.p ? given : STR("");
	if (kept.n && given.p && !str_equal(kept, given))
		return aws_error_set(assuming->error, AWS_ERROR_ACCESS_DENIED,
			"The source identity of the session is set and cannot be changed.");
	return 0;
}

/* The tags of the role, as those of any resource. */
static int add_resource_tags(struct assuming *assuming)
{
	struct store_tag *tags;
	size_t count;

	if (store_tag_list(assuming->edit, assuming->role.id, &tags, &count, assuming->err) < 0)
		return broken(assuming);
	for (size_t i = 0; i < count; i++) {
		api_about_tag(
			&assuming->about, STR("aws:ResourceTag/"), tags[i].key, tags[i].value);
		api_about_tag(
			&assuming->about, STR("iam:ResourceTag/"), tags[i].key, tags[i].value);
	}
	return 0;
}

static int add_keys(struct assuming *assuming)
{
	static const struct {
		const char *input, *key;
	} texts[] = {{"ExternalId", "sts:ExternalId"}, {"RoleSessionName", "sts:RoleSessionName"}};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct str value = sts_text(assuming->call, texts[i].input);
		if (value.p)
			api_about_key(&assuming->about, str_from(texts[i].key), value);
	}
	if (assuming->source_identity.n)
		api_about_key(
			&assuming->about, STR("sts:SourceIdentity"), assuming->source_identity);
	for (size_t i = 0; i < assuming->tag_count; i++) {
		const struct store_tag *tag = &assuming->tags[i];
		api_about_tag(&assuming->about, STR("aws:RequestTag/"), tag->key, tag->value);
		api_about_key(&assuming->about, STR("aws:TagKeys"), tag->key);
	}
	return add_resource_tags(assuming);
}

/* The caller as one whose own policies allow everything, asking across accounts: then the answer is
 * the trust policy's, whether it names the caller or the caller's account. */
static int ask_role(struct assuming *assuming, const struct aws_policy *trust,
	const struct aws_policy *all, struct str action)
{
	struct api_exchange *exchange = assuming->call->exchange;
	struct store_caller *caller = exchange->caller, freed = *caller;

	freed.policies = &all;
	freed.policy_count = 1;
	exchange->caller = &freed;
	int result = api_authorize(exchange, action, assuming->role_arn, trust, STR("of the role"),
		assuming->about.context, assuming->about.context_count, assuming->error);
	exchange->caller = caller;
	return result;
}

static int ask_both(struct assuming *assuming, const char *action)
{
	static const char all_text[] =
		"{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}";
	_cleanup_(aws_policy_freep) struct aws_policy *trust = NULL;
	_cleanup_(aws_policy_freep) struct aws_policy *all = NULL;

	if (aws_policy_parse(&trust, assuming->role.document, AWS_POLICY_TRUST, assuming->err) <
			0 ||
		aws_policy_parse(&all, str_from(all_text), AWS_POLICY_IDENTITY, assuming->err) < 0)
		return broken(assuming);
	if (ask_role(assuming, trust, all, str_from(action)) < 0 ||
		api_authorize(assuming->call->exchange, str_from(action), assuming->role_arn, trust,
			STR_NONE, assuming->about.context, assuming->about.context_count,
			assuming->error) < 0)
		return refuse(assuming, action);
	return 0;
}

/* What the request does besides assuming has permissions of its own. */
static int ask_all(struct assuming *assuming)
{
	if (add_keys(assuming) < 0 || ask_both(assuming, "sts:AssumeRole") < 0 ||
		(assuming->tag_count && ask_both(assuming, "sts:TagSession") < 0) ||
		(assuming->source_identity.n && ask_both(assuming, "sts:SetSourceIdentity") < 0))
		return -1;
	return 0;
}

static int check_duration(struct assuming *assuming)
{
	const struct store_caller *caller = assuming->call->exchange->caller;

	assuming->seconds = sts_number(assuming->call, "DurationSeconds", DURATION_DEFAULT_S);
	if (assuming->seconds > assuming->role.max_session_s)
		return aws_error_set(assuming->error, AWS_ERROR_VALIDATION_ERROR,
			"The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
	if (caller->principal.role_arn.n && assuming->seconds > CHAINED_MAX_S)
		return aws_error_set(assuming->error, AWS_ERROR_VALIDATION_ERROR,
			"The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.");
	return 0;
}

static int check_policy_arn(struct assuming *assuming, struct str arn)
{
	struct store_entity policy;
	int result = store_entity_find_policy(assuming->edit, arn, &policy, assuming->err);

	if (result < 0)
		return broken(assuming);
	if (result == STORE_EDIT_NONE)
		return aws_error_set(assuming->error, AWS_ERROR_VALIDATION_ERROR,
			"The policy %.*s does not exist or is not attachable.", STR_ARG(arn));
	assuming->policy_arns[assuming->policy_arn_count++] = arn;
	return 0;
}

static int read_policies(struct assuming *assuming, struct str *ret_policy)
{
	const json_t *arns = json_object_get(assuming->call->input, "PolicyArns");
	struct str text = sts_text(assuming->call, "Policy");
	_cleanup_(aws_policy_freep) struct aws_policy *policy = NULL;
	struct err err = ERR_INIT;

	*ret_policy = text.p ? text : STR("");
	if (text.n > POLICY_MAX)
		return aws_error_default(assuming->error, AWS_ERROR_PACKED_POLICY_TOO_LARGE);
	if (text.p && aws_policy_parse(&policy, text, AWS_POLICY_IDENTITY, &err) < 0)
		return aws_error_set(
			assuming->error, AWS_ERROR_MALFORMED_POLICY_DOCUMENT, "%s", err.message);
	if (json_array_size(arns) > POLICY_ARNS_MAX)
		return aws_error_set(assuming->error, AWS_ERROR_VALIDATION_ERROR,
			"At most %d session policies can be named.", POLICY_ARNS_MAX);
	for (size_t i = 0; i < json_array_size(arns); i++) {
		const json_t *arn = json_object_get(json_array_get(arns, i), "arn");
		if (json_is_string(arn) &&
			check_policy_arn(assuming,
				(struct str){json_string_value(arn), json_string_length(arn)}) < 0)
			return -1;
	}
	return 0;
}

static void answer(struct assuming *assuming, const struct store_session *session)
{
	json_t *output = assuming->call->output;
	struct str account = store_identities_account(assuming->call->context);
	char text[512];

	json_object_set_new(output, "Credentials", sts_credentials(session));
	snprintf(text, sizeof(text), "%.*s:%.*s", STR_ARG(assuming->role.id),
		STR_ARG(assuming->session_name));
	json_t *user = json_pack("{s:s}", "AssumedRoleId", text);
	snprintf(text, sizeof(text), "arn:aws:sts::%.*s:assumed-role/%.*s/%.*s", STR_ARG(account),
		STR_ARG(assuming->role.name), STR_ARG(assuming->session_name));
	json_object_set_new(user, "Arn", json_string(text));
	json_object_set_new(output, "AssumedRoleUser", user);
	if (session->policy.n || session->tag_count)
		json_object_set_new(output, "PackedPolicySize",
			json_integer((json_int_t)(session->policy.n * 100 / POLICY_MAX)));
	if (assuming->source_identity.n)
		json_object_set_new(
			output, "SourceIdentity", sts_string(assuming->source_identity));
}

static int assume(struct assuming *assuming)
{
	struct str policy, region = assuming->call->exchange->signature.region;

	if (find_role(assuming) < 0 || read_tags(assuming) < 0 ||
		read_source_identity(assuming) < 0 || ask_all(assuming) < 0 ||
		check_duration(assuming) < 0 || read_policies(assuming, &policy) < 0)
		return -1;
	int64_t now = clock_wall_ns() / 1000000;
	struct store_session session = {.owner = assuming->role.id,
		.name = assuming->session_name,
		.source_identity = assuming->source_identity,
		.policy = policy,
		.policy_arns = assuming->policy_arns,
		.policy_arn_count = assuming->policy_arn_count,
		.tags = assuming->tags,
		.tag_count = assuming->tag_count,
		.created_ms = now,
		.expires_ms = now + assuming->seconds * 1000};
	if (store_session_add(assuming->edit, &session, assuming->err) < 0 ||
		store_role_used(assuming->edit, assuming->role.id, now, region, assuming->err) <
			0 ||
		store_edit_commit(assuming->edit, assuming->err) < 0)
		return broken(assuming);
	answer(assuming, &session);
	return 0;
}

int sts_assume_role(struct api_call *call, struct aws_error *error)
{
	_cleanup_(store_edit_endp) struct store_edit *edit = NULL;
	struct assuming assuming = {.call = call,
		.error = error,
		.err = &call->exchange->err,
		.role_arn = sts_text(call, "RoleArn"),
		.session_name = sts_text(call, "RoleSessionName")};

	if (store_edit_begin(call->context, true, &edit, assuming.err) < 0)
		return broken(&assuming);
	assuming.edit = edit;
	int result = assume(&assuming);
	api_authorization_done(&assuming.about);
	return result;
}
