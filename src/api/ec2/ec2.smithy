$version: "2"

namespace nagare.ec2

use aws.protocols#ec2Query

/// What nagare has of EC2; members that it never gives are left out of outputs.
@ec2Query
@xmlNamespace(uri: "http://ec2.amazonaws.com/doc/2016-11-15/")
service Ec2 {
	version: "2016-11-15"
	operations: [
		CreateFlowLogs
		DescribeFlowLogs
		DeleteFlowLogs
		GetFlowLogsIntegrationTemplate
		CreateTags
		DeleteTags
		DescribeTags
		DescribeNetworkInterfaces
		DescribeNetworkInterfaceAttribute
		DescribeSubnets
		DescribeVpcs
		DescribeVpcAttribute
		DescribeInstances
		DescribeSecurityGroups
		DescribeSecurityGroupRules
		DescribeRegions
		DescribeAvailabilityZones
		DescribeAccountAttributes
	]
}
