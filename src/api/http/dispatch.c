/* Which service a request is for. AWS has a host a service; here all share one port, so that the
 * request itself must tell: the service of its credential scope, the target header of the JSON
 * protocols, the path of rpc-v2-cbor, the version in the form of the query protocols. What tells
 * nothing is S3's, whose anonymous requests look like any other. */
#include "api/http/http_priv.h"

#include "api/protocol/shape.h"
#include "aws/uri.h"

/* The services that clients of AWS may ask for, beside those that are registered with a model: by
 * its row such a one still tells in which words it is to be refused. */
static const struct row {
	const char *name; /* of struct api_service */
	const char *signing_name;
	const char *target;  /* in front of the '.' of X-Amz-Target; NULL: no JSON */
	const char *version; /* of forms; NULL: no query protocol */
	const char *space;
	enum aws_error_style style;
} rows[] = {
	{"athena", "athena", "AmazonAthena", NULL, NULL, AWS_STYLE_JSON},
	{"ec2", "ec2", NULL, "2016-11-15", "http://ec2.amazonaws.com/doc/2016-11-15/",
		AWS_STYLE_EC2},
	{"firehose", "firehose", "Firehose_20150804", NULL, NULL, AWS_STYLE_JSON},
	{"glue", "glue", "AWSGlue", NULL, NULL, AWS_STYLE_JSON},
	{"guardduty", "guardduty", NULL, NULL, NULL, AWS_STYLE_JSON},
	{"iam", "iam", NULL, "2010-05-08", "https://iam.amazonaws.com/doc/2010-05-08/",
		AWS_STYLE_QUERY},
	{"kinesis", "kinesis", "Kinesis_20131202", NULL, NULL, AWS_STYLE_JSON},
	{"logs", "logs", "Logs_20140328", NULL, NULL, AWS_STYLE_JSON},
	{"cloudwatch", "monitoring", "GraniteServiceVersion20100801", "2010-08-01",
		"http://monitoring.amazonaws.com/doc/2010-08-01/", AWS_STYLE_QUERY},
	{"s3", "s3", NULL, NULL, NULL, AWS_STYLE_S3},
	{"sts", "sts", NULL, "2011-06-15", "https://sts.amazonaws.com/doc/2011-06-15/",
		AWS_STYLE_QUERY},
	{"tagging", "tagging", "ResourceGroupsTaggingAPI_20170126", NULL, NULL, AWS_STYLE_JSON},
};

/* Only the style counts. */
static const struct api_service unknown[AWS_STYLES] = {
	{.name = "unknown", .style = AWS_STYLE_S3},
	{.name = "unknown", .style = AWS_STYLE_QUERY},
	{.name = "unknown", .style = AWS_STYLE_EC2},
	{.name = "unknown", .style = AWS_STYLE_JSON},
};

static bool is_signed_as(const struct api_service *service, struct str scope)
{
	if (str_equal(str_from(service->name), scope))
		return true;
	for (const char *const *name = service->signing_names; name && *name; name++)
		if (str_equal(str_from(*name), scope))
			return true;
	return false;
}

static const struct api_service *by_scope(
	const struct api_service *const *services, struct str scope)
{
	for (; *services; services++)
		if (is_signed_as(*services, scope))
			return *services;
	return NULL;
}

/* The name in X-Amz-Target and in the path of rpc-v2-cbor. */
static const struct api_service *by_target(
	const struct api_service *const *services, struct str target)
{
	for (; *services; services++)
		if ((*services)->shape && str_equal(str_from((*services)->shape->name), target))
			return *services;
	return NULL;
}

static const struct api_service *by_version(
	const struct api_service *const *services, struct str version)
{
	const unsigned forms = 1u << SHAPE_AWS_QUERY | 1u << SHAPE_EC2_QUERY;

	for (; *services; services++) {
		const struct shape_service *shape = (*services)->shape;
		if (shape && shape->protocols & forms && shape->version &&
			str_equal(str_from(shape->version), version))
			return *services;
	}
	return NULL;
}

static enum dispatch_result by_row(const struct api_service *const *services, const struct row *row,
	const struct api_service **ret_service)
{
	*ret_service = by_scope(services, str_from(row->signing_name));
	if (*ret_service)
		return DISPATCH_FOUND;
	*ret_service = &unknown[row->style];
	return DISPATCH_UNKNOWN;
}

static const struct row *row_of_scope(struct str scope)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (str_equal(str_from(rows[i].signing_name), scope))
			return &rows[i];
	return NULL;
}

