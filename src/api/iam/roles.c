/* Roles, and those that AWS's services make for themselves (service-linked). */
#include "api/iam/iam_priv.h"

#include <ctype.h>
#include <string.h>

enum { ROLES_MAX = 1000, TRUST_MAX = 2048, SESSION_DEFAULT_S = 3600 };

static int answer(struct iam *iam, const struct store_entity *role)
{
	json_t *object = iam_entity(iam, role, IAM_FULL);

	if (!object)
		return -1;
	iam_set(iam->output, "Role", object);
	return 0;
}

static int check_trust(struct iam *iam, struct str document)
{
	return iam_check_document(iam, document, AWS_POLICY_TRUST, TRUST_MAX, "ACLSizePerRole");
}

static bool is_service_linked(const struct store_entity *role)
{
	return str_starts_with(role->path, STR("/aws-service-role/"));
}

int iam_create_role(struct iam *iam)
{
	struct str path = iam_text(iam, "Path");
	struct store_entity role = {.kind = STORE_ROLE,
		.name = iam_text(iam, "RoleName"),
		.path = path.p ? path : STR("/"),
		.description = iam_text(iam, "Description"),
		.document = iam_text(iam, "AssumeRolePolicyDocument"),
		.boundary = iam_text(iam, "PermissionsBoundary"),
		.max_session_s = iam_number(iam, "MaxSessionDuration", SESSION_DEFAULT_S)};
	int64_t count;

	if (is_service_linked(&role))
		return iam_refuse(iam, AWS_ERROR_VALIDATION_ERROR,
			"The path /aws-service-role/ is kept for service-linked roles.");
	if (check_trust(iam, role.document) < 0 ||
		(role.boundary.p && iam_check_boundary(iam, role.boundary) < 0))
		return -1;
	int result = store_entity_add(iam->edit, &role, iam->err);
	if (result == STORE_EDIT_EXISTS)
		return iam_refuse_existing(iam, STORE_ROLE, role.name);
	if (result < 0 || store_entity_count(iam->edit, STORE_ROLE, &count, iam->err) < 0)
		return iam_broken(iam);
	if (count > ROLES_MAX)
		return iam_refuse(iam, AWS_ERROR_LIMIT_EXCEEDED,
			"Cannot exceed quota for RolesPerAccount: %d", ROLES_MAX);
	return iam_add_tags(iam, role.id) < 0 ? -1 : answer(iam, &role);
}

/* A role that may be changed. */
static int find_own_role(struct iam *iam, struct store_entity *ret_role)
{
	if (iam_target(iam, ret_role) < 0)
		return -1;
	if (is_service_linked(ret_role))
		return iam_refuse(iam, AWS_ERROR_UNMODIFIABLE_ENTITY,
			"Cannot perform the operation on the protected role '%.*s' - this role is only modifiable by AWS",
			STR_ARG(ret_role->name));
	return 0;
}

static int update(struct iam *iam, struct store_entity *role)
{
	return store_entity_update(iam->edit, role, iam->err) < 0 ? iam_broken(iam) : 0;
}

/* UpdateRole, and UpdateRoleDescription, which answers with the role. */
int iam_update_role(struct iam *iam)
{
	struct str description = iam_text(iam, "Description");
	struct store_entity role;

	if (find_own_role(iam, &role) < 0)
		return -1;
	if (description.p)
		role.description = description;
	role.max_session_s = iam_number(iam, "MaxSessionDuration", role.max_session_s);
	if (update(iam, &role) < 0)
		return -1;
	if (strcmp(iam->call->operation->name, "UpdateRoleDescription") == 0)
		return answer(iam, &role);
	return 0;
}

int iam_update_assume_role_policy(struct iam *iam)
{
	struct store_entity role;

	if (find_own_role(iam, &role) < 0)
		return -1;
	role.document = iam_text(iam, "PolicyDocument");
	return check_trust(iam, role.document) < 0 ? -1 : update(iam, &role);
}

/* ---- service-linked roles ---- */

