/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a measurement on a machine must say about it, read from /proc and /sys. */
#include "hostctx.h"
#include "cgself.h"
#include "cleanup.h"
#include "num.h"
#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define CPU_DIR "sys/devices/system/cpu"
#define TEXT_MAX 16384 /* of one file: the longest is one CPU's block in cpuinfo */

struct reader {
	struct hostctx *h;
	int root_fd;
	int err; /* -ENOMEM once */
	char text[TEXT_MAX];
};

/* Where a value is a whole file. `missing` counts it under `what`; when that is optional, a file
 * that is not there says that the kernel has no such thing, and only another failure counts. */
struct source {
	const char *path, *what;
	int id; /* enum hostctx_text, _num or _flag */
	bool optional;
	char yes; /* of a flag: the digit that says so */
};

static const struct source texts[] = {
	{ "proc/sys/kernel/ostype", "kernel", HOST_KERNEL_NAME },
	{ "proc/sys/kernel/osrelease", "kernel", HOST_KERNEL_RELEASE },
	{ "proc/sys/kernel/version", "kernel", HOST_KERNEL_VERSION },
	{ "proc/sys/kernel/arch", "arch", HOST_ARCH, true }, /* since 6.1 */
	{ "proc/cmdline", "cmdline", HOST_CMDLINE },
	{ "proc/sys/kernel/random/boot_id", "boot_id", HOST_BOOT_ID },
	{ CPU_DIR "/smt/control", "smt", HOST_SMT_CONTROL, true },
	{ CPU_DIR "/isolated", "isolated", HOST_ISOLATED },
	{ CPU_DIR "/nohz_full", "nohz_full", HOST_NOHZ_FULL, true },
	{ "sys/devices/system/clocksource/clocksource0/current_clocksource", "clocksource",
	  HOST_CLOCKSOURCE },
	{ "sys/kernel/mm/transparent_hugepage/enabled", "thp", HOST_THP_ENABLED, true },
	{ "sys/kernel/mm/transparent_hugepage/defrag", "thp", HOST_THP_DEFRAG, true },
	{ "sys/kernel/sched_ext/state", "sched_ext", HOST_SCX_STATE, true },
	{ "sys/kernel/sched_ext/root/ops", "sched_ext", HOST_SCX_OPS, true },
};

static const struct source nums[] = {
	{ "proc/sys/kernel/tainted", "tainted", HOST_TAINTED },
	{ "proc/sys/kernel/numa_balancing", "numa_balancing", HOST_NUMA_BALANCING, true },
	{ "sys/kernel/sched_ext/enable_seq", "sched_ext", HOST_SCX_ENABLE_SEQ, true },
	{ "sys/kernel/sched_ext/nr_rejected", "sched_ext", HOST_SCX_NR_REJECTED, true },
	{ "sys/kernel/sched_ext/hotplug_seq", "sched_ext", HOST_SCX_HOTPLUG_SEQ, true },
};

static const struct source flags[] = {
	{ CPU_DIR "/smt/active", "smt", HOST_SMT_ACTIVE, true, '1' },
	{ CPU_DIR "/cpufreq/boost", "boost", HOST_BOOST, true, '1' },
	{ CPU_DIR "/intel_pstate/no_turbo", "boost", HOST_BOOST, true, '0' },
	{ "sys/kernel/sched_ext/switch_all", "sched_ext", HOST_SCX_SWITCH_ALL, true, '1' },
};

static const struct {
	enum hostctx_num id;
	const char *key;
} meminfo[] = {
	{ HOST_MEM_TOTAL_KB, "MemTotal:" },	      { HOST_MEM_AVAILABLE_KB, "MemAvailable:" },
	{ HOST_HUGEPAGES_TOTAL, "HugePages_Total:" }, { HOST_HUGEPAGES_FREE, "HugePages_Free:" },
	{ HOST_HUGEPAGE_KB, "Hugepagesize:" },
};

static char *trim(char *s)
{
	size_t n = strlen(s);

	while (n > 0 && strchr(" \t\n", s[n - 1]))
		s[--n] = '\0';
	return s + strspn(s, " \t\n");
}

static void missed(struct reader *r, const char *what, ssize_t rc)
{
	missing_add(&r->h->missing, what, (int)rc);
}

