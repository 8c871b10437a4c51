/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration of a kernel to build: all that ktstr.config and the --config files ask for; or
 * the user's own .config with what is missing in it. */
#include "cleanup.h"
#include "die.h"
#include "fragment.h"
#include "job.h"
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define CONFIG_MAX (16 << 20)
#define NEEDED "what ktstr needs" /* the file that messages name for our own needs */
#define KEPT ".config.before-kt-kernel"
#define SHOWN 24 /* changes to a .config that are named one by one */

int job_read(const char *path, struct buf *out)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t from = out->len;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = buf_fill(out, fd, 65536)) > 0)
		if (out->len - from > CONFIG_MAX)
			return -EFBIG;
	return (int)n;
}

static int hash_hex(const void *p, size_t n, char ret[SHA256_TEXT])
{
	struct sha256 s;

	sha256_init(&s);
	sha256_add(&s, p, n);
	sha256_hex(&s, ret);
	return 0;
}

int configure_wants(struct job *j)
{
	size_t len, i;
	const char *text = fragment_text(&len);
	AUTO_BUF all = BUF_INIT;
	int rc = kconfig_add(&j->wants, "ktstr.config", text, len, j->tools.machine);

	(void)buf_add(&all, text, len);
	for (i = 0; rc == 0 && i < j->b->n_config; i++) {
		const char *file = j->b->config[i];
		size_t from = all.len;

		rc = job_read(file, &all);
		if (rc < 0)
			return warn_rc(rc, "read '%s'", file);
		rc = kconfig_add(&j->wants, file, all.p + from, all.len - from, j->tools.machine);
		if (rc == 0)
			rc = kconfig_add(&j->extra, file, all.p + from, all.len - from,
					 j->tools.machine);
	}
	if (rc == 0 && all.err)
		rc = all.err;
	if (rc == -ENOMEM)
		return warn_rc(rc, "read the configuration");
	if (rc < 0)
		return rc;
	fragment_hash(j->base_hash);
	return hash_hex(all.p, all.len, j->fragment_hash);
}

static char *config_path(const struct job *j, char *buf, size_t cap)
{
	(void)snprintf(buf, cap, "%s/.config", j->tree); /* cap is larger than tree */
	return buf;
}

static int read_config(const struct job *j, struct buf *out)
{
	char path[PATH_MAX + 16];

	return job_read(config_path(j, path, sizeof(path)), out);
}

int configure_hash(struct job *j, char ret[SHA256_TEXT])
{
	AUTO_BUF text = BUF_INIT;
	int rc = read_config(j, &text);

	return rc < 0 ? rc : hash_hex(text.p ? text.p : "", text.len, ret);
}

/* For a user's .config: what ktstr needs, unless a --config file says otherwise, and those files.
 */
static int user_wants(struct job *j, struct wants *ret)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && config_needs[i].option; i++) {
		const struct need *n = &config_needs[i];

		if (!n->machine || strcmp(n->machine, j->tools.machine) == 0)
			rc = kconfig_want(ret, NEEDED, 0, n->option, "y", false);
	}
	for (i = 0; rc == 0 && i < j->extra.n; i++) {
		const struct want *w = &j->extra.v[i];

		rc = kconfig_want(ret, w->file, w->line, w->name, w->value, w->optional);
	}
	return rc;
}

static size_t unmet(const struct wants *w, const struct buf *text, struct buf *ret_lines)
{
	size_t i, n = 0;

	for (i = 0; i < w->n; i++)
		if (!kconfig_honours(text->p, text->len, &w->v[i])) {
			n++;
			if (strcmp(w->v[i].value, "n") == 0)
				(void)buf_fmt(ret_lines, "# CONFIG_%s is not set\n", w->v[i].name);
			else
				(void)buf_fmt(ret_lines, "CONFIG_%s=%s\n", w->v[i].name,
					      w->v[i].value);
		}
	return n;
}

bool configure_ready(struct job *j)
{
	struct wants w = { 0 };
	AUTO_BUF text = BUF_INIT;
	AUTO_BUF lines = BUF_INIT;
	bool ready = false;

	if (read_config(j, &text) == 0 && text.len > 0 && user_wants(j, &w) == 0)
		ready = unmet(&w, &text, &lines) == 0;
	kconfig_free(&w);
	return ready;
}

/* The message for one option that came out otherwise. */
static void say_unmet(const struct job *j, const struct want *w, const char *is, int known)
{
	const char *cause = known == 0 ? "no Kconfig file of this tree has such an option"
				       : kconfig_cause(w->name);
	const char *tools = strcmp(w->name, "DEBUG_INFO_BTF") == 0 ? j->tools.text : NULL;
	char where[256] = NEEDED;

	if (w->line)
		(void)snprintf(where, sizeof(where), "%s:%lu", w->file, w->line);
	warn_msg("%s: CONFIG_%s=%s (%s) was not honoured, it is %s%s%s%s%s", j->label, w->name,
		 w->value, where, is, cause ? ": " : "", cause ? cause : "",
		 tools ? "; there is " : "", tools ? tools : "");
}

