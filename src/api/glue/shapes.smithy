$version: "2"

namespace nagare.glue

structure DatabaseInput {
	@required
	Name: NameString

	Description: DescriptionString
	LocationUri: URI
	Parameters: ParametersMap
	CreateTableDefaultPermissions: PrincipalPermissionsList
	TargetDatabase: DatabaseIdentifier
	FederatedDatabase: FederatedDatabase
}

@error("client")
@httpError(400)
structure InvalidInputException {
	Message: String
	FromFederationSource: Boolean
}

@error("client")
@httpError(400)
structure AlreadyExistsException {
	Message: String
}

@error("client")
@httpError(400)
structure ResourceNumberLimitExceededException {
	Message: String
}

@error("server")
@httpError(500)
structure InternalServiceException {
	Message: String
}

@error("client")
@httpError(400)
structure OperationTimeoutException {
	Message: String
}

@error("client")
@httpError(400)
structure GlueEncryptionException {
	Message: String
}

@error("client")
@httpError(400)
structure ConcurrentModificationException {
	Message: String
}

@error("client")
@httpError(400)
structure FederatedResourceAlreadyExistsException {
	Message: String
	AssociatedGlueResource: GlueResourceArn
}

@error("client")
@httpError(400)
structure FederationSourceException {
	FederationSourceErrorCode: FederationSourceErrorCode
	Message: String
}

@error("client")
@httpError(400)
structure FederationSourceRetryableException {
	Message: String
}

structure Database {
	@required
	Name: NameString

	Description: DescriptionString
	LocationUri: URI
	Parameters: ParametersMap
	CreateTime: Timestamp
	CreateTableDefaultPermissions: PrincipalPermissionsList
	TargetDatabase: DatabaseIdentifier
	CatalogId: CatalogIdString
	FederatedDatabase: FederatedDatabase
}

@error("client")
@httpError(400)
structure EntityNotFoundException {
	Message: String
	FromFederationSource: Boolean
}

structure TableInput {
	@required
	Name: NameString

	Description: DescriptionString
	Owner: NameString
	LastAccessTime: Timestamp
	LastAnalyzedTime: Timestamp
	Retention: NonNegativeInteger
	StorageDescriptor: StorageDescriptor
	PartitionKeys: ColumnList
	ViewOriginalText: ViewTextString
	ViewExpandedText: ViewTextString
	TableType: TableTypeString
	Parameters: ParametersMap
	TargetTable: TableIdentifier
	ViewDefinition: ViewDefinitionInput
}

structure OpenTableFormatInput {
	IcebergInput: IcebergInput
}

@error("client")
@httpError(400)
structure ResourceNotReadyException {
	Message: String
}

structure AuditContext {
	AdditionalAuditContext: AuditContextString
	RequestedColumns: AuditColumnNamesList
	AllColumnsRequested: Boolean
}

structure Table {
	@required
	Name: NameString

	DatabaseName: NameString
	Description: DescriptionString
	Owner: NameString
	CreateTime: Timestamp
	UpdateTime: Timestamp
	LastAccessTime: Timestamp
	LastAnalyzedTime: Timestamp
	Retention: NonNegativeInteger
	StorageDescriptor: StorageDescriptor
	PartitionKeys: ColumnList
	ViewOriginalText: ViewTextString
	ViewExpandedText: ViewTextString
	TableType: TableTypeString
	Parameters: ParametersMap
	CreatedBy: NameString
	IsRegisteredWithLakeFormation: Boolean
	TargetTable: TableIdentifier
	CatalogId: CatalogIdString
	VersionId: VersionString
	FederatedTable: FederatedTable
	ViewDefinition: ViewDefinition
	IsMultiDialectView: Boolean
	IsMaterializedView: Boolean
	Status: TableStatus
}

structure UpdateOpenTableFormatInput {
	UpdateIcebergInput: UpdateIcebergInput
}

structure TableVersion {
	Table: Table
	VersionId: VersionString
}

structure DatabaseIdentifier {
	CatalogId: CatalogIdString
	DatabaseName: NameString
	Region: NameString
}

structure FederatedDatabase {
	Identifier: FederationIdentifier
	ConnectionName: NameString
	ConnectionType: NameString
}

