/* The table of IAM's operations. */
#include "api/iam/iam_priv.h"

#include "api/iam/iam_shape.h"

#define X(name, handler, access, about)                                                            \
	static int run_##name(struct api_call *call, struct aws_error *error)                      \
	{                                                                                          \
		return iam_run(call, error, handler, access);                                      \
	}
#include "api/iam/operations.def"
#undef X

static const struct api_operation operations[] = {
#define X(name, handler, access, about) {#name, about, run_##name},
#include "api/iam/operations.def"
#undef X
	{NULL},
};

static const char *const signing_names[] = {"iam", NULL};

const struct api_service api_iam = {
	.name = "iam",
	.signing_names = signing_names,
	.style = AWS_STYLE_QUERY,
	.shape = &iam_shape,
	.operations = operations,
};
