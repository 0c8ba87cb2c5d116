$version: "2"

namespace nagare.glue

use aws.protocols#awsJson1_1

@awsJson1_1
service AWSGlue {
	version: "2017-03-31"
	operations: [
		CreateDatabase
		GetDatabase
		GetDatabases
		UpdateDatabase
		DeleteDatabase
		CreateTable
		GetTable
		GetTables
		UpdateTable
		DeleteTable
		BatchDeleteTable
		GetTableVersion
		GetTableVersions
		DeleteTableVersion
		BatchDeleteTableVersion
		SearchTables
		CreatePartition
		BatchCreatePartition
		GetPartition
		GetPartitions
		BatchGetPartition
		UpdatePartition
		BatchUpdatePartition
		DeletePartition
		BatchDeletePartition
		GetPartitionIndexes
		CreatePartitionIndex
		DeletePartitionIndex
		GetColumnStatisticsForTable
		UpdateColumnStatisticsForTable
		DeleteColumnStatisticsForTable
		GetColumnStatisticsForPartition
		UpdateColumnStatisticsForPartition
		DeleteColumnStatisticsForPartition
		CreateUserDefinedFunction
		GetUserDefinedFunction
		GetUserDefinedFunctions
		UpdateUserDefinedFunction
		DeleteUserDefinedFunction
		GetTags
		TagResource
		UntagResource
		GetCatalogImportStatus
		GetDataCatalogEncryptionSettings
		CreateCrawler
		GetCrawler
		GetCrawlers
		ListCrawlers
		UpdateCrawler
		DeleteCrawler
		StartCrawler
		StopCrawler
		GetCrawlerMetrics
		StartCrawlerSchedule
		StopCrawlerSchedule
		UpdateCrawlerSchedule
		ListCrawls
		BatchGetCrawlers
	]
}

operation CreateDatabase {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseInput: DatabaseInput

		Tags: TagsMap
	}
	output := {
	}
	errors: [
		InvalidInputException
		AlreadyExistsException
		ResourceNumberLimitExceededException
		InternalServiceException
		OperationTimeoutException
		GlueEncryptionException
		ConcurrentModificationException
		FederatedResourceAlreadyExistsException
		FederationSourceException
		FederationSourceRetryableException
	]
}

operation GetDatabase {
	input := {
		CatalogId: CatalogIdString

		@required
		Name: NameString
	}
	output := {
		Database: Database
	}
	errors: [
		InvalidInputException
		EntityNotFoundException
		InternalServiceException
		OperationTimeoutException
		GlueEncryptionException
		FederationSourceException
		FederationSourceRetryableException
	]
}

operation GetDatabases {
	input := {
		CatalogId: CatalogIdString
		NextToken: String
		MaxResults: CatalogGetterPageSize
		ResourceShareType: ResourceShareType
		AttributesToGet: DatabaseAttributesList
	}
	output := {
		@required
		DatabaseList: DatabaseList

		NextToken: String
	}
	errors: [
		InvalidInputException
		InternalServiceException
		OperationTimeoutException
		GlueEncryptionException
		EntityNotFoundException
		FederationSourceException
		FederationSourceRetryableException
	]
}

operation UpdateDatabase {
	input := {
		CatalogId: CatalogIdString

		@required
		Name: NameString

		@required
		DatabaseInput: DatabaseInput
	}
	output := {
	}
	errors: [
		EntityNotFoundException
		InvalidInputException
		InternalServiceException
		OperationTimeoutException
		GlueEncryptionException
		ConcurrentModificationException
		FederationSourceException
		FederationSourceRetryableException
		AlreadyExistsException
	]
}

operation DeleteDatabase {
	input := {
		CatalogId: CatalogIdString

		@required
		Name: NameString
	}
	output := {
	}
	errors: [
		EntityNotFoundException
		InvalidInputException
		InternalServiceException
		OperationTimeoutException
		ConcurrentModificationException
		FederationSourceException
		FederationSourceRetryableException
	]
}

operation CreateTable {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		Name: NameString
		TableInput: TableInput
		PartitionIndexes: PartitionIndexList
		TransactionId: TransactionIdString
		OpenTableFormatInput: OpenTableFormatInput
	}
	output := {
	}
	errors: [
		AlreadyExistsException
		InvalidInputException
		EntityNotFoundException
		ResourceNumberLimitExceededException
		InternalServiceException
		OperationTimeoutException
		GlueEncryptionException
		ConcurrentModificationException
		ResourceNotReadyException
		FederationSourceException
		FederationSourceRetryableException
	]
}

