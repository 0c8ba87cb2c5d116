/* Lifecycle rules: read and checked. Transitions are checked and kept, and have nothing to do here:
 * there is one class of storage. Expiration is carried out by lifecycle_run.c. */
#include "api/s3/lifecycle_priv.h"

#include "aws/digest.h"
#include "aws/time.h"
#include "aws/uri.h"
#include "base/number.h"

static int malformed(struct aws_error *error)
{
	return aws_error_default(error, AWS_ERROR_MALFORMED_XML);
}

static int read_days(const struct aws_xml_node *node, struct str name, int64_t min,
	int64_t *ret_days, struct aws_error *error)
{
	struct str text = aws_xml_text(node, name);

	if (!text.p)
		return 0;
	if (!number_parse_signed(text, INT32_MIN, INT32_MAX, ret_days))
		return malformed(error);
	if (*ret_days < min)
		return aws_error_set(error, AWS_ERROR_INVALID_ARGUMENT,
			"'%.*s' for the rule must be a %s integer", STR_ARG(name),
			min > 0 ? "positive" : "nonnegative");
	return 0;
}

static int read_date(const struct aws_xml_node *node, int64_t *ret_ms, struct aws_error *error)
{
	struct str text = aws_xml_text(node, STR("Date"));

	if (!text.p)
		return 0;
	if (!aws_time_parse_iso8601(text, ret_ms))
		return malformed(error);
	if (*ret_ms % S3_DAY_MS != 0)
		return aws_error_set(
			error, AWS_ERROR_INVALID_ARGUMENT, "'Date' must be at midnight GMT");
	return 0;
}

static int add_tag(struct s3_rule *rule, const struct aws_xml_node *tag, struct aws_error *error)
{
	struct str key = aws_xml_text(tag, STR("Key")), value = aws_xml_text(tag, STR("Value"));

	if (!key.n || !value.p)
		return malformed(error);
	if (rule->tags.n)
		buf_add_char(&rule->tags, '&');
	aws_uri_encode(&rule->tags, key, AWS_URI_ENCODE_SLASH);
	buf_add_char(&rule->tags, '=');
	aws_uri_encode(&rule->tags, value, AWS_URI_ENCODE_SLASH);
	return 0;
}

static int read_filter(
	struct s3_rule *rule, const struct aws_xml_node *filter, struct aws_error *error)
{
	const struct aws_xml_node *and = aws_xml_child(filter, STR("And")),
				  *inside = and? and : filter;
	const struct aws_xml_node *tag = aws_xml_child(inside, STR("Tag"));
	struct str prefix = aws_xml_text(inside, STR("Prefix"));

	if (prefix.p)
		rule->prefix = prefix;
	for (; tag; tag = aws_xml_next(tag))
		if (add_tag(rule, tag, error) < 0)
			return -1;
	return read_days(inside, STR("ObjectSizeGreaterThan"), 0, &rule->larger_than, error) < 0 ||
			       read_days(inside, STR("ObjectSizeLessThan"), 1, &rule->smaller_than,
				       error) < 0
		       ? -1
		       : 0;
}

static int read_expiration(
	struct s3_rule *rule, const struct aws_xml_node *expiration, struct aws_error *error)
{
	struct str marker = aws_xml_text(expiration, STR("ExpiredObjectDeleteMarker"));
	int kinds = 0;

	if (!expiration)
		return 0;
	if (read_days(expiration, STR("Days"), 1, &rule->days, error) < 0 ||
		read_date(expiration, &rule->date_ms, error) < 0)
		return -1;
	rule->expires_markers = str_equal_ignoring_case(marker, STR("true"));
	kinds += aws_xml_child(expiration, STR("Days")) != NULL;
	kinds += aws_xml_child(expiration, STR("Date")) != NULL;
	kinds += marker.p != NULL;
	return kinds == 1 ? 0 : malformed(error);
}

static int check_transitions(const struct aws_xml_node *rule, struct aws_error *error)
{
	const struct aws_xml_node *one = aws_xml_child(rule, STR("Transition"));
	int64_t days = 0, date = 0;

	for (; one; one = aws_xml_next(one)) {
		if (read_days(one, STR("Days"), 0, &days, error) < 0 ||
			read_date(one, &date, error) < 0)
			return -1;
		if (s3_storage_class(aws_xml_text(one, STR("StorageClass")), error) < 0)
			return malformed(error);
	}
	one = aws_xml_child(rule, STR("NoncurrentVersionTransition"));
	for (; one; one = aws_xml_next(one)) {
		if (read_days(one, STR("NoncurrentDays"), 0, &days, error) < 0)
			return -1;
		if (s3_storage_class(aws_xml_text(one, STR("StorageClass")), error) < 0)
			return malformed(error);
	}
	return 0;
}

