/* Keys of OpenID Connect issuers. AWS finds them through the issuer's address; here the operator
 * says where each issuer's are, a file or a URL: a server that would fetch what any provider names
 * could be made to call any address of its network. A file is read each time. What came from a URL
 * is kept ten minutes, and asked for again sooner when a token names a key that is not in it, at
 * most every half minute. */
#include "api/sts/sts_priv.h"

#include "base/clock.h"
#include "base/file.h"

#include <curl/curl.h>
#include <pthread.h>

enum { KEYS_MAX = 1 << 20, KEPT_S = 600, AGAIN_S = 30, TIMEOUT_S = 5 };

struct issuer {
	char *name, *place;
	struct buf jwks; /* of a URL */
	int64_t fetched_ns;
};

struct sts {
	struct store_identities *identities;
	pthread_mutex_t lock; /* of what was fetched */
	struct issuer *issuers;
	size_t count;
};

static bool is_url(const char *place)
{
	return strncmp(place, "https://", 8) == 0 || strncmp(place, "http://", 7) == 0;
}

bool sts_is_oidc_key(const char *text)
{
	const char *equal = strchr(text, '=');

	return strncmp(text, "https://", 8) == 0 && equal && equal > text + 8 && equal[1];
}

int sts_start(struct sts **ret_sts, const struct sts_options *options, struct err *err)
{
	_cleanup_(sts_stopp) struct sts *sts = mem_new(1, sizeof(*sts));

	sts->identities = options->identities;
	pthread_mutex_init(&sts->lock, NULL);
	for (const char *const *at = options->oidc_keys; at && *at; at++) {
		const char *equal = strchr(*at, '=');
		if (!sts_is_oidc_key(*at))
			return err_set(err, ERR_USAGE,
				"expected https://ISSUER=FILE or URL, found '%s'", *at);
		sts->issuers = mem_grow(sts->issuers, sts->count + 1, sizeof(*sts->issuers));
		sts->issuers[sts->count++] =
			(struct issuer){.name = mem_printf("%.*s", (int)(equal - *at), *at),
				.place = mem_strdup(equal + 1)};
	}
	*ret_sts = take(sts);
	return 0;
}

void sts_stop(struct sts *sts)
{
	if (!sts)
		return;
	for (size_t i = 0; i < sts->count; i++) {
		free(sts->issuers[i].name);
		free(sts->issuers[i].place);
		buf_done(&sts->issuers[i].jwks);
	}
	free(sts->issuers);
	pthread_mutex_destroy(&sts->lock);
	free(sts);
}

struct store_identities *sts_identities(const struct api_call *call)
{
	const struct sts *sts = call->context;

	return sts->identities;
}

struct str sts_account(const struct api_call *call)
{
	return store_identities_account(sts_identities(call));
}

static size_t receive(char *bytes, size_t one, size_t n, void *context)
{
	struct buf *buf = context;

	if (buf->n + n > KEYS_MAX)
		return 0;
	buf_add(buf, bytes, one * n);
	return one * n;
}

static void easy_cleanup(CURL **curl)
{
	curl_easy_cleanup(*curl);
}

static int fetch(const char *url, struct buf *jwks, struct err *err)
{
	_cleanup_(easy_cleanup) CURL *curl = curl_easy_init();
	long status = 0;

	if (!curl)
		return err_set(err, ERR_SYSTEM, "libcurl does not start");
	curl_easy_setopt(curl, CURLOPT_URL, url);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https,http");
#else
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, jwks);
	CURLcode code = curl_easy_perform(curl);
	if (code != CURLE_OK)
		return err_set(err, ERR_SYSTEM, "%s: %s", url, curl_easy_strerror(code));
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	return status == 200 ? 0 : err_set(err, ERR_SYSTEM, "%s answers %ld", url, status);
}

/* With the lock: all that ask at once wait for one answer. */
static int fetched(struct issuer *issuer, bool again, struct buf *ret_jwks, struct err *err)
{
	int64_t age_s = (clock_mono_ns() - issuer->fetched_ns) / 1000000000;

	if (!issuer->fetched_ns || age_s >= (again ? AGAIN_S : KEPT_S)) {
		_cleanup_buf_ struct buf jwks = {0};
		if (fetch(issuer->place, &jwks, err) < 0)
			return STS_KEYS_FAILED;
		issuer->jwks.n = 0;
		buf_add_str(&issuer->jwks, buf_str(&jwks));
		issuer->fetched_ns = clock_mono_ns();
	}
	buf_add_str(ret_jwks, buf_str(&issuer->jwks));
	return 0;
}

int sts_issuer_keys(
	struct sts *sts, struct str issuer, bool again, struct buf *ret_jwks, struct err *err)
{
	struct issuer *known = NULL;

	ret_jwks->n = 0;
	for (size_t i = 0; i < sts->count; i++)
		if (str_equal(str_from(sts->issuers[i].name), issuer))
			known = &sts->issuers[i];
	if (!known)
		return STS_KEYS_NONE;
	if (!is_url(known->place))
		return file_read(known->place, KEYS_MAX, ret_jwks, err) < 0 ? STS_KEYS_FAILED : 0;
	pthread_mutex_lock(&sts->lock);
	int result = fetched(known, again, ret_jwks, err);
	pthread_mutex_unlock(&sts->lock);
	return result;
}
