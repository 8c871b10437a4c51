/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb git-status: which commit a tree of sources is, and whether it has been changed since. */
#include "cleanup.h"
#include "die.h"
#include "verbs.h"

#include <errno.h>
#include <git2.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct tree {
	const char *dir; /* its full name */
	git_repository *repo;
	git_commit *commit;
	git_tree *top;
};

static int say(const struct tree *t, const char *what)
{
	const git_error *e = git_error_last();

	warn_msg("%s '%s': %s", what, t->dir, e && e->message ? e->message : "no reason given");
	return -EIO;
}

/* Any tracked file of the directory that differs between commit, index and disk. 1, 0 or -errno. */
static int is_dirty(const struct tree *t, const char *below)
{
	git_diff_options o = GIT_DIFF_OPTIONS_INIT;
	char *spec[] = { strdupa(below) };
	git_diff *staged = NULL, *changed = NULL;
	int rc;

	o.ignore_submodules = GIT_SUBMODULE_IGNORE_ALL;
	o.flags = GIT_DIFF_IGNORE_SUBMODULES | GIT_DIFF_DISABLE_PATHSPEC_MATCH |
		  GIT_DIFF_SKIP_BINARY_CHECK;
	if (*below)
		o.pathspec = (git_strarray){ .strings = spec, .count = 1 };
	rc = git_diff_tree_to_index(&staged, t->repo, t->top, NULL, &o);
	if (rc == 0 && git_diff_num_deltas(staged) == 0)
		rc = git_diff_index_to_workdir(&changed, t->repo, NULL, &o);
	if (rc < 0)
		rc = say(t, "compare the files of");
	else
		rc = git_diff_num_deltas(staged) > 0 ||
		     (changed && git_diff_num_deltas(changed) > 0);
	git_diff_free(staged);
	git_diff_free(changed);
	return rc;
}

/* The tree's place in the work tree of its repository, "" for the top of it. Returns 1; 0 when it
 * merely lies there, and the repository knows nothing of it. */
static int place(const struct tree *t, char *buf, size_t cap)
{
	const char *work = git_repository_workdir(t->repo);
	AUTO_FREE char *top = work ? realpath(work, NULL) : NULL;
	git_tree_entry *e = NULL;
	size_t n = top ? strlen(top) : 0;
	int rc;

	if (!top || strncmp(t->dir, top, n) != 0 || (t->dir[n] && t->dir[n] != '/'))
		return 0;
	(void)snprintf(buf, cap, "%s", t->dir[n] ? t->dir + n + 1 : ""); /* no longer than dir */
	if (!*buf)
		return 1;
	rc = git_tree_entry_bypath(&e, t->top, buf);
	if (rc == 0)
		rc = git_tree_entry_type(e) == GIT_OBJECT_TREE;
	else
		rc = 0;
	git_tree_entry_free(e);
	return rc;
}

/* Returns 1 and the facts, 0 when the tree is of no repository, -errno. */
static int inspect(struct tree *t, char commit[GIT_OID_HEXSZ + 1], bool *ret_dirty)
{
	git_reference *head = NULL;
	git_object *o = NULL;
	char below[PATH_MAX];
	int rc = git_repository_open_ext(&t->repo, t->dir, 0, NULL);

	if (rc == GIT_ENOTFOUND)
		return 0;
	if (rc < 0)
		return say(t, "open the git repository of");
	rc = git_repository_head(&head, t->repo);
	if (rc == GIT_EUNBORNBRANCH || rc == GIT_ENOTFOUND)
		return 0; /* nothing was ever committed */
	if (rc == 0)
		rc = git_reference_peel(&o, head, GIT_OBJECT_COMMIT);
	git_reference_free(head);
	t->commit = (git_commit *)o;
	if (rc == 0)
		rc = git_commit_tree(&t->top, t->commit);
	if (rc < 0)
		return say(t, "find the commit of");
	if (!place(t, below, sizeof(below)))
		return 0;
	git_oid_tostr(commit, GIT_OID_HEXSZ + 1, git_commit_id(t->commit));
	rc = is_dirty(t, below);
	*ret_dirty = rc > 0;
	return rc < 0 ? rc : 1;
}

int verb_git_status(struct verb_ctx *f)
{
	AUTO_FREE char *dir = realpath(f->args[0], NULL);
	struct tree t = { .dir = dir };
	char commit[GIT_OID_HEXSZ + 1] = "";
	bool dirty = false;
	int64_t when = 0;
	int git, rc;

	if (!dir)
		return warn_rc(-errno, "open '%s'", f->args[0]);
	if (git_libgit2_init() < 0)
		return say(&t, "use libgit2 for");
	/* Whose it is does not matter: nothing of the repository's settings is ever run. */
	if (git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0) < 0)
		return say(&t, "use libgit2 for");
	git = inspect(&t, commit, &dirty);
	if (git > 0)
		when = git_commit_time(t.commit);
	git_tree_free(t.top);
	git_commit_free(t.commit);
	git_repository_free(t.repo);
	(void)git_libgit2_shutdown(); /* the count of users that are left */
	if (git < 0)
		return git;
	rc = stream_begin(f, -1);
	if (rc < 0)
		return rc;
	jsonw_begin(&f->w, "tree");
	jsonw_str(&f->w, "dir", dir);
	jsonw_bool(&f->w, "git", git);
	jsonw_str(&f->w, "commit", git ? commit : NULL);
	if (git) {
		jsonw_i64(&f->w, "commit_time", when);
		jsonw_bool(&f->w, "dirty", dirty);
	} else {
		jsonw_null(&f->w, "commit_time");
		jsonw_null(&f->w, "dirty");
	}
	return stream_record(f);
}
