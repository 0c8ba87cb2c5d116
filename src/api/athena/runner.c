/* Threads that run what waits, in order. Each opens its next engine as soon as it is free, so that
 * a query does not wait for that. What is in memory is also in the store, from the start to the
 * end: a document in a state that is not final, found at a start, is of a process that died. */
#include "api/athena/athena_priv.h"

#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

/* Athena's history goes back so far. */
#define KEPT_MS       (INT64_C(45) * 24 * 3600 * 1000)
#define PRUNE_SECONDS 3600

void execution_free(struct execution *execution)
{
	if (!execution)
		return;
	ddl_done(&execution->ddl);
	free(execution->text);
	free(execution->database);
	free(execution->sql);
	free(execution->peer);
	json_decref(execution->kept);
	store_caller_unref(execution->caller);
	free(execution);
}

static json_t *status_of(const struct execution *execution)
{
	return json_object_get(json_object_get(execution->kept, "Execution"), "Status");
}

int athena_store(struct athena *athena, const json_t *kept)
{
	const json_t *document = json_object_get(kept, "Execution");
	struct err err = ERR_INIT;

	return store_queries_put(athena->settings.queries, STORE_EXECUTION,
		athena_text(document, "WorkGroup"), athena_text(document, "QueryExecutionId"), kept,
		&err);
}

