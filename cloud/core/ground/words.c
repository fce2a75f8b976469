/* Texts for people; see words.h. */
#include "cloud/core/ground/words.h"

#include <stdint.h>
#include <string.h>

/* Unicode's categories Cc, Cf and Co, and what is no character; surrogates are no UTF-8. */
static const struct {
    uint32_t first, last;
} unseen[] = {
    {0x0, 0x1f},         {0x7f, 0x9f},       {0xad, 0xad},       {0x600, 0x605},
    {0x61c, 0x61c},      {0x6dd, 0x6dd},     {0x70f, 0x70f},     {0x890, 0x891},
    {0x8e2, 0x8e2},      {0x180e, 0x180e},   {0x200b, 0x200f},   {0x202a, 0x202e},
    {0x2060, 0x206f},    {0xe000, 0xf8ff},   {0xfdd0, 0xfdef},   {0xfeff, 0xfeff},
    {0xfff0, 0xfffb},    {0xfffe, 0xffff},   {0x110bd, 0x110bd}, {0x110cd, 0x110cd},
    {0x13430, 0x1343f},  {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe00ff},
    {0xf0000, 0x10ffff},
};

static bool is_seen(uint32_t character)
{
    for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++) {
        if (character >= unseen[i].first && character <= unseen[i].last)
            return false;
    }
    return true;
}

/* The next character of what is known to be UTF-8. */
static uint32_t take(const unsigned char **at)
{
    const unsigned char first = *(*at)++;
    const int more = first < 0xc0 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    uint32_t character = more == 0 ? first : first & (0x3fu >> more);
    for (int i = 0; i < more && (**at & 0xc0) == 0x80; i++)
        character = character << 6 | (*(*at)++ & 0x3f);
    return character;
}

static bool fits(uint32_t character, enum words_kind kind)
{
    if (kind == WORDS_PRINTABLE)
        return character >= 0x20 && character < 0x7f;
    if (kind == WORDS_CODE)
        return (character >= 'A' && character <= 'Z') || (character >= '0' && character <= '9') ||
               character == '_';
    return is_seen(character);
}

bool words_valid(const char *text, enum words_kind kind, size_t longest)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t count = 0;
    if (!*at)
        return kind == WORDS_ANY || kind == WORDS_PRINTABLE;
    for (; *at; count++) {
        if (!fits(take(&at), kind))
            return false;
    }
    return count <= longest;
}

enum core_error words_check(const json_t *members, const char *name, enum words_kind kind,
                            size_t longest, struct answer *answer)
{
    static const char *const wanted[] = {
        [WORDS_SOME] = "characters, none of them a control or format character",
        [WORDS_ANY] = "characters, none of them a control or format character",
        [WORDS_PRINTABLE] = "printable characters of ASCII",
        [WORDS_CODE] = "of A-Z 0-9 _",
    };
    const json_t *value = json_object_get(members, name);
    const char *text = json_string_value(value);
    if (!value || json_is_null(value) ||
        (text && strlen(text) == json_string_length(value) && words_valid(text, kind, longest)))
        return CORE_OK;
    return answer_refuse(answer, CORE_INVALID_REQUEST, "%s must be a text of %s%zu %s", name,
                         kind == WORDS_SOME || kind == WORDS_CODE ? "1 to " : "at most ", longest,
                         wanted[kind]);
}
