/* Keys of the environment and of profiles: keys that stand there, roles taken with another
 * profile's keys, web identity tokens, and programs that say keys. */
#include "aws/client_priv.h"
#include "aws/credentials_priv.h"

#include <stdio.h>

#define SOURCES_MAX 8 /* profiles that lead to one another */

static const char *set_or_null(const char *text)
{
	return text && *text ? text : NULL;
}

static int environment_keys(struct aws_keys *ret_keys, struct err *err)
{
	const char *id = set_or_null(getenv("AWS_ACCESS_KEY_ID"));
	const char *secret = set_or_null(getenv("AWS_SECRET_ACCESS_KEY"));
	const char *token = set_or_null(getenv("AWS_SESSION_TOKEN"));

	if (!id && !secret)
		return PROVIDER_EMPTY;
	if (!id || !secret)
		return err_set(err, ERR_USAGE, "%s is set in the environment, but %s is not",
			id ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
			id ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
	*ret_keys = (struct aws_keys){
		mem_strdup(id), mem_strdup(secret), token ? mem_strdup(token) : NULL, 0};
	return 0;
}

int credentials_from_environment(
	struct credentials_fetch *fetch, struct aws_keys *ret_keys, struct err *err)
{
	if (fetch->is_profile_asked)
		return PROVIDER_EMPTY; /* whoever names a profile means it */
	int result = environment_keys(ret_keys, err);
	return result == PROVIDER_EMPTY
		       ? credentials_not_here(fetch, "AWS_ACCESS_KEY_ID is not set")
		       : result;
}

int credentials_from_web_identity(
	struct credentials_fetch *fetch, struct aws_keys *ret_keys, struct err *err)
{
	const struct credentials_role role = {
		.token_file = set_or_null(getenv("AWS_WEB_IDENTITY_TOKEN_FILE")),
		.role_arn = set_or_null(getenv("AWS_ROLE_ARN")),
		.session_name = set_or_null(getenv("AWS_ROLE_SESSION_NAME"))};

	if (fetch->is_profile_asked || !role.token_file)
		return PROVIDER_EMPTY;
	if (!role.role_arn)
		return err_set(err, ERR_USAGE,
			"AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not");
	return credentials_assume_role(fetch, &role, NULL, ret_keys, err);
}

static int static_keys(const struct credentials_fetch *fetch, const char *profile,
	struct aws_keys *ret_keys, struct err *err)
{
	const char *id = aws_profiles_get(fetch->profiles, profile, "aws_access_key_id");
	const char *secret = aws_profiles_get(fetch->profiles, profile, "aws_secret_access_key");
	const char *token = aws_profiles_get(fetch->profiles, profile, "aws_session_token");

	if (!id && !secret)
		return PROVIDER_EMPTY;
	if (!id || !secret)
		return err_set(err, ERR_USAGE, "profile %s has %s, but not %s", profile,
			id ? "aws_access_key_id" : "aws_secret_access_key",
			id ? "aws_secret_access_key" : "aws_access_key_id");
	*ret_keys = (struct aws_keys){
		mem_strdup(id), mem_strdup(secret), token ? mem_strdup(token) : NULL, 0};
	return 0;
}

static int keys_of_source(struct credentials_fetch *fetch, const char *profile, const char *source,
	struct aws_keys *ret_keys, struct err *err)
{
	int result;

	if (strcmp(source, "Environment") == 0)
		result = environment_keys(ret_keys, err);
	else if (strcmp(source, "EcsContainer") == 0)
		result = credentials_from_container(fetch, ret_keys, err);
	else if (strcmp(source, "Ec2InstanceMetadata") == 0)
		result = credentials_from_instance(fetch, ret_keys, err);
	else
		return err_set(err, ERR_USAGE,
			"profile %s: credential_source \"%s\" is none of Environment, "
			"EcsContainer, Ec2InstanceMetadata",
			profile, source);
	return result == PROVIDER_EMPTY
		       ? err_set(err, ERR_PERMISSION,
				 "profile %s: credential_source %s has no keys", profile, source)
		       : result;
}

static unsigned duration_of(const struct credentials_fetch *fetch, const char *profile)
{
	const char *text = aws_profiles_get(fetch->profiles, profile, "duration_seconds");
	unsigned long seconds = text ? strtoul(text, NULL, 10) : 0;

	return seconds >= 900 && seconds <= 43200 ? (unsigned)seconds : 0;
}

/* The profile that a role's keys come from: NULL when they do not come from a profile. */
static int check_role(const struct credentials_fetch *fetch, const char *profile,
	const char **ret_from, struct err *err)
{
	const struct aws_profiles *profiles = fetch->profiles;
	const char *from = aws_profiles_get(profiles, profile, "source_profile");
	const char *source = aws_profiles_get(profiles, profile, "credential_source");
	const char *token = aws_profiles_get(profiles, profile, "web_identity_token_file");

	if (aws_profiles_get(profiles, profile, "mfa_serial")) {
		err_set(err, ERR_UNSUPPORTED, "profile %s asks for an MFA code (mfa_serial)",
			profile);
		return err_hint(err,
			"get its keys with aws configure export-credentials --profile %s --format "
			"env",
			profile);
	}
	if (!token && !from == !source)
		return err_set(err, ERR_USAGE,
			"profile %s has role_arn: expected one of source_profile, "
			"credential_source and web_identity_token_file with it",
			profile);
	*ret_from = token ? NULL : from;
	return 0;
}

/* The role of one profile, with keys (of its source_profile) or with what it names. */
static int take_role(struct credentials_fetch *fetch, const char *profile,
	const struct aws_keys *keys, struct aws_keys *ret_keys, struct err *err)
{
	const struct aws_profiles *profiles = fetch->profiles;
	const struct credentials_role role = {
		.role_arn = aws_profiles_get(profiles, profile, "role_arn"),
		.session_name = aws_profiles_get(profiles, profile, "role_session_name"),
		.external_id = aws_profiles_get(profiles, profile, "external_id"),
		.token_file = aws_profiles_get(profiles, profile, "web_identity_token_file"),
		.region = aws_profiles_get(profiles, profile, "region"),
		.duration_seconds = duration_of(fetch, profile)};
	const char *source = aws_profiles_get(profiles, profile, "credential_source");
	_cleanup_(aws_keys_done) struct aws_keys own = {0};

	if (!keys && !role.token_file) {
		if (keys_of_source(fetch, profile, source, &own, err) < 0)
			return -1;
		keys = &own;
	}
	if (credentials_assume_role(fetch, &role, role.token_file ? NULL : keys, ret_keys, err) < 0)
		return err_wrap(err, "profile %s", profile);
	return 0;
}

/* Single sign-on keeps its tokens where only AWS's own tools renew them. */
static int refuse_sign_on(
	const struct credentials_fetch *fetch, const char *profile, struct err *err)
{
	static const char *const keys[] = {
		"sso_session", "sso_start_url", "sso_account_id", "login_session"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!aws_profiles_get(fetch->profiles, profile, keys[i]))
			continue;
		err_set(err, ERR_UNSUPPORTED, "profile %s signs in with %s, which nagare does not",
			profile, keys[i]);
		return err_hint(err,
			"run eval \"$(aws configure export-credentials --profile %s --format "
			"env)\", or give it that command without --format env as "
			"credential_process",
			profile);
	}
	return PROVIDER_EMPTY;
}

