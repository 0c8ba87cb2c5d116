#include "vpc/container.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define ID "5ea1f00d5ea1f00d5ea1f00d5ea1f00d5ea1f00d5ea1f00d5ea1f00d5ea1f00d"

/* As the engines' documentation and `systemd-cgls` show them. */
static void control_groups(void **state)
{
	static const struct {
		const char *lines, *kind, *id, *title;
	} cases[] = {
		{"0::/system.slice/docker-" ID ".scope\n", "container", ID, "5ea1f00d5ea1"},
		{"12:pids:/docker/" ID "\n0::/\n", "container", ID, "5ea1f00d5ea1"},
		{"0::/machine.slice/libpod-" ID ".scope/container\n", "container", ID,
			"5ea1f00d5ea1"},
		{"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod2f6d.slice/"
		 "cri-containerd-" ID ".scope\n",
			"pod", ID, "5ea1f00d5ea1"},
		{"0::/kubepods/besteffort/pod2f6d9a1e-0000-4000-8000-000000000000/" ID "\n", "pod",
			ID, "5ea1f00d5ea1"},
		{"0::/kubepods.slice/kubepods-pod1.slice/crio-" ID ".scope\n", "pod", ID,
			"5ea1f00d5ea1"},
		{"0::/machine.slice/machine-qemu\\x2d3\\x2dweb\\x2d1.scope/libvirt/emulator\n",
			"vm", "3-web-1", "web-1"},
		{"0::/machine.slice/systemd-nspawn@db.service/payload\n", "container", "db", "db"},
		{"0::/lxc.payload.mail/init.scope\n", "container", "mail", "mail"},
		{"0::/user.slice/user-1000.slice/session-3.scope\n", NULL, NULL, NULL},
		{"0::/system.slice/ssh.service\n", NULL, NULL, NULL},
		{"0::/docker/5ea1f00d\n", NULL, NULL, NULL}, /* no id of an engine */
		{"nonsense", NULL, NULL, NULL},
		{"", NULL, NULL, NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vpc_container container;
		bool found = vpc_container_from_cgroup(str_from(cases[i].lines), &container);
		assert_int_equal(found, cases[i].kind != NULL);
		if (!found)
			continue;
		assert_string_equal(container.kind, cases[i].kind);
		assert_string_equal(container.id, cases[i].id);
		assert_string_equal(container.title, cases[i].title);
	}
}

static void write_file(const char *root, const char *path, const char *text)
{
	_cleanup_free_ char *full = mem_printf("%s%s", root, path);
	_cleanup_free_ char *folder = mem_printf("%.*s", (int)(strrchr(full, '/') - full), full);

	assert_int_equal(file_make_folders(folder, 0755, NULL), 0);
	FILE *file = fopen(full, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void names_of_engines(void **state)
{
	static const struct {
		const char *path, *text, *kind, *title;
	} cases[] = {
		{"/var/lib/docker/containers/" ID "/config.v2.json",
			"{\"ID\":\"" ID "\",\"Name\":\"/web\",\"Config\":{\"Labels\":{}}}",
			"container", "web"},
		{"/run/containerd/io.containerd.runtime.v2.task/k8s.io/" ID "/config.json",
			"{\"ociVersion\":\"1.0.2\",\"annotations\":{\"io.kubernetes.cri.sandbox-name\":"
			"\"web-5d5f9\",\"io.kubernetes.cri.sandbox-namespace\":\"shop\"}}",
			"pod", "shop/web-5d5f9"},
		{"/run/containers/storage/overlay-containers/" ID "/userdata/config.json",
			"{\"annotations\":{\"io.kubernetes.pod.name\":\"db-0\","
			"\"io.kubernetes.pod.namespace\":\"shop\"}}",
			"pod", "shop/db-0"},
		{"/var/lib/containers/storage/overlay-containers/containers.json",
			"[{\"id\":\"00\",\"names\":[\"other\"]},{\"id\":\"" ID
			"\",\"names\":[\"mail\"]}]",
			"container", "mail"},
		{"/var/lib/docker/containers/" ID "/config.v2.json", "{broken", "container",
			"5ea1f00d5ea1"},
		{"/var/lib/docker/containers/" ID "/config.v2.json", "{\"Name\":7}", "container",
			"5ea1f00d5ea1"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char root[] = "/tmp/nagare-container-test-XXXXXX";
		struct vpc_container container;
		assert_non_null(mkdtemp(root));
		write_file(root, cases[i].path, cases[i].text);
		assert_true(vpc_container_from_cgroup(STR("0::/docker/" ID "\n"), &container));
		vpc_container_name(&container, root);
		assert_string_equal(container.kind, cases[i].kind);
		assert_string_equal(container.title, cases[i].title);
		_cleanup_free_ char *command = mem_printf("rm -r %s", root);
		assert_int_equal(system(command), 0); /* NOLINT: a path of this test's */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_groups),
		cmocka_unit_test(names_of_engines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
