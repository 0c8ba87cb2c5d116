/* Roles: STS gives keys for them, by the client of this room. */
#include "aws/client_priv.h"
#include "aws/credentials_priv.h"
#include "aws/time.h"
#include "aws/uri.h"
#include "aws/xml.h"
#include "base/file.h"

#include <openssl/crypto.h>
#include <stdio.h>

#define DURATION_SECONDS 3600
#define TOKEN_MAX        (64 << 10)

static void add_parameter(struct buf *body, const char *name, struct str value)
{
	buf_printf(body, "&%s=", name);
	aws_uri_encode(body, value, AWS_URI_ENCODE_SLASH);
}

static int make_body(struct buf *body, const struct credentials_role *role, struct err *err)
{
	_cleanup_buf_ struct buf token = {0};
	char seconds[16];

	buf_printf(body, "Action=%s&Version=2011-06-15",
		role->token_file ? "AssumeRoleWithWebIdentity" : "AssumeRole");
	add_parameter(body, "RoleArn", str_from(role->role_arn));
	add_parameter(body, "RoleSessionName",
		role->session_name ? str_from(role->session_name) : STR("nagare"));
	snprintf(seconds, sizeof(seconds), "%u",
		role->duration_seconds ? role->duration_seconds : DURATION_SECONDS);
	add_parameter(body, "DurationSeconds", str_from(seconds));
	if (role->external_id)
		add_parameter(body, "ExternalId", str_from(role->external_id));
	if (!role->token_file)
		return 0;
	if (file_read(role->token_file, TOKEN_MAX, &token, err) < 0)
		return err_wrap(err, "web identity token");
	struct str text = buf_str(&token);
	while (text.n && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
		text.n--;
	add_parameter(body, "WebIdentityToken", text);
	OPENSSL_cleanse(token.p, token.n);
	return 0;
}

static int parse_answer(
	struct str body, const char *result_name, struct aws_keys *ret_keys, struct err *err)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;

	if (aws_xml_parse(&document, body, err) < 0)
		return err_wrap(err, "answer of STS");
	const struct aws_xml_node *result =
		aws_xml_child(aws_xml_root(document), str_from(result_name));
	const struct aws_xml_node *keys = aws_xml_child(result, STR("Credentials"));
	struct str id = aws_xml_text(keys, STR("AccessKeyId"));
	struct str secret = aws_xml_text(keys, STR("SecretAccessKey"));
	struct str token = aws_xml_text(keys, STR("SessionToken"));
	int64_t expires_ms;
	if (!id.n || !secret.n || !token.n ||
		!aws_time_parse(aws_xml_text(keys, STR("Expiration")), &expires_ms))
		return err_set(err, ERR_INPUT, "answer of STS: no Credentials in %s", result_name);
	*ret_keys = (struct aws_keys){credentials_copy(id), credentials_copy(secret),
		credentials_copy(token), expires_ms};
	return 0;
}

static int call_sts(struct credentials_fetch *fetch, const struct credentials_role *role,
	struct aws_credentials_source *source, struct aws_answer *ret_answer, struct err *err)
{
	_cleanup_(aws_client_freep) struct aws_client *client = NULL;
	_cleanup_buf_ struct buf body = {0};
	const char *region = fetch->settings->region ? fetch->settings->region : role->region;
	const struct aws_client_settings settings = {
		.region = region ? region
			  : fetch->profiles
				  ? aws_profiles_get(fetch->profiles, fetch->profile, "region")
				  : NULL,
		.endpoint = fetch->settings->sts_endpoint,
		.credentials = source,
		.is_anonymous = !source};
	const struct aws_header type = {
		STR("Content-Type"), STR("application/x-www-form-urlencoded")};
	struct aws_stop never = {.fd = -1};

	if (make_body(&body, role, err) < 0)
		return -1;
	/* The stop of whoever asked ends this call as well. */
	if (client_new(&client, &settings, fetch->stop ? fetch->stop : &never, err) < 0)
		return -1;
	const struct aws_call call = {.service = "sts",
		.headers = &type,
		.header_count = 1,
		.body = buf_str(&body),
		.is_idempotent = true,
		.answer_max = 1 << 20};
	int result = aws_client_call(client, &call, ret_answer, err);
	OPENSSL_cleanse(body.p, body.n);
	return result;
}

int credentials_assume_role(struct credentials_fetch *fetch, const struct credentials_role *role,
	const struct aws_keys *keys, struct aws_keys *ret_keys, struct err *err)
{
	_cleanup_(aws_credentials_source_freep) struct aws_credentials_source *source = NULL;
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};

	if (keys) {
		const struct aws_credentials_settings settings = {
			.access_key_id = keys->access_key_id,
			.secret_access_key = keys->secret_access_key,
			.session_token = keys->session_token};
		if (aws_credentials_source_new(&source, &settings, err) < 0)
			return -1;
	}
	int result = call_sts(fetch, role, source, &answer, err);
	if (result == 0)
		result = parse_answer(buf_str(&answer.body),
			role->token_file ? "AssumeRoleWithWebIdentityResult" : "AssumeRoleResult",
			ret_keys, err);
	if (answer.body.p)
		OPENSSL_cleanse(answer.body.p, answer.body.n);
	return result < 0 ? err_wrap(err, "role %s", role->role_arn) : 0;
}
