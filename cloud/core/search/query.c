/* Parsing and matching queries; see query.h. */
#include "cloud/core/search/query.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NODES_MAX 64
#define STARS_MAX 2
#define MARKS_MAX 5
#define WORD_MAX  1000

enum kind { TERM, RANGE, AND, OR, NOT };

/* Of words, ESCAPED stands before a character that is no wildcard. */
#define ESCAPED '\1'

struct node {
    enum kind kind;
    unsigned a, b;
    char *field;       /* NULL: any */
    char *word, *most; /* of a range: from, to; NULL: open */
    bool without_least, without_most;
    bool phrase;
};

struct query {
    struct node nodes[NODES_MAX];
    unsigned count, root, terms;
};

struct parser {
    struct query *query;
    const char *at;
    unsigned depth;
    bool failed;
    char *reason;
    size_t size;
};

/* ---- parsing ---- */

static unsigned fail(struct parser *p, const char *why)
{
    if (!p->failed)
        snprintf(p->reason, p->size, "%s, at '%.20s'", why, p->at);
    p->failed = true;
    return 0;
}

static unsigned node(struct parser *p, struct node made)
{
    bool term = made.kind == TERM || made.kind == RANGE;
    struct query *query = p->query;
    if (query->count + 1 >= NODES_MAX || (term && ++query->terms > QUERY_TERMS_MAX))
        fail(p, "a query has at most 7 terms");
    if (p->failed) {
        free(made.field);
        free(made.word);
        free(made.most);
        return 0;
    }
    query->nodes[++query->count] = made;
    return query->count;
}

static void skip(struct parser *p)
{
    while (isspace((unsigned char)*p->at))
        p->at++;
}

static bool take_word(struct parser *p, const char *word)
{
    size_t size = strlen(word);
    skip(p);
    if (strncmp(p->at, word, size) != 0 ||
        (p->at[size] && !isspace((unsigned char)p->at[size]) && p->at[size] != '('))
        return false;
    p->at += size;
    return true;
}

/* Up to one of `ends`; escapes taken off, their characters marked. NULL when it is empty. */
static char *word(struct parser *p, const char *ends)
{
    char text[2 * WORD_MAX + 2];
    size_t used = 0, stars = 0, marks = 0;
    while (*p->at && !strchr(ends, *p->at) && !isspace((unsigned char)*p->at) &&
           used + 2 < sizeof text) {
        if (*p->at == '\\' && p->at[1]) {
            p->at++;
            text[used++] = ESCAPED;
        } else {
            stars += *p->at == '*';
            marks += *p->at == '?';
        }
        text[used++] = *p->at++;
    }
    text[used] = 0;
    if (stars > STARS_MAX || marks > MARKS_MAX)
        fail(p, "a term has at most two * and five ?");
    return used > 0 ? strdup(text) : NULL;
}

static char *phrase(struct parser *p)
{
    char text[2 * WORD_MAX + 2];
    size_t used = 0;
    for (p->at++; *p->at && *p->at != '"' && used + 2 < sizeof text; p->at++) {
        if (*p->at == '\\' && p->at[1])
            p->at++;
        if (*p->at == '*' || *p->at == '?')
            text[used++] = ESCAPED;
        text[used++] = *p->at;
    }
    text[used] = 0;
    if (*p->at != '"') {
        fail(p, "a \" is not closed");
        return NULL;
    }
    p->at++;
    return strdup(text);
}

static unsigned disjunction(struct parser *p, const char *field);

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

/* [from TO to] with brackets or braces on either side */
static unsigned between(struct parser *p, const char *field)
{
    struct node made = {.kind = RANGE, .field = copy(field), .without_least = *p->at++ == '{'};
    skip(p);
    made.word = word(p, "]}");
    if (!take_word(p, "TO"))
        fail(p, "a range is [a TO b]");
    skip(p);
    made.most = word(p, "]}");
    skip(p);
    if (!made.word || !made.most || (*p->at != ']' && *p->at != '}'))
        fail(p, "a range is [a TO b]");
    else
        made.without_most = *p->at++ == '}';
    for (char **side = &made.word; side; side = side == &made.word ? &made.most : NULL)
        if (*side && strcmp(*side, "*") == 0) {
            free(*side);
            *side = NULL;
        }
    return node(p, made);
}

