/* Access keys; and what users have on AWS and never here (passwords, MFA devices, certificates),
 * which clients look for before they delete a user. */
#include "api/iam/iam_priv.h"

#include <string.h>

enum { KEYS_PER_USER = 2 };

static json_t *key_json(const struct store_entity *user, const struct store_key *key)
{
	return json_pack("{s:o, s:o, s:s, s:I}", "UserName", iam_string(user->name), "AccessKeyId",
		iam_string(key->access_key_id), "Status", key->is_active ? "Active" : "Inactive",
		"CreateDate", iam_time(key->created_ms));
}

int iam_create_access_key(struct iam *iam)
{
	struct store_entity user;
	struct store_key *keys;
	size_t count;

	if (iam_user_or_self(iam, &user) < 0)
		return -1;
	if (store_key_list(iam->edit, user.id, &keys, &count, iam->err) < 0)
		return iam_broken(iam);
	if (count >= KEYS_PER_USER)
		return iam_refuse(iam, AWS_ERROR_LIMIT_EXCEEDED,
			"Cannot exceed quota for AccessKeysPerUser: %d", KEYS_PER_USER);
	struct store_key key = {.owner = user.id};
	if (store_key_add(iam->edit, &key, iam->err) < 0)
		return iam_broken(iam);
	json_t *object = key_json(&user, &key);
	iam_set(object, "SecretAccessKey", iam_string(key.secret));
	iam_set(iam->output, "AccessKey", object);
	return 0;
}

int iam_list_access_keys(struct iam *iam)
{
	struct store_entity user;
	struct store_key *keys;
	size_t count;

	if (iam_user_or_self(iam, &user) < 0)
		return -1;
	if (store_key_list(iam->edit, user.id, &keys, &count, iam->err) < 0)
		return iam_broken(iam);
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, key_json(&user, &keys[i]));
	return iam_answer_list(iam, "AccessKeyMetadata", list);
}

/* The key named, of that user (NULL: anybody's). */
static int find_key(struct iam *iam, const struct store_entity *user, struct store_key *ret_key)
{
	struct str id = iam_text(iam, "AccessKeyId");
	int result = store_key_get(iam->edit, id, ret_key, iam->err);

	if (result < 0)
		return iam_broken(iam);
	if (result == STORE_EDIT_NONE || (user && !str_equal(ret_key->owner, user->id)))
		return iam_refuse(iam, AWS_ERROR_NO_SUCH_ENTITY,
			"The Access Key with id %.*s cannot be found.", STR_ARG(id));
	return 0;
}

int iam_update_access_key(struct iam *iam)
{
	struct store_entity user;
	struct store_key key;

	if (iam_user_or_self(iam, &user) < 0 || find_key(iam, &user, &key) < 0)
		return -1;
	bool is_active = str_equal(iam_text(iam, "Status"), STR("Active"));
	return store_key_set_active(iam->edit, key.access_key_id, is_active, iam->err) < 0
		       ? iam_broken(iam)
		       : 0;
}

int iam_delete_access_key(struct iam *iam)
{
	struct store_entity user;
	struct store_key key;

	if (iam_user_or_self(iam, &user) < 0 || find_key(iam, &user, &key) < 0)
		return -1;
	return store_key_remove(iam->edit, key.access_key_id, iam->err) < 0 ? iam_broken(iam) : 0;
}

int iam_get_access_key_last_used(struct iam *iam)
{
	struct store_entity user = {.name = STR("root")};
	struct store_key key;

	if (find_key(iam, NULL, &key) < 0)
		return -1;
	if (key.owner.n && store_entity_find_id(iam->edit, key.owner, &user, iam->err) != 0)
		return iam_broken(iam);
	json_t *used = json_pack("{s:s, s:s}", "ServiceName", "N/A", "Region", "N/A");
	if (key.used_ms) {
		iam_set(used, "LastUsedDate", json_integer(iam_time(key.used_ms)));
		iam_set_text(used, "ServiceName", key.used_service);
		iam_set_text(used, "Region", key.used_region);
	}
	iam_set(iam->output, "UserName", iam_string(user.name));
	iam_set(iam->output, "AccessKeyLastUsed", used);
	return 0;
}

/* ---- what there never is ---- */

int iam_no_login_profile(struct iam *iam)
{
	struct store_entity user;

	if (iam_user_or_self(iam, &user) < 0)
		return -1;
	return iam_refuse(iam, AWS_ERROR_NO_SUCH_ENTITY,
		"Login Profile for User %.*s cannot be found.", STR_ARG(user.name));
}

static int none_of_user(struct iam *iam, const char *member)
{
	struct store_entity user;

	return iam_user_or_self(iam, &user) < 0 ? -1 : iam_answer_list(iam, member, json_array());
}

int iam_list_mfa_devices(struct iam *iam)
{
	return none_of_user(iam, "MFADevices");
}

int iam_list_virtual_mfa_devices(struct iam *iam)
{
	return iam_answer_list(iam, "VirtualMFADevices", json_array());
}

int iam_list_ssh_public_keys(struct iam *iam)
{
	return none_of_user(iam, "SSHPublicKeys");
}

int iam_list_signing_certificates(struct iam *iam)
{
	return none_of_user(iam, "Certificates");
}

int iam_list_service_specific_credentials(struct iam *iam)
{
	return none_of_user(iam, "ServiceSpecificCredentials");
}
