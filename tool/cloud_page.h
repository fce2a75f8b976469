/* `otter cloud page`: a new link to the console of a running cloud. */
#ifndef OTTER_TOOL_CLOUD_PAGE_H
#define OTTER_TOOL_CLOUD_PAGE_H

/* Returns the exit code. */
int cloud_page(int argc, char **argv);

#endif
