/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's side of the page. */
#include "handover.h"
#include "cleanup.h"
#include "die.h"
#include "dur.h"
#include "frames.h"
#include "page.h"
#include "pci.h"
#include "rehearse.h"
#include "root.h"
#include "uncpio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

/* Quiet: in two windows after each other the CPUs were idle for all but a twentieth of the time. A
 * guest that never is goes on after the last one. */
#define WINDOW_NS (100 * NSEC_PER_MSEC)
#define WINDOWS 50
#define BUSY_PART 20

/* "cpu  207 0 610 724 0 0 49 0 0 0": the fourth and fifth number are the idle ones. Returns 0, or
 * -errno with nothing said. */
static int cpu_times(int fd, uint64_t *ret_all, uint64_t *ret_idle)
{
	char text[512], *p = text, *end;
	uint64_t all = 0, idle = 0;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	int i;

	if (n < 0)
		return -errno;
	text[n] = '\0';
	p += strcspn(p, " ");
	for (i = 0; i < 8; i++, p = end) {
		uint64_t v = strtoull(p, &end, 10);

		if (end == p)
			return -EPROTO;
		all += v;
		idle += i == 3 || i == 4 ? v : 0;
	}
	*ret_all = all;
	*ret_idle = idle;
	return 0;
}

/* A second after the boot the kernel knows the frequency of the TSC better: it stops all CPUs and
 * changes the clock from tsc-early to tsc (arch/x86/kernel/tsc.c: tsc_refine_calibration_work). */
static void settle_clock(void)
{
	static const char path[] =
		"/sys/devices/system/clocksource/clocksource0/current_clocksource";
	struct timespec window = { .tv_nsec = (long)WINDOW_NS };
	AUTO_FD root = root_open(NULL);
	char name[32];
	int i;

	for (i = 0; i < WINDOWS; i++) {
		if (root_read(root, path, name, sizeof(name)) <= 0 ||
		    strcmp(name, "tsc-early\n") != 0)
			return; /* or there is none */
		(void)nanosleep(&window, NULL); /* nothing is handled by signal handlers here */
	}
}

/* Every four seconds the watchdog for soft lockups wakes a thread on each CPU. Started again, it
 * lets the machine be for as long (kernel/watchdog.c: proc_watchdog_update). A short
 * command on 32 emulated CPUs that meets it costs half as much again. */
static void settle_watchdog(void)
{
	AUTO_FD fd = open("/proc/sys/kernel/watchdog", O_RDWR | O_CLOEXEC);
	char on;

	/* There is none, or it is off. */
	if (fd < 0 || pread(fd, &on, 1, 0) != 1 || on != '1')
		return;
	if (pwrite(fd, "0", 1, 0) != 1 || pwrite(fd, "1", 1, 0) != 1)
		warn_rc(-errno, "start the watchdog again");
}

/* Work that the kernel has put off until after the boot would else be in the way of the first
 * load. In virtual time the wait costs nothing. */
static void settle(void)
{
	AUTO_FD fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
	struct timespec window = { .tv_nsec = (long)WINDOW_NS };
	uint64_t all = 0, idle = 0, was_all = 0, was_idle = 0;
	int i, quiet = 0;

	settle_clock();
	settle_watchdog();
	if (fd < 0 || cpu_times(fd, &was_all, &was_idle) < 0)
		return; /* then it is as quiet as we can tell */
	for (i = 0; i < WINDOWS && quiet < 2; i++) {
		(void)nanosleep(&window, NULL); /* nothing is handled by signal handlers here */
		if (cpu_times(fd, &all, &idle) < 0)
			return;
		quiet = (all - was_all) - (idle - was_idle) <= (all - was_all) / BUSY_PART
				? quiet + 1
				: 0;
		was_all = all;
		was_idle = idle;
	}
}

/* The page as far as it is mapped. Where the guest has it stays, also when other memory takes its
 * place, so that a machine that is continued does not have to look for it again: everything that a
 * fresh QEMU does for the first time, it does slowly. That is also why it is never unmapped. */
struct page {
	uint8_t *map;
	size_t len;
	uint32_t flags, request;
	uint64_t archive;
};

/* The machine stops soon after this store, and goes on with another page. */
static void park(const struct page *p, void *brake)
{
	*(volatile uint8_t *)brake = PARK_BYTE;
	while (*(const volatile uint8_t *)(p->map + PAGE_FLAGS) & PAGE_PARK)
		;
}

#define NEAR (1 << 20) /* what is mapped at first: more than most requests need */

static int page_map(struct page *p, size_t len)
{
	void *map;
	int rc = pci_map(PAGE_PCI_VENDOR, PAGE_PCI_DEVICE, PAGE_PCI_REGION, len, &map);

	if (rc < 0)
		return rc;
	p->map = map;
	p->len = len;
	return 0;
}

static int page_head(struct page *p)
{
	uint8_t head[PAGE_FIELDS];

	memcpy(head, p->map, sizeof(head));
	p->flags = get_u32(head + PAGE_FLAGS);
	p->request = get_u32(head + 12);
	p->archive = get_u64(head + 16);
	return get_u64(head) == PAGE_MAGIC && p->archive <= PAGE_BYTES ? 0 : -EPROTO;
}

/* What the machine is to do, and the files for it. */
static int take(struct page *p, struct buf *ret_request)
{
	size_t at = PAGE_HEAD + ((p->request + (size_t)3) & ~(size_t)3);
	size_t end = at + (size_t)p->archive;
	AUTO_FD root = -1;
	char failed[PATH_MAX];
	int rc;

	if (end > PAGE_BYTES)
		return warn_rc(-EPROTO, "read the page");
	if (end > p->len) {
		rc = page_map(p, end);
		if (rc < 0)
			return warn_rc(rc, "map the page");
	}
	rc = buf_add(ret_request, p->map + PAGE_HEAD, p->request);
	if (rc < 0 || p->archive == 0)
		return rc < 0 ? warn_rc(rc, "read the request") : 0;
	root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return warn_rc(-errno, "open '/'");
	rc = uncpio(p->map + at, (size_t)p->archive, root, failed);
	return rc < 0 ? warn_rc(rc, "unpack '/%s'", failed) : 0;
}

int handover(void (*parking)(void *arg), void *arg, struct buf *ret_request)
{
	struct page page = { 0 };
	void *brake = NULL;
	AUTO_FD rehearsal = -1;
	int rc = page_map(&page, NEAR);

	if (rc == 0)
		rc = page_head(&page);
	if (rc < 0)
		return warn_rc(rc, "read the page");
	if (page.flags & PAGE_PARK)
		rc = pci_map(PARK_PCI_VENDOR, PARK_PCI_DEVICE, PARK_PCI_REGION, 1, &brake);
	if (rc < 0)
		return warn_rc(rc, "map what stops the machine");
	if (page.flags & PAGE_REHEARSE) {
		rehearsal = rehearse_prepare("/init");
		if (rehearsal < 0)
			return warn_rc(rehearsal, "prepare the rehearsal");
	}
	/* The last thing before the machine is saved, or it goes on with what that left to do. */
	if (page.flags & PAGE_SETTLE)
		settle();
	if (page.flags & PAGE_PARK) {
		parking(arg);
		park(&page, brake);
		if (rehearsal >= 0)
			rehearse(rehearsal);
		rc = page_head(&page);
		if (rc < 0)
			return warn_rc(rc, "read the page");
	}
	return take(&page, ret_request);
}
