/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs git and git-head: a commit of a repository elsewhere, by libgit2. */
#include "cleanup.h"
#include "die.h"
#include "dur.h"
#include "gitref.h"
#include "verbs.h"
#include "workdir.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/time.h>

#define TREE "linux" /* the directory that a clone gets */
#define PAUSE_MS 1000 /* before another attempt; doubles */
#define HAS_DEPTH (LIBGIT2_VER_MAJOR > 1 || (LIBGIT2_VER_MAJOR == 1 && LIBGIT2_VER_MINOR >= 7))

struct job {
	struct verb_ctx *f;
	const char *ref;
	char url[URL_BYTES];
	/* what the ref means */
	char commit[GIT_HEX + 1];
	char name[URL_BYTES]; /* its full name, or "": not offered by name */
};

/* ---- an end to waiting: libgit2 before 1.7 has none ---- */

static void on_alarm(int sig)
{
	static const char text[] = "kt-kernel-fetch: the git server has sent nothing for too long "
				   "(KTSTR_NET_STALL)\n";
	ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)sig;
	(void)n; /* there is nobody else to tell */
	_exit(KT_FAIL);
}

/* From now on something must come within the time; 0: never mind. */
static void expect_within(uint64_t ns)
{
	struct itimerval t = { .it_value = { .tv_sec = (time_t)(ns / NSEC_PER_SEC),
					     .tv_usec = (suseconds_t)(ns % NSEC_PER_SEC /
								      NSEC_PER_USEC) } };

	(void)setitimer(ITIMER_REAL, &t, NULL); /* fails for negative times only */
}

static int watch(const struct job *j)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	sigset_t alarm_only;

	(void)sigemptyset(&alarm_only);
	(void)sigaddset(&alarm_only, SIGALRM);
	if (sigaction(SIGALRM, &sa, NULL) < 0 || sigprocmask(SIG_UNBLOCK, &alarm_only, NULL) < 0)
		return warn_rc(-errno, "set up signals");
	expect_within(j->f->http.stall_ns);
	return 0;
}

static int on_progress(const git_indexer_progress *p, void *arg)
{
	struct job *j = arg;

	expect_within(j->f->http.stall_ns);
	progress_at(&j->f->progress, p->received_bytes);
	return 0;
}

static int on_sideband(const char *text, int len, void *arg)
{
	struct job *j = arg;

	(void)text;
	(void)len;
	expect_within(j->f->http.stall_ns);
	return 0;
}

static void on_checkout(const char *path, size_t done, size_t total, void *arg)
{
	struct job *j = arg;

	(void)path;
	j->f->progress.total = total;
	progress_at(&j->f->progress, done);
}

/* ---- libgit2's errors ---- */

static int say(const struct job *j, const char *what)
{
	const git_error *e = git_error_last();

	progress_end(&j->f->progress);
	warn_msg("%s '%s': %s", what, j->url, e && e->message ? e->message : "no reason given");
	return -EIO;
}

/* May it be better the next time? */
static bool passing(void)
{
	const git_error *e = git_error_last();

	if (!e || !e->message)
		return false;
	if (e->klass == GIT_ERROR_HTTP)
		return strstr(e->message, "status code: 5") != NULL;
	return e->klass == GIT_ERROR_NET || e->klass == GIT_ERROR_OS;
}

/* Wait before attempt number `tries`; false when there have been enough. */
static bool again(const struct job *j, unsigned int tries)
{
	const git_error *e = git_error_last();
	unsigned int ms = PAUSE_MS << (tries < 3 ? tries : 3);
	char text[32];

	if (!passing() || tries >= j->f->http.retries)
		return false;
	progress_end(&j->f->progress);
	expect_within(0);
	dur_format(ms * NSEC_PER_MSEC, text, sizeof(text));
	if (!j->f->quiet)
		warn_msg("get '%s': %s; trying again in %s", j->url, e->message, text);
	(void)poll(NULL, 0, (int)ms); /* too early is no harm */
	expect_within(j->f->http.stall_ns);
	return true;
}

/* ---- what is offered ---- */

static int connect_once(const struct job *j, git_remote *r)
{
	git_remote_callbacks cb = GIT_REMOTE_CALLBACKS_INIT;
	git_proxy_options proxy = GIT_PROXY_OPTIONS_INIT;

	cb.payload = (void *)(uintptr_t)j;
	cb.sideband_progress = on_sideband;
	proxy.type = GIT_PROXY_AUTO;
	return git_remote_connect(r, GIT_DIRECTION_FETCH, &cb, &proxy, NULL);
}

