/* The head of a request as it came, checked before evhttp reads it: evhttp hands headers on as C
 * strings, lets lengths be signed or given twice, and takes "Content-Length :" for another name, so
 * that it and somebody before it could see a request's end in different places (RFC
 * 9112, 5.1, 6.3). */
#ifndef OTTER_CLOUD_API_HEAD_H
#define OTTER_CLOUD_API_HEAD_H

#include <stddef.h>

/* What is wrong, for a person; NULL: nothing. `head` is all bytes up to the empty line, which may
 * be included. */
const char *head_fault(const char *head, size_t size);

#endif
