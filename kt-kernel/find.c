/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which kernel a name means. A name that fits nothing is an error: another kernel than the one that
 * was asked for would be found out late, or never. */
#include "find.h"
#include "cache.h"
#include "cleanup.h"
#include "die.h"
#include "dirs.h"
#include "ident.h"
#include "version.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

/* An image's name in a directory. Returns 0 or -errno, said. */
static int find_image(const char *name, char *buf, size_t cap)
{
	static const char *const in[] = { "/bzImage", "/arch/x86/boot/bzImage",
					  "/arch/arm64/boot/Image", "/vmlinux", "/Image" };
	struct stat st;
	size_t i;

	if (stat(name, &st) < 0)
		return warn_rc(-errno, "open kernel '%s'", name);
	if (!S_ISDIR(st.st_mode))
		return snprintf(buf, cap, "%s", name) < (int)cap ? 0 : -ENAMETOOLONG;
	for (i = 0; i < KT_ARRAY_LEN(in); i++)
		if (snprintf(buf, cap, "%s%s", name, in[i]) < (int)cap && access(buf, F_OK) == 0)
			return 0;
	if (snprintf(buf, cap, "%s/Kconfig", name) < (int)cap && access(buf, F_OK) == 0)
		warn_msg("no kernel has been built in the tree '%s' (kt-kernel build --source '%s' "
			 "does)",
			 name, name);
	else
		warn_msg("no kernel is in the directory '%s'", name);
	return -ENOENT;
}

/* The key of the entry that a file belongs to; false when it lies elsewhere. */
static bool key_of(const char *file, char *key, size_t cap)
{
	char dir[PATH_MAX], at[PATH_MAX], real[PATH_MAX];
	const char *slash;
	size_t n;

	if (dirs_kernels(dir, sizeof(dir)) < 0 || !realpath(dir, real) || !realpath(file, at))
		return false;
	n = strlen(real);
	slash = strncmp(at, real, n) == 0 && at[n] == '/' ? strchr(at + n + 1, '/') : NULL;
	if (!slash || strchr(slash + 1, '/'))
		return false;
	n++;
	return snprintf(key, cap, "%.*s", (int)(slash - at - (ptrdiff_t)n), at + n) < (int)cap &&
	       cache_key_ok(key);
}

int find_file(const char *name, struct kernel *ret)
{
	char path[PATH_MAX], key[sizeof(ret->key)];
	int rc = find_image(name, path, sizeof(path));

	if (rc < 0)
		return rc;
	if (key_of(path, key, sizeof(key)))
		rc = cache_load(key, ret);
	else
		rc = kernel_file(path, "file", ret);
	return rc < 0 ? warn_rc(rc, "read kernel '%s'", name) : 0;
}

/* The upstream version in a release: "6.15-rc3" of "6.15.0-rc3-ktstr", "7.3.4" of
 * "7.3.4+deb13-cloud-amd64". */
static bool release_version(const char *release, struct kver *ret)
{
	size_t n = strspn(release, "0123456789.");

	if (strncmp(release + n, "-rc", 3) == 0)
		n += 3 + strspn(release + n + 3, "0123456789");
	return kver_parse(release, n, ret) == 0;
}

/* Is it what this name means? "6.12" means 6.12 and 6.12.3, not 6.1, 6.120 or 6.12-rc1. */
static bool fits(const struct kernel *k, const struct ident *id, const char *name)
{
	size_t n = strlen(name);
	struct kver v;

	if (id->kind == IDENT_KEY) /* of a distribution: "7.3.4+deb13" */
		return isdigit((unsigned char)*name) && strncmp(k->version, name, n) == 0 &&
		       !isdigit((unsigned char)k->version[n]);
	if (!release_version(k->version, &v))
		return false;
	return id->kind == IDENT_SERIES ? kver_in_series(&v, &id->v)
					: kver_compare(&v, &id->v) == 0;
}

/* Of two that a name fits: this machine's before others, what is whole before what is damaged, the
 * newer version, what is not stale, what came later. */
static bool better(const struct kernel *a, const struct kernel *b, const char *machine)
{
	int diff = (strcmp(a->machine, machine) == 0) - (strcmp(b->machine, machine) == 0);

	if (diff == 0)
		diff = (a->damage == DAMAGE_NONE) - (b->damage == DAMAGE_NONE);
	if (diff == 0)
		diff = version_compare(a->version, b->version);
	if (diff == 0)
		diff = (a->stale != TRI_YES) - (b->stale != TRI_YES);
	if (diff == 0)
		diff = strcmp(a->built, b->built);
	return diff > 0;
}

/* By version. Returns 1, 0, or -errno (said). */
static int find_version(const char *name, const struct ident *id, struct kernel *ret)
{
	AUTO_FREE struct kernel *v = NULL;
	const struct kernel *best = NULL;
	struct utsname u;
	int n = uname(&u) < 0 ? -errno : cache_list(&v), i;

	if (n < 0)
		return warn_rc(n, "list the kernels in the cache");
	for (i = 0; v && i < n; i++)
		if (v[i].version[0] && fits(&v[i], id, name) &&
		    (!best || better(&v[i], best, u.machine)))
			best = &v[i];
	if (best)
		*ret = *best;
	return best != NULL;
}

