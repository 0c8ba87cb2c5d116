/* Policies: inline in a user, group or role, and managed, with versions and attachments. */
#include "api/iam/iam_priv.h"

#include "base/number.h"

#include <stdlib.h>
#include <string.h>

enum {
	POLICY_MAX = 6144, /* characters that are no white space */
	VERSIONS_MAX = 5,
	ATTACHED_MAX = 10,
	POLICIES_MAX = 1500,
};

static size_t inline_max(enum store_entity_kind kind)
{
	return kind == STORE_USER ? 2048 : kind == STORE_GROUP ? 5120 : 10240;
}

static const char *member_of(enum store_entity_kind kind)
{
	return kind == STORE_USER ? "UserName" : kind == STORE_GROUP ? "GroupName" : "RoleName";
}

/* ---- inline ---- */

int iam_put_inline(struct iam *iam)
{
	struct str text = iam_text(iam, "PolicyDocument");
	struct store_document *documents;
	struct store_entity entity;
	size_t count, size = 0;

	if (iam_target(iam, &entity) < 0 || iam_check_document(iam, text, AWS_POLICY_IDENTITY,
						    AWS_POLICY_MAX, "PolicySize") < 0)
		return -1;
	if (store_document_put(iam->edit, entity.id, iam_text(iam, "PolicyName"), text, iam->err) <
			0 ||
		store_document_list(iam->edit, entity.id, &documents, &count, iam->err) < 0)
		return iam_broken(iam);
	for (size_t i = 0; i < count; i++)
		size += iam_document_size(documents[i].text);
	if (size > inline_max(entity.kind))
		return iam_refuse(iam, AWS_ERROR_LIMIT_EXCEEDED,
			"Maximum policy size of %zu bytes exceeded for %s %.*s",
			inline_max(entity.kind), iam_noun(entity.kind), STR_ARG(entity.name));
	return 0;
}

static int refuse_missing_inline(struct iam *iam, const struct store_entity *entity)
{
	return iam_refuse(iam, AWS_ERROR_NO_SUCH_ENTITY,
		"The %s policy with name %.*s cannot be found.", iam_noun(entity->kind),
		STR_ARG(iam_text(iam, "PolicyName")));
}

int iam_get_inline(struct iam *iam)
{
	struct str name = iam_text(iam, "PolicyName");
	struct store_document document;
	struct store_entity entity;

	if (iam_target(iam, &entity) < 0)
		return -1;
	int result = store_document_get(iam->edit, entity.id, name, &document, iam->err);
	if (result == STORE_EDIT_NONE)
		return refuse_missing_inline(iam, &entity);
	if (result < 0)
		return iam_broken(iam);
	iam_set(iam->output, member_of(entity.kind), iam_string(entity.name));
	iam_set(iam->output, "PolicyName", iam_string(document.name));
	iam_set(iam->output, "PolicyDocument", iam_document(document.text));
	return 0;
}

int iam_delete_inline(struct iam *iam)
{
	struct store_entity entity;

	if (iam_target(iam, &entity) < 0)
		return -1;
	int result =
		store_document_remove(iam->edit, entity.id, iam_text(iam, "PolicyName"), iam->err);
	if (result == STORE_EDIT_NONE)
		return refuse_missing_inline(iam, &entity);
	return result < 0 ? iam_broken(iam) : 0;
}

int iam_list_inline(struct iam *iam)
{
	struct store_document *documents;
	struct store_entity entity;
	size_t count;

	if (iam_target(iam, &entity) < 0)
		return -1;
	if (store_document_list(iam->edit, entity.id, &documents, &count, iam->err) < 0)
		return iam_broken(iam);
	json_t *names = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(names, iam_string(documents[i].name));
	return iam_answer_list(iam, "PolicyNames", names);
}

/* ---- attached ---- */

int iam_attach(struct iam *iam)
{
	struct str arn = iam_text(iam, "PolicyArn"), *arns;
	struct store_entity entity, policy;
	size_t count;

	if (iam_target(iam, &entity) < 0)
		return -1;
	int result = store_entity_find_policy(iam->edit, arn, &policy, iam->err);
	if (result == STORE_EDIT_NONE)
		return iam_refuse(iam, AWS_ERROR_NO_SUCH_ENTITY,
			"Policy %.*s does not exist or is not attachable.", STR_ARG(arn));
	if (result < 0 ||
		store_link_add(iam->edit, STORE_LINK_ATTACHED, entity.id, arn, iam->err) < 0 ||
		store_link_from(
			iam->edit, STORE_LINK_ATTACHED, entity.id, &arns, &count, iam->err) < 0)
		return iam_broken(iam);
	if (count > ATTACHED_MAX)
		return iam_refuse(iam, AWS_ERROR_LIMIT_EXCEEDED,
			"Cannot exceed quota for PoliciesPer%s: %d",
			entity.kind == STORE_USER    ? "User"
			: entity.kind == STORE_GROUP ? "Group"
						     : "Role",
			ATTACHED_MAX);
	return 0;
}

