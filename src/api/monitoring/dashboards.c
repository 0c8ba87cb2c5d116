/* Dashboards: documents of the account by name, kept and given back, and listed by name
 * (CloudWatch API reference). Nothing here draws them: pictures are refused, as is what would learn
 * from metrics; of that there is none, which is what asking for it tells. */
#include "api/monitoring/monitoring_priv.h"

#include "base/clock.h"
#include "store/log_documents.h"

#define KIND           STR("dashboard")
#define NAME_MAX_BYTES 255
enum { DASHBOARDS_MAX = 5000, PAGE = 1000 };

static int find(struct api_call *call, struct str name, json_t **ret_found, struct aws_error *error)
{
	const struct store_log_document document = {.kind = KIND, .name = name};

	if (store_log_document_get(
		    monitoring_of(call)->database, &document, ret_found, &call->exchange->err) < 0)
		return monitoring_inner(call, error);
	return 0;
}

static int check_name(struct str name, struct aws_error *error)
{
	bool is_good = name.n > 0 && name.n <= NAME_MAX_BYTES;

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		is_good = is_good && ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
					     (c >= 'A' && c <= 'Z') || c == '-' || c == '_');
	}
	if (is_good)
		return 0;
	return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_VALUE,
		"The value for field DashboardName contains invalid characters. It can only "
		"contain alphanumerics, dash (-) and underscore (_).\n");
}

MONITORING_HANDLER(monitoring_put_dashboard)
{
	struct str name = api_member_text(call->input, "DashboardName");
	struct str body = api_member_text(call->input, "DashboardBody");
	json_error_t why;
	json_t *parsed = json_loadb(body.p, body.n, 0, &why);
	bool is_object = json_is_object(parsed);

	json_decref(parsed);
	if (check_name(name, error) < 0)
		return -1;
	if (!is_object)
		return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_INPUT,
			"The field DashboardBody must be a valid JSON object");
	json_t *kept = json_pack("{s:s%, s:I}", "body", body.p, body.n, "modified",
		(json_int_t)(clock_wall_ns() / 1000000));
	_cleanup_free_ char *text = json_dumps(kept, JSON_COMPACT);
	json_decref(kept);
	const struct store_log_document document = {
		.kind = KIND, .name = name, .text = str_from(text)};
	json_object_set_new(call->output, "DashboardValidationMessages", json_array());
	int result = store_log_document_put(
		monitoring_of(call)->database, &document, DASHBOARDS_MAX, &call->exchange->err);
	if (result == STORE_LOG_DOCUMENTS_FULL)
		return aws_error_set(error, AWS_ERROR_LIMIT_EXCEEDED,
			"There are %d dashboards, as many as may be.", DASHBOARDS_MAX);
	return result < 0 ? monitoring_inner(call, error) : 0;
}

static json_t *arn_of(const struct api_call *call, struct str name)
{
	_cleanup_free_ char *arn = mem_printf("arn:%s:cloudwatch::%s:dashboard/%.*s",
		monitoring_of(call)->partition, monitoring_of(call)->account, STR_ARG(name));

	return json_string(arn);
}

MONITORING_HANDLER(monitoring_get_dashboard)
{
	struct str name = api_member_text(call->input, "DashboardName");
	json_t *found = NULL;

	if (find(call, name, &found, error) < 0)
		return -1;
	if (!found)
		return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND,
			"Dashboard %.*s does not exist", (int)(name.n < 300 ? name.n : 300),
			name.p);
	json_object_set_new(call->output, "DashboardName", json_stringn(name.p, name.n));
	json_object_set_new(call->output, "DashboardArn", arn_of(call, name));
	json_object_set(call->output, "DashboardBody", json_object_get(found, "body"));
	json_decref(found);
	return 0;
}

struct listing {
	struct api_call *call;
	struct str prefix, after;
	json_t *list;
	bool is_truncated;
};

static void add_listed(void *context, const struct store_log_document *document)
{
	struct listing *listing = context;

	if (!str_starts_with(document->name, listing->prefix) ||
		strcmp(document->name.p, listing->after.p) <= 0)
		return;
	if (json_array_size(listing->list) == PAGE) {
		listing->is_truncated = true;
		return;
	}
	json_t *kept = json_loadb(document->text.p, document->text.n, 0, NULL);
	json_array_append_new(listing->list,
		json_pack("{s:s%, s:o, s:O, s:I}", "DashboardName", document->name.p,
			document->name.n, "DashboardArn", arn_of(listing->call, document->name),
			"LastModified", json_object_get(kept, "modified"), "Size",
			(json_int_t)json_string_length(json_object_get(kept, "body"))));
	json_decref(kept);
}

MONITORING_HANDLER(monitoring_list_dashboards)
{
	struct str prefix = api_member_text(call->input, "DashboardNamePrefix");
	_cleanup_buf_ struct buf after = {0};

	if (monitoring_token(call, &after, error) < 0)
		return -1;
	struct listing listing = {.call = call,
		.prefix = prefix.p ? prefix : STR(""),
		.after = str_from(buf_text(&after)),
		.list = json_array()};
	json_object_set_new(call->output, "DashboardEntries", listing.list);
	if (store_log_documents_list(monitoring_of(call)->database, KIND, add_listed, &listing,
		    &call->exchange->err) < 0)
		return monitoring_inner(call, error);
	if (listing.is_truncated)
		monitoring_next(call->output,
			api_member_text(json_array_get(listing.list, PAGE - 1), "DashboardName"));
	return 0;
}

/* All or none. */
MONITORING_HANDLER(monitoring_delete_dashboards)
{
	const json_t *names = json_object_get(call->input, "DashboardNames");
	size_t i;
	json_t *name;

	if (!json_array_size(names))
		return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"The parameter DashboardNames must have at least one name.");
	json_array_foreach(names, i, name)
	{
		json_t *found = NULL;
		if (find(call, str_from(json_string_value(name)), &found, error) < 0)
			return -1;
		bool is_there = found != NULL;
		json_decref(found);
		if (!is_there)
			return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND,
				"The specified dashboard does not exist. [%.300s]",
				json_string_value(name));
	}
	json_array_foreach(names, i, name)
	{
		const struct store_log_document document = {
			.kind = KIND, .name = str_from(json_string_value(name))};
		if (store_log_document_delete(
			    monitoring_of(call)->database, &document, &call->exchange->err) < 0)
			return monitoring_inner(call, error);
	}
	return 0;
}

/* ---- what there is none of ---- */

MONITORING_HANDLER(monitoring_no_image)
{
	return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR,
		"Pictures of metrics are not supported: GetMetricData has their values.");
}

MONITORING_HANDLER(monitoring_no_anomalies)
{
	return aws_error_set(
		error, AWS_ERROR_INVALID_PARAMETER_VALUE, "Anomaly detection is not supported.");
}

MONITORING_HANDLER(monitoring_none)
{
	static const struct {
		const char *operation, *member;
	} lists[] = {
		{"DescribeAnomalyDetectors", "AnomalyDetectors"}, {"ListMetricStreams", "Entries"}};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (strcmp(call->operation->name, lists[i].operation) == 0)
			json_object_set_new(call->output, lists[i].member, json_array());
	return 0;
}
