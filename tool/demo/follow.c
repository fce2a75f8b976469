/* What was read of the file and is not a whole line yet waits in the struct. */
#include "tool/demo/follow.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void follow_open(struct follow *follow, const char *path)
{
    *follow = (struct follow){.descriptor = -1};
    snprintf(follow->path, sizeof follow->path, "%s", path);
}

static void fill(struct follow *follow)
{
    if (follow->descriptor < 0)
        follow->descriptor = open(follow->path, O_RDONLY | O_CLOEXEC);
    if (follow->descriptor < 0)
        return;
    const size_t room = sizeof follow->pending - follow->pending_length;
    const ssize_t got = read(follow->descriptor, follow->pending + follow->pending_length, room);
    if (got > 0)
        follow->pending_length += (size_t)got;
}

static void consume(struct follow *follow, size_t length)
{
    follow->pending_length -= length;
    memmove(follow->pending, follow->pending + length, follow->pending_length);
}

bool follow_line(struct follow *follow, char line[FOLLOW_LINE_MAX])
{
    char *end = memchr(follow->pending, '\n', follow->pending_length);
    if (end == NULL) {
        fill(follow);
        end = memchr(follow->pending, '\n', follow->pending_length);
    }
    const bool full = follow->pending_length == sizeof follow->pending;
    if (end == NULL && !full)
        return false;
    const size_t length = end != NULL ? (size_t)(end - follow->pending) : follow->pending_length;
    size_t kept = length < FOLLOW_LINE_MAX - 1 ? length : FOLLOW_LINE_MAX - 1;
    memcpy(line, follow->pending, kept);
    while (kept > 0 && line[kept - 1] == '\r')
        kept--;
    line[kept] = '\0';
    consume(follow, end != NULL ? length + 1 : length);
    return true;
}

void follow_close(struct follow *follow)
{
    if (follow->descriptor >= 0)
        close(follow->descriptor);
    follow->descriptor = -1;
}
