/* logs_priv: what the handlers of CloudWatch Logs share. */
#pragma once

#include "api/logs/logs.h"
#include "query/pattern.h"

#define LOGS_ARN_MAX (STORE_LOG_NAME_MAX + 200)
enum { STORE_LOG_NAME_MAX = 512, LOGS_PAGE = 50, LOGS_TAGS_MAX = 50 };

static inline const struct logs *logs_of(const struct api_call *call)
{
	return call->context;
}

/* ---- input ---- */

struct str logs_text(const struct api_call *call, const char *name); /* STR_NONE: not given */
int64_t logs_number(const struct api_call *call, const char *name, int64_t otherwise);
bool logs_flag(const struct api_call *call, const char *name);
struct str logs_string(const json_t *value);
/* The name in an ARN of a log group of this account, with or without ":*"; a name is itself. False:
 * neither. */
bool logs_parse_group(const struct logs *logs, struct str identifier, struct str *ret_name);
/* Of logGroupName or logGroupIdentifier; InvalidParameterException unless it is one of both. */
int logs_group(const struct api_call *call, struct str *ret_name, struct aws_error *error);

int logs_refuse(struct aws_error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold)); /* InvalidParameterException */
int logs_refuse_token(struct aws_error *error);

/* Pages whose token is where the last one ended. */
int logs_page_after(const struct api_call *call, struct buf *ret_after, struct aws_error *error);
void logs_page_next(struct api_call *call, struct str after);

/* ---- output ---- */

void logs_make_id(char ret_id[static 37]); /* a UUID */

json_t *logs_json(struct str text);
json_t *logs_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- about ---- */

int logs_about_group(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error);
int logs_about_stream(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error);
int logs_about_tags(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error);
int logs_about_all(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error);
int logs_about_filters(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error);
int logs_about_query(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error);
int logs_about_kms(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error);
int logs_about_kept(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error);
int logs_about_pair(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error);
int logs_about_record(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error);

/* ---- the body of PutLogEvents ---- */

struct logs_batch {
	struct str group, stream;
	struct store_log_event *events;
	size_t count;
	struct buf texts; /* of messages that had escapes */
};
/* The strict and usual form of the JSON, read at once; false: not that, for the model's reader to
 * read or refuse. Strings are lent by body and batch. */
bool logs_batch_parse(struct str body, struct logs_batch *ret_batch);
void logs_batch_done(struct logs_batch *batch);
bool logs_batch_read(struct api_call *call, struct str body, json_t **ret_input);

/* ---- filter patterns ---- */

/* InvalidParameterException with the place of the mistake. */
int logs_pattern(struct str text, struct query_pattern **ret_pattern, struct aws_error *error);
/* Selects whole blocks; the pattern outlives it. */
struct store_log_matcher logs_matcher(const struct query_pattern *pattern);

/* ---- metric filters ---- */

#define LOGS_METRIC_FILTERS_MAX 100 /* of a group */
#define LOGS_REGEXES_MAX        5   /* patterns with regular expressions, of a group */

int logs_metric_filters_start(struct logs *logs, struct err *err);
void logs_metric_filters_stop(struct logs *logs);
/* Events that were just stored. */
void logs_metric_filters_apply(const struct logs *logs, int64_t id,
	const struct store_log_event *events, size_t count, int64_t now_ms);
void logs_metric_filters_forget(const struct logs *logs, int64_t id); /* it is deleted */
size_t logs_metric_filters_count(const struct logs *logs, int64_t id);

/* Values of metrics on their way to the store, which gets them once a second. */
/* Puts are held off while what was counted is taken together with how far each group was counted:
 * both are written in one transaction, and what came behind is counted at the next start. Around
 * store_log_put and logs_metric_filters_apply. */
void logs_metric_filters_hold(const struct logs *logs);
void logs_metric_filters_release(const struct logs *logs);

struct logs_values;
/* How far a group's events are counted: a position as text. */
struct logs_mark {
	int64_t group;
	char position[STORE_LOG_ID_DIGITS + 1];
};
struct logs_marks {
	struct logs_mark *marks;
	size_t count;
};
struct logs_values_hooks {
	void (*tick)(void *context, int64_t now_ms);
	/* Calls collect while nothing is being counted, and says what is then. */
	void (*snapshot)(void *context, void (*collect)(void *collected), void *collected,
		struct logs_marks *ret_marks);
	void *context;
};
#define LOGS_MARK STR("metric-filter-mark") /* kind of document, of a group */
struct logs_value {
	const char *name_space, *name, *unit;
	const char *dimensions; /* as store_metric_dimensions makes them */
	int64_t time_ms;
	double value;
};
int logs_values_start(struct logs_values **ret_values, struct store_metrics *metrics,
	const struct logs_values_hooks *hooks, struct err *err);
