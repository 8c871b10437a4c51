/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds a shared library by the run-time loader's rules (ld.so(8)), without running anything. */
#ifndef KT_LDSO_H
#define KT_LDSO_H

#include "elf.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

enum ldso_via {
	LDSO_PATH,
	LDSO_RPATH,
	LDSO_RUNPATH,
	LDSO_CACHE,
	LDSO_DEFAULT
};

/* An object that is loaded: a program, or a library of it. Paths are as the loader would form them;
 * host is where the file is here, guest where it will be found (they differ when a source is given
 * another place, and for all that is found from there by $ORIGIN). */
struct ldso_obj {
	char *host, *guest;
	struct elf elf;
	void *map; /* the file that elf points into */
	size_t map_len;
	dev_t dev;
	ino_t ino;
	const struct ldso_obj *loader; /* who asked for it first; NULL: the program itself */
	const char *asked; /* by this name, a text of the loader's */
	enum ldso_via via; /* how it was found */
};

/* The library cache, mapped; a machine without one has map NULL. */
struct ldso_cache {
	const void *map;
	size_t len;
};

/* Told of every file whose presence or absence decided something; st is NULL for absence. */
typedef int (*ldso_seen_fn)(const char *path, const struct stat *st, void *arg);

struct ldso {
	struct ldso_cache cache;
	ldso_seen_fn seen;
	void *arg;
};

struct ldso_found {
	char *host, *guest; /* the caller frees both */
	struct stat st;
	enum ldso_via via;
};

/* ldso_find - the library that `obj` names `name`. interp is the program's PT_INTERP (its
 * directory tells what $LIB and the default directories are).
 * Returns 1, 0 when there is none that fits, or -errno. */
int ldso_find(const struct ldso *l, const struct ldso_obj *obj, const char *interp,
	      const char *name, struct ldso_found *ret);

/* ldso_cache_each - all entries for a name in a library cache of the format "glibc-ld.so.cache1.1"
 * whose flags fit the class and machine, best first; entries for special hardware are left out. fn
 * returns nonzero to stop. Returns fn's last value, 0, or -EBADMSG for a malformed cache. */
int ldso_cache_each(const struct ldso_cache *c, const char *name, uint8_t class, uint16_t machine,
		    int (*fn)(const char *path, void *arg), void *arg);

/* ldso_default_dirs - does the loader look in this directory by itself? */
bool ldso_is_default_dir(const char *interp, uint8_t class, const char *dir);

/* path_clean - an absolute path without ".", "..", doubled and trailing slashes, by text alone;
 * ".." above the root stays there. Returns buf, or NULL when it does not fit. */
char *path_clean(const char *path, char *buf, size_t cap);

#endif
