/* What queries see of catalog and buckets, and whether the caller may: Glue's actions on tables,
 * S3's on buckets and objects, with the caller's policies as they were when the query was started
 * and the bucket's as it is now. */
#include "api/athena/athena_priv.h"

#include "aws/time.h"
#include "base/clock.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

enum { LIST_MAX = 100000 };

int athena_fail_aws(struct athena_failure *failure, const struct aws_error *error)
{
	return athena_fail(failure, "FAILED", "%s", error->message);
}

static struct aws_policy *bucket_policy(struct athena *athena, struct str resource)
{
	struct str prefix = STR("arn:aws:s3:::");
	_cleanup_buf_ struct buf text = {0};
	struct aws_policy *policy = NULL;
	struct aws_error error;
	struct err err = ERR_INIT;

	if (!str_starts_with(resource, prefix))
		return NULL;
	struct str bucket = {resource.p + prefix.n, resource.n - prefix.n};
	const char *slash = memchr(bucket.p, '/', bucket.n);
	bucket.n = slash ? (size_t)(slash - bucket.p) : bucket.n;
	if (store_config_get(
		    athena->settings.objects, bucket, STR("policy"), &text, &error, &err) == 0)
		aws_policy_parse(&policy, buf_str(&text), AWS_POLICY_RESOURCE, &err);
	return policy;
}

static int may(struct athena *athena, struct execution *execution, const char *action,
	struct str resource, const struct aws_policy *resource_policy,
	struct athena_failure *failure)
{
	const struct store_caller *caller = execution->caller;
	const struct aws_policy *all = athena->allow_all;
	char now[AWS_TIME_STR_MAX];
	const char *end = aws_time_write_iso8601(now, athena_now_ms());
	struct str values[] = {caller->user_id, caller->user_name, str_from(execution->peer),
		{now, (size_t)(end - now)}, STR("true")};
	static const char *const names[] = {"aws:userid", "aws:username", "aws:SourceIp",
		"aws:CurrentTime", "aws:ViaAWSService"};
	_cleanup_free_ struct aws_context_key *keys =
		mem_new(caller->tag_count + ARRAY_SIZE(names), sizeof(*keys));
	size_t count = 0;

	for (size_t i = 0; i < caller->tag_count; i++)
		keys[count++] = caller->tags[i];
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (values[i].n)
			keys[count++] = (struct aws_context_key){str_from(names[i]), &values[i], 1};
	}
	const struct aws_policy_set set = {.identity = caller->is_root ? &all : caller->policies,
		.identity_count = caller->is_root ? 1 : caller->policy_count,
		.boundary = caller->is_root ? NULL : caller->boundary,
		.session = caller->session_policy,
		.resource = resource_policy,
		.resource_account = athena->settings.account};
	const struct aws_policy_request request = {.principal = caller->principal,
		.action = str_from(action),
		.resource = resource,
		.context = keys,
		.context_count = count};
	struct aws_policy_result result;
	aws_policy_evaluate(&set, &request, &result);
	if (result.decision == AWS_DECISION_ALLOW)
		return 0;
	return athena_fail(failure, "PERMISSION_DENIED",
		"%.*s is not authorized to perform: %s on resource: %.*s",
		STR_ARG(caller->principal.arn), action, STR_ARG(resource));
}

int athena_may(struct athena *athena, struct execution *execution, const char *action,
	struct str resource, struct athena_failure *failure)
{
	struct aws_policy *policy = bucket_policy(athena, resource);
	int r = may(athena, execution, action, resource, policy, failure);

	aws_policy_free(policy);
	return r;
}

int athena_may_table(struct athena *athena, struct execution *execution, const char *action,
	struct str database, struct str table, struct athena_failure *failure)
{
	_cleanup_buf_ struct buf arn = {0};

	buf_printf(&arn, "arn:aws:glue:%.*s:%.*s:", STR_ARG(athena->settings.region),
		STR_ARG(athena->settings.account));
	if (table.n)
		buf_printf(&arn, "table/%.*s/%.*s", STR_ARG(database), STR_ARG(table));
	else if (database.n)
		buf_printf(&arn, "database/%.*s", STR_ARG(database));
	else
		buf_add_text(&arn, "catalog");
	return athena_may(athena, execution, action, buf_str(&arn), failure);
}

static int find_table(void *context, struct str database, struct str table, json_t **ret_table,
	struct athena_failure *failure)
{
	struct source *source = context;
	struct aws_error error;
	struct err err = ERR_INIT;

	if (athena_may_table(source->athena, source->execution, "glue:GetTable", database, table,
		    failure) < 0)
		return -1;
	if (store_catalog_get_table(source->athena->settings.catalog,
		    (struct store_table_name){database, table}, ret_table, &error, &err) == 0)
		return ATHENA_FOUND;
	return error.code == AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION
		       ? ATHENA_NOT_FOUND
		       : athena_fail_aws(failure, &error);
}

