/* A caller read from the tables: the key or session, whose it is, and every policy that concerns
 * that principal, parsed. A stored document that does not parse (it was checked when it came, so
 * the database was edited) makes the caller unknown rather than more powerful. */
#include "store/identities_priv.h"

#include "aws/time.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

/* What is being read. */
struct loading {
	struct store_identities *identities;
	struct store_connection *reader;
	struct caller *caller;
	struct str owner; /* entity id, empty: root */
	struct str session_name, session_policy;
	int64_t issued_ms; /* of a session; 0: a lasting key */
	const struct aws_policy **policies;
	size_t policy_count, policy_room;
	struct aws_context_key *tags;
	size_t tag_count, tag_room;
	struct err *err;
};

void caller_free(struct caller *caller)
{
	if (!caller)
		return;
	for (size_t i = 0; i < caller->owned_count; i++)
		aws_policy_free(caller->owned[i]);
	free(caller->owned);
	free((void *)caller->public.policies);
	free((void *)caller->public.tags);
	store_arena_done(&caller->arena);
	free(caller);
}
MEM_DEFINE_CLEANUP(struct caller, caller_free)

static struct str keep(struct loading *loading, struct str text)
{
	return store_arena_str(&loading->caller->arena, text);
}

static int parse(struct loading *loading, struct str text, struct aws_policy **ret_policy)
{
	struct caller *caller = loading->caller;

	caller->owned = mem_grow(caller->owned, caller->owned_count + 1, sizeof(*caller->owned));
	if (aws_policy_parse(&caller->owned[caller->owned_count], text, AWS_POLICY_IDENTITY,
		    loading->err) < 0)
		return -1;
	*ret_policy = caller->owned[caller->owned_count++];
	return 0;
}

static void add_policy(struct loading *loading, const struct aws_policy *policy)
{
	if (loading->policy_count == loading->policy_room) {
		loading->policy_room = loading->policy_room ? loading->policy_room * 2 : 8;
		loading->policies = mem_grow(
			loading->policies, loading->policy_room, sizeof(*loading->policies));
	}
	loading->policies[loading->policy_count++] = policy;
}

static void add_tag(struct loading *loading, struct str name, struct str value)
{
	struct str *values = store_arena_take(&loading->caller->arena, sizeof(*values));

	*values = value;
	if (loading->tag_count == loading->tag_room) {
		loading->tag_room = loading->tag_room ? loading->tag_room * 2 : 8;
		loading->tags = mem_grow(loading->tags, loading->tag_room, sizeof(*loading->tags));
	}
	loading->tags[loading->tag_count++] =
		(struct aws_context_key){.name = name, .values = values, .value_count = 1};
}

/* Each text of the first column of the statement, bound with one id, is an identity policy. */
static int add_documents(struct loading *loading, const char *sql, struct str id)
{
	sqlite3_stmt *statement;
	int result;

	if (store_statement(loading->reader, sql, &statement, loading->err) < 0)
		return -1;
	store_bind_str(statement, 1, id);
	while ((result = store_step(statement, loading->err)) > 0) {
		struct aws_policy *policy;
		if (parse(loading, store_column_str(statement, 0), &policy) < 0)
			return -1;
		add_policy(loading, policy);
	}
	return result;
}

/* The default version of a customer's policy by ARN; STR_NONE when there is none. */
static int customer_document(struct loading *loading, struct str arn, struct str *ret_text)
{
	sqlite3_stmt *statement;
	size_t slash = arn.n;

	while (slash > 0 && arn.p[slash - 1] != '/')
		slash--;
	if (store_statement(loading->reader,
		    "SELECT d.text FROM identity_entity e JOIN identity_document d"
		    " ON d.owner = e.id AND d.name = 'v' || e.version"
		    " WHERE e.kind = ? AND e.name_key = lower(?)",
		    &statement, loading->err) < 0)
		return -1;
	store_bind_i64(statement, 1, STORE_POLICY);
	store_bind_str(statement, 2, (struct str){arn.p + slash, arn.n - slash});
	int result = store_step(statement, loading->err);
	if (result < 0)
		return -1;
	*ret_text = result > 0 ? keep(loading, store_column_str(statement, 0)) : STR_NONE;
	return 0;
}

static int managed_policy(
	struct loading *loading, struct str arn, const struct aws_policy **ret_policy)
{
	struct aws_policy *policy = NULL;
	struct str text;
	size_t index;

	*ret_policy = NULL;
	if (managed_find(arn, &index)) {
		*ret_policy = loading->identities->managed[index];
		return 0;
	}
	if (customer_document(loading, arn, &text) < 0)
		return -1;
	if (text.p && parse(loading, text, &policy) < 0)
		return -1;
	*ret_policy = policy;
	return 0;
}

