/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packages of the distribution's archive, fetched and verified by apt in a state of its own:
 * nothing of the system's apt is changed, and other suites of the same archive can be used. */
#ifndef KT_APT_H
#define KT_APT_H

#include "buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct apt {
	const char *state; /* directory for lists and cache */
	bool system; /* all sources of the system are asked, not one of ours */
};

/* A kernel that the archive has. */
struct apt_kernel {
	char release[128]; /* "7.3.4+deb13-cloud-amd64" */
	char package[192], version[128]; /* that holds the image */
	char config_package[192]; /* that holds its configuration; the same one if there is no other
				   */
	uint64_t bytes, config_bytes; /* to fetch; config_bytes 0 for the same package */
};

/* apt_setup - make the state directory's files and write its only source: the archive that this
 * system's own sources call its main one, with another suite; or the one at $KTSTR_APT_URI
 * ($KTSTR_APT_TRUSTED=yes: unsigned). Speaks on stderr. 0 or -errno. */
int apt_setup(const struct apt *a, const char *suite);

/* apt_run - run an apt program with these arguments in the state; its standard output goes to out,
 * or to stderr when out is NULL. Says what went wrong. 0 or -errno. */
int apt_run(const struct apt *a, const char *program, const char *const *args, struct buf *out);

/* apt_update - fetch the lists. apt's own messages go to stderr. 0 or -errno. */
int apt_update(const struct apt *a);

/* apt_kernels - kernels of a flavour ("cloud-amd64"), newest first; the caller frees *ret. Returns
 * the count or -errno. */
int apt_kernels(const struct apt *a, const char *flavour, struct apt_kernel **ret);

/* A package of the archive. */
struct apt_package {
	char name[192], version[128];
	uint64_t bytes;
};

/* apt_versions - those of one package, newest first; the caller frees *ret. Returns the count or
 * -errno. */
int apt_versions(const struct apt *a, const char *package, struct apt_package **ret);

/* apt_download - fetch one package into the directory dir; its file name goes to ret_file. apt has
 * verified it then. 0 or -errno. */
int apt_download(const struct apt *a, const char *package, const char *version, const char *dir,
		 char *ret_file, size_t cap);

/* apt_private_source - the entry of a sources file (deb822 or one-line, by its name's end) at a
 * number (stanza or line, from 1), with suite and component "main" in place of its own, appended to
 * out. Returns 1, or 0 when there is no such entry. */
int apt_private_source(const char *text, size_t len, bool deb822, unsigned long number,
		       const char *suite, struct buf *out);

#endif
