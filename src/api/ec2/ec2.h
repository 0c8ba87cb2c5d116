/* ec2: the part of EC2's API that is about flow logs and what they are made on (EC2 API reference,
 * version 2016-11-15): flow logs, tags, and the network that agents have told as VPCs, subnets,
 * network interfaces, instances and security groups. */
#pragma once

#include "api/firehose/firehose.h"
#include "api/service.h"
#include "store/flow_logs.h"
#include "store/network.h"
#include "store/objects.h"

/* The context of the service. */
struct ec2_context {
	struct store_network *network;
	struct store_flow_logs *flow_logs;
	struct store_objects *objects; /* buckets that flow logs go to */
	struct firehose *firehose;     /* streams likewise; NULL: not asked */
	bool has_short_intervals;      /* MaxAggregationInterval may be 1 to 59 */
};

extern const struct api_service api_ec2;
