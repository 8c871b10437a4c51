/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-kernel check: holds an image against what ktstr needs. */
#include "cache.h"
#include "cleanup.h"
#include "cmd.h"
#include "die.h"
#include "find.h"
#include "lock.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#define REPLACE_MS 10000 /* an entry that is being replaced is waited for */

static void put_need(struct stream *s, const struct kernel *k, size_t i)
{
	const struct need *n = &config_needs[i];
	char name[64];

	if (s->rc < 0 || (n->machine && strcmp(n->machine, k->machine) != 0))
		return;
	(void)snprintf(name, sizeof(name), "CONFIG_%s", n->option);
	jsonw_begin(&s->w, "need");
	jsonw_str(&s->w, "option", name);
	jsonw_str(&s->w, "for", need_for_text(n->what));
	if (!k->config.known)
		jsonw_null(&s->w, "value");
	else
		jsonw_strn(&s->w, "value", (const char *)&k->config.have[i], 1);
	if (!k->config.known)
		jsonw_null(&s->w, "met");
	else
		jsonw_bool(&s->w, "met", k->config.have[i] == 'y');
	jsonw_str(&s->w, "why", n->why);
	s->rc = jsonw_end(&s->w);
}

/* A key of the cache or a version there, whose files are then read and compared with their sums; or
 * a file. */
static int look_up(const char *name, struct kernel *k)
{
	AUTO_FD lock = -1;
	char why[FIND_WHY];
	int rc;

	if (!cache_key_ok(name) || cache_load(name, k) == -ENOENT) {
		rc = strchr(name, '/') || access(name, F_OK) == 0 ? find_file(name, k)
								  : find_kernel(name, k, why);
		if (rc < 0 || !k->key[0])
			return rc;
		name = strdupa(k->key);
	}
	lock = lock_cache("kernel", name, LOCK_SHARED, REPLACE_MS);
	if (lock < 0 && lock != -EACCES && lock != -EROFS)
		return warn_rc(lock, "lock kernel '%s'", name);
	rc = cache_load(name, k);
	if (rc == 0 && !k->damage)
		rc = cache_verify(k);
	return rc < 0 ? warn_rc(rc, "read kernel '%s'", name) : 0;
}

/* The image's record, one `need` for each thing that ktstr wants, and a failure when it cannot
 * boot. */
static int check(const char *name)
{
	struct kernel k;
	struct stream s;
	size_t i;
	int rc = look_up(name, &k);

	if (rc < 0)
		return rc;
	stream_open(&s);
	stream_kernel(&s, &k, NULL);
	for (i = 0; !k.damage && config_needs[i].option; i++)
		put_need(&s, &k, i);
	if (k.damage) {
		warn_msg("'%s' is no kernel to boot: %s", name, k.corrupt);
		rc = -EBADMSG;
	}
	for (i = 0; rc == 0 && config_needs[i].option; i++)
		if (config_lacks(&k.config, i, k.machine))
			warn_msg("'%s' lacks CONFIG_%s=y (%s)", name, config_needs[i].option,
				 config_needs[i].why);
	if (rc == 0 && config_can(&k.config, NEED_BOOT, k.machine) == TRI_NO)
		rc = -EINVAL;
	if (stream_close(&s, rc < 0 ? "fail" : "ok") < 0)
		return -EIO;
	return rc;
}

int cmd_check(int argc, char *argv[])
{
	static const struct option longopts[] = { CMD_COMMON, { 0 } };
	int c = getopt_long(argc, argv, "hV", longopts, NULL);

	if (c != -1)
		return cmd_option(c);
	if (optind + 1 != argc)
		die_usage("check wants one key, version or file");
	return cmd_status(check(argv[optind]));
}
