/* What a statement makes of a message. NULL is Undefined throughout. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/rules/sql_internal.h"

#define ARGUMENTS_MAX 16

struct scope {
    const struct sql *sql;
    const struct sql_message *message;
};

static json_t *evaluate(const struct scope *scope, unsigned node);

/* ---- numbers and comparisons ---- */

bool sql_number(const json_t *value, double *number)
{
    const char *text = json_string_value(value);
    char *end = NULL;
    if (json_is_number(value)) {
        *number = json_number_value(value);
        return true;
    }
    if (!text || !*text || strspn(text, "0123456789+-.eE") != strlen(text))
        return false;
    *number = strtod(text, &end);
    return *end == 0 && isfinite(*number);
}

static json_t *compare_by(enum sql_operator op, int order)
{
    switch (op) {
    case OP_LESS:
        return json_boolean(order < 0);
    case OP_MOST:
        return json_boolean(order <= 0);
    case OP_MORE:
        return json_boolean(order > 0);
    case OP_LEAST:
        return json_boolean(order >= 0);
    case OP_EQUAL:
        return json_boolean(order == 0);
    default:
        return json_boolean(order != 0);
    }
}

/* Numbers as numbers, when one is a number and the other may be; else texts; else only equality. */
static json_t *compare(enum sql_operator op, const json_t *left, const json_t *right)
{
    double a, b;
    bool equality = op == OP_EQUAL || op == OP_OTHER;
    if ((json_is_number(left) || json_is_number(right)) && sql_number(left, &a) &&
        sql_number(right, &b))
        return compare_by(op, a < b ? -1 : a > b);
    if (json_is_string(left) && json_is_string(right))
        return compare_by(op, strcmp(json_string_value(left), json_string_value(right)));
    return equality ? compare_by(op, !json_equal(left, right)) : NULL;
}

static json_t *contains(const json_t *left, const json_t *list)
{
    bool found = false;
    for (size_t i = 0; i < json_array_size(list) && !found; i++) {
        json_t *same = compare(OP_EQUAL, left, json_array_get(list, i));
        found = json_is_true(same);
        json_decref(same);
    }
    return json_is_array(list) ? json_boolean(found) : NULL;
}

static json_t *whole(enum sql_operator op, int64_t a, int64_t b)
{
    int64_t result;
    switch (op) {
    case OP_PLUS:
        return __builtin_add_overflow(a, b, &result) ? NULL : json_integer(result);
    case OP_MINUS:
        return __builtin_sub_overflow(a, b, &result) ? NULL : json_integer(result);
    case OP_TIMES:
        return __builtin_mul_overflow(a, b, &result) ? NULL : json_integer(result);
    case OP_OVER:
        return b == 0 || (a == INT64_MIN && b == -1) ? NULL : json_integer(a / b);
    default:
        return b == 0 || b == -1 ? (b ? json_integer(0) : NULL) : json_integer(a % b);
    }
}

static json_t *decimal(enum sql_operator op, double a, double b)
{
    double result = op == OP_PLUS    ? a + b
                    : op == OP_MINUS ? a - b
                    : op == OP_TIMES ? a * b
                    : op == OP_OVER  ? a / b
                                     : fmod(a, b);
    return isfinite(result) ? json_real(result) : NULL;
}

static json_t *joined(const json_t *left, const json_t *right)
{
    json_t *both[] = {(json_t *)left, (json_t *)right};
    return sql_call("concat", both, 2, NULL);
}

static json_t *arithmetic(enum sql_operator op, const json_t *left, const json_t *right)
{
    double a, b;
    if (json_is_integer(left) && json_is_integer(right))
        return whole(op, json_integer_value(left), json_integer_value(right));
    if (op == OP_PLUS && (json_is_string(left) || json_is_string(right)))
        return joined(left, right);
    return sql_number(left, &a) && sql_number(right, &b) ? decimal(op, a, b) : NULL;
}

/* ---- nodes ---- */

static bool is_true(const json_t *value)
{
    const char *text = json_string_value(value);
    return json_is_true(value) || (text && strcmp(text, "true") == 0);
}

static bool is_boolean(const json_t *value)
{
    const char *text = json_string_value(value);
    return json_is_boolean(value) ||
           (text && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0));
}

static json_t *logic(const struct scope *scope, const struct sql_node *node)
{
    const bool ends = node->op == OP_OR; /* the value that needs no other side */
    json_t *left = evaluate(scope, node->a);
    bool known = is_boolean(left), value = is_true(left);
    json_decref(left);
    if (known && value == ends)
        return json_boolean(ends);
    json_t *right = evaluate(scope, node->b);
    bool other_known = is_boolean(right), other = is_true(right);
    json_decref(right);
    if (other_known && other == ends)
        return json_boolean(ends);
    return known && other_known ? json_boolean(!ends) : NULL;
}

