/* Bytes as code. */
#include "tool/c_array.h"

static void begin(struct bytes *text)
{
    bytes_text(text, "/* Made by otter; do not edit. */\n");
}

static void list(struct bytes *text, const struct bytes *data)
{
    for (size_t i = 0; i < data->size; i++)
        bytes_text(text, "%s0x%02x,", i % 8 == 0 ? "\n    " : " ", data->data[i]);
}

void c_array(struct bytes *text, const char *name, const struct bytes *data)
{
    begin(text);
    bytes_text(text, "const unsigned char %s[] = {", name);
    list(text, data);
    bytes_text(text, "\n};\nconst unsigned int %s_len = %zu;\n", name, data->size);
}

void rust_slice(struct bytes *text, const char *name, const struct bytes *data)
{
    begin(text);
    bytes_text(text, "static %s: &[u8] = &[", name);
    list(text, data);
    bytes_text(text, "\n];\n");
}
