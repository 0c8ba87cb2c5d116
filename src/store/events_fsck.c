/* The files of log groups compared with what they say of themselves, and the groups' folders with
 * the index. Nothing is deleted: a file that is repaired is kept as it was in DATA/damaged. */
#include "store/events_priv.h"

#include "base/number.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct fsck {
	const struct store_events_fsck_options *options;
	struct store_events_fsck_report *report;
	struct store_database *database;
	int data, root; /* DATA, DATA/logs */
	struct err *err;
};

/* A group's folder. */
struct place {
	struct fsck *fsck;
	const char *folder;
	int fd;
	bool adopts; /* the group has no row: what its files name gets one */
	char *name;
};

/* A file of it. */
struct looking {
	struct place *place;
	const char *name;
	const uint8_t *map;
	struct buf good; /* of a repair: the chunks that are left */
	struct buf entries;
	size_t entry_count;
	uint64_t damaged;
};

static void tell(const struct fsck *fsck, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void tell(const struct fsck *fsck, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	fsck->options->told(fsck->options->context, text);
}

static int refuse(const struct place *place, const char *name)
{
	return err_set_errno(
		place->fsck->err, errno, "%s/%s/%s", STORE_EVENTS_FOLDER, place->folder, name);
}

/* ---- rows ---- */

/* One statement of at most a text and two numbers. Returns the rows it gave or changed. */
static int run(struct fsck *fsck, const char *sql, struct str text, int64_t first, int64_t second,
	int64_t third)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;

	if (store_write_begin(fsck->database, &connection, fsck->err) < 0)
		return -1;
	int result = store_statement(connection, sql, &statement, fsck->err);
	if (result == 0) {
		int count = sqlite3_bind_parameter_count(statement), index = 1;
		if (text.p)
			store_bind_str(statement, index++, text);
		const int64_t numbers[] = {first, second, third};
		for (int i = 0; index <= count && i < 3; i++)
			store_bind_i64(statement, index++, numbers[i]);
		result = store_step(statement, fsck->err);
	}
	if (result < 0) {
		store_rollback(connection);
		return -1;
	}
	int rows = result > 0 ? 1 : sqlite3_changes(sqlite3_db_handle(statement));
	return store_commit(connection, fsck->err) < 0 ? -1 : rows;
}

static int has_row(struct fsck *fsck, int64_t id)
{
	if (!fsck->database)
		return 0;
	return run(fsck, "SELECT 1 FROM log_groups WHERE id = ?", STR_NONE, id, 0, 0);
}

