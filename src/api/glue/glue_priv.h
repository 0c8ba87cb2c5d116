/* glue_priv: what the files of Glue share. */
#pragma once

#include "api/glue/glue.h"

#include "aws/error.h"

#include <pthread.h>

#define GLUE_PAGE_MAX 1000

struct glue {
	struct store_catalog *catalog;
	struct store_objects *objects;
	char *region, *account;
	struct glue_crawls *crawls;
};

static inline struct glue *glue_of(const struct api_call *call)
{
	return call->context;
}

/* ---- call.c ---- */
struct str glue_text(const json_t *object, const char *name); /* STR_NONE: not there */
int64_t glue_number(const json_t *object, const char *name, int64_t otherwise);
json_t *glue_json(struct str text);
int glue_refuse(struct aws_error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold)); /* InvalidInputException */
/* EntityNotFoundException unless CatalogId is the account's. */
int glue_check_catalog(const struct api_call *call, struct aws_error *error);
struct store_table_name glue_table(const struct api_call *call, const char *member);
/* A token is base64 of where the next page begins. */
int glue_page(const struct api_call *call, struct buf *ret_after, struct aws_error *error);
size_t glue_limit(const struct api_call *call, size_t otherwise);
void glue_next(struct api_call *call, struct str after);
/* Cuts the list to limit and gives the token when there was more: it was asked for limit + 1.
 * member: of an item, which the next page begins behind. */
void glue_cut(struct api_call *call, json_t *list, size_t limit, const char *member);
/* A regular expression or Hive's pattern (* and |), whole and without case. */
struct glue_pattern;
int glue_pattern_new(struct glue_pattern **ret_pattern, struct str text, struct aws_error *error);
bool glue_pattern_matches(const struct glue_pattern *pattern, struct str name);
void glue_pattern_free(struct glue_pattern *pattern);
MEM_DEFINE_CLEANUP(struct glue_pattern, glue_pattern_free)
/* An error of one among many: {ErrorCode, ErrorMessage}. */
json_t *glue_error_detail(const struct aws_error *error);

/* ---- about.c ---- */
#define GLUE_ABOUT(name)                                                                           \
	int name(struct api_call *call, struct api_authorization *authorization,                   \
		struct aws_error *error)
GLUE_ABOUT(glue_about_catalog);
GLUE_ABOUT(glue_about_database);
GLUE_ABOUT(glue_about_whole_database);
GLUE_ABOUT(glue_about_tables);
GLUE_ABOUT(glue_about_table);
GLUE_ABOUT(glue_about_function);
GLUE_ABOUT(glue_about_crawler);
GLUE_ABOUT(glue_about_arn);

/* ---- tags.c ---- */
/* Keeps the tags of a request that makes a resource; frees arn. */
int glue_put_tags(struct api_call *call, char *arn, struct aws_error *error);

/* ---- ready.c ---- */
int glue_make_ready_table(struct glue *glue, struct err *err);

#define GLUE_HANDLER(name) int name(struct api_call *call, struct aws_error *error)
GLUE_HANDLER(glue_create_database);
GLUE_HANDLER(glue_get_database);
GLUE_HANDLER(glue_get_databases);
GLUE_HANDLER(glue_update_database);
GLUE_HANDLER(glue_delete_database);
GLUE_HANDLER(glue_create_table);
GLUE_HANDLER(glue_get_table);
GLUE_HANDLER(glue_get_tables);
GLUE_HANDLER(glue_update_table);
GLUE_HANDLER(glue_delete_table);
GLUE_HANDLER(glue_batch_delete_table);
GLUE_HANDLER(glue_get_version);
GLUE_HANDLER(glue_get_versions);
GLUE_HANDLER(glue_delete_version);
GLUE_HANDLER(glue_batch_delete_version);
GLUE_HANDLER(glue_search_tables);
GLUE_HANDLER(glue_create_partition);
GLUE_HANDLER(glue_batch_create_partition);
GLUE_HANDLER(glue_get_partition);
GLUE_HANDLER(glue_get_partitions);
GLUE_HANDLER(glue_batch_get_partition);
GLUE_HANDLER(glue_update_partition);
GLUE_HANDLER(glue_batch_update_partition);
GLUE_HANDLER(glue_delete_partition);
GLUE_HANDLER(glue_batch_delete_partition);
GLUE_HANDLER(glue_get_indexes);
GLUE_HANDLER(glue_create_index);
GLUE_HANDLER(glue_delete_index);
/* The indexes of a table that is just made. */
int glue_put_indexes(struct api_call *call, struct store_table_name name, const json_t *keys,
	const json_t *indexes, struct aws_error *error);
GLUE_HANDLER(glue_get_statistics);
GLUE_HANDLER(glue_update_statistics);
GLUE_HANDLER(glue_delete_statistics);
GLUE_HANDLER(glue_create_function);
GLUE_HANDLER(glue_get_function);
GLUE_HANDLER(glue_get_functions);
GLUE_HANDLER(glue_update_function);
GLUE_HANDLER(glue_delete_function);
GLUE_HANDLER(glue_get_tags);
GLUE_HANDLER(glue_tag);
GLUE_HANDLER(glue_untag);
GLUE_HANDLER(glue_import_status);
GLUE_HANDLER(glue_encryption);
GLUE_HANDLER(glue_create_crawler);
GLUE_HANDLER(glue_get_crawler);
GLUE_HANDLER(glue_get_crawlers);
GLUE_HANDLER(glue_list_crawlers);
GLUE_HANDLER(glue_update_crawler);
GLUE_HANDLER(glue_delete_crawler);
GLUE_HANDLER(glue_start_crawler);
GLUE_HANDLER(glue_stop_crawler);
GLUE_HANDLER(glue_get_metrics);
GLUE_HANDLER(glue_start_schedule);
GLUE_HANDLER(glue_stop_schedule);
GLUE_HANDLER(glue_update_schedule);
GLUE_HANDLER(glue_list_crawls);
GLUE_HANDLER(glue_batch_get_crawlers);
