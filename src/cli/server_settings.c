/* Options, file and manual from one table. The file holds the same texts that the options take, so
 * that each is checked in one place; libcyaml checks its shape and says where it is wrong. */
#include "cli/server_settings.h"

#include "api/sts/sts.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/str.h"
#include "cli/agent_settings.h"
#include "cli/manual.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <string.h>
#include <yaml.h>

/* ---- the table ---- */

enum kind { TEXT, SWITCH, LIST };

static int check_engine(const char *value, struct err *err)
{
	if (strcmp(value, "duckdb") == 0 || strcmp(value, "trino") == 0)
		return 0;
	return err_set(err, ERR_USAGE, "expected duckdb or trino, found '%s'", value);
}

/* A region or host name. */
static int check_name(const char *value, struct err *err)
{
	size_t n =
		strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");

	if (n && n < 254 && !value[n])
		return 0;
	return err_set(err, ERR_USAGE, "expected letters, digits, '-' and '.', found '%s'", value);
}

/* ARN=URL or ARN=COMMAND. */
static int check_action(const char *value, struct err *err)
{
	const char *equals = strchr(value, '=');

	if (equals && equals > value && equals[1])
		return 0;
	return err_set(err, ERR_USAGE, "expected ARN=URL or ARN=COMMAND, found '%s'", value);
}

static int check_destination(const char *value, struct err *err)
{
	const char *equals = strchr(value, '=');

	if (equals && equals > value &&
		(strncmp(equals + 1, "http://", 7) == 0 || strncmp(equals + 1, "https://", 8) == 0))
		return 0;
	return err_set(err, ERR_USAGE, "expected ARN=http://... or https://..., found '%s'", value);
}

/* HOST or HOST:PORT; an IPv6 address in brackets. */
static int check_host(const char *value, struct err *err)
{
	const char *colon = strrchr(value, ':');
	const char *end = colon && value[0] != '[' ? colon : value + strlen(value);
	uint64_t port = 1;

	if (value[0] == '[') {
		end = strchr(value, ']');
		end = end ? end + 1 : value;
		colon = *end == ':' ? end : NULL;
	}
	size_t n = strspn(
		value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]");
	if (end > value && !value[n] && n < 254 && (!*end || colon == end) &&
		(!*end || (number_parse(str_from(end + 1), 65535, &port) && port)))
		return 0;
	return err_set(err, ERR_USAGE, "expected HOST or HOST:PORT, found '%s'", value);
}

static int check_issuer(const char *value, struct err *err)
{
	return sts_is_oidc_key(value)
		       ? 0
		       : err_set(err, ERR_USAGE, "expected https://ISSUER=FILE or =URL, found '%s'",
				 value);
}

static int check_account(const char *value, struct err *err)
{
	if (strspn(value, "0123456789") == 12 && !value[12])
		return 0;
	return err_set(err, ERR_USAGE, "expected 12 digits, found '%s'", value);
}

static int check_metrics(const char *value, struct err *err)
{
	if (strcmp(value, "loopback") == 0 || strcmp(value, "all") == 0 ||
		strcmp(value, "off") == 0)
		return 0;
	return err_set(err, ERR_USAGE, "expected loopback, all or off, found '%s'", value);
}

static int check_count(const char *value, struct err *err)
{
	uint64_t number;

	if (number_parse(str_from(value), 1000000, &number) && number)
		return 0;
	return err_set(err, ERR_USAGE, "expected 1 to 1000000, found '%s'", value);
}

static int check_cache(const char *value, struct err *err)
{
	uint64_t bytes;

	if (strcmp(value, "off") == 0 ||
		(number_parse_size(str_from(value), INT64_MAX, &bytes) && bytes))
		return 0;
	return err_set(err, ERR_USAGE, "expected a size, as 20G, or off, found '%s'", value);
}

static int check_size(const char *value, struct err *err)
{
	uint64_t bytes;

	if (number_parse_size(str_from(value), 16384, &bytes) && bytes >= 1024)
		return 0;
	return err_set(err, ERR_USAGE, "expected 1K to 16K, found '%s'", value);
}

static const struct row {
	enum kind kind;
	const char *name, *argument;
	cli_check_function *check;
	const char *help;
} rows[SERVER_ROWS] = {
#define X(kind, field, name, argument, check, help) {kind, name, argument, check, help},
#include "cli/server_settings.def"
#undef X
};