/* Read into r->text and trim. Returns the text, or NULL. */
static char *get(struct reader *r, const char *path, const char *what, bool optional)
{
	ssize_t n = root_read(r->root_fd, path, r->text, sizeof(r->text));

	if (n < 0 && !(optional && n == -ENOENT))
		missed(r, what, n);
	return n < 0 ? NULL : trim(r->text);
}

static char *get_source(struct reader *r, const struct source *s)
{
	return get(r, s->path, s->what, s->optional);
}

static char *copy_text(struct reader *r, const char *s)
{
	char *copy = strdup(s);

	if (!copy)
		r->err = -ENOMEM;
	return copy;
}

static void set_text(struct reader *r, enum hostctx_text id, const char *s)
{
	if (s)
		r->h->text[id] = copy_text(r, s);
}

/* The number at the start of s, up to a blank or the end of the line; -1 when it is none. */
static int64_t number(const char *s)
{
	char digits[24];
	uint64_t v;
	size_t n = strcspn(s, " \t\n");

	if (n >= sizeof(digits))
		return -1;
	memcpy(digits, s, n);
	digits[n] = '\0';
	return num_u64(digits, 0, INT64_MAX, &v) < 0 ? -1 : (int64_t)v;
}

static void read_simple(struct reader *r)
{
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(texts); i++)
		set_text(r, (enum hostctx_text)texts[i].id, get_source(r, &texts[i]));
	for (i = 0; i < KT_ARRAY_LEN(nums); i++) {
		const char *s = get_source(r, &nums[i]);

		if (s)
			r->h->num[nums[i].id] = number(s);
	}
	for (i = 0; i < KT_ARRAY_LEN(flags); i++) {
		const char *s = get_source(r, &flags[i]);

		if (s && (s[0] == '0' || s[0] == '1') && s[1] == '\0')
			r->h->flag[flags[i].id] = s[0] == flags[i].yes;
	}
}

/* "always [madvise] never" becomes "madvise". */
static void pick_choice(char *s)
{
	char *open = s ? strchr(s, '[') : NULL;
	char *close = open ? strchr(open, ']') : NULL;

	if (!close)
		return;
	*close = '\0';
	memmove(s, open + 1, (size_t)(close - open));
}

/* A text that is no list of CPUs is not known. */
static void check_list(struct reader *r, enum hostctx_text id, const char *what)
{
	struct cpuset set;
	char **text = &r->h->text[id];
	int rc = *text ? cpuset_parse(*text, &set) : 0;

	if (rc == 0)
		return;
	missed(r, what, rc);
	free(*text);
	*text = NULL;
}

static bool exists(struct reader *r, const char *path)
{
	AUTO_FD fd = root_openat(r->root_fd, path, O_PATH);

	return fd >= 0;
}

static void read_kernel(struct reader *r, bool live)
{
	struct hostctx *h = r->h;
	struct utsname u;
	char *s;

	read_simple(r);
	pick_choice(h->text[HOST_THP_ENABLED]);
	pick_choice(h->text[HOST_THP_DEFRAG]);
	/* What the kernel prints for a mask that was never made. */
	if (h->text[HOST_NOHZ_FULL] && strcmp(h->text[HOST_NOHZ_FULL], "(null)") == 0)
		h->text[HOST_NOHZ_FULL][0] = '\0';
	check_list(r, HOST_ISOLATED, "isolated");
	check_list(r, HOST_NOHZ_FULL, "nohz_full");
	if (!h->text[HOST_ARCH] && live && uname(&u) == 0)
		set_text(r, HOST_ARCH, u.machine);
	if (!h->text[HOST_ARCH])
		missed(r, "arch", -ENOENT);
	if (exists(r, "sys/kernel")) {
		h->flag[HOST_BTF] = exists(r, "sys/kernel/btf/vmlinux");
		h->flag[HOST_SCX] = exists(r, "sys/kernel/sched_ext");
	}
	/* "5043.75 9873.31": seconds with two decimals */
	s = get(r, "proc/uptime", "uptime", false);
	if (s) {
		double seconds;

		s[strcspn(s, " ")] = '\0';
		if (num_f64(s, 0, 1e9, &seconds) == 0)
			h->num[HOST_UPTIME_NS] = (int64_t)(seconds * 100 + 0.5) * 10000000;
	}
}

