#include "aws/xml.h"

#include "aws/time.h"
#include "base/number.h"

#include <assert.h>
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

/* All of a document lies in a chain of blocks, freed as a whole. */
#define BLOCK_SIZE ((size_t)16384)

struct block {
	struct block *before;
	size_t used, size;
	char bytes[];
};

struct aws_xml {
	struct block *blocks;
	const struct aws_xml_node *root;
};

/* A node while its element is open. */
struct open_node {
	struct aws_xml_node *node;
	struct aws_xml_node *last_child;
	struct buf text;
};

struct parse {
	struct aws_xml *document;
	xmlParserCtxt *context;
	struct open_node open[AWS_XML_DEPTH_MAX];
	unsigned depth;
	size_t nodes;
	struct err *err;
	bool failed;
};

static void *document_alloc(struct aws_xml *document, size_t size)
{
	size = (size + 7) & ~(size_t)7;
	if (!document->blocks || document->blocks->size - document->blocks->used < size) {
		size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
		struct block *block = mem_new(1, sizeof(*block) + room);
		block->before = document->blocks;
		block->size = room;
		document->blocks = block;
	}
	void *memory = document->blocks->bytes + document->blocks->used;
	document->blocks->used += size;
	return memory;
}

static struct str document_copy(struct aws_xml *document, const void *bytes, size_t n)
{
	if (n == 0)
		return STR("");
	char *copy = document_alloc(document, n);
	memcpy(copy, bytes, n);
	return (struct str){copy, n};
}

static struct str document_copy_text(struct aws_xml *document, const xmlChar *text)
{
	return text ? document_copy(document, text, strlen((const char *)text)) : STR("");
}

static void fail(struct parse *parse, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold));

static void fail(struct parse *parse, const char *format, ...)
{
	char reason[512];
	va_list arguments;

	if (!parse->failed) {
		va_start(arguments, format);
		vsnprintf(reason, sizeof(reason), format, arguments);
		va_end(arguments);
		/* libxml2's sentences end in a newline. */
		size_t n = strlen(reason);
		while (n && (reason[n - 1] == '\n' || reason[n - 1] == ' '))
			reason[--n] = '\0';
		err_set(parse->err, ERR_INPUT, "XML, line %d, column %d: %s",
			xmlSAX2GetLineNumber(parse->context),
			xmlSAX2GetColumnNumber(parse->context), reason);
		parse->failed = true;
	}
	xmlStopParser(parse->context);
}

static void add_attributes(
	struct parse *parse, struct aws_xml_node *node, int count, const xmlChar **attributes)
{
	const struct aws_xml_attribute **place = &node->first_attribute;

	/* Five pointers each: name, prefix, namespace, start and end of the value. */
	for (int i = 0; i < count; i++, attributes += 5) {
		struct aws_xml_attribute *attribute =
			document_alloc(parse->document, sizeof(*attribute));
		attribute->name = document_copy_text(parse->document, attributes[0]);
		attribute->value = document_copy(
			parse->document, attributes[3], (size_t)(attributes[4] - attributes[3]));
		attribute->next = NULL;
		*place = attribute;
		place = &attribute->next;
	}
}

static void on_start(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *space,
	int namespaces, const xmlChar **namespace, int attribute_count, int defaulted,
	const xmlChar **attributes)
{
	struct parse *parse = user;

	if (parse->failed)
		return;
	if (parse->depth == AWS_XML_DEPTH_MAX) {
		fail(parse, "elements are nested more than %d deep", AWS_XML_DEPTH_MAX);
		return;
	}
	parse->nodes += 1 + (size_t)attribute_count;
	if (parse->nodes > AWS_XML_NODES_MAX) {
		fail(parse, "there are more than %d elements and attributes", AWS_XML_NODES_MAX);
		return;
	}
	struct aws_xml_node *node = document_alloc(parse->document, sizeof(*node));
	*node = (struct aws_xml_node){.name = document_copy_text(parse->document, name),
		.space = document_copy_text(parse->document, space),
		.text = STR(""),
		.line = (unsigned)xmlSAX2GetLineNumber(parse->context)};
	add_attributes(parse, node, attribute_count, attributes);
	if (parse->depth == 0) {
		parse->document->root = node;
	} else {
		struct open_node *parent = &parse->open[parse->depth - 1];
		if (parent->last_child)
			parent->last_child->next = node;
		else
			parent->node->first_child = node;
		parent->last_child = node;
	}
	struct open_node *open = &parse->open[parse->depth++];
	open->node = node;
	open->last_child = NULL;
	open->text.n = 0;
}

