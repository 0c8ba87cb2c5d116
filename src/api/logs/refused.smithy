$version: "2"

namespace nagare.logs

operation AssociateKmsKey {
	input := {
		logGroupName: LogGroupName

		@required
		kmsKeyId: KmsKeyId

		resourceIdentifier: ResourceIdentifier
	}
}

operation DisassociateKmsKey {
	input := {
		logGroupName: LogGroupName
		resourceIdentifier: ResourceIdentifier
	}
}

operation PutDataProtectionPolicy {
	input := {
		@required
		logGroupIdentifier: LogGroupIdentifier

		@required
		policyDocument: String
	}
	output := {
		logGroupIdentifier: LogGroupIdentifier
		policyDocument: String
		lastUpdatedTime: Timestamp
	}
}

operation GetDataProtectionPolicy {
	input := {
		@required
		logGroupIdentifier: LogGroupIdentifier
	}
	output := {
		logGroupIdentifier: LogGroupIdentifier
		policyDocument: String
		lastUpdatedTime: Timestamp
	}
}

operation DescribeAccountPolicies {
	input := {
		@required
		policyType: PolicyType

		policyName: String
		accountIdentifiers: AccountIds
		nextToken: NextToken
	}
	output := {
		accountPolicies: AccountPolicies
		nextToken: NextToken
	}
}

operation DescribeIndexPolicies {
	input := {
		@required
		logGroupIdentifiers: DescribeIndexPoliciesLogGroupIdentifiers

		nextToken: NextToken
	}
	output := {
		indexPolicies: IndexPolicies
		nextToken: NextToken
	}
}

operation DescribeFieldIndexes {
	input := {
		@required
		logGroupIdentifiers: DescribeFieldIndexesLogGroupIdentifiers

		nextToken: NextToken
	}
	output := {
		fieldIndexes: FieldIndexes
		nextToken: NextToken
	}
}

operation ListLogAnomalyDetectors {
	input := {
		filterLogGroupArn: LogGroupArn
		limit: ListLogAnomalyDetectorsLimit
		nextToken: NextToken
	}
	output := {
		anomalyDetectors: AnomalyDetectors
		nextToken: NextToken
	}
}

operation ListAnomalies {
	input := {
		anomalyDetectorArn: AnomalyDetectorArn
		suppressionState: SuppressionState
		limit: ListAnomaliesLimit
		nextToken: NextToken
	}
	output := {
		anomalies: Anomalies
		nextToken: NextToken
	}
}

operation ListLogGroupsForQuery {
	input := {
		@required
		queryId: QueryId

		nextToken: NextToken
		maxResults: ListLogGroupsForQueryMaxResults
	}
	output := {
		logGroupIdentifiers: LogGroupIdentifiers
		nextToken: NextToken
	}
}

@length(min: 1, max: 2048)
@pattern("[\\w+=/:,.@\\-\\*]*")
string ResourceIdentifier

enum PolicyType {
	DATA_PROTECTION_POLICY
	SUBSCRIPTION_FILTER_POLICY
	FIELD_INDEX_POLICY
	TRANSFORMER_POLICY
	METRIC_EXTRACTION_POLICY
}

list AccountPolicies {
	member: AccountPolicy
}

@length(min: 1, max: 1)
list DescribeIndexPoliciesLogGroupIdentifiers {
	member: LogGroupIdentifier
}

list IndexPolicies {
	member: IndexPolicy
}

@length(min: 1, max: 100)
list DescribeFieldIndexesLogGroupIdentifiers {
	member: LogGroupIdentifier
}

list FieldIndexes {
	member: FieldIndex
}

@length(min: 1, max: 2048)
@pattern("[\\w#+=/:,.@-]*")
string LogGroupArn

@range(min: 1, max: 50)
integer ListLogAnomalyDetectorsLimit

list AnomalyDetectors {
	member: AnomalyDetector
}

@length(min: 1)
@pattern("[\\w#+=/:,.@-]*")
string AnomalyDetectorArn

