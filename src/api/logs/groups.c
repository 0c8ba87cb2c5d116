/* Log groups: made, deleted, listed, and how long they keep their events. */
#include "api/logs/logs_priv.h"

#include "store/log_documents.h"

#include <ctype.h>
#include <strings.h>

enum { LIST_PAGE = 1000 };
/* As store_log_class. */
static const char *const classes[] = {"STANDARD", "INFREQUENT_ACCESS", "DELIVERY"};
/* PutRetentionPolicy: the days there are. */
static const unsigned retentions[] = {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731,
	1096, 1827, 2192, 2557, 2922, 3288, 3653};

static enum store_log_class class_of(struct str name)
{
	for (size_t i = 0; name.p && i < ARRAY_SIZE(classes); i++)
		if (str_equal(name, str_from(classes[i])))
			return (enum store_log_class)i;
	return STORE_LOG_STANDARD;
}

LOGS_HANDLER(logs_create_group)
{
	struct str name = logs_text(call, "logGroupName");

	if (str_starts_with(name, STR("aws/")))
		return logs_refuse(error, "Log groups starting with AWS/ are reserved for AWS.");
	if (logs_text(call, "kmsKeyId").p)
		return logs_refuse(
			error, "The specified KMS key does not exist or is not allowed.");
	if (logs_check_tags(call, error) < 0)
		return -1;
	if (store_log_group_create(logs_of(call)->events, name,
		    class_of(logs_text(call, "logGroupClass")),
		    logs_flag(call, "deletionProtectionEnabled"), error, &call->exchange->err) < 0)
		return -1;
	return logs_put_tags(call, name, error);
}

LOGS_HANDLER(logs_delete_group)
{
	const struct logs *logs = logs_of(call);
	_cleanup_(store_log_group_done) struct store_log_group group = {0};
	struct str name = logs_text(call, "logGroupName");

	if (store_log_group_get(logs->events, name, &group, error) < 0 ||
		store_log_group_delete(logs->events, name, error, &call->exchange->err) < 0)
		return -1;
	logs_metric_filters_forget(logs, group.id);
	/* What stays after a failure belongs to no group, and goes at the next start. */
	store_log_documents_forget(logs->database, group.id, &call->exchange->err);
	return 0;
}

LOGS_HANDLER(logs_put_retention)
{
	int64_t days = logs_number(call, "retentionInDays", 0);
	_cleanup_buf_ struct buf allowed = {0};

	for (size_t i = 0; i < ARRAY_SIZE(retentions); i++) {
		if (days == retentions[i])
			return store_log_group_retain(logs_of(call)->events,
				logs_text(call, "logGroupName"), (unsigned)days, error,
				&call->exchange->err);
		buf_printf(&allowed, "%s%u", i ? ", " : "", retentions[i]);
	}
	return logs_refuse(error,
		"1 validation error detected: Value '%lld' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [%s]",
		(long long)days, buf_text(&allowed));
}

LOGS_HANDLER(logs_delete_retention)
{
	return store_log_group_retain(logs_of(call)->events, logs_text(call, "logGroupName"), 0,
		error, &call->exchange->err);
}

LOGS_HANDLER(logs_put_protection)
{
	struct str group;

	if (logs_group(call, &group, error) < 0)
		return -1;
	return store_log_group_protect(logs_of(call)->events, group,
		logs_flag(call, "deletionProtectionEnabled"), error, &call->exchange->err);
}

/* ---- lists ---- */

struct listing {
	struct api_call *call;
	const struct logs *logs;
	struct str prefix, pattern, log_class;
	const json_t *identifiers; /* only these; NULL: all */
	json_t *names;             /* likewise, by name; owned */
	json_t *items;
	size_t max;
	struct buf last;
	bool is_truncated, is_brief;
};

static bool contains_ignoring_case(struct str text, struct str part)
{
	for (size_t i = 0; i + part.n <= text.n; i++)
		if (strncasecmp(text.p + i, part.p, part.n) == 0)
			return true;
	return false;
}

/* ListLogGroups: "^begins|contains|...". */
static bool matches_alternatives(struct str text, struct str pattern)
{
	struct str part;

	while (str_split(&pattern, '|', &part)) {
		if (part.n && *part.p == '^') {
			if (str_starts_with(text, (struct str){part.p + 1, part.n - 1}))
				return true;
		} else if (contains_ignoring_case(text, part)) {
			return true;
		}
	}
	return false;
}

