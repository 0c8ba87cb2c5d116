/* status_priv: the writing half of status.h. */
#pragma once

#include "agent/board_priv.h"
#include "agent/status.h"

/* The caller's. */
json_t *agent_status_json(const struct agent_report *report);
/* SyncAgent's Delivery. */
json_t *agent_status_delivery(const struct agent_delivery_report *report);
/* Whole or not at all for readers; not synchronised. */
int agent_status_write(const char *path, struct str text, struct err *err);
