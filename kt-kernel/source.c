/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which source a kernel is to be built of, and how it comes here. kt-kernel-fetch does the work. */
#include "cleanup.h"
#include "die.h"
#include "job.h"
#include "jsonr.h"
#include "lock.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* The reason is what it has said last: "kt-kernel-fetch: WHAT". On a terminal it speaks for itself.
 */
static int fetch_failed(struct job *j, int rc, const struct buf *said)
{
	static const char name[] = "kt-kernel-fetch: ";
	const char *p = said->p, *end = p ? p + said->len : NULL, *from = NULL;

	while (end > p && end[-1] == '\n')
		end--;
	if (p) {
		from = memrchr(p, '\n', (size_t)(end - p));
		from = from ? from + 1 : p;
		if ((size_t)(end - from) > sizeof(name) - 1 &&
		    memcmp(from, name, sizeof(name) - 1) == 0)
			from += sizeof(name) - 1;
	}
	if (rc == -EIO && from && from < end)
		(void)snprintf(j->reason, sizeof(j->reason), "%.*s", (int)(end - from), from);
	else
		(void)snprintf(j->reason, sizeof(j->reason), "%s",
			       rc == -EIO ? "kt-kernel-fetch failed, and said why" : strerror(-rc));
	return rc;
}

/* Run a verb and hand its records of the type to fn, of which there must be one at least. */
static int ask(struct job *j, const char *const *args, const char *type,
	       int (*fn)(const json_t *rec, void *arg), void *arg)
{
	AUTO_BUF out = BUF_INIT;
	AUTO_BUF said = BUF_INIT;
	int rc, n;

	j->fetcher.said = isatty(STDERR_FILENO) == 1 ? NULL : &said;
	j->fetcher.echo = true;
	rc = fetcher_run(&j->fetcher, args, &out);
	j->fetcher.said = NULL;
	if (rc < 0)
		return fetch_failed(j, rc, &said);
	n = fetcher_each(&out, type, fn, arg);
	if (n < 0)
		return job_fail_rc(j, n, "read what kt-kernel-fetch %s says", args[0]);
	return n > 0 ? 0 : job_fail(j, -ENOENT, "kt-kernel-fetch %s found nothing", args[0]);
}

static int take(char *buf, size_t cap, const json_t *o, const char *name)
{
	const char *s = rec_str(o, name, "");

	return snprintf(buf, cap, "%s", s) < (int)cap ? 0 : -ENAMETOOLONG;
}

/* "6.12.3" and "6.15-rc3" say it all; "6.12" is a series. */
static bool exact_version(const char *s)
{
	size_t dots = 0;

	if (strstr(s, ".."))
		return false;
	if (strstr(s, "-rc"))
		return true;
	for (; *s; s++)
		dots += *s == '.';
	return dots == 2;
}

static int add_version(const json_t *o, void *arg)
{
	struct versions *all = arg;
	const json_t *eol = json_object_get(o, "eol");
	struct version *v;

	if (all->n == all->cap) {
		v = reallocarray(all->v, all->cap + 16, sizeof(*v));
		if (!v)
			return -ENOMEM;
		all->v = v;
		all->cap += 16;
	}
	v = &all->v[all->n++];
	v->eol = json_is_boolean(eol) ? (json_is_true(eol) ? TRI_YES : TRI_NO) : TRI_UNKNOWN;
	return take(v->version, sizeof(v->version), o, "version");
}

int source_versions(struct job *j, struct versions *ret)
{
	const char *args[] = { "resolve", j->b->what, NULL }; /* what NULL ends them */

	if (j->b->what && exact_version(j->b->what)) { /* no need to ask anybody */
		ret->v = calloc(1, sizeof(*ret->v));
		if (!ret->v)
			return job_fail_rc(j, -ENOMEM, "name the version");
		ret->n = ret->cap = 1;
		ret->v->eol = TRI_UNKNOWN;
		return snprintf(ret->v->version, sizeof(ret->v->version), "%s", j->b->what) <
				       (int)sizeof(ret->v->version)
			       ? 0
			       : job_fail(j, -EINVAL, "'%s' is no version", j->b->what);
	}
	return ask(j, args, "version", add_version, ret);
}

/* ---- a package of the distribution */

static int package_found(const json_t *o, void *arg)
{
	struct job *j = arg;

	(void)take(j->k.package, sizeof(j->k.package), o, "package");
	return take(j->k.package_version, sizeof(j->k.package_version), o, "version");
}

