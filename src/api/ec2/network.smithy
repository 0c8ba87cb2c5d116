$version: "2"

namespace nagare.ec2

operation DescribeNetworkInterfaces {
	input := {
		NextToken: String
		MaxResults: Integer
		IncludeManagedResources: Boolean

		@xmlName("dryRun")
		DryRun: Boolean

		@xmlName("NetworkInterfaceId")
		NetworkInterfaceIds: NetworkInterfaceIdList

		@xmlName("filter")
		Filters: FilterList
	}
	output := {
		@xmlName("networkInterfaceSet")
		NetworkInterfaces: NetworkInterfaceList

		@xmlName("nextToken")
		NextToken: String
	}
}

operation DescribeNetworkInterfaceAttribute {
	input := {
		@xmlName("dryRun")
		DryRun: Boolean

		@xmlName("networkInterfaceId")
		@required
		NetworkInterfaceId: String

		@xmlName("attribute")
		Attribute: String
	}
	output := {
		@xmlName("attachment")
		Attachment: NetworkInterfaceAttachment

		@xmlName("description")
		Description: AttributeValue

		@xmlName("groupSet")
		Groups: GroupIdentifierList

		@xmlName("networkInterfaceId")
		NetworkInterfaceId: String

		@xmlName("sourceDestCheck")
		SourceDestCheck: AttributeBooleanValue

		@xmlName("associatePublicIpAddress")
		AssociatePublicIpAddress: Boolean
	}
}

operation DescribeSubnets {
	input := {
		@xmlName("Filter")
		Filters: FilterList

		@xmlName("SubnetId")
		SubnetIds: SubnetIdStringList

		NextToken: String
		MaxResults: Integer

		@xmlName("dryRun")
		DryRun: Boolean
	}
	output := {
		@xmlName("nextToken")
		NextToken: String

		@xmlName("subnetSet")
		Subnets: SubnetList
	}
}

operation DescribeVpcs {
	input := {
		@xmlName("Filter")
		Filters: FilterList

		@xmlName("VpcId")
		VpcIds: VpcIdStringList

		NextToken: String
		MaxResults: Integer

		@xmlName("dryRun")
		DryRun: Boolean
	}
	output := {
		@xmlName("nextToken")
		NextToken: String

		@xmlName("vpcSet")
		Vpcs: VpcList
	}
}

operation DescribeVpcAttribute {
	input := {
		@required
		Attribute: String

		@required
		VpcId: String

		@xmlName("dryRun")
		DryRun: Boolean
	}
	output := {
		@xmlName("enableDnsHostnames")
		EnableDnsHostnames: AttributeBooleanValue

		@xmlName("enableDnsSupport")
		EnableDnsSupport: AttributeBooleanValue

		@xmlName("enableNetworkAddressUsageMetrics")
		EnableNetworkAddressUsageMetrics: AttributeBooleanValue

		@xmlName("vpcId")
		VpcId: String
	}
}

list NetworkInterfaceIdList {
	@xmlName("item")
	member: String
}

list NetworkInterfaceList {
	@xmlName("item")
	member: NetworkInterface
}

structure NetworkInterfaceAttachment {
	@xmlName("attachTime")
	AttachTime: Timestamp

	@xmlName("attachmentId")
	AttachmentId: String

	@xmlName("deleteOnTermination")
	DeleteOnTermination: Boolean

	@xmlName("deviceIndex")
	DeviceIndex: Integer

	@xmlName("networkCardIndex")
	NetworkCardIndex: Integer

	@xmlName("instanceId")
	InstanceId: String

	@xmlName("instanceOwnerId")
	InstanceOwnerId: String

	@xmlName("status")
	Status: String
}

structure AttributeValue {
	@xmlName("value")
	Value: String
}

list GroupIdentifierList {
	@xmlName("item")
	member: GroupIdentifier
}

structure AttributeBooleanValue {
	@xmlName("value")
	Value: Boolean
}

list SubnetIdStringList {
	@xmlName("SubnetId")
	member: String
}

list SubnetList {
	@xmlName("item")
	member: Subnet
}

list VpcIdStringList {
	@xmlName("VpcId")
	member: String
}

list VpcList {
	@xmlName("item")
	member: Vpc
}

structure NetworkInterface {
	@xmlName("attachment")
	Attachment: NetworkInterfaceAttachment

	@xmlName("availabilityZone")
	AvailabilityZone: String

	@xmlName("description")
	Description: String

	@xmlName("groupSet")
	Groups: GroupIdentifierList

	@xmlName("interfaceType")
	InterfaceType: String

	@xmlName("ipv6AddressesSet")
	Ipv6Addresses: NetworkInterfaceIpv6AddressesList

	@xmlName("macAddress")
	MacAddress: String

	@xmlName("networkInterfaceId")
	NetworkInterfaceId: String

	@xmlName("ownerId")
	OwnerId: String

	@xmlName("privateDnsName")
	PrivateDnsName: String

	@xmlName("privateIpAddress")
	PrivateIpAddress: String

	@xmlName("privateIpAddressesSet")
	PrivateIpAddresses: NetworkInterfacePrivateIpAddressList

	@xmlName("requesterManaged")
	RequesterManaged: Boolean

	@xmlName("sourceDestCheck")
	SourceDestCheck: Boolean

	@xmlName("status")
	Status: String

	@xmlName("subnetId")
	SubnetId: String

	@xmlName("tagSet")
	TagSet: TagList

	@xmlName("vpcId")
	VpcId: String

	@xmlName("ipv6Address")
	Ipv6Address: String

	@xmlName("availabilityZoneId")
	AvailabilityZoneId: String
}