static int refuse(const char *name, const struct ident *id)
{
	if (id->kind == IDENT_GIT)
		warn_msg(
			"'%s' names a repository, not a kernel that is here (kt-kernel build --git "
			"'%.*s' --ref '%s' builds it and says its key)",
			name, (int)id->url_len, id->url, id->ref);
	else if (id->kind == IDENT_RANGE)
		warn_msg("'%s' names several kernels, and one is wanted", name);
	else
		warn_msg("'%s' names no kernel: %s", name, id->why);
	return -EINVAL;
}

static int absent(const char *name, const struct ident *id)
{
	if (id->kind == IDENT_VERSION || id->kind == IDENT_SERIES)
		warn_msg("there is no kernel %s in the cache (kt-kernel build %s brings it)", name,
			 name);
	else
		warn_msg("there is no kernel '%s': no such key, version or file (kt-kernel list "
			 "shows what is in the cache)",
			 name);
	return -ENOENT;
}

/* What a name means: a key, a version, a file. */
static int find_named(const char *name, struct kernel *ret, const char *who, char why[FIND_WHY])
{
	struct ident id;
	int rc = 0;

	(void)snprintf(why, FIND_WHY, "%s", who);
	ident_parse(name, &id);
	if (id.kind == IDENT_BAD || id.kind == IDENT_GIT || id.kind == IDENT_RANGE)
		return refuse(name, &id);
	if (id.kind == IDENT_PATH)
		return find_file(name, ret);
	rc = cache_load(name, ret);
	if (rc == 0)
		return 0;
	if (rc != -ENOENT && rc != -ENOTDIR && rc != -EINVAL)
		return warn_rc(rc, "look for '%s' in the cache", name);
	rc = find_version(name, &id, ret);
	if (rc == 1)
		(void)snprintf(why, FIND_WHY, "%s: the newest %s in the cache", who, name);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	return access(name, F_OK) == 0 ? find_file(name, ret) : absent(name, &id);
}

/* This host's own kernel, when it is known to have all that a guest needs. 1 or 0; why_not says
 * what was wrong with one that is there. */
static int find_host(struct kernel *k, char *why_not, size_t cap)
{
	char path[PATH_MAX];
	struct utsname u;
	size_t i;

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

/* What came last of those that can be used. Returns 1, 0 with why_not about the others, or -errno
 * (said). */
static int find_newest(struct kernel *ret, char *why_not, size_t cap)
{
	AUTO_FREE struct kernel *v = NULL;
	int damaged = 0, stale = 0, lacking = 0, i;
	struct utsname u;
	int n = uname(&u) < 0 ? -errno : cache_list(&v);

	if (n < 0)
		return warn_rc(n, "list the kernels in the cache");
	for (i = 0; v && i < n; i++) {
		const struct kernel *k = &v[i];

		if (k->damage) {
			damaged++;
		} else if (strcmp(k->machine, u.machine) != 0 ||
			   config_can(&k->config, NEED_BOOT, k->machine) != TRI_YES ||
			   config_can(&k->config, NEED_SCHED_EXT, k->machine) != TRI_YES) {
			lacking++;
		} else if (k->stale == TRI_YES) {
			stale++;
		} else {
			*ret = *k;
			return 1;
		}
	}
	if (n > 0)
		(void)snprintf(why_not, cap,
			       "of %d in the cache %d lack what is needed, %d are stale, %d are "
			       "damaged",
			       n, lacking, stale, damaged);
	return 0;
}

static int find_default(struct kernel *ret, char why[FIND_WHY])
{
	char cached[256] = "", host[PATH_MAX + 512] = "";
	int rc = find_newest(ret, cached, sizeof(cached));

	if (rc < 0)
		return rc;
	(void)snprintf(why, FIND_WHY, "%s",
		       rc	   ? "it is the newest in the cache with sched_ext"
		       : cached[0] ? "it is this host's own, and none in the cache can be used"
				   : "it is this host's own, and none is in the cache");
	if (rc || find_host(ret, host, sizeof(host)))
		return 0;
	warn_msg("there is no kernel to boot: kt-kernel get brings one%s%s%s%s%s",
		 cached[0] || host[0] ? " (" : "", cached, cached[0] && host[0] ? "; " : "", host,
		 cached[0] || host[0] ? ")" : "");
	return -ENOENT;
}

int find_kernel(const char *name, struct kernel *ret, char why[FIND_WHY])
{
	static const char blanks[] = " \t\r\n";
	const char *env = getenv("KTSTR_KERNEL"), *who = "it was named";
	AUTO_FREE char *trimmed = NULL;
	size_t n;
	int rc;

	if (!name && env) {
		env += strspn(env, blanks);
		for (n = strlen(env); n > 0 && strchr(blanks, env[n - 1]); n--)
			;
		trimmed = strndup(env, n);
		if (!trimmed)
			return warn_rc(-ENOMEM, "read KTSTR_KERNEL");
		name = n > 0 ? trimmed : NULL;
		who = "KTSTR_KERNEL names it";
	}
	rc = name ? find_named(name, ret, who, why) : find_default(ret, why);
	if (rc == 0 && ret->damage) {
		warn_msg("'%s' is no kernel to boot: %s", name ? name : ret->key, ret->corrupt);
		rc = -EBADMSG;
	}
	return rc;
}
