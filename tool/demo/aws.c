/* Runs the CLI as a child and reads its JSON. */
#include "tool/demo/aws.h"

#include <stdio.h>
#include <string.h>

#include "tool/demo/screen.h"

/* "./otter aws" in front of the words, as they are shown and as they run. */
static void put_together(const char *argv[AWS_WORDS_MAX + 4], const char *const words[])
{
    unsigned count = 0;
    argv[count++] = "./otter";
    argv[count++] = "aws";
    for (unsigned i = 0; words[i] != NULL && i < AWS_WORDS_MAX; i++)
        argv[count++] = words[i];
    argv[count] = NULL;
}

static bool start(struct world *world, struct aws_call *call, const char *const argv[])
{
    static unsigned calls;
    char name[32];
    snprintf(name, sizeof name, "aws-%u.out", calls++);
    snprintf(call->output, sizeof call->output, "%s", world_path(world, name));
    const struct child_io io = {.output = call->output, .directory = world->folder};
    return child_start(&call->child, "aws", (char *const *)argv, &io);
}

bool aws_begin(struct world *world, struct aws_call *call, const char *const words[])
{
    const char *argv[AWS_WORDS_MAX + 4];
    put_together(argv, words);
    screen_command(argv, "");
    return start(world, call, argv);
}

static void show_output(const char *path)
{
    char line[512];
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '\0')
            screen_result("%s", line);
    }
    if (file != NULL)
        fclose(file);
}

json_t *aws_end(struct world *world, struct aws_call *call)
{
    while (child_running(&call->child) && !world_interrupted)
        world_pump(world, 10);
    child_stop(&call->child, 1000);
    if (call->child.exit_code != 0) {
        screen_error("the AWS CLI ended with exit code %d:", call->child.exit_code);
        show_output(call->output);
        return NULL;
    }
    json_t *result = json_load_file(call->output, JSON_DECODE_ANY, NULL);
    return result != NULL ? result : json_null();
}

json_t *aws_run(struct world *world, const char *const words[])
{
    struct aws_call call;
    return aws_begin(world, &call, words) ? aws_end(world, &call) : NULL;
}

json_t *aws_run_quietly(struct world *world, const char *const words[])
{
    const char *argv[AWS_WORDS_MAX + 4];
    struct aws_call call;
    put_together(argv, words);
    return start(world, &call, argv) ? aws_end(world, &call) : NULL;
}

const char *reply_text(const json_t *object, const char *path)
{
    char name[64];
    while (object != NULL && *path != '\0') {
        const size_t length = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)length, path);
        object = json_object_get(object, name);
        path += length + (path[length] == '.');
    }
    return json_is_string(object) ? json_string_value(object) : "";
}