/* The ARNs first, because the statement that finds a policy's text is another one. */
static int linked_arns(struct loading *loading, const char *sql, struct str id,
	struct str **ret_arns, size_t *ret_count)
{
	struct str *arns = NULL;
	size_t count = 0, room = 0;
	sqlite3_stmt *statement;
	int result;

	if (store_statement(loading->reader, sql, &statement, loading->err) < 0)
		return -1;
	store_bind_str(statement, 1, id);
	while ((result = store_step(statement, loading->err)) > 0) {
		if (count == room) {
			room = room ? room * 2 : 8;
			arns = mem_grow(arns, room, sizeof(*arns));
		}
		arns[count++] = keep(loading, store_column_str(statement, 0));
	}
	if (result < 0) {
		free(arns);
		return -1;
	}
	*ret_arns = arns;
	*ret_count = count;
	return 0;
}

static int add_attached(struct loading *loading, const char *sql, struct str id)
{
	_cleanup_free_ struct str *arns = NULL;
	size_t count;

	if (linked_arns(loading, sql, id, &arns, &count) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct aws_policy *policy;
		if (managed_policy(loading, arns[i], &policy) < 0)
			return -1;
		if (policy)
			add_policy(loading, policy);
	}
	return 0;
}

/* Of the entity and, for a user, of the groups. */
static int add_identity_policies(struct loading *loading)
{
	return add_documents(loading,
		       "SELECT text FROM identity_document WHERE owner = ?1 OR owner IN"
		       " (SELECT start FROM identity_link WHERE link = 0 AND target = ?1)",
		       loading->owner) < 0 ||
			       add_attached(loading,
				       "SELECT target FROM identity_link WHERE link = 2 AND"
				       " (start = ?1 OR start IN"
				       " (SELECT start FROM identity_link"
				       "  WHERE link = 0 AND target = ?1))",
				       loading->owner) < 0
		       ? -1
		       : 0;
}
static_assert(STORE_LINK_MEMBER == 0 && STORE_LINK_ATTACHED == 2 && STORE_LINK_SESSION == 3,
	"the statements have the numbers");

/* Session tags come first: the first of a name is what a policy sees. */
static int add_tags(struct loading *loading, struct str owner)
{
	struct store_arena *arena = &loading->caller->arena;
	sqlite3_stmt *statement;
	int result;

	if (store_statement(loading->reader, "SELECT key, value FROM identity_tag WHERE owner = ?",
		    &statement, loading->err) < 0)
		return -1;
	store_bind_str(statement, 1, owner);
	while ((result = store_step(statement, loading->err)) > 0) {
		struct str key = store_column_str(statement, 0);
		add_tag(loading, store_arena_printf(arena, "aws:PrincipalTag/%.*s", STR_ARG(key)),
			keep(loading, store_column_str(statement, 1)));
	}
	return result;
}

static int append_statements(json_t *statements, struct str text)
{
	json_t *policy = json_loadb(text.p, text.n, 0, NULL);
	json_t *more = json_object_get(policy, "Statement");
	size_t n = json_is_array(more) ? json_array_size(more) : 1;

	for (size_t i = 0; more && i < n; i++) {
		json_t *statement = json_is_array(more) ? json_array_get(more, i) : more;
		json_object_del(statement, "Sid"); /* unique in one document only */
		json_array_append(statements, statement);
	}
	json_decref(policy);
	return more ? 0 : -1;
}

/* A session is limited to what any of its session policies allows: they become one document. */
static int read_session_policy(struct loading *loading, struct str limits)
{
	_cleanup_free_ struct str *arns = NULL;
	struct aws_policy *policy = NULL;
	size_t count;

	if (linked_arns(loading, "SELECT target FROM identity_link WHERE link = 3 AND start = ?",
		    loading->caller->public.access_key_id, &arns, &count) < 0)
		return -1;
	if (!count && !loading->session_policy.n && !limits.n)
		return 0;
	json_t *statements = json_array();
	bool is_whole = (!loading->session_policy.n ||
				append_statements(statements, loading->session_policy) == 0) &&
			(!limits.n || append_statements(statements, limits) == 0);
	for (size_t i = 0; is_whole && i < count; i++) {
		size_t index;
		struct str text = STR_NONE;
		if (managed_find(arns[i], &index))
			text = managed_at(index)->document;
		else if (customer_document(loading, arns[i], &text) < 0)
			is_whole = false;
		if (is_whole && text.p)
			is_whole = append_statements(statements, text) == 0;
	}
	if (is_whole && json_array_size(statements) == 0) /* the policies are gone: nothing */
		json_array_append_new(statements, json_pack("{s:s, s:s, s:s}", "Effect", "Deny",
							  "Action", "*", "Resource", "*"));
	json_t *document =
		json_pack("{s:s, s:O}", "Version", "2012-10-17", "Statement", statements);
	_cleanup_free_ char *text = json_dumps(document, JSON_COMPACT);
	json_decref(document);
	json_decref(statements);
	if (!is_whole || parse(loading, str_from(text), &policy) < 0)
		return -1;
	loading->caller->public.session_policy = policy;
	return 0;
}

