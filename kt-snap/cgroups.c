/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cgroups of the threads of a snapshot. */
#include "cgroups.h"
#include "cg.h"
#include "cleanup.h"
#include "dur.h"
#include "num.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct one {
	char *path; /* owned */
	size_t n;
	uint64_t threads;
};

struct cgroups {
	const struct machine *machine;
	struct one **slot; /* by a hash of the path, n_slots of them, a power of two; owned */
	size_t n_slots, n;
	struct one *last; /* threads of a cgroup often follow each other */
};

struct cgroups *cgroups_new(const struct machine *m)
{
	struct cgroups *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->machine = m;
	c->n_slots = 64;
	c->slot = calloc(c->n_slots, sizeof(struct one *));
	if (!c->slot) {
		free(c);
		return NULL;
	}
	return c;
}

void cgroups_reset(struct cgroups *c)
{
	size_t i;

	for (i = 0; c->slot && i < c->n_slots; i++) {
		if (c->slot[i])
			free(c->slot[i]->path);
		free(c->slot[i]);
		c->slot[i] = NULL;
	}
	c->n = 0;
	c->last = NULL;
}

void cgroups_free(struct cgroups *c)
{
	if (!c)
		return;
	cgroups_reset(c);
	free((void *)c->slot);
	free(c);
}

static uint64_t hash(const char *p, size_t n)
{
	uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */

	while (n-- > 0)
		h = (h ^ (unsigned char)*p++) * UINT64_C(1099511628211);
	return h ^ h >> 32;
}

/* Where this path is, or may be put. */
static struct one **place(struct one **slot, size_t n_slots, const char *p, size_t n)
{
	size_t i = hash(p, n) & (n_slots - 1);

	while (slot[i] && (slot[i]->n != n || memcmp(slot[i]->path, p, n) != 0))
		i = (i + 1) & (n_slots - 1);
	return &slot[i];
}

static int grow(struct cgroups *c)
{
	size_t i, n_slots = c->n_slots * 2;
	struct one **slot = calloc(n_slots, sizeof(struct one *));

	if (!slot)
		return -ENOMEM;
	for (i = 0; i < c->n_slots; i++)
		if (c->slot[i])
			*place(slot, n_slots, c->slot[i]->path, c->slot[i]->n) = c->slot[i];
	free((void *)c->slot);
	c->slot = slot;
	c->n_slots = n_slots;
	return 0;
}

int cgroups_note(struct cgroups *c, const char *path, size_t n)
{
	struct one **at;

	if (c->last && c->last->n == n && memcmp(c->last->path, path, n) == 0) {
		c->last->threads++;
		return 0;
	}
	at = place(c->slot, c->n_slots, path, n);
	if (!*at) {
		struct one *o = calloc(1, sizeof(*o));

		if (o)
			o->path = strndup(path, n);
		if (!o || !o->path) {
			free(o);
			return -ENOMEM;
		}
		o->n = n;
		*at = o;
		c->last = o;
		o->threads = 1;
		return ++c->n > c->n_slots / 2 ? grow(c) : 0;
	}
	c->last = *at;
	c->last->threads++;
	return 0;
}

/* ---- reading ---- */

static int by_path(const void *a, const void *b)
{
	const struct one *x = *(struct one *const *)a, *y = *(struct one *const *)b;

	return strcmp(x->path, y->path);
}

/* The text of a knob; false: not there, and counted. */
static bool knob(int fd, const char *name, char text[CG_KNOB], struct tally *missing)
{
	ssize_t n = cg_read(fd, name, text, CG_KNOB);

	if (n < 0)
		tally_rc(missing, name, (int)n);
	return n >= 0;
}

static void put_flat(struct jsonw *w, const char *member, const char *text, const char *key,
		     uint64_t unit, struct tally *missing)
{
	uint64_t v;

	if (text && cg_flat(text, key, &v) == 0 && !__builtin_mul_overflow(v, unit, &v)) {
		jsonw_u64(w, member, v);
		return;
	}
	jsonw_null(w, member);
	if (text)
		tally_add(missing, key, "kernel", 1);
}

static void put_number(struct jsonw *w, const char *member, int fd, const char *name,
		       struct tally *missing)
{
	char text[CG_KNOB];
	uint64_t v;

