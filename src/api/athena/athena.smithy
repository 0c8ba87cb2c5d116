$version: "2"

namespace nagare.athena

use aws.protocols#awsJson1_1

@awsJson1_1
service AmazonAthena {
	version: "2017-05-18"
	operations: [
		StartQueryExecution
		StopQueryExecution
		GetQueryExecution
		BatchGetQueryExecution
		ListQueryExecutions
		GetQueryResults
		GetQueryRuntimeStatistics
		CreateWorkGroup
		GetWorkGroup
		UpdateWorkGroup
		DeleteWorkGroup
		ListWorkGroups
		ListEngineVersions
		TagResource
		UntagResource
		ListTagsForResource
		CreateNamedQuery
		GetNamedQuery
		BatchGetNamedQuery
		UpdateNamedQuery
		DeleteNamedQuery
		ListNamedQueries
		CreatePreparedStatement
		GetPreparedStatement
		BatchGetPreparedStatement
		UpdatePreparedStatement
		DeletePreparedStatement
		ListPreparedStatements
		ListDataCatalogs
		GetDataCatalog
		ListDatabases
		GetDatabase
		ListTableMetadata
		GetTableMetadata
	]
}

operation StartQueryExecution {
	input := {
		@required
		QueryString: QueryString

		ClientRequestToken: IdempotencyToken
		QueryExecutionContext: QueryExecutionContext
		ResultConfiguration: ResultConfiguration
		WorkGroup: WorkGroupName
		ExecutionParameters: ExecutionParameters
		ResultReuseConfiguration: ResultReuseConfiguration
		EngineConfiguration: EngineConfiguration
	}
	output := {
		QueryExecutionId: QueryExecutionId
	}
	errors: [
		InternalServerException
		InvalidRequestException
		TooManyRequestsException
	]
}

operation StopQueryExecution {
	input := {
		@required
		QueryExecutionId: QueryExecutionId
	}
	output := {
	}
	errors: [
		InternalServerException
		InvalidRequestException
	]
}

operation GetQueryExecution {
	input := {
		@required
		QueryExecutionId: QueryExecutionId
	}
	output := {
		QueryExecution: QueryExecution
	}
	errors: [
		InternalServerException
		InvalidRequestException
	]
}

operation BatchGetQueryExecution {
	input := {
		@required
		QueryExecutionIds: QueryExecutionIdList
	}
	output := {
		QueryExecutions: QueryExecutionList
		UnprocessedQueryExecutionIds: UnprocessedQueryExecutionIdList
	}
	errors: [
		InternalServerException
		InvalidRequestException
	]
}

operation ListQueryExecutions {
	input := {
		NextToken: Token
		MaxResults: MaxQueryExecutionsCount
		WorkGroup: WorkGroupName
	}
	output := {
		QueryExecutionIds: QueryExecutionIdList
		NextToken: Token
	}
	errors: [
		InternalServerException
		InvalidRequestException
	]
}

operation GetQueryResults {
	input := {
		@required
		QueryExecutionId: QueryExecutionId

		NextToken: Token
		MaxResults: MaxQueryResults
		QueryResultType: QueryResultType
	}
	output := {
		UpdateCount: Long
		ResultSet: ResultSet
		NextToken: Token
	}
	errors: [
		InternalServerException
		InvalidRequestException
		TooManyRequestsException
	]
}

operation GetQueryRuntimeStatistics {
	input := {
		@required
		QueryExecutionId: QueryExecutionId
	}
	output := {
		QueryRuntimeStatistics: QueryRuntimeStatistics
	}
	errors: [
		InternalServerException
		InvalidRequestException
	]
}

@length(min: 1, max: 262144)
string QueryString

@length(min: 32, max: 128)
string IdempotencyToken

structure QueryExecutionContext {
	Database: DatabaseString
	Catalog: CatalogNameString
}

structure ResultConfiguration {
	OutputLocation: String
	EncryptionConfiguration: EncryptionConfiguration
	ExpectedBucketOwner: AwsAccountId
	AclConfiguration: AclConfiguration
}

@pattern("[a-zA-Z0-9._-]{1,128}")
string WorkGroupName

@length(min: 1)
list ExecutionParameters {
	member: ExecutionParameter
}

