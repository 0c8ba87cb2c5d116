#include "cli/command.h"

#include "base/clock.h"
#include "base/number.h"
#include "cli/s3_options.h"
#include "query/convert.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define PROGRESS_NS (CLOCK_NS_PER_SECOND / 5)

extern const struct cli_command cli_convert;

struct settings {
	struct query_s3_options s3; /* first: cli/s3_options.h */
	struct query_convert_options options;
	struct record_format format;
	bool sort_given;
};

static struct query_convert_progress progress;

static int choose(
	const char *value, const char *const *names, unsigned *ret_number, struct err *err)
{
	for (unsigned i = 0; names[i]; i++) {
		if (strcmp(value, names[i]) == 0) {
			*ret_number = i;
			return 0;
		}
	}
	return err_set(err, ERR_USAGE, "expected %s, %s%s%s, found '%s'", names[0], names[1],
		names[2] ? ", " : "", names[2] ? names[2] : "", value);
}

static int set_to(void *settings, const char *value, struct err *err)
{
	static const char *const names[] = {"parquet", "text", NULL};
	unsigned number = 0;

	if (choose(value, names, &number, err) < 0)
		return -1;
	((struct settings *)settings)->options.form = (enum query_convert_form)number;
	return 0;
}

static int set_partition(void *settings, const char *value, struct err *err)
{
	static const char *const names[] = {"none", "day", "hour", NULL};
	unsigned number = 0;

	if (choose(value, names, &number, err) < 0)
		return -1;
	((struct settings *)settings)->options.partition = (enum query_convert_partition)number;
	return 0;
}

static int set_sort(void *settings_, const char *value, struct err *err)
{
	struct settings *settings = settings_;
	struct query_convert_options *options = &settings->options;
	struct str rest = str_from(value), name;

	settings->sort_given = true;
	options->sort_count = 0;
	while (strcmp(value, "none") != 0 && str_split(&rest, ',', &name)) {
		int field = record_field_find(name);
		if (field < 0)
			field = record_field_find_sql(name);
		if (field < 0) {
			err_set(err, ERR_USAGE, "there is no field '%.*s'", STR_ARG(name));
			return err_hint(err, "'nagare help fields' lists them");
		}
		if (options->sort_count == RECORD_PARQUET_SORT_MAX)
			return err_set(
				err, ERR_USAGE, "at most %d fields", RECORD_PARQUET_SORT_MAX);
		options->sort[options->sort_count++] = (enum record_field)field;
	}
	return 0;
}

static int set_format(void *settings, const char *value, struct err *err)
{
	return record_format_parse(str_from(value), &((struct settings *)settings)->format, err);
}

static int set_strict(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->options.strict = true;
	return 0;
}

static int set_delete_sources(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->options.delete_sources = true;
	return 0;
}

static int set_threads(void *settings, const char *value, struct err *err)
{
	uint64_t threads;

	if (!number_parse(str_from(value), 256, &threads) || threads == 0)
		return err_set(err, ERR_USAGE, "expected 1 to 256, found '%s'", value);
	((struct settings *)settings)->options.threads = (unsigned)threads;
	return 0;
}

static int set_size(const char *value, uint64_t min, uint64_t *ret_bytes, struct err *err)
{
	uint64_t bytes;

	if (!number_parse_size(str_from(value), (uint64_t)4 << 30, &bytes) || bytes < min)
		return err_set(err, ERR_USAGE, "expected a size from %lluM to 4G, found '%s'",
			(unsigned long long)min >> 20, value);
	*ret_bytes = bytes;
	return 0;
}

static int set_part_size(void *settings, const char *value, struct err *err)
{
	return set_size(value, QUERY_CONVERT_PART_MIN,
		&((struct settings *)settings)->options.part_bytes, err);
}

static int set_memory_limit(void *settings, const char *value, struct err *err)
{
	return set_size(value, QUERY_CONVERT_MEMORY_MIN,
		&((struct settings *)settings)->options.memory_limit, err);
}

static int set_file_size(void *settings, const char *value, struct err *err)
{
	return set_size(
		value, (uint64_t)1 << 20, &((struct settings *)settings)->options.file_bytes, err);
}

static void on_interrupt(int number)
{
	/* a second one ends the process at once */
	signal(number, SIG_DFL);
	progress.stop = true;
}

/* The line on a terminal while it runs. */
struct meter {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool end, started;
	int64_t begun_ns;
};