void logs_values_stop(struct logs_values *values); /* writes what is left; frees */
void logs_values_add(struct logs_values *values, const struct logs_value *value);

/* ---- Live Tail ---- */

int logs_live_tails_start(struct logs *logs, struct err *err);
void logs_live_tails_stop(struct logs *logs);
/* Events that were just stored. */
void logs_live_tails_offer(const struct logs *logs, int64_t group, struct str stream,
	const struct store_log_event *events, size_t count, int64_t now_ms);

/* ---- subscription filters ---- */

int logs_subscriptions_start(struct logs *logs, struct err *err);
void logs_subscriptions_stop(struct logs *logs);
void logs_subscriptions_offer(const struct logs *logs); /* events were stored */

/* ---- export tasks ---- */

int logs_exports_start(struct logs *logs, struct err *err);
void logs_exports_stop(struct logs *logs);

/* ---- lists of groups ---- */

#define LOGS_INDEX_POLICY STR("index-policy") /* kind of document, of a group */
/* What logGroupTags and fieldIndexNames leave: an object with the groups' names; NULL: all. */
int logs_group_filter(struct api_call *call, json_t **ret_names, struct aws_error *error);

/* ---- handlers ---- */

#define LOGS_HANDLER(name) int name(struct api_call *call, struct aws_error *error)
LOGS_HANDLER(logs_create_group);
LOGS_HANDLER(logs_delete_group);
LOGS_HANDLER(logs_describe_groups);
LOGS_HANDLER(logs_list_groups);
LOGS_HANDLER(logs_put_retention);
LOGS_HANDLER(logs_delete_retention);
LOGS_HANDLER(logs_put_protection);
LOGS_HANDLER(logs_create_stream);
LOGS_HANDLER(logs_delete_stream);
LOGS_HANDLER(logs_describe_streams);
LOGS_HANDLER(logs_put_events);
LOGS_HANDLER(logs_get_events);
LOGS_HANDLER(logs_filter_events);
LOGS_HANDLER(logs_get_record);
LOGS_HANDLER(logs_get_fields);
LOGS_HANDLER(logs_tag);
LOGS_HANDLER(logs_untag);
LOGS_HANDLER(logs_list_tags);
LOGS_HANDLER(logs_put_policy);
LOGS_HANDLER(logs_delete_policy);
LOGS_HANDLER(logs_describe_policies);
LOGS_HANDLER(logs_put_metric_filter);
LOGS_HANDLER(logs_describe_metric_filters);
LOGS_HANDLER(logs_delete_metric_filter);
LOGS_HANDLER(logs_test_metric_filter);
LOGS_HANDLER(logs_start_query);
LOGS_HANDLER(logs_stop_query);
LOGS_HANDLER(logs_get_results);
LOGS_HANDLER(logs_describe_queries);
LOGS_HANDLER(logs_put_definition);
LOGS_HANDLER(logs_describe_definitions);
LOGS_HANDLER(logs_delete_definition);
LOGS_HANDLER(logs_start_live_tail);
LOGS_HANDLER(logs_put_subscription);
LOGS_HANDLER(logs_describe_subscriptions);
LOGS_HANDLER(logs_delete_subscription);
LOGS_HANDLER(logs_create_export);
LOGS_HANDLER(logs_describe_exports);
LOGS_HANDLER(logs_cancel_export);
LOGS_HANDLER(logs_associate_key);
LOGS_HANDLER(logs_disassociate_key);
LOGS_HANDLER(logs_put_protection_policy);
LOGS_HANDLER(logs_get_protection_policy);
LOGS_HANDLER(logs_put_destination);
LOGS_HANDLER(logs_put_destination_policy);
LOGS_HANDLER(logs_describe_destinations);
LOGS_HANDLER(logs_delete_destination);
LOGS_HANDLER(logs_put_delivery_source);
LOGS_HANDLER(logs_put_delivery_destination);
LOGS_HANDLER(logs_put_delivery_policy);
LOGS_HANDLER(logs_get_delivery_policy);
LOGS_HANDLER(logs_delete_delivery_policy);
LOGS_HANDLER(logs_create_delivery);
LOGS_HANDLER(logs_update_delivery);
LOGS_HANDLER(logs_get_delivery);
LOGS_HANDLER(logs_describe_deliveries);
LOGS_HANDLER(logs_delete_delivery);
LOGS_HANDLER(logs_delete_protection_policy);
LOGS_HANDLER(logs_put_index_policy);
LOGS_HANDLER(logs_delete_index_policy);
LOGS_HANDLER(logs_describe_index_policies);
LOGS_HANDLER(logs_describe_field_indexes);
LOGS_HANDLER(logs_none);
LOGS_HANDLER(logs_query_groups);
/* The tags of a group that is just made. */
int logs_put_tags(struct api_call *call, struct str group, struct aws_error *error);
int logs_check_tags(const struct api_call *call, struct aws_error *error);
