/* .nagare-convert holds a file a unit: what was converted, into which files, with which sums. It is
 * written when all files of the unit are on disk under hidden names; from then on the unit is
 * committed, and whoever opens the journal next gives the files their names if that was broken off.
 * Hidden files of units that were not committed are removed. */
#include "query/convert_priv.h"

#include "base/file.h"
#include "query/remote_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>

#define FOLDER     ".nagare-convert"
#define RECORD_MAX ((size_t)256 << 20)

struct known_source {
	char *path; /* absolute */
	uint64_t size_bytes;
	int64_t modified_ns;
};

struct convert_journal {
	const struct query_convert_options *options;
	const char *name; /* of the destination */
	int lock_fd;
	struct convert_unit *units;
	size_t units_count;
	struct known_source *sources; /* sorted by path */
	size_t sources_count;
};

void convert_unit_done(struct convert_unit *unit)
{
	for (unsigned i = 0; i < unit->files_count; i++) {
		free(unit->files[i].draft);
		free(unit->files[i].path);
	}
	for (unsigned i = 0; i < unit->sums_count; i++)
		free(unit->sums[i].sql_name);
	free(unit->files);
	free(unit->sums);
	free(unit->bad_lines);
	free(unit->name);
	free(unit->folders);
	*unit = (struct convert_unit){0};
}

static char *absolute(const char *path)
{
	char *resolved = realpath(path, NULL);

	return resolved ? resolved : mem_strdup(path);
}

/* What must be the same for all units of a destination. */
static json_t *describe_options(const struct query_convert_options *options)
{
	static const char *const partitions[] = {"none", "day", "hour"};
	json_t *sort = json_array();

	for (unsigned i = 0; i < options->sort_count; i++)
		json_array_append_new(sort, json_string(record_fields[options->sort[i]].name.p));
	return json_pack("{s:s, s:s, s:o}", "to",
		options->form == QUERY_CONVERT_TEXT ? "text" : "parquet", "partition",
		partitions[options->partition], "sort", sort);
}

/* Writing. */

static json_t *describe_unit(
	const struct query_convert_options *options, const struct convert_unit *unit)
{
	json_t *sources = json_array(), *files = json_array(), *sums = json_array();

	for (size_t i = 0; i < unit->sources_count; i++) {
		const struct query_object *source = &unit->sources[i];
		_cleanup_free_ char *path = absolute(source->path);
		json_array_append_new(
			sources, json_pack("{s:s, s:I, s:I, s:I, s:s}", "path", path, "bytes",
					 (json_int_t)source->size_bytes, "modified_ns",
					 (json_int_t)source->modified_ns, "bad_lines",
					 (json_int_t)unit->bad_lines[i], "etag",
					 source->remote ? source->remote->etag : ""));
	}
	for (unsigned i = 0; i < unit->files_count; i++)
		json_array_append_new(files,
			json_pack("{s:s, s:s, s:I, s:I}", "draft", unit->files[i].draft, "path",
				unit->files[i].path, "bytes", (json_int_t)unit->files[i].bytes,
				"rows", (json_int_t)unit->files[i].rows));
	for (unsigned i = 0; i < unit->sums_count; i++) {
		const struct convert_sum *sum = &unit->sums[i];
		/* more than 64 bits: as two numbers */
		json_array_append_new(
			sums, json_pack("{s:s, s:i, s:I, s:I, s:I}", "column", sum->sql_name,
				      "type", (int)sum->type, "count", (json_int_t)sum->count,
				      "sum_high", (json_int_t)(sum->sum >> 62), "sum_low",
				      (json_int_t)(sum->sum & (((__int128)1 << 62) - 1))));
	}
	return json_pack("{s:i, s:s, s:o, s:I, s:o, s:o, s:o}", "version", 1, "unit", unit->name,
		"options", describe_options(options), "rows", (json_int_t)unit->rows, "sources",
		sources, "files", files, "sums", sums);
}

