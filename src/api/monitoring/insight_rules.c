/* Rules of Contributor Insights: made, listed, switched, deleted. What they tell is in
 * insight_report.c. */
#include "api/monitoring/insight.h"

#include "store/log_documents.h"

#define KIND      STR("insight-rule")
#define RULES_MAX 100
enum { PAGE = 500, GROUPS_MAX = 20 };

/* ---- documents ---- */

int insight_rule_get(
	struct monitoring *monitoring, struct str name, json_t **ret_rule, struct err *err)
{
	const struct store_log_document document = {.kind = KIND, .name = name};

	return store_log_document_get(monitoring->database, &document, ret_rule, err);
}

int insight_rule_put(
	struct monitoring *monitoring, struct str name, const json_t *rule, struct err *err)
{
	_cleanup_free_ char *text = json_dumps(rule, JSON_COMPACT);
	const struct store_log_document document = {
		.kind = KIND, .name = name, .text = str_from(text)};

	return store_log_document_put(monitoring->database, &document, RULES_MAX, err);
}

struct str insight_rule_of_arn(const struct monitoring *monitoring, struct str arn)
{
	_cleanup_free_ char *prefix = mem_printf("arn:%s:cloudwatch:%s:%s:insight-rule/",
		monitoring->partition, monitoring->region, monitoring->account);
	struct str start = str_from(prefix);

	if (!str_starts_with(arn, start))
		return STR_NONE;
	return (struct str){arn.p + start.n, arn.n - start.n};
}

/* ---- definitions ---- */

static int refuse(struct aws_error *error, const char *what)
{
	return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_VALUE,
		"The value for parameter RuleDefinition is invalid: %s.", what);
}

static bool are_texts(const json_t *list, size_t min, size_t max)
{
	size_t i;
	json_t *item;

	if (json_array_size(list) < min || json_array_size(list) > max)
		return false;
	json_array_foreach(list, i, item)
	{
		if (!json_is_string(item))
			return false;
	}
	return true;
}

static bool is_filter(const json_t *filter)
{
	static const char *const operators[] = {"In", "NotIn", "StartsWith", "GreaterThan",
		"LessThan", "EqualTo", "NotEqualTo", "IsPresent"};
	size_t found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
		const json_t *value = json_object_get(filter, operators[i]);
		bool is_good = i < 3   ? are_texts(value, 1, 10)
			       : i < 5 ? json_is_number(value)
			       : i < 7 ? json_is_number(value) || json_is_string(value)
				       : json_is_boolean(value);
		if (value && !is_good)
			return false;
		found += value != NULL;
	}
	return found > 0 && json_is_string(json_object_get(filter, "Match"));
}

static const char *check(struct insight_definition *definition)
{
	const json_t *contribution = json_object_get(definition->json, "Contribution");
	struct str format = api_member_text(definition->json, "LogFormat");
	struct str aggregate = api_member_text(definition->json, "AggregateOn");
	const json_t *schema = json_object_get(definition->json, "Schema");
	size_t i;
	json_t *filter;

	if (json_is_object(schema))
		schema = json_object_get(schema, "Name");
	if (!json_is_string(schema) || strcmp(json_string_value(schema), "CloudWatchLogRule") != 0)
		return "Schema must be CloudWatchLogRule";
	definition->groups = json_object_get(definition->json, "LogGroupNames");
	if (!are_texts(definition->groups, 1, GROUPS_MAX))
		return "LogGroupNames must be a list of names";
	definition->is_lines = str_equal(format, STR("CLF"));
	if (!definition->is_lines && !str_equal(format, STR("JSON")))
		return "LogFormat must be JSON or CLF";
	definition->keys = json_object_get(contribution, "Keys");
	if (!are_texts(definition->keys, 1, INSIGHT_KEYS_MAX))
		return "Contribution must have one to four Keys";
	definition->filters = json_object_get(contribution, "Filters");
	if (json_array_size(definition->filters) > INSIGHT_FILTERS_MAX)
		return "Contribution must not have more than four Filters";
	json_array_foreach(definition->filters, i, filter)
	{
		if (!is_filter(filter))
			return "a filter has Match and an operator";
	}
	definition->is_sum = str_equal(aggregate, STR("Sum"));
	if (!definition->is_sum && aggregate.p && !str_equal(aggregate, STR("Count")))
		return "AggregateOn must be Count or Sum";
	definition->value_of = api_member_text(contribution, "ValueOf");
	if (definition->is_sum && !definition->value_of.p)
		return "with AggregateOn Sum there must be ValueOf";
	return NULL;
}

int insight_parse(
	struct str text, struct insight_definition *ret_definition, struct aws_error *error)
{
	*ret_definition = (struct insight_definition){
		.json = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL)};
	const char *why = json_is_object(ret_definition->json) ? check(ret_definition)
							       : "it is no JSON object";
	if (!why)
		return 0;
	insight_definition_done(ret_definition);
	return refuse(error, why);
}

void insight_definition_done(struct insight_definition *definition)
{
	json_decref(definition->json);
	*definition = (struct insight_definition){.json = NULL};
}

