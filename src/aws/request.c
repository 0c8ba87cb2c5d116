#include "aws/request.h"

#include "aws/uri.h"

bool aws_request_header(const struct aws_request *request, struct str name, struct str *ret_value)
{
	for (size_t i = 0; i < request->header_count; i++) {
		if (str_equal_ignoring_case(request->headers[i].name, name)) {
			*ret_value = str_trim(request->headers[i].value);
			return true;
		}
	}
	return false;
}

/* Encoded names are rare: they are decoded only when there is a '%' in one. */
static bool names_equal(struct str encoded, struct str name)
{
	_cleanup_buf_ struct buf decoded = {0};

	if (!encoded.n || !memchr(encoded.p, '%', encoded.n))
		return str_equal(encoded, name);
	return aws_uri_decode(&decoded, encoded, AWS_URI_PLUS_IS_SPACE) &&
	       str_equal(buf_str(&decoded), name);
}

bool aws_request_parameter(
	const struct aws_request *request, struct str name, struct str *ret_raw_value)
{
	struct str rest = request->query, parameter, value;

	while (aws_uri_next_parameter(&rest, &parameter, &value)) {
		if (names_equal(parameter, name)) {
			*ret_raw_value = value;
			return true;
		}
	}
	return false;
}