static int write_text(const char *path, struct str text, struct err *err)
{
	_cleanup_(file_draft_done) struct file_draft draft = FILE_DRAFT_INIT;

	if (file_draft_open(&draft, path, err) < 0 || file_draft_write(&draft, text, err) < 0)
		return -1;
	return file_draft_commit(&draft, true, err);
}

static int write_record(
	const struct convert_journal *journal, const struct convert_unit *unit, struct err *err)
{
	_cleanup_free_ char *path =
		mem_printf("%s/" FOLDER "/%s.json", journal->options->destination, unit->name);
	json_t *json = describe_unit(journal->options, unit);
	_cleanup_free_ char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;

	json_decref(json);
	if (!text)
		return err_set(err, ERR_INPUT, "the path of a source is not UTF-8");
	return write_text(path, str_from(text), err);
}

/* The folder of a file and those above it, up to the destination, on disk. */
static int synchronise_folders(const char *destination, const char *path, struct err *err)
{
	_cleanup_free_ char *folder = mem_printf("%s/%s", destination, path);

	for (char *slash; (slash = strrchr(folder, '/')) >= folder + strlen(destination);) {
		*slash = '\0';
		_cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 || fsync(fd) < 0)
			return err_set_errno(err, errno, "cannot write folder %s to disk", folder);
	}
	return 0;
}

/* Gives the files of a committed unit their names. One that has no hidden file any more has its
 * name, or has been removed by its owner since. */
static int name_files(
	const struct convert_journal *journal, const struct convert_unit *unit, struct err *err)
{
	const char *destination = journal->options->destination;

	for (unsigned i = 0; i < unit->files_count; i++) {
		_cleanup_free_ char *draft = mem_printf("%s/%s", destination, unit->files[i].draft);
		_cleanup_free_ char *path = mem_printf("%s/%s", destination, unit->files[i].path);

		if (rename(draft, path) < 0) {
			if (errno == ENOENT)
				continue;
			return err_set_errno(err, errno, "cannot name %s", path);
		}
		if (synchronise_folders(destination, unit->files[i].path, err) < 0)
			return -1;
	}
	return 0;
}

int convert_journal_commit(
	struct convert_journal *journal, const struct convert_unit *unit, struct err *err)
{
	return write_record(journal, unit, err) < 0 ? -1 : name_files(journal, unit, err);
}

/* Reading. */

/* A path in the destination, and nowhere else. */
static bool is_inside(const char *path)
{
	return path && *path && *path != '/' && !strstr(path, "../");
}

static int load_files(json_t *json, struct convert_unit *unit)
{
	json_t *item;
	size_t i;

	unit->files = mem_new(json_array_size(json) + 1, sizeof(*unit->files));
	json_array_foreach(json, i, item)
	{
		const char *draft, *path;
		json_int_t bytes, rows;
		if (json_unpack(item, "{s:s, s:s, s:I, s:I}", "draft", &draft, "path", &path,
			    "bytes", &bytes, "rows", &rows) < 0 ||
			!is_inside(draft) || !is_inside(path))
			return -1;
		unit->files[unit->files_count++] = (struct convert_file){
			mem_strdup(draft), mem_strdup(path), (uint64_t)bytes, (uint64_t)rows};
	}
	return 0;
}

static int load_sums(json_t *json, struct convert_unit *unit)
{
	json_t *item;
	size_t i;

	unit->sums = mem_new(json_array_size(json) + 1, sizeof(*unit->sums));
	json_array_foreach(json, i, item)
	{
		const char *column;
		json_int_t count, high, low;
		int type;
		if (json_unpack(item, "{s:s, s:i, s:I, s:I, s:I}", "column", &column, "type", &type,
			    "count", &count, "sum_high", &high, "sum_low", &low) < 0 ||
			type < 0 || type > RECORD_TYPE_INT64)
			return -1;
		unit->sums[unit->sums_count++] =
			(struct convert_sum){mem_strdup(column), (enum record_type)type,
				(uint64_t)count, (__int128)high * ((__int128)1 << 62) + low};
	}
	return 0;
}

