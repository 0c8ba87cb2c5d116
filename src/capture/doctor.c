/* What this machine can do for live capture. Each row is found out by doing it: programs are loaded
 * and the tracepoint is attached, in no interface. */
#include "capture/attach.h"
#include "capture/live.h"
#include "capture/live_priv.h"

#include <linux/capability.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#define KERNEL_MAJOR 5
#define KERNEL_MINOR 15
/* Of kernel 5.8; older headers do not have them. */
#define CAPABILITY_PERFMON 38
#define CAPABILITY_BPF     39

struct doctor {
	struct capture_check *checks;
	size_t count, max;
};

static struct capture_check *check_add(
	struct doctor *doctor, const char *what, bool required, bool ok, const char *advice)
{
	static struct capture_check spare;
	struct capture_check *check =
		doctor->count < doctor->max ? &doctor->checks[doctor->count++] : &spare;

	*check = (struct capture_check){.what = what, .required = required, .ok = ok};
	if (!ok)
		snprintf(check->advice, sizeof(check->advice), "%s", advice);
	return check;
}

static void found(struct capture_check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void found(struct capture_check *check, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(check->found, sizeof(check->found), format, arguments);
	va_end(arguments);
}

static void check_kernel(struct doctor *doctor)
{
	struct utsname name = {0};
	unsigned major = 0, minor = 0;
	bool ok;

	uname(&name);
	ok = sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
	     (major > KERNEL_MAJOR || (major == KERNEL_MAJOR && minor >= KERNEL_MINOR));
	found(check_add(doctor, "kernel", true, ok,
		      "Boot Linux 5.15 or newer; capture files can be read on any kernel."),
		"Linux %.60s %.40s", name.release, name.machine);
}

static void check_privileges(struct doctor *doctor)
{
	static const struct {
		unsigned number;
		const char *name;
	} needed[] = {{CAPABILITY_BPF, "BPF"}, {CAP_NET_ADMIN, "NET_ADMIN"},
		{CAPABILITY_PERFMON, "PERFMON"}};
	unsigned long long effective = 0;
	char line[256], missing[64] = "";
	FILE *file = fopen("/proc/self/status", "re");
	struct capture_check *check;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "CapEff: %llx", &effective) == 1)
			break;
	}
	if (file)
		fclose(file);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		size_t n = strlen(missing);

		if (!(effective >> needed[i].number & 1))
			snprintf(missing + n, sizeof(missing) - n, " %s", needed[i].name);
	}
	check = check_add(doctor, "privileges", true, !*missing,
		"Run as root (sudo), or once: setcap cap_bpf,cap_net_admin,cap_perfmon+ep on the "
		"binary.");
	if (*missing)
		found(check, "without the capabilities%s", missing);
	else
		found(check, "the capabilities BPF, NET_ADMIN and PERFMON");
}

static void check_types(struct doctor *doctor)
{
	bool ok = access("/sys/kernel/btf/vmlinux", R_OK) == 0;

	found(check_add(doctor, "type information", true, ok,
		      "Boot a kernel built with CONFIG_DEBUG_INFO_BTF=y (distributions' kernels "
		      "are)."),
		"%s", ok ? "/sys/kernel/btf/vmlinux" : "no /sys/kernel/btf/vmlinux");
}

/* Loads everything that nagare loads. Returns NULL when that fails. */
static struct capture_live *check_programs(struct doctor *doctor)
{
	struct capture_live_options options = {.max_flows = 1};
	struct capture_live *live = NULL;
	struct err err = ERR_INIT;
	bool ok = capture_live_open(&live, &options, &err) == 0;

	found(check_add(doctor, "BPF programs", true, ok,
		      *err.hint ? err.hint
				: "Boot a kernel with CONFIG_BPF_SYSCALL=y and CONFIG_BPF_JIT=y; "
				  "see whether lockdown or a container forbids BPF."),
		"%s", ok ? "tc programs and maps load" : err.message);
	return live;
}

static void check_attachment(struct doctor *doctor, const struct capture_live *live)
{
	bool ok = live && capture_attachment_has_links(capture_live_program(live, false, true));

	found(check_add(doctor, "tcx links", false, ok,
		      live ? "None needed: clsact filters do the same. Linux 6.6 or newer has links, "
			     "which go away by themselves if nagare is killed."
			   : "See BPF programs."),
		"%s",
		ok     ? "programs attach by links"
		: live ? "programs attach as clsact filters"
		       : "not known");
}

static void check_verdicts(struct doctor *doctor, const struct capture_live *live)
{
	static const char *const functions[] = {"do_xdp_generic"};
	bool reasons = capture_kernel_has_reason("SKB_DROP_REASON_NETFILTER_DROP");
	bool attached = live && capture_live_has_verdicts(live);
	struct capture_code code;
	bool conntrack, xdp;

	found(check_add(doctor, "drop reasons", false, attached,
		      reasons ? "See BPF programs."
			      : "Boot Linux 5.18 or newer to see what the firewall drops as REJECT; "
				"until then every record says ACCEPT."),
		"%s",
		attached  ? "the kfree_skb tracepoint says why: REJECT is recorded"
		: reasons ? "the kernel has them, but the tracepoint program does not run"
			  : "this kernel does not say why it drops packets");
	conntrack = capture_kernel_has_struct("nf_conn");
	found(check_add(doctor, "connection tracking", false, conntrack,
		      "Needed only with NAT: modprobe nf_conntrack before nagare starts, so that a "
		      "packet dropped after NAT is found under its first addresses."),
		"%s", conntrack ? "its types are known" : "its types are not loaded");
	xdp = capture_kernel_functions(functions, 1, &code) == 1;
	found(check_add(doctor, "XDP drops", false, xdp,
		      "Needed only with XDP policies: add the capability SYSLOG, or set "
		      "kernel.kptr_restrict to 0 or 1."),
		"%s",
		xdp ? "generic XDP's drops are recorded as REJECT"
		    : "/proc/kallsyms shows no addresses");
}

static void check_barrier(struct doctor *doctor)
{
	bool ok = syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0;

	found(check_add(doctor, "membarrier", false, ok,
		      "None needed: changing a BPF map of maps waits for programs too."),
		"%s", ok ? "waits for programs" : "refused, as with nohz_full");
}

size_t capture_live_doctor(struct capture_check *ret_checks, size_t max)
{
	struct doctor doctor = {.checks = ret_checks, .max = max};
	struct capture_live *live;

	check_kernel(&doctor);
	check_privileges(&doctor);
	check_types(&doctor);
	live = check_programs(&doctor);
	check_attachment(&doctor, live);
	check_verdicts(&doctor, live);
	check_barrier(&doctor);
	capture_live_close(live);
	return doctor.count;
}