/* Under the lock. */
static void set_statistics(struct execution *execution, uint64_t scanned, int64_t end_ns)
{
	json_t *document = json_object_get(execution->kept, "Execution");
	json_t *statistics = json_object_get(document, "Statistics");
	int64_t started = execution->started_ns ? execution->started_ns : end_ns;
	const struct {
		const char *name;
		int64_t value;
	} rows[] = {
		{"EngineExecutionTimeInMillis", (end_ns - started) / 1000000},
		{"DataScannedInBytes", (int64_t)scanned},
		{"TotalExecutionTimeInMillis", (end_ns - execution->queued_ns) / 1000000},
		{"QueryQueueTimeInMillis", (started - execution->queued_ns) / 1000000},
		{"ServicePreProcessingTimeInMillis", 0},
		{"QueryPlanningTimeInMillis", 0},
		{"ServiceProcessingTimeInMillis", 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		json_object_set_new(statistics, rows[i].name, json_integer(rows[i].value));
}

/* Under the lock. */
static void set_final(
	struct athena *athena, struct execution *execution, const struct athena_failure *failure)
{
	json_t *status = status_of(execution);
	bool cancelled = execution->is_stopped;

	json_object_set_new(status, "CompletionDateTime", json_integer(athena_now_ms()));
	if (!failure && !cancelled) {
		athena_reuse_keep(athena, execution);
		json_object_set_new(status, "State", json_string("SUCCEEDED"));
		return;
	}
	json_object_set_new(status, "State",
		json_string(cancelled || !failure->name[0] ? "CANCELLED" : "FAILED"));
	const char *reason = cancelled ? "Query cancelled by user" : failure->message;
	json_object_set_new(status, "StateChangeReason", json_string(reason));
	if (!cancelled)
		json_object_set_new(status, "AthenaError",
			json_pack("{s:i, s:i, s:b, s:s}", "ErrorCategory", failure->category,
				"ErrorType", failure->type, "Retryable", 0, "ErrorMessage",
				reason));
}

/* Under the lock: out of the list. */
static void forget(struct athena *athena, struct execution *execution)
{
	struct execution **at = &athena->first;

	while (*at != execution)
		at = &(*at)->next;
	*at = execution->next;
}

/* Those that have ended go into the store and out of the list; while the disk is full they stay. */
static void settle(struct athena *athena)
{
	pthread_mutex_lock(&athena->lock);
	for (struct execution **at = &athena->first; *at;) {
		struct execution *one = *at;
		if (!one->is_done || athena_store(athena, one->kept) < 0) {
			at = &one->next;
			continue;
		}
		*at = one->next;
		execution_free(one);
	}
	pthread_mutex_unlock(&athena->lock);
}

/* A SELECT that failed of a damaged entry of the cache, by another engine. */
static int run_again(struct athena *athena, struct execution *execution,
	struct athena_engine **engine, struct athena_failure *failure)
{
	struct athena_engine *another = NULL;
	struct err err = ERR_INIT;

	if (execution->ddl.kind != DDL_SELECT || !athena_doubt(*engine) ||
		athena_engine_open(&another, &athena->options, &err) < 0)
		return -1;
	pthread_mutex_lock(&athena->lock);
	execution->engine = another;
	bool stopped = execution->is_stopped || athena->is_stopping;
	pthread_mutex_unlock(&athena->lock);
	athena_engine_close(*engine);
	*engine = another;
	return stopped ? -1 : athena_execute_statement(athena, execution, another, failure);
}

/* engine is used up, and may be another one then. */
static void run(struct athena *athena, struct execution *execution, struct athena_engine **engine)
{
	struct athena_failure failure = {.category = 0};

	int r = athena_trino_runs(athena, execution)
			? athena_trino_execute(athena, execution, *engine, &failure)
			: athena_execute_statement(athena, execution, *engine, &failure);
	if (r < 0)
		r = run_again(athena, execution, engine, &failure);
	pthread_mutex_lock(&athena->lock);
	execution->engine = NULL;
	set_statistics(execution, athena_scanned(*engine), clock_mono_ns());
	set_final(athena, execution, r < 0 ? &failure : NULL);
	execution->is_done = true;
	pthread_mutex_unlock(&athena->lock);
	settle(athena);
}

/* Under the lock: the first that waits, running from now on. */
static struct execution *take_waiting(struct athena *athena, struct athena_engine *engine)
{
	for (struct execution *one = athena->first; one; one = one->next) {
		if (one->is_running)
			continue;
		one->is_running = true;
		one->started_ns = clock_mono_ns();
		one->engine = engine;
		json_object_set_new(status_of(one), "State", json_string("RUNNING"));
		return one;
	}
	return NULL;
}

/* Forgets what is too old, once an hour. 1: time has passed without the lock. */
static int prune(struct athena *athena)
{
	const int64_t before = athena_now_ms() - KEPT_MS;
	int64_t now = clock_mono_ns();
	struct err err = ERR_INIT;

	if (athena->pruned_ns && now - athena->pruned_ns < PRUNE_SECONDS * CLOCK_NS_PER_SECOND)
		return 0;
	athena->pruned_ns = now;
	pthread_mutex_unlock(&athena->lock);
	store_queries_prune(athena->settings.queries, STORE_EXECUTION,
		"$.Execution.Status.SubmissionDateTime", before, &err);
	store_queries_prune(
		athena->settings.queries, STORE_EXECUTION_TOKEN, "$.Time", before, &err);
	pthread_mutex_lock(&athena->lock);
	return 1;
}

static void wait(struct athena *athena)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PRUNE_SECONDS;
	pthread_cond_timedwait(&athena->wake, &athena->lock, &until);
}

static void *work(void *context)
{
	struct athena *athena = context;
	struct athena_engine *engine = NULL;
	struct err err = ERR_INIT;

	pthread_mutex_lock(&athena->lock);
	while (!athena->is_stopping) {
		if (!engine) {
			pthread_mutex_unlock(&athena->lock);
			if (athena_engine_open(&engine, &athena->options, &err) < 0)
				usleep(100000);
			pthread_mutex_lock(&athena->lock);
			continue;
		}
		struct execution *execution = take_waiting(athena, engine);
		if (!execution) {
			if (prune(athena) == 0)
				wait(athena);
			continue;
		}
		pthread_mutex_unlock(&athena->lock);
		run(athena, execution, &engine);
		athena_engine_close(take(engine));
		pthread_mutex_lock(&athena->lock);
	}
	pthread_mutex_unlock(&athena->lock);
	athena_engine_close(engine);
	return NULL;
}

void athena_enqueue(struct athena *athena, struct execution *execution)
{
	struct execution **at = &athena->first;

	pthread_mutex_lock(&athena->lock);
	while (*at)
		at = &(*at)->next;
	*at = execution;
	pthread_cond_signal(&athena->wake);
	pthread_mutex_unlock(&athena->lock);
}

static struct execution *find(struct athena *athena, struct str id)
{
	for (struct execution *one = athena->first; one; one = one->next) {
		if (str_equal(str_from(one->id), id))
			return one;
	}
	return NULL;
}

json_t *athena_kept(struct athena *athena, struct str id, struct err *err)
{
	json_t *kept = NULL;

	pthread_mutex_lock(&athena->lock);
	struct execution *execution = find(athena, id);
	if (execution) {
		if (execution->is_running && execution->engine)
			set_statistics(
				execution, athena_scanned(execution->engine), clock_mono_ns());
		kept = json_deep_copy(execution->kept);
	}
	pthread_mutex_unlock(&athena->lock);
	if (!kept)
		store_queries_get(
			athena->settings.queries, STORE_EXECUTION, STR_NONE, id, &kept, err);
	return kept;
}

/* One that waits ends here; one that runs is told, and its thread ends it. */
void athena_cancel(struct athena *athena, struct str id)
{
	pthread_mutex_lock(&athena->lock);
	struct execution *execution = find(athena, id);
	if (execution)
		execution->is_stopped = true;
	if (execution && execution->engine)
		athena_interrupt(execution->engine);
	if (execution && !execution->is_running) {
		forget(athena, execution);
		set_statistics(execution, 0, clock_mono_ns());
		set_final(athena, execution, NULL);
		athena_store(athena, execution->kept);
		execution_free(execution);
	}
	pthread_mutex_unlock(&athena->lock);
}

/* ---- start and stop ---- */

static int end_abandoned(struct athena *athena, struct err *err)
{
	json_t *list;

	if (store_queries_list(
		    athena->settings.queries, STORE_EXECUTION, STR_NONE, 0, 10000, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *kept = json_object_get(json_array_get(list, i), "Document");
		json_t *status = json_object_get(json_object_get(kept, "Execution"), "Status");
		struct str state = athena_text(status, "State");
		const char *reason = "GENERIC_INTERNAL_ERROR: the server ended while the query ran";
		if (!str_equal(state, STR("QUEUED")) && !str_equal(state, STR("RUNNING")))
			continue;
		athena_undo(athena, kept);
		json_object_set_new(status, "State", json_string("FAILED"));
		json_object_set_new(status, "CompletionDateTime", json_integer(athena_now_ms()));
		json_object_set_new(status, "StateChangeReason", json_string(reason));
		json_object_set_new(status, "AthenaError",
			json_pack("{s:i, s:i, s:b, s:s}", "ErrorCategory", 1, "ErrorType", 1,
				"Retryable", 1, "ErrorMessage", reason));
		athena_store(athena, kept);
	}
	json_decref(list);
	return 0;
}

int athena_runner_start(struct athena *athena, struct err *err)
{
	unsigned running = athena->settings.running ? athena->settings.running : 2;

	if (end_abandoned(athena, err) < 0)
		return -1;
	while (athena->threads_count < running &&
		athena->threads_count < ARRAY_SIZE(athena->threads)) {
		int failed =
			pthread_create(&athena->threads[athena->threads_count], NULL, work, athena);
		if (failed)
			return err_set_errno(err, failed, "cannot start a thread");
		athena->threads_count++;
	}
	return 0;
}

void athena_runner_stop(struct athena *athena)
{
	pthread_mutex_lock(&athena->lock);
	athena->is_stopping = true;
	for (struct execution *one = athena->first; one; one = one->next) {
		if (one->engine)
			athena_interrupt(one->engine);
	}
	pthread_cond_broadcast(&athena->wake);
	pthread_mutex_unlock(&athena->lock);
	for (unsigned i = 0; i < athena->threads_count; i++)
		pthread_join(athena->threads[i], NULL);
	while (athena->first) {
		struct execution *next = athena->first->next;
		execution_free(athena->first);
		athena->first = next;
	}
}
