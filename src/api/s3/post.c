/* PostObject: an upload by an HTML form. Fields come first; with the file's beginning all of them
 * are known, and who may is decided before a byte of it is kept. The fields then stand in for the
 * headers of the request. */
#include "api/s3/post_priv.h"

#include "aws/uri.h"

struct post {
	struct s3_call *call;
	struct s3_form_parser parser;
	struct s3_form form;
	struct aws_header headers[S3_FORM_FIELDS_MAX + 4];
	struct aws_signature signature;
	bool has_file;
	int64_t size;
};

static void post_free(void *more)
{
	struct post *post = more;

	s3_form_done(&post->parser);
	aws_signature_done(&post->signature);
	free(post);
}

static int add_field(void *context, struct str name, struct str value, struct aws_error *error)
{
	struct post *post = context;

	if (post->form.count == S3_FORM_FIELDS_MAX)
		return aws_error_default(error, AWS_ERROR_MAX_POST_PRE_DATA_LENGTH_EXCEEDED);
	post->form.fields[post->form.count++] = (struct s3_form_field){
		.name = s3_keep(post->call, name), .value = s3_keep(post->call, value)};
	return 0;
}

static struct str field(const struct post *post, const char *name)
{
	struct str value = s3_form_field(&post->form, str_from(name));
	return value.p ? value : STR("");
}

/* The key with ${filename} filled in. */
static int find_key(struct post *post, struct str file_name, struct aws_error *error)
{
	struct str key = s3_form_field(&post->form, STR("key"));
	struct str mark = STR("${filename}");
	_cleanup_buf_ struct buf whole = {0};

	if (!key.n)
		return s3_invalid_argument(error, "key", STR(""),
			"Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.");
	while (key.n) {
		const char *at = memmem(key.p, key.n, mark.p, mark.n);
		size_t n = at ? (size_t)(at - key.p) : key.n;

		buf_add(&whole, key.p, n);
		if (at)
			buf_add_str(&whole, file_name);
		n += at ? mark.n : 0;
		key = (struct str){key.p + n, key.n - n};
	}
	post->call->key = s3_keep(post->call, buf_str(&whole));
	if (!post->call->key.n)
		return s3_invalid_argument(
			error, "key", STR(""), "User key must have a length greater than 0.");
	return s3_check_key(post->call->key, error);
}

/* What S3 writes in a form without the prefix, and tags, which are XML there. */
static int make_headers(struct post *post, struct aws_error *error)
{
	static const char *const kept[] = {"host", "user-agent", "referer"};
	struct s3_call *call = post->call;
	_cleanup_buf_ struct buf tags = {0};
	size_t n = 0;

	for (size_t i = 0; i < post->form.count; i++) {
		struct str name = post->form.fields[i].name, value = post->form.fields[i].value;

		if (str_equal_ignoring_case(name, STR("acl")))
			name = STR("x-amz-acl");
		if (str_equal_ignoring_case(name, STR("tagging"))) {
			buf_reserve(&tags, 1);
			if (s3_tags_xml(value, S3_OBJECT_TAGS_MAX, &tags, error) < 0)
				return -1;
			name = STR("x-amz-tagging");
			value = s3_keep(call, buf_str(&tags));
		}
		post->headers[n++] = (struct aws_header){name, value};
	}
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		struct str value = api_header(call->exchange, str_from(kept[i]));
		if (value.p)
			post->headers[n++] = (struct aws_header){str_from(kept[i]), value};
	}
	call->headers = post->headers;
	call->header_count = n;
	return 0;
}

