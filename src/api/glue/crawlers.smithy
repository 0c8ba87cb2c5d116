$version: "2"

namespace nagare.glue

operation CreateCrawler {
	input := {
		@required
		Name: NameString

		@required
		Role: String

		DatabaseName: String
		Description: DescriptionString

		@required
		Targets: CrawlerTargets

		Schedule: String
		Classifiers: ClassifierNameList
		TablePrefix: TablePrefix
		SchemaChangePolicy: SchemaChangePolicy
		RecrawlPolicy: RecrawlPolicy
		LineageConfiguration: LineageConfiguration
		LakeFormationConfiguration: LakeFormationConfiguration
		Configuration: String
		CrawlerSecurityConfiguration: CrawlerSecurityConfiguration
		Tags: TagsMap
	}
	output := {
	}
	errors: [
		InvalidInputException
		AlreadyExistsException
		OperationTimeoutException
		ResourceNumberLimitExceededException
	]
}

operation GetCrawler {
	input := {
		@required
		Name: NameString
	}
	output := {
		Crawler: Crawler
	}
	errors: [
		EntityNotFoundException
		OperationTimeoutException
	]
}

operation GetCrawlers {
	input := {
		MaxResults: PageSize
		NextToken: String
	}
	output := {
		Crawlers: CrawlerList
		NextToken: String
	}
	errors: [
		OperationTimeoutException
	]
}

operation ListCrawlers {
	input := {
		MaxResults: PageSize
		NextToken: String
		Tags: TagsMap
	}
	output := {
		CrawlerNames: CrawlerNameList
		NextToken: String
	}
	errors: [
		OperationTimeoutException
	]
}

operation UpdateCrawler {
	input := {
		@required
		Name: NameString

		Role: String
		DatabaseName: String
		Description: DescriptionStringRemovable
		Targets: CrawlerTargets
		Schedule: String
		Classifiers: ClassifierNameList
		TablePrefix: TablePrefix
		SchemaChangePolicy: SchemaChangePolicy
		RecrawlPolicy: RecrawlPolicy
		LineageConfiguration: LineageConfiguration
		LakeFormationConfiguration: LakeFormationConfiguration
		Configuration: String
		CrawlerSecurityConfiguration: CrawlerSecurityConfiguration
	}
	output := {
	}
	errors: [
		InvalidInputException
		VersionMismatchException
		EntityNotFoundException
		CrawlerRunningException
		OperationTimeoutException
	]
}

operation DeleteCrawler {
	input := {
		@required
		Name: NameString
	}
	output := {
	}
	errors: [
		EntityNotFoundException
		CrawlerRunningException
		SchedulerTransitioningException
		OperationTimeoutException
	]
}

operation StartCrawler {
	input := {
		@required
		Name: NameString
	}
	output := {
	}
	errors: [
		EntityNotFoundException
		CrawlerRunningException
		OperationTimeoutException
	]
}

operation StopCrawler {
	input := {
		@required
		Name: NameString
	}
	output := {
	}
	errors: [
		EntityNotFoundException
		CrawlerNotRunningException
		CrawlerStoppingException
		OperationTimeoutException
	]
}

operation GetCrawlerMetrics {
	input := {
		CrawlerNameList: CrawlerNameList
		MaxResults: PageSize
		NextToken: String
	}
	output := {
		CrawlerMetricsList: CrawlerMetricsList
		NextToken: String
	}
	errors: [
		OperationTimeoutException
	]
}

operation StartCrawlerSchedule {
	input := {
		@required
		CrawlerName: NameString
	}
	output := {
	}
	errors: [
		EntityNotFoundException
		SchedulerRunningException
		SchedulerTransitioningException
		NoScheduleException
		OperationTimeoutException
	]
}

operation StopCrawlerSchedule {
	input := {
		@required
		CrawlerName: NameString
	}
	output := {
	}
	errors: [
		EntityNotFoundException
		SchedulerNotRunningException
		SchedulerTransitioningException
		OperationTimeoutException
	]
}

operation UpdateCrawlerSchedule {
	input := {
		@required
		CrawlerName: NameString

		Schedule: String
	}
	output := {
	}
	errors: [
		EntityNotFoundException
		InvalidInputException
		VersionMismatchException
		SchedulerTransitioningException
		OperationTimeoutException
	]
}

