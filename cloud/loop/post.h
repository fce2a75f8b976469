/* Requests that the cloud makes: POST to servers on loopback, a bounded number at a time. */
#ifndef OTTER_CLOUD_LOOP_POST_H
#define OTTER_CLOUD_LOOP_POST_H

#include "cloud/core/ground/cloud.h"

struct event_base;
struct posts;

#define POSTS_MAX       64 /* at a time; more fail */
#define POSTS_TRIES     3  /* when the server answers 429 or 5xx */
#define POSTS_TIMEOUT_S 3

struct posts *posts_new(struct event_base *base); /* NULL: out of memory */
/* What is under way fails. */
void posts_free(struct posts *posts);
/* Tells `done` once, perhaps before it returns. `posts` NULL: it fails. */
void posts_send(struct posts *posts, const struct cloud_post *post);

#endif
