/* From text to tree: a scanner and a parser by recursive descent, both bounded. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cloud/core/rules/sql_internal.h"

#define ARGUMENTS_MAX 16

enum token { END, NAME, TEXT, NUMBER, SIGN };

struct parser {
    struct sql *sql;
    const char *at, *end;
    enum token token;
    const char *begin; /* of the token */
    size_t length;
    unsigned depth;
    bool failed;
    char *reason;
    size_t size;
};

static unsigned fail(struct parser *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static unsigned fail(struct parser *p, const char *format, ...)
{
    va_list args;
    if (!p->failed) {
        va_start(args, format);
        vsnprintf(p->reason, p->size, format, args);
        va_end(args);
    }
    p->failed = true;
    p->token = END;
    return 0;
}

/* ---- scanner ---- */

static bool is_name(char c, bool first)
{
    return isalpha((unsigned char)c) || c == '_' || (!first && isdigit((unsigned char)c));
}

static void scan_text(struct parser *p)
{
    const char *quote = p->begin;
    p->at++;
    while (p->at < p->end && *p->at != *quote)
        p->at += *p->at == '\\' && p->at + 1 < p->end ? 2 : 1;
    if (p->at >= p->end) {
        fail(p, "a text is not closed: %.20s", quote);
        return;
    }
    p->at++;
    p->token = TEXT;
}

static void scan_number(struct parser *p)
{
    while (p->at < p->end && (isdigit((unsigned char)*p->at) || *p->at == '.'))
        p->at++;
    if (p->at < p->end && (*p->at | 0x20) == 'e') {
        p->at++;
        if (p->at < p->end && (*p->at == '+' || *p->at == '-'))
            p->at++;
        while (p->at < p->end && isdigit((unsigned char)*p->at))
            p->at++;
    }
    p->token = NUMBER;
}

static void scan_sign(struct parser *p)
{
    static const char *const pairs[] = {"<>", "<=", ">=", "!="};
    p->token = SIGN;
    for (size_t i = 0; i < 4; i++)
        if (p->end - p->at >= 2 && memcmp(p->at, pairs[i], 2) == 0) {
            p->at += 2;
            return;
        }
    if (!strchr("*,.()[]=<>+-/%", *p->at))
        fail(p, "'%.10s' cannot stand here", p->at);
    else
        p->at++;
}

static void next(struct parser *p)
{
    if (p->failed)
        return;
    while (p->at < p->end && isspace((unsigned char)*p->at))
        p->at++;
    p->begin = p->at;
    if (p->at == p->end)
        p->token = END;
    else if (is_name(*p->at, true)) {
        while (p->at < p->end && is_name(*p->at, false))
            p->at++;
        p->token = NAME;
    } else if (*p->at == '\'' || *p->at == '"') {
        scan_text(p);
    } else if (isdigit((unsigned char)*p->at)) {
        scan_number(p);
    } else {
        scan_sign(p);
    }
    p->length = (size_t)(p->at - p->begin);
}

static bool is_sign(const struct parser *p, const char *sign)
{
    return p->token == SIGN && p->length == strlen(sign) && memcmp(p->begin, sign, p->length) == 0;
}

static bool is_word(const struct parser *p, const char *word)
{
    return p->token == NAME && p->length == strlen(word) &&
           strncasecmp(p->begin, word, p->length) == 0;
}

static bool take_sign(struct parser *p, const char *sign)
{
    bool found = is_sign(p, sign);
    if (found)
        next(p);
    return found;
}

static bool take_word(struct parser *p, const char *word)
{
    bool found = is_word(p, word);
    if (found)
        next(p);
    return found;
}

static void need_sign(struct parser *p, const char *sign)
{
    if (!take_sign(p, sign))
        fail(p, "'%s' is wanted before '%.*s'", sign,
             (int)(p->end - p->begin > 20 ? 20 : p->end - p->begin), p->begin);
}

/* Words that are no members of a payload. */
static bool is_reserved(const struct parser *p)
{
    static const char *const words[] = {"select", "value", "from", "where", "as",   "and",  "or",
                                        "not",    "in",    "case", "when",  "then", "else", "end"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is_word(p, words[i]) && i != 1)
            return true;
    return false;
}

/* The token's text, quotes and escapes taken off; freed by whoever keeps it. */
static char *text_of(struct parser *p)
{
    bool quoted = p->token == TEXT;
    char *text = malloc(p->length + 1), *out = text;
    if (!text)
        abort();
    for (size_t i = quoted; i < p->length - quoted; i++) {
        if (quoted && p->begin[i] == '\\' && i + 1 < p->length - 1)
            i++;
        *out++ = p->begin[i];
    }
    *out = 0;
    return text;
}

/* ---- tree ---- */

static unsigned node(struct parser *p, struct sql_node made)
{
    if (p->failed || p->sql->count + 1 >= SQL_NODES_MAX) {
        fail(p, "the statement has more than %d parts", SQL_NODES_MAX);
        free(made.text);
        json_decref(made.value);
        return 0;
    }
    p->sql->nodes[++p->sql->count] = made;
    return p->sql->count;
}

static unsigned expression(struct parser *p);

static unsigned literal(struct parser *p, json_t *value)
{
    if (!value)
        return fail(p, "'%.*s' is no value", (int)(p->length > 40 ? 40 : p->length), p->begin);
    unsigned made = node(p, (struct sql_node){.kind = SQL_LITERAL, .value = value});
    next(p);
    return made;
}

static unsigned number(struct parser *p)
{
    char text[64];
    snprintf(text, sizeof text, "%.*s", (int)p->length, p->begin);
    return literal(p, p->length < sizeof text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL);
}

static unsigned string(struct parser *p)
{
    char *text = text_of(p);
    unsigned made = literal(p, json_string(text));
    free(text);
    return made;
}

/* Nodes between commas up to `close`, chained by `next`; `count` of them. */
static unsigned list(struct parser *p, const char *close, unsigned *count)
{
    unsigned first = 0, last = 0;
    *count = 0;
    while (!p->failed && !is_sign(p, close)) {
        if (*count > 0)
            need_sign(p, ",");
        unsigned one = expression(p);
        if (++*count > ARGUMENTS_MAX)
            fail(p, "there are more than %d values in a list", ARGUMENTS_MAX);
        if (last)
            p->sql->nodes[last].next = one;
        else
            first = one;
        last = one;
    }
    need_sign(p, close);
    return first;
}

static unsigned cast(struct parser *p)
{
    unsigned what = expression(p);
    if (!take_word(p, "as"))
        return fail(p, "cast(VALUE AS TYPE) is wanted");
    char *type = p->token == NAME ? text_of(p) : NULL;
    if (!type || !sql_type_known(type)) {
        free(type);
        return fail(p, "cast goes to String, Int, Decimal or Boolean");
    }
    next(p);
    unsigned made = node(p, (struct sql_node){.kind = SQL_CAST, .a = what, .text = type});
    need_sign(p, ")");
    return made;
}

static unsigned call(struct parser *p, char *name)
{
    unsigned count = 0;
    if (strcasecmp(name, "cast") == 0) {
        free(name);
        return cast(p);
    }
    unsigned first = list(p, ")", &count);
    if (!p->failed && !sql_function_known(name, count))
        fail(p, "this cloud has no function %.40s with %u arguments", name, count);
    return node(p, (struct sql_node){.kind = SQL_CALL, .a = first, .text = name});
}

static unsigned name(struct parser *p)
{
    if (is_reserved(p))
        return fail(p, "a value is wanted in place of '%.*s'", (int)p->length, p->begin);
    char *text = text_of(p);
    next(p);
    if (take_sign(p, "("))
        return call(p, text);
    if (strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0 ||
        strcasecmp(text, "null") == 0) {
        json_t *value = (*text | 0x20) == 'n' ? json_null() : json_boolean((*text | 0x20) == 't');
        free(text);
        return node(p, (struct sql_node){.kind = SQL_LITERAL, .value = value});
    }
    if (strcasecmp(text, "undefined") == 0) {
        free(text);
        return node(p, (struct sql_node){.kind = SQL_UNDEFINED});
    }
    return node(p, (struct sql_node){.kind = SQL_MEMBER, .text = text});
}

static unsigned cases(struct parser *p)
{
    unsigned what = is_word(p, "when") ? 0 : expression(p), first = 0, last = 0, other = 0;
    while (!p->failed && take_word(p, "when")) {
        unsigned left = expression(p);
        if (!take_word(p, "then"))
            return fail(p, "CASE ... WHEN a THEN b ... END is wanted");
        unsigned one = node(p, (struct sql_node){.kind = SQL_WHEN, .a = left, .b = expression(p)});
        if (last)
            p->sql->nodes[last].next = one;
        else
            first = one;
        last = one;
    }
    if (take_word(p, "else"))
        other = expression(p);
    if (!take_word(p, "end"))
        return fail(p, "CASE ends with END");
    return node(p, (struct sql_node){.kind = SQL_CASE, .a = what, .b = first, .c = other});
}

static unsigned primary(struct parser *p)
{
    unsigned made, count;
    if (p->token == NUMBER)
        return number(p);
    if (p->token == TEXT)
        return string(p);
    if (take_word(p, "case"))
        return cases(p);
    if (p->token == NAME)
        return name(p);
    if (take_sign(p, "*"))
        return node(p, (struct sql_node){.kind = SQL_STAR});
    if (take_sign(p, "[")) {
        made = list(p, "]", &count);
        return node(p, (struct sql_node){.kind = SQL_LIST, .a = made});
    }
    if (!take_sign(p, "("))
        return fail(p, p->token == END ? "the statement ends where a value is wanted"
                                       : "a value is wanted");
    if (is_word(p, "select"))
        return fail(p, "this cloud has no SELECT within a SELECT");
    made = expression(p);
    need_sign(p, ")");
    return made;
}

static unsigned postfix(struct parser *p)
{
    unsigned made = primary(p);
    while (!p->failed) {
        if (take_sign(p, ".")) {
            if (p->token != NAME && p->token != NUMBER)
                return fail(p, "a name is wanted behind '.'");
            char *text = text_of(p);
            next(p);
            made = node(p, (struct sql_node){.kind = SQL_MEMBER, .a = made, .text = text});
        } else if (take_sign(p, "[")) {
            unsigned index = expression(p);
            made = node(p, (struct sql_node){.kind = SQL_ELEMENT, .a = made, .b = index});
            need_sign(p, "]");
        } else {
            break;
        }
    }
    return made;
}

static unsigned unary(struct parser *p)
{
    bool minus = false;
    while (is_sign(p, "-")) {
        minus = !minus;
        next(p);
    }
    unsigned made = postfix(p);
    return minus ? node(p, (struct sql_node){.kind = SQL_NEGATIVE, .a = made}) : made;
}

/* ---- operators by how strongly they bind ---- */

struct sign {
    const char *text;
    enum sql_operator op;
};

static const struct sign products[] = {{"*", OP_TIMES}, {"/", OP_OVER}, {"%", OP_REST}, {NULL, 0}};
static const struct sign sums[] = {{"+", OP_PLUS}, {"-", OP_MINUS}, {NULL, 0}};
static const struct sign comparisons[] = {{"=", OP_EQUAL}, {"<>", OP_OTHER}, {"!=", OP_OTHER},
                                          {"<=", OP_MOST}, {">=", OP_LEAST}, {"<", OP_LESS},
                                          {">", OP_MORE},  {NULL, 0}};

static unsigned binary(struct parser *p, const struct sign *signs,
                       unsigned (*operand)(struct parser *p))
{
    unsigned left = operand(p);
    for (const struct sign *sign = signs; sign->text && !p->failed;) {
        if (!take_sign(p, sign->text)) {
            sign++;
            continue;
        }
        left = node(
            p, (struct sql_node){.kind = SQL_BINARY, .op = sign->op, .a = left, .b = operand(p)});
        sign = signs;
    }
    return left;
}

static unsigned product(struct parser *p)
{
    return binary(p, products, unary);
}

static unsigned sum(struct parser *p)
{
    return binary(p, sums, product);
}

static unsigned comparison(struct parser *p)
{
    unsigned left = binary(p, comparisons, sum);
    if (!take_word(p, "in"))
        return left;
    return node(p, (struct sql_node){.kind = SQL_BINARY, .op = OP_IN, .a = left, .b = sum(p)});
}

static unsigned negation(struct parser *p)
{
    bool not = false, any = false;
    while (take_word(p, "not")) {
        not = !not ;
        any = true;
    }
    unsigned made = comparison(p);
    if (any)
        made = node(p, (struct sql_node){.kind = SQL_NOT, .a = made});
    return any && !not ? node(p, (struct sql_node){.kind = SQL_NOT, .a = made}) : made;
}

static unsigned words(struct parser *p, const char *word, enum sql_operator op,
                      unsigned (*operand)(struct parser *p))
{
    unsigned left = operand(p);
    while (!p->failed && take_word(p, word))
        left = node(p, (struct sql_node){.kind = SQL_BINARY, .op = op, .a = left, .b = operand(p)});
    return left;
}

static unsigned conjunction(struct parser *p)
{
    return words(p, "and", OP_AND, negation);
}

static unsigned expression(struct parser *p)
{
    if (p->failed || ++p->depth > SQL_DEPTH_MAX)
        return fail(p, "the statement is nested more than %d deep", SQL_DEPTH_MAX);
    unsigned made = words(p, "or", OP_OR, conjunction);
    p->depth--;
    return made;
}

/* ---- statements ---- */

static char *alias(struct parser *p)
{
    const char *begin = p->begin, *end = p->at;
    if (p->token == TEXT) {
        char *text = text_of(p);
        next(p);
        return text;
    }
    if (p->token != NAME) {
        fail(p, "a name is wanted behind AS");
        return NULL;
    }
    next(p);
    while (!p->failed && take_sign(p, ".")) {
        end = p->at;
        if (p->token != NAME && p->token != NUMBER)
            fail(p, "a name is wanted behind '.'");
        next(p);
    }
    return p->failed ? NULL : strndup(begin, (size_t)(end - begin));
}

/* Without AS: the member's own name, or what was written. */
static char *own_name(struct parser *p, unsigned what, const char *begin)
{
    const struct sql_node *of = &p->sql->nodes[what];
    size_t length = (size_t)(p->begin - begin);
    if (of->kind == SQL_MEMBER)
        return strdup(of->text);
    while (length > 0 && isspace((unsigned char)begin[length - 1]))
        length--;
    return strndup(begin, length);
}

static void item(struct parser *p)
{
    struct sql *sql = p->sql;
    const char *begin = p->begin;
    if (sql->item_count == SQL_ITEMS_MAX) {
        fail(p, "more than %d things are selected", SQL_ITEMS_MAX);
        return;
    }
    unsigned what = expression(p);
    if (p->failed)
        return;
    struct sql_item *made = &sql->items[sql->item_count++];
    made->node = what;
    if (take_word(p, "as"))
        made->name = alias(p);
    else if (sql->nodes[what].kind != SQL_STAR)
        made->name = own_name(p, what, begin);
}

/* FROM 'filter': wildcards stand alone between slashes, # is the last. */
static bool filter_valid(const char *filter)
{
    for (const char *c = filter; *c; c++) {
        bool begins = c == filter || c[-1] == '/', ends = !c[1] || c[1] == '/';
        if ((*c == '+' && !(begins && ends)) || (*c == '#' && !(begins && !c[1])))
            return false;
    }
    return *filter && strlen(filter) <= 256;
}

static void from(struct parser *p)
{
    if (!take_word(p, "from"))
        return;
    if (p->token != TEXT) {
        fail(p, "FROM needs a topic filter between quotes");
        return;
    }
    p->sql->filter = text_of(p);
    next(p);
    if (!filter_valid(p->sql->filter))
        fail(p, "'%.60s' is no topic filter", p->sql->filter);
}

static void statement(struct parser *p)
{
    if (!take_word(p, "select")) {
        fail(p, "it does not begin with SELECT");
        return;
    }
    if (is_word(p, "value")) {
        const struct parser before = *p;
        next(p);
        p->sql->value = !(p->token == END || is_sign(p, ",") || is_sign(p, ".") ||
                          is_word(p, "from") || is_word(p, "as") || is_word(p, "where"));
        if (!p->sql->value)
            *p = before; /* a member of that name */
    }
    do
        item(p);
    while (!p->failed && take_sign(p, ","));
    if (p->sql->value && p->sql->item_count > 1)
        fail(p, "VALUE goes with one thing");
    from(p);
    if (take_word(p, "where"))
        p->sql->where = expression(p);
    if (!p->failed && p->token != END)
        fail(p, "'%.20s' is too much", p->begin);
}

static struct sql *parse(const char *text, size_t length, void (*what)(struct parser *p),
                         char *reason, size_t size)
{
    struct sql *sql = calloc(1, sizeof *sql);
    if (!sql)
        abort();
    struct parser p = {
        .sql = sql, .at = text, .end = text + length, .reason = reason, .size = size};
    if (length > SQL_TEXT_MAX)
        fail(&p, "it is longer than %d bytes", SQL_TEXT_MAX);
    next(&p);
    what(&p);
    if (!p.failed)
        return sql;
    sql_free(sql);
    return NULL;
}

struct sql *sql_parse(const char *text, char *reason, size_t size)
{
    return parse(text, strlen(text), statement, reason, size);
}

static void lone_expression(struct parser *p)
{
    p->sql->where = expression(p);
    if (!p->failed && p->token != END)
        fail(p, "'%.20s' is too much", p->begin);
}

struct sql *sql_parse_expression(const char *text, size_t length, char *reason, size_t size)
{
    return parse(text, length, lone_expression, reason, size);
}

void sql_free(struct sql *sql)
{
    if (!sql)
        return;
    for (unsigned i = 0; i <= sql->count; i++) {
        free(sql->nodes[i].text);
        json_decref(sql->nodes[i].value);
    }
    for (unsigned i = 0; i < sql->item_count; i++)
        free(sql->items[i].name);
    free(sql->filter);
    free(sql);
}

const char *sql_filter(const struct sql *sql)
{
    return sql->filter;
}
