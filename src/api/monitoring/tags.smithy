$version: "2"

namespace com.amazonaws.cloudwatch.v2010_08_01

use aws.protocols#awsQueryError

operation ListTagsForResource {
	input := {
		@required
		ResourceARN: AmazonResourceName
	}
	output := {
		Tags: TagList
	}
	errors: [
		InvalidParameterValueException
		ResourceNotFoundException
		InternalServiceFault
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
		InvalidParameterValueException
		ResourceNotFoundException
		ConcurrentModificationException
		InternalServiceFault
		ConflictException
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
		InvalidParameterValueException
		ResourceNotFoundException
		ConcurrentModificationException
		InternalServiceFault
		ConflictException
	]
}

@length(min: 1, max: 1024)
string AmazonResourceName

@error("client")
@awsQueryError(code: "ResourceNotFoundException", httpResponseCode: 404)
@httpError(404)
structure ResourceNotFoundException {
	ResourceType: String
	ResourceId: String
	Message: String
}

@error("client")
@awsQueryError(code: "ConcurrentModificationException", httpResponseCode: 429)
@httpError(429)
structure ConcurrentModificationException {
}

@error("client")
@httpError(409)
structure ConflictException {
	Message: ErrorMessage
}

list TagKeyList {
	member: TagKey
}
