/* inventory: a network as SyncAgent's Inventory (api/agents/agents.smithy). */
#pragma once

#include "vpc/network.h"

#include <jansson.h>

/* The caller's. */
json_t *agent_inventory(const struct vpc_network *network, const struct vpc_identity *identity);
