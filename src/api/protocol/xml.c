/* XML: what awsQuery, ec2Query and restXml answer, and what restXml is asked. */
#include "api/protocol/codec_priv.h"

#include <string.h>

/* ---- in ---- */

/* As deep as the value, at most CODEC_DEPTH_MAX. NOLINTBEGIN(misc-no-recursion) */
static int read_value(const struct codec *codec, const struct shape_member *member,
	const struct aws_xml_node *node, unsigned depth, json_t **ret_value);

static int read_scalar(const struct codec *codec, const struct shape_member *member,
	struct str text, json_t **ret_value)
{
	if (member->shape->type != SHAPE_STRING)
		text = str_trim(text);
	*ret_value = codec_from_text(member, SHAPE_TIME_DATE_TIME, text);
	if (!*ret_value)
		return codec_refuse(codec, "'%.*s' is not a valid %s for %s",
			(int)(text.n < 128 ? text.n : 128), text.p, codec_type_name(member->shape),
			member->name);
	return 0;
}

/* From the first item on: flattened lists stand among other elements. */
static int read_items(const struct codec *codec, const struct shape_member *items,
	const struct aws_xml_node *item, unsigned depth, json_t *list)
{
	for (; item; item = aws_xml_next(item)) {
		json_t *value = NULL;
		int result = read_value(codec, items, item, depth, &value);
		if (result < 0)
			return result;
		json_array_append_new(list, value);
	}
	return 0;
}

static int read_entries(const struct codec *codec, const struct shape *shape,
	const struct aws_xml_node *entry, unsigned depth, json_t *map)
{
	const struct shape_member *keys = &shape->members[0], *values = &shape->members[1];

	for (; entry; entry = aws_xml_next(entry)) {
		struct str key = aws_xml_text(entry, str_from(keys->xml));
		const struct aws_xml_node *node = aws_xml_child(entry, str_from(values->xml));
		json_t *value = NULL;
		if (!key.p || !node)
			return codec_refuse(codec, "An entry lacks its key or its value");
		int result = read_value(codec, values, node, depth, &value);
		if (result < 0)
			return result;
		if (!codec_set(map, key, value))
			return codec_refuse(codec, "A key of a map is not valid");
	}
	return 0;
}

static int read_value(const struct codec *codec, const struct shape_member *member,
	const struct aws_xml_node *node, unsigned depth, json_t **ret_value)
{
	const struct shape *shape = member->shape;
	int result;

	if (depth >= CODEC_DEPTH_MAX && !codec_is_scalar(shape))
		return codec_refuse(codec, "The XML is nested too deep");
	if (codec_is_scalar(shape))
		return read_scalar(codec, member, node->text, ret_value);
	if (shape->type == SHAPE_DOCUMENT)
		return codec_refuse(codec, "%s cannot be sent in XML", member->name);
	_cleanup_json_ json_t *value = shape->type == SHAPE_LIST ? json_array() : json_object();
	if (shape->type == SHAPE_LIST) {
		if (!member->is_flattened)
			node = aws_xml_child(node, str_from(shape->members->xml));
		result = read_items(codec, shape->members, node, depth + 1, value);
	} else if (shape->type == SHAPE_MAP) {
		if (!member->is_flattened)
			node = aws_xml_child(node, STR("entry"));
		result = read_entries(codec, shape, node, depth + 1, value);
	} else {
		result = codec_xml_read_members(codec, shape, node, depth + 1, value);
		if (result == 0 && shape->type == SHAPE_UNION && json_object_size(value) != 1)
			result = codec_refuse(
				codec, "Exactly one member of %s must be set", member->name);
	}
	if (result < 0)
		return result;
	*ret_value = take(value);
	return 0;
}

/* NOLINTEND(misc-no-recursion) */

static struct str local_name(const char *name)
{
	const char *colon = strchr(name, ':');

	return str_from(colon ? colon + 1 : name);
}

