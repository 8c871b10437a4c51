/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-locks - who holds which of ktstr's locks, as records. */
#include "cachedir.h"
#include "cg.h"
#include "cleanup.h"
#include "die.h"
#include "dur.h"
#include "files.h"
#include "holders.h"
#include "jsonw.h"
#include "lock.h"
#include "mono.h"
#include "out.h"
#include "root.h"
#include "sig.h"
#include "topo.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char help[] =
	"Usage: kt-locks [OPTION]...\n"
	"Print who holds, and waits for, the locks of CPUs, caches and ktstr's files, as records.\n"
	"Nothing is locked to find out.\n"
	"\n"
	"      --held     only locks that somebody holds or waits for\n"
	"      --watch D  again every D, until a signal or until the reader has gone\n"
	"  -h, --help     print this help\n"
	"  -V, --version  print the version\n";

struct opts {
	bool held;
	uint64_t watch_ns; /* 0: once */
};

struct job {
	const struct opts *o;
	struct jsonw w;
	struct topo *topo; /* NULL: not known */
	const char *cache; /* NULL: not known */
	int sig_fd; /* -1: not watching */
	uint64_t frames, locks;
	bool failed; /* something could not be looked at; told */
};

/* The node of an LLC or a CPU, -1 when it is not known. */
static int node_of(const struct topo *t, const struct lock_file *f)
{
	const struct topo_cpu *c;

	if (!t || f->key)
		return -1;
	if (strcmp(f->kind, "llc") == 0)
		return f->index < t->n_llcs ? topo_llc_node(&t->llc[f->index]) : -1;
	c = topo_cpu(t, f->index);
	return c ? c->node : -1;
}

static int write_lock(struct job *j, const struct lock_file *f, const struct holders *h)
{
	struct jsonw *w = &j->w;
	bool exclusive = false;
	size_t i;

	for (i = 0; i < h->n_holders; i++)
		exclusive |= h->holder[i].exclusive;
	jsonw_begin(w, "lock");
	jsonw_str(w, "path", f->path);
	jsonw_str(w, "kind", f->kind);
	jsonw_id(w, "index", f->key ? -1 : (int64_t)f->index);
	jsonw_str(w, "key", f->key);
	jsonw_id(w, "node", node_of(j->topo, f));
	jsonw_str(w, "mode", h->n_holders == 0 ? NULL : exclusive ? "exclusive" : "shared");
	holders_write(h, w);
	return jsonw_end(w);
}

/* One look, and its records. Returns 0 or -errno; an error of writing is told by the caller. */
static int frame(struct job *j)
{
	AUTO_FREE struct holders *h = NULL;
	struct lock_files l;
	size_t i, n = 0;
	int rc;

	j->failed |= files_list(lock_dir(), j->cache, &l) < 0;
	h = calloc(l.n + 1, sizeof(*h));
	rc = h ? 0 : -ENOMEM;
	for (i = 0; rc == 0 && i < l.n; i++)
		h[i].path = l.file[i].path;
	if (rc == 0)
		rc = holders_find(h, l.n);
	if (rc < 0) {
		files_free(&l);
		return warn_rc(rc, "find out who holds locks");
	}
	for (i = 0; i < l.n; i++) {
		if (h[i].err < 0 && h[i].err != -ENOENT) {
			warn_rc(h[i].err, "look at '%s'", h[i].path);
			j->failed = true;
		}
		n += h[i].err == 0 && (!j->o->held || h[i].n_holders + h[i].n_waiters > 0);
	}
	j->frames++;
	j->locks = n;
	if (j->o->watch_ns > 0) {
		jsonw_begin(&j->w, "frame");
		jsonw_u64(&j->w, "frame", j->frames);
		jsonw_u64(&j->w, "mono_ns", mono_ns());
		jsonw_u64(&j->w, "records", n);
		rc = jsonw_end(&j->w);
	}
	for (i = 0; i < l.n && rc == 0; i++)
		if (h[i].err == 0 && (!j->o->held || h[i].n_holders + h[i].n_waiters > 0))
			rc = write_lock(j, &l.file[i], &h[i]);
	if (rc == 0 && fflush(stdout) != 0)
		rc = -errno;
	holders_free(h, l.n);
	files_free(&l);
	return rc == 0 || rc == -EPIPE ? rc : warn_rc(rc, "write standard output");
}

