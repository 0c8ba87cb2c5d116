/* identities: users, groups, access keys, roles, sessions and their policies, as IAM and STS know
 * them (IAM API reference), kept in the database, and the root key of the account.
 * What a request needs (a key's secret, a principal's policies, parsed) is answered from memory:
 * a change is seen by the next request. All threads may share a struct store_identities.
 * Everything else is as documents: see identities.c's tables and the service api/iam. */
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

struct store_identities;

/* The account's id is 12 digits. Makes the root key when there is none. */
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
	struct aws_principal principal;
	const struct aws_policy *const *policies; /* identity policies: own, groups', attached */
	size_t policy_count;
	const struct aws_policy *boundary, *session_policy; /* NULL: none */
	const struct aws_context_key *tags;                 /* aws:PrincipalTag/..., */
	size_t tag_count;
};
/* NULL when no such key is known. Give it back with unref. */
struct store_caller *store_caller_find(
	struct store_identities *identities, struct str access_key_id);
void store_caller_unref(struct store_caller *caller); /* NULL is a no-op */

/* The account's root key, for a ready profile. Strings live as long as identities. */
void store_identities_root_key(
	struct store_identities *identities, struct str *ret_access_key_id, struct str *ret_secret);
