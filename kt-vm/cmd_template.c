/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-vm template make|list|drop */
#include "cmd_template.h"
#include "cleanup.h"
#include "die.h"
#include "holders.h"
#include "jsonr.h"
#include "jsonw.h"
#include "lock.h"
#include "sig.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

struct stream {
	struct jsonw w;
	uint64_t n, bytes;
	int rc; /* of writing; or -EBUSY once something was not done, which has been told */
	const char *key; /* of the one that is meant; NULL: all */
	bool made, drop, all;
};

static void begin(struct stream *s)
{
	jsonw_init(&s->w, stdout);
	jsonw_meta(&s->w, "kt-vm", true);
	s->rc = jsonw_end(&s->w);
}

/* Returns the exit status. */
static int end(struct stream *s)
{
	bool ok = s->rc == 0;

	if (s->rc == 0 || s->rc == -EBUSY) {
		jsonw_begin(&s->w, "end");
		jsonw_str(&s->w, "tool", "kt-vm");
		jsonw_str(&s->w, "outcome", ok ? "ok" : "fail");
		jsonw_u64(&s->w, "templates", s->n);
		jsonw_u64(&s->w, "bytes", s->bytes);
		s->rc = jsonw_end(&s->w);
	}
	if (s->rc == 0 && fflush(stdout) != 0)
		s->rc = -errno;
	jsonw_free(&s->w);
	if (s->rc < 0)
		warn_rc(s->rc, "write standard output");
	return s->rc == 0 && ok ? KT_OK : KT_FAIL;
}

static void put_time(struct jsonw *w, const char *key, int64_t s)
{
	time_t t = (time_t)s;
	char text[32];
	struct tm tm;

	jsonw_str(w, key,
		  s > 0 && gmtime_r(&t, &tm) &&
				  strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm)
			  ? text
			  : NULL);
}

static bool in_use(const char *key)
{
	struct template t;
	bool busy;

	template_init(&t, key);
	busy = template_lock(&t, true, false, -1) == -EWOULDBLOCK;
	template_free(&t);
	return busy;
}

/* Words of the metadata are null where it cannot be read. */
static void put(struct stream *s, const char *type, const struct template_info *t, bool busy)
{
	static const char *const words[] = { "topology", "kernel", "clock", "accel", "append" };
	AUTO_FREE char *path = NULL;
	size_t i;

	if (asprintf(&path, "%s/%s", t->place, t->name) < 0) {
		path = NULL;
		s->rc = -ENOMEM;
		return;
	}
	jsonw_begin(&s->w, type);
	jsonw_str(&s->w, "key", t->key);
	for (i = 0; i < KT_ARRAY_LEN(words); i++)
		jsonw_str(&s->w, words[i], rec_str(t->metadata, words[i], NULL));
	jsonw_id(&s->w, "memory_bytes", rec_i64(t->metadata, "memory_bytes", -1));
	jsonw_u64(&s->w, "bytes", t->bytes);
	jsonw_bool(&s->w, "usable", t->finished);
	jsonw_bool(&s->w, "in_use", busy);
	put_time(&s->w, "made", rec_i64(t->metadata, "made_s", 0));
	put_time(&s->w, "used", t->used_s);
	jsonw_str(&s->w, "path", path);
	s->rc = jsonw_end(&s->w);
	s->n++;
	s->bytes += t->bytes;
}

static int show(const struct template_info *t, void *arg)
{
	struct stream *s = arg;

	if (!s->key || strcmp(s->key, t->key) == 0)
		put(s, "template", t, in_use(t->key));
	return s->rc;
}

int template_cmd_list(void)
{
	struct stream s = { 0 };
	int rc;

	begin(&s);
	rc = s.rc == 0 ? template_each(show, &s) : 0;
	if (rc < 0 && s.rc == 0) {
		warn_rc(rc, "list the templates");
		s.rc = -EBUSY;
	}
	return end(&s);
}

int template_cmd_make(struct opts *o)
{
	struct stream s = { 0 };
	struct template t;
	bool made;
	int rc = exec_prepare(o, &t, &made);

	if (rc < 0) {
		template_free(&t);
		return rc == -EINTR ? 128 + sig_read(o->vm.sig_fd) : KT_PREFIX_FAIL;
	}
	s.key = t.key;
	if (!made && !o->quiet)
		warn_msg("template %s was there already", t.key);
	template_unlock(&t); /* or it would count as in use */
	begin(&s);
	if (s.rc == 0)
		(void)template_each(show, &s); /* what it returns is in s.rc */
	rc = end(&s);
	template_free(&t);
	return rc;
}

static int drop(const struct template_info *info, void *arg)
{
	struct stream *s = arg;
	char lock[PATH_MAX], who[HOLDERS_TEXT];
	struct template t;
	uint64_t bytes;
	int rc;

	if (s->key && strcmp(s->key, info->key) != 0)
		return 0;
	template_init(&t, info->key);
	rc = template_lock(&t, true, false, -1);
	if (rc == 0)
		rc = template_remove(&t, &bytes);
	if (rc == 0) {
		(void)lock_forget("template", t.key); /* an empty file too many */
		put(s, "dropped", info, false);
	} else if (rc != -EWOULDBLOCK) {
		s->rc = warn_rc(rc, "drop template %s", info->key) < 0 ? -EBUSY : 0;
	} else {
		warn_msg("template %s is in use by %s", info->key,
			 lock_cache_path("template", info->key, lock, sizeof(lock))
				 ? holders_text_of(lock, who, sizeof(who))
				 : "somebody");
		if (s->key)
			s->rc = -EBUSY;
	}
	template_free(&t);
	return s->rc == -EBUSY ? 0 : s->rc;
}

int template_cmd_drop(char *const *keys, bool all)
{
	struct stream s = { 0 };
	size_t i;

	begin(&s);
	for (i = 0; (all ? i == 0 : keys[i] != NULL) && (s.rc == 0 || s.rc == -EBUSY); i++) {
		uint64_t before = s.n;
		int rc;

		s.key = all ? NULL : keys[i];
		rc = template_each(drop, &s);
		if (rc < 0 && s.rc == 0)
			s.rc = warn_rc(rc, "list the templates") < 0 ? -EBUSY : 0;
		if (!all && s.n == before && s.rc == 0) {
			warn_msg("no template '%s'", keys[i]);
			s.rc = -EBUSY;
		}
	}
	return end(&s);
}
