#include "cli/defaults.h"

#include "base/mem.h"

#include <unistd.h>

#define SYSTEM_DATA   "/var/lib/nagare"
#define BUCKET        "objects/nagare-flow-logs"
#define SERVED_BUCKET "buckets/nagare-flow-logs"

/* A variable of the environment that is set and not empty, else NULL. */
static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* $XDG_x/nagare or ~/otherwise/nagare. */
static char *user_folder(const char *xdg_name, const char *otherwise)
{
	const char *xdg = variable(xdg_name);
	const char *home = variable("HOME");

	/* the XDG specification: a relative path is to be ignored */
	if (xdg && xdg[0] == '/')
		return mem_printf("%s/nagare", xdg);
	return home ? mem_printf("%s/%s/nagare", home, otherwise) : NULL;
}

char *cli_default_data(void)
{
	const char *data = variable("NAGARE_DATA_DIR");

	if (data)
		return mem_strdup(data);
	if (geteuid() == 0 || access(SYSTEM_DATA, F_OK) == 0)
		return mem_strdup(SYSTEM_DATA);
	char *user = user_folder("XDG_DATA_HOME", ".local/share");
	return user ? user : mem_strdup(SYSTEM_DATA);
}

char *cli_default_bucket(void)
{
	_cleanup_free_ char *data = cli_default_data();

	return mem_printf("%s/" BUCKET, data);
}

char *cli_default_query_bucket(void)
{
	_cleanup_free_ char *data = cli_default_data();
	_cleanup_free_ char *served = mem_printf("%s/" SERVED_BUCKET, data);

	return access(served, F_OK) == 0 ? take(served) : cli_default_bucket();
}

char *cli_state_folder(void)
{
	return user_folder("XDG_STATE_HOME", ".local/state");
}

char *cli_cache_folder(void)
{
	return user_folder("XDG_CACHE_HOME", ".cache");
}
