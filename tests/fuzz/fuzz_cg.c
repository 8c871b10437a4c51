// SPDX-License-Identifier: GPL-2.0-or-later
/* What is read from the kernel about cgroups: mounts, keyed files, pressure, owners, stat lines,
 * paths. */
#include "cg.h"
#include "fuzz.h"
#include "procstat.h"
#include "stat.h"

#include <inttypes.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = fuzz_text(data, size);
	static struct cg_mounts m; /* static for its size only */
	struct cg_owner o = { 0 }, again;
	struct procstat s = { .start = 77 };
	char rel[PATH_MAX], twice[PATH_MAX], owner[64];
	uint64_t v = 77;
	double avg[3];

	cg_mounts_parse(text, &m);
	FUZZ_ASSERT(strlen(m.v2) < sizeof(m.v2) && strlen(m.v1) < sizeof(m.v1));
	/* The kernel's mount points are absolute; a made-up one may be anything. */
	if (cg_flat(text, "populated", &v) < 0)
		FUZZ_ASSERT(v == 77);
	(void)cg_has_word(text, "cpuset");
	(void)stat_pressure(text, "some", avg, &v);
	(void)stat_pressure(text, "full", avg, &v);
	if (procstat_parse(text, &s) < 0)
		FUZZ_ASSERT(s.start == 77);
	FUZZ_ASSERT(memchr(s.comm, '\0', sizeof(s.comm)) && s.ppid >= 0);
	if (cg_owner_parse(text, &o) == 0) {
		(void)snprintf(owner, sizeof(owner), "%d %" PRIu64, (int)o.pid, o.start);
		FUZZ_ASSERT(cg_owner_parse(owner, &again) == 0);
		FUZZ_ASSERT(o.pid > 0 && again.pid == o.pid && again.start == o.start);
	}
	if (cg_rel("/sys/fs/cgroup", text, rel, sizeof(rel)) == 0) {
		FUZZ_ASSERT(rel[0] != '/' && !strstr(rel, "//") && strcmp(rel, "..") != 0);
		FUZZ_ASSERT(cg_rel("/sys/fs/cgroup", rel, twice, sizeof(twice)) == 0);
		FUZZ_ASSERT(strcmp(rel, twice) == 0);
	}
	return 0;
}
