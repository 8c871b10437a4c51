/* SPDX-License-Identifier: GPL-2.0-or-later */
/* metadata.json of an entry in the cache: one JSON object. What a member of the object is missing
 * for is that the entry is older than the member: it is unknown then. */
#include "metadata.h"
#include "buf.h"
#include "cleanup.h"
#include "jsonr.h"
#include "jsonw.h"
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>

#define SCHEMA 1
#define MAX_BYTES (1 << 20)

/* The members that are text, in the order of the file. */
static const struct member {
	const char *name;
	size_t at, cap;
	bool needed;
} members[] = {
#define M(name, field, needed)                                                                     \
	{                                                                                          \
		name, offsetof(struct kernel, field), sizeof(((struct kernel *)0)->field), needed  \
	}
	M("version", version, true),
	M("source", source, true),
	M("arch", machine, true),
	M("image", image, true),
	M("built", built, true),
	M("suite", suite, false),
	M("flavour", flavour, false),
	M("package", package, false),
	M("package_version", package_version, false),
	M("url", url, false),
	M("ref", ref, false),
	M("commit", commit, false),
	M("tree", tree, false),
	M("fragment_hash", fragment_hash, false),
	M("base_hash", base_hash, false),
	M("toolchain", toolchain, false),
#undef M
};

static const char *const sources[] = { "apt", "deb", "tarball", "git", "local", "package" };

static void put_tri(struct jsonw *w, const char *name, enum tristate v)
{
	if (v == TRI_UNKNOWN)
		jsonw_null(w, name);
	else
		jsonw_bool(w, name, v == TRI_YES);
}

int metadata_text(const struct kernel *k, struct buf *ret)
{
	struct jsonw w;
	size_t i;
	int rc;

	jsonw_init(&w, NULL);
	jsonw_begin_bare(&w);
	jsonw_u64(&w, "schema", SCHEMA);
	for (i = 0; i < KT_ARRAY_LEN(members); i++) {
		const char *s = (const char *)k + members[i].at;

		jsonw_str(&w, members[i].name, s[0] ? s : NULL);
	}
	put_tri(&w, "dirty", k->dirty);
	put_tri(&w, "verified", k->verified);
	if (k->build_ns)
		jsonw_u64(&w, "build_ns", k->build_ns);
	else
		jsonw_null(&w, "build_ns");
	jsonw_obj(&w, "files");
	for (i = 0; i < k->n_files; i++) {
		jsonw_obj(&w, k->files[i].name);
		jsonw_u64(&w, "bytes", k->files[i].bytes);
		jsonw_str(&w, "sha256", k->files[i].sha256);
		jsonw_obj_end(&w);
	}
	jsonw_obj_end(&w);
	kernel_abilities(&w, k);
	rc = jsonw_end(&w);
	if (rc == 0)
		rc = buf_add(ret, w.buf.p, w.buf.len);
	jsonw_free(&w);
	return rc;
}

int metadata_write(int dir_fd, const struct kernel *k)
{
	AUTO_BUF text = BUF_INIT;
	int rc = metadata_text(k, &text);

	return rc < 0 ? rc : out_replace(dir_fd, "metadata.json", text.p, text.len);
}

