#include "cli/command.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/defaults.h"
#include "cli/server_services.h"
#include "store/database.h"
#include "store/events.h"
#include "store/identities.h"
#include "store/objects.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct cli_command cli_fsck;

enum { EXIT_STATUS_LEFT = 1 };
#define PROGRESS_NS INT64_C(100000000)

struct settings {
	const char *folder;
	bool repair, read_objects, is_json;
};

struct run {
	const struct settings *settings;
	const char *folder;
	json_t *findings; /* JSON only */
	uint64_t found, left;
	bool has_repaired; /* what is told now, repair has left */
	bool shows_progress;
	int64_t progress_ns;
	struct store_fsck_report report;
	struct store_events_fsck_report logs;
};

static int set_folder(void *settings, const char *value, struct err *err)
{
	if (!*value)
		return err_set(err, ERR_USAGE, "expected a folder");
	((struct settings *)settings)->folder = value;
	return 0;
}

static int set_repair(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->repair = true;
	return 0;
}

static int set_read(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->read_objects = true;
	return 0;
}

static int set_output(void *settings, const char *value, struct err *err)
{
	if (strcmp(value, "table") != 0 && strcmp(value, "json") != 0)
		return err_set(err, ERR_USAGE, "expected table or json, found '%s'", value);
	((struct settings *)settings)->is_json = *value == 'j';
	return 0;
}

/* ---- output ---- */

static void hide_progress(const struct run *run)
{
	if (run->shows_progress)
		fputs("\r\033[K", stderr);
}

/* One finding. Keys may hold what a terminal would obey. */
static void tell(void *context, const char *finding)
{
	struct run *run = context;
	_cleanup_free_ char *text = mem_strdup(finding);

	if (run->has_repaired)
		run->left++;
	else
		run->found++;
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	if (run->settings->is_json) {
		json_t *told = json_string(text);
		json_array_append_new(
			run->findings, told ? told : json_string("(a name that is not UTF-8)"));
		return;
	}
	hide_progress(run);
	printf("%s%s\n", run->has_repaired ? "not repaired: " : "", text);
}

static void show_progress(void *context, const struct store_fsck_report *report, uint64_t expected)
{
	struct run *run = context;
	int64_t now = clock_mono_ns();
	enum { WIDTH = 30 };
	char line[128];

	if (now - run->progress_ns < PROGRESS_NS)
		return;
	run->progress_ns = now;
	unsigned columns = cli_terminal_columns(STDERR_FILENO);
	uint64_t done = report->objects > expected ? expected : report->objects;
	int filled = expected ? (int)(done * WIDTH / expected) : 0;
	int n = snprintf(line, sizeof(line),
		"[%.*s%*s] %" PRIu64 " objects, %" PRIu64 " MiB, %" PRIu64 " findings", filled,
		"##############################", WIDTH - filled, "", report->objects,
		report->bytes >> 20, run->found);
	fprintf(stderr, "\r%.*s\033[K", n < (int)columns ? n : (int)columns - 1, line);
}

static void print_json(const struct run *run)
{
	const struct store_fsck_report *report = &run->report;
	const struct store_events_fsck_report *logs = &run->logs;
	json_t *object = json_pack("{s:O, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
		"findings", run->findings, "objects", (json_int_t)report->objects, "bytes",
		(json_int_t)report->bytes, "missing_files", (json_int_t)report->missing_files,
		"wrong_size", (json_int_t)report->wrong_size, "wrong_digest",
		(json_int_t)report->wrong_digest, "unknown_files",
		(json_int_t)report->unknown_files, "half_written", (json_int_t)report->half_written,
		"orphans", (json_int_t)report->orphans, "repaired",
		(json_int_t)report->repaired + (json_int_t)logs->repaired, "left",
		(json_int_t)run->left);

	json_object_set_new(object, "log_groups", json_integer((json_int_t)logs->groups));
	json_object_set_new(object, "log_files", json_integer((json_int_t)logs->files));
	json_object_set_new(object, "log_events", json_integer((json_int_t)logs->events));
	json_object_set_new(object, "damaged_logs", json_integer((json_int_t)logs->damaged));
	json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(object);
}

