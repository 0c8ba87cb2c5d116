$version: "2"

namespace nagare.logs

operation PutMetricFilter {
	input := {
		@required logGroupName: LogGroupName
		@required filterName: FilterName
		@required filterPattern: FilterPattern
		@required metricTransformations: MetricTransformations
		applyOnTransformedLogs: Boolean
		fieldSelectionCriteria: FieldSelectionCriteria
		emitSystemFieldDimensions: EmitSystemFields
	}
}

operation DescribeMetricFilters {
	input := {
		logGroupName: LogGroupName
		filterNamePrefix: FilterName
		nextToken: NextToken
		limit: DescribeLimit
		metricName: MetricName
		metricNamespace: MetricNamespace
	}
	output := {
		metricFilters: MetricFilters
		nextToken: NextToken
	}
}

operation DeleteMetricFilter {
	input := {
		@required logGroupName: LogGroupName
		@required filterName: FilterName
	}
}

operation TestMetricFilter {
	input := {
		@required filterPattern: FilterPattern
		@required logEventMessages: TestEventMessages
	}
	output := {
		matches: MetricFilterMatches
	}
}

@length(min: 1, max: 512)
@pattern("[^:*]*")
string FilterName

@length(min: 1, max: 1)
list MetricTransformations {
	member: MetricTransformation
}

@length(min: 0, max: 2000)
string FieldSelectionCriteria

list EmitSystemFields {
	member: String
}

@length(max: 255)
@pattern("[^:*$]*")
string MetricName

/// With ":" too, which AWS takes and its model does not tell.
@length(max: 255)
@pattern("[^*$]*")
string MetricNamespace

list MetricFilters {
	member: MetricFilter
}

@length(min: 1, max: 50)
list TestEventMessages {
	member: EventMessage
}

list MetricFilterMatches {
	member: MetricFilterMatchRecord
}

structure MetricTransformation {
	@required metricName: MetricName
	@required metricNamespace: MetricNamespace
	@required metricValue: MetricValue
	defaultValue: Double
	dimensions: Dimensions
	unit: StandardUnit
}

structure MetricFilter {
	filterName: FilterName
	filterPattern: FilterPattern
	metricTransformations: MetricTransformations
	creationTime: Timestamp
	logGroupName: LogGroupName
	applyOnTransformedLogs: Boolean
	fieldSelectionCriteria: FieldSelectionCriteria
	emitSystemFieldDimensions: EmitSystemFields
}

structure MetricFilterMatchRecord {
	eventNumber: Long
	eventMessage: EventMessage
	extractedValues: ExtractedValues
}

@length(max: 100)
string MetricValue

map Dimensions {
	key: DimensionsKey
	value: DimensionsValue
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

map ExtractedValues {
	key: String
	value: String
}

@length(max: 255)
string DimensionsKey

@length(max: 255)
string DimensionsValue
