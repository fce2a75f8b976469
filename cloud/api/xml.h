/* XML as S3, IAM and STS speak it: read into JSON values, written element by element. */
#ifndef OTTER_CLOUD_API_XML_H
#define OTTER_CLOUD_API_XML_H

#include <jansson.h>
#include <stddef.h>

#include "cloud/sigv4/text.h"

/* The content of the root element: an element with children becomes an object, one without becomes
 * text, elements of the same name become an array. Namespaces and attributes are dropped. NULL when
 * it is malformed, nested too deeply, or declares entities. Freed by the caller. */
json_t *xml_read(const char *text, size_t size);

/* Member `name` as an array: of one element when it stood alone, empty when absent. Freed by the
 * caller. */
json_t *xml_list(const json_t *object, const char *name);

void xml_begin(struct text *out, const char *name);
void xml_end(struct text *out, const char *name);
/* <name>value</name>, the value escaped. */
void xml_add(struct text *out, const char *name, const char *value);
void xml_add_number(struct text *out, const char *name, long long value);
/* 2006-02-03T16:45:09.000Z */
void xml_add_time(struct text *out, const char *name, long long milliseconds);
/* Members of a JSON object as elements; an array's items as <member>. */
void xml_add_json(struct text *out, const json_t *object);

#endif
