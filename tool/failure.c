/* Sentences about failures. */
#include "tool/failure.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>

otter_status failed(struct failure *failure, otter_status status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(failure->text, sizeof failure->text, format, arguments);
    va_end(arguments);
    return status;
}

otter_status failed_openssl(struct failure *failure, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    ERR_clear_error();
    return failed(failure, OTTER_E_CRYPTO, "%s: %s", what, reason ? reason : "OpenSSL failed");
}

int failure_print(const struct failure *failure, const char *command)
{
    fprintf(stderr, "otter %s: %s\n", command, failure->text);
    return 1;
}
