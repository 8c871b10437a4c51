/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this machine offers. */
#include "machine.h"
#include "buf.h"
#include "cg.h"
#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>

#define SYSCTL "/proc/sys/kernel/"

static ssize_t read_small(const char *path, char *buf, size_t cap)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, cap - 1);

	buf[n > 0 ? n : 0] = '\0';
	return n;
}

/* 1, 0, or -1 when there is no such file. */
static int sysctl_on(const char *path)
{
	char text[16];

	if (read_small(path, text, sizeof(text)) <= 0)
		return -1;
	return text[0] != '0';
}

void machine_probe(struct machine *m)
{
	char text[CPUSET_TEXT];

	m->schedstats = sysctl_on(SYSCTL "sched_schedstats");
	m->delayacct = sysctl_on(SYSCTL "task_delayacct");
	if (read_small("/sys/devices/system/cpu/online", text, sizeof(text)) <= 0 ||
	    cpuset_parse(text, &m->online) < 0)
		memset(&m->online, 0xff, sizeof(m->online)); /* no sysfs: none is taken away */
}

/* 23 28 0:21 / /proc rw,nosuid - proc proc rw,hidepid=invisible */
char *machine_hidepid(const char *mountinfo)
{
	char *found = NULL;
	const char *line;

	for (line = mountinfo; *line; line += *line == '\n') {
		size_t n = strcspn(line, "\n");
		AUTO_FREE char *text = strndup(line, n);
		const char *type = text ? strstr(text, " - proc ") : NULL, *opt;

		line += n;
		if (!type || !strstr(text, " /proc "))
			continue;
		free(found); /* a later mount hides the one before */
		found = NULL;
		opt = strstr(type, "hidepid=");
		if (opt && (opt[-1] == ',' || opt[-1] == ' '))
			found = strndup(opt + 8, strcspn(opt + 8, ", "));
	}
	return found;
}

int machine_open(struct machine *ret)
{
	AUTO_BUF text = BUF_INIT;
	struct machine m = { .cgroup_fd = -1 };
	AUTO_FREE struct cg_mounts *mounts = calloc(1, sizeof(*mounts));
	long ticks = sysconf(_SC_CLK_TCK), page = sysconf(_SC_PAGESIZE);

	m.clk_tck = ticks > 0 ? (unsigned int)ticks : 100;
	m.page_kb = page > 1024 ? (unsigned int)page / 1024 : 4;
	if (!mounts)
		return -ENOMEM;
	if (buf_file(&text, "/proc/self/mountinfo", SIZE_MAX) == 0 && text.p) {
		cg_mounts_parse(text.p, mounts);
		m.hidepid = machine_hidepid(text.p);
	}
	if (mounts->v2[0] != '\0') {
		int fd = cg_root_open(mounts->v2);

		m.cgroup_fd = fd < 0 ? -1 : fd;
	}
	m.cgroup_root = strdup(mounts->v2[0] ? mounts->v2_root : "/");
	if (!m.cgroup_root) {
		machine_close(&m);
		return -ENOMEM;
	}
	machine_probe(&m);
	*ret = m;
	return 0;
}

void machine_close(struct machine *m)
{
	close_fdp(&m->cgroup_fd);
	free(m->cgroup_root);
	free(m->hidepid);
	*m = (struct machine){ .cgroup_fd = -1 };
}

int machine_cgroup(const struct machine *m, const char *path)
{
	size_t n = strcmp(m->cgroup_root, "/") == 0 ? 0 : strlen(m->cgroup_root);
	int fd;

	if (m->cgroup_fd < 0)
		return -ENODEV;
	if (strncmp(path, m->cgroup_root, n) != 0 || (path[n] != '/' && path[n] != '\0'))
		return -EXDEV;
	if (strncmp(path, "/..", 3) == 0)
		return -EXDEV;
	fd = cg_open(m->cgroup_fd, path[n] == '/' ? path + n + 1 : "");
	return fd;
}

void machine_lacks(const struct machine_cap *cap, unsigned int n, char *buf, size_t cap_bytes)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { 0 };
	size_t len = 0;
	unsigned int i;

	buf[0] = '\0';
	(void)syscall(SYS_capget, &h, d); /* cannot fail for this version; else none are held */
	for (i = 0; i < n; i++) {
		if (d[cap[i].number / 32].effective >> (cap[i].number % 32) & 1)
			continue;
		len += (size_t)snprintf(buf + len, cap_bytes - len, "%s%s", len ? "," : "",
					cap[i].name);
		if (len >= cap_bytes)
			break;
	}
}
