/* CreateExportTask, DescribeExportTasks, CancelExportTask (CloudWatch Logs API reference; user
 * guide, "Exporting log data to Amazon S3"). One task of the account at a time is PENDING or
 * RUNNING.
 *
 * Who may write the bucket: the caller must be allowed s3:PutObject, and a bucket that has a policy
 * must let the service in, as AWS's guide says it: s3:GetBucketAcl and s3:PutObject for
 * logs.REGION.amazonaws.com. A bucket without a policy is this account's and nobody else's, so the
 * caller's permission is enough; AWS refuses there. Then an object "aws-logs-write-test" is
 * written. */
#include "api/logs/exports_priv.h"

#include "aws/policy.h"
#include "base/clock.h"
#include "store/log_documents.h"
#include "store/objects.h"

#define KIND STR("export-task")

const char *logs_export_status(const json_t *task)
{
	return json_string_value(json_object_get(json_object_get(task, "status"), "code"));
}

static json_int_t created(const json_t *task)
{
	return json_integer_value(
		json_object_get(json_object_get(task, "executionInfo"), "creationTime"));
}

static bool is_over(const json_t *task)
{
	const char *status = logs_export_status(task);

	return strcmp(status, "COMPLETED") == 0 || strcmp(status, "FAILED") == 0 ||
	       strcmp(status, "CANCELLED") == 0;
}

int logs_export_save(struct logs_exports *exports, const json_t *task, struct err *err)
{
	_cleanup_free_ char *text = json_dumps(task, JSON_COMPACT);
	const struct store_log_document document = {.kind = KIND,
		.name = logs_string(json_object_get(task, "taskId")),
		.text = str_from(text)};

	return store_log_document_put(exports->logs->database, &document, SIZE_MAX >> 1, err);
}

int logs_export_set(struct logs_exports *exports, json_t *task, const char *code,
	const char *message, struct err *err)
{
	json_object_set_new(
		task, "status", json_pack("{s:s, s:s*}", "code", code, "message", message));
	if (is_over(task))
		json_object_set_new(json_object_get(task, "executionInfo"), "completionTime",
			json_integer(clock_wall_ns() / 1000000));
	pthread_cond_broadcast(&exports->changed);
	return logs_export_save(exports, task, err);
}

int logs_export_put(const struct logs *logs, struct str bucket, struct str key, struct str bytes,
	struct aws_error *error, struct err *err)
{
	_cleanup_(store_draft_freep) struct store_draft *draft = NULL;
	_cleanup_(store_object_done) struct store_object object = {
		.headers.content_type = STR("application/octet-stream")};
	const struct store_condition none = {.if_match = STR("")};

	if (store_draft_new(logs->objects, &draft, (int64_t)bytes.n, error, err) < 0 ||
		store_draft_add(draft, bytes, error, err) < 0)
		return -1;
	return store_object_put(logs->objects, bucket, key, draft, &none, &object, error, err);
}

/* ---- permission ---- */

struct gate {
	struct api_call *call;
	struct aws_policy *policy; /* NULL: the bucket has none */
	struct str group, bucket, prefix;
};

static bool service_may(const struct gate *gate, const char *action, struct str resource)
{
	const struct logs *logs = logs_of(gate->call);
	_cleanup_free_ char *principal =
		mem_printf("logs.%.*s.amazonaws.com", STR_ARG(logs->region));
	_cleanup_free_ char *source = mem_printf("arn:aws:logs:%.*s:%.*s:log-group:%.*s:*",
		STR_ARG(logs->region), STR_ARG(logs->account), STR_ARG(gate->group));
	const struct str acl = STR("bucket-owner-full-control"), arn = str_from(source);
	const struct aws_context_key keys[] = {
		{STR("aws:SourceAccount"), &logs->account, 1},
		{STR("aws:SourceArn"), &arn, 1},
		{STR("s3:x-amz-acl"), &acl, 1},
	};
	const struct aws_policy_set set = {
		.resource = gate->policy, .resource_account = logs->account};
	struct aws_policy_request request = {.action = str_from(action),
		.resource = resource,
		.context = keys,
		.context_count = ARRAY_SIZE(keys)};
	const struct str names[] = {str_from(principal), STR("logs.amazonaws.com")};
	bool is_allowed = false;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct aws_policy_result result;
		request.principal = (struct aws_principal){.service = names[i]};
		aws_policy_evaluate(&set, &request, &result);
		if (result.decision == AWS_DECISION_EXPLICIT_DENY)
			return false;
		is_allowed |= result.decision == AWS_DECISION_ALLOW;
	}
	return is_allowed;
}

