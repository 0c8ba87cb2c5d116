$version: "2"

namespace nagare.logs

operation PutDestination {
	input := {
		@required destinationName: DestinationName
		@required targetArn: TargetArn
		@required roleArn: RoleArn
		tags: Tags
	}
	output := {
		destination: Destination
	}
}

operation PutDestinationPolicy {
	input := {
		@required destinationName: DestinationName
		@required accessPolicy: AccessPolicy
		forceUpdate: ForceUpdate
	}
}

operation DescribeDestinations {
	input := {
		DestinationNamePrefix: DestinationName
		nextToken: NextToken
		limit: DescribeLimit
	}
	output := {
		destinations: Destinations
		nextToken: NextToken
	}
}

operation DeleteDestination {
	input := {
		@required destinationName: DestinationName
	}
}

@length(min: 1, max: 512)
@pattern("[^:*]*")
string DestinationName

@length(min: 1)
string TargetArn

structure Destination {
	destinationName: DestinationName
	targetArn: TargetArn
	roleArn: RoleArn
	accessPolicy: AccessPolicy
	arn: Arn
	creationTime: Timestamp
}

@length(min: 1)
string AccessPolicy

boolean ForceUpdate

list Destinations {
	member: Destination
}
