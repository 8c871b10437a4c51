/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `kt-work run`: the ops for one group, made from the command line. */
#ifndef KT_WORK_RUN_H
#define KT_WORK_RUN_H

/* run_main, types_main - the two subcommands; argv[0] is the subcommand. Return the exit status. */
int run_main(int argc, char *argv[]);
int types_main(void);

/* work_help - what --help prints, for kt-work and for each of its subcommands. */
extern const char work_help[];

#endif
