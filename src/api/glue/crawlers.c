/* What clients do with crawlers. */
#include "api/glue/crawlers_priv.h"

#include "base/clock.h"

#include <stdio.h>

static int64_t now_ms(void)
{
	return clock_wall_ns() / 1000000;
}

static struct str name_of(const struct api_call *call)
{
	struct str name = glue_text(call->input, "Name");

	if (!name.p)
		name = glue_text(call->input, "CrawlerName");
	return name.p ? name : STR("");
}

static int no_crawler(struct str name, struct aws_error *error)
{
	return aws_error_set(error, AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION,
		"Crawler entry with name %.*s does not exist", STR_ARG(name));
}

static int find(
	struct api_call *call, struct str name, json_t **ret_crawler, struct aws_error *error)
{
	*ret_crawler = NULL;
	if (store_catalog_get_item(glue_of(call)->catalog, STORE_CATALOG_CRAWLER, STR(""), name,
		    ret_crawler, error, &call->exchange->err) < 0)
		return -1;
	return *ret_crawler ? 0 : no_crawler(name, error);
}

static int put(struct api_call *call, const json_t *crawler, struct aws_error *error)
{
	return store_catalog_put_item(glue_of(call)->catalog, STORE_CATALOG_CRAWLER, STR(""),
		glue_text(crawler, "Name"), crawler, error, &call->exchange->err);
}

/* With what is known of it now. Takes the crawler over. */
static json_t *present(struct glue *glue, json_t *crawler)
{
	static const char *const names[] = {[GLUE_CRAWLER_READY] = "READY",
		[GLUE_CRAWLER_RUNNING] = "RUNNING",
		[GLUE_CRAWLER_STOPPING] = "STOPPING"};
	int64_t started_ms;
	enum glue_crawler_state state =
		glue_crawler_state(glue, glue_text(crawler, "Name"), &started_ms);
	struct aws_error ignored = {0};
	struct err err = ERR_INIT;
	json_t *now = NULL;

	/* The crawl may have ended, and written how it went, since this was read. */
	if (state == GLUE_CRAWLER_READY &&
		store_catalog_get_item(glue->catalog, STORE_CATALOG_CRAWLER, STR(""),
			glue_text(crawler, "Name"), &now, &ignored, &err) == 0 &&
		now) {
		json_decref(crawler);
		crawler = now;
	}
	json_object_set_new(crawler, "State", json_string(names[state]));
	json_object_set_new(crawler, "CrawlElapsedTime",
		json_integer(state == GLUE_CRAWLER_READY ? 0 : now_ms() - started_ms));
	return crawler;
}

/* ---- making ---- */

static int check_targets(json_t *targets, struct aws_error *error)
{
	static const char *const others[] = {"JdbcTargets", "MongoDBTargets", "DynamoDBTargets",
		"CatalogTargets", "DeltaTargets", "IcebergTargets", "HudiTargets"};
	json_t *list = json_object_get(targets, "S3Targets");
	size_t i;
	json_t *target;

	for (size_t t = 0; t < ARRAY_SIZE(others); t++) {
		if (json_array_size(json_object_get(targets, others[t])))
			return glue_refuse(error, "%s are not supported.", others[t]);
		json_object_set_new(targets, others[t], json_array());
	}
	if (!json_array_size(list))
		return glue_refuse(error, "At least one S3 target must be given.");
	json_array_foreach(list, i, target)
	{
		struct str path = glue_text(target, "Path"), bucket;
		char *prefix = NULL;
		bool is_path = path.p && glue_parse_target(path, &bucket, &prefix);
		free(prefix);
		if (!is_path)
			return glue_refuse(error, "The S3 path %.*s is not valid.", STR_ARG(path));
		if (!json_object_get(target, "Exclusions"))
			json_object_set_new(target, "Exclusions", json_array());
	}
	return 0;
}

static int set_schedule(
	json_t *crawler, struct str text, const char *state, struct aws_error *error)
{
	struct glue_cron cron;

	if (!text.n) {
		json_object_del(crawler, "Schedule");
		return 0;
	}
	if (!glue_cron_parse(text, &cron))
		return glue_refuse(error, "Invalid schedule expression: %.*s", STR_ARG(text));
	json_object_set_new(crawler, "Schedule",
		json_pack("{s:s%, s:s}", "ScheduleExpression", text.p, text.n, "State", state));
	return 0;
}

static void set_default(json_t *object, const char *name, json_t *value)
{
	if (!json_object_get(object, name))
		json_object_set_new(object, name, value);
	else
		json_decref(value);
}

