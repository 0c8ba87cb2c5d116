$version: "2"

namespace nagare.firehose

use aws.protocols#awsJson1_1

@awsJson1_1
service Firehose_20150804 {
	version: "2015-08-04"
	operations: [
		CreateDeliveryStream
		DescribeDeliveryStream
		ListDeliveryStreams
		DeleteDeliveryStream
		UpdateDestination
		PutRecord
		PutRecordBatch
		StartDeliveryStreamEncryption
		StopDeliveryStreamEncryption
		TagDeliveryStream
		UntagDeliveryStream
		ListTagsForDeliveryStream
	]
}

operation CreateDeliveryStream {
	input := {
		@required
		DeliveryStreamName: DeliveryStreamName

		DeliveryStreamType: DeliveryStreamType
		DirectPutSourceConfiguration: Document
		KinesisStreamSourceConfiguration: Document
		DeliveryStreamEncryptionConfigurationInput: Document
		S3DestinationConfiguration: S3DestinationConfiguration
		ExtendedS3DestinationConfiguration: ExtendedS3DestinationConfiguration
		RedshiftDestinationConfiguration: Document
		ElasticsearchDestinationConfiguration: Document
		AmazonopensearchserviceDestinationConfiguration: Document
		SplunkDestinationConfiguration: Document
		HttpEndpointDestinationConfiguration: Document
		Tags: TagDeliveryStreamInputTagList
		AmazonOpenSearchServerlessDestinationConfiguration: Document
		MSKSourceConfiguration: Document
		SnowflakeDestinationConfiguration: Document
		IcebergDestinationConfiguration: Document
		DatabaseSourceConfiguration: Document
	}
	output := {
		DeliveryStreamARN: DeliveryStreamARN
	}
	errors: [
		InvalidArgumentException
		LimitExceededException
		ResourceInUseException
		InvalidKMSResourceException
	]
}

operation DescribeDeliveryStream {
	input := {
		@required
		DeliveryStreamName: DeliveryStreamName

		Limit: DescribeDeliveryStreamInputLimit
		ExclusiveStartDestinationId: DestinationId
	}
	output := {
		@required
		DeliveryStreamDescription: DeliveryStreamDescription
	}
	errors: [
		ResourceNotFoundException
	]
}

operation ListDeliveryStreams {
	input := {
		Limit: ListDeliveryStreamsInputLimit
		DeliveryStreamType: DeliveryStreamType
		ExclusiveStartDeliveryStreamName: DeliveryStreamName
	}
	output := {
		@required
		DeliveryStreamNames: DeliveryStreamNameList

		@required
		HasMoreDeliveryStreams: Boolean
	}
}

operation DeleteDeliveryStream {
	input := {
		@required
		DeliveryStreamName: DeliveryStreamName

		AllowForceDelete: Boolean
	}
	output := {
	}
	errors: [
		ResourceInUseException
		ResourceNotFoundException
	]
}

operation UpdateDestination {
	input := {
		@required
		DeliveryStreamName: DeliveryStreamName

		@required
		CurrentDeliveryStreamVersionId: DeliveryStreamVersionId

		@required
		DestinationId: DestinationId

		S3DestinationUpdate: S3DestinationUpdate
		ExtendedS3DestinationUpdate: ExtendedS3DestinationUpdate
		RedshiftDestinationUpdate: Document
		ElasticsearchDestinationUpdate: Document
		AmazonopensearchserviceDestinationUpdate: Document
		SplunkDestinationUpdate: Document
		HttpEndpointDestinationUpdate: Document
		AmazonOpenSearchServerlessDestinationUpdate: Document
		SnowflakeDestinationUpdate: Document
		IcebergDestinationUpdate: Document
	}
	output := {
	}
	errors: [
		InvalidArgumentException
		ResourceInUseException
		ResourceNotFoundException
		ConcurrentModificationException
	]
}

operation PutRecord {
	input := {
		@required
		DeliveryStreamName: DeliveryStreamName

		@required
		Record: Record
	}
	output := {
		@required
		RecordId: PutResponseRecordId

		Encrypted: Boolean
	}
	errors: [
		ResourceNotFoundException
		InvalidArgumentException
		InvalidKMSResourceException
		InvalidSourceException
		ServiceUnavailableException
	]
}

