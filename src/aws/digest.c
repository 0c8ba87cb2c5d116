#include "aws/digest.h"

#include "aws/digest_priv.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <sys/random.h>

#define HMAC_BLOCK 64 /* of MD5, SHA-1 and SHA-256 alike */

/* Looking an algorithm up by name costs more than hashing a short text, so it is done once. */
static pthread_once_t fetched = PTHREAD_ONCE_INIT;
static EVP_MD *digests[AWS_CHECKSUM_COUNT];

static void fetch(void)
{
	digests[AWS_CHECKSUM_MD5] = EVP_MD_fetch(NULL, "MD5", NULL);
	digests[AWS_CHECKSUM_SHA1] = EVP_MD_fetch(NULL, "SHA1", NULL);
	digests[AWS_CHECKSUM_SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL);
	assert(digests[AWS_CHECKSUM_MD5] && digests[AWS_CHECKSUM_SHA1] &&
		digests[AWS_CHECKSUM_SHA256]);
}

const EVP_MD *aws_digest(enum aws_checksum algorithm)
{
	pthread_once(&fetched, fetch);
	assert(digests[algorithm]);
	return digests[algorithm];
}

static void digest(EVP_MD_CTX *context, enum aws_checksum algorithm, struct str first,
	struct str second, uint8_t *ret_hash)
{
	int done = EVP_DigestInit_ex(context, aws_digest(algorithm), NULL) == 1 &&
		   EVP_DigestUpdate(context, first.p, first.n) == 1 &&
		   EVP_DigestUpdate(context, second.p, second.n) == 1 &&
		   EVP_DigestFinal_ex(context, ret_hash, NULL) == 1;
	assert(done);
}

static EVP_MD_CTX *new_context(void)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	assert(context);
	return context;
}

static void digest_once(enum aws_checksum algorithm, struct str bytes, uint8_t *ret_hash)
{
	EVP_MD_CTX *context = new_context();

	digest(context, algorithm, bytes, STR(""), ret_hash);
	EVP_MD_CTX_free(context);
}

void aws_sha256(struct str bytes, uint8_t ret_hash[static AWS_SHA256_SIZE])
{
	digest_once(AWS_CHECKSUM_SHA256, bytes, ret_hash);
}

void aws_sha1(struct str bytes, uint8_t ret_hash[static AWS_SHA1_SIZE])
{
	digest_once(AWS_CHECKSUM_SHA1, bytes, ret_hash);
}

void aws_md5(struct str bytes, uint8_t ret_hash[static AWS_MD5_SIZE])
{
	digest_once(AWS_CHECKSUM_MD5, bytes, ret_hash);
}

/* RFC 2104. libcrypto's own takes three times as long for the short texts that are signed here,
 * because it looks the algorithm up at each call. */
static void hmac(enum aws_checksum algorithm, struct str key, struct str message, uint8_t *ret_hash)
{
	EVP_MD_CTX *context = new_context();
	size_t size = (size_t)EVP_MD_get_size(aws_digest(algorithm));
	char inner[HMAC_BLOCK] = {0}, outer[HMAC_BLOCK];

	if (key.n > HMAC_BLOCK)
		digest(context, algorithm, key, STR(""), (uint8_t *)inner);
	else if (key.n)
		memcpy(inner, key.p, key.n);
	for (size_t i = 0; i < HMAC_BLOCK; i++) {
		outer[i] = (char)(inner[i] ^ 0x5c);
		inner[i] = (char)(inner[i] ^ 0x36);
	}
	digest(context, algorithm, (struct str){inner, HMAC_BLOCK}, message, ret_hash);
	digest(context, algorithm, (struct str){outer, HMAC_BLOCK},
		(struct str){(char *)ret_hash, size}, ret_hash);
	OPENSSL_cleanse(inner, sizeof(inner));
	OPENSSL_cleanse(outer, sizeof(outer));
	EVP_MD_CTX_free(context);
}

