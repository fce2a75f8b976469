/* Policy documents, statements and patterns; conditions are in policy_condition.c. */
#include "cloud/core/registry/policy_internal.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATTERN_MAX 4096u

struct policy_set {
    json_t *statements; /* array of objects */
};

struct policy_set *policy_set_new(void)
{
    struct policy_set *set = calloc(1, sizeof *set);
    if (!set)
        return NULL;
    set->statements = json_array();
    return set;
}

void policy_set_free(struct policy_set *set)
{
    if (!set)
        return;
    json_decref(set->statements);
    free(set);
}

static bool refuse(char *reason, size_t size, const char *text)
{
    snprintf(reason, size, "%s", text);
    return false;
}

static bool statement_is_sound(const json_t *statement)
{
    const char *effect = json_string_value(json_object_get(statement, "Effect"));
    return effect && (strcmp(effect, "Allow") == 0 || strcmp(effect, "Deny") == 0) &&
           !json_object_get(statement, "Action") != !json_object_get(statement, "NotAction") &&
           !json_object_get(statement, "Resource") != !json_object_get(statement, "NotResource");
}

static bool add_statements(struct policy_set *set, json_t *found, char *reason, size_t size)
{
    json_t *list = json_is_object(found) ? json_pack("[O]", found) : json_incref(found);
    bool sound = json_is_array(list) && json_array_size(list) > 0;
    for (size_t i = 0; sound && i < json_array_size(list); i++)
        sound = statement_is_sound(json_array_get(list, i));
    if (sound)
        json_array_extend(set->statements, list);
    json_decref(list);
    return sound ||
           refuse(reason, size, "each Statement needs Effect (Allow or Deny), Action and Resource");
}