operation PutRecordBatch {
	input := {
		@required
		DeliveryStreamName: DeliveryStreamName

		@required
		Records: PutRecordBatchRequestEntryList
	}
	output := {
		@required
		FailedPutCount: NonNegativeIntegerObject

		Encrypted: Boolean

		@required
		RequestResponses: PutRecordBatchResponseEntryList
	}
	errors: [
		ResourceNotFoundException
		InvalidArgumentException
		InvalidKMSResourceException
		InvalidSourceException
		ServiceUnavailableException
	]
}

operation StartDeliveryStreamEncryption {
	input := {
		@required
		DeliveryStreamName: DeliveryStreamName

		DeliveryStreamEncryptionConfigurationInput: Document
	}
	output := {
	}
	errors: [
		ResourceNotFoundException
		ResourceInUseException
		InvalidArgumentException
		LimitExceededException
		InvalidKMSResourceException
	]
}

operation StopDeliveryStreamEncryption {
	input := {
		@required
		DeliveryStreamName: DeliveryStreamName
	}
	output := {
	}
	errors: [
		ResourceNotFoundException
		ResourceInUseException
		InvalidArgumentException
		LimitExceededException
	]
}

operation TagDeliveryStream {
	input := {
		@required
		DeliveryStreamName: DeliveryStreamName

		@required
		Tags: TagDeliveryStreamInputTagList
	}
	output := {
	}
	errors: [
		ResourceNotFoundException
		ResourceInUseException
		InvalidArgumentException
		LimitExceededException
	]
}

operation UntagDeliveryStream {
	input := {
		@required
		DeliveryStreamName: DeliveryStreamName

		@required
		TagKeys: TagKeyList
	}
	output := {
	}
	errors: [
		ResourceNotFoundException
		ResourceInUseException
		InvalidArgumentException
		LimitExceededException
	]
}

operation ListTagsForDeliveryStream {
	input := {
		@required
		DeliveryStreamName: DeliveryStreamName

		ExclusiveStartTagKey: TagKey
		Limit: ListTagsForDeliveryStreamInputLimit
	}
	output := {
		@required
		Tags: ListTagsForDeliveryStreamOutputTagList

		@required
		HasMoreTags: Boolean
	}
	errors: [
		ResourceNotFoundException
		InvalidArgumentException
		LimitExceededException
	]
}

@length(min: 1, max: 64)
@pattern("[a-zA-Z0-9_.-]+")
string DeliveryStreamName

enum DeliveryStreamType {
	DirectPut
	KinesisStreamAsSource
	MSKAsSource
	DatabaseAsSource
}

structure S3DestinationConfiguration {
	@required
	RoleARN: RoleARN

	@required
	BucketARN: BucketARN

	Prefix: Prefix
	ErrorOutputPrefix: ErrorOutputPrefix
	BufferingHints: BufferingHints
	CompressionFormat: CompressionFormat
	EncryptionConfiguration: EncryptionConfiguration
	CloudWatchLoggingOptions: CloudWatchLoggingOptions
}

structure ExtendedS3DestinationConfiguration {
	@required
	RoleARN: RoleARN

	@required
	BucketARN: BucketARN

	Prefix: Prefix
	ErrorOutputPrefix: ErrorOutputPrefix
	BufferingHints: BufferingHints
	CompressionFormat: CompressionFormat
	EncryptionConfiguration: EncryptionConfiguration
	CloudWatchLoggingOptions: CloudWatchLoggingOptions
	ProcessingConfiguration: ProcessingConfiguration
	S3BackupMode: S3BackupMode
	S3BackupConfiguration: Document
	DataFormatConversionConfiguration: Document
	DynamicPartitioningConfiguration: Document
	FileExtension: FileExtension
	CustomTimeZone: CustomTimeZone
}

@length(min: 1, max: 50)
list TagDeliveryStreamInputTagList {
	member: Tag
}

@length(min: 1, max: 512)
@pattern("arn:.*:firehose:[a-zA-Z0-9\\-]+:\\d{12}:deliverystream/[a-zA-Z0-9._-]+")
string DeliveryStreamARN

@error("client")
@httpError(400)
structure InvalidArgumentException {
	message: String
}

@error("client")
@httpError(400)
structure LimitExceededException {
	message: String
}

@error("client")
@httpError(400)
structure ResourceInUseException {
	message: String
}

@error("client")
@httpError(400)
structure InvalidKMSResourceException {
	code: String
	message: String
}

