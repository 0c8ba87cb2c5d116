/* What all handlers of IAM use: the call with its edit, its input and its refusals. */
#include "api/iam/iam_priv.h"

#include "aws/digest.h"
#include "base/number.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What IAM says of each kind. */
static const struct {
	const char *noun, *input;
	const char *missing, *existing; /* with the name or ARN */
} kinds[STORE_ENTITY_KINDS] = {
	[STORE_USER] = {"user", "UserName", "The user with name %.*s cannot be found.",
		"User with name %.*s already exists."},
	[STORE_GROUP] = {"group", "GroupName", "The group with name %.*s cannot be found.",
		"Group with name %.*s already exists."},
	[STORE_ROLE] = {"role", "RoleName", "The role with name %.*s cannot be found.",
		"Role with name %.*s already exists."},
	[STORE_POLICY] = {"policy", "PolicyArn", "Policy %.*s was not found.",
		"A policy called %.*s already exists. Duplicate names are not allowed."},
	[STORE_PROFILE] = {"instance profile", "InstanceProfileName",
		"Instance Profile %.*s cannot be found.", "Instance Profile %.*s already exists."},
	[STORE_OIDC] = {"OpenID Connect provider", "OpenIDConnectProviderArn",
		"OpenIDConnect Provider %.*s cannot be found.",
		"OpenIDConnect Provider %.*s already exists."},
};
/* The policy comes last: operations that attach one are about another entity. */
static const enum store_entity_kind targets[] = {
	STORE_USER, STORE_GROUP, STORE_PROFILE, STORE_ROLE, STORE_OIDC, STORE_POLICY};

int iam_run(struct api_call *call, struct aws_error *error, int (*handler)(struct iam *iam),
	enum iam_access access)
{
	_cleanup_(store_edit_endp) struct store_edit *edit = NULL;
	struct iam iam = {.call = call,
		.identities = call->context,
		.output = call->output,
		.error = error,
		.err = &call->exchange->err};

	if (store_edit_begin(iam.identities, access == IAM_WRITES, &edit, iam.err) < 0)
		return iam_broken(&iam);
	iam.edit = edit;
	if (handler(&iam) < 0)
		return -1;
	return store_edit_commit(edit, iam.err) < 0 ? iam_broken(&iam) : 0;
}

/* ---- input ---- */

const json_t *iam_input(const struct iam *iam, const char *name)
{
	return json_object_get(iam->call->input, name);
}

struct str iam_text(const struct iam *iam, const char *name)
{
	return api_member_text(iam->call->input, name);
}

int64_t iam_number(const struct iam *iam, const char *name, int64_t otherwise)
{
	return api_member_number(iam->call->input, name, otherwise);
}

/* ---- refusals ---- */

int iam_broken(struct iam *iam)
{
	return aws_error_internal(iam->error);
}

int iam_refuse(struct iam *iam, enum aws_error_code code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	aws_error_setv(iam->error, code, format, arguments);
	va_end(arguments);
	return -1;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* sentences of the table above */
int iam_refuse_existing(struct iam *iam, enum store_entity_kind kind, struct str name)
{
	return iam_refuse(
		iam, AWS_ERROR_ENTITY_ALREADY_EXISTS, kinds[kind].existing, STR_ARG(name));
}

static int refuse_missing(struct iam *iam, enum store_entity_kind kind, struct str name)
{
	return iam_refuse(iam, AWS_ERROR_NO_SUCH_ENTITY, kinds[kind].missing, STR_ARG(name));
}
#pragma GCC diagnostic pop

/* ---- who ---- */

const char *iam_noun(enum store_entity_kind kind)
{
	return kinds[kind].noun;
}

int iam_find(struct iam *iam, enum store_entity_kind kind, struct str name,
	struct store_entity *ret_entity)
{
	int result = store_entity_find(iam->edit, kind, name, ret_entity, iam->err);

	if (result < 0)
		return iam_broken(iam);
	return result == STORE_EDIT_NONE ? refuse_missing(iam, kind, name) : 0;
}

int iam_find_policy(struct iam *iam, struct str arn, struct store_entity *ret_policy)
{
	int result = store_entity_find_policy(iam->edit, arn, ret_policy, iam->err);

	if (result < 0)
		return iam_broken(iam);
	return result == STORE_EDIT_NONE ? refuse_missing(iam, STORE_POLICY, arn) : 0;
}

static bool find_target(
	const struct api_call *call, enum store_entity_kind *ret_kind, struct str *ret_name)
{
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		const json_t *value = json_object_get(call->input, kinds[targets[i]].input);
		if (!json_is_string(value))
			continue;
		*ret_kind = targets[i];
		*ret_name = (struct str){json_string_value(value), json_string_length(value)};
		return true;
	}
	return false;
}

int iam_target(struct iam *iam, struct store_entity *ret_entity)
{
	enum store_entity_kind kind;
	struct str name;

	if (!find_target(iam->call, &kind, &name))
		return iam_refuse(iam, AWS_ERROR_VALIDATION_ERROR, "The request names no entity.");
	return kind == STORE_POLICY ? iam_find_policy(iam, name, ret_entity)
	       : kind == STORE_OIDC ? iam_find_oidc(iam, name, ret_entity)
				    : iam_find(iam, kind, name, ret_entity);
}

