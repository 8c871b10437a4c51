/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-kernel-fetch - gets kernels and their sources from elsewhere, for kt-kernel. It alone uses the
 * libraries for that. */
#include "cleanup.h"
#include "die.h"
#include "out.h"
#include "verbs.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
	"Usage: kt-kernel-fetch VERB [OPTION...] [OPERAND...]\n"
	"Gets kernels and their sources from elsewhere, for kt-kernel(1); prints records.\n"
	"\n"
	"  releases [--max-age D] [--offline]  what kernel.org has now\n"
	"  resolve [--max-age D] [WHAT]        the versions that 6.12.3, 6.12 or 6.12..6.16 mean;\n"
	"                                      without WHAT the newest stable one\n"
	"  tarball VERSION --into DIR [--downloads DIR] [--no-checksum]\n"
	"                                      a release's sources, checked and unpacked\n"
	"  git URL --ref REF --into DIR        a commit of a git repository, checked out in "
	"DIR/linux\n"
	"  git-head URL --ref REF              which commit that would be\n"
	"  git-status DIR                      which commit a tree is, and whether it was changed\n"
	"  apt-list --state DIR --suite S --flavour F\n"
	"                                      kernels of the distribution's archive\n"
	"  apt-file config|image --state DIR --into DIR --package P --package-version V "
	"--release R\n"
	"                                      one file out of such a kernel's package\n"
	"  apt-source PACKAGE --state DIR --into DIR [--suite S] [--package-version V]\n"
	"                                      the distribution's package of sources, unpacked\n"
	"  apt-source-list PACKAGE --state DIR [--suite S] [--package-version V]\n"
	"                                      which one that would be\n"
	"  deb FILE config|image --into DIR [--release R]\n"
	"                                      one file out of a kernel's package\n"
	"\n"
	"      --max-age D       a copy of the list of releases that is younger will do: 1d, 12h\n"
	"      --offline         only that copy will do\n"
	"      --into DIR        the directory that gets the result\n"
	"      --downloads DIR   where what is downloaded stays (default: in the cache)\n"
	"      --no-checksum     do without, if the server has none\n"
	"      --ref REF         a branch, a tag, or a full commit\n"
	"      --state DIR       where apt keeps its lists\n"
	"      --suite SUITE     \"trixie-backports\"\n"
	"      --flavour FLAVOUR \"cloud-amd64\"\n"
	"      --package NAME, --package-version V, --release R  as apt-list prints them\n"
	"  -q, --quiet           say nothing about progress\n"
	"  -h, --help            this text\n"
	"  -V, --version         the version\n";

/* What an option's argument goes to, by its number below. */
enum {
	OPT_STATE = 256,
	OPT_SUITE,
	OPT_FLAVOUR,
	OPT_INTO,
	OPT_PACKAGE,
	OPT_PACKAGE_VERSION,
	OPT_RELEASE,
	OPT_DOWNLOADS,
	OPT_REF,
	OPT_MAX_AGE,
	OPT_NO_CHECKSUM,
	OPT_OFFLINE,
};
#define BIT(option) (1U << ((option)-OPT_STATE))

static const struct option longopts[] = { { "state", required_argument, NULL, OPT_STATE },
					  { "suite", required_argument, NULL, OPT_SUITE },
					  { "flavour", required_argument, NULL, OPT_FLAVOUR },
					  { "into", required_argument, NULL, OPT_INTO },
					  { "package", required_argument, NULL, OPT_PACKAGE },
					  { "package-version", required_argument, NULL,
					    OPT_PACKAGE_VERSION },
					  { "release", required_argument, NULL, OPT_RELEASE },
					  { "downloads", required_argument, NULL, OPT_DOWNLOADS },
					  { "ref", required_argument, NULL, OPT_REF },
					  { "max-age", required_argument, NULL, OPT_MAX_AGE },
					  { "no-checksum", no_argument, NULL, OPT_NO_CHECKSUM },
					  { "offline", no_argument, NULL, OPT_OFFLINE },
					  { "quiet", no_argument, NULL, 'q' },
					  { "help", no_argument, NULL, 'h' },
					  { "version", no_argument, NULL, 'V' },
					  { 0 } };

