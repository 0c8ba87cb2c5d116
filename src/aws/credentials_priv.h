/* credentials_priv: what the parts of the chain share, and what the client needs of it. */
#pragma once

#include "aws/credentials.h"
#include "aws/http_priv.h"
#include "aws/profiles_priv.h"

/* As aws_credentials_get; ends when stop (NULL: nothing does) is set. */
int aws_credentials_get_until(struct aws_credentials_source *source, struct aws_stop *stop,
	struct aws_keys *ret_keys, struct err *err);
/* The files as they were when the source was made; NULL for given keys. */
const struct aws_profiles *aws_credentials_profiles(const struct aws_credentials_source *source);
const char *aws_credentials_profile(const struct aws_credentials_source *source);

/* One fetch of keys. tried collects what was looked at without finding any. */
struct credentials_fetch {
	const struct aws_credentials_settings *settings;
	const struct aws_profiles *profiles;
	const char *profile;
	bool is_profile_asked; /* in settings: the environment's keys do not count then */
	struct aws_stop *stop;
	char tried[512];
};

/* Each provider: 0 with keys, PROVIDER_EMPTY with fetch->tried told, <0. */
enum { PROVIDER_EMPTY = 1 };
__attribute__((format(printf, 2, 3))) int credentials_not_here(
	struct credentials_fetch *fetch, const char *format, ...);
int credentials_from_environment(
	struct credentials_fetch *fetch, struct aws_keys *ret_keys, struct err *err);
int credentials_from_web_identity(
	struct credentials_fetch *fetch, struct aws_keys *ret_keys, struct err *err);
int credentials_from_profile(
	struct credentials_fetch *fetch, struct aws_keys *ret_keys, struct err *err);
int credentials_from_container(
	struct credentials_fetch *fetch, struct aws_keys *ret_keys, struct err *err);
int credentials_from_instance(
	struct credentials_fetch *fetch, struct aws_keys *ret_keys, struct err *err);
int credentials_from_process(struct credentials_fetch *fetch, const char *command,
	struct aws_keys *ret_keys, struct err *err);

/* AssumeRole with keys, or AssumeRoleWithWebIdentity with a token file (keys NULL). */
struct credentials_role {
	const char *role_arn, *session_name, *external_id, *region;
	const char *token_file;
	unsigned duration_seconds; /* 0: 3600 */
};
int credentials_assume_role(struct credentials_fetch *fetch, const struct credentials_role *role,
	const struct aws_keys *keys, struct aws_keys *ret_keys, struct err *err);

/* The documents of container, instance and process. */
struct credentials_shape {
	const char *token, *expiration; /* names of the members that differ */
	bool is_versioned;              /* "Version": 1 */
};
int credentials_parse_json(struct str text, const struct credentials_shape *shape,
	struct aws_keys *ret_keys, struct err *err);
char *credentials_copy(struct str s);