static void read_memory(struct reader *r)
{
	const char *text = get(r, "proc/meminfo", "meminfo", false);
	size_t i;

	for (i = 0; text && i < KT_ARRAY_LEN(meminfo); i++) {
		const char *s = strstr(text, meminfo[i].key);

		if (!s || (s != text && s[-1] != '\n'))
			continue;
		s += strlen(meminfo[i].key);
		r->h->num[meminfo[i].id] = number(s + strspn(s, " "));
	}
}

/* The value behind "key\t: " in a block of cpuinfo, or NULL. */
static char *cpuinfo_value(char *text, const char *key, size_t *ret_len)
{
	size_t n = strlen(key);
	char *s = text;

	while (s && strncmp(s, key, n) != 0) {
		s = strchr(s, '\n');
		s = s ? s + 1 : NULL;
	}
	if (!s)
		return NULL;
	s += n + strspn(s + n, "\t ");
	if (*s != ':')
		return NULL;
	s += 1 + strspn(s + 1, "\t ");
	*ret_len = strcspn(s, "\n");
	return *ret_len > 0 ? s : NULL;
}

static void take_cpuinfo(struct reader *r, enum hostctx_text id, const char *key)
{
	size_t len;
	const char *s = cpuinfo_value(r->text, key, &len);

	if (!s)
		return;
	r->h->text[id] = strndup(s, len);
	if (!r->h->text[id])
		r->err = -ENOMEM;
}

/* Only the first CPU's block: the file has some 1,500 bytes for each CPU. */
static void read_cpuinfo(struct reader *r)
{
	AUTO_FD fd = root_openat(r->root_fd, "proc/cpuinfo", O_RDONLY);
	char *end, *s;
	size_t len = 0;
	ssize_t n;

	if (fd < 0) {
		missed(r, "cpuinfo", fd);
		return;
	}
	do {
		n = read(fd, r->text + len, sizeof(r->text) - 1 - len);
		if (n > 0)
			len += (size_t)n;
		r->text[len] = '\0';
		end = strstr(r->text, "\n\n");
	} while ((n > 0 && !end && len < sizeof(r->text) - 1) || (n < 0 && errno == EINTR));
	if (n < 0)
		missed(r, "cpuinfo", -errno);
	if (end)
		*end = '\0';
	take_cpuinfo(r, HOST_CPU_MODEL, "model name");
	if (!r->h->text[HOST_CPU_MODEL]) /* ppc64 */
		take_cpuinfo(r, HOST_CPU_MODEL, "cpu");
	take_cpuinfo(r, HOST_CPU_VENDOR, "vendor_id");
	s = cpuinfo_value(r->text, "flags", &len);
	if (s) {
		const char *at = memmem(s, len, " hypervisor", 11);

		r->h->flag[HOST_HYPERVISOR] = at && (at + 11 == s + len || at[11] == ' ');
	}
}

static int by_name(const void *a, const void *b)
{
	const struct hostctx_pair *pa = a, *pb = b;

	return strcmp(pa->name, pb->name);
}

/* Add a pair; both texts are copied. */
static struct hostctx_pair *add_pair(struct reader *r, struct hostctx_map *m, const char *name,
				     const char *value)
{
	struct hostctx_pair *p = reallocarray(m->pair, m->n + 1, sizeof(*p));

	if (!p) {
		r->err = -ENOMEM;
		return NULL;
	}
	m->pair = p;
	p += m->n;
	p->name = copy_text(r, name);
	p->value = copy_text(r, value);
	m->n++;
	return p;
}

/* The files in dir whose names begin with prefix become pairs. Directories, what is blank and
 * `skip` are left out. */
