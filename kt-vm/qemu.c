/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the description of a machine to QEMU's command line. */
#include "qemu.h"
#include "buf.h"
#include "page.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_text(struct args *a, char *text)
{
	char **v;

	if (!text || a->err)
		goto fail;
	if (a->n + 2 > a->cap) {
		v = realloc(a->v, (a->cap + 64) * sizeof(*v));
		if (!v)
			goto fail;
		a->v = v;
		a->cap += 64;
	}
	a->v[a->n++] = text;
	a->v[a->n] = NULL;
	return;
fail:
	free(text);
	a->err = -ENOMEM;
}

__attribute__((format(printf, 2, 3))) static void add(struct args *a, const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	add_text(a, s);
}

__attribute__((format(printf, 3, 4))) static void opt(struct args *a, const char *name,
						      const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	add(a, "%s", name);
	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	add_text(a, s);
}

void args_free(struct args *a)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		free(a->v[i]);
	free(a->v);
	*a = (struct args){ 0 };
}

static unsigned int bits(unsigned int n)
{
	unsigned int b = 0;

	while ((1U << b) < n)
		b++;
	return b;
}

unsigned int qemu_max_apic_id(const struct topospec *t)
{
	unsigned int dies = t->llcs / t->nodes;
	unsigned int id = t->nodes - 1;

	id = id << bits(dies) | (dies - 1);
	id = id << bits(t->cores) | (t->cores - 1);
	return id << bits(t->threads) | (t->threads - 1);
}

static void machine(struct args *a, const struct vm_spec *s)
{
	bool many = qemu_max_apic_id(&s->topo) >= QEMU_TCG_APIC_IDS;

	/* A device that nobody needs takes time, see cpus(). */
	opt(a, "-M", "q35,smm=off,hpet=off,sata=off,smbus=off%s",
	    many ? ",kernel-irqchip=split" : "");
	if (many)
		opt(a, "-device", "intel-iommu,intremap=on,eim=on");
	if (s->kvm) {
		opt(a, "-accel", "kvm");
		opt(a, "-cpu", "max,vendor=GenuineIntel%s", s->perf ? ",+kvm-hint-dedicated" : "");
		if (s->perf)
			opt(a, "-overcommit", "cpu-pm=on");
	} else {
		opt(a, "-accel", "tcg,thread=%s", s->virt ? "single" : "multi");
		/* The guest's kernel would mix the host's random numbers into its own; and copy and
		 * clear memory by instructions that QEMU does byte by byte. */
		opt(a, "-cpu", "max,-rdrand,-rdseed,-erms,-fsrm,vendor=GenuineIntel");
	}
	if (s->virt) {
		/* A run's own random numbers come with its request. */
		opt(a, "-seed", "0");
		opt(a, "-icount", "shift=2,align=off,sleep=off");
		opt(a, "-rtc", "base=2026-01-01T00:00:00,clock=vm");
	}
}

/* "host-nodes=0-1,host-nodes=4", each with a comma before it. */
static void bind_to(struct buf *b, const struct cpuset *nodes)
{
	char list[CPUSET_TEXT], *p = cpuset_format(nodes, list, sizeof(list)), *end;

	for (; p; p = end ? end + 1 : NULL) {
		end = strchr(p, ',');
		buf_fmt(b, ",host-nodes=%.*s", (int)(end ? end - p : (long)strlen(p)), p);
	}
	buf_str(b, ",policy=bind");
}

/* The memory of node i, there before the guest starts. */
static void node_memory(struct args *a, const struct perf *p, unsigned int i)
{
	struct buf b = BUF_INIT;

	buf_fmt(&b, "memory-backend-%s,id=m%u,size=%lluM,prealloc=on",
		p->huge ? "memfd,hugetlb=on,hugetlbsize=2M" : "ram", i,
		(unsigned long long)p->node[i].mib);
	if (p->bind)
		bind_to(&b, &p->node[i].host);
	add(a, "-object");
	add_text(a, b.err ? NULL : buf_take(&b));
	buf_free(&b);
}

/* One socket per node and one die per LLC: with an Intel vendor each die has its own L3. */
static void topology(struct args *a, const struct vm_spec *s)
{
	const struct topospec *t = &s->topo;
	unsigned int cpus = topospec_cpus(t), per = cpus / t->nodes, i, j;
	uint64_t left = s->mem_mib;

	opt(a, "-smp", "cpus=1,maxcpus=%u,sockets=%u,dies=%u,cores=%u,threads=%u", cpus, t->nodes,
	    t->llcs / t->nodes, t->cores, t->threads);
	opt(a, "-m", "%lluM", (unsigned long long)s->mem_mib);
	for (i = 0; i < t->nodes; i++) {
		uint64_t mib = left / (t->nodes - i);

		left -= mib;
		if (s->perf)
			node_memory(a, s->perf, i);
		else if (s->role == VM_COLD)
			opt(a, "-object", "memory-backend-ram,id=m%u,size=%lluM", i,
			    (unsigned long long)mib);
		else
			opt(a, "-object",
			    "memory-backend-file,id=m%u,size=%lluM,mem-path=/proc/self/fd/%d/ram%u,"
			    "share=%s",
			    i, (unsigned long long)mib, s->ram_fd, i,
			    s->role == VM_SAVE ? "on" : "off");
		opt(a, "-numa", "node,nodeid=%u,cpus=%u-%u,memdev=m%u", i, i * per,
		    (i + 1) * per - 1, i);
	}
	for (i = 0; i < t->nodes; i++)
		for (j = 0; j < t->nodes; j++)
			if (i != j)
				opt(a, "-numa", "dist,src=%u,dst=%u,val=20", i, j);
}

