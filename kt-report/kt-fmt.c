/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kt-fmt - records as tables for people. */
#include "cleanup.h"
#include "die.h"
#include "flat.h"
#include "frame.h"
#include "jsonr.h"
#include "kernels.h"
#include "locks.h"
#include "moved.h"
#include "ndjson.h"
#include "out.h"
#include "results.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
	"Usage: kt-fmt [OPTION]... < RECORDS\n"
	"Print results, topologies and other records as tables.\n"
	"\n"
	"      --color auto|always|never\n"
	"                 auto is on a terminal, unless NO_COLOR is set (default)\n"
	"  -h, --help     print this text\n"
	"  -V, --version  print the version\n";

/* What the stream's ends say, the worst first in rank. */
enum verdict {
	V_NONE,
	V_SKIP,
	V_OK,
	V_FAIL
};

struct stream {
	json_t *tables; /* object: type to the array of its records, in order of appearance */
	json_t *open; /* tools whose meta waits for its end */
	json_t *reasons; /* of ends that were not ok */
	struct moved moved; /* of kt-snap-diff, printed while it is read */
	enum verdict verdict;
	bool bad; /* a line was no record */
	bool locks; /* of kt-locks: that there are none is worth a word */
	uint64_t seen;
	uint64_t left; /* records that are still to come in this frame */
	struct frame frame;
	bool color;
};

static int add_row(struct stream *s, const char *type, json_t *rec)
{
	json_t *rows = json_object_get(s->tables, type);

	if (!rows) {
		rows = json_array();
		if (json_object_set_new(s->tables, type, rows) < 0)
			return -ENOMEM;
	}
	return json_array_append(rows, rec) < 0 ? -ENOMEM : 0;
}

/* A table of locks, which may stay empty. */
static int begin_locks(struct stream *s)
{
	if (json_object_get(s->tables, "lock"))
		return 0;
	return json_object_set_new(s->tables, "lock", json_array()) < 0 ? -ENOMEM : 0;
}

static enum verdict verdict_of(const json_t *end)
{
	const char *outcome = rec_str(end, "outcome", "");

	if (strcmp(outcome, "ok") == 0 ||
	    (strcmp(outcome, "undecided") == 0 && rec_bool(end, "allow_undecided", false)))
		return V_OK;
	return strcmp(outcome, "skip") == 0 ? V_SKIP : V_FAIL;
}

/* An end closes its tool and those inside it that have not ended. Only the outermost speaks for the
 * stream. */
static int take_end(struct stream *s, const json_t *end)
{
	const char *tool = rec_str(end, "tool", "");
	size_t n = json_array_size(s->open), i = n;
	const char *reason = rec_str(end, "reason", NULL);

	while (i > 0 && strcmp(json_string_value(json_array_get(s->open, i - 1)), tool) != 0)
		i--;
	if (i > 0 && i < n)
		s->verdict = V_FAIL; /* those inside were cut off */
	if (i > 0)
		while (json_array_size(s->open) >= i)
			(void)json_array_remove(s->open, json_array_size(s->open) - 1);
	if (i <= 1 && verdict_of(end) > s->verdict)
		s->verdict = verdict_of(end);
	if (reason && verdict_of(end) == V_FAIL &&
	    json_array_append_new(s->reasons, json_sprintf("%s: %s", tool, reason)) < 0)
		return -ENOMEM;
	return 0;
}

static int print_all(const struct stream *s, FILE *out, bool color)
{
	const char *type;
	json_t *rows;
	bool first = true;
	int rc = 0;

	json_object_foreach (s->tables, type, rows) {
		if (!first)
			fputc('\n', out);
		first = false;
		rc = strcmp(type, "result") == 0 ? results_print(rows, out, color)
		     : strcmp(type, "lock") == 0 ? locks_print(rows, out, color)
		     : kernels_known(type)	 ? kernels_print(type, rows, out, color)
						 : flat_print(type, rows, out, color);
		if (rc < 0)
			return rc;
	}
	return rc;
}

/* What is there, as a frame; the next one begins with nothing. */
static int draw(struct stream *s)
{
	AUTO_FREE char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	int rc = f ? print_all(s, f, s->color) : -ENOMEM;

	if (f && fclose(f) != 0)
		rc = -ENOMEM;
	if (json_object_clear(s->tables) < 0)
		rc = -ENOMEM;
	return rc < 0 ? rc : frame_draw(&s->frame, text, n);
}