/* crawler has a request's members; what is missing is what AWS takes. */
static int complete(json_t *crawler, const json_t *input, struct aws_error *error)
{
	struct str schedule = glue_text(input, "Schedule");
	json_t *targets = json_object_get(crawler, "Targets");

	if (check_targets(targets, error) < 0 ||
		(schedule.p && set_schedule(crawler, schedule, "SCHEDULED", error) < 0))
		return -1;
	if (!glue_text(crawler, "DatabaseName").n)
		return glue_refuse(error, "DatabaseName must be given.");
	if (json_array_size(json_object_get(crawler, "Classifiers")))
		return aws_error_set(error, AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION,
			"Classifiers not found: there are no custom classifiers.");
	set_default(crawler, "SchemaChangePolicy", json_object());
	json_t *policy = json_object_get(crawler, "SchemaChangePolicy");
	set_default(policy, "UpdateBehavior", json_string("UPDATE_IN_DATABASE"));
	set_default(policy, "DeleteBehavior", json_string("DEPRECATE_IN_DATABASE"));
	set_default(crawler, "RecrawlPolicy",
		json_pack("{s:s}", "RecrawlBehavior", "CRAWL_EVERYTHING"));
	set_default(crawler, "LineageConfiguration",
		json_pack("{s:s}", "CrawlerLineageSettings", "DISABLE"));
	set_default(crawler, "LakeFormationConfiguration",
		json_pack("{s:b, s:s}", "UseLakeFormationCredentials", false, "AccountId", ""));
	set_default(crawler, "Classifiers", json_array());
	return 0;
}

static int create(struct api_call *call, json_t *crawler, struct aws_error *error)
{
	json_t *there = NULL;

	if (store_catalog_get_item(glue_of(call)->catalog, STORE_CATALOG_CRAWLER, STR(""),
		    name_of(call), &there, error, &call->exchange->err) < 0)
		return -1;
	json_decref(there);
	if (there)
		return aws_error_set(error, AWS_ERROR_ALREADY_EXISTS_EXCEPTION,
			"Crawler %.*s already exists", STR_ARG(name_of(call)));
	return put(call, crawler, error);
}

GLUE_HANDLER(glue_create_crawler)
{
	const struct glue *glue = glue_of(call);
	json_t *crawler = json_deep_copy(call->input);

	json_object_del(crawler, "Tags");
	json_object_del(crawler, "Schedule");
	json_object_set_new(crawler, "CreationTime", json_integer(now_ms()));
	json_object_set(crawler, "LastUpdated", json_object_get(crawler, "CreationTime"));
	json_object_set_new(crawler, "Version", json_integer(1));
	int result = complete(crawler, call->input, error);
	if (result == 0) {
		glue_crawlers_lock(glue_of(call));
		result = create(call, crawler, error);
		glue_crawlers_unlock(glue_of(call));
	}
	json_decref(crawler);
	if (result < 0)
		return -1;
	return glue_put_tags(call,
		mem_printf("arn:aws:glue:%s:%s:crawler/%.*s", glue->region, glue->account,
			STR_ARG(name_of(call))),
		error);
}

static int refuse_running(struct api_call *call, struct aws_error *error)
{
	int64_t started_ms;

	if (glue_crawler_state(glue_of(call), name_of(call), &started_ms) == GLUE_CRAWLER_READY)
		return 0;
	return aws_error_set(error, AWS_ERROR_CRAWLER_RUNNING_EXCEPTION,
		"Crawler with name %.*s has already started", STR_ARG(name_of(call)));
}

/* Reads, changes and writes with no one between. */
static int modify(struct api_call *call,
	int (*change)(struct api_call *call, json_t *crawler, struct aws_error *error),
	struct aws_error *error)
{
	json_t *crawler = NULL;

	glue_crawlers_lock(glue_of(call));
	int result = find(call, name_of(call), &crawler, error);
	if (result == 0)
		result = change(call, crawler, error);
	if (result == 0)
		result = put(call, crawler, error);
	glue_crawlers_unlock(glue_of(call));
	json_decref(crawler);
	return result;
}

static int update(struct api_call *call, json_t *crawler, struct aws_error *error)
{
	json_t *given = json_deep_copy(call->input);

	if (refuse_running(call, error) < 0) {
		json_decref(given);
		return -1;
	}
	json_object_del(given, "Schedule");
	json_object_update(crawler, given);
	json_decref(given);
	json_object_set_new(crawler, "LastUpdated", json_integer(now_ms()));
	json_object_set_new(
		crawler, "Version", json_integer(glue_number(crawler, "Version", 1) + 1));
	return complete(crawler, call->input, error);
}

