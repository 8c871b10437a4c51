/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's serial console. */
#include "console.h"
#include "cleanup.h"

#include <string.h>

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
