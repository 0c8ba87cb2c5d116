#include "cli/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPABILITIES_MAX 64

/* Before the rest: lowering it needs CAP_SETPCAP. */
static void lower_bounding_set(const unsigned kept[2])
{
	for (int i = 0; i < CAPABILITIES_MAX; i++) {
		if (!(kept[i / 32] & 1u << (i % 32)) && prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1)
			(void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	}
}

int cli_become_ordinary(const char *user, struct err *err)
{
	const unsigned none[2] = {0};

	errno = 0;
	const struct passwd *entry = getpwnam(user);
	if (!entry || entry->pw_uid == 0)
		return err_set(err, ERR_NOT_FOUND, "'%s' is no ordinary user", user);
	lower_bounding_set(none);
	if (initgroups(user, entry->pw_gid) < 0 ||
		setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) < 0 ||
		setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) < 0 ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set_errno(err, errno, "cannot become %s", user);
	return 0;
}

int cli_keep_capabilities(const int *capabilities, size_t count, struct err *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2] = {{0}};
	unsigned kept[2] = {0};

	for (size_t i = 0; i < count; i++)
		kept[capabilities[i] / 32] |= 1u << (capabilities[i] % 32);
	lower_bounding_set(kept);
	(void)prctl(PR_SET_SECUREBITS,
		SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
			SECBIT_NO_SETUID_FIXUP_LOCKED,
		0, 0, 0);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capget, &header, sets) < 0)
		return err_set_errno(err, errno, "cannot read capabilities");
	for (size_t i = 0; i < 2; i++) {
		sets[i].permitted &= kept[i];
		sets[i].effective = sets[i].permitted;
		sets[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, sets) < 0)
		return err_set_errno(err, errno, "cannot give up capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set_errno(err, errno, "cannot give up new privileges");
	return 0;
}
