/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-vm exec --plan-only */
#include "cmd_plan.h"
#include "cleanup.h"
#include "die.h"
#include "out.h"
#include "perf_host.h"

#include <errno.h>
#include <stdlib.h>

static const char *role_name(enum vm_role role)
{
	return role == VM_COLD ? "boot" : "restore";
}

static void write_plan(struct jsonw *w, const struct opts *o, const struct vm_spec *s)
{
	char topo[TOPOSPEC_TEXT];

	jsonw_begin(w, "vm-plan");
	jsonw_str(w, "topology", topospec_format(&s->topo, topo));
	jsonw_str(w, "accel", s->kvm ? "kvm" : "tcg");
	jsonw_str(w, "clock", s->virt ? "virtual" : "real");
	jsonw_str(w, "how", role_name(s->role));
	jsonw_str(w, "kernel", s->kernel);
	jsonw_u64(w, "memory_bytes", s->mem_mib << 20);
	if (s->perf)
		perf_write(s->perf, w, "perf", true);
	else if (o->vm.perf_off)
		perf_write_off(o->vm.perf_off, w, "perf");
	else
		jsonw_null(w, "perf");
}

/* Where CPU i of the guest goes. */
static void write_vcpu(struct jsonw *w, const struct perf *p, const struct topo *t, unsigned int i)
{
	const struct topo_cpu *c = topo_cpu(t, (unsigned int)p->cpu[i]);
	unsigned int each = p->guest.cores * p->guest.threads, k;
	char list[CPUSET_TEXT];
	struct cpuset idle;

	topo_core(t, (unsigned int)p->cpu[i], &idle);
	for (k = 0; k < p->n_cpus; k++)
		cpuset_del(&idle, (unsigned int)p->cpu[k]);
	jsonw_begin(w, "vcpu");
	jsonw_u64(w, "vcpu", i);
	jsonw_u64(w, "guest_node", i / each / (p->guest.llcs / p->guest.nodes));
	jsonw_u64(w, "guest_llc", i / each);
	jsonw_u64(w, "guest_core", i / p->guest.threads);
	jsonw_u64(w, "guest_smt", i % p->guest.threads);
	jsonw_u64(w, "cpu", (uint64_t)p->cpu[i]);
	jsonw_id(w, "node", c->node);
	jsonw_id(w, "llc", c->llc);
	jsonw_id(w, "core", c->core);
	jsonw_id(w, "smt", c->smt);
	jsonw_str(w, "idle_siblings",
		  cpuset_empty(&idle) ? NULL : cpuset_format(&idle, list, sizeof(list)));
}

static int write_argv(struct jsonw *w, const struct vm_spec *spec)
{
	struct vm_spec s = *spec;
	/* In the order in which they are opened; what they really are depends on what is open. */
	int *const fds[] = { &s.serial_fd, &s.ctl_fd,  &s.out_fd, &s.err_fd,   &s.in_fd,
			     &s.qmp_fd,	   &s.page_fd, &s.ram_fd, &s.initrd_fd };
	struct args args = { 0 };
	size_t i;
	int rc;

	for (i = 0; i < KT_ARRAY_LEN(fds); i++)
		*fds[i] = 3 + (int)i;
	rc = qemu_args(&s, &args);
	if (rc == 0) {
		jsonw_begin(w, "argv");
		jsonw_arr(w, "argv");
		for (i = 0; i < args.n; i++)
			jsonw_str(w, NULL, args.v[i]);
		jsonw_arr_end(w);
		rc = jsonw_end(w);
	}
	args_free(&args);
	return rc;
}

int plan_show(const struct opts *o, const struct vm_spec *spec)
{
	unsigned int n = spec->perf ? spec->perf->n_cpus : 0;
	AUTO_FREE struct topo *t = calloc(1, sizeof(*t));
	unsigned int i;
	struct jsonw w;
	int rc;

	if (!t || (n > 0 && perf_host_topo(o->root_dir, t) < 0))
		return t ? KT_PREFIX_FAIL : (warn_rc(-ENOMEM, "show the plan"), KT_PREFIX_FAIL);
	jsonw_init(&w, stdout);
	jsonw_meta(&w, "kt-vm", !o->root_dir);
	rc = jsonw_end(&w);
	if (rc == 0) {
		write_plan(&w, o, spec);
		rc = jsonw_end(&w);
	}
	for (i = 0; rc == 0 && i < n; i++) {
		write_vcpu(&w, spec->perf, t, i);
		rc = jsonw_end(&w);
	}
	if (rc == 0)
		rc = write_argv(&w, spec);
	if (rc == 0) {
		jsonw_begin(&w, "end");
		jsonw_str(&w, "tool", "kt-vm");
		jsonw_str(&w, "outcome", "ok");
		jsonw_u64(&w, "planned_cpus", n);
		rc = jsonw_end(&w);
	}
	jsonw_free(&w);
	topo_free(t);
	if (rc == 0)
		rc = out_close(stdout);
	return rc < 0 ? (warn_rc(rc, "write standard output"), KT_PREFIX_FAIL) : KT_OK;
}
