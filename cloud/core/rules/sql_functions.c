/* The functions of rules' SQL, in a table. Arguments that are NULL are Undefined. */
#define _GNU_SOURCE /* mempcpy */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/rules/sql_internal.h"

struct arguments {
    json_t *const *of;
    unsigned count;
    const struct sql_message *message;
};

/* ---- texts ---- */

/* Text of any value, freed by the caller: strings without quotes. */
static char *text_of(const json_t *value)
{
    if (json_is_string(value))
        return strdup(json_string_value(value));
    if (json_is_real(value)) {
        char number[40];
        snprintf(number, sizeof number, "%.15g", json_real_value(value));
        return strdup(number);
    }
    return value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
}

static json_t *concat(const struct arguments *a)
{
    size_t used = 0;
    char *out = calloc(1, 1);
    for (unsigned i = 0; i < a->count && out; i++) {
        char *text = text_of(a->of[i]);
        size_t length = text ? strlen(text) : 0;
        char *more =
            text && used + length <= SQL_VALUE_MAX ? realloc(out, used + length + 1) : NULL;
        if (more)
            memcpy(more + used, text, length + 1);
        else
            free(out);
        out = more;
        used += length;
        free(text);
    }
    json_t *result = out ? json_string(out) : NULL;
    free(out);
    return result;
}

/* In bytes; UTF-8 that is cut is no text, and so Undefined. */
static json_t *substring(const struct arguments *a)
{
    const char *text = json_string_value(a->of[0]);
    double from, to;
    if (!text || !sql_number(a->of[1], &from) || from < 0)
        return NULL;
    size_t length = strlen(text), begin = from < (double)length ? (size_t)from : length;
    size_t end = length;
    if (a->count == 3) {
        if (!sql_number(a->of[2], &to))
            return NULL;
        end = to < (double)begin ? begin : to < (double)length ? (size_t)to : length;
    }
    return json_stringn(text + begin, end - begin);
}

static bool two_texts(const struct arguments *a, const char **left, const char **right)
{
    *left = json_string_value(a->of[0]);
    *right = json_string_value(a->of[1]);
    return *left && *right;
}

static json_t *startswith(const struct arguments *a)
{
    const char *text, *part;
    return two_texts(a, &text, &part) ? json_boolean(strncmp(text, part, strlen(part)) == 0) : NULL;
}

static json_t *endswith(const struct arguments *a)
{
    const char *text, *part;
    if (!two_texts(a, &text, &part))
        return NULL;
    size_t length = strlen(text), size = strlen(part);
    return json_boolean(size <= length && strcmp(text + length - size, part) == 0);
}

static json_t *indexof(const struct arguments *a)
{
    const char *text, *part;
    if (!two_texts(a, &text, &part))
        return NULL;
    const char *at = strstr(text, part);
    return json_integer(at ? at - text : -1);
}

static json_t *replace(const struct arguments *a)
{
    const char *text, *part, *by = json_string_value(a->of[2]);
    if (!two_texts(a, &text, &part) || !by || !*part)
        return NULL;
    size_t size = strlen(part), count = 0;
    for (const char *at = strstr(text, part); at; at = strstr(at + size, part))
        count++;
    size_t room = strlen(text) - count * size + count * strlen(by);
    char *out = room <= SQL_VALUE_MAX ? malloc(room + 1) : NULL, *to = out;
    if (!out)
        return NULL;
    for (const char *at = strstr(text, part); at; at = strstr(text, part)) {
        to = mempcpy(to, text, (size_t)(at - text));
        to = stpcpy(to, by);
        text = at + size;
    }
    strcpy(to, text);
    json_t *result = json_string(out);
    free(out);
    return result;
}

static json_t *length(const struct arguments *a)
{
    const char *text = json_string_value(a->of[0]);
    size_t count = 0;
    for (const char *c = text; c && *c; c++)
        count += (*c & 0xc0) != 0x80; /* characters */
    return text ? json_integer((json_int_t)count) : NULL;
}

static json_t *changed(const json_t *value, int (*change)(int))
{
    char *text = json_is_string(value) ? strdup(json_string_value(value)) : NULL;
    for (char *c = text; c && *c; c++)
        if ((unsigned char)*c < 0x80)
            *c = (char)change(*c);
    json_t *result = text ? json_string(text) : NULL;
    free(text);
    return result;
}

