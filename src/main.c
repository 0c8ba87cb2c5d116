#include "cli/command.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "help";

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
		puts("nagare " NAGARE_VERSION);
		return 0;
	}
	const struct cli_command *command = cli_command_find(name);
	if (!command) {
		struct err err;
		err_set(&err, ERR_USAGE, "there is no command '%s'", name);
		err_hint(&err, "'nagare help' lists the commands");
		cli_print_error(&err);
		return 2;
	}
	return cli_command_main(command, argc > 1 ? argc - 1 : 1, argc > 1 ? argv + 1 : argv);
}