static const struct verb {
	const char *name;
	int (*run)(struct verb_ctx *f);
	int min_args, max_args;
	unsigned int need, may; /* options, by BIT() */
	bool net; /* it uses HTTP */
} verbs[] = {
	{ "releases", verb_releases, 0, 0, 0, BIT(OPT_MAX_AGE) | BIT(OPT_OFFLINE), true },
	{ "resolve", verb_resolve, 0, 1, 0, BIT(OPT_MAX_AGE), true },
	{ "tarball", verb_tarball, 1, 1, BIT(OPT_INTO), BIT(OPT_DOWNLOADS) | BIT(OPT_NO_CHECKSUM),
	  true },
	{ "apt-list", verb_apt_list, 0, 0, BIT(OPT_STATE) | BIT(OPT_SUITE) | BIT(OPT_FLAVOUR), 0,
	  false },
	{ "apt-file", verb_apt_file, 1, 1,
	  BIT(OPT_STATE) | BIT(OPT_INTO) | BIT(OPT_PACKAGE) | BIT(OPT_PACKAGE_VERSION) |
		  BIT(OPT_RELEASE),
	  0, false },
	{ "apt-source", verb_apt_source, 1, 1, BIT(OPT_STATE) | BIT(OPT_INTO),
	  BIT(OPT_SUITE) | BIT(OPT_PACKAGE_VERSION), false },
	{ "apt-source-list", verb_apt_source_list, 1, 1, BIT(OPT_STATE),
	  BIT(OPT_SUITE) | BIT(OPT_PACKAGE_VERSION), false },
	{ "git", verb_git, 1, 1, BIT(OPT_REF) | BIT(OPT_INTO), 0, true },
	{ "git-head", verb_git_head, 1, 1, BIT(OPT_REF), 0, true },
	{ "git-status", verb_git_status, 1, 1, 0, 0, false },
	{ "deb", verb_deb, 2, 2, BIT(OPT_INTO), BIT(OPT_RELEASE), false },
};

int stream_begin(struct verb_ctx *f, int cached)
{
	int rc;

	jsonw_init(&f->w, stdout);
	jsonw_meta(&f->w, "kt-kernel-fetch", true);
	if (cached < 0)
		jsonw_null(&f->w, "cached");
	else
		jsonw_bool(&f->w, "cached", cached);
	rc = jsonw_end(&f->w);
	if (rc < 0)
		return warn_rc(rc, "write records");
	f->begun = true;
	return 0;
}

int stream_record(struct verb_ctx *f)
{
	int rc = jsonw_end(&f->w);

	if (rc < 0)
		return warn_rc(rc, "write records");
	f->records++;
	return 0;
}

int source_text(char *to, size_t cap, const char *text)
{
	size_t n = strlen(text);

	if (n >= cap)
		return -ENAMETOOLONG;
	memcpy(to, text, n + 1);
	return 0;
}

static void text_or_null(struct jsonw *w, const char *key, const char *text)
{
	jsonw_str(w, key, *text ? text : NULL);
}

int stream_source(struct verb_ctx *f, const struct source *s)
{
	struct jsonw *w = &f->w;
	int rc = stream_begin(f, -1);

	if (rc < 0)
		return rc;
	jsonw_begin(w, "source");
	jsonw_str(w, "kind", s->kind);
	jsonw_str(w, "dir", s->dir);
	text_or_null(w, "version", s->version);
	text_or_null(w, "url", s->url);
	text_or_null(w, "ref", s->ref);
	text_or_null(w, "commit", s->commit);
	if (s->commit[0])
		jsonw_i64(w, "commit_time", s->commit_time);
	else
		jsonw_null(w, "commit_time");
	text_or_null(w, "package", s->package);
	text_or_null(w, "package_version", s->package_version);
	text_or_null(w, "file", s->file);
	text_or_null(w, "sha256", s->sha256);
	if (s->bytes > 0)
		jsonw_u64(w, "bytes", s->bytes);
	else
		jsonw_null(w, "bytes");
	jsonw_bool(w, "verified", s->verified_by[0] != '\0');
	text_or_null(w, "verified_by", s->verified_by);
	return stream_record(f);
}

