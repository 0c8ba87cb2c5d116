$version: "2"

namespace com.amazonaws.cloudwatch.v2010_08_01

use aws.protocols#awsQueryError

operation PutInsightRule {
	input := {
		@required
		RuleName: InsightRuleName

		RuleState: InsightRuleState

		@required
		RuleDefinition: InsightRuleDefinition

		Tags: TagList
		ApplyOnTransformedLogs: Boolean
	}
	output := {
	}
	errors: [
		InvalidParameterValueException
		MissingRequiredParameterException
		LimitExceededException
	]
}

operation DescribeInsightRules {
	input := {
		NextToken: String
		MaxResults: InsightRuleMaxResults
	}
	output := {
		NextToken: String
		InsightRules: InsightRules
	}
	errors: [
		InvalidNextToken
	]
}

operation DeleteInsightRules {
	input := {
		@required
		RuleNames: InsightRuleNames
	}
	output := {
		Failures: BatchFailures
	}
	errors: [
		InvalidParameterValueException
		MissingRequiredParameterException
	]
}

operation EnableInsightRules {
	input := {
		@required
		RuleNames: InsightRuleNames
	}
	output := {
		Failures: BatchFailures
	}
	errors: [
		InvalidParameterValueException
		MissingRequiredParameterException
		LimitExceededException
	]
}

operation DisableInsightRules {
	input := {
		@required
		RuleNames: InsightRuleNames
	}
	output := {
		Failures: BatchFailures
	}
	errors: [
		InvalidParameterValueException
		MissingRequiredParameterException
	]
}

operation GetInsightRuleReport {
	input := {
		@required
		RuleName: InsightRuleName

		@required
		StartTime: Timestamp

		@required
		EndTime: Timestamp

		@required
		Period: Period

		MaxContributorCount: Integer
		Metrics: InsightRuleMetricList
		OrderBy: InsightRuleOrderBy
	}
	output := {
		KeyLabels: InsightRuleContributorKeyLabels
		AggregationStatistic: String
		AggregateValue: Double
		ApproximateUniqueCount: Long
		Contributors: InsightRuleContributors
		MetricDatapoints: InsightRuleMetricDatapoints
	}
	errors: [
		InvalidParameterValueException
		MissingRequiredParameterException
		ResourceNotFoundException
	]
}

@length(min: 1, max: 128)
@pattern("[\\x20-\\x7E]+")
string InsightRuleName

@length(min: 1, max: 32)
@pattern("[\\x20-\\x7E]+")
string InsightRuleState

@length(min: 1, max: 8192)
@pattern("[\\x00-\\x7F]+")
string InsightRuleDefinition

@range(min: 1, max: 500)
integer InsightRuleMaxResults

list InsightRuleNames {
	member: InsightRuleName
}

list InsightRules {
	member: InsightRule
}

structure InsightRule {
	@required
	Name: InsightRuleName

	@required
	State: InsightRuleState

	@required
	Schema: String

	@required
	Definition: InsightRuleDefinition

	ManagedRule: Boolean
	ApplyOnTransformedLogs: Boolean
}

list BatchFailures {
	member: PartialFailure
}

structure PartialFailure {
	FailureResource: String
	ExceptionType: String
	FailureCode: String
	FailureDescription: String
}

list InsightRuleMetricList {
	member: InsightRuleMetricName
}

@length(min: 1, max: 32)
@pattern("[\\x20-\\x7E]+")
string InsightRuleMetricName

@length(min: 1, max: 32)
@pattern("[\\x20-\\x7E]+")
string InsightRuleOrderBy

list InsightRuleContributorKeyLabels {
	member: String
}

list InsightRuleContributors {
	member: InsightRuleContributor
}

structure InsightRuleContributor {
	@required
	Keys: InsightRuleContributorKeys

	@required
	ApproximateAggregateValue: Double

	@required
	Datapoints: InsightRuleContributorDatapoints
}

list InsightRuleContributorKeys {
	member: String
}

list InsightRuleContributorDatapoints {
	member: InsightRuleContributorDatapoint
}

structure InsightRuleContributorDatapoint {
	@required
	Timestamp: Timestamp

	@required
	ApproximateValue: Double
}

list InsightRuleMetricDatapoints {
	member: InsightRuleMetricDatapoint
}

structure InsightRuleMetricDatapoint {
	@required
	Timestamp: Timestamp

	UniqueContributors: Double
	MaxContributorValue: Double
	SampleCount: Double
	Average: Double
	Sum: Double
	Minimum: Double
	Maximum: Double
}

@error("client")
@awsQueryError(code: "LimitExceededException", httpResponseCode: 400)
@httpError(400)
structure LimitExceededException {
	Message: String
}
