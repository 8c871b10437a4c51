/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's side of the page. */
#include "handover.h"
#include "cleanup.h"
#include "die.h"
#include "dur.h"
#include "frames.h"
#include "page.h"
#include "pci.h"
#include "uncpio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
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

/* Work that the kernel has put off until after the boot would else be in the way of the first
 * load. In virtual time the wait costs nothing. */
static void settle(void)
{
	AUTO_FD fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
	struct timespec window = { .tv_nsec = (long)WINDOW_NS };
	uint64_t all = 0, idle = 0, was_all = 0, was_idle = 0;
	int i, quiet = 0;

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

/* The machine stops behind this store when it is to be saved. */
static int park(void)
{
	void *map;
	int rc = pci_map(PARK_PCI_VENDOR, PARK_PCI_DEVICE, PARK_PCI_REGION, 1, &map);

	if (rc < 0)
		return rc;
	*(volatile uint8_t *)map = PARK_BYTE;
	munmap(map, 1);
	return 0;
}

/* The head is read anew each time: other memory may have taken its place. */
static int head(uint32_t *ret_flags, uint64_t *ret_len)
{
	uint8_t copy[24];
	void *map;
	int rc = pci_map(PAGE_PCI_VENDOR, PAGE_PCI_DEVICE, PAGE_PCI_REGION, PAGE_HEAD, &map);

	if (rc < 0)
		return rc;
	memcpy(copy, map, sizeof(copy));
	munmap(map, PAGE_HEAD);
	*ret_flags = get_u32(copy + 8);
	*ret_len = get_u64(copy + 16);
	return get_u64(copy) == PAGE_MAGIC && *ret_len <= PAGE_BYTES - PAGE_HEAD ? 0 : -EPROTO;
}

static int unpack(uint64_t len)
{
	AUTO_FD root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char failed[PATH_MAX];
	void *map = NULL;
	int rc = root < 0 ? -errno
			  : pci_map(PAGE_PCI_VENDOR, PAGE_PCI_DEVICE, PAGE_PCI_REGION,
				    PAGE_HEAD + (size_t)len, &map);

	if (rc < 0)
		return warn_rc(rc, "map the page");
	rc = uncpio((const uint8_t *)map + PAGE_HEAD, (size_t)len, root, failed);
	munmap(map, PAGE_HEAD + (size_t)len);
	return rc < 0 ? warn_rc(rc, "unpack '/%s'", failed) : 0;
}

int handover(void (*parking)(void *arg), void *arg)
{
	uint32_t flags = 0;
	uint64_t len = 0;
	int rc = head(&flags, &len);

	if (rc < 0)
		return warn_rc(rc, "read the page");
	if (flags & PAGE_SETTLE)
		settle();
	if (flags & PAGE_PARK) {
		parking(arg);
		rc = park();
		if (rc < 0)
			return warn_rc(rc, "stop the machine");
		rc = head(&flags, &len);
		if (rc < 0)
			return warn_rc(rc, "read the page");
	}
	return unpack(len);
}
