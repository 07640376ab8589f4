/* skip.hpp: a test case that cannot run here ends as skipped, with its reason. Knows no test; the
 * main function of every test binary counts and prints what was skipped.
 */
#ifndef SLOTQ_TESTS_SKIP_HPP
#define SLOTQ_TESTS_SKIP_HPP

#include <string>

namespace support
{

/* Ends the test case. Only from the thread and the process that run it. */
[[noreturn]] void skip(const std::string &reason);

} // namespace support
#endif