bool policy_set_add(struct policy_set *set, const char *document, char *reason, size_t size)
{
    json_error_t error;
    json_t *root = json_loads(document, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return refuse(reason, size, error.text);
    json_t *statement = json_object_get(root, "Statement");
    bool added = statement ? add_statements(set, statement, reason, size)
                           : refuse(reason, size, "there is no Statement");
    json_decref(root);
    return added;
}

/* ---- patterns ------------------------------------------------------------------------------- */

/* A pattern with its variables replaced; `wild` marks the * and ? that are wildcards. */
struct pattern {
    size_t length;
    char text[PATTERN_MAX];
    bool wild[PATTERN_MAX];
};

static bool append(struct pattern *p, const char *text, size_t length, bool wild)
{
    if (length > sizeof p->text - p->length)
        return false;
    memcpy(p->text + p->length, text, length);
    memset(p->wild + p->length, wild, length);
    p->length += length;
    return true;
}

/* What certificates and things bring must not smuggle pattern characters; such a value is not
 * substituted. A client id is, as the service does it: restrict ids with iot:Connect. */
static bool substitutable(const char *value)
{
    return strlen(value) <= 1024 && !strpbrk(value, "*$+?#");
}

/* Replaces the variable `name` (between the braces), or leaves it as text. */
static bool append_variable(struct pattern *p, const struct policy_context *context,
                            const char *name, size_t length)
{
    char key[256], scratch[64];
    const char *values[POLICY_VALUES_MAX];

    if (length == 1 && strchr("*?$", name[0]))
        return append(p, name, 1, false);
    if (length < sizeof key) {
        memcpy(key, name, length);
        key[length] = '\0';
        if (policy_values(context, key, values, scratch) > 0 &&
            (strcmp(key, "iot:ClientId") == 0 || substitutable(values[0])))
            return append(p, values[0], strlen(values[0]), false);
    }
    return append(p, "${", 2, false) && append(p, name, length, false) && append(p, "}", 1, false);
}

static bool expand(struct pattern *p, const struct policy_context *context, const char *source,
                   bool wildcards)
{
    bool fits = true;
    p->length = 0;
    while (*source && fits) {
        const char *end = strncmp(source, "${", 2) == 0 ? strchr(source, '}') : NULL;
        if (end) {
            fits = append_variable(p, context, source + 2, (size_t)(end - source) - 2);
            source = end + 1;
        } else {
            fits = append(p, source, 1, wildcards && (*source == '*' || *source == '?'));
            source++;
        }
    }
    return fits;
}

static bool same(char a, char b, bool fold)
{
    return fold ? tolower((unsigned char)a) == tolower((unsigned char)b) : a == b;
}

/* Glob matching with one point to come back to: the last star. `fold`: without regard to case. */
static bool glob(const struct pattern *p, const char *text, bool fold)
{
    size_t at = 0, star = SIZE_MAX;
    const char *resume = NULL;
    while (*text) {
        if (at < p->length && p->wild[at] && p->text[at] == '*') {
            star = at++;
            resume = text;
        } else if (at < p->length &&
                   (p->wild[at] ? p->text[at] == '?' : same(p->text[at], *text, fold))) {
            at++;
            text++;
        } else if (star != SIZE_MAX) {
            at = star + 1;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (at < p->length && p->wild[at] && p->text[at] == '*')
        at++;
    return at == p->length;
}

static enum policy_match match_pattern(const struct policy_context *context, const char *pattern,
                                       const char *text, bool wildcards, bool fold)
{
    struct pattern expanded;
    if (!expand(&expanded, context, pattern, wildcards))
        return POLICY_UNKNOWN;
    return glob(&expanded, text, fold) ? POLICY_YES : POLICY_NO;
}

enum policy_match policy_pattern(const struct policy_context *context, const char *pattern,
                                 const char *text, bool wildcards)
{
    return match_pattern(context, pattern, text, wildcards, false);
}

/* ---- statements ----------------------------------------------------------------------------- */

static enum policy_match match_item(const struct policy_context *context, const json_t *item,
                                    const char *text, bool fold)
{
    const char *pattern = json_string_value(item);
    return pattern ? match_pattern(context, pattern, text, true, fold) : POLICY_UNKNOWN;
}

/* A member that is a pattern or an array of them: does one match? */
static enum policy_match match_any(const struct policy_context *context, const json_t *patterns,
                                   const char *text, bool fold)
{
    enum policy_match best = POLICY_NO;
    if (!json_is_array(patterns))
        return match_item(context, patterns, text, fold);
    for (size_t i = 0; i < json_array_size(patterns) && best != POLICY_YES; i++) {
        enum policy_match match = match_item(context, json_array_get(patterns, i), text, fold);
        if (match != POLICY_NO)
            best = match;
    }
    return best;
}

static enum policy_match both(enum policy_match a, enum policy_match b)
{
    if (a == POLICY_NO || b == POLICY_NO)
        return POLICY_NO;
    return a == POLICY_YES ? b : a;
}

/* What `name` lists, or all but what `negated` lists. */
static enum policy_match match_member(const struct policy_context *context, const json_t *statement,
                                      const char *name, const char *negated, const char *text,
                                      bool fold)
{
    const json_t *others = json_object_get(statement, negated);
    if (!others)
        return match_any(context, json_object_get(statement, name), text, fold);
    enum policy_match match =
        context->negations ? match_any(context, others, text, fold) : POLICY_UNKNOWN;
    return match == POLICY_UNKNOWN ? match : match == POLICY_YES ? POLICY_NO : POLICY_YES;
}

static enum policy_match match_statement(const struct policy_context *context,
                                         const json_t *statement, const char *action,
                                         const char *resource)
{
    enum policy_match match =
        both(match_member(context, statement, "Action", "NotAction", action, true),
             match_member(context, statement, "Resource", "NotResource", resource, false));
    if (match == POLICY_NO)
        return match;
    return both(match, policy_condition(context, json_object_get(statement, "Condition")));
}

bool policy_allows(const struct policy_set *set, const struct policy_context *context,
                   const char *action, const char *resource)
{
    bool allowed = false;
    for (size_t i = 0; set && i < json_array_size(set->statements); i++) {
        const json_t *statement = json_array_get(set->statements, i);
        bool deny = strcmp(json_string_value(json_object_get(statement, "Effect")), "Deny") == 0;
        enum policy_match match = match_statement(context, statement, action, resource);
        if (deny && match != POLICY_NO)
            return false;
        allowed = allowed || (!deny && match == POLICY_YES);
    }
    return allowed;
}
