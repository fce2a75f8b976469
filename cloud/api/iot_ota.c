/* iot: streams and OTA updates over HTTP. */
#include <string.h>

#include "cloud/api/services_internal.h"
#include "cloud/core/ota/ota_updates.h"
#include "cloud/core/streams/streams.h"

#define LIST_MAX 250

/* ---- streams ---- */

static enum core_error create_stream(struct call *call, const json_t *body, struct answer *answer)
{
    return streams_create(call->cloud, call->parameters[0], body, answer);
}

static enum core_error describe_stream(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return streams_describe(call->cloud, call->parameters[0], answer);
}

static enum core_error update_stream(struct call *call, const json_t *body, struct answer *answer)
{
    return streams_update(call->cloud, call->parameters[0], body, answer);
}

static enum core_error list_streams(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return streams_list(call->cloud, call_query(call, "nextToken"),
                        call_number(call, "maxResults", LIST_MAX, 0),
                        call_flag(call, "isAscendingOrder"), answer);
}

static enum core_error delete_stream(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return streams_delete(call->cloud, call->parameters[0], answer);
}

/* ---- OTA updates ---- */

static enum core_error create_update(struct call *call, const json_t *body, struct answer *answer)
{
    return ota_create(call->cloud, call->parameters[0], body, answer);
}

static enum core_error get_update(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return ota_get(call->cloud, call->parameters[0], answer);
}

static enum core_error list_updates(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    enum core_error error = ota_list(call->cloud, call_query(call, "otaUpdateStatus"), answer);
    if (!error)
        services_page(call, answer, "otaUpdates", &paging_by_token);
    return error;
}

static enum core_error delete_update(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return ota_delete(call->cloud, call->parameters[0], call_flag(call, "deleteStream"),
                      call_flag(call, "forceDeleteAWSJob"), answer);
}

const struct route iot_ota_routes[] = {
    {"CreateStream", EVHTTP_REQ_POST, "/streams/{}", create_stream, "files roleArn description"},
    {"DescribeStream", EVHTTP_REQ_GET, "/streams/{}", describe_stream, NULL},
    {"UpdateStream", EVHTTP_REQ_PUT, "/streams/{}", update_stream, "files roleArn description"},
    {"ListStreams", EVHTTP_REQ_GET, "/streams", list_streams,
     "nextToken maxResults isAscendingOrder"},
    {"DeleteStream", EVHTTP_REQ_DELETE, "/streams/{}", delete_stream, NULL},
    {"CreateOTAUpdate", EVHTTP_REQ_POST, "/otaUpdates/{}", create_update,
     "description targets protocols targetSelection awsJobExecutionsRolloutConfig "
     "awsJobTimeoutConfig awsJobAbortConfig awsJobPresignedUrlConfig files roleArn "
     "additionalParameters tags"},
    {"GetOTAUpdate", EVHTTP_REQ_GET, "/otaUpdates/{}", get_update, NULL},
    {"ListOTAUpdates", EVHTTP_REQ_GET, "/otaUpdates", list_updates,
     "maxResults nextToken otaUpdateStatus"},
    {"DeleteOTAUpdate", EVHTTP_REQ_DELETE, "/otaUpdates/{}", delete_update,
     "deleteStream forceDeleteAWSJob"},
    {NULL, 0, NULL, NULL, NULL},
};