static json_t *binary(const struct scope *scope, const struct sql_node *node)
{
    json_t *result = NULL;
    if (node->op == OP_OR || node->op == OP_AND)
        return logic(scope, node);
    json_t *left = evaluate(scope, node->a), *right = evaluate(scope, node->b);
    if (!left || !right)
        result = NULL;
    else if (node->op == OP_IN)
        result = contains(left, right);
    else if (node->op >= OP_PLUS)
        result = arithmetic(node->op, left, right);
    else
        result = compare(node->op, left, right);
    json_decref(left);
    json_decref(right);
    return result;
}

static json_t *member(const struct scope *scope, const struct sql_node *node)
{
    json_t *of = node->a ? evaluate(scope, node->a) : json_incref((json_t *)scope->message->root);
    json_t *found = json_incref(json_object_get(of, node->text));
    json_decref(of);
    return found;
}

static json_t *element(const struct scope *scope, const struct sql_node *node)
{
    json_t *of = evaluate(scope, node->a), *index = evaluate(scope, node->b), *found = NULL;
    if (json_is_integer(index) && json_integer_value(index) >= 0)
        found = json_incref(json_array_get(of, (size_t)json_integer_value(index)));
    else if (json_is_string(index))
        found = json_incref(json_object_get(of, json_string_value(index)));
    json_decref(of);
    json_decref(index);
    return found;
}

static json_t *call(const struct scope *scope, const struct sql_node *node)
{
    json_t *arguments[ARGUMENTS_MAX] = {NULL};
    unsigned count = 0;
    for (unsigned at = node->a; at && count < ARGUMENTS_MAX; at = scope->sql->nodes[at].next)
        arguments[count++] = evaluate(scope, at);
    json_t *result = sql_call(node->text, arguments, count, scope->message);
    while (count > 0)
        json_decref(arguments[--count]);
    return result;
}

static json_t *choose(const struct scope *scope, const struct sql_node *node)
{
    json_t *value = node->a ? evaluate(scope, node->a) : NULL, *result = NULL;
    unsigned chosen = node->c;
    for (unsigned at = node->b; at; at = scope->sql->nodes[at].next) {
        json_t *when = evaluate(scope, scope->sql->nodes[at].a);
        json_t *same = node->a && value && when ? compare(OP_EQUAL, value, when) : NULL;
        bool fits = node->a ? json_is_true(same) : is_true(when);
        json_decref(same);
        json_decref(when);
        if (fits) {
            chosen = scope->sql->nodes[at].b;
            break;
        }
    }
    json_decref(value);
    if (chosen)
        result = evaluate(scope, chosen);
    return result;
}

static json_t *list(const struct scope *scope, const struct sql_node *node)
{
    json_t *values = json_array();
    for (unsigned at = node->a; at; at = scope->sql->nodes[at].next) {
        json_t *value = evaluate(scope, at);
        if (value)
            json_array_append_new(values, value);
    }
    return values;
}

static json_t *unary(const struct scope *scope, const struct sql_node *node)
{
    json_t *value = evaluate(scope, node->a), *result = NULL;
    double number;
    if (node->kind == SQL_CAST)
        result = sql_cast(value, node->text);
    else if (node->kind == SQL_NOT)
        result = is_boolean(value) ? json_boolean(!is_true(value)) : NULL;
    else if (json_is_integer(value))
        result = whole(OP_MINUS, 0, json_integer_value(value));
    else if (sql_number(value, &number))
        result = json_real(-number);
    json_decref(value);
    return result;
}

/* The payload: JSON, or as a text when it is none; null when it is not even that: its bytes are for
 * encode. */
static json_t *star(const struct sql_message *message)
{
    json_t *text;
    if (message->root)
        return json_incref((json_t *)message->root);
    text = message->length > 0 ? json_stringn(message->payload, message->length) : json_string("");
    return text ? text : json_null();
}

/* As deep as the parser let it become. */
static json_t *evaluate(const struct scope *scope, unsigned index)
{
    const struct sql_node *node = &scope->sql->nodes[index];
    switch (node->kind) {
    case SQL_LITERAL:
        return json_incref(node->value);
    case SQL_STAR:
        return star(scope->message);
    case SQL_MEMBER:
        return member(scope, node);
    case SQL_ELEMENT:
        return element(scope, node);
    case SQL_LIST:
        return list(scope, node);
    case SQL_CALL:
        return call(scope, node);
    case SQL_CAST:
    case SQL_NOT:
    case SQL_NEGATIVE:
        return unary(scope, node);
    case SQL_BINARY:
        return binary(scope, node);
    case SQL_CASE:
        return choose(scope, node);
    default:
        return NULL;
    }
}

json_t *sql_evaluate(const struct sql *sql, unsigned node, const struct sql_message *message)
{
    const struct scope scope = {sql, message};
    return evaluate(&scope, node);
}

