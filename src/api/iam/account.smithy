$version: "2"

namespace nagare.iam

operation CreateInstanceProfile {
	input := {
		@required InstanceProfileName: InstanceProfileName
		Path: Path
		Tags: TagList
	}
	output := {
		@required InstanceProfile: InstanceProfile
	}
}

operation GetInstanceProfile {
	input := {
		@required InstanceProfileName: InstanceProfileName
	}
	output := {
		@required InstanceProfile: InstanceProfile
	}
}

operation ListInstanceProfiles {
	input := with [PageInput] {
		PathPrefix: PathPrefix
	}
	output := with [PageOutput] {
		@required InstanceProfiles: InstanceProfileList
	}
}

operation DeleteInstanceProfile {
	input := {
		@required InstanceProfileName: InstanceProfileName
	}
}

operation AddRoleToInstanceProfile {
	input := {
		@required InstanceProfileName: InstanceProfileName
		@required RoleName: RoleName
	}
}

operation RemoveRoleFromInstanceProfile {
	input := {
		@required InstanceProfileName: InstanceProfileName
		@required RoleName: RoleName
	}
}

operation ListInstanceProfilesForRole {
	input := with [PageInput] {
		@required RoleName: RoleName
	}
	output := with [PageOutput] {
		@required InstanceProfiles: InstanceProfileList
	}
}

operation TagInstanceProfile {
	input := {
		@required InstanceProfileName: InstanceProfileName
		@required Tags: TagList
	}
}

operation UntagInstanceProfile {
	input := {
		@required InstanceProfileName: InstanceProfileName
		@required TagKeys: TagKeyList
	}
}

operation ListInstanceProfileTags {
	input := with [PageInput] {
		@required InstanceProfileName: InstanceProfileName
	}
	output := with [PageOutput] {
		@required Tags: TagList
	}
}

operation GetAccountSummary {
	output := {
		SummaryMap: SummaryMap
	}
}

operation GetAccountAuthorizationDetails {
	input := with [PageInput] {
		Filter: EntityList
	}
	output := with [PageOutput] {
		UserDetailList: UserDetailList
		GroupDetailList: GroupDetailList
		RoleDetailList: RoleDetailList
		Policies: ManagedPolicyDetailList
	}
}

operation GetAccountPasswordPolicy {
	output := {
		@required PasswordPolicy: PasswordPolicy
	}
}

operation ListAccountAliases {
	input := with [PageInput] {}
	output := with [PageOutput] {
		@required AccountAliases: AccountAliasList
	}
}

operation CreateAccountAlias {
	input := {
		@required AccountAlias: AccountAlias
	}
}

operation DeleteAccountAlias {
	input := {
		@required AccountAlias: AccountAlias
	}
}

operation SimulatePrincipalPolicy {
	input := with [PageInput] {
		@required PolicySourceArn: Arn
		PolicyInputList: SimulationPolicyList
		PermissionsBoundaryPolicyInputList: SimulationPolicyList
		@required ActionNames: ActionNameList
		ResourceArns: ResourceNameList
		ResourcePolicy: PolicyDocument
		ResourceOwner: ResourceName
		CallerArn: ResourceName
		ContextEntries: ContextEntryList
		ResourceHandlingOption: ResourceHandlingOption
	}
	output := with [PageOutput] {
		EvaluationResults: EvaluationResultsList
	}
}

operation SimulateCustomPolicy {
	input := with [PageInput] {
		@required PolicyInputList: SimulationPolicyList
		PermissionsBoundaryPolicyInputList: SimulationPolicyList
		@required ActionNames: ActionNameList
		ResourceArns: ResourceNameList
		ResourcePolicy: PolicyDocument
		ResourceOwner: ResourceName
		CallerArn: ResourceName
		ContextEntries: ContextEntryList
		ResourceHandlingOption: ResourceHandlingOption
	}
	output := with [PageOutput] {
		EvaluationResults: EvaluationResultsList
	}
}
