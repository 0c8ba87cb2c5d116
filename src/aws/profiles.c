#include "aws/profiles_priv.h"

#include "base/file.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <pwd.h>
#include <stdio.h>

/* One "key = value", or a section's header (key ""). Small files: a list is searched from its end.
 */
struct entry {
	enum aws_profiles_file file;
	char *kind; /* "profile", "services", "sso-session", ... */
	char *section;
	char *parent; /* the key above an indented line; "" */
	char *key;    /* lower case */
	char *value;
};

struct aws_profiles {
	struct entry *entries;
	size_t count, capacity;
	char *files;
};

struct aws_profiles *aws_profiles_new(void)
{
	struct aws_profiles *profiles = mem_new(1, sizeof(*profiles));

	profiles->files = mem_strdup("no file");
	return profiles;
}

void aws_profiles_free(struct aws_profiles *profiles)
{
	if (!profiles)
		return;
	for (size_t i = 0; i < profiles->count; i++) {
		struct entry *entry = &profiles->entries[i];
		OPENSSL_cleanse(entry->value, strlen(entry->value));
		free(entry->kind);
		free(entry->section);
		free(entry->parent);
		free(entry->key);
		free(entry->value);
	}
	free(profiles->entries);
	free(profiles->files);
	free(profiles);
}

static char *copy(struct str s)
{
	return mem_printf("%.*s", STR_ARG(s));
}

static char *copy_lower(struct str s)
{
	char *text = copy(s);

	for (char *p = text; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return text;
}

struct parser {
	struct aws_profiles *profiles;
	enum aws_profiles_file file;
	char *kind, *section; /* NULL: of a section that says nothing to us, or before the first */
	bool is_in_section;
	char *parent; /* the last key that was not indented */
};

static void parser_done(struct parser *parser)
{
	free(parser->kind);
	free(parser->section);
	free(parser->parent);
}

static void add(struct parser *parser, struct str parent, struct str key, struct str value)
{
	struct aws_profiles *profiles = parser->profiles;

	if (!parser->section)
		return;
	if (profiles->count == profiles->capacity) {
		profiles->capacity = profiles->capacity ? 2 * profiles->capacity : 32;
		profiles->entries =
			mem_grow(profiles->entries, profiles->capacity, sizeof(*profiles->entries));
	}
	profiles->entries[profiles->count++] = (struct entry){.file = parser->file,
		.kind = mem_strdup(parser->kind),
		.section = mem_strdup(parser->section),
		.parent = copy_lower(parent),
		.key = copy_lower(key),
		.value = copy(value)};
}

static struct str unquote(struct str s)
{
	if (s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'') && s.p[s.n - 1] == s.p[0])
		return (struct str){s.p + 1, s.n - 2};
	return s;
}

/* "default", "profile NAME", "services NAME"; the credentials file has profiles only. */
static void name_section(struct parser *parser, struct str name)
{
	struct str kind = STR("profile"), first = name;

	parser_done(parser);
	parser->kind = parser->section = parser->parent = NULL;
	parser->is_in_section = true;
	if (parser->file == AWS_PROFILES_CONFIG && !str_equal(name, STR("default"))) {
		size_t n = 0;
		while (n < name.n && name.p[n] != ' ' && name.p[n] != '\t')
			n++;
		if (n == name.n)
			return; /* "[NAME]": the other file's form, which all tools pass over */
		kind.p = first.p;
		kind.n = n;
		name = str_trim((struct str){name.p + n, name.n - n});
	}
	parser->kind = copy(kind);
	parser->section = copy(unquote(name));
	add(parser, STR(""), STR(""), STR(""));
}

static int parse_header(struct parser *parser, struct str line, struct err *err)
{
	const char *end = memchr(line.p, ']', line.n);

	if (!end)
		return err_set(err, ERR_INPUT, "a section without ']'");
	struct str rest = str_trim((struct str){end + 1, (size_t)(line.p + line.n - end - 1)});
	if (rest.n && rest.p[0] != '#' && rest.p[0] != ';')
		return err_set(err, ERR_INPUT, "something stands behind ']'");
	name_section(parser, str_trim((struct str){line.p + 1, (size_t)(end - line.p - 1)}));
	return 0;
}

/* A comment may stand behind a value after white space. */
static struct str without_comment(struct str value)
{
	for (size_t i = 1; i < value.n; i++)
		if ((value.p[i] == '#' || value.p[i] == ';') &&
			(value.p[i - 1] == ' ' || value.p[i - 1] == '\t'))
			return str_trim((struct str){value.p, i});
	return value;
}