structure StorageDescriptor {
	Columns: ColumnList
	Location: LocationString
	AdditionalLocations: LocationStringList
	InputFormat: FormatString
	OutputFormat: FormatString
	Compressed: Boolean
	NumberOfBuckets: Integer
	SerdeInfo: SerDeInfo
	BucketColumns: NameStringList
	SortColumns: OrderList
	Parameters: ParametersMap
	SkewedInfo: SkewedInfo
	StoredAsSubDirectories: Boolean
	SchemaReference: SchemaReference
}

structure TableIdentifier {
	CatalogId: CatalogIdString
	DatabaseName: NameString
	Name: NameString
	Region: NameString
}

structure ViewDefinitionInput {
	IsProtected: Boolean
	Definer: ArnString
	Representations: ViewRepresentationInputList
	ViewVersionId: TableVersionId
	ViewVersionToken: VersionString
	RefreshSeconds: Long
	LastRefreshType: LastRefreshType
	SubObjects: ViewSubObjectsList
	SubObjectVersionIds: ViewSubObjectVersionIdsList
}

structure PartitionIndex {
	@required
	Keys: KeyList

	@required
	IndexName: NameString
}

structure IcebergInput {
	@required
	MetadataOperation: MetadataOperation

	Version: VersionString
	CreateIcebergTableInput: CreateIcebergTableInput
}

structure FederatedTable {
	Identifier: FederationIdentifier
	DatabaseIdentifier: FederationIdentifier
	ConnectionName: NameString
	ConnectionType: NameString
}

structure ViewDefinition {
	IsProtected: Boolean
	Definer: ArnString
	ViewVersionId: TableVersionId
	ViewVersionToken: HashString
	RefreshSeconds: Long
	LastRefreshType: LastRefreshType
	SubObjects: ViewSubObjectsList
	SubObjectVersionIds: ViewSubObjectVersionIdsList
	Representations: ViewRepresentationList
}

structure TableStatus {
	RequestedBy: NameString
	UpdatedBy: NameString
	RequestTime: Timestamp
	UpdateTime: Timestamp
	Action: ResourceAction
	State: ResourceState
	Error: ErrorDetail
	Details: StatusDetails
}

structure UpdateIcebergInput {
	@required
	UpdateIcebergTableInput: UpdateIcebergTableInput
}

structure TableError {
	TableName: NameString
	ErrorDetail: ErrorDetail
}

structure TableVersionError {
	TableName: NameString
	VersionId: VersionString
	ErrorDetail: ErrorDetail
}

structure PropertyPredicate {
	Key: ValueString
	Value: ValueString
	Comparator: Comparator
}

structure SortCriterion {
	FieldName: ValueString
	Sort: Sort
}

structure PrincipalPermissions {
	Principal: DataLakePrincipal
	Permissions: PermissionList
}

structure SerDeInfo {
	Name: NameString
	SerializationLibrary: NameString
	Parameters: ParametersMap
}

structure SkewedInfo {
	SkewedColumnNames: NameStringList
	SkewedColumnValues: ColumnValueStringList
	SkewedColumnValueLocationMaps: LocationMap
}

structure SchemaReference {
	SchemaId: SchemaId
	SchemaVersionId: SchemaVersionIdString
	SchemaVersionNumber: VersionLongNumber
}

structure Column {
	@required
	Name: NameString

	Type: ColumnTypeString
	Comment: CommentString
	Parameters: ParametersMap
}

structure CreateIcebergTableInput {
	@required
	Location: LocationString

	@required
	Schema: IcebergSchema

	PartitionSpec: IcebergPartitionSpec
	WriteOrder: IcebergSortOrder
	Properties: StringToStringMap
}

structure ErrorDetail {
	ErrorCode: NameString
	ErrorMessage: DescriptionString
}

structure StatusDetails {
	RequestedChange: Table
	ViewValidations: ViewValidationList
}

structure UpdateIcebergTableInput {
	@required
	Updates: IcebergTableUpdateList
}

structure DataLakePrincipal {
	DataLakePrincipalIdentifier: DataLakePrincipalString
}

structure Order {
	@required
	Column: NameString

	@required
	SortOrder: IntegerFlag
}

structure SchemaId {
	SchemaArn: GlueResourceArn
	SchemaName: SchemaRegistryNameString
	RegistryName: SchemaRegistryNameString
}

