/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cgroup v2: directories, knobs, events and removal. */
#include "cg.h"
#include "buf.h"
#include "cleanup.h"
#include "mono.h"
#include "num.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>

#define KILL_AGAIN_NS UINT64_C(200000000)

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
	rc = buf_rest(&b, fd, SIZE_MAX);
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
