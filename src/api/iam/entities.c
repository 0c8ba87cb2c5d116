/* Users, groups and instance profiles, and what all entities have: tags, boundaries, lists. */
#include "api/iam/iam_priv.h"

#include <string.h>

enum { GROUPS_PER_USER = 10, USERS_MAX = 5000, GROUPS_MAX = 300, PROFILES_MAX = 1000 };

static const char *const members[STORE_ENTITY_KINDS] = {
	[STORE_USER] = "User",
	[STORE_GROUP] = "Group",
	[STORE_ROLE] = "Role",
	[STORE_POLICY] = "Policy",
	[STORE_PROFILE] = "InstanceProfile",
};

static int answer(struct iam *iam, const struct store_entity *entity)
{
	json_t *object = iam_entity(iam, entity, IAM_FULL);

	if (!object)
		return -1;
	iam_set(iam->output, members[entity->kind], object);
	return 0;
}

static struct str path_of(const struct iam *iam)
{
	struct str path = iam_text(iam, "Path");

	return path.p ? path : STR("/");
}

/* Adds with the tags of the input and answers. */
static int add(struct iam *iam, struct store_entity *entity, int64_t max, const char *quota)
{
	int64_t count;

	if (entity->boundary.p && iam_check_boundary(iam, entity->boundary) < 0)
		return -1;
	int result = store_entity_add(iam->edit, entity, iam->err);
	if (result == STORE_EDIT_EXISTS)
		return iam_refuse_existing(iam, entity->kind, entity->name);
	if (result < 0 || store_entity_count(iam->edit, entity->kind, &count, iam->err) < 0)
		return iam_broken(iam);
	if (count > max)
		return iam_refuse(iam, AWS_ERROR_LIMIT_EXCEEDED, "Cannot exceed quota for %s: %lld",
			quota, (long long)max);
	if (iam_add_tags(iam, entity->id) < 0)
		return -1;
	return answer(iam, entity);
}

int iam_create_user(struct iam *iam)
{
	struct store_entity user = {.kind = STORE_USER,
		.name = iam_text(iam, "UserName"),
		.path = path_of(iam),
		.boundary = iam_text(iam, "PermissionsBoundary")};

	return add(iam, &user, USERS_MAX, "UsersPerAccount");
}

int iam_create_group(struct iam *iam)
{
	struct store_entity group = {
		.kind = STORE_GROUP, .name = iam_text(iam, "GroupName"), .path = path_of(iam)};

	return add(iam, &group, GROUPS_MAX, "GroupsPerAccount");
}

int iam_create_instance_profile(struct iam *iam)
{
	struct store_entity profile = {.kind = STORE_PROFILE,
		.name = iam_text(iam, "InstanceProfileName"),
		.path = path_of(iam)};

	return add(iam, &profile, PROFILES_MAX, "InstanceProfilesPerAccount");
}

int iam_get_user(struct iam *iam)
{
	struct store_entity user;

	if (iam_user_or_self(iam, &user) < 0)
		return -1;
	if (user.id.n)
		return answer(iam, &user);
	/* the root user: its id is the account's */
	struct str account = store_identities_account(iam->identities);
	iam_set(iam->output, "User",
		json_pack("{s:s, s:s, s:o, s:o, s:I}", "Path", "/", "UserName", "root", "UserId",
			iam_string(store_edit_printf(iam->edit, "%.*s", STR_ARG(account))), "Arn",
			iam_string(user.arn), "CreateDate",
			iam_time(iam->call->exchange->started_ms)));
	return 0;
}

int iam_rename(struct iam *iam)
{
	struct store_entity entity;
	struct str path = iam_text(iam, "NewPath");

	if (iam_target(iam, &entity) < 0)
		return -1;
	struct str name = iam_text(iam, entity.kind == STORE_USER ? "NewUserName" : "NewGroupName");
	if (path.p)
		entity.path = path;
	if (name.p)
		entity.name = name;
	int result = store_entity_update(iam->edit, &entity, iam->err);
	if (result == STORE_EDIT_EXISTS)
		return iam_refuse_existing(iam, entity.kind, entity.name);
	return result < 0 ? iam_broken(iam) : 0;
}

