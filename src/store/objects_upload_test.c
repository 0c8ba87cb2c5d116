#include "store/objects_test_help.h"

#include <glob.h>
#include <sys/stat.h>
#include <sys/xattr.h>

static struct store_part put_part(struct place *place, const struct store_upload *upload,
	unsigned number, char fill, size_t n)
{
	_cleanup_(store_draft_freep) struct store_draft *draft = NULL;
	struct store_part part = {.number = number};
	struct aws_error error = {0};
	char *bytes = mem_new(1, n + 1);

	memset(bytes, fill, n);
	assert_int_equal(store_draft_new(place->objects, &draft, (int64_t)n, NULL, NULL), 0);
	store_draft_hash(draft, upload->algorithm);
	assert_int_equal(store_draft_add(draft, (struct str){bytes, n}, NULL, NULL), 0);
	free(bytes);
	if (store_part_put(place->objects, STR("logs"), upload->key, str_from(upload->id), draft,
		    &part, &error, NULL) < 0)
		fail_msg("%s", error.message);
	return part;
}

static int complete(struct place *place, const struct store_upload *upload,
	const struct store_part *parts, size_t count, struct store_object *ret_object,
	struct aws_error *error)
{
	struct err err = ERR_INIT;

	return store_upload_complete(place->objects, STR("logs"), upload->key, str_from(upload->id),
		parts, count, NULL, NULL, ret_object, error, &err);
}

/* Values by Python's hashlib, zlib and base64 over the same bytes. */
static void parts_become_an_object(void **state)
{
	struct place *place = *state;
	struct store_upload upload = {.key = STR("big/file"),
		.owner = STR("111122223333"),
		.algorithm = AWS_CHECKSUM_CRC32,
		.type = AWS_CHECKSUM_FULL_OBJECT,
		.headers = {.content_type = STR("video/mp4")},
		.tags = STR("a=b")};
	_cleanup_(store_object_done) struct store_object object = {0}, again = {0}, found = {0};
	struct aws_error error = {0};
	struct aws_checksum_value checksum;
	struct store_part parts[3];
	int64_t offset, size;

	assert_int_equal(store_upload_create(place->objects, STR("logs"), &upload, NULL, NULL), 0);
	put_part(place, &upload, 1, 'x', 100); /* sent again below */
	parts[0] = put_part(place, &upload, 1, 'a', 5 << 20);
	parts[1] = put_part(place, &upload, 4, 'b', (5 << 20) + 1);
	parts[2] = put_part(place, &upload, 10000, 'c', 3);
	place_close(place);
	place_open(place);
	assert_int_equal(complete(place, &upload, parts, 3, &object, &error), 0);
	assert_string_equal(object.etag, "bed83761ea939d0838e710b7ce828199-3");
	assert_int_equal(object.size, (10 << 20) + 4);
	assert_int_equal(object.parts, 3);
	assert_memory_equal(object.checksum.bytes, "\x8e\x5e\x72\xb5", 4);
	assert_true(str_equal(object.headers.content_type, STR("video/mp4")));
	/* The answer was lost: asked again. */
	assert_int_equal(complete(place, &upload, parts, 3, &again, &error), 0);
	assert_string_equal(again.etag, object.etag);
	assert_int_equal(again.size, object.size);
	store_object_done(&again);
	assert_true(complete(place, &upload, parts, 2, &again, &error) < 0);
	assert_int_equal(error.code, AWS_ERROR_NO_SUCH_UPLOAD);
	assert_int_equal(store_object_get(place->objects, STR("logs"), STR("big/file"), STR(""),
				 &found, NULL, NULL, NULL),
		0);
	assert_string_equal(found.etag, object.etag);
	assert_true(str_equal(found.tags, STR("a=b")));
	assert_int_equal(store_object_part(place->objects, STR("logs"), &found, 4, &offset, &size,
				 &checksum, NULL, NULL),
		0);
	assert_int_equal(offset, 5 << 20);
	assert_int_equal(size, (5 << 20) + 1);
	assert_true(aws_checksum_equal(&checksum, &parts[1].checksum));
	assert_true(store_object_part(place->objects, STR("logs"), &found, 2, &offset, &size,
			    &checksum, &error, NULL) < 0);
	assert_int_equal(place_shell(place, "test \"$(md5sum < buckets/logs/big/file)\" ="
					    " '8e7e13174a238e3758cffbca33699bb2  -'"),
		0);
	assert_int_equal(place_shell(place, "test -z \"$(ls -A uploads incoming)\" ||"
					    " test -z \"$(ls -A uploads)\""),
		0);
}

