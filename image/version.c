/* Image versions: order and text. Apart from image.c so that a bootloader without text stays free
 * of it. */
#include "image/image.h"

/* All but the build number. */
static uint32_t rank(const struct image_version *version)
{
    return (uint32_t)version->major << 24 | (uint32_t)version->minor << 16 | version->revision;
}

int image_version_compare(const struct image_version *a, const struct image_version *b)
{
    const bool same_rank = rank(a) == rank(b);
    const uint32_t left = same_rank ? a->build : rank(a);
    const uint32_t right = same_rank ? b->build : rank(b);
    return (left > right) - (left < right);
}

/* Appends `mark` (unless it is 0) and the number; returns the new end. */
static char *put_number(char *text, char mark, uint32_t number)
{
    uint32_t power = 1;
    if (mark != '\0')
        *text++ = mark;
    while (number / power >= 10)
        power *= 10;
    for (; power > 0; power /= 10)
        *text++ = (char)('0' + number / power % 10);
    return text;
}

void image_version_format(const struct image_version *version, char text[IMAGE_VERSION_TEXT_SIZE])
{
    text = put_number(text, '\0', version->major);
    text = put_number(text, '.', version->minor);
    text = put_number(text, '.', version->revision);
    if (version->build != 0)
        text = put_number(text, '+', version->build);
    *text = '\0';
}

/* Reads a decimal number without leading zeros, at most `max`; NULL if there is none. */
static const char *get_number(const char *text, uint32_t max, uint32_t *number)
{
    uint64_t value = 0;
    if (*text < '0' || *text > '9' || (text[0] == '0' && text[1] >= '0' && text[1] <= '9'))
        return NULL;
    while (*text >= '0' && *text <= '9' && value <= max)
        value = value * 10 + (uint32_t)(*text++ - '0');
    if (value > max)
        return NULL;
    *number = (uint32_t)value;
    return text;
}

otter_status image_version_parse(const char *text, struct image_version *version)
{
    static const char marks[4] = {'\0', '.', '.', '+'};
    static const uint32_t limits[4] = {UINT8_MAX, UINT8_MAX, UINT16_MAX, UINT32_MAX};
    uint32_t parts[4] = {0};
    for (unsigned i = 0; i < 4 && (i == 0 || *text != '\0'); i++) {
        if (i > 0 && *text++ != marks[i])
            return OTTER_E_MALFORMED;
        text = get_number(text, limits[i], &parts[i]);
        if (text == NULL)
            return OTTER_E_MALFORMED;
    }
    if (*text != '\0')
        return OTTER_E_MALFORMED;
    *version =
        (struct image_version){(uint8_t)parts[0], (uint8_t)parts[1], (uint16_t)parts[2], parts[3]};
    return OTTER_OK;
}
