$version: "2"

namespace nagare.iam

operation CreatePolicy {
	input := {
		@required PolicyName: PolicyName
		Path: PolicyPath
		@required PolicyDocument: PolicyDocument
		Description: PolicyDescription
		Tags: TagList
	}
	output := {
		Policy: Policy
	}
}

operation GetPolicy {
	input := {
		@required PolicyArn: Arn
	}
	output := {
		Policy: Policy
	}
}

operation ListPolicies {
	input := with [PageInput] {
		Scope: PolicyScope
		OnlyAttached: Boolean
		PathPrefix: PolicyPath
		PolicyUsageFilter: PolicyUsage
	}
	output := with [PageOutput] {
		Policies: PolicyList
	}
}

operation DeletePolicy {
	input := {
		@required PolicyArn: Arn
	}
}

operation CreatePolicyVersion {
	input := {
		@required PolicyArn: Arn
		@required PolicyDocument: PolicyDocument
		SetAsDefault: Boolean
	}
	output := {
		PolicyVersion: PolicyVersion
	}
}

operation GetPolicyVersion {
	input := {
		@required PolicyArn: Arn
		@required VersionId: PolicyVersionId
	}
	output := {
		PolicyVersion: PolicyVersion
	}
}

operation ListPolicyVersions {
	input := with [PageInput] {
		@required PolicyArn: Arn
	}
	output := with [PageOutput] {
		Versions: PolicyDocumentVersionList
	}
}

operation DeletePolicyVersion {
	input := {
		@required PolicyArn: Arn
		@required VersionId: PolicyVersionId
	}
}

operation SetDefaultPolicyVersion {
	input := {
		@required PolicyArn: Arn
		@required VersionId: PolicyVersionId
	}
}

operation ListEntitiesForPolicy {
	input := with [PageInput] {
		@required PolicyArn: Arn
		EntityFilter: EntityType
		PathPrefix: Path
		PolicyUsageFilter: PolicyUsage
	}
	output := with [PageOutput] {
		PolicyGroups: PolicyGroupList
		PolicyUsers: PolicyUserList
		PolicyRoles: PolicyRoleList
	}
}

operation TagPolicy {
	input := {
		@required PolicyArn: Arn
		@required Tags: TagList
	}
}

operation UntagPolicy {
	input := {
		@required PolicyArn: Arn
		@required TagKeys: TagKeyList
	}
}

operation ListPolicyTags {
	input := with [PageInput] {
		@required PolicyArn: Arn
	}
	output := with [PageOutput] {
		@required Tags: TagList
	}
}
