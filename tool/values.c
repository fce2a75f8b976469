/* Values of options in the image tool's syntax. */
#include "tool/values.h"

#include <ctype.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "tool/bytes.h"

static int digit_value(char character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    character = (char)tolower((unsigned char)character);
    return character >= 'a' && character <= 'z' ? character - 'a' + 10 : 36;
}

/* Takes the base off the front of the text. A plain number must not begin with 0: where it does,
 * some think it octal. */
static int number_base(const char **text)
{
    static const struct {
        char letter;
        int base;
    } prefixes[] = {{'x', 16}, {'o', 8}, {'b', 2}};

    if ((*text)[0] != '0' || (*text)[1] == '\0')
        return 10;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        if (tolower((unsigned char)(*text)[1]) == prefixes[i].letter) {
            *text += 2;
            return prefixes[i].base;
        }
    }
    return 0;
}

bool value_number(const char *text, uint32_t most, uint32_t *number)
{
    int base = number_base(&text);
    uint64_t value = 0;

    if (base == 0 || *text == '\0')
        return false;
    for (; *text; text++) {
        int digit = digit_value(*text);
        if (digit >= base)
            return false;
        value = value * (unsigned)base + (unsigned)digit;
        if (value > most)
            return false;
    }
    *number = (uint32_t)value;
    return true;
}

static bool take_decimal(const char **text, uint32_t most, uint32_t *number)
{
    const char *next = *text;
    uint64_t value = 0;

    if (!isdigit((unsigned char)*next) || (*next == '0' && isdigit((unsigned char)next[1])))
        return false;
    for (; isdigit((unsigned char)*next); next++) {
        value = value * 10 + (unsigned)(*next - '0');
        if (value > most)
            return false;
    }
    *text = next;
    *number = (uint32_t)value;
    return true;
}

static bool take_version(const char **text, struct image_version *version)
{
    static const char separators[] = "\0..+";
    static const uint32_t most[] = {UINT8_MAX, UINT8_MAX, UINT16_MAX, UINT32_MAX};
    uint32_t parts[4] = {0};

    for (int i = 0; i < 4; i++) {
        if (i > 0) {
            if (**text != separators[i])
                break;
            (*text)++;
        }
        if (!take_decimal(text, most[i], &parts[i]))
            return false;
    }
    *version =
        (struct image_version){(uint8_t)parts[0], (uint8_t)parts[1], (uint16_t)parts[2], parts[3]};
    return true;
}

bool value_version(const char *text, struct image_version *version)
{
    struct image_version parsed;

    if (!take_version(&text, &parsed) || *text != '\0')
        return false;
    *version = parsed;
    return true;
}

static void skip_blanks(const char **text)
{
    while (isspace((unsigned char)**text))
        (*text)++;
}

static bool take_character(const char **text, char character)
{
    skip_blanks(text);
    if (**text != character)
        return false;
    (*text)++;
    skip_blanks(text);
    return true;
}

static bool take_dependency(const char **text, struct image_dependency *dependency)
{
    uint32_t image;

    if (!take_character(text, '(') || !take_decimal(text, UINT8_MAX, &image) ||
        !take_character(text, ',') || !take_version(text, &dependency->version) ||
        !take_character(text, ')'))
        return false;
    dependency->image = (uint8_t)image;
    return true;
}

int value_dependencies(const char *text, struct image_dependency *dependencies, int most)
{
    struct image_dependency dependency = {0};
    int count = 0;

    do {
        if (!take_dependency(&text, &dependency))
            return -1;
        if (count < most)
            dependencies[count] = dependency;
        count++;
    } while (take_character(&text, ',') || *text == '(');
    return *text == '\0' ? count : -1;
}

static bool take_hex_byte(const char *text, uint8_t *byte)
{
    int high = digit_value(text[0]);
    int low = text[0] ? digit_value(text[1]) : 36;

    if (high > 15 || low > 15)
        return false;
    *byte = (uint8_t)(high << 4 | low);
    return true;
}

bool value_hex(const char *text, uint8_t *bytes, size_t size)
{
    if (strlen(text) != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (!take_hex_byte(text + 2 * i, &bytes[i]))
            return false;
    return true;
}

bool value_bytes(const char *text, struct bytes *bytes)
{
    size_t length = strlen(text);
    uint8_t byte;

    if (strncmp(text, "0x", 2) != 0) {
        bytes_append(bytes, text, length);
        return true;
    }
    if (length % 2 != 0)
        return false;
    for (text += 2; *text; text += 2) {
        if (!take_hex_byte(text, &byte))
            return false;
        bytes_append(bytes, &byte, 1);
    }
    return true;
}

bool value_uuid(const char *text, uint8_t uuid[16])
{
    bool hyphens = strlen(text) == 36;
    char digits[33];
    size_t count = 0;

    if (!hyphens && strlen(text) != 32)
        return false;
    for (size_t i = 0; text[i]; i++) {
        bool hyphen = hyphens && (i == 8 || i == 13 || i == 18 || i == 23);
        if (hyphen && text[i] != '-')
            return false;
        if (!hyphen)
            digits[count++] = text[i];
    }
    digits[count] = '\0';
    return value_hex(digits, uuid, 16);
}

void value_version_text(const struct image_version *version, char text[VALUE_VERSION_TEXT_SIZE])
{
    snprintf(text, VALUE_VERSION_TEXT_SIZE, "%u.%u.%u+%" PRIu32, version->major, version->minor,
             version->revision, version->build);
}

const uint8_t value_uuid_dns[16] = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                                    0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};

void value_name_uuid(const uint8_t space[16], const char *name, uint8_t uuid[16])
{
    struct bytes text = {0};
    uint8_t hash[20];

    bytes_append(&text, space, 16);
    bytes_append(&text, name, strlen(name));
    EVP_Q_digest(NULL, "SHA1", NULL, text.data, text.size, hash, NULL);
    bytes_free(&text);
    memcpy(uuid, hash, 16);
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x50);
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}
