/* The canonical request of SigV4: what both sides hash. */
#include <ctype.h>
#include <event2/event.h>
#include <sys/queue.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cloud/sigv4/sigv4.h"
#include "cloud/sigv4/text.h"

/* ---- path ---- */

/* Removes "." and "..", joins slashes: what clients of all services but S3 sign. */
static void add_normalised(struct text *out, const char *path, size_t size)
{
    struct text normal = {0};
    for (size_t at = 0; at < size;) {
        while (at < size && path[at] == '/')
            at++;
        size_t length = 0;
        while (at + length < size && path[at + length] != '/')
            length++;
        if (length == 2 && memcmp(path + at, "..", 2) == 0) {
            while (normal.length > 0 && normal.data[--normal.length] != '/')
                ;
        } else if (length > 0 && !(length == 1 && path[at] == '.')) {
            text_add(&normal, "/");
            text_add_bytes(&normal, path + at, length);
        }
        if (normal.data)
            normal.data[normal.length] = 0;
        at += length;
    }
    if (normal.length == 0 || (size > 0 && path[size - 1] == '/'))
        text_add(&normal, "/");
    text_add_encoded(out, text_get(&normal), "/");
    text_free(&normal);
}

static void add_path(struct text *out, const char *target, bool s3)
{
    size_t size = strcspn(target, "?");
    if (!s3)
        add_normalised(out, target, size);
    else if (size == 0)
        text_add(out, "/");
    else
        text_add_bytes(out, target, size);
}

/* ---- query ---- */

struct parameter {
    char *name, *value; /* encoded anew */
};

static char *encode_anew(const char *text, size_t size)
{
    struct text out = {0};
    char *decoded = text_decode(text, size, 0);
    text_add_encoded(&out, decoded ? decoded : "", "");
    free(decoded);
    return out.data ? out.data : strdup("");
}

static int compare_parameters(const void *left, const void *right)
{
    const struct parameter *a = left, *b = right;
    int order = strcmp(a->name, b->name);
    return order ? order : strcmp(a->value, b->value);
}

static size_t split_query(const char *query, struct parameter **parameters)
{
    size_t count = 0, most = 1;
    for (const char *c = query; *c; c++)
        most += *c == '&';
    *parameters = calloc(most, sizeof **parameters);
    if (!*parameters)
        abort();
    while (*query) {
        size_t size = strcspn(query, "&"), name = strcspn(query, "=&");
        if (size > 0) {
            (*parameters)[count].name = encode_anew(query, name);
            (*parameters)[count++].value =
                name < size ? encode_anew(query + name + 1, size - name - 1) : strdup("");
        }
        query += size + (query[size] == '&');
    }
    qsort(*parameters, count, sizeof **parameters, compare_parameters);
    return count;
}

static void add_query(struct text *out, const char *target)
{
    const char *query = strchr(target, '?');
    struct parameter *parameters = NULL;
    size_t count = query ? split_query(query + 1, &parameters) : 0;
    const char *separator = "";
    for (size_t i = 0; i < count; i++) {
        if (strcmp(parameters[i].name, "X-Amz-Signature") != 0) {
            text_format(out, "%s%s=%s", separator, parameters[i].name, parameters[i].value);
            separator = "&";
        }
        free(parameters[i].name);
        free(parameters[i].value);
    }
    free(parameters);
}

/* ---- headers ---- */

/* The value without blanks at its ends and with single blanks inside. */
static void add_value(struct text *out, const char *value)
{
    bool pending = false, begun = false;
    for (; *value; value++) {
        if (isspace((unsigned char)*value)) {
            pending = begun;
            continue;
        }
        if (pending)
            text_add(out, " ");
        text_add_bytes(out, value, 1);
        begun = true;
        pending = false;
    }
}

static void add_header(struct text *out, const struct evkeyvalq *headers, const char *name,
                       size_t size)
{
    const char *separator = "";
    const struct evkeyval *header;
    text_add_bytes(out, name, size);
    text_add(out, ":");
    TAILQ_FOREACH(header, headers, next)
    {
        if (strlen(header->key) == size && strncasecmp(header->key, name, size) == 0) {
            text_add(out, separator);
            add_value(out, header->value);
            separator = ",";
        }
    }
    text_add(out, "\n");
}

static void add_headers(struct text *out, const struct evkeyvalq *headers, const char *names)
{
    for (const char *name = names; *name;) {
        size_t size = strcspn(name, ";");
        add_header(out, headers, name, size);
        name += size + (name[size] == ';');
    }
}

char *sigv4_canonical(const struct sigv4_request *request, const char *signed_headers,
                      const char *payload_hash, bool s3)
{
    struct text out = {0};
    text_format(&out, "%s\n", request->method);
    add_path(&out, request->target, s3);
    text_add(&out, "\n");
    add_query(&out, request->target);
    text_add(&out, "\n");
    add_headers(&out, request->headers, signed_headers);
    text_format(&out, "\n%s\n%s", signed_headers, payload_hash);
    return out.data;
}