operation ListCrawls {
	input := {
		@required
		CrawlerName: NameString

		MaxResults: PageSize
		Filters: CrawlsFilterList
		NextToken: String
	}
	output := {
		Crawls: CrawlerHistoryList
		NextToken: String
	}
	errors: [
		EntityNotFoundException
		OperationTimeoutException
		InvalidInputException
	]
}

operation BatchGetCrawlers {
	input := {
		@required
		CrawlerNames: CrawlerNameList
	}
	output := {
		Crawlers: CrawlerList
		CrawlersNotFound: CrawlerNameList
	}
	errors: [
		InvalidInputException
		OperationTimeoutException
	]
}

structure CrawlerTargets {
	S3Targets: S3TargetList
	JdbcTargets: JdbcTargetList
	MongoDBTargets: MongoDBTargetList
	DynamoDBTargets: DynamoDBTargetList
	CatalogTargets: CatalogTargetList
	DeltaTargets: DeltaTargetList
	IcebergTargets: IcebergTargetList
	HudiTargets: HudiTargetList
}

structure SchemaChangePolicy {
	UpdateBehavior: UpdateBehavior
	DeleteBehavior: DeleteBehavior
}

structure RecrawlPolicy {
	RecrawlBehavior: RecrawlBehavior
}

structure LineageConfiguration {
	CrawlerLineageSettings: CrawlerLineageSettings
}

structure LakeFormationConfiguration {
	UseLakeFormationCredentials: Boolean
	AccountId: AccountId
}

structure Crawler {
	Name: NameString
	Role: String
	Targets: CrawlerTargets
	DatabaseName: String
	Description: DescriptionString
	Classifiers: ClassifierNameList
	RecrawlPolicy: RecrawlPolicy
	SchemaChangePolicy: SchemaChangePolicy
	LineageConfiguration: LineageConfiguration
	State: CrawlerState
	TablePrefix: TablePrefix
	Schedule: Schedule
	CrawlElapsedTime: Long
	CreationTime: Timestamp
	LastUpdated: Timestamp
	LastCrawl: LastCrawlInfo
	Version: Long
	Configuration: String
	CrawlerSecurityConfiguration: CrawlerSecurityConfiguration
	LakeFormationConfiguration: LakeFormationConfiguration
}

@error("client")
@httpError(400)
structure VersionMismatchException {
	Message: String
}

@error("client")
@httpError(400)
structure CrawlerRunningException {
	Message: String
}

@error("client")
@httpError(400)
structure SchedulerTransitioningException {
	Message: String
}

@error("client")
@httpError(400)
structure CrawlerNotRunningException {
	Message: String
}

@error("client")
@httpError(400)
structure CrawlerStoppingException {
	Message: String
}

@error("client")
@httpError(400)
structure SchedulerRunningException {
	Message: String
}

@error("client")
@httpError(400)
structure NoScheduleException {
	Message: String
}

@error("client")
@httpError(400)
structure SchedulerNotRunningException {
	Message: String
}

structure Schedule {
	ScheduleExpression: String
	State: ScheduleState
}

structure LastCrawlInfo {
	Status: LastCrawlStatus
	ErrorMessage: DescriptionString
	LogGroup: LogGroup
	LogStream: LogStream
	MessagePrefix: MessagePrefix
	StartTime: Timestamp
}

structure CrawlerMetrics {
	CrawlerName: NameString
	TimeLeftSeconds: NonNegativeDouble
	StillEstimating: Boolean
	LastRuntimeSeconds: NonNegativeDouble
	MedianRuntimeSeconds: NonNegativeDouble
	TablesCreated: NonNegativeInteger
	TablesUpdated: NonNegativeInteger
	TablesDeleted: NonNegativeInteger
}

structure CrawlsFilter {
	FieldName: FieldName
	FilterOperator: FilterOperator
	FieldValue: String
}

structure CrawlerHistory {
	CrawlId: String
	State: CrawlerHistoryState
	StartTime: Timestamp
	EndTime: Timestamp
	Summary: NameString
	ErrorMessage: DescriptionString
	LogGroup: LogGroup
	LogStream: LogStream
	MessagePrefix: MessagePrefix
	DPUHour: NonNegativeDouble
}

