// SPDX-License-Identifier: GPL-2.0-or-later
/* Of kt-kernel-fetch: how kernels are named, the list of releases, checksums, git refs, what may be
 * unpacked. */
#include "gitref.h"
#include "ident.h"
#include "releases.h"
#include "sums.h"
#include "tap.h"
#include "untar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct kver kver(const char *text)
{
	struct kver v = { 0 };

	if (kver_parse(text, strlen(text), &v) < 0)
		ok(false, "'%s' is a version", text);
	return v;
}

static void not_a_version(const char *text, int want)
{
	struct kver v = { .major = 42 };

	ok(kver_parse(text, strlen(text), &v) == want && v.major == 42, "'%s' is no version", text);
}

static void order(const char *a, const char *b, int want)
{
	struct kver x = kver(a), y = kver(b);
	int ab = kver_compare(&x, &y), ba = kver_compare(&y, &x);

	ok((ab > 0) - (ab < 0) == want && (ba > 0) - (ba < 0) == -want, "%s %c %s", a,
	   "<=>"[want + 1], b);
}

static void written(const char *text, const char *want, const char *series)
{
	struct kver v = kver(text);
	char buf[KVER_TEXT];

	ok_str(kver_text(&v, buf), want, "%s is written %s", text, want);
	ok_str(kver_series(&v, buf), series, "and is of %s", series);
}

static void kind(const char *text, enum ident_kind want)
{
	struct ident id;

	ident_parse(text, &id);
	ok(id.kind == want, "'%s' is of kind %d, not %d", text, (int)want, (int)id.kind);
	ok((id.kind == IDENT_BAD) == (id.why != NULL), "and there is a reason if it is bad");
}

static void within(const char *text, const char *start, const char *end, bool want)
{
	struct kver v = kver(text), a = kver(start), b = kver(end);

	ok(kver_in_range(&v, &a, &b) == want, "%s is %sin %s..%s", text, want ? "" : "not ", start,
	   end);
}

static void idents(void)
{
	struct ident id;
	struct kver v, s;

	not_a_version("", -EINVAL);
	not_a_version("v6.12", -EINVAL);
	not_a_version("6.", -EINVAL);
	not_a_version("6.12.", -EINVAL);
	not_a_version("6.12.3.4", -EINVAL);
	not_a_version("6.12-rc", -EINVAL);
	not_a_version("6-rc1", -EINVAL);
	not_a_version("6.12-rc1x", -EINVAL);
	not_a_version("6.12 ", -EINVAL);
	not_a_version("+6.12", -EINVAL);
	not_a_version("6.12-RC1", -EINVAL);
	not_a_version("18446744073709551616.1", -ERANGE);
	order("6.12", "6.12.0", 0);
	order("6.12.1", "6.12", 1);
	order("6.9", "6.10", -1);
	order("6.15-rc3", "6.15", -1);
	order("6.15-rc3", "6.15-rc10", -1);
	order("6.15-rc3", "6.14.99", 1);
	order("6.15-rc3", "6.15.1", -1);
	order("6.15-rc18446744073709551615", "6.15", -1);
	order("5", "4.99.99", 1);
	written("6.12.3", "6.12.3", "6.12");
	written("6.14.0", "6.14", "6.14");
	written("6.15-rc3", "6.15-rc3", "6.15");
	written("6", "6", "6");
	written("6.012.00", "6.12", "6.12");
	written("18446744073709551615.18446744073709551615.18446744073709551615-"
		"rc18446744073709551615",
		"18446744073709551615.18446744073709551615.18446744073709551615-"
		"rc18446744073709551615",
		"18446744073709551615.18446744073709551615");

	v = kver("6.12.3");
	s = kver("6.12");
	ok(kver_in_series(&v, &s), "6.12.3 is of 6.12");
	s = kver("6");
	ok(kver_in_series(&v, &s), "and of 6");
	s = kver("6.1");
	ok(!kver_in_series(&v, &s), "and not of 6.1");
	v = kver("6.12-rc3");
	s = kver("6.12");
	ok(!kver_in_series(&v, &s), "a release candidate is of no series");
	within("6.16.4", "6.12", "6.16", true);
	within("6.16.4", "6.12", "6.16.3", false);
	within("6.12", "6.12", "6.12", true);
	within("6.12.5", "6.12", "6.12", true);
	within("6.11.99", "6.12", "6.12", false);
	within("6.17", "6.12", "6.16", false);

	kind("6.12.3", IDENT_VERSION);
	kind("6.15-rc3", IDENT_VERSION);
	kind("6.12", IDENT_SERIES);
	kind("6", IDENT_SERIES);
	kind("6.12..6.16", IDENT_RANGE);
	kind("6.12..6.12", IDENT_RANGE);
	kind("6.12.3..6.15-rc2", IDENT_RANGE);
	kind("6.12.5..6.12", IDENT_RANGE); /* from there to the end of the series */
	kind("6.16..6.12", IDENT_BAD);
	kind("6.12..", IDENT_BAD);
	kind("6.12..main", IDENT_BAD);
	kind("6..7", IDENT_BAD);
	kind("", IDENT_BAD);
	kind("99999999999999999999", IDENT_BAD);
	kind("./linux", IDENT_PATH);
	kind("..", IDENT_PATH);
	kind("../linux", IDENT_PATH);
	kind("~", IDENT_PATH);
	kind("6.12/x", IDENT_PATH);
	kind("6.12../x", IDENT_PATH);
	kind("v6.12", IDENT_KEY);
	kind("6.12.3-tarball-x86_64", IDENT_KEY);
	kind("linux..6.12", IDENT_KEY);
	kind("git+https://x.example/l.git", IDENT_BAD);
	kind("git+#x", IDENT_BAD);
	kind("git+x#", IDENT_BAD);
	ident_parse("git+https://x.example/a#b.git#sched_ext/for-next", &id);
	ok(id.kind == IDENT_GIT && id.url_len == strlen("https://x.example/a#b.git") &&
		   strncmp(id.url, "https://x.example/a#b.git", id.url_len) == 0,
	   "the last # divides");
	ok_str(id.ref, "sched_ext/for-next", "and the ref is behind it");
}

