/* request: what a signature covers of an HTTP request. Everything is borrowed from whoever parsed
 * (or is about to send) the request; plain values, any thread. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct aws_header {
	struct str name;  /* any case */
	struct str value; /* as received; white space around it does not matter */
};

struct aws_request {
	struct str method;
	struct str path; /* as on the request line, before '?', still percent-encoded */
	struct str
		query; /* as on the request line, behind '?', still percent-encoded; may be empty */
	const struct aws_header *headers; /* "host" must be among them */
	size_t header_count;
};

/* The first header of that name, whatever its case, its value trimmed; false when there is none. */
bool aws_request_header(const struct aws_request *request, struct str name, struct str *ret_value);
/* The first parameter of that (decoded) name in the query, its value still encoded; false when
 * there is none. */
bool aws_request_parameter(
	const struct aws_request *request, struct str name, struct str *ret_raw_value);
