/* waits.hpp: how often the threads of this process have gone to sleep: unlike seconds, it does not
 * depend on what else the machine does.
 */
#ifndef TESTS_ENGINE_WORKER_WAITS_HPP
#define TESTS_ENGINE_WORKER_WAITS_HPP

#include <cstdint>
#include <fstream>
#include <string>

#include <dirent.h>

#include "catch.hpp"

namespace working
{

/* Of all threads of this process: how often they gave up the processor to wait. */
inline uint64_t waits()
{
    uint64_t sum = 0;
    DIR *tasks = opendir("/proc/self/task");
    REQUIRE(tasks != nullptr);
    while (const dirent *entry = readdir(tasks)) {
        std::ifstream status(std::string("/proc/self/task/") + entry->d_name + "/status");
        std::string line;
        while (std::getline(status, line)) {
            if (line.compare(0, 24, "voluntary_ctxt_switches:") == 0) {
                sum += std::stoull(line.substr(24));
            }
        }
    }
    closedir(tasks);
    return sum;
}

} // namespace working
#endif
