/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-kernel-fetch - gets kernels from elsewhere, for kt-kernel. It alone uses the libraries for
 * that. */
#include "apt.h"
#include "cleanup.h"
#include "die.h"
#include "jsonw.h"
#include "out.h"
#include "unpack.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CONFIG (4 << 20)
#define MAX_IMAGE (512 << 20)

static const char help[] =
	"Usage: kt-kernel-fetch apt-list --state DIR --suite SUITE --flavour FLAVOUR\n"
	"       kt-kernel-fetch apt-file --state DIR --into DIR --package NAME --package-version "
	"V\n"
	"                                --release R config|image\n"
	"Gets kernels from the distribution's archive, for kt-kernel(1).\n"
	"\n"
	"apt-list fetches the archive's lists and prints a record for each kernel, newest first.\n"
	"apt-file fetches a package and takes one file out of it.\n"
	"\n"
	"      --state DIR       where apt keeps its lists\n"
	"      --suite SUITE     \"trixie-backports\"\n"
	"      --flavour FLAVOUR \"cloud-amd64\"\n"
	"      --into DIR        where the file goes, as config or bzImage\n"
	"      --package NAME, --package-version V, --release R  as apt-list prints them\n"
	"  -h, --help            this text\n"
	"  -V, --version         the version\n";

struct opts {
	const char *state, *suite, *flavour, *into, *package, *version, *release;
};

static int apt_list(const struct opts *o)
{
	struct apt a = { o->state };
	AUTO_FREE struct apt_kernel *k = NULL;
	struct jsonw w;
	int n, i, rc = apt_setup(&a, o->suite);

	if (rc == 0)
		rc = apt_update(&a);
	if (rc < 0)
		return rc;
	n = apt_kernels(&a, o->flavour, &k);
	if (n < 0)
		return n;
	jsonw_init(&w, stdout);
	jsonw_meta(&w, "kt-kernel-fetch", true);
	rc = jsonw_end(&w);
	for (i = 0; i < n && rc == 0; i++) {
		jsonw_begin(&w, "candidate");
		jsonw_str(&w, "release", k[i].release);
		jsonw_str(&w, "package", k[i].package);
		jsonw_str(&w, "version", k[i].version);
		jsonw_u64(&w, "bytes", k[i].bytes);
		jsonw_str(&w, "config_package", k[i].config_package);
		jsonw_u64(&w, "config_bytes", k[i].config_bytes);
		rc = jsonw_end(&w);
	}
	if (rc == 0) {
		jsonw_begin(&w, "end");
		jsonw_str(&w, "tool", "kt-kernel-fetch");
		jsonw_str(&w, "outcome", "ok");
		jsonw_u64(&w, "candidates", (uint64_t)n);
		rc = jsonw_end(&w);
	}
	jsonw_free(&w);
	return rc < 0 ? warn_rc(rc, "write records") : 0;
}

/* The package's file goes out as it is; a package without it is no failure of ours, but says so. */
static int apt_file(const struct opts *o, const char *what)
{
	struct apt a = { o->state };
	bool image = strcmp(what, "image") == 0;
	char deb[NAME_MAX + 1], at[2][PATH_MAX];
	const char *const paths[] = { at[0], at[1], NULL };
	const char *why, *to = image ? "bzImage" : "config";
	int rc, i;

	(void)snprintf(at[0], sizeof(at[0]), "usr/lib/modules/%s/%s", o->release,
		       image ? "vmlinuz" : "config");
	(void)snprintf(at[1], sizeof(at[1]), "boot/%s-%s", image ? "vmlinuz" : "config",
		       o->release);
	rc = apt_download(&a, o->package, o->version, o->into, deb, sizeof(deb));
	if (rc < 0)
		return rc;
	rc = unpack_deb(deb, paths, image ? MAX_IMAGE : MAX_CONFIG, to, &why);
	i = unlink(deb) < 0 ? -errno : 0;
	if (rc < 0)
		return why ? (warn_msg("unpack '%s': %s", deb, why), rc)
			   : warn_rc(rc, "unpack '%s'", deb);
	if (rc == 0) {
		warn_msg("'%s' holds neither '%s' nor '%s'", deb, at[0], at[1]);
		return -ENOENT;
	}
	return i < 0 ? warn_rc(i, "remove '%s'", deb) : 0;
}

static const char *need(const char *value, const char *name)
{
	if (!value || !*value)
		die_usage("--%s is missing", name);
	return value;
}

int main(int argc, char *argv[])
{
	enum {
		OPT_STATE = 256,
		OPT_SUITE,
		OPT_FLAVOUR,
		OPT_INTO,
		OPT_PACKAGE,
		OPT_VER,
		OPT_REL
	};
	static const struct option longopts[] = {
		{ "state", required_argument, NULL, OPT_STATE },
		{ "suite", required_argument, NULL, OPT_SUITE },
		{ "flavour", required_argument, NULL, OPT_FLAVOUR },
		{ "into", required_argument, NULL, OPT_INTO },
		{ "package", required_argument, NULL, OPT_PACKAGE },
		{ "package-version", required_argument, NULL, OPT_VER },
		{ "release", required_argument, NULL, OPT_REL },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	struct opts o = { 0 };
	int c, rc, close_rc;

	while ((c = getopt_long(argc, argv, "hV", longopts, NULL)) != -1) {
		switch (c) {
		case 'h':
			return print_help(help);
		case 'V':
			return print_version();
		case OPT_STATE:
			o.state = optarg;
			break;
		case OPT_SUITE:
			o.suite = optarg;
			break;
		case OPT_FLAVOUR:
			o.flavour = optarg;
			break;
		case OPT_INTO:
			o.into = optarg;
			break;
		case OPT_PACKAGE:
			o.package = optarg;
			break;
		case OPT_VER:
			o.version = optarg;
			break;
		case OPT_REL:
			o.release = optarg;
			break;
		default:
			return KT_USAGE; /* getopt_long has said what is wrong */
		}
	}
	if (setenv("LC_ALL", "C.UTF-8", 1) < 0)
		return warn_rc(-errno, "set LC_ALL") < 0 ? KT_FAIL : KT_OK;
	need(o.state, "state");
	if (optind + 1 == argc && strcmp(argv[optind], "apt-list") == 0) {
		need(o.suite, "suite");
		need(o.flavour, "flavour");
		rc = apt_list(&o);
	} else if (optind + 2 == argc && strcmp(argv[optind], "apt-file") == 0 &&
		   (strcmp(argv[optind + 1], "config") == 0 ||
		    strcmp(argv[optind + 1], "image") == 0)) {
		need(o.into, "into");
		need(o.package, "package");
		need(o.version, "package-version");
		need(o.release, "release");
		rc = apt_file(&o, argv[optind + 1]);
	} else {
		die_usage("what to get: apt-list, apt-file config, or apt-file image");
	}
	close_rc = out_close(stdout);
	if (rc == 0 && close_rc < 0)
		rc = warn_rc(close_rc, "write standard output");
	return rc < 0 ? KT_FAIL : KT_OK;
}
