// SPDX-License-Identifier: GPL-2.0-or-later
/* busy - keeps a CPU busy without end, and pauses like kt-work's workers: in virtual time QEMU 7.2
 * lets the other CPUs of a Linux 7.3 wait, for up to a second, beside one that never does. */
#include "burn.h"

int main(void)
{
	for (;;)
		burn(BURN_STEPS);
}
