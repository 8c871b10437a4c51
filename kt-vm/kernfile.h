/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel's file, as far as its head tells. */
#ifndef KT_KERNFILE_H
#define KT_KERNFILE_H

#include <stddef.h>

/* kernfile_check - is it a bzImage or an ELF file? Returns 0, or -EINVAL with *why for a person. */
int kernfile_check(const char *path, char *why, size_t cap);

/* kernfile_head - a memory file with as much of a bzImage as QEMU looks at; the kernel itself, of
 * some megabytes, which QEMU reads to hand it to the firmware, is left out. Returns a descriptor
 * (close-on-exec, the caller closes it); -ENOTSUP for another kind of file; or -errno. */
int kernfile_head(const char *path);

#endif
