/* object: records of a window as objects in a bucket, with AWS's keys and file names (VPC guide,
 * "Flow log files"): [prefix/]AWSLogs/ACCOUNT/vpcflowlogs/REGION/YYYY/MM/DD/[HH/] or the
 * Hive-compatible form, ACCOUNT_vpcflowlogs_REGION_FLOWLOGID_YYYYMMDDTHHMMZ_HASH.log.gz or
 * .log.parquet; the stamp is the record's end, rounded down to five minutes. An object's records
 * are at most 75 MB before compression; then the next one is begun (AWS: a file is at most 75 MB).
 * Here a bucket is a folder. An object shows whole or not at all, whatever happens to the process;
 * a record is in exactly one object.
 * Owner: the caller; one thread. Blocks on disk at close. */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "record/format.h"
#include "record/record.h"

#include <stdbool.h>
#include <stdint.h>

enum deliver_file_format { DELIVER_TEXT, DELIVER_PARQUET };

struct deliver_options {
	const char *bucket; /* folder */
	const char *prefix; /* NULL or "folder/": before AWSLogs */
	const char *account_id, *region, *flow_log_id;
	enum deliver_file_format file_format;
	bool hive_compatible_partitions;
	bool per_hour_partition;
	struct record_format format;
	uint64_t max_waiting_bytes; /* of records that could not be written yet */
};

struct deliver_objects;

/* Strings of the options are copied. Makes the bucket, fails when nothing can be written there, and
 * removes drafts of a killed process. */
int deliver_objects_open(struct deliver_objects **ret_objects,
	const struct deliver_options *options, struct err *err);
int deliver_objects_add(
	struct deliver_objects *objects, const struct record *record, struct err *err);
/* Publishes what was added since the last call, one object per five-minute stamp. name_seed (the
 * window's start) goes into the names. What cannot be written now (full disk) waits for the next
 * call, up to max_waiting_bytes; the oldest beyond that are given up and counted. */
int deliver_objects_publish(struct deliver_objects *objects, int64_t name_seed, struct err *err);
/* Records given up since the last call: the caller's next records should say SKIPDATA. */
uint64_t deliver_objects_take_given_up(struct deliver_objects *objects);
/* Records that wait to be published. */
uint64_t deliver_objects_waiting(const struct deliver_objects *objects);
/* Key of the last object published, "" before the first; borrowed until the next publish. */
const char *deliver_objects_last_key(const struct deliver_objects *objects);
uint64_t deliver_objects_count(const struct deliver_objects *objects);
void deliver_objects_close(struct deliver_objects *objects);
MEM_DEFINE_CLEANUP(struct deliver_objects, deliver_objects_close)