static int load_sources(json_t *json, struct convert_unit *unit)
{
	struct query_object *sources = mem_new(json_array_size(json) + 1, sizeof(*unit->sources));
	json_t *item;
	size_t i;

	unit->sources = sources;
	unit->bad_lines = mem_new(json_array_size(json) + 1, sizeof(*unit->bad_lines));
	json_array_foreach(json, i, item)
	{
		const char *path, *etag = "";
		json_int_t bytes, modified_ns, bad_lines;
		if (json_unpack(item, "{s:s, s:I, s:I, s:I, s?:s}", "path", &path, "bytes", &bytes,
			    "modified_ns", &modified_ns, "bad_lines", &bad_lines, "etag",
			    &etag) < 0)
			return -1;
		unit->bad_lines[unit->sources_count] = (uint64_t)bad_lines;
		sources[unit->sources_count++] = (struct query_object){
			.path = mem_strdup(path),
			.size_bytes = (uint64_t)bytes,
			.modified_ns = (int64_t)modified_ns,
		};
		if (query_remote_is_location(path)) {
			struct query_remote_object *remote = mem_new(1, sizeof(*remote));
			remote->etag = mem_strdup(etag);
			sources[unit->sources_count - 1].remote = remote;
		}
	}
	return 0;
}

static int load_unit(struct convert_journal *journal, const char *path, json_t *json,
	struct convert_unit *unit, struct err *err)
{
	json_t *options, *sources, *files, *sums;
	json_int_t rows;
	const char *name;
	int version;

	if (json_unpack(json, "{s:i, s:s, s:o, s:I, s:o, s:o, s:o}", "version", &version, "unit",
		    &name, "options", &options, "rows", &rows, "sources", &sources, "files", &files,
		    "sums", &sums) < 0 ||
		version != 1 || !json_is_array(sources) || !json_is_array(files) ||
		!json_is_array(sums))
		return err_set(err, ERR_INPUT, "%s is not what nagare convert wrote", path);
	unit->name = mem_strdup(name);
	unit->rows = (uint64_t)rows;
	if (load_sources(sources, unit) < 0 || load_files(files, unit) < 0 ||
		load_sums(sums, unit) < 0)
		return err_set(err, ERR_INPUT, "%s is not what nagare convert wrote", path);
	json_t *wanted = describe_options(journal->options);
	bool same = json_equal(wanted, options);
	json_decref(wanted);
	if (!same) {
		err_set(err, ERR_USAGE, "%s was begun with other --to, --partition or --sort",
			journal->name);
		return err_hint(err, "give the same options again, or another destination");
	}
	return 0;
}

static int load_record(struct convert_journal *journal, const char *path, struct err *err)
{
	_cleanup_buf_ struct buf text = {0};
	struct convert_unit unit = {0};
	json_error_t error;

	if (file_read(path, RECORD_MAX, &text, err) < 0)
		return -1;
	json_t *json = json_loadb(text.p, text.n, 0, &error);
	if (!json)
		return err_set(err, ERR_INPUT, "%s:%d: %s", path, error.line, error.text);
	int r = load_unit(journal, path, json, &unit, err);
	json_decref(json);
	journal->units =
		mem_grow(journal->units, journal->units_count + 1, sizeof(*journal->units));
	journal->units[journal->units_count++] = unit;
	return r < 0 ? r : name_files(journal, &unit, err);
}

static int compare_known(const void *a, const void *b)
{
	return strcmp(
		((const struct known_source *)a)->path, ((const struct known_source *)b)->path);
}

