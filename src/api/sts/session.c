/* A session on its way: its tags, policies, duration, and then the session itself. */
#include "api/sts/sts_priv.h"

#include "aws/arn.h"
#include "base/clock.h"

#include <stdio.h>
#include <strings.h>

void sts_session_done(struct sts_session *session)
{
	api_authorization_done(&session->about);
	buf_done(&session->transitive);
}

int sts_broken(struct sts_session *session)
{
	return aws_error_internal(session->error);
}

int sts_refuse(struct sts_session *session, const char *action)
{
	const struct store_caller *caller = session->call->exchange->caller;

	if (!caller)
		return aws_error_set(session->error, AWS_ERROR_ACCESS_DENIED,
			"Not authorized to perform %s", action);
	return aws_error_set(session->error, AWS_ERROR_ACCESS_DENIED,
		"User: %.*s is not authorized to perform: %s on resource: %.*s",
		STR_ARG(caller->principal.arn), action, STR_ARG(session->role_arn));
}

int sts_find_role(struct sts_session *session, const char *action)
{
	struct str rest, part, name = STR("");
	struct aws_arn arn;

	if (!aws_arn_parse(session->role_arn, &arn) || !str_equal(arn.service, STR("iam")) ||
		!str_starts_with(arn.resource, STR("role/")))
		return aws_error_set(session->error, AWS_ERROR_VALIDATION_ERROR, "%.*s is invalid",
			STR_ARG(session->role_arn));
	rest = arn.resource;
	while (str_split(&rest, '/', &part))
		name = part;
	int result =
		store_entity_find(session->edit, STORE_ROLE, name, &session->role, session->err);
	if (result < 0)
		return sts_broken(session);
	if (result == STORE_EDIT_NONE || !str_equal(session->role.arn, session->role_arn))
		return sts_refuse(session, action);
	return 0;
}

/* ---- tags ---- */

static const struct store_tag *find_tag(const struct sts_session *session, struct str key)
{
	for (size_t i = 0; i < session->tag_count; i++)
		if (str_equal_ignoring_case(session->tags[i].key, key))
			return &session->tags[i];
	return NULL;
}

int sts_add_tag(struct sts_session *session, struct str key, struct str value)
{
	if (key.n >= 4 && strncasecmp(key.p, "aws:", 4) == 0)
		return aws_error_set(session->error, AWS_ERROR_INVALID_INPUT,
			"aws: prefixed tag key names are not allowed for external use.");
	if (find_tag(session, key))
		return aws_error_set(session->error, AWS_ERROR_INVALID_INPUT,
			"Duplicate tag keys found. Please note that Tag keys are case insensitive.");
	if (session->tag_count == STS_TAGS_MAX)
		return aws_error_set(session->error, AWS_ERROR_VALIDATION_ERROR,
			"A session has at most %d tags.", STS_TAGS_MAX);
	session->tags[session->tag_count++] = (struct store_tag){key, value};
	session->given_count = session->tag_count;
	return 0;
}

int sts_read_tags(struct sts_session *session)
{
	const json_t *tags = json_object_get(session->call->input, "Tags");

	for (size_t i = 0; i < json_array_size(tags); i++) {
		const json_t *key = json_object_get(json_array_get(tags, i), "Key");
		const json_t *value = json_object_get(json_array_get(tags, i), "Value");
		if (sts_add_tag(session,
			    (struct str){json_string_value(key), json_string_length(key)},
			    (struct str){json_string_value(value), json_string_length(value)}) < 0)
			return -1;
	}
	return 0;
}

int sts_add_transitive(struct sts_session *session, struct str key)
{
	const struct store_tag *tag = find_tag(session, key);

	if (!tag)
		return aws_error_set(session->error, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"The specified transitive tag key must be included in the requested tags.");
	buf_add_str(&session->transitive, tag->key);
	buf_add_char(&session->transitive, '\n');
	return 0;
}

/* The tags of the role, as those of any resource. */
static int add_resource_tags(struct sts_session *session)
{
	struct store_tag *tags;
	size_t count;

	if (!session->role.id.n)
		return 0;
	if (store_tag_list(session->edit, session->role.id, &tags, &count, session->err) < 0)
		return sts_broken(session);
	for (size_t i = 0; i < count; i++) {
		api_about_tag(&session->about, STR("aws:ResourceTag/"), tags[i].key, tags[i].value);
		api_about_tag(&session->about, STR("iam:ResourceTag/"), tags[i].key, tags[i].value);
	}
	return 0;
}