GLUE_HANDLER(glue_update_crawler)
{
	return modify(call, update, error);
}

GLUE_HANDLER(glue_delete_crawler)
{
	struct glue *glue = glue_of(call);
	struct str name = name_of(call);
	bool found = false;

	if (refuse_running(call, error) < 0)
		return -1;
	glue_crawlers_lock(glue);
	int result = store_catalog_delete_item(glue->catalog, STORE_CATALOG_CRAWLER, STR(""), name,
		&found, error, &call->exchange->err);
	glue_crawlers_unlock(glue);
	if (result < 0)
		return -1;
	if (!found)
		return no_crawler(name, error);
	return store_catalog_delete_item(glue->catalog, STORE_CATALOG_CRAWL, name, STR_NONE, &found,
		error, &call->exchange->err);
}

/* ---- reading ---- */

GLUE_HANDLER(glue_get_crawler)
{
	json_t *crawler;

	if (find(call, name_of(call), &crawler, error) < 0)
		return -1;
	json_object_set_new(call->output, "Crawler", present(glue_of(call), crawler));
	return 0;
}

/* A page of them. */
static int list(struct api_call *call, json_t **ret_list, struct aws_error *error)
{
	_cleanup_buf_ struct buf after = {0};
	size_t limit = glue_limit(call, 100);

	if (glue_page(call, &after, error) < 0 ||
		store_catalog_list_items(glue_of(call)->catalog, STORE_CATALOG_CRAWLER, STR(""),
			buf_str(&after), limit + 1, ret_list, error, &call->exchange->err) < 0)
		return -1;
	glue_cut(call, *ret_list, limit, "Name");
	return 0;
}

GLUE_HANDLER(glue_get_crawlers)
{
	size_t i;
	json_t *crawler;
	json_t *found;

	if (list(call, &found, error) < 0)
		return -1;
	json_array_foreach(found, i, crawler)
	{
		json_array_set_new(found, i, present(glue_of(call), json_incref(crawler)));
	}
	json_object_set_new(call->output, "Crawlers", found);
	return 0;
}

/* Has the crawler all the tags that are asked for? */
static bool has_tags(struct api_call *call, struct str name)
{
	const struct glue *glue = glue_of(call);
	_cleanup_free_ char *arn = mem_printf(
		"arn:aws:glue:%s:%s:crawler/%.*s", glue->region, glue->account, STR_ARG(name));
	struct aws_error ignored = {0};
	json_t *tags = NULL;
	const char *key;
	json_t *value;
	bool has = true;

	(void)store_catalog_get_item(glue->catalog, STORE_CATALOG_TAGS, STR(""), str_from(arn),
		&tags, &ignored, &call->exchange->err);
	json_object_foreach(json_object_get(call->input, "Tags"), key, value)
	{
		has &= json_equal(json_object_get(tags, key), value) == 1;
	}
	json_decref(tags);
	return has;
}

GLUE_HANDLER(glue_list_crawlers)
{
	json_t *names = json_array();
	size_t i;
	json_t *crawler;
	json_t *found;

	json_object_set_new(call->output, "CrawlerNames", names);
	if (list(call, &found, error) < 0)
		return -1;
	json_array_foreach(found, i, crawler)
	{
		if (has_tags(call, glue_text(crawler, "Name")))
			json_array_append(names, json_object_get(crawler, "Name"));
	}
	json_decref(found);
	return 0;
}

GLUE_HANDLER(glue_batch_get_crawlers)
{
	json_t *found = json_array();
	json_t *missing = json_array();
	size_t i;
	json_t *name;

	json_object_set_new(call->output, "Crawlers", found);
	json_object_set_new(call->output, "CrawlersNotFound", missing);
	json_array_foreach(json_object_get(call->input, "CrawlerNames"), i, name)
	{
		struct aws_error refused = {0};
		json_t *crawler = NULL;
		if (find(call, str_from(json_string_value(name)), &crawler, &refused) == 0) {
			json_array_append_new(found, present(glue_of(call), crawler));
		} else if (refused.code == AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION) {
			json_array_append(missing, name);
		} else {
			*error = refused;
			return -1;
		}
	}
	return 0;
}

/* ---- running ---- */

GLUE_HANDLER(glue_start_crawler)
{
	json_t *crawler;

	if (find(call, name_of(call), &crawler, error) < 0)
		return -1;
	json_decref(crawler);
	if (!glue_crawler_begin(glue_of(call), name_of(call)))
		return aws_error_set(error, AWS_ERROR_CRAWLER_RUNNING_EXCEPTION,
			"Crawler with name %.*s has already started", STR_ARG(name_of(call)));
	return 0;
}

