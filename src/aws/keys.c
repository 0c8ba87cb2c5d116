#include "aws/signature.h"

#include "aws/digest.h"
#include "base/hash.h"

#include <openssl/crypto.h>
#include <pthread.h>

#define KEYS     1024 /* a key lives a day in one region and service */
#define TEXT_MAX 384  /* of secret, date, region and service; longer ones are not kept */

struct entry {
	size_t length; /* 0: empty */
	char text[TEXT_MAX];
	uint8_t key[AWS_SHA256_SIZE];
};

struct aws_signing_keys {
	pthread_mutex_t lock;
	uint64_t seed;
	struct entry entries[KEYS]; /* by hash; the later one replaces */
};

struct aws_signing_keys *aws_signing_keys_new(void)
{
	struct aws_signing_keys *keys = mem_new(1, sizeof(*keys));

	pthread_mutex_init(&keys->lock, NULL);
	aws_random(&keys->seed, sizeof(keys->seed));
	return keys;
}

void aws_signing_keys_free(struct aws_signing_keys *keys)
{
	if (!keys)
		return;
	pthread_mutex_destroy(&keys->lock);
	OPENSSL_cleanse(keys, sizeof(*keys));
	free(keys);
}

static void derive(struct str secret, struct str date, struct str region, struct str service,
	uint8_t ret_key[static AWS_SHA256_SIZE])
{
	_cleanup_buf_ struct buf start = {0};
	const struct str steps[] = {region, service, STR("aws4_request")};
	uint8_t key[AWS_SHA256_SIZE];

	buf_reserve(&start, secret.n + 4);
	buf_add_text(&start, "AWS4");
	buf_add_str(&start, secret);
	aws_hmac_sha256(buf_str(&start), date, key);
	OPENSSL_cleanse(start.p, start.n);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		aws_hmac_sha256((struct str){(char *)key, sizeof(key)}, steps[i], key);
	memcpy(ret_key, key, sizeof(key));
	OPENSSL_cleanse(key, sizeof(key));
}

/* All four with their ends marked; 0 when too long, or when a NUL inside would confuse the ends. */
static size_t join(char text[static TEXT_MAX], const struct str parts[static 4])
{
	size_t n = 0;

	for (int i = 0; i < 4; i++) {
		if (parts[i].n >= TEXT_MAX - n || (parts[i].n && memchr(parts[i].p, 0, parts[i].n)))
			return 0;
		if (parts[i].n)
			memcpy(text + n, parts[i].p, parts[i].n);
		n += parts[i].n;
		text[n++] = '\0';
	}
	return n;
}

void aws_signing_keys_get(struct aws_signing_keys *keys, struct str secret, struct str date,
	struct str region, struct str service, uint8_t ret_key[static 32])
{
	const struct str parts[] = {secret, date, region, service};
	char text[TEXT_MAX];
	size_t n = keys ? join(text, parts) : 0;

	if (n == 0) {
		derive(secret, date, region, service, ret_key);
		return;
	}
	struct entry *entry = &keys->entries[hash_bytes(text, n, keys->seed) % KEYS];
	pthread_mutex_lock(&keys->lock);
	bool found = entry->length == n && CRYPTO_memcmp(entry->text, text, n) == 0;
	if (found)
		memcpy(ret_key, entry->key, sizeof(entry->key));
	pthread_mutex_unlock(&keys->lock);
	if (!found) {
		derive(secret, date, region, service, ret_key);
		pthread_mutex_lock(&keys->lock);
		entry->length = n;
		memcpy(entry->text, text, n);
		memcpy(entry->key, ret_key, sizeof(entry->key));
		pthread_mutex_unlock(&keys->lock);
	}
	OPENSSL_cleanse(text, n);
}
