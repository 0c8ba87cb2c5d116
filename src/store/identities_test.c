#include "store/identities_edit.h"

#include "aws/arn.h"
#include "base/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define ALLOW(action)                                                                              \
	"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"" action     \
	"\",\"Resource\":\"*\"}}"
#define DENY(action)                                                                                          \
	"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"No\",\"Effect\":\"Deny\",\"Action\":\"" action \
	"\",\"Resource\":\"*\"}]}"

struct fixture {
	char folder[64], path[96];
	struct store_database *database;
	struct store_identities *identities;
};

static void open_all(struct fixture *fixture)
{
	struct err err = ERR_INIT;

	if (store_database_open(&fixture->database, fixture->path, &err) < 0 ||
		store_identities_open(
			&fixture->identities, fixture->database, STR("123456789012"), &err) < 0)
		fail_msg("%s", err.message);
}

static void close_all(struct fixture *fixture)
{
	store_identities_close(fixture->identities);
	store_database_close(fixture->database);
	fixture->identities = NULL;
	fixture->database = NULL;
}

static int setup(void **state)
{
	struct fixture *fixture = mem_new(1, sizeof(*fixture));

	snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/nagare-identities-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	snprintf(fixture->path, sizeof(fixture->path), "%s/a.db", fixture->folder);
	open_all(fixture);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	char command[96];

	close_all(fixture);
	snprintf(command, sizeof(command), "rm -rf %s", fixture->folder);
	free(take(*state));
	return system(command);
}

static struct store_edit *begin(struct fixture *fixture)
{
	struct store_edit *edit = NULL;
	struct err err = ERR_INIT;

	if (store_edit_begin(fixture->identities, true, &edit, &err) < 0)
		fail_msg("%s", err.message);
	return edit;
}

static void end(struct store_edit *edit)
{
	struct err err = ERR_INIT;

	if (store_edit_commit(edit, &err) < 0)
		fail_msg("%s", err.message);
	store_edit_end(edit);
}

static struct store_entity add(
	struct store_edit *edit, enum store_entity_kind kind, const char *name, const char *path)
{
	struct store_entity entity = {.kind = kind, .name = str_from(name), .path = str_from(path)};
	struct err err = ERR_INIT;

	if (store_entity_add(edit, &entity, &err) != 0)
		fail_msg("%s: %s", name, err.message);
	return entity;
}

/* A copy that outlives the edit. */
static struct str keep(struct str text, char *target, size_t size)
{
	snprintf(target, size, "%.*s", STR_ARG(text));
	return str_from(target);
}

static enum aws_decision may(struct fixture *fixture, struct str key, const char *action)
{
	_cleanup_(store_caller_unrefp) struct store_caller *caller =
		store_caller_find(fixture->identities, key);
	struct aws_policy_result result;

	assert_non_null(caller);
	const struct aws_policy_set set = {.identity = caller->policies,
		.identity_count = caller->policy_count,
		.boundary = caller->boundary,
		.session = caller->session_policy};
	const struct aws_policy_request request = {.principal = caller->principal,
		.action = str_from(action),
		.resource = STR("arn:aws:s3:::flows/a"),
		.context = caller->tags,
		.context_count = caller->tag_count};
	aws_policy_evaluate(&set, &request, &result);
	return result.decision;
}

static void the_root_key_is_made_once_and_may_do_everything(void **state)
{
	struct fixture *fixture = *state;
	struct str key, secret;
	char key_copy[64], secret_copy[64];

	store_identities_root_key(fixture->identities, &key, &secret);
	assert_int_equal(key.n, 20);
	assert_true(str_starts_with(key, STR("AKIA")));
	assert_int_equal(strspn(key.p + 4, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), 16);
	assert_int_equal(secret.n, 40);
	keep(key, key_copy, sizeof(key_copy));
	keep(secret, secret_copy, sizeof(secret_copy));
	close_all(fixture);
	open_all(fixture);
	store_identities_root_key(fixture->identities, &key, &secret);
	assert_string_equal(key.p, key_copy);
	assert_string_equal(secret.p, secret_copy);

	_cleanup_(store_caller_unrefp) struct store_caller *caller =
		store_caller_find(fixture->identities, key);
	assert_non_null(caller);
	assert_true(caller->is_root && caller->is_active);
	assert_true(str_equal(caller->secret, secret));
	assert_true(str_equal(caller->user_id, STR("123456789012")));
	assert_true(str_equal(caller->principal.arn, STR("arn:aws:iam::123456789012:root")));
	assert_true(str_equal(
		aws_canonical_account(caller->principal.canonical_id), STR("123456789012")));
	assert_int_equal(caller->expires_ms, 0);
	assert_int_equal(may(fixture, key, "iam:CreateUser"), AWS_DECISION_ALLOW);
	assert_null(store_caller_find(fixture->identities, STR("AKIAIOSFODNN7EXAMPLE")));
	assert_null(store_caller_find(fixture->identities, STR("")));
}

