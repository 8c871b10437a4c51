/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Getting things by HTTP: patience. */
#include "http.h"
#include "die.h"
#include "dur.h"
#include "num.h"
#include "xfer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_PAUSE_MS 500 /* before a second attempt; doubles from then on */
#define MAX_PAUSE_MS 8000
#define GOOD_PROGRESS (1 << 20) /* an attempt that brought so much begins the count anew */

static int setting(const char *name, uint64_t *ret_ns)
{
	const char *s = getenv(name);
	int rc;

	if (!s || !*s)
		return 0;
	rc = dur_parse(s, ret_ns);
	if (rc == 0 && (*ret_ns < NSEC_PER_MSEC || *ret_ns > 86400 * NSEC_PER_SEC))
		rc = -ERANGE;
	if (rc < 0)
		warn_msg("bad %s '%s': it should be a duration like 30s, of 1ms to 24h", name, s);
	return rc;
}

int http_init(struct http *h, struct progress *progress)
{
	const char *retries = getenv("KTSTR_NET_RETRIES");
	uint64_t connect_ns = 10 * NSEC_PER_SEC, n = 4;
	int rc;

	*h = (struct http){ .stall_ns = 30 * NSEC_PER_SEC, .progress = progress };
	rc = setting("KTSTR_NET_STALL", &h->stall_ns);
	if (rc == 0)
		rc = setting("KTSTR_NET_CONNECT", &connect_ns);
	if (rc < 0)
		return rc;
	if (retries && *retries && num_u64(retries, 0, 100, &n) < 0) {
		warn_msg("bad KTSTR_NET_RETRIES '%s': it should be a number up to 100", retries);
		return -EINVAL;
	}
	h->connect_ms = connect_ns / NSEC_PER_MSEC;
	h->retries = (unsigned int)n;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		warn_msg("libcurl cannot be used");
		return -ELIBBAD;
	}
	return 0;
}

void http_exit(void)
{
	curl_global_cleanup();
}

static unsigned int pause_ms(unsigned int tries)
{
	unsigned int ms = FIRST_PAUSE_MS << (tries < 8 ? tries : 8);

	return ms < MAX_PAUSE_MS ? ms : MAX_PAUSE_MS;
}

static int give_up(const struct xfer *x, int rc)
{
	progress_end(x->h->progress);
	if (x->err == 0)
		return warn_rc(rc, "get '%s'", x->url);
	warn_msg("get '%s': %s", x->url, x->why);
	return rc == -EAGAIN ? -EIO : rc;
}

/* One request, as often as it takes. */
static int persist(struct xfer *x)
{
	unsigned int tries = 0;
	uint64_t before;
	char text[32];
	int rc;

	for (;;) {
		before = x->at;
		rc = xfer_attempt(x, 1);
		if (rc == 0)
			rc = xfer_verdict(x);
		if (rc == 0 || rc == -ENOENT)
			break;
		if (x->at > before && x->at - before >= GOOD_PROGRESS)
			tries = 0;
		if (rc != -EAGAIN || tries >= (x->no_name ? x->h->retries > 0 : x->h->retries))
			return give_up(x, rc);
		progress_end(x->h->progress);
		dur_format(pause_ms(tries) * NSEC_PER_MSEC, text, sizeof(text));
		if (!x->h->progress->quiet)
			warn_msg("get '%s': %s; trying again in %s", x->url, x->why, text);
		(void)poll(NULL, 0, (int)pause_ms(tries)); /* too early is no harm */
		tries++;
	}
	progress_end(x->h->progress);
	return rc;
}

int http_text(const struct http *h, const char *url, size_t max_bytes, struct buf *out)
{
	struct xfer x = { .h = h, .url = url, .out = out, .fd = -1, .max_bytes = max_bytes };

	return persist(&x);
}

int http_file(const struct http *h, struct http_file *f, int part_fd)
{
	struct xfer x = {
		.h = h, .url = f->url, .file = f, .fd = part_fd, .max_bytes = f->max_bytes
	};
	off_t size = lseek(part_fd, 0, SEEK_END);
	int rc;

	if (size < 0)
		return warn_rc(-errno, "read '%s.part'", f->name);
	x.at = (uint64_t)size;
	rc = persist(&x);
	f->bytes = x.at;
	return rc;
}

int http_exist(const struct http *h, char *const *urls, size_t n, bool *ret_there)
{
	struct xfer v[XFER_MAX];
	size_t index[XFER_MAX], i, j, m;

	for (i = 0; i < n; i += m) {
		unsigned int tries = 0;

		m = n - i < XFER_MAX ? n - i : XFER_MAX;
		for (j = 0; j < m; j++) {
			v[j] = (struct xfer){ .h = h, .url = urls[i + j], .fd = -1, .head = true };
			index[j] = i + j;
		}
		for (;;) {
			size_t again = 0;
			int rc = xfer_attempt(v, m);

			if (rc < 0)
				return warn_rc(rc, "ask for '%s'", urls[i]);
			for (j = 0; j < m; j++) {
				rc = xfer_verdict(&v[j]);
				if (rc == -EAGAIN && tries < h->retries) {
					index[again] = index[j];
					v[again++] = v[j];
					continue;
				}
				if (rc < 0 && rc != -ENOENT)
					return give_up(&v[j], rc);
				ret_there[index[j]] = rc == 0 && !v[j].html;
			}
			if (again == 0)
				break;
			(void)poll(NULL, 0, (int)pause_ms(tries)); /* too early is no harm */
			m = again;
			tries++;
		}
		m = n - i < XFER_MAX ? n - i : XFER_MAX;
	}
	return 0;
}
