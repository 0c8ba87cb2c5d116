$version: "2"

namespace nagare.logs

operation PutSubscriptionFilter {
	input := {
		@required logGroupName: LogGroupName
		@required filterName: FilterName
		@required filterPattern: FilterPattern
		@required destinationArn: DestinationArn
		roleArn: RoleArn
		distribution: Distribution
		applyOnTransformedLogs: Boolean
		fieldSelectionCriteria: FieldSelectionCriteria
		emitSystemFields: EmitSystemFields
	}
}

operation DescribeSubscriptionFilters {
	input := {
		@required logGroupName: LogGroupName
		filterNamePrefix: FilterName
		nextToken: NextToken
		limit: DescribeLimit
	}
	output := {
		subscriptionFilters: SubscriptionFilters
		nextToken: NextToken
	}
}

operation DeleteSubscriptionFilter {
	input := {
		@required logGroupName: LogGroupName
		@required filterName: FilterName
	}
}

@length(min: 1)
string DestinationArn

@length(min: 1)
string RoleArn

enum Distribution {
	Random
	ByLogStream
}

list SubscriptionFilters {
	member: SubscriptionFilter
}

structure SubscriptionFilter {
	filterName: FilterName
	logGroupName: LogGroupName
	filterPattern: FilterPattern
	destinationArn: DestinationArn
	roleArn: RoleArn
	distribution: Distribution
	applyOnTransformedLogs: Boolean
	creationTime: Timestamp
	fieldSelectionCriteria: FieldSelectionCriteria
	emitSystemFields: EmitSystemFields
}
