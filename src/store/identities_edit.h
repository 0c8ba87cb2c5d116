/* identities_edit: the account's users, groups, roles, policies and instance profiles as rows to
 * read and change, for the services IAM and STS. They know IAM's rules and words; here is what must
 * hold in the tables.
 *
 * An edit is a transaction of one thread: begin, any number of calls, commit or end. What its calls
 * lend (strings, lists) lives until the edit's end. After a commit every later request sees the
 * change. Calls return 0, a condition named at the call, or <0 with err (disk, database). */
#pragma once

#include "store/identities.h"

struct store_edit;

enum { STORE_EDIT_DONE, STORE_EDIT_NONE, STORE_EDIT_EXISTS };

int store_edit_begin(struct store_identities *identities, bool writes, struct store_edit **ret_edit,
	struct err *err);
int store_edit_commit(struct store_edit *edit, struct err *err); /* then end it all the same */
void store_edit_end(struct store_edit *edit); /* without commit: as if nothing had been */
MEM_DEFINE_CLEANUP(struct store_edit, store_edit_end)
/* Text that lives until the edit's end. */
struct str store_edit_printf(struct store_edit *edit, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void *store_edit_take(struct store_edit *edit, size_t size); /* zeroed */

/* ---- entities ---- */

enum store_entity_kind {
	STORE_USER,
	STORE_GROUP,
	STORE_ROLE,
	STORE_POLICY,
	STORE_PROFILE,
	STORE_OIDC, /* an OpenID Connect provider */
	STORE_ENTITY_KINDS
};

struct store_entity {
	enum store_entity_kind kind;
	struct str id;   /* AIDA..., AGPA..., AROA..., ANPA..., AIPA...; OIDC... is ours */
	struct str name; /* unique in its kind whatever the case */
	struct str path; /* begins and ends with '/' */
	struct str arn;  /* made of account, kind, path and name */
	int64_t created_ms, updated_ms;
	struct str description; /* STR_NONE: none */
	struct str document;    /* roles: the trust policy */
	struct str boundary;    /* users, roles: a policy's ARN, STR_NONE: none */
	int64_t max_session_s;  /* roles */
	int64_t version;        /* policies: the default version's number */
	int64_t versions;       /* policies: the newest number given so far */
	int64_t used_ms;        /* roles: last assumed; users: never; 0: never */
	struct str used_region;
	bool is_aws; /* a policy that comes with nagare: read only */
};

/* Case does not matter. STORE_EDIT_NONE. */
int store_entity_find(struct store_edit *edit, enum store_entity_kind kind, struct str name,
	struct store_entity *ret_entity, struct err *err);
int store_entity_find_id(
	struct store_edit *edit, struct str id, struct store_entity *ret_entity, struct err *err);
/* Policies by their ARN, those of AWS too. STORE_EDIT_NONE. */
int store_entity_find_policy(
	struct store_edit *edit, struct str arn, struct store_entity *ret_entity, struct err *err);
/* Kind, name, path and what else is known are given; id, arn and created_ms are set.
 * STORE_EDIT_EXISTS. */
int store_entity_add(struct store_edit *edit, struct store_entity *entity, struct err *err);
/* Writes all of it back by its id; arn is set anew. STORE_EDIT_EXISTS: another has the name. */
int store_entity_update(struct store_edit *edit, struct store_entity *entity, struct err *err);
/* With its documents, links, tags, keys and sessions. */
int store_entity_remove(struct store_edit *edit, struct str id, struct err *err);
/* In the order of names, from behind `after` (whatever its case), those whose path begins with
 * `prefix`; at most max. AWS's policies are not among them. */
int store_entity_list(struct store_edit *edit, enum store_entity_kind kind, struct str prefix,
	struct str after, size_t max, struct store_entity **ret_entities, size_t *ret_count,
	struct err *err);
int store_entity_count(
	struct store_edit *edit, enum store_entity_kind kind, int64_t *ret_count, struct err *err);

/* AWS's policies that come with nagare, in the order of names. */
size_t store_managed_count(void);
void store_managed_entity(struct store_edit *edit, size_t index, struct store_entity *ret_entity);

/* ---- documents: inline policies by name, versions of a policy by "v1" ---- */

struct store_document {
	struct str name, text;
	int64_t created_ms;
};
/* Makes or replaces. */
int store_document_put(struct store_edit *edit, struct str owner, struct str name, struct str text,
	struct err *err);
/* STORE_EDIT_NONE. Of AWS's policies too. */
int store_document_get(struct store_edit *edit, struct str owner, struct str name,
	struct store_document *ret_document, struct err *err);
int store_document_remove(
	struct store_edit *edit, struct str owner, struct str name, struct err *err);
/* In the order of names. */
int store_document_list(struct store_edit *edit, struct str owner,
	struct store_document **ret_documents, size_t *ret_count, struct err *err);

/* ---- links ---- */

enum store_link {
	STORE_LINK_MEMBER,   /* group id to user id */
	STORE_LINK_PROFILE,  /* instance profile id to role id */
	STORE_LINK_ATTACHED, /* user, group or role id to a policy's ARN */
	STORE_LINK_SESSION,  /* session's access key id to a policy's ARN */
};
/* STORE_EDIT_EXISTS. */
int store_link_add(struct store_edit *edit, enum store_link link, struct str from, struct str to,
	struct err *err);
/* STORE_EDIT_NONE. */
int store_link_remove(struct store_edit *edit, enum store_link link, struct str from, struct str to,
	struct err *err);
/* Where the links from (or to) it lead, in order. */
int store_link_from(struct store_edit *edit, enum store_link link, struct str from,
	struct str **ret_ends, size_t *ret_count, struct err *err);
int store_link_to(struct store_edit *edit, enum store_link link, struct str to,
	struct str **ret_ends, size_t *ret_count, struct err *err);
/* Users and roles whose boundary is the policy. */
int store_boundary_users(struct store_edit *edit, struct str policy_arn, struct str **ret_ids,
	size_t *ret_count, struct err *err);

/* ---- tags ---- */

struct store_tag {
	struct str key, value;
};
/* Replaces the value of the key, whatever its case. */
int store_tag_put(struct store_edit *edit, struct str owner, struct str key, struct str value,
	struct err *err);
int store_tag_remove(struct store_edit *edit, struct str owner, struct str key, struct err *err);
/* In the order of keys. */
int store_tag_list(struct store_edit *edit, struct str owner, struct store_tag **ret_tags,
	size_t *ret_count, struct err *err);

/* ---- keys and sessions ---- */

struct store_key {
	struct str access_key_id, secret;
	struct str owner; /* user id; empty: root */
	bool is_active;
	int64_t created_ms, used_ms; /* 0: never used */
	struct str used_service, used_region;
};
/* Owner given; id, secret, created_ms are set. */
int store_key_add(struct store_edit *edit, struct store_key *key, struct err *err);
/* STORE_EDIT_NONE. */
int store_key_get(struct store_edit *edit, struct str access_key_id, struct store_key *ret_key,
	struct err *err);
int store_key_set_active(
	struct store_edit *edit, struct str access_key_id, bool is_active, struct err *err);
int store_key_remove(struct store_edit *edit, struct str access_key_id, struct err *err);
/* In the order in which they were made. */
int store_key_list(struct store_edit *edit, struct str owner, struct store_key **ret_keys,
	size_t *ret_count, struct err *err);

/* A session of a role (AssumeRole and its kin), of a user or root (GetSessionToken), or of somebody
 * for whom a user or root asked (GetFederationToken). */
struct store_session {
	struct str owner;           /* role or user id; empty: root */
	struct str name;            /* of a role's session, or of the federated user; else empty */
	struct str source_identity; /* who is behind it (AssumeRole); empty: none */
	struct str policy;          /* a session policy; empty: none */
	const struct str *policy_arns; /* session policies by ARN */
	size_t policy_arn_count;
	struct str transitive_keys;   /* of the tags that chained roles get too, one a line */
	const struct store_tag *tags; /* session tags */
	size_t tag_count;
	int64_t created_ms, expires_ms;
	struct str access_key_id, secret, token; /* set: ASIA... */
};
/* Also forgets sessions that are long over. */
int store_session_add(struct store_edit *edit, struct store_session *session, struct err *err);
/* The role was assumed. */
int store_role_used(struct store_edit *edit, struct str role, int64_t used_ms, struct str region,
	struct err *err);

/* ---- the account's alias; STORE_EDIT_NONE ---- */
int store_alias_get(struct store_edit *edit, struct str *ret_alias, struct err *err);
int store_alias_set(struct store_edit *edit, struct str alias, struct err *err); /* empty: none */
