/* What an operation of IAM is about, for the policies (Service authorization reference, "Actions,
 * resources, and condition keys for AWS IAM"): the ARN of the entity that it names, with its path
 * when it is there, and the condition keys:
 *   aws:RequestTag/KEY, aws:TagKeys   tags that the request gives or takes away
 *   aws:ResourceTag/KEY               tags of the entity; of users and roles iam:ResourceTag/KEY
 * too iam:PermissionsBoundary           what the request sets, or else what the entity has: with it
 *                                     somebody may be let administer only users that are bounded so
 *   iam:PolicyARN                     of the policy that is attached or detached
 *   iam:AWSServiceName                for whom a service-linked role is made */
#include "api/iam/iam_priv.h"

#include <string.h>

static const struct {
	const char *input, *type;
	enum store_entity_kind kind;
} names[] = {
	{"GroupName", "group", STORE_GROUP}, /* before the user that is put into it */
	{"UserName", "user", STORE_USER},
	{"InstanceProfileName", "instance-profile", STORE_PROFILE},
	{"RoleName", "role", STORE_ROLE},
};

/* Operations about what is not there yet: were it there, its tags and boundary would not count. */
static const struct {
	const char *operation, *input, *type;
} creations[] = {
	{"CreateUser", "UserName", "user"},
	{"CreateGroup", "GroupName", "group"},
	{"CreateRole", "RoleName", "role"},
	{"CreatePolicy", "PolicyName", "policy"},
	{"CreateInstanceProfile", "InstanceProfileName", "instance-profile"},
	{"CreateOpenIDConnectProvider", "Url", "oidc-provider"},
	/* these name nothing: they are about user/PREFIX */
	{"ListUsers", "", "user"},
	{"ListGroups", "", "group"},
	{"ListRoles", "", "role"},
	{"ListInstanceProfiles", "", "instance-profile"},
};

struct about {
	struct iam iam;
	struct api_authorization *authorization;
};

static struct str text_of(const json_t *value)
{
	return (struct str){json_string_value(value), json_string_length(value)};
}

static bool is_operation(const struct about *about, const char *name)
{
	return strcmp(about->iam.call->operation->name, name) == 0;
}

static void add_arn(struct about *about, const char *type, struct str path, struct str name)
{
	struct str account = store_identities_account(about->iam.identities);

	api_about_resource(about->authorization, "arn:aws:iam::%.*s:%s%.*s%.*s", STR_ARG(account),
		type, STR_ARG(path), STR_ARG(name));
}

static void add_missing(struct about *about, const char *type, struct str name)
{
	struct str path = iam_text(&about->iam, "Path");

	if (!path.p)
		path = iam_text(&about->iam, "PathPrefix");
	add_arn(about, type, path.p ? path : STR("/"), name);
}

/* ---- keys ---- */

/* Of the request alone. */
static void add_request_keys(struct about *about)
{
	static const struct {
		const char *input, *key;
	} texts[] = {{"PermissionsBoundary", "iam:PermissionsBoundary"},
		{"AWSServiceName", "iam:AWSServiceName"}};
	const json_t *tags = iam_input(&about->iam, "Tags");
	const json_t *keys = iam_input(&about->iam, "TagKeys");

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct str value = iam_text(&about->iam, texts[i].input);
		if (value.p)
			api_about_key(about->authorization, str_from(texts[i].key), value);
	}
	for (size_t i = 0; i < json_array_size(tags); i++) {
		const json_t *tag = json_array_get(tags, i);
		struct str key = text_of(json_object_get(tag, "Key"));
		api_about_tag(about->authorization, STR("aws:RequestTag/"), key,
			text_of(json_object_get(tag, "Value")));
		api_about_key(about->authorization, STR("aws:TagKeys"), key);
	}
	for (size_t i = 0; i < json_array_size(keys); i++)
		api_about_key(
			about->authorization, STR("aws:TagKeys"), text_of(json_array_get(keys, i)));
}