static unsigned compared(struct parser *p, const char *field)
{
    struct node made = {.kind = RANGE, .field = copy(field)};
    const bool less = *p->at++ == '<', equal = *p->at == '=';
    p->at += equal;
    skip(p);
    char *value = word(p, "()");
    if (!value)
        fail(p, "a value is wanted");
    if (less) {
        made.most = value;
        made.without_most = !equal;
    } else {
        made.word = value;
        made.without_least = !equal;
    }
    return node(p, made);
}

static unsigned value(struct parser *p, const char *field)
{
    if (*p->at == '[' || *p->at == '{')
        return between(p, field);
    if (*p->at == '<' || *p->at == '>')
        return compared(p, field);
    bool quoted = *p->at == '"';
    char *text = quoted ? phrase(p) : word(p, "()");
    if (!text)
        return fail(p, "a value is wanted");
    if (!quoted && (*text == '?' || (*text == '*' && text[1]))) {
        free(text);
        return fail(p, "a value does not begin with a wildcard, but for * alone");
    }
    return node(p,
                (struct node){.kind = TERM, .field = copy(field), .word = text, .phrase = quoted});
}

/* field:value, field<value, field:(...), or a value */
static unsigned term(struct parser *p, const char *field)
{
    const char *begin = p->at, *end = begin;
    while (*end && !isspace((unsigned char)*end) && !strchr("()[]{}\"<>:", *end))
        end += *end == '\\' && end[1] ? 2 : 1;
    if (field || (*end != ':' && *end != '<' && *end != '>') || end == begin)
        return value(p, field);
    char *name = strndup(begin, (size_t)(end - begin));
    p->at = end + (*end == ':');
    skip(p);
    unsigned made;
    if (*p->at == '(') {
        p->at++;
        made = disjunction(p, name);
        skip(p);
        if (*p->at++ != ')') {
            p->at--;
            fail(p, "a ( is not closed");
        }
    } else {
        made = value(p, name);
    }
    free(name);
    return made;
}

static unsigned negation(struct parser *p, const char *field)
{
    if (p->failed || ++p->depth > QUERY_DEPTH_MAX)
        return fail(p, "it is nested too deeply");
    unsigned made = 0;
    skip(p);
    if (take_word(p, "NOT")) {
        made = negation(p, field);
        made = node(p, (struct node){.kind = NOT, .a = made});
    } else if (*p->at == '-') {
        p->at++;
        made = negation(p, field);
        made = node(p, (struct node){.kind = NOT, .a = made});
    } else if (*p->at == '(') {
        p->at++;
        made = disjunction(p, field);
        skip(p);
        if (*p->at != ')')
            return fail(p, "a ( is not closed");
        p->at++;
    } else {
        made = term(p, field);
    }
    p->depth--;
    return made;
}

static unsigned conjunction(struct parser *p, const char *field)
{
    unsigned left = negation(p, field);
    while (!p->failed) {
        skip(p);
        const char *before = p->at;
        if (!*p->at || *p->at == ')')
            break;
        if (take_word(p, "OR")) {
            p->at = before;
            break;
        }
        take_word(p, "AND");
        unsigned right = negation(p, field);
        left = node(p, (struct node){.kind = AND, .a = left, .b = right});
    }
    return left;
}

static unsigned disjunction(struct parser *p, const char *field)
{
    unsigned left = conjunction(p, field);
    while (!p->failed && take_word(p, "OR")) {
        unsigned right = conjunction(p, field);
        left = node(p, (struct node){.kind = OR, .a = left, .b = right});
    }
    return left;
}

struct query *query_parse(const char *text, char *reason, size_t size)
{
    struct query *query = calloc(1, sizeof *query);
    if (!query)
        abort();
    struct parser p = {.query = query, .at = text, .reason = reason, .size = size};
    if (strlen(text) > QUERY_MAX)
        fail(&p, "a query has at most 1000 bytes");
    else
        query->root = disjunction(&p, NULL);
    if (!p.failed && *p.at)
        fail(&p, "this is too much");
    if (!p.failed)
        return query;
    query_free(query);
    return NULL;
}

void query_free(struct query *query)
{
    for (unsigned i = 0; query && i <= query->count; i++) {
        free(query->nodes[i].field);
        free(query->nodes[i].word);
        free(query->nodes[i].most);
    }
    free(query);
}

/* ---- matching ---- */

