#include "aws/policy_priv.h"

#include <stdio.h>

#define VALUE_SHOWN 120 /* of a value in a message */

/* Where in the document the reader is, for messages. */
struct place {
	enum aws_policy_kind kind;
	size_t statement; /* from 1; 0: not in one */
	struct err *err;
};

static int refuse(const struct place *place, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold));

static int refuse(const struct place *place, const char *format, ...)
{
	char reason[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	if (place->statement)
		return err_set(
			place->err, ERR_INPUT, "Statement %zu: %s", place->statement, reason);
	return err_set(place->err, ERR_INPUT, "%s", reason);
}

static struct str text_of(const json_t *json)
{
	return (struct str){json_string_value(json), json_string_length(json)};
}

static int shown(struct str text)
{
	return (int)(text.n < VALUE_SHOWN ? text.n : VALUE_SHOWN);
}

/* A string or an array of strings, not empty. */
static int read_list(
	const struct place *place, const char *element, json_t *json, struct policy_list *ret_list)
{
	size_t count = json_is_array(json) ? json_array_size(json) : 1;

	if (!json_is_string(json) && !json_is_array(json))
		return refuse(place, "%s is neither a string nor an array of strings", element);
	if (count == 0)
		return refuse(place, "%s is empty", element);
	ret_list->items = mem_new(count, sizeof(*ret_list->items));
	for (size_t i = 0; i < count; i++) {
		json_t *item = json_is_array(json) ? json_array_get(json, i) : json;
		if (!json_is_string(item))
			return refuse(place, "%s holds something that is not a string", element);
		ret_list->items[ret_list->count++] = text_of(item);
	}
	return 0;
}

/* One of the two elements, of which exactly one may be there. */
static int pick(const struct place *place, json_t *object, const char *name, const char *not_name,
	json_t **ret_json, bool *ret_not, const char **ret_name)
{
	json_t *plain = json_object_get(object, name), *negated = json_object_get(object, not_name);

	if (plain && negated)
		return refuse(place, "it has both %s and %s", name, not_name);
	*ret_json = plain ? plain : negated;
	*ret_not = negated != NULL;
	*ret_name = negated ? not_name : name;
	return 0;
}

static int read_actions(
	const struct place *place, json_t *object, struct policy_statement *statement)
{
	const char *name = NULL;
	json_t *json = NULL;

	if (pick(place, object, "Action", "NotAction", &json, &statement->not_action, &name) < 0)
		return -1;
	if (!json)
		return refuse(place, "Missing required field Action");
	if (read_list(place, name, json, &statement->actions) < 0)
		return -1;
	for (size_t i = 0; i < statement->actions.count; i++) {
		struct str action = statement->actions.items[i], service;
		struct str rest = action;
		if (str_equal(action, STR("*")))
			continue;
		if (!str_split(&rest, ':', &service) || !service.n || !rest.n)
			return refuse(place,
				"%s '%.*s': Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
				name, shown(action), action.p);
	}
	return 0;
}

static int read_resources(
	const struct place *place, json_t *object, struct policy_statement *statement)
{
	const char *name = NULL;
	json_t *json = NULL;

	if (pick(place, object, "Resource", "NotResource", &json, &statement->not_resource, &name) <
		0)
		return -1;
	if (place->kind == AWS_POLICY_TRUST)
		return json ? refuse(place, "Has prohibited field %s", name) : 0;
	if (!json)
		return refuse(place, "Missing required field Resource");
	if (read_list(place, name, json, &statement->resources) < 0)
		return -1;
	for (size_t i = 0; i < statement->resources.count && place->kind != AWS_POLICY_KEPT; i++) {
		struct str resource = statement->resources.items[i];
		if (!str_equal(resource, STR("*")) && !str_starts_with(resource, STR("arn:")))
			return refuse(place, "Resource %.*s must be in ARN format or \"*\".",
				shown(resource), resource.p);
	}
	return 0;
}

/* The account of "123456789012" or "arn:aws:iam::123456789012:root". */
static bool is_account(struct str value, struct str *ret_account)
{
	struct str rest = value, part, account = STR("");

	*ret_account = value;
	if (!memchr(value.p, ':', value.n)) {
		for (size_t i = 0; i < value.n; i++)
			if (value.p[i] < '0' || value.p[i] > '9')
				return false;
		return value.n == 12;
	}
	for (int i = 0; i < 5; i++)
		if (!str_split(&rest, ':', i == 4 ? &account : &part))
			return false;
	*ret_account = account;
	return rest.p && str_equal(rest, STR("root"));
}

static int add_principal(const struct place *place, struct policy_statement *statement,
	enum policy_principal_type type, struct str value)
{
	struct str account;

	if (type == POLICY_PRINCIPAL_ARN) {
		if (str_equal(value, STR("*")))
			type = POLICY_PRINCIPAL_EVERYBODY;
		else if (value.n && is_account(value, &account)) {
			type = POLICY_PRINCIPAL_ACCOUNT;
			value = account;
		} else if (!str_starts_with(value, STR("arn:")) && place->kind != AWS_POLICY_KEPT) {
			return refuse(place, "Invalid principal in policy: \"AWS\":\"%.*s\"",
				shown(value), value.p);
		}
	}
	statement->principals = mem_grow(statement->principals, statement->principal_count + 1,
		sizeof(*statement->principals));
	statement->principals[statement->principal_count++] =
		(struct policy_principal){type, value};
	return 0;
}

static int read_principal_type(const struct place *place, const char *name, json_t *json,
	struct policy_statement *statement)
{
	static const struct {
		const char *name;
		enum policy_principal_type type;
	} types[] = {{"AWS", POLICY_PRINCIPAL_ARN}, {"Service", POLICY_PRINCIPAL_SERVICE},
		{"Federated", POLICY_PRINCIPAL_FEDERATED},
		{"CanonicalUser", POLICY_PRINCIPAL_CANONICAL}};
	struct policy_list list = {0};
	int result = 0;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strcmp(name, types[i].name) != 0)
			continue;
		result = read_list(place, "Principal", json, &list);
		for (size_t k = 0; k < list.count && result == 0; k++)
			result = add_principal(place, statement, types[i].type, list.items[k]);
		free(list.items);
		return result;
	}
	return refuse(place, "Principal has the unknown type '%.*s'", VALUE_SHOWN, name);
}