/* DeleteConflict unless the list of links or documents is empty. */
static int refuse_while(struct iam *iam, int result, size_t count, const char *sentence)
{
	if (result < 0)
		return iam_broken(iam);
	return count ? iam_refuse(iam, AWS_ERROR_DELETE_CONFLICT, "%s", sentence) : 0;
}

static int refuse_with_policies(struct iam *iam, struct str id)
{
	struct store_document *documents;
	struct str *ends;
	size_t count = 0;

	int result = store_link_from(iam->edit, STORE_LINK_ATTACHED, id, &ends, &count, iam->err);
	if (refuse_while(iam, result, count,
		    "Cannot delete entity, must detach all policies first.") < 0)
		return -1;
	result = store_document_list(iam->edit, id, &documents, &count, iam->err);
	return refuse_while(
		iam, result, count, "Cannot delete entity, must delete policies first.");
}

static int remove_entity(struct iam *iam, struct str id)
{
	return store_entity_remove(iam->edit, id, iam->err) < 0 ? iam_broken(iam) : 0;
}

int iam_delete_user(struct iam *iam)
{
	struct store_entity user;
	struct store_key *keys;
	struct str *groups;
	size_t count;

	if (iam_target(iam, &user) < 0 || refuse_with_policies(iam, user.id) < 0)
		return -1;
	int result = store_key_list(iam->edit, user.id, &keys, &count, iam->err);
	if (refuse_while(
		    iam, result, count, "Cannot delete entity, must delete access keys first.") < 0)
		return -1;
	result = store_link_to(iam->edit, STORE_LINK_MEMBER, user.id, &groups, &count, iam->err);
	if (refuse_while(iam, result, count,
		    "Cannot delete entity, must remove users from group first.") < 0)
		return -1;
	return remove_entity(iam, user.id);
}

int iam_delete_group(struct iam *iam)
{
	struct store_entity group;
	struct str *users;
	size_t count;

	if (iam_target(iam, &group) < 0 || refuse_with_policies(iam, group.id) < 0)
		return -1;
	int result =
		store_link_from(iam->edit, STORE_LINK_MEMBER, group.id, &users, &count, iam->err);
	if (refuse_while(iam, result, count,
		    "Cannot delete entity, must remove users from group first.") < 0)
		return -1;
	return remove_entity(iam, group.id);
}

int iam_delete_role(struct iam *iam)
{
	struct store_entity role;
	struct str *profiles;
	size_t count;

	if (iam_target(iam, &role) < 0)
		return -1;
	if (str_starts_with(role.path, STR("/aws-service-role/")))
		return iam_refuse(iam, AWS_ERROR_UNMODIFIABLE_ENTITY,
			"Cannot perform the operation on the protected role '%.*s' - this role is only modifiable by AWS",
			STR_ARG(role.name));
	int result =
		store_link_to(iam->edit, STORE_LINK_PROFILE, role.id, &profiles, &count, iam->err);
	if (refuse_while(iam, result, count,
		    "Cannot delete entity, must remove roles from instance profile first.") < 0 ||
		refuse_with_policies(iam, role.id) < 0)
		return -1;
	return remove_entity(iam, role.id);
}

int iam_delete_instance_profile(struct iam *iam)
{
	struct store_entity profile;
	struct str *roles;
	size_t count;

	if (iam_target(iam, &profile) < 0)
		return -1;
	int result = store_link_from(
		iam->edit, STORE_LINK_PROFILE, profile.id, &roles, &count, iam->err);
	if (refuse_while(iam, result, count,
		    "Cannot delete entity, must remove roles from instance profile first.") < 0)
		return -1;
	return remove_entity(iam, profile.id);
}

/* ---- of all kinds ---- */