int iam_user_or_self(struct iam *iam, struct store_entity *ret_user)
{
	const struct store_caller *caller = iam->call->exchange->caller;
	struct str name = iam_text(iam, "UserName");

	if (name.p)
		return iam_find(iam, STORE_USER, name, ret_user);
	if (caller->is_root) {
		struct str account = store_identities_account(iam->identities);
		*ret_user = (struct store_entity){.kind = STORE_USER,
			.id = STR(""),
			.name = STR("root"),
			.path = STR("/"),
			.arn = store_edit_printf(
				iam->edit, "arn:aws:iam::%.*s:root", STR_ARG(account))};
		return 0;
	}
	if (!caller->user_name.n)
		return iam_refuse(iam, AWS_ERROR_VALIDATION_ERROR,
			"Must specify userName when calling with non-User credentials");
	return iam_find(iam, STORE_USER, caller->user_name, ret_user);
}

/* ---- pages ---- */

enum { PAGE_DEFAULT = 100 };

int iam_page_begin(struct iam *iam, struct iam_page *ret_page)
{
	_cleanup_buf_ struct buf text = {0};
	struct str marker = iam_text(iam, "Marker");

	ret_page->max = (size_t)iam_number(iam, "MaxItems", PAGE_DEFAULT);
	ret_page->after = STR("");
	if (!marker.p)
		return 0;
	if (!aws_base64_decode(marker, &text) || !text.n)
		return iam_refuse(iam, AWS_ERROR_VALIDATION_ERROR, "Invalid Marker.");
	ret_page->after = store_edit_printf(iam->edit, "%.*s", (int)text.n, text.p);
	return 0;
}

void iam_page_end(struct iam *iam, bool is_truncated, struct str last)
{
	_cleanup_buf_ struct buf marker = {0};

	iam_set(iam->output, "IsTruncated", json_boolean(is_truncated));
	if (!is_truncated)
		return;
	aws_base64_add(&marker, last.p, last.n);
	iam_set(iam->output, "Marker", iam_string(buf_str(&marker)));
}

int iam_answer_list(struct iam *iam, const char *member, json_t *items)
{
	struct iam_page page;
	uint64_t start = 0;

	if (!items)
		return -1;
	size_t count = json_array_size(items);
	if (iam_page_begin(iam, &page) < 0 ||
		(page.after.n && !number_parse(page.after, count, &start))) {
		json_decref(items);
		return iam_refuse(iam, AWS_ERROR_VALIDATION_ERROR, "Invalid Marker.");
	}
	size_t end = count - start > page.max ? start + page.max : count;
	json_t *part = json_array();
	for (size_t i = start; i < end; i++)
		json_array_append(part, json_array_get(items, i));
	json_decref(items);
	iam_set(iam->output, member, part);
	iam_page_end(iam, end < count, store_edit_printf(iam->edit, "%zu", end));
	return 0;
}

/* ---- rules ---- */

size_t iam_document_size(struct str text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += !memchr(" \t\r\n", text.p[i], 4);
	return n;
}

int iam_check_document(
	struct iam *iam, struct str text, enum aws_policy_kind kind, size_t max, const char *quota)
{
	_cleanup_(aws_policy_freep) struct aws_policy *policy = NULL;
	struct err err = ERR_INIT;

	if (iam_document_size(text) > max)
		return iam_refuse(iam, AWS_ERROR_LIMIT_EXCEEDED, "Cannot exceed quota for %s: %zu",
			quota, max);
	if (aws_policy_parse(&policy, text, kind, &err) < 0)
		return iam_refuse(iam, AWS_ERROR_MALFORMED_POLICY_DOCUMENT, "%s", err.message);
	return 0;
}

int iam_check_boundary(struct iam *iam, struct str arn)
{
	struct store_entity policy;
	int result = store_entity_find_policy(iam->edit, arn, &policy, iam->err);

	if (result < 0)
		return iam_broken(iam);
	if (result == STORE_EDIT_NONE)
		return iam_refuse(iam, AWS_ERROR_NO_SUCH_ENTITY,
			"Scope ARN: %.*s does not exist or is not attachable.", STR_ARG(arn));
	return 0;
}

enum { TAGS_MAX = 50 };

static int check_tag(struct iam *iam, const json_t *tags, size_t index)
{
	const char *key = json_string_value(json_object_get(json_array_get(tags, index), "Key"));

	if (strncasecmp(key, "aws:", 4) == 0)
		return iam_refuse(iam, AWS_ERROR_INVALID_INPUT,
			"aws: prefixed tag key names are not allowed for external use.");
	for (size_t i = 0; i < index; i++)
		if (strcasecmp(key, json_string_value(
					    json_object_get(json_array_get(tags, i), "Key"))) == 0)
			return iam_refuse(iam, AWS_ERROR_INVALID_INPUT,
				"Duplicate tag keys found. Please note that Tag keys are case insensitive.");
	return 0;
}

int iam_add_tags(struct iam *iam, struct str owner)
{
	const json_t *tags = iam_input(iam, "Tags");
	struct store_tag *there;
	size_t count;

	for (size_t i = 0; i < json_array_size(tags); i++) {
		const json_t *tag = json_array_get(tags, i);
		const json_t *key = json_object_get(tag, "Key"),
			     *value = json_object_get(tag, "Value");
		if (check_tag(iam, tags, i) < 0)
			return -1;
		if (store_tag_put(iam->edit, owner,
			    (struct str){json_string_value(key), json_string_length(key)},
			    (struct str){json_string_value(value), json_string_length(value)},
			    iam->err) < 0)
			return iam_broken(iam);
	}
	if (store_tag_list(iam->edit, owner, &there, &count, iam->err) < 0)
		return iam_broken(iam);
	if (count > TAGS_MAX)
		return iam_refuse(iam, AWS_ERROR_LIMIT_EXCEEDED,
			"The number of tags has reached the maximum limit.");
	return 0;
}
