/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the verbs of kt-kernel-fetch share: their options, the stream of records, the record of a
 * source tree. */
#ifndef KT_VERBS_H
#define KT_VERBS_H

#include "http.h"
#include "jsonw.h"
#include "progress.h"

#include <stdbool.h>
#include <stdint.h>

struct verb_ctx {
	/* options; NULL where not given */
	const char *state, *suite, *flavour, *into, *package, *package_version, *release;
	const char *downloads, *ref, *max_age;
	bool no_checksum, offline, quiet;
	char **args; /* operands behind the verb, NULL at the end */
	/* shared */
	struct http http;
	struct progress progress;
	struct jsonw w;
	uint64_t records; /* written, without meta and end */
	bool begun; /* meta was written */
};

/* stream_begin - write the meta record; cached: 1, 0, or -1 where nothing could be. stream_record -
 * end the record being written. Both say what went wrong. 0 or -errno. */
int stream_begin(struct verb_ctx *f, int cached);
int stream_record(struct verb_ctx *f);

#define URL_BYTES 1024

/* A tree of sources that was brought. "" and 0 stand for unknown; no pointers, as one process makes
 * it and another prints it. */
struct source {
	char kind[16]; /* "tarball", "git", "package" */
	char dir[4096];
	char version[128], url[URL_BYTES], ref[URL_BYTES], commit[65], package[192],
		package_version[128];
	char file[4096], sha256[65]; /* where the file that came is kept, and its sum */
	uint64_t bytes; /* of that file */
	int64_t commit_time; /* seconds since 1970 */
	char verified_by[16]; /* "sha256", "signature", "apt" */
};

/* stream_source - meta record and source record. Says what went wrong. 0 or -errno. */
int stream_source(struct verb_ctx *f, const struct source *s);

/* source_text - copy to a member of the above. Returns 0 or -ENAMETOOLONG. */
int source_text(char *to, size_t cap, const char *text);

/* What each verb does. They have said what went wrong when they return -errno. */
int verb_releases(struct verb_ctx *f);
int verb_resolve(struct verb_ctx *f);
int verb_tarball(struct verb_ctx *f);
int verb_apt_list(struct verb_ctx *f);
int verb_apt_file(struct verb_ctx *f);
int verb_apt_source(struct verb_ctx *f);
int verb_apt_source_list(struct verb_ctx *f);
int verb_deb(struct verb_ctx *f);
int verb_git(struct verb_ctx *f);
int verb_git_head(struct verb_ctx *f);
int verb_git_status(struct verb_ctx *f);

#endif
