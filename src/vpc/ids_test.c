#include "vpc/ids.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static char path[] = "/tmp/nagare-ids-test-XXXXXX";

/* As the kernel's list has it: the id is derived from the name. */
static struct vpc_interface device(uint32_t ifindex, const char *name, uint8_t mac)
{
	struct vpc_interface interface = {.ifindex = ifindex, .mac = {2, 0, 0, 0, 0, mac}};

	snprintf(interface.name, sizeof(interface.name), "%s", name);
	snprintf(interface.kind, sizeof(interface.kind), "veth");
	vpc_id_make(interface.id, "eni", str_from(name));
	return interface;
}

static void derived(char ret_id[static VPC_ID_SIZE], const char *name)
{
	vpc_id_make(ret_id, "eni", str_from(name));
}

static int begin(void **state)
{
	unlink(path);
	return 0;
}

static void renames_and_restarts_change_no_id(void **state)
{
	_cleanup_(vpc_ids_freep) struct vpc_ids *ids = NULL, *again = NULL, *later = NULL;
	struct vpc_interface before[] = {device(5, "a", 1), device(9, "b", 2)};
	struct vpc_interface after[] = {device(5, "x", 1), device(9, "b", 3)};
	struct vpc_interface last[] = {device(5, "x", 7), device(9, "y", 3)};
	char a[VPC_ID_SIZE], b[VPC_ID_SIZE];

	derived(a, "a");
	derived(b, "b");
	assert_int_equal(vpc_ids_open(&ids, path, NULL), 0);
	assert_int_equal(vpc_ids_apply(ids, before, 2, true, NULL), 0);
	assert_string_equal(before[0].id, a);
	assert_string_equal(before[1].id, b);
	assert_int_equal(vpc_ids_open(&again, path, NULL), 0);
	assert_int_equal(vpc_ids_apply(again, after, 2, true, NULL), 0);
	assert_string_equal(after[0].id, a);
	assert_string_equal(after[1].id, b);
	/* What has changed since is what the next start compares with. */
	assert_int_equal(vpc_ids_open(&later, path, NULL), 0);
	assert_int_equal(vpc_ids_apply(later, last, 2, true, NULL), 0);
	assert_string_equal(last[0].id, a);
	assert_string_equal(last[1].id, b);
}

static void another_device_is_another(void **state)
{
	_cleanup_(vpc_ids_freep) struct vpc_ids *ids = NULL;
	struct vpc_interface first = device(5, "a", 1), second = device(5, "z", 2);
	struct vpc_interface kind = device(5, "z", 2);
	char z[VPC_ID_SIZE], a[VPC_ID_SIZE];

	derived(z, "z");
	derived(a, "a");
	assert_int_equal(vpc_ids_open(&ids, NULL, NULL), 0);
	vpc_ids_apply(ids, &first, 1, true, NULL);
	vpc_ids_apply(ids, &second, 1, true, NULL);
	assert_string_equal(second.id, z);
	/* Same index and name, and no veth: its own id, as any device of that name. */
	snprintf(kind.kind, sizeof(kind.kind), "tap");
	vpc_ids_apply(ids, &kind, 1, true, NULL);
	assert_string_equal(kind.id, z);
	/* Gone and come back under another index: by its name. */
	vpc_ids_apply(ids, NULL, 0, true, NULL);
	first = device(6, "a", 9);
	vpc_ids_apply(ids, &first, 1, true, NULL);
	assert_string_equal(first.id, a);
}

static void no_two_have_one_id(void **state)
{
	_cleanup_(vpc_ids_freep) struct vpc_ids *ids = NULL, *again = NULL;
	struct vpc_interface old = device(5, "eth", 1);
	/* The newcomer, which has the old one's name, comes first. */
	struct vpc_interface both[] = {device(9, "eth", 2), device(5, "old", 1)};
	struct vpc_interface restarted[] = {device(9, "eth", 2), device(5, "old", 1)};
	char eth[VPC_ID_SIZE];

	derived(eth, "eth");
	assert_int_equal(vpc_ids_open(&ids, path, NULL), 0);
	vpc_ids_apply(ids, &old, 1, true, NULL);
	assert_int_equal(vpc_ids_apply(ids, both, 2, true, NULL), 0);
	assert_string_equal(both[1].id, eth);
	assert_string_not_equal(both[0].id, eth);
	assert_int_equal(strlen(both[0].id), strlen(eth));
	assert_int_equal(vpc_ids_open(&again, path, NULL), 0);
	vpc_ids_apply(again, restarted, 2, true, NULL);
	assert_string_equal(restarted[0].id, both[0].id);
	assert_string_equal(restarted[1].id, both[1].id);
}

/* A thread that lists beside the one that follows must not make it forget. */
static void only_the_follower_forgets(void **state)
{
	_cleanup_(vpc_ids_freep) struct vpc_ids *ids = NULL;
	struct vpc_interface one = device(5, "a", 1), renamed = device(5, "b", 1);
	char a[VPC_ID_SIZE];

	derived(a, "a");
	assert_int_equal(vpc_ids_open(&ids, NULL, NULL), 0);
	vpc_ids_apply(ids, &one, 1, true, NULL);
	vpc_ids_apply(ids, NULL, 0, false, NULL);
	vpc_ids_apply(ids, &renamed, 1, true, NULL);
	assert_string_equal(renamed.id, a);
}

static void other_boots_and_damage_are_as_none(void **state)
{
	static const char another_boot[] =
		"{\"BootId\":\"another\",\"Namespace\":1,\"Interfaces\":[{\"Index\":5,\"Id\":"
		"\"eni-0\",\"Name\":\"a\",\"Kind\":\"veth\",\"Mac\":\"02:00:00:00:00:01\"}]}";
	static const char *const files[] = {another_boot, "{\"BootId\":", "[]", ""};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_(vpc_ids_freep) struct vpc_ids *ids = NULL;
		struct vpc_interface one = device(5, "a", 1);
		FILE *file = fopen(path, "w");
		char a[VPC_ID_SIZE];

		assert_non_null(file);
		fputs(files[i], file);
		fclose(file);
		derived(a, "a");
		assert_int_equal(vpc_ids_open(&ids, path, NULL), 0);
		assert_int_equal(vpc_ids_apply(ids, &one, 1, true, NULL), 0);
		assert_string_equal(one.id, a);
	}
}

static void a_file_that_cannot_be_written_is_told(void **state)
{
	_cleanup_(vpc_ids_freep) struct vpc_ids *ids = NULL;
	struct vpc_interface one = device(5, "a", 1);
	struct err err = ERR_INIT;

	assert_int_equal(vpc_ids_open(&ids, "/nowhere/at/all", NULL), 0);
	assert_true(vpc_ids_apply(ids, &one, 1, true, &err) < 0);
	assert_non_null(strstr(err.message, "/nowhere/at/all"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(renames_and_restarts_change_no_id, begin),
		cmocka_unit_test_setup(another_device_is_another, begin),
		cmocka_unit_test_setup(no_two_have_one_id, begin),
		cmocka_unit_test_setup(only_the_follower_forgets, begin),
		cmocka_unit_test_setup(other_boots_and_damage_are_as_none, begin),
		cmocka_unit_test_setup(a_file_that_cannot_be_written_is_told, begin),
	};
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	int result = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return result;
}
