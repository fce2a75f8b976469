/* Bytes as C or Rust code, in the form imgtool prints and bootloaders compile in. */
#ifndef OTTER_TOOL_C_ARRAY_H
#define OTTER_TOOL_C_ARRAY_H

#include "tool/bytes.h"

/* Appends `const unsigned char NAME[] = {...};` and `const unsigned int NAME_len = N;`. */
void c_array(struct bytes *text, const char *name, const struct bytes *data);

/* Appends `static NAME: &[u8] = &[...];`. */
void rust_slice(struct bytes *text, const char *name, const struct bytes *data);

#endif
