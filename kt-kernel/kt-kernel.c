/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-kernel - kernels for the virtual machine: gets them, keeps them, finds them. */
#include "cache.h"
#include "cleanup.h"
#include "die.h"
#include "get.h"
#include "jsonw.h"
#include "out.h"
#include "version.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define SUITE "trixie-backports"

static const char help[] =
	"Usage: kt-kernel get [--suite SUITE] [--flavour FLAVOUR] [--update] [-q]\n"
	"       kt-kernel list\n"
	"       kt-kernel path [KEY|VERSION|FILE]\n"
	"       kt-kernel check FILE\n"
	"Gets kernels for the virtual machine, keeps them, finds them; prints records.\n"
	"\n"
	"get brings the newest kernel with sched_ext from the distribution's archive into the "
	"cache,\n"
	"unless one is there. path says which kernel kt-vm would boot: the named one, else\n"
	"KTSTR_KERNEL, else the newest in the cache with sched_ext, else this host's own if it\n"
	"can be used. check holds an image against what ktstr needs.\n"
	"\n"
	"      --suite SUITE     of the archive (default " SUITE ")\n"
	"      --flavour FLAVOUR of the kernel (default cloud-amd64 or cloud-arm64)\n"
	"      --update          look for a newer kernel even if one is in the cache\n"
	"  -q, --quiet           say nothing about progress\n"
	"  -h, --help            this text\n"
	"  -V, --version         the version\n";

static bool plain_name(const char *s)
{
	return *s && !strchr(s, '/') && s[0] != '.';
}

/* "6.12" means 6.12 and 6.12.3, not 6.1 or 6.120. */
static bool version_fits(const char *version, const char *want)
{
	size_t n = strlen(want);

	return strncmp(version, want, n) == 0 && !isdigit((unsigned char)version[n]);
}

