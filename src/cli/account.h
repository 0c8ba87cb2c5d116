/* account: what `nagare up` and `nagare credentials --agent` set up on a server, through AWS's own
 * APIs with the account's root key: users for agents, the default flow logs. Each step may be done
 * again: what is there already stays.
 * Blocks on the network. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

struct cli_account;

/* The server over this data folder, by the profile that it wrote there; ca_bundle NULL: the
 * system's. */
int cli_account_open(struct cli_account **ret_account, const char *data_folder,
	const char *ca_bundle, struct err *err);
void cli_account_close(struct cli_account *account);
MEM_DEFINE_CLEANUP(struct cli_account, cli_account_close)
const char *cli_account_endpoint(const struct cli_account *account);
const char *cli_account_ca_bundle(const struct cli_account *account); /* NULL: the system's */
/* Whether the server answers. */
bool cli_account_is_up(struct cli_account *account);

/* A user that may deliver flow logs and nothing else, with one key, as a profile (named nagare)
 * that AWS clients read; a key that it had before is removed. endpoint NULL: as the server says. */
int cli_account_agent_user(struct cli_account *account, const char *name, const char *endpoint,
	struct buf *ret_profile, struct err *err);
/* Log group, bucket, role and the two flow logs of a VPC; fails while the server does not know the
 * VPC yet (CLI_ACCOUNT_NO_VPC). */
enum { CLI_ACCOUNT_NO_VPC = 1 };
int cli_account_default_flow_logs(struct cli_account *account, const char *vpc_id, struct err *err);

#define CLI_ACCOUNT_BUCKET    "nagare-flow-logs"
#define CLI_ACCOUNT_LOG_GROUP "/nagare/flow-logs"
