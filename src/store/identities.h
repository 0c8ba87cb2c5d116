/* identities: users, groups, access keys, roles, sessions and their policies, as IAM and STS know
 * them (IAM API reference), kept in the database, and the root key of the account.
 * What a request needs (a key's secret, a principal's policies, parsed) is answered from memory:
 * a change is seen by the next request. All threads may share a struct store_identities.
 * How they are changed is identities_edit.h's; the services api/iam and api/sts do it. */
#pragma once

#include "aws/error.h"
#include "aws/policy.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/database.h"

#include <stdbool.h>
#include <stdint.h>

#define STORE_ACCESS_KEY_MAX 128 /* IAM's bound */

struct store_identities;

/* The account's id is 12 digits; a database of another account is an error. Makes the root key when
 * there is none, and forgets sessions that are long over. database outlives the identities. */
int store_identities_open(struct store_identities **ret_identities, struct store_database *database,
	struct str account, struct err *err);
void store_identities_close(struct store_identities *identities);
MEM_DEFINE_CLEANUP(struct store_identities, store_identities_close)

/* Who signed, found by access key: immutable and counted, so that a request keeps the policies with
 * which it began. */
struct store_caller {
	struct str access_key_id, secret;
	struct str session_token; /* empty: a lasting key; compare in constant time */
	int64_t expires_ms;       /* of a session; 0: never */
	bool is_root, is_active;
	struct str user_id;   /* AIDA..., AROA...:session, or the account for root: sts' UserId,
				 aws:userid */
	struct str user_name; /* aws:username; empty for root and roles */
	struct str source_identity; /* of a role's session, also among tags; empty: none */
	struct str transitive_keys; /* of its session tags that go on, one a line; empty: none */
	struct aws_principal principal;
	const struct aws_policy *const *policies; /* identity policies: own, groups', attached; for
						     root one that allows everything */
	size_t policy_count;
	const struct aws_policy *boundary, *session_policy; /* NULL: none */
	/* aws:PrincipalTag/..., aws:PrincipalType, and of a session aws:TokenIssueTime and
	 * aws:SourceIdentity */
	const struct aws_context_key *tags;
	size_t tag_count;
};
/* NULL when no such key is known, or the database cannot be read. A session that is over is found
 * for a day, so that it can be told from an unknown one. Give it back with unref. */
struct store_caller *store_caller_find(
	struct store_identities *identities, struct str access_key_id);
struct store_caller *store_caller_ref(struct store_caller *caller);
void store_caller_unref(struct store_caller *caller); /* NULL is a no-op */
MEM_DEFINE_CLEANUP(struct store_caller, store_caller_unref)
/* A request of the caller was accepted: for "last used". Memory only, so that it never waits; a
 * thread of the identities writes it down now and then. */
void store_caller_used(struct store_identities *identities, const struct store_caller *caller,
	struct str service, struct str region);

/* The account's root key, for a ready profile. Strings live as long as identities. */
void store_identities_root_key(
	struct store_identities *identities, struct str *ret_access_key_id, struct str *ret_secret);
struct str store_identities_account(struct store_identities *identities);

/* The root key as a file that AWS clients read (AWS_SHARED_CREDENTIALS_FILE), mode 0600, written
 * whole or not at all and only when it would change. endpoint: http://127.0.0.1:PORT. */
#define STORE_PROFILE_NAME "nagare"
int store_identities_write_profile(struct store_identities *identities, const char *path,
	struct str region, struct str endpoint, struct err *err);

/* For fsck, with no server running: where the root key is. After the loss of the database the
 * server's profile still has it; repair puts it back, so that clients that use it go on. Nothing
 * else of identities can be had again. */
enum store_root_key { STORE_ROOT_KEY_THERE, STORE_ROOT_KEY_LOST, STORE_ROOT_KEY_IN_PROFILE };
/* An enum store_root_key, or <0. */
int store_identities_restore(
	struct store_database *database, const char *profile, bool repair, struct err *err);
