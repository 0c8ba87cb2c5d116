$version: "2"

namespace nagare.logs

operation PutDeliverySource {
	input := {
		@required name: DeliverySourceName
		@required resourceArn: Arn
		@required logType: LogType
		tags: Tags
		deliverySourceConfiguration: DeliverySourceConfiguration
	}
	output := {
		deliverySource: DeliverySource
	}
}

operation GetDeliverySource {
	input := {
		@required name: DeliverySourceName
	}
	output := {
		deliverySource: DeliverySource
	}
}

operation DescribeDeliverySources {
	input := {
		nextToken: NextToken
		limit: DescribeLimit
	}
	output := {
		deliverySources: DeliverySources
		nextToken: NextToken
	}
}

operation DeleteDeliverySource {
	input := {
		@required name: DeliverySourceName
	}
}

operation PutDeliveryDestination {
	input := {
		@required name: DeliveryDestinationName
		outputFormat: OutputFormat
		deliveryDestinationConfiguration: DeliveryDestinationConfiguration
		deliveryDestinationType: DeliveryDestinationType
		tags: Tags
	}
	output := {
		deliveryDestination: DeliveryDestination
	}
}

operation GetDeliveryDestination {
	input := {
		@required name: DeliveryDestinationName
	}
	output := {
		deliveryDestination: DeliveryDestination
	}
}

operation DescribeDeliveryDestinations {
	input := {
		nextToken: NextToken
		limit: DescribeLimit
	}
	output := {
		deliveryDestinations: DeliveryDestinations
		nextToken: NextToken
	}
}

operation DeleteDeliveryDestination {
	input := {
		@required name: DeliveryDestinationName
	}
}

operation PutDeliveryDestinationPolicy {
	input := {
		@required deliveryDestinationName: DeliveryDestinationName
		@required deliveryDestinationPolicy: DeliveryDestinationPolicy
	}
	output := {
		policy: Policy
	}
}

operation GetDeliveryDestinationPolicy {
	input := {
		@required deliveryDestinationName: DeliveryDestinationName
	}
	output := {
		policy: Policy
	}
}

operation DeleteDeliveryDestinationPolicy {
	input := {
		@required deliveryDestinationName: DeliveryDestinationName
	}
}

operation CreateDelivery {
	input := {
		@required deliverySourceName: DeliverySourceName
		@required deliveryDestinationArn: Arn
		recordFields: RecordFields
		fieldDelimiter: FieldDelimiter
		s3DeliveryConfiguration: S3DeliveryConfiguration
		tags: Tags
	}
	output := {
		delivery: Delivery
	}
}

operation GetDelivery {
	input := {
		@required id: DeliveryId
	}
	output := {
		delivery: Delivery
	}
}

operation DescribeDeliveries {
	input := {
		nextToken: NextToken
		limit: DescribeLimit
	}
	output := {
		deliveries: Deliveries
		nextToken: NextToken
	}
}

operation DeleteDelivery {
	input := {
		@required id: DeliveryId
	}
}

operation UpdateDeliveryConfiguration {
	input := {
		@required id: DeliveryId
		recordFields: RecordFields
		fieldDelimiter: FieldDelimiter
		s3DeliveryConfiguration: S3DeliveryConfiguration
	}
}

@length(min: 1, max: 60)
@pattern("[\\w-]*")
string DeliverySourceName

@length(min: 1, max: 255)
@pattern("[\\w]*")
string LogType

map DeliverySourceConfiguration {
	key: DeliverySourceConfigurationKey
	value: DeliverySourceConfigurationValue
}

structure DeliverySource {
	name: DeliverySourceName
	arn: Arn
	resourceArns: ResourceArns
	service: Service
	logType: LogType
	tags: Tags
	deliverySourceConfiguration: DeliverySourceConfiguration
	status: DeliverySourceStatus
	statusReason: DeliverySourceStatusReason
}

list DeliverySources {
	member: DeliverySource
}

@length(min: 1, max: 60)
@pattern("[\\w-]*")
string DeliveryDestinationName

enum OutputFormat {
	w3c
	raw
	json
	plain
	parquet
}

structure DeliveryDestinationConfiguration {
	@required destinationResourceArn: Arn
}

enum DeliveryDestinationType {
	S3
	CWL
	FH
	XRAY
}

structure DeliveryDestination {
	name: DeliveryDestinationName
	arn: Arn
	deliveryDestinationType: DeliveryDestinationType
	outputFormat: OutputFormat
	deliveryDestinationConfiguration: DeliveryDestinationConfiguration
	tags: Tags
}

list DeliveryDestinations {
	member: DeliveryDestination
}

@length(min: 1, max: 51200)
string DeliveryDestinationPolicy

structure Policy {
	deliveryDestinationPolicy: DeliveryDestinationPolicy
}

@length(max: 128)
list RecordFields {
	member: FieldHeader
}

@length(max: 5)
string FieldDelimiter

structure S3DeliveryConfiguration {
	suffixPath: DeliverySuffixPath
	enableHiveCompatiblePath: Boolean
}

structure Delivery {
	id: DeliveryId
	arn: Arn
	deliverySourceName: DeliverySourceName
	deliveryDestinationArn: Arn
	deliveryDestinationType: DeliveryDestinationType
	recordFields: RecordFields
	fieldDelimiter: FieldDelimiter
	s3DeliveryConfiguration: S3DeliveryConfiguration
	tags: Tags
}

@length(min: 1, max: 64)
@pattern("^[0-9A-Za-z]+$")
string DeliveryId

list Deliveries {
	member: Delivery
}

@length(min: 1, max: 255)
string DeliverySourceConfigurationKey

@length(min: 1, max: 255)
string DeliverySourceConfigurationValue

list ResourceArns {
	member: Arn
}

@length(min: 1, max: 255)
@pattern("[\\w_-]*")
string Service

enum DeliverySourceStatus {
	ACTIVE
	INACTIVE
}

enum DeliverySourceStatusReason {
	RESOURCE_DELETED
}

@length(min: 1, max: 64)
string FieldHeader

@length(min: 1, max: 256)
string DeliverySuffixPath