static int read_principals(
	const struct place *place, json_t *object, struct policy_statement *statement)
{
	const char *name = NULL, *type;
	json_t *json = NULL, *values;

	if (pick(place, object, "Principal", "NotPrincipal", &json, &statement->not_principal,
		    &name) < 0)
		return -1;
	if (place->kind == AWS_POLICY_IDENTITY)
		return json ? refuse(place, "Policy document should not specify a principal.") : 0;
	if (!json)
		return refuse(place, "Missing required field Principal");
	if (json_is_string(json)) {
		if (!str_equal(text_of(json), STR("*")))
			return refuse(place, "Invalid principal in policy: \"%.*s\"",
				shown(text_of(json)), json_string_value(json));
		return add_principal(place, statement, POLICY_PRINCIPAL_EVERYBODY, STR("*"));
	}
	if (!json_is_object(json) || json_object_size(json) == 0)
		return refuse(place, "%s is neither \"*\" nor an object of principals", name);
	json_object_foreach(json, type,
		values) if (read_principal_type(place, type, values, statement) < 0) return -1;
	return 0;
}

static const struct operator_row {
	const char *name;
	enum policy_comparison comparison;
	bool is_negated;
} operators[] = {
	{"StringEquals", POLICY_STRING_EQUALS, false},
	{"StringNotEquals", POLICY_STRING_EQUALS, true},
	{"StringEqualsIgnoreCase", POLICY_STRING_EQUALS_IGNORE_CASE, false},
	{"StringNotEqualsIgnoreCase", POLICY_STRING_EQUALS_IGNORE_CASE, true},
	{"StringLike", POLICY_STRING_LIKE, false},
	{"StringNotLike", POLICY_STRING_LIKE, true},
	{"NumericEquals", POLICY_NUMERIC_EQUALS, false},
	{"NumericNotEquals", POLICY_NUMERIC_EQUALS, true},
	{"NumericLessThan", POLICY_NUMERIC_LESS, false},
	{"NumericLessThanEquals", POLICY_NUMERIC_LESS_EQUALS, false},
	{"NumericGreaterThan", POLICY_NUMERIC_GREATER, false},
	{"NumericGreaterThanEquals", POLICY_NUMERIC_GREATER_EQUALS, false},
	{"DateEquals", POLICY_DATE_EQUALS, false},
	{"DateNotEquals", POLICY_DATE_EQUALS, true},
	{"DateLessThan", POLICY_DATE_LESS, false},
	{"DateLessThanEquals", POLICY_DATE_LESS_EQUALS, false},
	{"DateGreaterThan", POLICY_DATE_GREATER, false},
	{"DateGreaterThanEquals", POLICY_DATE_GREATER_EQUALS, false},
	{"Bool", POLICY_BOOL, false},
	{"BinaryEquals", POLICY_BINARY_EQUALS, false},
	{"IpAddress", POLICY_IP_ADDRESS, false},
	{"NotIpAddress", POLICY_IP_ADDRESS, true},
	{"ArnEquals", POLICY_ARN_LIKE, false},
	{"ArnNotEquals", POLICY_ARN_LIKE, true},
	{"ArnLike", POLICY_ARN_LIKE, false},
	{"ArnNotLike", POLICY_ARN_LIKE, true},
	{"Null", POLICY_NULL, false},
};

