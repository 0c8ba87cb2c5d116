/* convert: flow logs into few, sorted objects: text to Parquet, Parquet to text, or many small ones
 * into fewer of their kind.
 * Work is cut into units of sources that follow each other by path (as AWS names objects, in time).
 * A unit becomes files that show all together or not at all, and is then written down in the
 * destination's folder .nagare-convert: a run that was killed goes on behind the last unit that was
 * written down, and a later run converts only the sources that are new. A source whose size or time
 * has changed since then is an error, for its records are in the destination already.
 * Rows are sorted within each file, and files of a unit follow each other in that order as long as
 * a unit fits into the memory limit; what does not fit goes to further files.
 * Sources at S3 servers (s3://...) are read as remote_priv.h says; their Parquet is copied to
 * $TMPDIR for as long as its unit takes. Sources are deleted only when that is asked for, when what
 * the unit became has been read back (from the bucket, if it lies there) with the counts and sums
 * of the sources, and while they are what was read (at servers by their ETag). Owner: the caller;
 * blocks for as long as it takes; one run a destination at a time (a lock). */
#pragma once

#include "base/err.h"
#include "query/query.h"
#include "record/format.h"
#include "record/parquet_file.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define QUERY_CONVERT_ERRORS 8

enum query_convert_form { QUERY_CONVERT_PARQUET, QUERY_CONVERT_TEXT };
enum query_convert_partition {
	QUERY_CONVERT_NONE,
	QUERY_CONVERT_DAY,
	QUERY_CONVERT_HOUR,
};

/* What has happened so far; read from another thread while a conversion runs. */
struct query_convert_progress {
	atomic_ullong sources_done, sources_total;
	atomic_ullong bytes_done, bytes_total; /* of sources, as they lie there */
	atomic_ullong rows;
	atomic_bool stop; /* set by the caller (a signal handler too): ends with ERR_SYSTEM soon */
};

struct query_convert_options {
	const char *const *sources; /* locations, as query_options */
	size_t sources_count;
	const char *destination; /* folder, or s3://BUCKET/PREFIX */
	enum query_convert_form form;
	enum query_convert_partition partition;
	/* Fields that rows are sorted by, ascending. */
	enum record_field sort[RECORD_PARQUET_SORT_MAX];
	unsigned sort_count;
	const struct record_format *headerless; /* NULL: version 2 */
	bool strict;                            /* a bad line is an error */
	bool delete_sources;
	unsigned threads;                        /* 0: one a core */
	uint64_t memory_limit;                   /* bytes of rows, 0: the default */
	uint64_t file_bytes;                     /* a file of this size is full, 0: the default */
	uint64_t part_bytes;                     /* of uploads, 0: the default */
	struct query_convert_progress *progress; /* NULL: not wanted */
	struct query_s3_options s3;
};

#define QUERY_CONVERT_MEMORY     ((uint64_t)640 << 20)
#define QUERY_CONVERT_MEMORY_MIN ((uint64_t)16 << 20)
#define QUERY_CONVERT_FILE_BYTES ((uint64_t)256 << 20)
#define QUERY_CONVERT_PART_BYTES ((uint64_t)64 << 20)
#define QUERY_CONVERT_PART_MIN   ((uint64_t)5 << 20) /* S3's own */

struct query_convert_stats {
	uint64_t sources, earlier_sources; /* converted now; by earlier runs */
	uint64_t files, rows, bytes_read, bytes_written;
	uint64_t bad_lines, bad_sources;
	uint64_t deleted, kept; /* with delete_sources: kept because of bad lines or a change */
	unsigned errors;        /* first bad lines */
	struct err error[QUERY_CONVERT_ERRORS];
};

int query_convert(const struct query_convert_options *options,
	struct query_convert_stats *ret_stats, struct err *err);
