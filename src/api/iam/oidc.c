/* OpenID Connect providers: whose tokens sts:AssumeRoleWithWebIdentity believes. A provider's row
 * has its lists as a document of JSON, with IAM's names. Thumbprints are kept and given back; what
 * they are for, the certificate under which keys are fetched, is the operator's business here
 * (sts.h). */
#include "api/iam/iam_priv.h"

#include "aws/arn.h"

#include <ctype.h>
#include <string.h>

#define SCHEME  "https://"
#define CLIENTS "ClientIDList"
#define PRINTS  "ThumbprintList"

enum { PROVIDERS_MAX = 100, CLIENTS_MAX = 100, PRINTS_MAX = 5 };

int iam_find_oidc(struct iam *iam, struct str arn, struct store_entity *ret_provider)
{
	static const struct str type = {"oidc-provider/", 14};
	struct aws_arn parts;
	int result = STORE_EDIT_NONE;

	if (!aws_arn_parse(arn, &parts) || !str_starts_with(parts.resource, type))
		return iam_refuse(iam, AWS_ERROR_INVALID_INPUT, "Invalid ARN: %.*s", STR_ARG(arn));
	struct str name = {parts.resource.p + type.n, parts.resource.n - type.n};
	result = store_entity_find(iam->edit, STORE_OIDC, name, ret_provider, iam->err);
	if (result < 0)
		return iam_broken(iam);
	if (result == STORE_EDIT_NONE || !str_equal(ret_provider->arn, arn))
		return iam_refuse(iam, AWS_ERROR_NO_SUCH_ENTITY,
			"OpenIDConnect Provider not found for arn %.*s", STR_ARG(arn));
	return 0;
}

static int find(struct iam *iam, struct store_entity *ret_provider)
{
	return iam_find_oidc(iam, iam_text(iam, "OpenIDConnectProviderArn"), ret_provider);
}

/* ---- the document ---- */

static int write_document(struct iam *iam, struct store_entity *provider, json_t *document)
{
	_cleanup_free_ char *text = json_dumps(document, JSON_COMPACT);

	json_decref(document);
	provider->document = store_edit_printf(iam->edit, "%s", text);
	return 0;
}

static json_t *read_document(const struct store_entity *provider)
{
	return json_loadb(provider->document.p, provider->document.n, 0, NULL);
}

static int update(struct iam *iam, struct store_entity *provider, json_t *document)
{
	write_document(iam, provider, document);
	return store_entity_update(iam->edit, provider, iam->err) < 0 ? iam_broken(iam) : 0;
}

static json_t *list_of(struct iam *iam, const char *name)
{
	const json_t *given = iam_input(iam, name);

	return given ? json_deep_copy(given) : json_array();
}

/* A list that the request gives. */
static int check_list(struct iam *iam, const char *name, size_t max, const char *quota)
{
	const json_t *list = iam_input(iam, name);

	if (json_array_size(list) > max)
		return iam_refuse(iam, AWS_ERROR_LIMIT_EXCEEDED, "Cannot exceed quota for %s: %zu",
			quota, max);
	for (size_t i = 0; strcmp(name, PRINTS) == 0 && i < json_array_size(list); i++)
		for (const char *p = json_string_value(json_array_get(list, i)); *p; p++)
			if (!isxdigit((unsigned char)*p))
				return iam_refuse(iam, AWS_ERROR_INVALID_INPUT,
					"A thumbprint is 40 hexadecimal digits.");
	return 0;
}

/* ---- operations ---- */

/* HOST[/PATH] of an https URL; STR_NONE: it is none, or says more. */
static struct str name_of(struct str url)
{
	static const struct str scheme = {SCHEME, sizeof(SCHEME) - 1};

	if (!str_starts_with(url, scheme) || url.n == scheme.n)
		return STR_NONE;
	struct str name = {url.p + scheme.n, url.n - scheme.n};
	while (name.n && name.p[name.n - 1] == '/')
		name.n--;
	for (size_t i = 0; i < name.n; i++)
		if (!isgraph((unsigned char)name.p[i]) || strchr("?#@:\\\"<>", name.p[i]))
			return STR_NONE;
	return name.n && name.p[0] != '/' ? name : STR_NONE;
}