static void read_map(struct reader *r, struct hostctx_map *m, const char *dir_path,
		     const char *prefix, const char *skip, const char *what)
{
	AUTO_DIR *dir = root_dir(r->root_fd, dir_path);
	const struct dirent *de;

	if (!dir) {
		missed(r, what, -errno);
		return;
	}
	m->known = true;
	while (errno = 0, (de = readdir(dir))) {
		char *s;
		ssize_t n;

		if (strncmp(de->d_name, prefix, strlen(prefix)) != 0 || de->d_name[0] == '.' ||
		    (skip && strcmp(de->d_name, skip) == 0) || de->d_type == DT_DIR)
			continue;
		n = root_readf(r->root_fd, r->text, sizeof(r->text), "%s/%s", dir_path, de->d_name);
		if (n == -EISDIR)
			continue;
		if (n < 0) {
			missed(r, what, n);
			continue;
		}
		s = trim(r->text);
		if (*s)
			(void)add_pair(r, m, de->d_name, s); /* r->err keeps a failure */
	}
	if (errno != 0)
		missed(r, what, -errno);
	if (r->err == 0 && m->n > 1)
		qsort(m->pair, m->n, sizeof(*m->pair), by_name);
}

static void online_cpus(struct reader *r, struct cpuset *ret)
{
	const char *s = get(r, CPU_DIR "/online", "online", false);
	int rc;

	*ret = (struct cpuset){ 0 };
	rc = s ? cpuset_parse(s, ret) : 0;
	if (rc < 0)
		missed(r, "online", rc);
	if (!cpuset_empty(ret))
		r->h->num[HOST_N_CPUS] = cpuset_count(ret);
}

static void count_nodes(struct reader *r)
{
	AUTO_DIR *dir = root_dir(r->root_fd, "sys/devices/system/node");
	const struct dirent *de;
	int64_t n = 0;
	uint64_t id;

	if (!dir && errno != ENOENT) {
		missed(r, "node", -errno);
		return;
	}
	while (dir && (errno = 0, (de = readdir(dir))))
		if (strncmp(de->d_name, "node", 4) == 0 &&
		    num_u64(de->d_name + 4, 0, CPUSET_MAX, &id) == 0)
			n++;
	if (n > 0)
		r->h->num[HOST_N_NODES] = n;
	else if (r->h->num[HOST_N_CPUS] > 0)
		r->h->num[HOST_N_NODES] = 1; /* without CONFIG_NUMA all is one node */
}

/* Governor to list of CPUs: built as sets, a CPU at a time. */
static void read_governors(struct reader *r, const struct cpuset *online)
{
	struct hostctx_map *m = &r->h->governors;
	AUTO_FREE struct cpuset *sets = NULL;
	char list[CPUSET_TEXT];
	size_t i, n_sets = 0;
	int cpu;

	for (cpu = -1; r->err == 0 && (cpu = cpuset_next(online, cpu + 1)) >= 0;) {
		ssize_t n = root_readf(r->root_fd, r->text, sizeof(r->text),
				       CPU_DIR "/cpu%d/cpufreq/scaling_governor", cpu);
		const char *s;

		if (n == -ENOENT && m->n == 0)
			return; /* not on this machine: so say all CPUs */
		if (n < 0) {
			missed(r, "governor", n);
			continue;
		}
		m->known = true;
		s = trim(r->text);
		for (i = 0; i < n_sets && strcmp(m->pair[i].name, s) != 0; i++)
			;
		if (i == n_sets) {
			struct cpuset *more = reallocarray(sets, n_sets + 1, sizeof(*sets));

			if (!more) {
				r->err = -ENOMEM;
				return;
			}
			sets = more;
			sets[n_sets++] = (struct cpuset){ 0 };
			if (!add_pair(r, m, s, ""))
				return;
		}
		cpuset_add(&sets[i], (unsigned int)cpu);
	}
	for (i = 0; i < n_sets; i++) {
		free(m->pair[i].value);
		m->pair[i].value = copy_text(r, cpuset_format(&sets[i], list, sizeof(list)));
	}
	if (r->err == 0 && m->n > 1)
		qsort(m->pair, m->n, sizeof(*m->pair), by_name);
}

static int64_t server_value(struct reader *r, const char *name, int cpu, const char *file)
{
	ssize_t n = root_readf(r->root_fd, r->text, sizeof(r->text),
			       "sys/kernel/debug/sched/%s/cpu%d/%s", name, cpu, file);

	return n < 0 ? n : number(trim(r->text));
}

