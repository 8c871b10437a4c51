/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One attempt at HTTP requests, with libcurl. */
#include "xfer.h"
#include "cleanup.h"
#include "dur.h"
#include "mono.h"
#include "num.h"
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define MAX_REDIRECTS 10

__attribute__((format(printf, 3, 4))) static void fail(struct xfer *x, int rc, const char *fmt, ...)
{
	va_list ap;

	if (x->err < 0)
		return;
	x->err = rc;
	va_start(ap, fmt);
	(void)vsnprintf(x->why, sizeof(x->why), fmt, ap); /* cut: still the reason */
	va_end(ap);
}

/* ---- what a part is a part of: "URL\nETAG\nLAST-MODIFIED\n" ---- */

static void from_name(const struct http_file *f, char buf[NAME_MAX + 1])
{
	(void)snprintf(buf, NAME_MAX + 1, "%s.part.from", f->name); /* cut: then it is not found */
}

void http_forget(const struct http_file *f)
{
	char name[NAME_MAX + 1];

	from_name(f, name);
	(void)unlinkat(f->dir_fd, name, 0); /* none is fine; else it will not fit the next file */
}

static int write_from(struct xfer *x)
{
	AUTO_BUF text = BUF_INIT;
	char name[NAME_MAX + 1];

	from_name(x->file, name);
	buf_fmt(&text, "%s\n%s\n%s\n", x->url, x->etag, x->modified);
	return text.err ? text.err : out_replace(x->file->dir_fd, name, text.p, text.len);
}

/* What to send as If-Range, or "": the part is of no use. */
static void read_from(struct xfer *x, char *buf, size_t cap)
{
	char name[NAME_MAX + 1], *line[3], *save = NULL;
	AUTO_BUF text = BUF_INIT;
	AUTO_FD fd = -1;
	size_t i;

	buf[0] = '\0';
	from_name(x->file, name);
	fd = openat(x->file->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || buf_fill(&text, fd, 8192) <= 0)
		return;
	save = text.p;
	for (i = 0; i < KT_ARRAY_LEN(line); i++) {
		line[i] = strsep(&save, "\n");
		if (!line[i])
			return;
	}
	if (strcmp(line[0], x->url) == 0)
		(void)snprintf(buf, cap, "%s", *line[1] ? line[1] : line[2]); /* cut: not equal */
}

/* ---- callbacks ---- */

/* The value of a header line, when it is of this name. */
static bool header(const char *line, size_t n, const char *name, char *buf, size_t cap)
{
	size_t len = strlen(name);

	if (n <= len || strncasecmp(line, name, len) != 0 || line[len] != ':')
		return false;
	line += len + 1;
	n -= len + 1;
	while (n > 0 && (*line == ' ' || *line == '\t'))
		line++, n--;
	while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == '\n' || line[n - 1] == ' '))
		n--;
	if (n >= cap || memchr(line, '\n', n))
		n = 0; /* too long to be used: as if it had not come */
	memcpy(buf, line, n);
	buf[n] = '\0';
	return true;
}

/* "bytes 100-199/200" */
static void content_range(struct xfer *x, const char *s)
{
	char *dash, *slash, text[256];
	uint64_t first, total;

	if (strncasecmp(s, "bytes ", 6) != 0)
		return;
	(void)snprintf(text, sizeof(text), "%s", s + 6);
	dash = strchr(text, '-');
	slash = strchr(text, '/');
	if (!dash || !slash || slash < dash)
		return;
	*dash = '\0';
	if (num_u64(text, 0, INT64_MAX, &first) < 0 || num_u64(slash + 1, 1, INT64_MAX, &total) < 0)
		return;
	x->range_first = first;
	x->range_total = total;
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct xfer *x = arg;
	char value[256];

	(void)size; /* always 1 */
	x->last_ns = mono_ns();
	if (n >= 5 && memcmp(p, "HTTP/", 5) == 0) { /* of a redirect's target, or after 100 */
		x->etag[0] = x->modified[0] = '\0';
		x->html = false;
		x->range_total = 0;
	} else if (header(p, n, "ETag", value, sizeof(value))) {
		if (value[0] == '"') /* a weak one promises nothing about bytes */
			memcpy(x->etag, value, sizeof(value));
	} else if (header(p, n, "Last-Modified", value, sizeof(x->modified))) {
		memcpy(x->modified, value, sizeof(x->modified));
	} else if (header(p, n, "Content-Type", value, sizeof(value))) {
		x->html = strcasestr(value, "text/html") || strcasestr(value, "xhtml");
	} else if (header(p, n, "Content-Range", value, sizeof(value))) {
		content_range(x, value);
	}
	return n;
}

/* The name of the file that a URL ends in. */
static const char *base_name(const char *url)
{
	const char *slash = strrchr(url, '/');

	return slash && slash[1] ? slash + 1 : url;
}

