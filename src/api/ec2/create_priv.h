/* create_priv: what the files of CreateFlowLogs share. */
#pragma once

#include "api/ec2/ec2_priv.h"

/* Checks the request but for its resources and fills the members that all of its flow logs have
 * (FlowLog's, and ResourceType for the agents). */
int ec2_check_flow_log(struct ec2 *ec2, json_t *common);
/* *ret_missing: the bucket that is not there, lent by the request; NULL: it is, or need not be. */
int ec2_check_destination(struct ec2 *ec2, const json_t *common, const char **ret_missing);
