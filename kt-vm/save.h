/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Boots a machine up to where it can be continued any number of times, and saves it there. */
#ifndef KT_SAVE_H
#define KT_SAVE_H

#include "buf.h"
#include "qemu.h"

#include <stdbool.h>

struct save_end {
	bool booted; /* it got as far as to where it is saved */
	bool again; /* QEMU has spoiled the boot, see struct vm_end */
	char reason[300]; /* of a failure */
	struct buf console; /* what the kernel has said; owned */
};

/* vm_save - into the empty directory spec->ram_fd; initrd_fd is the archive that it boots with.
 *   boot_ns  until it must be there: of this machine's time, or in virtual time of QEMU's
 *   sig_fd   something to read there ends it: -EINTR, it is left there
 * Returns 0; -ETIMEDOUT; or another -errno: ret->reason says more. ret->console is set in any case.
 */
int vm_save(const struct vm_spec *spec, uint64_t boot_ns, int sig_fd, struct save_end *ret);

#endif
