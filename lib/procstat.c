/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/PID/stat. */
#include "procstat.h"
#include "cleanup.h"
#include "root.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* 1234 (a) b) S 1 …: the name may hold blanks and parentheses, so it ends at the last ')'. */
int procstat_parse(const char *text, struct procstat *ret)
{
	enum {
		PPID = 4,
		UTIME = 14,
		STIME = 15,
		START = 22 /* as proc_pid_stat(5) counts */
	};
	const char *name = strchr(text, '('), *p = strrchr(text, ')');
	uint64_t v[START + 1];
	struct procstat s = { 0 };
	char *end;
	size_t n;
	int i;

	if (!name || !p || p < name || p[1] != ' ' || p[2] == '\0' || p[3] != ' ')
		return -EINVAL;
	n = (size_t)(p - name) - 1;
	memcpy(s.comm, name + 1, n < sizeof(s.comm) ? n : sizeof(s.comm) - 1);
	s.state = p[2];
	for (i = PPID, p += 4; i <= START; i++, p = end + 1) {
		if (!isdigit((unsigned char)p[*p == '-']))
			return -EINVAL;
		errno = 0;
		v[i] = strtoull(p, &end, 10);
		if (errno || (*end != ' ' && (i < START || (*end != '\0' && *end != '\n'))))
			return -EINVAL;
	}
	if (v[PPID] > INT_MAX)
		return -EINVAL;
	s.ppid = (pid_t)v[PPID];
	s.utime = v[UTIME];
	s.stime = v[STIME];
	s.start = v[START];
	*ret = s;
	return 0;
}

int procstat_of(pid_t pid, struct procstat *ret)
{
	AUTO_FD root = root_open(NULL);
	char text[2048];
	ssize_t n =
		root < 0 ? root : root_readf(root, text, sizeof(text), "/proc/%d/stat", (int)pid);

	if (n < 0)
		return n == -ENOENT ? -ESRCH : (int)n;
	return procstat_parse(text, ret);
}
