/* subscriptions_priv: subscription filters, between their operations and their sender. */
#pragma once

#include "api/logs/logs_priv.h"
#include "store/log_documents.h"

#define LOGS_SUBSCRIPTION        STR("subscription-filter")
#define LOGS_SUBSCRIPTION_CURSOR STR("subscription-cursor")
#define LOGS_SUBSCRIPTIONS_MAX   2 /* of a group */

/* The destination takes a CONTROL_MESSAGE; else InvalidParameterException. Blocks: on it. */
int logs_subscription_probe(const struct logs *logs, const json_t *filter, struct aws_error *error);
/* It begins with what comes from now on. */
int logs_subscription_begin(const struct logs *logs, int64_t group, const json_t *filter,
	struct aws_error *error, struct err *err);
void logs_subscriptions_changed(const struct logs *logs);
