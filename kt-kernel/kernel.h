/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of a kernel, and its record. */
#ifndef KT_KERNEL_H
#define KT_KERNEL_H

#include "config.h"
#include "image.h"
#include "sha256.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct holders;

#define KERNEL_FILES 16 /* an entry has at most so many, without metadata.json */

/* What is wrong with an entry, or with a file that was to be a kernel. */
enum damage {
	DAMAGE_NONE,
	DAMAGE_MISSING, /* no metadata.json */
	DAMAGE_UNREADABLE, /* it cannot be read */
	DAMAGE_MALFORMED, /* it is no JSON */
	DAMAGE_TRUNCATED, /* it ends early */
	DAMAGE_SCHEMA, /* it is JSON, but not what metadata.json is */
	DAMAGE_FILE_MISSING, /* a file that it names is not there */
	DAMAGE_SIZE, /* a file has another size */
	DAMAGE_SUM, /* a file has another sha256 (looked at by cache_verify() only) */
	DAMAGE_NO_KERNEL /* the image is no kernel */
};

struct kernel_file {
	char name[64];
	uint64_t bytes;
	char sha256[SHA256_TEXT];
};

/* Text is "" where it is unknown. Begin with kernel_init(): a zeroed tristate would say no. */
struct kernel {
	char key[256]; /* "" for a file that is not from the cache */
	char version[128]; /* the release, "7.3.4+deb13-cloud-amd64" */
	char source[16]; /* "apt", "deb", "tarball", "git", "local", "package"; "file", "host" */
	char suite[64], flavour[64]; /* of apt */
	char package[192], package_version[128]; /* of apt, deb and package */
	char url[1024]; /* where a tarball or a repository came from */
	char ref[256], commit[65]; /* of git, also of a local tree: full hexadecimal */
	char tree[PATH_MAX]; /* of a local one */
	char fragment_hash[SHA256_TEXT]; /* of ktstr.config and the --config files, as used */
	char base_hash[SHA256_TEXT]; /* of ktstr.config alone: tells whether it is stale */
	char toolchain[256]; /* "gcc 12.2.0, ld 2.40, pahole 1.24" */
	uint64_t build_ns; /* 0: not built here */
	enum tristate dirty; /* the tree had changes */
	enum tristate verified; /* a signature or a checksum of what was fetched was checked */

	char machine[65]; /* as uname -m says */
	char image[64]; /* file name in the entry */
	char path[PATH_MAX]; /* of the image */
	char config_path[PATH_MAX];
	char built[32]; /* when it came into the cache, "2026-01-01T00:00:00Z" */
	char used[32]; /* when it was last used, or came */
	struct kernel_file files[KERNEL_FILES]; /* all but metadata.json */
	size_t n_files;
	enum image_kind kind;
	struct config config;
	uint64_t bytes; /* of the image */

	enum tristate stale; /* made with another ktstr.config; unknown for a prebuilt one */
	enum tristate eol; /* of its series upstream; unknown until eol_mark() */
	const struct holders *in_use; /* who holds its lock, see use_look(); NULL: unknown */
	enum damage damage;
	char corrupt[256]; /* the same in words: why it is of no use */
};

/* kernel_init - nothing is known. */
void kernel_init(struct kernel *k);

/* kernel_hash - sha256 of the entry's file, "" when it has none of that name. */
const char *kernel_hash(const struct kernel *k, const char *name);

/* kernel_damage - say what is wrong with it; the first call counts. */
void kernel_damage(struct kernel *k, enum damage what, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* kernel_file - the facts of an image file, from the file itself and a configuration near it.
 * Returns 0 (k->kind IMAGE_NONE with k->corrupt when it is no kernel), or -errno. */
int kernel_file(const char *path, const char *source, struct kernel *k);

/* kernel_abilities - the members boots … missing, also for metadata.json. */
struct jsonw;
void kernel_abilities(struct jsonw *w, const struct kernel *k);

/* kernel_holders - the holders of a lock as an array of {pid, comm, cmdline, process_start}. */
void kernel_holders(struct jsonw *w, const char *name, const struct holders *file);

/* kernel_record - write it as a record of this type; why may be NULL. Returns 0 or -errno. */
int kernel_record(struct jsonw *w, const char *type, const struct kernel *k, const char *why);

#endif
