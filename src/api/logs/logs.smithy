$version: "2"

namespace nagare.logs

use aws.protocols#awsJson1_1

/// CloudWatch Logs: groups, streams, events. The names and limits are the service's.
@awsJson1_1
service Logs_20140328 {
	version: "2014-03-28"
	operations: [
		CreateLogGroup
		DeleteLogGroup
		DescribeLogGroups
		ListLogGroups
		PutLogGroupDeletionProtection
		CreateLogStream
		DeleteLogStream
		DescribeLogStreams
		PutLogEvents
		GetLogEvents
		FilterLogEvents
		GetLogRecord
		GetLogGroupFields
		PutRetentionPolicy
		DeleteRetentionPolicy
		TagLogGroup
		UntagLogGroup
		ListTagsLogGroup
		TagResource
		UntagResource
		ListTagsForResource
		PutResourcePolicy
		DeleteResourcePolicy
		DescribeResourcePolicies
		PutMetricFilter
		DescribeMetricFilters
		DeleteMetricFilter
		TestMetricFilter
		StartQuery
		StopQuery
		GetQueryResults
		DescribeQueries
		PutQueryDefinition
		DescribeQueryDefinitions
		DeleteQueryDefinition
		StartLiveTail
		PutSubscriptionFilter
		DescribeSubscriptionFilters
		DeleteSubscriptionFilter
		CreateExportTask
		DescribeExportTasks
		CancelExportTask
		AssociateKmsKey
		DisassociateKmsKey
		PutDataProtectionPolicy
		GetDataProtectionPolicy
		PutDestination
		PutDestinationPolicy
		DescribeDestinations
		DeleteDestination
		PutDeliverySource
		GetDeliverySource
		DescribeDeliverySources
		DeleteDeliverySource
		PutDeliveryDestination
		GetDeliveryDestination
		DescribeDeliveryDestinations
		DeleteDeliveryDestination
		PutDeliveryDestinationPolicy
		GetDeliveryDestinationPolicy
		DeleteDeliveryDestinationPolicy
		CreateDelivery
		GetDelivery
		DescribeDeliveries
		DeleteDelivery
		UpdateDeliveryConfiguration
		DescribeAccountPolicies
		DeleteDataProtectionPolicy
		PutIndexPolicy
		DeleteIndexPolicy
		DescribeIndexPolicies
		DescribeFieldIndexes
		ListLogAnomalyDetectors
		ListAnomalies
		ListLogGroupsForQuery
	]
}

operation CreateLogGroup {
	input := {
		@required logGroupName: LogGroupName
		kmsKeyId: KmsKeyId
		tags: Tags
		logGroupClass: LogGroupClass
		deletionProtectionEnabled: DeletionProtectionEnabled
	}
}

operation DeleteLogGroup {
	input := {
		@required logGroupName: LogGroupName
	}
}

operation DescribeLogGroups {
	input := {
		accountIdentifiers: AccountIds
		logGroupNamePrefix: LogGroupName
		logGroupNamePattern: LogGroupNamePattern
		nextToken: NextToken
		limit: DescribeLimit
		includeLinkedAccounts: IncludeLinkedAccounts
		logGroupClass: LogGroupClass
		logGroupIdentifiers: DescribeLogGroupsLogGroupIdentifiers
	}
	output := {
		logGroups: LogGroups
		nextToken: NextToken
	}
}

operation ListLogGroups {
	input := {
		logGroupNamePattern: LogGroupNameRegexPattern
		logGroupClass: LogGroupClass
		includeLinkedAccounts: IncludeLinkedAccounts
		accountIdentifiers: AccountIds
		nextToken: NextToken
		limit: ListLimit
		dataSources: DataSourceFilters
		fieldIndexNames: FieldIndexNames
		logGroupTags: TagFilters
	}
	output := {
		logGroups: LogGroupSummaries
		nextToken: NextToken
	}
}