/* The first byte of a body has come, or it is empty: is it one that we want, and from where on? */
static void begin_body(struct xfer *x)
{
	curl_off_t length = -1;

	x->begun = true;
	if (curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &x->status) != CURLE_OK ||
	    curl_easy_getinfo(x->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length) != CURLE_OK)
		fail(x, -EPROTO, "no status came");
	if (x->err < 0 || x->status < 200 || x->status > 299)
		return;
	if (x->html && x->file) {
		fail(x, -EMEDIUMTYPE, "a page of HTML came instead of an archive");
		return;
	}
	if (x->status == 206 && x->at > 0) {
		if (x->range_first != x->at || x->range_total < x->at) {
			fail(x, -EPROTO, "another part came than the one that was asked for");
			return;
		}
	} else if (x->status != 200) {
		fail(x, -EPROTO, "status %ld came, without being asked for", x->status);
		return;
	} else if (x->file) {
		int rc = 0;

		if (ftruncate(x->fd, 0) < 0 || lseek(x->fd, 0, SEEK_SET) < 0)
			rc = -errno;
		x->at = 0;
		if (rc == 0)
			rc = write_from(x);
		if (rc < 0)
			fail(x, rc, "write '%s.part': %s", x->file->name, strerror(-rc));
	} else if (x->out) {
		buf_reset(x->out);
		x->at = 0;
	}
	if (x->file) {
		x->file->resumed = x->at;
		progress_begin(x->h->progress, x->at, length < 0 ? 0 : x->at + (uint64_t)length,
			       "getting %s", base_name(x->url));
	}
	if (!x->head && length > 0 &&
	    (uint64_t)length > x->max_bytes - (x->at < x->max_bytes ? x->at : 0))
		fail(x, -EFBIG, "it is larger than %llu bytes", (unsigned long long)x->max_bytes);
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct xfer *x = arg;
	int rc = 0;

	(void)size;
	x->last_ns = mono_ns();
	if (!x->begun)
		begin_body(x);
	if (x->err < 0)
		return 0;
	if (x->status != 200 && x->status != 206)
		return n; /* what an error says is for browsers */
	if (n > x->max_bytes || x->at > x->max_bytes - n) {
		fail(x, -EFBIG, "it is larger than %llu bytes", (unsigned long long)x->max_bytes);
		return 0;
	}
	if (x->out)
		rc = buf_add(x->out, p, n);
	else if (x->file)
		rc = out_all(x->fd, p, n);
	if (rc < 0) {
		fail(x, rc, "write '%s': %s", x->file ? x->file->name : "memory", strerror(-rc));
		return 0;
	}
	x->at += n;
	if (x->file)
		progress_at(x->h->progress, x->at);
	return n;
}

#if LIBCURL_VERSION_NUM >= 0x075000
/* The request goes out: from here on the server has so long to answer. */
static int on_connected(void *arg, char *ip, char *own_ip, int port, int own_port)
{
	struct xfer *x = arg;

	(void)ip;
	(void)own_ip;
	(void)port;
	(void)own_port;
	x->last_ns = mono_ns();
	return CURL_PREREQFUNC_OK;
}
#endif

/* ---- attempts ---- */

static CURLcode protocols(CURL *e, const char *url)
{
	/* What begins encrypted does not go on in the clear. */
	bool https = strncasecmp(url, "https:", 6) == 0;
	CURLcode c;

#if LIBCURL_VERSION_NUM >= 0x075500
	c = curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	if (c == CURLE_OK)
		c = curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR,
				     https ? "https" : "http,https");
#else
	c = curl_easy_setopt(e, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
	if (c == CURLE_OK)
		c = curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS,
				     https ? (long)CURLPROTO_HTTPS
					   : (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	return c;
}

/* A handle for the next attempt; *ret_headers is freed after it. */
static int prepare(struct xfer *x, struct curl_slist **ret_headers)
{
	CURL *e = curl_easy_init();
	CURLcode c;

	*ret_headers = NULL;
	x->easy = e;
	if (!e)
		return -ENOMEM;
	x->result = CURLE_OK;
	x->status = 0;
	x->begun = x->html = x->stalled = x->no_name = x->done = false;
	x->err = 0;
	x->why[0] = x->curl_why[0] = '\0';
	if (x->out || x->head)
		x->at = 0;
	c = curl_easy_setopt(e, CURLOPT_URL, x->url);
#define SET(option, value)                                                                         \
	do {                                                                                       \
		if (c == CURLE_OK)                                                                 \
			c = curl_easy_setopt(e, option, value);                                    \
	} while (0)
	if (c == CURLE_OK)
		c = protocols(e, x->url);
	SET(CURLOPT_PRIVATE, (void *)x);
	SET(CURLOPT_ERRORBUFFER, x->curl_why);
	SET(CURLOPT_USERAGENT, "kt-kernel-fetch/" KT_VERSION);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_FOLLOWLOCATION, 1L);
	SET(CURLOPT_MAXREDIRS, (long)MAX_REDIRECTS);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)x->h->connect_ms);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_BUFFERSIZE, 256L << 10);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, (void *)x);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, (void *)x);
