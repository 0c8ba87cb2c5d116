/* Forms: the requests of awsQuery and ec2Query. The parameters' names are paths
 * ("Tags.member.2.Key"); sorted by their segments, numbers by value, they become a tree in one
 * pass, and the shapes then walk the tree. */
#include "api/protocol/codec_priv.h"

#include "aws/time.h"
#include "aws/uri.h"
#include "base/number.h"

#include <stdlib.h>
#include <string.h>

enum { FORM_PARAMETERS_MAX = 20000, FORM_SEGMENTS_MAX = 3 * CODEC_DEPTH_MAX };

struct parameter {
	struct str name, value;
	size_t order;
};

/* The children of a node follow it: first_child is the next row, next the row behind them all. */
struct node {
	struct str name; /* one segment */
	struct str value;
	bool has_value;
	size_t next; /* row of the next sibling; 0: none */
	size_t first_child;
	size_t last_child; /* while building */
};

struct codec_form {
	struct buf text; /* decoded names and values */
	struct parameter *parameters;
	size_t parameter_count;
	struct node *nodes; /* [0] is the root */
	size_t node_count;
};

void codec_form_free(struct codec_form *form)
{
	if (!form)
		return;
	buf_done(&form->text);
	free(form->parameters);
	free(form->nodes);
	free(form);
}

static size_t count_parameters(struct str text)
{
	size_t count = text.n > 0;

	for (size_t i = 0; i < text.n; i++)
		count += text.p[i] == '&';
	return count;
}

/* The decoded text is never longer than the coded, so that its room is reserved once and what
 * points into it stays. */
static int add_parameters(const struct codec *codec, struct codec_form *form, struct str text)
{
	struct str name, value;

	while (aws_uri_next_parameter(&text, &name, &value)) {
		struct parameter *parameter = &form->parameters[form->parameter_count];
		size_t start = form->text.n;
		if (!aws_uri_decode(&form->text, name, AWS_URI_PLUS_IS_SPACE))
			return codec_refuse(codec, "A parameter's name is not percent-encoded");
		size_t middle = form->text.n;
		if (!aws_uri_decode(&form->text, value, AWS_URI_PLUS_IS_SPACE))
			return codec_refuse(codec, "The value of '%.*s' is not percent-encoded",
				(int)(middle - start < 128 ? middle - start : 128),
				form->text.p + start);
		parameter->name = (struct str){form->text.p + start, middle - start};
		parameter->value = (struct str){form->text.p + middle, form->text.n - middle};
		parameter->order = form->parameter_count++;
	}
	return 0;
}

static bool is_index(struct str segment, uint64_t *ret_index)
{
	return segment.n && segment.p[0] >= '0' && segment.p[0] <= '9' &&
	       number_parse(segment, UINT32_MAX, ret_index);
}

static int compare_segments(struct str a, struct str b)
{
	uint64_t left, right;
	bool is_left = is_index(a, &left), is_right = is_index(b, &right);

	if (is_left && is_right && left != right)
		return left < right ? -1 : 1;
	if (is_left != is_right)
		return is_left ? -1 : 1;
	return str_compare(a, b);
}

static int compare_parameters(const void *left, const void *right)
{
	const struct parameter *a = left, *b = right;
	struct str rest_a = a->name, rest_b = b->name, segment_a, segment_b;

	for (;;) {
		bool has_a = str_split(&rest_a, '.', &segment_a);
		bool has_b = str_split(&rest_b, '.', &segment_b);
		if (!has_a || !has_b) {
			if (has_a != has_b)
				return has_a ? 1 : -1;
			return a->order < b->order ? -1 : a->order > b->order;
		}
		int order = compare_segments(segment_a, segment_b);
		if (order)
			return order;
	}
}

/* Sorted, so that a node that is already there is the last of its parent. */
static size_t child_of(struct codec_form *form, size_t parent, struct str name)
{
	size_t last = form->nodes[parent].last_child;

	if (last && str_equal(form->nodes[last].name, name))
		return last;
	size_t row = form->node_count++;
	form->nodes[row] = (struct node){.name = name};
	if (last)
		form->nodes[last].next = row;
	else
		form->nodes[parent].first_child = row;
	form->nodes[parent].last_child = row;
	return row;
}

