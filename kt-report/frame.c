/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames of a stream that goes on. */
#include "frame.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#define HOME "\033[H"
#define CLEAR "\033[2J"
#define CLEAR_LINE "\033[K" /* to its end */
#define CLEAR_REST "\033[J"
#define NO_WRAP "\033[?7l" /* a long line is cut at the edge */
#define WRAP "\033[?7h"

/* Lines of the terminal; what it does not tell is taken for unbounded. */
static size_t height(FILE *out)
{
	struct winsize w;

	return ioctl(fileno(out), TIOCGWINSZ, &w) == 0 && w.ws_row > 1 ? w.ws_row : (size_t)-1;
}

/* Nothing is cleared before it is written anew, so nothing flickers. */
static void draw_over(const struct frame *f, const char *text, size_t n)
{
	size_t rows = height(f->out), lines = 0, shown, i, from = 0;

	for (i = 0; i < n; i++)
		lines += text[i] == '\n';
	shown = lines < rows ? lines : rows - 2; /* the last one is the cursor's */
	fputs(f->drawn ? HOME NO_WRAP : CLEAR HOME NO_WRAP, f->out);
	for (i = 0; i < shown; i++) {
		size_t len = strcspn(text + from, "\n");

		(void)fwrite(text + from, 1, len, f->out); /* the stream keeps the error */
		fputs(CLEAR_LINE "\n", f->out);
		from += len + 1;
	}
	if (shown < lines)
		fprintf(f->out, "... and %zu more lines" CLEAR_LINE "\n", lines - shown);
	fputs(CLEAR_REST WRAP, f->out);
}

int frame_draw(struct frame *f, const char *text, size_t n)
{
	if (f->tty) {
		draw_over(f, text, n);
	} else {
		if (f->drawn)
			fputc('\n', f->out);
		(void)fwrite(text, 1, n, f->out); /* the stream keeps the error */
	}
	f->drawn = true;
	errno = 0;
	return fflush(f->out) != 0 || ferror(f->out) ? (errno ? -errno : -EIO) : 0;
}
