/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every command finds in a guest. */
#include "furnish.h"
#include "child.h"
#include "cleanup.h"
#include "die.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

static int mount_all(void)
{
	static const struct {
		const char *type, *dir, *data;
		bool required;
	} m[] = {
		{ "proc", "/proc", NULL, true },
		{ "sysfs", "/sys", NULL, true },
		{ "devtmpfs", "/dev", NULL, true },
		{ "devpts", "/dev/pts", "mode=620,ptmxmode=666", false },
		{ "tmpfs", "/dev/shm", "mode=1777", false },
		{ "tmpfs", "/tmp", "mode=1777", true },
		{ "tmpfs", "/run", "mode=755", true },
		{ "cgroup2", "/sys/fs/cgroup", NULL, false },
		{ "debugfs", "/sys/kernel/debug", NULL, false },
		{ "tracefs", "/sys/kernel/tracing", NULL, false },
		{ "bpf", "/sys/fs/bpf", "mode=700", false },
	};
	size_t i;
	int rc;

	for (i = 0; i < KT_ARRAY_LEN(m); i++) {
		(void)mkdir(m[i].dir, 0755); /* mount says what is wrong */
		if (mount(m[i].type, m[i].dir, m[i].type, MS_NOSUID, m[i].data) == 0 ||
		    errno == EBUSY) /* the kernel has mounted devtmpfs itself */
			continue;
		rc = warn_rc(-errno, "mount %s on %s", m[i].type, m[i].dir);
		if (m[i].required)
			return rc;
	}
	return 0;
}

/* The kernel patches its code when the first cpuset beside the root comes and when the last one
 * goes, and QEMU before 8.1 may go wrong when it runs what is just being patched. So one is always
 * there. */
static void keep_cpuset(void)
{
	AUTO_FD fd = open("/sys/fs/cgroup/cgroup.subtree_control", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "+cpuset", 7) != 7)
		return; /* no cgroup2, or a kernel without cpusets: then there is nothing to keep */
	if (mkdir("/sys/fs/cgroup/kt-init", 0755) < 0 && errno != EEXIST)
		warn_rc(-errno, "make the cgroup 'kt-init'");
}

/* The kernel opens /dev/console for us when the archive has it; else it is there only now. */
static void console_stdio(void)
{
	int fd, i;

	for (i = 0; i < 3; i++) {
		if (fcntl(i, F_GETFD) >= 0)
			continue;
		fd = open("/dev/console", O_RDWR);
		if (fd >= 0 && fd != i) {
			(void)dup2(fd, i); /* without a console there is nobody to tell */
			close(fd);
		}
	}
}

static void link_dev(const char *target, const char *name)
{
	if (symlink(target, name) < 0 && errno != EEXIST)
		warn_rc(-errno, "link '%s'", name);
}

static void net_up(void)
{
	AUTO_FD fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		warn_rc(-errno, "bring up interface lo");
}

static void limits(void)
{
	/* What a system manager gives to services; the kernel's own is 1024 and 4096. */
	struct rlimit files = { 1024, 524288 };

	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		warn_rc(-errno, "set the limit of open files");
}

int furnish_mounts(void)
{
	int rc = mount_all();

	if (rc < 0)
		return rc;
	keep_cpuset();
	console_stdio();
	return 0;
}

/* The shell and its friends, when the archive has them; what is there already stays. Takes as long
 * as all that is done meanwhile. Returns a pidfd, or a negative number when there is nothing to
 * wait for. */
static int install_busybox(void)
{
	char *argv[] = { (char[]){ "/bin/busybox" }, (char[]){ "--install" }, (char[]){ "-s" },
			 (char[]){ "/bin" }, NULL };
	struct child_spec spec = { .argv = argv, .stdio = { -1, -1, -1 } };
	int fd;

	if (access(argv[0], X_OK) < 0)
		return -ENOENT;
	fd = child_spawn(&spec, NULL);
	if (fd < 0)
		warn_rc(fd, "run '%s'", argv[0]);
	return fd;
}

int furnish_rest(void)
{
	int busybox = install_busybox();

	link_dev("/proc/self/fd", "/dev/fd");
	link_dev("/proc/self/fd/0", "/dev/stdin");
	link_dev("/proc/self/fd/1", "/dev/stdout");
	link_dev("/proc/self/fd/2", "/dev/stderr");
	net_up();
	if (sethostname("ktstr", 5) < 0)
		warn_rc(-errno, "set the host name");
	limits();
	return busybox;
}

void furnish_done(int busybox)
{
	siginfo_t info;
	AUTO_FD fd = busybox;

	if (fd >= 0 && (child_wait(fd, -1, -1, &info) < 0 || child_status(&info) != 0))
		warn_msg("'/bin/busybox --install' failed");
}
