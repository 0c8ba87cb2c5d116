/* Ids of events and positions of readers: numbers of 56 digits, as AWS's are: the milliseconds in
 * the highest 42 of 186 bits, and three numbers of 48 bits behind them. An event's are its
 * sequence, its group and its stream; a position's are its sequence, low and high. */
#include "store/events_priv.h"

#include <assert.h>

enum { LIMBS = 6 }; /* of 32 bits, the lowest first */

static void join(const uint64_t parts[static 4], uint32_t limbs[static LIMBS])
{
	/* 48, 48 and 48 bits are 1.5 limbs each; the last part begins at bit 144. */
	limbs[0] = (uint32_t)parts[3];
	limbs[1] = (uint32_t)(parts[3] >> 32) | (uint32_t)(parts[2] << 16);
	limbs[2] = (uint32_t)(parts[2] >> 16);
	limbs[3] = (uint32_t)parts[1];
	limbs[4] = (uint32_t)(parts[1] >> 32) | (uint32_t)(parts[0] << 16);
	limbs[5] = (uint32_t)(parts[0] >> 16);
}

static void part(const uint32_t limbs[static LIMBS], uint64_t parts[static 4])
{
	parts[3] = limbs[0] | (uint64_t)(limbs[1] & 0xffff) << 32;
	parts[2] = limbs[1] >> 16 | (uint64_t)limbs[2] << 16;
	parts[1] = limbs[3] | (uint64_t)(limbs[4] & 0xffff) << 32;
	parts[0] = limbs[4] >> 16 | (uint64_t)limbs[5] << 16;
}

static void write_number(
	const uint64_t parts[static 4], char ret_text[static STORE_LOG_ID_DIGITS + 1])
{
	uint32_t limbs[LIMBS];

	join(parts, limbs);
	ret_text[STORE_LOG_ID_DIGITS] = 0;
	/* Eight digits at a time, from the end. */
	for (int end = STORE_LOG_ID_DIGITS; end > 0; end -= 8) {
		uint64_t rest = 0;
		for (int i = LIMBS - 1; i >= 0; i--) {
			rest = rest << 32 | limbs[i];
			limbs[i] = (uint32_t)(rest / 100000000);
			rest %= 100000000;
		}
		for (int i = 1; i <= 8; i++, rest /= 10)
			ret_text[end - i] = (char)('0' + rest % 10);
	}
}

static bool parse_number(struct str text, uint64_t ret_parts[static 4])
{
	uint32_t limbs[LIMBS] = {0};

	if (text.n != STORE_LOG_ID_DIGITS)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		uint64_t carry = (uint64_t)(text.p[i] - '0');
		for (int j = 0; j < LIMBS; j++) {
			carry += (uint64_t)limbs[j] * 10;
			limbs[j] = (uint32_t)carry;
			carry >>= 32;
		}
	}
	part(limbs, ret_parts);
	return ret_parts[0] <= EVENTS_TIME_MAX;
}

void store_log_position_write(
	const struct store_log_position *position, char ret_text[static STORE_LOG_ID_DIGITS + 1])
{
	const uint64_t parts[4] = {
		(uint64_t)position->time_ms, position->sequence, position->low, position->high};

	assert(position->time_ms >= 0 && position->time_ms <= EVENTS_TIME_MAX);
	write_number(parts, ret_text);
}

bool store_log_position_parse(struct str text, struct store_log_position *ret_position)
{
	uint64_t parts[4];

	if (!parse_number(text, parts))
		return false;
	*ret_position = (struct store_log_position){.time_ms = (int64_t)parts[0],
		.sequence = parts[1],
		.low = parts[2],
		.high = parts[3]};
	return true;
}

void store_log_id_write(
	const struct store_log_found *found, char ret_text[static STORE_LOG_ID_DIGITS + 1])
{
	const uint64_t parts[4] = {(uint64_t)found->time_ms, found->sequence,
		(uint64_t)found->group_id & EVENTS_SEQUENCE_MAX,
		(uint64_t)found->stream_id & EVENTS_SEQUENCE_MAX};

	write_number(parts, ret_text);
}

/* ---- the event of an id ---- */

struct search {
	uint64_t sequence;
	struct str group;
	void (*found)(void *context, struct str group, const struct store_log_found *event);
	void *context;
	bool is_found;
};

static bool look_at(void *context, const struct store_log_found *event)
{
	struct search *search = context;

	if (event->sequence != search->sequence)
		return event->sequence < search->sequence;
	search->is_found = true;
	search->found(search->context, search->group, event);
	return false;
}

static struct events_group *group_of(struct store_events *events, int64_t id)
{
	struct events_group *found = NULL;

	pthread_rwlock_rdlock(&events->lock);
	for (size_t i = 0; i < events->group_count && !found; i++)
		if (events->groups[i]->id == id)
			found = events_group_ref(events->groups[i]);
	pthread_rwlock_unlock(&events->lock);
	return found;
}

int store_log_find(struct store_events *events, struct str id,
	void (*found)(void *context, struct str group, const struct store_log_found *event),
	void *context, struct err *err)
{
	struct search search = {.found = found, .context = context};
	struct aws_error error = {0};
	struct store_log_position position;
	uint64_t parts[4];
	bool is_complete;

	if (!parse_number(id, parts))
		return STORE_LOG_NONE;
	_cleanup_(events_group_unrefp) struct events_group *group =
		group_of(events, (int64_t)parts[2]);
	if (!group)
		return STORE_LOG_NONE;
	pthread_mutex_lock(&group->lock);
	const struct events_stream *stream = events_stream_by_id(group, parts[3]);
	_cleanup_free_ char *name = stream ? mem_strdup(stream->name) : NULL;
	pthread_mutex_unlock(&group->lock);
	if (!name)
		return STORE_LOG_NONE;
	const struct str streams = str_from(name);
	const struct store_log_read read = {.group = str_from(group->name),
		.streams = &streams,
		.stream_count = 1,
		.start_ms = (int64_t)parts[0],
		.end_ms = (int64_t)parts[0]};
	search.sequence = parts[1];
	search.group = read.group;
	if (store_log_read(events, &read, look_at, &search, &position, &is_complete, &error, err) <
		0)
		return error.code == AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION ? STORE_LOG_NONE : -1;
	return search.is_found ? 0 : STORE_LOG_NONE;
}