static int find_partitions(void *context, struct str database, struct str table,
	json_t **ret_partitions, struct athena_failure *failure)
{
	struct source *source = context;
	_cleanup_buf_ struct buf after = {0}, next = {0};
	json_t *all = json_array();
	struct aws_error error;
	struct err err = ERR_INIT;

	if (athena_may_table(source->athena, source->execution, "glue:GetPartitions", database,
		    table, failure) < 0) {
		json_decref(all);
		return -1;
	}
	do {
		json_t *page = NULL;
		const struct store_partition_query query = {
			.after = buf_str(&after), .limit = 1000, .without_columns = true};
		next.n = 0;
		if (store_catalog_list_partitions(source->athena->settings.catalog,
			    (struct store_table_name){database, table}, &query, &page, &next,
			    &error, &err) < 0) {
			json_decref(all);
			return athena_fail_aws(failure, &error);
		}
		json_array_extend(all, page);
		json_decref(page);
		after.n = 0;
		buf_add_str(&after, buf_str(&next));
	} while (next.n);
	*ret_partitions = all;
	return 0;
}

static int list_databases(void *context, json_t **ret_names, struct athena_failure *failure)
{
	struct source *source = context;
	json_t *list = NULL, *names;
	struct aws_error error;
	struct err err = ERR_INIT;

	if (athena_may_table(source->athena, source->execution, "glue:GetDatabases", STR(""),
		    STR(""), failure) < 0)
		return -1;
	if (store_catalog_list_databases(
		    source->athena->settings.catalog, STR(""), LIST_MAX, &list, &error, &err) < 0)
		return athena_fail_aws(failure, &error);
	names = json_array();
	for (size_t i = 0; i < json_array_size(list); i++)
		json_array_append(names, json_object_get(json_array_get(list, i), "Name"));
	json_decref(list);
	*ret_names = names;
	return 0;
}

static int list_tables(
	void *context, struct str database, json_t **ret_tables, struct athena_failure *failure)
{
	struct source *source = context;
	struct athena_failure ignored;
	struct aws_error error;
	struct err err = ERR_INIT;

	*ret_tables = NULL;
	if (athena_may_table(source->athena, source->execution, "glue:GetTables", database, STR(""),
		    &ignored) < 0)
		return 0;
	return store_catalog_list_tables(source->athena->settings.catalog, database, STR(""),
		       LIST_MAX, ret_tables, &error, &err) < 0
		       ? athena_fail_aws(failure, &error)
		       : 0;
}

/* Where an object's bytes lie, and what they are. */
struct place {
	char path[PATH_MAX];
	char etag[STORE_ETAG_MAX];
	struct stat status;
};

/* The path is what its descriptor is called. */
static int find_place(struct athena *athena, struct str bucket, const struct store_object *object,
	struct place *ret_place, struct athena_failure *failure)
{
	struct store_object opened = {.size = 0};
	struct aws_error error;
	struct err err = ERR_INIT;
	_cleanup_close_ int fd = -1;
	char own[64];

	if (store_object_get(athena->settings.objects, bucket, object->key, STR(""), &opened, &fd,
		    &error, &err) < 0)
		return athena_fail(failure, "HIVE_CANNOT_OPEN_SPLIT",
			"Error opening Hive split s3://%.*s/%.*s: %s", STR_ARG(bucket),
			STR_ARG(object->key), error.message);
	memcpy(ret_place->etag, opened.etag, sizeof(ret_place->etag));
	store_object_done(&opened);
	snprintf(own, sizeof(own), "/proc/self/fd/%d", fd);
	/* NOLINTNEXTLINE(readability-suspicious-call-argument) */
	ssize_t n = readlink(own, ret_place->path, sizeof(ret_place->path) - 1);
	if (n <= 0 || fstat(fd, &ret_place->status) < 0)
		return athena_fail(failure, "GENERIC_INTERNAL_ERROR", "an object has no file");
	ret_place->path[n] = 0;
	return 0;
}

/* Names that begin with _ or . are not data, as in Hive. */
static bool is_hidden(struct str key)
{
	const char *slash = memrchr(key.p, '/', key.n);
	const char *name = slash ? slash + 1 : key.p;

	return name == key.p + key.n || *name == '_' || *name == '.';
}

