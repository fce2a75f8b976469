/* Unicorn 2.0 (Debian 12) takes for each store of a program a tree of page locks, which lock
 * nothing there: a third of a twin's time. Later releases left that out. The functions are public
 * symbols of its library, and a program's own come before these: here they do nothing.
 *
 * A library that has no such functions does not see these. */
#include "twin/private.h"

void *page_collection_lock_arm(void *engine, uint64_t start, uint64_t end);
void page_collection_unlock_arm(void *set);

void *page_collection_lock_arm(void *engine, uint64_t start, uint64_t end)
{
    (void)engine;
    (void)start;
    (void)end;
    return NULL;
}

void page_collection_unlock_arm(void *set)
{
    (void)set;
}
