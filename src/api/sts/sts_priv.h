/* sts_priv: the handlers of STS, and what those that make a session share (session.c). */
#pragma once

#include "api/sts/sts.h"
#include "store/identities_edit.h"

extern const struct api_operation sts_operations[];

struct store_identities *sts_identities(const struct api_call *call);
struct str sts_account(const struct api_call *call);

/* The JWKS of an issuer (issuer.c), as its operator told where it is; a URL's is kept for a while.
 * again: it is old already, if it may be. 0, or what is wrong: */
enum { STS_KEYS_NONE = 1, STS_KEYS_FAILED };
int sts_issuer_keys(
	struct sts *sts, struct str issuer, bool again, struct buf *ret_jwks, struct err *err);

int sts_assume_role(struct api_call *call, struct aws_error *error);
int sts_assume_role_with_web_identity(struct api_call *call, struct aws_error *error);
int sts_get_federation_token(struct api_call *call, struct aws_error *error);

struct str sts_text(const struct api_call *call, const char *name); /* STR_NONE: not given */
int64_t sts_number(const struct api_call *call, const char *name, int64_t otherwise);
json_t *sts_string(struct str text);
json_t *sts_credentials(const struct store_session *session);

enum {
	STS_DURATION_DEFAULT_S = 3600,
	STS_POLICY_MAX = 2048,
	STS_POLICY_ARNS_MAX = 10,
	STS_TAGS_MAX = 50,
};

/* A session that is being made. */
struct sts_session {
	struct api_call *call;
	struct store_edit *edit;
	struct aws_error *error;
	struct err *err;
	struct str role_arn, name;
	struct str source_identity; /* empty: none */
	struct api_authorization about;
	struct store_entity role;
	struct store_tag tags[2 * STS_TAGS_MAX]; /* those that were given, then inherited ones */
	size_t given_count, tag_count;
	struct buf transitive; /* keys that go on, one a line */
	struct str policy;     /* empty: none */
	struct str policy_arns[STS_POLICY_ARNS_MAX];
	size_t policy_arn_count;
	int64_t seconds;
};
void sts_session_done(struct sts_session *session);
int sts_broken(struct sts_session *session);
/* RoleArn's role; ValidationError for what is no ARN of one, and for one that is not there the
 * refusal of one that may not be assumed. */
int sts_find_role(struct sts_session *session, const char *action);
/* who: in the words of the refusal. */
int sts_refuse(struct sts_session *session, const char *action);
/* One tag of the request. */
int sts_add_tag(struct sts_session *session, struct str key, struct str value);
int sts_read_tags(struct sts_session *session); /* Tags */
/* A key that is to go on: of a tag that is there. */
int sts_add_transitive(struct sts_session *session, struct str key);
/* The condition keys of name, tags, source identity and the role's own tags. */
int sts_add_keys(struct sts_session *session);
/* Policy and PolicyArns. */
int sts_read_policies(struct sts_session *session);
/* Against the role's longest. */
int sts_check_duration(struct sts_session *session);
/* Makes it, notes that the role was used, commits, and fills Credentials, PackedPolicySize and (of
 * a role) AssumedRoleUser and SourceIdentity. */
int sts_session_make(struct sts_session *session, struct str owner);
