$version: "2"

namespace com.amazonaws.cloudwatch.v2010_08_01

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
	operations: [
		PutMetricData
		GetMetricData
		GetMetricStatistics
		ListMetrics
		PutMetricAlarm
		DescribeAlarms
		DescribeAlarmsForMetric
		DeleteAlarms
		SetAlarmState
		DescribeAlarmHistory
		DescribeAlarmContributors
		EnableAlarmActions
		DisableAlarmActions
		ListTagsForResource
		TagResource
		UntagResource
		PutDashboard
		GetDashboard
		ListDashboards
		DeleteDashboards
		GetMetricWidgetImage
		PutCompositeAlarm
		PutAnomalyDetector
		DescribeAnomalyDetectors
		DeleteAnomalyDetector
		PutInsightRule
		DescribeInsightRules
		DeleteInsightRules
		EnableInsightRules
		DisableInsightRules
		GetInsightRuleReport
		ListMetricStreams
	]
}

operation PutMetricData {
	input := {
		@required
		Namespace: Namespace

		MetricData: MetricData
		EntityMetricData: EntityMetricDataList
		StrictEntityValidation: Boolean
	}
	errors: [
		InvalidParameterValueException
		MissingRequiredParameterException
		InvalidParameterCombinationException
		InternalServiceFault
	]
}

operation GetMetricData {
	input := {
		@required
		MetricDataQueries: MetricDataQueries

		@required
		StartTime: Timestamp

		@required
		EndTime: Timestamp

		NextToken: String
		ScanBy: ScanBy
		MaxDatapoints: Integer
		LabelOptions: LabelOptions
	}
	output := {
		MetricDataResults: MetricDataResults
		NextToken: String
		Messages: MetricDataResultMessages
	}
	errors: [
		InvalidNextToken
	]
}

operation GetMetricStatistics {
	input := {
		@required
		Namespace: Namespace

		@required
		MetricName: MetricName

		Dimensions: Dimensions

		@required
		StartTime: Timestamp

		@required
		EndTime: Timestamp

		@required
		Period: Period

		Statistics: Statistics
		ExtendedStatistics: ExtendedStatistics
		Unit: StandardUnit
	}
	output := {
		Label: String
		Datapoints: Datapoints
	}
	errors: [
		InvalidParameterValueException
		MissingRequiredParameterException
		InvalidParameterCombinationException
		InternalServiceFault
	]
}

operation ListMetrics {
	input := {
		Namespace: Namespace
		MetricName: MetricName
		Dimensions: DimensionFilters
		NextToken: String
		RecentlyActive: RecentlyActive
		IncludeLinkedAccounts: Boolean
		OwningAccount: AccountId
	}
	output := {
		Metrics: Metrics
		NextToken: String
		OwningAccounts: OwningAccounts
	}
	errors: [
		InternalServiceFault
		InvalidParameterValueException
	]
}

@length(min: 1, max: 255)
@pattern("[^:].*")
string Namespace

list MetricData {
	member: MetricDatum
}

list EntityMetricDataList {
	member: EntityMetricData
}

@error("client")
@awsQueryError(code: "InvalidParameterValue", httpResponseCode: 400)
@httpError(400)
structure InvalidParameterValueException {
	message: String
}

@error("client")
@awsQueryError(code: "MissingParameter", httpResponseCode: 400)
@httpError(400)
structure MissingRequiredParameterException {
	message: String
}

@error("client")
@awsQueryError(code: "InvalidParameterCombination", httpResponseCode: 400)
@httpError(400)
structure InvalidParameterCombinationException {
	message: String
}

@error("client")
@awsQueryError(code: "InternalServiceError", httpResponseCode: 500)
@httpError(500)
structure InternalServiceFault {
	Message: String
}

list MetricDataQueries {
	member: MetricDataQuery
}

enum ScanBy {
	TimestampDescending
	TimestampAscending
}

structure LabelOptions {
	Timezone: String
}

list MetricDataResults {
	member: MetricDataResult
}

list MetricDataResultMessages {
	member: MessageData
}

@error("client")
@awsQueryError(code: "InvalidNextToken", httpResponseCode: 400)
@httpError(400)
structure InvalidNextToken {
	message: ErrorMessage
}

@length(min: 1, max: 255)
string MetricName

@length(max: 30)
list Dimensions {
	member: Dimension
}

@range(min: 1)
integer Period

@length(min: 1, max: 5)
list Statistics {
	member: Statistic
}