/* Most machines have one setting for all CPUs. */
static void read_servers(struct reader *r, struct hostctx_servers *s, const char *name,
			 const struct cpuset *online)
{
	int cpu;

	for (cpu = -1; (cpu = cpuset_next(online, cpu + 1)) >= 0;) {
		int64_t runtime = server_value(r, name, cpu, "runtime"), period;
		size_t i;

		if (runtime < 0 && !s->known)
			return;
		period = server_value(r, name, cpu, "period");
		if (runtime < 0 || period < 0) {
			missed(r, name, runtime < 0 ? runtime : period);
			continue;
		}
		s->known = true;
		for (i = 0; i < s->n; i++)
			if (s->server[i].runtime_ns == (uint64_t)runtime &&
			    s->server[i].period_ns == (uint64_t)period)
				break;
		if (i == s->n) {
			struct hostctx_server *more =
				reallocarray(s->server, s->n + 1, sizeof(*more));

			if (!more) {
				r->err = -ENOMEM;
				return;
			}
			s->server = more;
			s->server[s->n++] =
				(struct hostctx_server){ .runtime_ns = (uint64_t)runtime,
							 .period_ns = (uint64_t)period };
		}
		cpuset_add(&s->server[i].cpus, (unsigned int)cpu);
	}
}

static void read_cgroups(struct reader *r)
{
	struct cgself *cg = malloc(sizeof(*cg));
	int rc;

	if (!cg) {
		r->err = -ENOMEM;
		return;
	}
	rc = cgself_read(r->root_fd, cg);
	if (rc < 0) {
		missed(r, "cgroup", rc);
	} else {
		set_text(r, HOST_CGROUP_MODE,
			 cg->v1 && cg->v2 ? "hybrid"
			 : cg->v2	  ? "v2"
			 : cg->v1	  ? "v1"
					  : "none");
		if (cg->v2) {
			ssize_t n = root_readf(r->root_fd, r->text, sizeof(r->text),
					       "%s/cgroup.controllers", cg->v2_mount);

			set_text(r, HOST_CGROUP_MOUNT, cg->v2_mount);
			if (n < 0)
				missed(r, "controllers", n);
			else
				set_text(r, HOST_CGROUP_CONTROLLERS, trim(r->text));
		}
	}
	free(cg);
}

static void try_kvm(struct reader *r)
{
	AUTO_FD fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	const char *name = fd < 0 ? strerrorname_np(errno) : NULL;

	r->h->flag[HOST_KVM_OPENS] = fd >= 0;
	if (fd < 0)
		set_text(r, HOST_KVM_ERROR, name ? name : "EUNKNOWN");
}

int hostctx_read(int root_fd, bool live, struct hostctx *ret)
{
	AUTO_FREE struct reader *r = malloc(sizeof(*r));
	struct hostctx h = { 0 };
	struct cpuset online;
	size_t i;

	if (!r)
		return -ENOMEM;
	*r = (struct reader){ .h = &h, .root_fd = root_fd };
	for (i = 0; i < HOST_NUMS; i++)
		h.num[i] = -1;
	for (i = 0; i < HOST_FLAGS; i++)
		h.flag[i] = -1;
	read_kernel(r, live);
	read_memory(r);
	read_cpuinfo(r);
	online_cpus(r, &online);
	count_nodes(r);
	read_map(r, &h.tunables, "proc/sys/kernel", "sched_", NULL, "sched_tunables");
	/* "debug" is a dump of all runqueues, not a setting. */
	read_map(r, &h.debug, "sys/kernel/debug/sched", "", "debug", "sched_debug");
	read_map(r, &h.mitigations, CPU_DIR "/vulnerabilities", "", NULL, "mitigations");
	read_governors(r, &online);
	read_servers(r, &h.fair, "fair_server", &online);
	read_servers(r, &h.ext, "ext_server", &online);
	read_cgroups(r);
	if (live)
		try_kvm(r);
	if (r->err < 0) {
		hostctx_free(&h);
		return r->err;
	}
	*ret = h;
	return 0;
}

static void free_map(struct hostctx_map *m)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		free(m->pair[i].name);
		free(m->pair[i].value);
	}
	free(m->pair);
}

void hostctx_free(struct hostctx *h)
{
	size_t i;

	for (i = 0; i < HOST_TEXTS; i++)
		free(h->text[i]);
	free_map(&h->tunables);
	free_map(&h->debug);
	free_map(&h->mitigations);
	free_map(&h->governors);
	free(h->fair.server);
	free(h->ext.server);
	*h = (struct hostctx){ 0 };
}