static void data_of_another_account_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct store_identities *other = NULL;
	struct err err = ERR_INIT;

	assert_true(
		store_identities_open(&other, fixture->database, STR("999999999999"), &err) < 0);
	assert_non_null(strstr(err.message, "123456789012"));
	assert_true(store_identities_open(&other, fixture->database, STR("12345"), &err) < 0);
	assert_null(other);
}

static void the_profile_is_a_file_that_only_its_owner_reads(void **state)
{
	struct fixture *fixture = *state;
	struct str key, secret;
	char path[96], text[512] = "", expected[512];
	struct stat first, second;

	snprintf(path, sizeof(path), "%s/credentials", fixture->folder);
	for (int i = 0; i < 2; i++)
		assert_int_equal(store_identities_write_profile(fixture->identities, path,
					 STR("eu-west-1"), STR("http://127.0.0.1:4588"), NULL),
			0);
	assert_int_equal(stat(path, &first), 0);
	assert_int_equal(first.st_mode & 0777, 0600);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	store_identities_root_key(fixture->identities, &key, &secret);
	snprintf(expected, sizeof(expected),
		"[nagare]\naws_access_key_id = %s\naws_secret_access_key = %s\n"
		"region = eu-west-1\nendpoint_url = http://127.0.0.1:4588\n",
		key.p, secret.p);
	assert_string_equal(text, expected);
	assert_int_equal(store_identities_write_profile(fixture->identities, path, STR("eu-west-1"),
				 STR("http://127.0.0.1:5000"), NULL),
		0);
	assert_int_equal(stat(path, &second), 0);
	assert_int_not_equal(first.st_ino, second.st_ino);
}

static void a_user_may_what_its_policies_say_from_the_next_request_on(void **state)
{
	struct fixture *fixture = *state;
	char key_text[64];
	struct err err = ERR_INIT;

	struct store_edit *edit = begin(fixture);
	struct store_entity user = add(edit, STORE_USER, "Ada", "/staff/");
	assert_string_equal(user.arn.p, "arn:aws:iam::123456789012:user/staff/Ada");
	assert_true(user.id.n == 21 && str_starts_with(user.id, STR("AIDA")));
	struct store_key key = {.owner = user.id};
	assert_int_equal(store_key_add(edit, &key, &err), 0);
	struct str id = keep(key.access_key_id, key_text, sizeof(key_text));
	end(edit);
	assert_int_equal(may(fixture, id, "s3:GetObject"), AWS_DECISION_DENY);

	edit = begin(fixture);
	assert_int_equal(store_entity_find(edit, STORE_USER, STR("aDA"), &user, &err), 0);
	store_document_put(edit, user.id, STR("read"), STR(ALLOW("s3:Get*")), &err);
	end(edit);
	assert_int_equal(may(fixture, id, "s3:GetObject"), AWS_DECISION_ALLOW);
	_cleanup_(store_caller_unrefp) struct store_caller *before =
		store_caller_find(fixture->identities, id);
	assert_string_equal(before->user_name.p, "Ada");

	edit = begin(fixture);
	assert_int_equal(store_entity_find(edit, STORE_USER, STR("Ada"), &user, &err), 0);
	struct store_entity group = add(edit, STORE_GROUP, "readers", "/");
	store_link_add(edit, STORE_LINK_MEMBER, group.id, user.id, &err);
	store_document_put(edit, group.id, STR("no"), STR(DENY("s3:GetObject")), &err);
	store_link_add(edit, STORE_LINK_ATTACHED, group.id,
		STR("arn:aws:iam::aws:policy/CloudWatchLogsReadOnlyAccess"), &err);
	end(edit);
	assert_int_equal(may(fixture, id, "s3:GetObject"), AWS_DECISION_EXPLICIT_DENY);
	assert_int_equal(may(fixture, id, "logs:FilterLogEvents"), AWS_DECISION_ALLOW);
	assert_int_equal(before->policy_count, 1); /* of the request that began before */

	edit = begin(fixture);
	assert_int_equal(store_key_set_active(edit, id, false, &err), 0);
	end(edit);
	struct store_caller *caller = store_caller_find(fixture->identities, id);
	assert_false(caller->is_active);
	store_caller_unref(caller);

	edit = begin(fixture);
	assert_int_equal(store_entity_find(edit, STORE_USER, STR("Ada"), &user, &err), 0);
	assert_int_equal(store_entity_remove(edit, user.id, &err), 0);
	end(edit);
	assert_null(store_caller_find(fixture->identities, id));
}