/* Wait until it is time. Returns 1; 0 when a signal came; -EPIPE when the reader has gone. */
static int wait_until(const struct job *j, uint64_t when_ns)
{
	struct pollfd p[] = { { j->sig_fd, POLLIN, 0 }, { STDOUT_FILENO, 0, 0 } };
	uint64_t now = mono_ns();
	struct timespec left = { 0 };
	int n;

	do {
		if (when_ns > now) {
			left.tv_sec = (time_t)((when_ns - now) / NSEC_PER_SEC);
			left.tv_nsec = (long)((when_ns - now) % NSEC_PER_SEC);
		}
		n = ppoll(p, 2, &left, NULL);
		now = mono_ns();
	} while (n < 0 && errno == EINTR);
	return n == 0 ? 1 : n > 0 && p[1].revents ? -EPIPE : 0;
}

/* Returns 0 after a signal, -EPIPE when the reader has gone, or another -errno, told. */
static int watch(struct job *j)
{
	uint64_t next = mono_ns();
	int rc;

	do {
		rc = frame(j);
		next += j->o->watch_ns;
		if (next < mono_ns())
			next = mono_ns(); /* a look took longer than that */
		if (rc == 0)
			rc = wait_until(j, next);
	} while (rc > 0);
	return rc;
}

static int run(const struct opts *o)
{
	struct job j = { .o = o, .sig_fd = -1 };
	AUTO_FREE struct topo *topo = calloc(1, sizeof(*topo));
	AUTO_FD root_fd = root_open(NULL);
	char cache[PATH_MAX];
	sigset_t old;
	int rc;

	if (!topo)
		return warn_rc(-ENOMEM, "start");
	if (o->watch_ns > 0) {
		j.sig_fd = sig_block(NULL, &old);
		if (j.sig_fd < 0)
			return warn_rc(j.sig_fd, "set up signals");
	}
	if (root_fd >= 0 && topo_read(root_fd, topo) == 0)
		j.topo = topo; /* else nodes are null */
	j.cache = cachedir_path(cache, sizeof(cache));
	(void)setvbuf(stdout, NULL, _IOFBF, 65536); /* else 4096; it works all the same */
	jsonw_init(&j.w, stdout);
	jsonw_meta(&j.w, "kt-locks", true);
	jsonw_str(&j.w, "lock_dir", lock_dir());
	jsonw_str(&j.w, "cache", j.cache);
	rc = jsonw_end(&j.w);
	if (rc == 0)
		rc = o->watch_ns > 0 ? watch(&j) : frame(&j);
	if (rc == 0) {
		jsonw_begin(&j.w, "end");
		jsonw_str(&j.w, "tool", "kt-locks");
		jsonw_str(&j.w, "outcome", j.failed ? "fail" : "ok");
		jsonw_u64(&j.w, "locks", j.locks);
		jsonw_u64(&j.w, "frames", j.frames);
		rc = jsonw_end(&j.w);
	}
	jsonw_free(&j.w);
	topo_free(topo);
	if (j.sig_fd >= 0)
		close(j.sig_fd);
	return rc < 0 ? rc : j.failed ? -EIO : 0;
}

int main(int argc, char *argv[])
{
	enum {
		OPT_HELD = CHAR_MAX + 1,
		OPT_WATCH,
	};
	static const struct option longopts[] = {
		{ "held", no_argument, NULL, OPT_HELD },
		{ "watch", required_argument, NULL, OPT_WATCH },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	struct opts o = { 0 };
	int c, rc, close_rc;

	while ((c = getopt_long(argc, argv, "hV", longopts, NULL)) != -1) {
		switch (c) {
		case OPT_HELD:
			o.held = true;
			break;
		case OPT_WATCH:
			if (dur_parse(optarg, &o.watch_ns) < 0 || o.watch_ns == 0)
				die_usage("bad --watch '%s': a time longer than 0 is wanted",
					  optarg);
			break;
		case 'h':
			return print_help(help);
		case 'V':
			return print_version();
		default:
			return KT_USAGE; /* getopt_long has said what is wrong */
		}
	}
	if (optind < argc)
		die_usage("unexpected argument '%s'", argv[optind]);
	rc = run(&o); /* has reported its own failure */
	close_rc = out_close(stdout);
	if (rc == -EPIPE && o.watch_ns > 0)
		return KT_OK; /* the reader has seen enough */
	if (rc == 0 && close_rc < 0)
		rc = warn_rc(close_rc, "write standard output");
	return rc < 0 ? KT_FAIL : KT_OK;
}