static int end(struct verb_ctx *f, const char *outcome)
{
	jsonw_begin(&f->w, "end");
	jsonw_str(&f->w, "tool", "kt-kernel-fetch");
	jsonw_str(&f->w, "outcome", outcome);
	jsonw_u64(&f->w, "records", f->records);
	return jsonw_end(&f->w);
}

static const struct verb *find_verb(const char *name)
{
	size_t i;

	if (!name)
		die_usage("what to do?");
	for (i = 0; i < KT_ARRAY_LEN(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	die_usage("there is no verb '%s'", name);
}

/* Hold the command line against what the verb takes. */
static void check(const struct verb *v, unsigned int given, int n_args)
{
	unsigned int lacks = v->need & ~given, extra = given & ~(v->need | v->may);
	size_t i;

	for (i = 0; longopts[i].name; i++) {
		if (longopts[i].val < OPT_STATE)
			continue;
		if (lacks & BIT(longopts[i].val))
			die_usage("%s: --%s is missing", v->name, longopts[i].name);
		if (extra & BIT(longopts[i].val))
			die_usage("%s has no --%s", v->name, longopts[i].name);
	}
	if (n_args < v->min_args)
		die_usage("%s: an operand is missing", v->name);
	if (n_args > v->max_args)
		die_usage("%s: too many operands", v->name);
}

int main(int argc, char *argv[])
{
	struct verb_ctx f = { 0 };
	const char **const to[] = { &f.state,	&f.suite,	    &f.flavour, &f.into,
				    &f.package, &f.package_version, &f.release, &f.downloads,
				    &f.ref,	&f.max_age };
	const struct verb *v;
	unsigned int given = 0;
	int c, rc, close_rc;

	while ((c = getopt_long(argc, argv, "qhV", longopts, NULL)) != -1) {
		switch (c) {
		case 'q':
			f.quiet = true;
			break;
		case 'h':
			return print_help(help);
		case 'V':
			return print_version();
		case OPT_NO_CHECKSUM:
			f.no_checksum = true;
			break;
		case OPT_OFFLINE:
			f.offline = true;
			given |= BIT(c);
			break;
		case '?':
			return KT_USAGE; /* getopt_long has said what is wrong */
		default:
			*to[c - OPT_STATE] = optarg;
			given |= BIT(c);
			if (!*optarg)
				die_usage("an option's argument is empty");
		}
	}
	v = find_verb(argv[optind]);
	f.args = argv + optind + 1;
	check(v, given, argc - optind - 1);
	if (setenv("LC_ALL", "C.UTF-8", 1) < 0)
		return warn_rc(-errno, "set LC_ALL") < 0 ? KT_FAIL : KT_OK;
	progress_init(&f.progress, f.quiet);
	rc = v->net ? http_init(&f.http, &f.progress) : 0;
	if (rc == 0)
		rc = v->run(&f);
	progress_end(&f.progress);
	if (v->net)
		http_exit();
	if (rc < 0 && f.begun)
		(void)end(&f, "error"); /* the reason was said */
	else if (rc == 0) {
		rc = end(&f, "ok");
		if (rc < 0)
			(void)warn_rc(rc, "write records");
	}
	jsonw_free(&f.w);
	close_rc = out_close(stdout);
	if (rc == 0 && close_rc < 0)
		rc = warn_rc(close_rc, "write standard output");
	return rc < 0 ? KT_FAIL : KT_OK;
}
