/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-initramfs - packs files, with what they need to run, into an archive that the kernel unpacks.
 */
#include "cleanup.h"
#include "cpio.h"
#include "die.h"
#include "gather.h"
#include "jsonw.h"
#include "num.h"
#include "out.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <sys/mman.h>

#define LEVEL_DEFAULT 3
/* What is kept is for a guest of this machine. It unpacks slowly without KVM (CPU seconds of a boot
 * with 53 MB: none 5.4, level 1 7.1, level 3 6.4), and the disk is near. */
#define LEVEL_CACHE 0

static const char help[] =
	"Usage: kt-initramfs [OPTION]... [SRC[:DEST]]...\n"
	"Packs files and directories, with the shared libraries and interpreters that they need,\n"
	"into a cpio archive (newc, zstd) for a kernel to boot with.\n"
	"\n"
	"SRC lands at its own full path, at DEST, or for a DEST that ends in / in that directory.\n"
	"A SRC without a slash that is not here is looked for in PATH.\n"
	"\n"
	"  -o, --output FILE     write to FILE, not to standard output\n"
	"      --cache           keep the archive, and print the path of it\n"
	"      --level N         compress with zstd level N, 1 to 19 (default 3; with --cache "
	"none)\n"
	"      --no-compress     do not compress\n"
	"      --strip           leave out debug information and symbol tables of programs\n"
	"      --mkdir DIR       put an empty directory DIR in, too\n"
	"      --list            print records of what would be in it, no archive\n"
	"      --have PATH       the guest has PATH already: leave it out where a program needs "
	"it\n"
	"  -h, --help            this text\n"
	"  -V, --version         the version\n";

struct opts {
	const char *output;
	bool cache, list, strip;
	int level;
	char **sources; /* SRC[:DEST], ends with NULL */
	const char **dirs, **have; /* end with NULL */
};

/* What tells this request from others, for the cache: everything but the files themselves. */
static int request_text(const struct opts *o, struct buf *b)
{
	AUTO_FREE char *cwd = getcwd(NULL, 0);
	const char *path = getenv("PATH");
	size_t i;

	if (!cwd)
		return -errno;
	buf_fmt(b, "%s\n%d %d\n", KT_VERSION, o->level, o->strip);
	buf_add(b, cwd, strlen(cwd) + 1);
	buf_add(b, path ? path : "", path ? strlen(path) + 1 : 1);
	for (i = 0; o->dirs[i]; i++)
		buf_fmt(b, "d%s%c", o->dirs[i], 0);
	for (i = 0; o->have[i]; i++)
		buf_fmt(b, "h%s%c", o->have[i], 0);
	for (i = 0; o->sources[i]; i++)
		buf_fmt(b, "s%s%c", o->sources[i], 0);
	return b->err;
}

static int add_dirs(const struct opts *o, struct tree *t)
{
	struct node n = { .kind = NODE_DIR, .mode = 0755 };
	char clean[PATH_MAX];
	size_t i;
	int rc;

	for (i = 0; o->dirs[i]; i++) {
		if (strstr(o->dirs[i], "..") || !path_clean(o->dirs[i], clean, sizeof(clean)))
			return warn_rc(-EINVAL, "put the directory '%s' in", o->dirs[i]);
		rc = tree_add(t, clean, &n, NULL);
		if (rc == -EEXIST) {
			warn_msg("%s", t->err);
			return rc;
		}
		if (rc < 0)
			return warn_rc(rc, "put the directory '%s' in", o->dirs[i]);
	}
	return 0;
}

/* The library cache decides where libraries are, so its state is an input too. */
static int map_ldso_cache(struct ldso *l)
{
	static const char path[] = "/etc/ld.so.cache";
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p;
	int rc;

	if (fd < 0)
		return l->seen(path, NULL, l->arg);
	if (fstat(fd, &st) < 0)
		return -errno;
	rc = l->seen(path, &st, l->arg);
	if (rc < 0 || st.st_size == 0)
		return rc;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	l->cache = (struct ldso_cache){ p, (size_t)st.st_size };
	return 0;
}

