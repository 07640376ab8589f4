/* split_table.c: see split_table.h.
 */
#include "split_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "split.h"

#define TABLE_CENTS UINT64_C(100000)

/* Small sums, where cutting to the cent matters most: nothing is lost, no share is empty. */
static bool are_small_splits_right(void)
{
    char refusal[SPLIT_REFUSAL_BYTES];
    uint64_t split[20];
    bool holds = true;
    for (uint32_t count = 2; count <= 20; count++) {
        for (uint32_t i = 0; i < 99u * 100u; i++) {
            const uint64_t cents = count + i % 100;
            uint64_t sum = 0;
            holds = split_envelope(cents, count, 1 + i / 100, split, refusal) && holds;
            for (uint32_t k = 0; k < count; k++) {
                holds = split[k] >= 1 && split[k] <= cents && holds;
                sum += split[k];
            }
            holds = sum == cents && holds;
        }
    }
    return holds;
}

static void print_shares(const uint64_t *split, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        printf(" %3" PRIu64 ".%02" PRIu64, split[i] / 100, split[i] % 100);
    }
    printf("\n");
}

bool split_table_show(void)
{
    static const uint32_t rates[] = {50, 60, 70, 80, 90, 99};
    static const uint64_t row_of_70[] = {3000,  4111,  5222,  6333,  7444,
                                         12556, 13667, 14778, 15889, 17000};
    static const uint64_t refused[][3] = {
        {9, 10, 70}, {1000, 10, 0}, {1000, 10, 100}, {1000, 1, 70}};
    char refusal[SPLIT_REFUSAL_BYTES];
    uint64_t split[10];
    bool holds = true;
    printf("1000.00 for 10 users, by rate\n");
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        uint64_t sum = 0;
        holds = split_envelope(TABLE_CENTS, 10, rates[i], split, refusal) && holds;
        printf("  %2" PRIu32 " %%", rates[i]);
        print_shares(split, 10);
        for (size_t k = 0; k < 10; k++) {
            sum += split[k];
        }
        holds = sum == TABLE_CENTS && holds;
        holds = (rates[i] != 70 || memcmp(split, row_of_70, sizeof split) == 0) && holds;
    }
    holds = split_envelope(1000, 3, 70, split, refusal) && split[0] == 101 && split[1] == 333 &&
            split[2] == 566 && holds;
    printf("  10.00 for 3 users, 70 %%:");
    print_shares(split, 3);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        holds = !split_envelope(refused[i][0], (uint32_t)refused[i][1], (uint32_t)refused[i][2],
                                split, refusal) &&
                holds;
        printf("  refused: %s\n", refusal);
    }
    return are_small_splits_right() && holds;
}
