/* AssumeRoleWithWebIdentity: a token of an OpenID Connect provider that the account knows stands
 * for the signature (IAM guide, "OIDC federation"). The token says who; the provider's keys say
 * whether that is true; the provider, that it is for us (its client ids); the role's trust policy,
 * whether that one may. */
#include "api/sts/sts_priv.h"

#include "aws/jwt.h"
#include "aws/time.h"
#include "base/clock.h"

#define SCHEME    "https://"
#define TAG_CLAIM "https://aws.amazon.com/tags"
#define WHO_CLAIM "https://aws.amazon.com/source_identity"

enum { SKEW_S = 300 };

struct web_identity {
	struct sts_session session;
	struct aws_jwt jwt;
	struct store_entity provider;
	struct str issuer, subject, audience;
};

static int refuse_token(struct web_identity *web, const char *why)
{
	return aws_error_set(web->session.error, AWS_ERROR_INVALID_IDENTITY_TOKEN, "%s", why);
}

static int find_provider(struct web_identity *web)
{
	struct sts_session *session = &web->session;
	size_t scheme = sizeof(SCHEME) - 1;

	web->issuer = aws_jwt_text(&web->jwt, "iss");
	web->subject = aws_jwt_text(&web->jwt, "sub");
	if (!web->issuer.n || !web->subject.n)
		return refuse_token(web, "The ID Token provided has no iss or no sub.");
	int result = STORE_EDIT_NONE;
	if (str_starts_with(web->issuer, STR(SCHEME)))
		result = store_entity_find(session->edit, STORE_OIDC,
			(struct str){web->issuer.p + scheme, web->issuer.n - scheme},
			&web->provider, session->err);
	if (result < 0)
		return sts_broken(session);
	if (result == STORE_EDIT_NONE)
		return aws_error_set(session->error, AWS_ERROR_INVALID_IDENTITY_TOKEN,
			"No OpenIDConnect provider found in your account for %.*s",
			STR_ARG(web->issuer));
	return 0;
}

/* ---- is the token true? ---- */

static int verify(struct web_identity *web)
{
	struct sts_session *session = &web->session;
	enum aws_jwt_verdict verdict = AWS_JWT_NO_KEY;
	_cleanup_buf_ struct buf jwks = {0};

	for (int again = 0; again < 2 && verdict == AWS_JWT_NO_KEY; again++) {
		int result = sts_issuer_keys(
			session->call->context, web->issuer, again, &jwks, session->err);
		if (result == STS_KEYS_FAILED)
			return aws_error_default(session->error, AWS_ERROR_IDP_COMMUNICATION_ERROR);
		if (result)
			break;
		verdict = aws_jwt_verify(&web->jwt, buf_str(&jwks));
	}
	if (verdict == AWS_JWT_NO_KEYS || verdict == AWS_JWT_NO_KEY)
		return refuse_token(web,
			"Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements");
	return verdict == AWS_JWT_GOOD
		       ? 0
		       : refuse_token(web, "The ID Token provided could not be verified.");
}

static bool read_time(const struct web_identity *web, const char *claim, int64_t *ret_s)
{
	const json_t *value = json_object_get(web->jwt.claims, claim);

	if (!json_is_number(value))
		return false;
	*ret_s = (int64_t)json_number_value(value);
	return true;
}

static int check_times(struct web_identity *web)
{
	int64_t now = clock_wall_ns() / 1000000000, at;

	if (!read_time(web, "exp", &at) || !read_time(web, "iat", &at))
		return refuse_token(web, "The ID Token provided has no exp or no iat.");
	if (at > now + SKEW_S || (read_time(web, "nbf", &at) && at > now + SKEW_S))
		return refuse_token(web, "The ID Token provided is not valid yet.");
	read_time(web, "exp", &at);
	if (at > now)
		return 0;
	char expired[AWS_TIME_STR_MAX], current[AWS_TIME_STR_MAX];
	*aws_time_write_iso8601(expired, at * 1000) = '\0';
	*aws_time_write_iso8601(current, now * 1000) = '\0';
	return aws_error_set(web->session.error, AWS_ERROR_EXPIRED_TOKEN_EXCEPTION,
		"Token expired: current date/time %s must be before the expiration date/time %s",
		current, expired);
}

/* ---- is it for us? ---- */

static bool is_client(const json_t *clients, const json_t *audience, struct str *ret_audience)
{
	for (size_t i = 0; json_is_string(audience) && i < json_array_size(clients); i++) {
		if (!json_equal(json_array_get(clients, i), audience))
			continue;
		*ret_audience =
			(struct str){json_string_value(audience), json_string_length(audience)};
		return true;
	}
	return false;
}

/* For whom it was made (azp), or else to whom it is addressed. */
static int check_audience(struct web_identity *web)
{
	struct str text = web->provider.document;
	json_t *document = json_loadb(text.p, text.n, 0, NULL);
	const json_t *clients = json_object_get(document, "ClientIDList");
	const json_t *audience = json_object_get(web->jwt.claims, "azp");
	bool is_for_us = false;

	if (!audience)
		audience = json_object_get(web->jwt.claims, "aud");
	if (json_is_array(audience))
		for (size_t i = 0; i < json_array_size(audience) && !is_for_us; i++)
			is_for_us = is_client(clients, json_array_get(audience, i), &web->audience);
	else
		is_for_us = is_client(clients, audience, &web->audience);
	json_decref(document);
	return is_for_us ? 0 : refuse_token(web, "Incorrect token audience");
}

