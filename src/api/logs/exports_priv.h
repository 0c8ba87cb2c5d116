/* exports_priv: export tasks, between exports.c (the operations) and export_run.c (the thread that
 * writes objects). A task is a JSON object as DescribeExportTasks answers it, with one member more,
 * "streams": the prefix of log streams. All are in the list, the oldest first, under the lock, and
 * in the database by their ids; what a crash left unfinished is begun again. */
#pragma once

#include "api/logs/logs_priv.h"

#include <pthread.h>
#include <stdatomic.h>

#define LOGS_EXPORTS_MAX    1000 /* kept; the oldest that is over goes */
#define LOGS_EXPORT_WAIT_MS 200
#define LOGS_EXPORT_PREFIX  "exportedlogs"
#define LOGS_EXPORT_STREAMS "streams"

struct logs_exports {
	const struct logs *logs;
	pthread_t thread;
	bool has_thread, is_stopping; /* is_stopping: under the lock */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	json_t *tasks;
	atomic_bool is_cancelled; /* the running one, or the service stops */
};

const char *logs_export_status(const json_t *task);
/* In the list and the database; under the lock. Not being able to write it is told, not undone: the
 * next start runs the task again. message NULL: none. */
int logs_export_set(struct logs_exports *exports, json_t *task, const char *code,
	const char *message, struct err *err);
int logs_export_save(struct logs_exports *exports, const json_t *task, struct err *err);
/* As an object of this key, whole or not at all. */
int logs_export_put(const struct logs *logs, struct str bucket, struct str key, struct str bytes,
	struct aws_error *error, struct err *err);

int logs_export_run_start(struct logs_exports *exports, struct err *err);
