/* iam_priv: one call of IAM and what all its handlers use. A handler reads the input, works in the
 * call's edit and fills the output; it returns 0, and then the edit is committed, or <0 with the
 * error filled, and then nothing has changed. */
#pragma once

#include "api/iam/iam.h"
#include "store/identities_edit.h"

struct iam {
	struct api_call *call;
	struct store_identities *identities;
	struct store_edit *edit;
	json_t *output; /* the call's */
	struct aws_error *error;
	struct err *err;
};

enum iam_access { IAM_READS, IAM_WRITES };

int iam_run(struct api_call *call, struct aws_error *error, int (*handler)(struct iam *iam),
	enum iam_access access);

/* One declaration a handler. */
#define X(name, handler, access, about) int handler(struct iam *iam);
#include "api/iam/operations.def"
#undef X

/* ---- input ---- */

struct str iam_text(const struct iam *iam, const char *name); /* STR_NONE: not given */
int64_t iam_number(const struct iam *iam, const char *name, int64_t otherwise);
const json_t *iam_input(const struct iam *iam, const char *name);

/* ---- refusals ---- */

int iam_broken(struct iam *iam); /* err says what */
int iam_refuse(struct iam *iam, enum aws_error_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));
/* For what the store answers to an add or update. */
int iam_refuse_existing(struct iam *iam, enum store_entity_kind kind, struct str name);

/* ---- who ---- */

/* NoSuchEntity when there is none. */
int iam_find(struct iam *iam, enum store_entity_kind kind, struct str name,
	struct store_entity *ret_entity);
int iam_find_policy(struct iam *iam, struct str arn, struct store_entity *ret_policy);
int iam_find_oidc(struct iam *iam, struct str arn, struct store_entity *ret_provider);
/* Whom the input names: UserName, GroupName, RoleName, InstanceProfileName,
 * OpenIDConnectProviderArn or PolicyArn, the first of them that is there. */
int iam_target(struct iam *iam, struct store_entity *ret_entity);
/* The user named, or the one who asks; root is an entity with an empty id. */
int iam_user_or_self(struct iam *iam, struct store_entity *ret_user);
/* "user", "group", "role", ... */
const char *iam_noun(enum store_entity_kind kind);

/* ---- output ---- */

enum iam_detail { IAM_BRIEF, IAM_FULL }; /* with tags and boundary */

json_t *iam_string(struct str text);
/* As IAM gives documents: percent-encoded. */
json_t *iam_document(struct str text);
void iam_set(json_t *object, const char *name, json_t *value); /* takes value; NULL: leaves out */
/* A date to answer: IAM's are of whole seconds. */
static inline json_int_t iam_time(int64_t ms)
{
	return ms / 1000 * 1000;
}
void iam_set_text(json_t *object, const char *name, struct str text); /* not when STR_NONE */
/* A User, Group, Role, Policy or InstanceProfile; NULL: broken, error is filled. */
json_t *iam_entity(struct iam *iam, const struct store_entity *entity, enum iam_detail detail);
json_t *iam_tags(struct iam *iam, struct str owner); /* NULL: broken */
json_t *iam_attached(struct iam *iam, struct str owner);

/* Pages of a list that is whole in memory. Takes items. */
int iam_answer_list(struct iam *iam, const char *member, json_t *items);
struct iam_page {
	size_t max;
	struct str after; /* what the marker says, empty at the start */
};
int iam_page_begin(struct iam *iam, struct iam_page *ret_page);
/* After the last entry that was given. */
void iam_page_end(struct iam *iam, bool is_truncated, struct str last);

/* ---- rules ---- */

/* MalformedPolicyDocument; LimitExceeded beyond max characters that are no white space. */
int iam_check_document(
	struct iam *iam, struct str text, enum aws_policy_kind kind, size_t max, const char *quota);
size_t iam_document_size(struct str text);
/* The Tags of the input, new ones of the owner. */
int iam_add_tags(struct iam *iam, struct str owner);
/* A boundary is a policy that is there. */
int iam_check_boundary(struct iam *iam, struct str arn);
/* The name of the service's own role; STR_NONE: that is no service. */
struct str iam_linked_name(struct store_edit *edit, struct str service, struct str suffix);
/* The resources and condition keys of an operation. */
int iam_about(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error);
