/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Brings a prebuilt kernel into the cache: kt-kernel-fetch fetches and unpacks into a staged
 * directory, the configuration is checked before the image is fetched, and the whole is published.
 */
#include "get.h"
#include "cachedir.h"
#include "cleanup.h"
#include "cmd.h"
#include "die.h"
#include "fetcher.h"
#include "jsonr.h"
#include "lock.h"
#include "sig.h"
#include "version.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define OTHER_GET_MS 600000 /* another get may be fetching just now */
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

/* All of it, for one line on stderr: what the kernel would have to have built in. */
static void say_missing(const struct kernel *k)
{
	size_t i;

	for (i = 0; config_needs[i].option; i++)
		if (config_lacks(&k->config, i, k->machine))
			warn_msg("%s lacks CONFIG_%s=y (%s)", k->version, config_needs[i].option,
				 config_needs[i].why);
}

static bool good_enough(const struct kernel *k)
{
	return config_can(&k->config, NEED_BOOT, k->machine) == TRI_YES &&
	       config_can(&k->config, NEED_SCHED, k->machine) == TRI_YES &&
	       config_can(&k->config, NEED_SCHED_EXT, k->machine) == TRI_YES;
}

struct job {
	const struct get *g;
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

/* One candidate into the staged directory. Returns 1, 0 when it is not good enough, or -errno. */
static int try_candidate(const struct job *j, const struct candidate *c, struct kernel *k)
{
	struct utsname u;
	struct kernel got;
	char path[PATH_MAX + 16];
	AUTO_BUF text = BUF_INIT;
	AUTO_FD fd = -1;
	ssize_t n;
	int rc;

	if (uname(&u) < 0)
		return warn_rc(-errno, "name this machine");
	kernel_init(k);
	(void)snprintf(k->source, sizeof(k->source), "apt");
	memcpy(k->version, c->release, sizeof(c->release));
	memcpy(k->package, c->package, sizeof(c->package));
	memcpy(k->package_version, c->version, sizeof(c->version));
	(void)snprintf(k->image, sizeof(k->image), "bzImage");
	(void)snprintf(k->machine, sizeof(k->machine), "%s", u.machine);
	(void)snprintf(k->suite, sizeof(k->suite), "%s", j->g->suite);
	(void)snprintf(k->flavour, sizeof(k->flavour), "%s", j->g->flavour);
	if (snprintf(k->key, sizeof(k->key), "%s-%s-apt", c->version, j->g->flavour) >=
	    (int)sizeof(k->key))
		return warn_rc(-ENAMETOOLONG, "name the kernel %s", c->version);
	rc = cache_load(k->key, &got);
	if (rc == 0 && !got.damage) { /* the newest is there already */
		*k = got;
		return 1;
	}
	if (!j->g->quiet)
		warn_msg("getting %s (%.1f MB) of %s", c->package, (double)c->bytes / 1e6,
			 j->g->suite);
	rc = fetch_file(j, c, false);
	if (rc == -EINTR)
		return rc;
	if (rc < 0) {
		warn_msg("no configuration of %s: it is passed over", c->release);
		return 0;
	}
	(void)snprintf(path, sizeof(path), "%s/config", j->staged);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return warn_rc(-errno, "open '%s'", path);
	while ((n = buf_fill(&text, fd, 65536)) > 0)
		;
	if (n < 0)
		return warn_rc((int)n, "read '%s'", path);
	config_read(&k->config, text.p ? text.p : "", text.len);
	if (!good_enough(k)) {
		say_missing(k);
		if (unlink(path) < 0)
			return warn_rc(-errno, "remove '%s'", path);
		return 0;
	}
	rc = fetch_file(j, c, true);
	if (rc < 0)
		return rc;
	(void)snprintf(path, sizeof(path), "%s/bzImage", j->staged);
	rc = kernel_file(path, "apt", &got);
	if (rc < 0)
		return warn_rc(rc, "read '%s'", path);
	if (got.kind == IMAGE_NONE || strcmp(got.machine, k->machine) != 0) {
		warn_msg("the kernel in '%s' is of no use: %s", c->package,
			 got.kind == IMAGE_NONE ? got.corrupt : "it is for another machine");
		return -EBADMSG;
	}
	if (got.version[0] && strcmp(got.version, c->release) != 0) {
		warn_msg("'%s' holds kernel %s, not %s", c->package, got.version, c->release);
		return -EBADMSG;
	}
	k->kind = got.kind;
	k->verified = apt_verifies() ? TRI_YES : TRI_NO;
	rc = cache_publish(j->staged, k);
	if (rc < 0)
		return warn_rc(rc, "put kernel %s into the cache", k->version);
	rc = cache_load(strdupa(k->key), k);
	return rc < 0 ? warn_rc(rc, "read kernel %s in the cache", c->release) : 1;
}

static int get_new(struct job *j, struct kernel *ret)
{
	const char *const list[] = { "apt-list",  "--state",   j->state,      "--suite",
				     j->g->suite, "--flavour", j->g->flavour, NULL };
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
		warn_msg("suite '%s' has no kernel of flavour '%s'", j->g->suite, j->g->flavour);
		return -ENOENT;
	}
	held = cache_stage(j->staged, sizeof(j->staged));
	if (held < 0)
		return warn_rc(held, "make a directory in the cache");
	for (i = 0; i < n && i < TRIES && rc == 0; i++)
		rc = try_candidate(j, &v[i], ret);
	if (rc == 0) {
		warn_msg("none of the newest %d kernels of suite '%s' has what ktstr needs", i,
			 j->g->suite);
		rc = -ENOENT;
	}
	i = cache_unstage(j->staged); /* after publishing there is none */
	return rc < 0 ? rc : i < 0 && i != -ENOENT ? warn_rc(i, "remove '%s'", j->staged) : 0;
}