/* apt's state for sources, which only one of us uses at a time. Returns the lock or -errno (said).
 */
static int apt_state(struct job *j, char *buf, size_t cap)
{
	const char *suite = j->b->suite ? j->b->suite : "of-this-system";
	AUTO_FD lock = -1;
	int rc;

	if (snprintf(buf, cap, "%s/apt/sources-%s", j->cache, suite) >= (int)cap)
		return job_fail_rc(j, -ENAMETOOLONG, "name a directory for apt");
	rc = job_make_dirs(buf);
	if (rc < 0)
		return job_fail_rc(j, rc, "make '%s'", buf);
	lock = job_lock(j, "apt-sources", suite, true);
	return lock < 0 ? lock : take_fd(&lock);
}

static int identify_package(struct job *j)
{
	char state[PATH_MAX];
	AUTO_FD lock = apt_state(j, state, sizeof(state));
	const char *args[] = {
		"apt-source-list", j->b->package, "--state", state, NULL, NULL, NULL
	};
	int rc;

	if (lock < 0)
		return lock;
	if (j->b->suite)
		args[4] = "--suite", args[5] = j->b->suite;
	rc = ask(j, args, "package", package_found, j);
	if (rc < 0)
		return rc;
	if (!j->k.package_version[0])
		return job_fail(j, -EBADMSG, "package '%s' has no version", j->b->package);
	(void)snprintf(j->k.source, sizeof(j->k.source), "package");
	(void)snprintf(j->k.suite, sizeof(j->k.suite), "%s", j->b->suite ? j->b->suite : "");
	(void)snprintf(j->label, sizeof(j->label), "%s %s", j->b->package, j->k.package_version);
	return 0;
}

/* ---- git */

static int ref_found(const json_t *o, void *arg)
{
	struct job *j = arg;

	return take(j->k.commit, sizeof(j->k.commit), o, "commit");
}

static int identify_git(struct job *j)
{
	const char *const args[] = { "git-head", j->b->url, "--ref", j->b->ref, NULL };
	int rc = ask(j, args, "ref", ref_found, j);

	if (rc < 0)
		return rc;
	if (strlen(j->k.commit) < 40 ||
	    strspn(j->k.commit, "0123456789abcdef") != strlen(j->k.commit))
		return job_fail(j, -EBADMSG, "'%s' of '%s' is no commit: '%s'", j->b->ref,
				j->b->url, j->k.commit);
	(void)snprintf(j->k.source, sizeof(j->k.source), "git");
	if (snprintf(j->k.url, sizeof(j->k.url), "%s", j->b->url) >= (int)sizeof(j->k.url) ||
	    snprintf(j->k.ref, sizeof(j->k.ref), "%s", j->b->ref) >= (int)sizeof(j->k.ref))
		return job_fail_rc(j, -ENAMETOOLONG, "name the repository");
	(void)snprintf(j->label, sizeof(j->label), "%s (%.12s)", j->b->ref, j->k.commit);
	return 0;
}

/* ---- a tree of the user's */

struct tree_state {
	char commit[65];
	enum tristate dirty;
	uint64_t epoch; /* of the commit; 0: unknown */
};

static int tree_found(const json_t *o, void *arg)
{
	struct tree_state *t = arg;
	const json_t *dirty = json_object_get(o, "dirty");

	t->dirty = json_is_boolean(dirty) ? (json_is_true(dirty) ? TRI_YES : TRI_NO) : TRI_UNKNOWN;
	t->epoch = rec_u64(o, "commit_time", 0);
	return take(t->commit, sizeof(t->commit), o, "commit");
}

int source_tree_state(struct job *j, char commit[65], enum tristate *ret_dirty, uint64_t *ret_epoch)
{
	const char *const args[] = { "git-status", j->tree, NULL };
	struct tree_state t = { .dirty = TRI_UNKNOWN };
	int rc = ask(j, args, "tree", tree_found, &t);

	if (rc < 0)
		return rc;
	memcpy(commit, t.commit, sizeof(t.commit));
	*ret_dirty = t.commit[0] ? t.dirty : TRI_UNKNOWN; /* without git nobody knows */
	if (ret_epoch)
		*ret_epoch = t.epoch;
	return 0;
}

