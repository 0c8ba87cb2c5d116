$version: "2"

namespace nagare.iam

@length(min: 1, max: 512)
@pattern("(\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)")
string Path

@length(min: 1, max: 64)
@pattern("[\\w+=,.@-]+")
string UserName

@length(min: 20, max: 2048)
string Arn

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

@length(min: 16, max: 128)
@pattern("[\\w]+")
string Id

enum PermissionsBoundaryAttachment {
	PermissionsBoundaryPolicy
}

structure AttachedPermissionsBoundary {
	PermissionsBoundaryType: PermissionsBoundaryAttachment
	PermissionsBoundaryArn: Arn
}

structure User {
	@required Path: Path
	@required UserName: UserName
	@required UserId: Id
	@required Arn: Arn
	@required CreateDate: Timestamp
	PermissionsBoundary: AttachedPermissionsBoundary
	Tags: TagList
}

@length(min: 1, max: 128)
@pattern("[\\w+=,.@-]+")
string ExistingUserName

@length(min: 1, max: 512)
@pattern("\\u002F[\\u0021-\\u007F]*")
string PathPrefix

@length(min: 1, max: 320)
@pattern("[\\u0020-\\u00FF]+")
string Marker

@range(min: 1, max: 1000)
integer MaxItems

list UserList {
	member: User
}

@length(max: 50)
list TagKeyList {
	member: TagKey
}

@length(min: 1, max: 128)
@pattern("[\\w+=,.@-]+")
string PolicyName

@length(min: 1, max: 131072)
@pattern("[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+")
string PolicyDocument

list PolicyNameList {
	member: PolicyName
}

@length(min: 1, max: 512)
@pattern("((/[A-Za-z0-9\\.,\\+@=_-]+)*)/")
string PolicyPath

structure AttachedPolicy {
	PolicyName: PolicyName
	PolicyArn: Arn
}

list AttachedPoliciesList {
	member: AttachedPolicy
}

@length(min: 16, max: 128)
@pattern("[\\w]+")
string AccessKeyId

enum StatusType {
	Active
	Inactive
	Expired
}

structure AccessKey {
	@required UserName: UserName
	@required AccessKeyId: AccessKeyId
	@required Status: StatusType
	@required SecretAccessKey: String
	CreateDate: Timestamp
}

structure AccessKeyMetadata {
	UserName: UserName
	AccessKeyId: AccessKeyId
	Status: StatusType
	CreateDate: Timestamp
}

list AccessKeyMetadataList {
	member: AccessKeyMetadata
}

structure AccessKeyLastUsed {
	LastUsedDate: Timestamp
	@required ServiceName: String
	@required Region: String
}

@length(min: 1, max: 128)
@pattern("[\\w+=,.@-]+")
string GroupName

structure Group {
	@required Path: Path
	@required GroupName: GroupName
	@required GroupId: Id
	@required Arn: Arn
	@required CreateDate: Timestamp
}

list GroupList {
	member: Group
}

@length(min: 1, max: 64)
@pattern("[\\w+=,.@-]+")
string RoleName

@length(max: 1000)
@pattern("[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]*")
string RoleDescription

@range(min: 3600, max: 43200)
integer RoleMaxSessionDuration

structure RoleLastUsed {
	LastUsedDate: Timestamp
	Region: String
}

structure Role {
	@required Path: Path
	@required RoleName: RoleName
	@required RoleId: Id
	@required Arn: Arn
	@required CreateDate: Timestamp
	AssumeRolePolicyDocument: PolicyDocument
	Description: RoleDescription
	MaxSessionDuration: RoleMaxSessionDuration
	PermissionsBoundary: AttachedPermissionsBoundary
	Tags: TagList
	RoleLastUsed: RoleLastUsed
}

list RoleList {
	member: Role
}

@length(min: 1, max: 64)
@pattern("[\\w+=,.@-]+")
string CustomSuffix

@length(min: 1, max: 1000)
string DeletionTaskId

