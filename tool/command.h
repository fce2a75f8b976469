/* How a subcommand of `otter` looks to tool/otter.c: one file a subcommand, one line in its table.
 *
 * `run` gets argv[0] = the subcommand's name and returns the exit code: 0 done, 1 failed (the
 * reason is on stderr), 2 wrong usage. `otter NAME --help` is answered by the subcommand itself,
 * with examples, on stdout. */
#ifndef OTTER_TOOL_COMMAND_H
#define OTTER_TOOL_COMMAND_H

struct command {
    const char *name;
    const char *summary; /* one line for `otter --help` */
    int (*run)(int argc, char **argv);
};

int command_keygen(int argc, char **argv);
int command_getpub(int argc, char **argv);
int command_getpubhash(int argc, char **argv);
int command_getpriv(int argc, char **argv);
int command_sign(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_merge(int argc, char **argv);
int command_inspect(int argc, char **argv);
int command_keyinfo(int argc, char **argv);
int command_dumpinfo(int argc, char **argv);
int command_create_trailer(int argc, char **argv);
int command_build(int argc, char **argv);
int command_cloud(int argc, char **argv);
int command_aws(int argc, char **argv);
int command_device(int argc, char **argv);
int command_twin(int argc, char **argv);
int command_modem(int argc, char **argv);
int command_console(int argc, char **argv);
int command_recover(int argc, char **argv);
int command_provision(int argc, char **argv);
int command_demo(int argc, char **argv);

#endif
