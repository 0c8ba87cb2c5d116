/* service: what a service is made of. A service is a table of operations; the shapes of what goes
 * in and out come from its model (MODEL.smithy, compiled by tools/smithy into tables:
 * api/protocol/shape.h). Adding an operation is its shape, a row here, a handler and a test;
 * protocol, validation, authorisation, errors, log and metrics follow from the tables
 * (api/protocol/run.h; docs/models.md says how a model is written).
 *
 * Between the protocol and a handler stand jansson values. Whatever the wire was (query, XML, JSON,
 * CBOR), the input is an object with the model's member names, defaults filled in, checked against
 * the model (required, ranges, lengths, patterns, enums); a member that the client did not send, or
 * sent as null, is not there. The output is the same, written by the handler:
 *   string, enum          string (UTF-8; may hold NUL)
 *   blob                  string, base64
 *   boolean               true, false
 *   byte to long          integer
 *   float, double         real (an integer passes in outputs); "NaN", "Infinity", "-Infinity"
 *   timestamp             integer, milliseconds since 1970, UTC
 *   list; map; structure  array; object by key; object by member. A null item only where @sparse
 *   union                 object with exactly one member
 *   document              as it is
 * An output that does not fit its shape is a mistake, answered as InternalFailure. A member of the
 * output that is missing or null is not sent; an empty list or map is.
 *
 * S3 has bodies that are streams and errors of its own: it takes the exchange itself (begin). */
#pragma once

#include "api/exchange.h"

#include <jansson.h>

struct shape_operation; /* api/protocol/shape.h */
struct shape_service;

/* One call of a modelled operation. */
struct api_call {
	struct api_exchange *exchange;
	const struct api_operation *operation;
	const json_t *input; /* lent: lives as long as the exchange */
	json_t *output;   /* an empty object for run to fill with the members of the output shape */
	void *context;    /* the service's own: store, identities, ... */
	bool is_answered; /* run answered by itself (api_answer_stream); output is not looked at */
	void *raw;        /* what the operation's read made of the body; NULL: it did not */
	void (*free_raw)(void *raw);
};

/* A member of an input, or of any object in it: STR_NONE, or otherwise, where it is not there. */
struct str api_member_text(const json_t *object, const char *name);
int64_t api_member_number(const json_t *object, const char *name, int64_t otherwise);

/* What a call is about, for the policies. Owns copies of all that is added, however much that is;
 * zeroed it is empty. */
struct api_authorization {
	struct str *resources; /* ARNs; each must be allowed; none: "*" */
	size_t resource_count;
	struct aws_context_key *context;
	size_t context_count;
};
void api_about_resource(struct api_authorization *authorization, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* One more value of the key. */
void api_about_key(struct api_authorization *authorization, struct str name, struct str value);
/* The key PREFIX + TAG: "aws:ResourceTag/" and a tag's key. */
void api_about_tag(struct api_authorization *authorization, struct str prefix, struct str key,
	struct str value);
void api_authorization_done(struct api_authorization *authorization);

struct api_operation {
	const char *name; /* "CreateUser" */
	/* Adds the resources and condition keys from the input; NULL: resource "*". */
	int (*about)(struct api_call *call, struct api_authorization *authorization,
		struct aws_error *error);
	int (*run)(struct api_call *call, struct aws_error *error);
	/* For bodies whose values would be too many to be made one by one (awsJson): reads the body
	 * into call->raw, checked as the model would, and gives an input with what `about` needs.
	 * False: this body is not of the form it knows; the usual way reads it, or refuses it.
	 * NULL: the usual way. */
	bool (*read)(struct api_call *call, struct str body, json_t **ret_input);
	const char
		*action; /* "iam:CreateUser" is made from prefix and name; set where it differs */
	enum aws_error_code validation_code; /* where it is not the service's; 0: that */
	bool is_open;                        /* no permission is asked: sts:GetCallerIdentity */
	bool is_unsigned; /* anonymous callers may: sts:AssumeRoleWithWebIdentity */
};

struct api_service {
	const char *name; /* "iam": of log, metrics, action prefix and (also) signing */
	const char *const *signing_names; /* of credential scopes; ends with NULL */
	enum aws_error_style style;
	const struct shape_service *shape; /* protocols, version, namespace, operations; S3: NULL */
	const struct api_operation *operations; /* ends with a NULL name */
	enum aws_error_code validation_code; /* where it is not the protocol's ValidationException
						(query: ValidationError); 0: that */
	uint64_t body_max;                   /* of a modelled service; 0: 10 MiB */
	/* S3: routes by itself. */
	int (*begin)(struct api_exchange *exchange, struct aws_error *error);
	void *context; /* set when the server starts */
};
