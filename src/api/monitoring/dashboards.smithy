$version: "2"

namespace com.amazonaws.cloudwatch.v2010_08_01

use aws.protocols#awsQueryError

operation PutDashboard {
	input := {
		@required
		DashboardName: String

		@required
		DashboardBody: String

		Tags: TagList
	}
	output := {
		DashboardValidationMessages: DashboardValidationMessages
	}
	errors: [
		DashboardInvalidInputError
		InvalidParameterValueException
		InternalServiceFault
		ConflictException
	]
}

operation GetDashboard {
	input := {
		@required
		DashboardName: String
	}
	output := {
		DashboardArn: String
		DashboardBody: String
		DashboardName: String
	}
	errors: [
		InvalidParameterValueException
		DashboardNotFoundError
		InternalServiceFault
	]
}

operation ListDashboards {
	input := {
		DashboardNamePrefix: String
		NextToken: String
	}
	output := {
		DashboardEntries: DashboardEntries
		NextToken: String
	}
	errors: [
		InvalidParameterValueException
		InternalServiceFault
	]
}

operation DeleteDashboards {
	input := {
		@required
		DashboardNames: DashboardNames
	}
	output := {
	}
	errors: [
		InvalidParameterValueException
		InternalServiceFault
		ConflictException
	]
}

operation GetMetricWidgetImage {
	input := {
		@required
		MetricWidget: String

		OutputFormat: String
	}
	output := {
		MetricWidgetImage: Blob
	}
}

operation PutCompositeAlarm {
	input := {
		ActionsEnabled: Boolean
		AlarmActions: ResourceList
		AlarmDescription: AlarmDescription

		@required
		AlarmName: AlarmName

		@required
		AlarmRule: AlarmRule

		InsufficientDataActions: ResourceList
		OKActions: ResourceList
		Tags: TagList
		ActionsSuppressor: AlarmArn
		ActionsSuppressorWaitPeriod: Integer
		ActionsSuppressorExtensionPeriod: Integer
	}
	errors: [
		LimitExceededFault
	]
}

operation PutAnomalyDetector {
	input := {
		Namespace: Namespace
		MetricName: MetricName
		Dimensions: Dimensions
		Stat: AnomalyDetectorMetricStat
		Configuration: AnomalyDetectorConfiguration
		MetricCharacteristics: MetricCharacteristics
		SingleMetricAnomalyDetector: SingleMetricAnomalyDetector
		MetricMathAnomalyDetector: MetricMathAnomalyDetector
	}
	output := {
	}
	errors: [
		LimitExceededException
		InternalServiceFault
		InvalidParameterValueException
		MissingRequiredParameterException
		InvalidParameterCombinationException
	]
}

operation DescribeAnomalyDetectors {
	input := {
		NextToken: String
		MaxResults: MaxReturnedResultsCount
		Namespace: Namespace
		MetricName: MetricName
		Dimensions: Dimensions
		AnomalyDetectorTypes: AnomalyDetectorTypes
	}
	output := {
		AnomalyDetectors: AnomalyDetectors
		NextToken: String
	}
	errors: [
		InvalidNextToken
		InternalServiceFault
		InvalidParameterValueException
		InvalidParameterCombinationException
	]
}

operation DeleteAnomalyDetector {
	input := {
		Namespace: Namespace
		MetricName: MetricName
		Dimensions: Dimensions
		Stat: AnomalyDetectorMetricStat
		SingleMetricAnomalyDetector: SingleMetricAnomalyDetector
		MetricMathAnomalyDetector: MetricMathAnomalyDetector
	}
	output := {
	}
	errors: [
		ResourceNotFoundException
		InternalServiceFault
		InvalidParameterValueException
		MissingRequiredParameterException
		InvalidParameterCombinationException
	]
}

operation ListMetricStreams {
	input := {
		NextToken: String
		MaxResults: ListMetricStreamsMaxResults
	}
	output := {
		NextToken: String
		Entries: MetricStreamEntries
	}
	errors: [
		InvalidNextToken
		InternalServiceFault
		InvalidParameterValueException
		MissingRequiredParameterException
	]
}

list DashboardValidationMessages {
	member: DashboardValidationMessage
}

@error("client")
@awsQueryError(code: "InvalidParameterInput", httpResponseCode: 400)
@httpError(400)
structure DashboardInvalidInputError {
	message: String
	dashboardValidationMessages: DashboardValidationMessages
}

