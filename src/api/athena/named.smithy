$version: "2"

namespace nagare.athena

operation CreateNamedQuery {
	input := {
		@required
		Name: NameString

		Description: DescriptionString

		@required
		Database: DatabaseString

		@required
		QueryString: QueryString

		ClientRequestToken: IdempotencyToken
		WorkGroup: WorkGroupName
	}
	output := {
		NamedQueryId: NamedQueryId
	}
	errors: [
		InternalServerException
		InvalidRequestException
	]
}

operation GetNamedQuery {
	input := {
		@required
		NamedQueryId: NamedQueryId
	}
	output := {
		NamedQuery: NamedQuery
	}
	errors: [
		InternalServerException
		InvalidRequestException
	]
}

operation BatchGetNamedQuery {
	input := {
		@required
		NamedQueryIds: NamedQueryIdList
	}
	output := {
		NamedQueries: NamedQueryList
		UnprocessedNamedQueryIds: UnprocessedNamedQueryIdList
	}
	errors: [
		InternalServerException
		InvalidRequestException
	]
}

operation UpdateNamedQuery {
	input := {
		@required
		NamedQueryId: NamedQueryId

		@required
		Name: NameString

		Description: NamedQueryDescriptionString

		@required
		QueryString: QueryString
	}
	output := {
	}
	errors: [
		InternalServerException
		InvalidRequestException
	]
}

operation DeleteNamedQuery {
	input := {
		@required
		NamedQueryId: NamedQueryId
	}
	output := {
	}
	errors: [
		InternalServerException
		InvalidRequestException
	]
}

operation ListNamedQueries {
	input := {
		NextToken: Token
		MaxResults: MaxNamedQueriesCount
		WorkGroup: WorkGroupName
	}
	output := {
		NamedQueryIds: NamedQueryIdList
		NextToken: Token
	}
	errors: [
		InternalServerException
		InvalidRequestException
	]
}

operation CreatePreparedStatement {
	input := {
		@required
		StatementName: StatementName

		@required
		WorkGroup: WorkGroupName

		@required
		QueryStatement: QueryString

		Description: DescriptionString
	}
	output := {
	}
	errors: [
		InternalServerException
		InvalidRequestException
	]
}

operation GetPreparedStatement {
	input := {
		@required
		StatementName: StatementName

		@required
		WorkGroup: WorkGroupName
	}
	output := {
		PreparedStatement: PreparedStatement
	}
	errors: [
		InternalServerException
		InvalidRequestException
		ResourceNotFoundException
	]
}

operation BatchGetPreparedStatement {
	input := {
		@required
		PreparedStatementNames: PreparedStatementNameList

		@required
		WorkGroup: WorkGroupName
	}
	output := {
		PreparedStatements: PreparedStatementDetailsList
		UnprocessedPreparedStatementNames: UnprocessedPreparedStatementNameList
	}
	errors: [
		InternalServerException
		InvalidRequestException
	]
}

operation UpdatePreparedStatement {
	input := {
		@required
		StatementName: StatementName

		@required
		WorkGroup: WorkGroupName

		@required
		QueryStatement: QueryString

		Description: DescriptionString
	}
	output := {
	}
	errors: [
		InternalServerException
		InvalidRequestException
		ResourceNotFoundException
	]
}

operation DeletePreparedStatement {
	input := {
		@required
		StatementName: StatementName

		@required
		WorkGroup: WorkGroupName
	}
	output := {
	}
	errors: [
		InternalServerException
		InvalidRequestException
		ResourceNotFoundException
	]
}

operation ListPreparedStatements {
	input := {
		@required
		WorkGroup: WorkGroupName

		NextToken: Token
		MaxResults: MaxPreparedStatementsCount
	}
	output := {
		PreparedStatements: PreparedStatementsList
		NextToken: Token
	}
	errors: [
		InternalServerException
		InvalidRequestException
	]
}

@length(min: 1, max: 1024)
string DescriptionString

@length(min: 1, max: 128)
@pattern("\\S+")
string NamedQueryId

structure NamedQuery {
	@required
	Name: NameString

	Description: DescriptionString

	@required
	Database: DatabaseString

	@required
	QueryString: QueryString

	NamedQueryId: NamedQueryId
	WorkGroup: WorkGroupName
}

@length(min: 1, max: 50)
list NamedQueryIdList {
	member: NamedQueryId
}

list NamedQueryList {
	member: NamedQuery
}

list UnprocessedNamedQueryIdList {
	member: UnprocessedNamedQueryId
}

@length(min: 0, max: 1024)
string NamedQueryDescriptionString

@range(min: 0, max: 50)
integer MaxNamedQueriesCount

@length(min: 1, max: 256)
@pattern("[a-zA-Z_][a-zA-Z0-9_@:]{1,256}")
string StatementName

structure PreparedStatement {
	StatementName: StatementName
	QueryStatement: QueryString
	WorkGroupName: WorkGroupName
	Description: DescriptionString
	LastModifiedTime: Timestamp
}

list PreparedStatementNameList {
	member: StatementName
}

list PreparedStatementDetailsList {
	member: PreparedStatement
}

list UnprocessedPreparedStatementNameList {
	member: UnprocessedPreparedStatementName
}

@range(min: 1, max: 50)
integer MaxPreparedStatementsCount

@length(min: 0, max: 50)
list PreparedStatementsList {
	member: PreparedStatementSummary
}

structure UnprocessedNamedQueryId {
	NamedQueryId: NamedQueryId
	ErrorCode: ErrorCode
	ErrorMessage: String
}

structure UnprocessedPreparedStatementName {
	StatementName: StatementName
	ErrorCode: ErrorCode
	ErrorMessage: String
}

structure PreparedStatementSummary {
	StatementName: StatementName
	LastModifiedTime: Timestamp
}
