/* The chain, provider by provider, with the files, environment and services that each needs; what
 * is expected is what botocore's providers do with the same. */
#include "aws/credentials.h"

#include "aws/client.h"
#include "aws/http_test_help.h"
#include "base/clock.h"
#include "base/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <cmocka.h>

static char folder[64];

static char *write_file(const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", folder, name);
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return path;
}

static void write_profiles(const char *config, const char *credentials)
{
	free(write_file("config", config));
	free(write_file("credentials", credentials));
}

/* Nothing of the machine that tests counts, and no metadata is looked for. */
static int clean(void **state)
{
	static const char *const names[] = {"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE",
		"AWS_CA_BUNDLE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ACCESS_KEY_ID",
		"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN",
		"AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
		"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http_proxy", "all_proxy", "ALL_PROXY"};
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unsetenv(names[i]);
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	snprintf(path, sizeof(path), "%s/config", folder);
	setenv("AWS_CONFIG_FILE", path, 1);
	snprintf(path, sizeof(path), "%s/credentials", folder);
	setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
	write_profiles("", "");
	return 0;
}

/* "ID SECRET TOKEN" of a fresh source, or "error: MESSAGE". */
static const char *keys_of(const struct aws_credentials_settings *settings)
{
	static char text[1280];
	_cleanup_(aws_credentials_source_freep) struct aws_credentials_source *source = NULL;
	struct aws_keys keys = {0};
	struct err err = ERR_INIT;

	if (aws_credentials_source_new(&source, settings, &err) < 0 ||
		aws_credentials_get(source, &keys, &err) < 0)
		snprintf(text, sizeof(text), "error: %s (%s)", err.message, err.hint);
	else
		snprintf(text, sizeof(text), "%s %s %s", keys.access_key_id, keys.secret_access_key,
			keys.session_token ? keys.session_token : "-");
	aws_keys_done(&keys);
	return text;
}

static const struct aws_credentials_settings usual;

static void assert_says(const char *said, const char *expected)
{
	if (!strstr(said, expected))
		fail_msg("expected \"%s\" in \"%s\"", expected, said);
}

static void given_keys(void **state)
{
	setenv("AWS_ACCESS_KEY_ID", "AKIAENV", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "env", 1);
	assert_string_equal(keys_of(&(struct aws_credentials_settings){
				    .access_key_id = "AKIAGIVEN", .secret_access_key = "given"}),
		"AKIAGIVEN given -");
	assert_says(keys_of(&(struct aws_credentials_settings){.access_key_id = "AKIAGIVEN"}),
		"no secret access key");
}

static void environment(void **state)
{
	write_profiles("", "[default]\naws_access_key_id=AKIADEF\naws_secret_access_key=def\n"
			   "[other]\naws_access_key_id=AKIAOTHER\naws_secret_access_key=other\n");
	setenv("AWS_ACCESS_KEY_ID", "AKIAENV", 1);
	assert_says(keys_of(&usual), "AWS_SECRET_ACCESS_KEY is not");
	setenv("AWS_SECRET_ACCESS_KEY", "env", 1);
	assert_string_equal(keys_of(&usual), "AKIAENV env -");
	setenv("AWS_SESSION_TOKEN", "tok", 1);
	assert_string_equal(keys_of(&usual), "AKIAENV env tok");
	/* The environment's profile does not go before the environment's keys; a named one does. */
	setenv("AWS_PROFILE", "other", 1);
	assert_string_equal(keys_of(&usual), "AKIAENV env tok");
	assert_string_equal(keys_of(&(struct aws_credentials_settings){.profile = "other"}),
		"AKIAOTHER other -");
	unsetenv("AWS_ACCESS_KEY_ID");
	unsetenv("AWS_SECRET_ACCESS_KEY");
	assert_string_equal(keys_of(&usual), "AKIAOTHER other -");
}