static void an_edit_that_is_not_committed_changes_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct store_entity entity;

	struct store_edit *edit = begin(fixture);
	add(edit, STORE_USER, "ada", "/");
	store_edit_end(edit);
	edit = begin(fixture);
	assert_int_equal(
		store_entity_find(edit, STORE_USER, STR("ada"), &entity, NULL), STORE_EDIT_NONE);
	end(edit);
}

static void a_policy_counts_by_its_default_version_and_a_boundary_limits(void **state)
{
	struct fixture *fixture = *state;
	char key_text[64];
	struct err err = ERR_INIT;

	struct store_edit *edit = begin(fixture);
	struct store_entity user = add(edit, STORE_USER, "u", "/");
	struct store_entity policy = {.kind = STORE_POLICY,
		.name = STR("deliver"),
		.path = STR("/a/"),
		.version = 2,
		.versions = 2};
	assert_int_equal(store_entity_add(edit, &policy, &err), 0);
	store_document_put(edit, policy.id, STR("v1"), STR(ALLOW("s3:GetObject")), &err);
	store_document_put(edit, policy.id, STR("v2"), STR(ALLOW("s3:*")), &err);
	store_link_add(edit, STORE_LINK_ATTACHED, user.id, policy.arn, &err);
	struct store_key key = {.owner = user.id};
	store_key_add(edit, &key, &err);
	struct str id = keep(key.access_key_id, key_text, sizeof(key_text));
	end(edit);
	assert_int_equal(may(fixture, id, "s3:PutObject"), AWS_DECISION_ALLOW);

	edit = begin(fixture);
	store_entity_find(edit, STORE_USER, STR("u"), &user, &err);
	user.boundary = STR("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess");
	assert_int_equal(store_entity_update(edit, &user, &err), 0);
	end(edit);
	assert_int_equal(may(fixture, id, "s3:PutObject"), AWS_DECISION_DENY);
	assert_int_equal(may(fixture, id, "s3:GetObject"), AWS_DECISION_ALLOW);

	edit = begin(fixture);
	assert_int_equal(store_entity_find_policy(edit,
				 STR("arn:aws:iam::123456789012:policy/deliver"), &policy, &err),
		STORE_EDIT_NONE); /* not its path */
	assert_int_equal(store_entity_find_policy(edit,
				 STR("arn:aws:iam::123456789012:policy/a/deliver"), &policy, &err),
		0);
	policy.version = 1;
	assert_int_equal(store_entity_update(edit, &policy, &err), 0);
	store_entity_find(edit, STORE_USER, STR("u"), &user, &err);
	user.boundary = STR_NONE;
	store_entity_update(edit, &user, &err);
	end(edit);
	assert_int_equal(may(fixture, id, "s3:PutObject"), AWS_DECISION_DENY);
}

