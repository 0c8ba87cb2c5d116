/* Signature Version 2 as S3 has it (S3 user guide, "Signing and authenticating REST requests"):
 *   VERB \n Content-MD5 \n Content-Type \n Date or Expires \n x-amz headers, then the resource.
 * boto3 moves x-amz-*, Content-MD5 and Content-Type of what it presigns into the query, signed as
 * if they were headers: so they are looked for there too. */
#include "aws/sigv4_priv.h"

#include "aws/uri.h"

#define ITEMS_MAX 256

/* The parameters that name a part of a resource or change its answer, in byte order. */
static const char *const subresources[] = {"accelerate", "acl", "analytics", "cors",
	"defaultObjectAcl", "delete", "encryption", "inventory", "legal-hold", "lifecycle",
	"location", "logging", "metrics", "notification", "object-lock", "ownershipControls",
	"partNumber", "policy", "policyStatus", "publicAccessBlock", "replication",
	"requestPayment", "response-cache-control", "response-content-disposition",
	"response-content-encoding", "response-content-language", "response-content-type",
	"response-expires", "restore", "retention", "select", "select-type", "storageClass",
	"tagging", "torrent", "uploadId", "uploads", "versionId", "versioning", "versions",
	"website"};

struct item {
	struct str name, value;
	size_t order; /* as sent */
};

struct items {
	struct item list[ITEMS_MAX];
	size_t count;
};

static int compare_items(const void *left, const void *right)
{
	const struct item *a = left, *b = right;
	int order = str_compare(a->name, b->name);

	return order ? order : (a->order > b->order) - (a->order < b->order);
}

static bool is_amz(struct str name)
{
	return name.n >= 6 && str_equal_ignoring_case((struct str){name.p, 6}, STR("x-amz-"));
}

static void add_item(struct items *items, struct buf *lower, struct str name, struct str value)
{
	if (items->count == ITEMS_MAX || lower->capacity - lower->n < name.n)
		return;
	struct str copy = {lower->p + lower->n, name.n};
	sigv4_add_lower(lower, name);
	items->list[items->count] = (struct item){copy, value, items->count};
	items->count++;
}

static void add_amz_headers(const struct aws_request *request, bool with_query, struct buf *buf)
{
	_cleanup_buf_ struct buf lower = {0}, decoded = {0};
	struct items items = {0};
	struct str rest = request->query, name, value;
	size_t room = request->query.n;

	/* Reserved whole: the items point into it. */
	for (size_t i = 0; i < request->header_count; i++)
		room += request->headers[i].name.n;
	buf_reserve(&lower, room + 1);
	buf_reserve(&decoded, request->query.n + 1);
	for (size_t i = 0; i < request->header_count; i++)
		if (is_amz(request->headers[i].name))
			add_item(&items, &lower, request->headers[i].name,
				str_trim(request->headers[i].value));
	while (with_query && aws_uri_next_parameter(&rest, &name, &value)) {
		size_t start = decoded.n;
		struct str header;
		/* What stands in both was one header when it was signed. */
		if (is_amz(name) && !aws_request_header(request, name, &header) &&
			aws_uri_decode(&decoded, value, AWS_URI_PLUS_IS_PLUS))
			add_item(&items, &lower, name,
				(struct str){decoded.p + start, decoded.n - start});
	}
	qsort(items.list, items.count, sizeof(*items.list), compare_items);
	for (size_t i = 0; i < items.count; i++) {
		if (i && str_equal(items.list[i].name, items.list[i - 1].name)) {
			buf->p[buf->n - 1] = ',';
		} else {
			buf_add_str(buf, items.list[i].name);
			buf_add_char(buf, ':');
		}
		buf_add_str(buf, items.list[i].value);
		buf_add_char(buf, '\n');
	}
}

static bool is_subresource(struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(subresources); i++)
		if (str_equal(name, str_from(subresources[i])))
			return true;
	return false;
}

static void add_resource(const struct aws_request *request, struct str bucket, struct buf *buf)
{
	struct items items = {0};
	struct str rest = request->query, name, value;

	if (bucket.n) {
		buf_add_char(buf, '/');
		buf_add_str(buf, bucket);
	}
	buf_add_str(buf, request->path.n ? request->path : STR("/"));
	while (items.count < ITEMS_MAX && aws_uri_next_parameter(&rest, &name, &value)) {
		if (!is_subresource(name))
			continue;
		items.list[items.count] = (struct item){name, value, items.count};
		items.count++;
	}
	qsort(items.list, items.count, sizeof(*items.list), compare_items);
	for (size_t i = 0; i < items.count; i++) {
		buf_add_char(buf, i ? '&' : '?');
		buf_add_str(buf, items.list[i].name);
		if (!items.list[i].value.n)
			continue;
		buf_add_char(buf, '=');
		if (!aws_uri_decode(buf, items.list[i].value, AWS_URI_PLUS_IS_PLUS))
			buf_add_str(buf, items.list[i].value);
	}
}

/* A header, or for a presigned request the parameter of that name; and a line break. */
static void add_field(
	const struct aws_request *request, struct str name, bool with_query, struct buf *buf)
{
	struct str value;

	if (aws_request_header(request, name, &value))
		buf_add_str(buf, value);
	else if (with_query && aws_request_parameter(request, name, &value))
		aws_uri_decode(buf, value, AWS_URI_PLUS_IS_PLUS);
	buf_add_char(buf, '\n');
}

void sigv2_string_to_sign(
	const struct aws_request *request, struct str bucket, struct str expires, struct buf *buf)
{
	struct str value;
	bool presigned = expires.p;

	buf_add_str(buf, request->method);
	buf_add_char(buf, '\n');
	add_field(request, STR("content-md5"), presigned, buf);
	add_field(request, STR("content-type"), presigned, buf);
	if (presigned)
		buf_add_str(buf, expires);
	else if (!aws_request_header(request, STR("x-amz-date"), &value) &&
		 aws_request_header(request, STR("date"), &value))
		buf_add_str(buf, value);
	buf_add_char(buf, '\n');
	add_amz_headers(request, presigned, buf);
	add_resource(request, bucket, buf);
}
