/* What IAM answers, made of the store's rows. */
#include "api/iam/iam_priv.h"

#include "aws/uri.h"

#include <assert.h>
#include <stdio.h>

json_t *iam_string(struct str text)
{
	return json_stringn_nocheck(text.p ? text.p : "", text.n);
}

json_t *iam_document(struct str text)
{
	_cleanup_buf_ struct buf encoded = {0};

	aws_uri_encode(&encoded, text, AWS_URI_ENCODE_SLASH);
	return iam_string(buf_str(&encoded));
}

void iam_set(json_t *object, const char *name, json_t *value)
{
	if (!value)
		return;
	int result = json_object_set_new_nocheck(object, name, value);
	assert(result == 0);
}

void iam_set_text(json_t *object, const char *name, struct str text)
{
	if (text.p)
		iam_set(object, name, iam_string(text));
}

json_t *iam_tags(struct iam *iam, struct str owner)
{
	struct store_tag *tags;
	size_t count;

	if (store_tag_list(iam->edit, owner, &tags, &count, iam->err) < 0) {
		iam_broken(iam);
		return NULL;
	}
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_pack("{s:o, s:o}", "Key", iam_string(tags[i].key),
						    "Value", iam_string(tags[i].value)));
	return list;
}

json_t *iam_attached(struct iam *iam, struct str owner)
{
	struct str *arns;
	size_t count;

	if (store_link_from(iam->edit, STORE_LINK_ATTACHED, owner, &arns, &count, iam->err) < 0) {
		iam_broken(iam);
		return NULL;
	}
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++) {
		size_t slash = arns[i].n;
		while (slash > 0 && arns[i].p[slash - 1] != '/')
			slash--;
		json_array_append_new(list,
			json_pack("{s:o, s:o}", "PolicyName",
				iam_string((struct str){arns[i].p + slash, arns[i].n - slash}),
				"PolicyArn", iam_string(arns[i])));
	}
	return list;
}

/* Path, name, id, ARN, date: what every kind has. */
static json_t *common(const struct store_entity *entity, const char *name, const char *id)
{
	json_t *object = json_object();

	iam_set(object, "Path", iam_string(entity->path));
	iam_set(object, name, iam_string(entity->name));
	iam_set(object, id, iam_string(entity->id));
	iam_set(object, "Arn", iam_string(entity->arn));
	iam_set(object, "CreateDate", json_integer(iam_time(entity->created_ms)));
	return object;
}

static void set_boundary(json_t *object, const struct store_entity *entity)
{
	if (entity->boundary.p)
		iam_set(object, "PermissionsBoundary",
			json_pack("{s:s, s:o}", "PermissionsBoundaryType",
				"PermissionsBoundaryPolicy", "PermissionsBoundaryArn",
				iam_string(entity->boundary)));
}

static json_t *role(const struct store_entity *entity, enum iam_detail detail)
{
	json_t *object = common(entity, "RoleName", "RoleId");

	iam_set(object, "AssumeRolePolicyDocument", iam_document(entity->document));
	iam_set_text(object, "Description", entity->description);
	iam_set(object, "MaxSessionDuration", json_integer(entity->max_session_s));
	if (detail == IAM_BRIEF)
		return object;
	set_boundary(object, entity);
	json_t *used = json_object();
	if (entity->used_ms) {
		iam_set(used, "LastUsedDate", json_integer(iam_time(entity->used_ms)));
		iam_set_text(used, "Region", entity->used_region);
	}
	iam_set(object, "RoleLastUsed", used);
	return object;
}

static json_t *policy(struct iam *iam, const struct store_entity *entity, enum iam_detail detail)
{
	json_t *object = common(entity, "PolicyName", "PolicyId");
	struct str *ends;
	size_t attached, bounded;

	if (store_link_to(iam->edit, STORE_LINK_ATTACHED, entity->arn, &ends, &attached, iam->err) <
			0 ||
		store_boundary_users(iam->edit, entity->arn, &ends, &bounded, iam->err) < 0) {
		json_decref(object);
		iam_broken(iam);
		return NULL;
	}
	iam_set(object, "DefaultVersionId",
		iam_string(store_edit_printf(iam->edit, "v%lld", (long long)entity->version)));
	iam_set(object, "AttachmentCount", json_integer((json_int_t)attached));
	iam_set(object, "PermissionsBoundaryUsageCount", json_integer((json_int_t)bounded));
	iam_set(object, "IsAttachable", json_true());
	iam_set(object, "UpdateDate", json_integer(iam_time(entity->updated_ms)));
	if (detail == IAM_FULL)
		iam_set_text(object, "Description", entity->description);
	return object;
}

static json_t *profile(struct iam *iam, const struct store_entity *entity)
{
	struct str *ids;
	size_t count;

	if (store_link_from(iam->edit, STORE_LINK_PROFILE, entity->id, &ids, &count, iam->err) <
		0) {
		iam_broken(iam);
		return NULL;
	}
	json_t *roles = json_array();
	for (size_t i = 0; i < count; i++) {
		struct store_entity of_profile;
		int result = store_entity_find_id(iam->edit, ids[i], &of_profile, iam->err);
		if (result < 0) {
			json_decref(roles);
			iam_broken(iam);
			return NULL;
		}
		if (result == 0)
			json_array_append_new(roles, role(&of_profile, IAM_BRIEF));
	}
	json_t *object = common(entity, "InstanceProfileName", "InstanceProfileId");
	iam_set(object, "Roles", roles);
	return object;
}

json_t *iam_entity(struct iam *iam, const struct store_entity *entity, enum iam_detail detail)
{
	json_t *object = NULL;

	switch (entity->kind) {
	case STORE_USER:
		object = common(entity, "UserName", "UserId");
		if (detail == IAM_FULL)
			set_boundary(object, entity);
		break;
	case STORE_GROUP:
		return common(entity, "GroupName", "GroupId");
	case STORE_ROLE:
		object = role(entity, detail);
		break;
	case STORE_POLICY:
		object = policy(iam, entity, detail);
		break;
	case STORE_PROFILE:
		object = profile(iam, entity);
		break;
	case STORE_OIDC: /* of its own: oidc.c */
	case STORE_ENTITY_KINDS:
		assert(false);
	}
	if (!object || detail == IAM_BRIEF)
		return object;
	json_t *tags = iam_tags(iam, entity->id);
	if (!tags) {
		json_decref(object);
		return NULL;
	}
	if (json_array_size(tags))
		iam_set(object, "Tags", tags);
	else
		json_decref(tags);
	return object;
}
