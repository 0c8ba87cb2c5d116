/* insight: rules of Contributor Insights as documents of the account (CloudWatch API reference,
 * PutInsightRule; user guide, "Contributor Insights rule syntax"). */
#pragma once

#include "api/monitoring/monitoring_priv.h"

/* NULL in *ret_rule: there is none. The caller's: definition (text), state, tags. */
int insight_rule_get(
	struct monitoring *monitoring, struct str name, json_t **ret_rule, struct err *err);
int insight_rule_put(
	struct monitoring *monitoring, struct str name, const json_t *rule, struct err *err);
/* The name in a rule's ARN, or STR_NONE. */
struct str insight_rule_of_arn(const struct monitoring *monitoring, struct str arn);

/* A definition, checked. */
enum { INSIGHT_KEYS_MAX = 4, INSIGHT_FILTERS_MAX = 4 };
struct insight_definition {
	json_t *json;
	bool is_lines; /* LogFormat CLF; else JSON */
	bool is_sum;   /* AggregateOn */
	const json_t *keys, *filters, *groups;
	struct str value_of;
};
int insight_parse(
	struct str text, struct insight_definition *ret_definition, struct aws_error *error);
void insight_definition_done(struct insight_definition *definition);
