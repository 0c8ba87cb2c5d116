/* Policies under the names of AWS's managed ones, so that what people attach by habit is there. The
 * documents are ours and speak of nagare's services only. Their ids are fixed. */
#include "store/identities_priv.h"

#include <string.h>

#define LITERAL(text)                                                                              \
	{                                                                                          \
		"" text, sizeof(text) - 1                                                          \
	}
#define STATEMENT(text) "{\"Version\":\"2012-10-17\",\"Statement\":[" text "]}"
#define ALLOW(actions)  "{\"Effect\":\"Allow\",\"Action\":[" actions "],\"Resource\":\"*\"}"

static const struct managed table[] = {
#define X(name, path, id, description, document)                                                   \
	{LITERAL(name), LITERAL(path), LITERAL(id), LITERAL(description), LITERAL(document)},
#include "store/identities_managed.def"
#undef X
};

size_t store_managed_count(void)
{
	return ARRAY_SIZE(table);
}

const struct managed *managed_at(size_t index)
{
	return &table[index];
}

const struct managed *managed_find(struct str arn, size_t *ret_index)
{
	const struct str prefix = STR("arn:aws:iam::aws:policy");

	if (!str_starts_with(arn, prefix))
		return NULL;
	struct str rest = {arn.p + prefix.n, arn.n - prefix.n};
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (rest.n != table[i].path.n + table[i].name.n ||
			!str_starts_with(rest, table[i].path) ||
			!str_ends_with(rest, table[i].name))
			continue;
		*ret_index = i;
		return &table[i];
	}
	return NULL;
}

void store_managed_entity(struct store_edit *edit, size_t index, struct store_entity *ret_entity)
{
	const struct managed *managed = &table[index];

	*ret_entity = (struct store_entity){
		.kind = STORE_POLICY,
		.id = managed->id,
		.name = managed->name,
		.path = managed->path,
		.arn = store_edit_printf(edit, "arn:aws:iam::aws:policy%.*s%.*s",
			STR_ARG(managed->path), STR_ARG(managed->name)),
		.created_ms = MANAGED_CREATED_MS,
		.updated_ms = MANAGED_CREATED_MS,
		.description = managed->description,
		.version = 1,
		.versions = 1,
		.is_aws = true,
	};
}
