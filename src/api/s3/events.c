/* Notifications: which events of a bucket go where, and what one looks like (S3 user guide, "Event
 * message structure"). Where: a webhook. The ARN of the configuration's Topic, Queue or
 * CloudFunction is the URL itself, or any ARN whose resource is the URL, for clients that check
 * ARNs: arn:aws:sns:us-east-1:123456789012:http://127.0.0.1:8080/hook */
#include "api/s3/s3_priv.h"

#include "aws/arn.h"
#include "aws/time.h"
#include "aws/uri.h"
#include "base/clock.h"

#include <jansson.h>

#define TARGETS_MAX 100

struct target {
	const struct aws_xml_node *node; /* Id, Event, Filter */
	struct str url;
};

struct s3_events {
	struct aws_xml *document;
	struct target targets[TARGETS_MAX];
	size_t count;
};

static const char *const known[] = {"s3:TestEvent", "s3:ObjectCreated:*", "s3:ObjectCreated:Put",
	"s3:ObjectCreated:Post", "s3:ObjectCreated:Copy",
	"s3:ObjectCreated:CompleteMultipartUpload", "s3:ObjectRemoved:*", "s3:ObjectRemoved:Delete",
	"s3:ObjectRemoved:DeleteMarkerCreated", "s3:ObjectTagging:*", "s3:ObjectTagging:Put",
	"s3:ObjectTagging:Delete", "s3:ObjectAcl:Put", "s3:LifecycleExpiration:*",
	"s3:LifecycleExpiration:Delete", "s3:LifecycleExpiration:DeleteMarkerCreated"};

static bool is_url(struct str text)
{
	return str_starts_with(text, STR("http://")) || str_starts_with(text, STR("https://"));
}

static int unreachable(struct aws_error *error, struct str arn)
{
	return s3_invalid_argument(error, "Destination", arn,
		"Unable to validate the following destination configurations");
}

static int add_target(struct s3_events *events, const struct aws_xml_node *node, struct str where,
	struct aws_error *error)
{
	const struct aws_xml_node *event = aws_xml_child(node, STR("Event"));
	const struct aws_xml_node *rule = aws_xml_child(
		aws_xml_child(aws_xml_child(node, STR("Filter")), STR("S3Key")), STR("FilterRule"));
	struct aws_arn arn;

	if (!event)
		return aws_error_default(error, AWS_ERROR_MALFORMED_XML);
	for (; event; event = aws_xml_next(event)) {
		bool is_known = false;

		for (size_t i = 0; i < ARRAY_SIZE(known); i++)
			is_known |= str_equal(event->text, str_from(known[i]));
		if (!is_known)
			return s3_invalid_argument(error, "Event", event->text,
				"The event is not supported for notifications");
	}
	for (; rule; rule = aws_xml_next(rule)) {
		struct str name = aws_xml_text(rule, STR("Name"));
		if (!str_equal_ignoring_case(name, STR("prefix")) &&
			!str_equal_ignoring_case(name, STR("suffix")))
			return s3_invalid_argument(error, "FilterRule.Name", name,
				"filter rule name must be either prefix or suffix");
	}
	struct target *target = &events->targets[events->count];
	target->node = node;
	target->url = is_url(where) ? where : aws_arn_parse(where, &arn) ? arn.resource : STR("");
	if (!is_url(target->url) || events->count + 1 == TARGETS_MAX)
		return unreachable(error, where);
	events->count++;
	return 0;
}

MEM_DEFINE_CLEANUP(struct s3_events, s3_events_free)

int s3_events_parse(struct s3_events **ret_events, struct str xml, struct aws_error *error)
{
	static const struct {
		struct str element, where;
	} kinds[] = {{{"TopicConfiguration", 18}, {"Topic", 5}},
		{{"QueueConfiguration", 18}, {"Queue", 5}},
		{{"CloudFunctionConfiguration", 26}, {"CloudFunction", 13}}};
	_cleanup_(s3_events_freep) struct s3_events *events = mem_new(1, sizeof(*events));

	if (s3_xml_parse(&events->document, xml, "NotificationConfiguration", error) < 0)
		return -1;
	const struct aws_xml_node *node = aws_xml_root(events->document)->first_child;
	for (; node; node = node->next) {
		size_t kind = 0;

		while (kind < ARRAY_SIZE(kinds) && !str_equal(node->name, kinds[kind].element))
			kind++;
		if (kind == ARRAY_SIZE(kinds)) {
			unreachable(error, node->name);
			return -1;
		}
		struct str where = aws_xml_text(node, kinds[kind].where);
		if (add_target(events, node, where.p ? where : STR(""), error) < 0)
			return -1;
	}
	*ret_events = take(events);
	return 0;
}

int s3_events_check(const struct s3 *s3, struct str xml, struct aws_error *error)
{
	_cleanup_(s3_events_freep) struct s3_events *events = NULL;

	if (s3_events_parse(&events, xml, error) < 0)
		return -1;
	for (size_t i = 0; i < events->count; i++)
		if (!s3_webhook_may(s3, events->targets[i].url))
			return s3_invalid_argument(error, "Destination", events->targets[i].url,
				"Unable to validate the following destination configurations: "
				"the server is not set to post there (webhook-host)");
	return 0;
}

void s3_events_free(struct s3_events *events)
{
	if (!events)
		return;
	aws_xml_free(events->document);
	free(events);
}

