$version: "2"

namespace nagare.agents

use aws.protocols#awsJson1_1

/// How agents and the server's EC2 API know of each other: an agent tells what it sees and how its
/// deliveries fare, and is told the flow logs of its account. nagare's own; no AWS service has it.
@awsJson1_1
service NagareAgents {
	version: "2026-11-25"
	operations: [SyncAgent, ListAgents]
}

/// Called once a second or so. The inventory is sent when it has changed, or was asked for.
operation SyncAgent {
	input := {
		/// Id of the host as an instance.
		@required
		@length(min: 1, max: 256)
		AgentId: Name

		@required
		Hostname: Text

		@required
		AgentVersion: Text

		/// Of the flow logs that the agent has.
		KnownVersion: Long

		Inventory: Inventory
		Deliveries: Deliveries
	}
	output := {
		@required
		Version: Long

		/// Not there when KnownVersion is current. All of the account, active ones only.
		FlowLogs: FlowLogs

		/// The server does not know this agent's inventory: send it.
		@required
		NeedsInventory: Boolean
	}
}

operation ListAgents {
	input := {}
	output := {
		@required
		Agents: Agents
	}
}

list Agents {
	member: Agent
}

structure Agent {
	@required
	AgentId: Name

	@required
	Hostname: Text

	@required
	AgentVersion: Text

	@required
	LastSeen: Timestamp

	@required
	Interfaces: Integer

	Deliveries: Deliveries
}

structure Inventory {
	@required
	Instances: Instances

	@required
	Vpcs: Vpcs

	@required
	Subnets: Subnets

	@required
	SecurityGroups: SecurityGroups

	@required
	NetworkInterfaces: NetworkInterfaces
}

list Instances {
	member: Instance
}

/// The host, and each container or virtual machine on it.
structure Instance {
	@required
	@length(min: 1, max: 256)
	InstanceId: Name

	@required
	Title: Text

	/// host, container, pod, vm
	@required
	Kind: Name

	LaunchTime: Timestamp
	Architecture: Name
	Tags: Tags
}

list Vpcs {
	member: Vpc
}

structure Vpc {
	@required
	@length(min: 1, max: 256)
	VpcId: Name

	@required
	Title: Text

	CidrBlocks: Names
	Ipv6CidrBlocks: Names
	Tags: Tags
}

list Subnets {
	member: Subnet
}

structure Subnet {
	@required
	@length(min: 1, max: 256)
	SubnetId: Name

	@required
	VpcId: Name

	/// Empty for a subnet that has IPv6 alone.
	CidrBlock: Name

	Ipv6CidrBlocks: Names
	AvailabilityZoneId: Name
	Tags: Tags
}

list SecurityGroups {
	member: SecurityGroup
}

structure SecurityGroup {
	@required
	@length(min: 1, max: 256)
	GroupId: Name

	@required
	GroupName: Text

	@required
	VpcId: Name

	Description: Text

	@required
	Permissions: Permissions
}

list Permissions {
	member: Permission
}

structure Permission {
	@required
	IsEgress: Boolean

	/// A number, or -1.
	@required
	IpProtocol: Name

	FromPort: Integer
	ToPort: Integer
	Cidrs: Names
	Ipv6Cidrs: Names
	Description: Text
}

list NetworkInterfaces {
	member: NetworkInterface
}

structure NetworkInterface {
	@required
	@length(min: 1, max: 256)
	NetworkInterfaceId: Name

	@required
	DeviceName: Text

	/// ether, veth, tap, vlan, bridge, ...
	@required
	Kind: Name

	MacAddress: Name

	/// ADDRESS/LENGTH; the first is the primary one.
	Addresses: Names

	Ipv6Addresses: Names
	SubnetId: Name

	@required
	VpcId: Name

	/// What it is attached to.
	@required
	InstanceId: Name

	@required
	IsUp: Boolean

	Description: Text
	GroupIds: Names
	AvailabilityZoneId: Name
	DeviceIndex: Integer
	AttachTime: Timestamp
	Tags: Tags
}

list FlowLogs {
	member: FlowLog
}

structure FlowLog {
	@required
	FlowLogId: Name

	/// VPC, Subnet or NetworkInterface.
	@required
	ResourceType: Name

	@required
	ResourceId: Name

	/// ACCEPT, REJECT or ALL.
	@required
	TrafficType: Name

	/// cloud-watch-logs, s3 or kinesis-data-firehose.
	@required
	LogDestinationType: Name

	/// ARN: of the bucket with its prefix, of the log group, of the stream.
	@required
	LogDestination: Text

	LogGroupName: Text
	DeliverCrossAccountRole: Text

	@required
	LogFormat: Text

	/// Seconds.
	@required
	MaxAggregationInterval: Integer

	/// plain-text or parquet.
	FileFormat: Name

	HiveCompatiblePartitions: Boolean
	PerHourPartition: Boolean

	@required
	CreationTime: Timestamp

	Tags: Tags
}

list Deliveries {
	member: Delivery
}

structure Delivery {
	@required
	FlowLogId: Name

	/// "Access error", "Rate limited", "Unknown error"; not there: all is well.
	Fault: Text

	Message: Text

	@required
	Records: Long

	@required
	Batches: Long

	@required
	Retries: Long

	@required
	GivenUp: Long

	@required
	SpoolBatches: Long

	@required
	SpoolBytes: Long

	/// Of the oldest batch that waits.
	Oldest: Timestamp

	Delivered: Timestamp
}

list Tags {
	member: Tag
}

structure Tag {
	@required
	Key: Text

	@required
	Value: Text
}

list Names {
	member: Name
}

@length(max: 256)
string Name

@length(max: 4096)
string Text
