/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The search of ld.so(8): RPATH of the asking object and of those that loaded it (unless it has a
 * RUNPATH), RUNPATH, the library cache, the default directories. LD_LIBRARY_PATH is left out: the
 * guest does not get it. */
#include "ldso.h"
#include "buf.h"
#include "cleanup.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>

/* The library cache, as glibc's elf/cache.c writes it: a header, entries, strings. */
struct cache_head {
	char magic[20]; /* "glibc-ld.so.cache1.1" */
	uint32_t n, strings;
	uint8_t flags, pad[3];
	uint32_t ext, unused[3];
};

struct cache_entry {
	int32_t flags;
	uint32_t key, value, osversion;
	uint64_t hwcap;
};

#define CACHE_MAGIC "glibc-ld.so.cache1.1"
#define OLD_MAGIC "ld.so-1.7.0"

char *path_clean(const char *path, char *buf, size_t cap)
{
	size_t n = 0;

	while (*path) {
		size_t len = strcspn(path, "/");

		if (len == 2 && path[0] == '.' && path[1] == '.') {
			while (n > 0 && buf[--n] != '/')
				;
		} else if (len > 0 && !(len == 1 && path[0] == '.')) {
			if (n + len + 2 > cap)
				return NULL;
			buf[n++] = '/';
			memcpy(buf + n, path, len);
			n += len;
		}
		path += len;
		path += *path == '/';
	}
	if (n == 0)
		buf[n++] = '/';
	buf[n] = '\0';
	return buf;
}

/* ldconfig(8) marks each entry with what kind of library it is; these are its marks for the ABIs
 * that share a directory with another one. For the rest the ELF header of the file decides. */
static bool flags_fit(int32_t flags, uint8_t class, uint16_t machine)
{
	int abi = flags & 0xff00;

	if ((flags & 0xff) != 3) /* FLAG_ELF_LIBC6 */
		return false;
	switch (machine) {
	case EM_386:
		return abi == 0;
	case EM_X86_64:
		return abi == (class == ELFCLASS64 ? 0x0300 : 0x0800);
	case EM_AARCH64:
		return class != ELFCLASS64 || abi == 0x0a00;
	default:
		return true;
	}
}