enum DeletionTaskStatus {
	SUCCEEDED
	IN_PROGRESS
	FAILED
	NOT_STARTED
}

@length(max: 1000)
string Reason

@length(min: 1, max: 100)
string RegionName

list ArnList {
	member: Arn
}

structure RoleUsage {
	Region: RegionName
	Resources: ArnList
}

list RoleUsageList {
	member: RoleUsage
}

structure DeletionTaskFailureReason {
	Reason: Reason
	RoleUsageList: RoleUsageList
}

@length(max: 1000)
string PolicyDescription

@pattern("v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?")
string PolicyVersionId

structure Policy {
	PolicyName: PolicyName
	PolicyId: Id
	Arn: Arn
	Path: PolicyPath
	DefaultVersionId: PolicyVersionId
	AttachmentCount: Integer
	PermissionsBoundaryUsageCount: Integer
	IsAttachable: Boolean
	Description: PolicyDescription
	CreateDate: Timestamp
	UpdateDate: Timestamp
	Tags: TagList
}

enum PolicyScope {
	All
	AWS
	Local
}

enum PolicyUsage {
	PermissionsPolicy
	PermissionsBoundary
}

list PolicyList {
	member: Policy
}

structure PolicyVersion {
	Document: PolicyDocument
	VersionId: PolicyVersionId
	IsDefaultVersion: Boolean
	CreateDate: Timestamp
}

list PolicyDocumentVersionList {
	member: PolicyVersion
}

enum EntityType {
	User
	Role
	Group
	LocalManagedPolicy
	AWSManagedPolicy
}

structure PolicyGroup {
	GroupName: GroupName
	GroupId: Id
}

list PolicyGroupList {
	member: PolicyGroup
}

structure PolicyUser {
	UserName: UserName
	UserId: Id
}

list PolicyUserList {
	member: PolicyUser
}

structure PolicyRole {
	RoleName: RoleName
	RoleId: Id
}

list PolicyRoleList {
	member: PolicyRole
}

@length(min: 1, max: 128)
@pattern("[\\w+=,.@-]+")
string InstanceProfileName

structure InstanceProfile {
	@required Path: Path
	@required InstanceProfileName: InstanceProfileName
	@required InstanceProfileId: Id
	@required Arn: Arn
	@required CreateDate: Timestamp
	@required Roles: RoleList
	Tags: TagList
}

list InstanceProfileList {
	member: InstanceProfile
}

enum SummaryKey {
	Users
	UsersQuota
	Groups
	GroupsQuota
	ServerCertificates
	ServerCertificatesQuota
	UserPolicySizeQuota
	GroupPolicySizeQuota
	GroupsPerUserQuota
	SigningCertificatesPerUserQuota
	AccessKeysPerUserQuota
	MFADevices
	MFADevicesInUse
	AccountMFAEnabled
	AccountAccessKeysPresent
	AccountPasswordPresent
	AccountSigningCertificatesPresent
	AttachedPoliciesPerGroupQuota
	AttachedPoliciesPerRoleQuota
	AttachedPoliciesPerUserQuota
	Policies
	PoliciesQuota
	PolicySizeQuota
	PolicyVersionsInUse
	PolicyVersionsInUseQuota
	VersionsPerPolicyQuota
	GlobalEndpointTokenVersion
	AssumeRolePolicySizeQuota
	InstanceProfiles
	InstanceProfilesQuota
	Providers
	RolePolicySizeQuota
	Roles
	RolesQuota
}

map SummaryMap {
	key: SummaryKey
	value: Integer
}

list EntityList {
	member: EntityType
}

structure PolicyDetail {
	PolicyName: PolicyName
	PolicyDocument: PolicyDocument
}

list PolicyDetailList {
	member: PolicyDetail
}

list GroupNameList {
	member: GroupName
}

