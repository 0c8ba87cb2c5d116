#include "agent/flow_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define FLOW_LOG                                                                                   \
	"{\"FlowLogId\":\"fl-0123456789abcdef0\",\"ResourceType\":\"Subnet\",\"ResourceId\":"      \
	"\"subnet-0aaaaaaaaaaaaaaaa\",\"TrafficType\":\"REJECT\",\"LogDestinationType\":\"s3\","   \
	"\"LogDestination\":\"arn:aws:s3:::flows/edge/\",\"LogFormat\":\"${srcaddr} ${action}\","  \
	"\"MaxAggregationInterval\":60,\"FileFormat\":\"parquet\","                                \
	"\"HiveCompatiblePartitions\":true,\"PerHourPartition\":false,"                            \
	"\"CreationTime\":1764000000.5}"

static int parse(
	struct agent_flow_log **ret_flow_log, const char *name, json_t *value, struct err *err)
{
	json_t *object = json_loads(FLOW_LOG, 0, NULL);

	assert_non_null(object);
	if (name && value)
		json_object_set_new(object, name, value);
	else if (name)
		json_object_del(object, name);
	int result = agent_flow_log_parse(ret_flow_log, object, err);
	json_decref(object);
	return result;
}

static void what_the_server_says(void **state)
{
	_cleanup_(agent_flow_log_freep) struct agent_flow_log *flow_log = NULL;
	_cleanup_(agent_flow_log_freep) struct agent_flow_log *logs = NULL;
	struct err err;

	assert_int_equal(parse(&flow_log, NULL, NULL, &err), 0);
	assert_string_equal(flow_log->id, "fl-0123456789abcdef0");
	assert_int_equal(flow_log->resource, AGENT_SUBNET);
	assert_int_equal(flow_log->traffic, AGENT_TRAFFIC_REJECT);
	assert_int_equal(flow_log->kind, DELIVER_TO_S3);
	assert_string_equal(flow_log->destination, "arn:aws:s3:::flows/edge/");
	assert_int_equal(flow_log->interval, 60);
	assert_int_equal(flow_log->format.count, 2);
	assert_true(flow_log->is_parquet && flow_log->is_hive_compatible);
	assert_false(flow_log->is_per_hour);
	assert_null(flow_log->role_arn);
	json_t *object = json_loads(FLOW_LOG, 0, NULL);
	json_object_set_new(object, "LogDestinationType", json_string("cloud-watch-logs"));
	json_object_set_new(object, "LogGroupName", json_string("group"));
	json_object_del(object, "LogDestination");
	assert_int_equal(agent_flow_log_parse(&logs, object, &err), 0);
	assert_string_equal(logs->destination, "group");
	json_decref(object);
}

static void what_an_agent_cannot_do(void **state)
{
	const struct {
		const char *name;
		json_t *value;
	} cases[] = {
		{"FlowLogId", json_string("../../etc")},
		{"FlowLogId", NULL},
		{"ResourceType", json_string("TransitGateway")},
		{"TrafficType", json_integer(1)},
		{"LogDestinationType", json_string("folder")}, /* not the server's to name */
		{"LogDestination", NULL},
		{"LogFormat", json_string("${tgw-id}")},
		{"LogFormat", NULL},
		{"MaxAggregationInterval", json_integer(0)},
		{"MaxAggregationInterval", json_integer(601)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct agent_flow_log *flow_log = NULL;
		struct err err = ERR_INIT;
		assert_true(parse(&flow_log, cases[i].name, cases[i].value, &err) < 0);
		assert_null(flow_log);
		assert_true(err.code == ERR_INPUT || err.code == ERR_USAGE);
		assert_non_null(strstr(err.message, cases[i].name));
	}
}

static void whom_it_concerns(void **state)
{
	struct vpc_interface interface = {.name = "eth0",
		.id = "eni-0bbbbbbbbbbbbbbbb",
		.vpc_id = "vpc-0cccccccccccccccc",
		.subnet_id = "subnet-0aaaaaaaaaaaaaaaa",
		.addresses = 1};
	static const struct {
		enum agent_resource resource;
		const char *id;
		bool concerns;
	} cases[] = {
		{AGENT_EVERYTHING, NULL, true},
		{AGENT_VPC, "vpc-0cccccccccccccccc", true},
		{AGENT_VPC, "vpc-0cccccccccccccccd", false},
		{AGENT_VPC, "shop", false},
		{AGENT_SUBNET, "subnet-0aaaaaaaaaaaaaaaa", true},
		{AGENT_SUBNET, "10.1.2.0/24", true},
		{AGENT_SUBNET, "10.1.0.0/16", false},
		{AGENT_INTERFACE, "eni-0bbbbbbbbbbbbbbbb", true},
		{AGENT_INTERFACE, "eth*", true},
		{AGENT_INTERFACE, "eth1", false},
	};

	ip_parse(STR("10.1.2.3"), &interface.address[0]);
	ip_prefix_parse(STR("10.1.2.0/24"), &interface.prefix[0]);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct agent_flow_log flow_log = {
			.resource = cases[i].resource, .resource_id = (char *)cases[i].id};
		assert_int_equal(agent_flow_log_concerns(&flow_log, &interface), cases[i].concerns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_server_says),
		cmocka_unit_test(what_an_agent_cannot_do),
		cmocka_unit_test(whom_it_concerns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