int iam_detach(struct iam *iam)
{
	struct str arn = iam_text(iam, "PolicyArn");
	struct store_entity entity;

	if (iam_target(iam, &entity) < 0)
		return -1;
	int result = store_link_remove(iam->edit, STORE_LINK_ATTACHED, entity.id, arn, iam->err);
	if (result == STORE_EDIT_NONE)
		return iam_refuse(
			iam, AWS_ERROR_NO_SUCH_ENTITY, "Policy %.*s was not found.", STR_ARG(arn));
	return result < 0 ? iam_broken(iam) : 0;
}

int iam_list_attached(struct iam *iam)
{
	struct store_entity entity;

	if (iam_target(iam, &entity) < 0)
		return -1;
	return iam_answer_list(iam, "AttachedPolicies", iam_attached(iam, entity.id));
}

/* One member of ListEntitiesForPolicy's lists. */
static void add_holder(struct iam *iam, const struct store_entity *entity)
{
	static const struct {
		const char *list, *name, *id;
	} lists[] = {
		[STORE_USER] = {"PolicyUsers", "UserName", "UserId"},
		[STORE_GROUP] = {"PolicyGroups", "GroupName", "GroupId"},
		[STORE_ROLE] = {"PolicyRoles", "RoleName", "RoleId"},
	};

	json_array_append_new(json_object_get(iam->output, lists[entity->kind].list),
		json_pack("{s:o, s:o}", lists[entity->kind].name, iam_string(entity->name),
			lists[entity->kind].id, iam_string(entity->id)));
}

static bool is_wanted(struct iam *iam, const struct store_entity *entity)
{
	static const char *const names[] = {
		[STORE_USER] = "User", [STORE_GROUP] = "Group", [STORE_ROLE] = "Role"};
	struct str filter = iam_text(iam, "EntityFilter"), prefix = iam_text(iam, "PathPrefix");

	return (!filter.p || str_equal(filter, str_from(names[entity->kind]))) &&
	       (!prefix.p || str_starts_with(entity->path, prefix));
}

static int add_holders(struct iam *iam, const struct str *ids, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct store_entity entity;
		int result = store_entity_find_id(iam->edit, ids[i], &entity, iam->err);
		if (result < 0)
			return iam_broken(iam);
		if (result == 0 && is_wanted(iam, &entity))
			add_holder(iam, &entity);
	}
	return 0;
}

int iam_list_entities_for_policy(struct iam *iam)
{
	struct str usage = iam_text(iam, "PolicyUsageFilter");
	struct store_entity policy;
	struct str *attached, *bounded;
	size_t attached_count, bounded_count;

	if (iam_target(iam, &policy) < 0)
		return -1;
	if (store_link_to(iam->edit, STORE_LINK_ATTACHED, policy.arn, &attached, &attached_count,
		    iam->err) < 0 ||
		store_boundary_users(iam->edit, policy.arn, &bounded, &bounded_count, iam->err) < 0)
		return iam_broken(iam);
	iam_set(iam->output, "PolicyUsers", json_array());
	iam_set(iam->output, "PolicyGroups", json_array());
	iam_set(iam->output, "PolicyRoles", json_array());
	iam_page_end(iam, false, STR(""));
	if (!str_equal(usage, STR("PermissionsBoundary")) &&
		add_holders(iam, attached, attached_count) < 0)
		return -1;
	if (!str_equal(usage, STR("PermissionsPolicy")) &&
		add_holders(iam, bounded, bounded_count) < 0)
		return -1;
	return 0;
}

/* ---- managed ---- */

static int put_version(struct iam *iam, const struct store_entity *policy, struct str text)
{
	struct str name = store_edit_printf(iam->edit, "v%lld", (long long)policy->versions);

	return store_document_put(iam->edit, policy->id, name, text, iam->err) < 0 ? iam_broken(iam)
										   : 0;
}