static json_t *lower(const struct arguments *a)
{
    return changed(a->of[0], tolower);
}

static json_t *upper(const struct arguments *a)
{
    return changed(a->of[0], toupper);
}

static json_t *trim(const struct arguments *a)
{
    const char *text = json_string_value(a->of[0]);
    if (!text)
        return NULL;
    text += strspn(text, " \t\r\n");
    size_t size = strlen(text);
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        size--;
    return json_stringn(text, size);
}

/* encode(*, 'base64') is of the payload's bytes, whatever they are. */
static json_t *encode(const struct arguments *a)
{
    const char *way = json_string_value(a->of[1]);
    bool raw = a->message && !a->message->root && json_is_null(a->of[0]);
    char *text = raw ? NULL : text_of(a->of[0]);
    if (!way || strcasecmp(way, "base64") != 0 || (!raw && !text)) {
        free(text);
        return NULL;
    }
    char *encoded =
        raw ? base64_new(a->message->payload, a->message->length) : base64_new(text, strlen(text));
    json_t *result = json_string(encoded);
    free(encoded);
    free(text);
    return result;
}

static json_t *decode(const struct arguments *a)
{
    const char *text, *way;
    size_t size = 0;
    if (!two_texts(a, &text, &way) || strcasecmp(way, "base64") != 0)
        return NULL;
    char *bytes = base64_bytes(text, &size);
    json_t *value = bytes ? json_stringn(bytes, size) : NULL;
    free(bytes);
    return value;
}

/* ---- the message ---- */

static json_t *topic(const struct arguments *a)
{
    const char *at = a->message->topic;
    double wanted = 0;
    if (a->count == 0)
        return json_string(at);
    if (!sql_number(a->of[0], &wanted) || wanted < 1 || wanted > 256)
        return NULL;
    for (unsigned i = (unsigned)wanted; i > 1 && at; i--) {
        at = strchr(at, '/');
        at = at ? at + 1 : NULL;
    }
    return at ? json_stringn(at, strcspn(at, "/")) : NULL;
}

static json_t *text_or_none(const char *text)
{
    return json_string(text ? text : "n/a");
}

static json_t *clientid(const struct arguments *a)
{
    return text_or_none(a->message->client_id);
}

static json_t *principal(const struct arguments *a)
{
    return text_or_none(a->message->principal);
}

static json_t *timestamp(const struct arguments *a)
{
    return json_integer(a->message->now_ms);
}

static json_t *traceid(const struct arguments *a)
{
    return text_or_none(a->message->trace);
}

static json_t *accountid(const struct arguments *a)
{
    return text_or_none(a->message->account);
}

static json_t *newuuid(const struct arguments *a)
{
    char uuid[UUID_SIZE];
    (void)a;
    uuid_make(uuid);
    return json_string(uuid);
}

/* ---- values ---- */

static json_t *get(const struct arguments *a)
{
    const char *key = json_string_value(a->of[1]);
    if (key && json_is_object(a->of[0]))
        return json_incref(json_object_get(a->of[0], key));
    if (json_is_integer(a->of[1]) && json_integer_value(a->of[1]) >= 0 && json_is_array(a->of[0]))
        return json_incref(json_array_get(a->of[0], (size_t)json_integer_value(a->of[1])));
    return NULL;
}

static json_t *isnull(const struct arguments *a)
{
    return json_boolean(json_is_null(a->of[0]));
}

static json_t *isundefined(const struct arguments *a)
{
    return json_boolean(!a->of[0]);
}

static json_t *rounded(const struct arguments *a, double (*way)(double))
{
    double number;
    if (json_is_integer(a->of[0]))
        return json_incref(a->of[0]);
    if (!sql_number(a->of[0], &number) || fabs(number) > 9e15)
        return NULL;
    return json_integer((json_int_t)way(number));
}

static json_t *absolute(const struct arguments *a)
{
    double number;
    if (json_is_integer(a->of[0]) && json_integer_value(a->of[0]) > INT64_MIN)
        return json_integer(llabs(json_integer_value(a->of[0])));
    return sql_number(a->of[0], &number) ? json_real(fabs(number)) : NULL;
}

