// main.cpp: the main function of every test binary, and the sum of its test cases as the last
// line: passed, failed, and skipped with a reason. Knows no test; compiled once, since it carries
// the whole of Catch2 when that is the single header.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#define CATCH_CAN_SKIP 1
#else
#define CATCH_CONFIG_RUNNER
#define CATCH_CONFIG_DEFAULT_REPORTER "cases"
#include <catch2/catch.hpp>
#define CATCH_CAN_SKIP 0
#endif

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include "skip.hpp"

namespace
{

std::string skip_reason; // of the running test case; empty: not skipped

struct {
    uint64_t passed, failed, skipped;
} sum;

} // namespace

void support::skip(const std::string &reason)
{
    skip_reason = reason;
#if CATCH_CAN_SKIP
    SKIP(reason);
    std::abort(); // SKIP does not return, but its declaration does not say so
#else
    throw Catch::TestFailureException(); // ends the test case and fails nothing
#endif
}

namespace
{

// The generation with SKIP counts what was skipped in its own summary. The older one counts it as
// passed, so there the summary is corrected before it is printed.
#if CATCH_CAN_SKIP
using Base = Catch::EventListenerBase;
const std::string &name_of(const Catch::TestCaseInfo *test)
{
    return test->name;
}
#else
using Base = Catch::ConsoleReporter;
const std::string &name_of(const Catch::TestCaseInfo &test)
{
    return test.name;
}
#endif

class Cases : public Base
{
public:
    using Base::Base;

    static std::string getDescription()
    {
        return "Catch2's console report, then the sum: passed, failed, skipped";
    }

    void testCaseStarting(const Catch::TestCaseInfo &test) override
    {
        skip_reason.clear();
        Base::testCaseStarting(test);
    }

    void testCaseEnded(const Catch::TestCaseStats &stats) override
    {
        Base::testCaseEnded(stats);
        if (stats.totals.testCases.failed > 0) {
            sum.failed++;
        } else if (!skip_reason.empty()) {
            sum.skipped++;
            std::cout << "skipped: " << name_of(stats.testInfo) << ": " << skip_reason << std::endl;
        } else {
            sum.passed++;
        }
    }

    void testRunEnded(const Catch::TestRunStats &stats) override
    {
        Catch::TestRunStats corrected = stats;
#if !CATCH_CAN_SKIP
        corrected.totals.testCases.passed -= sum.skipped;
#endif
        Base::testRunEnded(corrected);
    }
};

#if CATCH_CAN_SKIP
CATCH_REGISTER_LISTENER(Cases)
#else
CATCH_REGISTER_REPORTER("cases", Cases)
#endif

constexpr int all_skipped = 4; // the exit code of the generation with SKIP

// SLOTQ_PART=i/n: each n-th of the chosen test cases, from number i on. Processes that these start
// do not have it.
struct Part {
    unsigned index = 0;
    unsigned count = 1;
};

Part part_wanted()
{
    Part part;
    if (const char *text = std::getenv("SLOTQ_PART")) {
        char *end = nullptr;
        part.index = static_cast<unsigned>(std::strtoul(text, &end, 10));
        part.count = *end == '/' ? static_cast<unsigned>(std::strtoul(end + 1, nullptr, 10)) : 0;
        if (part.index >= part.count) {
            std::cerr << "SLOTQ_PART is " << text << "; it must be I/N, I from 0 to N - 1\n";
            std::exit(2);
        }
        unsetenv("SLOTQ_PART");
    }
    return part;
}

// True: there are some.
#if CATCH_CAN_SKIP
bool choose(Catch::Session &session, const Part &part)
{
    session.configData().shardIndex = part.index;
    session.configData().shardCount = part.count;
    session.configData().allowZeroTests = part.count > 1;
    return true;
}
#else
std::string escaped(const std::string &name)
{
    std::string escaped;
    for (const char c : name) {
        escaped += std::string(c == ',' || c == '[' || c == '"' || c == '\\' ? "\\" : "") + c;
    }
    return escaped;
}

bool choose(Catch::Session &session, const Part &part)
{
    const Catch::Config &config = session.config();
    std::string chosen;
    unsigned number = 0;
    for (const Catch::TestCase &test :
         Catch::filterTests(Catch::getAllTestCasesSorted(config), config.testSpec(), config)) {
        if ((config.hasTestFilters() || !test.isHidden()) && number++ % part.count == part.index) {
            chosen += (chosen.empty() ? "" : ",") + escaped(test.name);
        }
    }
    Catch::ConfigData data = session.configData();
    data.testsOrTags = {chosen};
    session.useConfigData(data);
    return !chosen.empty();
}
#endif

} // namespace

int main(int argc, char **argv)
{
    Catch::Session session;
    const Part part = part_wanted();
    int code = session.applyCommandLine(argc, argv);
    if (code == 0 && (part.count == 1 || choose(session, part))) {
        code = session.run();
    }
    if (sum.passed + sum.failed + sum.skipped > 0 || part.count > 1) {
        std::cout << sum.passed << " passed, " << sum.failed << " failed";
        if (sum.skipped > 0) {
            std::cout << ", " << sum.skipped << " skipped";
        }
        std::cout << std::endl;
    }
    const bool only_skipped = sum.skipped > 0 && sum.passed + sum.failed == 0;
    return only_skipped && code == all_skipped ? 0 : code;
}
