/* Deliveries: sources (resources of AWS's services that write logs), destinations (buckets, log
 * groups, streams of Firehose) and pairs of both (CloudWatch Logs API reference). They are kept and
 * told as AWS does; of the services that could be a source there are none here, so nothing is
 * delivered. Flow logs go their own way, by CreateFlowLogs. */
#include "api/logs/kept_priv.h"

#include "aws/arn.h"
#include "aws/digest.h"
#include "aws/policy.h"

enum { ID_DIGITS = 16, TYPES_MAX = 6 };

/* What the API reference lists as logType (PutDeliverySource; EventBridge user guide), by the
 * service of the ARN. */
static const struct source_service {
	const char *name, *types[TYPES_MAX];
} services[] = {
	{"bedrock", {"APPLICATION_LOGS", "EVENT_LOGS"}},
	{"bedrock-agentcore", {"APPLICATION_LOGS", "USAGE_LOGS", "TRACES"}},
	{"cloudfront", {"ACCESS_LOGS"}},
	{"codewhisperer", {"EVENT_LOGS"}},
	{"ec2", {"EVENT_LOGS"}},
	{"eks", {"AUTO_MODE_BLOCK_STORAGE_LOGS", "AUTO_MODE_COMPUTE_LOGS", "AUTO_MODE_IPAM_LOGS",
			"AUTO_MODE_LOAD_BALANCING_LOGS"}},
	{"elasticloadbalancing", {"NLB_ACCESS_LOGS"}},
	{"entityresolution", {"WORKFLOW_LOGS"}},
	{"events", {"ERROR_LOGS", "INFO_LOGS", "TRACE_LOGS"}},
	{"mediapackagev2", {"EGRESS_ACCESS_LOGS", "INGRESS_ACCESS_LOGS"}},
	{"mediatailor", {"AD_DECISION_SERVER_LOGS", "MANIFEST_SERVICE_LOGS", "TRANSCODE_LOGS"}},
	{"network-firewall", {"ALERT_LOGS", "ALLOW_LOGS", "DENY_LOGS"}},
	{"pcs", {"PCS_SCHEDULER_LOGS", "PCS_JOBCOMP_LOGS", "PCS_SCHEDULER_AUDIT_LOGS"}},
	{"qbusiness", {"EVENT_LOGS", "SYNC_JOB_LOGS"}},
	{"quicksight", {"CHAT_LOGS", "FEEDBACK_LOGS"}},
	{"rtbfabric", {"APPLICATION_LOGS"}},
	{"securityhub", {"SECURITY_FINDING_LOGS"}},
	{"ses", {"APPLICATION_LOGS", "TRAFFIC_POLICY_DEBUG_LOGS"}},
	{"sso", {"ERROR_LOGS"}},
	{"workmail", {"ACCESS_CONTROL_LOGS", "AUTHENTICATION_LOGS",
			     "WORKMAIL_AVAILABILITY_PROVIDER_LOGS", "WORKMAIL_MAILBOX_ACCESS_LOGS",
			     "WORKMAIL_PERSONAL_ACCESS_TOKEN_LOGS"}},
};

/* What a delivery of CloudFront's has where nothing is said (CloudFront developer guide, "Standard
 * logging reference"). */
static const char *const cloudfront_fields[] = {"date", "time", "x-edge-location", "sc-bytes",
	"c-ip", "cs-method", "cs(Host)", "cs-uri-stem", "sc-status", "cs(Referer)",
	"cs(User-Agent)", "cs-uri-query", "cs(Cookie)", "x-edge-result-type", "x-edge-request-id",
	"x-host-header", "cs-protocol", "cs-bytes", "time-taken", "x-forwarded-for", "ssl-protocol",
	"ssl-cipher", "x-edge-response-result-type", "cs-protocol-version", "fle-status",
	"fle-encrypted-fields", "c-port", "time-to-first-byte", "x-edge-detailed-result-type",
	"sc-content-type", "sc-content-len", "sc-range-start", "sc-range-end"};
#define CLOUDFRONT_SUFFIX "AWSLogs/{account-id}/CloudFront/"

