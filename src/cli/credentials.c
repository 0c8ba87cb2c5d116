#include "cli/account.h"
#include "cli/command.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/defaults.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

extern const struct cli_command cli_credentials;

#define FILE_BYTES_MAX 65536

enum output { OUTPUT_PROFILE, OUTPUT_ENV, OUTPUT_JSON, OUTPUT_TABLE };

struct settings {
	const char *folder;
	enum output output;
	const char *agent, *endpoint;
};

static int set_folder(void *settings, const char *value, struct err *err)
{
	if (!*value)
		return err_set(err, ERR_USAGE, "expected a folder");
	((struct settings *)settings)->folder = value;
	return 0;
}

static int set_agent(void *settings, const char *value, struct err *err)
{
	size_t n = strspn(
		value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+=,.@_-");

	((struct settings *)settings)->agent = value;
	if (n && n <= 51 && !value[n])
		return 0;
	return err_set(err, ERR_USAGE,
		"expected at most 51 letters, digits and any of +=,.@_-, found '%s'", value);
}

static int set_endpoint(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->endpoint = value;
	if (strncmp(value, "http://", 7) == 0 || strncmp(value, "https://", 8) == 0)
		return 0;
	return err_set(
		err, ERR_USAGE, "expected http:// or https:// and a host, found '%s'", value);
}

static int set_output(void *settings, const char *value, struct err *err)
{
	static const char *const names[] = {"profile", "env", "json", "table"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(value, names[i]) == 0) {
			((struct settings *)settings)->output = (enum output)i;
			return 0;
		}
	}
	return err_set(err, ERR_USAGE, "expected profile, env, json or table, found '%s'", value);
}

/* What the server wrote (store/identities.h): the settings of a profile, each with the names that
 * the outputs have for it. */
enum { FIELDS = 4 };
static const struct {
	struct str profile;
	const char *env, *env_too; /* SDKs differ in what they read */
	const char *json, *table;
} fields[FIELDS] = {
	{{"aws_access_key_id", 17}, "AWS_ACCESS_KEY_ID", NULL, "AccessKeyId", "access key id"},
	{{"aws_secret_access_key", 21}, "AWS_SECRET_ACCESS_KEY", NULL, "SecretAccessKey",
		"secret access key"},
	{{"region", 6}, "AWS_DEFAULT_REGION", "AWS_REGION", "Region", "region"},
	{{"endpoint_url", 12}, "AWS_ENDPOINT_URL", NULL, "EndpointUrl", "endpoint"},
};

/* A key that others can read, or that others could have put there, is not shown as ours. */
static int check_file(const char *path, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat status;

	if (fd < 0) {
		int error = errno;
		err_set_errno(err, error, "%s", path);
		return error == ENOENT
			       ? err_hint(err,
					 "the first start of the server over this data makes it")
			       : err_hint(err, "the root key is for the user who runs the server");
	}
	if (fstat(fd, &status) < 0)
		return err_set_errno(err, errno, "%s", path);
	if (!S_ISREG(status.st_mode))
		return err_set(err, ERR_INPUT, "%s: not a regular file", path);
	if (status.st_uid != geteuid() && geteuid() != 0) {
		err_set(err, ERR_PERMISSION, "%s: belongs to another user (uid %u)", path,
			(unsigned)status.st_uid);
		return err_hint(err, "the root key is for the user who runs the server");
	}
	if (status.st_mode & 077) {
		err_set(err, ERR_PERMISSION, "%s: mode %03o lets others at the root key", path,
			(unsigned)status.st_mode & 0777);
		return err_hint(
			err, "chmod 600 %s, and if others may have read it, make a new key", path);
	}
	return 0;
}

static int parse(
	const char *path, struct str text, struct str values[static FIELDS], struct err *err)
{
	struct str line;

	for (size_t i = 0; i < FIELDS; i++)
		values[i] = STR_NONE;
	while (str_split(&text, '\n', &line)) {
		struct str name, value = line;
		if (!str_split(&value, '=', &name) || !value.p)
			continue;
		for (size_t i = 0; i < FIELDS; i++)
			if (str_equal(str_trim(name), fields[i].profile))
				values[i] = str_trim(value);
	}
	for (size_t i = 0; i < FIELDS; i++)
		if (!values[i].n)
			return err_set(err, ERR_INPUT, "%s: there is no %.*s", path,
				STR_ARG(fields[i].profile));
	return 0;
}

static void print_json(const struct str values[static FIELDS])
{
	/* as credential_process of an AWS profile wants it; what it does not know it ignores */
	json_t *object = json_pack("{s:i}", "Version", 1);

	for (size_t i = 0; i < FIELDS; i++)
		json_object_set_new(object, fields[i].json, json_stringn(values[i].p, values[i].n));
	json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(object);
}

