/* The keeper: a thread that goes over the buckets with lifecycle rules, again and again, and
 * removes what they say. It works through the store's own pages and calls, so that whatever holds
 * for a client's delete holds for its own; a page at a time, so that it never holds anything up. An
 * error leaves the rest to the next pass. */
#include "api/s3/lifecycle_priv.h"

#include "base/clock.h"

#include <errno.h>

struct s3_keeper {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_started, is_stopping;
	int64_t every_ms, day_ms;
};

struct pass {
	struct s3 *s3;
	struct s3_keeper *keeper;
	struct s3_bucket *bucket;
	int64_t now_ms;
	/* Versions of the key at hand, newest first. */
	struct buf key;
	int64_t newer_ms; /* when the version at hand was replaced */
	uint64_t noncurrent;
};

static bool is_stopping(struct s3_keeper *keeper)
{
	pthread_mutex_lock(&keeper->lock);
	bool stopping = keeper->is_stopping;
	pthread_mutex_unlock(&keeper->lock);
	return stopping;
}

static void remove_object(struct pass *pass, const struct store_object *object, bool version)
{
	const struct store_condition none = {STR(""), STR("")};
	struct store_deleted deleted = {0};
	struct err err = ERR_INIT;

	if (store_object_delete(pass->s3->objects, pass->bucket->bucket.name, object->key,
		    version ? str_from(object->version) : STR(""), &none, &deleted, NULL, &err) < 0)
		return;
	atomic_fetch_add(&pass->s3->expired_objects, 1);
	s3_event_of(pass->s3, pass->bucket,
		deleted.is_delete_marker && !version ? "LifecycleExpiration:DeleteMarkerCreated"
						     : "LifecycleExpiration:Delete",
		object);
}

/* The tags of a listed object: only looked up when a rule asks for them. */
static bool fits(struct pass *pass, const struct s3_rule *rule, const struct store_object *object)
{
	struct store_object found = {0};

	if (!rule->tags.n || object->is_delete_marker)
		return s3_rule_fits(
			rule, object->key, object->size, object->tags.p ? object->tags : STR(""));
	if (store_object_get(pass->s3->objects, pass->bucket->bucket.name, object->key,
		    str_from(object->version), &found, NULL, NULL, NULL) < 0) {
		store_object_done(&found);
		return false;
	}
	bool fit = s3_rule_fits(rule, object->key, object->size, found.tags);
	store_object_done(&found);
	return fit;
}

static bool is_expired(struct pass *pass, const struct store_object *object)
{
	const struct s3_lifecycle *lifecycle = pass->bucket->lifecycle;

	for (size_t i = 0; i < lifecycle->count; i++) {
		const struct s3_rule *rule = &lifecycle->rules[i];
		bool due = (rule->date_ms && rule->date_ms <= pass->now_ms) ||
			   (rule->days && s3_rule_due(rule, object->modified_ms, rule->days,
						  pass->keeper->day_ms) <= pass->now_ms);
		if (due && fits(pass, rule, object))
			return true;
	}
	return false;
}

static bool is_old_version(struct pass *pass, const struct store_object *object)
{
	const struct s3_lifecycle *lifecycle = pass->bucket->lifecycle;

	for (size_t i = 0; i < lifecycle->count; i++) {
		const struct s3_rule *rule = &lifecycle->rules[i];

		if (rule->noncurrent_days && (int64_t)pass->noncurrent > rule->newer_noncurrent &&
			s3_rule_due(rule, pass->newer_ms, rule->noncurrent_days,
				pass->keeper->day_ms) <= pass->now_ms &&
			fits(pass, rule, object))
			return true;
	}
	return false;
}

/* A delete marker with nothing under it. */
static bool is_lone_marker(struct pass *pass, const struct store_list *list, size_t i)
{
	const struct s3_lifecycle *lifecycle = pass->bucket->lifecycle;
	const struct store_object *object = &list->objects[i];

	if (i + 1 == list->count ? list->is_truncated
				 : str_equal(list->objects[i + 1].key, object->key))
		return false;
	for (size_t j = 0; j < lifecycle->count; j++) {
		const struct s3_rule *rule = &lifecycle->rules[j];
		/* Days of expiration clean markers of that age up too, as S3 does. */
		bool is_aged = rule->days && s3_rule_due(rule, object->modified_ms, rule->days,
						     pass->keeper->day_ms) <= pass->now_ms;
		if ((rule->expires_markers || is_aged) &&
			s3_rule_fits(rule, object->key, 0, STR("")))
			return true;
	}
	return false;
}

