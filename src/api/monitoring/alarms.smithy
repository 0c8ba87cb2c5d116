$version: "2"

namespace com.amazonaws.cloudwatch.v2010_08_01

use aws.protocols#awsQueryError

operation PutMetricAlarm {
	input := {
		@required
		AlarmName: AlarmName

		AlarmDescription: AlarmDescription
		ActionsEnabled: Boolean
		OKActions: ResourceList
		AlarmActions: ResourceList
		InsufficientDataActions: ResourceList
		MetricName: MetricName
		Namespace: Namespace
		Statistic: Statistic
		ExtendedStatistic: String
		Dimensions: Dimensions
		Period: Period
		Unit: StandardUnit
		EvaluationPeriods: EvaluationPeriods
		DatapointsToAlarm: DatapointsToAlarm
		Threshold: Double
		ComparisonOperator: ComparisonOperator
		TreatMissingData: TreatMissingData
		EvaluateLowSampleCountPercentile: EvaluateLowSampleCountPercentile
		Metrics: MetricDataQueries
		Tags: TagList
		ThresholdMetricId: MetricId
		EvaluationCriteria: EvaluationCriteria
		EvaluationInterval: EvaluationInterval
	}
	errors: [
		LimitExceededFault
	]
}

operation DescribeAlarms {
	input := {
		AlarmNames: AlarmNames
		AlarmNamePrefix: AlarmNamePrefix
		AlarmTypes: AlarmTypes
		ChildrenOfAlarmName: AlarmName
		ParentsOfAlarmName: AlarmName
		StateValue: StateValue
		ActionPrefix: ActionPrefix
		MaxRecords: MaxRecords
		NextToken: String
	}
	output := {
		CompositeAlarms: CompositeAlarms
		MetricAlarms: MetricAlarms
		NextToken: String
	}
	errors: [
		InvalidNextToken
	]
}

operation DescribeAlarmsForMetric {
	input := {
		@required
		MetricName: MetricName

		@required
		Namespace: Namespace

		Statistic: Statistic
		ExtendedStatistic: String
		Dimensions: Dimensions
		Period: Period
		Unit: StandardUnit
	}
	output := {
		MetricAlarms: MetricAlarms
	}
}

operation DeleteAlarms {
	input := {
		@required
		AlarmNames: AlarmNames
	}
	errors: [
		ResourceNotFound
	]
}

operation SetAlarmState {
	input := {
		@required
		AlarmName: AlarmName

		@required
		StateValue: StateValue

		@required
		StateReason: StateReason

		StateReasonData: StateReasonData
	}
	errors: [
		ResourceNotFound
		InvalidFormatFault
	]
}

operation DescribeAlarmHistory {
	input := {
		AlarmName: AlarmName
		AlarmContributorId: ContributorId
		AlarmTypes: AlarmTypes
		HistoryItemType: HistoryItemType
		StartDate: Timestamp
		EndDate: Timestamp
		MaxRecords: MaxRecords
		NextToken: String
		ScanBy: ScanBy
	}
	output := {
		AlarmHistoryItems: AlarmHistoryItems
		NextToken: String
	}
	errors: [
		InvalidNextToken
	]
}

operation DescribeAlarmContributors {
	input := {
		@required
		AlarmName: AlarmName

		NextToken: String
	}
	output := {
		@required
		AlarmContributors: AlarmContributors

		NextToken: String
	}
	errors: [
		InvalidNextToken
		ResourceNotFoundException
	]
}

list AlarmContributors {
	member: AlarmContributor
}

structure AlarmContributor {
	@required
	ContributorId: ContributorId

	@required
	ContributorAttributes: ContributorAttributes

	@required
	StateReason: StateReason

	StateTransitionedTimestamp: Timestamp
}

operation EnableAlarmActions {
	input := {
		@required
		AlarmNames: AlarmNames
	}
}

operation DisableAlarmActions {
	input := {
		@required
		AlarmNames: AlarmNames
	}
}

@length(min: 1, max: 255)
string AlarmName

@length(min: 0, max: 1024)
string AlarmDescription

@length(max: 5)
list ResourceList {
	member: ResourceName
}

@range(min: 1)
integer EvaluationPeriods

@range(min: 1)
integer DatapointsToAlarm

enum ComparisonOperator {
	GreaterThanOrEqualToThreshold
	GreaterThanThreshold
	LessThanThreshold
	LessThanOrEqualToThreshold
	LessThanLowerOrGreaterThanUpperThreshold
	LessThanLowerThreshold
	GreaterThanUpperThreshold
}

@length(min: 1, max: 255)
string TreatMissingData

@length(min: 1, max: 255)
string EvaluateLowSampleCountPercentile

list TagList {
	member: Tag
}

union EvaluationCriteria {
	PromQLCriteria: AlarmPromQLCriteria
}

@range(min: 10, max: 3600)
integer EvaluationInterval

@error("client")
@awsQueryError(code: "LimitExceeded", httpResponseCode: 400)
@httpError(400)
structure LimitExceededFault {
	message: ErrorMessage
}

@length(max: 100)
list AlarmNames {
	member: AlarmName
}