/* The way in (see page.h), and a word from the guest that stops the machine. Memory that is shared
 * is no part of the saved state; a restored machine's is not shared, or QEMU would want to find the
 * region at the address where the guest had it. */
static void handover(struct args *a, const struct vm_spec *s)
{
	opt(a, "-object",
	    "memory-backend-file,id=page,size=%llu,mem-path=/proc/self/fd/%d,share=%s,reserve=off",
	    (unsigned long long)PAGE_BYTES, s->page_fd, s->role == VM_RESTORE ? "off" : "on");
	opt(a, "-device", "ivshmem-plain,memdev=page,master=on");
	opt(a, "-device", "pvpanic-pci");
	opt(a, "-action", "panic=%s", s->role == VM_SAVE ? "pause" : "none");
	if (s->role == VM_COLD)
		return;
	/* Nothing is to be announced on a network that is not there, at times of the host. */
	opt(a, "-global", "migration.announce-rounds=0");
	if (s->role == VM_RESTORE)
		opt(a, "-incoming", "defer");
}

static void output(struct args *a, const struct vm_spec *s, const char *id, int fd)
{
	if (s->virt)
		opt(a, "-chardev", "file,id=%s,path=/proc/self/fd/%d", id, fd);
	else
		opt(a, "-chardev", "socket,id=%s,fd=%d", id, fd);
}

static void devices(struct args *a, const struct vm_spec *s)
{
	static const char *const ports[] = { "ctl", "in", "out", "err" };
	size_t i;

	output(a, s, "serial", s->serial_fd);
	output(a, s, "ctl", s->ctl_fd);
	output(a, s, "out", s->out_fd);
	output(a, s, "err", s->err_fd);
	opt(a, "-chardev", "socket,id=in,fd=%d", s->in_fd);
	opt(a, "-chardev", "socket,id=qmp,fd=%d", s->qmp_fd);
	opt(a, "-mon", "chardev=qmp,mode=control");
	opt(a, "-serial", "chardev:serial");
	/* Without ioeventfd a port is served within the guest's own instruction. */
	opt(a, "-device", "virtio-serial-pci,ioeventfd=%s,max_ports=8", s->kvm ? "on" : "off");
	for (i = 0; i < 4; i++)
		opt(a, "-device", "virtserialport,chardev=%s,name=kt.%s,nr=%zu", ports[i], ports[i],
		    i + 1);
}

/* All CPUs but the first, by number. Under TCG each CPU hears of each change of the memory map
 * (tcg_commit() in softmmu/physmem.c of QEMU 7.2), so they come when the devices are there. */
static void cpus(struct args *a, const struct topospec *t)
{
	unsigned int dies = t->llcs / t->nodes, n = topospec_cpus(t), i;

	for (i = 1; i < n; i++)
		opt(a, "-device", "max-x86_64-cpu,socket-id=%u,die-id=%u,core-id=%u,thread-id=%u",
		    i / (t->threads * t->cores * dies), i / (t->threads * t->cores) % dies,
		    i / t->threads % t->cores, i % t->threads);
}

static void kernel(struct args *a, const struct vm_spec *s)
{
	if (s->qboot)
		opt(a, "-bios", QEMU_QBOOT);
	/* A restored machine has booted already, but the loader is a part of what was saved. */
	if (s->head_fd >= 0)
		opt(a, "-kernel", "/proc/self/fd/%d", s->head_fd);
	else
		opt(a, "-kernel", "%s", s->kernel);
	if (s->role == VM_RESTORE)
		return;
	opt(a, "-initrd", "/proc/self/fd/%d", s->initrd_fd);
	/* Self tests of the crypto code and statistics of memory access run on for seconds after
	 * the boot of a stock kernel, in the time of the first plan. The NMI is ours, see
	 * qmp_nmi(); 0x40: a panic tells what each CPU was doing. */
	opt(a, "-append",
	    "console=ttyS0 panic=-1 unknown_nmi_panic panic_print=0x40 loglevel=%d nokaslr "
	    "mitigations=off no_timer_check "
	    "random.trust_cpu=off%s schedstats=enable "
	    "sysctl.kernel.unprivileged_bpf_disabled=0 "
	    "cryptomgr.notests=1 damon_stat.enabled=0 rdinit=/init%s%s",
	    s->verbose ? 7 : 5, s->kvm ? "" : " tsc=reliable clocksource=tsc", s->append ? " " : "",
	    s->append ? s->append : "");
}

int qemu_args(const struct vm_spec *s, struct args *ret)
{
	*ret = (struct args){ 0 };
	add(ret, "%s", s->qemu);
	add(ret, "-nodefaults");
	add(ret, "-no-user-config");
	add(ret, "-no-reboot");
	opt(ret, "-display", "none");
	opt(ret, "-name", "ktstr,debug-threads=on");
	machine(ret, s);
	topology(ret, s);
	devices(ret, s);
	handover(ret, s);
	cpus(ret, &s->topo);
	kernel(ret, s);
	return ret->err;
}
