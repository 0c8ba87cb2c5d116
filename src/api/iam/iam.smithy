$version: "2"

namespace nagare.iam

use aws.protocols#awsQuery

@awsQuery
@xmlNamespace(uri: "https://iam.amazonaws.com/doc/2010-05-08/")
service Iam {
	version: "2010-05-08"
	operations: [
		CreateUser
		GetUser
		ListUsers
		UpdateUser
		DeleteUser
		TagUser
		UntagUser
		ListUserTags
		PutUserPolicy
		GetUserPolicy
		DeleteUserPolicy
		ListUserPolicies
		AttachUserPolicy
		DetachUserPolicy
		ListAttachedUserPolicies
		PutUserPermissionsBoundary
		DeleteUserPermissionsBoundary
		CreateAccessKey
		ListAccessKeys
		UpdateAccessKey
		DeleteAccessKey
		GetAccessKeyLastUsed
		CreateGroup
		GetGroup
		ListGroups
		UpdateGroup
		DeleteGroup
		AddUserToGroup
		RemoveUserFromGroup
		ListGroupsForUser
		PutGroupPolicy
		GetGroupPolicy
		DeleteGroupPolicy
		ListGroupPolicies
		AttachGroupPolicy
		DetachGroupPolicy
		ListAttachedGroupPolicies
		CreateRole
		GetRole
		ListRoles
		UpdateRole
		UpdateRoleDescription
		UpdateAssumeRolePolicy
		DeleteRole
		TagRole
		UntagRole
		ListRoleTags
		PutRolePolicy
		GetRolePolicy
		DeleteRolePolicy
		ListRolePolicies
		AttachRolePolicy
		DetachRolePolicy
		ListAttachedRolePolicies
		PutRolePermissionsBoundary
		DeleteRolePermissionsBoundary
		CreateServiceLinkedRole
		DeleteServiceLinkedRole
		GetServiceLinkedRoleDeletionStatus
		CreatePolicy
		GetPolicy
		ListPolicies
		DeletePolicy
		CreatePolicyVersion
		GetPolicyVersion
		ListPolicyVersions
		DeletePolicyVersion
		SetDefaultPolicyVersion
		ListEntitiesForPolicy
		TagPolicy
		UntagPolicy
		ListPolicyTags
		CreateInstanceProfile
		GetInstanceProfile
		ListInstanceProfiles
		DeleteInstanceProfile
		AddRoleToInstanceProfile
		RemoveRoleFromInstanceProfile
		ListInstanceProfilesForRole
		TagInstanceProfile
		UntagInstanceProfile
		ListInstanceProfileTags
		GetAccountSummary
		GetAccountAuthorizationDetails
		GetAccountPasswordPolicy
		ListAccountAliases
		CreateAccountAlias
		DeleteAccountAlias
		SimulatePrincipalPolicy
		SimulateCustomPolicy
		GetLoginProfile
		DeleteLoginProfile
		ListMFADevices
		ListVirtualMFADevices
		ListSSHPublicKeys
		ListSigningCertificates
		ListServiceSpecificCredentials
		CreateOpenIDConnectProvider
		GetOpenIDConnectProvider
		ListOpenIDConnectProviders
		DeleteOpenIDConnectProvider
		UpdateOpenIDConnectProviderThumbprint
		AddClientIDToOpenIDConnectProvider
		RemoveClientIDFromOpenIDConnectProvider
		TagOpenIDConnectProvider
		UntagOpenIDConnectProvider
		ListOpenIDConnectProviderTags
	]
}

/// Of operations that answer in pages.
@mixin
structure PageInput {
	Marker: Marker
	MaxItems: MaxItems
}

@mixin
structure PageOutput {
	IsTruncated: Boolean
	Marker: String
}