/* STS: with a session of GetSessionToken (there is no MFA here) IAM cannot be called, and of STS
 * only AssumeRole and GetCallerIdentity. */
static const char session_token_limits[] =
	"{\"Version\":\"2012-10-17\",\"Statement\":["
	"{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},"
	"{\"Effect\":\"Deny\",\"Action\":[\"iam:*\",\"sts:GetSessionToken\","
	"\"sts:GetFederationToken\"],\"Resource\":\"*\"}]}";

/* Nor with one of GetFederationToken, of STS but GetCallerIdentity, which asks no policy. Without a
 * session policy such a session may nothing but what a resource's policy allows it by name. */
static const char federation_limits[] = "{\"Version\":\"2012-10-17\",\"Statement\":["
					"{\"Effect\":\"Deny\",\"Action\":[\"iam:*\",\"sts:*\"],"
					"\"Resource\":\"*\"}]}";

static bool is_federated(const struct loading *loading)
{
	return loading->session_name.n && !str_starts_with(loading->owner, STR("AROA"));
}

/* 1: found, 0: no such key. */
static int read_key(struct loading *loading, struct str access_key_id)
{
	struct store_caller *caller = &loading->caller->public;
	sqlite3_stmt *statement;

	if (store_statement(loading->reader,
		    "SELECT owner, secret, active FROM identity_key WHERE access_key_id = ?",
		    &statement, loading->err) < 0)
		return -1;
	store_bind_str(statement, 1, access_key_id);
	int result = store_step(statement, loading->err);
	if (result <= 0)
		return result;
	loading->owner = keep(loading, store_column_str(statement, 0));
	caller->secret = keep(loading, store_column_str(statement, 1));
	caller->is_active = store_column_i64(statement, 2) != 0;
	caller->session_token = caller->source_identity = caller->transitive_keys = STR("");
	return 1;
}

static int read_session(struct loading *loading, struct str access_key_id)
{
	struct store_caller *caller = &loading->caller->public;
	sqlite3_stmt *statement;

	if (store_statement(loading->reader,
		    "SELECT owner, secret, name, token, policy, created_ms, expires_ms,"
		    " source_identity, transitive_keys"
		    " FROM identity_session WHERE access_key_id = ?",
		    &statement, loading->err) < 0)
		return -1;
	store_bind_str(statement, 1, access_key_id);
	int result = store_step(statement, loading->err);
	if (result <= 0)
		return result;
	loading->owner = keep(loading, store_column_str(statement, 0));
	caller->secret = keep(loading, store_column_str(statement, 1));
	loading->session_name = keep(loading, store_column_str(statement, 2));
	caller->session_token = keep(loading, store_column_str(statement, 3));
	loading->session_policy = keep(loading, store_column_str(statement, 4));
	loading->issued_ms = store_column_i64(statement, 5);
	caller->expires_ms = store_column_i64(statement, 6);
	caller->is_active = true;
	caller->source_identity = keep(loading, store_column_str(statement, 7));
	if (caller->source_identity.n)
		add_tag(loading, STR("aws:SourceIdentity"), caller->source_identity);
	caller->transitive_keys = keep(loading, store_column_str(statement, 8));
	struct str limits = !loading->session_name.n ? str_from(session_token_limits)
			    : is_federated(loading)  ? str_from(federation_limits)
						     : STR("");
	if (read_session_policy(loading, limits) < 0 ||
		add_tags(loading, caller->access_key_id) < 0)
		return -1;
	return 1;
}

/* Of whatever the user or root may that asked for it, within the session's policy. */
static void become_federated(struct loading *loading)
{
	struct store_arena *arena = &loading->caller->arena;
	struct store_caller *caller = &loading->caller->public;
	struct str account = loading->identities->account;

	caller->user_id = store_arena_printf(
		arena, "%.*s:%.*s", STR_ARG(account), STR_ARG(loading->session_name));
	caller->user_name = STR("");
	caller->principal.arn = store_arena_printf(arena, "arn:aws:sts::%.*s:federated-user/%.*s",
		STR_ARG(account), STR_ARG(loading->session_name));
	add_tag(loading, STR("aws:PrincipalType"), STR("FederatedUser"));
}