/* ---- values ---- */

static int add_to_list(
	struct server_settings *settings, enum server_row index, const char *value, struct err *err)
{
	struct server_list *list = &settings->list[index];

	if (list->count == SERVER_LIST_MAX)
		return err_set(
			err, ERR_USAGE, "at most %d of %s", SERVER_LIST_MAX, rows[index].name);
	list->item[list->count++] = value;
	return 0;
}

static int set(
	struct server_settings *settings, enum server_row index, const char *value, struct err *err)
{
	const struct row *row = &rows[index];

	if (row->kind == SWITCH) {
		settings->text[index] = "yes";
		return 0;
	}
	if (row->check(value, err) < 0)
		return -1;
	if (row->kind == LIST)
		return add_to_list(settings, index, value, err);
	settings->text[index] = value;
	return 0;
}

#define X(kind, field, name, argument, check, help)                                                \
	static int set_##field(void *settings, const char *value, struct err *err)                 \
	{                                                                                          \
		return set(settings, SERVER_##field, value, err);                                  \
	}
#include "cli/server_settings.def"
#undef X

const struct cli_option server_options[] = {
	{"config", 'c', "FILE",
		"Read settings from this YAML file, see nagare.yaml(5); options win over it.",
		cli_settings_set_config},
	{"check", 0, NULL, "Read and check the settings, say what is wrong, and start nothing.",
		cli_settings_set_check},
#define X(kind, field, name, argument, check, help)                                                \
	{name, SERVER_##field == SERVER_QUIET ? 'q' : 0, argument, help, set_##field},
#include "cli/server_settings.def"
#undef X
	{NULL},
};

/* ---- the file ---- */

struct file {
	char *text[SERVER_ROWS];
	char **list[SERVER_ROWS];
	unsigned list_count[SERVER_ROWS];
};

static const cyaml_schema_value_t item_schema = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, CYAML_UNLIMITED)};

/* libcyaml's schema of the table. */
struct schema {
	cyaml_schema_field_t fields[SERVER_ROWS + 2];
	cyaml_schema_value_t top;
};

static void make_schema(struct schema *schema)
{
	memset(schema, 0, sizeof(*schema));
	for (size_t i = 0; i < SERVER_ROWS; i++) {
		cyaml_schema_field_t *field = &schema->fields[i];
		field->key = rows[i].name;
		field->data_offset = (uint32_t)(offsetof(struct file, text) + i * sizeof(char *));
		field->value = (cyaml_schema_value_t){CYAML_VALUE_STRING(
			CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, char, 0, CYAML_UNLIMITED)};
		if (rows[i].kind != LIST)
			continue;
		field->data_offset = (uint32_t)(offsetof(struct file, list) + i * sizeof(char **));
		field->count_offset =
			(uint32_t)(offsetof(struct file, list_count) + i * sizeof(unsigned));
		field->count_size = sizeof(unsigned);
		field->value = (cyaml_schema_value_t){
			CYAML_VALUE_SEQUENCE(CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, char *,
				&item_schema, 0, SERVER_LIST_MAX)};
	}
	/* cli/agent_settings.h looks at that part. */
	schema->fields[SERVER_ROWS] =
		(cyaml_schema_field_t)CYAML_FIELD_IGNORE("agent", CYAML_FLAG_OPTIONAL);
	schema->top = (cyaml_schema_value_t){
		CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct file, schema->fields)};
}

/* The first complaint, and the first place that is named after it. */
struct complaint {
	char what[256], where[128];
};

static void hear(cyaml_log_t level, void *context, const char *format, va_list arguments)
{
	struct complaint *complaint = context;
	char line[256];

	vsnprintf(line, sizeof(line), format, arguments);
	line[strcspn(line, "\n")] = '\0';
	const char *text = strncmp(line, "Load: ", 6) == 0 ? line + 6 : line;
	const char *place = strstr(text, "(line: ");
	if (!complaint->what[0])
		snprintf(complaint->what, sizeof(complaint->what), "%s", text + strspn(text, " "));
	else if (place && !complaint->where[0])
		snprintf(complaint->where, sizeof(complaint->where), "%s", place + 1);
}

struct place {
	unsigned line, column; /* from 1; 0: not known */
};