/* A directory stands for the image in it: an entry of ours, or a build tree. */
static int find_image(const char *name, char *buf, size_t cap)
{
	static const char *const in[] = { "/bzImage", "/arch/x86/boot/bzImage",
					  "/arch/arm64/boot/Image", "/vmlinux", "/Image" };
	struct stat st;
	size_t i;

	if (stat(name, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return snprintf(buf, cap, "%s", name) < (int)cap ? 0 : -ENAMETOOLONG;
	for (i = 0; i < KT_ARRAY_LEN(in); i++)
		if (snprintf(buf, cap, "%s%s", name, in[i]) < (int)cap && access(buf, F_OK) == 0)
			return 0;
	return -ENOENT;
}

/* Complain about an entry or file that cannot be booted. */
static int usable(const struct kernel *k, const char *name)
{
	if (!k->damage)
		return 0;
	warn_msg("'%s' is no kernel to boot: %s", name, k->corrupt);
	return -EBADMSG;
}

/* What the user named. by says how: "it was named", "KTSTR_KERNEL names it". */
static int resolve_named(const char *name, struct kernel *k)
{
	AUTO_FREE struct kernel *v = NULL;
	const struct kernel *best = NULL;
	char path[PATH_MAX];
	int rc, n, i;

	if (plain_name(name)) {
		rc = cache_load(name, k);
		if (rc == 0)
			return usable(k, name);
		if (rc != -ENOENT && rc != -ENOTDIR)
			return warn_rc(rc, "look for '%s' in the cache", name);
		n = isdigit((unsigned char)*name) ? cache_list(&v) : 0;
		if (n < 0)
			return warn_rc(n, "list the kernels in the cache");
		for (i = 0; i < n; i++)
			if (!v[i].damage && version_fits(v[i].version, name) &&
			    (!best || version_compare(v[i].version, best->version) > 0))
				best = &v[i];
		if (best) {
			*k = *best;
			return 0;
		}
		if (access(name, F_OK) < 0) {
			warn_msg("there is no kernel '%s': no such key, version or file "
				 "(kt-kernel list shows what is in the cache)",
				 name);
			return -ENOENT;
		}
	}
	rc = find_image(name, path, sizeof(path));
	if (rc == 0)
		rc = kernel_file(path, "file", k);
	return rc < 0 ? warn_rc(rc, "open kernel '%s'", name) : usable(k, name);
}

/* This host's own kernel, when it is known to have all that a guest needs. 1 or 0; *ret_why_not
 * says what was wrong with one that is there. */
static int resolve_host(struct kernel *k, char *why_not, size_t cap)
{
	char path[PATH_MAX];
	struct utsname u;
	size_t i;

	why_not[0] = '\0';
	if (uname(&u) < 0)
		return 0;
	for (i = 0; i < 2; i++) {
		size_t j;
		int n = i == 0 ? snprintf(path, sizeof(path), "/boot/vmlinuz-%s", u.release)
			       : snprintf(path, sizeof(path), "/lib/modules/%s/vmlinuz", u.release);

		if (n < 0 || n >= (int)sizeof(path) || access(path, F_OK) < 0)
			continue;
		if (access(path, R_OK) < 0 || kernel_file(path, "host", k) < 0) {
			(void)snprintf(why_not, cap, "%s cannot be read", path);
			continue;
		}
		if (k->damage) {
			(void)snprintf(why_not, cap, "%s: %s", path, k->corrupt);
			continue;
		}
		if (config_can(&k->config, NEED_BOOT, k->machine) == TRI_YES)
			return 1;
		if (!k->config.known)
			(void)snprintf(why_not, cap, "the configuration of %s is not known", path);
		for (j = 0; config_needs[j].option; j++)
			if (config_needs[j].what == NEED_BOOT &&
			    config_lacks(&k->config, j, k->machine)) {
				(void)snprintf(why_not, cap, "%s has no CONFIG_%s built in", path,
					       config_needs[j].option);
				break;
			}
	}
	return 0;
}

static int resolve(const char *name, struct kernel *k, const char **ret_why)
{
	const char *env = getenv("KTSTR_KERNEL");
	AUTO_FREE struct kernel *v = NULL;
	char why_not[PATH_MAX + 512];
	struct utsname u;
	int n, i;

	*ret_why = "it was named";
	if (name)
		return resolve_named(name, k);
	*ret_why = "KTSTR_KERNEL names it";
	if (env && env[strspn(env, " \t")])
		return resolve_named(env, k);
	n = uname(&u) < 0 ? -errno : cache_list(&v);
	if (n < 0)
		return warn_rc(n, "list the kernels in the cache");
	*ret_why = "it is the newest in the cache with sched_ext";
	for (i = 0; v && i < n; i++)
		if (!v[i].damage && strcmp(v[i].machine, u.machine) == 0 &&
		    config_can(&v[i].config, NEED_BOOT, v[i].machine) == TRI_YES &&
		    config_can(&v[i].config, NEED_SCHED_EXT, v[i].machine) == TRI_YES) {
			*k = v[i];
			return 0;
		}
	*ret_why = "it is this host's own, and none is in the cache";
	if (resolve_host(k, why_not, sizeof(why_not)))
		return 0;
	warn_msg("there is no kernel to boot: kt-kernel get brings one%s%s%s",
		 why_not[0] ? " (" : "", why_not, why_not[0] ? ")" : "");
	return -ENOENT;
}

/* The stream of one command. */
struct stream {
	struct jsonw w;
	int rc; /* of writing */
};

static void stream_open(struct stream *s)
{
	jsonw_init(&s->w, stdout);
	jsonw_meta(&s->w, "kt-kernel", true);
	s->rc = jsonw_end(&s->w);
}

static int stream_close(struct stream *s, const char *outcome)
{
	jsonw_begin(&s->w, "end");
	jsonw_str(&s->w, "tool", "kt-kernel");
	jsonw_str(&s->w, "outcome", outcome);
	if (s->rc == 0)
		s->rc = jsonw_end(&s->w);
	jsonw_free(&s->w);
	return s->rc < 0 ? warn_rc(s->rc, "write standard output") : 0;
}

/* A stream with this one record. */
static int print_one(const struct kernel *k, const char *why)
{
	struct stream s;

	stream_open(&s);
	if (s.rc == 0)
		s.rc = kernel_record(&s.w, "kernel", k, why);
	return stream_close(&s, "ok");
}

static int cmd_get(const struct get *g)
{
	struct kernel k = { 0 };
	const char *why;
	int rc = get_kernel(g, &k, &why);

	return rc < 0 ? rc : print_one(&k, why);
}

static int cmd_path(const char *name)
{
	struct kernel k = { 0 };
	const char *why;
	int rc = resolve(name, &k, &why);

	return rc < 0 ? rc : print_one(&k, why);
}

static int cmd_list(void)
{
	AUTO_FREE struct kernel *v = NULL;
	struct stream s;
	int n = cache_list(&v), i;

	if (n < 0)
		return warn_rc(n, "list the kernels in the cache");
	stream_open(&s);
	for (i = 0; i < n && s.rc == 0; i++)
		s.rc = kernel_record(&s.w, "kernel", &v[i], NULL);
	return stream_close(&s, "ok");
}

/* The image's record, one `need` for each thing that ktstr wants, and a failure when it cannot
 * boot. */
static int cmd_check(const char *file)
{
	struct kernel k = { 0 };
	struct stream s;
	char path[PATH_MAX];
	size_t i;
	int rc = find_image(file, path, sizeof(path));

	if (rc == 0)
		rc = kernel_file(path, "file", &k);
	if (rc < 0)
		return warn_rc(rc, "open kernel '%s'", file);
	stream_open(&s);
	if (s.rc == 0)
		s.rc = kernel_record(&s.w, "kernel", &k, NULL);
	for (i = 0; k.kind != IMAGE_NONE && config_needs[i].option && s.rc == 0; i++) {
		const struct need *n = &config_needs[i];
		char name[64];

		if (n->machine && strcmp(n->machine, k.machine) != 0)
			continue;
		(void)snprintf(name, sizeof(name), "CONFIG_%s", n->option);
		jsonw_begin(&s.w, "need");
		jsonw_str(&s.w, "option", name);
		jsonw_str(&s.w, "for", need_for_text(n->what));
		if (!k.config.known)
			jsonw_null(&s.w, "value");
		else
			jsonw_strn(&s.w, "value", (const char *)&k.config.have[i], 1);
		if (!k.config.known)
			jsonw_null(&s.w, "met");
		else
			jsonw_bool(&s.w, "met", k.config.have[i] == 'y');
		jsonw_str(&s.w, "why", n->why);
		s.rc = jsonw_end(&s.w);
	}
	if (k.kind == IMAGE_NONE)
		rc = usable(&k, file);
	else if (config_can(&k.config, NEED_BOOT, k.machine) == TRI_NO)
		rc = -EINVAL;
	for (i = 0; k.kind != IMAGE_NONE && config_needs[i].option; i++)
		if (config_lacks(&k.config, i, k.machine))
			warn_msg("'%s' lacks CONFIG_%s=y (%s)", file, config_needs[i].option,
				 config_needs[i].why);
	if (stream_close(&s, rc < 0 ? "fail" : "ok") < 0)
		return -EIO;
	return rc;
}

int main(int argc, char *argv[])
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
						  { "help", no_argument, NULL, 'h' },
						  { "version", no_argument, NULL, 'V' },
						  { 0 } };
	struct get g = { .suite = SUITE, .flavour = get_flavour() };
	bool get_option = false;
	const char *cmd;
	int c, rc, close_rc;

	while ((c = getopt_long(argc, argv, "hqV", longopts, NULL)) != -1) {
		get_option |= c == OPT_SUITE || c == OPT_FLAVOUR || c == OPT_UPDATE;
		switch (c) {
		case 'h':
			return print_help(help);
		case 'V':
			return print_version();
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
			return KT_USAGE; /* getopt_long has said what is wrong */
		}
	}
	if (optind == argc)
		die_usage("what to do: get, list, path or check");
	cmd = argv[optind++];
	if (get_option && strcmp(cmd, "get") != 0)
		die_usage("--suite, --flavour and --update are for get");
	if (strcmp(cmd, "get") == 0 && optind == argc) {
		if (!g.flavour)
			die_usage("this machine needs a --flavour");
		rc = cmd_get(&g);
	} else if (strcmp(cmd, "list") == 0 && optind == argc) {
		rc = cmd_list();
	} else if (strcmp(cmd, "path") == 0 && optind + 1 >= argc) {
		rc = cmd_path(argv[optind]);
	} else if (strcmp(cmd, "check") == 0 && optind + 1 == argc) {
		rc = cmd_check(argv[optind]);
	} else if (strcmp(cmd, "get") == 0 || strcmp(cmd, "list") == 0 ||
		   strcmp(cmd, "path") == 0 || strcmp(cmd, "check") == 0) {
		die_usage("wrong number of arguments for '%s'", cmd);
	} else {
		die_usage("no command '%s'", cmd);
	}
	close_rc = out_close(stdout);
	if (rc == 0 && close_rc < 0)
		rc = warn_rc(close_rc, "write standard output");
	return rc < 0 ? KT_FAIL : KT_OK;
}