structure ResultReuseConfiguration {
	ResultReuseByAgeConfiguration: ResultReuseByAgeConfiguration
}

structure EngineConfiguration {
	CoordinatorDpuSize: CoordinatorDpuSize
	MaxConcurrentDpus: MaxConcurrentDpus
	DefaultExecutorDpuSize: DefaultExecutorDpuSize
	AdditionalConfigs: ParametersMap
	SparkProperties: ParametersMap
	Classifications: ClassificationList
}

@length(min: 1, max: 128)
@pattern("\\S+")
string QueryExecutionId

@error("server")
@httpError(500)
structure InternalServerException {
	Message: String
}

@error("client")
@httpError(400)
structure InvalidRequestException {
	AthenaErrorCode: ErrorCode
	Message: String
}

@error("client")
@httpError(400)
structure TooManyRequestsException {
	Message: String
	Reason: ThrottleReason
}

structure QueryExecution {
	QueryExecutionId: QueryExecutionId
	Query: QueryString
	StatementType: StatementType
	ManagedQueryResultsConfiguration: ManagedQueryResultsConfiguration
	ResultConfiguration: ResultConfiguration
	ResultReuseConfiguration: ResultReuseConfiguration
	QueryExecutionContext: QueryExecutionContext
	Status: QueryExecutionStatus
	Statistics: QueryExecutionStatistics
	WorkGroup: WorkGroupName
	EngineVersion: EngineVersion
	ExecutionParameters: ExecutionParameters
	SubstatementType: String
	QueryResultsS3AccessGrantsConfiguration: QueryResultsS3AccessGrantsConfiguration
}

@length(min: 1, max: 50)
list QueryExecutionIdList {
	member: QueryExecutionId
}

list QueryExecutionList {
	member: QueryExecution
}

list UnprocessedQueryExecutionIdList {
	member: UnprocessedQueryExecutionId
}

@length(min: 1, max: 1024)
string Token

@range(min: 0, max: 50)
integer MaxQueryExecutionsCount

@range(min: 1)
integer MaxQueryResults

enum QueryResultType {
	DATA_MANIFEST
	DATA_ROWS
}

structure ResultSet {
	Rows: RowList
	ResultSetMetadata: ResultSetMetadata
}

structure QueryRuntimeStatistics {
	Timeline: QueryRuntimeStatisticsTimeline
	Rows: QueryRuntimeStatisticsRows
	OutputStage: QueryStage
}

@length(min: 1, max: 255)
string DatabaseString

@length(min: 1, max: 256)
@pattern("[^\\u0000-\\u0008\\u000A-\\u001F\\uFFFE\\uFFFF]*")
string CatalogNameString

structure EncryptionConfiguration {
	@required
	EncryptionOption: EncryptionOption

	KmsKey: String
}

@length(min: 12, max: 12)
@pattern("^[0-9]+$")
string AwsAccountId

structure AclConfiguration {
	@required
	S3AclOption: S3AclOption
}

@length(min: 1, max: 1024)
string ExecutionParameter

structure ResultReuseByAgeConfiguration {
	@required
	Enabled: Boolean

	MaxAgeInMinutes: Age
}

@range(min: 1, max: 1)
integer CoordinatorDpuSize

@range(min: 2, max: 5000)
integer MaxConcurrentDpus

@range(min: 1, max: 1)
integer DefaultExecutorDpuSize

map ParametersMap {
	key: KeyString
	value: ParametersMapValue
}

list ClassificationList {
	member: Classification
}

@length(min: 1, max: 256)
string ErrorCode

enum ThrottleReason {
	CONCURRENT_QUERY_LIMIT_EXCEEDED
}

enum StatementType {
	DDL
	DML
	UTILITY
}

structure ManagedQueryResultsConfiguration {
	@required
	Enabled: Boolean

	EncryptionConfiguration: ManagedQueryResultsEncryptionConfiguration
}

structure QueryExecutionStatus {
	State: QueryExecutionState
	StateChangeReason: String
	SubmissionDateTime: Timestamp
	CompletionDateTime: Timestamp
	AthenaError: AthenaError
}

