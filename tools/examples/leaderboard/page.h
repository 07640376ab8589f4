/* page.h: one page of a board of coins: by one script, and by two commands as most programs do it.
 * Knows the keys of the board; must not know what makes a page wrong.
 */
#ifndef EXAMPLES_LEADERBOARD_PAGE_H
#define EXAMPLES_LEADERBOARD_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <slotq_redis.h>

#define PAGE_BOARD "{coins}:by-change"   /* a sorted set: coin, change in 0.01 % */
#define PAGE_VOLUMES "{coins}:by-volume" /* a sorted set: coin, volume: another rank */
#define PAGE_DETAILS "{coins}:details"   /* a hash: coin, "change price volume" */

enum { PAGE_SIZE_MAX = 100, PAGE_COIN_BYTES = 16 };

typedef struct page_query {
    int32_t min; /* change, both ends included */
    int32_t max;
    uint32_t offset;
    uint32_t size;  /* 1 to PAGE_SIZE_MAX */
    bool ascending; /* order of change; equal ones by name */
    uint32_t top;   /* only coins among so many of the largest volume; 0: all */
} page_query;

typedef struct page_row {
    char coin[PAGE_COIN_BYTES];
    int32_t change;
    int64_t price;
    int64_t volume;
} page_row;

typedef struct page {
    page_row rows[PAGE_SIZE_MAX];
    uint32_t count;
    int64_t total; /* coins that the query finds, on the first page; later pages: -1 */
} page;

/* Read the details of a coin, "change price volume", into its row. Exits with 1 if they are not. */
void page_read_details(const char *coin, const char *details, page_row *row);

/* The script that reads a page; NULL if memory is out. */
slotq_script *page_script(void);

/* Both exit with 1 if the server fails. page_by_commands has no top and no total. */
void page_by_script(slotq_script *script, struct redisContext *context, const page_query *query,
                    page *found);
void page_by_commands(struct redisContext *context, const page_query *query, page *found);

#endif