static void become_root(struct loading *loading)
{
	struct store_caller *caller = &loading->caller->public;

	add_policy(loading, loading->identities->all);
	if (is_federated(loading)) {
		become_federated(loading);
		return;
	}

	caller->is_root = true;
	caller->user_id = loading->identities->account;
	caller->user_name = STR("");
	caller->principal.arn = store_arena_printf(&loading->caller->arena,
		"arn:aws:iam::%.*s:root", STR_ARG(loading->identities->account));
	add_tag(loading, STR("aws:PrincipalType"), STR("Account"));
}

static void become(struct loading *loading, const struct store_entity *entity)
{
	struct store_arena *arena = &loading->caller->arena;
	struct store_caller *caller = &loading->caller->public;

	if (is_federated(loading)) {
		become_federated(loading);
		return;
	}
	if (entity->kind == STORE_USER) {
		caller->user_id = entity->id;
		caller->user_name = entity->name;
		caller->principal.arn = entity->arn;
		add_tag(loading, STR("aws:PrincipalType"), STR("User"));
		return;
	}
	caller->user_id = store_arena_printf(
		arena, "%.*s:%.*s", STR_ARG(entity->id), STR_ARG(loading->session_name));
	caller->user_name = STR("");
	caller->principal.role_arn = entity->arn;
	caller->principal.arn = store_arena_printf(arena,
		"arn:aws:sts::%.*s:assumed-role/%.*s/%.*s", STR_ARG(loading->identities->account),
		STR_ARG(entity->name), STR_ARG(loading->session_name));
	add_tag(loading, STR("aws:PrincipalType"), STR("AssumedRole"));
}

/* 1, or 0 when the owner is gone. */
static int read_owner(struct loading *loading)
{
	struct store_entity entity;
	sqlite3_stmt *statement;

	if (!loading->owner.n) {
		become_root(loading);
		return 1;
	}
	if (store_statement(loading->reader,
		    "SELECT " ENTITY_COLUMNS " FROM identity_entity WHERE id = ?", &statement,
		    loading->err) < 0)
		return -1;
	store_bind_str(statement, 1, loading->owner);
	int result = store_step(statement, loading->err);
	if (result <= 0)
		return result;
	identities_entity_row(loading->identities, &loading->caller->arena, statement, &entity);
	become(loading, &entity);
	if (add_identity_policies(loading) < 0 || add_tags(loading, entity.id) < 0)
		return -1;
	if (!entity.boundary.n)
		return 1;
	if (managed_policy(loading, entity.boundary, &loading->caller->public.boundary) < 0)
		return -1;
	return loading->caller->public.boundary ? 1 : 0;
}

static int load(struct loading *loading, struct str access_key_id)
{
	struct caller *caller = loading->caller;

	caller->public.access_key_id = keep(loading, access_key_id);
	caller->public.principal.account = loading->identities->account;
	caller->public.principal.canonical_id = loading->identities->canonical_id;
	int result = read_key(loading, access_key_id);
	if (result == 0)
		result = read_session(loading, access_key_id);
	if (result <= 0)
		return result;
	if (loading->issued_ms) {
		char *time = store_arena_take(&caller->arena, AWS_TIME_STR_MAX);
		char *end = aws_time_write_iso8601(time, loading->issued_ms);
		add_tag(loading, STR("aws:TokenIssueTime"),
			(struct str){time, (size_t)(end - time)});
	}
	return read_owner(loading);
}

int caller_load(struct store_identities *identities, struct str access_key_id,
	struct caller **ret_caller, struct err *err)
{
	_cleanup_(caller_freep) struct caller *caller = mem_new(1, sizeof(*caller));
	struct loading loading = {.identities = identities, .caller = caller, .err = err};

	caller->identities = identities;
	if (store_read_begin(identities->database, &loading.reader, err) < 0)
		return -1;
	/* one moment for all statements */
	int result = store_execute(loading.reader, "BEGIN", err);
	if (result == 0) {
		result = load(&loading, access_key_id);
		store_execute(loading.reader, "COMMIT", NULL);
	}
	store_read_end(loading.reader);
	caller->public.policies = loading.policies;
	caller->public.policy_count = loading.policy_count;
	caller->public.tags = loading.tags;
	caller->public.tag_count = loading.tag_count;
	if (result < 0)
		return -1;
	*ret_caller = result > 0 ? take(caller) : NULL;
	return 0;
}
