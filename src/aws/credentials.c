/* A source keeps the keys of the last fetch. Whoever finds them missing or near their end fetches;
 * the others wait for that one fetch and share what came of it, an error too. */
#include "aws/credentials.h"

#include "aws/credentials_priv.h"
#include "base/clock.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>

#define RENEW_MS       (5 * 60 * 1000) /* before they end */
#define RENEW_PAUSE_MS 10000           /* after a renewal that failed */
#define POLL_MS        50

struct aws_credentials_source {
	struct aws_credentials_settings settings; /* copies */
	struct aws_profiles *profiles;
	char *profile;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct aws_keys keys;
	bool is_expired; /* told so by a service */
	bool is_fetching;
	uint64_t fetches;
	int64_t not_before_ms; /* of the next renewal */
	struct err failure;    /* of the last fetch */
	bool was_stopped;      /* it ended so: says nothing to other threads */
};

static const char *copy_or_null(const char *text)
{
	return text ? mem_strdup(text) : NULL;
}

static void wipe(const char *text)
{
	if (text)
		OPENSSL_cleanse((char *)text, strlen(text));
	free((char *)text);
}

void aws_keys_done(struct aws_keys *keys)
{
	wipe(keys->access_key_id);
	wipe(keys->secret_access_key);
	wipe(keys->session_token);
	*keys = (struct aws_keys){0};
}

static void copy_keys(const struct aws_keys *keys, struct aws_keys *ret_keys)
{
	*ret_keys = (struct aws_keys){mem_strdup(keys->access_key_id),
		mem_strdup(keys->secret_access_key),
		keys->session_token ? mem_strdup(keys->session_token) : NULL, keys->expires_ms};
}

/* Profiles that were asked for must be there. */
static int check_profile(
	const struct aws_credentials_source *source, bool is_asked, struct err *err)
{
	if (!is_asked || aws_profiles_has(source->profiles, source->profile))
		return 0;
	err_set(err, ERR_NOT_FOUND, "no profile \"%s\" in %s", source->profile,
		aws_profiles_files(source->profiles));
	return err_hint(err, "make it with aws configure --profile %s", source->profile);
}

