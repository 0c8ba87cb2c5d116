/* AssumeRole asks twice. First the role: does its trust policy mean the caller, by name or by
 * account? Then the caller: do its own policies allow it, or did the trust policy name it itself
 * (IAM guide, "Policies and permissions: role trust policies")? Both questions are api_authorize's,
 * so that all condition keys count in both.
 *
 * Session tags that are transitive stay with every role assumed from the session, and cannot be set
 * anew there ("Passing session tags in AWS STS"). */
#include "api/sts/sts_priv.h"

enum { CHAINED_MAX_S = 3600 };

/* Once it is set a source identity stays through all roles that follow (STS API reference). */
static int read_source_identity(struct sts_session *session)
{
	struct str given = sts_text(session->call, "SourceIdentity");
	struct str kept = session->call->exchange->caller->source_identity;

	session->source_identity = kept.n ? kept : given.p ? given : STR("");
	if (kept.n && given.p && !str_equal(kept, given))
		return aws_error_set(session->error, AWS_ERROR_ACCESS_DENIED,
			"The source identity of the session is set and cannot be changed.");
	return 0;
}

/* The value of a tag that the calling session has. */
static struct str own_tag(const struct store_caller *caller, struct str key)
{
	static const struct str prefix = {"aws:PrincipalTag/", 17};

	for (size_t i = 0; i < caller->tag_count; i++) {
		struct str name = caller->tags[i].name;
		if (str_starts_with(name, prefix) &&
			str_equal((struct str){name.p + prefix.n, name.n - prefix.n}, key))
			return caller->tags[i].values[0];
	}
	return STR_NONE;
}

/* What the request says goes on, and what went on to the caller. */
static int read_transitive(struct sts_session *session)
{
	const struct store_caller *caller = session->call->exchange->caller;
	const json_t *keys = json_object_get(session->call->input, "TransitiveTagKeys");
	struct str kept = caller->transitive_keys, key;

	for (size_t i = 0; i < json_array_size(keys); i++) {
		const json_t *one = json_array_get(keys, i);
		if (sts_add_transitive(session,
			    (struct str){json_string_value(one), json_string_length(one)}) < 0)
			return -1;
	}
	while (kept.n && str_split(&kept, '\n', &key)) {
		struct str value = own_tag(caller, key);
		if (!value.p || session->tag_count == ARRAY_SIZE(session->tags))
			continue;
		for (size_t i = 0; i < session->given_count; i++)
			if (str_equal_ignoring_case(session->tags[i].key, key))
				return aws_error_set(session->error,
					AWS_ERROR_INVALID_PARAMETER_VALUE,
					"One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.");
		session->tags[session->tag_count++] = (struct store_tag){key, value};
	}
	return 0;
}

/* The caller's inherited keys go on from the new session, too. */
static void keep_transitive(struct sts_session *session)
{
	buf_add_str(&session->transitive, session->call->exchange->caller->transitive_keys);
}

/* The caller as one whose own policies allow everything, asking across accounts: then the answer is
 * the trust policy's, whether it names the caller or the caller's account. */
static int ask_role(struct sts_session *session, const struct aws_policy *trust,
	const struct aws_policy *all, struct str action)
{
	struct api_exchange *exchange = session->call->exchange;
	struct store_caller *caller = exchange->caller, freed = *caller;

	freed.policies = &all;
	freed.policy_count = 1;
	exchange->caller = &freed;
	int result = api_authorize(exchange, action, session->role_arn, trust, STR("of the role"),
		session->about.context, session->about.context_count, session->error);
	exchange->caller = caller;
	return result;
}

static int ask_both(struct sts_session *session, const char *action)
{
	static const char all_text[] =
		"{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}";
	_cleanup_(aws_policy_freep) struct aws_policy *trust = NULL;
	_cleanup_(aws_policy_freep) struct aws_policy *all = NULL;

	if (aws_policy_parse(&trust, session->role.document, AWS_POLICY_TRUST, session->err) < 0 ||
		aws_policy_parse(&all, str_from(all_text), AWS_POLICY_IDENTITY, session->err) < 0)
		return sts_broken(session);
	if (ask_role(session, trust, all, str_from(action)) < 0 ||
		api_authorize(session->call->exchange, str_from(action), session->role_arn, trust,
			STR_NONE, session->about.context, session->about.context_count,
			session->error) < 0)
		return sts_refuse(session, action);
	return 0;
}

/* What the request does besides assuming has permissions of its own. */
static int ask_all(struct sts_session *session)
{
	if (sts_add_keys(session) < 0 || ask_both(session, "sts:AssumeRole") < 0 ||
		(session->given_count && ask_both(session, "sts:TagSession") < 0) ||
		(session->source_identity.n && ask_both(session, "sts:SetSourceIdentity") < 0))
		return -1;
	return 0;
}

static int check_duration(struct sts_session *session)
{
	const struct store_caller *caller = session->call->exchange->caller;

	if (sts_check_duration(session) < 0)
		return -1;
	if (caller->principal.role_arn.n && session->seconds > CHAINED_MAX_S)
		return aws_error_set(session->error, AWS_ERROR_VALIDATION_ERROR,
			"The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.");
	return 0;
}

static int assume(struct sts_session *session)
{
	if (sts_find_role(session, "sts:AssumeRole") < 0 || sts_read_tags(session) < 0 ||
		read_transitive(session) < 0 || read_source_identity(session) < 0 ||
		ask_all(session) < 0 || check_duration(session) < 0 ||
		sts_read_policies(session) < 0)
		return -1;
	keep_transitive(session);
	return sts_session_make(session, session->role.id);
}

int sts_assume_role(struct api_call *call, struct aws_error *error)
{
	_cleanup_(store_edit_endp) struct store_edit *edit = NULL;
	_cleanup_(sts_session_done) struct sts_session session = {.call = call,
		.error = error,
		.err = &call->exchange->err,
		.role_arn = sts_text(call, "RoleArn"),
		.name = sts_text(call, "RoleSessionName")};

	if (store_edit_begin(sts_identities(call), true, &edit, session.err) < 0)
		return sts_broken(&session);
	session.edit = edit;
	return assume(&session);
}