/* Of a profile without a role. */
static int plain_keys(struct credentials_fetch *fetch, const char *profile,
	struct aws_keys *ret_keys, struct err *err)
{
	const char *command = aws_profiles_get(fetch->profiles, profile, "credential_process");
	int result = static_keys(fetch, profile, ret_keys, err);

	if (result != PROVIDER_EMPTY)
		return result;
	if (!command)
		return refuse_sign_on(fetch, profile, err);
	return credentials_from_process(fetch, command, ret_keys, err) < 0
		       ? err_wrap(err, "profile %s", profile)
		       : 0;
}

/* The profiles whose roles are to be taken, the last one first. Its keys are those of *ret_end, or
 * what it names itself when that is NULL. */
struct path {
	const char *profiles[SOURCES_MAX];
	unsigned count;
};

static int find_path(const struct credentials_fetch *fetch, struct path *path, const char **ret_end,
	struct err *err)
{
	const char *at = fetch->profile, *from = NULL;

	while (at && aws_profiles_get(fetch->profiles, at, "role_arn")) {
		for (unsigned i = 0; i < path->count; i++)
			if (strcmp(path->profiles[i], at) == 0)
				return err_set(err, ERR_USAGE,
					"profile %s: its source_profile leads back to it", at);
		if (path->count == SOURCES_MAX)
			return err_set(err, ERR_USAGE, "more than %d profiles by source_profile",
				SOURCES_MAX);
		if (check_role(fetch, at, &from, err) < 0)
			return -1;
		path->profiles[path->count++] = at;
		if (from && !aws_profiles_has(fetch->profiles, from))
			return err_set(err, ERR_NOT_FOUND,
				"profile %s: no profile \"%s\" in %s, its source_profile", at, from,
				aws_profiles_files(fetch->profiles));
		bool is_own = from && strcmp(from, at) == 0; /* a role taken with its own keys */
		at = from;
		if (is_own)
			break;
	}
	*ret_end = at;
	return 0;
}

int credentials_from_profile(
	struct credentials_fetch *fetch, struct aws_keys *ret_keys, struct err *err)
{
	_cleanup_(aws_keys_done) struct aws_keys keys = {0};
	struct path path = {0};
	const char *end = NULL;
	int result = find_path(fetch, &path, &end, err);

	if (result == 0 && end)
		result = plain_keys(fetch, end, &keys, err);
	if (result < 0)
		return -1;
	if (result == PROVIDER_EMPTY && path.count)
		return err_set(err, ERR_PERMISSION, "profile %s: its source_profile %s has no keys",
			path.profiles[path.count - 1], end);
	if (result == PROVIDER_EMPTY)
		return credentials_not_here(fetch, "profile \"%s\" of %s has no keys",
			fetch->profile, aws_profiles_files(fetch->profiles));
	for (unsigned i = path.count; i-- > 0;) {
		struct aws_keys next = {0};
		if (take_role(fetch, path.profiles[i], keys.access_key_id ? &keys : NULL, &next,
			    err) < 0)
			return -1;
		aws_keys_done(&keys);
		keys = next;
	}
	*ret_keys = keys;
	keys = (struct aws_keys){0};
	return 0;
}
