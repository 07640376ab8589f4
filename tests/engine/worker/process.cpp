/* process.cpp: see process.hpp.
 */
#include "process.hpp"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catch.hpp"
#include "working.hpp"

using namespace working;

namespace
{

constexpr int INPUT = 0;
constexpr int OUTPUT = 3;
constexpr int PATIENCE_MS = 30000;
constexpr uint32_t CROWD = 4;
const char *const ROLE = "the worker of another process";

/* ---- in the process ---- */

std::atomic<uint32_t> beside{0};
int marks = -1;

/* One write a line: lines of threads do not mix. */
void say(const std::string &line)
{
    const std::string text = line + "\n";
    if (write(OUTPUT, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        _exit(3); /* the test is gone */
    }
}

std::string id_of(const slotq_task_info *info)
{
    return std::to_string(info->id);
}

std::string cron_of(const slotq_task *task)
{
    const void *name = nullptr;
    uint32_t bytes = 0;
    slotq_task_header(task, "cron", &name, &bytes);
    return std::string(static_cast<const char *>(name), bytes);
}

void rest(int ms)
{
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

void wait_until_told(slotq_task *task, uint32_t bit)
{
    while ((slotq_task_told(task) & bit) == 0) {
        rest(1);
    }
    say("told " + id_of(slotq_task_info_of(task)) + " " + std::to_string(slotq_task_told(task)));
}

void crash()
{
    ::signal(SIGABRT, SIG_DFL); /* not that of the tests */
    abort();
}

void act(slotq_task *task)
{
    const slotq_task_info *info = slotq_task_info_of(task);
    const std::string type = info->type;
    if (type == "p:short") {
        rest(5);
    } else if (type == "p:lost") {
        wait_until_told(task, SLOTQ_TOLD_LOST);
    } else if (type == "p:stopping") {
        wait_until_told(task, SLOTQ_TOLD_STOPPING);
    } else if (type == "p:confirm") {
        slotq_outcome outcome = SLOTQ_OK;
        while (outcome == SLOTQ_OK) {
            rest(1);
            outcome = slotq_task_confirm(task);
        }
        say("confirmed " + id_of(info) + " " + slotq_outcome_name(outcome));
    } else if (type == "p:beside") {
        for (int i = 0; i < 100 && beside < 2; i++) {
            rest(1);
        }
        crash();
    } else if (type == "p:crowd") {
        while (beside < CROWD) {
            rest(1);
        }
        crash();
    } else if (type == "p:neighbour") {
        for (;;) {
            rest(1000);
        }
    } else if (type == "p:exit" && info->attempts == 1) {
        exit(0);
    }
}

slotq_result run(void *, slotq_task *task)
{
    const slotq_task_info *info = slotq_task_info_of(task);
    const uint32_t now = ++beside;
    say("began " + id_of(info) + " " + std::to_string(info->attempts) + " " + std::to_string(now));
    if (info->due_ms != 0) {
        say("due " + std::to_string(info->due_ms) + " " + cron_of(task));
    }
    act(task);
    beside--;
    return slotq_result_done();
}

slotq_result run_briefly(void *, slotq_task *task)
{
    const slotq_task_info *info = slotq_task_info_of(task);
    const std::string number(static_cast<const char *>(info->body), info->body_bytes);
    std::this_thread::sleep_for(std::chrono::microseconds(100));
    const bool marked = pwrite(marks, "x", 1, std::stol(number)) == 1;
    return marked ? slotq_result_done() : slotq_result_dead(1);
}

/* Three failures for each, then done. */
void run_many(void *, slotq_task **tasks, uint32_t count, slotq_result *results)
{
    say("many " + std::to_string(count));
    for (uint32_t i = 0; i < count; i++) {
        results[i] = slotq_task_info_of(tasks[i])->attempts <= 3 ? slotq_result_retry_after(20, 1)
                                                                 : slotq_result_done();
    }
}

void settled(void *, const slotq_task_info *info, slotq_result, slotq_outcome outcome)
{
    say("settled " + id_of(info) + " " + slotq_outcome_name(outcome));
}

void on_event(void *, const slotq_event *event)
{
    const std::string id = event->task != nullptr ? id_of(event->task) : "0";
    say((event->kind == SLOTQ_EVENT_LOST ? "event LOST " : "event STUCK ") + id);
}

uint32_t number(const char *name)
{
    const char *value = getenv(name);
    return value != nullptr ? static_cast<uint32_t>(strtoul(value, nullptr, 10)) : 0;
}

void work(slotq *queue)
{
    slotq_worker *worker = nullptr;
    slotq_mux *mux = nullptr;
    slotq_handler handler = {};
    handler.run = run;
    handler.settled = settled;
    slotq_handler many = {};
    many.run_many = run_many;
    many.many_most = 10;
    many.many_wait_ms = 50;
    slotq_handler noop = {};
    noop.run = [](void *, slotq_task *) { return slotq_result_done(); };
    slotq_handler brief = {};
    brief.run = run_briefly;
    slotq_worker_options options = {};
    options.threads = number("WORK_THREADS");
    options.lease_ms = number("WORK_LEASE_MS");
    options.stop_ms = number("WORK_STOP_MS");
    options.alone_attempts = static_cast<uint8_t>(number("WORK_ALONE"));
    options.on_event = on_event;
    options.event_mask = 1u << SLOTQ_EVENT_LOST | 1u << SLOTQ_EVENT_STUCK;
    slotq_worker_queue how = {};
    how.prefetch_most = number("WORK_PREFETCH");
    how.prefetch_ms = 600000;
    REQUIRE(slotq_mux_new(&mux) == SLOTQ_OK);
    REQUIRE(slotq_mux_prefix(mux, "p:", &handler) == SLOTQ_OK);
    REQUIRE(slotq_mux_exact(mux, "many", &many) == SLOTQ_OK);
    REQUIRE(slotq_mux_exact(mux, "noop", &noop) == SLOTQ_OK);
    REQUIRE(slotq_mux_exact(mux, "brief", &brief) == SLOTQ_OK);
    REQUIRE(slotq_worker_new(mux, &options, &worker, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_worker_add_queue(worker, queue, "q", &how) == SLOTQ_OK);
    for (uint32_t i = 0; i < number("WORK_CRON"); i++) {
        const std::string name = "tick" + std::to_string(i);
        slotq_cron entry = {};
        entry.name = name.c_str();
        entry.spec = "@every 1s";
        entry.type = "p:done";
        REQUIRE(slotq_worker_add_cron(worker, queue, &entry, nullptr) == SLOTQ_OK);
    }
    if (number("WORK_SIGNALS") != 0) {
        REQUIRE(slotq_worker_catch_signals(worker) == SLOTQ_OK);
    }
    REQUIRE(slotq_worker_start(worker) == SLOTQ_OK);
    say("ready");
    char byte;
    pollfd input = {INPUT, POLLIN, 0};
    while (slotq_worker_join(worker, 0, nullptr) == SLOTQ_AGAIN) {
        if (poll(&input, 1, 20) == 1 && read(INPUT, &byte, 1) <= 0) {
            slotq_worker_stop(worker);
            break;
        }
    }
    const slotq_outcome joined = slotq_worker_join(worker, UINT64_MAX, nullptr);
    slotq_worker_stats stats;
    slotq_worker_get_stats(worker, &stats);
    say("ended " + std::to_string(stats.done) + " " + std::to_string(stats.lost));
    if (joined != SLOTQ_OK) {
        _exit(4);
    }
    REQUIRE(slotq_worker_free(worker) == SLOTQ_OK);
    slotq_mux_free(mux);
}

/* ---- in the test ---- */

std::vector<std::string> words_of(const std::string &line)
{
    std::istringstream in(line);
    std::vector<std::string> words;
    for (std::string word; in >> word;) {
        words.push_back(word);
    }
    return words;
}

std::vector<std::string> surroundings(const Live &queue, const ProcessPlan &plan)
{
    std::vector<std::string> all;
    for (char **at = environ; *at != nullptr; at++) {
        all.push_back(*at);
    }
    const std::vector<std::pair<std::string, uint32_t>> numbers = {
        {"WORK_THREADS", plan.threads},        {"WORK_LEASE_MS", plan.lease_ms},
        {"WORK_STOP_MS", plan.stop_ms},        {"WORK_ALONE", plan.alone_attempts},
        {"WORK_PREFETCH", plan.prefetch_most}, {"WORK_SIGNALS", plan.catches_signals},
        {"WORK_CRON", plan.cron_entries}};
    for (const auto &[name, value] : numbers) {
        all.push_back(name + "=" + std::to_string(value));
    }
    all.push_back("WORK_URL=" + queue.url());
    all.push_back("WORK_NAME=" + queue.name());
    all.push_back("WORK_MARKS=" + plan.marks_path);
    return all;
}

std::vector<char *> raw_of(std::vector<std::string> &texts)
{
    std::vector<char *> raw;
    for (std::string &text : texts) {
        raw.push_back(&text[0]);
    }
    raw.push_back(nullptr);
    return raw;
}

} // namespace

TEST_CASE("the worker of another process", "[.process]")
{
    const char *url = getenv("WORK_URL");
    const char *name = getenv("WORK_NAME");
    if (url == nullptr || name == nullptr) {
        return; /* not started by a test */
    }
    const char *marks_path = getenv("WORK_MARKS");
    marks = marks_path != nullptr ? open(marks_path, O_WRONLY | O_CLOEXEC) : -1;
    const rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    slotq *queue = nullptr;
    REQUIRE(slotq_open(url, name, nullptr, &queue, nullptr) == SLOTQ_OK);
    work(queue);
    slotq_close(queue);
    close(marks);
}

namespace working
{

Process::Process(const Live &queue, const ProcessPlan &plan)
{
    int in[2];
    int out[2];
    REQUIRE(pipe2(in, O_CLOEXEC) == 0);
    REQUIRE(pipe2(out, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], INPUT);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], OUTPUT);
    std::vector<std::string> arguments = {"worker", ROLE};
    std::vector<std::string> environment = surroundings(queue, plan);
    const int failed = posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr,
                                   raw_of(arguments).data(), raw_of(environment).data());
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    input_ = in[1];
    output_ = out[0];
    REQUIRE(failed == 0);
    REQUIRE(read_more()); /* ready */
}

Process::~Process()
{
    if (pid_ > 0) {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    close(input_);
    close(output_);
}

bool Process::read_more()
{
    char bytes[4096];
    pollfd output = {output_, POLLIN, 0};
    if (poll(&output, 1, PATIENCE_MS) != 1) {
        return false;
    }
    const ssize_t got = read(output_, bytes, sizeof bytes);
    if (got <= 0) {
        return false;
    }
    rest_.append(bytes, static_cast<size_t>(got));
    for (size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n')) {
        lines_.push_back(words_of(rest_.substr(0, end)));
        rest_.erase(0, end + 1);
    }
    return true;
}

std::vector<std::string> Process::next(const std::string &kind)
{
    do {
        for (size_t i = 0; i < lines_.size(); i++) {
            if (lines_[i].at(0) == kind) {
                const std::vector<std::string> words(lines_[i].begin() + 1, lines_[i].end());
                lines_.erase(lines_.begin() + static_cast<long>(i));
                return words;
            }
        }
    } while (read_more());
    return {};
}

void Process::stop()
{
    REQUIRE(kill(pid_, SIGSTOP) == 0);
    REQUIRE(waitpid(pid_, &status_, WUNTRACED) == pid_);
    REQUIRE(WIFSTOPPED(status_));
}

void Process::go_on()
{
    REQUIRE(kill(pid_, SIGCONT) == 0);
}

void Process::signal(int number)
{
    REQUIRE(kill(pid_, number) == 0);
}

bool Process::has_ended()
{
    if (pid_ > 0 && waitpid(pid_, &status_, WNOHANG) == pid_) {
        pid_ = -1;
    }
    return pid_ < 0;
}

int Process::wait()
{
    REQUIRE(eventually([&] { return has_ended(); }));
    return status_;
}

int Process::end()
{
    close(input_);
    input_ = -1;
    return wait();
}

} // namespace working