static int authenticate(struct post *post, struct aws_error *error)
{
	struct api_exchange *exchange = post->call->exchange;
	const struct aws_post_form form = {.policy = field(post, "policy"),
		.algorithm = field(post, "x-amz-algorithm"),
		.credential = field(post, "x-amz-credential"),
		.date = field(post, "x-amz-date"),
		.access_key_id = field(post, "awsaccesskeyid"),
		.signature = field(post, "x-amz-signature").n ? field(post, "x-amz-signature")
							      : field(post, "signature"),
		.session_token = field(post, "x-amz-security-token")};
	struct aws_refusal refusal = {0};

	if (form.policy.n && (form.access_key_id.n || form.credential.n) && !form.signature.n)
		return s3_invalid_argument(error, "signature", STR(""),
			"Bucket POST must contain a field named 'signature'.  If it is specified, please check the order of the fields.");
	if (aws_post_form_parse(&form, &post->signature, &refusal) < 0)
		return aws_refusal_error(&refusal, AWS_STYLE_S3, error);
	if (post->signature.kind == AWS_SIGNATURE_NONE)
		return 0;
	/* The caller belongs to the exchange, which gives it back. */
	const struct api_callers *callers = &post->call->s3->callers;
	exchange->caller = callers->find(callers->context, post->signature.access_key_id);
	if (!exchange->caller || !exchange->caller->is_active) {
		aws_refuse(&refusal, AWS_AUTH_UNKNOWN_KEY, "%.*s",
			STR_ARG(post->signature.access_key_id));
		return aws_refusal_error(&refusal, AWS_STYLE_S3, error);
	}
	const struct aws_verify_options options = {.now_ms = exchange->started_ms,
		.secret = exchange->caller->secret,
		.bucket = exchange->bucket_host,
		.keys = post->call->s3->keys};
	if (aws_post_form_verify(&form, &post->signature, &options, &refusal) < 0)
		return aws_refusal_error(&refusal, AWS_STYLE_S3, error);
	struct str token = exchange->caller->session_token;
	if (!aws_equal_constant_time(token, post->signature.session_token))
		return aws_error_default(error, AWS_ERROR_INVALID_TOKEN);
	if (exchange->caller->expires_ms && exchange->caller->expires_ms <= exchange->started_ms)
		return aws_error_default(error, AWS_ERROR_EXPIRED_TOKEN);
	s3_call_identify(post->call);
	return 0;
}

static int check_policy(struct post *post, struct aws_error *error)
{
	_cleanup_buf_ struct buf json = {0};
	struct str policy = s3_form_field(&post->form, STR("policy"));

	post->form.bucket = post->call->bucket;
	/* Conditions are on the key as it will be. */
	for (size_t i = 0; i < post->form.count; i++)
		if (str_equal_ignoring_case(post->form.fields[i].name, STR("key")))
			post->form.fields[i].value = post->call->key;
	post->form.max = STORE_PUT_BYTES_MAX;
	if (!policy.p)
		return 0;
	buf_reserve(&json, policy.n + 1);
	if (!aws_base64_decode(policy, &json))
		return aws_error_set(error, AWS_ERROR_INVALID_POLICY_DOCUMENT,
			"Invalid Policy: Invalid Base64.");
	return s3_post_policy_check(
		&post->form, buf_str(&json), post->call->exchange->started_ms, error);
}

static int start_file(void *context, struct str file_name, struct aws_error *error)
{
	struct post *post = context;
	struct s3_call *call = post->call;

	if (post->has_file)
		return aws_error_default(error, AWS_ERROR_INCORRECT_NUMBER_OF_FILES);
	post->has_file = true;
	if (find_key(post, file_name, error) < 0 || authenticate(post, error) < 0 ||
		check_policy(post, error) < 0 || make_headers(post, error) < 0)
		return -1;
	struct str tagging = s3_header(call, "x-amz-tagging");
	struct s3_access access = {.action = "s3:PutObject",
		.bucket = call->bucket,
		.key = call->key,
		.info = call->info,
		.acl = &call->info->acl,
		.is_bucket_acl = true,
		.permission = S3_WRITE,
		.request_tags = tagging.p ? tagging : STR("")};
	if (s3_allow(call, &access, error) < 0)
		return -1;
	call->integrity = (struct s3_integrity){0};
	if (s3_integrity_read(call, error) < 0 || s3_object_start(call, &call->object, error) < 0)
		return -1;
	/* Of the form, not of the file in it. */
	call->exchange->content_length = -1;
	return s3_draft_start(call,
		call->integrity.algorithm != AWS_CHECKSUM_NONE ? call->integrity.algorithm
							       : AWS_CHECKSUM_CRC64NVME,
		error);
}

static int add_data(void *context, struct str bytes, struct aws_error *error)
{
	struct post *post = context;

	post->size += (int64_t)bytes.n;
	if (post->size > post->form.max) {
		aws_error_default(error, AWS_ERROR_ENTITY_TOO_LARGE);
		aws_error_detail(error, "ProposedSize", "%lld", (long long)post->size);
		return aws_error_detail(error, "MaxSizeAllowed", "%lld", (long long)post->form.max);
	}
	return s3_draft_add(post->call, bytes, error);
}

