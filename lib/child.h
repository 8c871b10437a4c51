/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting other programs, and waiting for them by pidfd. */
#ifndef KT_CHILD_H
#define KT_CHILD_H

#include <signal.h>
#include <sys/types.h>

struct child_spec {
	char *const *argv; /* argv[0] is looked up in PATH when it has no slash */
	const sigset_t *mask; /* signal mask of the child; NULL: an empty one */
	int stdio[3]; /* what becomes 0, 1, 2 (borrowed); -1: inherited */
	int death_sig; /* sent to the child when this process dies; 0: none */
	int own_group; /* the child leads a process group of its own */
	const char *const *env; /* NAME, VALUE, ..., NULL: set where we have none; NULL: nothing */
	int terminal; /* stdio[0] is a terminal: the child leads a session that it controls */
};

/* child_start - start it. Ignored signals go back to their defaults. Returns 0 or -errno; a program
 * that cannot be executed is an errno here too (-ENOENT, -EACCES), not an exit status. */
int child_start(const struct child_spec *spec, pid_t *ret_pid);

/* child_stub - a process that waits for what it is to execute, for when there is no time for a
 * fork. It shares memory, files and working directory with this one until then, and ends with it.
 * Returns NULL with errno. */
struct child_stub;
struct child_stub *child_stub(void);

/* child_stub_start - child_start() with such a process, once: s is gone afterwards. */
int child_stub_start(struct child_stub *s, const struct child_spec *spec, pid_t *ret_pid);

/* child_spawn - the same, but returns a pidfd (close-on-exec, the caller closes it) or -errno.
 * *ret_pid may be NULL. */
int child_spawn(const struct child_spec *spec, pid_t *ret_pid);

/* child_wait - wait until it ends, and reap it. At timeout_ms (-1: none), or when sig_fd (-1: none)
 * has something to read, it is killed first. Returns 0, -ETIMEDOUT or -EINTR (it is reaped all the
 * same), or -errno. */
int child_wait(int pid_fd, int sig_fd, int timeout_ms, siginfo_t *ret_info);

/* child_status - the exit status a shell would give: the code, or 128 + signal. */
int child_status(const siginfo_t *info);

/* child_tool - the path of one of our own tools: beside /proc/self/exe, else ../libexec/ktstr
 * beside that, else under the installation's PREFIX, else $KTSTR_LIBEXEC. Returns buf, or NULL with
 * errno ENOENT. */
char *child_tool(const char *name, char *buf, size_t cap);

/* child_data - the same for data: "scenarios" is ../share/ktstr/scenarios beside the tool, else
 * under PREFIX, else what the environment variable env names. */
char *child_data(const char *name, const char *env, char *buf, size_t cap);

#endif
