/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A running QEMU. */
#include "machine.h"
#include "child.h"
#include "cleanup.h"
#include "die.h"
#include "dur.h"
#include "procstat.h"
#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PUNCH (1 << 20)

void machine_init(struct machine *m, bool virt)
{
	*m = (struct machine){ 0 };
	m->serial = m->ctl = m->out = m->err = (struct source){ .fd = -1, .file = virt };
	m->in_fd = m->qmp_fd = m->says_fd = m->pid_fd = m->pin.slot_fd = -1;
}

void machine_free(struct machine *m)
{
	if (m->pid_fd >= 0 && !m->gone) {
		machine_kill(m);
		machine_reap(m);
	}
	drop_fd(&m->serial.fd);
	drop_fd(&m->ctl.fd);
	drop_fd(&m->out.fd);
	drop_fd(&m->err.fd);
	drop_fd(&m->in_fd);
	drop_fd(&m->qmp_fd);
	drop_fd(&m->says_fd);
	drop_fd(&m->pid_fd);
	drop_fd(&m->pin.slot_fd);
	buf_free(&m->says);
}

/* A memory file or a socket pair: our end in *ours, QEMU's in the result. */
static int channel(bool file, int *ours)
{
	int p[2];

	if (file) {
		*ours = memfd_create("ktstr-out", MFD_CLOEXEC);
		return *ours < 0 ? -errno : fcntl(*ours, F_DUPFD, 3);
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p) < 0)
		return -errno;
	*ours = p[0];
	if (fcntl(p[0], F_SETFL, O_NONBLOCK) < 0 || fcntl(p[1], F_SETFD, 0) < 0)
		return -errno;
	return p[1];
}

/* A copy that QEMU inherits. 0 or -errno. */
static int lend(int fd, int *ret)
{
	*ret = fd < 0 ? -1 : fcntl(fd, F_DUPFD, 3);
	return fd >= 0 && *ret < 0 ? -errno : 0;
}

int machine_start(struct machine *m, struct vm_spec *spec)
{
	struct vm_spec s = *spec;
	/* A good part of QEMU's start is the first touch of its heap, page by page: glibc takes it
	 * in huge pages then (since 2.35), and a heap that all threads share wastes none. */
	static const char *const env[] = { "GLIBC_TUNABLES", "glibc.malloc.hugetlb=1",
					   "MALLOC_ARENA_MAX", "1", NULL };
	struct child_spec c = { .death_sig = SIGKILL, .own_group = 1, .env = env };
	int *const theirs[] = { &s.serial_fd, &s.ctl_fd,  &s.out_fd, &s.err_fd,	   &s.in_fd,
				&s.qmp_fd,    &s.page_fd, &s.ram_fd, &s.initrd_fd, &s.head_fd };
	int *const ours[] = { &m->serial.fd, &m->ctl.fd, &m->out.fd,
			      &m->err.fd,    &m->in_fd,	 &m->qmp_fd };
	const int lent[] = { spec->page_fd, spec->ram_fd, spec->initrd_fd, spec->head_fd };
	struct args args = { 0 };
	AUTO_FD null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int p[2], rc = 0;
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(theirs); i++)
		*theirs[i] = -1;
	if (null < 0 || pipe2(p, O_CLOEXEC) < 0)
		return warn_rc(-errno, "set up QEMU");
	m->says_fd = p[0];
	for (i = 0; i < KT_ARRAY_LEN(ours) && rc >= 0; i++)
		rc = *theirs[i] = channel(s.virt && i < 4, ours[i]);
	for (i = 0; i < KT_ARRAY_LEN(lent) && rc >= 0; i++)
		rc = lend(lent[i], theirs[KT_ARRAY_LEN(ours) + i]);
	if (rc >= 0)
		rc = qemu_args(&s, &args);
	if (rc < 0) {
		warn_rc(rc, "set up QEMU");
	} else {
		c.argv = args.v;
		c.stdio[0] = null;
		c.stdio[1] = c.stdio[2] = p[1];
		pin_begin(&m->pin, s.virt);
		rc = m->pid_fd = child_spawn(&c, &m->pid);
		pin_end(&m->pin);
		if (rc < 0)
			warn_rc(rc, "start '%s'", s.qemu);
		else if (s.virt)
			pin_main(m->pid);
	}
	args_free(&args);
	close(p[1]);
	for (i = 0; i < KT_ARRAY_LEN(theirs); i++)
		drop_fd(theirs[i]);
	return rc < 0 ? rc : 0;
}

