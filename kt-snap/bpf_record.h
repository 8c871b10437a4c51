/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the bpf source knows, and how it makes records of what the program yields. */
#ifndef KT_SNAP_BPF_RECORD_H
#define KT_SNAP_BPF_RECORD_H

#include "cgpath.h"
#include "prog.h"
#include "snap.h"
#include "source.h"

/* A field that is a value of the program's, as it is. */
struct bpf_copy {
	uint8_t from, to; /* enum snap_value, enum field_id */
};

struct bpf_source {
	struct source source;
	struct source_opts opts;
	struct prog prog;
	int link_fd;
	bool plain; /* the program is the one that knows neither namespaces nor delays */
	unsigned int cpu_words, n_nodes; /* as in struct snap_shared */
	struct snap_shared *shared; /* the program's memory: prog.shared */
	char *buf; /* what was read last; names in `root` and `chain` are elsewhere */
	struct cpuset nodes; /* that are online */
	int64_t boot_ns; /* this time namespace's offset of the time since boot */
	bool cores; /* the kernel shares cores by cookies, and this machine has cores to share */
	bool no_cgroups; /* /proc/PID/cgroup has no line of cgroup v2 */
	/* Of this walk: */
	struct walk *walk;
	int iter_fd;
	bool read_failed;
	struct bpf_copy copy[SNAP_VALUES]; /* of `copies`, what the kernel has and is wanted */
	unsigned int n_copies;
	struct field_set always; /* what every record has */
	struct thread_rec rec; /* values that it has not may be those of an earlier thread */
	uint64_t have; /* what the kernel has, by enum snap_value */
	uint64_t n; /* records */
	uint64_t n_late; /* threads without delay accounting */
	struct cgchain chain;
	struct cgchain root; /* where this namespace of cgroups begins; empty: at the top */
	char *root_names; /* of `root` */
	struct buf cgroup; /* path of the last cgroup */
	int cgroup_rc;
	char cgroup_text[8192]; /* of /proc/PID/task/TID/cgroup, where the program saw too little */
	uint64_t mask[SNAP_CPU_WORDS]; /* the last affinity, and its text */
	bool masked;
	char *cpus;
	size_t cpus_n;
	uint64_t cookie;
	char *seen; /* by position in opts.pid */
	char numa[SNAP_NODES * 32];
};

static inline bool bpf_record_wanted(const struct bpf_source *s, enum field_id f)
{
	return field_has(&s->opts.want, f);
}

/* bpf_record_take - what some reads gave: whole records; arg is the struct bpf_source. Threads that
 * were asked for are handed to s->walk->emit. Returns 0, a negative return of emit's, or -EPROTO
 * for what is no record. */
int bpf_record_take(void *arg, const char *p, size_t n);

/* bpf_record_chain - a cgroup at p and what follows it; names in *c are borrowed from there.
 * Returns the bytes taken. */
size_t bpf_record_chain(const char *p, size_t n, struct cgchain *c);

/* bpf_record_missing - after a walk, count in s->walk what no record had. */
void bpf_record_missing(struct bpf_source *s);

#endif
