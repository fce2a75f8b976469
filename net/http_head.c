/* URL, request and the answer's head; see http_head.h. */
#include "net/http_head.h"

#include <stdio.h>
#include <string.h>

#include "codec/text.h"

#define SCHEME      "https://"
#define METHOD_SIZE 4u
#define HTTPS_PORT  443u

/* ---- Where to ------------------------------------------------------------------------------- */

/* What it does not take would end the request line, or tell of another place. */
static bool is_of_url(char c)
{
    return c > ' ' && c <= '~' && c != '#' && c != '@' && c != '[';
}

/* Cuts the port off. */
static bool read_port(struct http_target *target)
{
    uint32_t port = HTTPS_PORT;
    char *const colon = strchr(target->host, ':');
    if (colon != NULL) {
        const char *at = colon + 1;
        if (!text_number(&at, UINT16_MAX, &port) || *at != '\0')
            return false;
        *colon = '\0';
    }
    target->port = (uint16_t)port;
    return target->host[0] != '\0';
}

otter_status http_target_read(struct http_target *target, const char *method,
                              const struct json *json, int index)
{
    char *const text = target->request;
    const otter_status status = json_get_string(json, index, text, HTTP_URL_MAX + 1);
    if (status != OTTER_OK)
        return status;
    const char *const host = text_after(text, SCHEME);
    const char *const path = host != NULL ? strchr(host, '/') : NULL;
    if (path == NULL || path - host > (int)HTTP_HOST_MAX)
        return OTTER_E_MALFORMED;
    size_t size = 0;
    while (is_of_url(host[size]))
        size++;
    if (host[size] != '\0')
        return OTTER_E_MALFORMED;
    size -= (size_t)(path - host);
    memcpy(target->host, host, (size_t)(path - host));
    target->host[path - host] = '\0';
    memmove(text + METHOD_SIZE, path, size); /* the scheme alone was longer */
    memcpy(text, method, METHOD_SIZE);
    size += METHOD_SIZE;
    target->begin = (uint16_t)(size + (size_t)snprintf(text + size, sizeof target->request - size,
                                                       " HTTP/1.1\r\nHost: %s\r\n", target->host));
    return read_port(target) ? OTTER_OK : OTTER_E_MALFORMED;
}

void http_target_end(struct http_target *target, const char *field, uint32_t first, uint32_t second)
{
    static const char ending[] = {'\r', '\n', '\r', '\n'};
    char *const end = target->request + target->begin;
    const int size = snprintf(end, sizeof target->request - target->begin - 4, field,
                              (unsigned long)first, (unsigned long)second);
    memcpy(end + size, ending, sizeof ending);
    target->length = (uint16_t)(target->begin + (unsigned)size + 4u);
}

/* ---- The answer ------------------------------------------------------------------------------ */

/* The value of the field, or NULL. */
static const char *field(const char *line, const char *name)
{
    const char *value = text_after(line, name);
    while (value != NULL && (*value == ' ' || *value == '\t'))
        value++;
    return value;
}

static bool read_status(struct http_head *head, const char *line)
{
    uint32_t number;
    if (strncmp(line, "HTTP/1.", 7) != 0 || line[7] == '\0' || line[8] != ' ')
        return false;
    head->ends = line[7] == '0';
    line += 9;
    if (!text_number(&line, 999, &number) || number < 100)
        return false;
    head->status = (uint16_t)number;
    return true;
}

static bool read_length(struct http_head *head, const char *value)
{
    uint32_t length;
    if (!text_number(&value, UINT32_MAX, &length) || *value != '\0' ||
        (head->has_length && head->length != length))
        return false;
    head->has_length = true;
    head->length = length;
    return true;
}

static bool read_range(struct http_head *head, const char *value)
{
    static const char ends[] = {'-', '/', '\0'};
    value = field(value, "bytes");
    if (value == NULL || *value == '*') /* that of a 416 */
        return true;
    for (unsigned i = 0; i < 3; i++) {
        if (i == 2 && *value == '*') {
            head->range[2] = UINT32_MAX;
            value++;
        } else if (!text_number(&value, UINT32_MAX, &head->range[i])) {
            return false;
        }
        if (*value != ends[i])
            return false;
        value += i < 2;
    }
    head->has_range = true;
    return true;
}

static bool read_field(struct http_head *head, const char *line)
{
    const char *value = field(line, "content-length:");
    if (value != NULL)
        return read_length(head, value);
    value = field(line, "content-range:");
    if (value != NULL)
        return read_range(head, value);
    if (field(line, "transfer-encoding:") != NULL)
        head->coded = true;
    value = field(line, "connection:");
    if (value != NULL && field(value, "close") != NULL)
        head->ends = true;
    return true;
}

/* A whole line, without its end. */
static otter_status read_line(struct http_head_reader *reader)
{
    struct http_head *head = &reader->head;
    const bool empty = reader->line[0] == '\0';
    reader->used = 0;
    if (head->status == 0)
        return read_status(head, reader->line) ? OTTER_E_AGAIN : OTTER_E_MALFORMED;
    if (!empty)
        return read_field(head, reader->line) ? OTTER_E_AGAIN : OTTER_E_MALFORMED;
    if (head->status >= 200)
        return OTTER_OK;
    *head = (struct http_head){0};
    return OTTER_E_AGAIN;
}

static void end_line(struct http_head_reader *reader)
{
    while (reader->used > 0 &&
           (reader->line[reader->used - 1] == '\r' || reader->line[reader->used - 1] == ' '))
        reader->used--;
    reader->line[reader->used] = '\0';
}

otter_status http_head_read(struct http_head_reader *reader, const uint8_t *data, size_t length,
                            size_t *taken)
{
    otter_status status = OTTER_E_AGAIN;
    for (*taken = 0; *taken < length && status == OTTER_E_AGAIN; ++*taken) {
        const char c = (char)data[*taken];
        if (++reader->total > HTTP_HEAD_MAX || c == '\0')
            return OTTER_E_MALFORMED;
        if (c == '\n') {
            end_line(reader);
            status = read_line(reader);
        } else if (reader->used < HTTP_LINE_MAX) {
            reader->line[reader->used++] = c;
        }
    }
    return status;
}
