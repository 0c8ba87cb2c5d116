$version: "2"

namespace nagare.ec2

operation DescribeRegions {
	input := {
		@xmlName("RegionName")
		RegionNames: RegionNameStringList

		AllRegions: Boolean

		@xmlName("dryRun")
		DryRun: Boolean

		@xmlName("Filter")
		Filters: FilterList
	}
	output := {
		@xmlName("regionInfo")
		Regions: RegionList
	}
}

operation DescribeAvailabilityZones {
	input := {
		@xmlName("ZoneName")
		ZoneNames: ZoneNameStringList

		@xmlName("ZoneId")
		ZoneIds: ZoneIdStringList

		AllAvailabilityZones: Boolean

		@xmlName("dryRun")
		DryRun: Boolean

		@xmlName("Filter")
		Filters: FilterList
	}
	output := {
		@xmlName("availabilityZoneInfo")
		AvailabilityZones: AvailabilityZoneList
	}
}

operation DescribeAccountAttributes {
	input := {
		@xmlName("dryRun")
		DryRun: Boolean

		@xmlName("attributeName")
		AttributeNames: AccountAttributeNameStringList
	}
	output := {
		@xmlName("accountAttributeSet")
		AccountAttributes: AccountAttributeList
	}
}

list RegionNameStringList {
	@xmlName("RegionName")
	member: String
}

list RegionList {
	@xmlName("item")
	member: Region
}

list ZoneNameStringList {
	@xmlName("ZoneName")
	member: String
}

list ZoneIdStringList {
	@xmlName("ZoneId")
	member: String
}

list AvailabilityZoneList {
	@xmlName("item")
	member: AvailabilityZone
}

list AccountAttributeNameStringList {
	@xmlName("attributeName")
	member: String
}

list AccountAttributeList {
	@xmlName("item")
	member: AccountAttribute
}

structure Region {
	@xmlName("optInStatus")
	OptInStatus: String

	@xmlName("regionName")
	RegionName: String

	@xmlName("regionEndpoint")
	Endpoint: String
}

structure AvailabilityZone {
	@xmlName("optInStatus")
	OptInStatus: String

	@xmlName("regionName")
	RegionName: String

	@xmlName("zoneName")
	ZoneName: String

	@xmlName("zoneId")
	ZoneId: String

	@xmlName("groupName")
	GroupName: String

	@xmlName("networkBorderGroup")
	NetworkBorderGroup: String

	@xmlName("zoneType")
	ZoneType: String

	@xmlName("groupLongName")
	GroupLongName: String

	@xmlName("zoneState")
	State: String
}

structure AccountAttribute {
	@xmlName("attributeName")
	AttributeName: String

	@xmlName("attributeValueSet")
	AttributeValues: AccountAttributeValueList
}

list AccountAttributeValueList {
	@xmlName("item")
	member: AccountAttributeValue
}

structure AccountAttributeValue {
	@xmlName("attributeValue")
	AttributeValue: String
}
