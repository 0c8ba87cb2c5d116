/* sts: the service STS (STS API reference, 2011-06-15): who am I, and sessions of roles, users,
 * root, and of whoever an OpenID Connect provider vouches for. Its context is a struct sts, which
 * all threads share. */
#pragma once

#include "api/service.h"

extern const struct api_service api_sts;

struct sts;
struct sts_options {
	struct store_identities *identities; /* outlives it */
	/* Where the keys of OpenID Connect providers are: "https://ISSUER=FILE" or
	 * "https://ISSUER=URL", a JWKS each; ends with NULL. NULL: no token is believed. Nothing
	 * else is ever fetched: whoever may make a provider cannot make the server call an address.
	 */
	const char *const *oidc_keys;
};
int sts_start(struct sts **ret_sts, const struct sts_options *options, struct err *err);
void sts_stop(struct sts *sts);
MEM_DEFINE_CLEANUP(struct sts, sts_stop)
/* Is it written so? */
bool sts_is_oidc_key(const char *text);