static void on_end(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *space)
{
	struct parse *parse = user;

	if (parse->failed || parse->depth == 0)
		return;
	struct open_node *open = &parse->open[--parse->depth];
	open->node->text = document_copy(parse->document, open->text.p, open->text.n);
}

static void on_text(void *user, const xmlChar *text, int n)
{
	struct parse *parse = user;

	if (!parse->failed && parse->depth)
		buf_add(&parse->open[parse->depth - 1].text, text, (size_t)n);
}

/* A declaration of a document type is where entities, bombs and external files begin. */
static void on_document_type(
	void *user, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	fail(user, "a document type declaration (DOCTYPE) is not accepted");
}

static xmlEntity *on_entity(void *user, const xmlChar *name)
{
	return xmlGetPredefinedEntity(name);
}

static void on_error(void *user, xmlError *error)
{
	if (error->level >= XML_ERR_ERROR)
		fail(user, "%s", error->message ? error->message : "malformed");
}

static void prepare(void)
{
	xmlInitParser();
}

static int parse_text(struct parse *parse, struct str text)
{
	static const xmlSAXHandler handler = {
		.initialized = XML_SAX2_MAGIC,
		.internalSubset = on_document_type,
		.externalSubset = on_document_type,
		.getEntity = on_entity,
		.startElementNs = on_start,
		.endElementNs = on_end,
		.characters = on_text,
		.ignorableWhitespace = on_text,
		.cdataBlock = on_text,
		.serror = (xmlStructuredErrorFunc)on_error,
	};
	xmlSAXHandler copy = handler;

	parse->context = xmlCreatePushParserCtxt(&copy, parse, NULL, 0, NULL);
	if (!parse->context)
		return err_set(parse->err, ERR_SYSTEM, "no memory for an XML parser");
	/* NOENT makes &amp; in attributes a character; no other entity can have been declared. */
	xmlCtxtUseOptions(parse->context, XML_PARSE_NONET | XML_PARSE_NOENT);
	/* In slices, so that a limit that is passed stops the work early. */
	while (text.n && !parse->failed) {
		size_t slice = text.n < 65536 ? text.n : 65536;
		xmlParseChunk(parse->context, text.p, (int)slice, 0);
		text = (struct str){text.p + slice, text.n - slice};
	}
	if (!parse->failed)
		xmlParseChunk(parse->context, NULL, 0, 1);
	if (!parse->failed && (!parse->context->wellFormed || !parse->document->root))
		fail(parse, "not a whole XML document");
	xmlDoc *unused = parse->context->myDoc;
	xmlFreeParserCtxt(parse->context);
	xmlFreeDoc(unused);
	return parse->failed ? -1 : 0;
}

int aws_xml_parse(struct aws_xml **ret_document, struct str text, struct err *err)
{
	static pthread_once_t prepared = PTHREAD_ONCE_INIT;
	_cleanup_(aws_xml_freep) struct aws_xml *document = mem_new(1, sizeof(*document));
	struct parse parse = {.document = document, .err = err};

	pthread_once(&prepared, prepare);
	int result = parse_text(&parse, text);
	for (size_t i = 0; i < AWS_XML_DEPTH_MAX; i++)
		buf_done(&parse.open[i].text);
	if (result < 0)
		return result;
	*ret_document = take(document);
	return 0;
}

const struct aws_xml_node *aws_xml_root(const struct aws_xml *document)
{
	return document->root;
}

void aws_xml_free(struct aws_xml *document)
{
	if (!document)
		return;
	while (document->blocks) {
		struct block *before = document->blocks->before;
		free(document->blocks);
		document->blocks = before;
	}
	free(document);
}

static const struct aws_xml_node *find(const struct aws_xml_node *node, struct str name)
{
	while (node && !str_equal(node->name, name))
		node = node->next;
	return node;
}

const struct aws_xml_node *aws_xml_child(const struct aws_xml_node *node, struct str name)
{
	return node ? find(node->first_child, name) : NULL;
}