static void keep_version(struct pass *pass, const struct store_list *list, size_t i)
{
	const struct store_object *object = &list->objects[i];

	if (!str_equal(buf_str(&pass->key), object->key)) {
		pass->key.n = 0;
		buf_add_str(&pass->key, object->key);
		pass->noncurrent = 0;
	}
	if (object->is_latest) {
		if (object->is_delete_marker ? is_lone_marker(pass, list, i)
					     : is_expired(pass, object))
			remove_object(pass, object, object->is_delete_marker);
	} else {
		pass->noncurrent++;
		if (is_old_version(pass, object))
			remove_object(pass, object, true);
	}
	pass->newer_ms = object->modified_ms;
}

static bool needs(const struct s3_lifecycle *lifecycle, bool uploads)
{
	for (size_t i = 0; i < lifecycle->count; i++) {
		const struct s3_rule *rule = &lifecycle->rules[i];

		if (rule->is_enabled &&
			(uploads ? rule->abort_days > 0
				 : rule->days || rule->date_ms || rule->noncurrent_days ||
						rule->expires_markers))
			return true;
	}
	return false;
}

static void keep_objects(struct pass *pass)
{
	bool has_versions = pass->bucket->bucket.versioning != STORE_VERSIONING_NEVER;
	_cleanup_buf_ struct buf after = {0};
	char after_version[STORE_VERSION_MAX] = "";
	struct store_list list = {0};
	bool more = true;

	while (more && !is_stopping(pass->keeper)) {
		struct store_list_options options = {.bucket = pass->bucket->bucket.name,
			.prefix = STR(""),
			.delimiter = STR(""),
			.after = buf_str(&after),
			.after_version = str_from(after_version),
			.max = STORE_LIST_MAX,
			.versions = has_versions};

		if (store_list(pass->s3->objects, &options, &list, NULL, NULL) < 0)
			return;
		for (size_t i = 0; i < list.count; i++) {
			if (has_versions)
				keep_version(pass, &list, i);
			else if (is_expired(pass, &list.objects[i]))
				remove_object(pass, &list.objects[i], false);
		}
		more = list.is_truncated;
		after.n = 0;
		buf_add_str(&after, list.next_key);
		memcpy(after_version, list.next_version, sizeof(after_version));
		store_list_done(&list);
	}
}

static void keep_upload(struct pass *pass, const struct store_upload *upload)
{
	const struct s3_lifecycle *lifecycle = pass->bucket->lifecycle;

	for (size_t i = 0; i < lifecycle->count; i++) {
		const struct s3_rule *rule = &lifecycle->rules[i];

		if (!rule->abort_days || !rule->is_enabled ||
			!str_starts_with(upload->key, rule->prefix) ||
			s3_rule_due(rule, upload->started_ms, rule->abort_days,
				pass->keeper->day_ms) > pass->now_ms)
			continue;
		if (store_upload_abort(pass->s3->objects, pass->bucket->bucket.name, upload->key,
			    str_from(upload->id), NULL, NULL) == 0)
			atomic_fetch_add(&pass->s3->expired_uploads, 1);
		return;
	}
}

static void keep_uploads(struct pass *pass)
{
	_cleanup_buf_ struct buf after = {0};
	char after_id[STORE_VERSION_MAX] = "";
	struct store_upload_list list = {0};
	bool more = true;

	while (more && !is_stopping(pass->keeper)) {
		struct store_upload_list_options options = {.bucket = pass->bucket->bucket.name,
			.prefix = STR(""),
			.delimiter = STR(""),
			.after_key = buf_str(&after),
			.after_id = str_from(after_id),
			.max = STORE_LIST_MAX};

		if (store_upload_list(pass->s3->objects, &options, &list, NULL, NULL) < 0)
			return;
		for (size_t i = 0; i < list.count; i++)
			keep_upload(pass, &list.uploads[i]);
		more = list.is_truncated;
		after.n = 0;
		buf_add_str(&after, list.next_key);
		memcpy(after_id, list.next_id, sizeof(after_id));
		store_upload_list_done(&list);
	}
}

