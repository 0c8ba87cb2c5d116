/* jwt: signed tokens of OpenID Connect (RFC 7519, JWS compact form of RFC 7515) and the keys that
 * verify them (JWKS, RFC 7517): RS256, RS384, RS512 (RFC 7518, 3.3) and ES256, ES384, ES512 (3.4).
 * "none" and all others are no signature. Any thread; nothing blocks. Tokens of at most
 * AWS_JWT_MAX bytes. */
#pragma once

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>

#define AWS_JWT_MAX 20000

struct aws_jwt {
	json_t *header, *claims; /* objects */
	struct str signed_text;  /* lent by the token */
	struct buf signature;
};
/* Reads, does not verify. False: no such token. Call done in any case. */
bool aws_jwt_read(struct aws_jwt *ret_jwt, struct str token);
void aws_jwt_done(struct aws_jwt *jwt);
/* A claim that is a string; STR_NONE: there is none. Lent. */
struct str aws_jwt_text(const struct aws_jwt *jwt, const char *claim);

enum aws_jwt_verdict { AWS_JWT_GOOD, AWS_JWT_BAD, AWS_JWT_NO_KEY, AWS_JWT_NO_KEYS };
/* jwks: {"keys": [...]}. NO_KEY: none of them is the token's; NO_KEYS: the text is no JWKS. */
enum aws_jwt_verdict aws_jwt_verify(const struct aws_jwt *jwt, struct str jwks);
