#include "aws/jwt.h"

#include "aws/digest.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

MEM_DEFINE_CLEANUP(EVP_PKEY, EVP_PKEY_free)
MEM_DEFINE_CLEANUP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
MEM_DEFINE_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free)
MEM_DEFINE_CLEANUP(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
MEM_DEFINE_CLEANUP(OSSL_PARAM, OSSL_PARAM_free)
MEM_DEFINE_CLEANUP(BIGNUM, BN_free)
MEM_DEFINE_CLEANUP(ECDSA_SIG, ECDSA_SIG_free)

enum { RSA_BITS_MIN = 2048 }; /* RFC 7518, 3.3 */

static const struct algorithm {
	struct str name, digest;
	struct str curve, group; /* of JWK, of OpenSSL; RSA: empty */
	size_t coordinate;       /* bytes */
} algorithms[] = {
	{{"RS256", 5}, {"SHA256", 6}, {"", 0}, {"", 0}, 0},
	{{"RS384", 5}, {"SHA384", 6}, {"", 0}, {"", 0}, 0},
	{{"RS512", 5}, {"SHA512", 6}, {"", 0}, {"", 0}, 0},
	{{"ES256", 5}, {"SHA256", 6}, {"P-256", 5}, {"prime256v1", 10}, 32},
	{{"ES384", 5}, {"SHA384", 6}, {"P-384", 5}, {"secp384r1", 9}, 48},
	{{"ES512", 5}, {"SHA512", 6}, {"P-521", 5}, {"secp521r1", 9}, 66},
};

/* ---- reading ---- */

/* base64url without padding (RFC 7515, 2). */
static bool decode(struct str text, struct buf *bytes)
{
	_cleanup_buf_ struct buf plain = {0};

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (c == '+' || c == '/' || c == '=')
			return false;
		buf_add_char(&plain, (char)(c == '-' ? '+' : c == '_' ? '/' : c));
	}
	while (plain.n % 4)
		buf_add_char(&plain, '=');
	return aws_base64_decode(buf_str(&plain), bytes);
}

static json_t *decode_object(struct str text)
{
	_cleanup_buf_ struct buf bytes = {0};
	json_t *object;

	if (!text.n || !decode(text, &bytes))
		return NULL;
	object = json_loadb(bytes.p ? bytes.p : "", bytes.n, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(object))
		return object;
	json_decref(object);
	return NULL;
}

bool aws_jwt_read(struct aws_jwt *ret_jwt, struct str token)
{
	struct str rest = token, header, claims;

	*ret_jwt = (struct aws_jwt){0};
	if (token.n > AWS_JWT_MAX || !str_split(&rest, '.', &header) ||
		!str_split(&rest, '.', &claims) || !rest.n || memchr(rest.p, '.', rest.n))
		return false;
	ret_jwt->signed_text = (struct str){token.p, header.n + 1 + claims.n};
	ret_jwt->header = decode_object(header);
	ret_jwt->claims = decode_object(claims);
	/* A token that says what must be understood says it to others (RFC 7515, 4.1.11). */
	return ret_jwt->header && ret_jwt->claims && !json_object_get(ret_jwt->header, "crit") &&
	       decode(rest, &ret_jwt->signature);
}

void aws_jwt_done(struct aws_jwt *jwt)
{
	json_decref(jwt->header);
	json_decref(jwt->claims);
	buf_done(&jwt->signature);
	*jwt = (struct aws_jwt){0};
}

static struct str text_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value)
		       ? (struct str){json_string_value(value), json_string_length(value)}
		       : STR_NONE;
}

struct str aws_jwt_text(const struct aws_jwt *jwt, const char *claim)
{
	return text_of(jwt->claims, claim);
}

/* ---- keys ---- */

static BIGNUM *number_of(const json_t *key, const char *name)
{
	_cleanup_buf_ struct buf bytes = {0};
	struct str text = text_of(key, name);

	if (!text.n || !decode(text, &bytes))
		return NULL;
	return BN_bin2bn((const unsigned char *)bytes.p, (int)bytes.n, NULL);
}

static EVP_PKEY *make_key(const char *type, OSSL_PARAM_BLD *build)
{
	_cleanup_(OSSL_PARAM_freep) OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(build);
	_cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *context =
		EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (!parameters || !context || EVP_PKEY_fromdata_init(context) <= 0 ||
		EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) <= 0)
		return NULL;
	return key;
}

