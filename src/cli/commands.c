#include "cli/command.h"

#include <string.h>

extern const struct cli_command cli_agent;
extern const struct cli_command cli_convert;
extern const struct cli_command cli_credentials;
extern const struct cli_command cli_doctor;
extern const struct cli_command cli_flow_logs;
extern const struct cli_command cli_fsck;
extern const struct cli_command cli_help;
extern const struct cli_command cli_interfaces;
extern const struct cli_command cli_logs;
extern const struct cli_command cli_pcap;
extern const struct cli_command cli_query;
extern const struct cli_command cli_run;
extern const struct cli_command cli_server;
extern const struct cli_command cli_tail;
extern const struct cli_command cli_top;
extern const struct cli_command cli_up;

const struct cli_command *const cli_commands[] = {
	&cli_up,
	&cli_run,
	&cli_agent,
	&cli_pcap,
	&cli_query,
	&cli_tail,
	&cli_top,
	&cli_logs,
	&cli_convert,
	&cli_server,
	&cli_flow_logs,
	&cli_interfaces,
	&cli_credentials,
	&cli_fsck,
	&cli_doctor,
	&cli_help,
	NULL,
};

const struct cli_command *cli_command_find(const char *name)
{
	for (const struct cli_command *const *command = cli_commands; *command; command++) {
		if (strcmp((*command)->name, name) == 0)
			return *command;
	}
	return NULL;
}