static int add_entity_keys(struct about *about, const struct store_entity *entity)
{
	bool has_own = entity->kind == STORE_USER || entity->kind == STORE_ROLE;
	struct store_tag *tags;
	size_t count;

	if (entity->boundary.n && !iam_text(&about->iam, "PermissionsBoundary").p)
		api_about_key(
			about->authorization, STR("iam:PermissionsBoundary"), entity->boundary);
	if (store_tag_list(about->iam.edit, entity->id, &tags, &count, about->iam.err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		api_about_tag(
			about->authorization, STR("aws:ResourceTag/"), tags[i].key, tags[i].value);
		if (has_own)
			api_about_tag(about->authorization, STR("iam:ResourceTag/"), tags[i].key,
				tags[i].value);
	}
	return 0;
}

/* ---- resources ---- */

/* Who renames or moves must be allowed both the old and the new place. */
static void add_renamed(struct about *about, const char *type, const struct store_entity *entity)
{
	struct str path = iam_text(&about->iam, "NewPath");
	struct str name =
		iam_text(&about->iam, entity->kind == STORE_GROUP ? "NewGroupName" : "NewUserName");

	if (path.p || name.p)
		add_arn(about, type, path.p ? path : entity->path, name.p ? name : entity->name);
}

static int add_entity(struct about *about, size_t i, struct str name)
{
	struct store_entity entity;
	int result =
		store_entity_find(about->iam.edit, names[i].kind, name, &entity, about->iam.err);

	if (result < 0)
		return -1;
	if (result == STORE_EDIT_NONE) {
		add_missing(about, names[i].type, name);
		return 0;
	}
	api_about_resource(about->authorization, "%.*s", STR_ARG(entity.arn));
	add_renamed(about, names[i].type, &entity);
	return add_entity_keys(about, &entity);
}

static int add_policy(struct about *about, struct str arn)
{
	struct store_entity policy;
	int result = store_entity_find_policy(about->iam.edit, arn, &policy, about->iam.err);

	api_about_resource(about->authorization, "%.*s", STR_ARG(arn));
	if (result < 0)
		return -1;
	return result == 0 ? add_entity_keys(about, &policy) : 0;
}

static int add_oidc(struct about *about, struct str arn)
{
	struct store_entity provider;
	struct aws_error ignored;
	struct iam iam = about->iam;

	api_about_resource(about->authorization, "%.*s", STR_ARG(arn));
	iam.error = &ignored;
	return iam_find_oidc(&iam, arn, &provider) == 0 ? add_entity_keys(about, &provider) : 0;
}

/* GetAccessKeyLastUsed names a key and is about whose it is. */
static int add_owner(struct about *about, struct str access_key_id)
{
	struct store_entity user;
	struct store_key key;
	int result = store_key_get(about->iam.edit, access_key_id, &key, about->iam.err);

	if (result == 0)
		result = store_entity_find_id(about->iam.edit, key.owner, &user, about->iam.err);
	if (result != 0) /* root's key is nobody's */
		return result < 0 ? -1 : 0;
	api_about_resource(about->authorization, "%.*s", STR_ARG(user.arn));
	return add_entity_keys(about, &user);
}

static void add_linked_role(struct about *about, struct str service)
{
	struct str name =
		iam_linked_name(about->iam.edit, service, iam_text(&about->iam, "CustomSuffix"));
	struct str path =
		store_edit_printf(about->iam.edit, "/aws-service-role/%.*s/", STR_ARG(service));

	if (name.p)
		add_arn(about, "role", path, name);
}

/* "task/aws-service-role/SERVICE/NAME/ID" is about the role. */
static void add_task(struct about *about, struct str task)
{
	size_t end = task.n;

	while (end > 0 && task.p[end - 1] != '/')
		end--;
	if (str_starts_with(task, STR("task/")) && end > 5)
		add_arn(about, "role", (struct str){task.p + 4, end - 5}, STR(""));
}

/* Without a name: the caller's own user. */
static int add_self(struct about *about)
{
	const struct store_caller *caller = about->iam.call->exchange->caller;

	if (!caller || !(is_operation(about, "GetUser") ||
			       strstr(about->iam.call->operation->name, "AccessKey")))
		return 0;
	if (caller->user_name.n)
		return add_entity(about, 1, caller->user_name);
	api_about_resource(about->authorization, "%.*s", STR_ARG(caller->principal.arn));
	return 0;
}

static int add_others(struct about *about)
{
	struct str text;

	if ((text = iam_text(&about->iam, "PolicyArn")).p)
		return add_policy(about, text);
	if ((text = iam_text(&about->iam, "OpenIDConnectProviderArn")).p)
		return add_oidc(about, text);
	if ((text = iam_text(&about->iam, "PolicySourceArn")).p)
		api_about_resource(about->authorization, "%.*s", STR_ARG(text));
	else if ((text = iam_text(&about->iam, "AWSServiceName")).p)
		add_linked_role(about, text);
	else if ((text = iam_text(&about->iam, "DeletionTaskId")).p)
		add_task(about, text);
	else if (is_operation(about, "GetAccessKeyLastUsed"))
		return add_owner(about, iam_text(&about->iam, "AccessKeyId"));
	else
		return add_self(about);
	return 0;
}

static int add_all(struct about *about)
{
	struct str policy = iam_text(&about->iam, "PolicyArn");

	add_request_keys(about);
	for (size_t i = 0; i < ARRAY_SIZE(creations); i++) {
		if (!is_operation(about, creations[i].operation))
			continue;
		struct str name = iam_text(&about->iam, creations[i].input);
		if (str_starts_with(name, STR("https://")))
			name = (struct str){name.p + 8, name.n - 8};
		add_missing(about, creations[i].type, name.p ? name : STR(""));
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct str name = iam_text(&about->iam, names[i].input);
		if (!name.p)
			continue;
		if (policy.p)
			api_about_key(about->authorization, STR("iam:PolicyARN"), policy);
		return add_entity(about, i, name);
	}
	return add_others(about);
}

int iam_about(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	_cleanup_(store_edit_endp) struct store_edit *edit = NULL;
	struct about about = {.iam = {.call = call,
				      .identities = call->context,
				      .error = error,
				      .err = &call->exchange->err},
		.authorization = authorization};

	if (store_edit_begin(call->context, false, &edit, about.iam.err) < 0)
		return aws_error_internal(error);
	about.iam.edit = edit;
	return add_all(&about) < 0 ? aws_error_internal(error) : 0;
}
