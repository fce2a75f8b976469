/* A new link to the console; see cloud_page.h. Whoever may write into the cloud's folder may have
 * one: the token in it is what the cloud compares with. */
#include "tool/cloud_page.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cloud/page/page.h"
#include "tool/arguments.h"

enum { OPTION_DIR = 256 };

static const struct option options[] = {
    {OPTION_DIR, "dir", "DIR", "the cloud's folder (otter-cloud)"},
    {0},
};

static const struct usage usage = {
    .command = "cloud page",
    .operands = "[--dir DIR]",
    .summary =
        "Prints a link to the console of the cloud that runs on the folder, to be opened in "
        "a browser on\nthis machine. It works once, within 15 minutes; an older one that was "
        "not used works no more.",
    .options = options,
    .examples = "  otter cloud page\n"
                "  xdg-open $(otter cloud page --dir /tmp/cloud)\n",
};

static int print_link(const char *dir)
{
    char path[600], link[PAGE_LINK_SIZE];
    snprintf(path, sizeof path, "%s/cloud.json", dir);
    json_t *cloud = json_load_file(path, 0, NULL);
    const json_int_t port = json_integer_value(json_object_get(cloud, "page_port"));
    json_decref(cloud);
    if (port <= 0 || port > 65535) {
        fprintf(stderr,
                "otter cloud page: no cloud is ready on '%s' (no %s). Start it: otter cloud --dir "
                "'%s'\n",
                dir, path, dir);
        return 1;
    }
    umask(077);
    if (!page_link(dir, (uint16_t)port, link)) {
        fprintf(stderr, "otter cloud page: cannot write into %s: %s\n", dir, strerror(errno));
        return 1;
    }
    printf("%s\n", link);
    return 0;
}

int cloud_page(int argc, char **argv)
{
    struct arguments arguments;
    const char *dir = "otter-cloud";
    int got;
    arguments_start(&arguments, &usage, argc, argv);
    while ((got = arguments_next(&arguments)) != ARGUMENTS_END) {
        if (got == ARGUMENTS_HELP)
            return 0;
        if (got != OPTION_DIR) {
            if (got == ARGUMENTS_OPERAND)
                usage_wrong(&usage, "what is '%s' for?", arguments.value);
            return 2;
        }
        dir = arguments.value;
    }
    return print_link(dir);
}
