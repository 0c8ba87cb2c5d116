$version: "2"

namespace nagare.iam

operation CreateUser {
	input := {
		Path: Path
		@required UserName: UserName
		PermissionsBoundary: Arn
		Tags: TagList
	}
	output := {
		User: User
	}
}

operation GetUser {
	input := {
		UserName: ExistingUserName
	}
	output := {
		@required User: User
	}
}

operation ListUsers {
	input := with [PageInput] {
		PathPrefix: PathPrefix
	}
	output := with [PageOutput] {
		@required Users: UserList
	}
}

operation UpdateUser {
	input := {
		@required UserName: ExistingUserName
		NewPath: Path
		NewUserName: UserName
	}
}

operation DeleteUser {
	input := {
		@required UserName: ExistingUserName
	}
}

operation TagUser {
	input := {
		@required UserName: ExistingUserName
		@required Tags: TagList
	}
}

operation UntagUser {
	input := {
		@required UserName: ExistingUserName
		@required TagKeys: TagKeyList
	}
}

operation ListUserTags {
	input := with [PageInput] {
		@required UserName: ExistingUserName
	}
	output := with [PageOutput] {
		@required Tags: TagList
	}
}

operation PutUserPolicy {
	input := {
		@required UserName: ExistingUserName
		@required PolicyName: PolicyName
		@required PolicyDocument: PolicyDocument
	}
}

operation GetUserPolicy {
	input := {
		@required UserName: ExistingUserName
		@required PolicyName: PolicyName
	}
	output := {
		@required UserName: ExistingUserName
		@required PolicyName: PolicyName
		@required PolicyDocument: PolicyDocument
	}
}

operation DeleteUserPolicy {
	input := {
		@required UserName: ExistingUserName
		@required PolicyName: PolicyName
	}
}

operation ListUserPolicies {
	input := with [PageInput] {
		@required UserName: ExistingUserName
	}
	output := with [PageOutput] {
		@required PolicyNames: PolicyNameList
	}
}

operation AttachUserPolicy {
	input := {
		@required UserName: UserName
		@required PolicyArn: Arn
	}
}

operation DetachUserPolicy {
	input := {
		@required UserName: UserName
		@required PolicyArn: Arn
	}
}

operation ListAttachedUserPolicies {
	input := with [PageInput] {
		@required UserName: UserName
		PathPrefix: PolicyPath
	}
	output := with [PageOutput] {
		AttachedPolicies: AttachedPoliciesList
	}
}

operation PutUserPermissionsBoundary {
	input := {
		@required UserName: UserName
		@required PermissionsBoundary: Arn
	}
}

operation DeleteUserPermissionsBoundary {
	input := {
		@required UserName: UserName
	}
}

operation CreateAccessKey {
	input := {
		UserName: ExistingUserName
	}
	output := {
		@required AccessKey: AccessKey
	}
}

operation ListAccessKeys {
	input := with [PageInput] {
		UserName: ExistingUserName
	}
	output := with [PageOutput] {
		@required AccessKeyMetadata: AccessKeyMetadataList
	}
}

operation UpdateAccessKey {
	input := {
		UserName: ExistingUserName
		@required AccessKeyId: AccessKeyId
		@required Status: StatusType
	}
}

operation DeleteAccessKey {
	input := {
		UserName: ExistingUserName
		@required AccessKeyId: AccessKeyId
	}
}

operation GetAccessKeyLastUsed {
	input := {
		@required AccessKeyId: AccessKeyId
	}
	output := {
		UserName: ExistingUserName
		AccessKeyLastUsed: AccessKeyLastUsed
	}
}

operation CreateGroup {
	input := {
		Path: Path
		@required GroupName: GroupName
	}
	output := {
		@required Group: Group
	}
}

operation GetGroup {
	input := with [PageInput] {
		@required GroupName: GroupName
	}
	output := with [PageOutput] {
		@required Group: Group
		@required Users: UserList
	}
}

operation ListGroups {
	input := with [PageInput] {
		PathPrefix: PathPrefix
	}
	output := with [PageOutput] {
		@required Groups: GroupList
	}
}

operation UpdateGroup {
	input := {
		@required GroupName: GroupName
		NewPath: Path
		NewGroupName: GroupName
	}
}

operation DeleteGroup {
	input := {
		@required GroupName: GroupName
	}
}

operation AddUserToGroup {
	input := {
		@required GroupName: GroupName
		@required UserName: ExistingUserName
	}
}

operation RemoveUserFromGroup {
	input := {
		@required GroupName: GroupName
		@required UserName: ExistingUserName
	}
}

operation ListGroupsForUser {
	input := with [PageInput] {
		@required UserName: ExistingUserName
	}
	output := with [PageOutput] {
		@required Groups: GroupList
	}
}

operation PutGroupPolicy {
	input := {
		@required GroupName: GroupName
		@required PolicyName: PolicyName
		@required PolicyDocument: PolicyDocument
	}
}

operation GetGroupPolicy {
	input := {
		@required GroupName: GroupName
		@required PolicyName: PolicyName
	}
	output := {
		@required GroupName: GroupName
		@required PolicyName: PolicyName
		@required PolicyDocument: PolicyDocument
	}
}

operation DeleteGroupPolicy {
	input := {
		@required GroupName: GroupName
		@required PolicyName: PolicyName
	}
}

operation ListGroupPolicies {
	input := with [PageInput] {
		@required GroupName: GroupName
	}
	output := with [PageOutput] {
		@required PolicyNames: PolicyNameList
	}
}

operation AttachGroupPolicy {
	input := {
		@required GroupName: GroupName
		@required PolicyArn: Arn
	}
}

operation DetachGroupPolicy {
	input := {
		@required GroupName: GroupName
		@required PolicyArn: Arn
	}
}

operation ListAttachedGroupPolicies {
	input := with [PageInput] {
		@required GroupName: GroupName
		PathPrefix: PolicyPath
	}
	output := with [PageOutput] {
		AttachedPolicies: AttachedPoliciesList
	}
}

operation GetLoginProfile {
	input := {
		UserName: UserName
	}
	output := {
		@required LoginProfile: LoginProfile
	}
}

operation DeleteLoginProfile {
	input := {
		UserName: UserName
	}
}

operation ListMFADevices {
	input := with [PageInput] {
		UserName: ExistingUserName
	}
	output := with [PageOutput] {
		@required MFADevices: MfaDeviceList
	}
}

operation ListVirtualMFADevices {
	input := with [PageInput] {
		AssignmentStatus: AssignmentStatus
	}
	output := with [PageOutput] {
		@required VirtualMFADevices: VirtualMFADeviceList
	}
}

operation ListSSHPublicKeys {
	input := with [PageInput] {
		UserName: UserName
	}
	output := with [PageOutput] {
		SSHPublicKeys: SSHPublicKeyList
	}
}

operation ListSigningCertificates {
	input := with [PageInput] {
		UserName: ExistingUserName
	}
	output := with [PageOutput] {
		@required Certificates: CertificateList
	}
}

operation ListServiceSpecificCredentials {
	input := with [PageInput] {
		UserName: UserName
		ServiceName: String
		AllUsers: Boolean
	}
	output := with [PageOutput] {
		ServiceSpecificCredentials: ServiceSpecificCredentialsList
	}
}