/* Of this server's region and account; what is global has no region. */
static bool is_here(const struct api_call *call, const struct aws_arn *arn)
{
	return !arn->region.n || (str_equal(arn->region, logs_of(call)->region) &&
					 str_equal(arn->account, logs_of(call)->account));
}

static int refuse(struct aws_error *error, const char *text)
{
	return aws_error_set(error, AWS_ERROR_VALIDATION_EXCEPTION, "%s", text);
}

static void copy_members(json_t *object, const struct api_call *call, const char *const *names)
{
	for (; *names; names++) {
		json_t *value = json_object_get(call->input, *names);
		if (value)
			json_object_set(object, *names, value);
	}
}

/* ---- all three ---- */

/* DescribeDeliverySources and so on: by what the operation's name ends with. */
static const struct logs_kept *kept_of(const struct api_call *call)
{
	struct str name = str_from(call->operation->name);

	if (str_ends_with(name, STR("Source")) || str_ends_with(name, STR("Sources")))
		return &logs_delivery_sources;
	if (str_ends_with(name, STR("Destination")) || str_ends_with(name, STR("Destinations")))
		return &logs_delivery_destinations;
	return &logs_deliveries;
}

LOGS_HANDLER(logs_get_delivery)
{
	const struct logs_kept *kept = kept_of(call);
	json_t *object = NULL;

	if (logs_kept_get(call, kept, logs_text(call, kept->key), &object, error) < 0)
		return -1;
	logs_kept_tell(call, kept, object);
	json_decref(object);
	return 0;
}

LOGS_HANDLER(logs_describe_deliveries)
{
	return logs_kept_list(call, kept_of(call), STR(""), error);
}

/* A source or destination goes when no delivery has it. */
static int delete_one(struct api_call *call, struct aws_error *error)
{
	const struct logs_kept *kept = kept_of(call);
	struct str name = logs_text(call, kept->key);
	bool is_used = false;
	json_t *object = NULL;

	if (logs_kept_get(call, kept, name, &object, error) < 0)
		return -1;
	struct str arn = logs_string(json_object_get(object, "arn"));
	int result = 0;
	if (kept == &logs_delivery_sources)
		result = logs_kept_any(
			call, &logs_deliveries, "deliverySourceName", name, &is_used, error);
	else if (kept == &logs_delivery_destinations)
		result = logs_kept_any(
			call, &logs_deliveries, "deliveryDestinationArn", arn, &is_used, error);
	json_decref(object);
	if (result == 0 && is_used)
		return aws_error_set(error, AWS_ERROR_CONFLICT_EXCEPTION,
			"It cannot be deleted while deliveries are associated with it.");
	return result < 0 ? -1 : logs_kept_delete(call, kept, name, error);
}

LOGS_HANDLER(logs_delete_delivery)
{
	logs_kept_lock();
	int result = delete_one(call, error);
	logs_kept_unlock();
	return result;
}

/* ---- sources ---- */

static int check_source(
	const struct api_call *call, struct str *ret_service, struct aws_error *error)
{
	struct str type = logs_text(call, "logType");
	struct aws_arn arn;

	if (!aws_arn_parse(logs_text(call, "resourceArn"), &arn))
		return refuse(error, "resourceArn is no ARN.");
	for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
		if (!str_equal(arn.service, str_from(services[i].name)))
			continue;
		*ret_service = arn.service;
		if (!is_here(call, &arn))
			return refuse(
				error, "resourceArn is of another region or another account.");
		for (size_t k = 0; k < TYPES_MAX && services[i].types[k]; k++)
			if (str_equal(type, str_from(services[i].types[k])))
				return 0;
		return refuse(error, "The service has no logs of this logType.");
	}
	return aws_error_set(
		error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION, "Cannot access provided service.");
}

