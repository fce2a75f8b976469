/* Who comes and goes, for the core's presence table: written together, a moment after the first, as
 * a fleet that comes at once must not wait for the disk thousands of times. */
#ifndef OTTER_CLOUD_GATEWAY_PRESENCE_NOTES_H
#define OTTER_CLOUD_GATEWAY_PRESENCE_NOTES_H

#include <stdbool.h>

struct loop;
struct presence_notes;

/* `loop` must live longer. NULL: out of memory. */
struct presence_notes *presence_notes_new(struct loop *loop);
/* Writes what is not yet written. NULL is fine. */
void presence_notes_free(struct presence_notes *notes);

/* `reason` is one of events.h, or NULL; it is kept as a pointer. */
void presence_note(struct presence_notes *notes, const char *client, bool connected,
                   const char *reason);

#endif
