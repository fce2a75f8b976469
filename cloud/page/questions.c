/* What the page asks for below /page/: what AWS has no operation for. */
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/api/router.h"
#include "cloud/core/overview/overview.h"
#include "cloud/page/page_internal.h"

const char *question_text(const struct question *question, const char *name)
{
    const char *value = json_string_value(json_object_get(question->query, name));
    return value && *value ? value : NULL;
}

int64_t question_number(const struct question *question, const char *name, int64_t most)
{
    const char *text = question_text(question, name);
    const int64_t value = text && *text >= '0' && *text <= '9' ? strtoll(text, NULL, 10) : 0;
    return value < most ? value : most;
}

static struct overview_page page_of(const struct question *question)
{
    return (struct overview_page){.search = question_text(question, "search"),
                                  .state = question_text(question, "state"),
                                  .group = question_text(question, "group"),
                                  .begin = question_number(question, "begin", INT32_MAX),
                                  .most = question_number(question, "most", OVERVIEW_PAGE_MAX)};
}

static void send_answer(struct question *question, struct answer *answer)
{
    question_answer(question->request, HTTP_OK, json_incref(answer->body));
    answer_free(answer);
}

static void things(struct question *question)
{
    const struct overview_page page = page_of(question);
    struct answer answer = ANSWER_INIT;
    overview_things(question->page->cloud, &page, &answer);
    send_answer(question, &answer);
}

static void jobs(struct question *question)
{
    const struct overview_page page = page_of(question);
    struct answer answer = ANSWER_INIT;
    overview_jobs(question->page->cloud, &page, &answer);
    send_answer(question, &answer);
}

static void executions(struct question *question)
{
    const struct overview_page page = page_of(question);
    struct answer answer = ANSWER_INIT;
    overview_executions(question->page->cloud, question->parameters[0], &page, &answer);
    send_answer(question, &answer);
}

static void metrics(struct question *question)
{
    struct answer answer = ANSWER_INIT;
    overview_metrics(question->page->cloud, question->parameters[0], &answer);
    send_answer(question, &answer);
}

static void about(struct question *question)
{
    const struct page *page = question->page;
    question_answer(question->request, HTTP_OK,
                    json_pack("{s:s, s:s, s:s, s:i, s:s}", "region", page->cloud->region, "account",
                              page->cloud->account, "mqttHost", page->config.mqtt_host, "mqttPort",
                              (int)page->config.mqtt_port, "folder", page->config.dir));
}

static void set_filters(struct question *question)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(question->request);
    const size_t size = evbuffer_get_length(input);
    const char *text = size ? (const char *)evbuffer_pullup(input, -1) : "";
    json_t *body = json_loadb(text, size, 0, NULL);
    const char *fault = live_set_filters(question->page->live, question_text(question, "listener"),
                                         json_object_get(body, "filters"));
    json_decref(body);
    if (fault)
        question_refuse(question->request, HTTP_BADREQUEST, fault);
    else
        question_answer(question->request, HTTP_OK, NULL);
}

static const struct {
    enum evhttp_cmd_type method;
    const char *pattern;
    void (*handler)(struct question *question);
} routes[] = {
    {EVHTTP_REQ_GET, "/page/about", about},
    {EVHTTP_REQ_GET, "/page/things", things},
    {EVHTTP_REQ_GET, "/page/things/{}/metrics", metrics},
    {EVHTTP_REQ_GET, "/page/jobs", jobs},
    {EVHTTP_REQ_GET, "/page/jobs/{}/executions", executions},
    {EVHTTP_REQ_PUT, "/page/filters", set_filters},
    {EVHTTP_REQ_PUT, "/page/image", image_answer},
};

void questions_answer(struct page *page, struct evhttp_request *request)
{
    const char *uri = evhttp_request_get_uri(request), *query = strchr(uri, '?');
    struct question question = {page, request, {NULL}, router_parse_query(query ? query + 1 : "")};
    size_t i = 0;
    const size_t count = sizeof routes / sizeof *routes;
    while (i < count && !(evhttp_request_get_command(request) == routes[i].method &&
                          router_match(routes[i].pattern, uri, question.parameters)))
        i++;
    if (!question.query)
        question_refuse(request, HTTP_BADREQUEST, "the query is no percent-encoded UTF-8");
    else if (i < count)
        routes[i].handler(&question);
    else
        question_refuse(request, HTTP_NOTFOUND, "there is nothing here");
    for (size_t at = 0; at < sizeof question.parameters / sizeof *question.parameters; at++)
        free(question.parameters[at]);
    json_decref(question.query);
}
