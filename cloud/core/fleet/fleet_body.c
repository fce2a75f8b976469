/* The text of a provisioning template: its shape, and what its functions give. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/fleet/fleet_internal.h"
#include "cloud/core/ground/names.h"

#define DEPTH_MAX 16
#define TEXT_MAX  8192 /* that a function may grow to */

static const char *const certificate_parameters[] = {
    "Id",        "Country",    "Organization", "OrganizationalUnit", "DistinguishedNameQualifier",
    "StateName", "CommonName", "SerialNumber",
};

static bool is_certificate_parameter(const char *name)
{
    size_t prefix = strlen(CERTIFICATE_PARAMETER);
    bool found = false;
    if (strncmp(name, CERTIFICATE_PARAMETER, prefix) != 0)
        return false;
    for (size_t i = 0; i < sizeof certificate_parameters / sizeof *certificate_parameters; i++)
        found |= strcmp(name + prefix, certificate_parameters[i]) == 0;
    return found;
}

/* ---- shape ---------------------------------------------------------------------------------- */

static enum core_error check_parameters(const json_t *parameters, struct answer *answer)
{
    const char *name;
    json_t *parameter;
    if (parameters && !json_is_object(parameters))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "templateBody: Parameters must be an object");
    json_object_foreach((json_t *)parameters, name, parameter)
    {
        const char *type = json_text(parameter, "Type");
        const json_t *fallback = json_object_get(parameter, "Default");
        if (!type || strcmp(type, "String") != 0 || (fallback && !json_is_string(fallback)))
            return answer_refuse(answer, CORE_INVALID_REQUEST,
                                 "templateBody: Parameters.%.60s must have Type \"String\", and "
                                 "Default, if any, a text",
                                 name);
        if (strncmp(name, "AWS::", 5) == 0 && !is_certificate_parameter(name))
            return answer_refuse(answer, CORE_INVALID_REQUEST,
                                 "templateBody: the parameter %.80s is none of AWS's", name);
    }
    return CORE_OK;
}

static bool is_declared(const json_t *body, const char *name)
{
    return json_object_get(json_object_get(body, "Parameters"), name) ||
           json_object_get(json_object_get(body, "Resources"), name) ||
           strcmp(name, CERTIFICATE_PARAMETER "Id") == 0;
}

static bool is_function(const char *name)
{
    static const char *const functions[] = {"Fn::Join", "Fn::Select", "Fn::FindInMap", "Fn::Split",
                                            "Fn::Sub"};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (strcmp(name, functions[i]) == 0)
            return true;
    }
    return false;
}

/* Every Ref has something to refer to, and every function is one. */
static enum core_error check_values(const json_t *body, const json_t *value, unsigned depth,
                                    struct answer *answer)
{
    enum core_error error = CORE_OK;
    const char *name;
    json_t *member;
    size_t i;
    if (depth > DEPTH_MAX)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "templateBody: nested deeper than %d levels", DEPTH_MAX);
    json_array_foreach((json_t *)value, i, member)
    {
        if (error == CORE_OK)
            error = check_values(body, member, depth + 1, answer);
    }
    json_object_foreach((json_t *)value, name, member)
    {
        const char *text = json_string_value(member);
        if (error != CORE_OK)
            break;
        if (strcmp(name, "Ref") == 0 && (!text || !is_declared(body, text)))
            error = answer_refuse(answer, CORE_INVALID_REQUEST,
                                  "templateBody: Ref to %.80s, which Parameters and Resources do "
                                  "not declare",
                                  text ? text : "something that is no text");
        else if (strncmp(name, "Fn::", 4) == 0 && !is_function(name))
            error = answer_refuse(answer, CORE_INVALID_REQUEST,
                                  "templateBody: there is no function %.60s", name);
        else
            error = check_values(body, member, depth + 1, answer);
    }
    return error;
}

static bool lists(const char *const *known, const char *name)
{
    while (*known && strcmp(*known, name) != 0)
        known++;
    return *known != NULL;
}

static const char *const thing_properties[] = {"ThingName", "AttributePayload", "ThingTypeName",
                                               "ThingGroups", NULL};
static const char *const certificate_properties[] = {"CertificateId",
                                                     "CertificateSigningRequest",
                                                     "CertificatePem",
                                                     "CACertificatePem",
                                                     "Status",
                                                     "ThingPrincipalType",
                                                     NULL};