/* AWSServiceRoleFor... as the service calls it. */
struct str iam_linked_name(struct store_edit *edit, struct str service, struct str suffix)
{
	static const struct {
		struct str service, name;
	} known[] = {
		{{"guardduty.amazonaws.com", 23}, {"AmazonGuardDuty", 15}},
		{{"delivery.logs.amazonaws.com", 27}, {"LogDelivery", 11}},
	};
	struct str rest = service, label = STR("");
	struct str name = STR_NONE;

	if (!str_ends_with(service, STR(".amazonaws.com")) || service.p[0] == '.')
		return STR_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (str_equal(service, known[i].service))
			name = known[i].name;
	if (!name.p) {
		str_split(&rest, '.', &label);
		name = store_edit_printf(edit, "%c%.*s", toupper((unsigned char)label.p[0]),
			(int)label.n - 1, label.p + 1);
	}
	return store_edit_printf(edit, "AWSServiceRoleFor%.*s%s%.*s", STR_ARG(name),
		suffix.n ? "_" : "", STR_ARG(suffix.p ? suffix : STR("")));
}

int iam_create_service_linked_role(struct iam *iam)
{
	struct str service = iam_text(iam, "AWSServiceName");
	struct str suffix = iam_text(iam, "CustomSuffix");

	struct str name = iam_linked_name(iam->edit, service, suffix);
	if (!name.p)
		return iam_refuse(iam, AWS_ERROR_INVALID_INPUT,
			"%.*s is not the name of a service, such as guardduty.amazonaws.com",
			STR_ARG(service));
	struct store_entity role = {.kind = STORE_ROLE,
		.name = name,
		.path = store_edit_printf(iam->edit, "/aws-service-role/%.*s/", STR_ARG(service)),
		.description = iam_text(iam, "Description"),
		.document = store_edit_printf(iam->edit,
			"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
			"{\"Service\":\"%.*s\"},\"Action\":\"sts:AssumeRole\"}]}",
			STR_ARG(service)),
		.max_session_s = SESSION_DEFAULT_S};
	if (check_trust(iam, role.document) < 0)
		return -1;
	int result = store_entity_add(iam->edit, &role, iam->err);
	if (result == STORE_EDIT_EXISTS)
		return iam_refuse(iam, AWS_ERROR_INVALID_INPUT,
			"Service role name %.*s has been taken in this account, please try a different suffix.",
			STR_ARG(role.name));
	return result < 0 ? iam_broken(iam) : answer(iam, &role);
}

int iam_delete_service_linked_role(struct iam *iam)
{
	struct store_entity role;

	if (iam_target(iam, &role) < 0)
		return -1;
	if (!is_service_linked(&role))
		return iam_refuse(iam, AWS_ERROR_NO_SUCH_ENTITY,
			"%.*s is not a service-linked role.", STR_ARG(role.name));
	struct str task = store_edit_printf(iam->edit, "task%.*s%.*s/%.*s", STR_ARG(role.path),
		STR_ARG(role.name), STR_ARG(role.id));
	if (store_entity_remove(iam->edit, role.id, iam->err) < 0)
		return iam_broken(iam);
	iam_set(iam->output, "DeletionTaskId", iam_string(task));
	return 0;
}

/* Deletion is at once: a task whose role is gone has succeeded. */
int iam_get_service_linked_role_deletion_status(struct iam *iam)
{
	struct str task = iam_text(iam, "DeletionTaskId"), rest = task, id = STR("");
	struct store_entity role;

	if (!str_starts_with(task, STR("task/aws-service-role/")))
		return iam_refuse(iam, AWS_ERROR_NO_SUCH_ENTITY,
			"The deletion task %.*s cannot be found.", STR_ARG(task));
	while (str_split(&rest, '/', &id))
		;
	int result = store_entity_find_id(iam->edit, id, &role, iam->err);
	if (result < 0)
		return iam_broken(iam);
	iam_set(iam->output, "Status",
		json_string(result == STORE_EDIT_NONE ? "SUCCEEDED" : "NOT_STARTED"));
	return 0;
}