static int parse_line(struct parser *parser, struct str line, struct err *err)
{
	bool is_indented = line.n && (line.p[0] == ' ' || line.p[0] == '\t');
	struct str text = str_trim(line);

	if (text.n == 0 || text.p[0] == '#' || text.p[0] == ';')
		return 0;
	if (memchr(text.p, '\0', text.n))
		return err_set(err, ERR_INPUT, "a NUL byte");
	if (!is_indented && text.p[0] == '[')
		return parse_header(parser, text, err);
	if (!parser->is_in_section)
		return err_set(err, ERR_INPUT, "\"%.*s\" stands before the first [section]",
			(int)(text.n < 40 ? text.n : 40), text.p);
	struct str key, value = text;
	str_split(&value, '=', &key);
	key = str_trim(key);
	/* The value is never shown: it may be a secret. */
	if (!value.p || key.n == 0) {
		if (is_indented && parser->parent)
			return 0; /* goes on with the value above: nothing of ours does */
		return err_set(err, ERR_INPUT, "expected NAME = VALUE or [section]");
	}
	value = without_comment(str_trim(value));
	if (is_indented && parser->parent) {
		add(parser, str_from(parser->parent), key, value);
		return 0;
	}
	free(parser->parent);
	parser->parent = copy(key);
	add(parser, STR(""), key, value);
	return 0;
}

int aws_profiles_add(struct aws_profiles *profiles, enum aws_profiles_file file, struct str text,
	const char *name, struct err *err)
{
	_cleanup_(parser_done) struct parser parser = {.profiles = profiles, .file = file};
	struct str line;

	if (str_starts_with(text, STR("\xef\xbb\xbf")))
		text = (struct str){text.p + 3, text.n - 3};
	for (unsigned number = 1; str_split(&text, '\n', &line); number++) {
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (parse_line(&parser, line, err) < 0)
			return err_wrap(err, "%s:%u", name, number);
	}
	return 0;
}

static char *default_path(const char *variable, const char *name)
{
	const char *set = getenv(variable), *home = getenv("HOME");

	if (set && *set && !(set[0] == '~' && set[1] == '/'))
		return mem_strdup(set);
	if (!home || !*home) {
		const struct passwd *user = getpwuid(getuid());
		home = user ? user->pw_dir : "";
	}
	if (set && *set)
		return mem_printf("%s%s", home, set + 1);
	return mem_printf("%s/.aws/%s", home, name);
}

static int load_file(struct aws_profiles *profiles, enum aws_profiles_file file, const char *path,
	struct err *err)
{
	_cleanup_buf_ struct buf bytes = {0};
	struct err own = ERR_INIT;

	if (file_read(path, AWS_PROFILES_FILE_MAX, &bytes, &own) < 0) {
		if (own.code == ERR_NOT_FOUND)
			return 0;
		if (err)
			*err = own;
		return -1;
	}
	int result = aws_profiles_add(profiles, file, buf_str(&bytes), path, err);
	OPENSSL_cleanse(bytes.p, bytes.n);
	return result;
}

int aws_profiles_load(struct aws_profiles **ret_profiles, const char *credentials_file,
	const char *config_file, struct err *err)
{
	_cleanup_(aws_profiles_freep) struct aws_profiles *profiles = aws_profiles_new();
	_cleanup_free_ char *credentials =
		credentials_file ? mem_strdup(credentials_file)
				 : default_path("AWS_SHARED_CREDENTIALS_FILE", "credentials");
	_cleanup_free_ char *config =
		config_file ? mem_strdup(config_file) : default_path("AWS_CONFIG_FILE", "config");

	free(profiles->files);
	profiles->files = mem_printf("%s and %s", credentials, config);
	if (load_file(profiles, AWS_PROFILES_CREDENTIALS, credentials, err) < 0 ||
		load_file(profiles, AWS_PROFILES_CONFIG, config, err) < 0)
		return -1;
	*ret_profiles = take(profiles);
	return 0;
}

static const char *find(const struct aws_profiles *profiles, enum aws_profiles_file file,
	const char *kind, const char *section, const char *parent, const char *key)
{
	for (size_t i = profiles->count; i-- > 0;) {
		const struct entry *entry = &profiles->entries[i];
		if (entry->file == file && strcmp(entry->kind, kind) == 0 &&
			strcmp(entry->section, section) == 0 &&
			strcmp(entry->parent, parent) == 0 && strcmp(entry->key, key) == 0)
			return entry->value;
	}
	return NULL;
}

bool aws_profiles_has(const struct aws_profiles *profiles, const char *profile)
{
	return find(profiles, AWS_PROFILES_CREDENTIALS, "profile", profile, "", "") ||
	       find(profiles, AWS_PROFILES_CONFIG, "profile", profile, "", "");
}

const char *aws_profiles_get(
	const struct aws_profiles *profiles, const char *profile, const char *key)
{
	const char *value = find(profiles, AWS_PROFILES_CREDENTIALS, "profile", profile, "", key);

	if (!value)
		value = find(profiles, AWS_PROFILES_CONFIG, "profile", profile, "", key);
	return value && *value ? value : NULL;
}

const char *aws_profiles_get_service(const struct aws_profiles *profiles, const char *services,
	const char *service, const char *key)
{
	const char *value = find(profiles, AWS_PROFILES_CONFIG, "services", services, service, key);

	return value && *value ? value : NULL;
}

const char *aws_profiles_files(const struct aws_profiles *profiles)
{
	return profiles->files;
}