ssize_t source_read(const struct machine *m, struct source *s, char *buf, size_t cap)
{
	ssize_t n;

	if (s->ended)
		return 0;
	n = s->file ? pread(s->fd, buf, cap, (off_t)s->got) : read(s->fd, buf, cap);
	if (n < 0) {
		n = errno == EAGAIN || errno == EINTR ? 0 : -errno;
		s->ended = n < 0;
		return n == -ECONNRESET ? 0 : n; /* QEMU died with something unread */
	}
	if (n == 0 && (!s->file || m->gone))
		s->ended = true;
	s->got += (uint64_t)n;
	if (s->file && s->got - s->punched >= PUNCH) {
		/* What fails here costs memory, nothing else. */
		(void)fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				(off_t)s->punched, (off_t)(s->got - s->punched));
		s->punched = s->got;
	}
	return n;
}

void machine_hear(struct machine *m)
{
	ssize_t n = buf_fill(&m->says, m->says_fd, 4096);

	if (n == 0 || (n < 0 && n != -EAGAIN && n != -EINTR))
		drop_fd(&m->says_fd);
	if (m->says.len > (16 << 10))
		buf_drop(&m->says, m->says.len - (8 << 10));
}

void machine_reap(struct machine *m)
{
	if (waitid(P_PIDFD, (id_t)m->pid_fd, &m->how, WEXITED) < 0)
		warn_rc(-errno, "wait for QEMU");
	m->gone = true;
	if (m->says_fd >= 0)
		machine_hear(m);
}

void machine_kill(struct machine *m)
{
	if (!m->gone)
		(void)pidfd_send_signal(m->pid_fd, SIGKILL, NULL, 0); /* it may just have ended */
}

uint64_t machine_cpu_ns(const struct machine *m)
{
	struct timespec ts;
	clockid_t id;

	if (clock_getcpuclockid(m->pid, &id) != 0 || clock_gettime(id, &ts) < 0)
		return 0;
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* The next of QEMU's threads in its directory "task". False after the last. */
static bool thread_next(DIR *dir, struct procstat *ret)
{
	const struct dirent *de;
	char stat[2048];

	while (dir && (de = readdir(dir)) != NULL)
		if (de->d_name[0] != '.' &&
		    root_readf(dirfd(dir), stat, sizeof(stat), "%.20s/stat", de->d_name) > 0 &&
		    procstat_parse(stat, ret) == 0)
			return true;
	return false;
}

static DIR *threads_open(const struct machine *m)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)m->pid);
	return opendir(path);
}

bool machine_waits(const struct machine *m)
{
	AUTO_DIR *dir = threads_open(m);
	struct procstat t;

	while (thread_next(dir, &t))
		if (t.state == 'R' || t.state == 'D')
			return true;
	return false;
}

char *machine_threads(const struct machine *m, char *buf, size_t cap)
{
	AUTO_DIR *dir = threads_open(m);
	struct procstat t;
	size_t n = 0;

	buf[0] = '\0';
	while (n < cap && thread_next(dir, &t))
		n += (size_t)snprintf(buf + n, cap - n, "%s%s %c %lu s", n ? ", " : "", t.comm,
				      t.state,
				      (t.utime + t.stime) / (unsigned long)sysconf(_SC_CLK_TCK));
	return buf;
}

const char *machine_last_words(struct machine *m)
{
	char *p = m->says.len ? m->says.p : NULL, *nl;

	while (p && m->says.len && m->says.p[m->says.len - 1] == '\n')
		m->says.p[--m->says.len] = '\0';
	nl = p ? strrchr(p, '\n') : NULL;
	if (nl)
		p = nl + 1;
	nl = p ? strstr(p, ": ") : NULL;
	return nl ? nl + 2 : p ? p : "";
}