void aws_hmac_sha256(struct str key, struct str message, uint8_t ret_hash[static AWS_SHA256_SIZE])
{
	hmac(AWS_CHECKSUM_SHA256, key, message, ret_hash);
}

void aws_hmac_sha1(struct str key, struct str message, uint8_t ret_hash[static AWS_SHA1_SIZE])
{
	hmac(AWS_CHECKSUM_SHA1, key, message, ret_hash);
}

char *aws_hex_write(char *p, const void *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *byte = bytes;

	for (size_t i = 0; i < n; i++) {
		*p++ = digits[byte[i] >> 4];
		*p++ = digits[byte[i] & 15];
	}
	return p;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool aws_hex_parse(struct str text, void *ret_bytes, size_t n)
{
	uint8_t *byte = ret_bytes;

	if (text.n != 2 * n)
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (hex_value(text.p[i]) < 0)
			return false;
	for (size_t i = 0; i < n; i++)
		byte[i] = (uint8_t)(hex_value(text.p[2 * i]) * 16 + hex_value(text.p[2 * i + 1]));
	return true;
}

char *aws_base64_write(char *p, const void *bytes, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *byte = bytes;

	for (; n >= 3; byte += 3, n -= 3) {
		uint32_t group = (uint32_t)byte[0] << 16 | (uint32_t)byte[1] << 8 | byte[2];
		for (int shift = 18; shift >= 0; shift -= 6)
			*p++ = digits[group >> shift & 63];
	}
	if (n) {
		uint32_t group = (uint32_t)byte[0] << 16 | (n == 2 ? (uint32_t)byte[1] << 8 : 0);
		*p++ = digits[group >> 18];
		*p++ = digits[group >> 12 & 63];
		*p++ = n == 2 ? digits[group >> 6 & 63] : '=';
		*p++ = '=';
	}
	return p;
}

void aws_base64_add(struct buf *buf, const void *bytes, size_t n)
{
	buf->n = (size_t)(aws_base64_write(buf_reserve(buf, AWS_BASE64_LENGTH(n)), bytes, n) -
			  buf->p);
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The size of what text stands for, or -1 when its length or padding cannot be. */
static ssize_t base64_size(struct str text)
{
	size_t padding = 0;

	if (text.n % 4 != 0)
		return -1;
	while (padding < 2 && padding < text.n && text.p[text.n - 1 - padding] == '=')
		padding++;
	return (ssize_t)(text.n / 4 * 3 - padding);
}

bool aws_base64_parse(struct str text, void *ret_bytes, size_t n)
{
	uint8_t *byte = ret_bytes;
	size_t at = 0;

	if (base64_size(text) != (ssize_t)n)
		return false;
	for (size_t i = 0; i < text.n; i += 4) {
		uint32_t group = 0;
		size_t size = n - at < 3 ? n - at : 3;
		for (size_t k = 0; k < 4; k++) {
			int value = k <= size ? base64_value(text.p[i + k]) : 0;
			if (value < 0)
				return false;
			group = group << 6 | (uint32_t)value;
		}
		if (size < 3 && group & ((1u << (8 * (3 - size))) - 1))
			return false;
		for (size_t k = 0; k < size; k++)
			byte[at++] = (uint8_t)(group >> (16 - 8 * k));
	}
	return true;
}

bool aws_base64_decode(struct str text, struct buf *buf)
{
	ssize_t size = base64_size(text);

	if (size < 0 || !aws_base64_parse(text, buf_reserve(buf, (size_t)size), (size_t)size))
		return false;
	buf->n += (size_t)size;
	return true;
}

bool aws_equal_constant_time(struct str a, struct str b)
{
	return a.n == b.n && CRYPTO_memcmp(a.p, b.p, a.n) == 0;
}

void aws_random(void *ret_bytes, size_t n)
{
	for (char *p = ret_bytes; n;) {
		ssize_t got = getrandom(p, n, 0);
		assert(got > 0);
		p += got;
		n -= (size_t)got;
	}
}