struct names {
	struct buf text; /* one a line */
};

static bool add_name(void *context, const struct store_bucket *bucket)
{
	struct names *names = context;

	buf_add_str(&names->text, bucket->name);
	buf_add_char(&names->text, '\n');
	return true;
}

static void keep_bucket(struct s3 *s3, struct s3_keeper *keeper, struct str name)
{
	struct pass pass = {.s3 = s3, .keeper = keeper, .now_ms = clock_wall_ns() / 1000000};

	if (s3_bucket_get(s3, name, &pass.bucket, NULL, NULL) < 0)
		return;
	if (pass.bucket->lifecycle && needs(pass.bucket->lifecycle, false))
		keep_objects(&pass);
	if (pass.bucket->lifecycle && needs(pass.bucket->lifecycle, true))
		keep_uploads(&pass);
	buf_done(&pass.key);
	s3_bucket_unref(pass.bucket);
}

static void keep(struct s3 *s3, struct s3_keeper *keeper)
{
	struct names names = {0};
	struct str rest, name;

	if (store_bucket_list(s3->objects, STR(""), STR(""), add_name, &names, NULL) == 0) {
		rest = buf_str(&names.text);
		while (!is_stopping(keeper) && str_split(&rest, '\n', &name))
			if (name.n)
				keep_bucket(s3, keeper, name);
	}
	buf_done(&names.text);
}

static void *work(void *argument)
{
	struct s3 *s3 = argument;
	struct s3_keeper *keeper = s3->keeper;
	struct timespec until;

	pthread_mutex_lock(&keeper->lock);
	while (!keeper->is_stopping) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += keeper->every_ms / 1000;
		until.tv_nsec += keeper->every_ms % 1000 * 1000000;
		if (until.tv_nsec >= CLOCK_NS_PER_SECOND) {
			until.tv_sec++;
			until.tv_nsec -= CLOCK_NS_PER_SECOND;
		}
		int waited = 0;
		while (!keeper->is_stopping && waited != ETIMEDOUT)
			waited = pthread_cond_timedwait(&keeper->wake, &keeper->lock, &until);
		if (keeper->is_stopping)
			break;
		pthread_mutex_unlock(&keeper->lock);
		keep(s3, keeper);
		pthread_mutex_lock(&keeper->lock);
	}
	pthread_mutex_unlock(&keeper->lock);
	return NULL;
}

int s3_keeper_start(struct s3 *s3, const struct s3_options *options, struct err *err)
{
	struct s3_keeper *keeper = s3->keeper = mem_new(1, sizeof(*keeper));
	pthread_condattr_t attributes;

	keeper->every_ms = options->lifecycle_every_ms ? options->lifecycle_every_ms : 60000;
	keeper->day_ms = options->lifecycle_day_ms ? options->lifecycle_day_ms : S3_DAY_MS;
	pthread_mutex_init(&keeper->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&keeper->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	int failed = pthread_create(&keeper->thread, NULL, work, s3);
	if (failed)
		return err_set_errno(err, failed, "no thread for lifecycle rules");
	keeper->is_started = true;
	return 0;
}

void s3_keeper_stop(struct s3 *s3)
{
	struct s3_keeper *keeper = s3->keeper;

	if (!keeper)
		return;
	pthread_mutex_lock(&keeper->lock);
	keeper->is_stopping = true;
	pthread_cond_signal(&keeper->wake);
	pthread_mutex_unlock(&keeper->lock);
	if (keeper->is_started)
		pthread_join(keeper->thread, NULL);
	pthread_cond_destroy(&keeper->wake);
	pthread_mutex_destroy(&keeper->lock);
	free(keeper);
	s3->keeper = NULL;
}
