$version: "2"

namespace nagare.sts

use aws.protocols#awsQuery

@awsQuery
@xmlNamespace(uri: "https://sts.amazonaws.com/doc/2011-06-15/")
service Sts {
	version: "2011-06-15"
	operations: [
		GetCallerIdentity
		AssumeRole
		AssumeRoleWithWebIdentity
		GetFederationToken
		GetSessionToken
		GetAccessKeyInfo
	]
}

operation GetCallerIdentity {
	output := {
		UserId: String
		Account: String
		Arn: Arn
	}
}

operation AssumeRole {
	input := {
		@required RoleArn: Arn
		@required RoleSessionName: RoleSessionName
		PolicyArns: PolicyDescriptorList
		Policy: UnrestrictedSessionPolicyDocument
		DurationSeconds: RoleDurationSeconds
		Tags: TagList
		TransitiveTagKeys: TagKeyList
		ExternalId: ExternalId
		SerialNumber: SerialNumber
		TokenCode: TokenCode
		SourceIdentity: SourceIdentity
		ProvidedContexts: ProvidedContextsList
	}
	output := {
		Credentials: Credentials
		AssumedRoleUser: AssumedRoleUser
		PackedPolicySize: NonNegativeInteger
		SourceIdentity: SourceIdentity
	}
}

operation AssumeRoleWithWebIdentity {
	input := {
		@required RoleArn: Arn
		@required RoleSessionName: RoleSessionName
		@required WebIdentityToken: WebIdentityToken
		ProviderId: UrlType
		PolicyArns: PolicyDescriptorList
		Policy: UnrestrictedSessionPolicyDocument
		DurationSeconds: RoleDurationSeconds
	}
	output := {
		Credentials: Credentials
		SubjectFromWebIdentityToken: String
		AssumedRoleUser: AssumedRoleUser
		PackedPolicySize: NonNegativeInteger
		Provider: String
		Audience: String
		SourceIdentity: String
	}
}

operation GetFederationToken {
	input := {
		@required Name: FederatedName
		Policy: UnrestrictedSessionPolicyDocument
		PolicyArns: PolicyDescriptorList
		DurationSeconds: DurationSeconds
		Tags: TagList
	}
	output := {
		Credentials: Credentials
		FederatedUser: FederatedUser
		PackedPolicySize: NonNegativeInteger
	}
}

operation GetSessionToken {
	input := {
		DurationSeconds: DurationSeconds
		SerialNumber: SerialNumber
		TokenCode: TokenCode
	}
	output := {
		Credentials: Credentials
	}
}

operation GetAccessKeyInfo {
	input := {
		@required AccessKeyId: AccessKeyId
	}
	output := {
		Account: String
	}
}

@length(min: 20, max: 2048)
string Arn

@length(min: 2, max: 64)
@pattern("[\\w+=,.@-]*")
string RoleSessionName

@length(min: 4, max: 20000)
string WebIdentityToken

@length(min: 4, max: 2048)
string UrlType

@length(min: 2, max: 32)
@pattern("[\\w+=,.@-]*")
string FederatedName

structure FederatedUser {
	@required FederatedUserId: String
	@required Arn: Arn
}

structure PolicyDescriptor {
	arn: Arn
}

list PolicyDescriptorList {
	member: PolicyDescriptor
}

@length(min: 1)
@pattern("[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+")
string UnrestrictedSessionPolicyDocument

@range(min: 900, max: 43200)
integer RoleDurationSeconds

@length(min: 1, max: 128)
@pattern("[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+")
string TagKey

@length(max: 256)
@pattern("[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*")
string TagValue

structure Tag {
	@required Key: TagKey
	@required Value: TagValue
}

@length(max: 50)
list TagList {
	member: Tag
}

@length(max: 50)
list TagKeyList {
	member: TagKey
}

@length(min: 2, max: 1224)
@pattern("[\\w+=,.@:\\/-]*")
string ExternalId

@length(min: 9, max: 256)
@pattern("[\\w+=/:,.@-]*")
string SerialNumber

@length(min: 6, max: 6)
@pattern("[\\d]*")
string TokenCode

@length(min: 2, max: 64)
@pattern("[\\w+=,.@-]*")
string SourceIdentity

@length(min: 4, max: 2048)
string ContextAssertion

structure ProvidedContext {
	ProviderArn: Arn
	ContextAssertion: ContextAssertion
}

@length(min: 1, max: 5)
list ProvidedContextsList {
	member: ProvidedContext
}

@length(min: 16, max: 128)
@pattern("[\\w]*")
string AccessKeyId

structure Credentials {
	@required AccessKeyId: AccessKeyId
	@required SecretAccessKey: String
	@required SessionToken: String
	@required Expiration: Timestamp
}

@length(min: 2, max: 193)
@pattern("[\\w+=,.@:-]*")
string AssumedRoleId

structure AssumedRoleUser {
	@required AssumedRoleId: AssumedRoleId
	@required Arn: Arn
}

@range(min: 0)
integer NonNegativeInteger

@range(min: 900, max: 129600)
integer DurationSeconds