static void print(enum output output, const struct str values[static FIELDS])
{
	if (output == OUTPUT_JSON) {
		print_json(values);
		return;
	}
	if (output == OUTPUT_PROFILE)
		puts("[nagare]");
	for (size_t i = 0; i < FIELDS; i++) {
		if (output == OUTPUT_PROFILE)
			printf("%.*s = %.*s\n", STR_ARG(fields[i].profile), STR_ARG(values[i]));
		else if (output == OUTPUT_ENV)
			printf("export %s=%.*s\n", fields[i].env, STR_ARG(values[i]));
		else
			printf("%-18s %.*s\n", fields[i].table, STR_ARG(values[i]));
		if (output == OUTPUT_ENV && fields[i].env_too)
			printf("export %s=%.*s\n", fields[i].env_too, STR_ARG(values[i]));
	}
}

/* A user of its own for an agent, made through the server's API with the root key. */
static int make_agent(
	const struct settings *settings, const char *folder, struct buf *ret_text, struct err *err)
{
	_cleanup_(cli_account_closep) struct cli_account *account = NULL;
	_cleanup_free_ char *certificate = mem_printf("%s/tls.pem", folder);
	_cleanup_free_ char *name = mem_printf("nagare-agent-%s", settings->agent);
	bool is_own = access(certificate, R_OK) == 0;

	if (cli_account_open(&account, folder, is_own ? certificate : NULL, err) < 0)
		return -1;
	return cli_account_agent_user(account, name, settings->endpoint, ret_text, err);
}

static int run(void *settings_, int argc, char **argv, struct err *err)
{
	const struct settings *settings = settings_;
	_cleanup_free_ char *standard = settings->folder ? NULL : cli_default_data();
	const char *folder = settings->folder ? settings->folder : standard;
	_cleanup_free_ char *path = mem_printf("%s/credentials", folder);
	_cleanup_buf_ struct buf text = {0};
	struct str values[FIELDS];

	if (settings->endpoint && !settings->agent)
		return err_set(err, ERR_USAGE, "--endpoint is for the profile of an --agent");
	if (check_file(path, err) < 0 ||
		(settings->agent ? make_agent(settings, folder, &text, err)
				 : file_read(path, FILE_BYTES_MAX, &text, err)) < 0 ||
		parse(path, buf_str(&text), values, err) < 0)
		return -1;
	print(settings->output, values);
	if (fflush(stdout) != 0 || ferror(stdout))
		return err_set_errno(err, errno, "cannot write the output");
	return 0;
}

static const struct cli_option options[] = {
	{"data-dir", 'd', "FOLDER",
		"The server's data. Default: $NAGARE_DATA_DIR, /var/lib/nagare or ~/.local/share/nagare.",
		set_folder},
	{"agent", 0, "NAME",
		"Make a user nagare-agent-NAME on the running server, who may deliver flow logs and nothing else, and show its key. A key that it had before is removed.",
		set_agent},
	{"endpoint", 0, "URL",
		"What the agent reaches the server by. Default: the endpoint of the server's last start.",
		set_endpoint},
	{"output", 'o', "FORMAT",
		"profile (the default), as in ~/.aws/credentials; env, for a shell to read; json, as an AWS profile's credential_process gives it; or table.",
		set_output},
	{NULL},
};

static const struct cli_example examples[] = {
	{"nagare credentials >> ~/.aws/credentials",
		"Make the profile nagare: aws --profile nagare s3 ls"},
	{"eval \"$(nagare credentials -o env)\"", "Use it in this shell: aws s3 ls"},
	{"aws configure set credential_process 'nagare credentials -o json' --profile nagare",
		"Have AWS clients ask for it each time"},
	{"nagare credentials --agent web1 --endpoint https://flows.example.com:4560 > web1.credentials",
		"A key for the agent of another host, which is started with --credentials web1.credentials --profile nagare:"},
	{NULL},
};

const struct cli_command cli_credentials = {
	.name = "credentials",
	.summary = "show the root key of the server again, or make the key of an agent",
	.description =
		"The first start of the server makes the account's root key and writes it, as a profile that AWS clients read, to the file credentials in its data folder. This shows it again, with the region and the endpoint of the server's last start.\n\n"
		"The root key may do everything. Make users with policies for readers (aws iam create-user), and one for each agent with --agent, and keep it for administration.\n\n"
		"A file that belongs to another user, or that others may read, is refused.",
	.options = options,
	.examples = examples,
	.settings_size = sizeof(struct settings),
	.run = run,
};
