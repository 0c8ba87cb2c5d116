#include "cli/remote.h"

#include "aws/uri.h"
#include "cli/defaults.h"
#include "store/identities.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int set(const char **text, const char *value, const char *expected, struct err *err)
{
	if (!*value)
		return err_set(err, ERR_USAGE, "expected %s", expected);
	*text = value;
	return 0;
}

int cli_remote_set_endpoint(void *settings, const char *value, struct err *err)
{
	if (strncmp(value, "http://", 7) != 0 && strncmp(value, "https://", 8) != 0)
		return err_set(
			err, ERR_USAGE, "expected http://... or https://..., found '%s'", value);
	return set(&((struct cli_remote *)settings)->endpoint, value, "a URL", err);
}

int cli_remote_set_profile(void *settings, const char *value, struct err *err)
{
	return set(&((struct cli_remote *)settings)->profile, value, "a profile", err);
}

int cli_remote_set_region(void *settings, const char *value, struct err *err)
{
	return set(&((struct cli_remote *)settings)->region, value, "a region", err);
}

int cli_remote_set_folder(void *settings, const char *value, struct err *err)
{
	return set(&((struct cli_remote *)settings)->folder, value, "a folder", err);
}

/* The user has said something of AWS: then it counts, and nothing of this host does. */
static bool is_told(const struct cli_remote *remote)
{
	static const char *const names[] = {"AWS_ACCESS_KEY_ID", "AWS_PROFILE",
		"AWS_SHARED_CREDENTIALS_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"};

	if (remote->folder)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = getenv(names[i]);
		if (value && *value)
			return true;
	}
	return remote->profile != NULL;
}

/* The profile that the server on this host has written, when there is one. */
static char *find_local(const struct cli_remote *remote)
{
	_cleanup_free_ char *made = remote->folder ? NULL : cli_default_data();
	_cleanup_free_ char *path =
		mem_printf("%s/credentials", remote->folder ? remote->folder : made);

	return !is_told(remote) && (remote->folder || access(path, R_OK) == 0) ? take(path) : NULL;
}

bool cli_remote_is_known(const struct cli_remote *remote, bool *ret_is_local)
{
	_cleanup_free_ char *local = find_local(remote);
	struct cli_remote told = *remote;

	*ret_is_local = local && !remote->folder && !remote->endpoint;
	if (local || remote->endpoint || remote->profile)
		return true;
	bool is_known = is_told(remote) && cli_remote_open(&told, NULL) == 0 &&
			aws_client_has_endpoint(told.client, "athena");
	cli_remote_close(&told);
	return is_known;
}

int cli_remote_open(struct cli_remote *remote, struct err *err)
{
	struct aws_credentials_settings keys = {
		.profile = remote->profile, .region = remote->region};
	struct aws_client_settings settings = {.region = remote->region,
		.endpoint = remote->endpoint,
		.attempts = remote->attempts};

	remote->file = find_local(remote);
	if (remote->file && access(remote->file, F_OK) < 0) {
		err_set_errno(err, errno, "%s", remote->file);
		return err_hint(err, "the first 'nagare up' or 'nagare server' over this data "
				     "makes it");
	}
	if (remote->file) {
		keys.credentials_file = remote->file;
		keys.profile = STORE_PROFILE_NAME;
	}
	if (aws_credentials_source_new(&remote->source, &keys, err) < 0)
		return -1;
	settings.credentials = remote->source;
	return aws_client_new(&remote->client, &settings, err);
}

void cli_remote_close(struct cli_remote *remote)
{
	aws_client_free(take(remote->client));
	aws_credentials_source_free(take(remote->source));
	free(take(remote->file));
}

void cli_remote_add(struct buf *form, const char *name, const char *value)
{
	buf_add_char(form, '&');
	aws_uri_encode(form, str_from(name), AWS_URI_ENCODE_SLASH);
	buf_add_char(form, '=');
	aws_uri_encode(form, str_from(value), AWS_URI_ENCODE_SLASH);
}

void cli_remote_add_item(struct buf *form, const char *prefix, size_t index, const char *value)
{
	char name[128];

	snprintf(name, sizeof(name), "%s.%zu", prefix, index + 1);
	cli_remote_add(form, name, value);
}

/* Sends it and keeps what the service said. */
static int call_out(struct cli_remote *remote, const struct aws_call *call,
	struct aws_answer *ret_answer, struct err *err)
{
	int result = aws_client_call(remote->client, call, ret_answer, err);

	snprintf(remote->code, sizeof(remote->code), "%s", ret_answer->code);
	remote->is_silent = result < 0 && ret_answer->status == 0;
	if (remote->is_silent && remote->file && !remote->endpoint && err) {
		err->hint[0] = '\0'; /* what is known here is more */
		err_hint(err, "does the server of %s run? 'nagare up' or 'nagare server' starts it",
			remote->file);
	}
	return result;
}

int cli_remote_call(struct cli_remote *remote, const char *service, const char *operation,
	const struct buf *form, struct aws_xml **ret_document, struct err *err)
{
	const struct aws_header type = {
		STR("Content-Type"), STR("application/x-www-form-urlencoded; charset=utf-8")};
	const char *version = strcmp(service, "ec2") == 0 ? "2016-11-15" : "2011-06-15";
	_cleanup_buf_ struct buf body = {0};
	struct aws_answer answer;

	buf_printf(&body, "Action=%s&Version=%s", operation, version);
	if (form)
		buf_add_str(&body, buf_str(form));
	const struct aws_call call = {.service = service,
		.headers = &type,
		.header_count = 1,
		.body = buf_str(&body),
		.is_idempotent = strncmp(operation, "Describe", 8) == 0};
	int result = call_out(remote, &call, &answer, err);
	if (result == 0)
		result = aws_xml_parse(ret_document, buf_str(&answer.body), err);
	aws_answer_done(&answer);
	return result;
}

int cli_remote_call_json(struct cli_remote *remote, const struct cli_remote_json *call,
	json_t *input, json_t **ret_answer, struct err *err)
{
	_cleanup_free_ char *body = json_dumps(input, JSON_COMPACT);
	_cleanup_free_ char *target = mem_printf("%s.%s", call->target, call->operation);
	const struct aws_header headers[] = {
		{STR("Content-Type"), STR("application/x-amz-json-1.1")},
		{STR("X-Amz-Target"), str_from(target)},
	};
	const struct aws_call sent = {.service = call->service,
		.headers = headers,
		.header_count = ARRAY_SIZE(headers),
		.body = str_from(body),
		.is_idempotent = call->is_idempotent};
	struct aws_answer answer;
	json_error_t problem;

	json_decref(input);
	int result = call_out(remote, &sent, &answer, err);
	if (result == 0) {
		*ret_answer = json_loadb(answer.body.p, answer.body.n, JSON_ALLOW_NUL, &problem);
		if (!*ret_answer)
			result = err_set(err, ERR_INPUT, "the answer to %s is no JSON: %s",
				call->operation, problem.text);
	}
	aws_answer_done(&answer);
	return result;
}
