/* Errors' texts, and answers. */
#include "cloud/core/ground/answer.h"

#include <stdarg.h>
#include <stdio.h>

const char *core_error_text(enum core_error error)
{
    static const char *const texts[] = {
#define X(name, text) text,
        CORE_ERROR_LIST(X)
#undef X
    };
    return (size_t)error < sizeof texts / sizeof *texts ? texts[error] : "InternalError";
}

void answer_free(struct answer *answer)
{
    json_decref(answer->body);
    answer->body = NULL;
}

enum core_error answer_refuse(struct answer *answer, enum core_error error, const char *format, ...)
{
    va_list args;
    answer_free(answer);
    va_start(args, format);
    vsnprintf(answer->message, sizeof answer->message, format, args);
    va_end(args);
    return error;
}
