/* What an operation is about, for the policies (Service authorization reference, "Actions,
 * resources, and condition keys for Amazon CloudWatch Logs"). An operation on a group asks for
 * "log-group:NAME:log-stream:", as AWS does, so that policies on "log-group:NAME:*" allow it; those
 * on tags ask for "log-group:NAME". Keys: aws:ResourceTag/KEY of the group that is there,
 * aws:RequestTag/KEY and aws:TagKeys of the tags that a request gives or takes. */
#include "api/logs/kept_priv.h"
#include "query/insights.h"

#include <string.h>

static void add_resource_tag(void *context, struct str key, struct str value)
{
	api_about_tag(context, STR("aws:ResourceTag/"), key, value);
}

static void add_request_tags(struct api_call *call, struct api_authorization *authorization)
{
	const json_t *tags = json_object_get(call->input, "tags");
	const json_t *keys = json_object_get(call->input, "tagKeys");
	const char *key;
	size_t i;
	json_t *value;

	if (json_is_array(tags))
		keys = tags;
	json_object_foreach((json_t *)tags, key, value)
	{
		api_about_tag(
			authorization, STR("aws:RequestTag/"), str_from(key), logs_string(value));
		api_about_key(authorization, STR("aws:TagKeys"), str_from(key));
	}
	json_array_foreach(keys, i, value)
		api_about_key(authorization, STR("aws:TagKeys"), logs_string(value));
}

static void add_tags(
	struct api_call *call, struct api_authorization *authorization, struct str group)
{
	struct aws_error none;
	struct err err = ERR_INIT;

	/* A group that is not there has no tags; the handler says so. */
	store_log_tags_list(
		logs_of(call)->events, group, add_resource_tag, authorization, &none, &err);
	add_request_tags(call, authorization);
}

static void add_group(struct api_call *call, struct api_authorization *authorization,
	struct str group, const char *rest, struct str stream)
{
	const struct logs *logs = logs_of(call);

	api_about_resource(authorization, "arn:aws:logs:%.*s:%.*s:log-group:%.*s%s%.*s",
		STR_ARG(logs->region), STR_ARG(logs->account), STR_ARG(group), rest,
		STR_ARG(stream));
	add_tags(call, authorization, group);
}

int logs_about_group(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	struct str group;

	if (logs_group(call, &group, error) < 0)
		return -1;
	add_group(call, authorization, group, ":log-stream:", STR(""));
	return 0;
}

int logs_about_stream(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	struct str group;

	if (logs_group(call, &group, error) < 0)
		return -1;
	add_group(call, authorization, group, ":log-stream:", logs_text(call, "logStreamName"));
	return 0;
}

/* With the tags that it has, when it is there. */
static int add_kept(struct api_call *call, struct api_authorization *authorization,
	const struct logs_kept *kept, struct str name, struct aws_error *error)
{
	const struct logs *logs = logs_of(call);
	json_t *object = NULL, *value;
	const char *key;

	api_about_resource(authorization, "arn:aws:logs:%.*s:%.*s:%s:%.*s", STR_ARG(logs->region),
		STR_ARG(logs->account), kept->type, STR_ARG(name));
	if (logs_kept_find(call, kept, name, &object, error) < 0)
		return -1;
	json_object_foreach(json_object_get(object, "tags"), key, value)
		add_resource_tag(authorization, str_from(key), logs_string(value));
	json_decref(object);
	return 0;
}

int logs_about_kept(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	/* The first that the operation's name has. */
	static const struct {
		const char *part, *member;
		const struct logs_kept *kept;
	} rows[] = {{"DeliverySource", "name", &logs_delivery_sources},
		{"DeliveryDestinationPolicy", "deliveryDestinationName",
			&logs_delivery_destinations},
		{"DeliveryDestination", "name", &logs_delivery_destinations},
		{"Delivery", "id", &logs_deliveries},
		{"Destination", "destinationName", &logs_destinations}};
	size_t i = 0;

	while (!strstr(call->operation->name, rows[i].part))
		i++;
	add_request_tags(call, authorization);
	return add_kept(call, authorization, rows[i].kept, logs_text(call, rows[i].member), error);
}

