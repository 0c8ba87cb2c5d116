/* One table for options and file, as server_settings.c has; but a file of items within items, whose
 * values say in combination where they are wrong. So the file is walked by these tables with
 * cli/yaml.h, which knows each value's place, rather than read into a struct by libcyaml. */
#include "cli/agent_settings.h"

#include "agent/agent.h"
#include "base/number.h"
#include "base/str.h"
#include "capture/live.h"
#include "cli/manual.h"
#include "cli/server_settings.h"

#include <string.h>

/* ---- values ---- */

static int check_spool(const char *value, struct err *err)
{
	uint64_t bytes;

	if (number_parse_size(str_from(value), UINT64_C(1) << 50, &bytes) && bytes >= 1 << 20)
		return 0;
	return err_set(err, ERR_USAGE, "expected 1M to 1024T, found '%s'", value);
}

static int check_flows(const char *value, struct err *err)
{
	uint64_t count;

	if (number_parse(str_from(value), CAPTURE_LIVE_FLOWS_MAX, &count) && count >= 1024)
		return 0;
	return err_set(err, ERR_USAGE, "expected 1024 to %u flows, found '%s'",
		CAPTURE_LIVE_FLOWS_MAX, value);
}

static int parse_switch(const char *value, bool *ret_is_on, struct err *err)
{
	static const char *const words[] = {"true", "yes", "on", "false", "no", "off"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(value, words[i]) == 0) {
			*ret_is_on = i < 3;
			return 0;
		}
	}
	return err_set(err, ERR_USAGE, "expected true or false, found '%s'", value);
}

static int find_word(
	const char *value, const char *const *words, size_t count, int *ret_index, struct err *err)
{
	_cleanup_buf_ struct buf expected = {0};

	for (size_t i = 0; i < count; i++) {
		if (strcmp(value, words[i]) == 0) {
			*ret_index = (int)i;
			return 0;
		}
		buf_printf(&expected, "%s%s",
			i == 0          ? ""
			: i + 1 < count ? ", "
					: " or ",
			words[i]);
	}
	return err_set(err, ERR_USAGE, "expected %s, found '%s'", buf_text(&expected), value);
}

/* ---- the table of options ---- */

enum kind { TEXT, SWITCH };

static const struct row {
	enum kind kind;
	const char *name;
	cli_check_function *check;
} rows[AGENT_ROWS] = {
#define X(kind, field, name, argument, check, help) {kind, name, check},
#include "cli/agent_settings.def"
#undef X
};

static int set(
	struct agent_settings *settings, enum agent_row row, const char *value, struct err *err)
{
	if (rows[row].kind == TEXT && rows[row].check(value, err) < 0)
		return -1;
	settings->text[row] = rows[row].kind == SWITCH ? "yes" : value;
	return 0;
}

