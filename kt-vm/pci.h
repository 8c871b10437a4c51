/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory of PCI devices, through sysfs: without a driver. */
#ifndef KT_PCI_H
#define KT_PCI_H

#include <stddef.h>
#include <stdint.h>

/* pci_map - map the first len bytes of a region of the first device with these ids, for reading and
 * writing. The mapping is the caller's, and begins within a page when the region does. Returns 0;
 * -ENODEV when there is no such device; or another -errno. */
int pci_map(unsigned int vendor, unsigned int device, unsigned int region, size_t len,
	    void **ret_map);

#endif