/* What the ref means, of a connected remote. Returns 0 or -errno; says why. */
static int look_up(struct job *j, git_remote *r)
{
	const git_remote_head **heads;
	const struct gitref *found;
	const char *commit = NULL;
	AUTO_FREE struct gitref *v = NULL;
	size_t n, i;

	if (git_remote_ls(&heads, &n, r) < 0)
		return say(j, "list the refs of");
	v = calloc(n + 1, sizeof(*v));
	if (!v)
		return warn_rc(-ENOMEM, "list the refs of '%s'", j->url);
	for (i = 0; i < n; i++) {
		v[i].name = heads[i]->name;
		git_oid_tostr(v[i].commit, sizeof(v[i].commit), &heads[i]->oid);
	}
	found = gitref_find(v, n, j->ref, &commit);
	if (found) {
		memcpy(j->commit, commit, sizeof(j->commit));
		return source_text(j->name, sizeof(j->name), found->name) < 0
			       ? warn_rc(-ENAMETOOLONG, "name '%s'", j->ref)
			       : 0;
	}
	if (!gitref_is_commit(j->ref)) {
		warn_msg("'%s' has no branch or tag '%s', and that is no full commit either",
			 j->url, j->ref);
		return -ENOENT;
	}
	for (i = 0; i < GIT_HEX; i++)
		j->commit[i] = (char)(j->ref[i] | 0x20); /* digits have that bit */
	j->commit[GIT_HEX] = '\0';
	for (i = 0; i < n; i++) /* offered by some name: then that is how to get it */
		if (strcmp(v[i].commit, j->commit) == 0 && !strstr(v[i].name, "^{}") &&
		    strncmp(v[i].name, "refs/", 5) == 0)
			return source_text(j->name, sizeof(j->name), v[i].name);
	return 0;
}

static int head(struct job *j)
{
	git_remote *r = NULL;
	unsigned int tries;
	int rc = watch(j);

	if (rc < 0)
		return rc;
	if (git_remote_create_detached(&r, j->url) < 0)
		return say(j, "use");
	for (tries = 0; (rc = connect_once(j, r)) < 0 && again(j, tries); tries++)
		;
	rc = rc < 0 ? say(j, "reach") : look_up(j, r);
	expect_within(0);
	git_remote_free(r);
	return rc;
}

/* ---- the clone ---- */

/* Fetch one refspec (NULL: all branches and tags), as often as it takes. Returns libgit2's code. */
static int fetch(struct job *j, git_remote *r, const char *spec)
{
	git_fetch_options o = GIT_FETCH_OPTIONS_INIT;
	char *all[] = { (char[]){ "+refs/heads/*:refs/remotes/origin/*" },
			(char[]){ "+refs/tags/*:refs/tags/*" } };
	char *one[] = { strdupa(spec ? spec : "") };
	git_strarray specs = { .strings = spec ? one : all, .count = spec ? 1 : 2 };
	unsigned int tries;
	int rc;

	o.callbacks.payload = j;
	o.callbacks.sideband_progress = on_sideband;
	o.callbacks.transfer_progress = on_progress;
	o.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	o.update_fetchhead = 0;
	o.proxy_opts.type = GIT_PROXY_AUTO;
#if HAS_DEPTH
	o.depth = spec ? 1 : 0;
#endif
	for (tries = 0;; tries++) {
		progress_begin(&j->f->progress, 0, 0, "getting %s of %s", j->ref, j->url);
		rc = git_remote_fetch(r, &specs, &o, NULL);
		if (rc == 0 || !again(j, tries))
			break;
	}
	progress_end(&j->f->progress);
	return rc;
}

/* Bring the commit into the repository. */
static int bring(struct job *j, git_repository *repo, git_commit **ret)
{
	char spec[2 * URL_BYTES + 32];
	git_remote *r = NULL;
	git_oid oid;
	int rc;

	if (git_remote_create(&r, repo, "origin", j->url) < 0)
		return say(j, "use");
	(void)snprintf(spec, sizeof(spec), "+%s:%s%s", j->name[0] ? j->name : j->commit,
		       strncmp(j->name, "refs/tags/", 10) == 0 ? "" : "refs/ktstr/",
		       strncmp(j->name, "refs/tags/", 10) == 0 ? j->name : "fetched"); /* fits */
	rc = git_oid_fromstr(&oid, j->commit);
	if (rc == 0)
		rc = fetch(j, r, spec);
	if (rc == 0)
		rc = git_commit_lookup(ret, repo, &oid);
	if (rc < 0 && !j->name[0]) {
		/* Not every server gives a commit by its number: it may lie on a branch. */
		if (!j->f->quiet)
			warn_msg("'%s' does not give a commit by its number: getting all branches",
				 j->url);
		rc = fetch(j, r, NULL);
		if (rc == 0)
			rc = git_commit_lookup(ret, repo, &oid);
	}
	git_remote_free(r);
	return rc < 0 ? say(j, "get") : 0;
}

