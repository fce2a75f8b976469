/* Headers of browsers; see visitor.h. */
#include "cloud/page/visitor.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

bool visitor_host_ours(const char *host, uint16_t port)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
    char ours[32];
    for (size_t i = 0; host && i < sizeof names / sizeof *names; i++) {
        snprintf(ours, sizeof ours, "%s:%u", names[i], port);
        if (strcasecmp(host, ours) == 0)
            return true;
    }
    return false;
}

bool visitor_origin_ours(const char *origin, uint16_t port)
{
    static const char scheme[] = "http://";
    return origin && strncmp(origin, scheme, sizeof scheme - 1) == 0 &&
           visitor_host_ours(origin + sizeof scheme - 1, port);
}

static bool is_secret(const char *text, size_t length)
{
    return length == VISITOR_SECRET_SIZE - 1 &&
           strspn(text, "0123456789abcdef") >= VISITOR_SECRET_SIZE - 1;
}

bool visitor_secret_valid(const char *text)
{
    return text && is_secret(text, strlen(text));
}

bool visitor_cookie(const char *header, const char *name, char value[VISITOR_SECRET_SIZE])
{
    const size_t length = strlen(name);
    while (header && *header) {
        header += strspn(header, " ;");
        const size_t size = strcspn(header, ";");
        if (size > length && strncmp(header, name, length) == 0 && header[length] == '=' &&
            is_secret(header + length + 1, size - length - 1)) {
            memcpy(value, header + length + 1, VISITOR_SECRET_SIZE - 1);
            value[VISITOR_SECRET_SIZE - 1] = '\0';
            return true;
        }
        header += size;
    }
    return false;
}

bool visitor_header(const char *head, const char *name, char *value, size_t size)
{
    const size_t length = strlen(name);
    for (const char *line = strchr(head, '\n'); line; line = strchr(line, '\n')) {
        line++;
        if (strncasecmp(line, name, length) != 0 || line[length] != ':')
            continue;
        line += length + 1;
        line += strspn(line, " \t");
        const size_t own = strcspn(line, "\r\n");
        if (own >= size)
            return false;
        memcpy(value, line, own);
        value[own] = '\0';
        return true;
    }
    return false;
}
