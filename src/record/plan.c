#include "record/plan_priv.h"

static struct plan *plan_new(unsigned slots, size_t names_size)
{
	struct plan *plan = mem_new(1, sizeof(*plan) + slots * sizeof(plan->slots[0]));

	plan->users = 1;
	buf_reserve(&plan->names, names_size + 1); /* names do not move while they are added */
	return plan;
}

static struct str keep_name(struct plan *plan, struct str name)
{
	size_t at = plan->names.n;

	buf_add_str(&plan->names, name);
	return (struct str){plan->names.p + at, name.n};
}

static void add_slot(struct plan *plan, int field, struct str name)
{
	struct plan_slot *slot = &plan->slots[plan->count++];

	*slot = (struct plan_slot){
		.text = RECORD_TEXT_WORD, .type = RECORD_TYPE_STRING, .field = field, .column = -1};
	if (field >= 0) {
		slot->text = record_fields[field].text;
		slot->type = record_fields[field].parquet;
		slot->name = record_fields[field].name;
	} else {
		slot->name = keep_name(plan, name);
	}
}

static void add_repeated(struct plan *plan)
{
	for (unsigned kind = 0; kind < SPLIT_BITS && plan->count <= 64; kind++) {
		uint64_t line = kind == SPLIT_LINE_END ? plan->ends[0] : plan->needs[kind][0];
		for (unsigned slot = 0; slot < plan->count; slot++) {
			for (unsigned i = 0; i < 64; i++)
				plan->repeated[kind][slot] |= (line >> (slot + i) % plan->count & 1)
							      << i;
		}
	}
}

/* What the splitter's bits must say of the slots. */
static void add_needs(struct plan *plan)
{
	for (unsigned i = 0; i < plan->count; i++) {
		uint64_t bit = UINT64_C(1) << (i & 63);
		switch (plan->slots[i].text) {
		case RECORD_TEXT_DECIMAL:
		case RECORD_TEXT_SECONDS:
			plan->needs[plan->slots[i].type == RECORD_TYPE_INT32
					    ? SPLIT_NUMBER32
					    : SPLIT_NUMBER64][i / 64] |= bit;
			break;
		case RECORD_TEXT_ADDRESS:
			plan->needs[SPLIT_IPV4][i / 64] |= bit;
			break;
		case RECORD_TEXT_ACTION:
		case RECORD_TEXT_STATUS:
			plan->exact[plan->exact_count++] = i;
			break;
		case RECORD_TEXT_WORD:
			break;
		}
	}
	plan->ends[(plan->count - 1) / 64] = UINT64_C(1) << ((plan->count - 1) & 63);
	add_repeated(plan);
}

struct plan *plan_from_header(const struct str *tokens, unsigned count, bool commas)
{
	size_t size = 0;

	for (unsigned i = 0; i < count; i++)
		size += tokens[i].n;
	struct plan *plan = plan_new(count, size);
	plan->commas = commas;
	for (unsigned i = 0; i < count; i++)
		add_slot(plan, record_header_find(tokens[i]), record_header_name(tokens[i]));
	add_needs(plan);
	return plan;
}

struct plan *plan_from_format(const struct record_format *format, bool time, bool told)
{
	struct plan *plan = plan_new(format->count + 1u, 2);

	plan->headerless = true;
	plan->told = told;
	if (time)
		add_slot(plan, -1, STR("ts"));
	for (unsigned i = 0; i < format->count; i++)
		add_slot(plan, format->fields[i], STR_NONE);
	add_needs(plan);
	return plan;
}

bool plan_repeats(const struct plan *plan, const struct str *tokens, unsigned count)
{
	if (plan->headerless || count != plan->count)
		return false;
	for (unsigned i = 0; i < count; i++) {
		int field = record_header_find(tokens[i]);
		struct str name =
			field >= 0 ? record_fields[field].name : record_header_name(tokens[i]);
		if (!str_equal(plan->slots[i].name, name))
			return false;
	}
	return true;
}

void plan_join(struct plan *plan, const struct record_reader_column *columns, size_t count)
{
	bool present[RECORD_READER_COLUMNS_MAX] = {false};

	for (unsigned i = 0; i < plan->count; i++) {
		struct plan_slot *slot = &plan->slots[i];
		slot->column = -1;
		for (size_t j = 0; j < count; j++) {
			if (columns[j].field != slot->field || present[j] ||
				(slot->field < 0 && !str_equal(columns[j].name, slot->name)))
				continue;
			slot->column = (int)j;
			present[j] = true;
			break;
		}
	}
}

int plan_slot_of(const struct plan *plan, size_t column)
{
	for (unsigned i = 0; i < plan->count; i++) {
		if (plan->slots[i].column == (int)column)
			return (int)i;
	}
	return -1;
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	buf_done(&plan->names);
	free(plan);
}
