/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Brings a prebuilt kernel into the cache: kt-kernel-fetch fetches and unpacks into a staged
 * directory, the configuration is checked before the image is fetched, and the whole is published.
 */
#include "get.h"
#include "cache.h"
#include "cachedir.h"
#include "cleanup.h"
#include "die.h"
#include "fetcher.h"
#include "jsonr.h"
#include "lock.h"
#include "prebuilt.h"
#include "sig.h"
#include "version.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define STATE_MAX 256 /* apt makes longer paths of it */
#define TRIES 4 /* kernels looked at, before none is good enough */

struct candidate {
	char release[128], package[192], version[128], config_package[192];
	uint64_t bytes;
};

const char *get_flavour(void)
{
	struct utsname u;

	if (uname(&u) < 0)
		return NULL;
	return strcmp(u.machine, "x86_64") == 0	   ? "cloud-amd64"
	       : strcmp(u.machine, "aarch64") == 0 ? "cloud-arm64"
						   : NULL;
}

static void take(char *buf, size_t cap, const json_t *o, const char *name)
{
	(void)snprintf(buf, cap, "%s", rec_str(o, name, ""));
}

struct candidates {
	struct candidate *v;
	int n, cap;
};

static int add_candidate(const json_t *o, void *arg)
{
	struct candidates *all = arg;
	struct candidate *c;

	if (all->n == all->cap) {
		c = reallocarray(all->v, (size_t)all->cap + 32, sizeof(*c));
		if (!c)
			return -ENOMEM;
		all->v = c;
		all->cap += 32;
	}
	c = &all->v[all->n++];
	take(c->release, sizeof(c->release), o, "release");
	take(c->package, sizeof(c->package), o, "package");
	take(c->version, sizeof(c->version), o, "version");
	take(c->config_package, sizeof(c->config_package), o, "config_package");
	c->bytes = rec_u64(o, "bytes", 0);
	return 0;
}

struct job {
	const struct get *g;
	const char *suite;
	struct fetcher fetcher;
	char state[PATH_MAX], staged[PATH_MAX];
};

static int fetch_file(const struct job *j, const struct candidate *c, bool image)
{
	const char *const args[] = { "apt-file",
				     image ? "image" : "config",
				     "--state",
				     j->state,
				     "--into",
				     j->staged,
				     "--package",
				     image ? c->package : c->config_package,
				     "--package-version",
				     c->version,
				     "--release",
				     c->release,
				     NULL };
	AUTO_BUF out = BUF_INIT;

	return fetcher_run(&j->fetcher, args, &out);
}

/* apt checks the archive's signature and each package's sum, unless it is told not to. */
static bool apt_verifies(void)
{
	const char *trusted = getenv("KTSTR_APT_TRUSTED");

	return !trusted || strcmp(trusted, "yes") != 0;
}

static int name_it(const struct job *j, const struct candidate *c, struct kernel *k)
{
	int rc = prebuilt_begin(k, "apt");

	memcpy(k->version, c->release, sizeof(c->release));
	memcpy(k->package, c->package, sizeof(c->package));
	memcpy(k->package_version, c->version, sizeof(c->version));
	(void)snprintf(k->suite, sizeof(k->suite), "%s", j->suite);
	(void)snprintf(k->flavour, sizeof(k->flavour), "%s", j->g->flavour);
	k->verified = apt_verifies() ? TRI_YES : TRI_NO;
	if (rc == 0 && (snprintf(k->key, sizeof(k->key), "%s-%s-apt", c->version, j->g->flavour) >=
				(int)sizeof(k->key) ||
			!cache_key_ok(k->key)))
		rc = warn_rc(-ENAMETOOLONG, "name the kernel %s", c->version);
	return rc;
}

/* One candidate into the staged directory. Returns 1, 0 when it is not good enough, or -errno. */
static int try_candidate(const struct job *j, const struct candidate *c, struct kernel *k)
{
	char path[PATH_MAX + 16];
	struct kernel got;
	int rc = name_it(j, c, k);

	if (rc < 0)
		return rc;
	if (cache_load(k->key, &got) == 0 && !got.damage) { /* the newest is there already */
		*k = got;
		return 1;
	}
	if (!j->g->quiet)
		warn_msg("getting %s (%.1f MB) of %s", c->package, (double)c->bytes / 1e6,
			 j->suite);
	rc = fetch_file(j, c, false);
	if (rc == -EINTR)
		return rc;
	if (rc < 0) {
		warn_msg("no configuration of %s: it is passed over", c->release);
		return 0;
	}
	rc = prebuilt_config(j->staged, k);
	if (rc < 0)
		return rc;
	if (!prebuilt_good(k)) {
		prebuilt_say_missing(k);
		(void)snprintf(path, sizeof(path), "%s/config", j->staged);
		return unlink(path) < 0 ? warn_rc(-errno, "remove '%s'", path) : 0;
	}
	rc = fetch_file(j, c, true);
	if (rc == 0)
		rc = prebuilt_publish(j->staged, k, c->package);
	return rc < 0 ? rc : 1;
}

