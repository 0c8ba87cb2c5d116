#include "cli/account.h"

#include "aws/client.h"
#include "aws/uri.h"
#include "aws/xml.h"
#include "base/file.h"

#include <stdio.h>
#include <string.h>

#define PROFILE_MAX 65536
#define ROLE_NAME   "nagare-flow-logs"
#define POLICY_NAME "deliver"

struct cli_account {
	struct aws_credentials_source *credentials;
	struct aws_client *client, *anonymous;
	char *endpoint, *region, *account_id, *ca_bundle;
};

/* ---- open ---- */

/* NAME = VALUE of the profile that the server wrote. */
static char *setting(struct str text, struct str name)
{
	struct str line;

	while (str_split(&text, '\n', &line)) {
		struct str key, value = line;
		if (str_split(&value, '=', &key) && value.p && str_equal(str_trim(key), name))
			return mem_printf("%.*s", STR_ARG(str_trim(value)));
	}
	return NULL;
}

int cli_account_open(struct cli_account **ret_account, const char *data_folder,
	const char *ca_bundle, struct err *err)
{
	_cleanup_(cli_account_closep) struct cli_account *account = mem_new(1, sizeof(*account));
	_cleanup_free_ char *path = mem_printf("%s/credentials", data_folder);
	_cleanup_buf_ struct buf text = {0};

	if (file_read(path, PROFILE_MAX, &text, err) < 0)
		return err_hint(err, "the first start of the server over this data makes it");
	account->endpoint = setting(buf_str(&text), STR("endpoint_url"));
	account->region = setting(buf_str(&text), STR("region"));
	_cleanup_free_ char *id = setting(buf_str(&text), STR("aws_access_key_id"));
	_cleanup_free_ char *secret = setting(buf_str(&text), STR("aws_secret_access_key"));
	if (!account->endpoint || !account->region || !id || !secret)
		return err_set(err, ERR_INPUT, "%s: not what the server wrote", path);
	account->ca_bundle = ca_bundle ? mem_strdup(ca_bundle) : NULL;
	const struct aws_credentials_settings keys = {.access_key_id = id,
		.secret_access_key = secret,
		.region = account->region,
		.sts_endpoint = account->endpoint};
	if (aws_credentials_source_new(&account->credentials, &keys, err) < 0)
		return -1;
	struct aws_client_settings settings = {.region = account->region,
		.endpoint = account->endpoint,
		.ca_bundle = ca_bundle,
		.credentials = account->credentials,
		.is_path_style = true};
	if (aws_client_new(&account->client, &settings, err) < 0)
		return -1;
	settings.is_anonymous = true;
	settings.attempts = 1;
	settings.connect_ms = 1000;
	if (aws_client_new(&account->anonymous, &settings, err) < 0)
		return -1;
	*ret_account = take(account);
	return 0;
}

void cli_account_close(struct cli_account *account)
{
	if (!account)
		return;
	aws_client_free(account->client);
	aws_client_free(account->anonymous);
	aws_credentials_source_free(account->credentials);
	free(account->endpoint);
	free(account->ca_bundle);
	free(account->region);
	free(account->account_id);
	free(account);
}

const char *cli_account_endpoint(const struct cli_account *account)
{
	return account->endpoint;
}

const char *cli_account_ca_bundle(const struct cli_account *account)
{
	return account->ca_bundle;
}

bool cli_account_is_up(struct cli_account *account)
{
	const struct aws_call call = {.service = "s3", .method = "GET", .path = STR("/healthz")};
	struct aws_answer answer;
	int result = aws_client_call(account->anonymous, &call, &answer, NULL);

	aws_answer_done(&answer);
	return result == 0;
}

/* ---- calls ---- */

/* A form of the query protocols; NAME, VALUE, ..., NULL. */
static void make_form(struct buf *form, const char *const *pairs)
{
	for (; pairs[0]; pairs += 2) {
		buf_printf(form, "%s%s=", form->n ? "&" : "", pairs[0]);
		aws_uri_encode(form, str_from(pairs[1]), AWS_URI_ENCODE_SLASH);
	}
}

