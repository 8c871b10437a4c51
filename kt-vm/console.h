/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's serial console: its last part is kept, panics, oopses and what each CPU was doing are
 * recognized. */
#ifndef KT_CONSOLE_H
#define KT_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONSOLE_RING (64 << 10)
#define CONSOLE_LINE 256

struct console {
	uint64_t total; /* bytes that were kept */
	bool oops; /* the kernel has reported a fault */
	bool int3; /* one by a breakpoint that nobody had set, see struct vm_end */
	char panic[CONSOLE_LINE]; /* what follows "Kernel panic - not syncing: ", else "" */
	char init[CONSOLE_LINE]; /* the last line by kt-init, behind its name, else "" */
	char unpack[CONSOLE_LINE]; /* "Initramfs unpacking failed: …", else "" */
	bool all_cpus; /* backtraces of all CPUs follow, of which `where` has the gist: the part
			* that is kept ends here */
	char cpu[64]; /* "CPU 1 (sh) ": of which one the place is to come, else "" */
	char where[512]; /* "CPU 0 (sh) at ktime_get+0x9f/0x100, CPU 1 …" */
	char line[CONSOLE_LINE]; /* the line that is being received, cut off */
	size_t line_len;
	char ring[CONSOLE_RING];
};

/* console_feed - take n bytes as they come off the serial line. */
void console_feed(struct console *c, const char *p, size_t n);

/* console_text - the last lines that were kept, oldest first, carriage returns removed. Writes at
 * most cap bytes to buf and returns how many; no NUL is added. */
size_t console_text(const struct console *c, unsigned int lines, char *buf, size_t cap);

#endif