static int read_rule(struct s3_rule *rule, const struct aws_xml_node *node, struct aws_error *error)
{
	struct str status = aws_xml_text(node, STR("Status")),
		   prefix = aws_xml_text(node, STR("Prefix"));
	const struct aws_xml_node *filter = aws_xml_child(node, STR("Filter"));
	const struct aws_xml_node *noncurrent =
		aws_xml_child(node, STR("NoncurrentVersionExpiration"));
	const struct aws_xml_node *abort =
		aws_xml_child(node, STR("AbortIncompleteMultipartUpload"));

	*rule = (struct s3_rule){.id = aws_xml_text(node, STR("ID")),
		.prefix = prefix.p ? prefix : STR(""),
		.larger_than = -1,
		.smaller_than = INT64_MAX};
	rule->is_enabled = str_equal(status, STR("Enabled"));
	if (!rule->is_enabled && !str_equal(status, STR("Disabled")))
		return malformed(error);
	if (filter && prefix.p)
		return malformed(error);
	if (rule->id.n > S3_RULE_ID_MAX)
		return aws_error_set(error, AWS_ERROR_INVALID_ARGUMENT,
			"ID length should not exceed allowed limit of %d", S3_RULE_ID_MAX);
	if (read_filter(rule, filter, error) < 0 ||
		read_expiration(rule, aws_xml_child(node, STR("Expiration")), error) < 0 ||
		read_days(noncurrent, STR("NoncurrentDays"), 1, &rule->noncurrent_days, error) <
			0 ||
		read_days(noncurrent, STR("NewerNoncurrentVersions"), 1, &rule->newer_noncurrent,
			error) < 0 ||
		read_days(abort, STR("DaysAfterInitiation"), 1, &rule->abort_days, error) < 0)
		return -1;
	if ((noncurrent && !rule->noncurrent_days) || (abort && !rule->abort_days))
		return malformed(error);
	if (!aws_xml_child(node, STR("Expiration")) && !noncurrent && !abort &&
		!aws_xml_child(node, STR("Transition")) &&
		!aws_xml_child(node, STR("NoncurrentVersionTransition")))
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"At least one action needs to be specified in a rule.");
	return check_transitions(node, error);
}

int s3_lifecycle_parse(struct s3_lifecycle **ret_lifecycle, struct str xml, struct aws_error *error)
{
	_cleanup_(s3_lifecycle_freep) struct s3_lifecycle *lifecycle =
		mem_new(1, sizeof(*lifecycle));
	size_t n = 0;

	if (s3_xml_parse(&lifecycle->document, xml, "LifecycleConfiguration", error) < 0)
		return -1;
	const struct aws_xml_node *node =
		aws_xml_child(aws_xml_root(lifecycle->document), STR("Rule"));
	for (const struct aws_xml_node *at = node; at; at = aws_xml_next(at))
		n++;
	if (n == 0 || n > S3_RULES_MAX)
		return malformed(error);
	lifecycle->rules = mem_new(n, sizeof(*lifecycle->rules));
	for (; node; node = aws_xml_next(node)) {
		struct s3_rule *rule = &lifecycle->rules[lifecycle->count++];

		if (read_rule(rule, node, error) < 0)
			return -1;
		for (size_t i = 0; rule->id.n && i + 1 < lifecycle->count; i++)
			if (str_equal(rule->id, lifecycle->rules[i].id))
				return aws_error_set(error, AWS_ERROR_INVALID_ARGUMENT,
					"Rule ID must be unique. Found same ID for more than one rule");
	}
	*ret_lifecycle = take(lifecycle);
	return 0;
}

void s3_lifecycle_free(struct s3_lifecycle *lifecycle)
{
	if (!lifecycle)
		return;
	for (size_t i = 0; i < lifecycle->count; i++)
		buf_done(&lifecycle->rules[i].tags);
	free(lifecycle->rules);
	aws_xml_free(lifecycle->document);
	free(lifecycle);
}

/* ---- names for rules without one ---- */

