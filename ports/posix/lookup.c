/* Name look-ups in a thread. The look-up belongs to its thread and to who started it: the last of
 * the two to let go of it frees it. */
#define _GNU_SOURCE /* pipe2 */
#include "ports/posix/lookup.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct lookup {
    pthread_mutex_t lock;
    unsigned users;
    bool done;
    struct addrinfo *addresses;
    int wake[2];
    char host[256];
    char service[8];
};

static void release(struct lookup *lookup)
{
    pthread_mutex_lock(&lookup->lock);
    const bool last = --lookup->users == 0;
    pthread_mutex_unlock(&lookup->lock);
    if (!last)
        return;
    if (lookup->addresses != NULL)
        freeaddrinfo(lookup->addresses);
    close(lookup->wake[0]);
    close(lookup->wake[1]);
    pthread_mutex_destroy(&lookup->lock);
    free(lookup);
}

static void *look_up(void *context)
{
    struct lookup *lookup = context;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses = NULL;
    if (getaddrinfo(lookup->host, lookup->service, &hints, &addresses) != 0)
        addresses = NULL;
    pthread_mutex_lock(&lookup->lock);
    lookup->addresses = addresses;
    lookup->done = true;
    pthread_mutex_unlock(&lookup->lock);
    (void)!write(lookup->wake[1], "", 1); /* into an empty pipe with both ends open */
    release(lookup);
    return NULL;
}

/* The program's signals are for its main thread. */
static int start_thread(struct lookup *lookup)
{
    sigset_t all, before;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int error = pthread_create(&thread, NULL, look_up, lookup);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0)
        pthread_detach(thread);
    return error;
}

struct lookup *lookup_start(const char *host, uint16_t port)
{
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (lookup == NULL)
        return NULL;
    if (pipe2(lookup->wake, O_CLOEXEC) != 0) {
        free(lookup);
        return NULL;
    }
    pthread_mutex_init(&lookup->lock, NULL);
    snprintf(lookup->host, sizeof lookup->host, "%s", host);
    snprintf(lookup->service, sizeof lookup->service, "%u", port);
    lookup->users = 2;
    if (start_thread(lookup) == 0)
        return lookup;
    lookup->users = 1;
    release(lookup);
    return NULL;
}

int lookup_descriptor(const struct lookup *lookup)
{
    return lookup->wake[0];
}

bool lookup_take(struct lookup *lookup, struct addrinfo **addresses)
{
    pthread_mutex_lock(&lookup->lock);
    const bool done = lookup->done;
    *addresses = lookup->addresses;
    lookup->addresses = NULL;
    pthread_mutex_unlock(&lookup->lock);
    return done;
}

void lookup_drop(struct lookup *lookup)
{
    release(lookup);
}
