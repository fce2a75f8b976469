/* Numbers and words in text that people and servers write. */
#ifndef OTTER_CODEC_TEXT_H
#define OTTER_CODEC_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The decimal number at *at, which stands behind it afterwards. False where there is none, or one
 * above `most`. */
bool text_number(const char **at, uint32_t most, uint32_t *value);

/* What follows `begin` in the text, or NULL where it does not begin so. The case of letters does
 * not matter; `begin` has small ones, and of the rest digits, '-' and ':'. */
const char *text_after(const char *text, const char *begin);

#ifdef __cplusplus
}
#endif

#endif