#define X(kind, field, name, argument, check, help)                                                \
	static int set_##field(void *settings, const char *value, struct err *err)                 \
	{                                                                                          \
		return set(settings, AGENT_ROW_##field, value, err);                               \
	}
#include "cli/agent_settings.def"
#undef X

static int set_output(void *settings_, const char *value, struct err *err)
{
	static const char *const words[] = {"table", "json", "prometheus"};
	struct agent_settings *settings = settings_;
	int word = 0;

	if (find_word(value, words, ARRAY_SIZE(words), &word, err) < 0)
		return -1;
	settings->is_json = word == 1;
	settings->is_metrics = word == 2;
	return 0;
}

const struct cli_option agent_options_table[] = {
	{"config", 'c', "FILE",
		"Read settings from the part 'agent' of this YAML file, see nagare.yaml(5); options "
		"win over it.",
		cli_settings_set_config},
	{"check", 0, NULL, "Read and check the settings, say what is wrong, and start nothing.",
		cli_settings_set_check},
	{"output", 'o', "table|json|prometheus", "Of status. Default: table.", set_output},
#define X(kind, field, name, argument, check, help)                                                \
	{name, AGENT_ROW_##field == AGENT_ROW_QUIET ? 'q' : 0, argument, help, set_##field},
#include "cli/agent_settings.def"
#undef X
	{NULL},
};

/* ---- items of the file ---- */

static int set_rule_interface(void *rule, const char *value, struct err *err)
{
	((struct vpc_naming_rule *)rule)->interface = value;
	return cli_check_any(value, err);
}

static int set_rule_addresses(void *rule, const char *value, struct err *err)
{
	if (ip_prefix_parse(str_from(value), &((struct vpc_naming_rule *)rule)->addresses))
		return 0;
	return err_set(err, ERR_USAGE, "expected a prefix like 10.0.0.0/8, found '%s'", value);
}

static int set_rule_vpc(void *rule, const char *value, struct err *err)
{
	((struct vpc_naming_rule *)rule)->vpc = value;
	return cli_check_any(value, err);
}

static int set_rule_name(void *rule, const char *value, struct err *err)
{
	((struct vpc_naming_rule *)rule)->name = value;
	return cli_check_any(value, err);
}

static int set_rule_description(void *rule, const char *value, struct err *err)
{
	((struct vpc_naming_rule *)rule)->description = value;
	return 0;
}

static int set_rule_exclude(void *rule, const char *value, struct err *err)
{
	return parse_switch(value, &((struct vpc_naming_rule *)rule)->is_excluded, err);
}

static const struct cli_option rule_rows[] = {
	{"match", 0, "NAME", "Device, with * and ?. Default: any.", set_rule_interface},
	{"addresses", 0, "PREFIX", "It has an address in here. Default: any.", set_rule_addresses},
	{"vpc", 0, "TITLE",
		"The VPC that it is in; hosts that name the same one share it. Default: one of the "
		"host's own.",
		set_rule_vpc},
	{"name", 0, "TEXT", "Its tag Name.", set_rule_name},
	{"description", 0, "TEXT",
		"Its description. Default: its alias (ip link set DEVICE alias), or what it is.",
		set_rule_description},
	{"exclude", 0, "true|false", "It is neither recorded nor shown.", set_rule_exclude},
	{NULL},
};

/* What an item says; made into a flow log when all of it is known. */
struct draft {
	const char *name, *resource[3], *role, *group, *destination, *format;
	int traffic, kind; /* kind -1: not given */
	uint64_t interval;
	bool is_parquet, is_hive_compatible, is_per_hour;
};

#define DRAFT_TEXT(member)                                                                         \
	static int set_draft_##member(void *draft, const char *value, struct err *err)             \
	{                                                                                          \
		((struct draft *)draft)->member = value;                                           \
		return cli_check_any(value, err);                                                  \
	}
DRAFT_TEXT(name)
DRAFT_TEXT(role)
DRAFT_TEXT(group)
DRAFT_TEXT(destination)

static int set_draft_vpc(void *draft, const char *value, struct err *err)
{
	((struct draft *)draft)->resource[0] = value;
	return cli_check_any(value, err);
}

static int set_draft_subnet(void *draft, const char *value, struct err *err)
{
	((struct draft *)draft)->resource[1] = value;
	return cli_check_any(value, err);
}

static int set_draft_interface(void *draft, const char *value, struct err *err)
{
	((struct draft *)draft)->resource[2] = value;
	return cli_check_any(value, err);
}

static int set_draft_traffic(void *draft, const char *value, struct err *err)
{
	static const char *const words[] = {"ALL", "ACCEPT", "REJECT"};

	return find_word(value, words, ARRAY_SIZE(words), &((struct draft *)draft)->traffic, err);
}

static int set_draft_kind(void *draft, const char *value, struct err *err)
{
	static const char *const words[] = {
		"folder", "s3", "cloud-watch-logs", "kinesis-data-firehose"};

	return find_word(value, words, ARRAY_SIZE(words), &((struct draft *)draft)->kind, err);
}

static int set_draft_interval(void *draft, const char *value, struct err *err)
{
	uint64_t *interval = &((struct draft *)draft)->interval;

	if (number_parse_seconds(str_from(value), AGENT_INTERVAL_MAX, interval) && *interval)
		return 0;
	return err_set(
		err, ERR_USAGE, "expected 1 to %d seconds, found '%s'", AGENT_INTERVAL_MAX, value);
}

static int set_draft_format(void *draft, const char *value, struct err *err)
{
	struct record_format format;

	((struct draft *)draft)->format = value;
	return record_format_parse(str_from(value), &format, err);
}

static int set_draft_file_format(void *draft, const char *value, struct err *err)
{
	static const char *const words[] = {"plain-text", "parquet"};
	int word = 0;

	if (find_word(value, words, ARRAY_SIZE(words), &word, err) < 0)
		return -1;
	((struct draft *)draft)->is_parquet = word == 1;
	return 0;
}

static int set_draft_hive(void *draft, const char *value, struct err *err)
{
	return parse_switch(value, &((struct draft *)draft)->is_hive_compatible, err);
}

static int set_draft_per_hour(void *draft, const char *value, struct err *err)
{
	return parse_switch(value, &((struct draft *)draft)->is_per_hour, err);
}

static const struct cli_option flow_log_rows[] = {
	{"name", 0, "TEXT",
		"What tells it from the others, and makes its id. Default: what it is about, its "
		"traffic and its destination.",
		set_draft_name},
	{"vpc", 0, "TITLE|ID", "Record the interfaces of this VPC. Default: all interfaces.",
		set_draft_vpc},
	{"subnet", 0, "PREFIX|ID", "Record those of this subnet.", set_draft_subnet},
	{"interface", 0, "NAME|ID", "Record this device; * and ? may stand for others.",
		set_draft_interface},
	{"traffic-type", 0, "ALL|ACCEPT|REJECT", "Default: ALL.", set_draft_traffic},
	{"max-aggregation-interval", 0, "SECONDS",
		"Length of a window, 1 to 600; AWS knows 60 and 600. Default: 600, as AWS.",
		set_draft_interval},
	{"log-destination-type", 0, "s3|cloud-watch-logs|kinesis-data-firehose|folder",
		"Default: cloud-watch-logs with a log-group-name, else s3.", set_draft_kind},
	{"log-destination", 0, "ARN|FOLDER",
		"ARN of the bucket (with /PREFIX/ behind it or not), log group or stream; or a "
		"folder.",
		set_draft_destination},
	{"log-group-name", 0, "NAME", "The log group, rather than its ARN.", set_draft_group},
	{"deliver-cross-account-role", 0, "ARN", "Role that is taken to deliver.", set_draft_role},
	{"log-format", 0, "FORMAT",
		"Fields of a record in AWS's syntax, such as '${version} ${srcaddr} ${dstaddr} "
		"${action}'. Default: the 14 fields of version 2.",
		set_draft_format},
	{"file-format", 0, "plain-text|parquet", "Of objects. Default: plain-text.",
		set_draft_file_format},
	{"hive-compatible-partitions", 0, "true|false",
		"Key folders as aws-region=.../year=.../month=.../.", set_draft_hive},
	{"per-hour-partition", 0, "true|false", "One key folder an hour, not a day.",
		set_draft_per_hour},
	{NULL},
};

/* ---- the walk ---- */

static const struct cli_option *find_row(const struct cli_option *table, const char *name)
{
	for (; name && table->name; table++) {
		if (strcmp(table->name, name) == 0)
			return table;
	}
	return NULL;
}

static int refuse_key(struct cli_yaml_node key, const char *where, struct err *err)
{
	const char *name = cli_yaml_text(key);

	err_set(err, ERR_INPUT, "%s has no setting '%s'", where, name ? name : "?");
	err_hint(err, "nagare.yaml(5) lists them");
	return cli_yaml_refuse(key, err);
}

static int refuse_value(struct cli_yaml_node value, const char *name, struct err *err)
{
	err_wrap(err, "%s", name);
	err_hint(err, "nagare.yaml(5) lists the settings");
	return cli_yaml_refuse(value, err);
}

static int refuse_twice(
	struct cli_yaml_node mapping, struct cli_yaml_node key, size_t n, struct err *err)
{
	struct cli_yaml_node before, value;
	const char *name = cli_yaml_text(key);

	for (size_t i = 0; i < n && cli_yaml_pair(mapping, i, &before, &value); i++) {
		const char *other = cli_yaml_text(before);
		if (name && other && strcmp(name, other) == 0) {
			err_set(err, ERR_INPUT, "'%s' is given twice", name);
			return cli_yaml_refuse(key, err);
		}
	}
	return 0;
}

static int set_value(
	const struct cli_option *row, void *item, struct cli_yaml_node value, struct err *err)
{
	const char *text = cli_yaml_text(value);

	if (!text) {
		err_set(err, ERR_INPUT, "expected one value");
		return refuse_value(value, row->name, err);
	}
	return row->set(item, text, err) < 0 ? refuse_value(value, row->name, err) : 0;
}

static int take_tags(struct vpc_naming_rule *rule, struct cli_yaml_node tags, struct err *err)
{
	struct vpc_tag *list = mem_new(VPC_NAMING_TAGS_MAX, sizeof(*list));
	struct cli_yaml_node key, value;

	rule->tags = list;
	if (!cli_yaml_is_mapping(tags)) {
		err_set(err, ERR_INPUT, "expected KEY: VALUE");
		return refuse_value(tags, "tags", err);
	}
	for (size_t i = 0; cli_yaml_pair(tags, i, &key, &value); i++) {
		const char *name = cli_yaml_text(key), *text = cli_yaml_text(value);
		if (rule->tag_count == VPC_NAMING_TAGS_MAX || !name || !text) {
			err_set(err, ERR_INPUT, "expected at most %d of KEY: VALUE",
				VPC_NAMING_TAGS_MAX);
			return refuse_value(value, "tags", err);
		}
		list[rule->tag_count++] = (struct vpc_tag){name, text};
	}
	return 0;
}

static int take_item(const struct cli_option *table, const char *what, void *item,
	struct cli_yaml_node mapping, struct err *err)
{
	struct cli_yaml_node key, value;

	if (!cli_yaml_is_mapping(mapping)) {
		err_set(err, ERR_INPUT, "expected settings of one %s", what);
		return cli_yaml_refuse(mapping, err);
	}
	for (size_t i = 0; cli_yaml_pair(mapping, i, &key, &value); i++) {
		const char *name = cli_yaml_text(key);
		const struct cli_option *row = find_row(table, name);
		if (refuse_twice(mapping, key, i, err) < 0)
			return -1;
		if (table == rule_rows && name && strcmp(name, "tags") == 0) {
			if (take_tags(item, value, err) < 0)
				return -1;
			continue;
		}
		if (!row)
			return refuse_key(key, what, err);
		if (set_value(row, item, value, err) < 0)
			return -1;
	}
	return 0;
}

static int take_rules(struct agent_settings *settings, struct cli_yaml_node list, struct err *err)
{
	struct cli_yaml_node item;

	settings->rules = mem_new(AGENT_ITEMS_MAX, sizeof(settings->rules[0]));
	for (size_t i = 0; cli_yaml_item(list, i, &item); i++) {
		if (i == AGENT_ITEMS_MAX) {
			err_set(err, ERR_INPUT, "at most %d of interface", AGENT_ITEMS_MAX);
			return cli_yaml_refuse(item, err);
		}
		settings->rule_count++;
		if (take_item(rule_rows, "interface", &settings->rules[i], item, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- flow logs ---- */

static int check_draft(struct draft *draft, struct err *err)
{
	int resources = 0;

	for (size_t i = 0; i < ARRAY_SIZE(draft->resource); i++)
		resources += draft->resource[i] != NULL;
	if (resources > 1)
		return err_set(err, ERR_INPUT, "vpc, subnet and interface exclude each other");
	if (draft->kind < 0)
		draft->kind = draft->group ? DELIVER_TO_LOGS : DELIVER_TO_S3;
	if (draft->group && (draft->kind != DELIVER_TO_LOGS || draft->destination))
		return err_set(err, ERR_INPUT,
			"log-group-name stands for the log-destination of cloud-watch-logs");
	if (!draft->group && !draft->destination)
		return err_set(err, ERR_INPUT, "there is no log-destination");
	if (draft->kind == DELIVER_TO_S3 && strncmp(draft->destination, "arn:", 4) != 0)
		return err_set(err, ERR_INPUT,
			"expected arn:aws:s3:::BUCKET as log-destination, found '%s'",
			draft->destination);
	if (draft->kind == DELIVER_TO_FOLDER && draft->destination[0] != '/')
		return err_set(err, ERR_INPUT,
			"expected a path from / on as log-destination, found '%s'",
			draft->destination);
	if (draft->kind > DELIVER_TO_S3 &&
		(draft->is_parquet || draft->is_hive_compatible || draft->is_per_hour))
		return err_set(err, ERR_INPUT,
			"file-format and partitions are for objects, in s3 or a folder");
	return 0;
}

static struct agent_flow_log *make_flow_log(const struct draft *draft)
{
	static const enum agent_resource resources[] = {AGENT_VPC, AGENT_SUBNET, AGENT_INTERFACE};
	struct agent_flow_log *flow_log = mem_new(1, sizeof(*flow_log));
	const char *destination = draft->group ? draft->group : draft->destination;
	const char *resource = "";

	for (size_t i = 0; i < ARRAY_SIZE(resources); i++) {
		if (!draft->resource[i])
			continue;
		flow_log->resource = resources[i];
		flow_log->resource_id = mem_strdup(draft->resource[i]);
		resource = draft->resource[i];
	}
	flow_log->traffic = (enum agent_traffic)draft->traffic;
	flow_log->kind = (enum deliver_kind)draft->kind;
	flow_log->interval = draft->interval ? (uint32_t)draft->interval : AGENT_INTERVAL_MAX;
	flow_log->destination = mem_strdup(destination);
	flow_log->role_arn = draft->role ? mem_strdup(draft->role) : NULL;
	flow_log->is_parquet = draft->is_parquet;
	flow_log->is_hive_compatible = draft->is_hive_compatible;
	flow_log->is_per_hour = draft->is_per_hour;
	flow_log->format = record_format_default;
	if (draft->format)
		(void)record_format_parse(str_from(draft->format), &flow_log->format, NULL);
	_cleanup_free_ char *identity =
		draft->name ? mem_printf("name %s", draft->name)
			    : mem_printf("%d %s %d %d %s", flow_log->resource, resource,
				      draft->traffic, draft->kind, destination);
	vpc_id_make(flow_log->id, "fl", str_from(identity));
	return flow_log;
}

static int take_flow_log(
	struct agent_settings *settings, struct cli_yaml_node item, struct err *err)
{
	struct draft draft = {.kind = -1};

	if (take_item(flow_log_rows, "flow-log", &draft, item, err) < 0)
		return -1;
	if (check_draft(&draft, err) < 0)
		return cli_yaml_refuse(item, err);
	struct agent_flow_log *flow_log = make_flow_log(&draft);
	for (size_t i = 0; i < settings->flow_log_count; i++) {
		if (strcmp(settings->flow_logs[i]->id, flow_log->id) != 0)
			continue;
		agent_flow_log_free(flow_log);
		err_set(err, ERR_INPUT,
			"a flow log before this one has the same name, or resource, traffic-type "
			"and destination");
		err_hint(err, "give each a name of its own");
		return cli_yaml_refuse(item, err);
	}
	settings->flow_logs[settings->flow_log_count++] = flow_log;
	return 0;
}

static int take_flow_logs(
	struct agent_settings *settings, struct cli_yaml_node list, struct err *err)
{
	struct cli_yaml_node item;

	settings->flow_logs = mem_new(AGENT_ITEMS_MAX, sizeof(settings->flow_logs[0]));
	for (size_t i = 0; cli_yaml_item(list, i, &item); i++) {
		if (i == AGENT_ITEMS_MAX) {
			err_set(err, ERR_INPUT, "at most %d of flow-log", AGENT_ITEMS_MAX);
			return cli_yaml_refuse(item, err);
		}
		if (take_flow_log(settings, item, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- the file ---- */

static int take_list(struct agent_settings *settings, const char *name, struct cli_yaml_node list,
	struct err *err)
{
	if (!cli_yaml_is_list(list)) {
		err_set(err, ERR_INPUT, "expected a list");
		return refuse_value(list, name, err);
	}
	return strcmp(name, "interface") == 0 ? take_rules(settings, list, err)
					      : take_flow_logs(settings, list, err);
}

static int take_row(struct agent_settings *settings, const char *name, struct cli_yaml_node key,
	struct cli_yaml_node value, struct err *err)
{
	for (enum agent_row row = 0; name && row < AGENT_ROWS; row++) {
		bool is_on = true;
		if (strcmp(rows[row].name, name) != 0)
			continue;
		const char *text = cli_yaml_text(value);
		if (!text)
			err_set(err, ERR_INPUT, "expected one value");
		if (!text || (rows[row].kind == SWITCH && parse_switch(text, &is_on, err) < 0))
			return refuse_value(value, name, err);
		if (settings->text[row] || !is_on)
			return 0;
		return set(settings, row, text, err) < 0 ? refuse_value(value, name, err) : 0;
	}
	return refuse_key(key, "agent", err);
}

static int take_agent(struct agent_settings *settings, struct cli_yaml_node agent, struct err *err)
{
	struct cli_yaml_node key, value;

	if (!cli_yaml_is_mapping(agent)) {
		err_set(err, ERR_INPUT, "expected settings");
		return refuse_value(agent, "agent", err);
	}
	for (size_t i = 0; cli_yaml_pair(agent, i, &key, &value); i++) {
		const char *name = cli_yaml_text(key);
		bool is_list =
			name && (strcmp(name, "interface") == 0 || strcmp(name, "flow-log") == 0);
		if (refuse_twice(agent, key, i, err) < 0 ||
			(is_list ? take_list(settings, name, value, err)
				 : take_row(settings, name, key, value, err)) < 0)
			return -1;
	}
	return 0;
}

/* The other settings in the file are the server's. */
int agent_settings_load(struct agent_settings *settings, const char *path, struct err *err)
{
	struct cli_yaml_node key, value;

	if (cli_yaml_load(&settings->file, path, err) < 0)
		return -1;
	struct cli_yaml_node top = cli_yaml_top(settings->file);
	if (!cli_yaml_is_mapping(top)) {
		err_set(err, ERR_INPUT, "expected settings");
		return cli_yaml_refuse(top, err);
	}
	for (size_t i = 0; cli_yaml_pair(top, i, &key, &value); i++) {
		const char *name = cli_yaml_text(key);
		if (refuse_twice(top, key, i, err) < 0)
			return -1;
		if (name && strcmp(name, "agent") == 0) {
			if (take_agent(settings, value, err) < 0)
				return -1;
		} else if (!find_row(server_options, name)) {
			return refuse_key(key, "the file", err);
		}
	}
	return 0;
}

void agent_settings_done(struct agent_settings *settings)
{
	for (size_t i = 0; i < settings->rule_count; i++)
		free((void *)settings->rules[i].tags);
	free(settings->rules);
	for (size_t i = 0; i < settings->flow_log_count; i++)
		agent_flow_log_free(settings->flow_logs[i]);
	free(settings->flow_logs);
	cli_yaml_free(settings->file);
}

/* ---- nagare.yaml(5) ---- */

static void print_row(FILE *stream, const char *name, const char *argument, const char *help)
{
	fputs(".It Cm", stream);
	cli_manual_words(stream, str_from(name));
	fputs(" : Ar", stream);
	cli_manual_words(stream, str_from(argument ? argument : "true|false"));
	putc('\n', stream);
	cli_manual_prose(stream, str_from(help));
}

static void print_table(FILE *stream, const struct cli_option *table)
{
	fputs(".Bl -tag -width Ds\n", stream);
	for (; table->name; table++)
		print_row(stream, table->name, table->argument, table->help);
}

void agent_settings_manual(FILE *stream)
{
	fputs(".Sh THE AGENT\nThe setting\n.Cm agent\nholds the settings of the agent, read by\n.Cm "
	      "nagare agent\n.Fl Fl config .\nEach is an option of\n.Xr nagare-agent 1\nunder the "
	      "same name, but for the lists\n.Cm interface\nand\n.Cm flow-log .\n"
	      ".Bl -tag -width Ds\n",
		stream);
#define X(kind, field, name, argument, check, help) print_row(stream, name, argument, help);
#include "cli/agent_settings.def"
#undef X
	fputs(".El\n.Ss interface\nA list of rules.\nAll that match an interface count; where several "
	      "say the same thing, the first one does.\n",
		stream);
	print_table(stream, rule_rows);
	print_row(stream, "tags", "KEY : VALUE ...", "Its tags.");
	fputs(".El\n.Ss flow-log\nA list of flow logs, which need no server.\n", stream);
	print_table(stream, flow_log_rows);
	fputs(".El\n", stream);
}
