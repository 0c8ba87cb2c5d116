/* Workgroups: documents of the store, WorkGroup as Athena tells it. */
#include "api/athena/athena_priv.h"

#include <ftw.h>
#include <stdio.h>

enum { FOLDER_FDS = 16 };

static const char engine[] = "Athena engine version 3";

static void fill(json_t *configuration, bool enforced)
{
	const struct {
		const char *name;
		bool value;
	} flags[] = {{"EnforceWorkGroupConfiguration", enforced},
		{"PublishCloudWatchMetricsEnabled", false}, {"RequesterPaysEnabled", false}};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (!json_object_get(configuration, flags[i].name))
			json_object_set_new(
				configuration, flags[i].name, json_boolean(flags[i].value));
	}
	if (!json_object_get(configuration, "ResultConfiguration"))
		json_object_set_new(configuration, "ResultConfiguration", json_object());
	struct str selected = athena_text(
		json_object_get(configuration, "EngineVersion"), "SelectedEngineVersion");
	json_object_set_new(configuration, "EngineVersion",
		json_pack("{s:o, s:s}", "SelectedEngineVersion",
			athena_json(selected.n ? selected : STR("AUTO")), "EffectiveEngineVersion",
			engine));
}

static int put(struct athena *athena, const json_t *group, struct err *err)
{
	return store_queries_put(athena->settings.queries, STORE_WORKGROUP, STR(""),
		athena_text(group, "Name"), group, err);
}

static int make_primary(struct athena *athena, struct err *err)
{
	json_t *group = athena_workgroup(athena, STR("primary"), err);
	int r = 0;

	if (!group) {
		group = json_pack("{s:s, s:s, s:I, s:{}}", "Name", "primary", "State", "ENABLED",
			"CreationTime", (json_int_t)athena_now_ms(), "Configuration");
		fill(json_object_get(group, "Configuration"), false);
		r = put(athena, group, err);
	}
	json_decref(group);
	return r;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *at)
{
	if (at->level > 0)
		remove(path);
	return 0;
}

static int open_cache(struct athena *athena, struct err *err)
{
	const struct athena_cache_options options = {.folder = athena->settings.cache_folder,
		.temporary_folder = athena->settings.folder,
		.limit_bytes = athena->settings.cache_limit};

	if (!options.folder)
		return 0;
	if (athena_cache_open(&athena->cache, &options, err) < 0)
		return -1;
	athena->options.cache = athena->cache;
	return 0;
}

int athena_start(
	struct athena **ret_athena, const struct athena_settings *settings, struct err *err)
{
	struct str all = STR("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
			     "\"Action\":\"*\",\"Resource\":\"*\"}]}");
	struct athena *athena = mem_new(1, sizeof(*athena));
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGE_SIZE);

	pthread_mutex_init(&athena->lock, NULL);
	pthread_mutex_init(&athena->check_lock, NULL);
	pthread_cond_init(&athena->wake, NULL);
	athena->settings = *settings;
	athena->options = (struct athena_options){
		.memory_limit = settings->memory_limit, .temporary_folder = settings->folder};
	if (!settings->memory_limit && pages > 0 && size > 0)
		athena->options.memory_limit = (uint64_t)pages * (uint64_t)size / 4;
	/* what a process that died left there */
	nftw(settings->folder, remove_entry, FOLDER_FDS, FTW_DEPTH | FTW_PHYS);
	if (open_cache(athena, err) < 0 || make_primary(athena, err) < 0 ||
		aws_policy_parse(&athena->allow_all, all, AWS_POLICY_IDENTITY, err) < 0 ||
		athena_engine_open(&athena->checker, &athena->options, err) < 0 ||
		athena_runner_start(athena, err) < 0) {
		athena_stop(athena);
		return -1;
	}
	*ret_athena = athena;
	return 0;
}

void athena_stop(struct athena *athena)
{
	if (!athena)
		return;
	athena_runner_stop(athena);
	athena_engine_close(athena->checker);
	athena_cache_close(athena->cache);
	aws_policy_free(athena->allow_all);
	pthread_cond_destroy(&athena->wake);
	pthread_mutex_destroy(&athena->check_lock);
	pthread_mutex_destroy(&athena->lock);
	free(athena);
}

/* ---- handlers ---- */

static json_t *arn_of(const struct athena *athena, struct str name)
{
	return json_sprintf("arn:aws:athena:%.*s:%.*s:workgroup/%.*s",
		STR_ARG(athena->settings.region), STR_ARG(athena->settings.account), STR_ARG(name));
}

