/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every command finds in a guest: file systems, devices, an interface, limits, busybox. */
#ifndef KT_FURNISH_H
#define KT_FURNISH_H

/* furnish_mounts - mount what there is, and have a console. Returns 0, or -errno when something is
 * missing that nothing works without, reported. */
int furnish_mounts(void);

/* furnish_rest - the rest; what cannot be had is reported. Returns busybox at work, as
 * child_spawn() does, for furnish_done(). */
int furnish_rest(void);

/* furnish_done - wait for it: before the signals of our children are wanted elsewhere. */
void furnish_done(int busybox);

#endif
