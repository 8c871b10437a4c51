/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parent cgroup: found or made, its controllers, and the undoing of all that was made.
 *
 * What Linux 7.3 does (each line was tried), where N is any cgroup but the top of the mount:
 *  - cpuset and cpu are threaded controllers. N that holds processes accepts them in its
 *    subtree_control as long as no child is populated (else EBUSY), and then becomes "domain
 *    threaded": its children are "domain invalid" and take no process (EOPNOTSUPP).
 *  - N whose subtree_control is not empty accepts a process as long as no child is populated (else
 *    EBUSY), with the same effect on the children.
 *  - With an empty subtree_control, N and its children may all hold processes.
 * Hence: controllers are not given to the children of a cgroup that holds processes, and taken from
 * them before processes are moved in (ops.c). */
#include "buf.h"
#include "cleanup.h"
#include "die.h"
#include "mono.h"
#include "ops.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

static const unsigned int all_ctl[] = { CTL_CPUSET, CTL_CPU };

const char *ctl_name(unsigned int ctl)
{
	return ctl == CTL_CPUSET ? "cpuset" : "cpu";
}

const char *ctx_show(const char *rel)
{
	return *rel ? rel : "/";
}

static bool at_or_below(const char *path, const char *rel)
{
	size_t len = strlen(rel);

	return len == 0 ||
	       (strncmp(path, rel, len) == 0 && (path[len] == '\0' || path[len] == '/'));
}

/* Below the parent, messages name a cgroup as the ops do. */
static const char *shown(const struct ctx *c, const char *rel)
{
	size_t len = strlen(c->parent);

	return len > 0 && at_or_below(rel, c->parent) && rel[len] ? rel + len + 1 : ctx_show(rel);
}

__attribute__((format(printf, 4, 5))) static int fail(int rc, char *msg, size_t cap,
						      const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(msg, cap, fmt, ap); /* a message that is cut is still one */
	va_end(ap);
	return rc;
}

/* ---- controllers ---- */

static int note_given(struct ctx *c, const char *rel, const char *ctl)
{
	void *p = realloc(c->gave, (c->n_gave + 1) * sizeof(*c->gave));
	char *path = p ? strdup(rel) : NULL;

	if (p)
		c->gave = p;
	if (!path)
		return -ENOMEM;
	c->gave[c->n_gave].path = path;
	c->gave[c->n_gave++].ctl = ctl;
	return 0;
}

/* Give ctl to the children of rel. */
static int give(struct ctx *c, const char *rel, unsigned int ctl, char *msg, size_t cap)
{
	const char *name = ctl_name(ctl);
	AUTO_FD fd = cg_open(c->root_fd, rel);
	char have[CG_KNOB];
	ssize_t n = fd < 0 ? fd : cg_read(fd, "cgroup.subtree_control", have, sizeof(have));
	int rc;

	if (n < 0)
		return fail((int)n, msg, cap, "open cgroup '%s'", shown(c, rel));
	if (cg_has_word(have, name))
		return 0;
	/* Only the root of the hierarchy is exempt, not the top of a container's view of it; it
	 * alone has no cgroup.type. */
	rc = faccessat(fd, "cgroup.type", F_OK, 0) == 0 ? cg_populated_here(fd) : 0;
	if (rc > 0)
		return fail(-EBUSY, msg, cap,
			    "cgroup '%s' holds processes itself, so its children cannot have the "
			    "controller '%s'",
			    shown(c, rel), name);
	if (rc < 0)
		return fail(rc, msg, cap, "read cgroup.procs of '%s'", shown(c, rel));
	rc = note_given(c, rel, name);
	if (rc < 0)
		return fail(rc, msg, cap, "note a controller");
	rc = cg_controller(fd, name, true);
	if (rc < 0)
		return fail(rc, msg, cap, "enable controller '%s' in '%s'", name, shown(c, rel));
	return 0;
}

/* Give ctl to the children of each level above rel, from the top; levels shorter than `skip` have
 * it already. Another kt-cgroup that ends at this moment may take it away above us again (ENOENT):
 * then once more from the top. */
static int give_down(struct ctx *c, const char *rel, size_t skip, unsigned int ctl, char *msg,
		     size_t cap)
{
	char path[PATH_MAX];
	size_t i;
	int rc = 0, tries;

	for (tries = 0; tries < 10; tries++) {
		rc = skip == 0 ? give(c, "", ctl, msg, cap) : 0;
		for (i = skip; rc == 0 && rel[i]; i++) {
			if (rel[i] != '/' || i == 0)
				continue;
			memcpy(path, rel, i);
			path[i] = '\0';
			rc = give(c, path, ctl, msg, cap);
		}
		if (rc != -ENOENT)
			break;
	}
	return rc;
}

