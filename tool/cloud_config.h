/* The configuration file of `otter cloud`: one option a line, named as on the command line.
 *
 *     # a comment
 *     mqtt-port = 8883
 *     limit = publish=100
 *     strict                      (options without a value)
 *
 * Blank lines, and lines that begin with #, say nothing; blanks around names and values neither.
 * All else is refused, with its line: names that are none of the options, values where there is
 * none or none where there is one, an option twice that may be given once, control characters. */
#ifndef OTTER_TOOL_CLOUD_CONFIG_H
#define OTTER_TOOL_CLOUD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#define CLOUD_CONFIG_OPTIONS_MAX 64u
#define CLOUD_CONFIG_LINE_MAX    1024u

struct cloud_config_option {
    const char *name;
    bool has_value, repeats;
};

struct cloud_config_reader {
    const struct cloud_config_option *options;
    size_t count; /* up to CLOUD_CONFIG_OPTIONS_MAX */
    /* `value` is NULL for an option without one, and stays in the text. False, after saying so in
     * `reason`, when the value is not good. */
    bool (*set)(void *context, size_t option, const char *value, char *reason, size_t size);
    void *context;
};

/* Reads `length` bytes, and changes them and the one behind: values lie in them. False with the
 * reason, which begins with "line N: ". */
bool cloud_config_read(const struct cloud_config_reader *reader, char *text, size_t length,
                       char *reason, size_t size);

#endif