/* ---- the calls ---- */

MONITORING_HANDLER(monitoring_put_rule)
{
	struct monitoring *monitoring = monitoring_of(call);
	struct str name = api_member_text(call->input, "RuleName");
	struct str text = api_member_text(call->input, "RuleDefinition");
	struct str state = api_member_text(call->input, "RuleState");
	struct insight_definition definition;
	json_t *there;

	if (state.p && !str_equal(state, STR("ENABLED")) && !str_equal(state, STR("DISABLED")))
		return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"The value for parameter RuleState must be ENABLED or DISABLED.");
	if (insight_parse(text, &definition, error) < 0)
		return -1;
	insight_definition_done(&definition);
	if (insight_rule_get(monitoring, name, &there, &call->exchange->err) < 0)
		return monitoring_inner(call, error);
	/* Tags are those of the creation, as an alarm's. */
	json_t *tags = there ? json_incref(json_object_get(there, "tags"))
			     : monitoring_read_tags(json_object_get(call->input, "Tags"));
	json_t *rule = json_pack("{s:s%, s:s, s:o}", "definition", text.p, text.n, "state",
		state.p ? state.p : "ENABLED", "tags", tags);
	int result = insight_rule_put(monitoring, name, rule, &call->exchange->err);
	json_decref(rule);
	json_decref(there);
	if (result == STORE_LOG_DOCUMENTS_FULL)
		return aws_error_set(error, AWS_ERROR_LIMIT_EXCEEDED_EXCEPTION,
			"There are %d rules, as many as may be.", RULES_MAX);
	return result < 0 ? monitoring_inner(call, error) : 0;
}

struct listing {
	struct str after;
	size_t max;
	json_t *list;
	bool is_truncated;
};

static void add_listed(void *context, const struct store_log_document *document)
{
	struct listing *listing = context;

	if (strcmp(document->name.p, listing->after.p) <= 0)
		return;
	if (json_array_size(listing->list) == listing->max) {
		listing->is_truncated = true;
		return;
	}
	json_t *rule = json_loadb(document->text.p, document->text.n, 0, NULL);
	json_array_append_new(listing->list,
		json_pack("{s:s%, s:O, s:s, s:O, s:b, s:b}", "Name", document->name.p,
			document->name.n, "State", json_object_get(rule, "state"), "Schema",
			"CloudWatchLogRule/1", "Definition", json_object_get(rule, "definition"),
			"ManagedRule", 0, "ApplyOnTransformedLogs", 0));
	json_decref(rule);
}

MONITORING_HANDLER(monitoring_describe_rules)
{
	_cleanup_buf_ struct buf after = {0};

	if (monitoring_token(call, &after, error) < 0)
		return -1;
	struct listing listing = {.after = str_from(buf_text(&after)),
		.max = (size_t)api_member_number(call->input, "MaxResults", PAGE),
		.list = json_array()};
	json_object_set_new(call->output, "InsightRules", listing.list);
	if (store_log_documents_list(monitoring_of(call)->database, KIND, add_listed, &listing,
		    &call->exchange->err) < 0)
		return monitoring_inner(call, error);
	if (listing.is_truncated)
		monitoring_next(call->output,
			api_member_text(json_array_get(listing.list, listing.max - 1), "Name"));
	return 0;
}

/* state NULL: deleted. */
static int change_one(struct api_call *call, struct str name, const char *state, json_t *failures)
{
	struct monitoring *monitoring = monitoring_of(call);
	struct err *err = &call->exchange->err;
	const struct store_log_document document = {.kind = KIND, .name = name};
	json_t *rule;
	int result;

	if (insight_rule_get(monitoring, name, &rule, err) < 0)
		return -1;
	if (!rule) {
		json_array_append_new(failures,
			json_pack("{s:s%, s:s, s:s, s:s}", "FailureResource", name.p, name.n,
				"ExceptionType", "ResourceNotFoundException", "FailureCode", "404",
				"FailureDescription", "The rule does not exist."));
		return 0;
	}
	if (state) {
		json_object_set_new(rule, "state", json_string(state));
		result = insight_rule_put(monitoring, name, rule, err);
	} else {
		result = store_log_document_delete(monitoring->database, &document, err);
	}
	json_decref(rule);
	return result < 0 ? -1 : 0;
}

static int change(struct api_call *call, const char *state, struct aws_error *error)
{
	json_t *failures = json_array();
	size_t i;
	json_t *name;

	json_object_set_new(call->output, "Failures", failures);
	json_array_foreach(json_object_get(call->input, "RuleNames"), i, name)
	{
		if (change_one(call, str_from(json_string_value(name)), state, failures) < 0)
			return monitoring_inner(call, error);
	}
	return 0;
}

MONITORING_HANDLER(monitoring_enable_rules)
{
	return change(call, "ENABLED", error);
}

MONITORING_HANDLER(monitoring_disable_rules)
{
	return change(call, "DISABLED", error);
}

MONITORING_HANDLER(monitoring_delete_rules)
{
	return change(call, NULL, error);
}