int configure_check(struct job *j, bool after)
{
	struct wants mine = { 0 };
	const struct wants *w = &j->wants;
	AUTO_BUF text = BUF_INIT;
	AUTO_BUF names = BUF_INIT;
	size_t i, n = 0;
	int rc = read_config(j, &text);

	if (rc == 0 && j->user_config) {
		rc = user_wants(j, &mine);
		w = &mine;
	}
	if (rc < 0) {
		kconfig_free(&mine);
		return job_fail_rc(j, rc, "read '%s/.config'", j->tree);
	}
	for (i = 0; i < w->n; i++) {
		char is[64];
		int known;

		if (kconfig_honours(text.p, text.len, &w->v[i]))
			continue;
		known = kconfig_known(j->tree, w->v[i].name);
		if (known == 0 && w->v[i].optional)
			continue;
		say_unmet(j, &w->v[i],
			  kconfig_value(text.p, text.len, w->v[i].name, is, sizeof(is)), known);
		(void)buf_fmt(&names, "%sCONFIG_%s", n++ ? ", " : "", w->v[i].name);
	}
	kconfig_free(&mine);
	if (n == 0)
		return 0;
	return job_fail(j, -EINVAL, "%s: %zu wanted option%s not in its configuration%s: %s",
			j->label, n, n == 1 ? " is" : "s are", after ? " any more" : "",
			names.err ? "…" : names.p);
}

/* ---- making it */

static int run_make(struct job *j, const char *const *args)
{
	int rc = make_run(&j->make, args);
	char line[1024];

	if (rc == -EINVAL) {
		phase_drop(&j->phase);
		make_explain(j->log, line, sizeof(line));
		return job_fail(j, rc, "%s: it cannot be configured: %s", j->label,
				line[0] ? line : "make failed");
	}
	return rc;
}

static int configure_ours(struct job *j)
{
	char path[PATH_MAX + 32], arg[PATH_MAX + 64];
	const char *const args[] = { arg, "allnoconfig", NULL };
	AUTO_FD dir = open(j->work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_BUF text = BUF_INIT;
	int rc = kconfig_text(&j->wants, &text);

	if (rc == 0)
		rc = dir < 0 ? -errno : out_replace(dir, "wanted.config", text.p, text.len);
	if (rc < 0)
		return job_fail_rc(j, rc, "write '%s/wanted.config'", j->work);
	(void)snprintf(path, sizeof(path), "%s/wanted.config", j->work);
	(void)snprintf(arg, sizeof(arg), "KCONFIG_ALLCONFIG=%s", path);
	return run_make(j, args);
}

struct changes {
	const struct job *j;
	unsigned n;
};

static void say_change(const char *name, const char *was, const char *is, void *arg)
{
	struct changes *c = arg;

	if (c->n++ < SHOWN)
		warn_msg("%s: in .config, CONFIG_%s was %s and is now %s", c->j->label, name, was,
			 is);
}

/* Put back what was there. */
static void restore(const struct job *j, int dir, const struct buf *old)
{
	int rc = out_replace(dir, ".config", old->p ? old->p : "", old->len);

	if (rc < 0)
		(void)warn_rc(rc, "put '%s/.config' back as it was (it is in " KEPT ")", j->tree);
}

static int configure_users(struct job *j)
{
	static const char *const args[] = { "olddefconfig", NULL };
	AUTO_FD dir = open(j->tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct changes c = { .j = j };
	struct wants w = { 0 };
	AUTO_BUF old = BUF_INIT;
	AUTO_BUF now = BUF_INIT;
	AUTO_BUF lines = BUF_INIT;
	int rc = dir < 0 ? -errno : read_config(j, &old);

	if (rc == 0)
		rc = user_wants(j, &w);
	if (rc == 0 && unmet(&w, &old, &lines) > 0) {
		(void)buf_add(&now, old.p, old.len);
		(void)buf_chr(&now, '\n');
		(void)buf_add(&now, lines.p, lines.len);
		rc = now.err ? now.err : out_replace(dir, KEPT, old.p, old.len);
		if (rc == 0)
			rc = out_replace(dir, ".config", now.p, now.len);
	}
	kconfig_free(&w);
	if (rc < 0)
		return job_fail_rc(j, rc, "write '%s/.config'", j->tree);
	rc = run_make(j, args);
	if (rc == 0) {
		buf_reset(&now);
		rc = read_config(j, &now);
		if (rc < 0)
			rc = job_fail_rc(j, rc, "read '%s/.config'", j->tree);
	}
	if (rc == 0)
		rc = configure_check(j, false);
	if (rc < 0) {
		restore(j, dir, &old);
		return rc;
	}
	phase_drop(&j->phase);
	kconfig_changes(old.p, old.len, now.p, now.len, say_change, &c);
	if (c.n > SHOWN)
		warn_msg("%s: and %u more", j->label, c.n - SHOWN);
	if (c.n > 0)
		warn_msg("%s: .config was changed%s", j->label,
			 lines.len ? "; what it was is in " KEPT : " by make olddefconfig");
	return 0;
}

/* make mrproper, which would take the user's .config too. */
static int clean(struct job *j)
{
	static const char *const args[] = { "mrproper", NULL };
	AUTO_FD dir = open(j->tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_BUF old = BUF_INIT;
	int rc = dir < 0 ? -errno : read_config(j, &old);
	bool had = rc == 0;

	if (had)
		rc = out_replace(dir, KEPT, old.p ? old.p : "", old.len);
	if (rc < 0 && rc != -ENOENT)
		return job_fail_rc(j, rc, "keep '%s/.config'", j->tree);
	rc = run_make(j, args);
	if (had)
		restore(j, dir, &old);
	return rc;
}

int configure(struct job *j)
{
	int rc = 0;

	phase_begin(&j->phase, "configure");
	if (j->b->clean && !j->own)
		rc = clean(j);
	if (rc == 0 && j->user_config)
		rc = configure_users(j);
	else if (rc == 0) {
		rc = configure_ours(j);
		if (rc == 0)
			rc = configure_check(j, false);
	}
	if (rc < 0)
		phase_drop(&j->phase);
	else
		phase_end(&j->phase);
	return rc;
}
