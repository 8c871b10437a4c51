/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel's configuration, held against what ktstr needs. No modules are loaded in the guest, so
 * an option must be built in. */
#include "config.h"

#include <string.h>

#define X86 "x86_64"

const struct need config_needs[] = {
	{ "BLK_DEV_INITRD", NULL, NEED_BOOT, "boots from an archive in memory" },
	{ "BINFMT_ELF", NULL, NEED_BOOT, "runs programs" },
	{ "BINFMT_SCRIPT", NULL, NEED_BOOT, "runs scripts" },
	{ "DEVTMPFS", NULL, NEED_BOOT, "/dev" },
	{ "PROC_FS", NULL, NEED_BOOT, "/proc" },
	{ "SYSFS", NULL, NEED_BOOT, "/sys" },
	{ "TMPFS", NULL, NEED_BOOT, "/tmp and /dev/shm" },
	{ "TTY", NULL, NEED_BOOT, "the console" },
	{ "PRINTK", NULL, NEED_BOOT, "the kernel log tells of a panic" },
	{ "SERIAL_8250_CONSOLE", X86, NEED_BOOT, "the kernel log on the serial console" },
	{ "PCI", NULL, NEED_BOOT, "the machine's bus" },
	{ "VIRTIO_PCI", NULL, NEED_BOOT, "virtio devices" },
	{ "VIRTIO_CONSOLE", NULL, NEED_BOOT, "the ports between host and guest" },
	{ "ACPI", X86, NEED_BOOT, "finds the CPUs" },
	{ "SMP", NULL, NEED_BOOT, "more than one CPU" },
	{ "FUTEX", NULL, NEED_BOOT, "threads" },
	{ "EPOLL", NULL, NEED_BOOT, "event loops" },
	{ "SIGNALFD", NULL, NEED_BOOT, "stop signals" },
	{ "TIMERFD", NULL, NEED_BOOT, "timers" },
	{ "POSIX_TIMERS", NULL, NEED_BOOT, "clocks" },
	{ "UNIX", NULL, NEED_BOOT, "sockets between programs" },

	{ "NUMA", NULL, NEED_SCHED, "topologies of more than one node" },
	{ "X86_64_ACPI_NUMA", X86, NEED_SCHED, "the nodes' CPUs, memory and distances" },
	{ "CGROUPS", NULL, NEED_SCHED, "control groups" },
	{ "CPUSETS", NULL, NEED_SCHED, "cpuset.cpus and cpuset.mems" },
	{ "FAIR_GROUP_SCHED", NULL, NEED_SCHED, "cpu.weight" },
	{ "CFS_BANDWIDTH", NULL, NEED_SCHED, "cpu.max" },
	{ "SCHEDSTATS", NULL, NEED_SCHED, "run delay and wake-ups of each thread" },
	{ "HIGH_RES_TIMERS", NULL, NEED_SCHED, "sleeps shorter than a tick" },
	{ "DEBUG_FS", NULL, NEED_SCHED, "the knobs in /sys/kernel/debug/sched" },

	{ "SCHED_CLASS_EXT", NULL, NEED_SCHED_EXT, "the sched_ext class" },
	{ "BPF_SYSCALL", NULL, NEED_SCHED_EXT, "loads BPF programs" },
	{ "BPF_JIT", NULL, NEED_SCHED_EXT, "struct_ops programs are compiled" },
	{ "DEBUG_INFO_BTF", NULL, NEED_SCHED_EXT, "BPF programs find the kernel's types" },

	{ "PERF_EVENTS", NULL, NEED_PROBE, "attaches BPF programs to events" },
	{ "KPROBES", NULL, NEED_PROBE, "kprobes" },
	{ "KPROBE_EVENTS", NULL, NEED_PROBE, "kprobes for BPF programs" },
	{ "BPF_EVENTS", NULL, NEED_PROBE, "BPF programs on kprobes and tracepoints" },
	{ "FTRACE", NULL, NEED_PROBE, "tracing as such" },
	{ "FUNCTION_TRACER", NULL, NEED_PROBE, "fentry and fexit" },
	{ "DYNAMIC_FTRACE", NULL, NEED_PROBE, "fentry and fexit on chosen functions" },
	{ "KALLSYMS", NULL, NEED_PROBE, "names of kernel functions" },
	{ NULL, NULL, NEED_BOOT, NULL },
};

_Static_assert(sizeof(config_needs) / sizeof(config_needs[0]) <= sizeof(((struct config *)0)->have),
	       "struct config has room for all needs");

/* A line is "CONFIG_NAME=y", "CONFIG_NAME=\"text\"" or "# CONFIG_NAME is not set". */
void config_read(struct config *c, const char *text, size_t len)
{
	const char *p = text, *end = text + len;
	size_t i;

	memset(c, 0, sizeof(*c));
	c->known = true;
	memset(c->have, 'n', sizeof(c->have));
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t line = (size_t)((nl ? nl : end) - p);

		if (line > 9 && memcmp(p, "CONFIG_", 7) == 0 && p[line - 2] == '=')
			for (i = 0; config_needs[i].option; i++)
				if (strlen(config_needs[i].option) == line - 9 &&
				    memcmp(p + 7, config_needs[i].option, line - 9) == 0)
					c->have[i] = (unsigned char)p[line - 1];
		p += line + 1;
	}
}

static bool of_machine(size_t i, const char *machine)
{
	return !config_needs[i].machine || strcmp(config_needs[i].machine, machine) == 0;
}

bool config_lacks(const struct config *c, size_t i, const char *machine)
{
	return c->known && of_machine(i, machine) && c->have[i] != 'y';
}

enum tristate config_can(const struct config *c, enum need_for what, const char *machine)
{
	size_t i;

	if (!c->known)
		return TRI_UNKNOWN;
	for (i = 0; config_needs[i].option; i++)
		if (config_needs[i].what == what && config_lacks(c, i, machine))
			return TRI_NO;
	return TRI_YES;
}

enum tristate config_has(const struct config *c, const char *option)
{
	size_t i;

	if (!c->known)
		return TRI_UNKNOWN;
	for (i = 0; config_needs[i].option; i++)
		if (strcmp(config_needs[i].option, option) == 0)
			return c->have[i] == 'y' ? TRI_YES : TRI_NO;
	return TRI_UNKNOWN;
}

const char *need_for_text(enum need_for what)
{
	static const char *const text[] = { [NEED_BOOT] = "boot",
					    [NEED_SCHED] = "sched",
					    [NEED_SCHED_EXT] = "sched_ext",
					    [NEED_PROBE] = "probe" };

	return text[what];
}
