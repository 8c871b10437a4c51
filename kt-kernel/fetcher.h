/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs kt-kernel-fetch, which gets things from elsewhere, and reads its records. */
#ifndef KT_FETCHER_H
#define KT_FETCHER_H

#include "buf.h"

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>

struct fetcher {
	int sig_fd; /* a stop signal ends it; borrowed */
	const sigset_t *mask; /* signal mask for it; borrowed */
	bool quiet; /* it is started with -q */
	int timeout_ms; /* it is ended then; 0: it may take as long as it likes */
	struct buf *said; /* its messages go to here, and ours are not said; NULL: to stderr */
	bool echo; /* its messages go to stderr as well, and ours are said */
};

/* fetcher_run - run "kt-kernel-fetch ARGS…" (args end with NULL); its records collect in out, its
 * messages go to our stderr. A stop signal ends it: SIGTERM, and SIGKILL after 5 s.
 * Returns 0; -EINTR after a stop signal (said); -EIO when it failed and has said why; -ETIMEDOUT
 * (said); or another -errno (said). */
int fetcher_run(const struct fetcher *f, const char *const *args, struct buf *out);

/* fetcher_each - call fn for each record of the type; the record lives until fn returns. Returns
 * how many there were; a negative return of fn; -EBADMSG for text that is no record (said); -EPIPE
 * when the stream has no `end`. The text in out is used up. */
int fetcher_each(struct buf *out, const char *type, int (*fn)(const json_t *rec, void *arg),
		 void *arg);

#endif