static int collect(const struct opts *o, struct tree *t, struct inputs *in)
{
	struct gather g = { .tree = t,
			    .ldso = { .seen = inputs_seen, .arg = in },
			    .have = o->have,
			    .strip = o->strip };
	size_t i;
	int rc = map_ldso_cache(&g.ldso);

	if (rc < 0)
		return warn_rc(rc, "read '/etc/ld.so.cache'");
	rc = add_dirs(o, t);
	for (i = 0; o->sources[i] && rc == 0; i++) {
		char *colon = strrchr(o->sources[i], ':');
		AUTO_FREE char *src =
			colon ? strndup(o->sources[i], (size_t)(colon - o->sources[i]))
			      : strdup(o->sources[i]);

		rc = src ? gather_source(&g, src, colon ? colon + 1 : NULL) : -ENOMEM;
		if (rc < 0)
			warn_rc(rc, "take in '%s'", o->sources[i]);
	}
	if (rc == 0)
		rc = gather_done(&g);
	gather_free(&g);
	if (g.ldso.cache.map)
		munmap((void *)(uintptr_t)g.ldso.cache.map, g.ldso.cache.len);
	return rc;
}

static int to_fd(const void *p, size_t n, void *arg)
{
	return out_all(*(int *)arg, p, n);
}

static int to_sum(const void *p, size_t n, void *arg)
{
	sha256_add(arg, p, n);
	return 0;
}

static int write_archive(const struct tree *t, int level, cpio_sink_fn fn, void *arg,
			 const char *where)
{
	const char *what;
	int rc = cpio_write(t, level, fn, arg, &what);

	if (rc == -ESTALE && what) {
		warn_msg("'%s' changed while it was read", what);
		return rc;
	}
	return rc < 0 ? warn_rc(rc, what ? "read '%s'" : "write '%s'", what ? what : where) : 0;
}

/* A plain file is replaced in one step; anything else (a device, a pipe) is written to. */
static int to_file(const struct tree *t, int level, const char *path)
{
	AUTO_FREE char *tmp = NULL;
	AUTO_FD fd = -1;
	struct stat st;
	int rc;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			return warn_rc(-errno, "open '%s'", path);
		return write_archive(t, level, to_fd, &fd, path);
	}
	if (asprintf(&tmp, "%s.XXXXXX", path) < 0) {
		tmp = NULL;
		return warn_rc(-ENOMEM, "write '%s'", path);
	}
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return warn_rc(-errno, "create '%s'", path);
	rc = write_archive(t, level, to_fd, &fd, path);
	if (rc == 0 && (fchmod(fd, 0644) < 0 || close(take_fd(&fd)) < 0 || rename(tmp, path) < 0))
		rc = warn_rc(-errno, "write '%s'", path);
	if (rc < 0)
		(void)unlink(tmp); /* rc is the news */
	return rc;
}

static int publish(const struct store *s, const struct tree *t, int level, const char *name)
{
	char tmp[NAME_MAX + 1];
	AUTO_FD fd = store_temp(s, tmp, sizeof(tmp));
	int rc;

	if (fd < 0)
		return warn_rc(fd, "write into '%s'", s->dir);
	rc = write_archive(t, level, to_fd, &fd, s->dir);
	if (rc == 0 && (fchmod(fd, 0644) < 0 || fsync(fd) < 0 ||
			renameat(s->dir_fd, tmp, s->dir_fd, name) < 0))
		rc = warn_rc(-errno, "write '%s/%s'", s->dir, name);
	if (rc < 0)
		(void)unlinkat(s->dir_fd, tmp, 0); /* rc is the news */
	return rc;
}

/* Make the archive, or find that it is there: the key is the sum of its bytes before compression.
 */
