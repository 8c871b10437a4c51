/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The NUMA nodes of a live machine or of a captured tree: their CPUs, memory and distances. */
#include "cleanup.h"
#include "num.h"
#include "root.h"
#include "topo_sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODE_DIR "sys/devices/system/node"

/* The value of "MemTotal: 16314908 kB" (in a node's file after "Node 0 "), or -1. */
static int64_t meminfo_kb(const char *text, const char *key)
{
	const char *s = strstr(text, key);
	char digits[24];
	uint64_t v;
	size_t n;

	if (!s)
		return -1;
	s += strlen(key);
	s += strspn(s, " ");
	n = strspn(s, "0123456789");
	if (n >= sizeof(digits) || strncmp(s + n, " kB", 3) != 0)
		return -1;
	memcpy(digits, s, n);
	digits[n] = '\0';
	return num_u64(digits, 0, INT64_MAX, &v) < 0 ? -1 : (int64_t)v;
}

static void read_memory(struct topo_reader *r, struct topo_node *n, int rc)
{
	if (rc == 0) {
		n->mem_kb = meminfo_kb(r->text, "MemTotal:");
		n->free_kb = meminfo_kb(r->text, "MemFree:");
	}
	if (n->mem_kb < 0 || n->free_kb < 0)
		missing_add(&r->t->missing, "memory", rc < 0 ? rc : -EINVAL);
}

/* "10 21\n": one number per node that is online, in ascending order. All or nothing. */
static int parse_distances(const char *s, int *row, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		char digits[8];
		size_t len;

		s += strspn(s, " ");
		len = strspn(s, "0123456789");
		if (len == 0 || len >= sizeof(digits))
			return -EINVAL;
		memcpy(digits, s, len);
		digits[len] = '\0';
		if (num_int(digits, 0, INT_MAX, &row[i]) < 0)
			return -EINVAL;
		s += len;
	}
	return s[strspn(s, " \n")] == '\0' ? 0 : -EINVAL;
}

static int read_node(struct topo_reader *r, int node_fd, unsigned int i)
{
	struct topo *t = r->t;
	struct topo_node *n = &t->node[i];
	int *row = t->distance + (size_t)i * t->n_nodes;
	struct cpuset set;
	unsigned int k;
	int id, rc;

	rc = topo_slurp(r, node_fd, "node%d/cpulist", n->node);
	if (rc == 0)
		rc = cpuset_parse(r->text, &set);
	else if (rc == -ENOENT && (rc = topo_slurp(r, node_fd, "node%d/cpumap", n->node)) == 0)
		rc = cpuset_parse_mask(r->text, &set);
	if (topo_is_own_trouble(rc))
		return rc;
	if (rc < 0) {
		missing_add(&t->missing, "node", rc);
		set = (struct cpuset){ 0 };
	}
	cpuset_and(&set, &t->online);
	for (id = -1; (id = cpuset_next(&set, id + 1)) >= 0;)
		if (topo_cpu_at(t, id)->node < 0)
			topo_cpu_at(t, id)->node = n->node;
	read_memory(r, n, topo_slurp(r, node_fd, "node%d/meminfo", n->node));
	rc = topo_slurp(r, node_fd, "node%d/distance", n->node);
	if (rc == 0)
		rc = parse_distances(r->text, row, t->n_nodes);
	if (rc < 0) {
		missing_add(&t->missing, "distance", rc);
		for (k = 0; k < t->n_nodes; k++)
			row[k] = -1;
	}
	return topo_is_own_trouble(rc) ? rc : 0;
}

/* The numbers of the nodeN directories. Only nodes that are online have one. */
static int list_nodes(struct topo_reader *r, struct cpuset *ret)
{
	AUTO_DIR *dir = root_dir(r->root_fd, NODE_DIR);
	const struct dirent *de;
	uint64_t id;

	*ret = (struct cpuset){ 0 };
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	for (;;) {
		errno = 0; /* readdir says NULL for the end and for an error */
		de = readdir(dir);
		if (!de)
			return -errno;
		if (strncmp(de->d_name, "node", 4) == 0 &&
		    num_u64(de->d_name + 4, 0, CPUSET_MAX - 1, &id) == 0)
			cpuset_add(ret, (unsigned int)id);
	}
}

/* CPUs that no node's list has (offline ones, which the lists leave out): by the link nodeN in the
 * CPU's directory. */
static void find_nodes_by_link(struct topo_reader *r)
{
	struct topo *t = r->t;
	unsigned int i, k;

	for (i = 0; i < t->n_cpus; i++) {
		struct topo_cpu *c = &t->cpu[i];

		for (k = 0; c->node < 0 && k < t->n_nodes; k++) {
			char path[48];

			(void)snprintf(path, sizeof(path), "cpu%d/node%d", c->cpu,
				       t->node[k].node); /* it fits */
			if (faccessat(r->dir_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
				c->node = t->node[k].node;
		}
	}
}

int topo_read_nodes(struct topo_reader *r)
{
	AUTO_FD node_fd = -1;
	struct topo *t = r->t;
	struct cpuset ids;
	unsigned int i;
	int id, rc;

	rc = list_nodes(r, &ids);
	if (rc < 0)
		return rc;
	t->numa = !cpuset_empty(&ids);
	if (!t->numa)
		cpuset_add(&ids, 0);
	t->n_nodes = cpuset_count(&ids);
	t->node = calloc(t->n_nodes, sizeof(*t->node));
	t->distance = calloc((size_t)t->n_nodes * t->n_nodes, sizeof(*t->distance));
	if (!t->node || !t->distance)
		return -ENOMEM;
	for (i = 0, id = -1; (id = cpuset_next(&ids, id + 1)) >= 0; i++)
		t->node[i] = (struct topo_node){ .node = id, .mem_kb = -1, .free_kb = -1 };
	if (!t->numa) {
		/* A kernel without CONFIG_NUMA calls all there is node 0. */
		for (i = 0; i < t->n_cpus; i++)
			t->cpu[i].node = 0;
		t->distance[0] = 10;
		read_memory(r, &t->node[0], topo_slurp(r, r->root_fd, "proc/meminfo"));
		return 0;
	}
	node_fd = root_openat(r->root_fd, NODE_DIR, O_PATH | O_DIRECTORY);
	if (node_fd < 0)
		return node_fd;
	for (i = 0; i < t->n_nodes; i++) {
		rc = read_node(r, node_fd, i);
		if (rc < 0)
			return rc;
	}
	find_nodes_by_link(r);
	return 0;
}