structure QueryExecutionStatistics {
	EngineExecutionTimeInMillis: Long
	DataScannedInBytes: Long
	DataManifestLocation: String
	TotalExecutionTimeInMillis: Long
	QueryQueueTimeInMillis: Long
	ServicePreProcessingTimeInMillis: Long
	QueryPlanningTimeInMillis: Long
	ServiceProcessingTimeInMillis: Long
	ResultReuseInformation: ResultReuseInformation
	DpuCount: Double
}

structure EngineVersion {
	SelectedEngineVersion: NameString
	EffectiveEngineVersion: NameString
}

structure QueryResultsS3AccessGrantsConfiguration {
	@required
	EnableS3AccessGrants: Boolean

	CreateUserLevelPrefix: Boolean

	@required
	AuthenticationType: AuthenticationType
}

structure UnprocessedQueryExecutionId {
	QueryExecutionId: QueryExecutionId
	ErrorCode: ErrorCode
	ErrorMessage: String
}

list RowList {
	member: Row
}

structure ResultSetMetadata {
	ColumnInfo: ColumnInfoList
}

structure QueryRuntimeStatisticsTimeline {
	QueryQueueTimeInMillis: Long
	ServicePreProcessingTimeInMillis: Long
	QueryPlanningTimeInMillis: Long
	EngineExecutionTimeInMillis: Long
	ServiceProcessingTimeInMillis: Long
	TotalExecutionTimeInMillis: Long
}

structure QueryRuntimeStatisticsRows {
	InputRows: Long
	InputBytes: Long
	OutputBytes: Long
	OutputRows: Long
}

structure QueryStage {
	StageId: Long
	State: String
	OutputBytes: Long
	OutputRows: Long
	InputBytes: Long
	InputRows: Long
	ExecutionTime: Long
	QueryStagePlan: QueryStagePlanNode
	SubStages: QueryStages
}

enum EncryptionOption {
	SSE_S3
	SSE_KMS
	CSE_KMS
}

enum S3AclOption {
	BUCKET_OWNER_FULL_CONTROL
}

@range(min: 0, max: 10080)
integer Age

@length(min: 1, max: 255)
@pattern("[^\\u0000-\\u0008\\u000A-\\u001F\\uFFFE\\uFFFF]*")
string KeyString

@length(max: 51200)
string ParametersMapValue

structure Classification {
	Name: NameString
	Properties: ParametersMap
}

structure ManagedQueryResultsEncryptionConfiguration {
	@required
	KmsKey: KmsKey
}

enum QueryExecutionState {
	QUEUED
	RUNNING
	SUCCEEDED
	FAILED
	CANCELLED
}

structure AthenaError {
	ErrorCategory: ErrorCategory
	ErrorType: ErrorType
	Retryable: Boolean
	ErrorMessage: String
}

structure ResultReuseInformation {
	@required
	ReusedPreviousResult: Boolean
}

@length(min: 1, max: 128)
string NameString

enum AuthenticationType {
	DIRECTORY_IDENTITY
}

structure Row {
	Data: DatumList
}

list ColumnInfoList {
	member: ColumnInfo
}

structure QueryStagePlanNode {
	Name: String
	Identifier: String
	Children: QueryStagePlanNodes
	RemoteSources: StringList
}

list QueryStages {
	member: QueryStage
}

@length(min: 1, max: 2048)
@pattern("^arn:aws[a-z\\-]*:kms:([a-z0-9\\-]+):\\d{12}:key/?[a-zA-Z_0-9+=,.@\\-_/]+$|^arn:aws[a-z\\-]*:kms:([a-z0-9\\-]+):\\d{12}:alias/?[a-zA-Z_0-9+=,.@\\-_/]+$|^alias/[a-zA-Z0-9/_-]+$|[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}")
string KmsKey

@range(min: 1, max: 3)
integer ErrorCategory

@range(min: 0, max: 9999)
integer ErrorType

list DatumList {
	member: Datum
}

structure ColumnInfo {
	CatalogName: String
	SchemaName: String
	TableName: String

	@required
	Name: String

	Label: String

	@required
	Type: String

	Precision: Integer
	Scale: Integer
	Nullable: ColumnNullable
	CaseSensitive: Boolean
}

list QueryStagePlanNodes {
	member: QueryStagePlanNode
}

list StringList {
	member: String
}

structure Datum {
	VarCharValue: String
}

enum ColumnNullable {
	NOT_NULL
	NULLABLE
	UNKNOWN
}
