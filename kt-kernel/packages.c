/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs apt-list and apt-file: prebuilt kernels of the distribution's archive. */
#include "apt.h"
#include "cleanup.h"
#include "die.h"
#include "unpack.h"
#include "verbs.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CONFIG (4 << 20)
#define MAX_IMAGE (512 << 20)

int verb_apt_list(struct fetch *f)
{
	struct apt a = { f->state };
	AUTO_FREE struct apt_kernel *k = NULL;
	int n, i, rc = apt_setup(&a, f->suite);

	if (rc == 0)
		rc = apt_update(&a);
	if (rc < 0)
		return rc;
	n = apt_kernels(&a, f->flavour, &k);
	if (n < 0)
		return n;
	rc = stream_begin(f, -1);
	for (i = 0; i < n && rc == 0; i++) {
		struct jsonw *w = &f->w;

		jsonw_begin(w, "candidate");
		jsonw_str(w, "release", k[i].release);
		jsonw_str(w, "package", k[i].package);
		jsonw_str(w, "version", k[i].version);
		jsonw_u64(w, "bytes", k[i].bytes);
		jsonw_str(w, "config_package", k[i].config_package);
		jsonw_u64(w, "config_bytes", k[i].config_bytes);
		rc = stream_record(f);
	}
	return rc;
}

/* The package's file goes out as it is; a package without it is no failure of ours, but says so. */
int verb_apt_file(struct fetch *f)
{
	const char *what = f->args[0];
	struct apt a = { f->state };
	bool image = strcmp(what, "image") == 0;
	char deb[NAME_MAX + 1], at[2][PATH_MAX];
	const char *const paths[] = { at[0], at[1], NULL };
	const char *why, *to = image ? "bzImage" : "config";
	int rc, i;

	if (!image && strcmp(what, "config") != 0)
		die_usage("apt-file: config or image, not '%s'", what);
	(void)snprintf(at[0], sizeof(at[0]), "usr/lib/modules/%s/%s", f->release,
		       image ? "vmlinuz" : "config");
	(void)snprintf(at[1], sizeof(at[1]), "boot/%s-%s", image ? "vmlinuz" : "config",
		       f->release);
	rc = apt_download(&a, f->package, f->package_version, f->into, deb, sizeof(deb));
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
	return i < 0 ? warn_rc(i, "remove '%s'", deb) : stream_begin(f, -1);
}