static void index_sources(struct convert_journal *journal)
{
	size_t count = 0;

	for (size_t i = 0; i < journal->units_count; i++)
		count += journal->units[i].sources_count;
	journal->sources = mem_new(count + 1, sizeof(*journal->sources));
	for (size_t i = 0; i < journal->units_count; i++) {
		const struct convert_unit *unit = &journal->units[i];
		for (size_t j = 0; j < unit->sources_count; j++)
			journal->sources[journal->sources_count++] =
				(struct known_source){unit->sources[j].path,
					unit->sources[j].size_bytes, unit->sources[j].modified_ns};
	}
	qsort(journal->sources, journal->sources_count, sizeof(*journal->sources), compare_known);
}

static int lock(struct convert_journal *journal, const char *folder, struct err *err)
{
	_cleanup_free_ char *path = mem_printf("%s/lock", folder);

	journal->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (journal->lock_fd < 0)
		return err_set_errno(err, errno, "cannot create %s", path);
	if (flock(journal->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return err_set_errno(err, errno, "cannot lock %s", path);
		return err_set(
			err, ERR_SYSTEM, "another 'nagare convert' writes to %s", journal->name);
	}
	return 0;
}

static int load_records(struct convert_journal *journal, const char *folder, struct err *err)
{
	DIR *listing = opendir(folder);
	struct dirent *entry;
	int r = 0;

	if (!listing)
		return err_set_errno(err, errno, "cannot read folder %s", folder);
	while (r == 0 && (entry = readdir(listing))) {
		_cleanup_free_ char *path = mem_printf("%s/%s", folder, entry->d_name);
		if (entry->d_name[0] != '.' && str_ends_with(str_from(entry->d_name), STR(".json")))
			r = load_record(journal, path, err);
	}
	closedir(listing);
	return r;
}

int convert_journal_open(struct convert_journal **ret_journal,
	const struct query_convert_options *options, const char *name, struct err *err)
{
	_cleanup_free_ char *folder = mem_printf("%s/" FOLDER, options->destination);
	struct convert_journal *journal = mem_new(1, sizeof(*journal));

	journal->options = options;
	journal->name = name;
	journal->lock_fd = -1;
	if (file_make_folders(folder, 0750, err) < 0 || lock(journal, folder, err) < 0 ||
		load_records(journal, folder, err) < 0 ||
		file_remove_drafts(options->destination, err) < 0) {
		convert_journal_close(journal);
		return -1;
	}
	index_sources(journal);
	*ret_journal = journal;
	return 0;
}

int convert_journal_knows(
	const struct convert_journal *journal, const struct query_object *source, struct err *err)
{
	struct known_source key = {.path = absolute(source->path)};
	const struct known_source *known =
		bsearch(&key, journal->sources, journal->sources_count, sizeof(key), compare_known);

	free(key.path);
	if (!known)
		return CONVERT_NEW;
	if (known->size_bytes == source->size_bytes && known->modified_ns == source->modified_ns)
		return CONVERT_OLD;
	err_set(err, ERR_INPUT, "%s has changed since it was converted", source->path);
	return err_hint(err, "its records are in %s already; convert it to another destination",
		journal->name);
}

struct convert_unit *convert_journal_units(struct convert_journal *journal, size_t *ret_count)
{
	*ret_count = journal->units_count;
	return journal->units;
}

void convert_journal_close(struct convert_journal *journal)
{
	if (!journal)
		return;
	for (size_t i = 0; i < journal->units_count; i++) {
		struct query_object *sources = (struct query_object *)journal->units[i].sources;
		for (size_t j = 0; j < journal->units[i].sources_count; j++) {
			free(sources[j].path);
			if (sources[j].remote)
				free(sources[j].remote->etag);
			free(sources[j].remote);
		}
		free(sources);
		convert_unit_done(&journal->units[i]);
	}
	if (journal->lock_fd >= 0)
		close(journal->lock_fd);
	free(journal->units);
	free(journal->sources);
	free(journal);
}
