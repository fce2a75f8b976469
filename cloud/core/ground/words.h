/* Texts for people (descriptions, comments, details): what AWS's patterns let in.
 *
 * A text that holds what nobody sees, or what turns the text beside it around (U+202E), is refused:
 * it would be shown by consoles and logs. Lengths are counted in characters. */
#ifndef OTTER_CLOUD_CORE_GROUND_WORDS_H
#define OTTER_CLOUD_CORE_GROUND_WORDS_H

#include <jansson.h>
#include <stdbool.h>

#include "cloud/core/ground/answer.h"

enum words_kind {
    WORDS_SOME,      /* [^\p{C}]+: no control, format and private characters */
    WORDS_ANY,       /* [^\p{C}]* */
    WORDS_PRINTABLE, /* [\p{Graph}\x20]*, which is ASCII */
    WORDS_CODE,      /* [\p{Upper}\p{Digit}_]+ */
};

/* `text` is UTF-8. */
bool words_valid(const char *text, enum words_kind kind, size_t longest);

/* The member, which may be absent. Refuses with CORE_INVALID_REQUEST and its name. */
enum core_error words_check(const json_t *members, const char *name, enum words_kind kind,
                            size_t longest, struct answer *answer);

#endif