int ldso_cache_each(const struct ldso_cache *c, const char *name, uint8_t class, uint16_t machine,
		    int (*fn)(const char *path, void *arg), void *arg)
{
	const unsigned char *p = c->map;
	size_t len = c->len, i;
	struct cache_head h;
	int rc;

	if (!p)
		return 0;
	/* A cache for old programs too has their table in front. */
	if (len >= 16 && memcmp(p, OLD_MAGIC, sizeof(OLD_MAGIC) - 1) == 0) {
		uint32_t n;
		size_t skip;

		memcpy(&n, p + 12, sizeof(n));
		skip = (16 + (size_t)n * 12 + 7) & ~(size_t)7;
		if (n > len / 12 || skip > len)
			return -EBADMSG;
		p += skip;
		len -= skip;
	}
	if (len < sizeof(h))
		return -EBADMSG;
	memcpy(&h, p, sizeof(h));
	if (memcmp(h.magic, CACHE_MAGIC, sizeof(h.magic)) != 0 ||
	    h.n > (len - sizeof(h)) / sizeof(struct cache_entry))
		return -EBADMSG;
	for (i = 0; i < h.n; i++) {
		struct cache_entry e;
		const char *key, *value;

		memcpy(&e, p + sizeof(h) + i * sizeof(e), sizeof(e));
		if (e.hwcap != 0 || !flags_fit(e.flags, class, machine))
			continue;
		if (e.key >= len || e.value >= len)
			return -EBADMSG;
		key = (const char *)p + e.key;
		value = (const char *)p + e.value;
		if (!memchr(key, '\0', len - e.key) || !memchr(value, '\0', len - e.value))
			return -EBADMSG;
		if (strcmp(key, name) != 0)
			continue;
		rc = fn(value, arg);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static const char *platform(uint16_t machine)
{
	switch (machine) {
	case EM_X86_64:
		return "x86_64";
	case EM_386:
		return "i686";
	case EM_AARCH64:
		return "aarch64";
	case EM_RISCV:
		return "riscv64";
	case EM_S390:
		return "s390x";
	default:
		return "";
	}
}

/* What the loader calls $LIB: its own directory below / or /usr, "lib/x86_64-linux-gnu" on a
 * multiarch system, "lib64" or "lib" elsewhere. */
static void lib_token(const char *interp, uint8_t class, char *buf, size_t cap)
{
	char real[PATH_MAX];
	const char *s = real;
	char *slash;

	size_t len;

	(void)snprintf(buf, cap, "%s", class == ELFCLASS64 ? "lib64" : "lib");
	if (!interp || !realpath(interp, real) || !(slash = strrchr(real, '/')) || slash == real)
		return;
	*slash = '\0';
	s += strncmp(s, "/usr/", 5) == 0 ? 5 : 1;
	len = strlen(s);
	if (len < cap)
		memcpy(buf, s, len + 1);
}

static int default_dir(const char *interp, uint8_t class, int i, char *buf, size_t cap)
{
	char lib[256];
	const char *const musl[] = { "/lib", "/usr/local/lib", "/usr/lib" };

	if (interp && strstr(interp, "/ld-musl-")) {
		if (i >= 3)
			return 0;
		(void)snprintf(buf, cap, "%s", musl[i]);
		return 1;
	}
	lib_token(interp, class, lib, sizeof(lib));
	switch (i) {
	case 0:
		(void)snprintf(buf, cap, "/%s", lib);
		return 1;
	case 1:
		(void)snprintf(buf, cap, "/usr/%s", lib);
		return 1;
	case 2:
	case 3:
		(void)snprintf(buf, cap, "%s%s", i == 2 ? "" : "/usr",
			       class == ELFCLASS64 ? "/lib64" : "/lib");
		return 1;
	case 4:
	case 5:
		(void)snprintf(buf, cap, "%s/lib", i == 4 ? "" : "/usr");
		return 1;
	default:
		return 0;
	}
}

bool ldso_is_default_dir(const char *interp, uint8_t class, const char *dir)
{
	char d[PATH_MAX];
	int i;

	for (i = 0; default_dir(interp, class, i, d, sizeof(d)); i++)
		if (strcmp(d, dir) == 0)
			return true;
	return false;
}

static char *dir_of(const char *path, char *buf, size_t cap)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (n >= cap)
		return NULL;
	memcpy(buf, path, n);
	buf[n] = '\0';
	return buf;
}

/* The length of "$NAME" or "${NAME}" at s, or 0. */
static size_t token_at(const char *s, size_t n, const char *name)
{
	size_t len = strlen(name);

	if (n > len + 2 && s[1] == '{')
		return memcmp(s + 2, name, len) == 0 && s[len + 2] == '}' ? len + 3 : 0;
	if (n > len && memcmp(s + 1, name, len) == 0 && (n == len + 1 || s[len + 1] == '/'))
		return len + 1;
	return 0;
}

/* One part of a search path with its tokens replaced, $ORIGIN by `origin`. */
static int expand(struct buf *out, const char *s, size_t n, const char *origin, const char *lib,
		  uint16_t machine)
{
	const struct {
		const char *name, *value;
	} tok[] = { { "ORIGIN", origin }, { "LIB", lib }, { "PLATFORM", platform(machine) } };
	size_t i = 0, t;

	while (i < n) {
		size_t used = 0;

		for (t = 0; s[i] == '$' && t < KT_ARRAY_LEN(tok) && used == 0; t++) {
			used = token_at(s + i, n - i, tok[t].name);
			if (used > 0)
				buf_str(out, tok[t].value);
		}
		if (used == 0)
			buf_chr(out, s[i++]);
		i += used;
	}
	return out->err;
}

/* One search in progress. */
struct search {
	const struct ldso *l;
	uint8_t class;
	uint16_t machine;
	struct ldso_found *found;
	enum ldso_via via;
};

/* Is host a library of the right kind? Then it is what was looked for. */
static int try_file(struct search *s, const char *host, const char *guest)
{
	unsigned char head[20];
	struct stat st;
	uint16_t machine;
	AUTO_FD fd = -1;
	int rc;

	fd = open(host, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return s->l->seen ? s->l->seen(host, NULL, s->l->arg) : 0;
	rc = s->l->seen ? s->l->seen(host, &st, s->l->arg) : 0;
	if (rc < 0)
		return rc;
	if (pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    memcmp(head, ELFMAG, SELFMAG) != 0)
		return 0;
	memcpy(&machine, head + 18, sizeof(machine));
	if (head[EI_CLASS] != s->class || machine != s->machine)
		return 0; /* the namesake for another ABI; the loader passes over it as well */
	s->found->host = strdup(host);
	s->found->guest = strdup(guest);
	if (!s->found->host || !s->found->guest) {
		free(s->found->host);
		free(s->found->guest);
		return -ENOMEM;
	}
	s->found->st = st;
	s->found->via = s->via;
	return 1;
}

static int try_dir(struct search *s, const char *host_dir, const char *guest_dir, const char *name)
{
	char host[PATH_MAX], joined[PATH_MAX], guest[PATH_MAX];
	int n = snprintf(host, sizeof(host), "%s/%s", host_dir, name);
	int m = snprintf(joined, sizeof(joined), "%s/%s", guest_dir, name);

	if (n < 0 || n >= (int)sizeof(host) || m < 0 || m >= (int)sizeof(joined) ||
	    !path_clean(joined, guest, sizeof(guest)))
		return 0; /* longer than any path: nothing can be there */
	return try_file(s, host, guest);
}

/* All directories of a DT_RPATH or DT_RUNPATH that belongs to `owner`. */
static int try_path(struct search *s, const char *path, const struct ldso_obj *owner,
		    const char *lib, const char *name)
{
	char host_origin[PATH_MAX], guest_origin[PATH_MAX];

	if (!dir_of(owner->host, host_origin, sizeof(host_origin)) ||
	    !dir_of(owner->guest, guest_origin, sizeof(guest_origin)))
		return -ENAMETOOLONG;
	while (*path) {
		size_t len = strcspn(path, ":");
		AUTO_BUF host = BUF_INIT;
		AUTO_BUF guest = BUF_INIT;
		int rc;

		/* An empty or relative part would mean the current directory at run time. */
		rc = expand(&host, path, len, host_origin, lib, s->machine);
		if (rc == 0)
			rc = expand(&guest, path, len, guest_origin, lib, s->machine);
		if (rc == 0 && host.len > 0 && host.p[0] == '/')
			rc = try_dir(s, host.p, guest.p, name);
		if (rc != 0)
			return rc;
		path += len;
		path += *path == ':';
	}
	return 0;
}

static int cache_hit(const char *path, void *arg)
{
	char clean[PATH_MAX];

	return path[0] == '/' && path_clean(path, clean, sizeof(clean)) ? try_file(arg, path, clean)
									: 0;
}

int ldso_find(const struct ldso *l, const struct ldso_obj *obj, const char *interp,
	      const char *name, struct ldso_found *ret)
{
	struct search s = { l, obj->elf.class, obj->elf.machine, ret, LDSO_PATH };
	const struct ldso_obj *o;
	char lib[256], dir[PATH_MAX];
	int rc = 0, i;

	lib_token(interp, obj->elf.class, lib, sizeof(lib));
	if (strchr(name, '/')) { /* a path, not a name: no search */
		char host_origin[PATH_MAX], guest_origin[PATH_MAX], clean[PATH_MAX];
		AUTO_BUF host = BUF_INIT;
		AUTO_BUF guest = BUF_INIT;

		if (!dir_of(obj->host, host_origin, sizeof(host_origin)) ||
		    !dir_of(obj->guest, guest_origin, sizeof(guest_origin)))
			return -ENAMETOOLONG;
		if (expand(&host, name, strlen(name), host_origin, lib, s.machine) < 0 ||
		    expand(&guest, name, strlen(name), guest_origin, lib, s.machine) < 0)
			return -ENOMEM;
		if (!host.p || !guest.p || host.p[0] != '/' ||
		    !path_clean(guest.p, clean, sizeof(clean)))
			return 0;
		return try_file(&s, host.p, clean);
	}
	s.via = LDSO_RPATH;
	for (o = obj; o && rc == 0 && !obj->elf.runpath; o = o->loader)
		if (o->elf.rpath && !o->elf.runpath)
			rc = try_path(&s, o->elf.rpath, o, lib, name);
	s.via = LDSO_RUNPATH;
	if (rc == 0 && obj->elf.runpath)
		rc = try_path(&s, obj->elf.runpath, obj, lib, name);
	if (rc != 0 || obj->elf.nodeflib)
		return rc;
	s.via = LDSO_CACHE;
	if (!interp || !strstr(interp, "/ld-musl-"))
		rc = ldso_cache_each(&l->cache, name, s.class, s.machine, cache_hit, &s);
	if (rc == -EBADMSG) /* the loader ignores such a cache as well */
		rc = 0;
	s.via = LDSO_DEFAULT;
	for (i = 0; rc == 0 && default_dir(interp, s.class, i, dir, sizeof(dir)); i++)
		rc = try_dir(&s, dir, dir, name);
	return rc;
}