@length(min: 1, max: 10)
list ExtendedStatistics {
	member: String
}

enum StandardUnit {
	Seconds
	Microseconds
	Milliseconds
	Bytes
	Kilobytes
	Megabytes
	Gigabytes
	Terabytes
	Bits
	Kilobits
	Megabits
	Gigabits
	Terabits
	Percent
	Count
	Bytes_Second = "Bytes/Second"
	Kilobytes_Second = "Kilobytes/Second"
	Megabytes_Second = "Megabytes/Second"
	Gigabytes_Second = "Gigabytes/Second"
	Terabytes_Second = "Terabytes/Second"
	Bits_Second = "Bits/Second"
	Kilobits_Second = "Kilobits/Second"
	Megabits_Second = "Megabits/Second"
	Gigabits_Second = "Gigabits/Second"
	Terabits_Second = "Terabits/Second"
	Count_Second = "Count/Second"
	None
}

list Datapoints {
	member: Datapoint
}

@length(max: 10)
list DimensionFilters {
	member: DimensionFilter
}

enum RecentlyActive {
	PT3H
}

@length(min: 1, max: 255)
string AccountId

list Metrics {
	member: Metric
}

list OwningAccounts {
	member: AccountId
}

structure MetricDatum {
	@required
	MetricName: MetricName

	Dimensions: Dimensions
	Timestamp: Timestamp
	Value: Double
	StatisticValues: StatisticSet
	Values: Values
	Counts: Counts
	Unit: StandardUnit
	StorageResolution: StorageResolution
}

structure EntityMetricData {
	Entity: Entity
	MetricData: MetricData
}

structure MetricDataQuery {
	@required
	Id: MetricId

	MetricStat: MetricStat
	Expression: MetricExpression
	Label: String
	ReturnData: Boolean
	Period: Period
	AccountId: AccountId
}

structure MetricDataResult {
	Id: MetricId
	Label: String
	Timestamps: Timestamps
	Values: DatapointValues
	StatusCode: StatusCode
	Messages: MetricDataResultMessages
}

structure MessageData {
	Code: String
	Value: String
}

@length(min: 1, max: 255)
string ErrorMessage

structure Dimension {
	@required
	Name: DimensionName

	@required
	Value: DimensionValue
}

enum Statistic {
	SampleCount
	Average
	Sum
	Minimum
	Maximum
}

structure Datapoint {
	Timestamp: Timestamp
	SampleCount: Double
	Average: Double
	Sum: Double
	Minimum: Double
	Maximum: Double
	Unit: StandardUnit
	ExtendedStatistics: DatapointValueMap
}

structure DimensionFilter {
	@required
	Name: DimensionName

	Value: DimensionValue
}

structure Metric {
	Namespace: Namespace
	MetricName: MetricName
	Dimensions: Dimensions
}

structure StatisticSet {
	@required
	SampleCount: Double

	@required
	Sum: Double

	@required
	Minimum: Double

	@required
	Maximum: Double
}

list Values {
	member: Double
}

list Counts {
	member: Double
}

@range(min: 1)
integer StorageResolution

structure Entity {
	KeyAttributes: EntityKeyAttributesMap
	Attributes: EntityAttributesMap
}

@length(min: 1, max: 255)
string MetricId

structure MetricStat {
	@required
	Metric: Metric

	@required
	Period: Period

	@required
	Stat: String

	Unit: StandardUnit
}

@length(min: 1, max: 2048)
string MetricExpression

list Timestamps {
	member: Timestamp
}

list DatapointValues {
	member: Double
}

enum StatusCode {
	Complete
	InternalError
	PartialData
	Forbidden
}

@length(min: 1, max: 255)
string DimensionName

@length(min: 1, max: 1024)
string DimensionValue

map DatapointValueMap {
	key: String
	value: Double
}

@length(min: 2, max: 4)
map EntityKeyAttributesMap {
	key: EntityKeyAttributesMapKeyString
	value: EntityKeyAttributesMapValueString
}

@length(min: 0, max: 10)
map EntityAttributesMap {
	key: EntityAttributesMapKeyString
	value: EntityAttributesMapValueString
}

@length(min: 1, max: 32)
string EntityKeyAttributesMapKeyString

@length(min: 1, max: 2048)
string EntityKeyAttributesMapValueString

@length(min: 1, max: 256)
string EntityAttributesMapKeyString

@length(min: 1, max: 2048)
string EntityAttributesMapValueString
