/* Bytes as a C array. */
#include "tool/c_array.h"

void c_array(struct bytes *text, const char *name, const struct bytes *data)
{
    bytes_text(text, "/* Made by otter; do not edit. */\n");
    bytes_text(text, "const unsigned char %s[] = {", name);
    for (size_t i = 0; i < data->size; i++)
        bytes_text(text, "%s0x%02x,", i % 8 == 0 ? "\n    " : " ", data->data[i]);
    bytes_text(text, "\n};\nconst unsigned int %s_len = %zu;\n", name, data->size);
}
