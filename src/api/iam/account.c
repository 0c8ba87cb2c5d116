/* The account as a whole: summary, all details at once, alias. */
#include "api/iam/iam_priv.h"

#include "base/number.h"

#include <string.h>

int iam_list_account_aliases(struct iam *iam)
{
	json_t *aliases = json_array();
	struct str alias;
	int result = store_alias_get(iam->edit, &alias, iam->err);

	if (result == 0)
		json_array_append_new(aliases, iam_string(alias));
	if (result < 0) {
		json_decref(aliases);
		return iam_broken(iam);
	}
	return iam_answer_list(iam, "AccountAliases", aliases);
}

int iam_create_account_alias(struct iam *iam)
{
	return store_alias_set(iam->edit, iam_text(iam, "AccountAlias"), iam->err) < 0
		       ? iam_broken(iam)
		       : 0;
}

int iam_delete_account_alias(struct iam *iam)
{
	struct str alias, named = iam_text(iam, "AccountAlias");
	int result = store_alias_get(iam->edit, &alias, iam->err);

	if (result < 0)
		return iam_broken(iam);
	if (result == STORE_EDIT_NONE || !str_equal(alias, named))
		return iam_refuse(iam, AWS_ERROR_NO_SUCH_ENTITY,
			"The account alias %.*s cannot be found.", STR_ARG(named));
	return store_alias_set(iam->edit, STR(""), iam->err) < 0 ? iam_broken(iam) : 0;
}

int iam_get_account_password_policy(struct iam *iam)
{
	struct str account = store_identities_account(iam->identities);

	return iam_refuse(iam, AWS_ERROR_NO_SUCH_ENTITY,
		"The Password Policy with domain name %.*s cannot be found.", STR_ARG(account));
}

int iam_get_account_summary(struct iam *iam)
{
	static const struct {
		const char *name;
		int value;
	} fixed[] = {
		{"UsersQuota", 5000},
		{"GroupsQuota", 300},
		{"RolesQuota", 1000},
		{"PoliciesQuota", 1500},
		{"InstanceProfilesQuota", 1000},
		{"UserPolicySizeQuota", 2048},
		{"GroupPolicySizeQuota", 5120},
		{"RolePolicySizeQuota", 10240},
		{"PolicySizeQuota", 6144},
		{"AssumeRolePolicySizeQuota", 2048},
		{"VersionsPerPolicyQuota", 5},
		{"AccessKeysPerUserQuota", 2},
		{"GroupsPerUserQuota", 10},
		{"AttachedPoliciesPerUserQuota", 10},
		{"AttachedPoliciesPerGroupQuota", 10},
		{"AttachedPoliciesPerRoleQuota", 10},
		{"AccountAccessKeysPresent", 1},
		{"AccountMFAEnabled", 0},
		{"MFADevices", 0},
		{"MFADevicesInUse", 0},
		{"ServerCertificates", 0},
		{"GlobalEndpointTokenVersion", 1},
	};
	static const char *const counted[STORE_ENTITY_KINDS] = {
		[STORE_USER] = "Users",
		[STORE_GROUP] = "Groups",
		[STORE_ROLE] = "Roles",
		[STORE_POLICY] = "Policies",
		[STORE_PROFILE] = "InstanceProfiles",
		[STORE_OIDC] = "Providers",
	};
	json_t *summary = json_object();

	iam_set(iam->output, "SummaryMap", summary);
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		iam_set(summary, fixed[i].name, json_integer(fixed[i].value));
	for (enum store_entity_kind kind = 0; kind < STORE_ENTITY_KINDS; kind++) {
		int64_t count;
		if (store_entity_count(iam->edit, kind, &count, iam->err) < 0)
			return iam_broken(iam);
		iam_set(summary, counted[kind], json_integer(count));
	}
	return 0;
}

/* ---- GetAccountAuthorizationDetails ---- */

static const struct {
	const char *filter, *list, *inline_list;
} details[] = {
	[STORE_USER] = {"User", "UserDetailList", "UserPolicyList"},
	[STORE_GROUP] = {"Group", "GroupDetailList", "GroupPolicyList"},
	[STORE_ROLE] = {"Role", "RoleDetailList", "RolePolicyList"},
	[STORE_POLICY] = {"LocalManagedPolicy", "Policies", NULL},
};

static bool is_asked_for(struct iam *iam, const char *name)
{
	const json_t *filter = iam_input(iam, "Filter");

	for (size_t i = 0; i < json_array_size(filter); i++)
		if (strcmp(json_string_value(json_array_get(filter, i)), name) == 0)
			return true;
	return !json_array_size(filter);
}

static json_t *documents_json(
	struct iam *iam, struct str owner, bool are_versions, int64_t standard)
{
	struct store_document *documents, fixed;
	size_t count;

