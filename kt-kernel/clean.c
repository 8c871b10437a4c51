/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-kernel clean: removes kernels from the cache, never one that is in use, and what belongs to no
 * kernel. */
#include "clean.h"
#include "cache.h"
#include "cachedir.h"
#include "cleanup.h"
#include "die.h"
#include "dirs.h"
#include "lock.h"
#include "num.h"
#include "use.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <strings.h>

#define CLAIMS 100 /* tries to lock what nobody seems to hold */

struct opts {
	uint64_t keep; /* the newest so many whole ones stay */
	bool force, corrupt_only;
	char *const *keys; /* n_keys of them: only these */
	int n_keys;
};

struct chosen {
	struct kernel *v;
	int n;
	uint64_t bytes;
};

void clean_put(struct clean *c, const char *type, const char *kind, const char *key,
	       const char *reason, int64_t bytes, const struct holders *holders)
{
	struct jsonw *w = &c->s.w;

	if (c->s.rc < 0)
		return;
	jsonw_begin(w, type);
	jsonw_str(w, "kind", kind);
	jsonw_str(w, "key", key);
	jsonw_str(w, "reason", reason);
	jsonw_id(w, "bytes", bytes);
	if (holders)
		kernel_holders(w, "holders", holders);
	else
		jsonw_null(w, "holders");
	c->s.rc = jsonw_end(w);
}

static uint64_t entry_bytes(const char *key)
{
	AUTO_FD fd = cachedir_open("kernels");

	return fd < 0 ? 0 : dirs_bytes(fd, key);
}

/* What the newest that stay leave over. The list is in that order, the damaged ones last. */
static int choose(const struct opts *o, struct chosen *ch)
{
	uint64_t whole = 0;
	int n = cache_list(&ch->v), i;

	if (n < 0)
		return warn_rc(n, "list the kernels in the cache");
	for (i = 0; i < n; i++) {
		if (!ch->v[i].damage && (o->corrupt_only || whole++ < o->keep))
			continue;
		if (ch->n != i)
			ch->v[ch->n] = ch->v[i];
		ch->n++;
	}
	return 0;
}

static int choose_named(const struct opts *o, struct chosen *ch)
{
	int i, rc, failed = 0;

	ch->v = calloc((size_t)o->n_keys, sizeof(*ch->v));
	if (!ch->v)
		return warn_rc(-ENOMEM, "make a list");
	for (i = 0; i < o->n_keys; i++) {
		rc = cache_load(o->keys[i], &ch->v[ch->n]);
		if (rc == 0) {
			ch->n++;
			continue;
		}
		if (rc == -ENOENT || rc == -ENOTDIR || rc == -EINVAL)
			warn_msg("there is no kernel '%s' in the cache (kt-kernel list shows them)",
				 o->keys[i]);
		else
			warn_rc(rc, "read kernel '%s'", o->keys[i]);
		failed++;
	}
	return failed ? -ENOENT : 0;
}

/* The question goes to stderr, as stdout has records. Only y means yes. */
static bool confirmed(const struct chosen *ch, int n_downloads, uint64_t bytes)
{
	char line[16];
	int i, c;

	for (i = 0; i < ch->n; i++)
		fprintf(stderr, "  %s%s%s\n", ch->v[i].key, ch->v[i].damage ? "  corrupt: " : "",
			ch->v[i].corrupt);
	if (n_downloads > 0)
		fprintf(stderr, "  %d downloaded file%s\n", n_downloads,
			n_downloads == 1 ? "" : "s");
	fprintf(stderr, "Remove %s (%.1f MB)? [y/N] ", ch->n + n_downloads == 1 ? "it" : "them",
		(double)bytes / 1e6);
	(void)fflush(stderr); /* a closed stderr is no answer either */
	if (!fgets(line, sizeof(line), stdin))
		return false;
	if (!strchr(line, '\n'))
		while ((c = getchar()) != EOF && c != '\n')
			;
	return strcasecmp(line, "y\n") == 0 || strcasecmp(line, "y") == 0;
}

static void kept(struct clean *c, const struct kernel *k, const char *reason, bool failed)
{
	clean_put(c, "kept", "kernel", k->key, reason, (int64_t)entry_bytes(k->key), k->in_use);
	c->failed += failed;
}

/* Under the entry's lock: it may have become another one since it was chosen. */
static void remove_locked(struct clean *c, const struct opts *o, const struct kernel *k)
{
	int64_t bytes = (int64_t)entry_bytes(k->key);
	struct kernel now;
	int rc = cache_load(k->key, &now);

	if (rc == 0 && o->n_keys == 0 &&
	    (strcmp(now.built, k->built) != 0 || now.damage != k->damage)) {
		kept(c, k, "it was replaced just now", false);
		return;
	}
	if (rc != -ENOENT)
		rc = cache_remove(k->key);
	if (rc < 0 && rc != -ENOENT) {
		warn_rc(rc, "remove kernel '%s'", k->key);
		kept(c, k, strerror(-rc), true);
		return;
	}
	clean_put(c, "removed", "kernel", k->key,
		  rc < 0	  ? "it had gone already"
		  : k->damage	  ? k->corrupt
		  : o->n_keys > 0 ? "it was named"
		  : o->keep > 0	  ? "newer ones are kept"
				  : "all were to go",
		  rc < 0 ? 0 : bytes, NULL);
	rc = lock_forget("kernel", k->key);
	if (rc < 0 && rc != -ENOENT)
		warn_rc(rc, "remove the lock of kernel '%s'", k->key);
}