enum SuppressionState {
	SUPPRESSED
	UNSUPPRESSED
}

@range(min: 1, max: 50)
integer ListAnomaliesLimit

list Anomalies {
	member: Anomaly
}

@range(min: 50, max: 500)
integer ListLogGroupsForQueryMaxResults

structure AccountPolicy {
	policyName: String
	policyDocument: String
	lastUpdatedTime: Timestamp
	policyType: PolicyType
	scope: Scope
	selectionCriteria: String
	accountId: AccountId
}

structure IndexPolicy {
	logGroupIdentifier: LogGroupIdentifier
	lastUpdateTime: Timestamp
	policyDocument: PolicyDocument
	policyName: String
	source: IndexSource
}

structure FieldIndex {
	logGroupIdentifier: LogGroupIdentifier
	fieldIndexName: FieldIndexName
	lastScanTime: Timestamp
	firstEventTime: Timestamp
	lastEventTime: Timestamp
	type: IndexType
}

structure AnomalyDetector {
	anomalyDetectorArn: AnomalyDetectorArn
	detectorName: DetectorName
	logGroupArnList: LogGroupArnList
	evaluationFrequency: EvaluationFrequency
	filterPattern: FilterPattern
	anomalyDetectorStatus: AnomalyDetectorStatus
	kmsKeyId: KmsKeyId
	creationTimeStamp: EpochMillis
	lastModifiedTimeStamp: EpochMillis
	anomalyVisibilityTime: AnomalyVisibilityTime
}

structure Anomaly {
	@required
	anomalyId: AnomalyId

	@required
	patternId: PatternId

	@required
	anomalyDetectorArn: AnomalyDetectorArn

	@required
	patternString: PatternString

	patternRegex: PatternRegex
	priority: Priority

	@required
	firstSeen: EpochMillis

	@required
	lastSeen: EpochMillis

	@required
	description: Description

	@required
	active: Boolean

	@required
	state: State

	@required
	histogram: Histogram

	@required
	logSamples: LogSamples

	@required
	patternTokens: PatternTokens

	@required
	logGroupArnList: LogGroupArnList

	suppressed: Boolean
	suppressedDate: EpochMillis
	suppressedUntil: EpochMillis
	isPatternLevelSuppression: Boolean
}

enum Scope {
	ALL
}

enum IndexSource {
	ACCOUNT
	LOG_GROUP
}

enum IndexType {
	FACET
	FIELD_INDEX
}

@length(min: 1)
string DetectorName

list LogGroupArnList {
	member: LogGroupArn
}

enum EvaluationFrequency {
	ONE_MIN
	FIVE_MIN
	TEN_MIN
	FIFTEEN_MIN
	THIRTY_MIN
	ONE_HOUR
}

enum AnomalyDetectorStatus {
	INITIALIZING
	TRAINING
	ANALYZING
	FAILED
	DELETED
	PAUSED
}

@range(min: 0)
long EpochMillis

@range(min: 7, max: 90)
long AnomalyVisibilityTime

@length(min: 36, max: 36)
string AnomalyId

@length(min: 32, max: 32)
string PatternId

@length(min: 1)
string PatternString

@length(min: 1)
string PatternRegex

@length(min: 1)
string Priority

@length(min: 1)
string Description

enum State {
	Active
	Suppressed
	Baseline
}

map Histogram {
	key: Time
	value: Long
}

list LogSamples {
	member: LogEvent
}

list PatternTokens {
	member: PatternToken
}

@length(min: 1)
string Time

structure LogEvent {
	timestamp: Timestamp
	message: EventMessage
}

structure PatternToken {
	dynamicTokenPosition: Integer
	isDynamic: Boolean
	tokenString: TokenString
	enumerations: Enumerations
	inferredTokenName: InferredTokenName
}

@length(min: 1)
string TokenString

map Enumerations {
	key: TokenString
	value: Long
}

@length(min: 1)
string InferredTokenName
