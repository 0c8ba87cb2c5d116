/* value: what a field of a record is, before it has a form. The text codec and the Parquet writer
 * both ask here, so that a field means the same in every output.
 * Rules (AWS user guide, "Flow log records"; for custom formats on NODATA and SKIPDATA lines, where
 * AWS says nothing, ours): what comes from packets is missing on lines without packets; version,
 * account, interface, start, end, log-status and what is fixed for the interface stay. */
#pragma once

#include "base/number.h"
#include "record/format.h"
#include "record/record.h"

#include <stdbool.h>

enum record_value_kind {
	RECORD_VALUE_NONE,   /* "-" */
	RECORD_VALUE_NUMBER, /* at most INT64_MAX */
	RECORD_VALUE_WORD,   /* text of ours, safe everywhere */
	RECORD_VALUE_TEXT,   /* text of the interface: any bytes */
	RECORD_VALUE_ADDRESS,
};

struct record_value {
	enum record_value_kind kind;
	union {
		uint64_t number;
		struct str text;
		const struct ip_addr *address;
	};
};

/* Longest form of a value that is not RECORD_VALUE_TEXT. */
#define RECORD_VALUE_SHORT_MAX IP_STR_MAX
/* A byte of RECORD_VALUE_TEXT becomes at most three. */
#define RECORD_VALUE_ENCODED_MAX(n) (3 * (n))

/* Writes text at p (room for RECORD_VALUE_ENCODED_MAX), percent-encoded: bytes that would end a
 * field or a line, '%' itself, and what is not ASCII; for tags, everything but the unreserved
 * characters of RFC 3986. Returns the place behind it. */
char *record_value_encode(char *p, enum record_field field, struct str text);

/* A field that the packet does not tell: from the interface. Out of line: the rarer case. */
struct record_value record_value_of_interface(enum record_field field, const struct record *record);

/* Whether the field is the same in all records with status RECORD_OK of an interface and a format.
 */
bool record_value_is_fixed(enum record_field field);

#define RECORD_VALUE_PROTOCOL_TCP 6

static inline struct record_value record_value_number(uint64_t number)
{
	return (struct record_value){
		.kind = number <= INT64_MAX ? RECORD_VALUE_NUMBER : RECORD_VALUE_NONE,
		.number = number,
	};
}

static inline struct record_value record_value_word(struct str word)
{
	return (struct record_value){.kind = RECORD_VALUE_WORD, .text = word};
}

static inline struct record_value record_value_address(const struct ip_addr *address)
{
	return (struct record_value){.kind = RECORD_VALUE_ADDRESS, .address = address};
}

/* For records with status RECORD_OK. version is format->version. A negative time (there is none in
 * AWS's logs) is missing. The value borrows from the record. */
static inline struct record_value record_value_of_flow(
	enum record_field field, int version, const struct record *record)
{
	switch (field) {
	case RECORD_VERSION:
		return record_value_number((uint64_t)version);
	case RECORD_SRCADDR:
		return record_value_address(&record->srcaddr);
	case RECORD_DSTADDR:
		return record_value_address(&record->dstaddr);
	case RECORD_PKT_SRCADDR:
		return record_value_address(&record->pkt_srcaddr);
	case RECORD_PKT_DSTADDR:
		return record_value_address(&record->pkt_dstaddr);
	case RECORD_SRCPORT:
		return record_value_number(record->srcport);
	case RECORD_DSTPORT:
		return record_value_number(record->dstport);
	case RECORD_PROTOCOL:
		return record_value_number(record->protocol);
	case RECORD_PACKETS:
		return record_value_number(record->packets);
	case RECORD_BYTES:
		return record_value_number(record->bytes);
	case RECORD_START:
		return record_value_number((uint64_t)record->start);
	case RECORD_END:
		return record_value_number((uint64_t)record->end);
	case RECORD_ACTION:
		return record_value_word(
			record->action == RECORD_ACCEPT ? STR("ACCEPT") : STR("REJECT"));
	case RECORD_LOG_STATUS:
		return record_value_word(STR("OK"));
	case RECORD_TCP_FLAGS:
		return record_value_number(
			record->protocol == RECORD_VALUE_PROTOCOL_TCP ? record->tcp_flags : 0);
	case RECORD_TYPE:
		return record_value_word(
			ip_is_v4(&record->pkt_srcaddr) ? STR("IPv4") : STR("IPv6"));
	case RECORD_FLOW_DIRECTION:
		if (record->direction == RECORD_NO_DIRECTION)
			return (struct record_value){RECORD_VALUE_NONE};
		return record_value_word(
			record->direction == RECORD_INGRESS ? STR("ingress") : STR("egress"));
	case RECORD_TRAFFIC_PATH:
		if (record->direction != RECORD_EGRESS || record->traffic_path == 0)
			return (struct record_value){RECORD_VALUE_NONE};
		return record_value_number(record->traffic_path);
	default:
		return record_value_of_interface(field, record);
	}
}

/* For records with another status. */
struct record_value record_value_of_silence(
	enum record_field field, int version, const struct record *record);

static inline struct record_value record_value_of(
	enum record_field field, int version, const struct record *record)
{
	if (__builtin_expect(record->status == RECORD_OK, 1))
		return record_value_of_flow(field, version, record);
	return record_value_of_silence(field, version, record);
}