static EVP_PKEY *rsa_key(const json_t *json)
{
	_cleanup_(BN_freep) BIGNUM *n = number_of(json, "n"), *e = number_of(json, "e");
	_cleanup_(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();

	if (!n || !e || BN_num_bits(n) < RSA_BITS_MIN || !build ||
		!OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) ||
		!OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
		return NULL;
	return make_key("RSA", build);
}

static EVP_PKEY *ec_key(const json_t *json, const struct algorithm *algorithm)
{
	_cleanup_(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	_cleanup_buf_ struct buf point = {0};
	struct str x = text_of(json, "x"), y = text_of(json, "y");

	buf_add_char(&point, 4); /* uncompressed */
	if (!str_equal(text_of(json, "crv"), algorithm->curve) || !x.n || !y.n ||
		!decode(x, &point) || point.n != 1 + algorithm->coordinate || !decode(y, &point) ||
		point.n != 1 + 2 * algorithm->coordinate || !build ||
		!OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
			algorithm->group.p, algorithm->group.n) ||
		!OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n))
		return NULL;
	return make_key("EC", build);
}

/* r and s side by side (RFC 7518, 3.4), as OpenSSL wants them. */
static bool to_der(struct str raw, size_t coordinate, struct buf *der)
{
	_cleanup_(ECDSA_SIG_freep) ECDSA_SIG *pair = ECDSA_SIG_new();
	const unsigned char *bytes = (const unsigned char *)raw.p;

	if (!pair || raw.n != 2 * coordinate)
		return false;
	BIGNUM *r = BN_bin2bn(bytes, (int)coordinate, NULL);
	BIGNUM *s = BN_bin2bn(bytes + coordinate, (int)coordinate, NULL);
	if (!r || !s || !ECDSA_SIG_set0(pair, r, s)) {
		BN_free(r);
		BN_free(s);
		return false;
	}
	unsigned char *text = NULL;
	int n = i2d_ECDSA_SIG(pair, &text);
	if (n > 0)
		buf_add(der, text, (size_t)n);
	OPENSSL_free(text);
	return n > 0;
}

static bool verifies(
	const struct aws_jwt *jwt, const struct algorithm *algorithm, const json_t *json)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key =
		algorithm->coordinate ? ec_key(json, algorithm) : rsa_key(json);
	_cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
	_cleanup_buf_ struct buf der = {0};
	struct str signature = buf_str(&jwt->signature);

	if (!key || !context)
		return false;
	if (algorithm->coordinate) {
		if (!to_der(signature, algorithm->coordinate, &der))
			return false;
		signature = buf_str(&der);
	}
	return EVP_DigestVerifyInit_ex(context, NULL, algorithm->digest.p, NULL, NULL, key, NULL) ==
		       1 &&
	       EVP_DigestVerify(context, (const unsigned char *)signature.p, signature.n,
		       (const unsigned char *)jwt->signed_text.p, jwt->signed_text.n) == 1;
}

/* Of the right kind, for signatures, and the one that the token names if it names one. */
static bool fits(const struct aws_jwt *jwt, const struct algorithm *algorithm, const json_t *key)
{
	struct str kind = algorithm->coordinate ? STR("EC") : STR("RSA");
	struct str id = text_of(jwt->header, "kid"), use = text_of(key, "use"),
		   own = text_of(key, "alg");

	return str_equal(text_of(key, "kty"), kind) && (!use.p || str_equal(use, STR("sig"))) &&
	       (!own.p || str_equal(own, algorithm->name)) &&
	       (!id.p || str_equal(text_of(key, "kid"), id));
}

enum aws_jwt_verdict aws_jwt_verify(const struct aws_jwt *jwt, struct str jwks)
{
	const struct algorithm *algorithm = NULL;
	enum aws_jwt_verdict verdict = AWS_JWT_NO_KEY;
	struct str name = text_of(jwt->header, "alg");
	json_t *set = json_loadb(jwks.p ? jwks.p : "", jwks.n, 0, NULL);
	const json_t *keys = json_object_get(set, "keys");

	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++)
		if (name.p && str_equal(name, algorithms[i].name))
			algorithm = &algorithms[i];
	if (!json_is_array(keys))
		verdict = AWS_JWT_NO_KEYS;
	else if (!algorithm)
		verdict = AWS_JWT_BAD;
	for (size_t i = 0; algorithm && verdict != AWS_JWT_GOOD && i < json_array_size(keys); i++) {
		const json_t *key = json_array_get(keys, i);
		if (fits(jwt, algorithm, key))
			verdict = verifies(jwt, algorithm, key) ? AWS_JWT_GOOD : AWS_JWT_BAD;
	}
	json_decref(set);
	return verdict;
}
