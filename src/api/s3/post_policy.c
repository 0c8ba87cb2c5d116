/* The policy of a POST form (S3 API reference, "Creating a POST policy"): until when, and what each
 * field may be. Field names ignore case; "expiration" and "conditions" do not. */
#include "api/s3/post_priv.h"

#include "aws/time.h"
#include "base/number.h"

#include <jansson.h>

static int invalid(struct aws_error *error, const char *what)
{
	return aws_error_set(error, AWS_ERROR_INVALID_POLICY_DOCUMENT, "Invalid Policy: %s", what);
}

static int failed(struct aws_error *error, const char *what, struct str condition)
{
	return aws_error_set(error, AWS_ERROR_ACCESS_DENIED,
		"Invalid according to Policy: %s: %.*s", what, STR_ARG(condition));
}

static struct str text_of(const json_t *json)
{
	return json_is_string(json)
		       ? (struct str){json_string_value(json), json_string_length(json)}
		       : STR_NONE;
}

struct str s3_form_field(const struct s3_form *form, struct str name)
{
	for (size_t i = 0; i < form->count; i++)
		if (str_equal_ignoring_case(form->fields[i].name, name))
			return form->fields[i].value;
	return STR_NONE;
}

/* Marks the field as spoken for. */
static void cover(struct s3_form *form, struct str name)
{
	for (size_t i = 0; i < form->count; i++)
		if (str_equal_ignoring_case(form->fields[i].name, name))
			form->fields[i].is_covered = true;
}

static int check_one(struct s3_form *form, struct str name, struct str wanted, bool is_prefix,
	struct aws_error *error)
{
	struct str value = str_equal_ignoring_case(name, STR("bucket")) ? form->bucket
									: s3_form_field(form, name);

	if (!name.n || !wanted.p)
		return invalid(error, "Invalid condition");
	cover(form, name);
	if (!value.p)
		return failed(error, "Policy Condition failed", name);
	if (is_prefix ? !str_starts_with(value, wanted) : !str_equal(value, wanted))
		return failed(error, "Policy Condition failed", name);
	return 0;
}

static bool read_size(const json_t *json, int64_t *ret_size)
{
	struct str text = text_of(json);

	if (json_is_integer(json))
		*ret_size = json_integer_value(json);
	else if (!text.p || !number_parse_signed(text, INT64_MIN, INT64_MAX, ret_size))
		return false;
	return *ret_size >= 0;
}

static int check_array(struct s3_form *form, const json_t *condition, struct aws_error *error)
{
	struct str kind = text_of(json_array_get(condition, 0));
	struct str name = text_of(json_array_get(condition, 1));

	if (str_equal_ignoring_case(kind, STR("content-length-range"))) {
		if (json_array_size(condition) != 3 ||
			!read_size(json_array_get(condition, 1), &form->min) ||
			!read_size(json_array_get(condition, 2), &form->max) ||
			form->max < form->min)
			return invalid(error, "Invalid content-length-range");
		return 0;
	}
	bool is_prefix = str_equal_ignoring_case(kind, STR("starts-with"));
	if (json_array_size(condition) != 3 ||
		(!is_prefix && !str_equal_ignoring_case(kind, STR("eq"))) || name.n < 2 ||
		name.p[0] != '$')
		return invalid(error, "Invalid condition");
	return check_one(form, (struct str){name.p + 1, name.n - 1},
		text_of(json_array_get(condition, 2)), is_prefix, error);
}

static int check_object(struct s3_form *form, json_t *condition, struct aws_error *error)
{
	const char *name;
	json_t *value;

	if (json_object_size(condition) != 1)
		return invalid(error, "Invalid condition: one element expected");
	json_object_foreach(condition, name, value)
	{
		if (check_one(form, str_from(name), text_of(value), false, error) < 0)
			return -1;
	}
	return 0;
}

/* Fields that need no condition. */
static bool is_free(struct str name)
{
	static const struct str names[] = {{"awsaccesskeyid", 14}, {"signature", 9}, {"policy", 6},
		{"file", 4}, {"x-amz-signature", 15}};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (str_equal_ignoring_case(name, names[i]))
			return true;
	return aws_checksum_find_header(name) != AWS_CHECKSUM_NONE ||
	       (name.n > 9 && str_equal_ignoring_case((struct str){name.p, 9}, STR("x-ignore-")));
}

static int check_document(
	struct s3_form *form, json_t *document, int64_t now_ms, struct aws_error *error)
{
	struct str expiration = text_of(json_object_get(document, "expiration"));
	json_t *conditions = json_object_get(document, "conditions"), *condition;
	int64_t ends;
	size_t i;

	if (!expiration.p)
		return invalid(error, "Policy missing expiration.");
	if (!aws_time_parse_iso8601(expiration, &ends) ||
		!memchr(expiration.p, 'T', expiration.n) ||
		!memchr(expiration.p, '-', expiration.n))
		return invalid(error, "Invalid 'expiration' value");
	if (!json_is_array(conditions))
		return invalid(error, "Policy missing conditions.");
	if (json_array_size(conditions) == 0)
		return invalid(error, "Policy has no conditions.");
	if (ends <= now_ms)
		return aws_error_set(error, AWS_ERROR_ACCESS_DENIED,
			"Invalid according to Policy: Policy expired.");
	json_array_foreach(conditions, i, condition)
	{
		int checked = json_is_array(condition)    ? check_array(form, condition, error)
			      : json_is_object(condition) ? check_object(form, condition, error)
							  : invalid(error, "Invalid condition");
		if (checked < 0)
			return -1;
	}
	for (i = 0; i < form->count; i++)
		if (!form->fields[i].is_covered && !is_free(form->fields[i].name))
			return failed(error, "Extra input fields", form->fields[i].name);
	return 0;
}

int s3_post_policy_check(
	struct s3_form *form, struct str json, int64_t now_ms, struct aws_error *error)
{
	json_t *document = json_loadb(json.p ? json.p : "", json.n, JSON_REJECT_DUPLICATES, NULL);
	int checked = json_is_object(document) ? check_document(form, document, now_ms, error)
					       : invalid(error, "Invalid JSON.");

	json_decref(document);
	return checked;
}
