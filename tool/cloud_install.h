/* `otter cloud install`: a service of systemd, and its configuration file. */
#ifndef OTTER_TOOL_CLOUD_INSTALL_H
#define OTTER_TOOL_CLOUD_INSTALL_H

/* argv[0] is the word; the exit code. */
int cloud_install(int argc, char **argv);

#endif