static int put_source(struct api_call *call, struct str service, struct aws_error *error)
{
	static const char *const members[] = {
		"name", "logType", "deliverySourceConfiguration", "tags", NULL};
	struct str name = logs_text(call, "name"), resource = logs_text(call, "resourceArn");
	json_t *before = NULL;

	if (logs_kept_find(call, &logs_delivery_sources, name, &before, error) < 0)
		return -1;
	struct str old = logs_string(json_array_get(json_object_get(before, "resourceArns"), 0));
	bool is_other = before && !str_equal(old, resource);
	json_t *object = json_pack("{s:{}}", "tags");
	json_object_update(object, before);
	json_object_del(object, "deliverySourceConfiguration");
	json_object_set_new(
		object, "arn", logs_kept_arn(logs_of(call), &logs_delivery_sources, name));
	json_object_set_new(object, "resourceArns", json_pack("[o]", logs_json(resource)));
	json_object_set_new(object, "service", logs_json(service));
	json_decref(before);
	copy_members(object, call, members);
	int result = is_other ? aws_error_set(error, AWS_ERROR_CONFLICT_EXCEPTION,
					"The delivery source has another resource.")
			      : logs_kept_put(call, &logs_delivery_sources, object, error);
	if (result == 0)
		logs_kept_tell(call, &logs_delivery_sources, object);
	json_decref(object);
	return result;
}

LOGS_HANDLER(logs_put_delivery_source)
{
	struct str service = STR_NONE;

	if (check_source(call, &service, error) < 0 || logs_check_tags(call, error) < 0)
		return -1;
	logs_kept_lock();
	int result = put_source(call, service, error);
	logs_kept_unlock();
	return result;
}

/* ---- destinations ---- */

static int check_destination(
	const struct api_call *call, const char **ret_type, struct aws_error *error)
{
	static const struct {
		const char *service, *type;
	} types[] = {{"s3", "S3"}, {"logs", "CWL"}, {"firehose", "FH"}};
	const json_t *configuration =
		json_object_get(call->input, "deliveryDestinationConfiguration");
	struct str type = logs_text(call, "deliveryDestinationType");
	struct aws_arn arn;

	/* X-Ray has no resource. */
	if (!configuration && str_equal(type, STR("XRAY"))) {
		*ret_type = "XRAY";
		return 0;
	}
	if (!aws_arn_parse(
		    logs_string(json_object_get(configuration, "destinationResourceArn")), &arn))
		return refuse(error, "destinationResourceArn is no ARN.");
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (!str_equal(arn.service, str_from(types[i].service)))
			continue;
		*ret_type = types[i].type;
		if (!is_here(call, &arn) || (arn.region.n > 0) == (i == 0))
			return refuse(error,
				"destinationResourceArn is of another region or another account.");
		return type.p && !str_equal(type, str_from(types[i].type))
			       ? refuse(error, "deliveryDestinationType is not that of the ARN.")
			       : 0;
	}
	return refuse(error, "Logs are delivered to buckets, log groups and streams of Firehose.");
}

static int put_destination(struct api_call *call, const char *type, struct aws_error *error)
{
	static const char *const members[] = {
		"name", "outputFormat", "deliveryDestinationConfiguration", "tags", NULL};
	struct str name = logs_text(call, "name"), format = logs_text(call, "outputFormat");
	json_t *before = NULL;

	if (logs_kept_find(call, &logs_delivery_destinations, name, &before, error) < 0)
		return -1;
	struct str old = logs_string(json_object_get(before, "outputFormat"));
	bool is_other = before && format.p && !(old.p && str_equal(old, format));
	json_t *object = json_pack("{s:{}}", "tags");
	json_object_update(object, before);
	json_decref(before);
	json_object_set_new(
		object, "arn", logs_kept_arn(logs_of(call), &logs_delivery_destinations, name));
	json_object_set_new(object, "deliveryDestinationType", json_string(type));
	int result = is_other ? refuse(error, "The outputFormat of a delivery destination "
					      "cannot be changed.")
			      : 0;
	if (result == 0) {
		copy_members(object, call, members);
		result = logs_kept_put(call, &logs_delivery_destinations, object, error);
	}
	if (result == 0)
		logs_kept_tell(call, &logs_delivery_destinations, object);
	json_decref(object);
	return result;
}

LOGS_HANDLER(logs_put_delivery_destination)
{
	const char *type = "";

	if (check_destination(call, &type, error) < 0 || logs_check_tags(call, error) < 0)
		return -1;
	logs_kept_lock();
	int result = put_destination(call, type, error);
	logs_kept_unlock();
	return result;
}