/* Where the value of the nth of these keys stands: all keys are at the start of their lines. */
static struct place find_key(const char *path, struct str name, unsigned nth)
{
	FILE *stream = fopen(path, "re");
	struct place place = {0, 0};
	char line[4096];

	for (unsigned number = 1; stream && fgets(line, sizeof(line), stream); number++) {
		if (strncmp(line, name.p, name.n) != 0)
			continue;
		const char *colon = line + name.n + strspn(line + name.n, " ");
		if (*colon != ':' || --nth)
			continue;
		place.line = number;
		place.column = (unsigned)(colon + 1 + strspn(colon + 1, " ") - line) + 1;
		break;
	}
	if (stream)
		fclose(stream);
	return place;
}

/* Where it stops to be YAML. */
static struct place find_fault(const char *path)
{
	FILE *stream = fopen(path, "re");
	struct place place = {0, 0};
	yaml_parser_t parser;
	yaml_event_t event;
	bool is_end = false;

	if (!stream || !yaml_parser_initialize(&parser)) {
		if (stream)
			fclose(stream);
		return place;
	}
	yaml_parser_set_input_file(&parser, stream);
	while (!is_end) {
		if (!yaml_parser_parse(&parser, &event)) {
			place.line = (unsigned)parser.problem_mark.line + 1;
			place.column = (unsigned)parser.problem_mark.column + 1;
			break;
		}
		is_end = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	fclose(stream);
	return place;
}

/* libcyaml names the last place it understood: of a key that should not be there, and of what is
 * no YAML, the place is looked for. */
static struct place place_of(const char *path, const struct complaint *complaint)
{
	struct place place = {0, 0};
	const char *name = strrchr(complaint->what, ' ');

	if (strncmp(complaint->what, "libyaml:", 8) == 0)
		return find_fault(path);
	if (name && strncmp(complaint->what, "Unexpected key:", 15) == 0)
		place = find_key(path, str_from(name + 1), 1);
	else if (name && strncmp(complaint->what, "Mapping field already", 21) == 0)
		place = find_key(path, str_from(name + 1), 2);
	if (place.line)
		place.column = 1;
	else
		sscanf(complaint->where, "line: %u, column: %u", &place.line, &place.column);
	return place;
}

static int refuse_shape(const char *path, const struct complaint *complaint, struct err *err)
{
	struct place place = place_of(path, complaint);

	if (place.line)
		err_set(err, ERR_INPUT, "%s:%u:%u: %s", path, place.line, place.column,
			complaint->what);
	else
		err_set(err, ERR_INPUT, "%s: %s", path, complaint->what);
	return err_hint(err, "nagare.yaml(5) lists the keys");
}

static int refuse_value(const char *path, const char *name, struct err *err)
{
	struct place place = find_key(path, str_from(name), 1);

	err->code = ERR_INPUT;
	return place.line ? err_wrap(err, "%s:%u:%u: %s", path, place.line, place.column, name)
			  : err_wrap(err, "%s: %s", path, name);
}

static bool parse_switch(const char *value, bool *ret_is_on)
{
	static const char *const words[] = {"true", "yes", "on", "false", "no", "off"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(value, words[i]) == 0) {
			*ret_is_on = i < 3;
			return true;
		}
	}
	return false;
}

static int take_row(struct server_settings *settings, const struct file *file,
	enum server_row index, struct err *err)
{
	const char *value = file->text[index];
	bool is_on = true;

	if (rows[index].kind == LIST) {
		bool is_given = settings->list[index].count > 0;
		for (unsigned i = 0; i < file->list_count[index] && !is_given; i++)
			if (set(settings, index, file->list[index][i], err) < 0)
				return -1;
		return 0;
	}
	if (!value || settings->text[index])
		return 0;
	if (rows[index].kind == SWITCH && !parse_switch(value, &is_on))
		return err_set(err, ERR_INPUT, "expected true or false, found '%s'", value);
	return is_on ? set(settings, index, value, err) : 0;
}

static const cyaml_config_t base_config = {
	.log_level = CYAML_LOG_ERROR, .mem_fn = cyaml_mem, .log_fn = hear};

