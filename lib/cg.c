/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cgroup v2: mounts, directories, knobs, events, owners and removal. */
#include "cg.h"
#include "buf.h"
#include "cleanup.h"
#include "mono.h"
#include "num.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <time.h>

#define KILL_AGAIN_NS UINT64_C(200000000)

#define OWNER_XATTR "user.ktstr.owner"

/* ---- mounts ---- */

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

static int read_all(int fd, struct buf *b)
{
	ssize_t n;

	while ((n = buf_fill(b, fd, 16 << 10)) > 0)
		;
	return (int)n;
}

int cg_mounts_read(struct cg_mounts *ret)
{
	AUTO_FD fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	AUTO_BUF b = BUF_INIT;
	int rc;

	if (fd < 0)
		return -errno;
	rc = read_all(fd, &b);
	if (rc == 0)
		cg_mounts_parse(b.p ? b.p : "", ret);
	return rc;
}

/* ---- directories ---- */

int cg_root_open(const char *path)
{
	AUTO_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs st;

	if (fd < 0 || fstatfs(fd, &st) < 0)
		return -errno;
	if (st.f_type != CGROUP2_SUPER_MAGIC)
		return -EMEDIUMTYPE;
	return take_fd(&fd);
}

int cg_rel(const char *mount, const char *path, char *buf, size_t cap)
{
	size_t m = strlen(mount), len = 0;

	if (path[0] == '/') {
		while (m > 0 && mount[m - 1] == '/')
			m--;
		if (strncmp(path, mount, m) != 0 || (path[m] != '/' && path[m] != '\0'))
			return -EXDEV;
		path += m;
	}
	buf[0] = '\0';
	while (*path) {
		size_t n = strcspn(path, "/"), i;

		if (n > NAME_MAX || len + n + 2 > cap)
			return -ENAMETOOLONG;
		if (n == 2 && memcmp(path, "..", 2) == 0)
			return -EINVAL;
		for (i = 0; i < n; i++)
			if ((unsigned char)path[i] < 0x20)
				return -EINVAL;
		if (n > 0 && !(n == 1 && path[0] == '.')) {
			if (len > 0)
				buf[len++] = '/';
			memcpy(buf + len, path, n);
			len += n;
			buf[len] = '\0';
		}
		path += n + (path[n] == '/');
	}
	return 0;
}

