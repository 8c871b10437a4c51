/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Boots a machine and saves it. The guest says that it is about to stop itself, QEMU that it has
 * stopped, and then everything but its memory, which is in files already, is written to another
 * one. In virtual time nothing is asked of QEMU before that: each question would take its place in
 * what the guest sees. */
#include "save.h"
#include "cleanup.h"
#include "console.h"
#include "die.h"
#include "dur.h"
#include "frames.h"
#include "machine.h"
#include "mono.h"
#include "page.h"
#include "payload.h"
#include "qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_MS 10
#define SAVE_NS (60 * NSEC_PER_SEC) /* to write less than a megabyte */

enum step {
	BOOTS,
	STOPS, /* the guest has said that it is about to */
	SAVES,
	DONE
};

struct save {
	const struct vm_spec *spec;
	struct save_end *end;
	struct machine m;
	struct qmp qmp;
	struct console console;
	struct buf frames; /* part of a frame */
	enum step step;
	int state_fd;
	uint64_t t_start, t_step, boot_ns;
};

__attribute__((format(printf, 3, 4))) static int fail(struct save *s, int rc, const char *fmt, ...)
{
	va_list ap;

	if (s->end->reason[0])
		return rc;
	va_start(ap, fmt);
	(void)vsnprintf(s->end->reason, sizeof(s->end->reason), fmt,
			ap); /* cut off it still helps */
	va_end(ap);
	return rc;
}

static int read_console(struct save *s)
{
	char buf[16 << 10];
	ssize_t n;

	while ((n = source_read(&s->m, &s->m.serial, buf, sizeof(buf))) > 0) {
		console_feed(&s->console, buf, (size_t)n);
		if (buf_add(&s->end->console, buf, (size_t)n) < 0)
			return -ENOMEM;
	}
	return (int)n;
}

static int read_frames(struct save *s)
{
	char buf[4096];
	struct frame f;
	ssize_t n;
	int rc;

	while ((n = source_read(&s->m, &s->m.ctl, buf, sizeof(buf))) > 0)
		if (buf_add(&s->frames, buf, (size_t)n) < 0)
			return -ENOMEM;
	while (n == 0 && (rc = frame_take(&s->frames, &f)) != 0) {
		if (rc < 0 || f.type != FRAME_PARK)
			return -EPROTO;
		s->step = STOPS;
		s->t_step = mono_ns();
	}
	return (int)n;
}

/* What the answers so far allow. */
static int advance(struct save *s, bool look)
{
	int rc = 0;

	if (s->m.qmp_fd < 0)
		return 0;
	if (s->step == STOPS && s->qmp.machine == QMP_STANDS) {
		s->step = SAVES;
		rc = qmp_save(&s->qmp, s->state_fd);
	} else if (s->step == STOPS && look) {
		rc = qmp_ask_status(&s->qmp);
	} else if (s->step == SAVES && s->qmp.moving == QMP_MOVED) {
		s->step = DONE;
	} else if (s->step == SAVES && s->qmp.moving == QMP_NOT_MOVED) {
		return fail(s, -EIO, "QEMU could not save the machine");
	}
	return rc < 0 ? fail(s, rc, "QEMU takes no questions: %s", strerror(-rc)) : 0;
}

static int why_gone(struct save *s)
{
	if (s->console.panic[0])
		return fail(s, -EIO, "kernel panic: %s", s->console.panic);
	if (s->console.init[0])
		return fail(s, -EIO, "kt-init: %s", s->console.init);
	if (s->m.how.si_code == CLD_EXITED && s->m.how.si_status == 0)
		return fail(s, -EIO, "the guest was reset before it could be saved");
	return fail(s, -EIO, "QEMU: %s", machine_last_words(&s->m));
}

