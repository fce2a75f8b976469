/* The SQL of topic rules: SELECT ... FROM 'filter' WHERE ..., as AWS IoT has it (2016-03-23).
 *
 *   items      *, expression [AS name], VALUE expression; a name may have parts: AS a.b
 *   values     payload members a.b[0], 'text' or "text", numbers, true, false, null, undefined,
 *              arrays [a, b], CASE a WHEN b THEN c ELSE d END
 *   operators  OR AND NOT = <> < <= > >= IN + - * / % ; numbers in text are compared as numbers
 *   functions  topic() topic(n) clientid() principal() timestamp() traceid() accountid() newuuid()
 *              get cast concat substring startswith endswith indexof replace length lower upper
 * trim encode decode isnull isundefined abs ceil floor round mod
 *
 * A member that is not there is Undefined, and so is what is made of it: its key is left out, and a
 * condition that is not true selects nothing. Nothing here keeps state or knows who runs it. */
#ifndef OTTER_CLOUD_CORE_RULES_SQL_H
#define OTTER_CLOUD_CORE_RULES_SQL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SQL_TEXT_MAX  65536
#define SQL_NODES_MAX 1024
#define SQL_DEPTH_MAX 48
#define SQL_VALUE_MAX 262144 /* bytes of a text that functions make */

struct sql;

/* NULL with the reason in words. `from_needed`: false for rules that hear Basic Ingest alone. */
struct sql *sql_parse(const char *text, char *reason, size_t size);
void sql_free(struct sql *sql); /* NULL is fine */

/* The topic filter of FROM; NULL: there is none. */
const char *sql_filter(const struct sql *sql);

struct sql_message {
    const char *topic;
    const void *payload;
    size_t length;
    const char *client_id, *principal; /* NULL: n/a */
    const char *account;
    const char *trace;
    int64_t now_ms;
    const json_t *root; /* the payload as JSON, see sql_read; NULL: it is none */
};

/* The payload as JSON, freed by the caller; NULL when it is none. */
json_t *sql_read(const void *payload, size_t length);

/* Whether the message is selected. */
bool sql_selects(const struct sql *sql, const struct sql_message *message);

/* What is selected of it, freed by the caller: bytes, which are JSON unless the payload itself was
 * asked for. NULL: nothing (VALUE of what is undefined). */
char *sql_output(const struct sql *sql, const struct sql_message *message, size_t *length);

/* A text with ${expression} in it. sql_template_fault: NULL, or what is wrong with it. sql_fill:
 * freed by the caller; NULL when an expression is undefined, or the text too long. */
const char *sql_template_fault(const char *text, char reason[160]);
char *sql_fill(const char *text, const struct sql_message *message);

#endif
