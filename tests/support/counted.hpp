/* counted.hpp: how much a test tried, as a line that `make torture` sums by its unit. Knows no
 * test and no unit.
 */
#ifndef TESTS_SUPPORT_COUNTED_HPP
#define TESTS_SUPPORT_COUNTED_HPP

#include <cstdint>
#include <iostream>

namespace support
{

/* unit: words in the plural, the same wherever the same is counted. */
inline void counted(uint64_t count, const char *unit)
{
    std::cout << "counted: " << count << " " << unit << std::endl;
}

} // namespace support

#endif