/* ---- policies of destinations: the member ".policy" ---- */

static void tell_policy(struct api_call *call, const json_t *object)
{
	json_t *policy = json_object(), *text = json_object_get(object, ".policy");

	if (text)
		json_object_set(policy, "deliveryDestinationPolicy", text);
	json_object_set_new(call->output, "policy", policy);
}

/* text NULL: away with it. */
static int change_policy(struct api_call *call, json_t *text, struct aws_error *error)
{
	json_t *object = NULL;

	if (logs_kept_get(call, &logs_delivery_destinations,
		    logs_text(call, "deliveryDestinationName"), &object, error) < 0)
		return -1;
	if (text)
		json_object_set(object, ".policy", text);
	else
		json_object_del(object, ".policy");
	int result = logs_kept_put(call, &logs_delivery_destinations, object, error);
	if (result == 0 && text)
		tell_policy(call, object);
	json_decref(object);
	return result;
}

LOGS_HANDLER(logs_put_delivery_policy)
{
	_cleanup_(aws_policy_freep) struct aws_policy *parsed = NULL;
	struct err err = ERR_INIT;

	if (aws_policy_parse(&parsed, logs_text(call, "deliveryDestinationPolicy"), AWS_POLICY_KEPT,
		    &err) < 0)
		return refuse(error, err.message);
	logs_kept_lock();
	int result = change_policy(
		call, json_object_get(call->input, "deliveryDestinationPolicy"), error);
	logs_kept_unlock();
	return result;
}

LOGS_HANDLER(logs_delete_delivery_policy)
{
	logs_kept_lock();
	int result = change_policy(call, NULL, error);
	logs_kept_unlock();
	return result;
}

LOGS_HANDLER(logs_get_delivery_policy)
{
	json_t *object = NULL;

	if (logs_kept_get(call, &logs_delivery_destinations,
		    logs_text(call, "deliveryDestinationName"), &object, error) < 0)
		return -1;
	tell_policy(call, object);
	json_decref(object);
	return 0;
}

/* ---- pairs ---- */

