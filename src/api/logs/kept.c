/* The documents of kept_priv.h. */
#include "api/logs/kept_priv.h"

#include "aws/arn.h"
#include "base/clock.h"
#include "store/log_documents.h"

#include <pthread.h>

#define CREATED ".created" /* nanoseconds: the order of those that have no other */

const struct logs_kept logs_destinations = {STR("destination"), "destination", "destinationName",
	"destination", "destinations", "The specified destination does not exist.", true, true};
const struct logs_kept logs_delivery_sources = {STR("delivery-source"), "delivery-source", "name",
	"deliverySource", "deliverySources",
	"Requested Delivery Source does not exist in this account.", false, false};
const struct logs_kept logs_delivery_destinations = {STR("delivery-destination"),
	"delivery-destination", "name", "deliveryDestination", "deliveryDestinations",
	"Requested Delivery Destination does not exist in this account.", false, false};
const struct logs_kept logs_deliveries = {STR("delivery"), "delivery", "id", "delivery",
	"deliveries", "Requested Delivery does not exist in this account.", false, false};

static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;

void logs_kept_lock(void)
{
	pthread_mutex_lock(&changing);
}

void logs_kept_unlock(void)
{
	pthread_mutex_unlock(&changing);
}

/* ---- one ---- */

int logs_kept_find(struct api_call *call, const struct logs_kept *kept, struct str name,
	json_t **ret_object, struct aws_error *error)
{
	const struct store_log_document document = {.kind = kept->kind, .name = name};

	if (store_log_document_get(
		    logs_of(call)->database, &document, ret_object, &call->exchange->err) < 0)
		return aws_error_internal(error);
	return 0;
}

static int refuse_missing(const struct logs_kept *kept, struct aws_error *error)
{
	return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION, "%s", kept->missing);
}

int logs_kept_get(struct api_call *call, const struct logs_kept *kept, struct str name,
	json_t **ret_object, struct aws_error *error)
{
	json_t *found = NULL;

	if (logs_kept_find(call, kept, name, &found, error) < 0)
		return -1;
	if (!found)
		return refuse_missing(kept, error);
	*ret_object = found;
	return 0;
}

int logs_kept_put(struct api_call *call, const struct logs_kept *kept, json_t *object,
	struct aws_error *error)
{
	if (!json_object_get(object, CREATED))
		json_object_set_new(object, CREATED, json_integer(clock_wall_ns()));
	_cleanup_free_ char *text = json_dumps(object, JSON_COMPACT);
	const struct store_log_document document = {.kind = kept->kind,
		.name = logs_string(json_object_get(object, kept->key)),
		.text = str_from(text)};
	int result = store_log_document_put(
		logs_of(call)->database, &document, LOGS_KEPT_MAX, &call->exchange->err);

	if (result == STORE_LOG_DOCUMENTS_FULL)
		return aws_error_set(
			error, AWS_ERROR_LIMIT_EXCEEDED_EXCEPTION, "Resource limit exceeded.");
	return result < 0 ? aws_error_internal(error) : 0;
}

int logs_kept_delete(struct api_call *call, const struct logs_kept *kept, struct str name,
	struct aws_error *error)
{
	const struct store_log_document document = {.kind = kept->kind, .name = name};
	int result =
		store_log_document_delete(logs_of(call)->database, &document, &call->exchange->err);

	if (result == STORE_LOG_DOCUMENT_NONE)
		return refuse_missing(kept, error);
	return result < 0 ? aws_error_internal(error) : 0;
}

/* ---- all ---- */

static json_t *told(const struct logs_kept *kept, json_t *object)
{
	const char *name;
	void *next;
	json_t *value;

	json_object_foreach_safe(object, next, name, value)
	{
		if (name[0] == '.' || (strcmp(name, "tags") == 0 &&
					      (kept->hides_tags || !json_object_size(value))))
			json_object_del(object, name);
	}
	return object;
}

struct listed {
	char *place; /* what they are sorted by */
	json_t *object;
};
struct listing {
	const struct logs_kept *kept;
	struct str prefix;
	struct listed *items;
	size_t count;
};

static void add(void *context, const struct store_log_document *document)
{
	struct listing *listing = context;
	json_t *object;

	if (document->owner != 0 || !str_starts_with(document->name, listing->prefix))
		return;
	object = json_loadb(document->text.p, document->text.n, 0, NULL);
	long long created = json_integer_value(json_object_get(object, CREATED));
	listing->items = mem_grow(listing->items, listing->count + 1, sizeof(*listing->items));
	listing->items[listing->count++] = (struct listed){
		listing->kept->is_by_name
			? mem_printf("%.*s", STR_ARG(document->name))
			: mem_printf("%020lld %.*s", created, STR_ARG(document->name)),
		object};
}

