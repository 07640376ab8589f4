/* fuzz_verbs.cpp: every verb on an arbitrary image that opens: it ends, stays inside the bytes,
 * and leaves sound what was sound. Input: 8 bytes for the arguments, 6 for the time, an overlay.
 */
#include <cstdio>
#include <cstdlib>

#include "../tests/support/image/verbs.hpp"
#include "overlay.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    constexpr size_t front = 14;
    if (size < front) {
        return 0;
    }
    const uint64_t salt = support::load(data, 8);
    const uint64_t now_ms = support::load(data + 8, 6) & SLOTQ_NOW_MS_MAX;
    size_t image_bytes;
    uint8_t *bytes = overlay_image(data + front, size - front, &image_bytes);
    slotq_view view;
    slotq_damage damage;
    if (bytes != nullptr && image_bytes < (1 << 16) &&
        slotq_core_open(&view, bytes, image_bytes, &damage) == SLOTQ_OK) {
        support::Image image(support::Bytes(bytes, image_bytes));
        const std::string fault = support::try_all_verbs(image, now_ms, salt, salt % 2 == 0);
        if (!fault.empty()) {
            std::fprintf(stderr, "%s\n", fault.c_str());
            std::abort();
        }
    }
    std::free(bytes);
    return 0;
}