#if LIBCURL_VERSION_NUM >= 0x075000
	SET(CURLOPT_PREREQFUNCTION, on_connected);
	SET(CURLOPT_PREREQDATA, (void *)x);
#endif
	if (x->head)
		SET(CURLOPT_NOBODY, 1L);
	if (x->file && x->at > 0) {
		char range[32], text[300], validator[256];

		read_from(x, validator, sizeof(validator));
		if (*validator) {
			(void)snprintf(text, sizeof(text), "If-Range: %s", validator);
			*ret_headers = curl_slist_append(NULL, text);
			if (!*ret_headers)
				return -ENOMEM;
			(void)snprintf(range, sizeof(range), "%llu-", (unsigned long long)x->at);
			SET(CURLOPT_RANGE, range);
			SET(CURLOPT_HTTPHEADER, *ret_headers);
		} else if (ftruncate(x->fd, 0) < 0 || lseek(x->fd, 0, SEEK_SET) < 0) {
			return -errno;
		} else {
			x->at = 0;
		}
	}
#undef SET
	return c == CURLE_OK ? 0 : -ELIBBAD;
}

int xfer_attempt(struct xfer *v, size_t n)
{
	CURLM *m = curl_multi_init();
	struct curl_slist **headers = calloc(n, sizeof(struct curl_slist *));
	int running = 1, rc = m && headers ? 0 : -ENOMEM;
	size_t i;

	if (rc == 0 &&
	    curl_multi_setopt(m, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)XFER_MAX) != CURLM_OK)
		rc = -ELIBBAD;
	for (i = 0; i < n && rc == 0; i++) {
		rc = prepare(&v[i], &headers[i]);
		v[i].last_ns = mono_ns() + v[i].h->connect_ms * NSEC_PER_MSEC;
		if (rc == 0 && curl_multi_add_handle(m, v[i].easy) != CURLM_OK)
			rc = -ELIBBAD;
	}
	while (rc == 0 && running > 0) {
		CURLMsg *msg;
		int left;

		if (curl_multi_perform(m, &running) != CURLM_OK)
			rc = -EIO;
		while ((msg = curl_multi_info_read(m, &left))) {
			struct xfer *x = NULL;

			if (msg->msg != CURLMSG_DONE ||
			    curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&x) !=
				    CURLE_OK)
				continue;
			x->result = msg->data.result;
			x->done = true;
			if (x->result == CURLE_OK && !x->begun)
				begin_body(x); /* it was empty, or only asked for */
		}
		for (i = 0; i < n && rc == 0; i++)
			if (!v[i].done && mono_ns() > v[i].last_ns &&
			    mono_ns() - v[i].last_ns > v[i].h->stall_ns) {
				(void)curl_multi_remove_handle(m, v[i].easy); /* ends it */
				v[i].stalled = v[i].done = true;
			}
		for (running = 0, i = 0; i < n; i++)
			running += !v[i].done;
		if (rc == 0 && running > 0 && curl_multi_poll(m, NULL, 0, 100, NULL) != CURLM_OK)
			rc = -EIO;
	}
	for (i = 0; i < n; i++) {
		if (!v[i].easy)
			continue;
		(void)curl_multi_remove_handle(m, v[i].easy); /* those that were added */
		curl_easy_cleanup(v[i].easy);
		v[i].easy = NULL;
		if (headers)
			curl_slist_free_all(headers[i]);
	}
	free(headers);
	if (m)
		curl_multi_cleanup(m);
	return rc;
}

int xfer_verdict(struct xfer *x)
{
	char secs[32];

	if (x->err < 0)
		return x->err;
	if (x->stalled) {
		dur_format(x->h->stall_ns, secs, sizeof(secs));
		fail(x, -EAGAIN, "nothing came for %s", secs);
		return -EAGAIN;
	}
	switch (x->result) {
	case CURLE_OK:
		break;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
		x->no_name = true; /* fallthrough */
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		fail(x, -EAGAIN, "%s",
		     x->curl_why[0] ? x->curl_why : curl_easy_strerror(x->result));
		return -EAGAIN;
	default:
		fail(x, -EIO, "%s", x->curl_why[0] ? x->curl_why : curl_easy_strerror(x->result));
		return -EIO;
	}
	if (x->status == 404 || x->status == 410)
		return -ENOENT;
	if (x->status == 200 || x->status == 206)
		return 0;
	if (x->status == 416 && x->file && x->at > 0) { /* the file has become shorter */
		http_forget(x->file);
		fail(x, -EAGAIN, "the server's file is shorter now");
		return -EAGAIN;
	}
	fail(x, -EIO, "the server says %ld", x->status);
	return x->status == 408 || x->status == 425 || x->status == 429 || x->status >= 500
		       ? -EAGAIN
		       : -EIO;
}