static int compare_places(const void *a, const void *b)
{
	return strcmp(((const struct listed *)a)->place, ((const struct listed *)b)->place);
}

static void take_page(struct api_call *call, struct listing *listing, const char *after)
{
	size_t max = (size_t)logs_number(call, "limit", LOGS_PAGE);
	json_t *list = json_array();
	const char *last = NULL;
	bool is_truncated = false;

	json_object_set_new(call->output, listing->kept->many, list);
	qsort(listing->items, listing->count, sizeof(*listing->items), compare_places);
	for (size_t i = 0; i < listing->count && !is_truncated; i++) {
		const struct listed *item = &listing->items[i];
		is_truncated = json_array_size(list) == max;
		if (is_truncated || strcmp(item->place, after) <= 0)
			continue;
		json_array_append(list, told(listing->kept, item->object));
		last = item->place;
	}
	if (is_truncated && last)
		logs_page_next(call, str_from(last));
}

int logs_kept_list(struct api_call *call, const struct logs_kept *kept, struct str prefix,
	struct aws_error *error)
{
	_cleanup_buf_ struct buf after = {0};
	struct listing listing = {.kept = kept, .prefix = prefix.p ? prefix : STR("")};

	if (logs_page_after(call, &after, error) < 0)
		return -1;
	int result = store_log_documents_list(
		logs_of(call)->database, kept->kind, add, &listing, &call->exchange->err);
	if (result == 0 && listing.items)
		take_page(call, &listing, buf_text(&after));
	else
		json_object_set_new(call->output, kept->many, json_array());
	for (size_t i = 0; listing.items && i < listing.count; i++) {
		free(listing.items[i].place);
		json_decref(listing.items[i].object);
	}
	free(listing.items);
	return result < 0 ? aws_error_internal(error) : 0;
}

struct seeking {
	const char *member;
	struct str text;
	bool is_found;
};

static void seek(void *context, const struct store_log_document *document)
{
	struct seeking *seeking = context;
	json_t *object = json_loadb(document->text.p, document->text.n, 0, NULL);

	seeking->is_found |=
		str_equal(logs_string(json_object_get(object, seeking->member)), seeking->text);
	json_decref(object);
}

int logs_kept_any(struct api_call *call, const struct logs_kept *kept, const char *member,
	struct str text, bool *ret_is_any, struct aws_error *error)
{
	struct seeking seeking = {member, text, false};

	if (store_log_documents_list(
		    logs_of(call)->database, kept->kind, seek, &seeking, &call->exchange->err) < 0)
		return aws_error_internal(error);
	*ret_is_any = seeking.is_found;
	return 0;
}

void logs_kept_tell(struct api_call *call, const struct logs_kept *kept, const json_t *object)
{
	json_object_set_new(call->output, kept->one, told(kept, json_deep_copy(object)));
}

/* ---- ARNs ---- */

json_t *logs_kept_arn(const struct logs *logs, const struct logs_kept *kept, struct str name)
{
	return logs_format("arn:aws:logs:%.*s:%.*s:%s:%.*s", STR_ARG(logs->region),
		STR_ARG(logs->account), kept->type, STR_ARG(name));
}

const struct logs_kept *logs_kept_of_arn(
	const struct logs *logs, struct str text, struct str *ret_name)
{
	static const struct logs_kept *const all[] = {&logs_destinations, &logs_delivery_sources,
		&logs_delivery_destinations, &logs_deliveries};
	struct aws_arn arn;
	struct str type, name;

	if (!aws_arn_parse(text, &arn) || !str_equal(arn.service, STR("logs")) ||
		!str_equal(arn.region, logs->region) || !str_equal(arn.account, logs->account))
		return NULL;
	aws_arn_split_resource(arn.resource, &type, &name);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (str_equal(type, str_from(all[i]->type))) {
			*ret_name = name;
			return all[i];
		}
	}
	return NULL;
}

/* ---- destinations of subscription filters ---- */

char *logs_destination_target(const struct logs *logs, const char *arn)
{
	struct err err = ERR_INIT;
	json_t *found = NULL;
	struct str name;

	if (logs_kept_of_arn(logs, str_from(arn), &name) != &logs_destinations)
		return mem_strdup(arn);
	const struct store_log_document document = {.kind = logs_destinations.kind, .name = name};
	if (store_log_document_get(logs->database, &document, &found, &err) < 0 || !found)
		return NULL;
	char *target = mem_strdup(json_string_value(json_object_get(found, "targetArn")));
	json_decref(found);
	return target;
}
