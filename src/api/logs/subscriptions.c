/* Subscription filters: the operations. A filter is a document of its group; where it is in the
 * group is another one (subscription_send.c), which has the filter's own id in its name, so that a
 * sender that is late cannot bring back what was deleted or begun anew. */
#include "api/logs/kept_priv.h"
#include "api/logs/subscriptions_priv.h"

#include "aws/arn.h"
#include "base/clock.h"

static int find_group(
	struct api_call *call, struct store_log_group *ret_group, struct aws_error *error)
{
	return store_log_group_get(
		logs_of(call)->events, logs_text(call, "logGroupName"), ret_group, error);
}

/* NULL: there is none. */
static int find_filter(
	struct api_call *call, int64_t owner, json_t **ret_filter, struct aws_error *error)
{
	const struct store_log_document document = {
		.kind = LOGS_SUBSCRIPTION, .owner = owner, .name = logs_text(call, "filterName")};

	if (store_log_document_get(
		    logs_of(call)->database, &document, ret_filter, &call->exchange->err) < 0)
		return aws_error_internal(error);
	return 0;
}

static json_t *filter_of(const struct api_call *call, const json_t *before)
{
	static const char *const members[] = {"logGroupName", "filterName", "filterPattern",
		"destinationArn", "roleArn", "distribution"};
	json_t *filter = json_object();
	char id[37];

	logs_make_id(id);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		json_t *value = json_object_get(call->input, members[i]);
		if (value)
			json_object_set(filter, members[i], value);
	}
	if (!json_object_get(filter, "distribution"))
		json_object_set_new(filter, "distribution", json_string("ByLogStream"));
	json_object_set_new(filter, "applyOnTransformedLogs", json_false());
	json_object_set_new(filter, "creationTime", json_integer(clock_wall_ns() / 1000000));
	json_object_set_new(filter, "id", json_string(id));
	/* One that is changed goes on where it was. */
	if (before) {
		json_object_set(filter, "id", json_object_get(before, "id"));
		json_object_set(filter, "creationTime", json_object_get(before, "creationTime"));
	}
	return filter;
}

static int save(struct api_call *call, int64_t owner, const json_t *filter, struct aws_error *error)
{
	_cleanup_free_ char *text = json_dumps(filter, JSON_COMPACT);
	const struct store_log_document document = {.kind = LOGS_SUBSCRIPTION,
		.owner = owner,
		.name = logs_text(call, "filterName"),
		.text = str_from(text)};
	int result = store_log_document_put(
		logs_of(call)->database, &document, LOGS_SUBSCRIPTIONS_MAX, &call->exchange->err);

	if (result == STORE_LOG_DOCUMENTS_FULL)
		return aws_error_set(
			error, AWS_ERROR_LIMIT_EXCEEDED_EXCEPTION, "Resource limit exceeded.");
	return result < 0 ? aws_error_internal(error) : 0;
}

/* What the caller names, before the group is looked for, as AWS's answers show. */
static int check_destination(struct api_call *call, struct aws_error *error)
{
	const struct logs *logs = logs_of(call);
	struct str text = logs_text(call, "destinationArn");
	struct aws_arn arn;

	if (!aws_arn_parse(text, &arn))
		return logs_refuse(error, "destinationArn is no ARN: %.*s", STR_ARG(text));
	if (str_equal(arn.service, STR("lambda")) && !str_equal(arn.account, logs->account))
		return aws_error_set(error, AWS_ERROR_ACCESS_DENIED_EXCEPTION,
			"Cross-account lambda invocation passing is not allowed. You must use DestinationPolicies to create cross account lambda triggers.");
	if ((str_equal(arn.service, STR("kinesis")) || str_equal(arn.service, STR("firehose"))) &&
		!logs_text(call, "roleArn").p)
		return logs_refuse(error,
			"destinationArn for vendor %.*s cannot be used without roleArn",
			STR_ARG(arn.service));
	return logs_destination_allow(call, text, error);
}

