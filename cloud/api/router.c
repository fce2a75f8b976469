/* Matching paths; see router.h. */
#include "cloud/api/router.h"

#include <stdlib.h>
#include <string.h>

static void drop(char *parameters[CALL_PARAMETERS_MAX])
{
    for (int i = 0; i < CALL_PARAMETERS_MAX; i++) {
        free(parameters[i]);
        parameters[i] = NULL;
    }
}

/* The next segment of a path; NULL at its end. */
static const char *next_segment(const char **path, size_t *size)
{
    if (**path != '/')
        return NULL;
    const char *segment = *path + 1;
    *size = strcspn(segment, "/?");
    *path = segment + *size;
    return segment;
}

bool router_match(const char *pattern, const char *target, char *parameters[CALL_PARAMETERS_MAX])
{
    int count = 0;
    const char *want, *have;
    size_t want_size, have_size;
    memset(parameters, 0, CALL_PARAMETERS_MAX * sizeof *parameters);
    while ((want = next_segment(&pattern, &want_size))) {
        have = next_segment(&target, &have_size);
        bool taken = want_size == 2 && memcmp(want, "{}", 2) == 0;
        bool fits = have && (taken ? have_size > 0 && count < CALL_PARAMETERS_MAX
                                   : have_size == want_size && memcmp(have, want, want_size) == 0);
        if (fits && taken)
            fits = (parameters[count++] = text_decode(have, have_size, 0)) != NULL;
        if (!fits) {
            drop(parameters);
            return false;
        }
    }
    if (*target == '/' && (target[1] == 0 || target[1] == '?'))
        target++; /* one slash at the end does no harm */
    if (*target == 0 || *target == '?')
        return true;
    drop(parameters);
    return false;
}

const struct route *router_find(const struct route *routes, enum evhttp_cmd_type method,
                                const char *target, char *parameters[CALL_PARAMETERS_MAX])
{
    for (; routes->pattern; routes++) {
        if (routes->method == method && router_match(routes->pattern, target, parameters))
            return routes;
    }
    return NULL;
}

static bool add_pair(json_t *query, const char *text, size_t size)
{
    const char *equals = memchr(text, '=', size);
    size_t name_size = equals ? (size_t)(equals - text) : size;
    char *name = text_decode(text, name_size, 1);
    char *value = equals ? text_decode(equals + 1, size - name_size - 1, 1) : strdup("");
    bool added = name && value && json_object_set_new(query, name, json_string(value)) == 0;
    free(name);
    free(value);
    return added;
}

json_t *router_parse_query(const char *text)
{
    json_t *query = json_object();
    while (*text) {
        size_t size = strcspn(text, "&");
        if (size > 0 && !add_pair(query, text, size)) {
            json_decref(query);
            return NULL;
        }
        text += size + (text[size] == '&');
    }
    return query;
}