static void print_summary(const struct run *run)
{
	const struct store_fsck_report *report = &run->report;

	printf("%s: %" PRIu64 " files of objects, %" PRIu64 " bytes, %s. ", run->folder,
		report->objects, report->bytes,
		run->settings->read_objects ? "read and compared with their digests"
					    : "compared by size");
	if (run->logs.groups)
		printf("%" PRIu64 " log groups with %" PRIu64 " events. ", run->logs.groups,
			run->logs.events);
	if (!run->found)
		puts("Nothing is wrong.");
	else if (!run->settings->repair)
		printf("Something is wrong (%" PRIu64
		       " findings); --repair puts right what can be.\n",
			run->found);
	else if (run->left)
		printf("%" PRIu64 " repairs; %" PRIu64 " findings are left.\n",
			report->repaired + run->logs.repaired, run->left);
	else
		printf("%" PRIu64 " repairs; nothing is wrong any more.\n",
			report->repaired + run->logs.repaired);
}

/* ---- work ---- */

/* What root makes, the server could not use: root becomes the one to whom the folder belongs. */
static int become_owner(const char *folder, struct err *err)
{
	struct stat status;

	if (stat(folder, &status) < 0)
		return err_set_errno(err, errno, "%s", folder);
	if (!S_ISDIR(status.st_mode))
		return err_set(err, ERR_INPUT, "%s is not a folder", folder);
	if (geteuid() != 0 || status.st_uid == 0)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(status.st_gid, status.st_gid, status.st_gid) < 0 ||
		setresuid(status.st_uid, status.st_uid, status.st_uid) < 0)
		return err_set_errno(err, errno, "cannot become the owner of %s", folder);
	return 0;
}

/* A check makes what is missing of a data folder: not in any folder. */
static int check_is_data(const char *folder, struct err *err)
{
	static const char *const names[] = {STORE_INDEX_NAME, "buckets", "credentials"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = mem_printf("%s/%s", folder, names[i]);
		if (access(path, F_OK) == 0)
			return 0;
		if (errno != ENOENT)
			return err_set_errno(err, errno, "%s", path);
	}
	return err_set(err, ERR_NOT_FOUND, "%s is not a data folder of nagare server", folder);
}

/* After the objects: the index is there and sound, or this is no repair. */
static int check_identities(struct run *run, struct err *err)
{
	_cleanup_free_ char *path = mem_printf("%s/" STORE_INDEX_NAME, run->folder);
	_cleanup_free_ char *profile = mem_printf("%s/credentials", run->folder);
	_cleanup_(store_database_closep) struct store_database *database = NULL;
	bool repair = run->settings->repair && !run->has_repaired;
	int found = STORE_ROOT_KEY_LOST;

	if (access(path, F_OK) == 0) {
		if (store_database_open(&database, path, err) < 0)
			return -1;
		found = store_identities_restore(database, profile, repair, err);
	} else if (access(profile, F_OK) == 0) {
		found = STORE_ROOT_KEY_IN_PROFILE;
	}
	if (found < 0)
		return -1;
	/* With no key in the profile there is nothing to put back, now or later. */
	if (found == STORE_ROOT_KEY_THERE || (found == STORE_ROOT_KEY_LOST && run->has_repaired))
		return 0;
	tell(run, "users, groups, roles, policies of IAM, their access keys and sessions were lost "
		  "with the index, and so were multipart uploads that were under way");
	if (found == STORE_ROOT_KEY_LOST) {
		tell(run, "the root key is lost: the next start of the server makes a new one");
		return 0;
	}
	tell(run, repair ? "the root key was put back from the file credentials"
			 : "the root key is only in the file credentials");
	run->report.repaired += repair;
	return 0;
}

static int check_logs(struct run *run, bool repair, bool read,
	struct store_events_fsck_report *ret_report, struct err *err)
{
	_cleanup_free_ char *path = mem_printf("%s/" STORE_INDEX_NAME, run->folder);
	_cleanup_(store_database_closep) struct store_database *database = NULL;
	const struct store_events_fsck_options options = {
		.repair = repair, .read = read, .told = tell, .context = run};

	if (access(path, F_OK) == 0 && store_database_open(&database, path, err) < 0)
		return -1;
	return store_events_fsck(run->folder, database, &options, ret_report, err);
}