static int build(const struct codec *codec, struct codec_form *form)
{
	size_t rows = 1;

	for (size_t i = 0; i < form->parameter_count; i++) {
		size_t segments = 1;
		struct str name = form->parameters[i].name;
		for (size_t j = 0; j < name.n; j++)
			segments += name.p[j] == '.';
		if (segments > FORM_SEGMENTS_MAX)
			return codec_refuse(codec, "A parameter's name is nested too deep");
		rows += segments;
	}
	if (rows > CODEC_VALUES_MAX)
		return codec_refuse(codec, "The request has too many values");
	form->nodes = mem_new(rows, sizeof(*form->nodes));
	form->node_count = 1;
	for (size_t i = 0; i < form->parameter_count; i++) {
		struct str rest = form->parameters[i].name, segment;
		size_t row = 0;
		while (str_split(&rest, '.', &segment))
			row = child_of(form, row, segment);
		/* A parameter given twice: the last one counts. */
		form->nodes[row].value = form->parameters[i].value;
		form->nodes[row].has_value = true;
	}
	return 0;
}

int codec_form_parse(
	const struct codec *codec, struct str query, struct str body, struct codec_form **ret_form)
{
	_cleanup_(codec_form_freep) struct codec_form *form = mem_new(1, sizeof(*form));
	size_t count = count_parameters(query) + count_parameters(body);

	if (count > FORM_PARAMETERS_MAX)
		return codec_refuse(
			codec, "The request has more than %d parameters", FORM_PARAMETERS_MAX);
	form->parameters = mem_new(count + 1, sizeof(*form->parameters));
	buf_reserve(&form->text, query.n + body.n + 1);
	int result = add_parameters(codec, form, query);
	if (result == 0)
		result = add_parameters(codec, form, body);
	if (result < 0)
		return result;
	qsort(form->parameters, form->parameter_count, sizeof(*form->parameters),
		compare_parameters);
	result = build(codec, form);
	if (result < 0)
		return result;
	*ret_form = take(form);
	return 0;
}

static const struct node *find_child(
	const struct codec_form *form, const struct node *node, struct str name)
{
	for (size_t row = node->first_child; row; row = form->nodes[row].next)
		if (str_equal(form->nodes[row].name, name))
			return &form->nodes[row];
	return NULL;
}

struct str codec_form_get(const struct codec_form *form, struct str name)
{
	const struct node *node = find_child(form, &form->nodes[0], name);

	return node && node->has_value ? node->value : STR_NONE;
}

/* As deep as the value, at most CODEC_DEPTH_MAX. NOLINTBEGIN(misc-no-recursion) */
static int read_value(const struct codec *codec, const struct codec_form *form,
	const struct shape_member *member, const struct node *node, unsigned depth,
	json_t **ret_value);

static int read_members(const struct codec *codec, const struct codec_form *form,
	const struct shape *shape, const struct node *node, unsigned depth, json_t *object)
{
	bool is_ec2 = codec->protocol == SHAPE_EC2_QUERY;

	for (size_t i = 0; i < shape->member_count; i++) {
		const struct shape_member *member = &shape->members[i];
		const struct node *child =
			find_child(form, node, str_from(is_ec2 ? member->ec2 : member->xml));
		json_t *read = NULL;
		if (!child)
			continue;
		int result = read_value(codec, form, member, child, depth, &read);
		if (result < 0)
			return result;
		json_object_set_new(object, member->name, read);
	}
	return 0;
}

static int refuse_index(
	const struct codec *codec, const struct shape_member *member, const struct node *item)
{
	return codec_refuse(codec, "'%.*s' is not an index of %s",
		(int)(item->name.n < 128 ? item->name.n : 128), item->name.p, member->name);
}