static int refuse_service(struct aws_error *error, const char *operation)
{
	return logs_refuse(error,
		"%s call on the given bucket failed. Please check if CloudWatch Logs has been "
		"granted permission to perform this operation.",
		operation);
}

static int load_policy(struct gate *gate, struct aws_error *error)
{
	const struct logs *logs = logs_of(gate->call);
	struct err *err = &gate->call->exchange->err;
	_cleanup_(store_bucket_done) struct store_bucket bucket = {0};
	_cleanup_buf_ struct buf text = {0};

	if (store_bucket_get(logs->objects, gate->bucket, &bucket, error, err) < 0)
		return error->code == AWS_ERROR_NO_SUCH_BUCKET
			       ? logs_refuse(error, "The given bucket does not exist. Please make "
						    "sure the bucket is valid.")
			       : -1;
	int result =
		store_config_get(logs->objects, gate->bucket, STR("policy"), &text, error, err);
	if (result != 0)
		return result < 0 ? -1 : 0;
	return aws_policy_parse(&gate->policy, buf_str(&text), AWS_POLICY_RESOURCE, err) < 0
		       ? aws_error_internal(error)
		       : 0;
}

static int check_gate(const struct gate *gate, struct aws_error *error)
{
	const struct logs *logs = logs_of(gate->call);
	const struct str acl = STR("bucket-owner-full-control");
	const struct aws_context_key key = {STR("s3:x-amz-acl"), &acl, 1};
	_cleanup_free_ char *bucket = mem_printf("arn:aws:s3:::%.*s", STR_ARG(gate->bucket));
	_cleanup_free_ char *objects =
		mem_printf("arn:aws:s3:::%.*s/%.*s/aws-logs-write-test", STR_ARG(gate->bucket),
			STR_ARG(gate->prefix.n ? gate->prefix : STR(LOGS_EXPORT_PREFIX)));

	if (gate->policy && !service_may(gate, "s3:GetBucketAcl", str_from(bucket)))
		return refuse_service(error, "GetBucketAcl");
	if (gate->policy && !service_may(gate, "s3:PutObject", str_from(objects)))
		return refuse_service(error, "PutObject");
	if (api_authorize(gate->call->exchange, STR("s3:PutObject"), str_from(objects),
		    gate->policy, logs->account, &key, 1, error) < 0)
		return logs_refuse(error, "Please ensure that the CreateExportTask caller has been "
					  "granted s3:PutObject access to the bucket.");
	return 0;
}

static int write_test(const struct gate *gate, struct aws_error *error)
{
	_cleanup_free_ char *key =
		gate->prefix.n ? mem_printf("%.*s/aws-logs-write-test", STR_ARG(gate->prefix))
			       : mem_strdup("aws-logs-write-test");

	if (logs_export_put(logs_of(gate->call), gate->bucket, str_from(key),
		    STR("Permission Check Successful"), error, &gate->call->exchange->err) == 0)
		return 0;
	return error->code == AWS_ERROR_INTERNAL_ERROR ? -1 : refuse_service(error, "PutObject");
}

static int check_bucket(
	struct api_call *call, struct str group, struct str prefix, struct aws_error *error)
{
	struct gate gate = {.call = call,
		.group = group,
		.bucket = logs_text(call, "destination"),
		.prefix = prefix};
	int result = load_policy(&gate, error);

	if (result == 0)
		result = check_gate(&gate, error);
	if (result == 0)
		result = write_test(&gate, error);
	aws_policy_free(gate.policy);
	return result;
}

/* ---- the list ---- */

static json_t *find_task(const struct logs_exports *exports, struct str id)
{
	json_t *task;
	size_t i;

	json_array_foreach(exports->tasks, i, task)
	{
		if (str_equal(logs_string(json_object_get(task, "taskId")), id))
			return task;
	}
	return NULL;
}

static bool has_active(const struct logs_exports *exports)
{
	json_t *task;
	size_t i;

	json_array_foreach(exports->tasks, i, task)
	{
		if (!is_over(task))
			return true;
	}
	return false;
}

/* The oldest goes when there are too many; only the newest can be under way. */
static int forget_oldest(struct logs_exports *exports, struct err *err)
{
	while (json_array_size(exports->tasks) >= LOGS_EXPORTS_MAX) {
		const struct store_log_document document = {.kind = KIND,
			.name = logs_string(
				json_object_get(json_array_get(exports->tasks, 0), "taskId"))};
		if (store_log_document_delete(exports->logs->database, &document, err) < 0)
			return -1;
		json_array_remove(exports->tasks, 0);
	}
	return 0;
}