int iam_create_policy(struct iam *iam)
{
	struct str path = iam_text(iam, "Path"), text = iam_text(iam, "PolicyDocument");
	struct store_entity policy = {.kind = STORE_POLICY,
		.name = iam_text(iam, "PolicyName"),
		.path = path.p ? path : STR("/"),
		.description = iam_text(iam, "Description"),
		.version = 1,
		.versions = 1};
	int64_t count;

	if (iam_check_document(iam, text, AWS_POLICY_IDENTITY, POLICY_MAX, "PolicySize") < 0)
		return -1;
	int result = store_entity_add(iam->edit, &policy, iam->err);
	if (result == STORE_EDIT_EXISTS)
		return iam_refuse_existing(iam, STORE_POLICY, policy.name);
	if (result < 0 || store_entity_count(iam->edit, STORE_POLICY, &count, iam->err) < 0)
		return iam_broken(iam);
	if (count > POLICIES_MAX)
		return iam_refuse(iam, AWS_ERROR_LIMIT_EXCEEDED,
			"Cannot exceed quota for PoliciesPerAccount: %d", POLICIES_MAX);
	if (put_version(iam, &policy, text) < 0 || iam_add_tags(iam, policy.id) < 0)
		return -1;
	json_t *object = iam_entity(iam, &policy, IAM_FULL);
	if (!object)
		return -1;
	iam_set(iam->output, "Policy", object);
	return 0;
}

/* The policy of the input, of the account. */
static int find_own_policy(struct iam *iam, struct store_entity *ret_policy)
{
	if (iam_target(iam, ret_policy) < 0)
		return -1;
	if (ret_policy->is_aws)
		return iam_refuse(iam, AWS_ERROR_ACCESS_DENIED,
			"Policies of AWS cannot be changed: %.*s", STR_ARG(ret_policy->arn));
	return 0;
}

int iam_delete_policy(struct iam *iam)
{
	struct store_document *versions;
	struct store_entity policy;
	struct str *ends;
	size_t attached, bounded, count;

	if (find_own_policy(iam, &policy) < 0)
		return -1;
	if (store_link_to(iam->edit, STORE_LINK_ATTACHED, policy.arn, &ends, &attached, iam->err) <
			0 ||
		store_boundary_users(iam->edit, policy.arn, &ends, &bounded, iam->err) < 0 ||
		store_document_list(iam->edit, policy.id, &versions, &count, iam->err) < 0)
		return iam_broken(iam);
	if (attached || bounded)
		return iam_refuse(iam, AWS_ERROR_DELETE_CONFLICT,
			"Cannot delete a policy attached to entities.");
	if (count > 1)
		return iam_refuse(iam, AWS_ERROR_DELETE_CONFLICT,
			"This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.");
	return store_entity_remove(iam->edit, policy.id, iam->err) < 0 ? iam_broken(iam) : 0;
}

static json_t *version_json(
	const struct store_entity *policy, const struct store_document *version, bool with_document)
{
	uint64_t number;
	bool is_default = version->name.n > 1 &&
			  number_parse((struct str){version->name.p + 1, version->name.n - 1},
				  INT64_MAX, &number) &&
			  (int64_t)number == policy->version;
	json_t *object = json_pack("{s:o, s:b, s:I}", "VersionId", iam_string(version->name),
		"IsDefaultVersion", is_default, "CreateDate", iam_time(version->created_ms));

	if (with_document)
		iam_set(object, "Document", iam_document(version->text));
	return object;
}

int iam_create_policy_version(struct iam *iam)
{
	struct str text = iam_text(iam, "PolicyDocument");
	struct store_document *versions;
	struct store_entity policy;
	size_t count;

	if (find_own_policy(iam, &policy) < 0 ||
		iam_check_document(iam, text, AWS_POLICY_IDENTITY, POLICY_MAX, "PolicySize") < 0)
		return -1;
	if (store_document_list(iam->edit, policy.id, &versions, &count, iam->err) < 0)
		return iam_broken(iam);
	if (count >= VERSIONS_MAX)
		return iam_refuse(iam, AWS_ERROR_LIMIT_EXCEEDED,
			"A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.",
			VERSIONS_MAX);
	policy.versions++;
	if (json_is_true(iam_input(iam, "SetAsDefault")))
		policy.version = policy.versions;
	if (put_version(iam, &policy, text) < 0)
		return -1;
	policy.updated_ms = iam->call->exchange->started_ms;
	struct store_document version = {
		.name = store_edit_printf(iam->edit, "v%lld", (long long)policy.versions),
		.created_ms = policy.updated_ms};
	if (store_entity_update(iam->edit, &policy, iam->err) < 0)
		return iam_broken(iam);
	iam_set(iam->output, "PolicyVersion", version_json(&policy, &version, false));
	return 0;
}

static int find_version(
	struct iam *iam, const struct store_entity *policy, struct store_document *ret_version)
{
	struct str name = iam_text(iam, "VersionId");
	int result = store_document_get(iam->edit, policy->id, name, ret_version, iam->err);

	if (result == STORE_EDIT_NONE)
		return iam_refuse(iam, AWS_ERROR_NO_SUCH_ENTITY,
			"Policy %.*s version %.*s does not exist or is not attachable.",
			STR_ARG(policy->arn), STR_ARG(name));
	return result < 0 ? iam_broken(iam) : 0;
}

