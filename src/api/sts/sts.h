/* sts: the service STS (STS API reference, 2011-06-15): who am I, and sessions of roles, users and
 * root. Its context is the struct store_identities. */
#pragma once

#include "api/service.h"

extern const struct api_service api_sts;