static void print_meter(const struct meter *meter)
{
	double seconds = (double)(clock_mono_ns() - meter->begun_ns) / CLOCK_NS_PER_SECOND;
	double done = (double)progress.bytes_done, total = (double)progress.bytes_total;
	double left = done > 0 ? seconds * (total - done) / done : 0;

	fprintf(stderr, "\r%llu of %llu sources, %.1f of %.1f MB, %llu records, %.0f s left\033[K",
		progress.sources_done, progress.sources_total, done / 1e6, total / 1e6,
		progress.rows, left);
}

static void *run_meter(void *meter_)
{
	struct meter *meter = meter_;

	pthread_mutex_lock(&meter->lock);
	while (!meter->end) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += PROGRESS_NS;
		until.tv_sec += until.tv_nsec / CLOCK_NS_PER_SECOND;
		until.tv_nsec %= CLOCK_NS_PER_SECOND;
		pthread_cond_timedwait(&meter->ended, &meter->lock, &until);
		print_meter(meter);
	}
	pthread_mutex_unlock(&meter->lock);
	fputs("\r\033[K", stderr);
	return NULL;
}

static void start_meter(struct meter *meter)
{
	pthread_mutex_init(&meter->lock, NULL);
	pthread_cond_init(&meter->ended, NULL);
	meter->begun_ns = clock_mono_ns();
	if (cli_is_terminal(STDERR_FILENO))
		meter->started = pthread_create(&meter->thread, NULL, run_meter, meter) == 0;
}

static void end_meter(struct meter *meter)
{
	if (!meter->started)
		return;
	pthread_mutex_lock(&meter->lock);
	meter->end = true;
	pthread_cond_signal(&meter->ended);
	pthread_mutex_unlock(&meter->lock);
	pthread_join(meter->thread, NULL);
}

static void report(
	const struct settings *settings, const struct query_convert_stats *stats, int64_t begun_ns)
{
	double seconds = (double)(clock_mono_ns() - begun_ns) / CLOCK_NS_PER_SECOND;

	if (stats->bad_lines)
		cli_warn("%llu bad line%s in %llu of %llu source%s left out; the first: %s",
			(unsigned long long)stats->bad_lines, stats->bad_lines == 1 ? "" : "s",
			(unsigned long long)stats->bad_sources, (unsigned long long)stats->sources,
			stats->sources == 1 ? "" : "s",
			stats->errors ? stats->error[0].message : "unknown");
	printf("%llu record%s of %llu source%s (%.1f MB) in %llu file%s (%.1f MB), %.1f s\n",
		(unsigned long long)stats->rows, stats->rows == 1 ? "" : "s",
		(unsigned long long)stats->sources, stats->sources == 1 ? "" : "s",
		(double)stats->bytes_read / 1e6, (unsigned long long)stats->files,
		stats->files == 1 ? "" : "s", (double)stats->bytes_written / 1e6, seconds);
	if (stats->earlier_sources)
		printf("%llu source%s converted by earlier runs\n",
			(unsigned long long)stats->earlier_sources,
			stats->earlier_sources == 1 ? "" : "s");
	if (settings->options.delete_sources)
		printf("%llu source%s deleted, %llu kept for their bad lines or a change\n",
			(unsigned long long)stats->deleted, stats->deleted == 1 ? "" : "s",
			(unsigned long long)stats->kept);
}

static int run(void *settings_, int argc, char **argv, struct err *err)
{
	static const enum record_field default_sort[] = {RECORD_START, RECORD_INTERFACE_ID};
	struct settings *settings = settings_;
	struct query_convert_options *options = &settings->options;
	struct query_convert_stats stats;
	struct meter meter = {0};

	if (argc < 2) {
		err_set(err, ERR_USAGE, "expected one source or more and a destination");
		return err_hint(err, "nagare convert ./AWSLogs ./parquet");
	}
	if (!settings->sort_given) {
		memcpy(options->sort, default_sort, sizeof(default_sort));
		options->sort_count = ARRAY_SIZE(default_sort);
	}
	options->sources = (const char *const *)argv;
	options->sources_count = (size_t)argc - 1;
	options->destination = argv[argc - 1];
	options->headerless = settings->format.count ? &settings->format : NULL;
	options->progress = &progress;
	options->s3 = settings->s3;
	signal(SIGINT, on_interrupt);
	signal(SIGTERM, on_interrupt);
	start_meter(&meter);
	int r = query_convert(options, &stats, err);
	end_meter(&meter);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	if (r == 0)
		report(settings, &stats, meter.begun_ns);
	else if (progress.stop)
		err_hint(err, "run it again to go on behind what is done");
	return r;
}

