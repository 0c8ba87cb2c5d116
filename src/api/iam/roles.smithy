$version: "2"

namespace nagare.iam

operation CreateRole {
	input := {
		Path: Path
		@required RoleName: RoleName
		@required AssumeRolePolicyDocument: PolicyDocument
		Description: RoleDescription
		MaxSessionDuration: RoleMaxSessionDuration
		PermissionsBoundary: Arn
		Tags: TagList
	}
	output := {
		@required Role: Role
	}
}

operation GetRole {
	input := {
		@required RoleName: RoleName
	}
	output := {
		@required Role: Role
	}
}

operation ListRoles {
	input := with [PageInput] {
		PathPrefix: PathPrefix
	}
	output := with [PageOutput] {
		@required Roles: RoleList
	}
}

operation UpdateRole {
	input := {
		@required RoleName: RoleName
		Description: RoleDescription
		MaxSessionDuration: RoleMaxSessionDuration
	}
	output := {}
}

operation UpdateRoleDescription {
	input := {
		@required RoleName: RoleName
		@required Description: RoleDescription
	}
	output := {
		Role: Role
	}
}

operation UpdateAssumeRolePolicy {
	input := {
		@required RoleName: RoleName
		@required PolicyDocument: PolicyDocument
	}
}

operation DeleteRole {
	input := {
		@required RoleName: RoleName
	}
}

operation TagRole {
	input := {
		@required RoleName: RoleName
		@required Tags: TagList
	}
}

operation UntagRole {
	input := {
		@required RoleName: RoleName
		@required TagKeys: TagKeyList
	}
}

operation ListRoleTags {
	input := with [PageInput] {
		@required RoleName: RoleName
	}
	output := with [PageOutput] {
		@required Tags: TagList
	}
}

operation PutRolePolicy {
	input := {
		@required RoleName: RoleName
		@required PolicyName: PolicyName
		@required PolicyDocument: PolicyDocument
	}
}

operation GetRolePolicy {
	input := {
		@required RoleName: RoleName
		@required PolicyName: PolicyName
	}
	output := {
		@required RoleName: RoleName
		@required PolicyName: PolicyName
		@required PolicyDocument: PolicyDocument
	}
}

operation DeleteRolePolicy {
	input := {
		@required RoleName: RoleName
		@required PolicyName: PolicyName
	}
}

operation ListRolePolicies {
	input := with [PageInput] {
		@required RoleName: RoleName
	}
	output := with [PageOutput] {
		@required PolicyNames: PolicyNameList
	}
}

operation AttachRolePolicy {
	input := {
		@required RoleName: RoleName
		@required PolicyArn: Arn
	}
}

operation DetachRolePolicy {
	input := {
		@required RoleName: RoleName
		@required PolicyArn: Arn
	}
}

operation ListAttachedRolePolicies {
	input := with [PageInput] {
		@required RoleName: RoleName
		PathPrefix: PolicyPath
	}
	output := with [PageOutput] {
		AttachedPolicies: AttachedPoliciesList
	}
}

operation PutRolePermissionsBoundary {
	input := {
		@required RoleName: RoleName
		@required PermissionsBoundary: Arn
	}
}

operation DeleteRolePermissionsBoundary {
	input := {
		@required RoleName: RoleName
	}
}

operation CreateServiceLinkedRole {
	input := {
		@required AWSServiceName: GroupName
		Description: RoleDescription
		CustomSuffix: CustomSuffix
	}
	output := {
		Role: Role
	}
}

operation DeleteServiceLinkedRole {
	input := {
		@required RoleName: RoleName
	}
	output := {
		@required DeletionTaskId: DeletionTaskId
	}
}

operation GetServiceLinkedRoleDeletionStatus {
	input := {
		@required DeletionTaskId: DeletionTaskId
	}
	output := {
		@required Status: DeletionTaskStatus
		Reason: DeletionTaskFailureReason
	}
}
