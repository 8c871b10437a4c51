/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose cgroup it is. */
#include "cg.h"
#include "num.h"
#include "procstat.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define OWNER_XATTR "user.ktstr.owner"

int cg_owner_of(pid_t pid, struct cg_owner *ret)
{
	struct procstat s;
	int rc = procstat_of(pid, &s);

	if (rc < 0)
		return rc;
	if (s.state == 'Z' || s.state == 'X')
		return -ESRCH;
	*ret = (struct cg_owner){ .pid = pid, .start = s.start };
	return 0;
}

int cg_owner_set(int cg_fd, const struct cg_owner *o)
{
	char text[48];
	int n = snprintf(text, sizeof(text), "%d %" PRIu64, (int)o->pid, o->start);

	return fsetxattr(cg_fd, OWNER_XATTR, text, (size_t)n, 0) < 0 ? -errno : 0;
}

int cg_owner_parse(const char *text, struct cg_owner *ret)
{
	const char *blank = strchr(text, ' ');
	struct cg_owner o;
	char pid[16];
	int v;

	if (!blank || (size_t)(blank - text) >= sizeof(pid))
		return -EINVAL;
	memcpy(pid, text, (size_t)(blank - text));
	pid[blank - text] = '\0';
	if (num_int(pid, 1, INT_MAX, &v) < 0 || num_u64(blank + 1, 0, UINT64_MAX, &o.start) < 0)
		return -EINVAL;
	o.pid = (pid_t)v;
	*ret = o;
	return 0;
}

int cg_owner_get(int cg_fd, struct cg_owner *ret)
{
	char text[64];
	ssize_t n = fgetxattr(cg_fd, OWNER_XATTR, text, sizeof(text) - 1);

	if (n < 0)
		return errno == EOPNOTSUPP ? -ENODATA : errno == ERANGE ? -EINVAL : -errno;
	text[n] = '\0';
	return cg_owner_parse(text, ret);
}

int cg_owner_live(const struct cg_owner *o)
{
	struct cg_owner now = { 0 };
	int rc = cg_owner_of(o->pid, &now);

	return rc == -ESRCH ? 0 : rc < 0 ? rc : now.start == o->start;
}
