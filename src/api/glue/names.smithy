$version: "2"

namespace nagare.glue

@length(min: 1, max: 255)
@pattern("[^\\u0000-\\u0008\\u000A-\\u001F\\uFFFE\\uFFFF]*")
string CatalogIdString

@length(min: 0, max: 50)
map TagsMap {
	key: TagKey
	value: TagValue
}

@length(min: 1, max: 255)
@pattern("[^\\u0000-\\u0008\\u000A-\\u001F\\uFFFE\\uFFFF]*")
string NameString

@range(min: 1, max: 100)
integer CatalogGetterPageSize

enum ResourceShareType {
	FOREIGN
	ALL
	FEDERATED
}

list DatabaseAttributesList {
	member: DatabaseAttributes
}

list DatabaseList {
	member: Database
}

list PartitionIndexList {
	member: PartitionIndex
}

@length(min: 1, max: 255)
@pattern("[\\p{L}\\p{N}\\p{P}]*")
string TransactionIdString

@length(min: 0, max: 2048)
@pattern("[^\\u0000-\\u0008\\u000A-\\u001F\\uFFFE\\uFFFF]*")
string FilterString

list TableAttributesList {
	member: TableAttributes
}

list TableList {
	member: Table
}

@length(min: 1, max: 255)
@pattern("[^\\u0000-\\u0008\\u000A-\\u001F\\uFFFE\\uFFFF]*")
string VersionString

enum ViewUpdateAction {
	ADD
	REPLACE
	ADD_OR_REPLACE
	DROP
}

@length(min: 0, max: 100)
list BatchDeleteTableNameList {
	member: NameString
}

list TableErrors {
	member: TableError
}

list GetTableVersionsList {
	member: TableVersion
}

@length(min: 0, max: 100)
list BatchDeleteTableVersionList {
	member: VersionString
}

list TableVersionErrors {
	member: TableVersionError
}

list SearchPropertyPredicates {
	member: PropertyPredicate
}

@length(min: 1, max: 1024)
string ValueString

@length(min: 0, max: 1)
list SortCriteria {
	member: SortCriterion
}

@range(min: 1, max: 1000)
integer PageSize

@length(min: 0, max: 2048)
@pattern("[^\\u0000-\\u0008\\u000B\\u000C\\u000E-\\u001F\\uFFFE\\uFFFF]*")
string DescriptionString

@length(min: 1, max: 1024)
@pattern("[^\\u0000-\\u0008\\u000B\\u000C\\u000E-\\u001F\\uFFFE\\uFFFF]*")
string URI

map ParametersMap {
	key: KeyString
	value: ParametersMapValue
}

list PrincipalPermissionsList {
	member: PrincipalPermissions
}

@length(min: 1, max: 128)
string TagKey

@length(min: 0, max: 256)
string TagValue

@length(min: 1, max: 10240)
@pattern("arn:aws(-(cn|us-gov|iso(-[bef])?))?:glue:.*")
string GlueResourceArn

enum FederationSourceErrorCode {
	AccessDeniedException
	EntityNotFoundException
	InvalidCredentialsException
	InvalidInputException
	InvalidResponseException
	OperationTimeoutException
	OperationNotSupportedException
	InternalServiceException
	PartialFailureException
	ThrottlingException
}

enum DatabaseAttributes {
	NAME
	TARGET_DATABASE
}

@range(min: 0)
integer NonNegativeInteger

list ColumnList {
	member: Column
}

@length(max: 409600)
string ViewTextString

@length(max: 255)
string TableTypeString

@length(min: 0, max: 2048)
string AuditContextString

list AuditColumnNamesList {
	member: ColumnNameString
}

enum TableAttributes {
	NAME
	TABLE_TYPE
}

@length(min: 1, max: 255)
@pattern("[^\\u0000-\\u0008\\u000A-\\u001F\\uFFFE\\uFFFF]*")
string KeyString

@length(max: 512000)
string ParametersMapValue

@length(min: 1, max: 512)
@pattern("[^\\u0000-\\u0008\\u000A-\\u001F\\uFFFE\\uFFFF]*")
string FederationIdentifier