static int check(struct api_call *call, struct aws_error *error)
{
	static const char *const unknown[] = {
		"applyOnTransformedLogs", "fieldSelectionCriteria", "emitSystemFields"};
	_cleanup_(query_pattern_freep) struct query_pattern *pattern = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		const json_t *value = json_object_get(call->input, unknown[i]);
		if (value && !json_is_false(value))
			return logs_refuse(error, "%s is not supported.", unknown[i]);
	}
	return logs_pattern(logs_text(call, "filterPattern"), &pattern, error);
}

LOGS_HANDLER(logs_put_subscription)
{
	const struct logs *logs = logs_of(call);
	_cleanup_(store_log_group_done) struct store_log_group group = {0};
	json_t *before = NULL;

	if (check_destination(call, error) < 0 || find_group(call, &group, error) < 0 ||
		check(call, error) < 0 || find_filter(call, group.id, &before, error) < 0)
		return -1;
	json_t *filter = filter_of(call, before);
	int result = logs_subscription_probe(logs, filter, error);
	/* First where it begins: a filter without that would begin with the group. */
	if (result == 0 && !before)
		result = logs_subscription_begin(
			logs, group.id, filter, error, &call->exchange->err);
	if (result == 0)
		result = save(call, group.id, filter, error);
	json_decref(filter);
	json_decref(before);
	if (result == 0)
		logs_subscriptions_changed(logs);
	return result;
}

LOGS_HANDLER(logs_delete_subscription)
{
	const struct logs *logs = logs_of(call);
	_cleanup_(store_log_group_done) struct store_log_group group = {0};
	json_t *filter = NULL;

	if (find_group(call, &group, error) < 0 || find_filter(call, group.id, &filter, error) < 0)
		return -1;
	if (!filter)
		return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION,
			"The specified subscription filter does not exist.");
	const struct store_log_document document = {.kind = LOGS_SUBSCRIPTION,
		.owner = group.id,
		.name = logs_text(call, "filterName")};
	const struct store_log_document cursor = {.kind = LOGS_SUBSCRIPTION_CURSOR,
		.owner = group.id,
		.name = logs_string(json_object_get(filter, "id"))};
	int result = store_log_document_delete(logs->database, &document, &call->exchange->err);
	if (result >= 0)
		result = store_log_document_delete(logs->database, &cursor, &call->exchange->err);
	json_decref(filter);
	logs_subscriptions_changed(logs);
	return result < 0 ? aws_error_internal(error) : 0;
}

struct listing {
	int64_t owner;
	struct str prefix, after;
	json_t *list;
	size_t max;
	bool is_truncated;
};

static void add_filter(void *context, const struct store_log_document *document)
{
	struct listing *listing = context;

	if (document->owner != listing->owner ||
		!str_starts_with(document->name, listing->prefix) ||
		strcmp(document->name.p, listing->after.p) <= 0)
		return;
	if (json_array_size(listing->list) == listing->max) {
		listing->is_truncated = true;
		return;
	}
	json_t *filter = json_loadb(document->text.p, document->text.n, 0, NULL);
	json_object_del(filter, "id");
	json_array_append_new(listing->list, filter);
}

LOGS_HANDLER(logs_describe_subscriptions)
{
	_cleanup_(store_log_group_done) struct store_log_group group = {0};
	_cleanup_buf_ struct buf after = {0};
	struct str prefix = logs_text(call, "filterNamePrefix");

	if (find_group(call, &group, error) < 0 || logs_page_after(call, &after, error) < 0)
		return -1;
	struct listing listing = {.owner = group.id,
		.prefix = prefix.p ? prefix : STR(""),
		.after = str_from(buf_text(&after)),
		.list = json_array(),
		.max = (size_t)logs_number(call, "limit", LOGS_PAGE)};
	json_object_set_new(call->output, "subscriptionFilters", listing.list);
	if (store_log_documents_list(logs_of(call)->database, LOGS_SUBSCRIPTION, add_filter,
		    &listing, &call->exchange->err) < 0)
		return aws_error_internal(error);
	if (listing.is_truncated)
		logs_page_next(call,
			logs_string(json_object_get(
				json_array_get(listing.list, listing.max - 1), "filterName")));
	return 0;
}
