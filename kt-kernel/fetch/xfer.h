/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One attempt at HTTP requests. */
#ifndef KT_XFER_H
#define KT_XFER_H

#include "http.h"

#include <curl/curl.h>

#define XFER_MAX 16 /* requests at once */

/* One request, over all its attempts. */
struct xfer {
	const struct http *h;
	const char *url;
	struct buf *out; /* or: */
	struct http_file *file;
	int fd; /* of the part; -1: none */
	uint64_t max_bytes;
	bool head; /* only ask */
	/* of this attempt */
	CURL *easy;
	CURLcode result;
	long status;
	bool begun, html, stalled;
	bool no_name; /* the host's name is not known: perhaps there is no network at all */
	int err; /* what a callback failed with; why says more */
	char why[160];
	char curl_why[CURL_ERROR_SIZE];
	char etag[256], modified[64];
	uint64_t range_first, range_total; /* Content-Range; range_total 0: none came */
	uint64_t at; /* where the next byte goes */
	uint64_t last_ns; /* when something came */
	bool done;
};

/* xfer_attempt - run n requests at once, each once. Returns 0, with the results in them, or -errno.
 */
int xfer_attempt(struct xfer *v, size_t n);

/* xfer_verdict - what became of it: 0; -ENOENT; -EAGAIN, worth another attempt; another -errno.
 * x->why says it, but for -ENOENT. */
int xfer_verdict(struct xfer *x);

#endif