@length(max: 2056)
@pattern("[^\\u0000-\\u0008\\u000B\\u000C\\u000E-\\u001F\\uFFFE\\uFFFF]*")
string LocationString

list LocationStringList {
	member: LocationString
}

@length(max: 128)
@pattern("[^\\u0000-\\u0008\\u000A-\\u001F\\uFFFE\\uFFFF]*")
string FormatString

list NameStringList {
	member: NameString
}

list OrderList {
	member: Order
}

@length(min: 20, max: 2048)
string ArnString

@length(min: 1, max: 10)
list ViewRepresentationInputList {
	member: ViewRepresentationInput
}

@range(min: -1)
long TableVersionId

enum LastRefreshType {
	FULL
	INCREMENTAL
}

@length(min: 0, max: 10)
list ViewSubObjectsList {
	member: ArnString
}

@length(min: 0, max: 250)
list ViewSubObjectVersionIdsList {
	member: TableVersionId
}

@length(min: 1)
list KeyList {
	member: NameString
}

enum MetadataOperation {
	CREATE
}

@length(min: 1, max: 1024)
@pattern("[^\\u0000-\\u0008\\u000A-\\u001F\\uFFFE\\uFFFF]*")
string ColumnNameString

@length(min: 1, max: 255)
@pattern("[^\\u0000-\\u0008\\u000A-\\u001F\\uFFFE\\uFFFF]*")
string HashString

@length(min: 1, max: 1000)
list ViewRepresentationList {
	member: ViewRepresentation
}

enum ResourceAction {
	UPDATE
	CREATE
}

enum ResourceState {
	QUEUED
	IN_PROGRESS
	SUCCESS
	STOPPED
	FAILED
}

enum Comparator {
	EQUALS
	GREATER_THAN
	LESS_THAN
	GREATER_THAN_EQUALS
	LESS_THAN_EQUALS
}

enum Sort {
	ASC
	DESC
}

list PermissionList {
	member: Permission
}

list ColumnValueStringList {
	member: String
}

map LocationMap {
	key: String
	value: String
}

@length(min: 36, max: 36)
@pattern("[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}")
string SchemaVersionIdString

@range(min: 1, max: 100000)
long VersionLongNumber

@length(min: 0, max: 131072)
@pattern("[^\\u0000-\\u0008\\u000A-\\u001F\\uFFFE\\uFFFF]*")
string ColumnTypeString

@length(min: 0, max: 255)
@pattern("[^\\u0000-\\u0008\\u000A-\\u001F\\uFFFE\\uFFFF]*")
string CommentString

map StringToStringMap {
	key: String
	value: String
}

list ViewValidationList {
	member: ViewValidation
}

list IcebergTableUpdateList {
	member: IcebergTableUpdate
}

@length(min: 1, max: 255)
string DataLakePrincipalString

enum Permission {
	ALL
	SELECT
	ALTER
	DROP
	DELETE
	INSERT
	CREATE_DATABASE
	CREATE_TABLE
	DATA_LOCATION_ACCESS
}

@range(min: 0, max: 1)
integer IntegerFlag

@length(min: 1, max: 255)
@pattern("[a-zA-Z0-9-_$#.]+")
string SchemaRegistryNameString

enum ViewDialect {
	REDSHIFT
	ATHENA
	SPARK
}

@length(min: 1, max: 255)
string ViewDialectVersionString

list IntegerList {
	member: Integer
}

enum IcebergStructTypeEnum {
	struct
}

list IcebergStructFieldList {
	member: IcebergStructField
}

list IcebergPartitionSpecFieldList {
	member: IcebergPartitionField
}

list IcebergSortOrderFieldList {
	member: IcebergSortField
}

enum IcebergUpdateAction {
	add_schema = "add-schema"
	set_current_schema = "set-current-schema"
	add_spec = "add-spec"
	set_default_spec = "set-default-spec"
	add_sort_order = "add-sort-order"
	set_default_sort_order = "set-default-sort-order"
	set_location = "set-location"
	set_properties = "set-properties"
	remove_properties = "remove-properties"
	add_encryption_key = "add-encryption-key"
	remove_encryption_key = "remove-encryption-key"
}

@length(max: 2056)
@pattern("[^\\u0000-\\u0008\\u000B\\u000C\\u000E-\\u001F\\uFFFE\\uFFFF]*")
string EncryptionKeyIdString

