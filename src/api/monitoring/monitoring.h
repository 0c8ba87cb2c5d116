/* monitoring: CloudWatch's metrics and alarms (API reference, 2010-08-01; protocols rpc-v2-cbor,
 * awsJson1_0 and awsQuery) over store/metrics.h.
 *
 * Alarms are looked at once in ten seconds by a thread of the service's own, and when their
 * configuration changes. An action is an ARN (or any text) that the server's operator has given a
 * URL, which the alarm is posted to as SNS posts it, or a command, which gets it on standard input;
 * others are in the history as failed. Anomaly detection is refused by name. */
#pragma once

#include "api/service.h"
#include "base/err.h"
#include "base/mem.h"
#include "store/metrics.h"

struct monitoring;
struct store_events;

struct monitoring_options {
	struct store_metrics *metrics;   /* outlives the service, as the database */
	struct store_database *database; /* with store/log_documents.h open: dashboards, rules */
	struct store_events *events;     /* what rules of Contributor Insights count; outlives it */
	struct str region, account;
	/* "ARN=https://..." or "ARN=/path/of/command"; ends with NULL; "*" is every ARN. */
	const char *const *actions;
	int64_t interval_ms; /* between two looks at the alarms; 0: 10 seconds */
};

/* Strings are copied. */
int monitoring_start(struct monitoring **ret_monitoring, const struct monitoring_options *options,
	struct err *err);
void monitoring_stop(struct monitoring *monitoring); /* ends the thread, and frees */
MEM_DEFINE_CLEANUP(struct monitoring, monitoring_stop)

extern const struct api_service api_monitoring; /* context: the struct monitoring */