structure ViewRepresentationInput {
	Dialect: ViewDialect
	DialectVersion: ViewDialectVersionString
	ViewOriginalText: ViewTextString
	ValidationConnection: NameString
	ViewExpandedText: ViewTextString
}

structure IcebergSchema {
	SchemaId: Integer
	IdentifierFieldIds: IntegerList
	Type: IcebergStructTypeEnum

	@required
	Fields: IcebergStructFieldList
}

structure IcebergPartitionSpec {
	@required
	Fields: IcebergPartitionSpecFieldList

	SpecId: Integer
}

structure IcebergSortOrder {
	@required
	OrderId: Integer

	@required
	Fields: IcebergSortOrderFieldList
}

structure ViewRepresentation {
	Dialect: ViewDialect
	DialectVersion: ViewDialectVersionString
	ViewOriginalText: ViewTextString
	ViewExpandedText: ViewTextString
	ValidationConnection: NameString
	IsStale: Boolean
}

structure ViewValidation {
	Dialect: ViewDialect
	DialectVersion: ViewDialectVersionString
	ViewValidationText: ViewTextString
	UpdateTime: Timestamp
	State: ResourceState
	Error: ErrorDetail
}

structure IcebergTableUpdate {
	@required
	Schema: IcebergSchema

	PartitionSpec: IcebergPartitionSpec
	SortOrder: IcebergSortOrder

	@required
	Location: LocationString

	Properties: StringToStringMap
	Action: IcebergUpdateAction
	EncryptionKey: IcebergEncryptedKey
	KeyId: EncryptionKeyIdString
}

structure IcebergStructField {
	@required
	Id: Integer

	@required
	Name: ColumnNameString

	@required
	Type: IcebergDocument

	@required
	Required: Boolean

	Doc: CommentString
	InitialDefault: IcebergDocument
	WriteDefault: IcebergDocument
}

structure IcebergPartitionField {
	@required
	SourceId: Integer

	@required
	Transform: String

	@required
	Name: ColumnNameString

	FieldId: Integer
}

structure IcebergSortField {
	@required
	SourceId: Integer

	@required
	Transform: String

	@required
	Direction: IcebergSortDirection

	@required
	NullOrder: IcebergNullOrder
}

structure IcebergEncryptedKey {
	@required
	KeyId: EncryptionKeyIdString

	@required
	EncryptedKeyMetadata: EncryptedKeyMetadataString

	EncryptedById: EncryptionKeyIdString
	Properties: StringToStringMap
}

structure IcebergDocument {
}

structure PartitionInput {
	Values: ValueStringList
	LastAccessTime: Timestamp
	StorageDescriptor: StorageDescriptor
	Parameters: ParametersMap
	LastAnalyzedTime: Timestamp
}

structure Partition {
	Values: ValueStringList
	DatabaseName: NameString
	TableName: NameString
	CreationTime: Timestamp
	LastAccessTime: Timestamp
	StorageDescriptor: StorageDescriptor
	Parameters: ParametersMap
	LastAnalyzedTime: Timestamp
	CatalogId: CatalogIdString
}

structure Segment {
	@required
	SegmentNumber: NonNegativeInteger

	@required
	TotalSegments: TotalSegmentsInteger
}

@error("client")
@httpError(400)
structure InvalidStateException {
	Message: String
}

structure QuerySessionContext {
	QueryId: HashString
	QueryStartTime: Timestamp
	ClusterId: String
	QueryAuthorizationId: HashString
	AdditionalContext: AdditionalContextMap
}

@error("client")
@httpError(400)
structure ConflictException {
	Message: String
}

structure PartitionError {
	PartitionValues: ValueStringList
	ErrorDetail: ErrorDetail
}

structure PartitionValueList {
	@required
	Values: ValueStringList
}

structure BatchUpdatePartitionRequestEntry {
	@required
	PartitionValueList: BoundedPartitionValueList

	@required
	PartitionInput: PartitionInput
}

structure BatchUpdatePartitionFailureEntry {
	PartitionValueList: BoundedPartitionValueList
	ErrorDetail: ErrorDetail
}

structure PartitionIndexDescriptor {
	@required
	IndexName: NameString

	@required
	Keys: KeySchemaElementList

	@required
	IndexStatus: PartitionIndexStatus

	BackfillErrors: BackfillErrors
}

