/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which kernel a name means. */
#include "find.h"
#include "cache.h"
#include "cleanup.h"
#include "die.h"
#include "version.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

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

int find_image(const char *name, char *buf, size_t cap)
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

int find_usable(const struct kernel *k, const char *name)
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
			return find_usable(k, name);
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
	return rc < 0 ? warn_rc(rc, "open kernel '%s'", name) : find_usable(k, name);
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

int find_kernel(const char *name, struct kernel *k, const char **ret_why)
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
