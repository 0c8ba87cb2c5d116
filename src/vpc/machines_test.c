#include "vpc/machines_priv.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void write_file(const char *root, const char *path, struct str text)
{
	_cleanup_free_ char *full = mem_printf("%s%s", root, path);
	_cleanup_free_ char *folder = mem_printf("%.*s", (int)(strrchr(full, '/') - full), full);

	assert_int_equal(file_make_folders(folder, 0755, NULL), 0);
	FILE *file = fopen(full, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(text.p, 1, text.n, file), text.n);
	fclose(file);
}

static void taps_of_libvirt_and_qemu(void **state)
{
	static const struct {
		const char *device, *id, *title;
	} cases[] = {
		{"vnet0", "2f6d9a1e-0000-4000-8000-000000000001", "web"},
		{"vnet1", "2f6d9a1e-0000-4000-8000-000000000001", "web"},
		{"tap3", "db", "db"},
		{"tap4", "0000-7", "mail"},
		{"tap5", NULL, NULL},
		{"tap6", NULL, NULL},
	};
	char root[] = "/tmp/nagare-machines-test-XXXXXX";
	struct vpc_machines machines;

	assert_non_null(mkdtemp(root));
	write_file(root, "/run/libvirt/qemu/web.xml",
		STR("<domstatus state='running'><domain type='kvm' id='3'><name>web</name>"
		    "<uuid>2f6d9a1e-0000-4000-8000-000000000001</uuid><devices><disk/>"
		    "<interface type='bridge'><target dev='vnet0'/></interface>"
		    "<interface type='network'><target dev='vnet1'/></interface>"
		    "<interface type='user'/></devices></domain></domstatus>"));
	write_file(root, "/run/libvirt/qemu/broken.xml", STR("<domstatus><domain"));
	write_file(root, "/proc/12/cmdline",
		STR("/usr/bin/qemu-system-x86_64\0-name\0guest=db,debug-threads=on\0-netdev\0"
		    "tap,id=n0,ifname=tap3,script=no\0"));
	write_file(root, "/proc/13/cmdline",
		STR("kvm\0-uuid\0"
		    "0000-7\0-name\0mail\0-nic\0tap,ifname=tap4\0"));
	write_file(root, "/proc/14/cmdline", STR("vim\0-name\0x\0ifname=tap5\0"));
	write_file(root, "/proc/15/cmdline", STR("qemu-img\0ifname=tap6\0"));
	write_file(root, "/proc/self/cmdline", STR("qemu\0-name\0x\0ifname=tap5\0"));
	vpc_machines_read(&machines, root);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct vpc_container *found = vpc_machines_find(&machines, cases[i].device);
		assert_int_equal(found != NULL, cases[i].id != NULL);
		if (!found)
			continue;
		assert_string_equal(found->kind, "vm");
		assert_string_equal(found->id, cases[i].id);
		assert_string_equal(found->title, cases[i].title);
	}
	vpc_machines_done(&machines);
	_cleanup_free_ char *command = mem_printf("rm -r %s", root);
	assert_int_equal(system(command), 0); /* NOLINT: a path of this test's */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taps_of_libvirt_and_qemu),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
