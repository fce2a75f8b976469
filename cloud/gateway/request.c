/* Reading heads of requests strictly: what could be read in two ways is refused. */
#define _GNU_SOURCE /* memmem */
#include "cloud/gateway/request.h"

#include <event2/http.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#define HEADERS_MAX 64u

size_t request_head_size(const char *bytes, size_t size)
{
    const char *end = memmem(bytes, size, "\r\n\r\n", 4);
    return end ? (size_t)(end - bytes) + 4 : 0;
}

static bool is_token(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", text[i]))
            return false;
    return size > 0;
}

/* A line without its end; NULL at the empty one. */
static const char *next_line(const char **at, const char *end, size_t *size)
{
    const char *line = *at, *stop = memmem(line, (size_t)(end - line), "\r\n", 2);
    if (!stop || stop == line)
        return NULL;
    *size = (size_t)(stop - line);
    *at = stop + 2;
    return line;
}

static const char *read_first(struct request *request, const char *line, size_t size)
{
    static const char version[] = " HTTP/1.1";
    const char *blank = memchr(line, ' ', size);
    size_t method = blank ? (size_t)(blank - line) : 0, tail = sizeof version - 1;
    if (!is_token(line, method) || method >= sizeof request->method)
        return "its first line names no method";
    if (size < method + 1 + 1 + tail || memcmp(line + size - tail, version, tail) != 0)
        return "its first line is not of HTTP/1.1";
    size_t target = size - method - 1 - tail;
    for (size_t i = 0; i < target; i++)
        if (blank[1 + i] <= ' ' || blank[1 + i] >= 0x7f)
            return "its path has characters that must be encoded";
    if (blank[1] != '/')
        return "its path does not begin with a slash";
    memcpy(request->method, line, method);
    request->target = strndup(blank + 1, target);
    return request->target ? NULL : "out of memory";
}

static const char *read_header(struct request *request, const char *line, size_t size)
{
    const char *colon = memchr(line, ':', size), *end = line + size;
    if (!colon || !is_token(line, (size_t)(colon - line)))
        return "the name of a header must be a token, its colon right behind it";
    const char *value = colon + 1;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    if (memchr(value, '\r', (size_t)(end - value)) || memchr(value, '\n', (size_t)(end - value)))
        return "a header has a line break in it";
    char *name = strndup(line, (size_t)(colon - line)),
         *text = strndup(value, (size_t)(end - value));
    bool added = name && text && evhttp_add_header(&request->headers, name, text) == 0;
    free(name);
    free(text);
    return added ? NULL : "out of memory";
}

static const char *read_all(struct request *request, const char *head, size_t size)
{
    const char *at = head, *end = head + size, *fault;
    size_t length = 0, count = 0;
    const char *line = next_line(&at, end, &length);
    if (memchr(head, 0, size) || !line)
        return "it is not HTTP";
    fault = read_first(request, line, length);
    while (!fault && (line = next_line(&at, end, &length)))
        fault =
            ++count > HEADERS_MAX ? "it has too many headers" : read_header(request, line, length);
    return fault;
}

const char *request_read(struct request *request, const char *head, size_t size)
{
    *request = (struct request){.target = NULL};
    TAILQ_INIT(&request->headers);
    const char *fault = read_all(request, head, size);
    if (fault)
        request_free(request);
    return fault;
}

void request_free(struct request *request)
{
    evhttp_clear_headers(&request->headers);
    free(request->target);
    request->target = NULL;
}

const char *request_header(const struct request *request, const char *name)
{
    return evhttp_find_header(&request->headers, name);
}

bool request_names(const struct request *request, const char *name, const char *word)
{
    const char *value = request_header(request, name);
    const size_t size = strlen(word);
    while (value && *value) {
        value += strspn(value, " \t,");
        size_t length = strcspn(value, ", \t");
        if (length == size && strncasecmp(value, word, size) == 0)
            return true;
        value += length;
    }
    return false;
}
