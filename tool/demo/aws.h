/* The ordinary AWS CLI, aimed at the demo's cloud. Each command is shown as a person would type it
 * before it runs; `otter aws` adds endpoint and credentials. Two may run side by side. */
#ifndef OTTER_TOOL_DEMO_AWS_H
#define OTTER_TOOL_DEMO_AWS_H

#include <stdbool.h>

#include <jansson.h>

#include "tool/demo/world.h"

#define AWS_WORDS_MAX 24

struct aws_call {
    struct child child;
    char output[WORLD_PATH_MAX];
};

/* Starts `aws WORDS…`; the words end with NULL. */
bool aws_begin(struct world *world, struct aws_call *call, const char *const words[]);
/* Waits for it; the JSON that it printed, or JSON null when it printed none. NULL when it failed:
 * its own message has then been shown. The caller owns the result. */
json_t *aws_end(struct world *world, struct aws_call *call);
/* Both together. */
json_t *aws_run(struct world *world, const char *const words[]);
/* The same without showing it, for polling. */
json_t *aws_run_quietly(struct world *world, const char *const words[]);

/* A string member at `path` ("a.b.c"), or "" */
const char *reply_text(const json_t *object, const char *path);

#endif
