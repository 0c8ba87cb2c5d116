$version: "2"

namespace nagare.logs

operation PutIndexPolicy {
	input := {
		@required logGroupIdentifier: LogGroupIdentifier
		@required policyDocument: PolicyDocument
	}
	output := {
		indexPolicy: IndexPolicy
	}
}

operation DeleteIndexPolicy {
	input := {
		@required logGroupIdentifier: LogGroupIdentifier
	}
}

operation DeleteDataProtectionPolicy {
	input := {
		@required logGroupIdentifier: LogGroupIdentifier
	}
}