int iam_list_entities(struct iam *iam)
{
	static const struct {
		const char *operation, *member;
		enum store_entity_kind kind;
	} lists[] = {
		{"ListUsers", "Users", STORE_USER},
		{"ListGroups", "Groups", STORE_GROUP},
		{"ListRoles", "Roles", STORE_ROLE},
		{"ListInstanceProfiles", "InstanceProfiles", STORE_PROFILE},
	};
	struct str prefix = iam_text(iam, "PathPrefix");
	struct store_entity *entities;
	struct iam_page page;
	size_t count, which = 0;

	while (strcmp(lists[which].operation, iam->call->operation->name) != 0)
		which++;
	if (iam_page_begin(iam, &page) < 0)
		return -1;
	if (store_entity_list(iam->edit, lists[which].kind, prefix.p ? prefix : STR("/"),
		    page.after, page.max + 1, &entities, &count, iam->err) < 0)
		return iam_broken(iam);
	bool is_truncated = count > page.max;
	json_t *list = json_array();
	iam_set(iam->output, lists[which].member, list);
	for (size_t i = 0; i < count - is_truncated; i++) {
		json_t *object = iam_entity(iam, &entities[i], IAM_BRIEF);
		if (!object)
			return -1;
		json_array_append_new(list, object);
	}
	iam_page_end(iam, is_truncated, is_truncated ? entities[count - 2].name : STR(""));
	return 0;
}

/* Entities by id as a list of the output. */
static int answer_entities(struct iam *iam, const char *member, const struct str *ids, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		struct store_entity entity;
		json_t *object = NULL;
		int result = store_entity_find_id(iam->edit, ids[i], &entity, iam->err);
		if (result == STORE_EDIT_NONE)
			continue;
		if (result == 0)
			object = iam_entity(iam, &entity, IAM_BRIEF);
		if (!object) {
			json_decref(list);
			return iam_broken(iam);
		}
		json_array_append_new(list, object);
	}
	return iam_answer_list(iam, member, list);
}

int iam_get_entity(struct iam *iam)
{
	struct store_entity entity;
	struct str *users;
	size_t count;

	if (iam_target(iam, &entity) < 0 || answer(iam, &entity) < 0)
		return -1;
	if (entity.kind != STORE_GROUP)
		return 0;
	if (store_link_from(iam->edit, STORE_LINK_MEMBER, entity.id, &users, &count, iam->err) < 0)
		return iam_broken(iam);
	return answer_entities(iam, "Users", users, count);
}

int iam_list_groups_for_user(struct iam *iam)
{
	struct store_entity user;
	struct str *groups;
	size_t count;

	if (iam_target(iam, &user) < 0)
		return -1;
	if (store_link_to(iam->edit, STORE_LINK_MEMBER, user.id, &groups, &count, iam->err) < 0)
		return iam_broken(iam);
	return answer_entities(iam, "Groups", groups, count);
}

int iam_list_instance_profiles_for_role(struct iam *iam)
{
	struct store_entity role;
	struct str *profiles;
	size_t count;

	if (iam_target(iam, &role) < 0)
		return -1;
	if (store_link_to(iam->edit, STORE_LINK_PROFILE, role.id, &profiles, &count, iam->err) < 0)
		return iam_broken(iam);
	return answer_entities(iam, "InstanceProfiles", profiles, count);
}

/* ---- members ---- */

static int group_and_user(
	struct iam *iam, struct store_entity *ret_group, struct store_entity *ret_user)
{
	return iam_find(iam, STORE_GROUP, iam_text(iam, "GroupName"), ret_group) < 0 ||
			       iam_find(iam, STORE_USER, iam_text(iam, "UserName"), ret_user) < 0
		       ? -1
		       : 0;
}

int iam_add_user_to_group(struct iam *iam)
{
	struct store_entity group, user;
	struct str *groups;
	size_t count;

	if (group_and_user(iam, &group, &user) < 0)
		return -1;
	if (store_link_add(iam->edit, STORE_LINK_MEMBER, group.id, user.id, iam->err) < 0 ||
		store_link_to(iam->edit, STORE_LINK_MEMBER, user.id, &groups, &count, iam->err) < 0)
		return iam_broken(iam);
	if (count > GROUPS_PER_USER)
		return iam_refuse(iam, AWS_ERROR_LIMIT_EXCEEDED,
			"Cannot exceed quota for GroupsPerUser: %d", GROUPS_PER_USER);
	return 0;
}

int iam_remove_user_from_group(struct iam *iam)
{
	struct store_entity group, user;

	if (group_and_user(iam, &group, &user) < 0)
		return -1;
	return store_link_remove(iam->edit, STORE_LINK_MEMBER, group.id, user.id, iam->err) < 0
		       ? iam_broken(iam)
		       : 0;
}

