/* Requests as strangers send them: the first line is the target, the following ones headers, the
 * rest after an empty line the body. Nothing may crash, and nothing may be let in. */
#include <event2/event.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "cloud/sigv4/sigv4.h"

static char *line_end(char *line)
{
    char *end = strchr(line, '\n');
    return end ? end : line + strlen(line);
}

static char *read_headers(char *at, struct evkeyvalq *headers)
{
    while (*at && *at != '\n') {
        char *end = line_end(at), *colon = memchr(at, ':', (size_t)(end - at));
        char *next = *end ? end + 1 : end;
        *end = 0;
        if (colon) {
            *colon = 0;
            evhttp_add_header(headers, at, colon + 1);
        }
        at = next;
    }
    return *at ? at + 1 : at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sigv4_keys keys = {"AKIDEXAMPLE", "not in the corpus", "us-east-1"};
    struct evkeyvalq headers = TAILQ_HEAD_INITIALIZER(headers);
    struct sigv4_result result;
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = 0;
    char *end = line_end(text), *rest = *end ? end + 1 : end;
    *end = 0;
    char *body = read_headers(rest, &headers);
    struct sigv4_request request = {"PUT", text, &headers, body, strlen(body)};
    if (sigv4_check(&request, &keys, 1440938160, &result) == SIGV4_OK)
        abort();
    evhttp_clear_headers(&headers);
    free(text);
    return 0;
}