GLUE_HANDLER(glue_stop_crawler)
{
	struct str name = name_of(call);
	json_t *crawler;

	if (find(call, name, &crawler, error) < 0)
		return -1;
	json_decref(crawler);
	enum glue_crawler_state state = glue_crawler_end(glue_of(call), name);
	if (state == GLUE_CRAWLER_READY)
		return aws_error_set(error, AWS_ERROR_CRAWLER_NOT_RUNNING_EXCEPTION,
			"Crawler with name %.*s isn't running", STR_ARG(name));
	if (state == GLUE_CRAWLER_STOPPING)
		return aws_error_set(error, AWS_ERROR_CRAWLER_STOPPING_EXCEPTION,
			"Crawler with name %.*s is stopping", STR_ARG(name));
	return 0;
}

static int start_schedule(struct api_call *call, json_t *crawler, struct aws_error *error)
{
	json_t *schedule = json_object_get(crawler, "Schedule");

	if (!schedule)
		return aws_error_set(error, AWS_ERROR_NO_SCHEDULE_EXCEPTION,
			"Crawler %.*s has no schedule", STR_ARG(name_of(call)));
	if (str_equal(glue_text(schedule, "State"), STR("SCHEDULED")))
		return aws_error_set(error, AWS_ERROR_SCHEDULER_RUNNING_EXCEPTION,
			"The schedule of crawler %.*s is running", STR_ARG(name_of(call)));
	return json_object_set_new(schedule, "State", json_string("SCHEDULED"));
}

GLUE_HANDLER(glue_start_schedule)
{
	return modify(call, start_schedule, error);
}

static int stop_schedule(struct api_call *call, json_t *crawler, struct aws_error *error)
{
	json_t *schedule = json_object_get(crawler, "Schedule");

	if (!str_equal(glue_text(schedule, "State"), STR("SCHEDULED")))
		return aws_error_set(error, AWS_ERROR_SCHEDULER_NOT_RUNNING_EXCEPTION,
			"The schedule of crawler %.*s is not running", STR_ARG(name_of(call)));
	return json_object_set_new(schedule, "State", json_string("NOT_SCHEDULED"));
}

GLUE_HANDLER(glue_stop_schedule)
{
	return modify(call, stop_schedule, error);
}

static int update_schedule(struct api_call *call, json_t *crawler, struct aws_error *error)
{
	struct str text = glue_text(call->input, "Schedule");

	return set_schedule(crawler, text.p ? text : STR(""), "SCHEDULED", error);
}

GLUE_HANDLER(glue_update_schedule)
{
	return modify(call, update_schedule, error);
}

/* ---- history and metrics ---- */

static int history_of(
	struct api_call *call, struct str name, json_t **ret_crawls, struct aws_error *error)
{
	return store_catalog_list_items(glue_of(call)->catalog, STORE_CATALOG_CRAWL, name, STR_NONE,
		SIZE_MAX >> 1, ret_crawls, error, &call->exchange->err);
}

/* FieldValue of times is in milliseconds. */
static bool is_wanted(const struct api_call *call, const json_t *crawl)
{
	static const struct {
		const char *field, *member;
	} fields[] = {{"CRAWL_ID", "CrawlId"}, {"STATE", "State"}, {"START_TIME", "StartTime"},
		{"END_TIME", "EndTime"}, {"DPU_HOUR", "DPUHour"}};
	size_t i;
	json_t *filter;

	json_array_foreach(json_object_get(call->input, "Filters"), i, filter)
	{
		struct str field = glue_text(filter, "FieldName");
		struct str how = glue_text(filter, "FilterOperator");
		struct str wanted = glue_text(filter, "FieldValue");
		const json_t *value = NULL;
		for (size_t f = 0; f < ARRAY_SIZE(fields); f++)
			if (str_equal(field, str_from(fields[f].field)))
				value = json_object_get(crawl, fields[f].member);
		double other = wanted.p ? strtod(wanted.p, NULL) : 0;
		double number = json_number_value(value);
		int order = json_is_string(value) && wanted.p
				    ? strcmp(json_string_value(value), wanted.p)
				    : (number > other) - (number < other);
		bool holds = str_equal(how, STR("EQ"))   ? order == 0
			     : str_equal(how, STR("NE")) ? order != 0
			     : str_equal(how, STR("GT")) ? order > 0
			     : str_equal(how, STR("GE")) ? order >= 0
			     : str_equal(how, STR("LT")) ? order < 0
							 : order <= 0;
		if (!holds)
			return false;
	}
	return true;
}