int cg_open(int dir_fd, const char *rel)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	long fd = syscall(SYS_openat2, dir_fd, *rel ? rel : ".", &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

int cg_each_child(int cg_fd, int (*fn)(int cg_fd, const char *name, void *arg), void *arg)
{
	AUTO_FD fd = openat(cg_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int n = 0;

	if (!dir)
		return -errno;
	take_fd(&fd);
	for (;;) {
		const struct dirent *de;
		int rc;

		errno = 0;
		de = readdir(dir);
		if (!de)
			return errno ? -errno : n;
		if (de->d_type != DT_DIR || strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		rc = fn(cg_fd, de->d_name, arg);
		if (rc < 0)
			return rc;
		n++;
	}
}

/* ---- knobs ---- */

ssize_t cg_read(int cg_fd, const char *knob, char *buf, size_t cap)
{
	AUTO_FD fd = openat(cg_fd, knob, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	buf[0] = '\0';
	if (fd < 0)
		return -errno;
	while ((n = read(fd, buf + len, cap - len)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		len += (size_t)n;
		if (len == cap)
			return -E2BIG;
	}
	if (len > 0 && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	return (ssize_t)len;
}

int cg_write(int cg_fd, const char *knob, const char *text)
{
	AUTO_FD fd = -1;
	size_t len = strlen(text);
	ssize_t n;

	if (len == 0)
		return -EINVAL;
	fd = openat(cg_fd, knob, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while ((n = write(fd, text, len)) < 0 && errno == EINTR)
		;
	return n < 0 ? -errno : (size_t)n < len ? -EIO : 0;
}

int cg_flat(const char *text, const char *key, uint64_t *ret)
{
	size_t k = strlen(key);

	while (*text) {
		size_t n = strcspn(text, "\n");

		if (n > k && memcmp(text, key, k) == 0 && text[k] == ' ') {
			char num[24];

			if (n - k - 1 >= sizeof(num))
				return -EINVAL;
			memcpy(num, text + k + 1, n - k - 1);
			num[n - k - 1] = '\0';
			return num_u64(num, 0, UINT64_MAX, ret) < 0 ? -EINVAL : 0;
		}
		text += n + (text[n] == '\n');
	}
	return -ENOENT;
}

int cg_event(int cg_fd, const char *key, uint64_t *ret)
{
	char text[CG_KNOB];
	ssize_t n = cg_read(cg_fd, "cgroup.events", text, sizeof(text));

	return n < 0 ? (int)n : cg_flat(text, key, ret);
}

int cg_wait(int cg_fd, const char *key, uint64_t want, int sig_fd, uint64_t deadline_ns)
{
	AUTO_FD fd = openat(cg_fd, "cgroup.events", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct pollfd p[] = { { fd, POLLPRI, 0 }, { sig_fd, POLLIN, 0 } };
	char text[CG_KNOB];

	if (fd < 0)
		return errno == ENODEV && want == 0 ? 0 : -errno;
	for (;;) {
		/* Reading arms the notification, so a change after it is not lost. */
		ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
		uint64_t v, now;
		struct timespec ts;
		int rc;

		if (n < 0)
			return errno == ENODEV && want == 0 ? 0 : -errno;
		text[n] = '\0';
		rc = cg_flat(text, key, &v);
		if (rc < 0 || v == want)
			return rc;
		now = mono_ns();
		if (now >= deadline_ns)
			return -ETIMEDOUT;
		ts.tv_sec = (time_t)((deadline_ns - now) / 1000000000);
		ts.tv_nsec = (long)((deadline_ns - now) % 1000000000);
		if (ppoll(p, 2, &ts, NULL) < 0 && errno != EINTR)
			return -errno;
		if (p[1].revents)
			return -EINTR;
	}
}

bool cg_has_word(const char *list, const char *word)
{
	size_t w = strlen(word);

	while (*list) {
		size_t n = strcspn(list, " \n");

		if (n == w && memcmp(list, word, w) == 0)
			return true;
		list += n + (list[n] != '\0');
	}
	return false;
}

int cg_controller(int cg_fd, const char *name, bool on)
{
	char text[CG_KNOB];
	ssize_t n = cg_read(cg_fd, "cgroup.subtree_control", text, sizeof(text));

	if (n < 0)
		return (int)n;
	if (cg_has_word(text, name) == on)
		return 0;
	(void)snprintf(text, sizeof(text), "%c%s", on ? '+' : '-', name);
	/* The kernel says EINVAL for a name it does not know, ENOENT for one not given to us. */
	n = cg_write(cg_fd, "cgroup.subtree_control", text);
	return n == -EINVAL ? -ENOENT : (int)n;
}

static int stop_here(pid_t pid, void *arg)
{
	(void)pid;
	(void)arg;
	return -ECANCELED;
}

int cg_populated_here(int cg_fd)
{
	int rc = cg_each_pid(cg_fd, stop_here, NULL);

	return rc == -ECANCELED ? 1 : rc;
}

int cg_each_pid(int cg_fd, int (*fn)(pid_t pid, void *arg), void *arg)
{
	AUTO_FD fd = openat(cg_fd, "cgroup.procs", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_BUF b = BUF_INIT;
	char *line, *save = NULL;
	int rc, count = 0;

	if (fd < 0)
		return -errno;
	rc = read_all(fd, &b);
	if (rc < 0 || !b.p)
		return rc;
	for (line = strtok_r(b.p, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		int pid;

		if (num_int(line, 0, INT_MAX, &pid) < 0)
			return -EINVAL;
		rc = fn((pid_t)pid, arg);
		if (rc < 0)
			return rc;
		count++;
	}
	return count;
}

/* ---- killing and removing ---- */

static int find_dir(int fd, const struct stat *want)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == want->st_dev && st.st_ino == want->st_ino;
}

/* Whether this process is in the cgroup or below it: by device and inode, from our own cgroup
 * upwards. Needs the mount that shows our own cgroup; when there is none, we are not inside. */
static bool inside(int cg_fd)
{
	char text[CG_KNOB + PATH_MAX], *path = NULL, *line, *save = NULL;
	AUTO_FD proc = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	struct cg_mounts m = { 0 };
	AUTO_FD root = -1;
	struct stat want;
	ssize_t n = proc < 0 ? -1 : read(proc, text, sizeof(text) - 1);

	if (n < 0 || fstat(cg_fd, &want) < 0 || cg_mounts_read(&m) < 0 || m.v2[0] == '\0')
		return false;
	text[n] = '\0';
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (strncmp(line, "0::/", 4) == 0)
			path = line + 4;
	root = cg_root_open(m.v2);
	if (!path || root < 0)
		return false;
	for (;;) {
		AUTO_FD fd = cg_open(root, path);
		char *slash;

		if (fd >= 0 && find_dir(fd, &want))
			return true;
		if (*path == '\0')
			return false;
		slash = strrchr(path, '/');
		*(slash ? slash : path) = '\0';
	}
}

int cg_kill(int cg_fd, int sig_fd, uint64_t deadline_ns)
{
	int rc;

	if (inside(cg_fd))
		return -EDEADLK;
	/* Since Linux 5.14. It is to catch forks in flight, but loads that fork without end have
	 * been seen to outlive it (7.3), and somebody may join after it: what is still there is
	 * killed again. */
	do {
		uint64_t again_ns = mono_ns() + KILL_AGAIN_NS;

		rc = cg_write(cg_fd, "cgroup.kill", "1");
		if (rc == -ENODEV)
			return 0;
		if (rc == 0)
			rc = cg_wait(cg_fd, "populated", 0, sig_fd,
				     again_ns < deadline_ns ? again_ns : deadline_ns);
	} while (rc == -ETIMEDOUT && mono_ns() < deadline_ns);
	return rc;
}

struct removal {
	unsigned int removed;
};

static int remove_child(int cg_fd, const char *name, void *arg)
{
	struct removal *r = arg;
	AUTO_FD fd = cg_open(cg_fd, name);
	int rc;

	if (fd < 0)
		return fd == -ENOENT || fd == -ENODEV ? 0 : fd;
	rc = cg_each_child(fd, remove_child, r);
	if (rc < 0 && rc != -ENOENT && rc != -ENODEV)
		return rc;
	if (unlinkat(cg_fd, name, AT_REMOVEDIR) == 0)
		r->removed++;
	else if (errno != ENOENT && errno != ENODEV)
		return -errno;
	return 0;
}

int cg_rmtree(int dir_fd, const char *rel, int sig_fd, uint64_t deadline_ns,
	      unsigned int *ret_removed)
{
	struct pollfd p = { sig_fd, POLLIN, 0 };

	for (;;) {
		struct removal r = { 0 };
		AUTO_FD fd = cg_open(dir_fd, rel);
		int rc;

		if (fd < 0)
			return fd == -ENOENT || fd == -ENODEV ? 0 : fd;
		rc = cg_kill(fd, sig_fd, deadline_ns);
		if (rc < 0)
			return rc;
		rc = cg_each_child(fd, remove_child, &r);
		if (rc >= 0 || rc == -ENOENT || rc == -ENODEV) {
			rc = unlinkat(dir_fd, rel, AT_REMOVEDIR) < 0 ? -errno : 0;
			r.removed += rc == 0;
		}
		if (ret_removed)
			*ret_removed += r.removed;
		if (rc == 0 || rc == -ENOENT || rc == -ENODEV)
			return 0;
		/* Somebody put a task or a cgroup there after the kill: once more. Of that there is
		 * no event to wait for, hence the millisecond. */
		if (rc != -EBUSY && rc != -ENOTEMPTY)
			return rc;
		if (mono_ns() >= deadline_ns)
			return -EBUSY;
		if (poll(&p, 1, 1) > 0)
			return -EINTR;
	}
}

/* ---- owners ---- */

/* 1234 (a) b) S 1 …: comm may hold blanks and parentheses, so it ends at the last ')'. */
int cg_stat_parse(const char *proc_stat, char *ret_state, uint64_t *ret_start)
{
	const char *p = strrchr(proc_stat, ')');
	char num[24];
	size_t n;
	int i;

	if (!p || p[1] != ' ' || p[2] == '\0' || p[3] != ' ')
		return -EINVAL;
	*ret_state = p[2];
	for (i = 3, p += 2; i < 22; i++) { /* the state is field 3, the start time field 22 */
		p = strchr(p, ' ');
		if (!p)
			return -EINVAL;
		p++;
	}
	n = strcspn(p, " \n");
	if (n >= sizeof(num))
		return -EINVAL;
	memcpy(num, p, n);
	num[n] = '\0';
	return num_u64(num, 0, UINT64_MAX, ret_start) < 0 ? -EINVAL : 0;
}

int cg_owner_of(pid_t pid, struct cg_owner *ret)
{
	char path[64], text[2048], state;
	AUTO_FD fd = -1;
	uint64_t start;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	text[n] = '\0';
	if (cg_stat_parse(text, &state, &start) < 0)
		return -EINVAL;
	if (state == 'Z' || state == 'X')
		return -ESRCH;
	*ret = (struct cg_owner){ .pid = pid, .start = start };
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
