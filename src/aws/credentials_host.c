/* Keys from where the program runs: the container's endpoint and the instance's metadata. */
#include "aws/credentials_priv.h"
#include "base/file.h"
#include "base/ip.h"
#include "base/number.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdio.h>

#define CONTAINER_HOST "169.254.170.2"
#define TOKEN_SECONDS  "21600"
#define ANSWER_MAX     (64 << 10)
#define ROLE_MAX       256

static const struct credentials_shape shape = {"Token", "Expiration", false};

static const char *set_or_null(const char *text)
{
	return text && *text ? text : NULL;
}

static struct str chomp(struct str text)
{
	while (text.n && strchr("\r\n", text.p[text.n - 1]))
		text.n--;
	return text;
}

struct ask {
	const char *method, *url;
	struct aws_header header; /* name empty: none */
	unsigned attempts, timeout_ms;
};

/* No signature, no proxy. "Host" as the URL says. */
static int ask(struct credentials_fetch *fetch, const struct ask *ask,
	struct aws_http_result *ret_result, struct err *err)
{
	const struct aws_http_settings settings = {
		.connect_ms = ask->timeout_ms, .stall_ms = ask->timeout_ms, .is_direct = true};
	const struct aws_header headers[] = {{STR("Accept"), STR("*/*")}, ask->header};
	const struct aws_http_request request = {.method = ask->method,
		.url = ask->url,
		.headers = headers,
		.header_count = ask->header.name.n ? 2 : 1,
		.answer_max = ANSWER_MAX};
	_cleanup_(aws_http_freep) struct aws_http *http = NULL;

	*ret_result = (struct aws_http_result){0};
	if (aws_http_new(&http, &settings, err) < 0)
		return -1;
	for (unsigned attempt = 1;; attempt++) {
		aws_http_exchange(http, fetch->stop, &request, ret_result);
		bool is_worth_it = ret_result->failure != AWS_HTTP_DONE ||
				   ret_result->status >= 500 || ret_result->status == 429;
		if (!is_worth_it || attempt >= ask->attempts ||
			aws_stop_wait(fetch->stop, 100 * attempt))
			return 0;
		aws_http_result_done(ret_result);
	}
}

static int not_answered(const char *url, const struct aws_http_result *result, struct err *err)
{
	if (result->failure != AWS_HTTP_DONE)
		return err_set(err, ERR_SYSTEM, "%s: %s", url, result->detail);
	return err_set(err, ERR_SYSTEM, "%s answered with status %d", url, result->status);
}

/* ---- containers ---- */

static void url_cleanup(CURLU **url)
{
	curl_url_cleanup(*url);
}

static void curl_text_free(char **text)
{
	curl_free(*text);
}

/* The token must not go over the network in clear: http only to this machine and to the addresses
 * that ECS and EKS have for it. */
