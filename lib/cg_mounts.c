/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where cgroup v2 is mounted, and what v1 has. */
#include "buf.h"
#include "cg.h"
#include "cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Blanks, newlines and backslashes are written as \ooo there. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

/* "rw,cpu,cpuacct" to "cpu,cpuacct"; "rw,xattr,name=systemd" to "name=systemd". */
static void v1_controllers(char *opts, char *buf, size_t cap)
{
	static const char *const other[] = { "rw", "ro", "xattr", "noprefix", "clone_children" };
	char *save = NULL, *o;
	size_t n = 0, i;

	buf[0] = '\0';
	for (o = strtok_r(opts, ",", &save); o; o = strtok_r(NULL, ",", &save)) {
		for (i = 0; i < KT_ARRAY_LEN(other) && strcmp(o, other[i]) != 0; i++)
			;
		if (i < KT_ARRAY_LEN(other) || strncmp(o, "release_agent=", 14) == 0)
			continue;
		if (n + strlen(o) + 2 > cap)
			return;
		n += (size_t)snprintf(buf + n, cap - n, "%s%s", n ? "," : "", o);
	}
}

/* 29 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate */
static void mount_line(char *line, struct cg_mounts *m)
{
	char *root = NULL, *where = NULL, *type = NULL, *opts = NULL, *save = NULL, *t, ctl[256];
	int i = 0, dash = 0; /* any number of optional fields, then "-" */
	size_t len;

	for (t = strtok_r(line, " ", &save); t; t = strtok_r(NULL, " ", &save), i++) {
		if (i == 3)
			root = t;
		else if (i == 4)
			where = t;
		else if (i >= 6 && dash == 0)
			dash = strcmp(t, "-") == 0 ? i : 0;
		else if (dash > 0 && i == dash + 1)
			type = t;
		else if (dash > 0 && i == dash + 3)
			opts = t;
	}
	if (!opts)
		return;
	unescape(root);
	unescape(where);
	if (strcmp(type, "cgroup2") == 0) {
		if ((m->v2[0] == '\0' || strcmp(where, "/sys/fs/cgroup") == 0) &&
		    strlen(where) < sizeof(m->v2) && strlen(root) < sizeof(m->v2_root)) {
			strcpy(m->v2, where);
			strcpy(m->v2_root, root);
		}
	} else if (strcmp(type, "cgroup") == 0) {
		v1_controllers(opts, ctl, sizeof(ctl));
		len = strlen(m->v1);
		if (len + strlen(ctl) + strlen(where) + 8 < sizeof(m->v1))
			(void)snprintf(m->v1 + len, sizeof(m->v1) - len, "%s%s on %s",
				       len ? ", " : "", ctl, where);
	}
}

void cg_mounts_parse(const char *mountinfo, struct cg_mounts *ret)
{
	*ret = (struct cg_mounts){ 0 };
	while (*mountinfo) {
		size_t n = strcspn(mountinfo, "\n");
		AUTO_FREE char *line = strndup(mountinfo, n);

		if (line)
			mount_line(line, ret);
		mountinfo += n + (mountinfo[n] == '\n');
	}
}

int cg_mounts_read(struct cg_mounts *ret)
{
	AUTO_BUF b = BUF_INIT;
	int rc = buf_file(&b, "/proc/self/mountinfo", SIZE_MAX);

	if (rc == 0)
		cg_mounts_parse(b.p ? b.p : "", ret);
	return rc;
}