/* The text of the file, or damage. */
static int read_text(int dir_fd, struct kernel *k, struct buf *text)
{
	AUTO_FD fd =
		openat(dir_fd, "metadata.json", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = 0;

	if (fd < 0) {
		kernel_damage(k, errno == ENOENT ? DAMAGE_MISSING : DAMAGE_UNREADABLE,
			      "metadata.json: %s", strerror(errno));
		return 0;
	}
	while (text->len <= MAX_BYTES && (n = buf_fill(text, fd, 65536)) > 0)
		;
	if (n == -ENOMEM)
		return -ENOMEM;
	if (n < 0)
		kernel_damage(k, DAMAGE_UNREADABLE, "metadata.json: %s", strerror((int)-n));
	else if (text->len == 0)
		kernel_damage(k, DAMAGE_TRUNCATED, "metadata.json is empty");
	else if (text->len > MAX_BYTES)
		kernel_damage(k, DAMAGE_SCHEMA, "metadata.json is larger than %d bytes", MAX_BYTES);
	return 0;
}

/* A file that was cut off parses up to its end and no further. */
static json_t *parse(struct kernel *k, const char *text, size_t len)
{
	json_error_t err;
	json_t *o = json_loadb(text, len, JSON_REJECT_DUPLICATES, &err);

	if (!o && (json_error_code(&err) == json_error_premature_end_of_input ||
		   (err.position >= 0 && (size_t)err.position >= len)))
		kernel_damage(k, DAMAGE_TRUNCATED, "metadata.json ends early, after %zu bytes",
			      len);
	else if (!o)
		kernel_damage(k, DAMAGE_MALFORMED, "metadata.json:%d: %s", err.line, err.text);
	else if (!json_is_object(o))
		kernel_damage(k, DAMAGE_SCHEMA, "metadata.json is no object");
	return o;
}

static void take_text(const json_t *o, struct kernel *k)
{
	size_t i;

	for (i = 0; i < KT_ARRAY_LEN(members); i++) {
		const struct member *m = &members[i];
		const json_t *v = json_object_get(o, m->name);
		char *to = (char *)k + m->at;

		if (json_is_string(v) && json_string_length(v) < m->cap &&
		    strlen(json_string_value(v)) == json_string_length(v))
			memcpy(to, json_string_value(v), json_string_length(v) + 1);
		else if (m->needed || (v && !json_is_null(v)))
			kernel_damage(k, DAMAGE_SCHEMA, "metadata.json: '%s' is %s", m->name,
				      !v		   ? "missing"
				      : !json_is_string(v) ? "no text"
							   : "too long");
		if (m->needed && !to[0])
			kernel_damage(k, DAMAGE_SCHEMA, "metadata.json: '%s' is empty", m->name);
	}
}

static enum tristate take_tri(const json_t *o, const char *name, struct kernel *k)
{
	const json_t *v = json_object_get(o, name);

	if (v && !json_is_null(v) && !json_is_boolean(v))
		kernel_damage(k, DAMAGE_SCHEMA, "metadata.json: '%s' is not true or false", name);
	return json_is_boolean(v) ? (json_is_true(v) ? TRI_YES : TRI_NO) : TRI_UNKNOWN;
}

static void take_files(const json_t *o, struct kernel *k)
{
	json_t *files = json_object_get(o, "files");
	const char *name;
	json_t *v;

	if (!json_is_object(files) || json_object_size(files) > KERNEL_FILES) {
		kernel_damage(k, DAMAGE_SCHEMA, "metadata.json: 'files' does not name the files");
		return;
	}
	json_object_foreach (files, name, v) {
		struct kernel_file *f = &k->files[k->n_files];
		const char *sum = rec_str(v, "sha256", "");

		if (strlen(name) >= sizeof(f->name) || !*name || *name == '.' ||
		    strchr(name, '/') || strlen(sum) != SHA256_TEXT - 1 ||
		    !json_is_integer(json_object_get(v, "bytes")) ||
		    json_integer_value(json_object_get(v, "bytes")) < 0) {
			kernel_damage(k, DAMAGE_SCHEMA, "metadata.json: 'files' is wrong at '%s'",
				      name);
			return;
		}
		memcpy(f->name, name, strlen(name) + 1);
		memcpy(f->sha256, sum, SHA256_TEXT);
		f->bytes = rec_u64(v, "bytes", 0);
		if (strcmp(name, k->image) == 0)
			k->bytes = f->bytes;
		k->n_files++;
	}
	if (!kernel_hash(k, k->image)[0])
		kernel_damage(k, DAMAGE_SCHEMA, "metadata.json: 'files' does not have the image");
}

void metadata_parse(const char *text, size_t len, struct kernel *k)
{
	json_t *o = parse(k, text, len);
	size_t i;

	if (k->damage)
		goto out;
	if (rec_u64(o, "schema", 0) != SCHEMA) {
		kernel_damage(k, DAMAGE_SCHEMA, "metadata.json has schema %llu, this reads %d",
			      (unsigned long long)rec_u64(o, "schema", 0), SCHEMA);
		goto out;
	}
	take_text(o, k);
	for (i = 0; i < KT_ARRAY_LEN(sources) && strcmp(k->source, sources[i]) != 0; i++)
		;
	if (i == KT_ARRAY_LEN(sources)) {
		kernel_damage(k, DAMAGE_SCHEMA, "metadata.json: there is no source '%s'",
			      k->source);
		k->source[0] = '\0';
	}
	k->dirty = take_tri(o, "dirty", k);
	k->verified = take_tri(o, "verified", k);
	k->build_ns = rec_u64(o, "build_ns", 0);
	take_files(o, k);
out:
	json_decref(o);
}

int metadata_read(int dir_fd, struct kernel *k)
{
	AUTO_BUF text = BUF_INIT;
	int rc = read_text(dir_fd, k, &text);

	if (rc == 0 && !k->damage)
		metadata_parse(text.p, text.len, k);
	return rc;
}
