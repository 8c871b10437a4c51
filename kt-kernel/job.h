/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The building of one kernel, as the modules of kt-kernel build share it: source.c says which
 * source it is and brings it, configure.c makes and checks its configuration, stage.c takes out
 * what was built. */
#ifndef KT_JOB_H
#define KT_JOB_H

#include "build.h"
#include "fetcher.h"
#include "kconfig.h"
#include "make.h"
#include "phase.h"
#include "toolchain.h"

#include <limits.h>

struct job {
	const struct build *b;
	/* the same for all kernels of one call */
	struct fetcher fetcher;
	struct toolchain tools;
	struct wants wants; /* ktstr.config and --config */
	struct wants extra; /* --config alone */
	char fragment_hash[SHA256_TEXT], base_hash[SHA256_TEXT];
	unsigned jobs;
	char cache[PATH_MAX];
	bool over; /* the sink takes no more */
	/* of this one */
	char label[192]; /* for messages: "linux-6.12.9" */
	char work[PATH_MAX]; /* our directory for it */
	char tree[PATH_MAX], log[PATH_MAX];
	char download[PATH_MAX]; /* the file that was fetched for it, or "" */
	uint64_t epoch; /* the date of the source, seconds since 1970 */
	bool own; /* the tree is below work */
	bool user_config; /* it came with a .config, which is the user's */
	struct kernel k; /* what is known of it so far */
	struct phase phase;
	struct make make;
	char reason[1024]; /* why it failed */
};

/* job_fail - say what went wrong, and keep it as the reason. Returns rc. job_fail_rc - the same
 * with
 * ": strerror(-rc)". */
int job_fail(struct job *j, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int job_fail_rc(struct job *j, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* job_read - append a file's bytes. 0 or -errno. */
int job_read(const char *path, struct buf *out);

/* job_make_dirs - make a directory below the cache, and what is missing above it. 0 or -errno. */
int job_make_dirs(const char *path);

/* job_lock - lock CACHE/.locks/KIND-KEY.lock exclusively. Whom it waits for is said; without `wait`
 * that is an error. Returns an fd; -EINTR after a stop signal; -EWOULDBLOCK (said); or another
 * -errno (said). */
int job_lock(struct job *j, const char *kind, const char *key, bool wait);

/* ---- builddir.c */

/* builddir_open - an empty directory for this build, j->work, and the log's name in it; the caller
 * holds the lock build-KEY. What killed builds have left is removed. builddir_close - it is not
 * needed any more. builddir_keep - after a failed make it stays. 0 or -errno (said). */
int builddir_open(struct job *j, const char *key);
void builddir_close(struct job *j);
void builddir_keep(struct job *j);

/* ---- source.c */

struct versions {
	struct version {
		char version[64];
		enum tristate eol;
	} * v;
	size_t n, cap;
};

/* source_versions - which versions b->what means. source_identify - find out which source it is, as
 * far as can be without bringing it: j->k's version, ref, commit, package_version; for a tree also
 * whether it has changes. source_fetch - bring it below j->work, and fill in the rest. */
int source_versions(struct job *j, struct versions *ret);
int source_identify(struct job *j, const struct version *v);
int source_fetch(struct job *j);

/* source_tree_state - commit and changes of the user's tree, as they are now. *ret_epoch may be
 * NULL. */
int source_tree_state(struct job *j, char commit[65], enum tristate *ret_dirty,
		      uint64_t *ret_epoch);

/* source_epoch - the date of a tree without a commit: that of its Makefile. */
int source_epoch(struct job *j);

/* ---- configure.c */

/* configure_wants - read all that is wanted. 0 or -errno (said). */
int configure_wants(struct job *j);

/* configure - make the tree's .config of it. configure_check - is everything wanted in it? after:
 * the kernel has been made. Both return 0 or -errno (said). configure_hash - sha256 of .config, or
 * -ENOENT. */
int configure(struct job *j);
int configure_check(struct job *j, bool after);
int configure_hash(struct job *j, char ret[SHA256_TEXT]);

/* configure_ready - the user's tree has a .config that already has all that is wanted. */
bool configure_ready(struct job *j);

/* ---- stage.c */

/* stage - put what was made into the cache as entry j->k.key. 0 or -errno (said). */
int stage(struct job *j);

#endif
