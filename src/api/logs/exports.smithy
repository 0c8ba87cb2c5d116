$version: "2"

namespace nagare.logs

operation CreateExportTask {
	input := {
		taskName: ExportTaskName
		@required logGroupName: LogGroupName
		logStreamNamePrefix: LogStreamName
		@required from: Timestamp
		@required to: Timestamp
		@required destination: ExportDestinationBucket
		destinationPrefix: ExportDestinationPrefix
	}
	output := {
		taskId: ExportTaskId
	}
}

operation DescribeExportTasks {
	input := {
		taskId: ExportTaskId
		statusCode: ExportTaskStatusCode
		nextToken: NextToken
		limit: DescribeLimit
	}
	output := {
		exportTasks: ExportTasks
		nextToken: NextToken
	}
}

operation CancelExportTask {
	input := {
		@required taskId: ExportTaskId
	}
}

@length(min: 1, max: 512)
string ExportTaskName

@length(min: 1, max: 512)
string ExportTaskId

@length(min: 1, max: 512)
string ExportDestinationBucket

string ExportDestinationPrefix

string ExportTaskStatusMessage

enum ExportTaskStatusCode {
	CANCELLED
	COMPLETED
	FAILED
	PENDING
	PENDING_CANCEL
	RUNNING
}

list ExportTasks {
	member: ExportTask
}

structure ExportTask {
	taskId: ExportTaskId
	taskName: ExportTaskName
	logGroupName: LogGroupName
	from: Timestamp
	to: Timestamp
	destination: ExportDestinationBucket
	destinationPrefix: ExportDestinationPrefix
	status: ExportTaskStatus
	executionInfo: ExportTaskExecutionInfo
}

structure ExportTaskStatus {
	code: ExportTaskStatusCode
	message: ExportTaskStatusMessage
}

structure ExportTaskExecutionInfo {
	creationTime: Timestamp
	completionTime: Timestamp
}
