/* kept_priv: what the account has by name and CloudWatch Logs keeps: destinations, and sources,
 * destinations and pairs of deliveries. Each is a document (store/log_documents.h) of owner 0, a
 * JSON object as AWS describes it; members that begin with a dot are not told.
 *
 * What reads and then writes holds the lock, so that it sees what it decided by. */
#pragma once

#include "api/logs/logs_priv.h"

struct logs_kept {
	struct str kind;
	const char *type;       /* in ARNs: "delivery-source" */
	const char *key;        /* the member with the name, which is the input's too */
	const char *one, *many; /* members of answers */
	const char *missing;    /* ResourceNotFoundException */
	bool hides_tags;
	bool is_by_name; /* lists are in the order of names; otherwise as they were made */
};
enum { LOGS_KEPT_MAX = 1000 }; /* of a kind */

extern const struct logs_kept logs_destinations, logs_delivery_sources, logs_delivery_destinations,
	logs_deliveries;

void logs_kept_lock(void);
void logs_kept_unlock(void);
/* NULL: it is not there. The caller's. */
int logs_kept_find(struct api_call *call, const struct logs_kept *kept, struct str name,
	json_t **ret_object, struct aws_error *error);
/* ResourceNotFoundException. */
int logs_kept_get(struct api_call *call, const struct logs_kept *kept, struct str name,
	json_t **ret_object, struct aws_error *error);
/* By the name that it has. LimitExceededException. */
int logs_kept_put(struct api_call *call, const struct logs_kept *kept, json_t *object,
	struct aws_error *error);
int logs_kept_delete(struct api_call *call, const struct logs_kept *kept, struct str name,
	struct aws_error *error);
/* A page of them into the answer. prefix empty: all. */
int logs_kept_list(struct api_call *call, const struct logs_kept *kept, struct str prefix,
	struct aws_error *error);
/* Has any of them this text as the member? */
int logs_kept_any(struct api_call *call, const struct logs_kept *kept, const char *member,
	struct str text, bool *ret_is_any, struct aws_error *error);
/* Into the answer, without what is not told. */
void logs_kept_tell(struct api_call *call, const struct logs_kept *kept, const json_t *object);

json_t *logs_kept_arn(const struct logs *logs, const struct logs_kept *kept, struct str name);
/* Of an ARN of this account; NULL: it is none of theirs. */
const struct logs_kept *logs_kept_of_arn(
	const struct logs *logs, struct str text, struct str *ret_name);

/* ---- destinations of subscription filters ---- */

/* The ARN of the stream behind a destination's ARN, the caller's to free; an ARN of anything else
 * is itself; NULL: there is no such destination. */
char *logs_destination_target(const struct logs *logs, const char *arn);
/* May the caller put a filter that delivers to it? Any other ARN: yes. */
int logs_destination_allow(struct api_call *call, struct str arn, struct aws_error *error);
