$version: "2"

namespace nagare.ec2

operation CreateFlowLogs {
	input := {
		DryRun: Boolean
		ClientToken: String
		DeliverLogsPermissionArn: String
		DeliverCrossAccountRole: String
		LogGroupName: String

		@xmlName("ResourceId")
		@required
		ResourceIds: FlowLogResourceIds

		@required
		ResourceType: String

		TrafficType: String
		LogDestinationType: String
		LogDestination: String
		LogFormat: String

		@xmlName("TagSpecification")
		TagSpecifications: TagSpecificationList

		MaxAggregationInterval: Integer
		DestinationOptions: DestinationOptionsRequest

		@xmlName("TagFieldSpecification")
		TagFieldSpecifications: TagFieldSpecificationRequestList
	}
	output := {
		@xmlName("clientToken")
		ClientToken: String

		@xmlName("flowLogIdSet")
		FlowLogIds: ValueStringList

		@xmlName("unsuccessful")
		Unsuccessful: UnsuccessfulItemSet
	}
}

operation DescribeFlowLogs {
	input := {
		DryRun: Boolean
		Filter: FilterList

		@xmlName("FlowLogId")
		FlowLogIds: FlowLogIdList

		MaxResults: Integer
		NextToken: String
	}
	output := {
		@xmlName("flowLogSet")
		FlowLogs: FlowLogSet

		@xmlName("nextToken")
		NextToken: String
	}
}

operation DeleteFlowLogs {
	input := {
		DryRun: Boolean

		@xmlName("FlowLogId")
		@required
		FlowLogIds: FlowLogIdList
	}
	output := {
		@xmlName("unsuccessful")
		Unsuccessful: UnsuccessfulItemSet
	}
}

operation GetFlowLogsIntegrationTemplate {
	input := {
		DryRun: Boolean

		@required
		FlowLogId: String

		@required
		ConfigDeliveryS3DestinationArn: String

		@xmlName("IntegrateService")
		@required
		IntegrateServices: IntegrateServices
	}
	output := {
		@xmlName("result")
		Result: String
	}
}

list FlowLogResourceIds {
	@xmlName("item")
	member: String
}

list TagSpecificationList {
	@xmlName("item")
	member: TagSpecification
}

structure DestinationOptionsRequest {
	FileFormat: String
	HiveCompatiblePartitions: Boolean
	PerHourPartition: Boolean
}

list TagFieldSpecificationRequestList {
	@xmlName("item")
	member: TagFieldSpecificationRequest
}

structure TagFieldSpecificationRequest {
	ResourceType: String

	@xmlName("TagKey")
	TagKeys: ValueStringList
}

list ValueStringList {
	@xmlName("item")
	member: String
}

list UnsuccessfulItemSet {
	@xmlName("item")
	member: UnsuccessfulItem
}

list FilterList {
	@xmlName("Filter")
	member: Filter
}

list FlowLogIdList {
	@xmlName("item")
	member: String
}

list FlowLogSet {
	@xmlName("item")
	member: FlowLog
}

structure IntegrateServices {
	@xmlName("AthenaIntegration")
	AthenaIntegrations: AthenaIntegrationsSet
}

structure TagSpecification {
	@xmlName("resourceType")
	ResourceType: String

	@xmlName("Tag")
	Tags: TagList
}

structure UnsuccessfulItem {
	@xmlName("error")
	Error: UnsuccessfulItemError

	@xmlName("resourceId")
	ResourceId: String
}

structure Filter {
	Name: String

	@xmlName("Value")
	Values: ValueStringList
}

structure FlowLog {
	@xmlName("creationTime")
	CreationTime: Timestamp

	@xmlName("deliverLogsErrorMessage")
	DeliverLogsErrorMessage: String

	@xmlName("deliverLogsPermissionArn")
	DeliverLogsPermissionArn: String

	@xmlName("deliverCrossAccountRole")
	DeliverCrossAccountRole: String

	@xmlName("deliverLogsStatus")
	DeliverLogsStatus: String

	@xmlName("flowLogId")
	FlowLogId: String

	@xmlName("flowLogStatus")
	FlowLogStatus: String

	@xmlName("logGroupName")
	LogGroupName: String

	@xmlName("resourceId")
	ResourceId: String

	@xmlName("trafficType")
	TrafficType: String

	@xmlName("logDestinationType")
	LogDestinationType: String

	@xmlName("logDestination")
	LogDestination: String

	@xmlName("logFormat")
	LogFormat: String

	@xmlName("tagSet")
	Tags: TagList

	@xmlName("maxAggregationInterval")
	MaxAggregationInterval: Integer

	@xmlName("destinationOptions")
	DestinationOptions: DestinationOptionsResponse

	@xmlName("tagFieldSpecificationSet")
	TagFieldSpecifications: TagFieldSpecificationList
}

list TagFieldSpecificationList {
	@xmlName("item")
	member: TagFieldSpecification
}

structure TagFieldSpecification {
	@xmlName("resourceType")
	ResourceType: String

	@xmlName("tagKeySet")
	TagKeys: ValueStringList
}

list AthenaIntegrationsSet {
	@xmlName("item")
	member: AthenaIntegration
}

list TagList {
	@xmlName("item")
	member: Tag
}

structure UnsuccessfulItemError {
	@xmlName("code")
	Code: String

	@xmlName("message")
	Message: String
}

structure DestinationOptionsResponse {
	@xmlName("fileFormat")
	FileFormat: String

	@xmlName("hiveCompatiblePartitions")
	HiveCompatiblePartitions: Boolean

	@xmlName("perHourPartition")
	PerHourPartition: Boolean
}

structure AthenaIntegration {
	@required
	IntegrationResultS3DestinationArn: String

	@required
	PartitionLoadFrequency: String

	PartitionStartDate: Timestamp
	PartitionEndDate: Timestamp
}

structure Tag {
	@xmlName("key")
	Key: String

	@xmlName("value")
	Value: String
}