enum IcebergSortDirection {
	asc
	desc
}

enum IcebergNullOrder {
	nulls_first = "nulls-first"
	nulls_last = "nulls-last"
}

@length(max: 2056)
@pattern("[^\\u0000-\\u0008\\u000B\\u000C\\u000E-\\u001F\\uFFFE\\uFFFF]*")
string EncryptedKeyMetadataString

@length(min: 0, max: 100)
list PartitionInputList {
	member: PartitionInput
}

list PartitionErrors {
	member: PartitionError
}

list ValueStringList {
	member: ValueString
}

@length(min: 0, max: 2048)
@pattern("[^\\u0000-\\u0008\\u000B\\u000C\\u000E-\\u001F\\uFFFE\\uFFFF]*")
string PredicateString

list PartitionList {
	member: Partition
}

@length(min: 0, max: 1000)
list BatchGetPartitionValueList {
	member: PartitionValueList
}

@length(min: 0, max: 100)
list BoundedPartitionValueList {
	member: ValueString
}

@length(min: 1, max: 100)
list BatchUpdatePartitionRequestEntryList {
	member: BatchUpdatePartitionRequestEntry
}

list BatchUpdatePartitionFailureList {
	member: BatchUpdatePartitionFailureEntry
}

@length(min: 0, max: 25)
list BatchDeletePartitionValueList {
	member: PartitionValueList
}

list PartitionIndexDescriptorList {
	member: PartitionIndexDescriptor
}

@length(min: 0, max: 100)
list GetColumnNamesList {
	member: NameString
}

list ColumnStatisticsList {
	member: ColumnStatistics
}

list ColumnErrors {
	member: ColumnError
}

@length(min: 0, max: 25)
list UpdateColumnStatisticsList {
	member: ColumnStatistics
}

list ColumnStatisticsErrors {
	member: ColumnStatisticsError
}

@range(min: 1, max: 10)
integer TotalSegmentsInteger

map AdditionalContextMap {
	key: ContextKey
	value: ContextValue
}

@length(min: 1, max: 128)
string ContextKey

@length(min: 0, max: 256)
string ContextValue

@length(min: 1)
list KeySchemaElementList {
	member: KeySchemaElement
}

enum PartitionIndexStatus {
	CREATING
	ACTIVE
	DELETING
	FAILED
}

list BackfillErrors {
	member: BackfillError
}

@length(min: 0, max: 20000)
@pattern("[^\\u0000-\\u0008\\u000A-\\u001F\\uFFFE\\uFFFF]*")
string TypeString

enum ColumnStatisticsType {
	BOOLEAN
	DATE
	DECIMAL
	DOUBLE
	LONG
	STRING
	BINARY
}

enum BackfillErrorCode {
	ENCRYPTED_PARTITION_ERROR
	INTERNAL_ERROR
	INVALID_PARTITION_TYPE_DATA_ERROR
	MISSING_PARTITION_VALUE_ERROR
	UNSUPPORTED_PARTITION_CHARACTER_ERROR
}

list BackfillErroredPartitionsList {
	member: PartitionValueList
}

@range(min: 0)
long NonNegativeLong

@range(min: 0.0)
double NonNegativeDouble

enum FunctionType {
	REGULAR_FUNCTION
	AGGREGATE_FUNCTION
	STORED_PROCEDURE
}

list UserDefinedFunctionList {
	member: UserDefinedFunction
}

@length(min: 0, max: 50)
list TagKeysList {
	member: TagKey
}

enum PrincipalType {
	USER
	ROLE
	GROUP
}

@length(min: 0, max: 1000)
list ResourceUriList {
	member: ResourceUri
}

enum CatalogEncryptionMode {
	DISABLED
	SSE_KMS = "SSE-KMS"
	SSE_KMS_WITH_SERVICE_ROLE = "SSE-KMS-WITH-SERVICE-ROLE"
}

@pattern("^arn:aws(-(cn|us-gov|iso(-[bef])?))?:iam::[0-9]{12}:role/.+")
string IAMRoleArn

enum ResourceType {
	JAR
	FILE
	ARCHIVE
}