ATHENA_HANDLER(athena_create_group)
{
	struct athena *athena = athena_of(call);
	struct str name = athena_text(call->input, "Name");
	json_t *there = athena_workgroup(athena, name, &call->exchange->err);
	json_t *configuration = json_object_get(call->input, "Configuration");

	if (there) {
		json_decref(there);
		return athena_refuse(error, "INVALID_INPUT", "WorkGroup is already created");
	}
	configuration = configuration ? json_deep_copy(configuration) : json_object();
	fill(configuration, true);
	json_t *group = json_pack("{s:o, s:s, s:I, s:o}", "Name", athena_json(name), "State",
		"ENABLED", "CreationTime", (json_int_t)athena_now_ms(), "Configuration",
		configuration);
	if (json_object_get(call->input, "Description"))
		json_object_set(group, "Description", json_object_get(call->input, "Description"));
	int r = put(athena, group, &call->exchange->err);
	const json_t *tags = json_object_get(call->input, "Tags");
	if (r == 0 && tags) {
		json_t *arn = arn_of(athena, name);
		r = store_queries_put(athena->settings.queries, STORE_QUERY_TAGS, STR(""),
			str_from(json_string_value(arn)), tags, &call->exchange->err);
		json_decref(arn);
	}
	json_decref(group);
	return r < 0 ? aws_error_internal(error) : 0;
}

static json_t *find(struct api_call *call, struct aws_error *error)
{
	struct str name = athena_text(call->input, "WorkGroup");
	json_t *group = athena_workgroup(athena_of(call), name, &call->exchange->err);

	if (!group)
		athena_refuse(error, "WORKGROUP_NOT_FOUND", "WorkGroup %.*s is not found.",
			STR_ARG(name));
	return group;
}

ATHENA_HANDLER(athena_get_group)
{
	json_t *group = find(call, error);

	if (!group)
		return -1;
	json_object_set_new(call->output, "WorkGroup", group);
	return 0;
}

/* ConfigurationUpdates has the members of Configuration, and Remove... for some. */
static void update(json_t *configuration, const json_t *updates)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)updates, key, value)
	{
		if (strcmp(key, "ResultConfigurationUpdates") == 0) {
			json_t *result = json_object_get(configuration, "ResultConfiguration");
			if (json_object_get(value, "OutputLocation"))
				json_object_set(result, "OutputLocation",
					json_object_get(value, "OutputLocation"));
			if (json_is_true(json_object_get(value, "RemoveOutputLocation")))
				json_object_del(result, "OutputLocation");
		} else if (strcmp(key, "RemoveBytesScannedCutoffPerQuery") == 0) {
			if (json_is_true(value))
				json_object_del(configuration, "BytesScannedCutoffPerQuery");
		} else if (strncmp(key, "Remove", 6) != 0) {
			json_object_set(configuration, key, value);
		}
	}
	fill(configuration, true);
}

ATHENA_HANDLER(athena_update_group)
{
	json_t *group = find(call, error);
	static const char *const same[] = {"Description", "State"};

	if (!group)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		json_t *value = json_object_get(call->input, same[i]);
		if (value)
			json_object_set(group, same[i], value);
	}
	update(json_object_get(group, "Configuration"),
		json_object_get(call->input, "ConfigurationUpdates"));
	int r = put(athena_of(call), group, &call->exchange->err);
	json_decref(group);
	return r < 0 ? aws_error_internal(error) : 0;
}

ATHENA_HANDLER(athena_delete_group)
{
	struct str name = athena_text(call->input, "WorkGroup");
	bool found;

	if (str_equal(name, STR("primary")))
		return athena_refuse(
			error, "INVALID_INPUT", "Cannot delete the primary WorkGroup.");
	json_t *group = find(call, error);
	if (!group)
		return -1;
	json_decref(group);
	return store_queries_delete(athena_of(call)->settings.queries, STORE_WORKGROUP, STR(""),
		       name, &found, &call->exchange->err) < 0
		       ? aws_error_internal(error)
		       : 0;
}

static json_t *summary(const json_t *group)
{
	static const char *const same[] = {"Name", "State", "Description", "CreationTime"};
	json_t *one = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		json_t *value = json_object_get(group, same[i]);
		if (value)
			json_object_set(one, same[i], value);
	}
	json_object_set(one, "EngineVersion",
		json_object_get(json_object_get(group, "Configuration"), "EngineVersion"));
	return one;
}

ATHENA_HANDLER(athena_list_groups)
{
	return athena_list(call, STORE_WORKGROUP, STR(""), "WorkGroups", summary, error);
}

ATHENA_HANDLER(athena_list_engines)
{
	json_object_set_new(call->output, "EngineVersions",
		json_pack("[{s:s, s:s}, {s:s, s:s}]", "SelectedEngineVersion", "AUTO",
			"EffectiveEngineVersion", engine, "SelectedEngineVersion", engine,
			"EffectiveEngineVersion", engine));
	return 0;
}