operation PutLogGroupDeletionProtection {
	input := {
		@required logGroupIdentifier: ListedLogGroupIdentifier
		@required deletionProtectionEnabled: DeletionProtectionEnabled
	}
}

operation CreateLogStream {
	input := {
		@required logGroupName: LogGroupName
		@required logStreamName: LogStreamName
	}
}

operation DeleteLogStream {
	input := {
		@required logGroupName: LogGroupName
		@required logStreamName: LogStreamName
	}
}

operation DescribeLogStreams {
	input := {
		logGroupName: LogGroupName
		logGroupIdentifier: LogGroupIdentifier
		logStreamNamePrefix: LogStreamName
		orderBy: OrderBy
		descending: Descending
		nextToken: NextToken
		limit: DescribeLimit
	}
	output := {
		logStreams: LogStreams
		nextToken: NextToken
	}
}

operation PutLogEvents {
	input := {
		@required logGroupName: LogGroupName
		@required logStreamName: LogStreamName
		@required logEvents: InputLogEvents
		sequenceToken: SequenceToken
		entity: Entity
	}
	output := {
		nextSequenceToken: SequenceToken
		rejectedLogEventsInfo: RejectedLogEventsInfo
		rejectedEntityInfo: RejectedEntityInfo
	}
}

operation GetLogEvents {
	input := {
		logGroupName: LogGroupName
		logGroupIdentifier: LogGroupIdentifier
		@required logStreamName: LogStreamName
		startTime: Timestamp
		endTime: Timestamp
		nextToken: NextToken
		limit: EventsLimit
		startFromHead: StartFromHead
		unmask: Unmask
	}
	output := {
		events: OutputLogEvents
		nextForwardToken: NextToken
		nextBackwardToken: NextToken
	}
}

operation FilterLogEvents {
	input := {
		logGroupName: LogGroupName
		logGroupIdentifier: LogGroupIdentifier
		logStreamNames: InputLogStreamNames
		logStreamNamePrefix: LogStreamName
		startTime: Timestamp
		endTime: Timestamp
		filterPattern: FilterPattern
		nextToken: NextToken
		limit: EventsLimit
		interleaved: Interleaved
		unmask: Unmask
	}
	output := {
		events: FilteredLogEvents
		searchedLogStreams: SearchedLogStreams
		nextToken: NextToken
	}
}

operation GetLogRecord {
	input := {
		@required logRecordPointer: LogRecordPointer
		unmask: Unmask
	}
	output := {
		logRecord: LogRecord
	}
}

operation GetLogGroupFields {
	input := {
		logGroupName: LogGroupName
		time: Timestamp
		logGroupIdentifier: LogGroupIdentifier
	}
	output := {
		logGroupFields: LogGroupFieldList
	}
}

operation PutRetentionPolicy {
	input := {
		@required logGroupName: LogGroupName
		@required retentionInDays: Days
	}
}

operation DeleteRetentionPolicy {
	input := {
		@required logGroupName: LogGroupName
	}
}

operation TagLogGroup {
	input := {
		@required logGroupName: LogGroupName
		@required tags: Tags
	}
}

operation UntagLogGroup {
	input := {
		@required logGroupName: LogGroupName
		@required tags: TagList
	}
}

operation ListTagsLogGroup {
	input := {
		@required logGroupName: LogGroupName
	}
	output := {
		tags: Tags
	}
}

operation TagResource {
	input := {
		@required resourceArn: AmazonResourceName
		@required tags: Tags
	}
}

operation UntagResource {
	input := {
		@required resourceArn: AmazonResourceName
		@required tagKeys: TagKeyList
	}
}

operation ListTagsForResource {
	input := {
		@required resourceArn: AmazonResourceName
	}
	output := {
		tags: Tags
	}
}

operation PutResourcePolicy {
	input := {
		policyName: PolicyName
		policyDocument: PolicyDocument
		resourceArn: Arn
		expectedRevisionId: ExpectedRevisionId
	}
	output := {
		resourcePolicy: ResourcePolicy
		revisionId: ExpectedRevisionId
	}
}

