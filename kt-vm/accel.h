/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Can this machine's KVM run an ordinary kernel? The verdict is kept for an hour, for this boot and
 * this QEMU, in the cache directory. */
#ifndef KT_ACCEL_H
#define KT_ACCEL_H

enum accel {
	ACCEL_UNKNOWN,
	ACCEL_TCG,
	ACCEL_KVM
};

/* accel_device - may /dev/kvm be opened? 0 or -errno. */
int accel_device(void);

/* accel_load - the verdict on this QEMU (a program, looked up in PATH); ACCEL_UNKNOWN when there is
 * none that holds. */
enum accel accel_load(const char *qemu);

/* accel_store - keep a verdict; ACCEL_UNKNOWN removes it. 0 or -errno. */
int accel_store(const char *qemu, enum accel verdict);

#endif
