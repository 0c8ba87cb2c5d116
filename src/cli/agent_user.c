#include "cli/agent_user.h"

#include "aws/client.h"
#include "base/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* Whether the server takes it; an endpoint that has moved is a reason to write it anew. */
static bool is_good(struct cli_account *account, const char *path)
{
	_cleanup_(aws_credentials_source_freep) struct aws_credentials_source *credentials = NULL;
	_cleanup_(aws_client_freep) struct aws_client *client = NULL;
	const struct aws_credentials_settings keys = {
		.profile = "nagare", .credentials_file = path, .config_file = "/dev/null"};
	_cleanup_buf_ struct buf text = {0};
	static const struct aws_header headers[] = {
		{{"Content-Type", 12}, {"application/x-www-form-urlencoded", 33}}};
	const struct aws_call call = {.service = "sts",
		.headers = headers,
		.header_count = 1,
		.body = STR("Action=GetCallerIdentity&Version=2011-06-15"),
		.is_idempotent = true};
	struct aws_answer answer;

	if (file_read(path, 65536, &text, NULL) < 0 ||
		!strstr(buf_text(&text), cli_account_endpoint(account)) ||
		aws_credentials_source_new(&credentials, &keys, NULL) < 0)
		return false;
	const struct aws_client_settings settings = {.endpoint = cli_account_endpoint(account),
		.ca_bundle = cli_account_ca_bundle(account),
		.region = "us-east-1",
		.credentials = credentials};
	if (aws_client_new(&client, &settings, NULL) < 0)
		return false;
	int result = aws_client_call(client, &call, &answer, NULL);
	aws_answer_done(&answer);
	return result == 0;
}

int cli_agent_user_file(
	struct cli_account *account, const char *name, const char *folder, struct err *err)
{
	_cleanup_free_ char *path = mem_printf("%s/credentials", folder);
	_cleanup_(file_draft_done) struct file_draft draft = FILE_DRAFT_INIT;
	_cleanup_buf_ struct buf profile = {0};

	if (is_good(account, path))
		return 0;
	if (cli_account_agent_user(account, name, NULL, &profile, err) < 0)
		return err_wrap(err, "the user %s", name);
	if (file_draft_open(&draft, path, err) < 0)
		return -1;
	if (fchmod(draft.fd, 0600) < 0)
		return err_set_errno(err, errno, "%s", path);
	if (file_draft_write(&draft, buf_str(&profile), err) < 0)
		return -1;
	return file_draft_commit(&draft, true, err);
}
