#include "cli/command.h"
#include "cli/completion.h"
#include "cli/manual.h"
#include "cli/server_settings.h"
#include "record/field.h"

#include <stdio.h>
#include <string.h>

extern const struct cli_command cli_help;

struct settings {
	bool man;
	bool completion;
};

static int set_man(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->man = true;
	return 0;
}

static int set_completion(void *settings, const char *value, struct err *err)
{
	if (strcmp(value, "bash") != 0)
		return err_set(err, ERR_USAGE, "completion is made for bash, not '%s'", value);
	((struct settings *)settings)->completion = true;
	return 0;
}

static void print_commands(void)
{
	puts("nagare: VPC Flow Logs for every Linux network\n\nUsage: nagare COMMAND [OPTION]...\n");
	for (const struct cli_command *const *command = cli_commands; *command; command++)
		printf("  %-10s %s\n", (*command)->name, (*command)->summary);
	puts("\n'nagare COMMAND --help' shows options and examples, 'nagare help fields' the fields\n"
	     "of a log format.");
}

static void print_fields(void)
{
	static const char *const types[] = {"STRING", "INT_32", "INT_64"};

	printf("%-28s %-28s %-3s %-7s %s\n", "FIELD", "SQL", "VER", "TYPE", "MEANING");
	for (int i = 0; i < RECORD_FIELDS; i++) {
		const struct record_field_info *field = &record_fields[i];
		printf("${%s}%*s %-28s %-3d %-7s %s\n", field->name.p,
			(int)(field->name.n < 25 ? 25 - field->name.n : 0), "", field->sql_name.p,
			field->version, types[field->parquet], field->meaning);
	}
	puts("\nFields of version 6 belong to transit gateway flow logs: read, not recorded.");
}

static int run(void *settings_, int argc, char **argv, struct err *err)
{
	const struct settings *settings = settings_;
	const struct cli_command *command = argc ? cli_command_find(argv[0]) : NULL;

	if (argc > 1)
		return err_set(err, ERR_USAGE, "one command at a time, found '%s'", argv[1]);
	if (settings->completion)
		cli_completion_bash(stdout);
	else if (argc == 0 && settings->man)
		cli_manual_main_page(stdout);
	else if (argc == 0)
		print_commands();
	else if (strcmp(argv[0], "fields") == 0)
		print_fields();
	else if (strcmp(argv[0], "nagare.yaml") == 0)
		server_settings_manual(stdout);
	else if (!command)
		return err_set(err, ERR_USAGE, "there is no command '%s'", argv[0]);
	else if (settings->man)
		cli_manual_page(command, stdout);
	else
		cli_manual_help(command, stdout);
	return 0;
}

const struct cli_command cli_help = {
	.name = "help",
	.operands = "[COMMAND|fields]",
	.summary = "list the commands, or show the help of one",
	.description =
		"Shows what --help of the command shows. With 'fields', the fields that a log "
		"format can have.",
	.options =
		(const struct cli_option[]){
			{"man", 0, NULL, "Print the man page source (mdoc) instead.", set_man},
			{"completion", 0, "bash",
				"Print a script that completes commands and options in this shell.",
				set_completion},
			{NULL},
		},
	.examples =
		(const struct cli_example[]){
			{"nagare help fields", "The fields for --format:"},
			{"eval \"$(nagare help --completion bash)\"",
				"Completion in this shell, without an installation:"},
			{NULL},
		},
	.settings_size = sizeof(struct settings),
	.run = run,
};
