/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The innermost loop of spinning work. */
#ifndef KT_BURN_H
#define KT_BURN_H

#include <stdint.h>

#define BURN_STEPS 512

/* burn - n steps of one addition each, then the CPU's pause hint: every 512 steps, which are about
 * 1,600 instructions, QEMU's round robin of virtual CPUs has a place to switch. Never inlined, and
 * aligned: how fast a loop this short runs depends on where it lies. */
__attribute__((noinline, aligned(64), unused)) static void burn(unsigned int n)
{
	unsigned int i;
	uint64_t x = 0;

	for (i = 0; i < n; i++) {
		x++;
		__asm__ volatile("" : "+r"(x)); /* each addition, not their sum */
	}
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

#endif
