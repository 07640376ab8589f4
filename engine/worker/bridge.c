/* bridge.c: a thread that waits for messages in place of the caller's loop (bridge.h). Does not
 * know what the loop does with them.
 */
#include "bridge.h"

#include <stdlib.h>

#include "keep.h"

struct loop_bridge {
    worker_queue *queue;
    slotq *handle;
    pthread_t id;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t change;
    bool is_armed;
    bool has_news;
    bool ends;
};

/* A wait that failed is news, too: the loop learns why by its own call. */
static void *bridge_main(void *argument)
{
    loop_bridge *bridge = argument;
    const uint8_t group = bridge->queue->options.group;
    pthread_mutex_lock(&bridge->lock);
    while (!bridge->ends) {
        if (!bridge->is_armed) {
            pthread_cond_wait(&bridge->change, &bridge->lock);
            continue;
        }
        pthread_mutex_unlock(&bridge->lock);
        const slotq_outcome outcome = slotq_wait(bridge->handle, group, UINT64_MAX);
        pthread_mutex_lock(&bridge->lock);
        if (bridge->is_armed) {
            bridge->is_armed = false;
            bridge->has_news = true;
            keep_ring(bridge->queue);
        } else if (outcome == SLOTQ_OK) {
            slotq_wait(bridge->handle, group, 0); /* for others that wait */
        }
    }
    pthread_mutex_unlock(&bridge->lock);
    return NULL;
}

void bridge_arm(loop_bridge *bridge)
{
    pthread_mutex_lock(&bridge->lock);
    bridge->is_armed = true;
    pthread_cond_signal(&bridge->change);
    pthread_mutex_unlock(&bridge->lock);
}

bool bridge_disarm(loop_bridge *bridge)
{
    pthread_mutex_lock(&bridge->lock);
    const bool waited = bridge->is_armed;
    const bool had_news = bridge->has_news;
    bridge->is_armed = false;
    bridge->has_news = false;
    pthread_mutex_unlock(&bridge->lock);
    if (waited || had_news) {
        slotq_interrupt(bridge->handle); /* it also wakes others, which look again */
    }
    return waited || had_news;
}

bool bridge_take_news(loop_bridge *bridge)
{
    pthread_mutex_lock(&bridge->lock);
    const bool had_news = bridge->has_news;
    bridge->has_news = false;
    pthread_mutex_unlock(&bridge->lock);
    return had_news;
}

void bridge_free(loop_bridge *bridge)
{
    if (bridge == NULL) {
        return;
    }
    if (bridge->has_thread) {
        pthread_mutex_lock(&bridge->lock);
        bridge->ends = true;
        bridge->is_armed = false;
        pthread_cond_signal(&bridge->change);
        pthread_mutex_unlock(&bridge->lock);
        slotq_interrupt(bridge->handle);
        pthread_join(bridge->id, NULL);
    }
    slotq_close(bridge->handle);
    pthread_mutex_destroy(&bridge->lock);
    pthread_cond_destroy(&bridge->change);
    free(bridge);
}

slotq_outcome bridge_new(worker_queue *queue, slotq_error *error)
{
    loop_bridge *new = calloc(1, sizeof *new);
    if (new == NULL) {
        return SLOTQ_NOMEMORY;
    }
    queue->bridge = new;
    new->queue = queue;
    pthread_mutex_init(&new->lock, NULL);
    pthread_cond_init(&new->change, NULL);
    const slotq_outcome outcome = slotq_clone(queue->given, &new->handle, error);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    sigset_t before;
    pthread_sigmask(SIG_SETMASK, &queue->worker->blocked, &before);
    new->has_thread = pthread_create(&new->id, NULL, bridge_main, new) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return new->has_thread ? SLOTQ_OK : SLOTQ_IO;
}
