$version: "2"

namespace nagare.logs

operation StartLiveTail {
	input := {
		@required logGroupIdentifiers: StartLiveTailLogGroupIdentifiers
		logStreamNames: InputLogStreamNames
		logStreamNamePrefixes: InputLogStreamNames
		logEventFilterPattern: FilterPattern
	}
	output := {
		responseStream: StartLiveTailResponseStream
	}
}

@length(min: 1, max: 10)
@sensitive
list StartLiveTailLogGroupIdentifiers {
	member: LogGroupIdentifier
}

@streaming
union StartLiveTailResponseStream {
	sessionStart: LiveTailSessionStart
	sessionUpdate: LiveTailSessionUpdate
	SessionTimeoutException: SessionTimeoutException
	SessionStreamingException: SessionStreamingException
}

structure LiveTailSessionStart {
	requestId: RequestId
	sessionId: SessionId
	logGroupIdentifiers: StartLiveTailLogGroupIdentifiers
	logStreamNames: InputLogStreamNames
	logStreamNamePrefixes: InputLogStreamNames
	logEventFilterPattern: FilterPattern
}

structure LiveTailSessionUpdate {
	sessionMetadata: LiveTailSessionMetadata
	sessionResults: LiveTailSessionResults
}

@error("client")
@httpError(400)
structure SessionTimeoutException {
	message: String
}

@error("client")
@httpError(400)
structure SessionStreamingException {
	message: String
}

@length(min: 0, max: 256)
string RequestId

@length(min: 0, max: 256)
string SessionId

structure LiveTailSessionMetadata {
	sampled: Boolean
}

list LiveTailSessionResults {
	member: LiveTailSessionLogEvent
}

structure LiveTailSessionLogEvent {
	logStreamName: LogStreamName
	logGroupIdentifier: LogGroupIdentifier
	message: EventMessage
	timestamp: Timestamp
	ingestionTime: Timestamp
}
