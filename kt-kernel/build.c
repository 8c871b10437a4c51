/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds kernels into the cache: which source, which key, is it there already? Else the source is
 * brought to CACHE/build/KEY (a tree of the user's stays where it is), configured, made, checked
 * and published. */
#include "build.h"
#include "cache.h"
#include "cachedir.h"
#include "cleanup.h"
#include "die.h"
#include "holders.h"
#include "job.h"
#include "key.h"
#include "lock.h"
#include "mono.h"
#include "sig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#define LOCK_TICK_MS 100 /* a signal is noticed within this while waiting for a lock */

/* ---- what the modules share */

__attribute__((format(printf, 3, 0))) static void keep_reason(struct job *j, int err,
							      const char *fmt, va_list ap)
{
	size_t n;

	phase_drop(&j->phase);
	(void)vsnprintf(j->reason, sizeof(j->reason), fmt, ap); /* cut, if need be */
	n = strlen(j->reason);
	if (err)
		(void)snprintf(j->reason + n, sizeof(j->reason) - n, ": %s", strerror(err));
	warn_msg("%s", j->reason);
}

int job_fail(struct job *j, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	keep_reason(j, 0, fmt, ap);
	va_end(ap);
	return rc;
}

int job_fail_rc(struct job *j, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	keep_reason(j, -rc, fmt, ap);
	va_end(ap);
	return rc;
}

int job_make_dirs(const char *path)
{
	char *p = strdupa(path), *at;

	for (at = p + 1; (at = strchr(at, '/')); *at++ = '/') {
		*at = '\0';
		if (mkdir(p, 0700) < 0 && errno != EEXIST)
			return -errno;
	}
	return mkdir(p, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int job_lock(struct job *j, const char *kind, const char *key, bool wait)
{
	char path[PATH_MAX], who[HOLDERS_TEXT];
	struct pollfd pf = { j->fetcher.sig_fd, POLLIN, 0 };
	int fd = lock_cache(kind, key, LOCK_EXCLUSIVE, 0);

	if (fd == -EWOULDBLOCK && lock_cache_path(kind, key, path, sizeof(path))) {
		holders_text_of(path, who, sizeof(who));
		if (!wait)
			return job_fail(j, fd, "%s: '%s' is locked by %s", j->label, key, who);
		if (!j->b->quiet)
			warn_msg("%s: waiting for %s, which works on the same", j->label, who);
	}
	while (fd == -EWOULDBLOCK) {
		if (poll(&pf, 1, 0) > 0) {
			warn_msg("stopped by a signal");
			return -EINTR;
		}
		fd = lock_cache(kind, key, LOCK_EXCLUSIVE, LOCK_TICK_MS);
	}
	return fd < 0 ? job_fail_rc(j, fd, "lock '%s-%s'", kind, key) : fd;
}

/* ---- one kernel */

static int make_key(struct job *j, const char *config_hash)
{
	const struct key_parts parts = { j->tools.machine, config_hash, j->tools.text };
	struct kernel *k = &j->k;
	int rc;

	if (strcmp(k->source, "package") == 0)
		rc = key_package(&parts, k->package_version, k->key);
	else if (strcmp(k->source, "git") == 0)
		rc = key_git(&parts, k->ref, k->commit, k->key);
	else if (strcmp(k->source, "tarball") == 0)
		rc = key_tarball(&parts, k->version, k->key);
	else if (k->dirty == TRI_NO)
		rc = key_local(&parts, k->commit, k->key);
	else
		rc = key_dirty(&parts, j->tree, k->key);
	return rc < 0 ? job_fail_rc(j, rc, "name %s in the cache", j->label) : 0;
}

/* Is it in the cache? 1, 0 or -errno (said). A tree with changes never is. */
static int look_up(struct job *j)
{
	struct kernel k;
	int rc;

	if (j->b->force || (j->b->tree && j->k.dirty != TRI_NO))
		return 0;
	rc = cache_load(j->k.key, &k);
	if (rc == -ENOENT || rc == -ENOTDIR || (rc == 0 && k.damage != DAMAGE_NONE))
		return 0;
	if (rc < 0)
		return job_fail_rc(j, rc, "look for '%s' in the cache", j->k.key);
	k.eol = j->k.eol;
	j->k = k;
	return 1;
}

/* With --force: nobody is to be using what will be replaced. */
static int not_in_use(struct job *j)
{
	char path[PATH_MAX], who[HOLDERS_TEXT];
	AUTO_FD fd = -1;

	if (!j->b->force)
		return 0;
	fd = lock_cache("kernel", j->k.key, LOCK_EXCLUSIVE, 0);
	if (fd == -EWOULDBLOCK && lock_cache_path("kernel", j->k.key, path, sizeof(path)))
		return job_fail(j, fd, "kernel '%s' is in use by %s: it is not built again",
				j->k.key, holders_text_of(path, who, sizeof(who)));
	return fd < 0 ? job_fail_rc(j, fd, "lock kernel '%s'", j->k.key) : 0;
}

/* Things that the first call of make needs to be known. */
static int prepare(struct job *j)
{
	int rc = make_env(j->epoch, j->own);

	if (rc < 0)
		return job_fail_rc(j, rc, "prepare make's environment");
	j->make.tree = j->tree;
	j->make.log = j->log;
	j->make.own = j->own;
	return 0;
}

static int run_make(struct job *j)
{
	const char *const args[] = { j->tools.image_name, NULL };
	char line[1024];
	int rc;

	j->make.cap = j->b->cap;
	if (j->make.cap)
		phase_begin(&j->phase, "make, %u CPU%s", j->make.cap, j->make.cap == 1 ? "" : "s");
	else
		phase_begin(&j->phase, "make, %u job%s", j->make.jobs,
			    j->make.jobs == 1 ? "" : "s");
	if (!j->b->quiet && !j->phase.tty)
		warn_msg("%s: %s: its output goes to '%s'", j->label, j->phase.name, j->log);
	rc = make_run(&j->make, args);
	j->make.cap = 0; /* what else make does is over in a moment */
	if (rc == -EINVAL) {
		phase_drop(&j->phase);
		make_explain(j->log, line, sizeof(line));
		return job_fail(j, rc, "%s: make failed: %s", j->label,
				line[0] ? line : "without a word");
	}
	if (rc == -EUSERS) {
		make_last(j->log, line, sizeof(line));
		return job_fail(j, rc, "%s", line);
	}
	if (rc == 0)
		phase_end(&j->phase);
	else
		phase_drop(&j->phase);
	return rc;
}

/* Before much is done in vain: are the programs there, and with a cap the CPUs? */
static int may_begin(struct job *j)
{
	char why[1024];
	int rc = toolchain_programs();

	if (rc < 0)
		return job_fail(j, rc, "%s: a program that a build needs is missing", j->label);
	j->make.cap = j->b->cap;
	rc = make_may(&j->make, why, sizeof(why));
	j->make.cap = 0;
	if (rc == -EUSERS || rc == -EINVAL)
		return job_fail(j, rc, "%s", why[0] ? why : "kt-reserve failed");
	return rc;
}

/* Has the user's tree been changed while make ran? */
static int look_again(struct job *j)
{
	char commit[65];
	enum tristate dirty;
	int rc;

	if (!j->b->tree)
		return 0;
	rc = source_tree_state(j, commit, &dirty, NULL);
	if (rc < 0)
		return rc;
	if (strcmp(commit, j->k.commit) == 0 && dirty == j->k.dirty)
		return 0;
	if (strcmp(commit, j->k.commit) != 0)
		warn_msg("%s: HEAD has moved from %.12s to %.12s while it was built", j->label,
			 j->k.commit, commit);
	else
		warn_msg("%s: it was changed while it was built", j->label);
	j->k.dirty = TRI_YES;
	return 0;
}

static int check(struct job *j)
{
	char hash[SHA256_TEXT];
	enum tristate was = j->k.dirty;
	int rc;

	phase_begin(&j->phase, "check");
	rc = configure_check(j, true);
	if (rc == 0)
		rc = make_ask(&j->make, "kernelrelease", j->k.version, sizeof(j->k.version));
	if (rc == -EINVAL)
		rc = job_fail(j, rc, "%s: make does not say which release it is", j->label);
	if (rc == 0)
		rc = look_again(j);
	if (rc == 0 && j->b->tree && j->k.dirty != was) {
		rc = configure_hash(j, hash);
		rc = rc < 0 ? job_fail_rc(j, rc, "read '%s/.config'", j->tree) : make_key(j, hash);
	}
	if (rc == 0)
		phase_end(&j->phase);
	return rc;
}

/* From a configured tree to an entry of the cache. */
static int make_kernel(struct job *j)
{
	uint64_t start = mono_ns();
	int rc = run_make(j);

	if (rc == 0)
		rc = check(j);
	if (rc < 0)
		return rc;
	phase_begin(&j->phase, "store");
	j->k.build_ns = mono_ns() - start;
	(void)snprintf(j->k.machine, sizeof(j->k.machine), "%s", j->tools.machine);
	(void)snprintf(j->k.image, sizeof(j->k.image), "%s", j->tools.image_name);
	(void)snprintf(j->k.toolchain, sizeof(j->k.toolchain), "%.*s",
		       (int)sizeof(j->k.toolchain) - 1, j->tools.text);
	if (!j->user_config) {
		memcpy(j->k.fragment_hash, j->fragment_hash, sizeof(j->k.fragment_hash));
		memcpy(j->k.base_hash, j->base_hash, sizeof(j->k.base_hash));
	}
	rc = stage(j);
	if (rc == 0)
		phase_end(&j->phase);
	return rc;
}

/* One that has to be brought first. 1: it was there already; 0: it was built; or -errno (said). */
static int build_fetched(struct job *j)
{
	AUTO_FD lock = -1;
	bool keep = false;
	int rc = make_key(j, j->fragment_hash);

	if (rc == 0)
		rc = look_up(j);
	if (rc == 0)
		rc = not_in_use(j);
	if (rc == 0)
		rc = may_begin(j);
	if (rc != 0)
		return rc;
	lock = job_lock(j, "build", j->k.key, true);
	if (lock < 0)
		return lock;
	rc = look_up(j); /* somebody may have built it while we waited */
	if (rc != 0)
		return rc;
	j->own = true;
	rc = builddir_open(j, j->k.key);
	if (rc == 0)
		rc = source_fetch(j);
	if (rc == 0)
		rc = prepare(j);
	if (rc == 0) {
		rc = configure(j);
		if (rc == 0)
			rc = make_kernel(j);
		keep = rc < 0 && rc != -EINTR && rc != -EUSERS;
	}
	if (keep)
		builddir_keep(j);
	else
		builddir_close(j);
	if (rc == 0 && j->download[0] && unlink(j->download) < 0 && errno != ENOENT)
		(void)warn_rc(-errno, "remove '%s'",
			      j->download); /* the kernel is there all the same */
	return rc;
}

/* The same of a tree of the user's. Its key depends on its .config, which is only known when it has
 * been configured, unless it has one that will do. */
static int build_tree(struct job *j)
{
	AUTO_FD source = -1;
	AUTO_FD work = -1;
	AUTO_FD lock = -1;
	char name[32] = "local-", path[9], hash[SHA256_TEXT];
	bool ready = j->user_config && configure_ready(j);
	int rc;

	key_path(j->tree, path);
	source = job_lock(j, "source", path, false);
	if (source < 0)
		return source;
	if (ready && !j->b->clean && configure_hash(j, hash) == 0) {
		rc = make_key(j, hash);
		if (rc == 0)
			rc = look_up(j);
		if (rc != 0)
			return rc;
	}
	rc = may_begin(j);
	if (rc < 0)
		return rc;
	strcat(name, path);
	work = job_lock(j, "build", name, true);
	if (work < 0)
		return work;
	rc = builddir_open(j, name);
	if (rc == 0)
		rc = prepare(j);
	if (rc == 0)
		rc = configure(j);
	if (rc == 0) {
		rc = configure_hash(j, hash);
		if (rc < 0)
			rc = job_fail_rc(j, rc, "read '%s/.config'", j->tree);
	}
	if (rc == 0)
		rc = make_key(j, hash);
	if (rc == 0)
		rc = look_up(j);
	if (rc == 0)
		rc = not_in_use(j);
	if (rc == 0) {
		lock = job_lock(j, "build", j->k.key, true);
		rc = lock < 0 ? lock : look_up(j);
	}
	if (rc == 0)
		rc = make_kernel(j);
	if (rc < 0 && rc != -EINTR && rc != -EUSERS && j->work[0])
		builddir_keep(j); /* its log */
	else
		builddir_close(j);
	return rc;
}

/* One kernel. 0: it is in the cache, and was handed out; or -errno (said). */
static int build_one(struct job *j, const struct version *v, const struct build_sink *sink)
{
	char key[sizeof(j->k.key)];
	const char *why;
	int rc;

	kernel_init(&j->k);
	j->label[0] = j->work[0] = j->tree[0] = j->log[0] = j->download[0] = j->reason[0] = '\0';
	j->epoch = 0;
	j->own = j->user_config = false;
	rc = source_identify(j, v);
	j->phase.of = j->label;
	if (rc == 0)
		rc = j->b->tree ? build_tree(j) : build_fetched(j);
	if (rc < 0)
		return rc;
	why = rc == 1 ? "it is in the cache" : "it was built";
	if (rc == 0) {
		enum tristate eol = j->k.eol;

		memcpy(key, j->k.key, sizeof(key));
		rc = cache_load(key, &j->k);
		if (rc < 0)
			return job_fail_rc(j, rc, "read kernel '%s' in the cache", key);
		j->k.eol = eol;
	}
	rc = sink->built(sink->arg, &j->k, why);
	j->over = rc < 0;
	return rc;
}

static unsigned allowed_cpus(void)
{
	size_t n = 8192, bytes = CPU_ALLOC_SIZE(n);
	cpu_set_t *set = CPU_ALLOC(n);
	int count = 1;

	if (set && sched_getaffinity(0, bytes, set) == 0)
		count = CPU_COUNT_S(bytes, set);
	CPU_FREE(set);
	return count > 0 ? (unsigned)count : 1;
}

static int build_all(struct job *j, const struct build_sink *sink)
{
	struct versions v = { 0 };
	AUTO_BUF failed = BUF_INIT;
	int rc = 0, n = 0;
	size_t i;

	if (!j->b->tree && !j->b->package && !j->b->url)
		rc = source_versions(j, &v);
	else
		v.n = 1;
	for (i = 0; rc == 0 && i < v.n; i++) {
		const struct version *one = v.v ? &v.v[i] : NULL;
		const char *name = one ? one->version : NULL;

		if (v.n > 1 && !j->b->quiet)
			warn_msg("linux-%s: %zu of %zu", name, i + 1, v.n);
		rc = build_one(j, one, sink);
		if (rc < 0 && rc != -EINTR && rc != -EUSERS && !j->over) {
			n++;
			(void)buf_fmt(&failed, "%s%s", failed.len ? ", " : "", name ? name : "");
			rc = sink->failed(sink->arg, name, j->reason);
		}
	}
	if (rc == 0 && v.n > 1)
		warn_msg("%zu of %zu kernels are in the cache%s%s", v.n - (size_t)n, v.n,
			 n ? "; these failed: " : "", n && failed.p ? failed.p : "");
	free(v.v);
	return rc < 0 ? rc : n;
}

int build_kernels(const struct build *b, const struct build_sink *sink)
{
	struct job j = { .b = b };
	AUTO_FD sig_fd = -1;
	sigset_t mask;
	int rc;

	sig_fd = sig_block(NULL, &mask);
	if (sig_fd < 0)
		return warn_rc(sig_fd, "set up signals");
	if (!cachedir_path(j.cache, sizeof(j.cache)))
		return warn_rc(-errno, "name the cache");
	j.fetcher = (struct fetcher){ .sig_fd = sig_fd, .mask = &mask, .quiet = b->quiet };
	j.phase = (struct phase){ .quiet = b->quiet, .of = "" };
	j.make = (struct make){ .tools = &j.tools,
				.phase = &j.phase,
				.jobs = b->jobs ? b->jobs : allowed_cpus(),
				.sig_fd = sig_fd,
				.mask = &mask };
	rc = toolchain_read(&j.tools);
	if (rc == 0)
		rc = configure_wants(&j);
	if (rc == 0)
		rc = build_all(&j, sink);
	kconfig_free(&j.wants);
	kconfig_free(&j.extra);
	toolchain_free(&j.tools);
	return rc;
}

int build_config(const struct build *b)
{
	struct job j = { .b = b };
	AUTO_BUF text = BUF_INIT;
	int rc = toolchain_machine(&j.tools);

	if (rc == 0)
		rc = configure_wants(&j);
	if (rc == 0) {
		rc = kconfig_text(&j.wants, &text);
		if (rc == 0 && fwrite(text.p, 1, text.len, stdout) != text.len)
			rc = -errno;
		if (rc < 0)
			(void)warn_rc(rc, "write standard output");
	}
	kconfig_free(&j.wants);
	kconfig_free(&j.extra);
	toolchain_free(&j.tools);
	return rc;
}