operation DeleteResourcePolicy {
	input := {
		policyName: PolicyName
		resourceArn: Arn
		expectedRevisionId: ExpectedRevisionId
	}
}

operation DescribeResourcePolicies {
	input := {
		nextToken: NextToken
		limit: DescribeLimit
		resourceArn: Arn
		policyScope: PolicyScope
	}
	output := {
		resourcePolicies: ResourcePolicies
		nextToken: NextToken
	}
}

@length(min: 1, max: 512)
@pattern("[\\.\\-_/#A-Za-z0-9]+")
string LogGroupName

@length(max: 256)
string KmsKeyId

@length(min: 1, max: 50)
map Tags {
	key: TagKey
	value: TagValue
}

@length(min: 1, max: 128)
@pattern("^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+)$")
string TagKey

@length(max: 256)
@pattern("^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$")
string TagValue

enum LogGroupClass {
	STANDARD
	INFREQUENT_ACCESS
	DELIVERY
}

boolean DeletionProtectionEnabled

@length(max: 20)
list AccountIds {
	member: AccountId
}

@length(min: 12, max: 12)
@pattern("^\\d{12}$")
string AccountId

@length(max: 512)
@pattern("[\\.\\-_/#A-Za-z0-9]*")
string LogGroupNamePattern

@length(min: 1)
string NextToken

@range(min: 1, max: 50)
integer DescribeLimit

boolean IncludeLinkedAccounts

@length(min: 1, max: 50)
list DescribeLogGroupsLogGroupIdentifiers {
	member: ListedLogGroupIdentifier
}

@length(min: 1, max: 2048)
@pattern("[\\w#+=/:,.@-]*")
@sensitive
string LogGroupIdentifier

/// Of lists, and where protection ends: the :* with which describe-log-groups ends an ARN is taken too.
@length(min: 1, max: 2048)
@pattern("[\\w#+=/:,.@*-]*")
string ListedLogGroupIdentifier

list LogGroups {
	member: LogGroup
}

structure LogGroup {
	logGroupName: LogGroupName
	creationTime: Timestamp
	retentionInDays: Days
	metricFilterCount: FilterCount
	arn: Arn
	storedBytes: StoredBytes
	logGroupClass: LogGroupClass
	logGroupArn: Arn
	deletionProtectionEnabled: DeletionProtectionEnabled
}

@range(min: 0)
long Timestamp

integer Days

integer FilterCount

string Arn

@range(min: 0)
long StoredBytes

@length(min: 3, max: 129)
@pattern("(\\^?[\\.\\-_\\/#A-Za-z0-9]{3,24})(\\|\\^?[\\.\\-_\\/#A-Za-z0-9]{3,24}){0,4}")
string LogGroupNameRegexPattern

@range(min: 1, max: 1000)
integer ListLimit

@length(min: 1, max: 5)
list DataSourceFilters {
	member: DataSourceFilter
}

structure DataSourceFilter {
	@required name: DataSourceName
	type: DataSourceType
}

string DataSourceName

string DataSourceType

@length(min: 1, max: 20)
list FieldIndexNames {
	member: FieldIndexName
}

@length(min: 1, max: 512)
@pattern("[\\.\\-_/#A-Za-z0-9]+")
string FieldIndexName

@length(min: 1, max: 5)
list TagFilters {
	member: TagFilter
}

structure TagFilter {
	@required key: TagFilterKey
	values: TagFilterValues
}

@length(min: 1, max: 128)
@pattern("^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+)$")
string TagFilterKey

@length(max: 5)
list TagFilterValues {
	member: TagFilterValue
}

@length(max: 259)
@pattern("^!?\\*?([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)\\*?$")
string TagFilterValue

list LogGroupSummaries {
	member: LogGroupSummary
}

structure LogGroupSummary {
	logGroupName: LogGroupName
	logGroupArn: Arn
	logGroupClass: LogGroupClass
}

@length(min: 1, max: 512)
@pattern("[^:*]*")
string LogStreamName