/* accepted: a code that means it is there already, or NULL. ret_answer may be NULL. */
static int call_form(struct cli_account *account, const char *service, const char *const *pairs,
	const char *accepted, struct aws_answer *ret_answer, struct err *err)
{
	static const struct aws_header headers[] = {
		{{"Content-Type", 12}, {"application/x-www-form-urlencoded", 33}}};
	_cleanup_buf_ struct buf form = {0};
	struct aws_answer answer;

	make_form(&form, pairs);
	const struct aws_call call = {.service = service,
		.headers = headers,
		.header_count = 1,
		.body = buf_str(&form),
		.is_idempotent = true};
	int result = aws_client_call(account->client, &call, &answer, err);
	if (result < 0 && accepted && strcmp(answer.code, accepted) == 0)
		result = 0;
	if (ret_answer)
		*ret_answer = answer;
	else
		aws_answer_done(&answer);
	return result;
}

static int call_iam(struct cli_account *account, const char *const *pairs, const char *accepted,
	struct aws_answer *ret_answer, struct err *err)
{
	return call_form(account, "iam", pairs, accepted, ret_answer, err);
}

/* The text of the first element of this name anywhere in an answer; the caller's, NULL: none. */
/* As deep as AWS_XML_DEPTH_MAX. NOLINTNEXTLINE(misc-no-recursion) */
static char *find_element(const struct aws_xml_node *node, struct str name)
{
	for (; node; node = node->next) {
		if (str_equal(node->name, name))
			return mem_printf("%.*s", STR_ARG(node->text));
		char *found = find_element(node->first_child, name);
		if (found)
			return found;
	}
	return NULL;
}

static char *element_of(const struct aws_answer *answer, struct str name)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;

	if (aws_xml_parse(&document, (struct str){answer->body.p, answer->body.n}, NULL) < 0)
		return NULL;
	return find_element(aws_xml_root(document), name);
}

/* ---- users of agents ---- */