@range(min: 1, max: 10000)
integer DescribeDeliveryStreamInputLimit

@length(min: 1, max: 100)
@pattern("[a-zA-Z0-9-]+")
string DestinationId

structure DeliveryStreamDescription {
	@required
	DeliveryStreamName: DeliveryStreamName

	@required
	DeliveryStreamARN: DeliveryStreamARN

	@required
	DeliveryStreamStatus: DeliveryStreamStatus

	@required
	DeliveryStreamType: DeliveryStreamType

	@required
	VersionId: DeliveryStreamVersionId

	CreateTimestamp: Timestamp
	LastUpdateTimestamp: Timestamp

	@required
	Destinations: DestinationDescriptionList

	@required
	HasMoreDestinations: Boolean
}

@error("client")
@httpError(400)
structure ResourceNotFoundException {
	message: String
}

@range(min: 1, max: 10000)
integer ListDeliveryStreamsInputLimit

list DeliveryStreamNameList {
	member: DeliveryStreamName
}

@length(min: 1, max: 50)
@pattern("[0-9]+")
string DeliveryStreamVersionId

structure S3DestinationUpdate {
	RoleARN: RoleARN
	BucketARN: BucketARN
	Prefix: Prefix
	ErrorOutputPrefix: ErrorOutputPrefix
	BufferingHints: BufferingHints
	CompressionFormat: CompressionFormat
	EncryptionConfiguration: EncryptionConfiguration
	CloudWatchLoggingOptions: CloudWatchLoggingOptions
}

structure ExtendedS3DestinationUpdate {
	RoleARN: RoleARN
	BucketARN: BucketARN
	Prefix: Prefix
	ErrorOutputPrefix: ErrorOutputPrefix
	BufferingHints: BufferingHints
	CompressionFormat: CompressionFormat
	EncryptionConfiguration: EncryptionConfiguration
	CloudWatchLoggingOptions: CloudWatchLoggingOptions
	ProcessingConfiguration: ProcessingConfiguration
	S3BackupMode: S3BackupMode
	S3BackupUpdate: Document
	DataFormatConversionConfiguration: Document
	DynamicPartitioningConfiguration: Document
	FileExtension: FileExtension
	CustomTimeZone: CustomTimeZone
}

@error("client")
@httpError(400)
structure ConcurrentModificationException {
	message: String
}

structure Record {
	@required
	Data: Data
}

@length(min: 1)
string PutResponseRecordId

@error("client")
@httpError(400)
structure InvalidSourceException {
	code: String
	message: String
}

@error("server")
@httpError(500)
structure ServiceUnavailableException {
	message: String
}

@length(min: 1, max: 500)
list PutRecordBatchRequestEntryList {
	member: Record
}

@range(min: 0)
integer NonNegativeIntegerObject

@length(min: 1, max: 500)
list PutRecordBatchResponseEntryList {
	member: PutRecordBatchResponseEntry
}

@length(min: 1, max: 50)
list TagKeyList {
	member: TagKey
}

@length(min: 1, max: 128)
@pattern("^(?!aws:)[\\p{L}\\p{Z}\\p{N}_.:\\/=+\\-@%]*$")
string TagKey

@range(min: 1, max: 50)
integer ListTagsForDeliveryStreamInputLimit

@length(min: 0, max: 50)
list ListTagsForDeliveryStreamOutputTagList {
	member: Tag
}

@length(min: 1, max: 512)
@pattern("arn:.*:iam::\\d{12}:role/[a-zA-Z_0-9+=,.@\\-_/]+")
string RoleARN

@length(min: 1, max: 2048)
@pattern("arn:.*:s3:::[\\w\\.\\-]{1,255}")
string BucketARN

@length(min: 0, max: 1024)
@pattern(".*")
string Prefix

@length(min: 0, max: 1024)
@pattern(".*")
string ErrorOutputPrefix

structure BufferingHints {
	SizeInMBs: SizeInMBs
	IntervalInSeconds: IntervalInSeconds
}

enum CompressionFormat {
	UNCOMPRESSED
	GZIP
	ZIP
	Snappy
	HADOOP_SNAPPY
}

structure EncryptionConfiguration {
	NoEncryptionConfig: NoEncryptionConfig
	KMSEncryptionConfig: KMSEncryptionConfig
}

