/* template_priv: what the files of GetFlowLogsIntegrationTemplate share. */
#pragma once

#include "api/ec2/ec2_priv.h"
#include "record/format.h"

/* One way in which the flow log's objects are to be queried. */
struct ec2_integration {
	const char *database, *table, *workgroup;
	const struct record_format *format;
	bool is_hive, is_per_hour; /* partition keys: year, month, day or date; and hour */
};

/* Adds an AWS::Athena::NamedQuery for each of AWS's queries whose fields are in the format, under
 * logical ids that begin with prefix. */
void ec2_add_named_queries(
	json_t *resources, const char *prefix, const struct ec2_integration *integration);