const struct aws_xml_node *aws_xml_next(const struct aws_xml_node *node)
{
	return find(node->next, node->name);
}

struct str aws_xml_text(const struct aws_xml_node *node, struct str name)
{
	const struct aws_xml_node *child = aws_xml_child(node, name);

	return child ? child->text : STR_NONE;
}

struct str aws_xml_attribute(const struct aws_xml_node *node, struct str name)
{
	const struct aws_xml_attribute *attribute = node ? node->first_attribute : NULL;

	while (attribute && !str_equal(attribute->name, name))
		attribute = attribute->next;
	return attribute ? attribute->value : STR_NONE;
}

void aws_xml_begin(struct aws_xml_writer *writer, struct buf *buf)
{
	writer->buf = buf;
	writer->depth = 0;
	buf_add_text(buf, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
}

static void open_tag(struct aws_xml_writer *writer, const char *name)
{
	assert(writer->depth < AWS_XML_DEPTH_MAX);
	writer->open[writer->depth++] = name;
	buf_add_char(writer->buf, '<');
	buf_add_text(writer->buf, name);
}

static void close_tag(struct buf *buf, const char *name)
{
	buf_add(buf, "</", 2);
	buf_add_text(buf, name);
	buf_add_char(buf, '>');
}

void aws_xml_open(struct aws_xml_writer *writer, const char *name)
{
	open_tag(writer, name);
	buf_add_char(writer->buf, '>');
}

void aws_xml_open_space(struct aws_xml_writer *writer, const char *name, const char *space)
{
	open_tag(writer, name);
	buf_add_text(writer->buf, " xmlns=\"");
	buf_add_text(writer->buf, space);
	buf_add_text(writer->buf, "\">");
}

void aws_xml_open_attributes(
	struct aws_xml_writer *writer, const char *name, const char *attributes)
{
	open_tag(writer, name);
	buf_add_char(writer->buf, ' ');
	buf_add_text(writer->buf, attributes);
	buf_add_char(writer->buf, '>');
}

void aws_xml_close(struct aws_xml_writer *writer)
{
	assert(writer->depth > 0);
	close_tag(writer->buf, writer->open[--writer->depth]);
}

void aws_xml_end(struct aws_xml_writer *writer)
{
	while (writer->depth)
		aws_xml_close(writer);
}

static const char *escape_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	default:
		return NULL;
	}
}

void aws_xml_escape(struct buf *buf, struct str text)
{
	size_t start = 0;

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		const char *escape = escape_of(text.p[i]);
		/* A newline and a tab stay; a carriage return would be read as a newline. */
		bool is_control = (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
		if (!escape && !is_control)
			continue;
		buf_add(buf, text.p + start, i - start);
		if (escape)
			buf_add_text(buf, escape);
		else
			buf_printf(buf, "&#x%x;", c);
		start = i + 1;
	}
	if (start < text.n) /* an empty text may be no pointer, which has no offsets */
		buf_add(buf, text.p + start, text.n - start);
}

void aws_xml_element(struct aws_xml_writer *writer, const char *name, struct str value)
{
	buf_add_char(writer->buf, '<');
	buf_add_text(writer->buf, name);
	buf_add_char(writer->buf, '>');
	aws_xml_escape(writer->buf, value);
	close_tag(writer->buf, name);
}

void aws_xml_element_u64(struct aws_xml_writer *writer, const char *name, uint64_t value)
{
	char text[NUMBER_U64_STR_MAX];

	aws_xml_element(
		writer, name, (struct str){text, (size_t)(number_write(text, value) - text)});
}

void aws_xml_element_bool(struct aws_xml_writer *writer, const char *name, bool value)
{
	aws_xml_element(writer, name, value ? STR("true") : STR("false"));
}

void aws_xml_element_time(struct aws_xml_writer *writer, const char *name, int64_t ms)
{
	char text[AWS_TIME_STR_MAX];

	aws_xml_element(
		writer, name, (struct str){text, (size_t)(aws_time_write_millis(text, ms) - text)});
}

void aws_xml_element_empty(struct aws_xml_writer *writer, const char *name)
{
	buf_add_char(writer->buf, '<');
	buf_add_text(writer->buf, name);
	buf_add_text(writer->buf, "/>");
}
