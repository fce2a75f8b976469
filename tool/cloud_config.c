/* The configuration file; see cloud_config.h. */
#include "tool/cloud_config.h"

#include <stdio.h>
#include <string.h>

struct place {
    const struct cloud_config_reader *reader;
    bool seen[CLOUD_CONFIG_OPTIONS_MAX];
    unsigned line;
    char *reason;
    size_t size;
};

static bool refuse(struct place *place, const char *why, const char *name)
{
    snprintf(place->reason, place->size, "line %u: %s%s%.60s%s", place->line, why,
             *name ? " '" : "", name, *name ? "'" : "");
    return false;
}

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        text[--length] = '\0';
    return text;
}

static bool is_text(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (((unsigned char)line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7f)
            return false;
    return true;
}

static bool set(struct place *place, size_t option, const char *value)
{
    const struct cloud_config_option *found = &place->reader->options[option];
    char why[400] = "";
    if (found->has_value && !value)
        return refuse(place, "a value is missing, as in NAME = VALUE:", found->name);
    if (!found->has_value && value)
        return refuse(place, "there is no value to this:", found->name);
    if (place->seen[option] && !found->repeats)
        return refuse(place, "this was set already:", found->name);
    place->seen[option] = true;
    if (place->reader->set(place->reader->context, option, value, why, sizeof why))
        return true;
    snprintf(place->reason, place->size, "line %u: %s", place->line, why);
    return false;
}

static bool read_line(struct place *place, char *line)
{
    char *equals = strchr(line, '=');
    char *value = equals ? trim(equals + 1) : NULL;
    if (equals)
        *equals = '\0';
    const char *name = trim(line);
    if (value && !*value)
        value = NULL;
    for (size_t i = 0; i < place->reader->count; i++)
        if (strcmp(name, place->reader->options[i].name) == 0)
            return set(place, i, value);
    return refuse(place, "this is none of the options of `otter cloud`:", name);
}

bool cloud_config_read(const struct cloud_config_reader *reader, char *text, size_t length,
                       char *reason, size_t size)
{
    struct place place = {.reader = reader, .reason = reason, .size = size};
    char *const end = text + length;
    for (char *at = text; at < end;) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t used = (size_t)((stop ? stop : end) - at);
        place.line++;
        if (used > CLOUD_CONFIG_LINE_MAX)
            return refuse(&place, "it is too long", "");
        if (!is_text(at, used))
            return refuse(&place, "it has control characters", "");
        at[used] = '\0';
        char *line = trim(at);
        if (*line && *line != '#' && !read_line(&place, line))
            return false;
        at += used + 1;
    }
    return true;
}
