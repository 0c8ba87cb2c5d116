#include "cli/command.h"

#include "capture/live.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

extern const struct cli_command cli_doctor;

#define CHECKS_MAX          32
#define EXIT_STATUS_MISSING 5

struct settings {
	bool json;
};

static int set_output(void *settings, const char *value, struct err *err)
{
	if (strcmp(value, "json") != 0 && strcmp(value, "table") != 0)
		return err_set(err, ERR_USAGE, "expected table or json, found '%s'", value);
	((struct settings *)settings)->json = strcmp(value, "json") == 0;
	return 0;
}

static const char *state_of(const struct capture_check *check)
{
	return check->ok ? "ok" : check->required ? "MISSING" : "absent";
}

static void print_table(const struct capture_check *checks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		printf("%-8s %-20s %s\n", state_of(&checks[i]), checks[i].what, checks[i].found);
		if (!checks[i].ok)
			printf("%29s %s\n", "", checks[i].advice);
	}
}

static int print_json(const struct capture_check *checks, size_t count, struct err *err)
{
	json_t *all = json_array();
	int status;

	for (size_t i = 0; i < count; i++)
		json_array_append_new(all,
			json_pack("{s:s, s:b, s:b, s:s, s:s*}", "what", checks[i].what, "ok",
				checks[i].ok, "required", checks[i].required, "found",
				checks[i].found, "advice", checks[i].ok ? NULL : checks[i].advice));
	status = json_dumpf(all, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(all);
	return status ? err_set(err, ERR_SYSTEM, "cannot write the output") : 0;
}

static int run(void *settings, int argc, char **argv, struct err *err)
{
	struct capture_check checks[CHECKS_MAX];
	size_t count = capture_live_doctor(checks, CHECKS_MAX);

	for (size_t i = 0; i < count; i++) {
		if (checks[i].required && !checks[i].ok)
			cli_exit_status = EXIT_STATUS_MISSING;
	}
	if (((struct settings *)settings)->json)
		return print_json(checks, count, err);
	print_table(checks, count);
	return 0;
}

static const struct cli_option options[] = {
	{"output", 0, "FORM", "table (the default), or json for programs.", set_output},
	{0},
};

static const struct cli_example examples[] = {
	{"sudo nagare doctor", "What live capture has on this machine, and what it lacks."},
	{"nagare doctor --output json | jq '.[] | select(.ok | not)'", "Only what is not there."},
	{0},
};

const struct cli_command cli_doctor = {
	.name = "doctor",
	.summary = "say what this machine supports and what is missing",
	.description =
		"Tries out what live capture needs (it loads its programs, and attaches them to no "
		"interface) and prints a line each: ok, absent (nagare does without) or MISSING, what "
		"was found, and what to do.\n\n"
		"The exit status is 5 when something that live capture cannot do without is missing. "
		"Capture files and queries need none of it.\n\n"
		"As JSON: an array of objects with what, ok, required, found and, where something is "
		"not there, advice.",
	.options = options,
	.examples = examples,
	.settings_size = sizeof(struct settings),
	.run = run,
};