static bool strip_front(struct str *text, struct str front)
{
	if (!str_starts_with(*text, front))
		return false;
	*text = (struct str){text->p + front.n, text->n - front.n};
	return true;
}

/* "ForAllValues:StringLikeIfExists" */
static bool parse_operator(const char *text, struct policy_condition *ret_condition)
{
	const struct str if_exists = STR("IfExists");
	struct str name = str_from(text);

	if (strip_front(&name, STR("ForAllValues:")))
		ret_condition->quantifier = POLICY_FOR_ALL_VALUES;
	else if (strip_front(&name, STR("ForAnyValue:")))
		ret_condition->quantifier = POLICY_FOR_ANY_VALUE;
	if (str_ends_with(name, if_exists)) {
		ret_condition->if_exists = true;
		name.n -= if_exists.n;
	}
	for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
		if (!str_equal(name, str_from(operators[i].name)))
			continue;
		ret_condition->comparison = operators[i].comparison;
		ret_condition->is_negated = operators[i].is_negated;
		/* AWS: "You can add IfExists to any operator except Null." */
		return !(ret_condition->if_exists && operators[i].comparison == POLICY_NULL);
	}
	return false;
}

/* Numbers and booleans are compared as the text they would have been. */
static bool value_text(struct aws_policy *policy, json_t *json, struct str *ret_text)
{
	char text[64];
	json_t *string;

	if (json_is_string(json)) {
		*ret_text = text_of(json);
		return true;
	}
	if (json_is_boolean(json))
		string = json_string(json_is_true(json) ? "true" : "false");
	else if (json_is_number(json)) {
		if (json_is_integer(json))
			snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(json));
		else
			snprintf(text, sizeof(text), "%.17g", json_real_value(json));
		string = json_string(text);
	} else {
		return false;
	}
	if (!string || json_array_append_new(policy->texts, string) < 0)
		return false;
	*ret_text = text_of(string);
	return true;
}

