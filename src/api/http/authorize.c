/* May the caller do this? Identity, resource, boundary and session policies, with the keys that
 * every request has (IAM user guide, "AWS global condition context keys"). */
#include "api/http/http_priv.h"

#include "aws/time.h"
#include "base/number.h"

#include <assert.h>

enum { OWN_KEYS_MAX = 16 }; /* of those that every request has */

/* With room for all: a key that a deny waits for must not be left out. */
struct keys {
	struct aws_context_key *key;
	size_t count;
	struct str value[OWN_KEYS_MAX];
	size_t value_count;
};

static void add_keys(struct keys *keys, const struct aws_context_key *key, size_t count)
{
	for (size_t i = 0; i < count; i++)
		keys->key[keys->count++] = key[i];
}

static void add(struct keys *keys, struct str name, struct str value)
{
	if (!value.p)
		return;
	assert(keys->value_count < OWN_KEYS_MAX);
	struct str *kept = &keys->value[keys->value_count++];
	*kept = value;
	keys->key[keys->count++] = (struct aws_context_key){name, kept, 1};
}

struct times {
	char iso[AWS_TIME_STR_MAX], epoch[NUMBER_U64_STR_MAX];
};

static void add_request_keys(
	struct keys *keys, const struct api_exchange *exchange, struct times *times)
{
	const struct api_server *server = exchange->server;
	uint64_t seconds = exchange->started_ms > 0 ? (uint64_t)exchange->started_ms / 1000 : 0;
	char *end = aws_time_write_iso8601(times->iso, exchange->started_ms);

	add(keys, STR("aws:SourceIp"), str_from(exchange->peer));
	add(keys, STR("aws:SecureTransport"), exchange->is_tls ? STR("true") : STR("false"));
	add(keys, STR("aws:CurrentTime"), (struct str){times->iso, (size_t)(end - times->iso)});
	end = number_write(times->epoch, seconds);
	add(keys, STR("aws:EpochTime"), (struct str){times->epoch, (size_t)(end - times->epoch)});
	add(keys, STR("aws:UserAgent"), api_header(exchange, STR("user-agent")));
	add(keys, STR("aws:Referer"), api_header(exchange, STR("referer")));
	add(keys, STR("aws:RequestedRegion"),
		exchange->signature.region.n ? exchange->signature.region
					     : api_server_region(server));
	add(keys, STR("aws:ViaAWSService"), STR("false"));
}

static void add_caller_keys(struct keys *keys, const struct store_caller *caller)
{
	bool is_role = caller->principal.role_arn.n > 0;

	add(keys, STR("aws:userid"), caller->user_id);
	if (caller->user_name.n)
		add(keys, STR("aws:username"), caller->user_name);
	add(keys, STR("aws:PrincipalType"),
		caller->is_root ? STR("Account")
		: is_role       ? STR("AssumedRole")
				: STR("User"));
	add(keys, STR("aws:PrincipalIsAWSService"),
		caller->principal.service.n ? STR("true") : STR("false"));
	if (caller->session_token.n)
		add(keys, STR("aws:MultiFactorAuthPresent"), STR("false"));
	add_keys(keys, caller->tags, caller->tag_count);
}

/* The code of each protocol; S3 tells strangers nothing. */
static int refuse(struct api_exchange *exchange, const struct aws_policy_request *request,
	const struct aws_policy_result *result, struct aws_error *error)
{
	static const enum aws_error_code codes[AWS_STYLES] = {
		[AWS_STYLE_S3] = AWS_ERROR_ACCESS_DENIED,
		[AWS_STYLE_QUERY] = AWS_ERROR_ACCESS_DENIED,
		[AWS_STYLE_EC2] = AWS_ERROR_UNAUTHORIZED_OPERATION,
		[AWS_STYLE_JSON] = AWS_ERROR_ACCESS_DENIED_EXCEPTION,
	};
	enum aws_error_code code = codes[error_style(request_of(exchange))];
	char text[AWS_ERROR_MESSAGE_MAX];

	if (!exchange->caller)
		return aws_error_default(error, code);
	aws_policy_explain(request, result, text, sizeof(text));
	return aws_error_set(error, code, "%s", text);
}

/* What the caller's own policies say, for whoever is asked besides: an ACL. */
static enum aws_decision decide_alone(
	const struct aws_policy_set *set, const struct aws_policy_request *request)
{
	struct aws_policy_set own = *set;
	struct aws_policy_result result;

	own.resource = NULL;
	own.resource_account = STR("");
	aws_policy_evaluate(&own, request, &result);
	return result.decision;
}

enum aws_decision api_decide(struct api_exchange *exchange, const struct api_question *question,
	enum aws_decision *ret_own, struct aws_error *error)
{
	const struct store_caller *caller = exchange->caller;
	const struct aws_policy *all = exchange->server->allow_all;
	struct aws_policy_set set = {.resource = question->resource_policy,
		.resource_account = question->resource_account};
	struct aws_policy_result result;
	struct times times;
	_cleanup_free_ struct aws_context_key *room =
		mem_new(question->context_count + (caller ? caller->tag_count : 0) + OWN_KEYS_MAX,
			sizeof(*room));
	struct keys keys = {.key = room};

	add_keys(&keys, question->context, question->context_count);
	add_request_keys(&keys, exchange, &times);
	struct aws_policy_request request = {.principal = {.is_anonymous = true,
						     .account = STR(""),
						     .arn = STR(""),
						     .federated = question->federated},
		.action = question->action,
		.resource = question->resource};
	if (caller) {
		add_caller_keys(&keys, caller);
		request.principal = caller->principal;
		request.principal.canonical_id = question->canonical_id;
		set.identity = caller->is_root ? &all : caller->policies;
		set.identity_count = caller->is_root ? 1 : caller->policy_count;
		set.boundary = caller->is_root ? NULL : caller->boundary;
		set.session = caller->session_policy;
	}
	request.context = keys.key;
	request.context_count = keys.count;
	aws_policy_evaluate(&set, &request, &result);
	if (ret_own)
		*ret_own = decide_alone(&set, &request);
	if (result.decision != AWS_DECISION_ALLOW)
		refuse(exchange, &request, &result, error);
	return result.decision;
}

int api_authorize(struct api_exchange *exchange, struct str action, struct str resource_arn,
	const struct aws_policy *resource_policy, struct str resource_account,
	const struct aws_context_key *context, size_t context_count, struct aws_error *error)
{
	const struct api_question question = {.action = action,
		.resource = resource_arn,
		.resource_policy = resource_policy,
		.resource_account = resource_account.n ? resource_account
						       : api_server_account(exchange->server),
		.context = context,
		.context_count = context_count};

	return api_decide(exchange, &question, NULL, error) == AWS_DECISION_ALLOW ? 0 : -1;
}