int iam_get_policy_version(struct iam *iam)
{
	struct store_document version;
	struct store_entity policy;

	if (iam_target(iam, &policy) < 0 || find_version(iam, &policy, &version) < 0)
		return -1;
	iam_set(iam->output, "PolicyVersion", version_json(&policy, &version, true));
	return 0;
}

static int newer_first(const void *a, const void *b)
{
	const struct store_document *left = a, *right = b;

	if (left->name.n != right->name.n)
		return left->name.n < right->name.n ? 1 : -1;
	return memcmp(right->name.p, left->name.p, left->name.n);
}

int iam_list_policy_versions(struct iam *iam)
{
	struct store_document *versions, fixed;
	struct store_entity policy;
	size_t count = 1;

	if (iam_target(iam, &policy) < 0)
		return -1;
	if (policy.is_aws) {
		versions = &fixed;
		if (store_document_get(iam->edit, policy.id, STR("v1"), &fixed, iam->err) != 0)
			return iam_broken(iam);
	} else if (store_document_list(iam->edit, policy.id, &versions, &count, iam->err) < 0) {
		return iam_broken(iam);
	}
	if (count)
		qsort(versions, count, sizeof(*versions), newer_first);
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, version_json(&policy, &versions[i], false));
	return iam_answer_list(iam, "Versions", list);
}

static bool is_default_version(struct iam *iam, const struct store_entity *policy)
{
	return str_equal(iam_text(iam, "VersionId"),
		store_edit_printf(iam->edit, "v%lld", (long long)policy->version));
}

int iam_delete_policy_version(struct iam *iam)
{
	struct store_document version;
	struct store_entity policy;

	if (find_own_policy(iam, &policy) < 0 || find_version(iam, &policy, &version) < 0)
		return -1;
	if (is_default_version(iam, &policy))
		return iam_refuse(iam, AWS_ERROR_DELETE_CONFLICT,
			"Cannot delete the default version of a policy.");
	return store_document_remove(iam->edit, policy.id, version.name, iam->err) < 0
		       ? iam_broken(iam)
		       : 0;
}

int iam_set_default_policy_version(struct iam *iam)
{
	struct store_document version;
	struct store_entity policy;
	uint64_t number;

	if (find_own_policy(iam, &policy) < 0 || find_version(iam, &policy, &version) < 0)
		return -1;
	if (!number_parse((struct str){version.name.p + 1, version.name.n - 1}, INT64_MAX, &number))
		return iam_broken(iam);
	policy.version = (int64_t)number;
	policy.updated_ms = iam->call->exchange->started_ms;
	return store_entity_update(iam->edit, &policy, iam->err) < 0 ? iam_broken(iam) : 0;
}

/* Attached, or a boundary, as PolicyUsageFilter and OnlyAttached ask. */
static bool is_in_use(struct iam *iam, const json_t *policy)
{
	struct str usage = iam_text(iam, "PolicyUsageFilter");
	bool is_attached = json_integer_value(json_object_get(policy, "AttachmentCount")) > 0;
	bool is_boundary =
		json_integer_value(json_object_get(policy, "PermissionsBoundaryUsageCount")) > 0;

	if (str_equal(usage, STR("PermissionsPolicy")))
		return is_attached;
	if (str_equal(usage, STR("PermissionsBoundary")))
		return is_boundary;
	return is_attached || !json_is_true(iam_input(iam, "OnlyAttached"));
}

static int add_listed(struct iam *iam, json_t *list, const struct store_entity *policy)
{
	struct str prefix = iam_text(iam, "PathPrefix");

	if (prefix.p && !str_starts_with(policy->path, prefix))
		return 0;
	json_t *object = iam_entity(iam, policy, IAM_BRIEF);
	if (!object)
		return -1;
	if (is_in_use(iam, object))
		json_array_append(list, object);
	json_decref(object);
	return 0;
}

int iam_list_policies(struct iam *iam)
{
	struct str scope = iam_text(iam, "Scope");
	struct store_entity *policies, policy;
	json_t *list = json_array();
	size_t count = 0;
	int result = 0;

	if (!str_equal(scope, STR("AWS")) &&
		store_entity_list(iam->edit, STORE_POLICY, STR("/"), STR(""), POLICIES_MAX,
			&policies, &count, iam->err) < 0)
		result = iam_broken(iam);
	for (size_t i = 0; result == 0 && i < count; i++)
		result = add_listed(iam, list, &policies[i]);
	for (size_t i = 0;
		result == 0 && !str_equal(scope, STR("Local")) && i < store_managed_count(); i++) {
		store_managed_entity(iam->edit, i, &policy);
		result = add_listed(iam, list, &policy);
	}
	if (result < 0) {
		json_decref(list);
		return -1;
	}
	return iam_answer_list(iam, "Policies", list);
}