static int read_values(const struct place *place, struct aws_policy *policy, const char *operator,
	json_t * json, struct policy_condition *condition)
{
	size_t count = json_is_array(json) ? json_array_size(json) : 1;

	if (count == 0)
		return refuse(place, "Condition %s, %.*s: no value", operator,
			shown(condition->key), condition->key.p);
	condition->values.items = mem_new(count, sizeof(*condition->values.items));
	for (size_t i = 0; i < count; i++) {
		json_t *item = json_is_array(json) ? json_array_get(json, i) : json;
		struct str value;
		if (!value_text(policy, item, &value))
			return refuse(place,
				"Condition %s, %.*s: a value is neither a string, a number nor a boolean",
				operator, shown(condition->key), condition->key.p);
		const char *problem = policy_value_problem(condition->comparison, value);
		if (problem)
			return refuse(place, "Condition %s, %.*s: '%.*s' %s", operator,
				shown(condition->key), condition->key.p, shown(value), value.p,
				problem);
		condition->values.items[condition->values.count++] = value;
	}
	return 0;
}

static int read_conditions(const struct place *place, struct aws_policy *policy, json_t *object,
	struct policy_statement *statement)
{
	json_t *json = json_object_get(object, "Condition"), *keys, *values;
	const char *operator, * key;

	if (!json)
		return 0;
	if (!json_is_object(json))
		return refuse(place, "Condition is not an object");
	json_object_foreach(json, operator, keys)
	{
		struct policy_condition condition = {0};
		if (!parse_operator(operator, & condition))
			return refuse(
				place, "Invalid Condition type : %.*s", VALUE_SHOWN, operator);
		if (!json_is_object(keys))
			return refuse(place, "Condition %s is not an object", operator);
		json_object_foreach(keys, key, values)
		{
			condition.key = str_from(key);
			if (!memchr(key, ':', condition.key.n))
				return refuse(place,
					"Condition %s, %.*s: Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
					operator, shown(condition.key), key);
			statement->conditions = mem_grow(statement->conditions,
				statement->condition_count + 1, sizeof(*statement->conditions));
			struct policy_condition *place_in =
				&statement->conditions[statement->condition_count++];
			*place_in = condition;
			if (read_values(place, policy, operator, values, place_in) < 0)
				return -1;
		}
	}
	return 0;
}

static bool is_alphanumeric(struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')))
			return false;
	}
	return true;
}

static int read_sid(const struct place *place, const struct aws_policy *policy, json_t *object,
	struct policy_statement *statement)
{
	json_t *json = json_object_get(object, "Sid");

	statement->sid = STR("");
	if (!json)
		return 0;
	if (!json_is_string(json))
		return refuse(place, "Sid is not a string");
	statement->sid = text_of(json);
	if (place->kind == AWS_POLICY_IDENTITY && !is_alphanumeric(statement->sid))
		return refuse(place,
			"Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*; found '%.*s'",
			shown(statement->sid), statement->sid.p);
	for (size_t i = 0; i + 1 < place->statement; i++)
		if (statement->sid.n && str_equal(policy->statements[i].sid, statement->sid))
			return refuse(place,
				"Statement IDs (SID) in a single policy must be unique; '%.*s' is not",
				shown(statement->sid), statement->sid.p);
	return 0;
}

static int check_names(const struct place *place, json_t *object, const char *const *names)
{
	const char *name = NULL;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		const char *const *known = names;
		while (*known && strcmp(*known, name) != 0)
			known++;
		if (!*known)
			return refuse(place, "Unknown field %.*s", VALUE_SHOWN, name);
	}
	return 0;
}

static int read_statement(const struct place *place, struct aws_policy *policy, json_t *object,
	struct policy_statement *statement)
{
	static const char *const names[] = {"Sid", "Effect", "Principal", "NotPrincipal", "Action",
		"NotAction", "Resource", "NotResource", "Condition", NULL};

	if (!json_is_object(object))
		return refuse(place, "it is not an object");
	if (check_names(place, object, names) < 0 || read_sid(place, policy, object, statement) < 0)
		return -1;
	json_t *effect = json_object_get(object, "Effect");
	if (!effect)
		return refuse(place, "Missing required field Effect");
	statement->is_deny = json_is_string(effect) && str_equal(text_of(effect), STR("Deny"));
	if (!statement->is_deny &&
		!(json_is_string(effect) && str_equal(text_of(effect), STR("Allow"))))
		return refuse(place, "Invalid effect: it is neither \"Allow\" nor \"Deny\"");
	if (read_principals(place, object, statement) < 0 ||
		read_actions(place, object, statement) < 0 ||
		read_resources(place, object, statement) < 0)
		return -1;
	return read_conditions(place, policy, object, statement);
}

