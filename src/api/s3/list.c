/* The three lists of objects. A page is as long as the store gives it; the token of the next one is
 * the last key in base64, for clients must take it as it is. */
#include "api/s3/s3_priv.h"

#include "aws/digest.h"
#include "aws/uri.h"

struct listing {
	struct s3_call *call;
	struct aws_xml_writer writer;
	struct buf buf, encoded;
	struct store_list_options options;
	struct store_list list;
	uint64_t max;
	bool is_encoded;
};

static void listing_done(struct listing *listing)
{
	store_list_done(&listing->list);
	buf_done(&listing->buf);
	buf_done(&listing->encoded);
}

/* A name as the client wants it: encoding-type=url, or plain. */
static void element(struct listing *listing, const char *name, struct str value)
{
	if (!listing->is_encoded) {
		aws_xml_element(&listing->writer, name, value);
		return;
	}
	listing->encoded.n = 0;
	buf_reserve(&listing->encoded, 1);
	aws_uri_encode_listing(&listing->encoded, value);
	aws_xml_element(&listing->writer, name, buf_str(&listing->encoded));
}

static struct str text_of(struct s3_call *call, const char *name)
{
	struct str text = s3_parameter(call, name);
	return text.p ? text : STR("");
}

static int start(struct listing *listing, struct s3_call *call, struct aws_error *error)
{
	struct str encoding = s3_parameter(call, "encoding-type");

	listing->call = call;
	if (encoding.n && !str_equal(encoding, STR("url")))
		return s3_invalid_argument(error, "encoding-type", encoding,
			"Invalid Encoding Method specified in Request");
	listing->is_encoded = encoding.n > 0;
	listing->options = (struct store_list_options){.bucket = call->bucket,
		.prefix = text_of(call, "prefix"),
		.delimiter = text_of(call, "delimiter"),
		.after = STR(""),
		.after_version = STR("")};
	if (s3_number_parameter(
		    call, "max-keys", STORE_LIST_MAX, STORE_LIST_MAX, &listing->max, error) < 0)
		return -1;
	listing->options.max = (unsigned)listing->max;
	return 0;
}

static int run(struct listing *listing, const char *root, struct aws_error *error)
{
	struct s3_call *call = listing->call;

	if (store_list(call->s3->objects, &listing->options, &listing->list, error, s3_err(call)) <
		0)
		return -1;
	s3_xml(&listing->writer, &listing->buf, root);
	aws_xml_element(&listing->writer, "Name", call->bucket);
	element(listing, "Prefix", listing->options.prefix);
	return 0;
}

static void owner(struct listing *listing, const struct store_object *object)
{
	struct s3_acl acl;

	s3_object_acl(listing->call->info, object, &acl);
	s3_acl_owner(&listing->writer, "Owner", acl.owner);
	s3_acl_done(&acl);
}

static void checksum(struct listing *listing, const struct store_object *object)
{
	const char *name = aws_checksum_name((enum aws_checksum)object->checksum.algorithm);

	if (!name)
		return;
	aws_xml_element(&listing->writer, "ChecksumAlgorithm", str_from(name));
	aws_xml_element(&listing->writer, "ChecksumType",
		object->checksum.parts ? STR("COMPOSITE") : STR("FULL_OBJECT"));
}

static void contents(struct listing *listing, const struct store_object *object, bool with_owner)
{
	struct aws_xml_writer *writer = &listing->writer;

	aws_xml_open(writer, "Contents");
	element(listing, "Key", object->key);
	aws_xml_element_time(writer, "LastModified", object->modified_ms);
	s3_xml_etag(writer, object->etag);
	checksum(listing, object);
	aws_xml_element_u64(writer, "Size", (uint64_t)object->size);
	if (with_owner)
		owner(listing, object);
	aws_xml_element(writer, "StorageClass",
		object->headers.storage_class.n ? object->headers.storage_class : STR("STANDARD"));
	aws_xml_close(writer);
}

static void prefixes(struct listing *listing)
{
	for (size_t i = 0; i < listing->list.prefix_count; i++) {
		aws_xml_open(&listing->writer, "CommonPrefixes");
		element(listing, "Prefix", listing->list.prefixes[i]);
		aws_xml_close(&listing->writer);
	}
}

static int answer(struct listing *listing)
{
	return s3_answer_xml(listing->call, 200, &listing->writer);
}

static void common_end(struct listing *listing)
{
	if (listing->options.delimiter.n)
		element(listing, "Delimiter", listing->options.delimiter);
	if (listing->is_encoded)
		aws_xml_element(&listing->writer, "EncodingType", STR("url"));
	aws_xml_element_bool(&listing->writer, "IsTruncated", listing->list.is_truncated);
}

