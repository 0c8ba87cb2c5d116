$version: "2"

namespace nagare.ec2

operation DescribeInstances {
	input := {
		@xmlName("InstanceId")
		InstanceIds: InstanceIdStringList

		IncludeManagedResources: Boolean

		@xmlName("dryRun")
		DryRun: Boolean

		@xmlName("Filter")
		Filters: FilterList

		@xmlName("nextToken")
		NextToken: String

		@xmlName("maxResults")
		MaxResults: Integer
	}
	output := {
		@xmlName("nextToken")
		NextToken: String

		@xmlName("reservationSet")
		Reservations: ReservationList
	}
}

operation DescribeSecurityGroups {
	input := {
		@xmlName("GroupId")
		GroupIds: GroupIdStringList

		@xmlName("GroupName")
		GroupNames: GroupNameStringList

		NextToken: String
		MaxResults: Integer

		@xmlName("dryRun")
		DryRun: Boolean

		@xmlName("Filter")
		Filters: FilterList
	}
	output := {
		@xmlName("nextToken")
		NextToken: String

		@xmlName("securityGroupInfo")
		SecurityGroups: SecurityGroupList
	}
}

operation DescribeSecurityGroupRules {
	input := {
		@xmlName("Filter")
		Filters: FilterList

		@xmlName("SecurityGroupRuleId")
		SecurityGroupRuleIds: SecurityGroupRuleIdList

		DryRun: Boolean
		NextToken: String
		MaxResults: Integer
	}
	output := {
		@xmlName("securityGroupRuleSet")
		SecurityGroupRules: SecurityGroupRuleList

		@xmlName("nextToken")
		NextToken: String
	}
}

list InstanceIdStringList {
	@xmlName("InstanceId")
	member: String
}

list ReservationList {
	@xmlName("item")
	member: Reservation
}

list GroupIdStringList {
	@xmlName("groupId")
	member: String
}

list GroupNameStringList {
	@xmlName("GroupName")
	member: String
}

list SecurityGroupList {
	@xmlName("item")
	member: SecurityGroup
}

list SecurityGroupRuleIdList {
	@xmlName("item")
	member: String
}

list SecurityGroupRuleList {
	@xmlName("item")
	member: SecurityGroupRule
}

structure Reservation {
	@xmlName("reservationId")
	ReservationId: String

	@xmlName("ownerId")
	OwnerId: String

	@xmlName("groupSet")
	Groups: GroupIdentifierList

	@xmlName("instancesSet")
	Instances: InstanceList
}

structure SecurityGroup {
	@xmlName("groupId")
	GroupId: String

	@xmlName("ipPermissionsEgress")
	IpPermissionsEgress: IpPermissionList

	@xmlName("tagSet")
	Tags: TagList

	@xmlName("vpcId")
	VpcId: String

	@xmlName("securityGroupArn")
	SecurityGroupArn: String

	@xmlName("ownerId")
	OwnerId: String

	@xmlName("groupName")
	GroupName: String

	@xmlName("groupDescription")
	Description: String

	@xmlName("ipPermissions")
	IpPermissions: IpPermissionList
}

structure SecurityGroupRule {
	@xmlName("securityGroupRuleId")
	SecurityGroupRuleId: String

	@xmlName("groupId")
	GroupId: String

	@xmlName("groupOwnerId")
	GroupOwnerId: String

	@xmlName("isEgress")
	IsEgress: Boolean

	@xmlName("ipProtocol")
	IpProtocol: String

	@xmlName("fromPort")
	FromPort: Integer

	@xmlName("toPort")
	ToPort: Integer

	@xmlName("cidrIpv4")
	CidrIpv4: String

	@xmlName("cidrIpv6")
	CidrIpv6: String

	@xmlName("description")
	Description: String

	@xmlName("tagSet")
	Tags: TagList

	@xmlName("securityGroupRuleArn")
	SecurityGroupRuleArn: String
}

list InstanceList {
	@xmlName("item")
	member: Instance
}

list IpPermissionList {
	@xmlName("item")
	member: IpPermission
}

