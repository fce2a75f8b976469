/* The field types of MQTT packets, and what makes a text, a topic and a filter valid. */
#include "codec/mqtt_cursor.h"

#include <string.h>

uint8_t mqtt_take_u8(struct mqtt_cursor *c)
{
    if (c->failed || c->next == c->end) {
        c->failed = true;
        return 0;
    }
    return *c->next++;
}

uint16_t mqtt_take_u16(struct mqtt_cursor *c)
{
    const unsigned high = mqtt_take_u8(c);
    const unsigned low = mqtt_take_u8(c);
    return (uint16_t)(high << 8 | low);
}

uint16_t mqtt_take_packet_id(struct mqtt_cursor *c)
{
    const uint16_t id = mqtt_take_u16(c);
    if (id == 0) /* [MQTT-2.3.1-1] */
        c->failed = true;
    return id;
}

struct mqtt_bytes mqtt_take_bytes(struct mqtt_cursor *c)
{
    const size_t length = mqtt_take_u16(c);
    if (c->failed || length > (size_t)(c->end - c->next)) {
        c->failed = true;
        return (struct mqtt_bytes){NULL, 0};
    }
    const uint8_t *data = c->next;
    c->next += length;
    return (struct mqtt_bytes){data, length};
}

struct mqtt_text mqtt_take_text(struct mqtt_cursor *c)
{
    const struct mqtt_bytes bytes = mqtt_take_bytes(c);
    const struct mqtt_text text = {(const char *)bytes.data, bytes.length};
    if (!mqtt_text_valid(text)) /* [MQTT-1.5.3-1], [MQTT-1.5.3-2] */
        c->failed = true;
    return text;
}

bool mqtt_cursor_done(const struct mqtt_cursor *c)
{
    return !c->failed && c->next == c->end;
}

void mqtt_put(struct mqtt_writer *w, const void *data, size_t length)
{
    if (length > w->left)
        w->error = OTTER_E_TOO_LONG;
    if (w->error || length == 0)
        return;
    memcpy(w->next, data, length);
    w->next += length;
    w->left -= length;
}

void mqtt_put_u8(struct mqtt_writer *w, unsigned value)
{
    const uint8_t byte = (uint8_t)value;
    mqtt_put(w, &byte, 1);
}

void mqtt_put_u16(struct mqtt_writer *w, unsigned value)
{
    mqtt_put_u8(w, value >> 8);
    mqtt_put_u8(w, value);
}

void mqtt_put_string(struct mqtt_writer *w, const void *data, size_t length)
{
    if (length > UINT16_MAX)
        w->error = OTTER_E_TOO_LONG;
    mqtt_put_u16(w, (unsigned)length);
    mqtt_put(w, data, length);
}

struct mqtt_writer mqtt_begin(uint8_t *out, size_t size, unsigned type, unsigned flags,
                              size_t body_length)
{
    struct mqtt_writer w = {out, out, size, OTTER_OK};
    if (body_length > MQTT_BODY_MAX) {
        w.error = OTTER_E_TOO_LONG;
        return w;
    }
    mqtt_put_u8(&w, type << 4 | flags);
    do {
        const unsigned more = body_length > 0x7f ? 0x80 : 0;
        mqtt_put_u8(&w, (unsigned)(body_length & 0x7f) | more);
        body_length >>= 7;
    } while (body_length > 0);
    return w;
}

int mqtt_end(const struct mqtt_writer *w)
{
    return w->error ? (int)w->error : (int)(w->next - w->start);
}

/* ---- Texts ----------------------------------------------------------------------------------- */

/* Length of the well-formed UTF-8 sequence at `s` (Unicode table 3-7), or 0. */
static size_t sequence_length(const uint8_t *s, size_t left)
{
    const uint8_t first = s[0];
    if (first < 0x80)
        return first != 0; /* [MQTT-1.5.3-2] */
    if (first < 0xc2 || first > 0xf4)
        return 0;
    const size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (length > left)
        return 0;
    /* The second byte keeps out overlong forms, surrogates and what lies above U+10FFFF. */
    const uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    return length;
}

bool mqtt_text_valid(struct mqtt_text text)
{
    if (text.length > UINT16_MAX)
        return false;
    for (size_t i = 0; i < text.length;) {
        const size_t step = sequence_length((const uint8_t *)text.data + i, text.length - i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

bool mqtt_topic_valid(struct mqtt_text topic)
{
    for (size_t i = 0; i < topic.length; i++) {
        if (topic.data[i] == '+' || topic.data[i] == '#') /* [MQTT-3.3.2-2] */
            return false;
    }
    return topic.length > 0 && mqtt_text_valid(topic); /* [MQTT-4.7.3-1] */
}

bool mqtt_filter_valid(struct mqtt_text filter)
{
    for (size_t i = 0; i < filter.length; i++) {
        const char c = filter.data[i];
        if (c != '+' && c != '#')
            continue;
        const bool starts_level = i == 0 || filter.data[i - 1] == '/';
        const bool last = i + 1 == filter.length;
        const bool ends_level = last || (c == '+' && filter.data[i + 1] == '/');
        if (!starts_level || !ends_level) /* [MQTT-4.7.1-2], [MQTT-4.7.1-3] */
            return false;
    }
    return filter.length > 0 && mqtt_text_valid(filter);
}

static size_t level_length(struct mqtt_text text, size_t from)
{
    const char *slash = memchr(text.data + from, '/', text.length - from);
    return slash ? (size_t)(slash - text.data) - from : text.length - from;
}

bool mqtt_filter_matches(struct mqtt_text filter, struct mqtt_text topic)
{
    const bool wild = filter.length > 0 && (filter.data[0] == '+' || filter.data[0] == '#');
    if (wild && topic.length > 0 && topic.data[0] == '$') /* [MQTT-4.7.2-1] */
        return false;
    for (size_t f = 0, t = 0;;) {
        const size_t wanted = level_length(filter, f);
        const size_t level = level_length(topic, t);
        if (wanted == 1 && filter.data[f] == '#')
            return true;
        if (!(wanted == 1 && filter.data[f] == '+') &&
            (wanted != level || memcmp(filter.data + f, topic.data + t, level) != 0))
            return false;
        f += wanted + 1; /* past the slash, or one past the end */
        t += level + 1;
        if (t > topic.length) /* "a/#" also matches "a" */
            return f > filter.length || (filter.length - f == 1 && filter.data[f] == '#');
        if (f > filter.length)
            return false;
    }
}