enum OrderBy {
	LogStreamName
	LastEventTime
}

boolean Descending

list LogStreams {
	member: LogStream
}

structure LogStream {
	logStreamName: LogStreamName
	creationTime: Timestamp
	firstEventTimestamp: Timestamp
	lastEventTimestamp: Timestamp
	lastIngestionTime: Timestamp
	uploadSequenceToken: SequenceToken
	arn: Arn
	storedBytes: StoredBytes
}

@length(min: 1)
string SequenceToken

@length(min: 1, max: 10000)
list InputLogEvents {
	member: InputLogEvent
}

structure InputLogEvent {
	@required timestamp: Timestamp
	@required message: EventMessage
}

@length(min: 1)
string EventMessage

structure Entity {
	keyAttributes: EntityKeyAttributes
	attributes: EntityAttributes
}

@length(min: 2, max: 4)
map EntityKeyAttributes {
	key: EntityKeyAttributesKey
	value: EntityKeyAttributesValue
}

@length(min: 1, max: 32)
string EntityKeyAttributesKey

@length(min: 1, max: 512)
string EntityKeyAttributesValue

@length(max: 10)
map EntityAttributes {
	key: EntityAttributesKey
	value: EntityAttributesValue
}

@length(min: 1, max: 256)
string EntityAttributesKey

@length(min: 1, max: 512)
string EntityAttributesValue

structure RejectedLogEventsInfo {
	tooNewLogEventStartIndex: LogEventIndex
	tooOldLogEventEndIndex: LogEventIndex
	expiredLogEventEndIndex: LogEventIndex
}

integer LogEventIndex

structure RejectedEntityInfo {
	@required errorType: EntityRejectionErrorType
}

enum EntityRejectionErrorType {
	InvalidEntity
	InvalidTypeValue
	InvalidKeyAttributes
	InvalidAttributes
	EntitySizeTooLarge
	UnsupportedLogGroupType
	MissingRequiredFields
}

@range(min: 1, max: 10000)
integer EventsLimit

boolean StartFromHead

boolean Unmask

list OutputLogEvents {
	member: OutputLogEvent
}

structure OutputLogEvent {
	timestamp: Timestamp
	message: EventMessage
	ingestionTime: Timestamp
}

@length(min: 1, max: 100)
list InputLogStreamNames {
	member: LogStreamName
}

@length(max: 1024)
string FilterPattern

boolean Interleaved

list FilteredLogEvents {
	member: FilteredLogEvent
}

structure FilteredLogEvent {
	logStreamName: LogStreamName
	timestamp: Timestamp
	message: EventMessage
	ingestionTime: Timestamp
	eventId: EventId
}

string EventId

list SearchedLogStreams {
	member: SearchedLogStream
}

structure SearchedLogStream {
	logStreamName: LogStreamName
	searchedCompletely: LogStreamSearchedCompletely
}

boolean LogStreamSearchedCompletely

string LogRecordPointer

map LogRecord {
	key: Field
	value: Value
}

string Field

string Value

list LogGroupFieldList {
	member: LogGroupField
}

structure LogGroupField {
	name: Field
	percent: Percentage
}

@range(min: 0, max: 100)
integer Percentage

@length(min: 1)
list TagList {
	member: TagKey
}

@length(min: 1, max: 1011)
@pattern("[\\w#+=/:,.@*-]*")
string AmazonResourceName

@length(max: 50)
list TagKeyList {
	member: TagKey
}

string PolicyName

@length(min: 1, max: 51200)
string PolicyDocument

@length(min: 1)
string ExpectedRevisionId

structure ResourcePolicy {
	policyName: PolicyName
	policyDocument: PolicyDocument
	lastUpdatedTime: Timestamp
	policyScope: PolicyScope
	resourceArn: Arn
	revisionId: ExpectedRevisionId
}

enum PolicyScope {
	ACCOUNT
	RESOURCE
}

list ResourcePolicies {
	member: ResourcePolicy
}
