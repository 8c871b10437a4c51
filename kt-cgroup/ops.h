/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cgroup ops: read one, carry it out below a parent cgroup, acknowledge it. */
#ifndef KT_CGROUP_OPS_H
#define KT_CGROUP_OPS_H

#include "cg.h"
#include "jsonr.h"
#include "jsonw.h"

#include <stdbool.h>
#include <stdint.h>

#define CGROUP_DEADLINE_NS (UINT64_C(10) * 1000000000) /* for anything that waits for tasks */

enum {
	CTL_CPUSET = 1,
	CTL_CPU = 2
};

struct ctx {
	struct cg_mounts mounts;
	int root_fd; /* of the cgroup2 mount */
	int parent_fd;
	char parent[PATH_MAX]; /* relative to the mount; "" is the mount itself */
	int sig_fd;
	unsigned int want; /* CTL_*: what cgroups get; one that cannot be had is an error */
	const struct cg_owner *owner; /* marks what is made; NULL: nothing is marked */

	/* What undo takes back, in the order it was made. Paths are relative to the mount. */
	char **made;
	size_t n_made;
	struct {
		char *path;
		const char *ctl;
	} * gave;
	size_t n_gave;
	unsigned int removed; /* counts cgroups, for the end record */
	unsigned int left;
};

/* ctx_open - find the mount and the parent. With make, a missing parent is made (and its missing
 * ancestors), and ctx->want is enabled from the mount down to it. Speaks on failure. 0 or -errno;
 * ctx_undo and ctx_close are due in any case. */
int ctx_open(struct ctx *c, const char *parent, bool make);

/* ctx_undo - remove all that was made, newest first. Speaks on failure; c->left counts. */
int ctx_undo(struct ctx *c);
void ctx_close(struct ctx *c);

/* ctx_make - make the cgroup rel (to the mount) and what is missing above it; give the controllers
 * on from each level but those that hold processes. On failure what was made stays on the list of
 * ctx_undo. msg says what failed. Returns 0 or -errno (-EEXIST: it is there and was not made by
 * us). */
int ctx_make(struct ctx *c, const char *rel, char *msg, size_t cap);

/* ctx_need - give one controller to rel, for a knob that it lacks. As ctx_make. */
int ctx_need(struct ctx *c, const char *rel, unsigned int ctl, char *msg, size_t cap);

/* ctx_forget - rel and all below it have been removed: nothing to undo there. */
void ctx_forget(struct ctx *c, const char *rel);

/* ctx_show - rel as messages name it: "/" for the top of the mount. */
const char *ctx_show(const char *rel);

/* ctl_name - the word for one CTL_*. */
const char *ctl_name(unsigned int ctl);

enum op_kind {
	OP_CREATE,
	OP_RM,
	OP_SET,
	OP_CLEAR,
	OP_MOVE,
	OP_KILL,
	OP_STAT
};

struct op {
	enum op_kind kind;
	const char *name; /* "cgroup.create" */
	json_t *obj; /* borrowed: what the ack repeats */
	const char *cgroup, *from, *to; /* NULL when not of this op; "" is the parent itself */
	const char *cpus, *mems, *max; /* NULL: not to be set */
	const char *what; /* clear: "cpus" or "mems" */
	uint64_t weight; /* 0: not to be set */
	int freeze; /* -1: not to be set */
};

/* op_read - a checked op from a JSON object. allow_parent: an empty "cgroup" is fine (subcommands).
 * Strings live as long as obj. Returns 0, or -EINVAL and doc->err says what and where. */
int op_read(struct op *op, struct jsonr_doc *doc, json_t *obj, bool allow_parent);

/* op_run - carry it out and write its records: ack, before it the `stat` record of cgroup.stat, or
 * op-error. Returns 0; -ECANCELED after an op-error, msg says what happened; or the -errno of a
 * failed write of the record. */
int op_run(struct ctx *c, const struct op *op, struct jsonw *w, char *msg, size_t cap);

/* op_bad - the op-error record of a line that is no op: seq, at_ns and op as far as they could be
 * read, else null. Returns 0 or the -errno of the write. */
int op_bad(struct jsonw *w, const json_t *obj, const char *message);

#endif
