/* An image that a browser brings: inspected on the worker's thread, and, if it is good and asked
 * for, put into a bucket, from where an OTA update takes it as any other. */
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/objects.h"
#include "cloud/core/account/roles.h"
#include "cloud/core/ground/names.h"
#include "cloud/loop/worker.h"
#include "cloud/page/page_internal.h"

#define NAME_MAX_SIZE 128
#define ROLE          "otter-console"

struct work {
    struct page *page;
    struct evhttp_request *request;
    char name[NAME_MAX_SIZE + 1];
    char *boards;
    bool keep;
    json_t *found;
    int status;
};

/* ---- keeping ---- */

/* Made when they are missing, as a person would: a bucket with versions, a role for OTA. */
static enum core_error make_places(struct cloud *cloud, const char *bucket, struct answer *answer)
{
    static const char trust[] =
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
        "{\"Service\":\"iot.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}";
    const struct role_request role = {.name = ROLE, .trust = trust};
    enum core_error error = bucket_check(cloud, bucket, answer);
    if (error == CORE_NO_BUCKET) {
        answer_free(answer);
        error = bucket_create(cloud, bucket, answer);
        if (!error)
            error = bucket_set_versioning(cloud, bucket, "Enabled", answer);
    }
    if (error)
        return error;
    answer_free(answer);
    error = role_create(cloud, &role, answer);
    answer_free(answer);
    return error == CORE_EXISTS ? CORE_OK : error;
}

static enum core_error put(struct work *work, struct evbuffer *input, struct answer *answer)
{
    struct cloud *cloud = work->page->cloud;
    struct object object;
    char bucket[64], role[ARN_MAX];
    snprintf(bucket, sizeof bucket, "otter-console-%s", cloud->account);
    snprintf(role, sizeof role, "arn:aws:iam::%s:role/" ROLE, cloud->account);
    const struct object_upload upload = {.bucket = bucket,
                                         .key = work->name,
                                         .content = evbuffer_pullup(input, -1),
                                         .size = evbuffer_get_length(input)};
    enum core_error error = make_places(cloud, bucket, answer);
    if (!error)
        error = object_put(cloud, &upload, &object, answer);
    if (!error)
        json_object_set_new(work->found, "kept",
                            json_pack("{s:s, s:s, s:s, s:s}", "bucket", bucket, "key", work->name,
                                      "version", object.version, "roleArn", role));
    return error;
}

static void keep(struct work *work)
{
    struct answer answer = ANSWER_INIT;
    struct evbuffer *input = evhttp_request_get_input_buffer(work->request);
    if (!json_is_true(json_object_get(work->found, "sendable"))) {
        work->status = 422;
    } else if (put(work, input, &answer)) {
        work->status = HTTP_INTERNAL;
        json_object_set_new(work->found, "message", json_string(answer.message));
    }
    answer_free(&answer);
}

/* ---- the way ---- */

static void inspect(void *context)
{
    struct work *work = context;
    const struct page_config *config = &work->page->config;
    struct evbuffer *input = evhttp_request_get_input_buffer(work->request);
    work->found = config->inspect(config->inspect_context, evbuffer_pullup(input, -1),
                                  evbuffer_get_length(input), work->boards);
}

static void on_settled(void *context, otter_status status)
{
    struct work *work = context;
    if (status != OTTER_OK && work->status == HTTP_OK)
        question_refuse(work->request, HTTP_INTERNAL, "the image could not be kept: see the log");
    else
        question_answer(work->request, work->status, json_incref(work->found));
    json_decref(work->found);
    free(work->boards);
    free(work);
}

static void on_inspected(void *context)
{
    struct work *work = context;
    if (work->keep)
        keep(work);
    loop_answer_after_commit(work->page->loop, on_settled, work);
}

void image_answer(struct question *question)
{
    const char *name = question_text(question, "name"), *boards = question_text(question, "boards");
    if (!name || !name_valid(name, NAME_MAX_SIZE, "._-+")) {
        question_refuse(question->request, HTTP_BADREQUEST,
                        "the file's name must be 1 to 128 letters, digits, '.', '_', '-' and '+'");
        return;
    }
    if (evbuffer_get_length(evhttp_request_get_input_buffer(question->request)) == 0) {
        question_refuse(question->request, HTTP_BADREQUEST, "the file is empty");
        return;
    }
    struct work *work = calloc(1, sizeof *work);
    char *copy = strdup(boards ? boards : "");
    if (!work || !copy)
        abort(); /* nothing sensible can follow on the host */
    *work = (struct work){.page = question->page,
                          .request = question->request,
                          .boards = copy,
                          .keep = question_text(question, "keep") != NULL,
                          .status = HTTP_OK};
    snprintf(work->name, sizeof work->name, "%s", name);
    worker_do(work->page->loop->worker, inspect, on_inspected, work);
}