/* What an agent does and no more: it asks for flow logs, and writes where they go. */
static const char policy[] =
	"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":["
	"\"nagare:SyncAgent\","
	"\"s3:PutObject\",\"s3:AbortMultipartUpload\","
	"\"logs:CreateLogGroup\",\"logs:CreateLogStream\",\"logs:PutLogEvents\","
	"\"logs:DescribeLogGroups\",\"logs:DescribeLogStreams\","
	"\"firehose:PutRecordBatch\","
	"\"sts:AssumeRole\",\"sts:GetCallerIdentity\"],\"Resource\":\"*\"}]}";

static int remove_keys(struct cli_account *account, const char *name, struct err *err)
{
	const char *const list[] = {
		"Action", "ListAccessKeys", "Version", "2010-05-08", "UserName", name, NULL};

	for (int i = 0; i < 2; i++) { /* a user has two at most */
		struct aws_answer answer;
		int result = call_iam(account, list, NULL, &answer, err);
		_cleanup_free_ char *id =
			result == 0 ? element_of(&answer, STR("AccessKeyId")) : NULL;
		aws_answer_done(&answer);
		if (result < 0)
			return -1;
		if (!id)
			return 0;
		const char *const delete[] = {"Action", "DeleteAccessKey", "Version", "2010-05-08",
			"UserName", name, "AccessKeyId", id, NULL};
		if (call_iam(account, delete, NULL, NULL, err) < 0)
			return -1;
	}
	return 0;
}

static int make_key(struct cli_account *account, const char *name, const char *endpoint,
	struct buf *ret_profile, struct err *err)
{
	const char *const create[] = {
		"Action", "CreateAccessKey", "Version", "2010-05-08", "UserName", name, NULL};
	struct aws_answer answer;
	int result = call_iam(account, create, NULL, &answer, err);
	_cleanup_free_ char *id = result == 0 ? element_of(&answer, STR("AccessKeyId")) : NULL;
	_cleanup_free_ char *secret =
		result == 0 ? element_of(&answer, STR("SecretAccessKey")) : NULL;

	aws_answer_done(&answer);
	if (result < 0)
		return -1;
	if (!id || !secret)
		return err_set(err, ERR_INPUT, "the server's answer to CreateAccessKey has no key");
	buf_printf(ret_profile,
		"[nagare]\naws_access_key_id = %s\naws_secret_access_key = %s\nregion = %s\n"
		"endpoint_url = %s\n",
		id, secret, account->region, endpoint ? endpoint : account->endpoint);
	return 0;
}

int cli_account_agent_user(struct cli_account *account, const char *name, const char *endpoint,
	struct buf *ret_profile, struct err *err)
{
	const char *const user[] = {
		"Action", "CreateUser", "Version", "2010-05-08", "UserName", name, NULL};
	const char *const put[] = {"Action", "PutUserPolicy", "Version", "2010-05-08", "UserName",
		name, "PolicyName", POLICY_NAME, "PolicyDocument", policy, NULL};

	if (call_iam(account, user, "EntityAlreadyExists", NULL, err) < 0 ||
		call_iam(account, put, NULL, NULL, err) < 0 || remove_keys(account, name, err) < 0)
		return -1;
	return make_key(account, name, endpoint, ret_profile, err);
}

/* ---- the default flow logs ---- */

/* AWS asks for a role that its service takes to write logs; agents here write with their own key.
 */
static int make_role(struct cli_account *account, struct err *err)
{
	static const char trust[] =
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
		"{\"Service\":\"vpc-flow-logs.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}";
	static const char logs[] =
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":["
		"\"logs:CreateLogGroup\",\"logs:CreateLogStream\",\"logs:PutLogEvents\","
		"\"logs:DescribeLogGroups\",\"logs:DescribeLogStreams\"],\"Resource\":\"*\"}]}";
	static const char *const create[] = {"Action", "CreateRole", "Version", "2010-05-08",
		"RoleName", ROLE_NAME, "AssumeRolePolicyDocument", trust, NULL};
	static const char *const put[] = {"Action", "PutRolePolicy", "Version", "2010-05-08",
		"RoleName", ROLE_NAME, "PolicyName", POLICY_NAME, "PolicyDocument", logs, NULL};

	if (call_iam(account, create, "EntityAlreadyExists", NULL, err) < 0)
		return -1;
	return call_iam(account, put, NULL, NULL, err);
}

static int find_account_id(struct cli_account *account, struct err *err)
{
	static const char *const pairs[] = {
		"Action", "GetCallerIdentity", "Version", "2011-06-15", NULL};
	struct aws_answer answer;
	int result = call_form(account, "sts", pairs, NULL, &answer, err);

	free(account->account_id);
	account->account_id = result == 0 ? element_of(&answer, STR("Account")) : NULL;
	aws_answer_done(&answer);
	if (result == 0 && !account->account_id)
		return err_set(err, ERR_INPUT, "the server does not say whose account this is");
	return result;
}

static int make_bucket(struct cli_account *account, struct err *err)
{
	const struct aws_call call = {.service = "s3",
		.method = "PUT",
		.bucket = STR(CLI_ACCOUNT_BUCKET),
		.is_idempotent = true};
	struct aws_answer answer;
	int result = aws_client_call(account->client, &call, &answer, err);

	if (result < 0 && strcmp(answer.code, "BucketAlreadyOwnedByYou") == 0)
		result = 0;
	aws_answer_done(&answer);
	return result;
}

static int make_log_group(struct cli_account *account, struct err *err)
{
	static const struct aws_header headers[] = {
		{{"X-Amz-Target", 12}, {"Logs_20140328.CreateLogGroup", 28}},
		{{"Content-Type", 12}, {"application/x-amz-json-1.1", 26}}};
	const struct aws_call call = {.service = "logs",
		.headers = headers,
		.header_count = ARRAY_SIZE(headers),
		.body = STR("{\"logGroupName\":\"" CLI_ACCOUNT_LOG_GROUP "\"}"),
		.is_idempotent = true};
	struct aws_answer answer;
	int result = aws_client_call(account->client, &call, &answer, err);

	if (result < 0 && strcmp(answer.code, "ResourceAlreadyExistsException") == 0)
		result = 0;
	aws_answer_done(&answer);
	return result;
}

/* CreateFlowLogs answers 200 with what it could not do inside. One that a nagare of another version
 * made with this token, and asked for differently, is left as it is. */
static int create_flow_log(struct cli_account *account, const char *const *pairs, struct err *err)
{
	struct aws_answer answer;
	int result = call_form(account, "ec2", pairs, NULL, &answer, err);

	if (result < 0 && strcmp(answer.code, "InvalidVpcID.NotFound") == 0) {
		result = CLI_ACCOUNT_NO_VPC;
	} else if (result < 0 && strcmp(answer.code, "IdempotentParameterMismatch") == 0) {
		result = 0;
	} else if (result == 0) {
		_cleanup_free_ char *code = element_of(&answer, STR("code"));
		_cleanup_free_ char *message = element_of(&answer, STR("message"));
		if (code && strstr(code, "NotFound"))
			result = CLI_ACCOUNT_NO_VPC;
		else if (code && strcmp(code, "FlowLogAlreadyExists") != 0)
			result = err_set(err, ERR_INPUT, "CreateFlowLogs: %s: %s", code,
				message ? message : "");
	}
	aws_answer_done(&answer);
	return result;
}

int cli_account_default_flow_logs(struct cli_account *account, const char *vpc_id, struct err *err)
{
	if (find_account_id(account, err) < 0 || make_role(account, err) < 0 ||
		make_bucket(account, err) < 0 || make_log_group(account, err) < 0)
		return -1;
	_cleanup_free_ char *role =
		mem_printf("arn:aws:iam::%s:role/" ROLE_NAME, account->account_id);
	/* A VPC's own tokens: the same call says the same thing each time. */
	_cleanup_free_ char *token_logs = mem_printf("nagare-up-logs-%s", vpc_id);
	_cleanup_free_ char *token_s3 = mem_printf("nagare-up-s3-%s", vpc_id);
	const char *const logs[] = {"Action", "CreateFlowLogs", "Version", "2016-11-15",
		"ResourceType", "VPC", "ResourceId.1", vpc_id, "TrafficType", "ALL",
		"LogDestinationType", "cloud-watch-logs", "LogGroupName", CLI_ACCOUNT_LOG_GROUP,
		"DeliverLogsPermissionArn", role, "MaxAggregationInterval", "10",
		"TagSpecification.1.ResourceType", "vpc-flow-log", "TagSpecification.1.Tag.1.Key",
		"Name", "TagSpecification.1.Tag.1.Value", "nagare-up-logs", "ClientToken",
		token_logs, NULL};
	static const char bucket[] = "arn:aws:s3:::" CLI_ACCOUNT_BUCKET;
	const char *const s3[] = {"Action", "CreateFlowLogs", "Version", "2016-11-15",
		"ResourceType", "VPC", "ResourceId.1", vpc_id, "TrafficType", "ALL",
		"LogDestinationType", "s3", "LogDestination", bucket, "MaxAggregationInterval",
		"10", "DestinationOptions.FileFormat", "parquet",
		"DestinationOptions.HiveCompatiblePartitions", "true",
		"DestinationOptions.PerHourPartition", "true", "TagSpecification.1.ResourceType",
		"vpc-flow-log", "TagSpecification.1.Tag.1.Key", "Name",
		"TagSpecification.1.Tag.1.Value", "nagare-up-s3", "ClientToken", token_s3, NULL};
	int result = create_flow_log(account, logs, err);

	return result ? result : create_flow_log(account, s3, err);
}