static const char *const policy_properties[] = {"PolicyName", "PolicyDocument", NULL};

static const struct kind {
    const char *type;
    const char *const *properties;
    bool once;
} kinds[] = {
    {"AWS::IoT::Thing", thing_properties, true},
    {"AWS::IoT::Certificate", certificate_properties, true},
    {"AWS::IoT::Policy", policy_properties, false},
};

static const struct kind *kind_of(const json_t *resource)
{
    const char *type = json_text(resource, "Type");
    for (size_t i = 0; type && i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].type, type) == 0)
            return &kinds[i];
    }
    return NULL;
}

static enum core_error check_resource(const json_t *body, const char *name, const json_t *resource,
                                      struct answer *answer)
{
    const struct kind *kind = kind_of(resource);
    const json_t *properties = json_object_get(resource, "Properties");
    const char *property;
    json_t *value;
    if (!kind || !json_is_object(properties))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "templateBody: Resources.%.60s must have Properties, and as Type "
                             "AWS::IoT::Thing, AWS::IoT::Certificate or AWS::IoT::Policy",
                             name);
    json_object_foreach((json_t *)properties, property, value)
    {
        if (!lists(kind->properties, property))
            return answer_refuse(answer, CORE_INVALID_REQUEST,
                                 "templateBody: Resources.%.60s.Properties.%.60s is not offered "
                                 "here",
                                 name, property);
    }
    if (kind->once && body_resource(body, kind->type) != resource)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "templateBody: %.60s is a second %s; there can be one", name,
                             kind->type);
    if (kind->properties == policy_properties && !json_object_get(properties, "PolicyName") ==
                                                     !json_object_get(properties, "PolicyDocument"))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "templateBody: Resources.%.60s must have either PolicyName or "
                             "PolicyDocument",
                             name);
    if (kind->properties == thing_properties && !json_object_get(properties, "ThingName"))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "templateBody: Resources.%.60s has no ThingName", name);
    return CORE_OK;
}

static enum core_error check_resources(const json_t *body, struct answer *answer)
{
    const json_t *resources = json_object_get(body, "Resources");
    enum core_error error = CORE_OK;
    const char *name;
    json_t *resource;
    if (!json_is_object(resources) || json_object_size(resources) == 0)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "templateBody: Resources are missing");
    json_object_foreach((json_t *)resources, name, resource)
    {
        if (error == CORE_OK)
            error = check_resource(body, name, resource, answer);
    }
    if (error == CORE_OK && !body_resource(body, "AWS::IoT::Certificate"))
        error = answer_refuse(answer, CORE_INVALID_REQUEST,
                              "templateBody: Resources have no AWS::IoT::Certificate");
    return error;
}

static enum core_error check_sections(const json_t *body, struct answer *answer)
{
    static const char *const sections[] = {
        "Parameters",  "Mappings", "Resources", "DeviceConfiguration", "AWSTemplateFormatVersion",
        "Description", NULL};
    const char *name;
    json_t *section;
    json_object_foreach((json_t *)body, name, section)
    {
        if (!lists(sections, name))
            return answer_refuse(answer, CORE_INVALID_REQUEST,
                                 "templateBody: there is no section %.60s", name);
    }
    return CORE_OK;
}

enum core_error body_check(const char *text, struct answer *answer)
{
    json_error_t failure;
    if (!text || strlen(text) > TEMPLATE_BODY_MAX)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "templateBody must be a text of at most %d characters",
                             TEMPLATE_BODY_MAX);
    json_t *body = json_loads(text, JSON_REJECT_DUPLICATES, &failure);
    enum core_error error;
    if (!json_is_object(body))
        error = answer_refuse(answer, CORE_INVALID_REQUEST, "templateBody is not JSON: %.80s",
                              body ? "it is no object" : failure.text);
    else
        error = check_sections(body, answer);
    if (error == CORE_OK)
        error = check_parameters(json_object_get(body, "Parameters"), answer);
    if (error == CORE_OK)
        error = check_resources(body, answer);
    if (error == CORE_OK)
        error = check_values(body, body, 0, answer);
    json_decref(body);
    return error;
}

