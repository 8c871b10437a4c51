/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of a kernel, and its record. */
#include "kernel.h"
#include "cleanup.h"
#include "holders.h"
#include "jsonw.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static const char *damage_text(enum damage d)
{
	static const char *const text[] = { [DAMAGE_NONE] = NULL,
					    [DAMAGE_MISSING] = "missing",
					    [DAMAGE_UNREADABLE] = "unreadable",
					    [DAMAGE_MALFORMED] = "malformed",
					    [DAMAGE_TRUNCATED] = "truncated",
					    [DAMAGE_SCHEMA] = "schema",
					    [DAMAGE_FILE_MISSING] = "file-missing",
					    [DAMAGE_SIZE] = "wrong-size",
					    [DAMAGE_SUM] = "wrong-sum",
					    [DAMAGE_NO_KERNEL] = "no-kernel" };

	return text[d];
}

void kernel_init(struct kernel *k)
{
	memset(k, 0, sizeof(*k));
	k->dirty = k->verified = k->stale = k->eol = TRI_UNKNOWN;
}

const char *kernel_hash(const struct kernel *k, const char *name)
{
	size_t i;

	for (i = 0; i < k->n_files; i++)
		if (strcmp(k->files[i].name, name) == 0)
			return k->files[i].sha256;
	return "";
}

void kernel_damage(struct kernel *k, enum damage what, const char *fmt, ...)
{
	va_list ap;

	if (k->damage != DAMAGE_NONE)
		return;
	k->damage = what;
	va_start(ap, fmt);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): one line above */
	(void)vsnprintf(k->corrupt, sizeof(k->corrupt), fmt, ap); /* a cut sentence will do */
	va_end(ap);
}

int kernel_file(const char *path, const char *source, struct kernel *k)
{
	AUTO_BUF text = BUF_INIT;
	struct image im;
	int rc;

	kernel_init(k);
	if (!realpath(path, k->path))
		return -errno;
	rc = image_probe(k->path, &im);
	if (rc < 0)
		return rc;
	(void)snprintf(k->source, sizeof(k->source), "%s", source);
	k->kind = im.kind;
	k->bytes = im.bytes;
	(void)snprintf(k->machine, sizeof(k->machine), "%s", im.machine ? im.machine : "");
	if (im.kind == IMAGE_NONE) {
		kernel_damage(k, DAMAGE_NO_KERNEL, "%s", im.why);
		return 0;
	}
	(void)snprintf(k->version, sizeof(k->version), "%s", im.release);
	rc = image_config(k->path, &im, &text, k->config_path, sizeof(k->config_path));
	if (rc == 1)
		config_read(&k->config, text.p, text.len);
	else
		k->config_path[0] = '\0';
	return rc < 0 && rc != -EACCES ? rc : 0; /* one that may not be read is unknown */
}

static void put_tri(struct jsonw *w, const char *name, enum tristate v)
{
	if (v == TRI_UNKNOWN)
		jsonw_null(w, name);
	else
		jsonw_bool(w, name, v == TRI_YES);
}

static void put_text(struct jsonw *w, const char *name, const char *s)
{
	jsonw_str(w, name, s[0] ? s : NULL);
}

void kernel_abilities(struct jsonw *w, const struct kernel *k)
{
	size_t i;

	put_tri(w, "boots", config_can(&k->config, NEED_BOOT, k->machine));
	put_tri(w, "sched", config_can(&k->config, NEED_SCHED, k->machine));
	put_tri(w, "sched_ext", config_can(&k->config, NEED_SCHED_EXT, k->machine));
	put_tri(w, "btf", config_has(&k->config, "DEBUG_INFO_BTF"));
	put_tri(w, "kprobes", config_has(&k->config, "KPROBE_EVENTS"));
	put_tri(w, "probe", config_can(&k->config, NEED_PROBE, k->machine));
	if (!k->config.known) {
		jsonw_null(w, "missing");
		return;
	}
	jsonw_arr(w, "missing");
	for (i = 0; config_needs[i].option; i++) {
		char name[64];

		if (!config_lacks(&k->config, i, k->machine))
			continue;
		(void)snprintf(name, sizeof(name), "CONFIG_%s", config_needs[i].option);
		jsonw_str(w, NULL, name);
	}
	jsonw_arr_end(w);
}

static void put_files(struct jsonw *w, const struct kernel *k)
{
	size_t i;

	if (!k->n_files) {
		jsonw_null(w, "files");
		return;
	}
	jsonw_arr(w, "files");
	for (i = 0; i < k->n_files; i++) {
		jsonw_obj(w, NULL);
		jsonw_str(w, "name", k->files[i].name);
		jsonw_u64(w, "bytes", k->files[i].bytes);
		jsonw_str(w, "sha256", k->files[i].sha256);
		jsonw_obj_end(w);
	}
	jsonw_arr_end(w);
}

/* Where it came from, and how it was made. */
static void put_origin(struct jsonw *w, const struct kernel *k)
{
	put_text(w, "suite", k->suite);
	put_text(w, "package", k->package);
	put_text(w, "package_version", k->package_version);
	put_text(w, "url", k->url);
	put_text(w, "ref", k->ref);
	put_text(w, "commit", k->commit);
	put_tri(w, "dirty", k->dirty);
	put_text(w, "tree", k->tree);
	put_tri(w, "verified", k->verified);
	put_text(w, "config_hash", kernel_hash(k, "config"));
	put_text(w, "fragment_hash", k->fragment_hash);
	put_text(w, "toolchain", k->toolchain);
	if (k->build_ns)
		jsonw_u64(w, "build_ns", k->build_ns);
	else
		jsonw_null(w, "build_ns");
}

void kernel_holders(struct jsonw *w, const char *name, const struct holders *file)
{
	size_t i;

	jsonw_arr(w, name);
	for (i = 0; i < file->n_holders; i++) {
		const struct holder *h = &file->holder[i];

		jsonw_obj(w, NULL);
		jsonw_id(w, "pid", h->pid > 0 ? h->pid : -1);
		put_text(w, "comm", h->comm);
		put_text(w, "cmdline", h->cmdline);
		put_text(w, "process_start", h->start);
		jsonw_obj_end(w);
	}
	jsonw_arr_end(w);
}

int kernel_record(struct jsonw *w, const char *type, const struct kernel *k, const char *why)
{
	jsonw_begin(w, type);
	put_text(w, "key", k->key);
	put_text(w, "version", k->version);
	put_text(w, "source", k->source);
	put_text(w, "arch", k->machine);
	jsonw_str(w, "kind", image_kind_text(k->kind));
	kernel_abilities(w, k);
	jsonw_str(w, "path", k->path);
	put_text(w, "config", k->config_path);
	if (k->kind == IMAGE_NONE)
		jsonw_null(w, "bytes");
	else
		jsonw_u64(w, "bytes", k->bytes);
	put_text(w, "sha256", kernel_hash(k, k->image));
	put_files(w, k);
	put_origin(w, k);
	put_text(w, "built", k->built);
	put_text(w, "used", k->used);
	put_tri(w, "stale", k->stale);
	put_tri(w, "eol", k->eol);
	if (k->in_use)
		kernel_holders(w, "in_use", k->in_use);
	else
		jsonw_null(w, "in_use");
	put_text(w, "corrupt", k->corrupt);
	jsonw_str(w, "corrupt_kind", damage_text(k->damage));
	jsonw_str(w, "why", why);
	return jsonw_end(w);
}
