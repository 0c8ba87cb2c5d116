#include "api/sts/sts_priv.h"

#include "base/clock.h"

/* GetSessionToken, in seconds. */
enum { SESSION_DEFAULT_S = 43200, SESSION_OF_ROOT_MAX_S = 3600 };

struct str sts_text(const struct api_call *call, const char *name)
{
	return api_member_text(call->input, name);
}

int64_t sts_number(const struct api_call *call, const char *name, int64_t otherwise)
{
	return api_member_number(call->input, name, otherwise);
}

json_t *sts_string(struct str text)
{
	return json_stringn_nocheck(text.p ? text.p : "", text.n);
}

json_t *sts_credentials(const struct store_session *session)
{
	json_int_t seconds = session->expires_ms / 1000;

	return json_pack("{s:o, s:o, s:o, s:I}", "AccessKeyId", sts_string(session->access_key_id),
		"SecretAccessKey", sts_string(session->secret), "SessionToken",
		sts_string(session->token), "Expiration", seconds * 1000);
}

static int get_caller_identity(struct api_call *call, struct aws_error *error)
{
	const struct store_caller *caller = call->exchange->caller;

	json_object_set_new(call->output, "UserId", sts_string(caller->user_id));
	json_object_set_new(call->output, "Account", sts_string(caller->principal.account));
	json_object_set_new(call->output, "Arn", sts_string(caller->principal.arn));
	return 0;
}

static int get_session_token(struct api_call *call, struct aws_error *error)
{
	const struct store_caller *caller = call->exchange->caller;
	_cleanup_(store_edit_endp) struct store_edit *edit = NULL;
	struct err *err = &call->exchange->err;
	struct store_entity user = {.id = STR("")};
	int64_t seconds = sts_number(call, "DurationSeconds", SESSION_DEFAULT_S);

	if (caller->session_token.n)
		return aws_error_set(error, AWS_ERROR_ACCESS_DENIED,
			"Cannot call GetSessionToken with session credentials");
	if (sts_text(call, "TokenCode").p || sts_text(call, "SerialNumber").p)
		return aws_error_set(error, AWS_ERROR_ACCESS_DENIED,
			"MultiFactorAuthentication failed with invalid MFA one time pass code.");
	if (caller->is_root && seconds > SESSION_OF_ROOT_MAX_S)
		seconds = SESSION_OF_ROOT_MAX_S;
	if (store_edit_begin(sts_identities(call), true, &edit, err) < 0)
		return aws_error_internal(error);
	if (!caller->is_root &&
		store_entity_find(edit, STORE_USER, caller->user_name, &user, err) != 0)
		return aws_error_internal(error);
	int64_t now = clock_wall_ns() / 1000000;
	struct store_session session = {.owner = user.id,
		.name = STR(""),
		.created_ms = now,
		.expires_ms = now + seconds * 1000};
	if (store_session_add(edit, &session, err) < 0 || store_edit_commit(edit, err) < 0)
		return aws_error_internal(error);
	json_object_set_new(call->output, "Credentials", sts_credentials(&session));
	return 0;
}

static int get_access_key_info(struct api_call *call, struct aws_error *error)
{
	_cleanup_(store_caller_unrefp) struct store_caller *caller =
		store_caller_find(sts_identities(call), sts_text(call, "AccessKeyId"));

	if (!caller)
		return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR,
			"The access key %.*s is not known here.",
			STR_ARG(sts_text(call, "AccessKeyId")));
	json_object_set_new(call->output, "Account", sts_string(caller->principal.account));
	return 0;
}

const struct api_operation sts_operations[] = {
	{"GetCallerIdentity", .run = get_caller_identity, .is_open = true},
	/* its permission is the role's trust policy: it asks itself */
	{"AssumeRole", .run = sts_assume_role, .is_open = true},
	{"AssumeRoleWithWebIdentity", .run = sts_assume_role_with_web_identity, .is_open = true,
		.is_unsigned = true},
	/* on the federated user's ARN, and for tags: asks itself */
	{"GetFederationToken", .run = sts_get_federation_token, .is_open = true},
	{"GetSessionToken", .run = get_session_token, .is_open = true},
	{"GetAccessKeyInfo", .run = get_access_key_info},
	{NULL},
};