static json_t *ceiling(const struct arguments *a)
{
    return rounded(a, ceil);
}

static json_t *floor_of(const struct arguments *a)
{
    return rounded(a, floor);
}

static json_t *round_of(const struct arguments *a)
{
    return rounded(a, round);
}

static json_t *mod(const struct arguments *a)
{
    double left, right;
    if (!sql_number(a->of[0], &left) || !sql_number(a->of[1], &right) || right == 0)
        return NULL;
    double rest = fmod(left, right);
    return rest == floor(rest) && fabs(rest) < 9e15 ? json_integer((json_int_t)rest)
                                                    : json_real(rest);
}

bool sql_type_known(const char *type)
{
    static const char *const types[] = {"string", "int", "integer", "decimal", "boolean", "bool"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcasecmp(type, types[i]) == 0)
            return true;
    return false;
}

json_t *sql_cast(const json_t *value, const char *type)
{
    double number = 0;
    bool truth = json_is_true(value);
    bool numeric = sql_number(value, &number);
    if (!value)
        return NULL;
    if (strcasecmp(type, "string") == 0) {
        char *text = text_of(value);
        json_t *result = text ? json_string(text) : NULL;
        free(text);
        return result;
    }
    if (strncasecmp(type, "bool", 4) == 0) {
        const char *text = json_string_value(value);
        if (text && (strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0))
            return json_boolean(strcasecmp(text, "true") == 0);
        return json_is_boolean(value) ? json_boolean(truth)
               : numeric              ? json_boolean(number != 0)
                                      : NULL;
    }
    if (json_is_boolean(value))
        number = truth;
    else if (!numeric)
        return NULL;
    if (strncasecmp(type, "int", 3) == 0)
        return fabs(number) < 9e15 ? json_integer((json_int_t)number) : NULL;
    return json_real(number);
}

/* ---- the table ---- */

static const struct {
    const char *name;
    unsigned least, most;
    json_t *(*call)(const struct arguments *a);
    bool takes_undefined;
} functions[] = {
    {"topic", 0, 1, topic, false},
    {"clientid", 0, 0, clientid, false},
    {"principal", 0, 0, principal, false},
    {"timestamp", 0, 0, timestamp, false},
    {"traceid", 0, 0, traceid, false},
    {"accountid", 0, 0, accountid, false},
    {"newuuid", 0, 0, newuuid, false},
    {"get", 2, 2, get, false},
    {"concat", 0, 16, concat, false},
    {"substring", 2, 3, substring, false},
    {"startswith", 2, 2, startswith, false},
    {"endswith", 2, 2, endswith, false},
    {"indexof", 2, 2, indexof, false},
    {"replace", 3, 3, replace, false},
    {"length", 1, 1, length, false},
    {"lower", 1, 1, lower, false},
    {"upper", 1, 1, upper, false},
    {"trim", 1, 1, trim, false},
    {"encode", 2, 2, encode, false},
    {"decode", 2, 2, decode, false},
    {"isnull", 1, 1, isnull, true},
    {"isundefined", 1, 1, isundefined, true},
    {"abs", 1, 1, absolute, false},
    {"ceil", 1, 1, ceiling, false},
    {"floor", 1, 1, floor_of, false},
    {"round", 1, 1, round_of, false},
    {"mod", 2, 2, mod, false},
};

#define FUNCTIONS (sizeof functions / sizeof *functions)

static size_t find(const char *name)
{
    size_t i = 0;
    while (i < FUNCTIONS && strcasecmp(functions[i].name, name) != 0)
        i++;
    return i;
}

bool sql_function_known(const char *name, unsigned arguments)
{
    size_t i = find(name);
    return i < FUNCTIONS && arguments >= functions[i].least && arguments <= functions[i].most;
}

json_t *sql_call(const char *name, json_t *const *arguments, unsigned count,
                 const struct sql_message *message)
{
    const struct arguments a = {arguments, count, message};
    size_t i = find(name);
    for (unsigned j = 0; j < count && !functions[i].takes_undefined; j++)
        if (!arguments[j])
            return NULL;
    return functions[i].call(&a);
}
