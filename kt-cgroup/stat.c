/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is read back from cgroups: effective values, statistics, listings. */
#include "stat.h"
#include "cg.h"
#include "cleanup.h"
#include "cpuset.h"
#include "mono.h"
#include "num.h"

#include <errno.h>
#include <string.h>

/* A knob's text; null when the cgroup has no such knob, its controller being off. */
static void knob(struct jsonw *w, int cg_fd, const char *key, const char *name)
{
	char text[CPUSET_TEXT];
	ssize_t n = cg_read(cg_fd, name, text, sizeof(text));

	jsonw_str(w, key, n < 0 ? NULL : text);
}

static void knob_u64(struct jsonw *w, int cg_fd, const char *key, const char *name)
{
	char text[CG_KNOB];
	ssize_t n = cg_read(cg_fd, name, text, sizeof(text));
	uint64_t v;

	if (n >= 0 && num_u64(text, 0, UINT64_MAX, &v) == 0)
		jsonw_u64(w, key, v);
	else
		jsonw_null(w, key);
}

void stat_effective(struct jsonw *w, int cg_fd)
{
	uint64_t frozen;

	if (cg_fd < 0) {
		jsonw_null(w, "effective");
		return;
	}
	jsonw_obj(w, "effective");
	knob(w, cg_fd, "cpus", "cpuset.cpus.effective");
	knob(w, cg_fd, "mems", "cpuset.mems.effective");
	knob_u64(w, cg_fd, "weight", "cpu.weight");
	knob(w, cg_fd, "max", "cpu.max");
	if (cg_event(cg_fd, "frozen", &frozen) == 0)
		jsonw_bool(w, "frozen", frozen != 0);
	else
		jsonw_null(w, "frozen");
	jsonw_obj_end(w);
}

/* some avg10=0.12 avg60=0.00 avg300=0.00 total=3564 */
int stat_pressure(const char *text, const char *which, double ret_avg[3], uint64_t *ret_total_usec)
{
	static const char *const names[] = { "avg10=", "avg60=", "avg300=", "total=" };
	double avg[3];
	size_t i;

	while (strncmp(text, which, strlen(which)) != 0 || text[strlen(which)] != ' ') {
		text = strchr(text, '\n');
		if (!text)
			return -ENOENT;
		text++;
	}
	text += strlen(which);
	for (i = 0; i < KT_ARRAY_LEN(names); i++) {
		char num[32];
		size_t n;

		if (*text++ != ' ' || strncmp(text, names[i], strlen(names[i])) != 0)
			return -EINVAL;
		text += strlen(names[i]);
		n = strcspn(text, " \n");
		if (n >= sizeof(num))
			return -EINVAL;
		memcpy(num, text, n);
		num[n] = '\0';
		text += n;
		if (i < 3 ? num_f64(num, 0, 1e6, &avg[i]) < 0
			  : num_u64(num, 0, UINT64_MAX, ret_total_usec) < 0)
			return -EINVAL;
	}
	memcpy(ret_avg, avg, sizeof(avg));
	return 0;
}

static void pressure(struct jsonw *w, int cg_fd, const char *key, const char *file)
{
	static const char *const which[] = { "some", "full" };
	char text[CG_KNOB];
	ssize_t len = cg_read(cg_fd, file, text, sizeof(text));
	size_t i;

	if (len < 0) { /* no PSI in the kernel, or switched off */
		jsonw_null(w, key);
		return;
	}
	jsonw_obj(w, key);
	for (i = 0; i < KT_ARRAY_LEN(which); i++) {
		uint64_t total;
		double avg[3];

		if (stat_pressure(text, which[i], avg, &total) < 0) {
			jsonw_null(w, which[i]);
			continue;
		}
		jsonw_obj(w, which[i]);
		jsonw_f64(w, "avg10_pct", avg[0], 2);
		jsonw_f64(w, "avg60_pct", avg[1], 2);
		jsonw_f64(w, "avg300_pct", avg[2], 2);
		jsonw_u64(w, "total_usec", total);
		jsonw_obj_end(w);
	}
	jsonw_obj_end(w);
}

