/* shape: a service's model as tables: its operations, what goes in and out of them, and the names
 * that the members have on each wire. tools/smithy makes them, static and const, from a Smithy
 * model (smithy.io/2.0/spec); nobody writes them by hand. All threads may share them. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum shape_protocol {
	SHAPE_AWS_JSON_1_0,
	SHAPE_AWS_JSON_1_1,
	SHAPE_AWS_QUERY,
	SHAPE_EC2_QUERY,
	SHAPE_REST_JSON_1,
	SHAPE_REST_XML,
	SHAPE_RPC_V2_CBOR,
	SHAPE_PROTOCOLS
};

enum shape_type {
	SHAPE_STRUCTURE,
	SHAPE_UNION,
	SHAPE_LIST, /* one member: "member" */
	SHAPE_MAP,  /* two members: "key", "value" */
	SHAPE_STRING,
	SHAPE_BLOB,
	SHAPE_BOOLEAN,
	SHAPE_BYTE,
	SHAPE_SHORT,
	SHAPE_INTEGER,
	SHAPE_LONG,
	SHAPE_FLOAT,
	SHAPE_DOUBLE,
	SHAPE_TIMESTAMP,
	SHAPE_DOCUMENT /* any JSON */
};

/* How a moment is written; DEFAULT: as the protocol or the place in the request has it. */
enum shape_time {
	SHAPE_TIME_DEFAULT,
	SHAPE_TIME_DATE_TIME,
	SHAPE_TIME_HTTP_DATE,
	SHAPE_TIME_EPOCH_SECONDS
};

/* Where in an HTTP message (rest protocols) or an event a member is. */
enum shape_location {
	SHAPE_AT_BODY,
	SHAPE_AT_LABEL,
	SHAPE_AT_QUERY,
	SHAPE_AT_QUERY_PARAMS, /* a map of all parameters that nothing else names */
	SHAPE_AT_HEADER,
	SHAPE_AT_PREFIX_HEADERS,
	SHAPE_AT_PAYLOAD, /* the whole body */
	SHAPE_AT_RESPONSE_CODE,
	SHAPE_AT_EVENT_HEADER,
	SHAPE_AT_EVENT_PAYLOAD
};

/* A regular expression that has to match the whole value (the AWS SDKs for servers are of Java,
 * whose matches() does). Compiled at its first use. */
struct shape_pattern {
	const char *text;
	_Atomic(void *) compiled; /* private to shape.c */
};

struct shape_limits {
	bool has_length_min, has_length_max, has_range_min, has_range_max;
	bool is_unique;                 /* a list without equal items */
	bool is_sensitive;              /* a refusal does not tell the value */
	int64_t length_min, length_max; /* characters, bytes (blob), items or pairs */
	double range_min, range_max;
	struct shape_pattern *pattern; /* NULL: none */
	const char *const *values;     /* of an enum, ends with NULL; NULL: any */
};

struct shape_member {
	const char *name;
	const struct shape *shape;
	const char *json;           /* restJson1 */
	const char *xml;            /* restXml, awsQuery; "prefix:name" for attributes */
	const char *ec2;            /* ec2Query in requests; NULL in lists */
	const char *space, *prefix; /* xmlns of the element; NULL: none */
	enum shape_location location;
	const char *location_name;         /* of the header (or its prefix), label, parameter */
	const struct shape_limits *limits; /* the member's own and its shape's; NULL: none */
	enum shape_time time;
	const char *default_json; /* as a value (api/service.h) in JSON; NULL: none */
	const char *media_type;   /* of a payload; NULL: none */
	bool is_required, is_flattened, is_attribute, is_idempotency_token;
};

struct shape {
	const char *name;
	const char *id; /* of an error, with its namespace: "com.amazonaws.x#Name" */
	enum shape_type type;
	const struct shape_member *members;
	size_t member_count;
	const char *xml;            /* of the element when it is the root */
	const char *space, *prefix; /* likewise */
	bool is_sparse;             /* a list or map in which null is a value */
	bool is_streaming, is_length_required, is_enum;
	bool is_error, is_client_fault;
	int status;             /* of an error */
	const char *query_code; /* awsQueryError: the code that the query protocol has for it */
	int query_status;
};

struct shape_operation {
	const char *name;
	const struct shape *input, *output; /* NULL: without members */
	const struct shape *const *errors;
	size_t error_count;
	const char *method, *uri; /* rest protocols: "GET", "/detector/{id}?get"; NULL: none */
	int status;               /* of success, rest protocols */
};

struct shape_service {
	const char *name;           /* of X-Amz-Target and the path: "Logs_20140328" */
	const char *version;        /* "2010-05-08" */
	unsigned protocols;         /* bits 1 << SHAPE_AWS_QUERY, ... */
	const char *space, *prefix; /* xmlns of what awsQuery, ec2Query and restXml answer */
	const struct shape_operation *operations;
	size_t operation_count;
	const struct shape *const *errors; /* of all operations */
	size_t error_count;
	bool is_query_compatible; /* x-amzn-query-error for clients that still think in query codes
				   */
	bool is_error_bare;       /* restXml: <Error> without <ErrorResponse> around it */
};

/* NULL when there is none of that name. */
const struct shape_operation *shape_find_operation(
	const struct shape_service *service, struct str name);
const struct shape_member *shape_find_member(const struct shape *shape, struct str name);
/* The error of that name among the operation's (NULL: none) and the service's own. */
const struct shape *shape_find_error(const struct shape_service *service,
	const struct shape_operation *operation, struct str name);
/* The member that is the event stream or the streamed blob, or NULL. */
const struct shape_member *shape_find_streaming(const struct shape *shape);

enum shape_match { SHAPE_MATCHES, SHAPE_MATCHES_NOT, SHAPE_PATTERN_BAD };
/* Bounded in time and memory: a text that needs more does not match. */
enum shape_match shape_pattern_match(struct shape_pattern *pattern, struct str text);