@length(min: 1, max: 255)
string AlarmNamePrefix

list AlarmTypes {
	member: AlarmType
}

enum StateValue {
	INSUFFICIENT_DATA
	ALARM
	OK
}

@length(min: 1, max: 1024)
string ActionPrefix

@range(min: 1, max: 100)
integer MaxRecords

list CompositeAlarms {
	member: CompositeAlarm
}

list MetricAlarms {
	member: MetricAlarm
}

@error("client")
@awsQueryError(code: "ResourceNotFound", httpResponseCode: 404)
@httpError(404)
structure ResourceNotFound {
	message: ErrorMessage
}

@length(min: 0, max: 1023)
string StateReason

@length(min: 0, max: 4000)
string StateReasonData

@error("client")
@awsQueryError(code: "InvalidFormat", httpResponseCode: 400)
@httpError(400)
structure InvalidFormatFault {
	message: ErrorMessage
}

@length(min: 1, max: 16)
string ContributorId

enum HistoryItemType {
	ConfigurationUpdate
	StateUpdate
	Action
	AlarmContributorStateUpdate
	AlarmContributorAction
}

list AlarmHistoryItems {
	member: AlarmHistoryItem
}

@length(min: 1, max: 1024)
string ResourceName

structure Tag {
	@required
	Key: TagKey

	@required
	Value: TagValue
}

structure AlarmPromQLCriteria {
	@required
	Query: Query

	PendingPeriod: PendingPeriod
	RecoveryPeriod: RecoveryPeriod
}

enum AlarmType {
	CompositeAlarm
	MetricAlarm
}

structure CompositeAlarm {
	ActionsEnabled: Boolean
	AlarmActions: ResourceList
	AlarmArn: AlarmArn
	AlarmConfigurationUpdatedTimestamp: Timestamp
	AlarmDescription: AlarmDescription
	AlarmName: AlarmName
	AlarmRule: AlarmRule
	InsufficientDataActions: ResourceList
	OKActions: ResourceList
	StateReason: StateReason
	StateReasonData: StateReasonData
	StateUpdatedTimestamp: Timestamp
	StateValue: StateValue
	StateTransitionedTimestamp: Timestamp
	ActionsSuppressedBy: ActionsSuppressedBy
	ActionsSuppressedReason: ActionsSuppressedReason
	ActionsSuppressor: AlarmArn
	ActionsSuppressorWaitPeriod: Integer
	ActionsSuppressorExtensionPeriod: Integer
}

structure MetricAlarm {
	AlarmName: AlarmName
	AlarmArn: AlarmArn
	AlarmDescription: AlarmDescription
	AlarmConfigurationUpdatedTimestamp: Timestamp
	ActionsEnabled: Boolean
	OKActions: ResourceList
	AlarmActions: ResourceList
	InsufficientDataActions: ResourceList
	StateValue: StateValue
	StateReason: StateReason
	StateReasonData: StateReasonData
	StateUpdatedTimestamp: Timestamp
	MetricName: MetricName
	Namespace: Namespace
	Statistic: Statistic
	ExtendedStatistic: String
	Dimensions: Dimensions
	Period: Period
	Unit: StandardUnit
	EvaluationPeriods: EvaluationPeriods
	DatapointsToAlarm: DatapointsToAlarm
	Threshold: Double
	ComparisonOperator: ComparisonOperator
	TreatMissingData: TreatMissingData
	EvaluateLowSampleCountPercentile: EvaluateLowSampleCountPercentile
	Metrics: MetricDataQueries
	ThresholdMetricId: MetricId
	EvaluationState: EvaluationState
	StateTransitionedTimestamp: Timestamp
	EvaluationCriteria: EvaluationCriteria
	EvaluationInterval: EvaluationInterval
}

structure AlarmHistoryItem {
	AlarmName: AlarmName
	AlarmContributorId: ContributorId
	AlarmType: AlarmType
	Timestamp: Timestamp
	HistoryItemType: HistoryItemType
	HistorySummary: HistorySummary
	HistoryData: HistoryData
	AlarmContributorAttributes: ContributorAttributes
}

@length(min: 1, max: 128)
string TagKey

@length(min: 0, max: 256)
string TagValue

@length(min: 1, max: 10000)
string Query

@range(min: 0, max: 86400)
integer PendingPeriod

@range(min: 0, max: 86400)
integer RecoveryPeriod

@length(min: 1, max: 1600)
string AlarmArn

@length(min: 1, max: 10240)
string AlarmRule

enum ActionsSuppressedBy {
	WaitPeriod
	ExtensionPeriod
	Alarm
}

@length(min: 0, max: 1024)
string ActionsSuppressedReason

enum EvaluationState {
	PARTIAL_DATA
	EVALUATION_FAILURE
	EVALUATION_ERROR
}

@length(min: 1, max: 255)
string HistorySummary

@length(min: 1, max: 4095)
string HistoryData

@length(min: 0, max: 150)
map ContributorAttributes {
	key: AttributeName
	value: AttributeValue
}

@length(min: 1, max: 255)
string AttributeName

@length(min: 1, max: 1024)
string AttributeValue
