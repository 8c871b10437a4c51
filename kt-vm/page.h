/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kt-vm hands to kt-init: memory of this machine that the guest sees as a device (QEMU's
 * ivshmem-plain). At its start is a head of PAGE_HEAD bytes, behind it the request (see request.h),
 * and from the next multiple of four on a cpio archive, or nothing: the included files, and in
 * virtual time standard input.
 *
 * A guest that was saved is continued with other memory in the device's place, so this is how a
 * command reaches it without a single interrupt: in virtual time, where nothing may come in.
 *
 * The head, numbers little-endian: u64 PAGE_MAGIC, u32 flags, u32 bytes of the request, u64 bytes
 * of the archive. */
#ifndef KT_PAGE_H
#define KT_PAGE_H

#define PAGE_MAGIC UINT64_C(0x32656761702d746b) /* "kt-page2" */
#define PAGE_HEAD 4096
#define PAGE_FLAGS 8 /* where they are */
#define PAGE_FIELDS 24 /* bytes of it that are used */
#define PAGE_BYTES (UINT64_C(4) << 30) /* as large as the device, of which only a part is there */

enum page_flag {
	PAGE_SETTLE =
		1, /* before anything else, wait until the kernel has no more work of its own */
	PAGE_PARK = 2, /* then tell QEMU, which stops the machine there if it is to be saved */
	PAGE_REHEARSE = 4, /* have another CPU run code when it goes on, see rehearse.h */
};

/* ivshmem-plain's memory is region 2, the register of pvpanic-pci is in region 0. Of QEMU's
 * docs/specs/ivshmem-spec.rst and pvpanic.rst. */
#define PAGE_PCI_VENDOR 0x1af4
#define PAGE_PCI_DEVICE 0x1110
#define PAGE_PCI_REGION 2
#define PARK_PCI_VENDOR 0x1b36
#define PARK_PCI_DEVICE 0x0011
#define PARK_PCI_REGION 0
#define PARK_BYTE                                                                                  \
	1 /* "the guest has panicked": the one thing a guest can say that QEMU stops it for */

#endif
