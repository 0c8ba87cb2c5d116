/* What the handlers share: inner failures, pages. */
#include "api/monitoring/monitoring_priv.h"

#include "aws/digest.h"

int monitoring_inner(struct api_call *call, struct aws_error *error)
{
	return aws_error_internal(error);
}

int monitoring_token(const struct api_call *call, struct buf *ret_text, struct aws_error *error)
{
	struct str token = api_member_text(call->input, "NextToken");

	if (token.p && token.n && (!aws_base64_decode(token, ret_text) || !ret_text->n))
		return aws_error_set(error, AWS_ERROR_INVALID_NEXT_TOKEN,
			"The next token specified is invalid.");
	return 0;
}

void monitoring_next(json_t *output, struct str text)
{
	_cleanup_buf_ struct buf token = {0};

	aws_base64_add(&token, text.p, text.n);
	json_object_set_new(output, "NextToken", json_stringn(token.p, token.n));
}