int source_epoch(struct job *j)
{
	char path[PATH_MAX + 16];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/Makefile", j->tree);
	if (stat(path, &st) < 0)
		return job_fail_rc(j, -errno, "look at '%s'", path);
	j->epoch = st.st_mtime > 0 ? (uint64_t)st.st_mtime : 0;
	return 0;
}

static int identify_tree(struct job *j)
{
	static const char *const has[] = { "Makefile", "Kconfig" };
	char path[PATH_MAX + 16];
	const char *base;
	size_t i;
	int rc;

	if (!realpath(j->b->tree, j->tree))
		return job_fail_rc(j, -errno, "find '%s'", j->b->tree);
	for (i = 0; i < KT_ARRAY_LEN(has); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", j->tree, has[i]);
		if (access(path, R_OK) < 0)
			return job_fail(j, -EINVAL, "'%s' is no tree of a kernel: it has no %s",
					j->tree, has[i]);
	}
	rc = source_tree_state(j, j->k.commit, &j->k.dirty, &j->epoch);
	if (rc == 0 && j->epoch == 0)
		rc = source_epoch(j);
	if (rc < 0)
		return rc;
	(void)snprintf(path, sizeof(path), "%s/.config", j->tree);
	j->user_config = access(path, F_OK) == 0;
	(void)snprintf(j->k.source, sizeof(j->k.source), "local");
	(void)snprintf(j->k.tree, sizeof(j->k.tree), "%s", j->tree);
	base = strrchr(j->tree, '/');
	(void)snprintf(j->label, sizeof(j->label), "%.180s", base && base[1] ? base + 1 : j->tree);
	return 0;
}

int source_identify(struct job *j, const struct version *v)
{
	if (j->b->tree)
		return identify_tree(j);
	if (j->b->package)
		return identify_package(j);
	if (j->b->url)
		return identify_git(j);
	(void)snprintf(j->k.source, sizeof(j->k.source), "tarball");
	(void)snprintf(j->k.version, sizeof(j->k.version), "%s", v->version);
	(void)snprintf(j->label, sizeof(j->label), "linux-%s", v->version);
	j->k.eol = v->eol;
	return 0;
}

/* ---- bringing it */

static int source_found(const json_t *o, void *arg)
{
	struct job *j = arg;
	const json_t *verified = json_object_get(o, "verified");
	char commit[65] = "";
	int rc = take(j->tree, sizeof(j->tree), o, "dir");

	if (rc == 0)
		rc = take(j->download, sizeof(j->download), o, "file");
	if (rc == 0 && !j->k.url[0])
		rc = take(j->k.url, sizeof(j->k.url), o, "url");
	if (rc == 0)
		rc = take(commit, sizeof(commit), o, "commit");
	if (rc < 0)
		return rc;
	if (json_is_boolean(verified))
		j->k.verified = json_is_true(verified) ? TRI_YES : TRI_NO;
	j->epoch = rec_u64(o, "commit_time", 0); /* null when it has no commit */
	if (commit[0] && strcmp(commit, j->k.commit) != 0)
		return job_fail(j, -ESTALE, "'%s' of '%s' has moved on meanwhile: build it again",
				j->k.ref, j->k.url);
	return 0;
}

int source_fetch(struct job *j)
{
	char state[PATH_MAX];
	AUTO_FD lock = -1;
	const char *args[12] = { NULL };
	int rc, n = 0;

	if (j->b->package) {
		lock = apt_state(j, state, sizeof(state));
		if (lock < 0)
			return lock;
		args[n++] = "apt-source";
		args[n++] = j->b->package;
		args[n++] = "--state";
		args[n++] = state;
		args[n++] = "--package-version";
		args[n++] = j->k.package_version;
		if (j->b->suite) {
			args[n++] = "--suite";
			args[n++] = j->b->suite;
		}
	} else if (j->b->url) {
		args[n++] = "git";
		args[n++] = j->b->url;
		args[n++] = "--ref";
		args[n++] = j->b->ref;
	} else {
		args[n++] = "tarball";
		args[n++] = j->k.version;
	}
	args[n++] = "--into";
	args[n++] = j->work;
	rc = ask(j, args, "source", source_found, j);
	if (rc == 0 && strncmp(j->tree, j->work, strlen(j->work)) != 0)
		rc = job_fail(j, -EBADMSG, "the source is in '%s', not below '%s'", j->tree,
			      j->work);
	if (rc == 0 && j->epoch == 0)
		rc = source_epoch(j);
	return rc;
}
