// SPDX-License-Identifier: GPL-2.0-or-later
/* What is kept of a guest's console, and what is made out in it. */
#include "console.h"
#include "tap.h"

static void feed(struct console *c, const char *text)
{
	for (; *text; text++)
		console_feed(c, text, 1);
}

static void ok_tail(const struct console *c, unsigned int lines, const char *want)
{
	char buf[1024];
	size_t n = console_text(c, lines, buf, sizeof(buf) - 1);

	buf[n] = '\0';
	ok_str(buf, want, "its last %u lines", lines);
}

/* Two CPUs of Linux 7.3 that hang, and one that idles; shortened. */
static const char hang[] =
	"[   10.1] Uhhuh. NMI received for unknown reason 21 on CPU 0.\r\n"
	"[   10.1] Kernel panic - not syncing: NMI: Not continuing\r\n"
	"[   10.2] CPU: 0 UID: 0 PID: 100 Comm: sh Not tainted 7.3.4+deb13-cloud-amd64 #1\r\n"
	"[   10.2] Call Trace:\r\n"
	"[   10.2] RIP: 0010:lapic_next_event+0x15/0x20\r\n"
	"[   10.2] RIP: 0033:0x530cfe\r\n"
	"[   10.3] Sending NMI from CPU 0 to CPUs 1-2:\r\n"
	"[   10.4] NMI backtrace for cpu 1\r\n"
	"[   10.4] CPU: 1 UID: 0 PID: 101 Comm: kworker/1:0 Tainted: G W 7.3.4 #1\r\n"
	"[   10.4] RIP: 0033:0x52bbab\r\n"
	"[   10.5] NMI backtrace for cpu 2 skipped: idling at default_idle+0xb/0x10\r\n"
	"[   10.6] NMI backtrace for cpu 0\r\n"
	"[   10.6] CPU: 0 UID: 0 PID: 100 Comm: sh Not tainted 7.3.4+deb13-cloud-amd64 #1\r\n"
	"[   10.6] RIP: 0010:lapic_next_event+0x15/0x20\r\n"
	"[   10.7] Kernel Offset: disabled\r\n";

int main(void)
{
	static struct console c;
	int i;

	feed(&c, "one\r\ntwo\r\nCPU: 7 PID: 1 Comm: init\r\nRIP: 0010:nowhere\r\n");
	ok_tail(&c, 2, "CPU: 7 PID: 1 Comm: init\nRIP: 0010:nowhere\n");
	ok_str(c.where, "", "before a panic nothing is made out");
	feed(&c, hang);
	ok_str(c.panic, "NMI: Not continuing", "the panic");
	ok_str(c.where,
	       "CPU 0 (sh) at lapic_next_event+0x15/0x20, CPU 1 (kworker/1:0) in user space",
	       "each CPU that does not idle is told once");
	ok_tail(&c, 3,
		"[   10.2] RIP: 0010:lapic_next_event+0x15/0x20\n[   10.2] RIP: 0033:0x530cfe\n"
		"[   10.3] Sending NMI from CPU 0 to CPUs 1-2:\n");
	ok(!c.oops, "that is no oops");
	for (i = 0; i < 100; i++) {
		char text[100];

		(void)snprintf(text, sizeof(text),
			       "CPU: %d Comm: busy\nRIP: 0010:some_function+0x0/0x1\n", i + 3);
		feed(&c, text);
	}
	ok(strlen(c.where) < sizeof(c.where) &&
		   strstr(c.where, "CPU 9 (busy) at some_function+0x0/0x1"),
	   "as many as fit are told");
	ok(strcmp(c.where + strlen(c.where) - 4, "/0x1") == 0, "and none by halves");
	return tap_done();
}