#define SUM64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SUM64U "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEAD "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n"
#define TAIL "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"

static void sum(const char *text, int want, const char *what)
{
	char got[SHA256_TEXT] = "untouched";
	int rc = sums_find(text, strlen(text), "linux-6.12.tar.xz", got);

	ok(rc == want, "%s: %d, not %d", what, want, rc);
	ok_str(got, want == 0 ? SUM64 : "untouched", "and that sum");
}

static void sums(void)
{
	sum(SUM64 "  linux-6.12.tar.xz\n", 0, "a plain list");
	sum(SUM64 " *linux-6.12.tar.xz", 0, "binary, without a newline");
	sum(SUM64U "  linux-6.12.tar.xz\r\n", 0, "capitals and a carriage return");
	sum("x\n" OTHER "  linux-6.12.tar.xz.old\n" SUM64 "  linux-6.12.tar.xz\n", 0,
	    "among others");
	sum(SUM64 "  ./linux-6.12.tar.xz\n", -ENOENT, "another name");
	sum(SUM64 "0  linux-6.12.tar.xz\n", -ENOENT, "65 digits");
	sum("", -ENOENT, "nothing");
	sum(SUM64 "  linux-6.12.tar.xz\n" SUM64 "  linux-6.12.tar.xz\n", 0, "twice the same");
	sum(SUM64 "  linux-6.12.tar.xz\n" OTHER "  linux-6.12.tar.xz\n", -EBADMSG, "two sums");
	sum(HEAD SUM64 "  linux-6.12.tar.xz\n" TAIL, 0, "a signed list");
	sum(HEAD SUM64 "  linux-6.12.tar.xz\n", -EBADMSG, "a signed list that is cut off");
	sum(HEAD OTHER "  b\n" TAIL SUM64 "  linux-6.12.tar.xz\n", -ENOENT, "behind the signature");
	sum(SUM64 "  linux-6.12.tar.xz\n" HEAD OTHER "  b\n" TAIL, -ENOENT, "before the message");
	sum("-----BEGIN PGP SIGNED MESSAGE-----\n" SUM64 "  linux-6.12.tar.xz\n\n" TAIL, -ENOENT,
	    "among the armor's headers");
}

static const struct gitref refs[] = {
	{ "HEAD", "1000000000000000000000000000000000000000" },
	{ "refs/heads/main", "1000000000000000000000000000000000000000" },
	{ "refs/heads/a/b", "2000000000000000000000000000000000000000" },
	{ "refs/tags/a/b", "3000000000000000000000000000000000000000" },
	{ "refs/tags/v6.12", "4000000000000000000000000000000000000000" },
	{ "refs/tags/v6.12^{}", "5000000000000000000000000000000000000000" },
	{ "refs/pull/7/head", "6000000000000000000000000000000000000000" },
};

static void ref(const char *text, char want)
{
	const char *commit = "-";
	const struct gitref *r = gitref_find(refs, sizeof(refs) / sizeof(refs[0]), text, &commit);

	ok((r != NULL) == (want != '-') && commit[0] == want, "'%s' means %c, not %c", text, want,
	   commit[0]);
}

static void path(const char *text, const char *want)
{
	char buf[32] = "";
	const char *why = untar_path(text, buf, sizeof(buf));

	ok_str(why ? NULL : buf, want, "'%s' as a path", text);
}