/* What is only for us goes. */
static json_t *present_crawl(const json_t *crawl)
{
	static const char *const own[] = {"Key", "Added", "Updated", "Deleted"};
	json_t *told = json_copy((json_t *)crawl);

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		json_object_del(told, own[i]);
	return told;
}

/* Newest first, the one that runs before all; a token is how many were given. */
GLUE_HANDLER(glue_list_crawls)
{
	_cleanup_buf_ struct buf after = {0};
	size_t limit = glue_limit(call, 20), seen = 0;
	json_t *page = json_array();
	json_t *crawler;
	json_t *crawls;
	int64_t started_ms;
	char text[24];

	json_object_set_new(call->output, "Crawls", page);
	if (glue_page(call, &after, error) < 0 || find(call, name_of(call), &crawler, error) < 0)
		return -1;
	json_decref(crawler);
	if (history_of(call, name_of(call), &crawls, error) < 0)
		return -1;
	if (glue_crawler_state(glue_of(call), name_of(call), &started_ms) != GLUE_CRAWLER_READY)
		json_array_append_new(
			crawls, json_pack("{s:s, s:I, s:s}", "State", "RUNNING", "StartTime",
					(json_int_t)started_ms, "Summary", "{}"));
	size_t begin = after.n ? (size_t)strtoull(buf_text(&after), NULL, 10) : 0;
	for (size_t i = json_array_size(crawls); i-- > 0;) {
		const json_t *crawl = json_array_get(crawls, i);
		if (!is_wanted(call, crawl))
			continue;
		if (seen >= begin && seen < begin + limit)
			json_array_append_new(page, present_crawl(crawl));
		seen++;
	}
	json_decref(crawls);
	if (seen > begin + limit) {
		snprintf(text, sizeof(text), "%zu", begin + limit);
		glue_next(call, str_from(text));
	}
	return 0;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static json_t *measure(struct glue *glue, const json_t *crawler, const json_t *crawls)
{
	size_t count = json_array_size(crawls), i;
	_cleanup_free_ double *seconds = mem_new(count + 1, sizeof(seconds[0]));
	int64_t added = 0, updated = 0, deleted = 0, started_ms;
	double last = 0, median = 0;
	json_t *crawl;

	json_array_foreach(crawls, i, crawl)
	{
		last = (double)(glue_number(crawl, "EndTime", 0) -
				glue_number(crawl, "StartTime", 0)) /
		       1000;
		seconds[i] = last;
		added += glue_number(crawl, "Added", 0);
		updated += glue_number(crawl, "Updated", 0);
		deleted += glue_number(crawl, "Deleted", 0);
	}
	qsort(seconds, count, sizeof(seconds[0]), compare_doubles);
	if (count)
		median = (seconds[(count - 1) / 2] + seconds[count / 2]) / 2;
	bool is_running = glue_crawler_state(glue, glue_text(crawler, "Name"), &started_ms) !=
			  GLUE_CRAWLER_READY;
	return json_pack("{s:O, s:f, s:b, s:f, s:f, s:I, s:I, s:I}", "CrawlerName",
		json_object_get(crawler, "Name"), "TimeLeftSeconds", 0.0, "StillEstimating",
		is_running, "LastRuntimeSeconds", last, "MedianRuntimeSeconds", median,
		"TablesCreated", (json_int_t)added, "TablesUpdated", (json_int_t)updated,
		"TablesDeleted", (json_int_t)deleted);
}

GLUE_HANDLER(glue_get_metrics)
{
	const json_t *names = json_object_get(call->input, "CrawlerNameList");
	json_t *metrics = json_array();
	size_t i;
	json_t *item;
	json_t *found = NULL;

	json_object_set_new(call->output, "CrawlerMetricsList", metrics);
	if (json_array_size(names)) {
		found = json_array();
		json_array_foreach(names, i, item)
		{
			struct aws_error ignored = {0};
			json_t *crawler;
			if (find(call, str_from(json_string_value(item)), &crawler, &ignored) == 0)
				json_array_append_new(found, crawler);
		}
	} else if (list(call, &found, error) < 0) {
		return -1;
	}
	int result = 0;
	json_array_foreach(found, i, item)
	{
		json_t *crawls;
		if (result < 0)
			break;
		result = history_of(call, glue_text(item, "Name"), &crawls, error);
		if (result == 0) {
			json_array_append_new(metrics, measure(glue_of(call), item, crawls));
			json_decref(crawls);
		}
	}
	json_decref(found);
	return result;
}