static struct store_session new_session(
	struct store_edit *edit, struct str role, int64_t expires_ms, char *key_text)
{
	const struct store_tag tags[] = {{STR("team"), STR("net")}};
	const struct str arns[] = {STR("arn:aws:iam::aws:policy/CloudWatchLogsFullAccess")};
	struct err err = ERR_INIT;
	struct store_session session = {.owner = role,
		.name = STR("sess"),
		.policy = STR(ALLOW("s3:GetObject")),
		.policy_arns = arns,
		.policy_arn_count = 1,
		.tags = tags,
		.tag_count = 1,
		.created_ms = clock_wall_ns() / 1000000,
		.expires_ms = expires_ms};

	if (store_session_add(edit, &session, &err) < 0)
		fail_msg("%s", err.message);
	keep(session.access_key_id, key_text, 64);
	return session;
}

static void a_session_has_the_role_and_its_own_limits_and_outlives_a_restart(void **state)
{
	struct fixture *fixture = *state;
	char live[64], over[64], forgotten[64], token[512];
	int64_t now = clock_wall_ns() / 1000000;
	struct err err = ERR_INIT;

	struct store_edit *edit = begin(fixture);
	struct store_entity role = add(edit, STORE_ROLE, "r", "/p/");
	store_document_put(edit, role.id, STR("all"), STR(ALLOW("*")), &err);
	store_tag_put(edit, role.id, STR("TEAM"), STR("role"), &err);
	store_tag_put(edit, role.id, STR("site"), STR("x"), &err);
	new_session(edit, role.id, now - INT64_C(90000000), forgotten);
	new_session(edit, role.id, now - 1000, over);
	struct store_session session = new_session(edit, role.id, now + 3600000, live);
	keep(session.token, token, sizeof(token));
	end(edit);
	close_all(fixture);
	open_all(fixture);

	_cleanup_(store_caller_unrefp) struct store_caller *caller =
		store_caller_find(fixture->identities, str_from(live));
	assert_non_null(caller);
	assert_true(str_starts_with(caller->access_key_id, STR("ASIA")));
	assert_string_equal(caller->session_token.p, token);
	assert_int_equal(caller->expires_ms, now + 3600000);
	assert_string_equal(
		caller->principal.arn.p, "arn:aws:sts::123456789012:assumed-role/r/sess");
	assert_string_equal(caller->principal.role_arn.p, "arn:aws:iam::123456789012:role/p/r");
	assert_true(str_ends_with(caller->user_id, STR(":sess")));
	assert_true(str_starts_with(caller->user_id, STR("AROA")));
	assert_string_equal(caller->tags[0].name.p, "aws:PrincipalTag/team");
	assert_true(str_equal(caller->tags[0].values[0], STR("net")));
	assert_int_equal(may(fixture, str_from(live), "s3:GetObject"), AWS_DECISION_ALLOW);
	assert_int_equal(may(fixture, str_from(live), "logs:PutLogEvents"), AWS_DECISION_ALLOW);
	assert_int_equal(may(fixture, str_from(live), "s3:PutObject"), AWS_DECISION_DENY);

	_cleanup_(store_caller_unrefp) struct store_caller *expired =
		store_caller_find(fixture->identities, str_from(over));
	assert_non_null(expired);
	assert_true(expired->expires_ms < now);
	assert_null(store_caller_find(fixture->identities, str_from(forgotten)));

	edit = begin(fixture);
	store_entity_find(edit, STORE_ROLE, STR("r"), &role, &err);
	store_entity_remove(edit, role.id, &err);
	end(edit);
	assert_null(store_caller_find(fixture->identities, str_from(live)));
}

static void a_session_of_root_cannot_call_iam(void **state)
{
	struct fixture *fixture = *state;
	int64_t now = clock_wall_ns() / 1000000;
	struct store_session session = {
		.owner = STR(""), .name = STR(""), .created_ms = now, .expires_ms = now + 900000};
	char key_text[64];

	struct store_edit *edit = begin(fixture);
	assert_int_equal(store_session_add(edit, &session, NULL), 0);
	struct str id = keep(session.access_key_id, key_text, sizeof(key_text));
	end(edit);
	assert_int_equal(may(fixture, id, "s3:PutObject"), AWS_DECISION_ALLOW);
	assert_int_equal(may(fixture, id, "sts:AssumeRole"), AWS_DECISION_ALLOW);
	assert_int_equal(may(fixture, id, "iam:CreateUser"), AWS_DECISION_EXPLICIT_DENY);
	assert_int_equal(may(fixture, id, "sts:GetSessionToken"), AWS_DECISION_EXPLICIT_DENY);
}