/* ---- what the token gives the session ---- */

static struct str text_of(const json_t *value)
{
	return json_is_string(value)
		       ? (struct str){json_string_value(value), json_string_length(value)}
		       : STR_NONE;
}

static int read_claims(struct web_identity *web)
{
	const json_t *all = json_object_get(web->jwt.claims, TAG_CLAIM);
	const json_t *keys = json_object_get(all, "transitive_tag_keys");
	json_t *tags = json_object_get(all, "principal_tags"), *value;
	struct str who = aws_jwt_text(&web->jwt, WHO_CLAIM);
	const char *key;

	json_object_foreach(tags, key, value)
	{
		const json_t *one = json_is_array(value) ? json_array_get(value, 0) : value;
		if (!json_is_string(one) || (json_is_array(value) && json_array_size(value) != 1))
			return refuse_token(web, "A principal tag must have one value.");
		if (sts_add_tag(&web->session, str_from(key), text_of(one)) < 0)
			return -1;
	}
	for (size_t i = 0; i < json_array_size(keys); i++) {
		struct str one = text_of(json_array_get(keys, i));
		if (one.p && sts_add_transitive(&web->session, one) < 0)
			return -1;
	}
	web->session.source_identity = who.p ? who : STR("");
	return 0;
}

/* ---- may it? ---- */

static void add_claim_keys(struct web_identity *web)
{
	struct api_authorization *about = &web->session.about;
	const json_t *amr = json_object_get(web->jwt.claims, "amr");
	struct str audience = text_of(json_object_get(web->jwt.claims, "aud"));
	_cleanup_buf_ struct buf name = {0};

	buf_printf(&name, "%.*s:amr", STR_ARG(web->provider.name));
	for (size_t i = 0; i < json_array_size(amr); i++) {
		struct str one = text_of(json_array_get(amr, i));
		if (one.p)
			api_about_key(about, buf_str(&name), one);
	}
	api_about_tag(about, web->provider.name, STR(":aud"), web->audience);
	api_about_tag(about, web->provider.name, STR(":sub"), web->subject);
	if (audience.p)
		api_about_tag(about, web->provider.name, STR(":oaud"), audience);
	api_about_key(about, STR("aws:FederatedProvider"), web->provider.arn);
}

static int ask(struct web_identity *web, const struct aws_policy *trust, const char *action)
{
	struct sts_session *session = &web->session;
	const struct api_question question = {.action = str_from(action),
		.resource = session->role_arn,
		.resource_policy = trust,
		.federated = web->provider.arn,
		.context = session->about.context,
		.context_count = session->about.context_count};

	return api_decide(session->call->exchange, &question, NULL, session->error) ==
			       AWS_DECISION_ALLOW
		       ? 0
		       : sts_refuse(session, action);
}

static int ask_all(struct web_identity *web)
{
	struct sts_session *session = &web->session;
	_cleanup_(aws_policy_freep) struct aws_policy *trust = NULL;

	if (aws_policy_parse(&trust, session->role.document, AWS_POLICY_TRUST, session->err) < 0)
		return sts_broken(session);
	add_claim_keys(web);
	if (sts_add_keys(session) < 0 || ask(web, trust, "sts:AssumeRoleWithWebIdentity") < 0 ||
		(session->given_count && ask(web, trust, "sts:TagSession") < 0) ||
		(session->source_identity.n && ask(web, trust, "sts:SetSourceIdentity") < 0))
		return -1;
	return 0;
}

static int assume(struct web_identity *web)
{
	struct sts_session *session = &web->session;
	json_t *output = session->call->output;

	if (!aws_jwt_read(&web->jwt, sts_text(session->call, "WebIdentityToken")))
		return refuse_token(web, "The ID Token provided is not a valid JWT.");
	if (find_provider(web) < 0 || verify(web) < 0 || check_times(web) < 0 ||
		check_audience(web) < 0 || read_claims(web) < 0 ||
		sts_find_role(session, "sts:AssumeRoleWithWebIdentity") < 0 || ask_all(web) < 0 ||
		sts_check_duration(session) < 0 || sts_read_policies(session) < 0 ||
		sts_session_make(session, session->role.id) < 0)
		return -1;
	json_object_set_new(output, "SubjectFromWebIdentityToken", sts_string(web->subject));
	json_object_set_new(output, "Provider", sts_string(web->provider.arn));
	json_object_set_new(output, "Audience", sts_string(web->audience));
	return 0;
}

int sts_assume_role_with_web_identity(struct api_call *call, struct aws_error *error)
{
	_cleanup_(store_edit_endp) struct store_edit *edit = NULL;
	struct store_caller *caller = call->exchange->caller;
	struct web_identity web = {.session = {.call = call,
					   .error = error,
					   .err = &call->exchange->err,
					   .role_arn = sts_text(call, "RoleArn"),
					   .source_identity = STR(""),
					   .name = sts_text(call, "RoleSessionName")}};

	if (store_edit_begin(sts_identities(call), true, &edit, web.session.err) < 0)
		return sts_broken(&web.session);
	web.session.edit = edit;
	call->exchange->caller = NULL; /* the token says who it is, not who signed */
	int result = assume(&web);
	call->exchange->caller = caller;
	aws_jwt_done(&web.jwt);
	sts_session_done(&web.session);
	return result;
}
