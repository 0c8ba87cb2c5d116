/* Results of queries that succeeded lately, by what was asked: a query that takes results of some
 * age gets those of the same text in the same database and workgroup, asked by the same principal
 * (Athena user guide, "Reuse query results"). The last ones are known, since the start. */
#include "api/athena/athena_priv.h"

#include "aws/digest.h"

#include <string.h>

enum { MS_PER_MINUTE = 60000, DEFAULT_MINUTES = 60 };

int64_t athena_reuse_age(const json_t *configuration)
{
	const json_t *by_age = json_object_get(configuration, "ResultReuseByAgeConfiguration");
	const json_t *minutes = json_object_get(by_age, "MaxAgeInMinutes");

	if (!json_is_true(json_object_get(by_age, "Enabled")))
		return 0;
	return (json_is_integer(minutes) ? json_integer_value(minutes) : DEFAULT_MINUTES) *
	       MS_PER_MINUTE;
}

static void make_digest(
	const struct execution *execution, uint8_t ret_digest[static AWS_SHA256_SIZE])
{
	_cleanup_buf_ struct buf text = {0};
	struct str group = athena_text(athena_document(execution), "WorkGroup");

	buf_add_str(&text, execution->caller->principal.arn);
	buf_add_char(&text, '\0');
	buf_add_str(&text, group);
	buf_add_char(&text, '\0');
	buf_add_text(&text, execution->database);
	buf_add_char(&text, '\0');
	buf_add_text(&text, execution->sql);
	aws_sha256(buf_str(&text), ret_digest);
}

void athena_reuse_keep(struct athena *athena, const struct execution *execution)
{
	struct athena_reusable *one = &athena->reusable[athena->reusable_next];

	if (execution->ddl.kind != DDL_SELECT || execution->is_reused)
		return;
	make_digest(execution, one->digest);
	memcpy(one->id, execution->id, sizeof(one->id));
	one->done_ms = athena_now_ms();
	athena->reusable_next = (athena->reusable_next + 1) % ARRAY_SIZE(athena->reusable);
}

/* The newest that is young enough. */
static bool find(
	struct athena *athena, const struct execution *execution, char ret_id[static ID_SIZE + 1])
{
	uint8_t digest[AWS_SHA256_SIZE];
	int64_t newest = athena_now_ms() - execution->reuse_ms;
	bool found = false;

	make_digest(execution, digest);
	pthread_mutex_lock(&athena->lock);
	for (size_t i = 0; i < ARRAY_SIZE(athena->reusable); i++) {
		const struct athena_reusable *one = &athena->reusable[i];
		if (one->done_ms < newest || memcmp(one->digest, digest, sizeof(digest)) != 0)
			continue;
		newest = one->done_ms;
		memcpy(ret_id, one->id, ID_SIZE + 1);
		found = true;
	}
	pthread_mutex_unlock(&athena->lock);
	return found;
}

static bool is_there(const struct work *work, struct str location)
{
	struct store_object object = {.size = 0};
	struct str bucket, key;
	struct aws_error error;
	struct err err = ERR_INIT;

	if (!athena_split_location(location, &bucket, &key) ||
		store_object_get(work->athena->settings.objects, bucket, key, STR(""), &object,
			NULL, &error, &err) < 0)
		return false;
	store_object_done(&object);
	return true;
}

int athena_reuse(const struct work *work, struct athena_query *query, bool *ret_reused)
{
	struct execution *execution = work->execution;
	json_t *former = NULL;
	char id[ID_SIZE + 1];
	struct err err = ERR_INIT;

	*ret_reused = false;
	if (execution->reuse_ms <= 0 || !find(work->athena, execution, id) ||
		!(former = athena_kept(work->athena, str_from(id), &err)))
		return 0;
	json_t *result = json_object_get(
		json_object_get(json_object_get(former, "Execution"), "ResultConfiguration"),
		"OutputLocation");
	struct str place = {json_string_value(result), json_string_length(result)};
	int r = 0;
	if (is_there(work, place)) {
		/* the caller's permissions are as they are now */
		query->only_checked = true;
		r = athena_run(work->engine, query, work->failure);
		*ret_reused = r == 0;
	}
	if (*ret_reused) {
		json_t *document = athena_document(execution);
		pthread_mutex_lock(&work->athena->lock);
		execution->is_reused = true;
		json_object_set(
			json_object_get(document, "ResultConfiguration"), "OutputLocation", result);
		json_object_set_new(json_object_get(json_object_get(document, "Statistics"),
					    "ResultReuseInformation"),
			"ReusedPreviousResult", json_true());
		pthread_mutex_unlock(&work->athena->lock);
		athena_keep(work, json_object_get(former, "Columns"), 0);
	}
	json_decref(former);
	return r;
}
