/* GetFederationToken: a session for somebody who is no user here, within what its session policy
 * and the policies of the user (or root) that asks both allow; without a session policy nothing but
 * what a resource's policy allows it by name (STS API reference, GetFederationToken). */
#include "api/sts/sts_priv.h"

#include <stdio.h>

enum { FEDERATION_DEFAULT_S = 43200, FEDERATION_OF_ROOT_MAX_S = 3600 };

static int ask(struct sts_session *session, struct str arn, struct str action)
{
	return api_authorize(session->call->exchange, action, arn, NULL, STR_NONE,
		session->about.context, session->about.context_count, session->error);
}

static int federate(struct sts_session *session, struct str arn)
{
	const struct store_caller *caller = session->call->exchange->caller;
	struct store_entity user = {.id = STR("")};

	session->seconds = sts_number(session->call, "DurationSeconds", FEDERATION_DEFAULT_S);
	if (caller->is_root && session->seconds > FEDERATION_OF_ROOT_MAX_S)
		session->seconds = FEDERATION_OF_ROOT_MAX_S;
	if (sts_read_tags(session) < 0 || sts_add_keys(session) < 0 ||
		ask(session, arn, STR("sts:GetFederationToken")) < 0 ||
		(session->given_count && ask(session, arn, STR("sts:TagSession")) < 0) ||
		sts_read_policies(session) < 0)
		return -1;
	if (!caller->is_root && store_entity_find(session->edit, STORE_USER, caller->user_name,
					&user, session->err) != 0)
		return sts_broken(session);
	return sts_session_make(session, user.id);
}

int sts_get_federation_token(struct api_call *call, struct aws_error *error)
{
	_cleanup_(store_edit_endp) struct store_edit *edit = NULL;
	_cleanup_buf_ struct buf arn = {0}, id = {0};
	struct str account = sts_account(call);
	_cleanup_(sts_session_done) struct sts_session session = {.call = call,
		.error = error,
		.err = &call->exchange->err,
		.source_identity = STR(""),
		.role = {.id = STR("")},
		.name = sts_text(call, "Name")};

	if (call->exchange->caller->session_token.n)
		return aws_error_set(error, AWS_ERROR_ACCESS_DENIED,
			"Cannot call GetFederationToken with session credentials");
	buf_printf(&id, "%.*s:%.*s", STR_ARG(account), STR_ARG(session.name));
	buf_printf(&arn, "arn:aws:sts::%.*s:federated-user/%.*s", STR_ARG(account),
		STR_ARG(session.name));
	if (store_edit_begin(sts_identities(call), true, &edit, session.err) < 0)
		return sts_broken(&session);
	session.edit = edit;
	if (federate(&session, buf_str(&arn)) < 0)
		return -1;
	json_object_set_new(call->output, "FederatedUser",
		json_pack("{s:o, s:o}", "FederatedUserId", sts_string(buf_str(&id)), "Arn",
			sts_string(buf_str(&arn))));
	return 0;
}
