$version: "2"

namespace nagare.athena

operation CreateWorkGroup {
	input := {
		@required
		Name: WorkGroupName

		Configuration: WorkGroupConfiguration
		Description: WorkGroupDescriptionString
		Tags: TagList
	}
	output := {
	}
	errors: [
		InternalServerException
		InvalidRequestException
	]
}

operation GetWorkGroup {
	input := {
		@required
		WorkGroup: WorkGroupName
	}
	output := {
		WorkGroup: WorkGroup
	}
	errors: [
		InternalServerException
		InvalidRequestException
	]
}

operation UpdateWorkGroup {
	input := {
		@required
		WorkGroup: WorkGroupName

		Description: WorkGroupDescriptionString
		ConfigurationUpdates: WorkGroupConfigurationUpdates
		State: WorkGroupState
	}
	output := {
	}
	errors: [
		InternalServerException
		InvalidRequestException
	]
}

operation DeleteWorkGroup {
	input := {
		@required
		WorkGroup: WorkGroupName

		RecursiveDeleteOption: Boolean
	}
	output := {
	}
	errors: [
		InternalServerException
		InvalidRequestException
	]
}

operation ListWorkGroups {
	input := {
		NextToken: Token
		MaxResults: MaxWorkGroupsCount
	}
	output := {
		WorkGroups: WorkGroupsList
		NextToken: Token
	}
	errors: [
		InternalServerException
		InvalidRequestException
	]
}

operation ListEngineVersions {
	input := {
		NextToken: Token
		MaxResults: MaxEngineVersionsCount
	}
	output := {
		EngineVersions: EngineVersionsList
		NextToken: Token
	}
	errors: [
		InternalServerException
		InvalidRequestException
	]
}

operation TagResource {
	input := {
		@required
		ResourceARN: AmazonResourceName

		@required
		Tags: TagList
	}
	output := {
	}
	errors: [
		InternalServerException
		InvalidRequestException
		ResourceNotFoundException
	]
}

operation UntagResource {
	input := {
		@required
		ResourceARN: AmazonResourceName

		@required
		TagKeys: TagKeyList
	}
	output := {
	}
	errors: [
		InternalServerException
		InvalidRequestException
		ResourceNotFoundException
	]
}

operation ListTagsForResource {
	input := {
		@required
		ResourceARN: AmazonResourceName

		NextToken: Token
		MaxResults: MaxTagsCount
	}
	output := {
		Tags: TagList
		NextToken: Token
	}
	errors: [
		InternalServerException
		InvalidRequestException
		ResourceNotFoundException
	]
}

structure WorkGroupConfiguration {
	ResultConfiguration: ResultConfiguration
	ManagedQueryResultsConfiguration: ManagedQueryResultsConfiguration
	EnforceWorkGroupConfiguration: Boolean
	PublishCloudWatchMetricsEnabled: Boolean
	BytesScannedCutoffPerQuery: BytesScannedCutoffValue
	RequesterPaysEnabled: Boolean
	EngineVersion: EngineVersion
	AdditionalConfiguration: NameString
	ExecutionRole: RoleArn
	MonitoringConfiguration: MonitoringConfiguration
	EngineConfiguration: EngineConfiguration
	CustomerContentEncryptionConfiguration: CustomerContentEncryptionConfiguration
	EnableMinimumEncryptionConfiguration: Boolean
	IdentityCenterConfiguration: IdentityCenterConfiguration
	QueryResultsS3AccessGrantsConfiguration: QueryResultsS3AccessGrantsConfiguration
}

@length(min: 0, max: 1024)
string WorkGroupDescriptionString

list TagList {
	member: Tag
}

structure WorkGroup {
	@required
	Name: WorkGroupName

	State: WorkGroupState
	Configuration: WorkGroupConfiguration
	Description: WorkGroupDescriptionString
	CreationTime: Timestamp
	IdentityCenterApplicationArn: IdentityCenterApplicationArn
}

structure WorkGroupConfigurationUpdates {
	EnforceWorkGroupConfiguration: Boolean
	ResultConfigurationUpdates: ResultConfigurationUpdates
	ManagedQueryResultsConfigurationUpdates: ManagedQueryResultsConfigurationUpdates
	PublishCloudWatchMetricsEnabled: Boolean
	BytesScannedCutoffPerQuery: BytesScannedCutoffValue
	RemoveBytesScannedCutoffPerQuery: Boolean
	RequesterPaysEnabled: Boolean
	EngineVersion: EngineVersion
	RemoveCustomerContentEncryptionConfiguration: Boolean
	AdditionalConfiguration: NameString
	ExecutionRole: RoleArn
	CustomerContentEncryptionConfiguration: CustomerContentEncryptionConfiguration
	EnableMinimumEncryptionConfiguration: Boolean
	QueryResultsS3AccessGrantsConfiguration: QueryResultsS3AccessGrantsConfiguration
	MonitoringConfiguration: MonitoringConfiguration
	EngineConfiguration: EngineConfiguration
}