/* A delivery that is made: its source and its destination. */
int logs_about_pair(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	struct str arn = logs_text(call, "deliveryDestinationArn");

	add_request_tags(call, authorization);
	api_about_resource(authorization, "%.*s", STR_ARG(arn));
	return add_kept(call, authorization, &logs_delivery_sources,
		logs_text(call, "deliverySourceName"), error);
}

int logs_about_tags(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	struct str group = logs_text(call, "logGroupName"), arn = logs_text(call, "resourceArn");

	const struct logs_kept *kept = arn.p ? logs_kept_of_arn(logs_of(call), arn, &group) : NULL;
	if (kept)
		return add_kept(call, authorization, kept, group, error);
	if (arn.p && !logs_parse_group(logs_of(call), arn, &group))
		return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION,
			"The specified resource does not exist.");
	add_group(call, authorization, group, "", STR(""));
	return 0;
}

int logs_about_all(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	const struct logs *logs = logs_of(call);

	api_about_resource(authorization,
		"arn:aws:logs:%.*s:%.*s:log-group::log-stream:", STR_ARG(logs->region),
		STR_ARG(logs->account));
	return 0;
}

/* Those of a group, or all. */
int logs_about_filters(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	return logs_text(call, "logGroupName").p ? logs_about_group(call, authorization, error)
						 : logs_about_all(call, authorization, error);
}

static void add_group_of(
	struct api_call *call, struct api_authorization *authorization, struct str identifier)
{
	struct str name;

	if (str_starts_with(identifier, STR("arn:")) && str_ends_with(identifier, STR(":")))
		identifier.n--;
	if (logs_parse_group(logs_of(call), identifier, &name))
		add_group(call, authorization, name, ":log-stream:", STR(""));
}

/* The log groups that queries in the query read. */
static int add_parts(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	const struct query_insights_source source = {.relation = ""};
	_cleanup_(query_insights_done) struct query_insights insights;
	struct err err = ERR_INIT;
	int result = 0;

	/* What is no query is refused later, whoever asks. */
	if (query_insights_translate(logs_text(call, "queryString"), &source, &insights, &err) < 0)
		return 0;
	for (size_t i = 0; i < insights.parts_count; i++)
		for (size_t j = 0; j < insights.parts[i].groups_count && result == 0; j++) {
			struct str name = str_from(insights.parts[i].groups[j]);
			if (str_ends_with(name, STR("*")))
				result = logs_about_all(call, authorization, error);
			else
				add_group_of(call, authorization, name);
		}
	return result;
}

/* All of its groups; with SOURCE any. */
int logs_about_query(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	static const char *const lists[] = {"logGroupNames", "logGroupIdentifiers"};
	json_t *item;
	size_t i;

	if (logs_text(call, "logGroupName").p)
		add_group_of(call, authorization, logs_text(call, "logGroupName"));
	for (size_t n = 0; n < ARRAY_SIZE(lists); n++)
		json_array_foreach(json_object_get(call->input, lists[n]), i, item)
			add_group_of(call, authorization, logs_string(item));
	if (!authorization->resource_count)
		return logs_about_all(call, authorization, error);
	return add_parts(call, authorization, error);
}

static void add_record(void *context, struct str group, const struct store_log_found *event)
{
	buf_add_str(context, group);
}

/* The group of the event that is pointed to. */
int logs_about_record(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	_cleanup_buf_ struct buf group = {0};

	if (store_log_find(logs_of(call)->events, logs_text(call, "logRecordPointer"), add_record,
		    &group, &call->exchange->err) < 0)
		return aws_error_internal(error);
	add_group(call, authorization, buf_str(&group), ":log-stream:", STR(""));
	return 0;
}
