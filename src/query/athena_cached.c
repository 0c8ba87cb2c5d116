/* A table's files and the cache. */
#include "query/athena_priv.h"

#include "base/clock.h"

static struct athena_cache_object object_of(const struct athena_files_item *item)
{
	return (struct athena_cache_object){
		item->path, item->inode, item->modified_ns, item->name, item->etag, item->size};
}

static bool is_cacheable(const struct athena_files_item *item)
{
	return item->name && *item->etag && item->size >= ATHENA_CACHE_OBJECT_MIN;
}

void athena_cached_find(struct athena_engine *engine, struct athena_table *table,
	const char *select, const char *const reader[2], size_t columns)
{
	_cleanup_buf_ struct buf format = {0}, whole = {0};

	if (!engine->cache || columns == 0)
		return;
	buf_printf(&format, "%d %u %u %u ", table->format, (unsigned char)table->delimiter,
		(unsigned char)table->escape, table->skip_lines);
	athena_add_literal(&format, str_from(table->null_text));
	buf_printf(&format, " %s %s", select, reader ? reader[1] : "");
	buf_printf(&whole, "SELECT %s FROM ", select);
	table->reading = athena_reading_new(
		table, buf_text(&format), buf_text(&whole), reader, (unsigned)columns);
	table->found_ns = clock_wall_ns();
	/* a few rows of the first objects: those alone are scanned, and counted */
	if (engine->ends_early && !reader)
		return;
	for (size_t i = 0; i < table->files.count; i++) {
		struct athena_files_item *item = &table->files.items[i];
		const struct athena_cache_object object = object_of(item);
		if (!is_cacheable(item))
			continue;
		item->pin = athena_cache_find(engine->cache, &object, table->reading, &item->entry);
		table->hits += item->pin != NULL;
		item->is_read = reader != NULL; /* DuckDB does not say which it opens */
	}
}

bool athena_doubt(struct athena_engine *engine)
{
	bool damaged = false;

	if (engine->interrupted || engine->over_limit)
		return false;
	for (size_t t = 0; t < engine->tables_count; t++) {
		const struct athena_files *files = &engine->tables[t]->files;
		for (size_t i = 0; i < files->count; i++) {
			struct athena_cache_pin *pin = files->items[i].pin;
			damaged = (pin && athena_cache_doubt(engine->cache, pin)) || damaged;
		}
	}
	return damaged;
}

void athena_cached_done(struct athena_engine *engine, struct athena_table *table, bool is_wanted)
{
	for (size_t i = 0; table->reading && i < table->files.count; i++) {
		struct athena_files_item *item = &table->files.items[i];
		const struct athena_cache_object object = object_of(item);
		if (item->pin)
			athena_cache_unpin(engine->cache, take(item->pin));
		else if (is_wanted && item->is_read && is_cacheable(item))
			athena_cache_want(engine->cache, &object, table->reading, table->found_ns);
	}
}
