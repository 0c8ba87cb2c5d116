// What the unit tests and fuzz targets of the protocols speak: a service in the likeness of
// CloudWatch, which has three protocols at once, with a member of every kind.
$version: "2"

namespace nagare.example

use aws.protocols#awsJson1_0
use aws.protocols#awsQuery
use aws.protocols#awsQueryCompatible
use aws.protocols#awsQueryError
use smithy.protocols#rpcv2Cbor

@rpcv2Cbor
@awsJson1_0
@awsQuery
@awsQueryCompatible
@xmlNamespace(uri: "http://monitoring.amazonaws.com/doc/2010-08-01/")
service GraniteServiceVersion20100801 {
	version: "2010-08-01"
	operations: [PutMetricData, Everything, Nothing]
	errors: [InternalServiceFault]
}

operation PutMetricData {
	input := {
		@required
		Namespace: Namespace

		@required
		MetricData: MetricData
	}
	errors: [InvalidParameterValueException]
}

operation Nothing {}

@length(min: 1, max: 255)
@pattern("[^:].*")
string Namespace

@length(max: 3)
list MetricData {
	member: MetricDatum
}

structure MetricDatum {
	@required
	@length(min: 1, max: 255)
	MetricName: String

	Value: Double
	Timestamp: Timestamp
	Unit: StandardUnit
}

enum StandardUnit {
	Bytes
	Count
	None
}

operation Everything {
	input: Whole
	output: Whole
	errors: [InvalidParameterValueException]
}

structure Whole {
	string: String
	blob: Blob
	flag: Boolean
	byte: Byte
	short: Short

	@range(min: 1, max: 10000)
	limit: Integer

	long: Long
	float: Float
	double: Double
	time: Timestamp

	@timestampFormat("date-time")
	written: Timestamp

	@length(max: 50)
	tags: Tags

	@xmlFlattened
	flat: Names

	@uniqueItems
	names: Names

	@sensitive
	@length(max: 4)
	secret: String

	nested: Whole
	either: Either
	document: Document
	orders: Orders = 7
}

integer Orders

list Names {
	member: String
}

map Tags {
	key: String
	value: String
}

union Either {
	one: String
	other: Integer
}

@error("client")
@awsQueryError(code: "InvalidParameterValue", httpResponseCode: 400)
@httpError(400)
structure InvalidParameterValueException {
	message: String
}

@error("server")
@awsQueryError(code: "InternalServiceError", httpResponseCode: 500)
@httpError(500)
structure InternalServiceFault {
	Message: String
}