/* Returns 1, 0 when the suite has no kernel that is good enough (said), or -errno (said). */
static int get_of_suite(struct job *j, struct kernel *ret)
{
	const char *const list[] = { "apt-list", "--state",   j->state,	     "--suite",
				     j->suite,	 "--flavour", j->g->flavour, NULL };
	AUTO_BUF out = BUF_INIT;
	struct candidates all = { 0 };
	AUTO_FREE struct candidate *v = NULL;
	AUTO_FD held = -1;
	int n, i, rc;

	rc = fetcher_run(&j->fetcher, list, &out);
	if (rc < 0)
		return rc;
	n = fetcher_each(&out, "candidate", add_candidate, &all);
	v = all.v;
	if (n < 0)
		return warn_rc(n, "read the list of kernels");
	if (n == 0) {
		warn_msg("suite '%s' has no kernel of flavour '%s'", j->suite, j->g->flavour);
		return 0;
	}
	held = cache_stage(j->staged, sizeof(j->staged));
	if (held < 0)
		return warn_rc(held, "make a directory in the cache");
	for (i = 0; i < n && i < TRIES && rc == 0; i++)
		rc = try_candidate(j, &v[i], ret);
	if (rc == 0)
		warn_msg("none of the newest %d kernels of suite '%s' has what ktstr needs", i,
			 j->suite);
	i = cache_unstage(j->staged); /* after publishing there is none */
	return rc >= 0 && i < 0 && i != -ENOENT ? warn_rc(i, "remove '%s'", j->staged) : rc;
}

/* The newest of the first suite that has one in the cache. 1 or 0, or -errno (said). */
static int in_cache(const struct get *g, struct kernel *ret)
{
	AUTO_FREE struct kernel *v = NULL;
	const struct kernel *best = NULL;
	int n = cache_list(&v), i;
	size_t s;

	if (n < 0)
		return warn_rc(n, "list the kernels in the cache");
	for (s = 0; s < g->n_suites && !best; s++)
		for (i = 0; i < n; i++)
			if (!v[i].damage && strcmp(v[i].source, "apt") == 0 &&
			    strcmp(v[i].suite, g->suite[s]) == 0 &&
			    strcmp(v[i].flavour, g->flavour) == 0 && prebuilt_good(&v[i]) &&
			    (!best || version_compare(v[i].version, best->version) > 0))
				best = &v[i];
	if (best)
		*ret = *best;
	return best != NULL;
}

/* apt's state for this suite, CACHE/apt/SUITE. Returns 0 or -errno, said. */
static int name_state(struct job *j)
{
	AUTO_FD apt_fd = cachedir_open("apt");
	char dir[PATH_MAX];

	if (apt_fd < 0)
		return warn_rc(apt_fd, "make a directory in the cache");
	if (!cachedir_path(dir, sizeof(dir)))
		return warn_rc(-errno, "name the cache");
	if (snprintf(j->state, sizeof(j->state), "%s/apt/%s", dir, j->suite) >= STATE_MAX)
		return warn_rc(-ENAMETOOLONG, "name the cache");
	if (mkdir(j->state, 0700) < 0 && errno != EEXIST)
		return warn_rc(-errno, "make '%s'", j->state);
	return 0;
}

int get_kernel(const struct get *g, struct kernel *ret, const char **ret_why)
{
	struct job j = { .g = g };
	AUTO_FD sig_fd = -1, lock = -1;
	sigset_t mask;
	size_t s;
	int rc = g->update ? 0 : in_cache(g, ret);

	*ret_why = "it is in the cache";
	if (rc != 0)
		return rc < 0 ? rc : 0;
	sig_fd = sig_block(NULL, &mask);
	if (sig_fd < 0)
		return warn_rc(sig_fd, "set up signals");
	j.fetcher = (struct fetcher){ .sig_fd = sig_fd, .mask = &mask };
	lock = lock_cache("kernel", "get", LOCK_EXCLUSIVE, GET_OTHER_MS);
	if (lock < 0)
		return warn_rc(lock, "wait for another kt-kernel get");
	rc = g->update ? 0 : in_cache(g, ret); /* that one may have brought it */
	if (rc != 0)
		return rc < 0 ? rc : 0;
	*ret_why = "it was fetched";
	for (s = 0; s < g->n_suites && rc == 0; s++) {
		j.suite = g->suite[s];
		rc = name_state(&j);
		if (rc == 0)
			rc = get_of_suite(&j, ret);
		if (rc < 0 && rc != -EINTR && s + 1 < g->n_suites)
			rc = 0; /* what went wrong was said: the next suite may do */
	}
	return rc < 0 ? rc : rc == 0 ? -ENOENT : 0;
}
