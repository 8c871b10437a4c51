// SPDX-License-Identifier: GPL-2.0-or-later
/* Of kt-kernel build: keys, fragments and the .config that came of them. */
#include "kconfig.h"
#include "key.h"
#include "tap.h"

#include <errno.h>
#include <string.h>

static const struct key_parts parts = { "x86_64", "0123456789abcdef0123", "gcc 1" };

static void keys(void)
{
	static const char sum[] = "-x86_64-c01234567-t"; /* and 8 digits */
	char key[KEY_MAX], other[KEY_MAX], longest[300];
	struct key_parts p = parts;

	ok(key_tarball(&parts, "6.12.3", key) == 0, "a version makes a key");
	ok(strncmp(key, "6.12.3-tarball", 14) == 0 && strncmp(key + 14, sum, sizeof(sum) - 1) == 0,
	   "which is '%s'", key);
	p.toolchain = "gcc 2";
	ok(key_tarball(&p, "6.12.3", other) == 0 && strcmp(key, other) != 0,
	   "another toolchain makes another key");
	p = parts;
	p.config_hash = "0123456aabcd";
	ok(key_tarball(&p, "6.12.3", other) == 0 && strcmp(key, other) != 0,
	   "another configuration makes another key");
	ok(key_package(&parts, "1:6.12.9-1~deb12u1", key) == 0 &&
		   strncmp(key, "1%3A6.12.9-1%7Edeb12u1-package-x86_64-", 38) == 0,
	   "a package's version is escaped: '%s'", key);
	ok(key_git(&parts, "topic/x%y", "0123456789abcdef", key) == 0 &&
		   strncmp(key, "git-topic%2Fx%25y-0123456789ab-x86_64-", 38) == 0,
	   "any ref makes a key: '%s'", key);
	ok(key_git(&parts, "a", "b/c", key) == 0 && key_git(&parts, "a-b", "c", other) == 0 &&
		   strcmp(key, other) != 0,
	   "and none makes that of another");
	ok(key_local(&parts, "0123456789abcdef", key) == 0 &&
		   strncmp(key, "local-0123456789ab-x86_64-", 26) == 0,
	   "a tree's commit makes a key: '%s'", key);
	ok(key_dirty(&parts, "/a", key) == 0 && key_dirty(&parts, "/b", other) == 0 &&
		   strcmp(key, other) != 0 && strncmp(key + 14, "-dirty-x86_64-", 14) == 0,
	   "a tree with changes has that of its path: '%s'", key);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	strcpy(key, "untouched");
	ok(key_git(&parts, longest, "0123456789ab", key) == -ENAMETOOLONG &&
		   strcmp(key, "untouched") == 0,
	   "a ref that is too long for a file's name is refused");
}

static int add(struct wants *w, const char *text)
{
	return kconfig_add(w, "t", text, strlen(text), "x86_64");
}

static void fragments(void)
{
	struct wants w = { 0 };
	const struct want *one;

	ok(add(&w, "# a comment\nCONFIG_A=y\n\n# CONFIG_B is not set\r\nCONFIG_C=\"x y\" "
		   "\nCONFIG_D=0x1\n") == 0 &&
		   w.n == 4,
	   "four options");
	one = kconfig_find(&w, "B");
	ok(one && strcmp(one->value, "n") == 0 && one->line == 4 && !one->optional, "one is off");
	one = kconfig_find(&w, "C");
	ok(one && strcmp(one->value, "\"x y\"") == 0, "one is text");
	ok(add(&w, "CONFIG_A=m\n#? optional\nCONFIG_E=y\nCONFIG_B=y\n\nCONFIG_F=y") == 0 &&
		   w.n == 6,
	   "the last line counts");
	one = kconfig_find(&w, "A");
	ok(one && strcmp(one->value, "m") == 0 && one->line == 1, "also for what was there");
	ok(kconfig_find(&w, "E")->optional && kconfig_find(&w, "B")->optional,
	   "optional up to an empty line");
	ok(!kconfig_find(&w, "F")->optional, "and not behind it");
	ok(add(&w, "#? aarch64\nCONFIG_G=y\n\n#? x86_64\nCONFIG_H=y\n#? optional\nCONFIG_I=y\n") ==
			   0 &&
		   !kconfig_find(&w, "G") && kconfig_find(&w, "H") &&
		   kconfig_find(&w, "I")->optional,
	   "lines for another machine are passed over");
	ok(add(&w, "CONFIG_J\n") == -EINVAL && add(&w, "CONFIG_J=\n") == -EINVAL &&
		   add(&w, "J=y\n") == -EINVAL && add(&w, "#? perhaps\n") == -EINVAL,
	   "what is none of this is refused");
	kconfig_free(&w);
}

static void changed(const char *name, const char *was, const char *is, void *arg)
{
	(void)buf_fmt(arg, "%s:%s>%s ", name, was, is);
}

static void results(void)
{
	static const char config[] =
		"CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_AB=m\nCONFIG_N=12\n";
	static const char now[] =
		"CONFIG_A=m\nCONFIG_B=y\nCONFIG_N=12\nCONFIG_NEW=y\n# CONFIG_OFF is not set\n";
	const struct {
		const char *name, *value;
		bool honoured;
	} t[] = { { "A", "y", true },	   { "A", "m", true },	    { "A", "n", false },
		  { "AB", "m", true },	   { "AB", "y", false },    { "B", "n", true },
		  { "B", "y", false },	   { "N", "12", true },	    { "N", "1", false },
		  { "ABSENT", "n", true }, { "ABSENT", "y", false } };
	AUTO_BUF b = BUF_INIT;
	char value[8];
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		char *name = strdupa(t[i].name), *want = strdupa(t[i].value);
		struct want w = { .name = name, .value = want };

		ok(kconfig_honours(config, strlen(config), &w) == t[i].honoured,
		   "%s=%s is %shonoured", t[i].name, t[i].value, t[i].honoured ? "" : "not ");
	}
	ok_str(kconfig_value(config, strlen(config), "AB", value, sizeof(value)), "m", "a value");
	ok_str(kconfig_value("CONFIG_XCONFIG_A=y\n", 19, "A", value, sizeof(value)), "n",
	       "not one whose name ends like it");
	ok_str(kconfig_value(config, strlen(config), "C", value, sizeof(value)), "n", "none is n");
	kconfig_changes(config, strlen(config), now, strlen(now), changed, &b);
	ok_str(b.p, "A:y>m B:n>y AB:m>n NEW:n>y ", "what has changed, each once");
	ok(kconfig_known("tests/standin-tree", "NEVER") == 1, "an option of a tree");
	ok(kconfig_known("tests/standin-tree", "NEVE") == 0, "and none of it");
}

int main(void)
{
	keys();
	fragments();
	results();
	return tap_done();
}