/* Returns false when whoever had it locked has just let go. */
static bool try_remove(struct clean *c, const struct opts *o, struct kernel *k)
{
	AUTO_FD lock = lock_cache("kernel", k->key, LOCK_EXCLUSIVE, 0);
	char who[HOLDERS_TEXT];
	struct use use;
	bool known, held;

	if (lock >= 0) {
		remove_locked(c, o, k);
		return true;
	}
	if (lock != -EWOULDBLOCK) {
		warn_rc(lock, "lock kernel '%s'", k->key);
		kept(c, k, strerror(-lock), true);
		return true;
	}
	known = use_look(k, 1, &use) == 0 && k->in_use;
	held = !known || k->in_use->n_holders > 0;
	if (held) {
		warn_msg("kernel '%s' is kept: it is in use by %s", k->key,
			 known ? holders_text(k->in_use, who, sizeof(who)) : "somebody");
		kept(c, k, "it is in use", true);
	}
	k->in_use = NULL;
	use_free(&use);
	return held;
}

static void remove_kernel(struct clean *c, const struct opts *o, struct kernel *k)
{
	int i;

	for (i = 0; i < CLAIMS; i++)
		if (try_remove(c, o, k))
			return;
	warn_msg("kernel '%s' is kept: others lock it again and again", k->key);
	kept(c, k, "it is in use", true);
}

static int clean(const struct opts *o, struct chosen *ch)
{
	struct clean c = { 0 };
	bool downloads = o->n_keys == 0 && !o->corrupt_only, go = true;
	uint64_t bytes = 0;
	int i, n = 0, rc;

	if (!o->force && !isatty(STDIN_FILENO)) {
		warn_msg("clean asks first, and standard input is no terminal (--force does not "
			 "ask)");
		return -ENOTTY;
	}
	rc = o->n_keys > 0 ? choose_named(o, ch) : choose(o, ch);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	c.failed = rc < 0;
	if (downloads)
		n = clean_downloads(NULL, &bytes);
	if (n < 0)
		return warn_rc(n, "look for downloads");
	for (i = 0; i < ch->n; i++)
		bytes += entry_bytes(ch->v[i].key);
	if (!o->force && ch->n + n > 0)
		go = confirmed(ch, n, bytes);
	if (!go)
		warn_msg("nothing was removed");
	stream_open(&c.s);
	for (i = 0; i < ch->n; i++)
		if (go)
			remove_kernel(&c, o, &ch->v[i]);
		else
			kept(&c, &ch->v[i], "the answer was no", false);
	if (go && downloads && n > 0 && clean_downloads(&c, &bytes) < 0)
		c.failed++;
	if (go && o->n_keys == 0 && clean_leavings(&c) < 0)
		c.failed++;
	rc = stream_close(&c.s, c.failed ? "fail" : "ok");
	return c.failed ? -EBUSY : rc;
}

int cmd_clean(int argc, char *argv[])
{
	enum {
		OPT_KEEP = 256,
		OPT_FORCE,
		OPT_CORRUPT_ONLY
	};
	static const struct option longopts[] = { { "keep", required_argument, NULL, OPT_KEEP },
						  { "force", no_argument, NULL, OPT_FORCE },
						  { "corrupt-only", no_argument, NULL,
						    OPT_CORRUPT_ONLY },
						  CMD_COMMON,
						  { 0 } };
	struct chosen ch = { 0 };
	struct opts o = { 0 };
	bool keep = false;
	int c, rc;

	while ((c = getopt_long(argc, argv, "hV", longopts, NULL)) != -1) {
		switch (c) {
		case OPT_KEEP:
			if (num_u64(optarg, 0, UINT32_MAX, &o.keep) < 0)
				die_usage("bad --keep '%s'", optarg);
			keep = true;
			break;
		case OPT_FORCE:
			o.force = true;
			break;
		case OPT_CORRUPT_ONLY:
			o.corrupt_only = true;
			break;
		default:
			return cmd_option(c);
		}
	}
	o.keys = argv + optind;
	o.n_keys = argc - optind;
	if (keep && o.corrupt_only)
		die_usage("--corrupt-only removes no whole kernel: --keep does not go with it");
	if (o.n_keys > 0 && (keep || o.corrupt_only))
		die_usage("either KEYs, or --keep, or --corrupt-only");
	rc = clean(&o, &ch);
	free(ch.v);
	return cmd_status(rc);
}
