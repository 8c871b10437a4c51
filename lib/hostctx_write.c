/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a measurement on a machine must say about it, as members of a record. */
#include "hostctx.h"

#include <string.h>

static void put_flag(struct jsonw *w, const char *key, int8_t v)
{
	if (v < 0)
		jsonw_null(w, key);
	else
		jsonw_bool(w, key, v);
}

/* An array of objects: names that differ from machine to machine are values, not members. */
static void put_map(struct jsonw *w, const char *key, const struct hostctx_map *m, const char *name,
		    const char *value)
{
	size_t i;

	if (!m->known) {
		jsonw_null(w, key);
		return;
	}
	jsonw_arr(w, key);
	for (i = 0; i < m->n; i++) {
		jsonw_obj(w, NULL);
		jsonw_str(w, name, m->pair[i].name);
		jsonw_str(w, value, m->pair[i].value);
		jsonw_obj_end(w);
	}
	jsonw_arr_end(w);
}

static void put_words(struct jsonw *w, const char *key, const char *s)
{
	if (!s) {
		jsonw_null(w, key);
		return;
	}
	jsonw_arr(w, key);
	while (*(s += strspn(s, " ")) != '\0') {
		size_t n = strcspn(s, " ");

		jsonw_strn(w, NULL, s, n);
		s += n;
	}
	jsonw_arr_end(w);
}

static void put_servers(struct jsonw *w, const char *key, const struct hostctx_servers *s)
{
	char list[CPUSET_TEXT];
	size_t i;

	if (!s->known) {
		jsonw_null(w, key);
		return;
	}
	jsonw_arr(w, key);
	for (i = 0; i < s->n; i++) {
		jsonw_obj(w, NULL);
		jsonw_str(w, "cpus", cpuset_format(&s->server[i].cpus, list, sizeof(list)));
		jsonw_u64(w, "runtime_ns", s->server[i].runtime_ns);
		jsonw_u64(w, "period_ns", s->server[i].period_ns);
		jsonw_obj_end(w);
	}
	jsonw_arr_end(w);
}

static void put_scx(struct jsonw *w, const struct hostctx *h)
{
	if (h->flag[HOST_SCX] != 1) {
		jsonw_null(w, "sched_ext");
		return;
	}
	jsonw_obj(w, "sched_ext");
	jsonw_str(w, "state", h->text[HOST_SCX_STATE]);
	jsonw_str(w, "ops", h->text[HOST_SCX_OPS]);
	jsonw_id(w, "enable_seq", h->num[HOST_SCX_ENABLE_SEQ]);
	jsonw_id(w, "nr_rejected", h->num[HOST_SCX_NR_REJECTED]);
	jsonw_id(w, "hotplug_seq", h->num[HOST_SCX_HOTPLUG_SEQ]);
	put_flag(w, "switch_all", h->flag[HOST_SCX_SWITCH_ALL]);
	jsonw_obj_end(w);
}

void hostctx_write(const struct hostctx *h, struct jsonw *w)
{
	jsonw_str(w, "kernel_name", h->text[HOST_KERNEL_NAME]);
	jsonw_str(w, "kernel_release", h->text[HOST_KERNEL_RELEASE]);
	jsonw_str(w, "kernel_version", h->text[HOST_KERNEL_VERSION]);
	jsonw_str(w, "arch", h->text[HOST_ARCH]);
	jsonw_str(w, "kernel_cmdline", h->text[HOST_CMDLINE]);
	jsonw_id(w, "tainted", h->num[HOST_TAINTED]);
	put_flag(w, "btf", h->flag[HOST_BTF]);
	jsonw_str(w, "boot_id", h->text[HOST_BOOT_ID]);
	jsonw_id(w, "uptime_ns", h->num[HOST_UPTIME_NS]);
	jsonw_str(w, "clocksource", h->text[HOST_CLOCKSOURCE]);
	jsonw_str(w, "cpu_model", h->text[HOST_CPU_MODEL]);
	jsonw_str(w, "cpu_vendor", h->text[HOST_CPU_VENDOR]);
	put_flag(w, "hypervisor", h->flag[HOST_HYPERVISOR]);
	jsonw_id(w, "n_cpus", h->num[HOST_N_CPUS]);
	jsonw_id(w, "n_nodes", h->num[HOST_N_NODES]);
	jsonw_str(w, "isolated", h->text[HOST_ISOLATED]);
	jsonw_str(w, "nohz_full", h->text[HOST_NOHZ_FULL]);
	jsonw_str(w, "smt_control", h->text[HOST_SMT_CONTROL]);
	put_flag(w, "smt_active", h->flag[HOST_SMT_ACTIVE]);
	put_flag(w, "boost", h->flag[HOST_BOOST]);
	put_map(w, "cpufreq_governors", &h->governors, "governor", "cpus");
	put_map(w, "mitigations", &h->mitigations, "name", "value");
	jsonw_id(w, "mem_total_kb", h->num[HOST_MEM_TOTAL_KB]);
	jsonw_id(w, "mem_available_kb", h->num[HOST_MEM_AVAILABLE_KB]);
	jsonw_id(w, "hugepages_total", h->num[HOST_HUGEPAGES_TOTAL]);
	jsonw_id(w, "hugepages_free", h->num[HOST_HUGEPAGES_FREE]);
	jsonw_id(w, "hugepage_kb", h->num[HOST_HUGEPAGE_KB]);
	jsonw_id(w, "numa_balancing", h->num[HOST_NUMA_BALANCING]);
	jsonw_str(w, "thp_enabled", h->text[HOST_THP_ENABLED]);
	jsonw_str(w, "thp_defrag", h->text[HOST_THP_DEFRAG]);
	put_map(w, "sched_tunables", &h->tunables, "name", "value");
	put_map(w, "sched_debug", &h->debug, "name", "value");
	put_servers(w, "fair_server", &h->fair);
	put_servers(w, "ext_server", &h->ext);
	put_scx(w, h);
	jsonw_str(w, "cgroup_mode", h->text[HOST_CGROUP_MODE]);
	jsonw_str(w, "cgroup_mount", h->text[HOST_CGROUP_MOUNT]);
	put_words(w, "cgroup_controllers", h->text[HOST_CGROUP_CONTROLLERS]);
	put_flag(w, "kvm_opens", h->flag[HOST_KVM_OPENS]);
	jsonw_str(w, "kvm_error", h->text[HOST_KVM_ERROR]);
}