enum WorkGroupState {
	ENABLED
	DISABLED
}

@range(min: 1, max: 50)
integer MaxWorkGroupsCount

@length(min: 0, max: 50)
list WorkGroupsList {
	member: WorkGroupSummary
}

@range(min: 1, max: 10)
integer MaxEngineVersionsCount

@length(min: 0, max: 10)
list EngineVersionsList {
	member: EngineVersion
}

@length(min: 1, max: 1011)
string AmazonResourceName

@error("client")
@httpError(400)
structure ResourceNotFoundException {
	Message: String
	ResourceName: AmazonResourceName
}

list TagKeyList {
	member: TagKey
}

@range(min: 75)
integer MaxTagsCount

@range(min: 10000000)
long BytesScannedCutoffValue

@length(min: 20, max: 2048)
@pattern("^arn:aws[a-z\\-]*:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+$")
string RoleArn

structure MonitoringConfiguration {
	CloudWatchLoggingConfiguration: CloudWatchLoggingConfiguration
	ManagedLoggingConfiguration: ManagedLoggingConfiguration
	S3LoggingConfiguration: S3LoggingConfiguration
}

structure CustomerContentEncryptionConfiguration {
	@required
	KmsKey: KmsKey
}

structure IdentityCenterConfiguration {
	EnableIdentityCenter: Boolean
	IdentityCenterInstanceArn: IdentityCenterInstanceArn
}

structure Tag {
	Key: TagKey
	Value: TagValue
}

@length(min: 0, max: 255)
@pattern("^arn:(aws|aws-us-gov|aws-cn|aws-iso|aws-iso-b):sso::\\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}$")
string IdentityCenterApplicationArn

structure ResultConfigurationUpdates {
	OutputLocation: String
	RemoveOutputLocation: Boolean
	EncryptionConfiguration: EncryptionConfiguration
	RemoveEncryptionConfiguration: Boolean
	ExpectedBucketOwner: AwsAccountId
	RemoveExpectedBucketOwner: Boolean
	AclConfiguration: AclConfiguration
	RemoveAclConfiguration: Boolean
}

structure ManagedQueryResultsConfigurationUpdates {
	Enabled: Boolean
	EncryptionConfiguration: ManagedQueryResultsEncryptionConfiguration
	RemoveEncryptionConfiguration: Boolean
}

structure WorkGroupSummary {
	Name: WorkGroupName
	State: WorkGroupState
	Description: WorkGroupDescriptionString
	CreationTime: Timestamp
	EngineVersion: EngineVersion
	IdentityCenterApplicationArn: IdentityCenterApplicationArn
}

@length(min: 1, max: 128)
string TagKey

structure CloudWatchLoggingConfiguration {
	@required
	Enabled: Boolean

	LogGroup: LogGroupName
	LogStreamNamePrefix: LogStreamNamePrefix
	LogTypes: LogTypesMap
}

structure ManagedLoggingConfiguration {
	@required
	Enabled: Boolean

	KmsKey: KmsKey
}

structure S3LoggingConfiguration {
	@required
	Enabled: Boolean

	KmsKey: KmsKey
	LogLocation: S3OutputLocation
}

@length(min: 0, max: 255)
@pattern("^arn:(aws|aws-us-gov|aws-cn|aws-iso|aws-iso-b):sso:::instance/(sso)?ins-[a-zA-Z0-9-.]{16}$")
string IdentityCenterInstanceArn

@length(min: 0, max: 256)
string TagValue

@length(min: 1, max: 512)
@pattern("^[a-zA-Z0-9._/-]+$")
string LogGroupName

@length(min: 1, max: 512)
@pattern("^[^:*]*$")
string LogStreamNamePrefix

map LogTypesMap {
	key: String
	value: LogTypeValuesList
}

@length(max: 1024)
@pattern("^s3://[a-z0-9][a-z0-9\\-]*[a-z0-9](/.*)?$")
string S3OutputLocation

list LogTypeValuesList {
	member: String
}