static void profile_files(void **state)
{
	write_profiles("# a comment\n"
		       "[default]\r\n"
		       "aws_access_key_id = AKIACONF\n"
		       "aws_secret_access_key = conf # not of it\n"
		       "s3 =\n"
		       "  max_concurrent_requests = 20\n"
		       "  aws_access_key_id = nested\n"
		       "[profile \"my own\"]\n"
		       "AWS_Access_Key_Id=AKIAMINE\n"
		       "aws_secret_access_key=a=b/c#d\n"
		       "aws_session_token=\n"
		       "[unprefixed]\naws_access_key_id=AKIANO\naws_secret_access_key=no\n",
		"");
	assert_string_equal(keys_of(&usual), "AKIACONF conf -");
	assert_string_equal(keys_of(&(struct aws_credentials_settings){.profile = "my own"}),
		"AKIAMINE a=b/c#d -");
	assert_says(keys_of(&(struct aws_credentials_settings){.profile = "unprefixed"}),
		"no profile \"unprefixed\"");
	/* The credentials file goes first, the last of two says it. */
	free(write_file("credentials", "[default]\naws_access_key_id=AKIA1\n[default]\n"
				       "aws_access_key_id=AKIA2\naws_secret_access_key=two\n"));
	assert_string_equal(keys_of(&usual), "AKIA2 two -");
	setenv("AWS_PROFILE", "nobody", 1);
	assert_says(keys_of(&usual), "no profile \"nobody\"");
}