/* Copies a node with what is in it; depth is bounded by the parser. */
// NOLINTNEXTLINE(misc-no-recursion): as deep as the parser lets a document be
static void copy(struct buf *buf, const struct aws_xml_node *node)
{
	buf_printf(buf, "<%.*s>", STR_ARG(node->name));
	if (!node->first_child)
		aws_xml_escape(buf, node->text);
	for (const struct aws_xml_node *child = node->first_child; child; child = child->next)
		copy(buf, child);
	buf_printf(buf, "</%.*s>", STR_ARG(node->name));
}

static void add_id(struct buf *buf)
{
	uint8_t bytes[18];

	aws_random(bytes, sizeof(bytes));
	buf_add_text(buf, "<ID>");
	aws_base64_add(buf, bytes, sizeof(bytes));
	buf_add_text(buf, "</ID>");
}

int s3_lifecycle_name(struct str xml, struct buf *changed, struct aws_error *error)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;
	struct aws_xml_writer writer;
	bool all = true;

	if (s3_xml_parse(&document, xml, "LifecycleConfiguration", error) < 0)
		return -1;
	const struct aws_xml_node *root = aws_xml_root(document);
	for (const struct aws_xml_node *at = aws_xml_child(root, STR("Rule")); at;
		at = aws_xml_next(at))
		all &= aws_xml_text(at, STR("ID")).n > 0;
	if (all)
		return 0;
	s3_xml(&writer, changed, "LifecycleConfiguration");
	for (const struct aws_xml_node *at = aws_xml_child(root, STR("Rule")); at;
		at = aws_xml_next(at)) {
		buf_add_text(changed, "<Rule>");
		if (!aws_xml_text(at, STR("ID")).n)
			add_id(changed);
		for (const struct aws_xml_node *child = at->first_child; child; child = child->next)
			if (!str_equal(child->name, STR("ID")) || child->text.n)
				copy(changed, child);
		buf_add_text(changed, "</Rule>");
	}
	aws_xml_end(&writer);
	return 0;
}

/* ---- does a rule concern an object? ---- */

static bool has_tag(struct str encoded, struct str key, struct str value)
{
	_cleanup_buf_ struct buf storage = {0};
	struct str k, v;

	while (s3_tags_next(&encoded, &storage, &k, &v))
		if (str_equal(k, key) && str_equal(v, value))
			return true;
	return false;
}

bool s3_rule_fits(const struct s3_rule *rule, struct str key, int64_t size, struct str tags)
{
	_cleanup_buf_ struct buf storage = {0};
	struct str wanted = buf_str(&rule->tags), k, v;

	if (!rule->is_enabled || !str_starts_with(key, rule->prefix) || size <= rule->larger_than ||
		size >= rule->smaller_than)
		return false;
	while (wanted.n && s3_tags_next(&wanted, &storage, &k, &v))
		if (!has_tag(tags, k, v))
			return false;
	return true;
}

int64_t s3_rule_due(const struct s3_rule *rule, int64_t since_ms, int64_t days, int64_t day_ms)
{
	int64_t due = since_ms + days * day_ms;

	/* S3 counts whole days: the next midnight after. */
	return day_ms == S3_DAY_MS ? (due + S3_DAY_MS - 1) / S3_DAY_MS * S3_DAY_MS : due;
}

void s3_lifecycle_answer(struct s3_call *call, const struct store_object *object)
{
	const struct s3_lifecycle *lifecycle = call->info->lifecycle;
	const struct s3_rule *first = NULL;
	int64_t first_ms = INT64_MAX;
	char text[AWS_TIME_STR_MAX];
	_cleanup_buf_ struct buf id = {0};

	for (size_t i = 0; lifecycle && i < lifecycle->count; i++) {
		const struct s3_rule *rule = &lifecycle->rules[i];
		int64_t due = rule->date_ms;

		if ((!rule->days && !due) ||
			!s3_rule_fits(rule, call->key, object->size, object->tags))
			continue;
		if (rule->days)
			due = s3_rule_due(rule, object->modified_ms, rule->days, S3_DAY_MS);
		if (due < first_ms) {
			first_ms = due;
			first = rule;
		}
	}
	if (!first || (call->version.n && !object->is_latest))
		return;
	aws_uri_encode(&id, first->id.p ? first->id : STR(""), AWS_URI_ENCODE_SLASH);
	api_answer_header_format(call->exchange, "x-amz-expiration",
		"expiry-date=\"%.*s\", rule-id=\"%.*s\"",
		(int)(aws_time_write_http(text, first_ms) - text), text, STR_ARG(buf_str(&id)));
}
