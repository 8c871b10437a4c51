/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's serial console. */
#include "console.h"
#include "cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a panic tells of each CPU (panic_print, lib/nmi_backtrace.c), one after the other:
 *   CPU: 1 UID: 0 PID: 101 Comm: sh Not tainted 7.3.4 #1
 *   RIP: 0010:ktime_get+0x9f/0x100
 * The second one is 0033:ADDRESS in user space. Of those that idle there is one line without. */
static void judge_cpu(struct console *c)
{
	const char *cpu = strstr(c->line, "CPU: "), *comm = strstr(c->line, " Comm: "),
		   *rip = strstr(c->line, "RIP: ");
	size_t n = strlen(c->where);

	if (strstr(c->line, "Sending NMI from CPU ") || strstr(c->line, "NMI backtrace for cpu "))
		c->all_cpus = true;
	if (cpu && comm) {
		comm += strlen(" Comm: ");
		(void)snprintf(c->cpu, sizeof(c->cpu), "CPU %lu (%.*s) ",
			       strtoul(cpu + strlen("CPU: "), NULL, 10), (int)strcspn(comm, " "),
			       comm); /* 15 bytes by the kernel */
	} else if (rip && c->cpu[0]) {
		bool kernel = strncmp(rip, "RIP: 0010:", 10) == 0;

		/* Some is told twice. What does not fit is on the console. */
		if (!strstr(c->where, c->cpu) &&
		    strlen(c->cpu) + strlen(rip) + 20 < sizeof(c->where) - n)
			(void)snprintf(c->where + n, sizeof(c->where) - n, "%s%s%s%s",
				       n ? ", " : "", c->cpu, kernel ? "at " : "in user space",
				       kernel ? rip + 10 : "");
		c->cpu[0] = '\0';
	}
}

/* "[    1.836319] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100" */
static void judge_line(struct console *c)
{
	static const char init[] = "kt-init: ";
	static const char panic[] = "Kernel panic - not syncing: ";
	static const char *const oopses[] = {
		"Oops: ",
		"kernel BUG at ",
		"BUG: unable to handle ",
		"BUG: kernel NULL pointer dereference",
		"general protection fault",
		"stack segment: ",
		"invalid opcode: ",
		"divide error: ",
	};
	const char *p;
	size_t i;

	c->line[c->line_len] = '\0';
	p = strstr(c->line, panic);
	if (p && c->panic[0] == '\0')
		memcpy(c->panic, p + sizeof(panic) - 1, strlen(p + sizeof(panic) - 1) + 1);
	if (c->panic[0])
		judge_cpu(c);
	if (strstr(c->line, "Oops: int3"))
		c->int3 = true;
	p = strstr(c->line, "Initramfs unpacking failed");
	if (p && c->unpack[0] == '\0')
		memcpy(c->unpack, p, strlen(p) + 1);
	if (strncmp(c->line, init, sizeof(init) - 1) == 0)
		memcpy(c->init, c->line + sizeof(init) - 1, c->line_len - sizeof(init) + 2);
	for (i = 0; i < KT_ARRAY_LEN(oopses); i++)
		if (strstr(c->line, oopses[i]))
			c->oops = true;
	c->line_len = 0;
}

void console_feed(struct console *c, const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!c->all_cpus)
			c->ring[c->total++ % CONSOLE_RING] = p[i];
		if (p[i] == '\n')
			judge_line(c);
		else if (p[i] != '\r' && p[i] != '\0' && c->line_len < sizeof(c->line) - 1)
			c->line[c->line_len++] = p[i];
	}
}

size_t console_text(const struct console *c, unsigned int lines, char *buf, size_t cap)
{
	uint64_t first = c->total > CONSOLE_RING ? c->total - CONSOLE_RING : 0, at = c->total;
	size_t n = 0;

	while (at > first && c->total - at < cap) {
		if (c->ring[(at - 1) % CONSOLE_RING] == '\n' && at != c->total && lines-- <= 1)
			break;
		at--;
	}
	for (; at < c->total && n < cap; at++) {
		char ch = c->ring[at % CONSOLE_RING];

		if (ch != '\r' && ch != '\0')
			buf[n++] = ch;
	}
	return n;
}