structure UserDetail {
	Path: Path
	UserName: UserName
	UserId: Id
	Arn: Arn
	CreateDate: Timestamp
	UserPolicyList: PolicyDetailList
	GroupList: GroupNameList
	AttachedManagedPolicies: AttachedPoliciesList
	PermissionsBoundary: AttachedPermissionsBoundary
	Tags: TagList
}

list UserDetailList {
	member: UserDetail
}

structure GroupDetail {
	Path: Path
	GroupName: GroupName
	GroupId: Id
	Arn: Arn
	CreateDate: Timestamp
	GroupPolicyList: PolicyDetailList
	AttachedManagedPolicies: AttachedPoliciesList
}

list GroupDetailList {
	member: GroupDetail
}

structure RoleDetail {
	Path: Path
	RoleName: RoleName
	RoleId: Id
	Arn: Arn
	CreateDate: Timestamp
	AssumeRolePolicyDocument: PolicyDocument
	InstanceProfileList: InstanceProfileList
	RolePolicyList: PolicyDetailList
	AttachedManagedPolicies: AttachedPoliciesList
	PermissionsBoundary: AttachedPermissionsBoundary
	Tags: TagList
	RoleLastUsed: RoleLastUsed
}

list RoleDetailList {
	member: RoleDetail
}

structure ManagedPolicyDetail {
	PolicyName: PolicyName
	PolicyId: Id
	Arn: Arn
	Path: PolicyPath
	DefaultVersionId: PolicyVersionId
	AttachmentCount: Integer
	PermissionsBoundaryUsageCount: Integer
	IsAttachable: Boolean
	Description: PolicyDescription
	CreateDate: Timestamp
	UpdateDate: Timestamp
	PolicyVersionList: PolicyDocumentVersionList
}

list ManagedPolicyDetailList {
	member: ManagedPolicyDetail
}

@range(min: 6, max: 128)
integer MinimumPasswordLength

@range(min: 1, max: 1095)
integer MaxPasswordAge

@range(min: 1, max: 24)
integer PasswordReusePrevention

structure PasswordPolicy {
	MinimumPasswordLength: MinimumPasswordLength
	RequireSymbols: Boolean
	RequireNumbers: Boolean
	RequireUppercaseCharacters: Boolean
	RequireLowercaseCharacters: Boolean
	AllowUsersToChangePassword: Boolean
	ExpirePasswords: Boolean
	MaxPasswordAge: MaxPasswordAge
	PasswordReusePrevention: PasswordReusePrevention
	HardExpiry: Boolean
}

@length(min: 3, max: 63)
@pattern("^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$")
string AccountAlias

list AccountAliasList {
	member: AccountAlias
}

list SimulationPolicyList {
	member: PolicyDocument
}

@length(min: 3, max: 128)
string ActionName

list ActionNameList {
	member: ActionName
}

@length(min: 1, max: 2048)
string ResourceName

list ResourceNameList {
	member: ResourceName
}

@length(min: 5, max: 256)
string ContextKeyName

list ContextKeyValueList {
	member: String
}

enum ContextKeyTypeEnum {
	string
	stringList
	numeric
	numericList
	boolean
	booleanList
	ip
	ipList
	binary
	binaryList
	date
	dateList
}

structure ContextEntry {
	ContextKeyName: ContextKeyName
	ContextKeyValues: ContextKeyValueList
	ContextKeyType: ContextKeyTypeEnum
}

list ContextEntryList {
	member: ContextEntry
}

@length(min: 1, max: 64)
string ResourceHandlingOption

enum PolicyEvaluationDecision {
	allowed
	explicitDeny
	implicitDeny
}

enum PolicySource {
	user
	group
	role
	AWS_MANAGED = "aws-managed"
	USER_MANAGED = "user-managed"
	resource
	none
}

structure Position {
	Line: Integer
	Column: Integer
}

structure Statement {
	SourcePolicyId: String
	SourcePolicyType: PolicySource
	StartPosition: Position
	EndPosition: Position
}

list StatementList {
	member: Statement
}