	if (store_document_list(iam->edit, owner, &documents, &count, iam->err) < 0)
		return NULL;
	if (are_versions && !count &&
		store_document_get(iam->edit, owner, STR("v1"), &fixed, iam->err) == 0) {
		documents = &fixed;
		count = 1;
	}
	struct str standard_name = store_edit_printf(iam->edit, "v%lld", (long long)standard);
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++) {
		json_t *text = iam_document(documents[i].text);
		json_t *name = iam_string(documents[i].name);
		json_array_append_new(list,
			are_versions ? json_pack("{s:o, s:o, s:b, s:I}", "VersionId", name,
					       "Document", text, "IsDefaultVersion",
					       str_equal(documents[i].name, standard_name),
					       "CreateDate", iam_time(documents[i].created_ms))
				     : json_pack("{s:o, s:o}", "PolicyName", name, "PolicyDocument",
					       text));
	}
	return list;
}

/* Of a user the groups' names, of a role the instance profiles. */
static int add_linked(struct iam *iam, const struct store_entity *entity, json_t *detail)
{
	enum store_link link = entity->kind == STORE_USER ? STORE_LINK_MEMBER : STORE_LINK_PROFILE;
	json_t *list = json_array();
	struct str *ids;
	size_t count;

	iam_set(detail, entity->kind == STORE_USER ? "GroupList" : "InstanceProfileList", list);
	if (store_link_to(iam->edit, link, entity->id, &ids, &count, iam->err) < 0)
		return iam_broken(iam);
	for (size_t i = 0; i < count; i++) {
		struct store_entity other;
		if (store_entity_find_id(iam->edit, ids[i], &other, iam->err) != 0)
			continue;
		json_t *item = entity->kind == STORE_USER ? iam_string(other.name)
							  : iam_entity(iam, &other, IAM_BRIEF);
		if (!item)
			return -1;
		json_array_append_new(list, item);
	}
	return 0;
}

static int add_detail(struct iam *iam, const struct store_entity *entity)
{
	json_t *detail = iam_entity(iam, entity, IAM_FULL);

	if (!detail)
		return -1;
	json_array_append_new(json_object_get(iam->output, details[entity->kind].list), detail);
	if (entity->kind == STORE_POLICY) {
		json_object_del(detail, "Tags");
		json_t *versions = documents_json(iam, entity->id, true, entity->version);
		iam_set(detail, "PolicyVersionList", versions);
		return versions ? 0 : iam_broken(iam);
	}
	if (entity->kind == STORE_ROLE) {
		json_object_del(detail, "Description");
		json_object_del(detail, "MaxSessionDuration");
	}
	json_t *documents = documents_json(iam, entity->id, false, 0);
	json_t *attached = iam_attached(iam, entity->id);
	iam_set(detail, details[entity->kind].inline_list, documents);
	iam_set(detail, "AttachedManagedPolicies", attached);
	if (!documents || !attached)
		return iam_broken(iam);
	return entity->kind == STORE_GROUP ? 0 : add_linked(iam, entity, detail);
}

/* The marker is the number of entities that were given. */
struct progress {
	uint64_t skip, given, max;
	bool is_more;
};

static int add_next(struct iam *iam, struct progress *progress, const struct store_entity *entity)
{
	if (progress->skip) {
		progress->skip--;
		return 0;
	}
	if (progress->given == progress->max) {
		progress->is_more = true;
		return 0;
	}
	progress->given++;
	return add_detail(iam, entity);
}

static int add_kind(struct iam *iam, enum store_entity_kind kind, struct progress *progress)
{
	struct store_entity *entities;
	struct str after = STR("");
	size_t count;

	do {
		if (store_entity_list(iam->edit, kind, STR("/"), after, 1000, &entities, &count,
			    iam->err) < 0)
			return iam_broken(iam);
		for (size_t i = 0; i < count && !progress->is_more; i++) {
			if (add_next(iam, progress, &entities[i]) < 0)
				return -1;
			after = entities[i].name;
		}
	} while (count == 1000 && !progress->is_more);
	return 0;
}

int iam_get_account_authorization_details(struct iam *iam)
{
	struct iam_page page;

	if (iam_page_begin(iam, &page) < 0)
		return -1;
	struct progress progress = {.max = page.max};
	if (page.after.n && !number_parse(page.after, UINT32_MAX, &progress.skip))
		return iam_refuse(iam, AWS_ERROR_VALIDATION_ERROR, "Invalid Marker.");
	uint64_t end = progress.skip;
	for (size_t i = 0; i < ARRAY_SIZE(details); i++)
		iam_set(iam->output, details[i].list, json_array());
	for (size_t i = 0; i < ARRAY_SIZE(details); i++)
		if (is_asked_for(iam, details[i].filter) &&
			add_kind(iam, (enum store_entity_kind)i, &progress) < 0)
			return -1;
	for (size_t i = 0; is_asked_for(iam, "AWSManagedPolicy") && i < store_managed_count();
		i++) {
		struct store_entity policy;
		store_managed_entity(iam->edit, i, &policy);
		if (add_next(iam, &progress, &policy) < 0)
			return -1;
	}
	end += progress.given;
	iam_page_end(iam, progress.is_more,
		store_edit_printf(iam->edit, "%llu", (unsigned long long)end));
	return 0;
}
