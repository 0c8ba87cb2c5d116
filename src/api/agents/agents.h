/* agents: the service through which agents and the server's EC2 API know of each other
 * (agents.smithy): an agent tells what it sees and is told the flow logs of the account. nagare's
 * own: no AWS service has it. Signed as "nagare"; permissions are nagare:SyncAgent on
 * arn:aws:nagare:REGION:ACCOUNT:agent/ID, and nagare:ListAgents. */
#pragma once

#include "api/service.h"
#include "store/flow_logs.h"
#include "store/network.h"

/* The context of the service. */
struct agents {
	struct store_network *network;
	struct store_flow_logs *flow_logs;
};

extern const struct api_service api_agents;
