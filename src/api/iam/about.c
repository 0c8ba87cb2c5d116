/* What an operation of IAM is about, for the policies (Service authorization reference, "Actions,
 * resources, and condition keys for AWS IAM"): the ARN of the entity it names, with its path when
 * it is there, and iam:PolicyARN and iam:PermissionsBoundary. */
#include "api/iam/iam_priv.h"

#include "aws/arn.h"

#include <string.h>

static const struct {
	const char *input, *type;
	enum store_entity_kind kind;
} names[] = {
	{"GroupName", "group", STORE_GROUP}, /* before the user that is put into it */
	{"UserName", "user", STORE_USER},
	{"InstanceProfileName", "instance-profile", STORE_PROFILE},
	{"RoleName", "role", STORE_ROLE},
	{"PolicyName", "policy", STORE_POLICY},
};

static struct str text_of(const json_t *value)
{
	return (struct str){json_string_value(value), json_string_length(value)};
}

static void add_key(struct api_authorization *authorization, struct str name, struct str value)
{
	size_t i = authorization->context_count++;

	authorization->context_values[i] = value;
	authorization->context[i] = (struct aws_context_key){
		.name = name, .values = &authorization->context_values[i], .value_count = 1};
}

/* Of operations that name nothing: ListUsers is about user/PREFIX. */
static bool kind_listed(const char *operation, const char **ret_type)
{
	static const struct {
		const char *operation, *type;
	} lists[] = {{"ListUsers", "user"}, {"ListGroups", "group"}, {"ListRoles", "role"},
		{"ListInstanceProfiles", "instance-profile"}};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		if (strcmp(operation, lists[i].operation) == 0) {
			*ret_type = lists[i].type;
			return true;
		}
	}
	return false;
}

static void name_missing(struct api_call *call, struct api_authorization *authorization,
	const char *type, struct str name)
{
	struct str account = store_identities_account(call->context);
	struct str path = text_of(json_object_get(call->input, "Path"));

	if (!path.p)
		path = text_of(json_object_get(call->input, "PathPrefix"));
	buf_printf(&authorization->resource, "arn:aws:iam::%.*s:%s", STR_ARG(account), type);
	buf_add_str(&authorization->resource, path.p ? path : STR("/"));
	buf_add_str(&authorization->resource, name);
}

/* iam:PermissionsBoundary is what the request sets, or else what the user or role has: with it
 * somebody may be let administer only users that are bounded so. */
static void add_boundary(struct api_authorization *authorization, const struct store_entity *entity)
{
	/* until the thread's next call: the authorization has no place for it */
	static _Thread_local char kept[AWS_ARN_MAX + 1];

	if (!entity->boundary.n || entity->boundary.n > AWS_ARN_MAX || authorization->context_count)
		return;
	memcpy(kept, entity->boundary.p, entity->boundary.n);
	add_key(authorization, STR("iam:PermissionsBoundary"),
		(struct str){kept, entity->boundary.n});
}

static int name_entity(struct api_call *call, struct api_authorization *authorization,
	enum store_entity_kind kind, const char *type, struct str name, struct aws_error *error)
{
	_cleanup_(store_edit_endp) struct store_edit *edit = NULL;
	struct err *err = &call->exchange->err;
	struct store_entity entity;

	if (store_edit_begin(call->context, false, &edit, err) < 0)
		return aws_error_internal(error);
	int result = store_entity_find(edit, kind, name, &entity, err);
	if (result < 0)
		return aws_error_internal(error);
	if (result == 0)
		add_boundary(authorization, &entity);
	if (result == STORE_EDIT_NONE || json_object_get(call->input, "Path"))
		name_missing(call, authorization, type, name);
	else
		buf_add_str(&authorization->resource, entity.arn);
	return 0;
}

static bool is_self_service(const struct api_call *call)
{
	return strcmp(call->operation->name, "GetUser") == 0 ||
	       strstr(call->operation->name, "AccessKey") != NULL;
}

int iam_about(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	const json_t *arn = json_object_get(call->input, "PolicyArn");
	const json_t *boundary = json_object_get(call->input, "PermissionsBoundary");
	const struct store_caller *caller = call->exchange->caller;
	const char *type;

	if (json_is_string(boundary))
		add_key(authorization, STR("iam:PermissionsBoundary"), text_of(boundary));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const json_t *name = json_object_get(call->input, names[i].input);
		if (!json_is_string(name))
			continue;
		int result = name_entity(
			call, authorization, names[i].kind, names[i].type, text_of(name), error);
		if (json_is_string(arn))
			add_key(authorization, STR("iam:PolicyARN"), text_of(arn));
		return result;
	}
	if (!json_is_string(arn))
		arn = json_object_get(call->input, "PolicySourceArn");
	if (json_is_string(arn))
		buf_add_str(&authorization->resource, text_of(arn));
	else if (kind_listed(call->operation->name, &type))
		name_missing(call, authorization, type, STR(""));
	else if (caller && is_self_service(call))
		buf_add_str(&authorization->resource, caller->principal.arn);
	return 0;
}
