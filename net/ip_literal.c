/* Internet addresses in text; see ip_literal.h. */
#include "net/ip_literal.h"

#include <stdbool.h>
#include <string.h>

#define NO_GAP (IP_ADDRESS_MAX + 1)

static bool parse_v4(const char *text, uint8_t address[4])
{
    for (unsigned i = 0; i < 4; i++) {
        unsigned value = 0;
        unsigned digits = 0;
        for (; *text >= '0' && *text <= '9'; text++, digits++) {
            if (digits == 3 || (digits > 0 && value == 0))
                return false;
            value = value * 10 + (unsigned)(*text - '0');
        }
        if (digits == 0 || value > 255 || *text != (i < 3 ? '.' : '\0'))
            return false;
        address[i] = (uint8_t)value;
        text++;
    }
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Up to four hexadecimal digits; returns how many. */
static unsigned parse_group(const char *text, unsigned *value)
{
    unsigned digits = 0;
    for (*value = 0; digits < 4 && hex_value(text[digits]) >= 0; digits++)
        *value = *value * 16 + (unsigned)hex_value(text[digits]);
    return digits;
}

struct v6 {
    uint8_t bytes[IP_ADDRESS_MAX];
    unsigned fill;
    unsigned gap; /* where zeros belong for "::"; NO_GAP */
};

/* One group with the colon behind it, or an IPv4 address, which ends it all. NULL when wrong. */
static const char *take_group(const char *text, struct v6 *v6)
{
    unsigned value;
    const unsigned digits = parse_group(text, &value);
    if (text[digits] == '.') {
        if (v6->fill > IP_ADDRESS_MAX - 4 || !parse_v4(text, v6->bytes + v6->fill))
            return NULL;
        v6->fill += 4;
        return text + strlen(text);
    }
    if (digits == 0 || v6->fill > IP_ADDRESS_MAX - 2)
        return NULL;
    v6->bytes[v6->fill++] = (uint8_t)(value >> 8);
    v6->bytes[v6->fill++] = (uint8_t)value;
    text += digits;
    if (*text == '\0')
        return text;
    return text[0] == ':' && text[1] != '\0' ? text + 1 : NULL;
}

static bool parse_v6(const char *text, uint8_t address[IP_ADDRESS_MAX])
{
    struct v6 v6 = {.gap = NO_GAP};
    if (text[0] == ':' && *++text != ':')
        return false;
    while (text != NULL && *text != '\0') {
        if (*text != ':') {
            text = take_group(text, &v6);
            continue;
        }
        if (v6.gap != NO_GAP)
            return false;
        v6.gap = v6.fill;
        text++;
    }
    if (text == NULL || (v6.gap == NO_GAP) != (v6.fill == IP_ADDRESS_MAX))
        return false;
    const unsigned behind = v6.gap == NO_GAP ? 0 : v6.fill - v6.gap;
    memset(address, 0, IP_ADDRESS_MAX);
    memcpy(address, v6.bytes, v6.fill - behind);
    memcpy(address + IP_ADDRESS_MAX - behind, v6.bytes + v6.fill - behind, behind);
    return true;
}

unsigned ip_literal(const char *text, uint8_t address[IP_ADDRESS_MAX])
{
    if (strchr(text, ':') != NULL)
        return parse_v6(text, address) ? 16 : 0;
    return parse_v4(text, address) ? 4 : 0;
}
