/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a staged directory with a prebuilt kernel to an entry of the cache. */
#include "prebuilt.h"
#include "buf.h"
#include "cache.h"
#include "die.h"
#include "holders.h"
#include "lock.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

int prebuilt_begin(struct kernel *k, const char *source)
{
	struct utsname u;

	kernel_init(k);
	if (uname(&u) < 0)
		return warn_rc(-errno, "name this machine");
	(void)snprintf(k->source, sizeof(k->source), "%s", source);
	(void)snprintf(k->image, sizeof(k->image), "bzImage");
	(void)snprintf(k->machine, sizeof(k->machine), "%s", u.machine);
	return 0;
}

int prebuilt_config(const char *staged, struct kernel *k)
{
	char path[PATH_MAX + 16];
	AUTO_BUF text = BUF_INIT;
	int rc;

	(void)snprintf(path, sizeof(path), "%s/config", staged);
	rc = buf_file(&text, path, SIZE_MAX);
	if (rc < 0)
		return warn_rc(rc, "read '%s'", path);
	config_read(&k->config, text.p ? text.p : "", text.len);
	return 0;
}

bool prebuilt_good(const struct kernel *k)
{
	return config_can(&k->config, NEED_BOOT, k->machine) == TRI_YES &&
	       config_can(&k->config, NEED_SCHED, k->machine) == TRI_YES &&
	       config_can(&k->config, NEED_SCHED_EXT, k->machine) == TRI_YES;
}

void prebuilt_say_missing(const struct kernel *k)
{
	size_t i;

	for (i = 0; config_needs[i].option; i++)
		if (config_lacks(&k->config, i, k->machine))
			warn_msg("%s lacks CONFIG_%s=y (%s)", k->version, config_needs[i].option,
				 config_needs[i].why);
}

static int check_image(const char *staged, struct kernel *k, const char *package)
{
	char path[PATH_MAX + 16];
	struct kernel got;
	int rc;

	(void)snprintf(path, sizeof(path), "%s/bzImage", staged);
	rc = kernel_file(path, k->source, &got);
	if (rc < 0)
		return warn_rc(rc, "read '%s'", path);
	if (got.damage || strcmp(got.machine, k->machine) != 0) {
		warn_msg("the kernel in '%s' is of no use: %s", package,
			 got.damage ? got.corrupt : "it is for another machine");
		return -EBADMSG;
	}
	if (got.version[0] && strcmp(got.version, k->version) != 0) {
		warn_msg("'%s' holds kernel %s, not %s", package, got.version, k->version);
		return -EBADMSG;
	}
	return 0;
}

int prebuilt_publish(const char *staged, struct kernel *k, const char *package)
{
	char key[sizeof(k->key)], path[PATH_MAX], who[HOLDERS_TEXT];
	int rc = check_image(staged, k, package);

	if (rc < 0)
		return rc;
	rc = cache_publish(staged, k);
	if (rc == -EWOULDBLOCK) {
		warn_msg("kernel '%s' cannot be replaced: it is in use by %s", k->key,
			 lock_cache_path("kernel", k->key, path, sizeof(path))
				 ? holders_text_of(path, who, sizeof(who))
				 : "somebody");
		return rc;
	}
	if (rc < 0)
		return warn_rc(rc, "put kernel %s into the cache", k->version);
	memcpy(key, k->key, sizeof(key));
	rc = cache_load(key, k);
	return rc < 0 ? warn_rc(rc, "read kernel '%s' in the cache", key) : 0;
}
