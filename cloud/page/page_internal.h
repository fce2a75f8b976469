/* Between the files of the page only. */
#ifndef OTTER_CLOUD_PAGE_PAGE_INTERNAL_H
#define OTTER_CLOUD_PAGE_PAGE_INTERNAL_H

#include <event2/http.h>

#include "cloud/api/api.h"
#include "cloud/loop/log_limit.h"
#include "cloud/page/live.h"
#include "cloud/page/logins.h"
#include "cloud/page/page.h"

struct page {
    struct loop *loop;
    struct cloud *cloud; /* the loop's */
    struct api *api;
    struct page_config config;
    struct logins logins;
    struct log_limit refused; /* links */
    struct live *live;
    uint16_t port;
    char cookie[32]; /* its name; browsers tell cookies by host and not by port */
};

/* What a request asks for, decoded. */
struct question {
    struct page *page;
    struct evhttp_request *request;
    char *parameters[4]; /* of the path */
    json_t *query;       /* names to texts */
};

/* NULL: absent, or empty. */
const char *question_text(const struct question *question, const char *name);
int64_t question_number(const struct question *question, const char *name, int64_t most);

/* Answers with JSON; steals `body`. */
void question_answer(struct evhttp_request *request, int status, json_t *body);
/* {"message":...} */
void question_refuse(struct evhttp_request *request, int status, const char *message);

/* questions.c: answers what is below /page/. */
void questions_answer(struct page *page, struct evhttp_request *request);
/* images.c: PUT /page/image */
void image_answer(struct question *question);

#endif