operation GetTable {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		Name: NameString

		TransactionId: TransactionIdString
		QueryAsOfTime: Timestamp
		AuditContext: AuditContext
		IncludeStatusDetails: Boolean
	}
	output := {
		Table: Table
	}
	errors: [
		EntityNotFoundException
		InvalidInputException
		InternalServiceException
		OperationTimeoutException
		GlueEncryptionException
		ResourceNotReadyException
		FederationSourceException
		FederationSourceRetryableException
	]
}

operation GetTables {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		Expression: FilterString
		NextToken: String
		MaxResults: CatalogGetterPageSize
		TransactionId: TransactionIdString
		QueryAsOfTime: Timestamp
		AuditContext: AuditContext
		IncludeStatusDetails: Boolean
		AttributesToGet: TableAttributesList
	}
	output := {
		TableList: TableList
		NextToken: String
	}
	errors: [
		EntityNotFoundException
		InvalidInputException
		OperationTimeoutException
		InternalServiceException
		GlueEncryptionException
		FederationSourceException
		FederationSourceRetryableException
	]
}

operation UpdateTable {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		Name: NameString
		TableInput: TableInput
		SkipArchive: Boolean
		TransactionId: TransactionIdString
		VersionId: VersionString
		ViewUpdateAction: ViewUpdateAction
		Force: Boolean
		UpdateOpenTableFormatInput: UpdateOpenTableFormatInput
	}
	output := {
	}
	errors: [
		EntityNotFoundException
		InvalidInputException
		InternalServiceException
		OperationTimeoutException
		ConcurrentModificationException
		ResourceNumberLimitExceededException
		GlueEncryptionException
		ResourceNotReadyException
		FederationSourceException
		FederationSourceRetryableException
		AlreadyExistsException
	]
}

operation DeleteTable {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		Name: NameString

		TransactionId: TransactionIdString
	}
	output := {
	}
	errors: [
		EntityNotFoundException
		InvalidInputException
		InternalServiceException
		OperationTimeoutException
		ConcurrentModificationException
		ResourceNotReadyException
		FederationSourceException
		FederationSourceRetryableException
	]
}

operation BatchDeleteTable {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		TablesToDelete: BatchDeleteTableNameList

		TransactionId: TransactionIdString
	}
	output := {
		Errors: TableErrors
	}
	errors: [
		InvalidInputException
		EntityNotFoundException
		InternalServiceException
		OperationTimeoutException
		GlueEncryptionException
		ResourceNotReadyException
	]
}

operation GetTableVersion {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		TableName: NameString

		VersionId: VersionString
		AuditContext: AuditContext
	}
	output := {
		TableVersion: TableVersion
	}
	errors: [
		EntityNotFoundException
		InvalidInputException
		InternalServiceException
		OperationTimeoutException
		GlueEncryptionException
	]
}

operation GetTableVersions {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		TableName: NameString

		NextToken: String
		MaxResults: CatalogGetterPageSize
		AuditContext: AuditContext
	}
	output := {
		TableVersions: GetTableVersionsList
		NextToken: String
	}
	errors: [
		EntityNotFoundException
		InvalidInputException
		InternalServiceException
		OperationTimeoutException
		GlueEncryptionException
	]
}

operation DeleteTableVersion {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		TableName: NameString

		@required
		VersionId: VersionString
	}
	output := {
	}
	errors: [
		EntityNotFoundException
		InvalidInputException
		InternalServiceException
		OperationTimeoutException
	]
}

operation BatchDeleteTableVersion {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		TableName: NameString

		@required
		VersionIds: BatchDeleteTableVersionList
	}
	output := {
		Errors: TableVersionErrors
	}
	errors: [
		EntityNotFoundException
		InvalidInputException
		InternalServiceException
		OperationTimeoutException
	]
}

operation SearchTables {
	input := {
		CatalogId: CatalogIdString
		NextToken: String
		Filters: SearchPropertyPredicates
		SearchText: ValueString
		SortCriteria: SortCriteria
		MaxResults: PageSize
		ResourceShareType: ResourceShareType
		IncludeStatusDetails: Boolean
	}
	output := {
		NextToken: String
		TableList: TableList
	}
	errors: [
		InternalServiceException
		InvalidInputException
		OperationTimeoutException
	]
}
