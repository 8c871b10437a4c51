/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which kernels are of a series that kernel.org no longer maintains. */
#include "eol.h"
#include "buf.h"
#include "cachedir.h"
#include "cleanup.h"
#include "die.h"
#include "fetcher.h"
#include "ident.h"
#include "jsonr.h"
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define FAILED "releases.failed" /* why the network was of no use, and by its time since when */
#define FAILED_SECS 600
#define DEADLINE_MS 8000

struct row {
	uint64_t major, minor;
	bool maintained; /* as far as anybody says */
};

struct rows {
	struct row *v;
	size_t n;
	int err;
};

static int add_row(const json_t *rec, void *arg)
{
	const char *series = rec_str(rec, "series", "");
	struct rows *r = arg;
	struct row *v;
	struct kver k;

	if (kver_parse(series, strlen(series), &k) < 0 || k.parts < 2)
		return 0; /* linux-next has dates for versions */
	v = reallocarray(r->v, r->n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	r->v = v;
	r->v[r->n++] = (struct row){ k.major, k.minor, !rec_bool(rec, "eol", false) };
	return 0;
}

/* "6.14.2-ktstr+" is 6.14.2 to kernel.org. */
static int upstream(const struct kernel *k, struct kver *ret)
{
	static const char *const sources[] = { "tarball", "git", "local" };
	size_t i, len = strspn(k->version, "0123456789.");

	for (i = 0; i < KT_ARRAY_LEN(sources); i++)
		if (strcmp(k->source, sources[i]) == 0)
			return !k->damage && kver_parse(k->version, len, ret) == 0 &&
			       ret->parts >= 2;
	return 0;
}

/* A series that is not listed has ended, unless it is younger than the list. */
static enum tristate judge(const struct rows *r, const struct kver *k)
{
	bool listed = false, below = false;
	size_t i;

	for (i = 0; i < r->n; i++) {
		const struct row *x = &r->v[i];

		if (x->major == k->major && x->minor == k->minor) {
			if (x->maintained)
				return TRI_NO;
			listed = true;
		}
		if (x->major > k->major || (x->major == k->major && x->minor > k->minor))
			below = true;
	}
	return listed || below ? TRI_YES : TRI_UNKNOWN;
}

/* Did asking fail a moment ago? Then why is filled. */
static bool failed_lately(char *why, size_t cap)
{
	char path[PATH_MAX];
	AUTO_BUF text = BUF_INIT;
	AUTO_FD fd = -1;
	struct stat st;
	time_t age;

	if (!cachedir_path(path, sizeof(path) - sizeof("/" FAILED)))
		return false;
	strcat(path, "/" FAILED);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	age = time(NULL) - st.st_mtime;
	if (age < 0 || age > FAILED_SECS || buf_fill(&text, fd, cap) <= 0)
		return false;
	text.p[strcspn(text.p, "\n")] = '\0';
	(void)snprintf(why, cap, "%s (%lld s ago)", text.p, (long long)age);
	return true;
}

/* A cache that cannot be written only makes the next one ask again. */
static void remember(const char *why)
{
	AUTO_FD dir_fd = cachedir_open(NULL);

	if (dir_fd < 0)
		return;
	if (why)
		(void)out_replace(dir_fd, FAILED, why, strlen(why)); /* see above */
	else
		(void)unlinkat(dir_fd, FAILED, 0); /* mostly there is none */
}

/* The last message, without the tool's name in front. */
static void last_line(const struct buf *said, char *buf, size_t cap)
{
	const char *p = said->p ? said->p : "", *line = p;
	size_t len = 0;

	for (; *p; p += strcspn(p, "\n"), p += *p != '\0')
		if (strcspn(p, "\n") > 0) {
			line = p;
			len = strcspn(p, "\n");
		}
	if (len > 17 && strncmp(line, "kt-kernel-fetch: ", 17) == 0) {
		line += 17;
		len -= 17;
	}
	(void)snprintf(buf, cap, "%.*s", (int)len, line); /* cut off it still helps */
}

/* Returns 0 or -errno with why filled in. */
static int ask(bool offline, struct rows *ret, char *why, size_t cap)
{
	const char *const args[] = { "releases", "--max-age", offline ? "36500d" : "1d",
				     offline ? "--offline" : NULL, NULL };
	AUTO_BUF out = BUF_INIT, said = BUF_INIT;
	struct fetcher f = {
		.sig_fd = -1, .quiet = true, .timeout_ms = DEADLINE_MS, .said = &said
	};
	int rc;

	why[0] = '\0';
	/* a list is not worth the patience that a kernel is; what the user has set is his to say */
	if (setenv("KTSTR_NET_CONNECT", "4s", 0) < 0 || setenv("KTSTR_NET_STALL", "4s", 0) < 0 ||
	    setenv("KTSTR_NET_RETRIES", "0", 0) < 0)
		return -errno;
	rc = fetcher_run(&f, args, &out);
	if (rc == 0)
		rc = fetcher_each(&out, "release", add_row, ret);
	last_line(&said, why, cap);
	if (rc == 0)
		rc = -ENODATA;
	if (rc < 0 && !why[0])
		(void)snprintf(why, cap, "%s", strerror(-rc));
	return rc < 0 ? rc : 0;
}

void eol_mark(struct kernel *v, int n, bool offline, bool quiet)
{
	struct rows rows = { 0 };
	char why[512];
	struct kver k;
	int i, rc = 0;

	for (i = 0; i < n && !upstream(&v[i], &k); i++)
		;
	if (i == n)
		return;
	if (!offline && failed_lately(why, sizeof(why))) {
		rc = -ENETUNREACH;
	} else {
		rc = ask(offline, &rows, why, sizeof(why));
		if (!offline)
			remember(rc < 0 ? why : NULL);
	}
	if (rc < 0 && !quiet)
		warn_msg("which series have ended is unknown: %s", why);
	for (i = 0; rc == 0 && i < n; i++)
		if (upstream(&v[i], &k))
			v[i].eol = judge(&rows, &k);
	free(rows.v);
}
