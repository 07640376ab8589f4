/* checksum.c: the only file that includes xxHash, as a header, so that no library is linked.
 */
#include "checksum.h"

#include "assert.h"

#define XXH_INLINE_ALL
#define XXH_NO_LONG_LONG /* XXH32 only */
#include <xxhash.h>

uint32_t checksum_xxh32(const uint8_t *bytes, uint32_t size)
{
    SLOTQ_ASSERT(bytes != NULL);
    return XXH32(bytes, size, 0); /* NOLINT: xxhash.h asks the analyser about NULL */
}