int s3_list_objects(struct s3_call *call, struct aws_error *error)
{
	_cleanup_(listing_done) struct listing listing = {0};

	if (start(&listing, call, error) < 0)
		return -1;
	listing.options.after = text_of(call, "marker");
	if (run(&listing, "ListBucketResult", error) < 0)
		return -1;
	element(&listing, "Marker", listing.options.after);
	aws_xml_element_u64(&listing.writer, "MaxKeys", listing.max);
	common_end(&listing);
	if (listing.list.is_truncated && listing.options.delimiter.n)
		element(&listing, "NextMarker", listing.list.next_key);
	for (size_t i = 0; i < listing.list.count; i++)
		contents(&listing, &listing.list.objects[i], true);
	prefixes(&listing);
	return answer(&listing);
}

int s3_list_objects_v2(struct s3_call *call, struct aws_error *error)
{
	_cleanup_(listing_done) struct listing listing = {0};
	_cleanup_buf_ struct buf after = {0}, next = {0};
	struct str token = s3_parameter(call, "continuation-token");
	struct str start_after = s3_parameter(call, "start-after");
	bool with_owner = str_equal(s3_parameter(call, "fetch-owner"), STR("true"));

	if (!str_equal(s3_parameter(call, "list-type"), STR("2")))
		return s3_list_objects(call, error);
	if (start(&listing, call, error) < 0)
		return -1;
	if (token.n && !aws_base64_decode(token, &after))
		return s3_invalid_argument(error, "continuation-token", token,
			"The continuation token provided is incorrect");
	listing.options.after = token.n ? buf_str(&after) : text_of(call, "start-after");
	if (run(&listing, "ListBucketResult", error) < 0)
		return -1;
	aws_xml_element_u64(&listing.writer, "MaxKeys", listing.max);
	aws_xml_element_u64(
		&listing.writer, "KeyCount", listing.list.count + listing.list.prefix_count);
	if (start_after.p)
		element(&listing, "StartAfter", start_after);
	if (token.p)
		aws_xml_element(&listing.writer, "ContinuationToken", token);
	common_end(&listing);
	if (listing.list.is_truncated) {
		aws_base64_add(&next, listing.list.next_key.p, listing.list.next_key.n);
		aws_xml_element(&listing.writer, "NextContinuationToken", buf_str(&next));
	}
	for (size_t i = 0; i < listing.list.count; i++)
		contents(&listing, &listing.list.objects[i], with_owner);
	prefixes(&listing);
	return answer(&listing);
}

static void version(struct listing *listing, const struct store_object *object)
{
	struct aws_xml_writer *writer = &listing->writer;

	aws_xml_open(writer, object->is_delete_marker ? "DeleteMarker" : "Version");
	element(listing, "Key", object->key);
	aws_xml_element(writer, "VersionId", str_from(object->version));
	aws_xml_element_bool(writer, "IsLatest", object->is_latest);
	aws_xml_element_time(writer, "LastModified", object->modified_ms);
	if (!object->is_delete_marker) {
		s3_xml_etag(writer, object->etag);
		checksum(listing, object);
		aws_xml_element_u64(writer, "Size", (uint64_t)object->size);
		aws_xml_element(writer, "StorageClass",
			object->headers.storage_class.n ? object->headers.storage_class
							: STR("STANDARD"));
	}
	owner(listing, object);
	aws_xml_close(writer);
}

int s3_list_versions(struct s3_call *call, struct aws_error *error)
{
	_cleanup_(listing_done) struct listing listing = {0};

	if (start(&listing, call, error) < 0)
		return -1;
	listing.options.versions = true;
	listing.options.after = text_of(call, "key-marker");
	listing.options.after_version = text_of(call, "version-id-marker");
	if (listing.options.after_version.n && !listing.options.after.n)
		return s3_invalid_argument(error, "version-id-marker",
			listing.options.after_version,
			"A version-id marker cannot be specified without a key marker.");
	if (run(&listing, "ListVersionsResult", error) < 0)
		return -1;
	element(&listing, "KeyMarker", listing.options.after);
	aws_xml_element(&listing.writer, "VersionIdMarker", listing.options.after_version);
	aws_xml_element_u64(&listing.writer, "MaxKeys", listing.max);
	common_end(&listing);
	if (listing.list.is_truncated) {
		element(&listing, "NextKeyMarker", listing.list.next_key);
		if (listing.list.next_version[0])
			aws_xml_element(&listing.writer, "NextVersionIdMarker",
				str_from(listing.list.next_version));
	}
	for (size_t i = 0; i < listing.list.count; i++)
		version(&listing, &listing.list.objects[i]);
	prefixes(&listing);
	return answer(&listing);
}