int aws_credentials_source_new(struct aws_credentials_source **ret_source,
	const struct aws_credentials_settings *settings, struct err *err)
{
	_cleanup_(aws_credentials_source_freep) struct aws_credentials_source *source =
		mem_new(1, sizeof(*source));
	const char *environment = getenv("AWS_PROFILE");
	const char *asked = settings->profile                       ? settings->profile
			    : environment && environment[0] != '\0' ? environment
								    : NULL;
	pthread_condattr_t attributes;

	pthread_mutex_init(&source->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&source->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	source->settings = (struct aws_credentials_settings){copy_or_null(settings->profile),
		copy_or_null(settings->credentials_file), copy_or_null(settings->config_file),
		copy_or_null(settings->access_key_id), copy_or_null(settings->secret_access_key),
		copy_or_null(settings->session_token), copy_or_null(settings->role_arn),
		copy_or_null(settings->external_id), copy_or_null(settings->region),
		copy_or_null(settings->sts_endpoint)};
	source->profile = mem_strdup(asked ? asked : "default");
	if (settings->access_key_id && !settings->secret_access_key)
		return err_set(err, ERR_USAGE, "access key %s has no secret access key",
			settings->access_key_id);
	if (!settings->access_key_id) {
		if (aws_profiles_load(&source->profiles, settings->credentials_file,
			    settings->config_file, err) < 0 ||
			check_profile(source, asked != NULL, err) < 0)
			return -1;
	}
	*ret_source = take(source);
	return 0;
}

void aws_credentials_source_free(struct aws_credentials_source *source)
{
	if (!source)
		return;
	wipe(source->settings.profile);
	wipe(source->settings.credentials_file);
	wipe(source->settings.config_file);
	wipe(source->settings.access_key_id);
	wipe(source->settings.secret_access_key);
	wipe(source->settings.session_token);
	wipe(source->settings.role_arn);
	wipe(source->settings.external_id);
	wipe(source->settings.region);
	wipe(source->settings.sts_endpoint);
	aws_profiles_free(source->profiles);
	free(source->profile);
	aws_keys_done(&source->keys);
	pthread_cond_destroy(&source->changed);
	pthread_mutex_destroy(&source->lock);
	free(source);
}

const struct aws_profiles *aws_credentials_profiles(const struct aws_credentials_source *source)
{
	return source->profiles;
}

const char *aws_credentials_profile(const struct aws_credentials_source *source)
{
	return source->profile;
}

/* ---- the chain ---- */

int credentials_not_here(struct credentials_fetch *fetch, const char *format, ...)
{
	size_t n = strlen(fetch->tried);
	va_list arguments;

	if (n && n + 2 < sizeof(fetch->tried)) {
		memcpy(fetch->tried + n, "; ", 3);
		n += 2;
	}
	va_start(arguments, format);
	vsnprintf(fetch->tried + n, sizeof(fetch->tried) - n, format, arguments);
	va_end(arguments);
	return PROVIDER_EMPTY;
}

static int no_keys(const struct credentials_fetch *fetch, struct err *err)
{
	err_set(err, ERR_PERMISSION, "no AWS credentials: %s", fetch->tried);
	return err_hint(err, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile "
			     "that has keys (AWS_PROFILE)");
}

static int run_chain(struct credentials_fetch *fetch, struct aws_keys *ret_keys, struct err *err)
{
	static int (*const providers[])(struct credentials_fetch *, struct aws_keys *,
		struct err *) = {credentials_from_environment, credentials_from_web_identity,
		credentials_from_profile, credentials_from_container, credentials_from_instance};

	for (size_t i = 0; i < ARRAY_SIZE(providers); i++) {
		int result = providers[i](fetch, ret_keys, err);
		if (result <= 0)
			return result;
	}
	return no_keys(fetch, err);
}

static int fetch_keys(const struct aws_credentials_source *source, struct aws_stop *stop,
	struct aws_keys *ret_keys, struct err *err)
{
	const struct aws_credentials_settings *settings = &source->settings;
	_cleanup_(aws_profiles_freep) struct aws_profiles *profiles = NULL;
	_cleanup_(aws_keys_done) struct aws_keys keys = {0};
	struct credentials_fetch fetch = {.settings = settings,
		.profile = source->profile,
		.is_profile_asked = settings->profile != NULL,
		.stop = stop};

	if (settings->access_key_id) {
		keys = (struct aws_keys){mem_strdup(settings->access_key_id),
			mem_strdup(settings->secret_access_key),
			settings->session_token ? mem_strdup(settings->session_token) : NULL, 0};
	} else {
		/* Others rewrite the files: what they say now counts. */
		if (aws_profiles_load(
			    &profiles, settings->credentials_file, settings->config_file, err) < 0)
			return -1;
		fetch.profiles = profiles;
		if (run_chain(&fetch, &keys, err) < 0)
			return -1;
	}
	if (!settings->role_arn) {
		*ret_keys = keys;
		keys = (struct aws_keys){0};
		return 0;
	}
	const struct credentials_role role = {
		.role_arn = settings->role_arn, .external_id = settings->external_id};
	return credentials_assume_role(&fetch, &role, &keys, ret_keys, err);
}

/* ---- the kept keys ---- */

static int64_t now(void)
{
	return clock_wall_ns() / 1000000;
}

static bool are_good(const struct aws_credentials_source *source, int64_t now_ms)
{
	return source->keys.access_key_id && !source->is_expired &&
	       (source->keys.expires_ms == 0 || source->keys.expires_ms > now_ms);
}

static bool must_renew(const struct aws_credentials_source *source, int64_t now_ms)
{
	return !are_good(source, now_ms) ||
	       (source->keys.expires_ms && source->keys.expires_ms - RENEW_MS < now_ms &&
		       now_ms >= source->not_before_ms);
}

/* Locked; unlocked during the fetch. */
static void renew(struct aws_credentials_source *source, struct aws_stop *stop)
{
	struct aws_keys keys = {0};
	struct err failure = ERR_INIT;

	source->is_fetching = true;
	pthread_mutex_unlock(&source->lock);
	int result = fetch_keys(source, stop, &keys, &failure);
	pthread_mutex_lock(&source->lock);
	source->is_fetching = false;
	source->fetches++;
	source->failure = failure;
	source->was_stopped = result < 0 && aws_stop_is_set(stop);
	if (result == 0) {
		aws_keys_done(&source->keys);
		source->keys = keys;
		source->is_expired = false;
	} else {
		source->not_before_ms = now() + RENEW_PAUSE_MS;
	}
	pthread_cond_broadcast(&source->changed);
}

/* Locked. Until the fetch of another thread is over; false: stopped before. */
static bool await_fetch(struct aws_credentials_source *source, struct aws_stop *stop)
{
	uint64_t before = source->fetches;

	while (source->fetches == before) {
		int64_t until = clock_mono_ns() + POLL_MS * INT64_C(1000000);
		struct timespec time = {until / CLOCK_NS_PER_SECOND, until % CLOCK_NS_PER_SECOND};
		if (aws_stop_is_set(stop))
			return false;
		pthread_cond_timedwait(&source->changed, &source->lock, &time);
	}
	return true;
}

int aws_credentials_get_until(struct aws_credentials_source *source, struct aws_stop *stop,
	struct aws_keys *ret_keys, struct err *err)
{
	int result = 0;

	pthread_mutex_lock(&source->lock);
	while (must_renew(source, now())) {
		if (!source->is_fetching) {
			renew(source, stop);
			break;
		}
		if (are_good(source, now()))
			break;
		if (!await_fetch(source, stop)) {
			result = err_set(err, ERR_SYSTEM, "fetching credentials: stopped");
			break;
		}
		if (!source->was_stopped)
			break;
	}
	if (result == 0 && are_good(source, now())) {
		copy_keys(&source->keys, ret_keys);
	} else if (result == 0) {
		if (err)
			*err = source->failure;
		result = -1;
	}
	pthread_mutex_unlock(&source->lock);
	return result;
}

int aws_credentials_get(
	struct aws_credentials_source *source, struct aws_keys *ret_keys, struct err *err)
{
	return aws_credentials_get_until(source, NULL, ret_keys, err);
}

void aws_credentials_expire(struct aws_credentials_source *source)
{
	pthread_mutex_lock(&source->lock);
	source->is_expired = true;
	pthread_mutex_unlock(&source->lock);
}