/* ---- statements ---- */

json_t *sql_read(const void *payload, size_t length)
{
    return json_loadb(payload, length, JSON_DECODE_ANY, NULL);
}

bool sql_selects(const struct sql *sql, const struct sql_message *message)
{
    json_t *value = sql->where ? sql_evaluate(sql, sql->where, message) : NULL;
    bool selects = !sql->where || is_true(value);
    json_decref(value);
    return selects;
}

/* `name` may have parts: a.b is b of a. */
static void put(json_t *object, const char *name, json_t *value)
{
    const char *dot = strchr(name, '.');
    if (!dot || strpbrk(name, "( '\"")) {
        json_object_set_new(object, name, value);
        return;
    }
    char *part = strndup(name, (size_t)(dot - name));
    json_t *inner = json_object_get(object, part);
    if (!json_is_object(inner)) {
        json_object_set_new(object, part, json_object());
        inner = json_object_get(object, part);
    }
    free(part);
    put(inner, dot + 1, value);
}

static json_t *gather(const struct sql *sql, const struct sql_message *message)
{
    json_t *all = json_object();
    for (unsigned i = 0; i < sql->item_count; i++) {
        const struct sql_item *item = &sql->items[i];
        json_t *value = sql_evaluate(sql, item->node, message);
        if (!item->name && json_is_object(value))
            json_object_update(all, value);
        else if (item->name && value)
            put(all, item->name, json_incref(value));
        json_decref(value);
    }
    return all;
}

static bool is_whole_payload(const struct sql *sql)
{
    return sql->item_count == 1 && !sql->items[0].name &&
           sql->nodes[sql->items[0].node].kind == SQL_STAR;
}

char *sql_output(const struct sql *sql, const struct sql_message *message, size_t *length)
{
    char *text = NULL;
    if (is_whole_payload(sql) && (text = malloc(message->length + 1))) {
        if (message->length > 0)
            memcpy(text, message->payload, message->length);
        text[message->length] = 0;
        *length = message->length;
        return text;
    }
    json_t *value =
        sql->value ? sql_evaluate(sql, sql->items[0].node, message) : gather(sql, message);
    if (value)
        text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(value);
    *length = text ? strlen(text) : 0;
    return text;
}

/* ---- templates ---- */

/* Where the expression at `at`, behind "${", ends; NULL: nowhere. Texts in it may hold braces. */
static const char *end_of(const char *at)
{
    char quote = 0;
    for (; *at; at++) {
        if (quote && *at == '\\' && at[1])
            at++;
        else if (quote)
            quote = *at == quote ? 0 : quote;
        else if (*at == '\'' || *at == '"')
            quote = *at;
        else if (*at == '}')
            return at;
    }
    return NULL;
}

const char *sql_template_fault(const char *text, char reason[160])
{
    for (const char *at = strstr(text, "${"); at; at = strstr(at, "${")) {
        const char *begin = at + 2, *end = end_of(begin);
        if (!end)
            return "a ${ in it is not closed";
        struct sql *sql = sql_parse_expression(begin, (size_t)(end - begin), reason, 160);
        if (!sql)
            return reason;
        sql_free(sql);
        at = end;
    }
    return NULL;
}

/* As a text: strings without quotes. */
static char *as_text(json_t *value)
{
    char *text = NULL;
    if (json_is_string(value))
        text = strdup(json_string_value(value));
    else if (value)
        text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(value);
    return text;
}

static char *part(const char *begin, const char *end, const struct sql_message *message)
{
    char reason[160];
    struct sql *sql = sql_parse_expression(begin, (size_t)(end - begin), reason, sizeof reason);
    char *text = sql ? as_text(sql_evaluate(sql, sql->where, message)) : NULL;
    sql_free(sql);
    return text;
}

static bool append(char **out, size_t *used, const char *text, size_t length)
{
    if (*used + length > SQL_VALUE_MAX)
        return false;
    char *more = realloc(*out, *used + length + 1);
    if (!more)
        abort();
    memcpy(more + *used, text, length);
    *used += length;
    more[*used] = 0;
    *out = more;
    return true;
}

char *sql_fill(const char *text, const struct sql_message *message)
{
    char *out = NULL;
    size_t used = 0;
    bool fits = append(&out, &used, "", 0);
    for (const char *at = text; *at && fits;) {
        const char *begin = strstr(at, "${"), *end = begin ? end_of(begin + 2) : NULL;
        if (!end)
            return append(&out, &used, at, strlen(at)) ? out : (free(out), NULL);
        char *value = part(begin + 2, end, message);
        fits = value && append(&out, &used, at, (size_t)(begin - at)) &&
               append(&out, &used, value, strlen(value));
        free(value);
        at = end + 1;
    }
    if (!fits) {
        free(out);
        out = NULL;
    }
    return out;
}
