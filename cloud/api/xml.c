/* XML with expat, and without; see xml.h. */
#include "cloud/api/xml.h"

#include <expat.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEPTH_MAX 16

/* ---- reading ---- */

struct level {
    json_t *children; /* NULL while there are none */
    struct text text;
    char *name;
};

struct reader {
    XML_Parser parser;
    struct level levels[DEPTH_MAX];
    int depth;
    json_t *result;
};

static void put(json_t *object, const char *name, json_t *value)
{
    json_t *present = json_object_get(object, name);
    if (!present)
        json_object_set_new(object, name, value);
    else if (json_is_array(present))
        json_array_append_new(present, value);
    else
        json_object_set_new(object, name, json_pack("[O,o]", present, value));
}

static const char *local_name(const char *name)
{
    const char *colon = strchr(name, ':');
    return colon ? colon + 1 : name;
}

static void on_start(void *context, const char *name, const char **attributes)
{
    struct reader *reader = context;
    (void)attributes;
    if (reader->depth == DEPTH_MAX) {
        XML_StopParser(reader->parser, XML_FALSE);
        return;
    }
    struct level *level = &reader->levels[reader->depth++];
    *level = (struct level){.name = strdup(local_name(name))};
}

static void on_text(void *context, const char *text, int size)
{
    struct reader *reader = context;
    if (reader->depth > 0)
        text_add_bytes(&reader->levels[reader->depth - 1].text, text, (size_t)size);
}

/* Ends the innermost element: its value goes to the parent, or is the result. */
static void on_end(void *context, const char *name)
{
    struct reader *reader = context;
    (void)name;
    struct level *level = &reader->levels[--reader->depth];
    json_t *value = level->children ? level->children : json_string(text_get(&level->text));
    if (reader->depth == 0) {
        json_decref(reader->result);
        reader->result = level->children ? value : json_object();
        if (!level->children)
            json_decref(value);
    } else {
        struct level *parent = &reader->levels[reader->depth - 1];
        if (!parent->children)
            parent->children = json_object();
        put(parent->children, level->name, value);
    }
    text_free(&level->text);
    free(level->name);
}

static void on_doctype(void *context, const char *name, const char *system, const char *public,
                       int internal)
{
    struct reader *reader = context;
    (void)name, (void)system, (void)public, (void)internal;
    XML_StopParser(reader->parser, XML_FALSE); /* no entities, so none that grow */
}

static void unwind(struct reader *reader)
{
    while (reader->depth > 0) {
        struct level *level = &reader->levels[--reader->depth];
        json_decref(level->children);
        text_free(&level->text);
        free(level->name);
    }
}

json_t *xml_read(const char *text, size_t size)
{
    struct reader reader = {.parser = XML_ParserCreate(NULL)};
    if (!reader.parser)
        abort();
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader.parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
    bool read = XML_Parse(reader.parser, text, (int)size, 1) == XML_STATUS_OK;
    unwind(&reader);
    XML_ParserFree(reader.parser);
    if (read)
        return reader.result;
    json_decref(reader.result);
    return NULL;
}

json_t *xml_list(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    if (json_is_array(value))
        return json_incref(value);
    return value ? json_pack("[O]", value) : json_array();
}

/* ---- writing ---- */

static void add_escaped(struct text *out, const char *value)
{
    for (; *value; value++) {
        switch (*value) {
        case '<':
            text_add(out, "&lt;");
            break;
        case '>':
            text_add(out, "&gt;");
            break;
        case '&':
            text_add(out, "&amp;");
            break;
        case '"':
            text_add(out, "&quot;");
            break;
        default: /* control characters have no place in XML 1.0 */
            if ((unsigned char)*value < 0x20 && *value != '\t')
                text_format(out, *value == '\n' || *value == '\r' ? "&#%d;" : "?", *value);
            else
                text_add_bytes(out, value, 1);
        }
    }
}

void xml_begin(struct text *out, const char *name)
{
    text_format(out, "<%s>", name);
}

void xml_end(struct text *out, const char *name)
{
    text_format(out, "</%s>", name);
}

void xml_add(struct text *out, const char *name, const char *value)
{
    xml_begin(out, name);
    add_escaped(out, value);
    xml_end(out, name);
}

void xml_add_number(struct text *out, const char *name, long long value)
{
    text_format(out, "<%s>%lld</%s>", name, value, name);
}

void xml_add_time(struct text *out, const char *name, long long milliseconds)
{
    char text[40];
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    text_format(out, "<%s>%s.%03lldZ</%s>", name, text, milliseconds % 1000, name);
}

static bool is_time(const char *name)
{
    size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, "Date") == 0;
}

static void add_value(struct text *out, const char *name, const json_t *value)
{
    if (json_is_object(value)) {
        xml_begin(out, name);
        xml_add_json(out, value);
        xml_end(out, name);
    } else if (json_is_array(value)) {
        xml_begin(out, name);
        for (size_t i = 0; i < json_array_size(value); i++) {
            json_t *item = json_pack("{s:O}", "member", json_array_get(value, i));
            xml_add_json(out, item);
            json_decref(item);
        }
        xml_end(out, name);
    } else if (json_is_string(value)) {
        xml_add(out, name, json_string_value(value));
    } else if (json_is_integer(value) && is_time(name)) {
        xml_add_time(out, name, json_integer_value(value) * 1000);
    } else if (json_is_integer(value)) {
        xml_add_number(out, name, json_integer_value(value));
    } else if (json_is_boolean(value)) {
        xml_add(out, name, json_is_true(value) ? "true" : "false");
    }
}

void xml_add_json(struct text *out, const json_t *object)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value)
    {
        add_value(out, name, value);
    }
}