static int refuse_missing(struct aws_error *error)
{
	return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION,
		"The specified export task does not exist.");
}

/* ---- the operations ---- */

static json_t *task_of(const struct api_call *call, const char *id, struct str prefix)
{
	static const char *const members[] = {
		"taskName", "logGroupName", "from", "to", "destination"};
	json_t *task = json_pack("{s:s, s:s%, s:{s:s}, s:{s:I}}", "taskId", id, "destinationPrefix",
		prefix.n ? prefix.p : LOGS_EXPORT_PREFIX,
		prefix.n ? prefix.n : strlen(LOGS_EXPORT_PREFIX), "status", "code", "PENDING",
		"executionInfo", "creationTime", (json_int_t)(clock_wall_ns() / 1000000));

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		json_t *value = json_object_get(call->input, members[i]);
		if (value)
			json_object_set(task, members[i], value);
	}
	json_t *streams = json_object_get(call->input, "logStreamNamePrefix");
	if (streams)
		json_object_set(task, LOGS_EXPORT_STREAMS, streams);
	return task;
}

static int add_task(
	struct logs_exports *exports, json_t *task, struct aws_error *error, struct err *err)
{
	int result = -1;

	pthread_mutex_lock(&exports->lock);
	if (has_active(exports)) {
		aws_error_set(
			error, AWS_ERROR_LIMIT_EXCEEDED_EXCEPTION, "Resource limit exceeded.");
	} else if (forget_oldest(exports, err) < 0 || logs_export_save(exports, task, err) < 0) {
		aws_error_internal(error);
	} else {
		json_array_append(exports->tasks, task);
		pthread_cond_broadcast(&exports->changed);
		result = 0;
	}
	pthread_mutex_unlock(&exports->lock);
	return result;
}

static int check_range(const struct api_call *call, struct aws_error *error)
{
	if (logs_number(call, "from", 0) > logs_number(call, "to", 0))
		return logs_refuse(
			error, "Invalid time range: 'from' must not be later than 'to'.");
	return 0;
}

LOGS_HANDLER(logs_create_export)
{
	struct logs_exports *exports = logs_of(call)->exports;
	_cleanup_(store_log_group_done) struct store_log_group group = {0};
	struct str name = logs_text(call, "logGroupName");
	struct str prefix = logs_text(call, "destinationPrefix");
	char id[37];

	while (prefix.n && prefix.p[prefix.n - 1] == '/')
		prefix.n--;
	if (check_range(call, error) < 0 ||
		store_log_group_get(exports->logs->events, name, &group, error) < 0)
		return -1;
	if (group.log_class != STORE_LOG_STANDARD)
		return aws_error_set(error, AWS_ERROR_INVALID_OPERATION_EXCEPTION,
			"Log groups of this class cannot be exported.");
	pthread_mutex_lock(&exports->lock);
	bool is_busy = has_active(exports);
	pthread_mutex_unlock(&exports->lock);
	if (is_busy)
		return aws_error_set(
			error, AWS_ERROR_LIMIT_EXCEEDED_EXCEPTION, "Resource limit exceeded.");
	if (check_bucket(call, name, prefix, error) < 0)
		return -1;
	logs_make_id(id);
	json_t *task = task_of(call, id, prefix);
	int result = add_task(exports, task, error, &call->exchange->err);
	json_decref(task);
	if (result == 0)
		json_object_set_new(call->output, "taskId", json_string(id));
	return result;
}

/* The newest first; a page's token is its last task. */
static int list_tasks(struct api_call *call, const struct logs_exports *exports, struct str after,
	json_t *page, struct aws_error *error)
{
	struct str id = logs_text(call, "taskId"), status = logs_text(call, "statusCode");
	size_t max = (size_t)logs_number(call, "limit", LOGS_PAGE);
	bool is_behind = !after.n;

	for (size_t i = json_array_size(exports->tasks); i-- > 0;) {
		const json_t *task = json_array_get(exports->tasks, i);
		struct str own = logs_string(json_object_get(task, "taskId"));
		bool was_behind = is_behind;
		is_behind |= str_equal(own, after);
		if (!was_behind || (id.p && !str_equal(own, id)) ||
			(status.p && !str_equal(str_from(logs_export_status(task)), status)))
			continue;
		if (json_array_size(page) == max) {
			logs_page_next(call, logs_string(json_object_get(
						     json_array_get(page, max - 1), "taskId")));
			return 0;
		}
		json_t *copy = json_deep_copy(task);
		json_object_del(copy, LOGS_EXPORT_STREAMS);
		json_array_append_new(page, copy);
	}
	return is_behind ? 0 : logs_refuse_token(error);
}

