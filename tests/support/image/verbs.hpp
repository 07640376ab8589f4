/* verbs.hpp: every verb, on bytes that may be wrong: a damaged or made-up image. What
 * is held is that each call ends within its bound, that its patches stay inside the image and off
 * the geometry, and that bytes which were sound stay so. Memory is the sanitizers' part.
 */
#ifndef TESTS_SUPPORT_IMAGE_VERBS_HPP
#define TESTS_SUPPORT_IMAGE_VERBS_HPP

#include <cstdint>
#include <string>

#include "image.hpp"

namespace support
{

/* Try all verbs once each, with ids, tokens and groups taken from the bytes and from `salt`; each
 * on what the one before left, or from the same image again when `afresh`. "" or what was broken.
 */
std::string try_all_verbs(Image &image, uint64_t now_ms, uint64_t salt, bool afresh);

} // namespace support
#endif
