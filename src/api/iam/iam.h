/* iam: the service IAM (IAM API reference, 2010-05-08) over store/identities_edit.h, in the part
 * that users, groups, roles, policies and instance profiles need. operations.def lists the
 * operations. Its context is the struct store_identities. */
#pragma once

#include "api/service.h"

extern const struct api_service api_iam;