int iam_create_oidc_provider(struct iam *iam)
{
	struct store_entity provider = {
		.kind = STORE_OIDC, .path = STR("/"), .name = name_of(iam_text(iam, "Url"))};
	int64_t count;

	if (!provider.name.p)
		return iam_refuse(iam, AWS_ERROR_INVALID_INPUT,
			"The URL must begin with https:// and have no port, query, fragment or user.");
	if (check_list(iam, CLIENTS, CLIENTS_MAX, "ClientIdsPerOpenIdConnectProvider") < 0 ||
		check_list(iam, PRINTS, PRINTS_MAX, "ThumbprintsPerOpenIdConnectProvider") < 0)
		return -1;
	write_document(iam, &provider,
		json_pack("{s:o, s:o}", CLIENTS, list_of(iam, CLIENTS), PRINTS,
			list_of(iam, PRINTS)));
	int result = store_entity_add(iam->edit, &provider, iam->err);
	if (result == STORE_EDIT_EXISTS)
		return iam_refuse(iam, AWS_ERROR_ENTITY_ALREADY_EXISTS,
			"Provider with url %.*s already exists.", STR_ARG(iam_text(iam, "Url")));
	if (result < 0 || store_entity_count(iam->edit, STORE_OIDC, &count, iam->err) < 0)
		return iam_broken(iam);
	if (count > PROVIDERS_MAX)
		return iam_refuse(iam, AWS_ERROR_LIMIT_EXCEEDED,
			"Cannot exceed quota for OpenIdConnectProvidersPerAccount: %d",
			PROVIDERS_MAX);
	if (iam_add_tags(iam, provider.id) < 0)
		return -1;
	json_t *tags = iam_tags(iam, provider.id);
	if (!tags)
		return -1;
	iam_set(iam->output, "OpenIDConnectProviderArn", iam_string(provider.arn));
	iam_set(iam->output, "Tags", tags);
	return 0;
}

int iam_get_oidc_provider(struct iam *iam)
{
	struct store_entity provider = {0};

	if (find(iam, &provider) < 0)
		return -1;
	json_t *tags = iam_tags(iam, provider.id);
	if (!tags)
		return -1;
	json_t *document = read_document(&provider);
	json_object_update(iam->output, document);
	json_decref(document);
	iam_set(iam->output, "Url", iam_string(provider.name));
	iam_set(iam->output, "CreateDate", json_integer(iam_time(provider.created_ms)));
	iam_set(iam->output, "Tags", tags);
	return 0;
}

int iam_list_oidc_providers(struct iam *iam)
{
	struct store_entity *providers;
	size_t count;

	if (store_entity_list(iam->edit, STORE_OIDC, STR(""), STR(""), PROVIDERS_MAX + 1,
		    &providers, &count, iam->err) < 0)
		return iam_broken(iam);
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(
			list, json_pack("{s:o}", "Arn", iam_string(providers[i].arn)));
	iam_set(iam->output, "OpenIDConnectProviderList", list);
	return 0;
}

int iam_delete_oidc_provider(struct iam *iam)
{
	struct store_entity provider = {0};

	if (find(iam, &provider) < 0)
		return -1;
	return store_entity_remove(iam->edit, provider.id, iam->err) < 0 ? iam_broken(iam) : 0;
}

int iam_update_oidc_thumbprint(struct iam *iam)
{
	struct store_entity provider = {0};

	if (find(iam, &provider) < 0 ||
		check_list(iam, PRINTS, PRINTS_MAX, "ThumbprintsPerOpenIdConnectProvider") < 0)
		return -1;
	json_t *document = read_document(&provider);
	json_object_set_new(document, PRINTS, list_of(iam, PRINTS));
	return update(iam, &provider, document);
}

static size_t find_client(const json_t *clients, struct str id)
{
	size_t i = 0;

	while (i < json_array_size(clients) &&
		!str_equal(str_from(json_string_value(json_array_get(clients, i))), id))
		i++;
	return i;
}

/* Again is no mistake, as on AWS. */
int iam_add_oidc_client(struct iam *iam)
{
	struct str id = iam_text(iam, "ClientID");
	struct store_entity provider = {0};

	if (find(iam, &provider) < 0)
		return -1;
	json_t *document = read_document(&provider);
	json_t *clients = json_object_get(document, CLIENTS);
	if (find_client(clients, id) == json_array_size(clients))
		json_array_append_new(clients, iam_string(id));
	if (json_array_size(clients) > CLIENTS_MAX) {
		json_decref(document);
		return iam_refuse(iam, AWS_ERROR_LIMIT_EXCEEDED,
			"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: %d",
			CLIENTS_MAX);
	}
	return update(iam, &provider, document);
}

int iam_remove_oidc_client(struct iam *iam)
{
	struct store_entity provider = {0};

	if (find(iam, &provider) < 0)
		return -1;
	json_t *document = read_document(&provider);
	json_t *clients = json_object_get(document, CLIENTS);
	json_array_remove(clients, find_client(clients, iam_text(iam, "ClientID")));
	return update(iam, &provider, document);
}
