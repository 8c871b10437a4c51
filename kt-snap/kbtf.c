/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads BTF. */
#include "kbtf.h"
#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes that follow struct btf_type, by kind: each, and per element of vlen. */
static const struct {
	uint8_t once, per;
	bool known;
} tail[] = {
	[BTF_KIND_INT] = { 4, 0, true },
	[BTF_KIND_PTR] = { 0, 0, true },
	[BTF_KIND_ARRAY] = { sizeof(struct btf_array), 0, true },
	[BTF_KIND_STRUCT] = { 0, sizeof(struct btf_member), true },
	[BTF_KIND_UNION] = { 0, sizeof(struct btf_member), true },
	[BTF_KIND_ENUM] = { 0, sizeof(struct btf_enum), true },
	[BTF_KIND_FWD] = { 0, 0, true },
	[BTF_KIND_TYPEDEF] = { 0, 0, true },
	[BTF_KIND_VOLATILE] = { 0, 0, true },
	[BTF_KIND_CONST] = { 0, 0, true },
	[BTF_KIND_RESTRICT] = { 0, 0, true },
	[BTF_KIND_FUNC] = { 0, 0, true },
	[BTF_KIND_FUNC_PROTO] = { 0, sizeof(struct btf_param), true },
	[BTF_KIND_VAR] = { sizeof(struct btf_var), 0, true },
	[BTF_KIND_DATASEC] = { 0, sizeof(struct btf_var_secinfo), true },
	[BTF_KIND_FLOAT] = { 0, 0, true },
	[BTF_KIND_DECL_TAG] = { sizeof(struct btf_decl_tag), 0, true },
	[BTF_KIND_TYPE_TAG] = { 0, 0, true },
	[BTF_KIND_ENUM64] = { 0, sizeof(struct btf_enum64), true },
};

/* Of 150,000 names most are none that is wanted, and their first bytes tell. */
struct filter {
	uint8_t bit[512];
};

static unsigned int filter_slot(const char *s)
{
	unsigned int h = (unsigned char)s[0];

	if (s[0] != '\0') {
		h = h * 31 + (unsigned char)s[1];
		if (s[1] != '\0')
			h = h * 31 + (unsigned char)s[2];
	}
	return h % (sizeof(((struct filter *)0)->bit) * 8);
}

static void filter_add(struct filter *f, const struct kbtf_want *w)
{
	char s[4] = "";
	unsigned int slot;

	memcpy(s, w->name, w->len < 3 ? w->len : 3);
	slot = filter_slot(s);
	f->bit[slot / 8] |= (uint8_t)(1 << slot % 8);
	if (w->len < 3) { /* "___" may follow */
		memset(s, '_', 3);
		memcpy(s, w->name, w->len);
		slot = filter_slot(s);
		f->bit[slot / 8] |= (uint8_t)(1 << slot % 8);
	}
}

static int offer(const char *name, uint32_t kind, uint32_t id, struct kbtf_want *want,
		 unsigned int n_want)
{
	unsigned int i;

	for (i = 0; i < n_want; i++) {
		struct kbtf_want *w = &want[i];

		if (!(w->kinds >> kind & 1) || strncmp(name, w->name, w->len) != 0 ||
		    (name[w->len] != '\0' && strncmp(name + w->len, "___", 3) != 0))
			continue;
		if (w->n == KT_ARRAY_LEN(w->id))
			return -E2BIG;
		w->id[w->n++] = id;
	}
	return 0;
}

/* One pass: where each type lies, and which have a name that is wanted. */
static int index_types(struct kbtf *b, struct kbtf_want *want, unsigned int n_want)
{
	struct filter filter = { { 0 } };
	uint32_t off = 0, cap = 0, kinds = 0;
	unsigned int i;

	for (i = 0; i < n_want; i++) {
		filter_add(&filter, &want[i]);
		kinds |= want[i].kinds;
		want[i].n = 0;
	}
	b->n = 1;
	while (off < b->types_len) {
		const struct btf_type *t = (const void *)(b->types + off);
		uint32_t kind, bytes, slot;
		const char *name;
		int rc;

		if (b->types_len - off < sizeof(*t))
			return -EINVAL;
		kind = kbtf_kind_of(t);
		if (kind >= KT_ARRAY_LEN(tail) || !tail[kind].known)
			return -EOPNOTSUPP;
		bytes = (uint32_t)sizeof(*t) + tail[kind].once + tail[kind].per * kbtf_vlen_of(t);
		if (b->types_len - off < bytes || t->name_off >= b->str_len)
			return -EINVAL;
		if (b->n >= cap) {
			uint32_t *at;

			/* A type takes some 25 bytes: the first guess is enough for a kernel. */
			cap = cap ? cap * 2 : b->types_len / 20 + 64;
			at = realloc(b->at, cap * sizeof(*at));
			if (!at)
				return -ENOMEM;
			b->at = at;
		}
		b->at[b->n] = off;
		if (kinds >> kind & 1 && t->name_off != 0) {
			name = b->str + t->name_off;
			slot = filter_slot(name);
			if (filter.bit[slot / 8] >> slot % 8 & 1) {
				rc = offer(name, kind, b->n, want, n_want);
				if (rc < 0)
					return rc;
			}
		}
		b->n++;
		off += bytes;
	}
	return 0;
}

