/* The JSON of a cache entry. Whatever stands in the file, reading it gives an entry or none. */
#include "query/cache_priv.h"

#include <jansson.h>

static json_t *unsigned_pair(const uint64_t hash[2])
{
	return json_pack("[I, I]", (json_int_t)hash[0], (json_int_t)hash[1]);
}

char *query_cache_print(const struct query_cache_entry *entry)
{
	json_t *errors = json_array();

	for (unsigned i = 0; i < entry->errors; i++)
		json_array_append_new(
			errors, json_pack("[s, s]", entry->error[i].message, entry->error[i].hint));
	json_t *json = json_pack(
		"{s:s, s:s, s:I, s:I, s:s, s:I, s:I, s:o, s:I, s:o, s:I, s:I, s:I}", "path",
		entry->path, "etag", entry->etag, "size", (json_int_t)entry->size_bytes,
		"modified_ns", (json_int_t)entry->modified_ns, "format", entry->format, "lines",
		(json_int_t)entry->lines, "bad_lines", (json_int_t)entry->bad_lines, "errors",
		errors, "bytes", (json_int_t)entry->bytes, "hash", unsigned_pair(entry->hash),
		"inode", (json_int_t)entry->inode, "file_modified_ns",
		(json_int_t)entry->file_modified_ns, "file_changed_ns",
		(json_int_t)entry->file_changed_ns);
	char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
	json_decref(json);
	return text;
}

static bool read_errors(json_t *json, struct query_cache_entry *entry)
{
	const char *message, *hint;
	json_t *item;
	size_t i;

	if (!json_is_array(json) || json_array_size(json) > RECORD_READER_ERRORS)
		return false;
	json_array_foreach(json, i, item)
	{
		struct err *err = &entry->error[entry->errors++];
		if (json_unpack(item, "[s, s]", &message, &hint) < 0)
			return false;
		err_set(err, ERR_INPUT, "%s", message);
		if (*hint)
			err_hint(err, "%s", hint);
	}
	return true;
}

static bool read_entry(json_t *json, struct query_cache_entry *entry)
{
	json_int_t size, modified_ns, lines, bad_lines, bytes, hash[2], inode, file_modified_ns,
		file_changed_ns;
	const char *path, *etag, *format;
	json_t *errors;

	if (json_unpack(json,
		    "{s:s, s:s, s:I, s:I, s:s, s:I, s:I, s:o, s:I, s:[I, I], s:I, s:I, s:I}",
		    "path", &path, "etag", &etag, "size", &size, "modified_ns", &modified_ns,
		    "format", &format, "lines", &lines, "bad_lines", &bad_lines, "errors", &errors,
		    "bytes", &bytes, "hash", &hash[0], &hash[1], "inode", &inode,
		    "file_modified_ns", &file_modified_ns, "file_changed_ns",
		    &file_changed_ns) < 0 ||
		size < 0 || lines < 0 || bad_lines < 0 || bad_lines > lines || bytes < 0)
		return false;
	*entry = (struct query_cache_entry){
		.path = mem_strdup(path),
		.etag = mem_strdup(etag),
		.size_bytes = (uint64_t)size,
		.modified_ns = modified_ns,
		.format = mem_strdup(format),
		.lines = (uint64_t)lines,
		.bad_lines = (uint64_t)bad_lines,
		.bytes = (uint64_t)bytes,
		.hash = {(uint64_t)hash[0], (uint64_t)hash[1]},
		.inode = (uint64_t)inode,
		.file_modified_ns = file_modified_ns,
		.file_changed_ns = file_changed_ns,
	};
	return read_errors(errors, entry);
}

bool query_cache_parse(struct str text, struct query_cache_entry *ret_entry)
{
	json_t *json = json_loadb(text.p, text.n, 0, NULL);

	*ret_entry = (struct query_cache_entry){0};
	bool good = json && read_entry(json, ret_entry);
	json_decref(json);
	if (!good)
		query_cache_entry_done(ret_entry);
	return good;
}

void query_cache_entry_done(struct query_cache_entry *entry)
{
	free(entry->path);
	free(entry->etag);
	free(entry->format);
	*entry = (struct query_cache_entry){0};
}