	if (fd >= 0 && knob(fd, name, text, missing) && num_u64(text, 0, UINT64_MAX, &v) == 0)
		jsonw_u64(w, member, v);
	else
		jsonw_null(w, member);
}

/* some avg10=0.00 avg60=0.00 avg300=0.00 total=12 */
static void put_pressure(struct jsonw *w, const char *member, const char *text, const char *which)
{
	size_t n = strlen(which);
	uint64_t usec;
	const char *p;

	for (p = text; p; p = strchr(p, '\n')) {
		char digits[24];
		const char *total;

		p += *p == '\n';
		if (strncmp(p, which, n) != 0 || p[n] != ' ')
			continue;
		total = strstr(p, "total=");
		if (!total)
			break;
		total += 6;
		n = strcspn(total, " \n");
		if (n >= sizeof(digits))
			break;
		memcpy(digits, total, n);
		digits[n] = '\0';
		if (num_u64(digits, 0, UINT64_MAX / NSEC_PER_USEC, &usec) < 0)
			break;
		jsonw_u64(w, member, usec * NSEC_PER_USEC);
		return;
	}
	jsonw_null(w, member);
}

static void put_one(struct jsonw *w, const struct cgroups *c, const struct one *o,
		    struct tally *missing)
{
	AUTO_FD fd = machine_cgroup(c->machine, o->path);
	char cpu[CG_KNOB], pressure[CG_KNOB], id[32];
	bool has_cpu, has_pressure;
	struct stat st;

	if (fd < 0)
		tally_rc(missing, "cgroup", fd);
	has_cpu = fd >= 0 && knob(fd, "cpu.stat", cpu, missing);
	has_pressure = fd >= 0 && knob(fd, "cpu.pressure", pressure, missing);
	jsonw_begin(w, "cgroup");
	jsonw_str(w, "path", o->path);
	if (fd >= 0 && fstat(fd, &st) == 0) {
		(void)snprintf(id, sizeof(id), "%llu", (unsigned long long)st.st_ino);
		jsonw_str(w, "id", id);
	} else {
		jsonw_null(w, "id");
	}
	jsonw_u64(w, "threads", o->threads);
	put_flat(w, "cpu_usage_ns", has_cpu ? cpu : NULL, "usage_usec", NSEC_PER_USEC, missing);
	put_flat(w, "cpu_user_ns", has_cpu ? cpu : NULL, "user_usec", NSEC_PER_USEC, missing);
	put_flat(w, "cpu_system_ns", has_cpu ? cpu : NULL, "system_usec", NSEC_PER_USEC, missing);
	put_flat(w, "nr_periods", has_cpu ? cpu : NULL, "nr_periods", 1, missing);
	put_flat(w, "nr_throttled", has_cpu ? cpu : NULL, "nr_throttled", 1, missing);
	put_flat(w, "throttled_ns", has_cpu ? cpu : NULL, "throttled_usec", NSEC_PER_USEC, missing);
	put_pressure(w, "cpu_some_ns", has_pressure ? pressure : NULL, "some");
	put_pressure(w, "cpu_full_ns", has_pressure ? pressure : NULL, "full");
	put_number(w, "memory_current_bytes", fd, "memory.current", missing);
	put_number(w, "pids_current", fd, "pids.current", missing);
}

int cgroups_write(struct cgroups *c, struct tally *missing,
		  int (*write)(void *arg, const void *p, size_t n), void *arg)
{
	struct one **sorted = calloc(c->n + 1, sizeof(struct one *));
	struct jsonw w;
	size_t i, n = 0;
	int rc = 0;

	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < c->n_slots; i++)
		if (c->slot[i])
			sorted[n++] = c->slot[i];
	qsort((void *)sorted, n, sizeof(struct one *), by_path);
	jsonw_init(&w, NULL);
	for (i = 0; rc == 0 && i < n; i++) {
		put_one(&w, c, sorted[i], missing);
		rc = jsonw_end(&w);
		if (rc == 0)
			rc = write(arg, w.buf.p, w.buf.len);
		buf_reset(&w.buf);
	}
	jsonw_free(&w);
	free((void *)sorted);
	return rc;
}