static int check_time(struct save *s)
{
	uint64_t now = mono_ns();

	if (s->step != BOOTS)
		return now - s->t_step < SAVE_NS
			       ? 0
			       : fail(s, -ETIMEDOUT, "the machine was not saved in time");
	if ((s->spec->virt ? machine_cpu_ns(&s->m) : now - s->t_start) < s->boot_ns)
		return 0;
	return fail(s, -ETIMEDOUT, "the guest was not ready after %llu s",
		    (unsigned long long)((now - s->t_start) / NSEC_PER_SEC));
}

static int turn(struct save *s, int sig_fd)
{
	struct pollfd p[] = { { sig_fd, POLLIN, 0 },
			      { s->m.pid_fd, POLLIN, 0 },
			      { s->m.qmp_fd, POLLIN, 0 },
			      { s->m.says_fd, POLLIN, 0 } };
	int n = poll(p, KT_ARRAY_LEN(p), LOOK_MS), rc;

	if (n < 0 && errno != EINTR)
		return fail(s, -errno, "poll: %s", strerror(errno));
	if (n > 0 && p[0].revents)
		return fail(s, -EINTR, "interrupted");
	if (n > 0 && p[3].revents)
		machine_hear(&s->m);
	if (n > 0 && p[2].revents) {
		rc = qmp_read(&s->qmp);
		if (rc == -EPROTO)
			return fail(s, rc, "QEMU: %s",
				    s->qmp.error[0] ? s->qmp.error : strerror(-rc));
		if (rc <= 0 && rc != -EAGAIN)
			drop_fd(&s->m.qmp_fd); /* it ends, which says more */
	}
	if (n > 0 && p[1].revents)
		machine_reap(&s->m);
	rc = read_console(s);
	if (rc == 0)
		rc = read_frames(s);
	if (rc < 0)
		return fail(s, rc, "read from QEMU: %s", strerror(-rc));
	if (s->m.gone ||
	    s->console.panic[0]) /* a kernel that can tells QEMU, which stops it then */
		return why_gone(s);
	rc = advance(s, n == 0);
	return rc < 0 ? rc : check_time(s);
}

static int write_console(const struct save *s)
{
	AUTO_FD fd =
		openat(s->spec->ram_fd, "console", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t n = s->end->console.len;

	if (fd < 0 || write(fd, n ? s->end->console.p : "", n) != (ssize_t)n)
		return -errno;
	return 0;
}

static uint32_t flags(const struct vm_spec *spec)
{
	bool rehearse = !spec->kvm && !spec->virt && topospec_cpus(&spec->topo) > 1;

	return PAGE_SETTLE | PAGE_PARK | (rehearse ? PAGE_REHEARSE : 0);
}

int vm_save(const struct vm_spec *spec, uint64_t boot_ns, int sig_fd, struct save_end *ret)
{
	struct save *s = calloc(1, sizeof(*s));
	struct vm_spec mine = *spec;
	struct payload page = { .fd = -1 };
	int rc;

	*ret = (struct save_end){ 0 };
	if (!s)
		return -ENOMEM;
	*s = (struct save){ .spec = spec, .end = ret, .boot_ns = boot_ns, .t_start = mono_ns() };
	machine_init(&s->m, spec->virt);
	s->state_fd = openat(spec->ram_fd, "state", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	rc = s->state_fd < 0 ? -errno : payload_open(&page, flags(spec));
	if (rc < 0) {
		fail(s, rc, "%s", strerror(-rc));
	} else {
		mine.role = VM_SAVE;
		mine.page_fd = page.fd;
		rc = machine_start(&s->m, &mine);
		payload_close(&page);
	}
	if (rc == 0)
		qmp_init(&s->qmp, s->m.qmp_fd);
	while (rc == 0 && s->step != DONE)
		rc = turn(s, sig_fd);
	ret->booted = s->step != BOOTS;
	ret->again = rc < 0 && s->console.int3 && !ret->booted;
	machine_free(&s->m);
	if (rc == 0) {
		rc = write_console(s);
		if (rc < 0)
			fail(s, rc, "write the console: %s", strerror(-rc));
	}
	drop_fd(&s->state_fd);
	qmp_free(&s->qmp);
	buf_free(&s->frames);
	free(s);
	return rc;
}
