/* What the loss of the database takes with it: of identities only the root key is kept anywhere
 * else, in the profile that the server writes. */
#include "store/identities_priv.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROFILE_BYTES_MAX = 65536 };

/* 1: there is a root key. */
static int has_root_key(struct store_database *database, struct err *err)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;

	if (store_read_begin(database, &connection, err) < 0)
		return -1;
	int result = store_statement(connection,
		"SELECT 1 FROM sqlite_schema WHERE name = 'identity_key'", &statement, err);
	if (result == 0)
		result = store_step(statement, err);
	if (result > 0)
		result = store_statement(connection,
				 "SELECT 1 FROM identity_key WHERE owner = '' AND active",
				 &statement, err) < 0
				 ? -1
				 : store_step(statement, err);
	store_read_end(connection);
	return result;
}

/* Whoever could write the profile could make himself root: it counts only if nobody else could. */
static bool is_private(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat status;

	return fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	       (status.st_uid == geteuid() || status.st_uid == 0) && !(status.st_mode & 077);
}

static bool parse_profile(struct str text, struct str *ret_key_id, struct str *ret_secret)
{
	struct str line;

	*ret_key_id = *ret_secret = STR_NONE;
	while (str_split(&text, '\n', &line)) {
		struct str name, value = line;
		if (!str_split(&value, '=', &name) || !value.p)
			continue;
		name = str_trim(name);
		if (str_equal(name, STR("aws_access_key_id")))
			*ret_key_id = str_trim(value);
		else if (str_equal(name, STR("aws_secret_access_key")))
			*ret_secret = str_trim(value);
	}
	return ret_key_id->n && ret_key_id->n <= STORE_ACCESS_KEY_MAX && ret_secret->n;
}

static int insert_root_key(
	struct store_database *database, struct str key_id, struct str secret, struct err *err)
{
	struct store_connection *writer;
	sqlite3_stmt *statement;

	if (store_write_begin(database, &writer, err) < 0)
		return -1;
	int result = store_execute(writer, identities_schema, err);
	if (result == 0)
		result = store_statement(writer,
			"INSERT INTO identity_key (access_key_id, owner, secret, active, created_ms)"
			" VALUES (?, '', ?, 1, ?)",
			&statement, err);
	if (result == 0) {
		store_bind_str(statement, 1, key_id);
		store_bind_str(statement, 2, secret);
		store_bind_i64(statement, 3, clock_wall_ns() / 1000000);
		result = store_step(statement, err);
	}
	if (result < 0) {
		store_rollback(writer);
		return -1;
	}
	return store_commit(writer, err);
}

int store_identities_restore(
	struct store_database *database, const char *profile, bool repair, struct err *err)
{
	_cleanup_buf_ struct buf text = {0};
	struct str key_id, secret;
	int has_key = has_root_key(database, err);

	if (has_key < 0)
		return -1;
	if (has_key)
		return STORE_ROOT_KEY_THERE;
	if (!is_private(profile) || file_read(profile, PROFILE_BYTES_MAX, &text, NULL) < 0 ||
		!parse_profile(buf_str(&text), &key_id, &secret))
		return STORE_ROOT_KEY_LOST;
	if (repair && insert_root_key(database, key_id, secret, err) < 0)
		return -1;
	return STORE_ROOT_KEY_IN_PROFILE;
}
