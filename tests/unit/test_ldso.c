// SPDX-License-Identifier: GPL-2.0-or-later
/* The library cache, clean paths, and the search of $LIB. */
#include "ldso.h"
#include "tap.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>

/* A library cache in the making; offsets count from the new header. */
struct image {
	unsigned char b[4096];
	size_t len;
	uint32_t n;
};

static void put32(struct image *c, size_t at, uint32_t v)
{
	memcpy(c->b + at, &v, sizeof(v));
}

static void entry(struct image *c, uint32_t flags, uint64_t hwcap, const char *key,
		  const char *value)
{
	size_t at = 48 + 24 * (size_t)c->n++;

	put32(c, at, flags);
	put32(c, at + 4, (uint32_t)c->len);
	memcpy(c->b + c->len, key, strlen(key) + 1);
	c->len += strlen(key) + 1;
	put32(c, at + 8, (uint32_t)c->len);
	memcpy(c->b + c->len, value, strlen(value) + 1);
	c->len += strlen(value) + 1;
	memcpy(c->b + at + 16, &hwcap, sizeof(hwcap));
	put32(c, 20, c->n);
}

static void begin(struct image *c)
{
	memset(c, 0, sizeof(*c));
	memcpy(c->b, "glibc-ld.so.cache1.1", 20);
	c->len = 2048; /* the strings are behind all entries */
}

static int collect(const char *path, void *arg)
{
	char *to = arg;

	strcat(strcat(to, path), " ");
	return 0;
}

static void finds(const struct image *c, size_t len, uint8_t class, uint16_t machine,
		  const char *want, const char *name)
{
	void *copy = malloc(len);
	struct ldso_cache cache = { copy, len };
	char got[512] = "";
	int rc;

	if (!copy)
		exit(1);
	memcpy(copy, c->b, len);
	rc = ldso_cache_each(&cache, "liba.so.1", class, machine, collect, got);
	if (want)
		ok_str(got, want, "%s", name);
	else
		ok(rc == -EBADMSG, "%s", name);
	free(copy);
}

static void cleans(const char *path, const char *want)
{
	char buf[64];

	ok_str(path_clean(path, buf, sizeof(buf)) ? buf : "(none)", want, "\"%s\" is %s", path,
	       want);
}

int main(void)
{
	struct image c, old;
	char small[4], dir[] = "/lib";

	begin(&c);
	entry(&c, 0x0303, UINT64_C(1) << 62, "liba.so.1", "/hw/liba.so.1");
	entry(&c, 0x0303, 0, "liba.so.1", "/64/liba.so.1");
	entry(&c, 0x0303, 0, "liba.so.10", "/64/liba.so.10");
	entry(&c, 0x0003, 0, "liba.so.1", "/32/liba.so.1");
	entry(&c, 0x0803, 0, "liba.so.1", "/x32/liba.so.1");
	entry(&c, 0x0a03, 0, "liba.so.1", "/arm/liba.so.1");
	entry(&c, 0x0301, 0, "liba.so.1", "/libc5/liba.so.1");
	finds(&c, c.len, ELFCLASS64, EM_X86_64, "/64/liba.so.1 ",
	      "64 bits, not those for special hardware");
	finds(&c, c.len, ELFCLASS32, EM_386, "/32/liba.so.1 ", "32 bits");
	finds(&c, c.len, ELFCLASS32, EM_X86_64, "/x32/liba.so.1 ", "x32");
	finds(&c, c.len, ELFCLASS64, EM_AARCH64, "/arm/liba.so.1 ", "aarch64");

	/* The same behind the table of the old format: 16 bytes and 12 for each of 3 entries, to 8.
	 */
	memset(&old, 0, sizeof(old));
	memcpy(old.b, "ld.so-1.7.0", 11);
	put32(&old, 12, 3);
	memcpy(old.b + 56, c.b, c.len);
	finds(&old, 56 + c.len, ELFCLASS64, EM_X86_64, "/64/liba.so.1 ", "behind an old table");
	put32(&old, 12, 1000000);
	finds(&old, 56 + c.len, ELFCLASS64, EM_X86_64, NULL, "an old table longer than the file");

	finds(&c, 40, ELFCLASS64, EM_X86_64, NULL, "a header that is cut");
	finds(&c, c.len - 1, ELFCLASS64, EM_X86_64, "/64/liba.so.1 ",
	      "an end that is not looked at");
	finds(&c, 2060, ELFCLASS64, EM_X86_64, NULL, "strings that are cut");
	put32(&c, 20, 0xffffffff);
	finds(&c, c.len, ELFCLASS64, EM_X86_64, NULL, "more entries than the file has");
	memcpy(c.b, "glibc-ld.so.cache9.9", 20);
	finds(&c, c.len, ELFCLASS64, EM_X86_64, NULL, "another version");

	cleans("/", "/");
	cleans("", "/");
	cleans("a/b", "/a/b");
	cleans("//a//b/", "/a/b");
	cleans("/a/./b/.", "/a/b");
	cleans("/a/b/../c", "/a/c");
	cleans("/a/../../..", "/");
	cleans("/../x", "/x");
	cleans("/a/..b/...", "/a/..b/...");
	ok(!path_clean("/abcd", small, sizeof(small)), "a path that does not fit");
	ok(ldso_is_default_dir("/no/such/ld-linux.so.2", ELFCLASS32, dir),
	   "/lib is a default directory");
	ok(!ldso_is_default_dir("/no/such/ld-linux.so.2", ELFCLASS32, "/opt/lib"),
	   "/opt/lib is none");
	return tap_done();
}
