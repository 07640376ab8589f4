/* test_metrics.cpp: the metrics of a worker: valid text, and a number of series that is fixed when
 * the worker starts.
 */
#include "catch.hpp"

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "live.hpp"
#include "skip.hpp"

using namespace any_queue;
using namespace working;

namespace
{

std::string metrics_of(Working &work)
{
    std::string text;
    const bool whole = slotq_worker_metrics(
        work.worker(),
        [](void *context, const char *piece, size_t bytes) {
            static_cast<std::string *>(context)->append(piece, bytes);
            return true;
        },
        &text);
    CHECK(whole);
    return text;
}

/* Series to values; checks the lines: TYPE and HELP of a family before its samples, no series
 * twice, EOF at the end. */
std::map<std::string, std::string> series_of(const std::string &text)
{
    std::map<std::string, std::string> found;
    std::set<std::string> families;
    std::istringstream lines(text);
    std::string line, family, type;
    bool ended = false;
    while (std::getline(lines, line)) {
        CHECK_FALSE(ended);
        if (line == "# EOF") {
            ended = true;
        } else if (line.compare(0, 7, "# TYPE ") == 0) {
            std::istringstream words(line.substr(7));
            words >> family >> type;
            CHECK((type == "counter" || type == "gauge"));
            CHECK(families.insert(family).second);
        } else if (line.compare(0, 7, "# HELP ") == 0) {
            CHECK(line.compare(7, family.size() + 1, family + " ") == 0);
        } else {
            const size_t value = line.rfind(' ');
            const std::string name = line.substr(0, value);
            const std::string wanted = family + (type == "counter" ? "_total" : "");
            INFO(line);
            CHECK(name.substr(0, name.find('{')) == wanted);
            CHECK(found.emplace(name, line.substr(value + 1)).second);
        }
    }
    CHECK(ended);
    CHECK(text.back() == '\n');
    return found;
}

std::string random_type(std::mt19937 &random)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    std::string type(2 + random() % 60, 'x');
    for (char &letter : type) {
        letter = letters[random() % (sizeof letters - 1)];
    }
    return type;
}

} // namespace

TEST_CASE("metrics: types that come do not add series", "[worker][metrics]")
{
    Live queue(Kind::memory, real_geometry(1001, 80));
    Live plain(Kind::memory);
    Working work;
    work.options.threads = 2;
    const Handler done = [](slotq_task *) { return slotq_result_done(); };
    work.handle("mail:send", done);
    work.handle_prefix("mail:", done);
    slotq_handler unknown = {};
    unknown.run = [](void *, slotq_task *) { return slotq_result_done(); };
    REQUIRE(slotq_mux_unknown(work.mux(), &unknown) == SLOTQ_OK);
    work.add(queue, "q");
    work.add(plain, "a \"quoted\" \\ name\nof two lines");
    work.start();
    const auto before = series_of(metrics_of(work));
    push_task(queue, "mail:send");
    push_task(queue, "mail:other");
    std::mt19937 random(1);
    constexpr int count = 100000;
    for (int pushed = 0; pushed < count;) {
        std::vector<std::string> payloads;
        std::vector<slotq_data> messages;
        for (int i = 0; i < 100; i++) {
            payloads.push_back(random_type(random) + std::string(1, '\0'));
        }
        for (const std::string &payload : payloads) {
            messages.push_back({payload.data(), static_cast<uint32_t>(payload.size())});
        }
        const slotq_outcome outcome = slotq_push_wait(queue, messages.data(), 100, 10000, nullptr);
        REQUIRE(outcome == SLOTQ_OK);
        pushed += 100;
    }
    CHECK(eventually([&] { return work.stats().done == count + 2; }));
    const auto after = series_of(metrics_of(work));
    CHECK(after.size() == before.size());
    for (const auto &one : before) {
        CHECK(after.count(one.first) == 1);
    }
    const std::string name = "slotq_worker_tasks_done_total{queue=\"q\",handler=";
    CHECK(after.at(name + "\"mail:send\"}") == "1");
    CHECK(after.at(name + "\"mail:*\"}") == "1");
    CHECK(after.at(name + "\"(unknown)\"}") == std::to_string(count));
    CHECK(after.at(name + "\"(plain)\"}") == "0");
    CHECK(after.count("slotq_worker_tasks_done_total{queue=\"a \\\"quoted\\\" \\\\ name\\nof two "
                      "lines\",handler=\"mail:send\"}") == 1);
    /* Nine families of (2 handlers and 2) times 2 queues, 5 gauges, 4 counters. */
    CHECK(after.size() == 9 * 4 * 2 + 5 + 4);
    work.stop_and_join();
    CHECK(series_of(metrics_of(work)).size() == before.size());
}

TEST_CASE("metrics: Prometheus reads them as OpenMetrics", "[worker][metrics]")
{
    if (system("command -v promtool >/dev/null") != 0) {
        support::skip("promtool (Prometheus) is not on the PATH");
    }
    Live queue(Kind::memory);
    Working work;
    work.options.threads = 1;
    work.handle_done("mail:send");
    work.add(queue, "a \"quoted\" \\ name\nof two lines");
    work.start();
    push_task(queue, "mail:send");
    CHECK(eventually([&] { return work.stats().done == 1; }));
    /* It imports samples, so each must have a time; everything else stays as it is. */
    std::istringstream lines(metrics_of(work));
    const Folder folder;
    const std::string base = folder.path();
    std::ofstream out(base + "/metrics");
    size_t samples = 0;
    for (std::string line; std::getline(lines, line);) {
        samples += line[0] != '#' ? 1 : 0;
        out << line << (line[0] != '#' ? " 1700000000\n" : "\n");
    }
    out.close();
    const std::string import = "promtool tsdb create-blocks-from openmetrics " + base +
                               "/metrics " + base + "/blocks >" + base + "/said 2>&1";
    const int imported = system(import.c_str());
    std::ifstream said(base + "/said");
    INFO(said.rdbuf());
    CHECK(imported == 0);
    CHECK(samples > 20);
}

TEST_CASE("metrics: the writer may end it", "[worker][metrics]")
{
    Live queue(Kind::memory);
    Working work;
    work.options.threads = 1;
    work.handle_done("a:b");
    work.add(queue);
    work.start();
    int calls = 0;
    CHECK_FALSE(slotq_worker_metrics(
        work.worker(),
        [](void *context, const char *, size_t) { return ++*static_cast<int *>(context) < 3; },
        &calls));
    CHECK(calls == 3);
}