static void what_cannot_be_completed(void **state)
{
	struct place *place = *state;
	struct store_upload upload = {.key = STR("k")};
	struct store_object object;
	struct aws_error error = {0};
	struct store_part parts[3];

	assert_int_equal(store_upload_create(place->objects, STR("logs"), &upload, NULL, NULL), 0);
	parts[0] = put_part(place, &upload, 2, 'a', 100);
	parts[1] = put_part(place, &upload, 1, 'b', 100);
	assert_true(complete(place, &upload, parts, 2, &object, &error) < 0);
	assert_int_equal(error.code, AWS_ERROR_INVALID_PART_ORDER);
	parts[2] = parts[0];
	parts[0] = parts[1];
	parts[1] = parts[2];
	assert_true(complete(place, &upload, parts, 2, &object, &error) < 0);
	assert_int_equal(error.code, AWS_ERROR_ENTITY_TOO_SMALL);
	parts[0].etag[0] ^= 1;
	assert_true(complete(place, &upload, parts, 1, &object, &error) < 0);
	assert_int_equal(error.code, AWS_ERROR_INVALID_PART);
	parts[0].number = 7;
	assert_true(complete(place, &upload, parts, 1, &object, &error) < 0);
	assert_int_equal(error.code, AWS_ERROR_INVALID_PART);
	check_none(place, "k", "", AWS_ERROR_NO_SUCH_KEY);
	assert_int_equal(store_upload_abort(place->objects, STR("logs"), STR("k"),
				 str_from(upload.id), NULL, NULL),
		0);
	assert_true(store_upload_abort(place->objects, STR("logs"), STR("k"), str_from(upload.id),
			    &error, NULL) < 0);
	assert_int_equal(error.code, AWS_ERROR_NO_SUCH_UPLOAD);
	assert_int_equal(place_shell(place, "test -z \"$(ls -A uploads)\""), 0);
}

static void parts_are_listed_by_pages(void **state)
{
	struct place *place = *state;
	struct store_upload upload = {.key = STR("k")};
	struct store_part *parts;
	size_t count;
	bool is_truncated;

	assert_int_equal(store_upload_create(place->objects, STR("logs"), &upload, NULL, NULL), 0);
	for (unsigned i = 5; i > 0; i--)
		put_part(place, &upload, i * 10, 'p', i);
	assert_int_equal(store_part_list(place->objects, STR("logs"), STR("k"), str_from(upload.id),
				 10, 3, &parts, &count, &is_truncated, NULL, NULL),
		0);
	assert_int_equal(count, 3);
	assert_true(is_truncated);
	assert_int_equal(parts[0].number, 20);
	assert_int_equal(parts[0].size, 2);
	free(parts);
	assert_int_equal(store_part_list(place->objects, STR("logs"), STR("k"), str_from(upload.id),
				 40, 3, &parts, &count, &is_truncated, NULL, NULL),
		0);
	assert_int_equal(count, 1);
	assert_false(is_truncated);
	free(parts);
}

static void list_uploads(
	struct place *place, struct store_upload_list_options options, const char *wanted)
{
	_cleanup_(store_upload_list_done) struct store_upload_list list = {0};
	_cleanup_buf_ struct buf text = {0};

	options.bucket = STR("logs");
	assert_int_equal(store_upload_list(place->objects, &options, &list, NULL, NULL), 0);
	for (size_t i = 0; i < list.count; i++)
		buf_printf(&text, "%.*s ", STR_ARG(list.uploads[i].key));
	for (size_t i = 0; i < list.prefix_count; i++)
		buf_printf(&text, "[%.*s] ", STR_ARG(list.prefixes[i]));
	if (list.is_truncated)
		buf_printf(&text, "...%.*s", STR_ARG(list.next_key));
	assert_string_equal(buf_text(&text), wanted);
}

