/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tools say on stderr, and their exit statuses. Not for use inside lib/. */
#ifndef KT_DIE_H
#define KT_DIE_H

enum {
	KT_OK = 0, /* all was done, all passed */
	KT_FAIL = 1, /* something was not */
	KT_USAGE = 2, /* the command line was wrong */
	KT_SKIP = 77, /* everything was skipped */
	KT_TIMEOUT = 124, /* prefix commands, like timeout(1) and env(1) */
	KT_PREFIX_FAIL = 125,
	KT_NOEXEC = 126,
	KT_NOTFOUND = 127,
};

/* warn_rc - print "TOOL: FORMATTED: strerror(-rc)" and return rc, so that a caller may
 * `return warn_rc(rc, "read '%s'", path)`. rc is a negative errno. */
int warn_rc(int rc, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* warn - print "TOOL: FORMATTED". */
void warn_msg(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* die_usage - print "TOOL: FORMATTED" and the hint to --help, exit KT_USAGE. */
void die_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* usage_prefix - say the same and return KT_PREFIX_FAIL: a usage error of a prefix command must not
 * look like a status of its command. */
int usage_prefix(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* print_version - what -V prints, on stdout; returns the exit status. */
int print_version(void);

/* print_help - print text on stdout; returns the exit status. */
int print_help(const char *text);

#endif