/* As deep as the value, at most CODEC_DEPTH_MAX. NOLINTBEGIN(misc-no-recursion) */
int codec_xml_read_members(const struct codec *codec, const struct shape *shape,
	const struct aws_xml_node *node, unsigned depth, json_t *object)
{
	for (size_t i = 0; i < shape->member_count; i++) {
		const struct shape_member *member = &shape->members[i];
		struct str name = local_name(member->xml);
		json_t *read = NULL;
		int result = 0;
		if (!codec_is_read_from_body(codec, member))
			continue;
		if (member->is_attribute) {
			struct str text = aws_xml_attribute(node, name);
			if (text.p)
				result = read_scalar(codec, member, text, &read);
		} else {
			const struct aws_xml_node *child = aws_xml_child(node, name);
			if (child)
				result = read_value(codec, member, child, depth, &read);
		}
		if (result < 0)
			return result;
		if (read)
			json_object_set_new(object, member->name, read);
	}
	return 0;
}

/* NOLINTEND(misc-no-recursion) */

/* ---- out ---- */

static void add_space(struct buf *attributes, const char *space, const char *prefix)
{
	if (!space)
		return;
	buf_printf(attributes, "%sxmlns%s%s=\"", attributes->n ? " " : "", prefix ? ":" : "",
		prefix ? prefix : "");
	aws_xml_escape(attributes, str_from(space));
	buf_add_char(attributes, '"');
}

static int add_attributes(const struct codec *codec, struct buf *attributes,
	const struct shape *shape, const json_t *value)
{
	for (size_t i = 0; i < shape->member_count; i++) {
		const struct shape_member *member = &shape->members[i];
		const json_t *field = json_object_get(value, member->name);
		_cleanup_buf_ struct buf text = {0};
		if (!member->is_attribute || !field || json_is_null(field))
			continue;
		if (!codec_add_text(codec, &text, member, SHAPE_TIME_DATE_TIME, field))
			return codec_mistake(codec);
		buf_printf(attributes, "%s%s=\"", attributes->n ? " " : "", member->xml);
		aws_xml_escape(attributes, codec_text(&text));
		buf_add_char(attributes, '"');
	}
	return 0;
}

static int open_element(const struct codec *codec, struct aws_xml_writer *writer, const char *name,
	struct buf *attributes)
{
	if (writer->depth + 1 >= AWS_XML_DEPTH_MAX)
		return codec_mistake(codec);
	if (attributes->n)
		aws_xml_open_attributes(writer, name, buf_text(attributes));
	else
		aws_xml_open(writer, name);
	return 0;
}

/* As deep as the value, at most CODEC_DEPTH_MAX. NOLINTBEGIN(misc-no-recursion) */
static int write_value(const struct codec *codec, const struct shape_member *member,
	const char *name, const json_t *value, unsigned depth, struct aws_xml_writer *writer);

static int write_scalar(const struct codec *codec, const struct shape_member *member,
	const char *name, const json_t *value, struct aws_xml_writer *writer)
{
	_cleanup_buf_ struct buf text = {0}, attributes = {0};

	if (!json_is_null(value) &&
		!codec_add_text(codec, &text, member, SHAPE_TIME_DATE_TIME, value))
		return codec_mistake(codec);
	add_space(&attributes, member->space, member->prefix);
	int result = open_element(codec, writer, name, &attributes);
	if (result < 0)
		return result;
	aws_xml_escape(writer->buf, codec_text(&text));
	aws_xml_close(writer);
	return 0;
}

static int write_items(const struct codec *codec, const struct shape_member *member,
	const char *name, const json_t *list, unsigned depth, struct aws_xml_writer *writer)
{
	const struct shape *shape = member->shape;
	struct shape_member items = *shape->members;
	size_t i;
	json_t *item = NULL;

	/* A flattened item stands for its list and has its namespace. */
	if (member->is_flattened && member->space) {
		items.space = member->space;
		items.prefix = member->prefix;
	}
	json_array_foreach(list, i, item)
	{
		if (json_is_null(item) && !shape->is_sparse)
			continue;
		int result = write_value(codec, &items, member->is_flattened ? name : items.xml,
			item, depth, writer);
		if (result < 0)
			return result;
	}
	return 0;
}