static int add_page(struct source *source, struct str bucket, const struct aws_policy *policy,
	const struct store_list *list, int (*add)(void *adding, const struct athena_file *file),
	void *adding, struct athena_failure *failure)
{
	_cleanup_buf_ struct buf arn = {0}, name = {0};
	struct place place = {.etag = ""};

	for (size_t i = 0; i < list->count; i++) {
		const struct store_object *object = &list->objects[i];
		if (is_hidden(object->key) || object->size == 0)
			continue;
		arn.n = 0;
		buf_printf(&arn, "arn:aws:s3:::%.*s/%.*s", STR_ARG(bucket), STR_ARG(object->key));
		if (may(source->athena, source->execution, "s3:GetObject", buf_str(&arn), policy,
			    failure) < 0 ||
			find_place(source->athena, bucket, object, &place, failure) < 0)
			return -1;
		name.n = 0;
		buf_printf(&name, "s3://%.*s/%.*s", STR_ARG(bucket), STR_ARG(object->key));
		const struct athena_file file = {.path = place.path,
			.size = (uint64_t)place.status.st_size,
			.name = buf_text(&name),
			.etag = place.etag,
			.inode = place.status.st_ino,
			.modified_ns = clock_ns_from(place.status.st_mtim)};
		if (add(adding, &file) < 0)
			return -1;
	}
	return 0;
}

static int find_files(void *context, struct str location,
	int (*add)(void *adding, const struct athena_file *file), void *adding,
	struct athena_failure *failure)
{
	struct source *source = context;
	struct athena *athena = source->athena;
	_cleanup_buf_ struct buf arn = {0}, after = {0}, prefix = {0};
	struct str bucket, key;
	bool more = true;

	if (!athena_split_location(location, &bucket, &key))
		return athena_fail(failure, "HIVE_METASTORE_ERROR",
			"the location %.*s is not in S3", STR_ARG(location));
	buf_printf(&arn, "arn:aws:s3:::%.*s", STR_ARG(bucket));
	if (athena_may(athena, source->execution, "s3:ListBucket", buf_str(&arn), failure) < 0)
		return -1;
	buf_add_str(&prefix, key);
	if (key.n && !str_ends_with(key, STR("/")))
		buf_add_char(&prefix, '/');
	struct aws_policy *policy = bucket_policy(athena, buf_str(&arn));
	int r = 0;
	while (r == 0 && more) {
		struct store_list list = {.count = 0};
		struct aws_error error;
		struct err err = ERR_INIT;
		const struct store_list_options options = {.bucket = bucket,
			.prefix = buf_str(&prefix),
			.after = buf_str(&after),
			.max = STORE_LIST_MAX};
		r = store_list(athena->settings.objects, &options, &list, &error, &err);
		if (r < 0) {
			athena_fail(failure, "HIVE_FILESYSTEM_ERROR",
				"Failed to list directory: %.*s: %s", STR_ARG(location),
				error.message);
			break;
		}
		r = add_page(source, bucket, policy, &list, add, adding, failure);
		more = list.is_truncated;
		after.n = 0;
		buf_add_str(&after, list.next_key);
		store_list_done(&list);
	}
	aws_policy_free(policy);
	return r;
}

static int find_folders(void *context, struct str location,
	int (*add)(void *adding, struct str name), void *adding, struct athena_failure *failure)
{
	struct source *source = context;
	_cleanup_buf_ struct buf arn = {0}, after = {0};
	struct str bucket, key;
	bool more = true;
	int r = 0;

	if (!athena_split_location(location, &bucket, &key))
		return athena_fail(failure, "HIVE_METASTORE_ERROR",
			"the location %.*s is not in S3", STR_ARG(location));
	buf_printf(&arn, "arn:aws:s3:::%.*s", STR_ARG(bucket));
	if (athena_may(source->athena, source->execution, "s3:ListBucket", buf_str(&arn), failure) <
		0)
		return -1;
	while (r == 0 && more) {
		struct store_list list = {.count = 0};
		struct aws_error error;
		struct err err = ERR_INIT;
		const struct store_list_options options = {.bucket = bucket,
			.prefix = key,
			.delimiter = STR("/"),
			.after = buf_str(&after),
			.max = STORE_LIST_MAX};
		if (store_list(source->athena->settings.objects, &options, &list, &error, &err) < 0)
			return athena_fail(failure, "HIVE_FILESYSTEM_ERROR",
				"Failed to list directory: %.*s: %s", STR_ARG(location),
				error.message);
		for (size_t i = 0; r == 0 && i < list.prefix_count; i++)
			r = add(adding, (struct str){list.prefixes[i].p + key.n,
						list.prefixes[i].n - key.n - 1});
		more = list.is_truncated;
		after.n = 0;
		buf_add_str(&after, list.next_key);
		store_list_done(&list);
	}
	return r;
}

struct athena_source athena_source_of(struct source *source)
{
	return (struct athena_source){source, find_table, find_partitions, list_databases,
		list_tables, find_folders, find_files};
}