static const struct row *row_of_target(struct str target)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].target && str_equal(str_from(rows[i].target), target))
			return &rows[i];
	return NULL;
}

static const struct row *row_of_version(struct str version)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].version && str_equal(str_from(rows[i].version), version))
			return &rows[i];
	return NULL;
}

/* .../service/NAME/operation/OPERATION: the name, or empty. */
static struct str target_of_path(struct str path)
{
	struct str part, next, before = STR("");

	while (str_split(&path, '/', &part)) {
		if (str_equal(before, STR("service")))
			return str_split(&path, '/', &next) && str_equal(next, STR("operation"))
				       ? part
				       : STR("");
		before = part;
	}
	return STR("");
}

static bool is_form(struct str content_type)
{
	struct str type = STR_NONE;

	str_split(&content_type, ';', &type);
	return type.p &&
	       str_equal_ignoring_case(str_trim(type), STR("application/x-www-form-urlencoded"));
}

static struct str version_of_form(struct str form)
{
	struct str name, value;

	while (aws_uri_next_parameter(&form, &name, &value))
		if (str_equal(name, STR("Version")))
			return value;
	return STR("");
}

static enum dispatch_result find_by_scope(const struct api_service *const *services,
	struct str scope, const struct api_service **ret_service)
{
	const struct row *row = row_of_scope(scope);

	*ret_service = by_scope(services, scope);
	if (*ret_service)
		return DISPATCH_FOUND;
	*ret_service = &unknown[row ? row->style : AWS_STYLE_JSON];
	return DISPATCH_UNKNOWN;
}

static enum dispatch_result find_by_target(const struct api_service *const *services,
	struct str target, const struct api_service **ret_service)
{
	const struct row *row = row_of_target(target);

	*ret_service = by_target(services, target);
	if (*ret_service)
		return DISPATCH_FOUND;
	if (row)
		return by_row(services, row, ret_service);
	*ret_service = &unknown[AWS_STYLE_JSON];
	return DISPATCH_UNKNOWN;
}

/* False when no service has forms of this version. */
static bool find_by_version(const struct api_service *const *services, struct str version,
	const struct api_service **ret_service, enum dispatch_result *ret_result)
{
	const struct row *row = row_of_version(version);

	*ret_result = DISPATCH_FOUND;
	*ret_service = by_version(services, version);
	if (!*ret_service && row)
		*ret_result = by_row(services, row, ret_service);
	return *ret_service != NULL;
}

enum dispatch_result dispatch_find(const struct api_service *const *services,
	const struct dispatch_input *input, const struct api_service **ret_service)
{
	struct str target = input->target, path_target = target_of_path(input->path), prefix;
	enum dispatch_result result;

	if (input->scope.n)
		return find_by_scope(services, input->scope, ret_service);
	if (target.n && str_split(&target, '.', &prefix))
		return find_by_target(services, prefix, ret_service);
	if (path_target.n && (by_target(services, path_target) || row_of_target(path_target)))
		return find_by_target(services, path_target, ret_service);
	if (str_equal(input->method, STR("POST")) && is_form(input->content_type)) {
		if (!input->form.p)
			return DISPATCH_FORM;
		if (find_by_version(services, version_of_form(input->form), ret_service, &result))
			return result;
	}
	*ret_service = by_scope(services, STR("s3"));
	if (*ret_service)
		return DISPATCH_FOUND;
	*ret_service = &unknown[AWS_STYLE_S3];
	return DISPATCH_UNKNOWN;
}

/* Without the port. */
static struct str host_name(struct str host)
{
	size_t n = host.n;

	while (n && host.p[n - 1] >= '0' && host.p[n - 1] <= '9')
		n--;
	if (n && n < host.n && host.p[n - 1] == ':' &&
		(host.p[0] != '[' || (n > 1 && host.p[n - 2] == ']')))
		host.n = n - 1;
	return host;
}

struct str dispatch_bucket(const struct str *domains, size_t count, struct str host)
{
	host = host_name(host);
	for (size_t i = 0; i < count; i++) {
		struct str domain = domains[i];
		if (host.n <= domain.n + 1 || host.p[host.n - domain.n - 1] != '.')
			continue;
		struct str end = {host.p + host.n - domain.n, domain.n};
		if (str_equal_ignoring_case(end, domain))
			return (struct str){host.p, host.n - domain.n - 1};
	}
	return STR("");
}

const char *dispatch_namespace(const struct api_service *service)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].space && is_signed_as(service, str_from(rows[i].signing_name)))
			return rows[i].space;
	return "http://webservices.amazon.com/AWSFault/2005-15-09";
}