/* Name and settings from the file about; false: it does not say. */
static bool read_about(const struct place *place, char **ret_name, int64_t ret_values[static 4])
{
	_cleanup_close_ int fd = openat(place->fd, "about", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char text[1024], *end;
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return false;
	text[n] = 0;
	end = strchr(text, '\n');
	if (!end || end == text)
		return false;
	*end = 0;
	int found = sscanf(end + 1, "%" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64, &ret_values[0],
		&ret_values[1], &ret_values[2], &ret_values[3]);
	if (found != 4)
		return false;
	*ret_name = mem_strdup(text);
	return true;
}

static int adopt_group(struct place *place, int64_t id)
{
	struct fsck *fsck = place->fsck;
	int64_t about[4] = {0};

	fsck->report->unknown++;
	if (!read_about(place, &place->name, about)) {
		tell(fsck, "%s/%s is not in the index, and has no file that says what it is about",
			STORE_EVENTS_FOLDER, place->folder);
		return 0;
	}
	tell(fsck, "log group %s (%s/%s) is not in the index", place->name, STORE_EVENTS_FOLDER,
		place->folder);
	if (!fsck->options->repair || !fsck->database)
		return 0;
	if (run(fsck,
		    "INSERT INTO log_groups (name, id, created, retention, class, protected)"
		    " VALUES (?, ?, ?, ?, 0, 0)",
		    str_from(place->name), id, about[0], about[1]) < 0 ||
		run(fsck, "UPDATE log_groups SET class = ?, protected = ? WHERE id = ?", STR_NONE,
			about[2], about[3], id) < 0)
		return -1;
	place->adopts = true;
	fsck->report->repaired++;
	return 0;
}

static int adopt_stream(struct place *place, int64_t group, const struct events_header *header)
{
	const struct str name = {(const char *)(header + 1), header->body_bytes};

	return run(place->fsck,
		"INSERT OR IGNORE INTO log_streams (name, id, log_group, created) VALUES (?, ?, ?, ?)",
		name, (int64_t)header->stream, group, 0);
}

/* ---- files ---- */

static void look_at_chunk(void *context, uint64_t offset, const struct events_header *header)
{
	struct looking *looking = context;
	struct fsck *fsck = looking->place->fsck;

	if (!header) {
		looking->damaged++;
		fsck->report->damaged++;
		tell(fsck, "%s/%s/%s is damaged at byte %" PRIu64, STORE_EVENTS_FOLDER,
			looking->place->folder, looking->name, offset);
		return;
	}
	if (header->kind == EVENTS_INDEX)
		return;
	if (header->kind == EVENTS_ROWS)
		fsck->report->events += header->count;
	if (!fsck->options->repair)
		return;
	struct events_entry entry = {.offset = looking->good.n, .header = *header};
	buf_add(&looking->good, header, header->size);
	struct events_header *copy = (struct events_header *)(looking->good.p + entry.offset);
	if (copy->durable > entry.offset) {
		copy->durable = entry.offset;
		events_header_number(copy);
	}
	buf_add(&looking->entries, &entry, sizeof(entry));
	looking->entry_count++;
}

static int write_whole(int folder, const char *name, struct str bytes)
{
	_cleanup_close_ int fd =
		openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

	if (fd < 0)
		return -1;
	while (bytes.n) {
		ssize_t n = write(fd, bytes.p, bytes.n);
		if (n <= 0)
			return -1;
		bytes.p += n;
		bytes.n -= (size_t)n;
	}
	return fdatasync(fd);
}

/* The chunks that are good, in a file of the same name. */
static int rewrite(struct looking *looking, uint64_t number, bool is_tail)
{
	struct place *place = looking->place;
	_cleanup_free_ char *part = mem_printf("%s.part", looking->name);
	_cleanup_free_ char *kept = mem_printf("damaged/%s.%s", place->folder, looking->name);
	uint64_t offset = looking->good.n;

	if (!is_tail) {
		events_chunk_plain(&looking->good, EVENTS_INDEX, number, 0,
			buf_str(&looking->entries), looking->entry_count);
		buf_add(&looking->good, &offset, sizeof(offset));
	}
	if ((mkdirat(place->fsck->data, "damaged", 0750) < 0 && errno != EEXIST) ||
		(linkat(place->fd, looking->name, place->fsck->data, kept, 0) < 0 &&
			errno != EEXIST) ||
		write_whole(place->fd, part, buf_str(&looking->good)) < 0 ||
		renameat(place->fd, part, place->fd, looking->name) < 0 || fsync(place->fd) < 0)
		return refuse(place, looking->name);
	tell(place->fsck, "%s/%s/%s is now without what was damaged; as it was it is %s",
		STORE_EVENTS_FOLDER, place->folder, looking->name, kept);
	place->fsck->report->repaired++;
	return 0;
}

static bool is_cut(struct looking *looking, uint64_t end, uint64_t size)
{
	/* Behind a sealed file's index stands where it is. */
	if (end + sizeof(uint64_t) == size)
		return false;
	tell(looking->place->fsck, "%s/%s/%s cannot be read from byte %" PRIu64 " on",
		STORE_EVENTS_FOLDER, looking->place->folder, looking->name, end);
	looking->place->fsck->report->damaged++;
	return true;
}

struct naming {
	struct place *place;
	int64_t group;
	int result;
};

static void name_stream(void *context, uint64_t offset, const struct events_header *header)
{
	struct naming *naming = context;

	if (header && header->kind == EVENTS_STREAM && naming->result >= 0)
		naming->result = adopt_stream(naming->place, naming->group, header);
}

static int check_map(
	struct looking *looking, size_t size, uint64_t number, bool is_tail, int64_t group)
{
	struct place *place = looking->place;
	struct fsck *fsck = place->fsck;
	const struct events_header *index =
		is_tail ? NULL : events_find_index(looking->map, size, number);
	bool is_bad = !is_tail && !index;

	if (place->adopts) {
		struct naming naming = {.place = place, .group = group};
		events_walk(looking->map, size, number, is_tail, name_stream, &naming);
		if (naming.result < 0)
			return -1;
	}
	if (index && !fsck->options->read) {
		const struct events_entry *entries = (const struct events_entry *)(index + 1);
		for (size_t i = 0; i < index->count; i++)
			fsck->report->events +=
				entries[i].header.kind == EVENTS_ROWS ? entries[i].header.count : 0;
		return 0;
	}
	if (is_bad) {
		fsck->report->damaged++;
		tell(fsck, "%s/%s/%s has no index that can be read", STORE_EVENTS_FOLDER,
			place->folder, looking->name);
	}
	uint64_t end = events_walk(looking->map, size, number, is_tail, look_at_chunk, looking);
	is_bad = is_bad || looking->damaged || (!is_tail && is_cut(looking, end, size));
	return is_bad && fsck->options->repair ? rewrite(looking, number, is_tail) : 0;
}

static int check_file(
	struct place *place, const char *name, uint64_t number, bool is_tail, int64_t group)
{
	struct looking looking = {.place = place, .name = name};
	_cleanup_close_ int fd = openat(place->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;
	int result = 0;

	if (fd < 0 || fstat(fd, &status) < 0)
		return refuse(place, name);
	place->fsck->report->files++;
	place->fsck->report->bytes += (uint64_t)status.st_size;
	if (status.st_size > 0) {
		size_t size = (size_t)status.st_size;
		void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
		if (map == MAP_FAILED)
			return refuse(place, name);
		looking.map = map;
		result = check_map(&looking, size, number, is_tail, group);
		munmap(map, size);
	} else if (!is_tail) {
		tell(place->fsck, "%s/%s/%s is empty", STORE_EVENTS_FOLDER, place->folder, name);
		place->fsck->report->damaged++;
	}
	buf_done(&looking.good);
	buf_done(&looking.entries);
	return result;
}

/* ---- folders ---- */

static int check_files(struct place *place, int64_t group)
{
	int fd = openat(place->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	uint64_t number;
	bool is_tail;
	int result = 0;

	if (!folder) {
		if (fd >= 0)
			close(fd);
		return refuse(place, "");
	}
	while (result == 0 && (entry = readdir(folder))) {
		struct str name = str_from(entry->d_name);
		if (events_parse_name(entry->d_name, &number, &is_tail)) {
			result = check_file(place, entry->d_name, number, is_tail, group);
		} else if (*name.p != '.' && !str_equal(name, STR("about")) &&
			   !str_ends_with(name, STR(".part"))) {
			tell(place->fsck, "%s/%s/%s is no file of log events", STORE_EVENTS_FOLDER,
				place->folder, entry->d_name);
			place->fsck->report->unknown++;
		}
	}
	closedir(folder);
	return result;
}

static int check_group(struct fsck *fsck, const char *folder, int64_t id)
{
	struct place place = {.fsck = fsck, .folder = folder};
	_cleanup_close_ int fd =
		openat(fsck->root, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	place.fd = fd;
	if (fd < 0)
		return refuse(&place, "");
	fsck->report->groups++;
	int result = has_row(fsck, id);
	if (result == 0)
		result = adopt_group(&place, id);
	if (result >= 0)
		result = check_files(&place, id);
	free(place.name);
	return result;
}

static int check_groups(struct fsck *fsck)
{
	int fd = openat(fsck->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	uint64_t id;
	int result = 0;

	if (!folder) {
		if (fd >= 0)
			close(fd);
		return err_set_errno(fsck->err, errno, "%s", STORE_EVENTS_FOLDER);
	}
	while (result == 0 && (entry = readdir(folder)))
		if (number_parse(str_from(entry->d_name), INT64_MAX, &id))
			result = check_group(fsck, entry->d_name, (int64_t)id);
	closedir(folder);
	return result;
}

int store_events_fsck(const char *folder, struct store_database *database,
	const struct store_events_fsck_options *options,
	struct store_events_fsck_report *ret_report, struct err *err)
{
	struct store_events_fsck_report report = {0};
	_cleanup_close_ int data = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (data < 0)
		return err_set_errno(err, errno, "%s", folder);
	_cleanup_close_ int root =
		openat(data, STORE_EVENTS_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 && errno != ENOENT)
		return err_set_errno(err, errno, "%s/%s", folder, STORE_EVENTS_FOLDER);
	struct fsck fsck = {.options = options,
		.report = &report,
		.database = database,
		.data = data,
		.root = root,
		.err = err};
	if (root >= 0 &&
		((database && events_create_tables(database, err) < 0) || check_groups(&fsck) < 0))
		return -1;
	*ret_report = report;
	return 0;
}