@error("client")
@awsQueryError(code: "ResourceNotFound", httpResponseCode: 404)
@httpError(404)
structure DashboardNotFoundError {
	message: String
}

list DashboardEntries {
	member: DashboardEntry
}

list DashboardNames {
	member: String
}

@length(max: 50)
@pattern("(SampleCount|Average|Sum|Minimum|Maximum|IQM|(p|tc|tm|ts|wm)(\\d{1,2}(\\.\\d{0,10})?|100)|[ou]\\d+(\\.\\d*)?)(_E|_L|_H)?|(TM|TC|TS|WM)\\(((((\\d{1,2})(\\.\\d{0,10})?|100(\\.0{0,10})?)%)?:((\\d{1,2})(\\.\\d{0,10})?|100(\\.0{0,10})?)%|((\\d{1,2})(\\.\\d{0,10})?|100(\\.0{0,10})?)%:(((\\d{1,2})(\\.\\d{0,10})?|100(\\.0{0,10})?)%)?)\\)|(TM|TC|TS|WM|PR)\\(((\\d+(\\.\\d{0,10})?|(\\d+(\\.\\d{0,10})?[Ee][+-]?\\d+)):((\\d+(\\.\\d{0,10})?|(\\d+(\\.\\d{0,10})?[Ee][+-]?\\d+)))?|((\\d+(\\.\\d{0,10})?|(\\d+(\\.\\d{0,10})?[Ee][+-]?\\d+)))?:(\\d+(\\.\\d{0,10})?|(\\d+(\\.\\d{0,10})?[Ee][+-]?\\d+)))\\)")
string AnomalyDetectorMetricStat

structure AnomalyDetectorConfiguration {
	ExcludedTimeRanges: AnomalyDetectorExcludedTimeRanges
	MetricTimezone: AnomalyDetectorMetricTimezone
}

structure MetricCharacteristics {
	PeriodicSpikes: Boolean
}

structure SingleMetricAnomalyDetector {
	AccountId: AccountId
	Namespace: Namespace
	MetricName: MetricName
	Dimensions: Dimensions
	Stat: AnomalyDetectorMetricStat
}

structure MetricMathAnomalyDetector {
	MetricDataQueries: MetricDataQueries
}

@range(min: 1)
integer MaxReturnedResultsCount

@length(max: 2)
list AnomalyDetectorTypes {
	member: AnomalyDetectorType
}

list AnomalyDetectors {
	member: AnomalyDetector
}

@range(min: 1, max: 500)
integer ListMetricStreamsMaxResults

list MetricStreamEntries {
	member: MetricStreamEntry
}

structure DashboardValidationMessage {
	DataPath: String
	Message: String
}

structure DashboardEntry {
	DashboardName: String
	DashboardArn: String
	LastModified: Timestamp
	Size: Long
}

list AnomalyDetectorExcludedTimeRanges {
	member: Range
}

@length(max: 50)
@pattern(".*")
string AnomalyDetectorMetricTimezone

enum AnomalyDetectorType {
	SINGLE_METRIC
	METRIC_MATH
}

structure AnomalyDetector {
	Namespace: Namespace
	MetricName: MetricName
	Dimensions: Dimensions
	Stat: AnomalyDetectorMetricStat
	Configuration: AnomalyDetectorConfiguration
	StateValue: AnomalyDetectorStateValue
	MetricCharacteristics: MetricCharacteristics
	SingleMetricAnomalyDetector: SingleMetricAnomalyDetector
	MetricMathAnomalyDetector: MetricMathAnomalyDetector
}

structure MetricStreamEntry {
	Arn: AmazonResourceName
	CreationDate: Timestamp
	LastUpdateDate: Timestamp
	Name: MetricStreamName
	FirehoseArn: AmazonResourceName
	State: String
	OutputFormat: MetricStreamOutputFormat
}

structure Range {
	@required
	StartTime: Timestamp

	@required
	EndTime: Timestamp
}

enum AnomalyDetectorStateValue {
	PENDING_TRAINING
	TRAINED_INSUFFICIENT_DATA
	TRAINED
}

@length(min: 1, max: 255)
string MetricStreamName

enum MetricStreamOutputFormat {
	json
	opentelemetry0_7 = "opentelemetry0.7"
	opentelemetry1_0 = "opentelemetry1.0"
}
