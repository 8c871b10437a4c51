/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Release at the end of a scope: memory, descriptors, directories, streams. */
#ifndef KT_CLEANUP_H
#define KT_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void close_fdp(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void free_p(void *p)
{
	free(*(void **)p);
}

static inline void closedir_p(DIR **d)
{
	if (*d)
		closedir(*d);
}

static inline void fclose_p(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define AUTO_FD __attribute__((cleanup(close_fdp))) int
#define AUTO_FREE __attribute__((cleanup(free_p)))
#define AUTO_DIR __attribute__((cleanup(closedir_p))) DIR
#define AUTO_FILE __attribute__((cleanup(fclose_p))) FILE

/* The caller owns the descriptor from here on. */
static inline int take_fd(int *fd)
{
	int v = *fd;

	*fd = -1;
	return v;
}

/* Close now and forget. */
static inline void drop_fd(int *fd)
{
	close_fdp(fd);
	*fd = -1;
}

/* The caller owns the memory from here on. */
static inline void *take_ptr(void *pp)
{
	void *v = *(void **)pp;

	*(void **)pp = NULL;
	return v;
}

#define KT_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define KT_MUST_CHECK __attribute__((warn_unused_result))

#endif