const json_t *body_resource(const json_t *body, const char *type)
{
    const char *name;
    json_t *resource;
    json_object_foreach(json_object_get(body, "Resources"), name, resource)
    {
        const char *its = json_text(resource, "Type");
        if (its && strcmp(its, type) == 0)
            return resource;
    }
    return NULL;
}

/* ---- values --------------------------------------------------------------------------------- */

static json_t *value_of(const struct scope *scope, const json_t *value, unsigned depth,
                        struct answer *answer);

__attribute__((format(printf, 2, 3))) static json_t *wrong(struct answer *answer,
                                                           const char *format, ...)
{
    char text[200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    answer_refuse(answer, CORE_INVALID_REQUEST, "%s", text);
    return NULL;
}

static json_t *ref(const struct scope *scope, const json_t *name, struct answer *answer)
{
    const char *text = json_string_value(name);
    json_t *value = text ? json_object_get(scope->parameters, text) : NULL;
    return value ? json_incref(value)
                 : wrong(answer, "The parameter %.80s has no value.", text ? text : "of a Ref");
}

/* A list of values, each looked at. */
static json_t *list_of(const struct scope *scope, const json_t *list, unsigned depth,
                       struct answer *answer)
{
    if (!json_is_array(list))
        return value_of(scope, list, depth, answer);
    json_t *texts = json_array(), *item;
    size_t i;
    json_array_foreach((json_t *)list, i, item)
    {
        json_t *value = value_of(scope, item, depth, answer);
        if (!value) {
            json_decref(texts);
            return NULL;
        }
        json_array_append_new(texts, value);
    }
    return texts;
}

/* Appends; false when it grows beyond all reason. */
static bool add(char text[TEXT_MAX], const char *more, size_t length)
{
    size_t used = strlen(text);
    if (used + length >= TEXT_MAX)
        return false;
    memcpy(text + used, more, length);
    text[used + length] = '\0';
    return true;
}

static json_t *join(const json_t *arguments, struct answer *answer)
{
    const char *separator = json_string_value(json_array_get(arguments, 0));
    const json_t *list = json_array_get(arguments, 1);
    char text[TEXT_MAX] = "";
    json_t *item;
    size_t i;
    bool whole = separator && json_is_array(list);
    json_array_foreach((json_t *)list, i, item)
    {
        const char *more = json_string_value(item);
        whole = whole && more && (i == 0 || add(text, separator, strlen(separator))) &&
                add(text, more, strlen(more));
    }
    return whole ? json_string(text)
                 : wrong(answer, "Fn::Join takes a text and a list of texts of %d characters",
                         TEXT_MAX);
}

static json_t *choose(const json_t *arguments, struct answer *answer)
{
    const json_t *index = json_array_get(arguments, 0);
    const json_t *list = json_array_get(arguments, 1);
    size_t at =
        json_is_integer(index)
            ? (size_t)json_integer_value(index)
            : (size_t)strtoul(json_is_string(index) ? json_string_value(index) : "", NULL, 10);
    json_t *item = json_array_get(list, at);
    return item ? json_incref(item) : wrong(answer, "Fn::Select: there is no item %zu", at);
}

static json_t *find_in_map(const struct scope *scope, const json_t *arguments,
                           struct answer *answer)
{
    const json_t *found = json_object_get(scope->body, "Mappings");
    for (size_t i = 0; i < 3; i++) {
        const char *key = json_string_value(json_array_get(arguments, i));
        found = key ? json_object_get(found, key) : NULL;
    }
    return found ? json_incref((json_t *)found)
                 : wrong(answer, "Fn::FindInMap: there is no such entry in Mappings");
}

static json_t *split(const json_t *arguments, struct answer *answer)
{
    const char *separator = json_string_value(json_array_get(arguments, 0));
    const char *text = json_string_value(json_array_get(arguments, 1)), *end;
    if (!separator || !*separator || !text)
        return wrong(answer, "Fn::Split takes a separator and a text");
    json_t *parts = json_array();
    while ((end = strstr(text, separator))) {
        json_array_append_new(parts, json_stringn(text, (size_t)(end - text)));
        text = end + strlen(separator);
    }
    json_array_append_new(parts, json_string(text));
    return parts;
}

/* What ${name} stands for: a variable of the call's own, or a parameter. */
static const char *variable(const struct scope *scope, const json_t *own, const char *name,
                            size_t length)
{
    char key[160];
    snprintf(key, sizeof key, "%.*s", (int)length, name);
    const char *value = json_text(own, key);
    return value ? value : json_text(scope->parameters, key);
}

static json_t *substitute(const struct scope *scope, const char *pattern, const json_t *own,
                          struct answer *answer)
{
    char text[TEXT_MAX] = "";
    while (pattern && *pattern) {
        const char *open = strstr(pattern, "${"), *end = open ? strchr(open, '}') : NULL;
        size_t plain = end ? (size_t)(open - pattern) : strlen(pattern);
        const char *value = end ? variable(scope, own, open + 2, (size_t)(end - open - 2)) : "";
        if (!value)
            return wrong(answer, "Fn::Sub: %.*s has no value", (int)(end - open + 1), open);
        if (!add(text, pattern, plain) || !add(text, value, strlen(value)))
            return wrong(answer, "Fn::Sub: longer than %d characters", TEXT_MAX);
        pattern = end ? end + 1 : NULL;
    }
    return json_string(text);
}

static json_t *sub(const struct scope *scope, const json_t *arguments, struct answer *answer)
{
    if (json_is_string(arguments))
        return substitute(scope, json_string_value(arguments), NULL, answer);
    const char *pattern = json_string_value(json_array_get(arguments, 0));
    if (!pattern)
        return wrong(answer, "Fn::Sub takes a text, or a list of a text and its variables");
    json_t *own = body_texts(scope, json_array_get(arguments, 1), answer);
    json_t *text = own ? substitute(scope, pattern, own, answer) : NULL;
    json_decref(own);
    return text;
}

static json_t *call(const struct scope *scope, const char *name, const json_t *arguments,
                    unsigned depth, struct answer *answer)
{
    if (strcmp(name, "Fn::Sub") == 0)
        return sub(scope, arguments, answer);
    json_t *values = list_of(scope, arguments, depth, answer), *result = NULL;
    if (!values)
        return NULL;
    if (strcmp(name, "Fn::Join") == 0)
        result = join(values, answer);
    else if (strcmp(name, "Fn::Select") == 0)
        result = choose(values, answer);
    else if (strcmp(name, "Fn::Split") == 0)
        result = split(values, answer);
    else if (strcmp(name, "Fn::FindInMap") == 0)
        result = find_in_map(scope, values, answer);
    else
        wrong(answer, "There is no function %.60s.", name);
    json_decref(values);
    return result;
}

static json_t *value_of(const struct scope *scope, const json_t *value, unsigned depth,
                        struct answer *answer)
{
    void *only = json_is_object(value) ? json_object_iter((json_t *)value) : NULL;
    if (depth > DEPTH_MAX)
        return wrong(answer, "The template is nested deeper than %d levels.", DEPTH_MAX);
    if (json_is_array(value))
        return list_of(scope, value, depth + 1, answer);
    if (!only || json_object_size(value) != 1)
        return json_incref((json_t *)value);
    const char *name = json_object_iter_key(only);
    if (strcmp(name, "Ref") == 0)
        return ref(scope, json_object_iter_value(only), answer);
    if (strncmp(name, "Fn::", 4) == 0)
        return call(scope, name, json_object_iter_value(only), depth + 1, answer);
    return json_incref((json_t *)value);
}

char *body_text(const struct scope *scope, const json_t *value, struct answer *answer)
{
    json_t *found = value_of(scope, value, 0, answer);
    char *text = NULL;
    if (json_is_string(found))
        text = strdup(json_string_value(found));
    else if (found && json_is_object(found)) /* a policy that is not in a text */
        text = json_dumps(found, JSON_COMPACT);
    else if (found && !answer->message[0])
        wrong(answer, "A value of the template is no text.");
    json_decref(found);
    return text;
}

json_t *body_texts(const struct scope *scope, const json_t *values, struct answer *answer)
{
    json_t *texts = json_object(), *value;
    const char *name;
    json_object_foreach((json_t *)values, name, value)
    {
        char *text = body_text(scope, value, answer);
        if (!text) {
            json_decref(texts);
            return NULL;
        }
        json_object_set_new(texts, name, json_string(text));
        free(text);
    }
    return texts;
}
