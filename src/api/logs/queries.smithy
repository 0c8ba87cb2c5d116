$version: "2"

namespace nagare.logs

operation StartQuery {
	input := {
		queryLanguage: QueryLanguage
		logGroupName: LogGroupName
		logGroupNames: LogGroupNames
		logGroupIdentifiers: LogGroupIdentifiers
		@required startTime: Timestamp
		@required endTime: Timestamp
		@required queryString: QueryString
		limit: EventsLimitStartQuery
	}
	output := {
		queryId: QueryId
	}
}

operation StopQuery {
	input := {
		@required queryId: QueryId
	}
	output := {
		success: Boolean
	}
}

operation GetQueryResults {
	input := {
		@required queryId: QueryId
		nextToken: GetQueryResultsNextToken
		maxItems: GetQueryResultsMaxItems
	}
	output := {
		queryLanguage: QueryLanguage
		results: QueryResults
		statistics: QueryStatistics
		status: QueryStatus
		encryptionKey: EncryptionKey
		nextToken: GetQueryResultsNextToken
	}
}

operation DescribeQueries {
	input := {
		logGroupName: LogGroupName
		status: QueryStatus
		maxResults: DescribeQueriesMaxResults
		nextToken: NextToken
		queryLanguage: QueryLanguage
	}
	output := {
		queries: QueryInfoList
		nextToken: NextToken
	}
}

operation PutQueryDefinition {
	input := {
		queryLanguage: QueryLanguage
		@required name: QueryDefinitionName
		queryDefinitionId: QueryId
		logGroupNames: LogGroupNames
		@required queryString: QueryDefinitionString
		clientToken: ClientToken
		parameters: QueryParameterList
	}
	output := {
		queryDefinitionId: QueryId
	}
}

operation DescribeQueryDefinitions {
	input := {
		queryLanguage: QueryLanguage
		queryDefinitionNamePrefix: QueryDefinitionName
		maxResults: QueryListMaxResults
		nextToken: NextToken
	}
	output := {
		queryDefinitions: QueryDefinitionList
		nextToken: NextToken
	}
}

operation DeleteQueryDefinition {
	input := {
		@required queryDefinitionId: QueryId
	}
	output := {
		success: Boolean
	}
}

enum QueryLanguage {
	CWLI
	SQL
	PPL
}

list LogGroupNames {
	member: LogGroupName
}

list LogGroupIdentifiers {
	member: ListedLogGroupIdentifier
}

@length(min: 0, max: 10000)
string QueryString

@range(min: 1, max: 100000)
integer EventsLimitStartQuery

@length(min: 1, max: 256)
string QueryId

@length(max: 1024)
string GetQueryResultsNextToken

@range(min: 0, max: 10000)
integer GetQueryResultsMaxItems

list QueryResults {
	member: ResultRows
}

structure QueryStatistics {
	recordsMatched: Double
	recordsScanned: Double
	estimatedRecordsSkipped: Double
	bytesScanned: Double
	estimatedBytesSkipped: Double
	logGroupsScanned: Double
}

enum QueryStatus {
	Scheduled
	Running
	Complete
	Failed
	Cancelled
	Timeout
	Unknown
}

@length(max: 256)
string EncryptionKey

@range(min: 1, max: 1000)
integer DescribeQueriesMaxResults

list QueryInfoList {
	member: QueryInfo
}

@length(min: 1, max: 255)
string QueryDefinitionName

@length(min: 1, max: 10000)
string QueryDefinitionString

@length(min: 36, max: 128)
@pattern("\\S{36,128}")
string ClientToken

@length(max: 20)
list QueryParameterList {
	member: QueryParameter
}

@range(min: 1, max: 1000)
integer QueryListMaxResults

list QueryDefinitionList {
	member: QueryDefinition
}

structure QueryCompileError {
	location: QueryCompileErrorLocation
	message: String
}

list ResultRows {
	member: ResultField
}

structure QueryInfo {
	queryLanguage: QueryLanguage
	queryId: QueryId
	queryString: QueryString
	status: QueryStatus
	createTime: Timestamp
	logGroupName: LogGroupName
	queryDuration: Long
	bytesScanned: Double
	userIdentity: UserIdentity
}

structure QueryParameter {
	@required name: QueryParameterName
	defaultValue: QueryParameterDefaultValue
	description: QueryParameterDescription
}

structure QueryDefinition {
	queryLanguage: QueryLanguage
	queryDefinitionId: QueryId
	name: QueryDefinitionName
	queryString: QueryDefinitionString
	lastModified: Timestamp
	logGroupNames: LogGroupNames
	parameters: QueryParameterList
}

structure QueryCompileErrorLocation {
	startCharOffset: Integer
	endCharOffset: Integer
}

structure ResultField {
	field: String
	value: String
}

@length(min: 1, max: 2048)
string UserIdentity

@length(min: 1, max: 128)
@pattern("^[a-zA-Z_][a-zA-Z0-9_]*")
string QueryParameterName

@length(max: 1024)
string QueryParameterDefaultValue

@length(max: 512)
string QueryParameterDescription