static int take_file(struct server_settings *settings, const struct file *file, const char *path,
	struct err *err)
{
	for (enum server_row row = 0; row < SERVER_ROWS; row++)
		if (take_row(settings, file, row, err) < 0)
			return refuse_value(path, rows[row].name, err);
	return 0;
}

int server_settings_load(struct server_settings *settings, const char *path, struct err *err)
{
	struct complaint complaint = {.what = ""};
	cyaml_config_t config = base_config;
	struct schema schema;
	void *loaded = NULL;

	config.log_ctx = &complaint;
	make_schema(&schema);
	cyaml_err_t status = cyaml_load_file(path, &config, &schema.top, &loaded, NULL);
	if (status == CYAML_ERR_FILE_OPEN)
		return err_set_errno(err, errno, "cannot read %s", path);
	if (status != CYAML_OK && !complaint.what[0])
		snprintf(complaint.what, sizeof(complaint.what), "%s", cyaml_strerror(status));
	if (status != CYAML_OK)
		return refuse_shape(path, &complaint, err);
	settings->owned = loaded; /* settings lends its texts */
	return loaded ? take_file(settings, loaded, path, err) : 0;
}

void server_settings_done(struct server_settings *settings)
{
	struct complaint unheard = {.what = ""};
	cyaml_config_t config = base_config;
	struct schema schema;

	config.log_ctx = &unheard;
	make_schema(&schema);
	if (settings->owned)
		cyaml_free(&config, &schema.top, settings->owned, 0);
	settings->owned = NULL;
}

/* ---- nagare.yaml(5) ---- */

static void print_rows(FILE *stream)
{
	for (size_t i = 0; i < SERVER_ROWS; i++) {
		const char *value = rows[i].kind == SWITCH ? "true|false" : rows[i].argument;
		fputs(".It Cm", stream);
		cli_manual_words(stream, str_from(rows[i].name));
		fputs(" : Ar", stream);
		cli_manual_words(stream, str_from(value));
		fputs(rows[i].kind == LIST ? " ...\n" : "\n", stream);
		cli_manual_prose(stream, str_from(rows[i].help));
		if (rows[i].kind == LIST)
			cli_manual_prose(stream, STR("In the file, a list."));
	}
}

void server_settings_manual(FILE *stream)
{
	fputs(".Dd " NAGARE_DATE "\n.Dt NAGARE.YAML 5\n.Os nagare " NAGARE_VERSION "\n"
	      ".Sh NAME\n.Nm nagare.yaml\n.Nd settings of nagare\n"
	      ".Sh DESCRIPTION\nThe file that\n.Cm nagare server\n.Fl Fl config\nreads, and\n.Cm "
	      "nagare agent\nand\n.Cm nagare up\nas well: YAML, one mapping of keys to values.\n"
	      "Each key but\n.Cm agent\nis an option of\n.Xr nagare-server 1\nunder the "
	      "same name and takes the same values; an option given on the command line wins.\n"
	      "A key that is not in this list is an error.\n.Cm nagare server\n.Fl Fl config\n"
	      ".Ar FILE\n.Fl Fl check\nsays what is wrong with a file, with line and column.\n"
	      ".Bl -tag -width Ds\n",
		stream);
	print_rows(stream);
	fputs(".El\n", stream);
	agent_settings_manual(stream);
	fputs(".Sh EXAMPLES\n.Bd -literal\nlisten: 0.0.0.0:4560\ntls: true\nregion: "
	      "eu\\-central\\-1\naccess\\-log: /var/log/nagare/access.log\ndomain:\n  \\- "
	      "s3.example.com\n.Ed\n.Pp\nAn agent without a server:\n.Bd -literal\n"
	      "agent:\n  profile: flow\\-logs\n  interface:\n    \\- match: docker*\n"
	      "      exclude: true\n    \\- match: eth0\n      vpc: production\n"
	      "      tags: {team: network}\n  flow\\-log:\n"
	      "    \\- log\\-destination: arn:aws:s3:::flows/edge/\n"
	      "      file\\-format: parquet\n      hive\\-compatible\\-partitions: true\n"
	      "    \\- log\\-group\\-name: rejected\n      traffic\\-type: REJECT\n"
	      "      max\\-aggregation\\-interval: 60\n.Ed\n"
	      ".Sh SEE ALSO\n.Xr nagare-agent 1 ,\n.Xr nagare-server 1\n",
		stream);
}