static int check(struct run *run, struct err *err)
{
	struct store_fsck_options options = {.repair = run->settings->repair,
		.read_objects = run->settings->read_objects,
		.told = tell,
		.progressed = run->shows_progress ? show_progress : NULL,
		.context = run};
	struct store_fsck_report again;
	struct store_events_fsck_report logs_again;

	if (store_fsck(run->folder, &options, &run->report, err) < 0 ||
		check_logs(run, options.repair, options.read_objects, &run->logs, err) < 0 ||
		check_identities(run, err) < 0)
		return -1;
	if (!run->settings->repair) {
		run->left = run->found;
		return 0;
	}
	if (!run->found)
		return 0;
	/* Whether it is right now is for another look to say, not for the repair. */
	run->has_repaired = true;
	options.repair = options.read_objects = false;
	if (store_fsck(run->folder, &options, &again, err) < 0 ||
		check_logs(run, false, true, &logs_again, err) < 0)
		return -1;
	return check_identities(run, err);
}

static int run_command(void *settings_, int argc, char **argv, struct err *err)
{
	const struct settings *settings = settings_;
	_cleanup_free_ char *standard = settings->folder ? NULL : cli_default_data();
	struct run run = {.settings = settings,
		.folder = settings->folder ? settings->folder : standard,
		.shows_progress = cli_is_terminal(STDERR_FILENO)};
	_cleanup_close_ int lock = -1;

	umask(077);
	if (become_owner(run.folder, err) < 0 || check_is_data(run.folder, err) < 0)
		return -1;
	if (server_services_lock(run.folder, &lock, err) < 0)
		return err_hint(err, "stop the server first");
	run.findings = json_array();
	int result = check(&run, err);
	hide_progress(&run);
	if (result == 0 && settings->is_json)
		print_json(&run);
	else if (result == 0)
		print_summary(&run);
	json_decref(run.findings);
	if (result < 0)
		return -1;
	if (fflush(stdout) != 0 || ferror(stdout))
		return err_set_errno(err, errno, "cannot write the output");
	cli_exit_status = run.left ? EXIT_STATUS_LEFT : 0;
	return 0;
}

static const struct cli_option options[] = {
	{"data-dir", 'd', "FOLDER",
		"The server's data. Default: $NAGARE_DATA_DIR, /var/lib/nagare or ~/.local/share/nagare.",
		set_folder},
	{"repair", 'r', NULL, "Put right what is wrong. Without it nothing is changed.",
		set_repair},
	{"read", 0, NULL,
		"Read all objects and log events and compare them with their digests, not only sizes and indexes. Takes as long as the disk needs for all of them.",
		set_read},
	{"output", 'o', "FORMAT",
		"table (the default): a line a finding and a summary; or json: one object with findings and counts.",
		set_output},
	{NULL},
};

static const struct cli_example examples[] = {
	{"nagare fsck", "Is all of it well?"},
	{"nagare fsck --read -o json | jq .left", "Every byte, for a program to read"},
	{"nagare fsck --repair --data-dir /var/lib/nagare",
		"After the loss of nagare.db: make it anew from the files"},
	{NULL},
};

const struct cli_command cli_fsck = {
	.name = "fsck",
	.summary = "check the data of the server, and repair it",
	.description =
		"Compares the files in the server's data folder with its index, nagare.db: objects whose file is missing or has another size or (--read) digest, files that the index does not know, what was half written when the machine stopped. The files of log events are compared with their own checksums. Says one sentence a finding. No server may run over the folder.\n\n"
		"--repair puts right what can be: files go to where the index says, an object that somebody put there as a file gets its row, an object whose file is gone loses it. Damaged files are moved to the folder damaged, never deleted.\n\n"
		"When the index is gone or damaged, --repair makes it anew from the files: buckets with their versioning, policies and other settings, objects with all versions, metadata and tags; log groups with their retention, streams and events. The root key is put back from the file credentials, so that profiles with it go on working. Users, roles and policies of IAM, tags of log groups, and multipart uploads that were under way, are lost: back up nagare.db.\n\n"
		"Exit status: 0 when nothing is wrong, or nothing is any more; 1 when findings are left, or the check could not be done; 2 to 5 as of all commands (4: there is no such data folder).",
	.options = options,
	.examples = examples,
	.settings_size = sizeof(struct settings),
	.run = run_command,
};
