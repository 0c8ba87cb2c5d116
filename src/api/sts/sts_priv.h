/* sts_priv: the handlers of STS (sts.c, assume_role.c). */
#pragma once

#include "api/sts/sts.h"
#include "store/identities_edit.h"

extern const struct api_operation sts_operations[];

int sts_assume_role(struct api_call *call, struct aws_error *error);

struct str sts_text(const struct api_call *call, const char *name); /* STR_NONE: not given */
int64_t sts_number(const struct api_call *call, const char *name, int64_t otherwise);
json_t *sts_string(struct str text);
json_t *sts_credentials(const struct store_session *session);