structure GroupIdentifier {
	@xmlName("groupId")
	GroupId: String

	@xmlName("groupName")
	GroupName: String
}

structure Subnet {
	@xmlName("availabilityZoneId")
	AvailabilityZoneId: String

	@xmlName("ownerId")
	OwnerId: String

	@xmlName("assignIpv6AddressOnCreation")
	AssignIpv6AddressOnCreation: Boolean

	@xmlName("ipv6CidrBlockAssociationSet")
	Ipv6CidrBlockAssociationSet: SubnetIpv6CidrBlockAssociationSet

	@xmlName("tagSet")
	Tags: TagList

	@xmlName("subnetArn")
	SubnetArn: String

	@xmlName("enableDns64")
	EnableDns64: Boolean

	@xmlName("ipv6Native")
	Ipv6Native: Boolean

	@xmlName("subnetId")
	SubnetId: String

	@xmlName("state")
	State: String

	@xmlName("vpcId")
	VpcId: String

	@xmlName("cidrBlock")
	CidrBlock: String

	@xmlName("availableIpAddressCount")
	AvailableIpAddressCount: Integer

	@xmlName("availabilityZone")
	AvailabilityZone: String

	@xmlName("defaultForAz")
	DefaultForAz: Boolean

	@xmlName("mapPublicIpOnLaunch")
	MapPublicIpOnLaunch: Boolean
}

structure Vpc {
	@xmlName("ownerId")
	OwnerId: String

	@xmlName("instanceTenancy")
	InstanceTenancy: String

	@xmlName("ipv6CidrBlockAssociationSet")
	Ipv6CidrBlockAssociationSet: VpcIpv6CidrBlockAssociationSet

	@xmlName("cidrBlockAssociationSet")
	CidrBlockAssociationSet: VpcCidrBlockAssociationSet

	@xmlName("isDefault")
	IsDefault: Boolean

	@xmlName("tagSet")
	Tags: TagList

	@xmlName("vpcId")
	VpcId: String

	@xmlName("state")
	State: String

	@xmlName("cidrBlock")
	CidrBlock: String

	@xmlName("dhcpOptionsId")
	DhcpOptionsId: String
}

list NetworkInterfaceIpv6AddressesList {
	@xmlName("item")
	member: NetworkInterfaceIpv6Address
}

list NetworkInterfacePrivateIpAddressList {
	@xmlName("item")
	member: NetworkInterfacePrivateIpAddress
}

list SubnetIpv6CidrBlockAssociationSet {
	@xmlName("item")
	member: SubnetIpv6CidrBlockAssociation
}

list VpcIpv6CidrBlockAssociationSet {
	@xmlName("item")
	member: VpcIpv6CidrBlockAssociation
}

list VpcCidrBlockAssociationSet {
	@xmlName("item")
	member: VpcCidrBlockAssociation
}

structure NetworkInterfaceIpv6Address {
	@xmlName("ipv6Address")
	Ipv6Address: String

	@xmlName("publicIpv6DnsName")
	PublicIpv6DnsName: String

	@xmlName("isPrimaryIpv6")
	IsPrimaryIpv6: Boolean
}

structure NetworkInterfacePrivateIpAddress {
	@xmlName("primary")
	Primary: Boolean

	@xmlName("privateDnsName")
	PrivateDnsName: String

	@xmlName("privateIpAddress")
	PrivateIpAddress: String
}

structure SubnetIpv6CidrBlockAssociation {
	@xmlName("associationId")
	AssociationId: String

	@xmlName("ipv6CidrBlock")
	Ipv6CidrBlock: String

	@xmlName("ipv6CidrBlockState")
	Ipv6CidrBlockState: SubnetCidrBlockState
}

structure VpcIpv6CidrBlockAssociation {
	@xmlName("associationId")
	AssociationId: String

	@xmlName("ipv6CidrBlock")
	Ipv6CidrBlock: String

	@xmlName("ipv6CidrBlockState")
	Ipv6CidrBlockState: VpcCidrBlockState
}

structure VpcCidrBlockAssociation {
	@xmlName("associationId")
	AssociationId: String

	@xmlName("cidrBlock")
	CidrBlock: String

	@xmlName("cidrBlockState")
	CidrBlockState: VpcCidrBlockState
}

structure SubnetCidrBlockState {
	@xmlName("state")
	State: String
}

structure VpcCidrBlockState {
	@xmlName("state")
	State: String
}
