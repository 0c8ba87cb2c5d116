/* xml: XML bodies in and out (S3, the query protocols). Reading is libxml2's parser with everything
 * dangerous refused: a document type declaration (and so every entity but the five of XML), files,
 * network, depth and size over the limits. What is left is a small tree. Writing is a buffer and a
 * stack of open elements, in the shapes AWS gives: declaration on the first line, no white space
 * between elements.
 * A document and what it lends live until aws_xml_free; one thread at a time. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define AWS_XML_DEPTH_MAX 32
#define AWS_XML_NODES_MAX                                                                          \
	200000 /* DeleteObjects: 1000 keys; CompleteMultipartUpload: 10000 parts */

struct aws_xml_attribute {
	struct str name; /* local name */
	struct str value;
	const struct aws_xml_attribute *next;
};

struct aws_xml_node {
	struct str name;  /* local name, the prefix gone */
	struct str space; /* namespace, may be empty */
	struct str text;  /* all character data directly inside, entities resolved */
	const struct aws_xml_node *first_child, *next; /* in document order */
	const struct aws_xml_attribute *first_attribute;
	unsigned line;
};

struct aws_xml;

/* UTF-8 (or what the declaration says). Errors name line and column. */
int aws_xml_parse(struct aws_xml **ret_document, struct str text, struct err *err);
const struct aws_xml_node *aws_xml_root(const struct aws_xml *document);
void aws_xml_free(struct aws_xml *document);
MEM_DEFINE_CLEANUP(struct aws_xml, aws_xml_free)

/* The first child of that name, or NULL. node may be NULL. */
const struct aws_xml_node *aws_xml_child(const struct aws_xml_node *node, struct str name);
/* The next sibling of the same name, or NULL. */
const struct aws_xml_node *aws_xml_next(const struct aws_xml_node *node);
/* The text of the first child of that name; STR_NONE (p is NULL) when there is no such child. */
struct str aws_xml_text(const struct aws_xml_node *node, struct str name);
/* STR_NONE when there is no such attribute. */
struct str aws_xml_attribute(const struct aws_xml_node *node, struct str name);

/* Writes into buf, which the caller owns. Names are static text of ours, never input. */
struct aws_xml_writer {
	struct buf *buf;
	const char *open[AWS_XML_DEPTH_MAX];
	unsigned depth;
};

/* Writes the declaration. */
void aws_xml_begin(struct aws_xml_writer *writer, struct buf *buf);
void aws_xml_open(struct aws_xml_writer *writer, const char *name);
/* With xmlns="space". */
void aws_xml_open_space(struct aws_xml_writer *writer, const char *name, const char *space);
/* With any attributes, already written as NAME="VALUE" NAME="VALUE". */
void aws_xml_open_attributes(
	struct aws_xml_writer *writer, const char *name, const char *attributes);
void aws_xml_close(struct aws_xml_writer *writer);
/* Closes everything that is open. */
void aws_xml_end(struct aws_xml_writer *writer);
/* <name>value</name>, escaped: & < > " as entities, and control characters, which XML 1.0 cannot
 * say, as the character references that S3 sends. An empty value is <name></name>. */
void aws_xml_element(struct aws_xml_writer *writer, const char *name, struct str value);
void aws_xml_element_u64(struct aws_xml_writer *writer, const char *name, uint64_t value);
void aws_xml_element_bool(struct aws_xml_writer *writer, const char *name, bool value);
/* 2013-05-24T00:00:00.000Z */
void aws_xml_element_time(struct aws_xml_writer *writer, const char *name, int64_t ms);
/* <name/> */
void aws_xml_element_empty(struct aws_xml_writer *writer, const char *name);
/* Escaped text inside the open element. */
void aws_xml_escape(struct buf *buf, struct str text);
