/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a machine cost. */
#include "usage.h"
#include "cleanup.h"
#include "num.h"
#include "root.h"

#include <string.h>

/* "Private_Dirty:     81032 kB", of smaps_rollup (Linux 4.14). Returns bytes, 0 for no such line.
 */
static uint64_t rollup(const char *text, const char *key)
{
	const char *p = strstr(text, key);

	return p ? strtoull(p + strlen(key), NULL, 10) << 10 : 0;
}

static uint64_t private_bytes(int root, pid_t pid)
{
	char text[4096];

	if (root_readf(root, text, sizeof(text), "/proc/%d/smaps_rollup", pid) < 0)
		return 0;
	return rollup(text, "\nPrivate_Clean:") + rollup(text, "\nPrivate_Dirty:");
}

/* "CPU 3/TCG", "CPU 3/KVM", or in virtual time "ALL CPUs/TCG", one thread that takes turns for them
 * all: QEMU names its threads so (-name debug-threads=on). Returns the CPU, or -1. */
static int cpu_of(const char *comm)
{
	char *end;
	long n;

	if (strncmp(comm, "ALL CPUs/", 9) == 0)
		return 0;
	if (strncmp(comm, "CPU ", 4) != 0)
		return -1;
	n = strtol(comm + 4, &end, 10);
	return end > comm + 4 && *end == '/' && n >= 0 && n < QEMU_CPUS ? (int)n : -1;
}

static void take_threads(struct usage *u, int root, pid_t pid)
{
	char path[64], comm[32];
	AUTO_DIR *dir = NULL;
	const struct dirent *de;
	int tid, cpu;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", pid); /* fits */
	dir = root_dir(root, path);
	u->vcpus = calloc(QEMU_CPUS, sizeof(*u->vcpus));
	while (dir && u->vcpus && (de = readdir(dir)) != NULL) {
		if (num_int(de->d_name, 1, INT32_MAX, &tid) < 0 ||
		    root_readf(root, comm, sizeof(comm), "/proc/%d/task/%d/comm", pid, tid) < 0)
			continue;
		cpu = cpu_of(comm);
		if (cpu < 0 || !sample_thread(root, pid, tid, &u->vcpus[cpu]))
			continue;
		if ((size_t)cpu >= u->n_vcpus)
			u->n_vcpus = (size_t)cpu + 1;
	}
}

void usage_take(struct usage *u, pid_t pid)
{
	AUTO_FD root = root_open(NULL);

	if (root < 0)
		return;
	u->private_bytes = private_bytes(root, pid);
	take_threads(u, root, pid);
}

/* 0 stands for what is not known; nothing of this can be 0. */
static void known(struct jsonw *w, const char *key, uint64_t v)
{
	jsonw_id(w, key, v ? (int64_t)v : -1);
}

int usage_write(struct jsonw *w, const struct usage *u, const struct vm_opts *o)
{
	bool booted = !o->template;
	size_t i;

	jsonw_begin(w, "vm");
	jsonw_str(w, "accel", o->spec.kvm ? "kvm" : "tcg");
	jsonw_str(w, "clock", o->spec.virt ? "virtual" : "real");
	jsonw_str(w, "template", o->template);
	jsonw_u64(w, "memory_bytes", o->spec.mem_mib << 20);
	known(w, "qemu_ns", u->qemu_ns);
	known(w, "kernel_ns", booted ? u->kernel_ns : 0);
	known(w, "init_ns", booted ? u->init_ns : 0);
	known(w, "ready_ns", u->ready_ns);
	known(w, "command_ns", u->command_ns);
	known(w, "guest_peak_bytes", u->guest_peak);
	known(w, "private_bytes", u->private_bytes);
	jsonw_u64(w, "nudges", u->nudges);
	jsonw_arr(w, "vcpus");
	for (i = 0; i < u->n_vcpus; i++)
		sample_write_thread(w, u->vcpus[i].run_ns ? &u->vcpus[i] : NULL);
	jsonw_arr_end(w);
	if (o->spec.perf)
		perf_write(o->spec.perf, w, "perf", false);
	else if (o->perf_off)
		perf_write_off(o->perf_off, w, "perf");
	else
		jsonw_null(w, "perf");
	return jsonw_end(w);
}

void usage_free(struct usage *u)
{
	free(u->vcpus);
	u->vcpus = NULL;
}