static int profile_and_role(
	struct iam *iam, struct store_entity *ret_profile, struct store_entity *ret_role)
{
	return iam_find(iam, STORE_PROFILE, iam_text(iam, "InstanceProfileName"), ret_profile) <
				       0 ||
			       iam_find(iam, STORE_ROLE, iam_text(iam, "RoleName"), ret_role) < 0
		       ? -1
		       : 0;
}

/* Whoever hands a role to a service must be allowed to. */
static int may_pass(struct iam *iam, const struct store_entity *role)
{
	const struct str service = STR("ec2.amazonaws.com");
	const struct aws_context_key key = {STR("iam:PassedToService"), &service, 1};

	return api_authorize(iam->call->exchange, STR("iam:PassRole"), role->arn, NULL, STR_NONE,
		&key, 1, iam->error);
}

int iam_add_role_to_instance_profile(struct iam *iam)
{
	struct store_entity profile, role;
	struct str *roles;
	size_t count;

	if (profile_and_role(iam, &profile, &role) < 0 || may_pass(iam, &role) < 0)
		return -1;
	if (store_link_from(iam->edit, STORE_LINK_PROFILE, profile.id, &roles, &count, iam->err) <
		0)
		return iam_broken(iam);
	if (count)
		return iam_refuse(iam, AWS_ERROR_LIMIT_EXCEEDED,
			"Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1");
	return store_link_add(iam->edit, STORE_LINK_PROFILE, profile.id, role.id, iam->err) < 0
		       ? iam_broken(iam)
		       : 0;
}

int iam_remove_role_from_instance_profile(struct iam *iam)
{
	struct store_entity profile, role;

	if (profile_and_role(iam, &profile, &role) < 0)
		return -1;
	int result =
		store_link_remove(iam->edit, STORE_LINK_PROFILE, profile.id, role.id, iam->err);
	if (result < 0)
		return iam_broken(iam);
	if (result == STORE_EDIT_NONE)
		return iam_refuse(iam, AWS_ERROR_NO_SUCH_ENTITY,
			"The role with name %.*s cannot be found.", STR_ARG(role.name));
	return 0;
}

/* ---- tags and boundaries ---- */

static int refuse_aws_policy(struct iam *iam, const struct store_entity *entity)
{
	return entity->is_aws
		       ? iam_refuse(iam, AWS_ERROR_INVALID_INPUT,
				 "Policies of AWS cannot be changed: %.*s", STR_ARG(entity->arn))
		       : 0;
}

int iam_tag(struct iam *iam)
{
	struct store_entity entity;

	if (iam_target(iam, &entity) < 0 || refuse_aws_policy(iam, &entity) < 0)
		return -1;
	return iam_add_tags(iam, entity.id);
}

int iam_untag(struct iam *iam)
{
	const json_t *keys = iam_input(iam, "TagKeys");
	struct store_entity entity;

	if (iam_target(iam, &entity) < 0 || refuse_aws_policy(iam, &entity) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(keys); i++) {
		const json_t *key = json_array_get(keys, i);
		if (store_tag_remove(iam->edit, entity.id,
			    (struct str){json_string_value(key), json_string_length(key)},
			    iam->err) < 0)
			return iam_broken(iam);
	}
	return 0;
}

int iam_list_tags(struct iam *iam)
{
	struct store_entity entity;

	if (iam_target(iam, &entity) < 0)
		return -1;
	return iam_answer_list(iam, "Tags", iam_tags(iam, entity.id));
}

static int set_boundary(struct iam *iam, struct str arn)
{
	struct store_entity entity;

	if (iam_target(iam, &entity) < 0 || (arn.p && iam_check_boundary(iam, arn) < 0))
		return -1;
	if (!arn.p && !entity.boundary.p)
		return iam_refuse(iam, AWS_ERROR_NO_SUCH_ENTITY,
			"%s %.*s does not have a permissions boundary.", members[entity.kind],
			STR_ARG(entity.name));
	entity.boundary = arn;
	return store_entity_update(iam->edit, &entity, iam->err) < 0 ? iam_broken(iam) : 0;
}

int iam_put_boundary(struct iam *iam)
{
	return set_boundary(iam, iam_text(iam, "PermissionsBoundary"));
}

int iam_delete_boundary(struct iam *iam)
{
	return set_boundary(iam, STR_NONE);
}
