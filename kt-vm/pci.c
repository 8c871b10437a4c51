/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory of PCI devices: the files that Linux has in /sys/bus/pci/devices/DDDD:BB:SS.F
 * (Documentation/PCI/sysfs-pci.rst). */
#include "pci.h"
#include "cleanup.h"
#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define DEVICES "/sys/bus/pci/devices"

/* "0x1af4\n" */
static int has_id(int root, const char *name, const char *file, unsigned int want)
{
	char text[16], id[16];

	(void)snprintf(id, sizeof(id), "0x%04x\n", want); /* four digits */
	return root_readf(root, text, sizeof(text), DEVICES "/%s/%s", name, file) > 0 &&
	       strcmp(text, id) == 0;
}

/* The region answers only while the device is enabled, which firmware may have left undone. A
 * driver has done it, and EBUSY says that there is one. */
static int enable(const char *name)
{
	char path[64 + NAME_MAX];
	AUTO_FD fd = -1;

	(void)snprintf(path, sizeof(path), DEVICES "/%s/enable", name); /* fits by its type */
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return write(fd, "1", 1) == 1 || errno == EBUSY ? 0 : -errno;
}

/* Where region number n begins in its page: "resource" has a line "0xSTART 0xEND 0xFLAGS" each, and
 * mmap(2) gives whole pages. */
static long in_page(int root, const char *name, unsigned int n, long page)
{
	char text[2048], *p = text;
	ssize_t got = root_readf(root, text, sizeof(text), DEVICES "/%s/resource", name);
	uint64_t start;

	if (got < 0)
		return got;
	for (; n > 0 && p; n--) {
		p = strchr(p, '\n');
		p += p != NULL;
	}
	start = p ? strtoull(p, NULL, 16) : 0;
	return start ? (long)(start & (uint64_t)(page - 1)) : -ENXIO;
}

int pci_map(unsigned int vendor, unsigned int device, unsigned int region, size_t len,
	    void **ret_map)
{
	AUTO_FD root = root_open(NULL);
	AUTO_DIR *dir = opendir(DEVICES);
	char path[64 + NAME_MAX];
	AUTO_FD fd = -1;
	const struct dirent *de;
	void *map;
	long at;
	int rc;

	if (root < 0)
		return root;
	if (!dir)
		return errno == ENOENT ? -ENODEV : -errno;
	do {
		de = readdir(dir);
	} while (de && (!has_id(root, de->d_name, "vendor", vendor) ||
			!has_id(root, de->d_name, "device", device)));
	if (!de)
		return -ENODEV;
	rc = enable(de->d_name);
	if (rc < 0)
		return rc;
	(void)snprintf(path, sizeof(path), DEVICES "/%s/resource%u", de->d_name, region);
	fd = open(path, O_RDWR | O_CLOEXEC);
	at = in_page(root, de->d_name, region, sysconf(_SC_PAGESIZE));
	if (fd < 0 || at < 0)
		return fd < 0 ? -errno : (int)at;
	map = mmap(NULL, (size_t)at + len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	(void)madvise(map, (size_t)at + len, MADV_DONTFORK); /* or each child costs a little more */
	*ret_map = (char *)map + at;
	return 0;
}