structure S3Target {
	Path: String
	Exclusions: PathList
	ConnectionName: String
	SampleSize: Integer
	EventQueueArn: String
	DlqEventQueueArn: String
}

structure JdbcTarget {
	ConnectionName: String
	Path: String
	Exclusions: PathList
	EnableAdditionalMetadata: EnableAdditionalMetadata
}

structure MongoDBTarget {
	ConnectionName: String
	Path: String
	ScanAll: Boolean
}

structure DynamoDBTarget {
	Path: String
	scanAll: Boolean
	scanRate: Double
}

structure CatalogTarget {
	@required
	DatabaseName: NameString

	@required
	Tables: CatalogTablesList

	ConnectionName: String
	EventQueueArn: String
	DlqEventQueueArn: String
}

structure DeltaTarget {
	DeltaTables: PathList
	ConnectionName: String
	WriteManifest: Boolean
	CreateNativeDeltaTable: Boolean
}

structure IcebergTarget {
	Paths: PathList
	ConnectionName: String
	Exclusions: PathList
	MaximumTraversalDepth: Integer
}

structure HudiTarget {
	Paths: PathList
	ConnectionName: String
	Exclusions: PathList
	MaximumTraversalDepth: Integer
}

list ClassifierNameList {
	member: NameString
}

@length(min: 0, max: 128)
string TablePrefix

@length(min: 0, max: 128)
string CrawlerSecurityConfiguration

list CrawlerList {
	member: Crawler
}

@length(min: 0, max: 100)
list CrawlerNameList {
	member: NameString
}

@length(min: 0, max: 2048)
@pattern("[^\\u0000-\\u0008\\u000B\\u000C\\u000E-\\u001F\\uFFFE\\uFFFF]*")
string DescriptionStringRemovable

list CrawlerMetricsList {
	member: CrawlerMetrics
}

list CrawlsFilterList {
	member: CrawlsFilter
}

list CrawlerHistoryList {
	member: CrawlerHistory
}

list S3TargetList {
	member: S3Target
}

list JdbcTargetList {
	member: JdbcTarget
}

list MongoDBTargetList {
	member: MongoDBTarget
}

list DynamoDBTargetList {
	member: DynamoDBTarget
}

list CatalogTargetList {
	member: CatalogTarget
}

list DeltaTargetList {
	member: DeltaTarget
}

list IcebergTargetList {
	member: IcebergTarget
}

list HudiTargetList {
	member: HudiTarget
}

enum UpdateBehavior {
	LOG
	UPDATE_IN_DATABASE
}

enum DeleteBehavior {
	LOG
	DELETE_FROM_DATABASE
	DEPRECATE_IN_DATABASE
}

enum RecrawlBehavior {
	CRAWL_EVERYTHING
	CRAWL_NEW_FOLDERS_ONLY
	CRAWL_EVENT_MODE
}

enum CrawlerLineageSettings {
	ENABLE
	DISABLE
}

@length(min: 0, max: 12)
string AccountId

enum CrawlerState {
	READY
	RUNNING
	STOPPING
}

enum ScheduleState {
	SCHEDULED
	NOT_SCHEDULED
	TRANSITIONING
}

enum LastCrawlStatus {
	SUCCEEDED
	CANCELLED
	FAILED
}

@length(min: 1, max: 512)
@pattern("[\\.\\-_/#A-Za-z0-9]+")
string LogGroup

@length(min: 1, max: 512)
@pattern("[^:*]*")
string LogStream

@length(min: 1, max: 255)
@pattern("[^\\u0000-\\u0008\\u000A-\\u001F\\uFFFE\\uFFFF]*")
string MessagePrefix

enum FieldName {
	CRAWL_ID
	STATE
	START_TIME
	END_TIME
	DPU_HOUR
}

enum FilterOperator {
	GT
	GE
	LT
	LE
	EQ
	NE
}

enum CrawlerHistoryState {
	RUNNING
	COMPLETED
	FAILED
	STOPPED
}

list PathList {
	member: String
}

list EnableAdditionalMetadata {
	member: JdbcMetadataEntry
}

@length(min: 1)
list CatalogTablesList {
	member: NameString
}

enum JdbcMetadataEntry {
	COMMENTS
	RAWTYPES
}