static int take_record(struct stream *s, json_t *rec)
{
	const char *type = rec_str(rec, "type", "");
	int rc = 0;

	s->seen++;
	if (strcmp(type, "meta") == 0) {
		const char *tool = rec_str(rec, "tool", "");

		if (json_array_append_new(s->open, json_string(tool)) < 0)
			return -ENOMEM;
		s->locks |= strcmp(tool, "kt-locks") == 0;
		return s->locks ? begin_locks(s) : 0;
	}
	if (strcmp(type, "end") == 0)
		return take_end(s, rec);
	if (strcmp(type, "frame") == 0) {
		/* A frame that was cut off by the next one is not worth a look any more. */
		if (json_object_clear(s->tables) < 0 || (s->locks && begin_locks(s) < 0))
			return -ENOMEM;
		s->left = rec_u64(rec, "records", 0);
		return s->left == 0 ? draw(s) : 0;
	}
	if (moved_known(type))
		return moved_take(&s->moved, rec, s->frame.out, s->color);
	if (strcmp(type, "result") == 0 || kernels_known(type) || flat_known(type))
		rc = add_row(s, type, rec);
	if (rc == 0 && s->left > 0 && --s->left == 0)
		rc = draw(s);
	return rc;
}

/* Returns 0, or -errno, reported, when reading cannot go on. */
static int read_all(struct stream *s)
{
	struct ndjson nd;
	json_error_t err;
	json_t *rec;
	char *line;
	size_t len;
	int rc = 0, n;

	ndjson_init(&nd, STDIN_FILENO);
	while (rc == 0 && (n = ndjson_next(&nd, &line, &len)) != 0) {
		if (n < 0) {
			rc = warn_rc(n, "stdin:%llu", (unsigned long long)nd.line);
			break;
		}
		if (len == 0)
			continue;
		rec = rec_load(line, len, &err);
		if (!rec || !json_is_string(json_object_get(rec, "type"))) {
			warn_msg("stdin:%llu: %s", (unsigned long long)nd.line,
				 rec ? "a record is an object with a type" : err.text);
			s->bad = true;
		} else {
			rc = take_record(s, rec);
			if (rc < 0)
				warn_rc(rc,
					rc == -ENOMEM ? "read records" : "write standard output");
		}
		json_decref(rec);
	}
	ndjson_free(&nd);
	return rc;
}

/* Returns an exit status. */
static int run(FILE *out, bool color)
{
	struct stream s = { .tables = json_object(),
			    .open = json_array(),
			    .reasons = json_array(),
			    .frame = { .out = out, .tty = isatty(STDOUT_FILENO) },
			    .color = color };
	const json_t *reason;
	size_t i;
	int rc;

	if (!s.tables || !s.open || !s.reasons)
		rc = warn_rc(-ENOMEM, "start");
	else
		rc = read_all(&s);
	if (rc == 0 && moved_left(&s.moved, out, color) < 0)
		rc = warn_rc(-ENOMEM, "print");
	if (s.moved.blocks > 0 && json_object_size(s.tables) > 0)
		fputc('\n', out);
	if (s.tables && print_all(&s, out, color) < 0)
		rc = warn_rc(-ENOMEM, "print");
	moved_free(&s.moved);
	json_array_foreach (s.reasons, i, reason)
		warn_msg("%s", json_string_value(reason));
	if (rc == 0 && s.seen == 0 && !s.bad) {
		warn_msg("there were no records");
		rc = -ENODATA;
	}
	if (rc == 0 && json_array_size(s.open) > 0) {
		warn_msg("the stream was cut off: %s never ended",
			 json_string_value(json_array_get(s.open, json_array_size(s.open) - 1)));
		rc = -ENODATA;
	}
	if (rc == 0)
		rc = s.bad || s.verdict == V_FAIL ? KT_FAIL : s.verdict == V_SKIP ? KT_SKIP : KT_OK;
	json_decref(s.tables);
	json_decref(s.open);
	json_decref(s.reasons);
	return rc < 0 ? KT_FAIL : rc;
}

int main(int argc, char *argv[])
{
	enum {
		OPT_COLOR = CHAR_MAX + 1
	};
	static const struct option longopts[] = {
		{ "color", required_argument, NULL, OPT_COLOR },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	const char *no_color = getenv("NO_COLOR");
	const bool auto_color = isatty(STDOUT_FILENO) && !(no_color && *no_color != '\0');
	bool color = auto_color;
	int opt, rc, close_rc;

	while ((opt = getopt_long(argc, argv, "hV", longopts, NULL)) != -1) {
		switch (opt) {
		case OPT_COLOR:
			if (strcmp(optarg, "always") == 0)
				color = true;
			else if (strcmp(optarg, "never") == 0)
				color = false;
			else if (strcmp(optarg, "auto") == 0)
				color = auto_color;
			else
				die_usage("bad --color '%s': want auto, always or never", optarg);
			break;
		case 'h':
			return print_help(help);
		case 'V':
			return print_version();
		default:
			return KT_USAGE;
		}
	}
	if (optind < argc)
		die_usage("unexpected argument '%s'", argv[optind]);
	rc = run(stdout, color);
	close_rc = out_close(stdout);
	if (close_rc < 0)
		rc = warn_rc(close_rc, "write standard output");
	return rc < 0 ? KT_FAIL : rc;
}
