/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Getting things by HTTP: with retries, resuming, and an end to waiting. */
#ifndef KT_HTTP_H
#define KT_HTTP_H

#include "buf.h"
#include "progress.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How patient to be, from the environment. */
struct http {
	uint64_t connect_ms; /* KTSTR_NET_CONNECT: to be connected, TLS included; 10s */
	uint64_t stall_ns; /* KTSTR_NET_STALL: without a byte; 30s */
	unsigned int retries; /* KTSTR_NET_RETRIES: after the first attempt; 4 */
	struct progress *progress;
};

/* http_init - read the settings. Says what is wrong with one. 0 or -errno. */
int http_init(struct http *h, struct progress *progress);
void http_exit(void);

/* http_text - the whole of a page, appended to out. At most max_bytes.
 * Returns 0; -ENOENT when there is none (404, 410; nothing was said); or another -errno, about
 * which a line was written to stderr. */
int http_text(const struct http *h, const char *url, size_t max_bytes, struct buf *out);

/* A download into a directory: NAME.part, and NAME.part.from that says what it is a part of. */
struct http_file {
	const char *url, *name;
	int dir_fd; /* borrowed */
	uint64_t max_bytes;
	/* results */
	uint64_t bytes;
	uint64_t resumed; /* bytes that an earlier download had left */
};

/* http_file - bring NAME.part to its full length. What is there already is used if the server still
 * has the same file. part_fd is open for reading and writing, on NAME.part, which the caller has
 * locked. A page of HTML is refused. As http_text. */
int http_file(const struct http *h, struct http_file *f, int part_fd);

/* http_forget - remove what says what NAME.part is a part of: it will begin anew. */
void http_forget(const struct http_file *f);

/* http_exist - ask for n URLs at once, whether they are there (a page of HTML is not what was
 * meant). Returns 0 or -errno, about which a line was written. */
int http_exist(const struct http *h, char *const *urls, size_t n, bool *ret_there);

#endif