static void bad_profile_files(void **state)
{
	static const struct {
		const char *text, *said;
	} cases[] = {
		{"[default\n", "credentials:1: a section without ']'"},
		{"\n\naws_access_key_id=a\n", "credentials:3: \"aws_access_key_id=a\""},
		{"[default]\nhello\n", "credentials:2: expected NAME = VALUE"},
		{"[default] x\n", "credentials:1: something stands behind ']'"},
		{"[default]\naws_access_key_id=AKIA\n", "has aws_access_key_id, but not"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		write_profiles("", cases[i].text);
		assert_says(keys_of(&usual), cases[i].said);
	}
}

static void nothing_anywhere(void **state)
{
	const char *said = keys_of(&usual);

	assert_says(said, "AWS_ACCESS_KEY_ID is not set");
	assert_says(said, "profile \"default\"");
	assert_says(said, "no container endpoint");
	assert_says(said, "metadata is disabled");
	assert_says(said, "(set AWS_ACCESS_KEY_ID");
}

static void processes(void **state)
{
	static const struct {
		const char *command, *expected;
	} cases[] = {
		{"printf '{\"Version\":1,\"AccessKeyId\":\"AKIAP\",\"SecretAccessKey\":\"p\","
		 "\"SessionToken\":\"t\",\"Expiration\":\"2999-01-01T00:00:00Z\"}'",
			"AKIAP p t"},
		{"printf '{\"Version\":1,\"AccessKeyId\":\"AKIAP\",\"SecretAccessKey\":\"p\"}'",
			"AKIAP p -"},
		{"printf '{\"AccessKeyId\":\"AKIAP\",\"SecretAccessKey\":\"p\"}'",
			"\"Version\": 1"},
		{"echo no such vault >&2; exit 3", "status 3: no such vault"},
		{"echo hello", "expected a JSON object"},
		{"exec >/dev/null; kill -9 $$", "status 137"},
		{"printf '{\"Version\":1,\"AccessKeyId\":\"AKIAP\",\"SecretAccessKey\":\"p\","
		 "\"Expiration\":\"soon\"}'",
			"is no time"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *config =
			mem_printf("[default]\ncredential_process = %s\n", cases[i].command);
		write_profiles(config, "");
		assert_says(keys_of(&usual), cases[i].expected);
	}
}

static void refused(void **state)
{
	static const struct {
		const char *config, *said;
	} cases[] = {
		{"[default]\nsso_session=s\nsso_account_id=1\n", "signs in with sso_session"},
		{"[default]\nsso_start_url=https://x\n", "aws configure export-credentials"},
		{"[default]\nrole_arn=arn:aws:iam::1:role/r\nsource_profile=default\n"
		 "mfa_serial=arn:aws:iam::1:mfa/m\n",
			"asks for an MFA code"},
		{"[default]\nrole_arn=arn:aws:iam::1:role/r\n", "expected one of source_profile"},
		{"[default]\nrole_arn=a\nsource_profile=b\n[profile b]\nrole_arn=b\n"
		 "source_profile=default\n",
			"leads back to it"},
		{"[default]\nrole_arn=a\nsource_profile=b\n", "no profile \"b\""},
		{"[default]\nrole_arn=a\nsource_profile=b\n[profile b]\nregion=x\n", "has no keys"},
		{"[default]\nrole_arn=a\ncredential_source=Moon\n", "\"Moon\" is none of"},
		{"[default]\nrole_arn=a\ncredential_source=Environment\n",
			"Environment has no keys"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		write_profiles(cases[i].config, "");
		assert_says(keys_of(&usual), cases[i].said);
	}
}

/* ---- with services ---- */

struct service {
	struct test_server server;
	char bodies[2048], authorization[512], paths[512];
	const char *expiration;
	int status;
	unsigned keys; /* said so far */
};

static void append(char *text, size_t size, struct str more)
{
	size_t n = strlen(text);

	snprintf(text + n, size - n, "%.*s\n", (int)more.n, more.p ? more.p : "");
}

static void note(struct service *service, const struct test_request *request)
{
	append(service->bodies, sizeof(service->bodies), buf_str(&request->body));
	append(service->paths, sizeof(service->paths), request->path);
	struct str authorization = test_request_header(request, "Authorization");
	if (authorization.n > 60)
		authorization.n = 60;
	append(service->authorization, sizeof(service->authorization), authorization);
}

static void answer_sts(void *context, const struct test_request *request, struct test_reply *reply)
{
	struct service *service = context;
	char body[1024];
	const char *action = strstr(buf_text((struct buf *)(uintptr_t)&request->body),
				     "Action=AssumeRoleWithWebIdentity")
				     ? "AssumeRoleWithWebIdentity"
				     : "AssumeRole";

	note(service, request);
	if (service->status) {
		test_reply_set(reply, service->status, "",
			"<ErrorResponse><Error><Code>AccessDenied</Code><Message>not allowed to "
			"take it</Message></Error></ErrorResponse>");
		return;
	}
	snprintf(body, sizeof(body),
		"<%sResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><%sResult>"
		"<Credentials><AccessKeyId>ASIA%u</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
		"<SessionToken>t+/=</SessionToken><Expiration>%s</Expiration></Credentials>"
		"</%sResult></%sResponse>",
		action, action, ++service->keys,
		service->expiration ? service->expiration : "2999-01-01T00:00:00Z", action, action);
	test_reply_set(reply, 200, "", body);
}

static void start(struct service *service,
	void (*answer)(void *, const struct test_request *, struct test_reply *))
{
	service->server.answer = answer;
	service->server.context = service;
	test_server_start(&service->server);
}

static void roles(void **state)
{
	struct service service = {0};

	start(&service, answer_sts);
	setenv("AWS_ENDPOINT_URL_STS", service.server.url, 1);
	/* base's keys take middle's role, those take the last one. */
	write_profiles("[profile last]\nrole_arn=arn:aws:iam::1:role/last\nsource_profile=middle\n"
		       "external_id=e/1\nrole_session_name=me\nduration_seconds=900\n"
		       "region=eu-west-3\n"
		       "[profile middle]\nrole_arn=arn:aws:iam::1:role/middle\n"
		       "source_profile=base\n",
		"[base]\naws_access_key_id=AKIABASE\naws_secret_access_key=b\n");
	assert_string_equal(
		keys_of(&(struct aws_credentials_settings){.profile = "last"}), "ASIA2 s t+/=");
	assert_string_equal(service.bodies,
		"Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fmiddle"
		"&RoleSessionName=nagare&DurationSeconds=3600\n"
		"Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Flast"
		"&RoleSessionName=me&DurationSeconds=900&ExternalId=e%2F1\n");
	assert_says(service.authorization, "Credential=AKIABASE/");
	assert_says(service.authorization, "Credential=ASIA1/");
	/* A role over whatever was found. */
	assert_string_equal(keys_of(&(struct aws_credentials_settings){
				    .profile = "base", .role_arn = "arn:aws:iam::2:role/x"}),
		"ASIA3 s t+/=");
	/* Own keys and role in one profile. */
	write_profiles("[default]\nrole_arn=arn:aws:iam::1:role/own\nsource_profile=default\n",
		"[default]\naws_access_key_id=AKIAOWN\naws_secret_access_key=b\n");
	assert_string_equal(keys_of(&usual), "ASIA4 s t+/=");
	service.status = 403;
	assert_says(keys_of(&usual), "role/own: sts AssumeRole: AccessDenied: not allowed");
	test_server_stop(&service.server);
}

static void web_identity(void **state)
{
	struct service service = {0};
	_cleanup_free_ char *token = write_file("token", "header.body.sign\n");

	start(&service, answer_sts);
	setenv("AWS_ENDPOINT_URL_STS", service.server.url, 1);
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", token, 1);
	assert_says(keys_of(&usual), "AWS_ROLE_ARN is not");
	setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/w", 1);
	assert_string_equal(keys_of(&usual), "ASIA1 s t+/=");
	assert_says(service.bodies, "Action=AssumeRoleWithWebIdentity&");
	assert_says(service.bodies, "&WebIdentityToken=header.body.sign\n");
	assert_string_equal(service.authorization, "\n"); /* the token is the proof */
	test_server_stop(&service.server);
}

static void answer_container(
	void *context, const struct test_request *request, struct test_reply *reply)
{
	struct service *service = context;

	note(service, request);
	test_reply_set(reply, service->status ? service->status : 200, "",
		"{\"RoleArn\":\"r\",\"AccessKeyId\":\"ASIAC\",\"SecretAccessKey\":\"c\","
		"\"Token\":\"t\",\"Expiration\":\"2999-01-01T00:00:00Z\"}");
}

static void containers(void **state)
{
	struct service service = {0};
	_cleanup_free_ char *token = write_file("token", "Basic first\n");
	char url[128];

	start(&service, answer_container);
	snprintf(url, sizeof(url), "%s/role?id=1", service.server.url);
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "plain", 1);
	assert_string_equal(keys_of(&usual), "ASIAC c t");
	assert_string_equal(service.authorization, "plain\n");
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token, 1);
	assert_string_equal(keys_of(&usual), "ASIAC c t");
	assert_string_equal(service.authorization, "plain\nBasic first\n");
	free(write_file("token", "a\r\nX-Evil: b"));
	assert_says(keys_of(&usual), "has a line end");
	unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	service.status = 403;
	assert_says(keys_of(&usual), "answered with status 403");
	/* Where it would be seen. */
	static const char *const far[] = {"http://192.0.2.1/", "http://example.com/",
		"ftp://127.0.0.1/", "http://127.0.0.1.evil.example/", "http://[2001:db8::1]/"};
	for (size_t i = 0; i < ARRAY_SIZE(far); i++) {
		setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", far[i], 1);
		assert_says(keys_of(&usual), "in clear");
	}
	test_server_stop(&service.server);
}

static void answer_instance(
	void *context, const struct test_request *request, struct test_reply *reply)
{
	struct service *service = context;
	bool is_token = str_equal(request->path, STR("/latest/api/token"));
	struct str roles = STR("/latest/meta-data/iam/security-credentials/");

	note(service, request);
	if (service->status) {
		test_reply_set(reply, is_token ? 200 : service->status, "", "TOKEN");
	} else if (is_token) {
		bool is_good = str_equal(request->method, STR("PUT")) &&
			       str_equal(test_request_header(
						 request, "X-aws-ec2-metadata-token-ttl-seconds"),
				       STR("21600"));
		test_reply_set(reply, is_good ? 200 : 400, "", "TOKEN==");
	} else if (!str_equal(test_request_header(request, "X-aws-ec2-metadata-token"),
			   STR("TOKEN=="))) {
		test_reply_set(reply, 401, "", "");
	} else if (str_equal(request->path, roles)) {
		test_reply_set(reply, 200, "", "my-role\n");
	} else {
		test_reply_set(reply, 200, "",
			"{\"Code\":\"Success\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"ASIAI\","
			"\"SecretAccessKey\":\"i\",\"Token\":\"t\","
			"\"Expiration\":\"2999-01-01T00:00:00Z\"}");
	}
}

static void instances(void **state)
{
	struct service service = {0};

	start(&service, answer_instance);
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", service.server.url, 1);
	assert_says(keys_of(&usual), "metadata is disabled");
	unsetenv("AWS_EC2_METADATA_DISABLED");
	assert_string_equal(keys_of(&usual), "ASIAI i t");
	assert_string_equal(service.paths,
		"/latest/api/token\n/latest/meta-data/iam/security-credentials/\n"
		"/latest/meta-data/iam/security-credentials/my-role\n");
	service.status = 404;
	assert_says(keys_of(&usual), "the instance has no role");
	test_server_stop(&service.server);
	/* Nobody there: not an instance, and soon known. */
	int64_t before = clock_mono_ns();
	assert_says(keys_of(&usual), "no instance metadata at");
	assert_in_range((clock_mono_ns() - before) / 1000000, 0, 2500);
}

/* ---- keys that end ---- */

struct crowd {
	struct aws_credentials_source *source;
	pthread_barrier_t barrier;
};

static void *get_keys(void *context)
{
	struct crowd *crowd = context;
	struct aws_keys keys = {0};

	pthread_barrier_wait(&crowd->barrier);
	void *failed = aws_credentials_get(crowd->source, &keys, NULL) < 0 ? crowd : NULL;
	aws_keys_done(&keys);
	return failed;
}

static void assert_key(struct aws_credentials_source *source, const char *id)
{
	struct aws_keys keys = {0};
	struct err err = ERR_INIT;

	if (aws_credentials_get(source, &keys, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(keys.access_key_id, id);
	aws_keys_done(&keys);
}

static void renewal(void **state)
{
	struct service service = {0};
	struct crowd crowd = {0};
	struct err err = ERR_INIT;
	pthread_t threads[8];
	struct aws_keys keys = {0};
	time_t soon = time(NULL) + 120; /* within the five minutes */
	char expiration[32];

	strftime(expiration, sizeof(expiration), "%Y-%m-%dT%H:%M:%SZ", gmtime(&soon));
	start(&service, answer_sts);
	setenv("AWS_ENDPOINT_URL_STS", service.server.url, 1);
	write_profiles("", "[default]\naws_access_key_id=AKIA\naws_secret_access_key=b\n");
	assert_int_equal(aws_credentials_source_new(&crowd.source,
				 &(struct aws_credentials_settings){.role_arn = "arn:r"}, &err),
		0);
	/* Many ask, one fetches. */
	pthread_barrier_init(&crowd.barrier, NULL, ARRAY_SIZE(threads));
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_create(&threads[i], NULL, get_keys, &crowd);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	pthread_barrier_destroy(&crowd.barrier);
	assert_int_equal(service.keys, 1);
	assert_key(crowd.source, "ASIA1");
	/* Told that they are bad: fetched anew, now some that end soon. */
	service.expiration = expiration;
	aws_credentials_expire(crowd.source);
	assert_key(crowd.source, "ASIA2");
	assert_key(crowd.source, "ASIA3");
	/* Renewing fails: the old ones are still good. */
	service.status = 400;
	assert_key(crowd.source, "ASIA3");
	unsigned requests = atomic_load(&service.server.requests);
	assert_key(crowd.source, "ASIA3"); /* without asking each time */
	assert_int_equal(atomic_load(&service.server.requests), requests);
	aws_credentials_expire(crowd.source);
	assert_int_equal(aws_credentials_get(crowd.source, &keys, &err), -1);
	assert_says(err.message, "AccessDenied");
	aws_credentials_source_free(crowd.source);
	test_server_stop(&service.server);
}

/* A service that stops taking keys: the client has new ones made and goes on. */
static void answer_expired(
	void *context, const struct test_request *request, struct test_reply *reply)
{
	if (memmem(request->head.p, request->head.n, "Credential=ASIA1/", 17))
		test_reply_set(reply, 400, "", "{\"__type\":\"ExpiredTokenException\"}");
	else
		test_reply_set(reply, 200, "", "{}");
}

static void clients_renew(void **state)
{
	struct service sts = {0}, logs = {0};
	struct aws_credentials_source *source = NULL;
	struct aws_client *client = NULL;
	struct aws_answer answer;
	struct err err = ERR_INIT;
	const struct aws_call call = {.service = "logs", .body = STR("{}")};

	start(&sts, answer_sts);
	start(&logs, answer_expired);
	const struct aws_credentials_settings settings = {.access_key_id = "AKIA",
		.secret_access_key = "s",
		.role_arn = "arn:r",
		.sts_endpoint = sts.server.url};
	assert_int_equal(aws_credentials_source_new(&source, &settings, &err), 0);
	const struct aws_client_settings of_client = {
		.credentials = source, .endpoint = logs.server.url};
	assert_int_equal(aws_client_new(&client, &of_client, &err), 0);
	if (aws_client_call(client, &call, &answer, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(sts.keys, 2);
	assert_int_equal(atomic_load(&logs.server.requests), 2);
	aws_answer_done(&answer);
	aws_client_free(client);
	aws_credentials_source_free(source);
	test_server_stop(&sts.server);
	test_server_stop(&logs.server);
}

static void *stop_soon(void *context)
{
	usleep(100000);
	aws_client_stop(context);
	return NULL;
}

/* Whoever waits for keys is stopped too. */
static void stop_while_fetching(void **state)
{
	struct aws_credentials_source *source = NULL;
	struct aws_client *client = NULL;
	struct aws_answer answer;
	struct err err = ERR_INIT;
	pthread_t thread;
	const struct aws_call call = {.service = "logs", .body = STR("{}")};

	write_profiles("[default]\ncredential_process = exec sleep 20\n", "");
	assert_int_equal(aws_credentials_source_new(&source, &usual, &err), 0);
	const struct aws_client_settings settings = {
		.credentials = source, .endpoint = "http://127.0.0.1:9"};
	assert_int_equal(aws_client_new(&client, &settings, &err), 0);
	int64_t before = clock_mono_ns();
	pthread_create(&thread, NULL, stop_soon, client);
	assert_int_equal(aws_client_call(client, &call, &answer, &err), -1);
	assert_in_range((clock_mono_ns() - before) / 1000000, 90, 1500);
	assert_says(err.message, "stopped");
	pthread_join(thread, NULL);
	aws_answer_done(&answer);
	aws_client_free(client);
	aws_credentials_source_free(source);
}

/* ---- what profiles say to clients ---- */

static void answer_region(
	void *context, const struct test_request *request, struct test_reply *reply)
{
	note(context, request);
	test_reply_set(reply, 200, "", "{}");
}

static void endpoints_of_profiles(void **state)
{
	struct service service = {0};
	struct aws_credentials_source *source = NULL;
	struct aws_client *client = NULL;
	struct aws_answer answer;
	struct err err = ERR_INIT;
	const struct aws_call call = {.service = "logs", .body = STR("{}")};

	start(&service, answer_region);
	_cleanup_free_ char *config = mem_printf(
		"[default]\nregion = sa-east-1\nservices = mine\nendpoint_url = http://127.0.0.1:9\n"
		"[services mine]\ncloudwatch_logs =\n  endpoint_url = %s/below/\n",
		service.server.url);
	write_profiles(config, "[default]\naws_access_key_id=AKIA\naws_secret_access_key=b\n");
	assert_int_equal(aws_credentials_source_new(&source, &usual, &err), 0);
	assert_int_equal(
		aws_client_new(&client, &(struct aws_client_settings){.credentials = source}, &err),
		0);
	assert_string_equal(aws_client_region(client), "sa-east-1");
	if (aws_client_call(client, &call, &answer, &err) < 0)
		fail_msg("%s", err.message);
	assert_says(service.authorization, "/sa-east-1/logs/");
	assert_string_equal(service.paths, "/below/\n");
	aws_answer_done(&answer);
	aws_client_free(client);
	aws_credentials_source_free(source);
	test_server_stop(&service.server);
}

static int make_folder(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/nagare-credentials-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	static const char *const names[] = {"config", "credentials", "token"};
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

#define TEST(function) cmocka_unit_test_setup(function, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(given_keys),
		TEST(environment),
		TEST(profile_files),
		TEST(bad_profile_files),
		TEST(nothing_anywhere),
		TEST(processes),
		TEST(refused),
		TEST(roles),
		TEST(web_identity),
		TEST(containers),
		TEST(instances),
		TEST(renewal),
		TEST(clients_renew),
		TEST(stop_while_fetching),
		TEST(endpoints_of_profiles),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
