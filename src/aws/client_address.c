/* Where a call goes: the endpoint that was configured for the service, or AWS's own by service and
 * region; the bucket in the host where AWS wants it, else in the path. */
#include "aws/client_priv.h"

#include <curl/curl.h>
#include <stdio.h>

/* Signing name, the name in AWS_ENDPOINT_URL_..., and AWS's host. Services that are not here are
 * their signing name in capital letters. */
static const struct service {
	const char *signing, *variable, *host;
	const char *region; /* the one that all of AWS's regions share */
} services[] = {
	{"monitoring", "CLOUDWATCH", "monitoring", NULL},
	{"logs", "CLOUDWATCH_LOGS", "logs", NULL},
	{"iam", "IAM", "iam", "us-east-1"},
};

static const struct service *find_service(const char *signing)
{
	for (size_t i = 0; i < ARRAY_SIZE(services); i++)
		if (strcmp(services[i].signing, signing) == 0)
			return &services[i];
	return NULL;
}

const char *client_signing_region(const char *service, const char *region, bool is_aws)
{
	const struct service *found = find_service(service);

	return is_aws && found && found->region ? found->region : region;
}

bool client_is_region(struct str region)
{
	for (size_t i = 0; i < region.n; i++)
		if (!((region.p[i] >= 'a' && region.p[i] <= 'z') ||
			    (region.p[i] >= '0' && region.p[i] <= '9') ||
			    (region.p[i] == '-' && i > 0 && i + 1 < region.n)))
			return false;
	return region.n > 0 && region.n < AWS_REGION_MAX;
}

static void url_cleanup(CURLU **url)
{
	curl_url_cleanup(*url);
}

static void curl_text_free(char **text)
{
	curl_free(*text);
}

static char *part(CURLU *url, CURLUPart what)
{
	char *text = NULL;

	return curl_url_get(url, what, &text, 0) == CURLUE_OK ? text : NULL;
}

struct endpoint {
	char *scheme, *host, *port, *path;
};

static void endpoint_done(struct endpoint *endpoint)
{
	curl_free(endpoint->scheme);
	curl_free(endpoint->host);
	curl_free(endpoint->port);
	curl_free(endpoint->path);
}

static int endpoint_parse(const char *text, struct endpoint *ret_endpoint, struct err *err)
{
	_cleanup_(url_cleanup) CURLU *url = curl_url();
	_cleanup_(curl_text_free) char *user = NULL, *query = NULL, *fragment = NULL;
	struct endpoint endpoint = {0};

	if (curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK) {
		endpoint = (struct endpoint){part(url, CURLUPART_SCHEME), part(url, CURLUPART_HOST),
			part(url, CURLUPART_PORT), part(url, CURLUPART_PATH)};
		user = part(url, CURLUPART_USER);
		query = part(url, CURLUPART_QUERY);
		fragment = part(url, CURLUPART_FRAGMENT);
	}
	if (!endpoint.scheme || !endpoint.host || user || query || fragment ||
		(strcmp(endpoint.scheme, "http") != 0 && strcmp(endpoint.scheme, "https") != 0)) {
		endpoint_done(&endpoint);
		return err_set(err, ERR_USAGE,
			"\"%s\" is no endpoint: expected http://HOST[:PORT] or "
			"https://HOST[:PORT]",
			text);
	}
	*ret_endpoint = endpoint;
	return 0;
}

int client_check_endpoint(const char *endpoint, struct err *err)
{
	_cleanup_(endpoint_done) struct endpoint parsed = {0};

	return endpoint_parse(endpoint, &parsed, err);
}

static const char *set_or_null(const char *text)
{
	return text && *text ? text : NULL;
}

