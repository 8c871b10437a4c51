/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much of the host the guest got. */
#include "sample.h"
#include "cleanup.h"
#include "dur.h"
#include "root.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

void guest_clock_add(struct guest_clock *c, uint64_t guest_ns, uint64_t host_ns)
{
	c->offset[c->n++ % SAMPLE_CLOCKS] = (int64_t)(guest_ns - host_ns);
}

int64_t guest_clock_at(const struct guest_clock *c, uint64_t host_ns)
{
	size_t n = c->n < SAMPLE_CLOCKS ? c->n : SAMPLE_CLOCKS, i;
	int64_t best = INT64_MIN;

	for (i = 0; i < n; i++)
		if (c->offset[i] > best)
			best = c->offset[i];
	return n == 0 ? -1 : (int64_t)host_ns + best;
}

/* The next number of a kernel's text, with what follows it. Returns 0, or -1 for none. */
static int next_u64(const char **p, uint64_t *ret)
{
	char *end;

	while (**p == ' ')
		(*p)++;
	if (**p < '0' || **p > '9')
		return -1;
	*ret = strtoull(*p, &end, 10);
	*p = end;
	return 0;
}

/* "1186350 8203 40": time on a CPU, time waited for one, times put on one. */
bool sample_thread(int root, pid_t pid, pid_t tid, struct thread_time *ret)
{
	char text[128];
	const char *p = text;

	return root_readf(root, text, sizeof(text), "/proc/%d/task/%d/schedstat", pid, tid) >= 0 &&
	       next_u64(&p, &ret->run_ns) == 0 && next_u64(&p, &ret->delay_ns) == 0;
}

void sample_write_thread(struct jsonw *w, const struct thread_time *t)
{
	if (!t) {
		jsonw_null(w, NULL);
		return;
	}
	jsonw_arr(w, NULL);
	jsonw_u64(w, NULL, t->run_ns);
	jsonw_u64(w, NULL, t->delay_ns);
	jsonw_arr_end(w);
}

/* "cpu  207 0 610 724 0 0 49 0 0 0": the eighth number is what a hypervisor above us took. */
static int steal(int root, uint64_t *ret_ns)
{
	long hz = sysconf(_SC_CLK_TCK);
	AUTO_FD fd = openat(root, "proc/stat", O_RDONLY | O_CLOEXEC);
	char text[256];
	const char *p = text + 3;
	uint64_t v = 0;
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int i;

	if (n < 4 || hz <= 0)
		return -1;
	text[n] = '\0';
	if (strncmp(text, "cpu", 3) != 0)
		return -1;
	for (i = 0; i < 8; i++)
		if (next_u64(&p, &v) < 0)
			return -1;
	*ret_ns = v * (NSEC_PER_SEC / (uint64_t)hz);
	return 0;
}

int sample_write(struct jsonw *w, const struct guest_clock *c, uint64_t host_ns, uint64_t late_ns,
		 pid_t pid, const pid_t *tids, size_t n_tids)
{
	AUTO_FD root = root_open(NULL);
	struct thread_time t;
	uint64_t a;
	size_t i;

	jsonw_begin(w, "sample");
	jsonw_id(w, "mono_ns", guest_clock_at(c, host_ns));
	jsonw_u64(w, "host_ns", host_ns);
	jsonw_u64(w, "late_ns", late_ns);
	if (root >= 0 && steal(root, &a) == 0)
		jsonw_u64(w, "steal_ns", a);
	else
		jsonw_null(w, "steal_ns");
	jsonw_arr(w, "vcpus");
	for (i = 0; i < n_tids; i++)
		sample_write_thread(w,
				    root >= 0 && sample_thread(root, pid, tids[i], &t) ? &t : NULL);
	jsonw_arr_end(w);
	return jsonw_end(w);
}