static int make_cached(const struct opts *o, const struct store *s, char *name, size_t cap)
{
	struct tree t = { 0 };
	struct inputs in;
	struct sha256 sum;
	char key[SHA256_TEXT];
	int rc;

	inputs_init(&in);
	rc = collect(o, &t, &in);
	sha256_init(&sum);
	sha256_add(&sum, &o->level, sizeof(o->level));
	if (rc == 0)
		rc = write_archive(&t, 0, to_sum, &sum, s->dir);
	if (rc == 0) {
		sha256_hex(&sum, key);
		(void)snprintf(name, cap, "%.*s.cpio%s", STORE_KEY - 1, key,
			       o->level ? ".zst" : ""); /* the caller's buffer has NAME_MAX */
		rc = store_has(s, name);
		if (rc < 0)
			rc = warn_rc(rc, "look at '%s/%s'", s->dir, name);
		else
			rc = rc ? 0 : publish(s, &t, o->level, name);
	}
	if (rc == 0) {
		rc = store_index(s, name, &in);
		if (rc < 0)
			rc = warn_rc(rc, "write an index into '%s'", s->dir);
	}
	if (rc == 0) {
		rc = store_prune(s);
		if (rc < 0)
			rc = warn_rc(rc, "tidy up '%s'", s->dir);
	}
	buf_free(&in.text);
	tree_free(&t);
	return rc;
}

static int run_cached(const struct opts *o)
{
	struct store s = { .dir_fd = -1 };
	char name[NAME_MAX + 1];
	AUTO_BUF request = BUF_INIT;
	int rc = request_text(o, &request);

	if (rc == 0)
		rc = store_open(&s, request.p, request.len);
	if (rc < 0)
		return warn_rc(rc, "open the cache directory '%s'", s.dir);
	rc = store_lookup(&s, name, sizeof(name));
	if (rc < 0)
		rc = warn_rc(rc, "look into '%s'", s.dir);
	else
		rc = rc ? 0 : make_cached(o, &s, name, sizeof(name));
	if (rc == 0)
		printf("%s/%s\n", s.dir, name);
	store_close(&s);
	return rc;
}

struct listing {
	struct jsonw w;
	uint64_t entries;
};

static int list_node(const struct node *n, void *arg)
{
	static const char *const kind[] = {
		[NODE_DIR] = "dir", [NODE_FILE] = "file", [NODE_LINK] = "link"
	};
	struct listing *l = arg;
	AUTO_BUF path = BUF_INIT;
	char mode[8];

	if (buf_fmt(&path, "/%s", n->path) < 0)
		return path.err;
	(void)snprintf(mode, sizeof(mode), "%04o", n->mode & 07777); /* four digits */
	jsonw_begin(&l->w, "entry");
	jsonw_str(&l->w, "path", path.p);
	jsonw_str(&l->w, "kind", kind[n->kind]);
	jsonw_str(&l->w, "mode", mode);
	if (n->kind == NODE_FILE)
		jsonw_u64(&l->w, "bytes", n->size);
	else
		jsonw_null(&l->w, "bytes");
	jsonw_str(&l->w, "target", n->target);
	jsonw_str(&l->w, "source", n->source);
	l->entries++;
	return jsonw_end(&l->w);
}

static int list(const struct tree *t)
{
	struct listing l = { .entries = 0 };
	int rc;

	jsonw_init(&l.w, stdout);
	jsonw_meta(&l.w, "kt-initramfs", true);
	rc = jsonw_end(&l.w);
	if (rc == 0)
		rc = tree_each(t, list_node, &l);
	if (rc == 0) {
		jsonw_begin(&l.w, "end");
		jsonw_str(&l.w, "tool", "kt-initramfs");
		jsonw_str(&l.w, "outcome", "ok");
		jsonw_u64(&l.w, "entries", l.entries);
		jsonw_u64(&l.w, "bytes", t->bytes);
		rc = jsonw_end(&l.w);
	}
	jsonw_free(&l.w);
	return rc < 0 ? warn_rc(rc, "write standard output") : 0;
}