int sts_add_keys(struct sts_session *session)
{
	struct str external = sts_text(session->call, "ExternalId");
	struct str keys = buf_str(&session->transitive), key;

	if (session->role_arn.n)
		api_about_key(&session->about, STR("sts:RoleSessionName"), session->name);
	if (external.p)
		api_about_key(&session->about, STR("sts:ExternalId"), external);
	if (session->source_identity.n)
		api_about_key(&session->about, STR("sts:SourceIdentity"), session->source_identity);
	for (size_t i = 0; i < session->given_count; i++) {
		const struct store_tag *tag = &session->tags[i];
		api_about_tag(&session->about, STR("aws:RequestTag/"), tag->key, tag->value);
		api_about_key(&session->about, STR("aws:TagKeys"), tag->key);
	}
	while (keys.n && str_split(&keys, '\n', &key))
		api_about_key(&session->about, STR("sts:TransitiveTagKeys"), key);
	return add_resource_tags(session);
}

/* ---- policies, duration ---- */

static int check_policy_arn(struct sts_session *session, struct str arn)
{
	struct store_entity policy;
	int result = store_entity_find_policy(session->edit, arn, &policy, session->err);

	if (result < 0)
		return sts_broken(session);
	if (result == STORE_EDIT_NONE)
		return aws_error_set(session->error, AWS_ERROR_VALIDATION_ERROR,
			"The policy %.*s does not exist or is not attachable.", STR_ARG(arn));
	session->policy_arns[session->policy_arn_count++] = arn;
	return 0;
}

int sts_read_policies(struct sts_session *session)
{
	const json_t *arns = json_object_get(session->call->input, "PolicyArns");
	struct str text = sts_text(session->call, "Policy");
	_cleanup_(aws_policy_freep) struct aws_policy *policy = NULL;
	struct err err = ERR_INIT;

	session->policy = text.p ? text : STR("");
	if (text.n > STS_POLICY_MAX)
		return aws_error_default(session->error, AWS_ERROR_PACKED_POLICY_TOO_LARGE);
	if (text.p && aws_policy_parse(&policy, text, AWS_POLICY_IDENTITY, &err) < 0)
		return aws_error_set(
			session->error, AWS_ERROR_MALFORMED_POLICY_DOCUMENT, "%s", err.message);
	if (json_array_size(arns) > STS_POLICY_ARNS_MAX)
		return aws_error_set(session->error, AWS_ERROR_VALIDATION_ERROR,
			"At most %d session policies can be named.", STS_POLICY_ARNS_MAX);
	for (size_t i = 0; i < json_array_size(arns); i++) {
		const json_t *arn = json_object_get(json_array_get(arns, i), "arn");
		if (json_is_string(arn) &&
			check_policy_arn(session,
				(struct str){json_string_value(arn), json_string_length(arn)}) < 0)
			return -1;
	}
	return 0;
}

int sts_check_duration(struct sts_session *session)
{
	session->seconds = sts_number(session->call, "DurationSeconds", STS_DURATION_DEFAULT_S);
	if (session->seconds > session->role.max_session_s)
		return aws_error_set(session->error, AWS_ERROR_VALIDATION_ERROR,
			"The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
	return 0;
}

/* ---- the session ---- */

static void answer(struct sts_session *session, const struct store_session *made)
{
	json_t *output = session->call->output;
	struct str account = sts_account(session->call);
	char text[512];

	json_object_set_new(output, "Credentials", sts_credentials(made));
	if (made->policy.n || made->tag_count)
		json_object_set_new(output, "PackedPolicySize",
			json_integer((json_int_t)(made->policy.n * 100 / STS_POLICY_MAX)));
	if (!session->role.id.n)
		return;
	snprintf(
		text, sizeof(text), "%.*s:%.*s", STR_ARG(session->role.id), STR_ARG(session->name));
	json_t *user = json_pack("{s:s}", "AssumedRoleId", text);
	snprintf(text, sizeof(text), "arn:aws:sts::%.*s:assumed-role/%.*s/%.*s", STR_ARG(account),
		STR_ARG(session->role.name), STR_ARG(session->name));
	json_object_set_new(user, "Arn", json_string(text));
	json_object_set_new(output, "AssumedRoleUser", user);
	if (session->source_identity.n)
		json_object_set_new(output, "SourceIdentity", sts_string(session->source_identity));
}

int sts_session_make(struct sts_session *session, struct str owner)
{
	struct str region = session->call->exchange->signature.region;
	int64_t now = clock_wall_ns() / 1000000;
	struct store_session made = {.owner = owner,
		.name = session->name,
		.source_identity = session->source_identity,
		.policy = session->policy,
		.policy_arns = session->policy_arns,
		.policy_arn_count = session->policy_arn_count,
		.transitive_keys = buf_str(&session->transitive),
		.tags = session->tags,
		.tag_count = session->tag_count,
		.created_ms = now,
		.expires_ms = now + session->seconds * 1000};

	if (store_session_add(session->edit, &made, session->err) < 0 ||
		(session->role.id.n &&
			store_role_used(session->edit, owner, now,
				region.p ? region : STR("us-east-1"), session->err) < 0) ||
		store_edit_commit(session->edit, session->err) < 0)
		return sts_broken(session);
	answer(session, &made);
	return 0;
}