static void names_are_unique_whatever_their_case_and_listed_in_order(void **state)
{
	struct fixture *fixture = *state;
	struct store_entity *list;
	size_t count;
	struct err err = ERR_INIT;

	struct store_edit *edit = begin(fixture);
	add(edit, STORE_USER, "beta", "/x/");
	add(edit, STORE_USER, "Alpha", "/x_y/");
	add(edit, STORE_USER, "gamma", "/x/z/");
	add(edit, STORE_GROUP, "beta", "/");
	struct store_entity twin = {.kind = STORE_USER, .name = STR("BETA"), .path = STR("/")};
	assert_int_equal(store_entity_add(edit, &twin, &err), STORE_EDIT_EXISTS);
	assert_int_equal(
		store_entity_list(edit, STORE_USER, STR("/"), STR(""), 100, &list, &count, &err),
		0);
	assert_int_equal(count, 3);
	assert_string_equal(list[0].name.p, "Alpha");
	assert_string_equal(list[2].name.p, "gamma");
	assert_int_equal(store_entity_list(edit, STORE_USER, STR("/x/"), STR("ALPHA"), 100, &list,
				 &count, &err),
		0);
	assert_int_equal(count, 2);
	assert_string_equal(list[0].name.p, "beta");
	/* '_' is no wildcard */
	store_entity_list(edit, STORE_USER, STR("/x_"), STR(""), 100, &list, &count, &err);
	assert_int_equal(count, 1);
	store_entity_list(edit, STORE_USER, STR("/X/"), STR(""), 100, &list, &count, &err);
	assert_int_equal(count, 0); /* case matters in paths */
	store_entity_list(edit, STORE_USER, STR("/"), STR("alpha"), 1, &list, &count, &err);
	assert_int_equal(count, 1);
	/* a new name keeps what hangs on the id */
	struct store_entity user = list[0];
	store_tag_put(edit, user.id, STR("Team"), STR("a"), &err);
	store_tag_put(edit, user.id, STR("team"), STR("b"), &err);
	user.name = STR("delta");
	assert_int_equal(store_entity_update(edit, &user, &err), 0);
	assert_string_equal(user.arn.p, "arn:aws:iam::123456789012:user/x/delta");
	struct store_tag *tags;
	assert_int_equal(store_tag_list(edit, user.id, &tags, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_string_equal(tags[0].value.p, "b");
	user.name = STR("ALPHA");
	assert_int_equal(store_entity_update(edit, &user, &err), STORE_EDIT_EXISTS);
	end(edit);
}

static void policies_of_aws_are_found_and_in_order(void **state)
{
	struct fixture *fixture = *state;
	struct store_entity policy, before = {.name = STR("")};
	struct store_document document;
	struct err err = ERR_INIT;

	struct store_edit *edit = begin(fixture);
	for (size_t i = 0; i < store_managed_count(); i++) {
		store_managed_entity(edit, i, &policy);
		assert_true(strcasecmp(before.name.p, policy.name.p) < 0);
		assert_int_equal(policy.id.n, 21);
		struct store_entity found;
		assert_int_equal(store_entity_find_policy(edit, policy.arn, &found, &err), 0);
		assert_true(found.is_aws && str_equal(found.id, policy.id));
		assert_int_equal(
			store_document_get(edit, policy.id, STR("v1"), &document, &err), 0);
		assert_true(document.text.n <= 6144);
		before = policy;
	}
	assert_int_equal(store_entity_find_policy(edit,
				 STR("arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole"),
				 &policy, &err),
		0);
	assert_int_equal(store_entity_find_policy(edit,
				 STR("arn:aws:iam::aws:policy/AWSGlueServiceRole"), &policy, &err),
		STORE_EDIT_NONE);
	end(edit);
}

static void when_a_key_was_used_is_known_after_a_restart(void **state)
{
	struct fixture *fixture = *state;
	struct str root, secret;
	struct store_key key;
	char text[64];

	store_identities_root_key(fixture->identities, &root, &secret);
	root = keep(root, text, sizeof(text));
	struct store_caller *caller = store_caller_find(fixture->identities, root);
	int64_t before = clock_wall_ns() / 1000000;
	store_caller_used(fixture->identities, caller, STR("s3"), STR("eu-west-1"));
	store_caller_unref(caller);
	for (int i = 0; i < 2; i++) {
		struct store_edit *edit = begin(fixture);
		assert_int_equal(store_key_get(edit, root, &key, NULL), 0);
		assert_true(key.used_ms >= before);
		assert_string_equal(key.used_service.p, "s3");
		assert_string_equal(key.used_region.p, "eu-west-1");
		end(edit);
		close_all(fixture);
		open_all(fixture);
	}
}

struct race {
	struct fixture *fixture;
	struct str key;
	atomic_uint committed; /* how many policies a request must see at least */
	atomic_bool stop;
};

static void *look(void *argument)
{
	struct race *race = argument;
	uintptr_t stale = 0;

	while (!atomic_load(&race->stop)) {
		unsigned expected = atomic_load(&race->committed);
		struct store_caller *caller =
			store_caller_find(race->fixture->identities, race->key);
		if (!caller || caller->policy_count < expected)
			stale++;
		store_caller_unref(caller);
	}
	return (void *)stale;
}

static void threads_that_look_see_every_change_that_was_committed(void **state)
{
	struct fixture *fixture = *state;
	struct race race = {.fixture = fixture};
	char key_text[64], name[16];
	pthread_t threads[4];

	struct store_edit *edit = begin(fixture);
	struct store_entity user = add(edit, STORE_USER, "u", "/");
	struct store_key key = {.owner = user.id};
	store_key_add(edit, &key, NULL);
	race.key = keep(key.access_key_id, key_text, sizeof(key_text));
	end(edit);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look, &race), 0);
	for (unsigned i = 1; i <= 40; i++) {
		edit = begin(fixture);
		store_entity_find(edit, STORE_USER, STR("u"), &user, NULL);
		snprintf(name, sizeof(name), "p%u", i);
		store_document_put(edit, user.id, str_from(name), STR(ALLOW("s3:*")), NULL);
		end(edit);
		atomic_store(&race.committed, i);
	}
	atomic_store(&race.stop, true);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		void *stale;
		pthread_join(threads[i], &stale);
		assert_null(stale);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

/* A database of before there were source identities and transitive tags. */
static void older_sessions_are_taken_over(void **state)
{
	struct fixture *fixture = *state;
	char command[512];

	close_all(fixture);
	snprintf(command, sizeof(command),
		"sqlite3 %s \"ALTER TABLE identity_session DROP COLUMN source_identity; ALTER TABLE"
		" identity_session DROP COLUMN transitive_keys; INSERT INTO identity_session VALUES"
		" ('ASIAOLD', '', '', 'secret', 'token', '', 1, 9000000000000)\"",
		fixture->path);
	assert_int_equal(system(command), 0);
	open_all(fixture);
	_cleanup_(store_caller_unrefp) struct store_caller *caller =
		store_caller_find(fixture->identities, STR("ASIAOLD"));
	assert_non_null(caller);
	assert_true(str_equal(caller->session_token, STR("token")));
	assert_int_equal(caller->source_identity.n, 0);
	assert_int_equal(caller->transitive_keys.n, 0);
	close_all(fixture);
	open_all(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_root_key_is_made_once_and_may_do_everything),
		TEST(data_of_another_account_is_refused),
		TEST(the_profile_is_a_file_that_only_its_owner_reads),
		TEST(a_user_may_what_its_policies_say_from_the_next_request_on),
		TEST(an_edit_that_is_not_committed_changes_nothing),
		TEST(a_policy_counts_by_its_default_version_and_a_boundary_limits),
		TEST(a_session_has_the_role_and_its_own_limits_and_outlives_a_restart),
		TEST(a_session_of_root_cannot_call_iam),
		TEST(names_are_unique_whatever_their_case_and_listed_in_order),
		TEST(policies_of_aws_are_found_and_in_order),
		TEST(when_a_key_was_used_is_known_after_a_restart),
		TEST(threads_that_look_see_every_change_that_was_committed),
		TEST(older_sessions_are_taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