static int run(const struct opts *o)
{
	struct tree t = { 0 };
	struct inputs in;
	int fd = STDOUT_FILENO, rc;

	if (o->cache)
		return run_cached(o);
	inputs_init(&in);
	rc = collect(o, &t, &in);
	if (rc == 0 && o->list)
		rc = list(&t);
	else if (rc == 0)
		rc = o->output ? to_file(&t, o->level, o->output)
			       : write_archive(&t, o->level, to_fd, &fd, "standard output");
	buf_free(&in.text);
	tree_free(&t);
	return rc;
}

int main(int argc, char *argv[])
{
	enum {
		OPT_CACHE = 256,
		OPT_LEVEL,
		OPT_PLAIN,
		OPT_STRIP,
		OPT_MKDIR,
		OPT_HAVE,
		OPT_LIST
	};
	static const struct option longopts[] = { { "output", required_argument, NULL, 'o' },
						  { "cache", no_argument, NULL, OPT_CACHE },
						  { "level", required_argument, NULL, OPT_LEVEL },
						  { "no-compress", no_argument, NULL, OPT_PLAIN },
						  { "strip", no_argument, NULL, OPT_STRIP },
						  { "mkdir", required_argument, NULL, OPT_MKDIR },
						  { "have", required_argument, NULL, OPT_HAVE },
						  { "list", no_argument, NULL, OPT_LIST },
						  { "help", no_argument, NULL, 'h' },
						  { "version", no_argument, NULL, 'V' },
						  { 0 } };
	/* An option with a value takes at least one argument, so argc is room enough. */
	AUTO_FREE const char **dirs = calloc((size_t)argc + 1, sizeof(*dirs));
	AUTO_FREE const char **have = calloc((size_t)argc + 1, sizeof(*have));
	struct opts o = { .level = -1, .dirs = dirs, .have = have };
	size_t n_dirs = 0, n_have = 0;
	int c, rc, close_rc;

	if (!dirs || !have)
		return warn_rc(-ENOMEM, "start") < 0 ? KT_FAIL : KT_OK;
	while ((c = getopt_long(argc, argv, "ho:V", longopts, NULL)) != -1) {
		switch (c) {
		case 'h':
			return print_help(help);
		case 'V':
			return print_version();
		case 'o':
			o.output = optarg;
			break;
		case OPT_CACHE:
			o.cache = true;
			break;
		case OPT_LEVEL:
			if (num_int(optarg, 1, 19, &o.level) < 0)
				die_usage("bad --level '%s': 1 to 19", optarg);
			break;
		case OPT_PLAIN:
			o.level = 0;
			break;
		case OPT_STRIP:
			o.strip = true;
			break;
		case OPT_MKDIR:
			dirs[n_dirs++] = optarg;
			break;
		case OPT_HAVE:
			have[n_have++] = optarg;
			break;
		case OPT_LIST:
			o.list = true;
			break;
		default:
			return KT_USAGE; /* getopt_long has said what is wrong */
		}
	}
	o.sources = argv + optind;
	if (o.level < 0)
		o.level = o.cache ? LEVEL_CACHE : LEVEL_DEFAULT;
	if (o.cache && o.output)
		die_usage("--cache prints a path, so --output has nothing to write");
	if (o.list && (o.cache || o.output))
		die_usage("--list makes no archive, so neither --cache nor --output goes with it");
	if (!o.sources[0] && n_dirs == 0)
		die_usage("nothing to pack");
	if (!o.cache && !o.output && !o.list && isatty(STDOUT_FILENO))
		die_usage("an archive does not belong on a terminal: use --output, --cache or a "
			  "pipe");
	rc = run(&o); /* has reported its own failure */
	close_rc = out_close(stdout);
	if (rc == 0 && close_rc < 0)
		rc = warn_rc(close_rc, "write standard output");
	return rc < 0 ? KT_FAIL : KT_OK;
}
