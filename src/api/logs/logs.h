/* logs: CloudWatch Logs (API reference; protocol awsJson1_1) over store/events.h. */
#pragma once

#include "api/service.h"
#include "base/buf.h"
#include "record/field.h"
#include "store/events.h"
#include "store/flow_logs.h"
#include "store/identities.h"
#include "store/metrics.h"

extern const struct api_service api_logs;

struct logs_metric_filters;
struct logs_queries;
struct live_tails;
struct logs_subscriptions;
struct logs_exports;
struct store_objects;
struct firehose;

/* Context of the service; what it points to outlives it. */
struct logs {
	struct store_events *events;
	struct store_database *database;
	struct store_metrics *metrics;
	struct store_objects *objects;     /* where export tasks write */
	struct store_flow_logs *flow_logs; /* for the formats of lines; may be NULL */
	struct firehose *firehose;         /* streams that filters may deliver to; may be NULL */
	struct str region, account;
	/* "ARN=URL" of subscription filters; ends with NULL; "*" is every ARN. */
	const char *const *destinations;
	int64_t live_tail_ms; /* how long a session may last; 0: three hours */
	/* The service's own. */
	struct logs_metric_filters *metric_filters;
	struct logs_queries *queries;
	struct live_tails *live_tails;
	struct logs_subscriptions *subscriptions;
	struct logs_exports *exports;
};

/* Loads what the database has and starts the service's threads. logs stays where it is. After a
 * failure too, logs_stop ends them and frees. */
int logs_start(struct logs *logs, struct err *err);
void logs_stop(struct logs *logs);

/* A field's name in Logs Insights: "srcAddr"; static. */
const char *logs_field_name(enum record_field field);

/* Counters for /metrics; context: struct logs. */
void logs_metrics(void *context, struct buf *lines);