static int count_pid(pid_t pid, void *arg)
{
	(void)pid;
	(void)arg;
	return 0;
}

/* Null in a threaded cgroup, whose processes the kernel does not list. */
static void procs(struct jsonw *w, int cg_fd)
{
	jsonw_id(w, "procs", cg_each_pid(cg_fd, count_pid, NULL));
}

static void populated(struct jsonw *w, int cg_fd)
{
	uint64_t v;

	if (cg_event(cg_fd, "populated", &v) == 0)
		jsonw_bool(w, "populated", v != 0);
	else
		jsonw_null(w, "populated"); /* the top of the mount has no cgroup.events */
}

int stat_record(struct jsonw *w, int cg_fd, const char *name)
{
	/* The throttling counters are there only with the cpu controller. */
	static const char *const keys[] = { "usage_usec", "user_usec",	  "system_usec",
					    "nr_periods", "nr_throttled", "throttled_usec" };
	char text[CG_KNOB];
	ssize_t n = cg_read(cg_fd, "cpu.stat", text, sizeof(text));
	size_t i;

	if (n < 0)
		return (int)n;
	jsonw_begin(w, "stat");
	jsonw_str(w, "cgroup", name);
	jsonw_u64(w, "mono_ns", mono_ns());
	for (i = 0; i < KT_ARRAY_LEN(keys); i++) {
		uint64_t v;

		if (cg_flat(text, keys[i], &v) == 0)
			jsonw_u64(w, keys[i], v);
		else
			jsonw_null(w, keys[i]);
	}
	jsonw_obj(w, "pressure");
	pressure(w, cg_fd, "cpu", "cpu.pressure");
	pressure(w, cg_fd, "memory", "memory.pressure");
	pressure(w, cg_fd, "io", "io.pressure");
	jsonw_obj_end(w);
	procs(w, cg_fd);
	populated(w, cg_fd);
	return jsonw_end(w);
}

/* ---- ls ---- */

struct ls {
	struct jsonw *w;
	const char *path;
	bool marked_only;
};

static int ls_record(struct jsonw *w, int cg_fd, const char *path, const struct cg_owner *o)
{
	jsonw_begin(w, "cgroup");
	jsonw_str(w, "path", path);
	if (o) {
		int live = cg_owner_live(o);

		jsonw_u64(w, "owner_pid", (uint64_t)o->pid);
		jsonw_u64(w, "owner_start", o->start);
		if (live < 0)
			jsonw_null(w, "live");
		else
			jsonw_bool(w, "live", live);
	} else {
		jsonw_null(w, "owner_pid");
		jsonw_null(w, "owner_start");
		jsonw_null(w, "live");
	}
	populated(w, cg_fd);
	procs(w, cg_fd);
	knob(w, cg_fd, "cpus", "cpuset.cpus.effective");
	return jsonw_end(w);
}

static int ls_child(int cg_fd, const char *name, void *arg)
{
	const struct ls *up = arg;
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s%s%s", up->path, *up->path ? "/" : "", name), rc;
	AUTO_FD fd = cg_open(cg_fd, name);
	struct ls sub = { up->w, path, up->marked_only };
	const char *base = strrchr(name, '/');
	struct cg_owner o;
	bool owned;

	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	if (fd < 0)
		return fd == -ENOENT || fd == -ENODEV ? 0 : fd; /* it went while we looked */
	owned = cg_owner_get(fd, &o) == 0;
	base = base ? base + 1 : name;
	if (owned || strncmp(base, "ktstr-", 6) == 0)
		sub.marked_only = false;
	if (!sub.marked_only) {
		rc = ls_record(up->w, fd, path, owned ? &o : NULL);
		if (rc < 0)
			return rc;
	}
	rc = cg_each_child(fd, ls_child, &sub);
	return rc == -ENOENT || rc == -ENODEV ? 0 : rc;
}

int stat_ls(struct jsonw *w, int dir_fd, const char *rel, bool marked_only)
{
	struct ls top = { w, "", marked_only };
	int rc = *rel ? ls_child(dir_fd, rel, &top) : cg_each_child(dir_fd, ls_child, &top);

	return rc < 0 ? rc : 0;
}
