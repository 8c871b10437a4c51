/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes into an archive. */
#include "tree.h"
#include "cleanup.h"

#include <errno.h>
#include <limits.h>
#include <search.h>
#include <stdio.h>
#include <string.h>

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct node *)a)->path, ((const struct node *)b)->path);
}

static void node_free(void *p)
{
	struct node *n = p;

	free(n->path);
	free(n->source);
	free(n->target);
	free(n);
}

const struct node *tree_find(const struct tree *t, const char *path)
{
	AUTO_FREE char *copy = strdup(path[0] == '/' ? path + 1 : path);
	struct node key = { .path = copy };
	struct node *const *hit = copy ? tfind(&key, &t->root, by_path) : NULL;

	return hit ? *hit : NULL;
}

static const char *came_from(const struct node *n)
{
	return n->source ? n->source : "--mkdir";
}

/* Two nodes want one path. */
static int meet(struct tree *t, struct node *have, const struct node *like)
{
	if (have->kind == NODE_DIR && like->kind == NODE_DIR) {
		if (!have->source && like->source) { /* so far it was only above something */
			have->source = strdup(like->source);
			have->mode = like->mode;
			return have->source ? 0 : -ENOMEM;
		}
		return 0;
	}
	if (have->kind != NODE_DIR && like->kind != NODE_DIR &&
	    have->st.st_ino == like->st.st_ino && have->st.st_dev == like->st.st_dev &&
	    have->st.st_ino != 0)
		return 0; /* one file under two of its names */
	if (have->kind == like->kind && have->source && like->source &&
	    strcmp(have->source, like->source) == 0)
		return 0;
	(void)snprintf(t->err, sizeof(t->err), "'%s' and '%s' both want '/%s'", came_from(have),
		       came_from(like), have->path);
	return -EEXIST;
}

static int add_one(struct tree *t, const char *path, const struct node *like, bool *ret_new)
{
	struct node *n = calloc(1, sizeof(*n));
	struct node **slot;

	if (!n)
		return -ENOMEM;
	*n = *like;
	n->path = strdup(path);
	n->source = like->source ? strdup(like->source) : NULL;
	n->target = like->target ? strdup(like->target) : NULL;
	if (!n->path || (like->source && !n->source) || (like->target && !n->target)) {
		node_free(n);
		return -ENOMEM;
	}
	slot = tsearch(n, &t->root, by_path);
	if (!slot) {
		node_free(n);
		return -ENOMEM;
	}
	if (*slot != n) {
		int rc = meet(t, *slot, n);

		node_free(n);
		return rc;
	}
	t->n++;
	if (n->kind == NODE_FILE)
		t->bytes += n->size;
	if (ret_new)
		*ret_new = true;
	return 0;
}

int tree_add(struct tree *t, const char *path, const struct node *like, bool *ret_new)
{
	static const struct node above = { .kind = NODE_DIR, .mode = 0755 };
	AUTO_FREE char *copy = strdup(path[0] == '/' ? path + 1 : path);
	char *slash;

	if (ret_new)
		*ret_new = false;
	if (!copy)
		return -ENOMEM;
	if (!*copy) /* the root itself is there without us */
		return 0;
	for (slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
		const struct node *n;
		int rc;

		*slash = '\0';
		n = tree_find(t, copy);
		if (n && n->kind != NODE_DIR) {
			(void)snprintf(
				t->err, sizeof(t->err),
				"'%s' puts no directory at '/%s', but '%s' wants '/%s' in it",
				came_from(n), copy, came_from(like), path + (*path == '/'));
			return -EEXIST;
		}
		rc = n ? 0 : add_one(t, copy, &above, NULL);
		if (rc < 0)
			return rc;
		*slash = '/';
	}
	return add_one(t, copy, like, ret_new);
}

struct walk {
	int (*fn)(const struct node *n, void *arg);
	void *arg;
	int rc;
};

static void visit(const void *node, VISIT which, void *arg)
{
	struct walk *w = arg;

	if ((which == postorder || which == leaf) && w->rc == 0)
		w->rc = w->fn(*(struct node *const *)node, w->arg);
}

int tree_each(const struct tree *t, int (*fn)(const struct node *n, void *arg), void *arg)
{
	struct walk w = { fn, arg, 0 };

	twalk_r(t->root, visit, &w);
	return w.rc;
}

void tree_free(struct tree *t)
{
	tdestroy(t->root, node_free);
	t->root = NULL;
}