/* "cloudwatch_logs" of the signing name "logs"; capital for the environment. */
static void service_id(const char *service, bool is_capital, char room[static 64])
{
	const struct service *found = find_service(service);
	const char *name = found ? found->variable : service;
	size_t n = 0;

	for (; name[n] && n < 63; n++) {
		char c = name[n];
		if (is_capital && c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		else if (!is_capital && c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		room[n] = c == '-' ? '_' : c;
	}
	room[n] = '\0';
}

/* NULL: AWS's own. */
static const char *configured(const struct aws_client *client, const char *service)
{
	char variable[96] = "AWS_ENDPOINT_URL_", id[64];
	const char *found;

	if (client->endpoint)
		return client->endpoint;
	if (client->is_endpoint_ignored)
		return NULL;
	service_id(service, true, id);
	snprintf(variable, sizeof(variable), "AWS_ENDPOINT_URL_%s", id);
	found = set_or_null(getenv(variable));
	if (!found)
		found = set_or_null(getenv("AWS_ENDPOINT_URL"));
	service_id(service, false, id);
	if (!found && client->profiles && client->services)
		found = aws_profiles_get_service(
			client->profiles, client->services, id, "endpoint_url");
	if (!found && client->profiles)
		found = aws_profiles_get(client->profiles, client->profile, "endpoint_url");
	return found;
}

bool aws_client_has_endpoint(const struct aws_client *client, const char *service)
{
	return configured(client, service) != NULL;
}

/* The suffix of the partition that the region is of. */
static const char *suffix_of(const char *region)
{
	static const struct {
		const char *prefix, *suffix;
	} partitions[] = {
		{"cn-", "amazonaws.com.cn"},
		{"us-iso-", "c2s.ic.gov"},
		{"us-isob-", "sc2s.sgov.gov"},
		{"us-isof-", "csp.hci.ic.gov"},
		{"eu-isoe-", "cloud.adc-e.uk"},
		{"eusc-", "amazonaws.eu"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(partitions); i++)
		if (strncmp(region, partitions[i].prefix, strlen(partitions[i].prefix)) == 0)
			return partitions[i].suffix;
	return "amazonaws.com";
}

/* Can it be the first part of a host that a certificate for *.s3... covers? */
static bool is_host_label(struct str bucket)
{
	for (size_t i = 0; i < bucket.n; i++)
		if (!((bucket.p[i] >= 'a' && bucket.p[i] <= 'z') ||
			    (bucket.p[i] >= '0' && bucket.p[i] <= '9') ||
			    (bucket.p[i] == '-' && i > 0 && i + 1 < bucket.n)))
			return false;
	return bucket.n >= 3 && bucket.n <= 63;
}

static bool is_bucket(struct str bucket)
{
	for (size_t i = 0; i < bucket.n; i++)
		if (!((bucket.p[i] >= 'a' && bucket.p[i] <= 'z') ||
			    (bucket.p[i] >= 'A' && bucket.p[i] <= 'Z') ||
			    (bucket.p[i] >= '0' && bucket.p[i] <= '9') ||
			    memchr("-._", bucket.p[i], 3)))
			return false;
	return bucket.n >= 3 && bucket.n <= 255;
}

static void add_host(struct client_address *address, const struct endpoint *endpoint)
{
	bool is_default =
		!endpoint->port || strcmp(endpoint->port, address->is_https ? "443" : "80") == 0;

	buf_add_text(&address->host, endpoint->host);
	if (!is_default)
		buf_printf(&address->host, ":%s", endpoint->port);
}

int client_address_make(const struct aws_client *client, const struct aws_call *call,
	const char *region, struct client_address *ret_address, struct err *err)
{
	const char *text = configured(client, call->service);
	const struct service *service = find_service(call->service);
	_cleanup_(endpoint_done) struct endpoint endpoint = {0};
	struct client_address *address = ret_address;
	struct str bucket = call->bucket, path = call->path;

	*ret_address = (struct client_address){0};
	if (bucket.n && !is_bucket(bucket))
		return err_set(err, ERR_USAGE, "\"%.*s\" is no name of a bucket", STR_ARG(bucket));
	if (text && endpoint_parse(text, &endpoint, err) < 0)
		return -1;
	address->is_aws = !text;
	address->is_https = !endpoint.scheme || strcmp(endpoint.scheme, "https") == 0;
	if (!text && bucket.n && !client->is_path_style && is_host_label(bucket)) {
		buf_printf(&address->host, "%.*s.", STR_ARG(bucket));
		bucket.n = 0;
	}
	if (text)
		add_host(address, &endpoint);
	else if (service && service->region && strcmp(suffix_of(region), "amazonaws.com") == 0)
		buf_printf(&address->host, "%s.amazonaws.com", service->host);
	else
		buf_printf(&address->host, "%s.%s.%s", service ? service->host : call->service,
			region, suffix_of(region));

	/* A configured endpoint may stand below a path. */
	struct str base = str_from(endpoint.path ? endpoint.path : "");
	if (base.n && base.p[base.n - 1] == '/')
		base.n--;
	buf_add_str(&address->path, base);
	if (bucket.n)
		buf_printf(&address->path, "/%.*s", STR_ARG(bucket));
	if (path.n && path.p[0] != '/')
		buf_add_char(&address->path, '/');
	buf_add_str(&address->path, path);
	if (path.n == 0 && bucket.n == 0)
		buf_add_char(&address->path, '/');

	buf_printf(&address->url, "%s://%s", address->is_https ? "https" : "http",
		buf_text(&address->host));
	buf_add_str(&address->url, buf_str(&address->path));
	if (call->query.n) {
		buf_add_char(&address->url, '?');
		buf_add_str(&address->url, call->query);
	}
	return 0;
}

void client_address_done(struct client_address *address)
{
	buf_done(&address->url);
	buf_done(&address->host);
	buf_done(&address->path);
}