static int write_entries(const struct codec *codec, const struct shape_member *member,
	const char *name, const json_t *map, unsigned depth, struct aws_xml_writer *writer)
{
	const struct shape *shape = member->shape;
	const struct shape_member *keys = &shape->members[0], *values = &shape->members[1];
	const char *key;
	json_t *item = NULL;

	json_object_foreach((json_t *)map, key, item)
	{
		_cleanup_buf_ struct buf attributes = {0};
		_cleanup_json_ json_t *text = json_string(key);
		if (json_is_null(item) && !shape->is_sparse)
			continue;
		if (member->is_flattened)
			add_space(&attributes, member->space, member->prefix);
		int result = open_element(
			codec, writer, member->is_flattened ? name : "entry", &attributes);
		if (result == 0)
			result = write_scalar(codec, keys, keys->xml, text, writer);
		if (result == 0)
			result = write_value(codec, values, values->xml, item, depth, writer);
		if (result < 0)
			return result;
		aws_xml_close(writer);
	}
	return 0;
}

int codec_xml_write_structure(const struct codec *codec, const struct shape *shape,
	const struct shape_member *member, const char *name, const json_t *value, unsigned depth,
	struct aws_xml_writer *writer)
{
	_cleanup_buf_ struct buf attributes = {0};

	if (!json_is_object(value))
		return codec_mistake(codec);
	/* A structure's own namespace counts only where it is the root. */
	if (member)
		add_space(&attributes, member->space, member->prefix);
	else if (shape->space)
		add_space(&attributes, shape->space, shape->prefix);
	else if (codec->service)
		add_space(&attributes, codec->service->space, codec->service->prefix);
	int result = add_attributes(codec, &attributes, shape, value);
	if (result == 0)
		result = open_element(codec, writer, name, &attributes);
	if (result == 0)
		result = codec_xml_write_members(codec, shape, value, depth, writer);
	if (result == 0)
		aws_xml_close(writer);
	return result;
}

static int write_value(const struct codec *codec, const struct shape_member *member,
	const char *name, const json_t *value, unsigned depth, struct aws_xml_writer *writer)
{
	const struct shape *shape = member->shape;
	bool is_list = shape->type == SHAPE_LIST;

	if (depth >= CODEC_DEPTH_MAX && !codec_is_scalar(shape))
		return codec_mistake(codec);
	if (codec_is_scalar(shape) || json_is_null(value))
		return write_scalar(codec, member, name, value, writer);
	if (shape->type == SHAPE_STRUCTURE || shape->type == SHAPE_UNION)
		return codec_xml_write_structure(
			codec, shape, member, name, value, depth + 1, writer);
	if (is_list ? !json_is_array(value) : !json_is_object(value) || shape->type != SHAPE_MAP)
		return codec_mistake(codec);
	if (!member->is_flattened) {
		_cleanup_buf_ struct buf attributes = {0};
		add_space(&attributes, member->space, member->prefix);
		int result = open_element(codec, writer, name, &attributes);
		if (result < 0)
			return result;
	}
	int result = is_list ? write_items(codec, member, name, value, depth + 1, writer)
			     : write_entries(codec, member, name, value, depth + 1, writer);
	if (result == 0 && !member->is_flattened)
		aws_xml_close(writer);
	return result;
}

int codec_xml_write_members(const struct codec *codec, const struct shape *shape,
	const json_t *value, unsigned depth, struct aws_xml_writer *writer)
{
	for (size_t i = 0; i < shape->member_count; i++) {
		const struct shape_member *member = &shape->members[i];
		const json_t *field = json_object_get(value, member->name);
		if (member->is_attribute || !codec_is_written_to_body(codec, member) || !field ||
			json_is_null(field))
			continue;
		int result = write_value(codec, member, member->xml, field, depth, writer);
		if (result < 0)
			return result;
	}
	return 0;
}
/* NOLINTEND(misc-no-recursion) */
