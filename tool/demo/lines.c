/* Which lines are folded, and into what. */
#include "tool/demo/lines.h"

#include <stdio.h>
#include <string.h>

#define PEM_LINES_MAX 64u /* of more than that the END has been lost */

/* BEGIN, how many lines, END. */
static enum lines_verdict fold_pem(struct lines *lines, const char *line, char *shown)
{
    const char *end = strstr(line, "-----END ");
    if (strstr(line, "-----BEGIN ") != NULL) {
        snprintf(lines->begin, sizeof lines->begin, "%s", line);
        lines->pem_lines = 0;
        return LINES_HIDE;
    }
    if (end != NULL) {
        snprintf(shown, FOLLOW_LINE_MAX, "%.400s ... %u lines ... %.400s", lines->begin,
                 lines->pem_lines, end);
        lines->begin[0] = '\0';
        return LINES_SHOW;
    }
    if (++lines->pem_lines > PEM_LINES_MAX)
        lines->begin[0] = '\0';
    return LINES_HIDE;
}

static void add_state(struct lines *lines, const char *text)
{
    const size_t length = strlen(lines->states);
    snprintf(lines->states + length, sizeof lines->states - length, "%s, ", text);
}

/* The four lines in which a bootloader says what it found become one. */
static enum lines_verdict fold_states(struct lines *lines, const char *line, const char *text,
                                      char *shown)
{
    char slot[32], magic[16], state[64];
    if (sscanf(text, "%31[A-Z a-z]: magic=%15[a-z]", slot, magic) == 2) {
        snprintf(state, sizeof state, "%s %s", slot, magic);
        add_state(lines, state);
        return LINES_HIDE;
    }
    if (strncmp(text, "Boot source: ", 13) == 0) {
        add_state(lines, text);
        return LINES_HIDE;
    }
    const char *type = strstr(text, "Swap type: ");
    if (type == NULL || lines->states[0] == '\0')
        return LINES_SHOW;
    snprintf(shown, FOLLOW_LINE_MAX, "%.*s%s%s", (int)(text - line), line, lines->states, type);
    lines->states[0] = '\0';
    return LINES_SHOW;
}

enum lines_verdict lines_fold(struct lines *lines, const char *line, char shown[FOLLOW_LINE_MAX])
{
    const char *boot = strstr(line, "[BOOT      ] ");
    snprintf(shown, FOLLOW_LINE_MAX, "%s", line);
    /* A log line is no part of a PEM object. */
    if (boot == NULL && strstr(line, "> [") == NULL && strchr(line, '<') == NULL &&
        (lines->begin[0] != '\0' || strstr(line, "-----BEGIN ") != NULL))
        return fold_pem(lines, line, shown);
    if (boot == NULL)
        return LINES_SHOW;
    boot += strlen("[BOOT      ] ");
    return strncmp(boot, "Swapping: ", 10) == 0 ? LINES_PASSING
                                                : fold_states(lines, line, boot, shown);
}
