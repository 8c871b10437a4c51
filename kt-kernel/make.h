/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs make in a kernel's tree: the same environment for all, its output in a log, nothing of it
 * left when we end. */
#ifndef KT_MAKE_H
#define KT_MAKE_H

#include "phase.h"
#include "toolchain.h"

#include <signal.h>

struct make {
	const char *tree, *log; /* make's output is appended to the log */
	const struct toolchain *tools;
	struct phase *phase; /* redrawn while make runs; NULL: not */
	bool own; /* the tree is ours: its place is not to be seen in what is built */
	unsigned jobs; /* -j */
	unsigned cap; /* 0, or run below kt-reserve --cpu-cap, which then gives -j */
	int sig_fd;
	const sigset_t *mask;
};

/* make_env - prepare this process's environment for make: what makes builds differ is removed, and
 * user, host, time and version are set. epoch: seconds since 1970 of the source. 0 or -errno. */
int make_env(uint64_t epoch, bool own);

/* make_run - run make with these arguments (targets and variables, up to NULL). Returns 0; -EINTR
 * after a stop signal; -EUSERS when kt-reserve could not reserve (it has said why); -EINVAL when
 * make failed: make_explain() has more; or another -errno (said). */
int make_run(const struct make *m, const char *const *args);

/* make_may - can the CPUs be reserved at all? Asked before much is done in vain. As make_run; what
 * kt-reserve says goes to ret_why. */
int make_may(const struct make *m, char *ret_why, size_t cap);

/* make_ask - the first line that "make -s TARGET" prints. 0 or -errno, as make_run. */
int make_ask(const struct make *m, const char *target, char *buf, size_t cap);

/* make_last - the last line of the log, or "": after -EUSERS what kt-reserve said. */
void make_last(const char *log, char *buf, size_t cap);

/* make_explain - print the end of the log on stderr, and copy its first line with an error, or ""
 */
void make_explain(const char *log, char *ret_error, size_t cap);

#endif
