/* The tree of a statement, between the files of SQL. Nodes lie in one array and name each other by
 * index; 0 is none. */
#ifndef OTTER_CLOUD_CORE_RULES_SQL_INTERNAL_H
#define OTTER_CLOUD_CORE_RULES_SQL_INTERNAL_H

#include "cloud/core/rules/sql.h"

enum sql_kind {
    SQL_NONE,
    SQL_LITERAL, /* value */
    SQL_UNDEFINED,
    SQL_STAR,
    SQL_MEMBER,  /* text of `a`; a is 0: of the payload */
    SQL_ELEMENT, /* [b] of a */
    SQL_LIST,    /* [a, ...]: a and its `next` */
    SQL_CALL,    /* text(a, ...) */
    SQL_CAST,    /* a AS text */
    SQL_NOT,
    SQL_NEGATIVE,
    SQL_BINARY, /* a op b */
    SQL_CASE,   /* a (0: conditions): WHEN nodes from b, ELSE c */
    SQL_WHEN    /* a THEN b */
};

enum sql_operator {
    OP_OR,
    OP_AND,
    OP_EQUAL,
    OP_OTHER,
    OP_LESS,
    OP_MOST,
    OP_MORE,
    OP_LEAST,
    OP_IN,
    OP_PLUS,
    OP_MINUS,
    OP_TIMES,
    OP_OVER,
    OP_REST
};

struct sql_node {
    enum sql_kind kind;
    enum sql_operator op;
    unsigned a, b, c, next;
    char *text;
    json_t *value;
};

struct sql_item {
    unsigned node; /* what */
    char *name;    /* AS; parts between dots */
};

#define SQL_ITEMS_MAX 64

struct sql {
    struct sql_node nodes[SQL_NODES_MAX];
    unsigned count; /* of nodes, 0 being none of them */
    struct sql_item items[SQL_ITEMS_MAX];
    unsigned item_count;
    bool value; /* SELECT VALUE */
    char *filter;
    unsigned where;
};

/* New reference; NULL: Undefined. */
json_t *sql_evaluate(const struct sql *sql, unsigned node, const struct sql_message *message);

/* Functions: `known` says whether there is one of that name with so many arguments. */
bool sql_function_known(const char *name, unsigned arguments);
/* Arguments may be NULL (Undefined), and stay the caller's. */
json_t *sql_call(const char *name, json_t *const *arguments, unsigned count,
                 const struct sql_message *message);
json_t *sql_cast(const json_t *value, const char *type);
bool sql_type_known(const char *type);

/* A number out of a number, or out of text that is one. */
bool sql_number(const json_t *value, double *number);

/* Parses one expression, the whole of `text`; see sql_parse. */
struct sql *sql_parse_expression(const char *text, size_t length, char *reason, size_t size);

#endif