list ContextKeyNamesResultList {
	member: ContextKeyName
}

structure OrganizationsDecisionDetail {
	AllowedByOrganizations: Boolean
}

structure PermissionsBoundaryDecisionDetail {
	AllowedByPermissionsBoundary: Boolean
}

@length(min: 3, max: 256)
string EvalDecisionSource

map EvalDecisionDetails {
	key: EvalDecisionSource
	value: PolicyEvaluationDecision
}

structure ResourceSpecificResult {
	@required EvalResourceName: ResourceName
	@required EvalResourceDecision: PolicyEvaluationDecision
	MatchedStatements: StatementList
	MissingContextValues: ContextKeyNamesResultList
	EvalDecisionDetails: EvalDecisionDetails
	PermissionsBoundaryDecisionDetail: PermissionsBoundaryDecisionDetail
}

list ResourceSpecificResultList {
	member: ResourceSpecificResult
}

structure EvaluationResult {
	@required EvalActionName: ActionName
	EvalResourceName: ResourceName
	@required EvalDecision: PolicyEvaluationDecision
	MatchedStatements: StatementList
	MissingContextValues: ContextKeyNamesResultList
	OrganizationsDecisionDetail: OrganizationsDecisionDetail
	PermissionsBoundaryDecisionDetail: PermissionsBoundaryDecisionDetail
	EvalDecisionDetails: EvalDecisionDetails
	ResourceSpecificResults: ResourceSpecificResultList
}

list EvaluationResultsList {
	member: EvaluationResult
}

structure LoginProfile {
	@required UserName: UserName
	@required CreateDate: Timestamp
	PasswordResetRequired: Boolean
}

@length(min: 9, max: 256)
@pattern("[\\w+=/:,.@-]+")
string SerialNumber

structure MFADevice {
	@required UserName: UserName
	@required SerialNumber: SerialNumber
	@required EnableDate: Timestamp
}

list MfaDeviceList {
	member: MFADevice
}

enum AssignmentStatus {
	Assigned
	Unassigned
	Any
}

blob BootstrapDatum

structure VirtualMFADevice {
	@required SerialNumber: SerialNumber
	Base32StringSeed: BootstrapDatum
	QRCodePNG: BootstrapDatum
	User: User
	EnableDate: Timestamp
	Tags: TagList
}

list VirtualMFADeviceList {
	member: VirtualMFADevice
}

@length(min: 20, max: 128)
@pattern("[\\w]+")
string PublicKeyId

structure SSHPublicKeyMetadata {
	@required UserName: UserName
	@required SSHPublicKeyId: PublicKeyId
	@required Status: StatusType
	@required UploadDate: Timestamp
}

list SSHPublicKeyList {
	member: SSHPublicKeyMetadata
}

@length(min: 24, max: 128)
@pattern("[\\w]+")
string CertificateId

@length(min: 1, max: 16384)
@pattern("[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+")
string CertificateBody

structure SigningCertificate {
	@required UserName: UserName
	@required CertificateId: CertificateId
	@required CertificateBody: CertificateBody
	@required Status: StatusType
	UploadDate: Timestamp
}

list CertificateList {
	member: SigningCertificate
}

@length(max: 200)
@pattern("[\\w+=,.@-]*")
string ServiceUserName

@length(max: 200)
@pattern("[\\w+=,.@-]+")
string ServiceCredentialAlias

@length(min: 20, max: 128)
@pattern("[\\w]+")
string ServiceSpecificCredentialId

structure ServiceSpecificCredentialMetadata {
	@required UserName: UserName
	@required Status: StatusType
	ServiceUserName: ServiceUserName
	ServiceCredentialAlias: ServiceCredentialAlias
	@required CreateDate: Timestamp
	ExpirationDate: Timestamp
	@required ServiceSpecificCredentialId: ServiceSpecificCredentialId
	@required ServiceName: String
}

list ServiceSpecificCredentialsList {
	member: ServiceSpecificCredentialMetadata
}