static bool is_allowed(const char *text)
{
	static const char *const hosts[] = {
		CONTAINER_HOST, "169.254.170.23", "fd00:ec2::23", "localhost"};
	_cleanup_(url_cleanup) CURLU *url = curl_url();
	_cleanup_(curl_text_free) char *scheme = NULL, *host = NULL;
	struct ip_addr addr, other;

	if (curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
		curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
		curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		return false;
	if (strcmp(scheme, "https") == 0)
		return true;
	struct str name = str_from(host);
	if (name.n > 2 && name.p[0] == '[')
		name = (struct str){name.p + 1, name.n - 2};
	bool is_address = ip_parse(name, &addr);
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		if (str_equal(name, str_from(hosts[i])) ||
			(is_address && ip_parse(str_from(hosts[i]), &other) &&
				ip_equal(&addr, &other)))
			return strcmp(scheme, "http") == 0;
	if (!is_address || strcmp(scheme, "http") != 0)
		return false;
	static const uint8_t loopback6[16] = {[15] = 1};
	return ip_is_v4(&addr) ? addr.bytes[12] == 127
			       : memcmp(addr.bytes, loopback6, sizeof(loopback6)) == 0;
}

/* The file is read each time: EKS rewrites it. */
static int container_token(struct buf *ret_token, struct err *err)
{
	const char *path = set_or_null(getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"));
	const char *token = set_or_null(getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN"));

	if (path && file_read(path, ANSWER_MAX, ret_token, err) < 0)
		return err_wrap(err, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	if (!path && token)
		buf_add_text(ret_token, token);
	struct str text = chomp(buf_str(ret_token));
	if (text.n && (memchr(text.p, '\n', text.n) || memchr(text.p, '\r', text.n)))
		return err_set(
			err, ERR_INPUT, "the container's authorization token has a line end in it");
	ret_token->n = text.n;
	return 0;
}

int credentials_from_container(
	struct credentials_fetch *fetch, struct aws_keys *ret_keys, struct err *err)
{
	const char *relative = set_or_null(getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"));
	const char *full = set_or_null(getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"));
	_cleanup_buf_ struct buf token = {0};
	_cleanup_(aws_http_result_done) struct aws_http_result result = {0};

	if (!relative && !full)
		return credentials_not_here(fetch, "no container endpoint");
	_cleanup_free_ char *url =
		relative ? mem_printf("http://" CONTAINER_HOST "%s", relative) : mem_strdup(full);
	if (!is_allowed(url)) {
		err_set(err, ERR_USAGE,
			"AWS_CONTAINER_CREDENTIALS_FULL_URI is %s: the token would go over the "
			"network in clear",
			url);
		return err_hint(err, "use https, or an address of this machine");
	}
	if (container_token(&token, err) < 0)
		return -1;
	const struct ask question = {.method = "GET",
		.url = url,
		.header = {token.n ? STR("Authorization") : STR_NONE, buf_str(&token)},
		.attempts = 3,
		.timeout_ms = 2000};
	int done = ask(fetch, &question, &result, err);
	if (token.p)
		OPENSSL_cleanse(token.p, token.n);
	if (done < 0)
		return -1;
	if (result.failure != AWS_HTTP_DONE || result.status != 200)
		return not_answered(url, &result, err);
	return credentials_parse_json(buf_str(&result.body), &shape, ret_keys, err) < 0
		       ? err_wrap(err, "%s", url)
		       : 0;
}

/* ---- instances ---- */

static unsigned number_or(const char *variable, unsigned usual)
{
	const char *text = getenv(variable);
	uint64_t value;

	return text && number_parse(str_from(text), 60, &value) && value ? (unsigned)value : usual;
}

static const char *setting(
	const struct credentials_fetch *fetch, const char *variable, const char *key)
{
	const char *found = set_or_null(getenv(variable));

	return found || !fetch->profiles ? found
					 : aws_profiles_get(fetch->profiles, fetch->profile, key);
}

/* Without '/' at its end. */
static char *instance_endpoint(const struct credentials_fetch *fetch)
{
	const char *endpoint = setting(
		fetch, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
	const char *mode = setting(fetch, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
		"ec2_metadata_service_endpoint_mode");

	if (!endpoint)
		endpoint = mode && strcasecmp(mode, "ipv6") == 0 ? "http://[fd00:ec2::254]"
								 : "http://169.254.169.254";
	struct str text = str_from(endpoint);
	while (text.n && text.p[text.n - 1] == '/')
		text.n--;
	return credentials_copy(text);
}

static int get_with_token(struct credentials_fetch *fetch, const struct ask *like, const char *url,
	struct str token, struct aws_http_result *ret_result, struct err *err)
{
	struct ask question = *like;

	question.method = "GET";
	question.url = url;
	question.header = (struct aws_header){STR("X-aws-ec2-metadata-token"), token};
	return ask(fetch, &question, ret_result, err);
}

static int role_keys(struct credentials_fetch *fetch, const struct ask *like, const char *endpoint,
	struct str token, struct aws_keys *ret_keys, struct err *err)
{
	_cleanup_(aws_http_result_done) struct aws_http_result role = {0}, keys = {0};
	_cleanup_free_ char *list =
		mem_printf("%s/latest/meta-data/iam/security-credentials/", endpoint);

	if (get_with_token(fetch, like, list, token, &role, err) < 0)
		return -1;
	if (role.failure == AWS_HTTP_DONE && role.status == 404)
		return credentials_not_here(fetch, "the instance has no role");
	if (role.failure != AWS_HTTP_DONE || role.status != 200)
		return not_answered(list, &role, err);
	struct str rest = buf_str(&role.body), name = STR_NONE;
	str_split(&rest, '\n', &name);
	name = str_trim(chomp(name));
	if (name.n == 0 || name.n > ROLE_MAX || memchr(name.p, '\0', name.n))
		return err_set(err, ERR_INPUT, "%s names no role", list);
	_cleanup_free_ char *url = mem_printf("%s%.*s", list, STR_ARG(name));
	if (get_with_token(fetch, like, url, token, &keys, err) < 0)
		return -1;
	if (keys.failure != AWS_HTTP_DONE || keys.status != 200)
		return not_answered(url, &keys, err);
	return credentials_parse_json(buf_str(&keys.body), &shape, ret_keys, err) < 0
		       ? err_wrap(err, "%s", url)
		       : 0;
}

int credentials_from_instance(
	struct credentials_fetch *fetch, struct aws_keys *ret_keys, struct err *err)
{
	const char *disabled = getenv("AWS_EC2_METADATA_DISABLED");
	_cleanup_(aws_http_result_done) struct aws_http_result token = {0};

	if (disabled && strcasecmp(disabled, "true") == 0)
		return credentials_not_here(fetch, "instance metadata is disabled");
	_cleanup_free_ char *endpoint = instance_endpoint(fetch);
	_cleanup_free_ char *url = mem_printf("%s/latest/api/token", endpoint);
	const struct ask question = {.method = "PUT",
		.url = url,
		.header = {STR("X-aws-ec2-metadata-token-ttl-seconds"), STR(TOKEN_SECONDS)},
		.attempts = number_or("AWS_METADATA_SERVICE_NUM_ATTEMPTS", 1),
		.timeout_ms = 1000 * number_or("AWS_METADATA_SERVICE_TIMEOUT", 1)};
	if (ask(fetch, &question, &token, err) < 0)
		return -1;
	if (token.failure != AWS_HTTP_DONE)
		return credentials_not_here(fetch, "no instance metadata at %s", endpoint);
	if (token.status != 200 || token.body.n == 0)
		return not_answered(url, &token, err);
	return role_keys(fetch, &question, endpoint, chomp(buf_str(&token.body)), ret_keys, err);
}