const struct cli_command cli_convert = {
	.name = "convert",
	.operands = "SOURCE... DESTINATION",
	.summary = "make few sorted Parquet objects of many flow logs, or text again",
	.description =
		"Reads the flow logs in the given sources (files, folders, globs, bucket folders, "
		"s3://BUCKET/PREFIX; text, gzip, zstd and Parquet, with any fields) and writes them to the destination, a folder or s3://BUCKET/PREFIX, as "
		"sorted Parquet with the column names and types of AWS's own Parquet flow logs, or as "
		"gzip text with a header line. Many small objects become few large ones. Files hold "
		"statistics for each row group and bloom filters for the addresses, so that queries "
		"leave out what they do not need. Athena, Spark, Trino, pyarrow and DuckDB read them.\n\n"
		"Rows are sorted in each file. Sources are taken in the order of their paths, which for "
		"AWS's keys is the order of time, in units of some 400 MB; what a unit holds is sorted "
		"as a whole as far as --memory-limit lets it. Where sources have different fields, files "
		"have them all.\n\n"
		"Files show whole or not at all. In a bucket they show one by one; those of a run that "
		"was killed are deleted by the next one, and what is uploaded is made in $TMPDIR first. "
		"The folder .nagare-convert in the destination remembers "
		"what was converted: after a kill or a crash the same command goes on behind what is "
		"done, and later it converts only the sources that are new. Sources are never touched "
		"unless --delete-sources asks for it.\n\n"
		"Lines that are not flow log records are left out and counted on standard error.",
	.options =
		(const struct cli_option[]){
			{"to", 't', "FORM",
				"parquet (the default), or text: gzip, fields separated by spaces.",
				set_to},
			{"partition", 'p', "UNIT",
				"day or hour: Hive-compatible folders as AWS's, .../year=2026/month=11/"
				"day=25/hour=03/, by the end of the flow, below AWSLogs/aws-account-id="
				".../aws-region=.../ where the source's path says account and region. "
				"none (the default): all files in the destination.",
				set_partition},
			{"sort", 's', "FIELDS",
				"What rows are sorted by, ascending: names of fields separated by "
				"commas, or none. start,interface-id by default.",
				set_sort},
			{"delete-sources", 0, NULL,
				"Delete each source when its records are in the destination: after all "
				"files were written to disk and read back, and counts and sums of every "
				"column are those of the sources. In a bucket, those of the destination's "
				"objects. Sources with bad lines stay, and those that have changed since "
				"they were read; objects are deleted as long as they have the ETag that "
				"was read.",
				set_delete_sources},
			{"file-size", 0, "SIZE",
				"A file that is this large is full; 256M by default.",
				set_file_size},
			{"part-size", 0, "SIZE",
				"A file that is larger is uploaded to a bucket in parts of this size, "
				"several at a time; 5M at least, 64M by default.",
				set_part_size},
			{"strict", 0, NULL, "Fail on the first bad line.", set_strict},
			{"format", 0, "FORMAT",
				"Fields of text files without a header line, as '${version} ${vpc-id} "
				"...'; the version 2 default when not given.",
				set_format},
			{"threads", 0, "N", "Threads to use; all cores by default.", set_threads},
			{"memory-limit", 0, "SIZE",
				"Memory for the records that are sorted at once; 640M by default.",
				set_memory_limit},
			CLI_S3_OPTIONS(""),
			{NULL},
		},
	.examples =
		(const struct cli_example[]){
			{"nagare convert --partition day ./AWSLogs ./parquet",
				"A copy of a bucket as Parquet, a folder a day:"},
			{"nagare convert --to text --sort srcaddr,start 'parquet/**/*.parquet' ./text",
				"Back to text, sorted by sender:"},
			{"nagare convert --partition hour s3://my-bucket/AWSLogs ./parquet",
				"A bucket at AWS, as Parquet here:"},
			{"nagare convert --partition day s3://my-bucket/AWSLogs s3://my-bucket/parquet",
				"The same, for Athena:"},
			{NULL},
		},
	.settings_size = sizeof(struct settings),
	.run = run,
};