int ctx_need(struct ctx *c, const char *rel, unsigned int ctl, char *msg, size_t cap)
{
	if (!(c->want & ctl))
		return fail(-EINVAL, msg, cap, "controller '%s' is not among --controllers",
			    ctl_name(ctl));
	return give_down(c, rel, 0, ctl, msg, cap);
}

/* Whether the mount has what is wanted; the one message for hosts that are still on v1. */
static int check_available(const struct ctx *c)
{
	char have[CG_KNOB];
	ssize_t n = cg_read(c->root_fd, "cgroup.controllers", have, sizeof(have));
	size_t i;

	if (n < 0)
		return warn_rc((int)n, "read '%s/cgroup.controllers'", c->mounts.v2);
	for (i = 0; i < KT_ARRAY_LEN(all_ctl); i++) {
		if (!(c->want & all_ctl[i]) || cg_has_word(have, ctl_name(all_ctl[i])))
			continue;
		warn_msg("the cgroup2 tree on '%s' has no '%s' controller (it has: %s); cgroup v1: "
			 "%s",
			 c->mounts.v2, ctl_name(all_ctl[i]), *have ? have : "none",
			 c->mounts.v1[0] ? c->mounts.v1 : "not mounted");
		return -EOPNOTSUPP;
	}
	return 0;
}

/* ---- making ---- */

static bool made_by_us(const struct ctx *c, const char *rel)
{
	size_t i;

	for (i = 0; i < c->n_made; i++)
		if (strcmp(c->made[i], rel) == 0)
			return true;
	return false;
}

/* Returns 1 when it was made, 0 when it was there, -errno. */
static int make_one(struct ctx *c, const char *rel)
{
	AUTO_FREE char *copy = strdup(rel);
	void *p = realloc(c->made, (c->n_made + 1) * sizeof(*c->made));
	AUTO_FD fd = -1;
	int rc;

	if (p)
		c->made = p;
	if (!p || !copy)
		return -ENOMEM;
	if (mkdirat(c->root_fd, rel, 0755) < 0)
		return errno == EEXIST ? 0 : -errno;
	c->made[c->n_made++] = take_ptr(&copy);
	if (!c->owner)
		return 1;
	fd = cg_open(c->root_fd, rel);
	rc = fd < 0 ? fd : cg_owner_set(fd, c->owner);
	return rc == 0 || rc == -EOPNOTSUPP ? 1 : rc; /* before 5.7 the name must do */
}

/* Make rel and what is missing above it. Returns as make_one for rel itself. */
static int make_path(struct ctx *c, const char *rel, char *msg, size_t cap)
{
	char path[PATH_MAX];
	size_t i;
	int rc;

	for (i = 0;; i++) {
		if (rel[i] != '/' && rel[i] != '\0')
			continue;
		memcpy(path, rel, i);
		path[i] = '\0';
		rc = make_one(c, path);
		if (rc < 0)
			return fail(rc, msg, cap, "make cgroup '%s'", shown(c, path));
		if (rel[i] == '\0')
			return rc;
	}
}

int ctx_make(struct ctx *c, const char *rel, char *msg, size_t cap)
{
	size_t k, parent = strlen(c->parent);
	int rc = make_path(c, rel, msg, cap);

	if (rc == 0 && !made_by_us(c, rel))
		return fail(-EEXIST, msg, cap, "cgroup '%s'", shown(c, rel));
	/* A cgroup with processes keeps the controllers to itself: its children can then hold
	 * processes too, and `effective` shows null. */
	for (k = 0; rc >= 0 && k < KT_ARRAY_LEN(all_ctl); k++) {
		if (c->want & all_ctl[k])
			rc = give_down(c, rel, parent + 1, all_ctl[k], msg, cap);
		rc = rc == -EBUSY ? 0 : rc;
	}
	return rc < 0 ? rc : 0;
}