int kbtf_parse(const void *blob, size_t len, struct kbtf_want *want, unsigned int n_want,
	       struct kbtf *ret)
{
	const struct btf_header *h = blob;
	struct kbtf b = { 0 };
	uint64_t body;
	int rc;

	if (len < sizeof(*h) || h->magic != BTF_MAGIC || h->version != BTF_VERSION ||
	    h->hdr_len < sizeof(*h) || h->hdr_len > len)
		return -EINVAL;
	body = len - h->hdr_len;
	if (h->type_off % 4 != 0 || h->hdr_len % 4 != 0 || h->type_off > body ||
	    h->type_len > body - h->type_off || h->str_off > body ||
	    h->str_len > body - h->str_off || h->str_len == 0)
		return -EINVAL;
	b.types = (const uint8_t *)blob + h->hdr_len + h->type_off;
	b.types_len = h->type_len;
	b.str = (const char *)blob + h->hdr_len + h->str_off;
	b.str_len = h->str_len;
	if (b.str[b.str_len - 1] != '\0') /* so every name ends within the blob */
		return -EINVAL;
	rc = index_types(&b, want, n_want);
	if (rc < 0) {
		free(b.at);
		return rc;
	}
	*ret = b;
	return 0;
}

/* Since 6.16 the file can be mapped, which saves copying five megabytes. */
static int map_file(int fd, void **ret_map, size_t *ret_len, bool *ret_mapped)
{
	struct stat st;
	uint8_t *p;
	size_t got = 0;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size <= 0 || st.st_size > 1 << 30)
		return -EINVAL;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	*ret_mapped = p != MAP_FAILED;
	*ret_len = (size_t)st.st_size;
	if (p != MAP_FAILED) {
		*ret_map = p;
		return 0;
	}
	p = malloc((size_t)st.st_size);
	if (!p)
		return -ENOMEM;
	while (got < (size_t)st.st_size) {
		ssize_t n = read(fd, p + got, (size_t)st.st_size - got);

		if (n <= 0) {
			free(p);
			return n < 0 ? -errno : -EINVAL;
		}
		got += (size_t)n;
	}
	*ret_map = p;
	return 0;
}

int kbtf_open(const char *path, struct kbtf_want *want, unsigned int n_want, struct kbtf *ret)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	struct kbtf b = { 0 };
	bool mapped;
	size_t len = 0;
	void *map = NULL;
	int rc;

	if (fd < 0)
		return -errno;
	rc = map_file(fd, &map, &len, &mapped);
	if (rc < 0)
		return rc;
	rc = kbtf_parse(map, len, want, n_want, &b);
	b.map = map;
	b.map_len = len;
	b.mapped = mapped;
	if (rc < 0) {
		b.at = NULL;
		kbtf_close(&b);
		return rc;
	}
	*ret = b;
	return 0;
}

void kbtf_close(struct kbtf *b)
{
	free(b->at);
	if (b->map && b->mapped)
		munmap(b->map, b->map_len);
	else
		free(b->map);
	*b = (struct kbtf){ 0 };
}

const struct btf_type *kbtf_type(const struct kbtf *b, uint32_t id)
{
	return id > 0 && id < b->n ? (const void *)(b->types + b->at[id]) : NULL;
}

const char *kbtf_str(const struct kbtf *b, uint32_t off)
{
	return off < b->str_len ? b->str + off : "";
}

const struct btf_type *kbtf_resolve(const struct kbtf *b, uint32_t id)
{
	const struct btf_type *t = kbtf_type(b, id);
	int depth;

	for (depth = 0; t && depth < 32; depth++) {
		switch (kbtf_kind_of(t)) {
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_CONST:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
			t = kbtf_type(b, t->type);
			break;
		default:
			return t;
		}
	}
	return NULL;
}

uint64_t kbtf_size(const struct kbtf *b, uint32_t id)
{
	uint64_t n = 1;
	int depth;

	for (depth = 0; depth < 32; depth++) {
		const struct btf_type *t = kbtf_resolve(b, id);
		const struct btf_array *a;

		if (!t)
			return 0;
		switch (kbtf_kind_of(t)) {
		case BTF_KIND_INT:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
		case BTF_KIND_FLOAT:
			return __builtin_mul_overflow(n, (uint64_t)t->size, &n) ? 0 : n;
		case BTF_KIND_PTR:
			return __builtin_mul_overflow(n, (uint64_t)sizeof(void *), &n) ? 0 : n;
		case BTF_KIND_ARRAY:
			a = (const void *)(t + 1);
			if (__builtin_mul_overflow(n, (uint64_t)a->nelems, &n))
				return 0;
			id = a->type;
			break;
		default:
			return 0;
		}
	}
	return 0;
}