/* What ends in a moment has ended, so that who asks at once need not ask again. Under the lock. */
static void wait_for_newest(struct logs_exports *exports)
{
	json_t *task =
		json_incref(json_array_get(exports->tasks, json_array_size(exports->tasks) - 1));
	int64_t until_ms = created(task) + LOGS_EXPORT_WAIT_MS;
	const struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000};

	while (task && !is_over(task) && !exports->is_stopping &&
		pthread_cond_timedwait(&exports->changed, &exports->lock, &until) == 0)
		;
	json_decref(task);
}

LOGS_HANDLER(logs_describe_exports)
{
	struct logs_exports *exports = logs_of(call)->exports;
	_cleanup_buf_ struct buf after = {0};
	json_t *page = json_array();

	json_object_set_new(call->output, "exportTasks", page);
	if (logs_page_after(call, &after, error) < 0)
		return -1;
	pthread_mutex_lock(&exports->lock);
	wait_for_newest(exports);
	int result = list_tasks(call, exports, buf_str(&after), page, error);
	pthread_mutex_unlock(&exports->lock);
	return result;
}

LOGS_HANDLER(logs_cancel_export)
{
	struct logs_exports *exports = logs_of(call)->exports;
	int result;

	pthread_mutex_lock(&exports->lock);
	json_t *task = find_task(exports, logs_text(call, "taskId"));
	if (!task) {
		result = refuse_missing(error);
	} else if (is_over(task)) {
		result = aws_error_set(error, AWS_ERROR_INVALID_OPERATION_EXCEPTION,
			"The specified export task has already finished");
	} else {
		bool is_running = strcmp(logs_export_status(task), "PENDING") != 0;
		result = logs_export_set(exports, task, is_running ? "PENDING_CANCEL" : "CANCELLED",
			is_running ? "Task is being cancelled" : "Task was cancelled by the user",
			&call->exchange->err);
		if (result < 0)
			aws_error_internal(error);
		exports->is_cancelled |= is_running;
	}
	pthread_mutex_unlock(&exports->lock);
	return result;
}

/* ---- start and stop ---- */

static void add_document(void *context, const struct store_log_document *document)
{
	json_t *task = json_loadb(document->text.p, document->text.n, 0, NULL);

	if (task && logs_export_status(task))
		json_array_append(context, task);
	json_decref(task);
}

/* The database has them in the order of ids. */
static int compare_created(const void *a, const void *b)
{
	json_int_t left = created(*(json_t *const *)a), right = created(*(json_t *const *)b);

	return (left > right) - (left < right);
}

static void sort_tasks(struct logs_exports *exports, json_t *loaded)
{
	size_t count = json_array_size(loaded);
	json_t **tasks = mem_new(count + 1, sizeof(json_t *));

	for (size_t i = 0; i < count; i++)
		tasks[i] = json_array_get(loaded, i);
	qsort(tasks, count, sizeof(json_t *), compare_created);
	for (size_t i = 0; i < count; i++)
		json_array_append(exports->tasks, tasks[i]);
	free(tasks);
}

int logs_exports_start(struct logs *logs, struct err *err)
{
	struct logs_exports *exports = mem_new(1, sizeof(*exports));
	json_t *loaded = json_array();

	logs->exports = exports;
	exports->logs = logs;
	exports->tasks = json_array();
	pthread_mutex_init(&exports->lock, NULL);
	pthread_cond_init(&exports->changed, NULL);
	int result = store_log_documents_list(logs->database, KIND, add_document, loaded, err);
	sort_tasks(exports, loaded);
	json_decref(loaded);
	return result < 0 ? -1 : logs_export_run_start(exports, err);
}

void logs_exports_stop(struct logs *logs)
{
	struct logs_exports *exports = take(logs->exports);

	if (!exports)
		return;
	pthread_mutex_lock(&exports->lock);
	exports->is_stopping = true;
	exports->is_cancelled = true;
	pthread_cond_broadcast(&exports->changed);
	pthread_mutex_unlock(&exports->lock);
	if (exports->has_thread)
		pthread_join(exports->thread, NULL);
	json_decref(exports->tasks);
	pthread_cond_destroy(&exports->changed);
	pthread_mutex_destroy(&exports->lock);
	free(exports);
}