static int check_out(struct job *j, git_repository *repo, git_commit *commit)
{
	git_checkout_options o = GIT_CHECKOUT_OPTIONS_INIT;

	o.checkout_strategy = GIT_CHECKOUT_FORCE;
	o.progress_cb = on_checkout;
	o.progress_payload = j;
	progress_begin(&j->f->progress, 0, 0, "checking out %.12s", j->commit);
	if (git_checkout_tree(repo, (const git_object *)commit, &o) < 0 ||
	    git_repository_set_head_detached(repo, git_commit_id(commit)) < 0)
		return say(j, "check out a commit of");
	progress_end(&j->f->progress);
	return 0;
}

static int work(struct workdir *w, void *arg, void *result)
{
	struct job *j = arg;
	struct source *s = result;
	git_repository *repo = NULL;
	git_commit *commit = NULL;
	char dir[PATH_MAX];
	int rc = head(j);

	if (rc < 0 || (rc = watch(j)) < 0)
		return rc;
	(void)snprintf(dir, sizeof(dir), "/proc/self/fd/%d", w->fd);
	/* libgit2 writes its path into no file, but goes by it: the real one. */
	if (fchdir(w->fd) < 0)
		return warn_rc(-errno, "enter the work directory '%s'", w->name);
	if (git_repository_init(&repo, TREE, 0) < 0)
		return say(j, "make a repository for");
	rc = bring(j, repo, &commit);
	expect_within(0);
	if (rc == 0) {
		s->commit_time = git_commit_time(commit);
		rc = check_out(j, repo, commit);
	}
	git_commit_free(commit);
	git_repository_free(repo);
	if (rc < 0)
		return rc;
	rc = workdir_publish(w, TREE);
	if (rc == 0)
		rc = workdir_path(w, TREE, s->dir, sizeof(s->dir));
	if (rc < 0)
		return warn_rc(rc, "rename '%s/" TREE "'", w->name);
	if (source_text(s->url, sizeof(s->url), j->url) < 0 ||
	    source_text(s->ref, sizeof(s->ref), j->ref) < 0 ||
	    source_text(s->commit, sizeof(s->commit), j->commit) < 0 ||
	    source_text(s->verified_by, sizeof(s->verified_by),
			gitref_is_commit(j->ref) ? "commit" : "") < 0)
		return warn_rc(-ENAMETOOLONG, "tell about '%s'", j->url);
	return 0;
}

/* ---- the verbs ---- */

/* A directory of this machine gets its full name: what is fetched is fetched elsewhere. */
static int set_url(struct job *j)
{
	AUTO_FREE char *path = NULL;
	const char *url = j->f->args[0];

	if (!strstr(url, "://") && access(url, F_OK) == 0) {
		path = realpath(url, NULL);
		if (!path)
			return warn_rc(-errno, "name '%s'", url);
		url = path;
	}
	if (!*j->ref || *j->ref == '-' || strpbrk(j->ref, " ~^:?*[\\\t\n"))
		die_usage("bad --ref '%s'", j->ref);
	return source_text(j->url, sizeof(j->url), url) < 0
		       ? warn_rc(-ENAMETOOLONG, "use '%s'", url)
		       : 0;
}

static int start(struct job *j, struct verb_ctx *f)
{
	j->f = f;
	j->ref = f->ref;
	if (git_libgit2_init() < 0)
		return say(j, "use libgit2 for");
	return set_url(j);
}

int verb_git_head(struct verb_ctx *f)
{
	struct job j = { 0 };
	int rc = start(&j, f);

	if (rc == 0)
		rc = head(&j);
	if (rc == 0)
		rc = stream_begin(f, -1);
	if (rc == 0) {
		jsonw_begin(&f->w, "ref");
		jsonw_str(&f->w, "url", j.url);
		jsonw_str(&f->w, "ref", j.ref);
		jsonw_str(&f->w, "commit", j.commit);
		rc = stream_record(f);
	}
	(void)git_libgit2_shutdown(); /* the count of users that are left */
	return rc;
}

int verb_git(struct verb_ctx *f)
{
	struct job j = { 0 };
	struct source s = { .kind = "git" };
	int rc = start(&j, f);

	if (rc == 0)
		rc = workdir_run(f->into, work, &j, &s, sizeof(s));
	(void)git_libgit2_shutdown(); /* as above */
	return rc < 0 ? rc : stream_source(f, &s);
}
