/* The queries that come with the integration of flow logs with Athena (VPC guide, "Query flow logs
 * using Amazon Athena": names and what each is for; the SQL is ours). */
#include "api/ec2/template_priv.h"

#include <stdio.h>

enum { NEEDS_MAX = 6 };

/* %1$s stands for "database"."table". */
static const struct {
	const char *name, *description;
	enum record_field needs[NEEDS_MAX];
	unsigned need_count;
	const char *sql;
} queries[] = {
	{"VpcFlowLogsAcceptedTraffic",
		"TCP connections that security groups and network ACLs allowed.",
		{RECORD_ACTION, RECORD_PROTOCOL}, 2,
		"SELECT * FROM %s WHERE action = 'ACCEPT' AND protocol = 6 LIMIT 100"},
	{"VpcFlowLogsAdminPortTraffic",
		"The ten addresses with the most traffic on administrative ports.",
		{RECORD_DSTADDR, RECORD_SRCPORT, RECORD_DSTPORT, RECORD_BYTES}, 4,
		"SELECT dstaddr, sum(bytes) AS bytes FROM %s"
		" WHERE dstport IN (22, 23, 3389, 5900, 5985, 5986)"
		" OR srcport IN (22, 23, 3389, 5900, 5985, 5986)"
		" GROUP BY dstaddr ORDER BY bytes DESC LIMIT 10"},
	{"VpcFlowLogsIPv4Traffic", "All bytes of IPv4.", {RECORD_TYPE, RECORD_BYTES}, 2,
		"SELECT sum(bytes) AS bytes FROM %s WHERE type = 'IPv4'"},
	{"VpcFlowLogsIPv6Traffic", "All bytes of IPv6.", {RECORD_TYPE, RECORD_BYTES}, 2,
		"SELECT sum(bytes) AS bytes FROM %s WHERE type = 'IPv6'"},
	{"VpcFlowLogsRejectedTCPTraffic", "TCP connections that were rejected.",
		{RECORD_ACTION, RECORD_PROTOCOL}, 2,
		"SELECT * FROM %s WHERE action = 'REJECT' AND protocol = 6 LIMIT 100"},
	{"VpcFlowLogsRejectedTraffic", "All traffic that was rejected.", {RECORD_ACTION}, 1,
		"SELECT * FROM %s WHERE action = 'REJECT' LIMIT 100"},
	{"VpcFlowLogsSshRdpTraffic", "Traffic to SSH and RDP.", {RECORD_DSTPORT}, 1,
		"SELECT * FROM %s WHERE dstport IN (22, 3389) LIMIT 100"},
	{"VpcFlowLogsTopTalkers", "The 50 addresses with the most traffic.",
		{RECORD_SRCADDR, RECORD_BYTES}, 2,
		"SELECT srcaddr, sum(bytes) AS bytes FROM %s"
		" GROUP BY srcaddr ORDER BY bytes DESC LIMIT 50"},
	{"VpcFlowLogsTopTalkersPacketLevel", "The 50 addresses in packets with the most traffic.",
		{RECORD_PKT_SRCADDR, RECORD_BYTES}, 2,
		"SELECT pkt_srcaddr, sum(bytes) AS bytes FROM %s"
		" GROUP BY pkt_srcaddr ORDER BY bytes DESC LIMIT 50"},
	{"VpcFlowLogsTopTalkingInstances", "The 50 instances with the most traffic.",
		{RECORD_INSTANCE_ID, RECORD_BYTES}, 2,
		"SELECT instance_id, sum(bytes) AS bytes FROM %s"
		" GROUP BY instance_id ORDER BY bytes DESC LIMIT 50"},
	{"VpcFlowLogsTopTalkingSubnets", "The 50 subnets with the most traffic.",
		{RECORD_SUBNET_ID, RECORD_BYTES}, 2,
		"SELECT subnet_id, sum(bytes) AS bytes FROM %s"
		" GROUP BY subnet_id ORDER BY bytes DESC LIMIT 50"},
	{"VpcFlowLogsTopTCPTraffic", "TCP traffic by the address that sent it.",
		{RECORD_SRCADDR, RECORD_PROTOCOL, RECORD_BYTES}, 3,
		"SELECT srcaddr, sum(bytes) AS bytes FROM %s WHERE protocol = 6"
		" GROUP BY srcaddr ORDER BY bytes DESC"},
	{"VpcFlowLogsTotalBytesTransferred", "The 50 pairs of addresses with the most traffic.",
		{RECORD_SRCADDR, RECORD_DSTADDR, RECORD_BYTES}, 3,
		"SELECT srcaddr, dstaddr, sum(bytes) AS bytes FROM %s"
		" GROUP BY srcaddr, dstaddr ORDER BY bytes DESC LIMIT 50"},
	{"VpcFlowLogsTotalBytesTransferredPacketLevel",
		"The 50 pairs of addresses in packets with the most traffic.",
		{RECORD_PKT_SRCADDR, RECORD_PKT_DSTADDR, RECORD_BYTES}, 3,
		"SELECT pkt_srcaddr, pkt_dstaddr, sum(bytes) AS bytes FROM %s"
		" GROUP BY pkt_srcaddr, pkt_dstaddr ORDER BY bytes DESC LIMIT 50"},
	{"VpcFlowLogsTrafficFrmSrcAddr", "Traffic from an address: put it in.", {RECORD_SRCADDR}, 1,
		"SELECT * FROM %s WHERE srcaddr = '10.0.0.1' LIMIT 100"},
	{"VpcFlowLogsTrafficToDstAddr", "Traffic to an address: put it in.", {RECORD_DSTADDR}, 1,
		"SELECT * FROM %s WHERE dstaddr = '10.0.0.1' LIMIT 100"},
};

static bool has_field(const struct record_format *format, enum record_field field)
{
	for (size_t i = 0; i < format->count; i++)
		if (format->fields[i] == field)
			return true;
	return false;
}

static bool has_all(const struct record_format *format, size_t query)
{
	for (unsigned i = 0; i < queries[query].need_count; i++)
		if (!has_field(format, queries[query].needs[i]))
			return false;
	return true;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the table's */
static json_t *named_query(size_t query, const struct ec2_integration *integration)
{
	_cleanup_free_ char *table =
		mem_printf("\"%s\".\"%s\"", integration->database, integration->table);
	_cleanup_free_ char *sql = mem_printf(queries[query].sql, table);

	return json_pack("{s:s, s:[s], s:{s:s, s:s, s:s, s:s, s:{s:s}}}", "Type",
		"AWS::Athena::NamedQuery", "DependsOn", integration->workgroup, "Properties",
		"Name", queries[query].name, "Description", queries[query].description, "Database",
		integration->database, "QueryString", sql, "WorkGroup", "Ref",
		integration->workgroup);
}
#pragma GCC diagnostic pop

void ec2_add_named_queries(
	json_t *resources, const char *prefix, const struct ec2_integration *integration)
{
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		if (!has_all(integration->format, i))
			continue;
		_cleanup_free_ char *id = mem_printf("%s%s", prefix, queries[i].name);
		ec2_set(resources, id, named_query(i, integration));
	}
}