void ctx_forget(struct ctx *c, const char *rel)
{
	size_t i, to = 0;

	for (i = 0; i < c->n_made; i++) {
		if (at_or_below(c->made[i], rel))
			free(c->made[i]);
		else
			c->made[to++] = c->made[i];
	}
	c->n_made = to;
	for (i = to = 0; i < c->n_gave; i++) {
		if (at_or_below(c->gave[i].path, rel))
			free(c->gave[i].path);
		else
			c->gave[to++] = c->gave[i];
	}
	c->n_gave = to;
}

/* ---- opening and undoing ---- */

/* The parent, and controllers for its children to come. An empty msg: has been told. */
static int make_parent(struct ctx *c, char *msg, size_t cap)
{
	char child[PATH_MAX + 2];
	size_t k;
	int rc = check_available(c);

	msg[0] = '\0';
	if (rc == 0 && *c->parent)
		rc = make_path(c, c->parent, msg, cap);
	(void)snprintf(child, sizeof(child), "%s%s-", c->parent, *c->parent ? "/" : "");
	for (k = 0; rc >= 0 && k < KT_ARRAY_LEN(all_ctl); k++)
		if (c->want & all_ctl[k])
			rc = give_down(c, child, 0, all_ctl[k], msg, cap);
	return rc;
}

int ctx_open(struct ctx *c, const char *parent, bool make)
{
	char msg[512];
	int rc;

	c->root_fd = c->parent_fd = -1;
	rc = cg_mounts_read(&c->mounts);
	if (rc < 0)
		return warn_rc(rc, "read '/proc/self/mountinfo'");
	if (c->mounts.v2[0] == '\0') {
		warn_msg("no cgroup2 file system is mounted; cgroup v1: %s",
			 c->mounts.v1[0] ? c->mounts.v1 : "not mounted either");
		return -ENODEV;
	}
	rc = cg_root_open(c->mounts.v2);
	if (rc < 0)
		return warn_rc(rc, "open the cgroup2 tree on '%s'", c->mounts.v2);
	c->root_fd = rc;
	rc = cg_rel(c->mounts.v2, parent, c->parent, sizeof(c->parent));
	if (rc == -EXDEV) {
		warn_msg("parent '%s' is not below the cgroup2 mount '%s' (cgroup v1: %s)", parent,
			 c->mounts.v2, c->mounts.v1[0] ? c->mounts.v1 : "not mounted");
		return rc;
	}
	if (rc < 0)
		return warn_rc(rc, "parent '%s'", parent);
	if (make) {
		rc = make_parent(c, msg, sizeof(msg));
		if (rc < 0)
			return *msg ? warn_rc(rc, "%s", msg) : rc;
	}
	rc = cg_open(c->root_fd, c->parent);
	if (rc < 0)
		return warn_rc(rc, "open cgroup '%s'", ctx_show(c->parent));
	c->parent_fd = rc;
	return 0;
}

static int is_child(int cg_fd, const char *name, void *arg)
{
	(void)cg_fd;
	(void)name;
	(void)arg;
	return -ECANCELED;
}

int ctx_undo(struct ctx *c)
{
	int worst = 0;

	while (c->n_made > 0) {
		char *path = c->made[--c->n_made];
		int rc = cg_rmtree(c->root_fd, path, -1, mono_ns() + CGROUP_DEADLINE_NS,
				   &c->removed);

		if (rc < 0) {
			worst = warn_rc(rc, "remove cgroup '%s'", path);
			c->left++;
		}
		free(path);
	}
	while (c->n_gave > 0) {
		char *path = c->gave[--c->n_gave].path;
		AUTO_FD fd = cg_open(c->root_fd, path);
		int rc;

		/* Only where no cgroup is left that could be using it. One of ours that was removed
		 * is gone (ENOENT); EBUSY: somebody has begun to use it just now. */
		if (fd >= 0 && cg_each_child(fd, is_child, NULL) == 0) {
			rc = cg_controller(fd, c->gave[c->n_gave].ctl, false);
			if (rc < 0 && rc != -EBUSY && rc != -ENODEV)
				worst = warn_rc(rc, "disable controller '%s' in '%s'",
						c->gave[c->n_gave].ctl, ctx_show(path));
		}
		free(path);
	}
	return worst;
}

void ctx_close(struct ctx *c)
{
	while (c->n_made > 0)
		free(c->made[--c->n_made]);
	while (c->n_gave > 0)
		free(c->gave[--c->n_gave].path);
	free(c->made);
	free(c->gave);
	c->made = NULL;
	c->gave = NULL;
	drop_fd(&c->parent_fd);
	drop_fd(&c->root_fd);
}
