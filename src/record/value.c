#include "record/value_priv.h"

/* What a byte of an interface's text needs. */
enum { PLAIN, ENCODED_IN_TAGS, ENCODED };

#define UNRESERVED(c)                                                                              \
	(((c) >= 'A' && (c) <= 'Z') || ((c) >= 'a' && (c) <= 'z') || ((c) >= '0' && (c) <= '9') || \
		(c) == '-' || (c) == '.' || (c) == '_' || (c) == '~')
#define BREAKS_LINE(c) ((c) <= ' ' || (c) >= 0x7f || (c) == '%')
#define NEED(c)        (BREAKS_LINE(c) ? ENCODED : UNRESERVED(c) ? PLAIN : ENCODED_IN_TAGS)
#define NEED4(c)       NEED(c), NEED((c) + 1), NEED((c) + 2), NEED((c) + 3)
#define NEED16(c)      NEED4(c), NEED4((c) + 4), NEED4((c) + 8), NEED4((c) + 12)
#define NEED64(c)      NEED16(c), NEED16((c) + 16), NEED16((c) + 32), NEED16((c) + 48)

static const uint8_t needs[256] = {NEED64(0), NEED64(64), NEED64(128), NEED64(192)};

static bool is_tag(enum record_field field)
{
	return field >= RECORD_INSTANCE_TAG && field <= RECORD_ASG_TAG_2;
}

char *record_value_encode(char *p, enum record_field field, struct str text)
{
	static const char digits[] = "0123456789ABCDEF";
	uint8_t allowed = is_tag(field) ? PLAIN : ENCODED_IN_TAGS;

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if (needs[c] <= allowed) {
			*p++ = (char)c;
			continue;
		}
		*p++ = '%';
		*p++ = digits[c >> 4];
		*p++ = digits[c & 15];
	}
	return p;
}

struct record_value record_value_of_interface(enum record_field field, const struct record *record)
{
	struct str text = record->interface->values[field];
	uint64_t number;

	if (text.n == 0)
		return (struct record_value){RECORD_VALUE_NONE};
	if (record_fields[field].parquet == RECORD_TYPE_STRING)
		return (struct record_value){.kind = RECORD_VALUE_TEXT, .text = text};
	uint64_t max = record_fields[field].parquet == RECORD_TYPE_INT32 ? INT32_MAX : INT64_MAX;
	if (!number_parse(text, max, &number))
		return (struct record_value){RECORD_VALUE_NONE};
	return record_value_number(number);
}

bool record_value_is_fixed(enum record_field field)
{
	switch (field) {
	case RECORD_SRCADDR:
	case RECORD_DSTADDR:
	case RECORD_PKT_SRCADDR:
	case RECORD_PKT_DSTADDR:
	case RECORD_SRCPORT:
	case RECORD_DSTPORT:
	case RECORD_PROTOCOL:
	case RECORD_PACKETS:
	case RECORD_BYTES:
	case RECORD_START:
	case RECORD_END:
	case RECORD_ACTION:
	case RECORD_TCP_FLAGS:
	case RECORD_TYPE:
	case RECORD_FLOW_DIRECTION:
	case RECORD_TRAFFIC_PATH:
		return false;
	default:
		return true;
	}
}

struct record_value record_value_of_silence(
	enum record_field field, int version, const struct record *record)
{
	switch (field) {
	case RECORD_VERSION:
		return record_value_number((uint64_t)version);
	case RECORD_START:
		return record_value_number((uint64_t)record->start);
	case RECORD_END:
		return record_value_number((uint64_t)record->end);
	case RECORD_LOG_STATUS:
		return record_value_word(
			record->status == RECORD_NODATA ? STR("NODATA") : STR("SKIPDATA"));
	case RECORD_SRCADDR:
	case RECORD_DSTADDR:
	case RECORD_SRCPORT:
	case RECORD_DSTPORT:
	case RECORD_PROTOCOL:
	case RECORD_PACKETS:
	case RECORD_BYTES:
	case RECORD_ACTION:
	case RECORD_TCP_FLAGS:
	case RECORD_TYPE:
	case RECORD_PKT_SRCADDR:
	case RECORD_PKT_DSTADDR:
	case RECORD_PKT_SRC_AWS_SERVICE:
	case RECORD_PKT_DST_AWS_SERVICE:
	case RECORD_FLOW_DIRECTION:
	case RECORD_TRAFFIC_PATH:
	case RECORD_REJECT_REASON:
	case RECORD_ENCRYPTION_STATUS:
	case RECORD_NEXT_HOP_INTERFACE_ID:
	case RECORD_NEXT_HOP_SUBNET_ID:
	case RECORD_NEXT_HOP_AZ_ID:
	case RECORD_NEXT_HOP_VPC_ID:
	case RECORD_NEXT_HOP_INTERFACE_TYPE:
		return (struct record_value){RECORD_VALUE_NONE};
	default:
		return record_value_of_interface(field, record);
	}
}