static void make_id(char ret_id[static ID_DIGITS + 1])
{
	static const char digits[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	uint8_t bytes[ID_DIGITS];

	aws_random(bytes, sizeof(bytes));
	for (size_t i = 0; i < ID_DIGITS; i++)
		ret_id[i] = digits[bytes[i] % (sizeof(digits) - 1)];
	ret_id[ID_DIGITS] = '\0';
}

/* Where nothing is said. */
static void add_defaults(json_t *delivery, const json_t *source, const char *type)
{
	json_t *s3 = json_object_get(delivery, "s3DeliveryConfiguration");
	bool is_cloudfront =
		str_equal(logs_string(json_object_get(source, "service")), STR("cloudfront"));

	if (is_cloudfront && !json_object_get(delivery, "recordFields")) {
		json_t *fields = json_array();
		for (size_t i = 0; i < ARRAY_SIZE(cloudfront_fields); i++)
			json_array_append_new(fields, json_string(cloudfront_fields[i]));
		json_object_set_new(delivery, "recordFields", fields);
	}
	if (strcmp(type, "S3") != 0)
		return;
	json_t *whole = json_pack("{s:b}", "enableHiveCompatiblePath", false);
	if (is_cloudfront)
		json_object_set_new(whole, "suffixPath", json_string(CLOUDFRONT_SUFFIX));
	json_object_update(whole, s3);
	json_object_set_new(delivery, "s3DeliveryConfiguration", whole);
}

struct pair {
	struct str source, destination;
	bool is_there;
};

static int read_destination(
	const struct api_call *call, struct str text, struct str *ret_name, struct aws_error *error)
{
	const struct logs *logs = logs_of(call);
	struct str type;
	struct aws_arn arn;

	if (!aws_arn_parse(text, &arn) || !str_equal(arn.service, STR("logs")) ||
		!str_equal(arn.region, logs->region))
		return refuse(
			error, "deliveryDestinationArn is no delivery destination of this region.");
	aws_arn_split_resource(arn.resource, &type, ret_name);
	if (!str_equal(type, str_from(logs_delivery_destinations.type)))
		return refuse(error, "deliveryDestinationArn is no delivery destination.");
	if (!str_equal(arn.account, logs->account))
		return aws_error_set(error, AWS_ERROR_ACCESS_DENIED_EXCEPTION,
			"Deliveries to another account are not possible.");
	return 0;
}

static int check_pair(struct api_call *call, struct pair *pair, json_t **ret_source,
	json_t **ret_destination, struct aws_error *error)
{
	struct str name = STR_NONE;

	if (read_destination(call, pair->destination, &name, error) < 0)
		return -1;
	if (logs_kept_get(call, &logs_delivery_sources, pair->source, ret_source, error) < 0 ||
		logs_kept_get(call, &logs_delivery_destinations, name, ret_destination, error) < 0)
		return -1;
	_cleanup_free_ char *both =
		mem_printf("%.*s %.*s", STR_ARG(pair->source), STR_ARG(pair->destination));
	return logs_kept_any(
		call, &logs_deliveries, ".pair", str_from(both), &pair->is_there, error);
}

static json_t *delivery_of(const struct api_call *call, const struct pair *pair,
	const json_t *source, const json_t *destination)
{
	static const char *const members[] = {"deliverySourceName", "deliveryDestinationArn",
		"recordFields", "fieldDelimiter", "s3DeliveryConfiguration", "tags", NULL};
	const char *type =
		json_string_value(json_object_get(destination, "deliveryDestinationType"));
	_cleanup_free_ char *both =
		mem_printf("%.*s %.*s", STR_ARG(pair->source), STR_ARG(pair->destination));
	char id[ID_DIGITS + 1];

	make_id(id);
	json_t *delivery = json_pack("{s:s, s:o, s:s, s:s, s:{}}", "id", id, "arn",
		logs_kept_arn(logs_of(call), &logs_deliveries, str_from(id)),
		"deliveryDestinationType", type, ".pair", both, "tags");
	copy_members(delivery, call, members);
	add_defaults(delivery, source, type);
	return delivery;
}

static int create(struct api_call *call, struct aws_error *error)
{
	struct pair pair = {logs_text(call, "deliverySourceName"),
		logs_text(call, "deliveryDestinationArn"), false};
	json_t *source = NULL, *destination = NULL, *delivery = NULL;
	int result = check_pair(call, &pair, &source, &destination, error);

	if (result == 0 && pair.is_there)
		result = aws_error_set(error, AWS_ERROR_CONFLICT_EXCEPTION,
			"Delivery already exists for this source and destination.");
	if (result == 0) {
		delivery = delivery_of(call, &pair, source, destination);
		result = logs_kept_put(call, &logs_deliveries, delivery, error);
	}
	if (result == 0)
		logs_kept_tell(call, &logs_deliveries, delivery);
	json_decref(source);
	json_decref(destination);
	json_decref(delivery);
	return result;
}

LOGS_HANDLER(logs_create_delivery)
{
	if (logs_check_tags(call, error) < 0)
		return -1;
	logs_kept_lock();
	int result = create(call, error);
	logs_kept_unlock();
	return result;
}

static int update(struct api_call *call, struct aws_error *error)
{
	static const char *const members[] = {"recordFields", "fieldDelimiter", NULL};
	json_t *delivery = NULL;
	json_t *s3 = json_object_get(call->input, "s3DeliveryConfiguration");

	if (logs_kept_get(call, &logs_deliveries, logs_text(call, "id"), &delivery, error) < 0)
		return -1;
	json_t *old = json_object_get(delivery, "s3DeliveryConfiguration");
	int result = s3 && !old ? refuse(error, "The delivery's destination is no bucket.") : 0;
	if (result == 0) {
		copy_members(delivery, call, members);
		json_object_update(old, s3);
		result = logs_kept_put(call, &logs_deliveries, delivery, error);
	}
	json_decref(delivery);
	return result;
}

LOGS_HANDLER(logs_update_delivery)
{
	logs_kept_lock();
	int result = update(call, error);
	logs_kept_unlock();
	return result;
}
