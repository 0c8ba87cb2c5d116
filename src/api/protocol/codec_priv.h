/* codec_priv: what the codecs of the wire formats share. Each reads into, or writes from, a jansson
 * value by its shape; a value is as api/service.h says. Recursion follows the nesting of the value
 * and ends at CODEC_DEPTH_MAX. */
#pragma once

#include "api/protocol/protocol.h"
#include "api/protocol/shape.h"
#include "aws/error.h"
#include "aws/xml.h"
#include "base/buf.h"

#include <jansson.h>

enum {
	CODEC_DEPTH_MAX = 24,
	CODEC_VALUES_MAX = 400000 /* of one request, whatever its bytes: each costs memory here */
};

struct codec {
	enum shape_protocol protocol;
	const struct shape_service *service; /* NULL: no namespace of the root */
	struct aws_error *error;
};

static inline void codec_json_freep(json_t **value)
{
	json_decref(*value);
}
#define _cleanup_json_ _cleanup_(codec_json_freep)

/* What the client sent cannot be read: the protocol's code for that. Returns a negative value. */
int codec_refuse(const struct codec *codec, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold));

/* ---- scalars: everything but structure, union, list, map and document ---- */
static inline bool codec_is_scalar(const struct shape *shape)
{
	return shape->type >= SHAPE_STRING && shape->type <= SHAPE_TIMESTAMP;
}
static inline bool codec_is_integer(const struct shape *shape)
{
	return shape->type >= SHAPE_BYTE && shape->type <= SHAPE_LONG;
}
static inline bool codec_is_float(const struct shape *shape)
{
	return shape->type == SHAPE_FLOAT || shape->type == SHAPE_DOUBLE;
}
/* "Integer", for messages. */
const char *codec_type_name(const struct shape *shape);
/* Value of the text, or NULL when it is none of the member's type. time: where the model has no
 * format. */
json_t *codec_from_text(const struct shape_member *member, enum shape_time time, struct str text);
/* NULL when it is out of the type's range. */
json_t *codec_from_integer(const struct shape *shape, int64_t number);
json_t *codec_from_double(const struct shape *shape, double number);
/* NULL when it is not of the years 0001 to 9999, the only ones that can be written. */
json_t *codec_from_time(int64_t ms);
json_t *codec_from_seconds(double seconds);
/* False when the value is not of the member's type: a handler's mistake. */
bool codec_add_text(const struct codec *codec, struct buf *buf, const struct shape_member *member,
	enum shape_time time, const json_t *value);
/* The shortest decimal that reads back the same; NaN, Infinity, -Infinity. */
void codec_add_double(struct buf *buf, const struct shape *shape, double number);
bool codec_to_double(const json_t *value, double *ret_number);
/* AWS's numbers with fractions have their point even when there is none: "41.0". */
void codec_add_point(struct buf *buf, const char *number);
void codec_add_epoch_seconds(struct buf *buf, int64_t ms);
static inline struct str codec_str(const json_t *string)
{
	return (struct str){json_string_value(string), json_string_length(string)};
}
/* Of a buffer that may be empty: never NULL. */
static inline struct str codec_text(const struct buf *buf)
{
	return buf->p ? buf_str(buf) : STR("");
}
static inline enum shape_time codec_time(const struct shape_member *member, enum shape_time time)
{
	return member->time == SHAPE_TIME_DEFAULT ? time : member->time;
}
/* Is the member part of the body? In requests and in responses other bindings count, and outside
 * the rest protocols none. */
bool codec_is_read_from_body(const struct codec *codec, const struct shape_member *member);
bool codec_is_written_to_body(const struct codec *codec, const struct shape_member *member);
/* Takes value. False when the name cannot be a key (NUL inside, not UTF-8). */
bool codec_set(json_t *object, struct str name, json_t *value);
/* Members of an object that are not null. */
size_t codec_present(const json_t *object);

/* Puts the model's defaults where members are missing, at every depth of value. */
int codec_add_defaults(
	const struct codec *codec, const struct shape *shape, json_t *value, unsigned depth);
/* Checks a whole input against the model's limits. 0, or error with every fault in one sentence. */
int codec_validate(const struct codec *codec, const struct shape *shape, const json_t *input);

/* ---- JSON ---- */
/* Is it worth parsing: neither nested too deep nor of too many values? */
int codec_json_parse(const struct codec *codec, struct str text, json_t **ret_value);
int codec_json_read(const struct codec *codec, const struct shape_member *member, const json_t *in,
	unsigned depth, json_t **ret_value);
/* The members that are in the body. Adds to object. */
int codec_json_read_members(const struct codec *codec, const struct shape *shape, const json_t *in,
	unsigned depth, json_t *object);
/* The whole body of a request or answer. */
int codec_json_read_body(
	const struct codec *codec, const struct shape *shape, struct str body, json_t *object);
int codec_json_write(const struct codec *codec, const struct shape_member *member,
	const json_t *value, unsigned depth, struct buf *buf);
/* {...} of the members in the body. type: value of __type, or NULL. */
int codec_json_write_members(const struct codec *codec, const struct shape *shape,
	const json_t *value, unsigned depth, const char *type, struct buf *buf);

/* ---- forms: awsQuery and ec2Query in ---- */
struct codec_form; /* parameters as a tree */
int codec_form_parse(
	const struct codec *codec, struct str query, struct str body, struct codec_form **ret_form);
void codec_form_free(struct codec_form *form);
MEM_DEFINE_CLEANUP(struct codec_form, codec_form_free)
/* Value of a parameter without dots, or STR_NONE. */
struct str codec_form_get(const struct codec_form *form, struct str name);
int codec_form_read(const struct codec *codec, const struct codec_form *form,
	const struct shape *shape, json_t *object);

/* ---- XML ---- */
int codec_xml_read_members(const struct codec *codec, const struct shape *shape,
	const struct aws_xml_node *node, unsigned depth, json_t *object);
/* The members in the body that are elements, into the open element. */
int codec_xml_write_members(const struct codec *codec, const struct shape *shape,
	const json_t *value, unsigned depth, struct aws_xml_writer *writer);
/* The whole element of a structure: name, xmlns and attributes, members. name may be NULL. */
int codec_xml_write_structure(const struct codec *codec, const struct shape *shape,
	const struct shape_member *member, const char *name, const json_t *value, unsigned depth,
	struct aws_xml_writer *writer);

/* ---- CBOR ---- */
int codec_cbor_read(
	const struct codec *codec, struct str bytes, const struct shape *shape, json_t *object);
int codec_cbor_write(const struct codec *codec, const struct shape *shape, const json_t *value,
	const char *type, struct buf *buf);

/* ---- HTTP bindings of restJson1 and restXml ---- */
/* Does the request go to this operation? Rank of the match, more literal is more; 0: no. */
unsigned codec_http_match(const struct shape_operation *operation, const struct aws_request *http);
int codec_http_read(const struct codec *codec, const struct shape_operation *operation,
	const struct protocol_request *request, json_t *object);
/* shape NULL: nothing at all. */
int codec_http_write(const struct codec *codec, const struct shape *shape, const json_t *value,
	struct protocol_response *response);
/* Only what the members put into headers and status. */
int codec_http_write_headers(const struct codec *codec, const struct shape *shape,
	const json_t *value, struct protocol_response *response);

extern const struct shape codec_nothing; /* a structure without members */
extern const char *const codec_content_types[SHAPE_PROTOCOLS];

/* An output that does not fit the model: a mistake of ours. Returns a negative value. */
int codec_mistake(const struct codec *codec) __attribute__((cold));