static int read_list(const struct codec *codec, const struct codec_form *form,
	const struct shape_member *member, const struct node *node, unsigned depth, json_t *list)
{
	bool is_flat = member->is_flattened || codec->protocol == SHAPE_EC2_QUERY;
	const struct shape_member *items = member->shape->members;
	uint64_t index;

	if (!is_flat) {
		bool is_renamed = strcmp(items->xml, items->name) != 0;
		node = find_child(form, node, is_renamed ? str_from(items->xml) : STR("member"));
	}
	for (size_t row = node ? node->first_child : 0; row; row = form->nodes[row].next) {
		json_t *item = NULL;
		if (!is_index(form->nodes[row].name, &index))
			return refuse_index(codec, member, &form->nodes[row]);
		int result = read_value(codec, form, items, &form->nodes[row], depth, &item);
		if (result < 0)
			return result;
		json_array_append_new(list, item);
	}
	return 0;
}

static int read_map(const struct codec *codec, const struct codec_form *form,
	const struct shape_member *member, const struct node *node, unsigned depth, json_t *map)
{
	const struct shape_member *keys = &member->shape->members[0];
	const struct shape_member *values = &member->shape->members[1];
	uint64_t index;

	if (!member->is_flattened && codec->protocol != SHAPE_EC2_QUERY)
		node = find_child(form, node, STR("entry"));
	for (size_t row = node ? node->first_child : 0; row; row = form->nodes[row].next) {
		const struct node *entry = &form->nodes[row];
		if (!is_index(entry->name, &index))
			return refuse_index(codec, member, entry);
		const struct node *key = find_child(form, entry, str_from(keys->xml));
		const struct node *value = find_child(form, entry, str_from(values->xml));
		json_t *read = NULL;
		if (!key || !value)
			return codec_refuse(
				codec, "An entry of %s lacks its key or its value", member->name);
		int result = read_value(codec, form, values, value, depth, &read);
		if (result < 0)
			return result;
		if (!codec_set(map, key->value, read))
			return codec_refuse(codec, "A key of %s is not valid", member->name);
	}
	return 0;
}

static int read_scalar(const struct codec *codec, const struct shape_member *member,
	const struct node *node, json_t **ret_value)
{
	*ret_value = codec_from_text(member, SHAPE_TIME_DATE_TIME, node->value);
	/* Other forms than Smithy's are taken too: people write these by hand. */
	int64_t ms;
	if (!*ret_value && member->shape->type == SHAPE_TIMESTAMP &&
		aws_time_parse(node->value, &ms))
		*ret_value = codec_from_time(ms);
	if (*ret_value)
		return 0;
	int shown = (int)(node->value.n < 128 ? node->value.n : 128);
	if (codec->protocol == SHAPE_EC2_QUERY)
		return codec_refuse(codec, "Value (%.*s) for parameter %s is invalid.", shown,
			node->value.p ? node->value.p : "", member->name);
	return codec_refuse(codec, "'%.*s' is not a valid %s for '%s'", shown,
		node->value.p ? node->value.p : "", codec_type_name(member->shape), member->name);
}

static int read_value(const struct codec *codec, const struct codec_form *form,
	const struct shape_member *member, const struct node *node, unsigned depth,
	json_t **ret_value)
{
	const struct shape *shape = member->shape;
	int result;

	if (depth >= CODEC_DEPTH_MAX && !codec_is_scalar(shape))
		return codec_refuse(codec, "'%s' is nested too deep", member->name);
	if (codec_is_scalar(shape))
		return read_scalar(codec, member, node, ret_value);
	if (shape->type == SHAPE_DOCUMENT)
		return codec_refuse(codec, "'%s' cannot be sent in a form", member->name);
	_cleanup_json_ json_t *value = shape->type == SHAPE_LIST ? json_array() : json_object();
	if (shape->type == SHAPE_LIST)
		result = read_list(codec, form, member, node, depth + 1, value);
	else if (shape->type == SHAPE_MAP)
		result = read_map(codec, form, member, node, depth + 1, value);
	else
		result = read_members(codec, form, shape, node, depth + 1, value);
	if (result == 0 && shape->type == SHAPE_UNION && json_object_size(value) != 1)
		result =
			codec_refuse(codec, "Exactly one member of '%s' must be set", member->name);
	if (result < 0)
		return result;
	*ret_value = take(value);
	return 0;
}

/* NOLINTEND(misc-no-recursion) */

int codec_form_read(const struct codec *codec, const struct codec_form *form,
	const struct shape *shape, json_t *object)
{
	return read_members(codec, form, shape, &form->nodes[0], 0, object);
}
