$version: "2"

namespace nagare.glue

operation CreatePartition {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		TableName: NameString

		@required
		PartitionInput: PartitionInput
	}
	output := {
	}
	errors: [
		InvalidInputException
		AlreadyExistsException
		ResourceNumberLimitExceededException
		InternalServiceException
		EntityNotFoundException
		OperationTimeoutException
		GlueEncryptionException
	]
}

operation BatchCreatePartition {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		TableName: NameString

		@required
		PartitionInputList: PartitionInputList
	}
	output := {
		Errors: PartitionErrors
	}
	errors: [
		InvalidInputException
		AlreadyExistsException
		ResourceNumberLimitExceededException
		InternalServiceException
		EntityNotFoundException
		OperationTimeoutException
		GlueEncryptionException
	]
}

operation GetPartition {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		TableName: NameString

		@required
		PartitionValues: ValueStringList

		AuditContext: AuditContext
	}
	output := {
		Partition: Partition
	}
	errors: [
		EntityNotFoundException
		InvalidInputException
		InternalServiceException
		OperationTimeoutException
		GlueEncryptionException
		FederationSourceException
		FederationSourceRetryableException
	]
}

operation GetPartitions {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		TableName: NameString

		Expression: PredicateString
		NextToken: String
		Segment: Segment
		MaxResults: PageSize
		ExcludeColumnSchema: Boolean
		TransactionId: TransactionIdString
		QueryAsOfTime: Timestamp
		AuditContext: AuditContext
	}
	output := {
		Partitions: PartitionList
		NextToken: String
	}
	errors: [
		EntityNotFoundException
		InvalidInputException
		OperationTimeoutException
		InternalServiceException
		GlueEncryptionException
		InvalidStateException
		ResourceNotReadyException
		FederationSourceException
		FederationSourceRetryableException
	]
}

operation BatchGetPartition {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		TableName: NameString

		@required
		PartitionsToGet: BatchGetPartitionValueList

		AuditContext: AuditContext
		QuerySessionContext: QuerySessionContext
	}
	output := {
		Partitions: PartitionList
		UnprocessedKeys: BatchGetPartitionValueList
	}
	errors: [
		InvalidInputException
		EntityNotFoundException
		OperationTimeoutException
		InternalServiceException
		GlueEncryptionException
		InvalidStateException
		FederationSourceException
		FederationSourceRetryableException
	]
}

operation UpdatePartition {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		TableName: NameString

		@required
		PartitionValueList: BoundedPartitionValueList

		@required
		PartitionInput: PartitionInput
	}
	output := {
	}
	errors: [
		EntityNotFoundException
		InvalidInputException
		InternalServiceException
		OperationTimeoutException
		GlueEncryptionException
	]
}

operation BatchUpdatePartition {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		TableName: NameString

		@required
		Entries: BatchUpdatePartitionRequestEntryList
	}
	output := {
		Errors: BatchUpdatePartitionFailureList
	}
	errors: [
		InvalidInputException
		EntityNotFoundException
		OperationTimeoutException
		InternalServiceException
		GlueEncryptionException
	]
}

operation DeletePartition {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		TableName: NameString

		@required
		PartitionValues: ValueStringList
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

operation BatchDeletePartition {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		TableName: NameString

		@required
		PartitionsToDelete: BatchDeletePartitionValueList
	}
	output := {
		Errors: PartitionErrors
	}
	errors: [
		InvalidInputException
		EntityNotFoundException
		InternalServiceException
		OperationTimeoutException
	]
}

operation GetPartitionIndexes {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		TableName: NameString

		NextToken: String
	}
	output := {
		PartitionIndexDescriptorList: PartitionIndexDescriptorList
		NextToken: String
	}
	errors: [
		InternalServiceException
		OperationTimeoutException
		InvalidInputException
		EntityNotFoundException
		ConflictException
	]
}

operation CreatePartitionIndex {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		TableName: NameString

		@required
		PartitionIndex: PartitionIndex
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
	]
}

operation DeletePartitionIndex {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		TableName: NameString

		@required
		IndexName: NameString
	}
	output := {
	}
	errors: [
		InternalServiceException
		OperationTimeoutException
		InvalidInputException
		EntityNotFoundException
		ConflictException
		GlueEncryptionException
	]
}

operation GetColumnStatisticsForTable {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		TableName: NameString

		@required
		ColumnNames: GetColumnNamesList
	}
	output := {
		ColumnStatisticsList: ColumnStatisticsList
		Errors: ColumnErrors
	}
	errors: [
		EntityNotFoundException
		InvalidInputException
		InternalServiceException
		OperationTimeoutException
		GlueEncryptionException
	]
}

operation UpdateColumnStatisticsForTable {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		TableName: NameString

		@required
		ColumnStatisticsList: UpdateColumnStatisticsList
	}
	output := {
		Errors: ColumnStatisticsErrors
	}
	errors: [
		EntityNotFoundException
		InvalidInputException
		InternalServiceException
		OperationTimeoutException
		GlueEncryptionException
	]
}

operation DeleteColumnStatisticsForTable {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		TableName: NameString

		@required
		ColumnName: NameString
	}
	output := {
	}
	errors: [
		EntityNotFoundException
		InvalidInputException
		InternalServiceException
		OperationTimeoutException
		GlueEncryptionException
	]
}

operation GetColumnStatisticsForPartition {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		TableName: NameString

		@required
		PartitionValues: ValueStringList

		@required
		ColumnNames: GetColumnNamesList
	}
	output := {
		ColumnStatisticsList: ColumnStatisticsList
		Errors: ColumnErrors
	}
	errors: [
		EntityNotFoundException
		InvalidInputException
		InternalServiceException
		OperationTimeoutException
		GlueEncryptionException
	]
}

operation UpdateColumnStatisticsForPartition {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		TableName: NameString

		@required
		PartitionValues: ValueStringList

		@required
		ColumnStatisticsList: UpdateColumnStatisticsList
	}
	output := {
		Errors: ColumnStatisticsErrors
	}
	errors: [
		EntityNotFoundException
		InvalidInputException
		InternalServiceException
		OperationTimeoutException
		GlueEncryptionException
	]
}

operation DeleteColumnStatisticsForPartition {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		TableName: NameString

		@required
		PartitionValues: ValueStringList

		@required
		ColumnName: NameString
	}
	output := {
	}
	errors: [
		EntityNotFoundException
		InvalidInputException
		InternalServiceException
		OperationTimeoutException
		GlueEncryptionException
	]
}
