/* remote: a command's calls of a server: what --endpoint-url, --profile and --region say, else
 * AWS's environment and profiles, and where they say nothing the nagare server whose data is on
 * this host. One thread. */
#pragma once

#include "aws/client.h"
#include "aws/xml.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "cli/command.h"

#include <jansson.h>

struct cli_remote {
	const char *endpoint, *profile, *region, *folder; /* the options' */
	unsigned attempts;                                /* of one call; 0: the client's */
	char code[128]; /* what the service said to the last call, "" when it was done */
	bool is_silent; /* nobody answered the last call */
	/* Private. */
	struct aws_credentials_source *source;
	struct aws_client *client;
	char *file;
};

/* The settings of a command with these options begin with a struct cli_remote. */
#define CLI_REMOTE_OPTIONS                                                                         \
	{"endpoint-url", 0, "URL",                                                                 \
		"Server to call, such as http://127.0.0.1:4560. Default: AWS_ENDPOINT_URL or the " \
		"profile's.",                                                                      \
		cli_remote_set_endpoint},                                                          \
		{"profile", 0, "NAME",                                                             \
			"Profile of AWS's files with key, region and endpoint. Default: "          \
			"AWS_PROFILE; when nothing of AWS is set, the server's own profile in "    \
			"its data folder.",                                                        \
			cli_remote_set_profile},                                                   \
		{"region", 0, "REGION", "Region to call. Default: the profile's.",                 \
			cli_remote_set_region},                                                    \
	{                                                                                          \
		"data-dir", 'd', "FOLDER",                                                         \
			"Where the server on this host has its data. Default: as of 'nagare "      \
			"server'.",                                                                \
			cli_remote_set_folder                                                      \
	}
int cli_remote_set_endpoint(void *settings, const char *value, struct err *err);
int cli_remote_set_profile(void *settings, const char *value, struct err *err);
int cli_remote_set_region(void *settings, const char *value, struct err *err);
int cli_remote_set_folder(void *settings, const char *value, struct err *err);

/* Is there a server to ask: by the options or AWS's environment and profiles an endpoint, or one
 * whose data is on this host? *ret_is_local: the latter, which may have ended. */
bool cli_remote_is_known(const struct cli_remote *remote, bool *ret_is_local);
int cli_remote_open(struct cli_remote *remote, struct err *err);
void cli_remote_close(struct cli_remote *remote);

/* Adds "&NAME=VALUE" to a form. */
void cli_remote_add(struct buf *form, const char *name, const char *value);
/* "&PREFIX.INDEX=VALUE", from 1 */
void cli_remote_add_item(struct buf *form, const char *prefix, size_t index, const char *value);
/* A call of EC2 (or of STS); form as cli_remote_add makes it. *ret_document lends the answer. */
int cli_remote_call(struct cli_remote *remote, const char *service, const char *operation,
	const struct buf *form, struct aws_xml **ret_document, struct err *err);
/* A call of a service that speaks JSON; target is its name in X-Amz-Target, input is taken. The
 * answer is the caller's. */
struct cli_remote_json {
	const char *service, *target; /* "athena", "AmazonAthena" */
	const char *operation;
	bool is_idempotent;
};
int cli_remote_call_json(struct cli_remote *remote, const struct cli_remote_json *call,
	json_t *input, json_t **ret_answer, struct err *err);