static int read_version(const struct place *place, struct aws_policy *policy)
{
	json_t *version = json_object_get(policy->json, "Version");

	if (!version)
		return 0;
	if (!json_is_string(version) || (!str_equal(text_of(version), STR("2012-10-17")) &&
						!str_equal(text_of(version), STR("2008-10-17"))))
		return refuse(place,
			"The policy must contain a valid version string: \"2012-10-17\" or \"2008-10-17\"");
	policy->has_variables = str_equal(text_of(version), STR("2012-10-17"));
	return 0;
}

static int read_policy(struct place *place, struct aws_policy *policy)
{
	static const char *const names[] = {"Version", "Id", "Statement", NULL};

	if (check_names(place, policy->json, names) < 0 || read_version(place, policy) < 0)
		return -1;
	json_t *id = json_object_get(policy->json, "Id");
	if (id && !json_is_string(id))
		return refuse(place, "Id is not a string");
	json_t *list = json_object_get(policy->json, "Statement");
	if (!list)
		return refuse(place, "Missing required field Statement");
	size_t count = json_is_array(list) ? json_array_size(list) : 1;
	if (count == 0 || count > AWS_POLICY_STATEMENTS_MAX)
		return refuse(place, "Statement has %zu statements; 1 to %d are accepted", count,
			AWS_POLICY_STATEMENTS_MAX);
	policy->statements = mem_new(count, sizeof(*policy->statements));
	policy->statement_count = count;
	for (size_t i = 0; i < count; i++) {
		place->statement = i + 1;
		if (read_statement(place, policy,
			    json_is_array(list) ? json_array_get(list, i) : list,
			    &policy->statements[i]) < 0)
			return -1;
	}
	return 0;
}

int aws_policy_parse(
	struct aws_policy **ret_policy, struct str json, enum aws_policy_kind kind, struct err *err)
{
	_cleanup_(aws_policy_freep) struct aws_policy *policy = mem_new(1, sizeof(*policy));
	struct place place = {.kind = kind, .err = err};
	json_error_t error;

	if (json.n > AWS_POLICY_MAX)
		return refuse(&place, "The policy has %zu bytes; at most %d are accepted", json.n,
			AWS_POLICY_MAX);
	policy->json = json_loadb(json.p ? json.p : "", json.n, JSON_REJECT_DUPLICATES, &error);
	if (!policy->json)
		return refuse(&place, "Policies must be valid JSON: line %d, column %d: %s",
			error.line, error.column, error.text);
	if (!json_is_object(policy->json))
		return refuse(&place, "Policies must be valid JSON and the first byte must be '{'");
	policy->texts = json_array();
	if (read_policy(&place, policy) < 0)
		return -1;
	*ret_policy = take(policy);
	return 0;
}

static void statement_done(struct policy_statement *statement)
{
	free(statement->actions.items);
	free(statement->resources.items);
	free(statement->principals);
	for (size_t i = 0; i < statement->condition_count; i++)
		free(statement->conditions[i].values.items);
	free(statement->conditions);
}

void aws_policy_free(struct aws_policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < policy->statement_count; i++)
		statement_done(&policy->statements[i]);
	free(policy->statements);
	json_decref(policy->texts);
	json_decref(policy->json);
	free(policy);
}

size_t aws_policy_statements(const struct aws_policy *policy)
{
	return policy->statement_count;
}

bool aws_policy_is_public(const struct aws_policy *policy)
{
	for (size_t i = 0; i < policy->statement_count; i++) {
		const struct policy_statement *statement = &policy->statements[i];
		if (statement->is_deny || statement->condition_count)
			continue;
		for (size_t k = 0; k < statement->principal_count; k++)
			if (statement->principals[k].type == POLICY_PRINCIPAL_EVERYBODY &&
				!statement->not_principal)
				return true;
	}
	return false;
}
