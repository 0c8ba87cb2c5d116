/* STS as a service: its table with its model. */
#include "api/sts/sts_priv.h"

#include "api/sts/sts_shape.h"

static const char *const signing_names[] = {"sts", NULL};

const struct api_service api_sts = {
	.name = "sts",
	.signing_names = signing_names,
	.style = AWS_STYLE_QUERY,
	.shape = &sts_shape,
	.operations = sts_operations,
};
