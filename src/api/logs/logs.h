/* logs: CloudWatch Logs (API reference; protocol awsJson1_1) over store/events.h. */
#pragma once

#include "api/service.h"
#include "base/buf.h"
#include "store/events.h"
#include "store/identities.h"

extern const struct api_service api_logs;

/* Context of the service; what it points to outlives it. */
struct logs {
	struct store_events *events;
	struct str region, account;
};

/* Counters for /metrics; context: struct logs. */
void logs_metrics(void *context, struct buf *lines);