structure Instance {
	@xmlName("architecture")
	Architecture: String

	@xmlName("ebsOptimized")
	EbsOptimized: Boolean

	@xmlName("hypervisor")
	Hypervisor: String

	@xmlName("networkInterfaceSet")
	NetworkInterfaces: InstanceNetworkInterfaceList

	@xmlName("rootDeviceType")
	RootDeviceType: String

	@xmlName("groupSet")
	SecurityGroups: GroupIdentifierList

	@xmlName("sourceDestCheck")
	SourceDestCheck: Boolean

	@xmlName("tagSet")
	Tags: TagList

	@xmlName("virtualizationType")
	VirtualizationType: String

	@xmlName("platformDetails")
	PlatformDetails: String

	@xmlName("ipv6Address")
	Ipv6Address: String

	@xmlName("instanceId")
	InstanceId: String

	@xmlName("imageId")
	ImageId: String

	@xmlName("instanceState")
	State: InstanceState

	@xmlName("privateDnsName")
	PrivateDnsName: String

	@xmlName("reason")
	StateTransitionReason: String

	@xmlName("amiLaunchIndex")
	AmiLaunchIndex: Integer

	@xmlName("instanceType")
	InstanceType: String

	@xmlName("launchTime")
	LaunchTime: Timestamp

	@xmlName("placement")
	Placement: Placement

	@xmlName("monitoring")
	Monitoring: Monitoring

	@xmlName("subnetId")
	SubnetId: String

	@xmlName("vpcId")
	VpcId: String

	@xmlName("privateIpAddress")
	PrivateIpAddress: String
}

structure IpPermission {
	@xmlName("ipProtocol")
	IpProtocol: String

	@xmlName("fromPort")
	FromPort: Integer

	@xmlName("toPort")
	ToPort: Integer

	@xmlName("groups")
	UserIdGroupPairs: UserIdGroupPairList

	@xmlName("ipRanges")
	IpRanges: IpRangeList

	@xmlName("ipv6Ranges")
	Ipv6Ranges: Ipv6RangeList

	@xmlName("prefixListIds")
	PrefixListIds: PrefixListIdList
}

list InstanceNetworkInterfaceList {
	@xmlName("item")
	member: InstanceNetworkInterface
}

structure InstanceState {
	@xmlName("code")
	Code: Integer

	@xmlName("name")
	Name: String
}

structure Placement {
	@xmlName("availabilityZoneId")
	AvailabilityZoneId: String

	@xmlName("tenancy")
	Tenancy: String

	@xmlName("availabilityZone")
	AvailabilityZone: String
}

structure Monitoring {
	@xmlName("state")
	State: String
}

list UserIdGroupPairList {
	@xmlName("item")
	member: UserIdGroupPair
}

list IpRangeList {
	@xmlName("item")
	member: IpRange
}

list Ipv6RangeList {
	@xmlName("item")
	member: Ipv6Range
}

list PrefixListIdList {
	@xmlName("item")
	member: PrefixListId
}

structure InstanceNetworkInterface {
	@xmlName("attachment")
	Attachment: InstanceNetworkInterfaceAttachment

	@xmlName("description")
	Description: String

	@xmlName("groupSet")
	Groups: GroupIdentifierList

	@xmlName("ipv6AddressesSet")
	Ipv6Addresses: InstanceIpv6AddressList

	@xmlName("macAddress")
	MacAddress: String

	@xmlName("networkInterfaceId")
	NetworkInterfaceId: String

	@xmlName("ownerId")
	OwnerId: String

	@xmlName("privateIpAddress")
	PrivateIpAddress: String

	@xmlName("privateIpAddressesSet")
	PrivateIpAddresses: InstancePrivateIpAddressList

	@xmlName("sourceDestCheck")
	SourceDestCheck: Boolean

	@xmlName("status")
	Status: String

	@xmlName("subnetId")
	SubnetId: String

	@xmlName("vpcId")
	VpcId: String

	@xmlName("interfaceType")
	InterfaceType: String
}

structure UserIdGroupPair {
	@xmlName("groupId")
	GroupId: String
}

structure IpRange {
	@xmlName("description")
	Description: String

	@xmlName("cidrIp")
	CidrIp: String
}

structure Ipv6Range {
	@xmlName("description")
	Description: String

	@xmlName("cidrIpv6")
	CidrIpv6: String
}

structure PrefixListId {
	@xmlName("description")
	Description: String

	@xmlName("prefixListId")
	PrefixListId: String
}

structure InstanceNetworkInterfaceAttachment {
	@xmlName("attachTime")
	AttachTime: Timestamp

	@xmlName("attachmentId")
	AttachmentId: String

	@xmlName("deleteOnTermination")
	DeleteOnTermination: Boolean

	@xmlName("deviceIndex")
	DeviceIndex: Integer

	@xmlName("status")
	Status: String

	@xmlName("networkCardIndex")
	NetworkCardIndex: Integer
}

list InstanceIpv6AddressList {
	@xmlName("item")
	member: InstanceIpv6Address
}

list InstancePrivateIpAddressList {
	@xmlName("item")
	member: InstancePrivateIpAddress
}

structure InstanceIpv6Address {
	@xmlName("ipv6Address")
	Ipv6Address: String

	@xmlName("isPrimaryIpv6")
	IsPrimaryIpv6: Boolean
}

structure InstancePrivateIpAddress {
	@xmlName("primary")
	Primary: Boolean

	@xmlName("privateDnsName")
	PrivateDnsName: String

	@xmlName("privateIpAddress")
	PrivateIpAddress: String
}
