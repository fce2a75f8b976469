/* What an update may look like, in AWS's words where it may not. */
#include <string.h>

#include "cloud/core/shadow/shadow_internal.h"

/* ---- values ---- */

/* A level is a member of an object or an element of an array. */
static enum core_error check_value(const json_t *value, unsigned level, struct answer *answer);

static enum core_error check_members(const json_t *object, unsigned level, struct answer *answer)
{
    const char *name;
    const json_t *member;
    enum core_error error = CORE_OK;
    json_object_foreach((json_t *)object, name, member)
    {
        if (error == CORE_OK)
            error = check_value(member, level + 1, answer);
    }
    return error;
}

static enum core_error check_elements(const json_t *array, unsigned level, struct answer *answer)
{
    enum core_error error = CORE_OK;
    const json_t *element;
    size_t i;
    json_array_foreach(array, i, element)
    {
        if (error == CORE_OK && json_is_null(element))
            error = answer_refuse(answer, CORE_INVALID_REQUEST,
                                  "State contains an invalid node: null in an array");
        if (error == CORE_OK)
            error = check_value(element, level + 1, answer);
    }
    return error;
}

static enum core_error check_value(const json_t *value, unsigned level, struct answer *answer)
{
    if (level > SHADOW_LEVELS_MAX)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "JSON contains too many levels of nesting; maximum is %d",
                             SHADOW_LEVELS_MAX);
    if (json_is_object(value))
        return check_members(value, level, answer);
    return json_is_array(value) ? check_elements(value, level, answer) : CORE_OK;
}

/* ---- the request ---- */

bool shadow_token_valid(const json_t *token)
{
    return !token || (json_is_string(token) && json_string_length(token) <= SHADOW_TOKEN_MAX);
}

static enum core_error check_section(const char *name, const json_t *section, struct answer *answer)
{
    const bool desired = strcmp(name, "desired") == 0;
    if (!desired && strcmp(name, "reported") != 0)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "State contains an invalid node: '%.64s'", name);
    if (json_is_null(section))
        return CORE_OK;
    if (!json_is_object(section))
        return answer_refuse(answer, CORE_INVALID_REQUEST, "%s node must be an object",
                             desired ? "Desired" : "Reported");
    return check_members(section, 0, answer);
}

static enum core_error check_state(const json_t *state, struct answer *answer)
{
    const char *name;
    const json_t *section;
    enum core_error error = CORE_OK;
    if (!state)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "Missing required node: state");
    if (!json_is_object(state))
        return answer_refuse(answer, CORE_INVALID_REQUEST, "State node must be an object");
    json_object_foreach((json_t *)state, name, section)
    {
        if (error == CORE_OK)
            error = check_section(name, section, answer);
    }
    return error;
}

static enum core_error check(struct shadow_request *request, struct answer *answer)
{
    const json_t *token = json_object_get(request->root, "clientToken");
    request->version = json_object_get(request->root, "version");
    request->state = json_object_get(request->root, "state");
    if (!shadow_token_valid(token))
        return answer_refuse(answer, CORE_INVALID_REQUEST, "Invalid clientToken");
    request->token = token;
    if (request->version &&
        (!json_is_integer(request->version) || json_integer_value(request->version) < 0))
        return answer_refuse(answer, CORE_INVALID_REQUEST, "Invalid version");
    return check_state(request->state, answer);
}

enum core_error shadow_request_read(struct shadow_request *request, const void *bytes,
                                    size_t length, struct answer *answer)
{
    json_error_t why;
    *request = (struct shadow_request){0};
    if (length > SHADOW_SIZE_MAX)
        return answer_refuse(answer, CORE_TOO_LARGE,
                             "The payload exceeds the maximum size allowed");
    request->root = json_loadb(bytes, length, JSON_DECODE_ANY, &why);
    if (!request->root && json_error_code(&why) == json_error_invalid_utf8)
        return answer_refuse(answer, CORE_ENCODING,
                             "Unsupported documented encoding; supported encoding is UTF-8");
    if (!json_is_object(request->root))
        return answer_refuse(answer, CORE_INVALID_REQUEST, "Invalid JSON");
    return check(request, answer);
}

void shadow_request_free(struct shadow_request *request)
{
    json_decref(request->root);
}
