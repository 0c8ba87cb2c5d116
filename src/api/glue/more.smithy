$version: "2"

namespace nagare.glue

operation CreateUserDefinedFunction {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		FunctionInput: UserDefinedFunctionInput
	}
	output := {
	}
	errors: [
		AlreadyExistsException
		InvalidInputException
		InternalServiceException
		EntityNotFoundException
		OperationTimeoutException
		ResourceNumberLimitExceededException
		GlueEncryptionException
	]
}

operation GetUserDefinedFunction {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		FunctionName: NameString
	}
	output := {
		UserDefinedFunction: UserDefinedFunction
	}
	errors: [
		EntityNotFoundException
		InvalidInputException
		InternalServiceException
		OperationTimeoutException
		GlueEncryptionException
	]
}

operation GetUserDefinedFunctions {
	input := {
		CatalogId: CatalogIdString
		DatabaseName: NameString

		@required
		Pattern: NameString

		FunctionType: FunctionType
		NextToken: String
		MaxResults: CatalogGetterPageSize
	}
	output := {
		UserDefinedFunctions: UserDefinedFunctionList
		NextToken: String
	}
	errors: [
		EntityNotFoundException
		InvalidInputException
		OperationTimeoutException
		InternalServiceException
		GlueEncryptionException
	]
}

operation UpdateUserDefinedFunction {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		FunctionName: NameString

		@required
		FunctionInput: UserDefinedFunctionInput
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

operation DeleteUserDefinedFunction {
	input := {
		CatalogId: CatalogIdString

		@required
		DatabaseName: NameString

		@required
		FunctionName: NameString
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

operation GetTags {
	input := {
		@required
		ResourceArn: GlueResourceArn
	}
	output := {
		Tags: TagsMap
	}
	errors: [
		InvalidInputException
		InternalServiceException
		OperationTimeoutException
		EntityNotFoundException
	]
}

operation TagResource {
	input := {
		@required
		ResourceArn: GlueResourceArn

		@required
		TagsToAdd: TagsMap
	}
	output := {
	}
	errors: [
		InvalidInputException
		InternalServiceException
		OperationTimeoutException
		EntityNotFoundException
	]
}

operation UntagResource {
	input := {
		@required
		ResourceArn: GlueResourceArn

		@required
		TagsToRemove: TagKeysList
	}
	output := {
	}
	errors: [
		InvalidInputException
		InternalServiceException
		OperationTimeoutException
		EntityNotFoundException
	]
}

operation GetCatalogImportStatus {
	input := {
		CatalogId: CatalogIdString
	}
	output := {
		ImportStatus: CatalogImportStatus
	}
	errors: [
		InternalServiceException
		OperationTimeoutException
	]
}

operation GetDataCatalogEncryptionSettings {
	input := {
		CatalogId: CatalogIdString
	}
	output := {
		DataCatalogEncryptionSettings: DataCatalogEncryptionSettings
	}
	errors: [
		InternalServiceException
		InvalidInputException
		OperationTimeoutException
	]
}