/* The newest of this suite and flavour that is in the cache. 1 or 0, or -errno. */
static int in_cache(const struct get *g, struct kernel *ret)
{
	AUTO_FREE struct kernel *v = NULL;
	const struct kernel *best = NULL;
	int n = cache_list(&v), i;

	if (n < 0)
		return warn_rc(n, "list the kernels in the cache");
	for (i = 0; i < n; i++)
		if (!v[i].damage && strcmp(v[i].suite, g->suite) == 0 &&
		    strcmp(v[i].flavour, g->flavour) == 0 && good_enough(&v[i]) &&
		    (!best || version_compare(v[i].version, best->version) > 0))
			best = &v[i];
	if (best)
		*ret = *best;
	return best != NULL;
}

int get_kernel(const struct get *g, struct kernel *ret, const char **ret_why)
{
	struct job j = { .g = g };
	AUTO_FD sig_fd = -1, lock = -1, apt_fd = -1;
	sigset_t mask;
	int rc = g->update ? 0 : in_cache(g, ret), n;

	*ret_why = "it is in the cache";
	if (rc != 0)
		return rc < 0 ? rc : 0;
	sig_fd = sig_block(NULL, &mask);
	if (sig_fd < 0)
		return warn_rc(sig_fd, "set up signals");
	j.fetcher = (struct fetcher){ .sig_fd = sig_fd, .mask = &mask };
	lock = lock_cache("kernel", "get", LOCK_EXCLUSIVE, OTHER_GET_MS);
	if (lock < 0)
		return warn_rc(lock, "wait for another kt-kernel get");
	rc = g->update ? 0 : in_cache(g, ret); /* that one may have brought it */
	if (rc != 0)
		return rc < 0 ? rc : 0;
	apt_fd = cachedir_open("apt");
	if (apt_fd < 0)
		return warn_rc(apt_fd, "make a directory in the cache");
	if (!cachedir_path(j.state, sizeof(j.state) - 256))
		return warn_rc(-errno, "name the cache");
	n = (int)strlen(j.state);
	n = snprintf(j.state + n, sizeof(j.state) - (size_t)n, "/apt/%s", g->suite);
	if (n < 0 || n > 255)
		return warn_rc(-ENAMETOOLONG, "name the cache");
	if (mkdir(j.state, 0700) < 0 && errno != EEXIST)
		return warn_rc(-errno, "make '%s'", j.state);
	*ret_why = "it was fetched";
	return get_new(&j, ret);
}

static bool plain_name(const char *s)
{
	return *s && !strchr(s, '/') && s[0] != '.';
}

int cmd_get(int argc, char *argv[])
{
	enum {
		OPT_SUITE = 256,
		OPT_FLAVOUR,
		OPT_UPDATE
	};
	static const struct option longopts[] = { { "suite", required_argument, NULL, OPT_SUITE },
						  { "flavour", required_argument, NULL,
						    OPT_FLAVOUR },
						  { "update", no_argument, NULL, OPT_UPDATE },
						  { "quiet", no_argument, NULL, 'q' },
						  CMD_COMMON,
						  { 0 } };
	struct get g = { .suite = GET_SUITE, .flavour = get_flavour() };
	const char *why;
	struct stream s;
	struct kernel k;
	int c, rc;

	while ((c = getopt_long(argc, argv, "hqV", longopts, NULL)) != -1) {
		switch (c) {
		case 'q':
			g.quiet = true;
			break;
		case OPT_SUITE:
			if (!plain_name(optarg))
				die_usage("bad --suite '%s'", optarg);
			g.suite = optarg;
			break;
		case OPT_FLAVOUR:
			if (!plain_name(optarg))
				die_usage("bad --flavour '%s'", optarg);
			g.flavour = optarg;
			break;
		case OPT_UPDATE:
			g.update = true;
			break;
		default:
			return cmd_option(c);
		}
	}
	if (optind < argc)
		die_usage("unexpected argument '%s'", argv[optind]);
	if (!g.flavour)
		die_usage("this machine needs a --flavour");
	rc = get_kernel(&g, &k, &why);
	if (rc < 0)
		return KT_FAIL;
	stream_open(&s);
	stream_kernel(&s, &k, why);
	return cmd_status(stream_close(&s, "ok"));
}