structure ColumnStatistics {
	@required
	ColumnName: NameString

	@required
	ColumnType: TypeString

	@required
	AnalyzedTime: Timestamp

	@required
	StatisticsData: ColumnStatisticsData
}

structure ColumnError {
	ColumnName: NameString
	Error: ErrorDetail
}

structure ColumnStatisticsError {
	ColumnStatistics: ColumnStatistics
	Error: ErrorDetail
}

structure ColumnStatisticsData {
	@required
	Type: ColumnStatisticsType

	BooleanColumnStatisticsData: BooleanColumnStatisticsData
	DateColumnStatisticsData: DateColumnStatisticsData
	DecimalColumnStatisticsData: DecimalColumnStatisticsData
	DoubleColumnStatisticsData: DoubleColumnStatisticsData
	LongColumnStatisticsData: LongColumnStatisticsData
	StringColumnStatisticsData: StringColumnStatisticsData
	BinaryColumnStatisticsData: BinaryColumnStatisticsData
}

structure KeySchemaElement {
	@required
	Name: NameString

	@required
	Type: ColumnTypeString
}

structure BackfillError {
	Code: BackfillErrorCode
	Partitions: BackfillErroredPartitionsList
}

structure BooleanColumnStatisticsData {
	@required
	NumberOfTrues: NonNegativeLong

	@required
	NumberOfFalses: NonNegativeLong

	@required
	NumberOfNulls: NonNegativeLong
}

structure DateColumnStatisticsData {
	MinimumValue: Timestamp
	MaximumValue: Timestamp

	@required
	NumberOfNulls: NonNegativeLong

	@required
	NumberOfDistinctValues: NonNegativeLong
}

structure DecimalColumnStatisticsData {
	MinimumValue: DecimalNumber
	MaximumValue: DecimalNumber

	@required
	NumberOfNulls: NonNegativeLong

	@required
	NumberOfDistinctValues: NonNegativeLong
}

structure DoubleColumnStatisticsData {
	MinimumValue: Double
	MaximumValue: Double

	@required
	NumberOfNulls: NonNegativeLong

	@required
	NumberOfDistinctValues: NonNegativeLong
}

structure LongColumnStatisticsData {
	MinimumValue: Long
	MaximumValue: Long

	@required
	NumberOfNulls: NonNegativeLong

	@required
	NumberOfDistinctValues: NonNegativeLong
}

structure StringColumnStatisticsData {
	@required
	MaximumLength: NonNegativeLong

	@required
	AverageLength: NonNegativeDouble

	@required
	NumberOfNulls: NonNegativeLong

	@required
	NumberOfDistinctValues: NonNegativeLong
}

structure BinaryColumnStatisticsData {
	@required
	MaximumLength: NonNegativeLong

	@required
	AverageLength: NonNegativeDouble

	@required
	NumberOfNulls: NonNegativeLong
}

structure DecimalNumber {
	@required
	UnscaledValue: Blob

	@required
	Scale: Integer
}

structure UserDefinedFunctionInput {
	FunctionName: NameString
	ClassName: NameString
	OwnerName: NameString
	FunctionType: FunctionType
	OwnerType: PrincipalType
	ResourceUris: ResourceUriList
}

structure UserDefinedFunction {
	FunctionName: NameString
	DatabaseName: NameString
	ClassName: NameString
	OwnerName: NameString
	FunctionType: FunctionType
	OwnerType: PrincipalType
	CreateTime: Timestamp
	ResourceUris: ResourceUriList
	CatalogId: CatalogIdString
}

structure CatalogImportStatus {
	ImportCompleted: Boolean
	ImportTime: Timestamp
	ImportedBy: NameString
}

structure DataCatalogEncryptionSettings {
	EncryptionAtRest: EncryptionAtRest
	ConnectionPasswordEncryption: ConnectionPasswordEncryption
}

structure EncryptionAtRest {
	@required
	CatalogEncryptionMode: CatalogEncryptionMode

	SseAwsKmsKeyId: NameString
	CatalogEncryptionServiceRole: IAMRoleArn
}

structure ConnectionPasswordEncryption {
	@required
	ReturnConnectionPasswordEncrypted: Boolean

	AwsKmsKeyId: NameString
}

structure ResourceUri {
	ResourceType: ResourceType
	Uri: URI
}