static void unpacking(void)
{
	path("a/b", "a/b");
	path("./a//b/", "a/b");
	path("a/./b", "a/b");
	path("/a", NULL);
	path("..", NULL);
	path("a/../b", NULL);
	path("a/..", NULL);
	path("", NULL);
	path("./", NULL);
	path("a..b/...", "a..b/...");
	path("0123456789/0123456789/0123456789", NULL);
	path("0123456789/0123456789/012345678", "0123456789/0123456789/012345678");
	ok(!untar_link("t/a", "b"), "a link beside");
	ok(!untar_link("t/d/a", "../b"), "one to the directory above");
	ok(!untar_link("t/d/e/a", "../../b/c"), "and above that");
	ok(!untar_link("t/d/a", ".././b"), "with a dot between");
	ok(untar_link("t/a", "../b") != NULL, "not above the top");
	ok(untar_link("t/d/a", "../../b") != NULL, "nor by two steps");
	ok(untar_link("t/d/a", "./../../b") != NULL, "nor with a dot");
	ok(untar_link("t/d/e/a", "b/../../x") != NULL, "no step up behind a name");
	ok(untar_link("t/a", "/etc") != NULL, "nothing absolute");
	ok(untar_link("t/a", "") != NULL, "nothing empty");
}

static void url(const char *version, const char *want)
{
	struct kver v = kver(version);
	char buf[URL_MAX];

	ok(kernel_url(&v, buf) == 0, "%s has a URL", version);
	ok_str(buf, want, "of that form");
}

static void lists(void)
{
	static const char text[] = "{\"releases\":[{\"moniker\":\"mainline\",\"version\":\"6.19-"
				   "rc1\",\"iseol\":false},"
				   "{\"moniker\":\"stable\",\"version\":\"6.18.4\",\"iseol\":false,"
				   "\"source\":\"https://x\"},"
				   "{\"moniker\":\"stable\",\"version\":\"6.17.9\",\"iseol\":true},"
				   "{\"moniker\":\"linux-next\",\"version\":\"next-20251120\"},"
				   "{\"moniker\":\"stable\"},7]}";
	struct releases r;
	struct kver v;
	char err[256] = "";

	ok(releases_parse(text, strlen(text), &r, err, sizeof(err)) == 0, "a list of releases");
	ok(r.n == 4 && r.dropped == 2, "four rows are used, two are not");
	v = kver("6");
	ok_str(releases_newest(&r, &v)->version, "6.18.4", "the newest of 6 is no candidate");
	v = kver("6.19");
	ok(!releases_newest(&r, &v), "6.19 has none yet");
	ok(releases_eol(&r, &v) == 0, "but it has not ended");
	v = kver("6.17.2");
	ok(releases_eol(&r, &v) == 1, "6.17 has ended: the list says so");
	v = kver("6.16.2");
	ok(releases_eol(&r, &v) == 1, "6.16 has ended: it is not listed");
	releases_free(&r);
	ok(releases_eol(&r, &v) == -1, "without a list that is unknown");
	ok(releases_parse("{\"releases\":1}", 14, &r, err, sizeof(err)) == -EBADMSG && *err,
	   "what has no list is refused, with the reason");
	(void)unsetenv("KTSTR_CDN_URL");
	(void)unsetenv("KTSTR_RC_URL");
	url("6.12.3", "https://cdn.kernel.org/pub/linux/kernel/v6.x/linux-6.12.3.tar.xz");
	url("6.14.0", "https://cdn.kernel.org/pub/linux/kernel/v6.x/linux-6.14.tar.xz");
	url("6.15-rc3", "https://git.kernel.org/torvalds/t/linux-6.15-rc3.tar.gz");
	(void)setenv("KTSTR_CDN_URL", "http://h/x/", 1);
	url("5.0", "http://h/x/v5.x/linux-5.0.tar.xz");
}

int main(void)
{
	idents();
	sums();
	ref("main", '1');
	ref("HEAD", '1');
	ref("a/b", '2');
	ref("refs/tags/a/b", '3');
	ref("v6.12", '5');
	ref("refs/tags/v6.12", '5');
	ref("refs/pull/7/head", '6');
	ref("heads/main", '-');
	ref("b", '-');
	ref("v6.12^{}", '5');
	ok(gitref_is_commit("1000000000000000000000000000000000000000"), "40 digits");
	ok(!gitref_is_commit("100000000000000000000000000000000000000"), "39 digits");
	ok(!gitref_is_commit("10000000000000000000000000000000000000000"), "41 digits");
	ok(!gitref_is_commit("g000000000000000000000000000000000000000"), "a letter");
	unpacking();
	lists();
	return tap_done();
}
