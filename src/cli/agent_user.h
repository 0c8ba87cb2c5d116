/* agent_user: the key of an agent, as a profile: made on the server, kept in a file. */
#pragma once

#include "cli/account.h"

/* FOLDER/credentials, mode 0600: made if it is not there or no good for this server any more. */
int cli_agent_user_file(
	struct cli_account *account, const char *name, const char *folder, struct err *err);
