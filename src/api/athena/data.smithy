$version: "2"

namespace nagare.athena

operation ListDataCatalogs {
	input := {
		NextToken: Token
		MaxResults: MaxDataCatalogsCount
		WorkGroup: WorkGroupName
	}
	output := {
		DataCatalogsSummary: DataCatalogSummaryList
		NextToken: Token
	}
	errors: [
		InternalServerException
		InvalidRequestException
	]
}

operation GetDataCatalog {
	input := {
		@required
		Name: CatalogNameString

		WorkGroup: WorkGroupName
	}
	output := {
		DataCatalog: DataCatalog
	}
	errors: [
		InternalServerException
		InvalidRequestException
	]
}

operation ListDatabases {
	input := {
		@required
		CatalogName: CatalogNameString

		NextToken: Token
		MaxResults: MaxDatabasesCount
		WorkGroup: WorkGroupName
	}
	output := {
		DatabaseList: DatabaseList
		NextToken: Token
	}
	errors: [
		InternalServerException
		InvalidRequestException
		MetadataException
	]
}

operation GetDatabase {
	input := {
		@required
		CatalogName: CatalogNameString

		@required
		DatabaseName: NameString

		WorkGroup: WorkGroupName
	}
	output := {
		Database: Database
	}
	errors: [
		InternalServerException
		InvalidRequestException
		MetadataException
	]
}

operation ListTableMetadata {
	input := {
		@required
		CatalogName: CatalogNameString

		@required
		DatabaseName: NameString

		Expression: ExpressionString
		NextToken: Token
		MaxResults: MaxTableMetadataCount
		WorkGroup: WorkGroupName
	}
	output := {
		TableMetadataList: TableMetadataList
		NextToken: Token
	}
	errors: [
		InternalServerException
		InvalidRequestException
		MetadataException
	]
}

operation GetTableMetadata {
	input := {
		@required
		CatalogName: CatalogNameString

		@required
		DatabaseName: NameString

		@required
		TableName: NameString

		WorkGroup: WorkGroupName
	}
	output := {
		TableMetadata: TableMetadata
	}
	errors: [
		InternalServerException
		InvalidRequestException
		MetadataException
	]
}

@range(min: 2, max: 50)
integer MaxDataCatalogsCount

list DataCatalogSummaryList {
	member: DataCatalogSummary
}

structure DataCatalog {
	@required
	Name: CatalogNameString

	Description: DescriptionString

	@required
	Type: DataCatalogType

	Parameters: ParametersMap
	Status: DataCatalogStatus
	ConnectionType: ConnectionType
	Error: String
}

@range(min: 1, max: 50)
integer MaxDatabasesCount

list DatabaseList {
	member: Database
}

@error("client")
@httpError(400)
structure MetadataException {
	Message: String
}

structure Database {
	@required
	Name: NameString

	Description: DescriptionString
	Parameters: ParametersMap
}

@length(min: 0, max: 256)
string ExpressionString

@range(min: 1, max: 50)
integer MaxTableMetadataCount

list TableMetadataList {
	member: TableMetadata
}

structure TableMetadata {
	@required
	Name: NameString

	CreateTime: Timestamp
	LastAccessTime: Timestamp
	TableType: TableTypeString
	Columns: ColumnList
	PartitionKeys: ColumnList
	Parameters: ParametersMap
}

structure DataCatalogSummary {
	CatalogName: CatalogNameString
	Type: DataCatalogType
	Status: DataCatalogStatus
	ConnectionType: ConnectionType
	Error: String
}

enum DataCatalogType {
	LAMBDA
	GLUE
	HIVE
	FEDERATED
}

enum DataCatalogStatus {
	CREATE_IN_PROGRESS
	CREATE_COMPLETE
	CREATE_FAILED
	CREATE_FAILED_CLEANUP_IN_PROGRESS
	CREATE_FAILED_CLEANUP_COMPLETE
	CREATE_FAILED_CLEANUP_FAILED
	DELETE_IN_PROGRESS
	DELETE_COMPLETE
	DELETE_FAILED
}

enum ConnectionType {
	DYNAMODB
	MYSQL
	POSTGRESQL
	REDSHIFT
	ORACLE
	SYNAPSE
	SQLSERVER
	DB2
	OPENSEARCH
	BIGQUERY
	GOOGLECLOUDSTORAGE
	HBASE
	DOCUMENTDB
	CMDB
	TPCDS
	TIMESTREAM
	SAPHANA
	SNOWFLAKE
	DATALAKEGEN2
	DB2AS400
}

@length(max: 255)
string TableTypeString

list ColumnList {
	member: Column
}

structure Column {
	@required
	Name: NameString

	Type: TypeString
	Comment: CommentString
}

@length(min: 0, max: 4096)
@pattern("[^\\u0000-\\u0008\\u000A-\\u001F\\uFFFE\\uFFFF]*")
string TypeString

@length(min: 0, max: 255)
@pattern("[^\\u0000-\\u0008\\u000A-\\u001F\\uFFFE\\uFFFF]*")
string CommentString