static bool is_identified(const struct listing *listing, struct str name)
{
	size_t i;
	json_t *item;
	struct str wanted;

	json_array_foreach(listing->identifiers, i, item)
	{
		if (logs_parse_group(listing->logs, logs_string(item), &wanted) &&
			str_equal(wanted, name))
			return true;
	}
	return listing->identifiers == NULL;
}

static bool is_wanted(const struct listing *listing, const struct store_log_group *group)
{
	struct str pattern = listing->pattern;

	if (!str_starts_with(group->name, listing->prefix) || !is_identified(listing, group->name))
		return false;
	if (listing->names && !json_object_getn(listing->names, group->name.p, group->name.n))
		return false;
	if (listing->log_class.p && class_of(listing->log_class) != group->log_class)
		return false;
	if (!pattern.p)
		return true;
	return listing->is_brief ? matches_alternatives(group->name, pattern)
				 : contains_ignoring_case(group->name, pattern);
}

static json_t *describe(const struct listing *listing, const struct store_log_group *group)
{
	const struct logs *logs = listing->logs;
	json_t *arn = logs_format("arn:aws:logs:%.*s:%.*s:log-group:%.*s", STR_ARG(logs->region),
		STR_ARG(logs->account), STR_ARG(group->name));
	json_t *item = json_pack("{s:o, s:o, s:s}", "logGroupName", logs_json(group->name),
		"logGroupArn", arn, "logGroupClass", classes[group->log_class]);

	if (listing->is_brief)
		return item;
	json_object_set_new(item, "arn", logs_format("%s:*", json_string_value(arn)));
	json_object_set_new(item, "creationTime", json_integer(group->created_ms));
	json_object_set_new(item, "metricFilterCount",
		json_integer((json_int_t)logs_metric_filters_count(logs, group->id)));
	json_object_set_new(item, "storedBytes", json_integer(group->stored_bytes));
	/* AWS's searches by pattern do not tell it; here only that it is on. */
	if (group->is_protected || !listing->pattern.p)
		json_object_set_new(
			item, "deletionProtectionEnabled", json_boolean(group->is_protected));
	if (group->retention_days)
		json_object_set_new(item, "retentionInDays", json_integer(group->retention_days));
	return item;
}

static bool add_group(void *context, const struct store_log_group *group)
{
	struct listing *listing = context;

	if (!is_wanted(listing, group))
		return true;
	if (json_array_size(listing->items) == listing->max) {
		listing->is_truncated = true;
		return false;
	}
	json_array_append_new(listing->items, describe(listing, group));
	listing->last.n = 0;
	buf_add_str(&listing->last, group->name);
	return true;
}

static int list(struct listing *listing, struct aws_error *error)
{
	_cleanup_buf_ struct buf after = {0};

	if (logs_page_after(listing->call, &after, error) < 0)
		return -1;
	listing->items = json_array();
	store_log_group_list(listing->logs->events, buf_str(&after), add_group, listing);
	json_object_set_new(listing->call->output, "logGroups", listing->items);
	if (listing->is_truncated)
		logs_page_next(listing->call, buf_str(&listing->last));
	buf_done(&listing->last);
	return 0;
}

LOGS_HANDLER(logs_describe_groups)
{
	struct listing listing = {.call = call,
		.logs = logs_of(call),
		.prefix = logs_text(call, "logGroupNamePrefix"),
		.pattern = logs_text(call, "logGroupNamePattern"),
		.log_class = logs_text(call, "logGroupClass"),
		.identifiers = json_object_get(call->input, "logGroupIdentifiers"),
		.max = (size_t)logs_number(call, "limit", LOGS_PAGE)};

	if (listing.prefix.p && listing.pattern.p)
		return logs_refuse(error,
			"LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.");
	return list(&listing, error);
}

LOGS_HANDLER(logs_list_groups)
{
	struct listing listing = {.call = call,
		.logs = logs_of(call),
		.pattern = logs_text(call, "logGroupNamePattern"),
		.log_class = logs_text(call, "logGroupClass"),
		.max = (size_t)logs_number(call, "limit", LIST_PAGE),
		.is_brief = true};

	if (json_object_get(call->input, "dataSources"))
		return logs_refuse(error, "dataSources is not supported.");
	if (logs_group_filter(call, &listing.names, error) < 0)
		return -1;
	int result = list(&listing, error);
	json_decref(listing.names);
	return result;
}
