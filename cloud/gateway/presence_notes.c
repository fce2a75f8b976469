/* A list of what has happened since the last write; see presence_notes.h. */
#include "cloud/gateway/presence_notes.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/overview/presence.h"
#include "cloud/gateway/sessions.h"
#include "cloud/loop/loop.h"

#define WRITE_MS 300
#define ROOM     256u /* notes before they are written at once */

struct note {
    char client[CLIENT_ID_MAX + 1];
    bool connected;
    int64_t at_ms;
    const char *reason;
};

struct presence_notes {
    struct cloud *cloud;
    struct event *write;
    struct note notes[ROOM];
    unsigned count;
};

static void write_all(struct presence_notes *notes)
{
    if (notes->count == 0 || !presence_begin(notes->cloud))
        return;
    for (unsigned i = 0; i < notes->count; i++) {
        const struct note *note = &notes->notes[i];
        presence_write(notes->cloud, &(struct presence){note->client, note->connected, note->at_ms,
                                                        note->reason});
    }
    notes->count = 0;
    presence_end(notes->cloud);
}

static void on_write(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    write_all(context);
}

void presence_note(struct presence_notes *notes, const char *client, bool connected,
                   const char *reason)
{
    const struct timeval delay = {0, WRITE_MS * 1000L};
    if (notes->count == ROOM)
        write_all(notes);
    if (notes->count == ROOM)
        notes->count = 0; /* the database fails, and has said so */
    struct note *note = &notes->notes[notes->count++];
    *note = (struct note){.connected = connected, .reason = reason};
    note->at_ms = cloud_now_ms(notes->cloud);
    strncat(note->client, client, CLIENT_ID_MAX);
    if (!evtimer_pending(notes->write, NULL))
        event_add(notes->write, &delay);
}

struct presence_notes *presence_notes_new(struct loop *loop)
{
    struct presence_notes *notes = calloc(1, sizeof *notes);
    if (!notes)
        return NULL;
    notes->cloud = loop->cloud;
    notes->write = evtimer_new(loop->base, on_write, notes);
    if (notes->write)
        return notes;
    free(notes);
    return NULL;
}

void presence_notes_free(struct presence_notes *notes)
{
    if (!notes)
        return;
    write_all(notes);
    event_free(notes->write);
    free(notes);
}
