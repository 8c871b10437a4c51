/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a measurement on a machine must say about it: kernel, CPU model, memory, what the scheduler
 * is set to, cgroups, KVM, sched_ext. */
#ifndef KT_HOSTCTX_H
#define KT_HOSTCTX_H

#include "cpuset.h"
#include "jsonw.h"
#include "missing.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Single values, each from one place; the table in hostctx.c says which. NULL: unknown. */
enum hostctx_text {
	HOST_KERNEL_NAME,
	HOST_KERNEL_RELEASE,
	HOST_KERNEL_VERSION,
	HOST_ARCH,
	HOST_CMDLINE,
	HOST_BOOT_ID,
	HOST_CPU_MODEL,
	HOST_CPU_VENDOR,
	HOST_SMT_CONTROL,
	HOST_ISOLATED,
	HOST_NOHZ_FULL,
	HOST_CLOCKSOURCE,
	HOST_THP_ENABLED,
	HOST_THP_DEFRAG,
	HOST_CGROUP_MODE, /* "v1", "v2", "hybrid", "none" */
	HOST_CGROUP_MOUNT, /* of v2 */
	HOST_CGROUP_CONTROLLERS, /* of v2's root: words with blanks between */
	HOST_SCX_STATE,
	HOST_SCX_OPS,
	HOST_KVM_ERROR, /* name of an errno */
	HOST_TEXTS,
};

enum hostctx_num {
	HOST_UPTIME_NS,
	HOST_TAINTED,
	HOST_N_CPUS, /* online */
	HOST_N_NODES, /* with memory or CPUs; 1 on a kernel without NUMA */
	HOST_MEM_TOTAL_KB,
	HOST_MEM_AVAILABLE_KB,
	HOST_HUGEPAGES_TOTAL,
	HOST_HUGEPAGES_FREE,
	HOST_HUGEPAGE_KB,
	HOST_NUMA_BALANCING, /* 0 off, 1 for locality, 2 for memory tiers */
	HOST_SCX_ENABLE_SEQ,
	HOST_SCX_NR_REJECTED,
	HOST_SCX_HOTPLUG_SEQ,
	HOST_NUMS,
};

enum hostctx_flag {
	HOST_SMT_ACTIVE,
	HOST_BOOST,
	HOST_HYPERVISOR, /* x86: the CPU says that it is virtual */
	HOST_BTF,
	HOST_KVM_OPENS, /* /dev/kvm; whether a guest then runs is not known before one did */
	HOST_SCX, /* the kernel has sched_ext */
	HOST_SCX_SWITCH_ALL,
	HOST_FLAGS,
};

struct hostctx_pair {
	char *name, *value; /* owned */
};

struct hostctx_map {
	struct hostctx_pair *pair; /* ascending by name; owned */
	size_t n;
	bool known; /* the directory could be listed; else there is nothing in it */
};

/* The deadline servers that keep a class from starving, by what they are set to. */
struct hostctx_servers {
	struct hostctx_server {
		struct cpuset cpus; /* that have this setting */
		uint64_t runtime_ns, period_ns;
	} * server; /* owned */
	size_t n;
	bool known; /* the kernel has such a server, and it may be read */
};

struct hostctx {
	char *text[HOST_TEXTS]; /* owned */
	int64_t num[HOST_NUMS]; /* -1: unknown */
	int8_t flag[HOST_FLAGS]; /* -1: unknown */
	struct hostctx_map tunables; /* proc/sys/kernel/sched_* */
	struct hostctx_map debug; /* sys/kernel/debug/sched */
	struct hostctx_map mitigations; /* sys/devices/system/cpu/vulnerabilities */
	struct hostctx_map governors; /* cpufreq governor to its list of CPUs */
	struct hostctx_servers fair, ext; /* since 6.12; since 7.0 also for sched_ext */
	struct missing missing;
};

/* hostctx_read - everything that can be had below root_fd, without privileges too.
 *   live  root_fd is "/" of this machine: the architecture is asked of the kernel where it has no
 *         file for it, and /dev/kvm is opened
 * Returns 0 or -ENOMEM (*ret is then untouched); what could not be read is unknown and counted in
 * missing. The caller releases *ret with hostctx_free(). */
int hostctx_read(int root_fd, bool live, struct hostctx *ret);

/* hostctx_write - as members of the record, or of the object, that w is in. */
void hostctx_write(const struct hostctx *h, struct jsonw *w);

void hostctx_free(struct hostctx *h);

#endif