int s3_post_start(struct s3_call *call, struct aws_error *error)
{
	struct post *post = mem_new(1, sizeof(*post));

	call->more = post;
	call->more_free = post_free;
	post->call = call;
	post->parser.field = add_field;
	post->parser.file = start_file;
	post->parser.data = add_data;
	post->parser.context = post;
	call->integrity = (struct s3_integrity){0};
	return s3_form_init(&post->parser, s3_header(call, "content-type"), error);
}

int s3_post_data(struct s3_call *call, struct str bytes, struct aws_error *error)
{
	struct post *post = call->more;

	return s3_form_feed(&post->parser, bytes, error);
}

static void write_location(const struct post *post, struct buf *location)
{
	struct s3_call *call = post->call;

	buf_printf(location, "http%s://%.*s/", call->exchange->is_tls ? "s" : "",
		STR_ARG(s3_header(call, "host")));
	if (!call->exchange->bucket_host.n)
		buf_printf(location, "%.*s/", STR_ARG(call->bucket));
	aws_uri_encode(location, call->key, AWS_URI_KEEP_SLASH);
}

static int answer_redirect(struct post *post, struct str to)
{
	struct s3_call *call = post->call;
	_cleanup_buf_ struct buf location = {0};

	buf_printf(&location, "%.*s%sbucket=", STR_ARG(to), memchr(to.p, '?', to.n) ? "&" : "?");
	aws_uri_encode(&location, call->bucket, AWS_URI_ENCODE_SLASH);
	buf_add_text(&location, "&key=");
	aws_uri_encode(&location, call->key, AWS_URI_ENCODE_SLASH);
	buf_printf(&location, "&etag=%%22%s%%22", call->object.etag);
	api_answer_header(call->exchange, "Location", buf_str(&location));
	return s3_answer_empty(call, 303);
}

static int answer(struct post *post)
{
	struct s3_call *call = post->call;
	_cleanup_buf_ struct buf location = {0}, buf = {0};
	struct str redirect = field(post, "success_action_redirect"),
		   status = field(post, "success_action_status");
	struct aws_xml_writer writer;

	s3_answer_written(call, &call->object);
	if (!redirect.n)
		redirect = field(post, "redirect");
	if (str_starts_with(redirect, STR("http://")) || str_starts_with(redirect, STR("https://")))
		return answer_redirect(post, redirect);
	write_location(post, &location);
	api_answer_header(call->exchange, "Location", buf_str(&location));
	if (!str_equal(status, STR("201")))
		return s3_answer_empty(call, str_equal(status, STR("200")) ? 200 : 204);
	aws_xml_begin(&writer, &buf);
	aws_xml_open(&writer, "PostResponse");
	aws_xml_element(&writer, "Location", buf_str(&location));
	aws_xml_element(&writer, "Bucket", call->bucket);
	aws_xml_element(&writer, "Key", call->key);
	s3_xml_etag(&writer, call->object.etag);
	return s3_answer_xml(call, 201, &writer);
}

int s3_post_object(struct s3_call *call, struct aws_error *error)
{
	const struct store_condition none = {STR(""), STR("")};
	struct post *post = call->more;
	struct aws_checksum_value checksum;
	int64_t size;

	if (!post->has_file)
		return s3_invalid_argument(error, "file", STR("0"),
			"POST requires exactly one file upload per request.");
	if (post->parser.state != S3_FORM_END)
		return aws_error_default(error, AWS_ERROR_MALFORMED_POST_REQUEST);
	if (post->size < post->form.min) {
		aws_error_default(error, AWS_ERROR_ENTITY_TOO_SMALL);
		aws_error_detail(error, "ProposedSize", "%lld", (long long)post->size);
		return aws_error_detail(error, "MinSizeAllowed", "%lld", (long long)post->form.min);
	}
	if (s3_draft_finish(call, &checksum, &size, error) < 0)
		return -1;
	if (store_object_put(call->s3->objects, call->bucket, call->key, call->draft, &none,
		    &call->object, error, s3_err(call)) < 0)
		return -1;
	s3_answer_checksum(call, &checksum, false);
	s3_event(call, "ObjectCreated:Post", &call->object);
	return answer(post);
}