static void uploads_are_listed(void **state)
{
	struct place *place = *state;
	static const char *const keys[] = {"b/2", "a", "b/1", "c", "a"};
	char first[STORE_VERSION_MAX] = {0};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct store_upload upload = {.key = str_from(keys[i])};
		assert_int_equal(
			store_upload_create(place->objects, STR("logs"), &upload, NULL, NULL), 0);
		if (i == 1)
			memcpy(first, upload.id, sizeof(first));
	}
	list_uploads(place, (struct store_upload_list_options){.max = 10}, "a a b/1 b/2 c ");
	list_uploads(place, (struct store_upload_list_options){.max = 10, .prefix = STR("b/")},
		"b/1 b/2 ");
	list_uploads(place, (struct store_upload_list_options){.max = 10, .delimiter = STR("/")},
		"a a c [b/] ");
	list_uploads(place, (struct store_upload_list_options){.max = 1}, "a ...a");
	list_uploads(place,
		(struct store_upload_list_options){
			.max = 2, .after_key = STR("a"), .after_id = str_from(first)},
		"a b/1 ...b/1");
	list_uploads(place, (struct store_upload_list_options){.max = 10, .after_key = STR("a")},
		"b/1 b/2 c ");
	list_uploads(place,
		(struct store_upload_list_options){
			.max = 10, .after_key = STR("b/"), .delimiter = STR("/")},
		"c ");
	list_uploads(place,
		(struct store_upload_list_options){
			.max = 10, .after_key = STR("A"), .prefix = STR("b")},
		"b/1 b/2 ");
}

static void remove_attributes(
	struct place *place, const struct store_upload *upload, unsigned number)
{
	char pattern[160];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/uploads/%s/%05u.*", place->folder, upload->id,
		number);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, 1);
	assert_int_equal(removexattr(found.gl_pathv[0], "user.nagare"), 0);
	globfree(&found);
}

static struct store_fsck_report repair(struct place *place)
{
	const struct store_fsck_options options = {.repair = true};
	struct store_fsck_report report = {0};
	struct err err = ERR_INIT;

	place_close(place);
	assert_int_equal(place_shell(place, "rm " STORE_INDEX_NAME "*"), 0);
	if (store_fsck(place->folder, &options, &report, &err) < 0)
		fail_msg("%s", err.message);
	place_open(place);
	return report;
}

static void uploads_outlive_the_index(void **state)
{
	struct place *place = *state;
	struct store_upload upload = {.key = STR("big/file"),
		.owner = STR("111122223333"),
		.algorithm = AWS_CHECKSUM_CRC32,
		.type = AWS_CHECKSUM_FULL_OBJECT,
		.headers = {.content_type = STR("video/mp4")},
		.tags = STR("a=b")};
	struct store_upload other = {.key = STR("other")};
	_cleanup_(store_object_done) struct store_object object = {0};
	_cleanup_free_ struct store_part *listed = NULL;
	struct aws_error error = {0};
	struct store_part parts[2];
	bool is_truncated;
	size_t count;

	assert_int_equal(store_upload_create(place->objects, STR("logs"), &upload, NULL, NULL), 0);
	assert_int_equal(store_upload_create(place->objects, STR("logs"), &other, NULL, NULL), 0);
	parts[0] = put_part(place, &upload, 1, 'a', 5 << 20);
	put_part(place, &upload, 7, 'x', 100);
	parts[1] = put_part(place, &upload, 7, 'b', 3);
	/* The first as where there are no attributes; and one that was being sent again. */
	remove_attributes(place, &upload, 1);
	assert_int_equal(
		place_shell(place, "cd uploads/%s && cp 00007.* 00007.%016x", upload.id, 1), 0);
	assert_int_equal(place_shell(place, "rm uploads/%s/upload", other.id), 0);
	assert_true(repair(place).repaired >= 1);
	assert_int_equal(
		store_part_list(place->objects, STR("logs"), upload.key, str_from(upload.id), 0, 10,
			&listed, &count, &is_truncated, NULL, NULL),
		0);
	assert_int_equal(count, 2);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(listed[i].number, parts[i].number);
		assert_int_equal(listed[i].size, parts[i].size);
		assert_string_equal(listed[i].etag, parts[i].etag);
		assert_true(aws_checksum_equal(&listed[i].checksum, &parts[i].checksum));
	}
	assert_int_equal(
		place_shell(place, "test $(ls uploads/%s | wc -l) = 3 && test ! -e uploads/%s",
			upload.id, other.id),
		0);
	assert_int_equal(complete(place, &upload, parts, 2, &object, &error), 0);
	/* md5 of the parts' md5s, by Python's hashlib */
	assert_string_equal(object.etag, "06a6ca67e53064f3f30a42ee29a62f5d-2");
	assert_true(str_equal(object.headers.content_type, STR("video/mp4")));
	assert_true(str_equal(object.tags, STR("a=b")));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, place_setup, place_teardown)
	const struct CMUnitTest tests[] = {
		TEST(parts_become_an_object),
		TEST(what_cannot_be_completed),
		TEST(parts_are_listed_by_pages),
		TEST(uploads_are_listed),
		TEST(uploads_outlive_the_index),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