const json_t *query_field(const json_t *document, const char *path)
{
    const json_t *found = json_object_get(document, path);
    char part[256];
    for (const char *dot = strchr(path, '.'); dot && !found; dot = strchr(dot + 1, '.')) {
        if ((size_t)(dot - path) >= sizeof part)
            return NULL;
        snprintf(part, sizeof part, "%.*s", (int)(dot - path), path);
        const json_t *inner = json_object_get(document, part);
        found = inner ? query_field(inner, dot + 1) : NULL;
    }
    return found;
}

static bool glob(const char *pattern, const char *text)
{
    const char *star = NULL, *resume = NULL;
    while (*text) {
        bool escaped = *pattern == ESCAPED;
        char wanted = escaped ? pattern[1] : *pattern;
        if (!escaped && wanted == '*') {
            star = ++pattern;
            resume = text;
        } else if (wanted && ((!escaped && wanted == '?') ||
                              tolower((unsigned char)wanted) == tolower((unsigned char)*text))) {
            pattern += 1 + escaped;
            text++;
        } else if (star) {
            pattern = star;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

static bool number_of(const char *text, double *number)
{
    char *end;
    if (!*text || strspn(text, "0123456789+-.eE") != strlen(text))
        return false;
    *number = strtod(text, &end);
    return *end == 0;
}

static const char *text_of(const json_t *leaf, char scratch[40])
{
    if (json_is_integer(leaf))
        snprintf(scratch, 40, "%lld", (long long)json_integer_value(leaf));
    else if (json_is_real(leaf))
        snprintf(scratch, 40, "%.15g", json_real_value(leaf));
    else if (json_is_boolean(leaf))
        snprintf(scratch, 40, "%s", json_is_true(leaf) ? "true" : "false");
    else
        return json_string_value(leaf);
    return scratch;
}

static bool within(const struct node *node, const char *text)
{
    double value, least, most;
    bool numbers = number_of(text, &value) && (!node->word || number_of(node->word, &least)) &&
                   (!node->most || number_of(node->most, &most));
    int from = !node->word ? 1
               : numbers   ? (value > least) - (value < least)
                           : strcasecmp(text, node->word);
    int to = !node->most ? -1
             : numbers   ? (value > most) - (value < most)
                         : strcasecmp(text, node->most);
    return (from > 0 || (from == 0 && !node->without_least)) &&
           (to < 0 || (to == 0 && !node->without_most));
}

static bool leaf_matches(const struct node *node, const json_t *leaf)
{
    char scratch[40];
    double wanted;
    const char *text = text_of(leaf, scratch);
    if (!text)
        return false;
    if (node->kind == RANGE)
        return within(node, text);
    if (json_is_number(leaf) && number_of(node->word, &wanted))
        return json_number_value(leaf) == wanted;
    return glob(node->word, text);
}

/* A leaf, or an array of them; `deep`: also members of objects, each by itself. */
static bool value_matches(const struct node *node, const json_t *value, bool deep, unsigned depth)
{
    const char *name;
    json_t *item;
    size_t i;
    if (depth > QUERY_DEPTH_MAX)
        return false;
    json_array_foreach((json_t *)value, i,
                       item) if (value_matches(node, item, deep, depth + 1)) return true;
    if (json_is_object(value) && deep) {
        json_object_foreach((json_t *)value, name,
                            item) if (value_matches(node, item, deep, depth + 1)) return true;
    }
    return leaf_matches(node, value);
}

static bool term_matches(const struct node *node, const json_t *document)
{
    const json_t *value = node->field ? query_field(document, node->field) : document;
    if (node->kind == TERM && strcmp(node->word, "*") == 0)
        return value && !json_is_null(value) && (!json_is_array(value) || json_array_size(value));
    return value && value_matches(node, value, !node->field, 0);
}

static bool matches(const struct query *query, unsigned index, const json_t *document)
{
    const struct node *node = &query->nodes[index];
    switch (node->kind) {
    case AND:
        return matches(query, node->a, document) && matches(query, node->b, document);
    case OR:
        return matches(query, node->a, document) || matches(query, node->b, document);
    case NOT:
        return !matches(query, node->a, document);
    default:
        return term_matches(node, document);
    }
}

bool query_matches(const struct query *query, const json_t *document)
{
    return matches(query, query->root, document);
}
