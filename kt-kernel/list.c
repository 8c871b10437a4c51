/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-kernel list: what is in the cache, or what a range of versions would bring. */
#include "cache.h"
#include "cleanup.h"
#include "cmd.h"
#include "die.h"
#include "eol.h"
#include "fetcher.h"
#include "ident.h"
#include "lock.h"
#include "sig.h"
#include "use.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

/* Read all files of an entry while nobody may replace it. One that is just being replaced or
 * removed is left as it is. */
static int verify(struct kernel *k)
{
	AUTO_FD lock = k->damage ? -1 : lock_cache("kernel", k->key, LOCK_SHARED, 0);
	const struct holders *in_use = k->in_use;
	int rc;

	if (k->damage || lock == -EWOULDBLOCK)
		return 0;
	/* -EROFS, -EACCES: a cache that we cannot write to is only read */
	if (lock < 0 && lock != -EROFS && lock != -EACCES)
		return warn_rc(lock, "lock kernel '%s'", k->key);
	rc = cache_load(strdupa(k->key), k);
	k->in_use = in_use;
	if (rc == -ENOENT)
		kernel_damage(k, DAMAGE_MISSING, "it was removed just now");
	else if (rc == 0 && !k->damage)
		rc = cache_verify(k);
	return rc < 0 && rc != -ENOENT ? warn_rc(rc, "read kernel '%s'", k->key) : 0;
}

static int list(bool verified, bool offline, bool quiet)
{
	AUTO_FREE struct kernel *v = NULL;
	struct stream s;
	struct use use;
	int n = cache_list(&v), i, rc;

	if (n < 0)
		return warn_rc(n, "list the kernels in the cache");
	if (n == 0 && !quiet)
		warn_msg("the cache has no kernel (kt-kernel get and kt-kernel build bring one)");
	rc = use_look(v, (size_t)n, &use);
	if (rc < 0) {
		use_free(&use);
		return warn_rc(rc, "look for who uses the cache");
	}
	for (i = 0; verified && rc == 0 && i < n; i++)
		rc = verify(&v[i]);
	if (rc == 0) {
		cache_sort(v, n);
		eol_mark(v, n, offline, quiet);
		stream_open(&s);
		for (i = 0; i < n; i++)
			stream_kernel(&s, &v[i], NULL);
		rc = stream_close(&s, "ok");
	}
	use_free(&use);
	return rc;
}

static void put_text(struct jsonw *w, const json_t *rec, const char *name)
{
	const json_t *v = json_object_get(rec, name);

	jsonw_str(w, name, json_is_string(v) ? json_string_value(v) : NULL);
}

static int put_version(const json_t *rec, void *arg)
{
	struct stream *s = arg;
	const json_t *eol = json_object_get(rec, "eol");

	if (s->rc < 0)
		return s->rc;
	jsonw_begin(&s->w, "version");
	put_text(&s->w, rec, "version");
	put_text(&s->w, rec, "moniker");
	put_text(&s->w, rec, "series");
	put_text(&s->w, rec, "url");
	if (json_is_boolean(eol))
		jsonw_bool(&s->w, "eol", json_is_true(eol));
	else
		jsonw_null(&s->w, "eol");
	s->rc = jsonw_end(&s->w);
	return s->rc;
}

/* The cache is not looked at. */
static int list_range(const char *range, bool quiet)
{
	const char *const args[] = { "resolve", range, NULL };
	AUTO_BUF out = BUF_INIT;
	AUTO_FD sig_fd = -1;
	struct fetcher f = { .quiet = quiet };
	struct stream s;
	sigset_t mask;
	int rc, n;

	sig_fd = sig_block(NULL, &mask);
	if (sig_fd < 0)
		return warn_rc(sig_fd, "set up signals");
	f.sig_fd = sig_fd;
	f.mask = &mask;
	rc = fetcher_run(&f, args, &out);
	if (rc < 0)
		return rc;
	stream_open(&s);
	n = fetcher_each(&out, "version", put_version, &s);
	if (n == -EPIPE)
		(void)warn_rc(n, "read the versions of '%s'", range);
	rc = stream_close(&s, n < 0 ? "fail" : "ok");
	return n < 0 ? n : rc;
}

int cmd_list(int argc, char *argv[])
{
	enum {
		OPT_RANGE = 256,
		OPT_VERIFY,
		OPT_OFFLINE
	};
	static const struct option longopts[] = { { "range", required_argument, NULL, OPT_RANGE },
						  { "verify", no_argument, NULL, OPT_VERIFY },
						  { "offline", no_argument, NULL, OPT_OFFLINE },
						  { "quiet", no_argument, NULL, 'q' },
						  CMD_COMMON,
						  { 0 } };
	bool verified = false, offline = false, quiet = false;
	const char *range = NULL;
	struct ident id;
	int c;

	while ((c = getopt_long(argc, argv, "hqV", longopts, NULL)) != -1) {
		switch (c) {
		case 'q':
			quiet = true;
			break;
		case OPT_RANGE:
			ident_parse(optarg, &id);
			if (id.kind != IDENT_RANGE)
				die_usage("bad --range '%s'%s%s", optarg,
					  id.kind == IDENT_BAD ? ": " : "",
					  id.kind == IDENT_BAD ? id.why : "");
			range = optarg;
			break;
		case OPT_VERIFY:
			verified = true;
			break;
		case OPT_OFFLINE:
			offline = true;
			break;
		default:
			return cmd_option(c);
		}
	}
	if (optind < argc)
		die_usage("unexpected argument '%s'", argv[optind]);
	if (range && (verified || offline))
		die_usage(
			"--range is not about the cache: --verify and --offline do not go with it");
	return cmd_status(range ? list_range(range, quiet) : list(verified, offline, quiet));
}