static bool wants(const struct target *target, const char *name, struct str key)
{
	const struct aws_xml_node *event = aws_xml_child(target->node, STR("Event"));
	const struct aws_xml_node *rule = aws_xml_child(
		aws_xml_child(aws_xml_child(target->node, STR("Filter")), STR("S3Key")),
		STR("FilterRule"));
	bool is_wanted = false;

	for (; event; event = aws_xml_next(event)) {
		struct str pattern = {event->text.p + 3, event->text.n - 3}; /* without "s3:" */

		if (str_ends_with(pattern, STR("*")))
			is_wanted |= str_starts_with(
				str_from(name), (struct str){pattern.p, pattern.n - 1});
		else
			is_wanted |= str_equal(pattern, str_from(name));
	}
	for (; rule && is_wanted; rule = aws_xml_next(rule)) {
		struct str value = aws_xml_text(rule, STR("Value"));

		if (!value.p)
			continue;
		if (str_equal_ignoring_case(aws_xml_text(rule, STR("Name")), STR("prefix")))
			is_wanted = str_starts_with(key, value);
		else
			is_wanted = str_ends_with(key, value);
	}
	return is_wanted;
}

struct happening {
	struct s3 *s3;
	const struct s3_bucket *info;
	const char *name;
	const struct store_object *object;
	struct str key, principal, peer;
	const char *request_id, *host_id;
};

static json_t *object_of(const struct happening *happening)
{
	_cleanup_buf_ struct buf key = {0};
	const struct store_object *object = happening->object;
	char sequencer[24];

	aws_uri_encode_listing(&key, happening->key);
	snprintf(sequencer, sizeof(sequencer), "%018llX", (unsigned long long)clock_wall_ns());
	json_t *json = json_pack("{s:s%}", "key", key.p ? key.p : "", (int)key.n);
	if (object->etag[0]) {
		json_object_set_new(json, "size", json_integer(object->size));
		json_object_set_new(json, "eTag", json_string(object->etag));
	}
	if (object->version[0] && happening->info->bucket.versioning != STORE_VERSIONING_NEVER)
		json_object_set_new(json, "versionId", json_string(object->version));
	json_object_set_new(json, "sequencer", json_string(sequencer));
	return json;
}

static json_t *record_of(const struct happening *happening, struct str id)
{
	const struct store_bucket *bucket = &happening->info->bucket;
	char when[AWS_TIME_STR_MAX];
	int when_size = (int)(aws_time_write_millis(when, clock_wall_ns() / 1000000) - when);

	return json_pack(
		"{s:s, s:s, s:s%, s:s%, s:s, s:{s:s%}, s:{s:s%}, s:{s:s, s:s}, s:{s:s, s:s%, s:{s:s%, s:{s:s%}, s:o}, s:o}}",
		"eventVersion", "2.2", "eventSource", "aws:s3", "awsRegion", bucket->region.p,
		(int)bucket->region.n, "eventTime", when, when_size, "eventName", happening->name,
		"userIdentity", "principalId", happening->principal.p, (int)happening->principal.n,
		"requestParameters", "sourceIPAddress", happening->peer.p, (int)happening->peer.n,
		"responseElements", "x-amz-request-id", happening->request_id, "x-amz-id-2",
		happening->host_id, "s3", "s3SchemaVersion", "1.0", "configurationId", id.p,
		(int)id.n, "bucket", "name", bucket->name.p, (int)bucket->name.n, "ownerIdentity",
		"principalId", bucket->owner.p, (int)bucket->owner.n, "arn",
		json_sprintf("arn:aws:s3:::%.*s", STR_ARG(bucket->name)), "object",
		object_of(happening));
}

static void send_one(const struct happening *happening, const struct target *target)
{
	struct str id = aws_xml_text(target->node, STR("Id"));
	json_t *record = record_of(happening, id.p ? id : STR(""));
	json_t *root = record ? json_pack("{s:[o]}", "Records", record) : NULL;
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

	json_decref(root);
	if (!text)
		return;
	s3_send(happening->s3, target->url, str_from(text));
	free(text);
}

static void tell(const struct happening *happening)
{
	const struct s3_events *events = happening->info->events;

	for (size_t i = 0; events && i < events->count; i++)
		if (wants(&events->targets[i], happening->name, happening->key))
			send_one(happening, &events->targets[i]);
}

void s3_event(struct s3_call *call, const char *name, const struct store_object *object)
{
	const struct store_caller *caller = call->exchange->caller;
	struct happening happening = {.s3 = call->s3,
		.info = call->info,
		.name = name,
		.object = object,
		.key = object->key.n ? object->key : call->key,
		.principal = caller ? caller->user_id : STR("Anonymous"),
		.peer = str_from(call->exchange->peer),
		.request_id = call->exchange->request_id,
		.host_id = api_host_id(call->exchange)};

	if (call->info->events)
		tell(&happening);
}

void s3_event_of(struct s3 *s3, const struct s3_bucket *info, const char *name,
	const struct store_object *object)
{
	struct happening happening = {.s3 = s3,
		.info = info,
		.name = name,
		.object = object,
		.key = object->key,
		.principal = STR("s3.amazonaws.com"),
		.peer = STR("s3.amazonaws.com"),
		.request_id = "",
		.host_id = ""};

	if (info->events)
		tell(&happening);
}