structure CloudWatchLoggingOptions {
	Enabled: Boolean
	LogGroupName: LogGroupName
	LogStreamName: LogStreamName
}

structure ProcessingConfiguration {
	Enabled: Boolean
	Processors: ProcessorList
}

enum S3BackupMode {
	Disabled
	Enabled
}

@length(min: 0, max: 128)
@pattern("^$|\\.[0-9a-z!\\-_.*'()]+")
string FileExtension

@length(min: 0, max: 50)
@pattern("^$|[a-zA-Z/_]+")
string CustomTimeZone

structure Tag {
	@required
	Key: TagKey

	Value: TagValue
}

enum DeliveryStreamStatus {
	CREATING
	CREATING_FAILED
	DELETING
	DELETING_FAILED
	ACTIVE
}

list DestinationDescriptionList {
	member: DestinationDescription
}

@length(min: 0, max: 1024000)
blob Data

structure PutRecordBatchResponseEntry {
	RecordId: PutResponseRecordId
	ErrorCode: String
	ErrorMessage: String
}

@range(min: 1, max: 128)
integer SizeInMBs

@range(min: 0, max: 900)
integer IntervalInSeconds

enum NoEncryptionConfig {
	NoEncryption
}

structure KMSEncryptionConfig {
	@required
	AWSKMSKeyARN: AWSKMSKeyARN
}

@length(min: 0, max: 512)
@pattern("[\\.\\-_/#A-Za-z0-9]*")
string LogGroupName

@length(min: 0, max: 512)
@pattern("[^:*]*")
string LogStreamName

list ProcessorList {
	member: Processor
}

@length(min: 0, max: 256)
@pattern("^[\\p{L}\\p{Z}\\p{N}_.:\\/=+\\-@%]*$")
string TagValue

structure DestinationDescription {
	@required
	DestinationId: DestinationId

	S3DestinationDescription: S3DestinationDescription
	ExtendedS3DestinationDescription: ExtendedS3DestinationDescription
}

@length(min: 1, max: 512)
@pattern("arn:.*:kms:[a-zA-Z0-9\\-]+:\\d{12}:(key|alias)/[a-zA-Z_0-9+=,.@\\-_/]+")
string AWSKMSKeyARN

structure Processor {
	@required
	Type: ProcessorType

	Parameters: ProcessorParameterList
}

structure S3DestinationDescription {
	@required
	RoleARN: RoleARN

	@required
	BucketARN: BucketARN

	Prefix: Prefix
	ErrorOutputPrefix: ErrorOutputPrefix

	@required
	BufferingHints: BufferingHints

	@required
	CompressionFormat: CompressionFormat

	@required
	EncryptionConfiguration: EncryptionConfiguration

	CloudWatchLoggingOptions: CloudWatchLoggingOptions
}

structure ExtendedS3DestinationDescription {
	@required
	RoleARN: RoleARN

	@required
	BucketARN: BucketARN

	Prefix: Prefix
	ErrorOutputPrefix: ErrorOutputPrefix

	@required
	BufferingHints: BufferingHints

	@required
	CompressionFormat: CompressionFormat

	@required
	EncryptionConfiguration: EncryptionConfiguration

	CloudWatchLoggingOptions: CloudWatchLoggingOptions
	ProcessingConfiguration: ProcessingConfiguration
	S3BackupMode: S3BackupMode
	S3BackupDescription: Document
	DataFormatConversionConfiguration: Document
	DynamicPartitioningConfiguration: Document
	FileExtension: FileExtension
	CustomTimeZone: CustomTimeZone
}

enum ProcessorType {
	RecordDeAggregation
	Decompression
	CloudWatchLogProcessing
	Lambda
	MetadataExtraction
	AppendDelimiterToRecord
}

list ProcessorParameterList {
	member: ProcessorParameter
}

structure ProcessorParameter {
	@required
	ParameterName: ProcessorParameterName

	@required
	ParameterValue: ProcessorParameterValue
}

enum ProcessorParameterName {
	LambdaArn
	NumberOfRetries
	MetadataExtractionQuery
	JsonParsingEngine
	RoleArn
	BufferSizeInMBs
	BufferIntervalInSeconds
	SubRecordType
	Delimiter
	CompressionFormat
	DataMessageExtraction
}

@length(min: 1, max: 5120)
@pattern("^(?!\\s*$).+")
string ProcessorParameterValue
