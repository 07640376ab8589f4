/* redis_server.cpp: see redis_server.hpp.
 */
#include "redis_server.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "../skip.hpp"

namespace redis
{

namespace
{

constexpr uint32_t start_tries_max = 12000; /* of 5 ms: a slow machine does not fail */

void sleep_5_ms()
{
    const timespec pause = {0, 5000000};
    nanosleep(&pause, nullptr);
}

/* Writing to a server that is gone must not end the test; and a library that lets SIGPIPE through
 * must, so the signal is only kept from this one call. */
class NoPipeSignal
{
public:
    NoPipeSignal()
    {
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    ~NoPipeSignal()
    {
        const timespec at_once = {0, 0};
        if (sigismember(&before_, SIGPIPE) == 0) {
            sigtimedwait(&pipe_, nullptr, &at_once);
        }
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    NoPipeSignal(const NoPipeSignal &) = delete;
    NoPipeSignal &operator=(const NoPipeSignal &) = delete;

private:
    sigset_t pipe_;
    sigset_t before_;
};

Reply copy_of(const redisReply *from)
{
    Reply reply;
    switch (from->type) {
    case REDIS_REPLY_INTEGER:
        reply.kind = Reply::Kind::integer;
        reply.integer = from->integer;
        break;
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
    case REDIS_REPLY_STRING:
        reply.kind = from->type == REDIS_REPLY_STATUS  ? Reply::Kind::status
                     : from->type == REDIS_REPLY_ERROR ? Reply::Kind::error
                                                       : Reply::Kind::string;
        reply.text.assign(from->str, from->len);
        break;
    case REDIS_REPLY_ARRAY:
        reply.kind = Reply::Kind::array;
        for (size_t i = 0; i < from->elements; i++) {
            reply.items.push_back(copy_of(from->element[i]));
        }
        break;
    default:
        break;
    }
    return reply;
}

/* The path of redis-server; where there is none, skips. */
std::string server_program()
{
    const char *named = std::getenv("SLOTQ_REDIS_SERVER");
    if (named != nullptr) {
        return named;
    }
    const char *path = std::getenv("PATH");
    std::string left = path != nullptr ? path : "";
    while (!left.empty()) {
        const size_t end = std::min(left.find(':'), left.size());
        const std::string program = left.substr(0, end) + "/redis-server";
        if (access(program.c_str(), X_OK) == 0) {
            return program;
        }
        left.erase(0, end + 1);
    }
    if (std::getenv("CI") != nullptr) {
        throw std::runtime_error("redis-server is not on the PATH, and CI is set");
    }
    support::skip("redis-server is not on the PATH");
}

std::string new_folder()
{
    const char *where = std::getenv("TMPDIR");
    std::string path = std::string(where != nullptr ? where : "/tmp") + "/slotq-redis-XXXXXX";
    if (path.size() > 90) { /* a socket's path has 107 characters at most */
        path = "/tmp/slotq-redis-XXXXXX";
    }
    if (mkdtemp(&path[0]) == nullptr) {
        throw std::runtime_error("no folder for a server");
    }
    return path;
}

void remove_folder(const std::string &path)
{
    if (DIR *folder = opendir(path.c_str())) {
        while (const dirent *entry = readdir(folder)) {
            const std::string name = entry->d_name;
            if (name == "." || name == "..") {
                continue;
            }
            if (unlink((path + "/" + name).c_str()) != 0 && errno != ENOENT) {
                remove_folder(path + "/" + name); /* appendonlydir */
            }
        }
        closedir(folder);
    }
    rmdir(path.c_str());
}

} // namespace

/* ---- replies ---- */

std::string Reply::word() const
{
    return text.substr(0, text.find(' '));
}

std::string Reply::told() const
{
    static const char *const marks[] = {"nil", "+", "-", ":", "\"", "[", "closed: "};
    std::string told = marks[static_cast<int>(kind)];
    if (kind == Kind::integer) {
        return told + std::to_string(integer);
    }
    for (const char c : text) {
        static const char digits[] = "0123456789abcdef";
        if (c >= ' ' && c <= '~') {
            told += c;
        } else {
            told += {'\\', 'x', digits[static_cast<uint8_t>(c) / 16], digits[c & 15]};
        }
    }
    for (const Reply &item : items) {
        told += item.told() + " ";
    }
    return told + (kind == Kind::string ? "\"" : kind == Kind::array ? "]" : "");
}

/* ---- connections ---- */

Connection::Connection(const std::string &socket_path)
    : context_(redisConnectUnix(socket_path.c_str()))
{
    if (context_ == nullptr) {
        throw std::runtime_error("no memory for a connection");
    }
}

Connection::~Connection()
{
    redisFree(context_);
}

void Connection::append(const Arguments &arguments)
{
    std::vector<const char *> texts;
    std::vector<size_t> sizes;
    for (const std::string &argument : arguments) {
        texts.push_back(argument.data());
        sizes.push_back(argument.size());
    }
    redisAppendCommandArgv(context_, static_cast<int>(texts.size()), texts.data(), sizes.data());
}

Reply Connection::next()
{
    const NoPipeSignal quiet;
    void *taken = nullptr;
    Reply reply;
    if (context_->err != 0 || redisGetReply(context_, &taken) != REDIS_OK || taken == nullptr) {
        reply.kind = Reply::Kind::closed;
        reply.text = context_->errstr;
        return reply;
    }
    reply = copy_of(static_cast<const redisReply *>(taken));
    freeReplyObject(taken);
    return reply;
}

Reply Connection::command(const Arguments &arguments)
{
    append(arguments);
    return next();
}

bool Connection::send()
{
    const NoPipeSignal quiet;
    int done = 0;
    while (done == 0) {
        if (context_->err != 0 || redisBufferWrite(context_, &done) != REDIS_OK) {
            return false;
        }
    }
    return true;
}

/* ---- servers ---- */

Server::Server(const Arguments &more) : more_(more), folder_(new_folder()), owner_(getpid())
{
    make();
}

/* It writes what it learns into its file, and finds that again when it is started again. */
Server::Server(const SentinelConfig &config)
    : sentinel_(config.lines), folder_(new_folder()), owner_(getpid())
{
    std::ofstream(folder_ + "/conf") << "unixsocket " << socket_path() << "\ndir " << folder_
                                     << "\nlogfile " << folder_ << "/log\n"
                                     << sentinel_;
    make();
}

void Server::make()
{
    try {
        start();
    } catch (...) { /* no destructor comes */
        kill();
        remove_folder(folder_);
        throw;
    }
}

Server::~Server()
{
    if (getpid() == owner_) {
        kill();
        remove_folder(folder_);
    }
}

std::string module_path()
{
    const std::string path = Scripts::folder("redis7") + "/../../slotq.so";
    return access(path.c_str(), R_OK) == 0 ? path : "";
}

void Server::start()
{
    const std::string program = server_program();
    Arguments arguments = {program,        "--port",      "0",
                           "--unixsocket", socket_path(), "--dir",
                           folder_,        "--save",      "",
                           "--daemonize",  "no",          "--loglevel",
                           "notice",       "--logfile",   folder_ + "/log"};
    if (!sentinel_.empty()) {
        arguments = {program, folder_ + "/conf", "--sentinel"};
    } else if (std::getenv("SLOTQ_TEST_MODULE") != nullptr &&
               std::find(more_.begin(), more_.end(), "--loadmodule") == more_.end()) {
        arguments.insert(arguments.end(), {"--loadmodule", module_path()});
    }
    arguments.insert(arguments.end(), more_.begin(), more_.end());
    std::vector<char *> raw;
    for (std::string &argument : arguments) {
        raw.push_back(&argument[0]);
    }
    raw.push_back(nullptr);
    unlink(socket_path().c_str());
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(127);
        }
        const int nowhere = open("/dev/null", O_RDWR);
        dup2(nowhere, 0);
        dup2(nowhere, 1);
        dup2(nowhere, 2);
        execv(program.c_str(), raw.data());
        _exit(127);
    }
    for (uint32_t i = 0; i < start_tries_max; i++) {
        if (answers()) {
            return;
        }
        sleep_5_ms();
    }
    throw std::runtime_error("redis-server does not answer: " + log());
}

bool Server::answers()
{
    int how = 0;
    if (waitpid(pid_, &how, WNOHANG) == pid_) {
        pid_ = -1;
        throw std::runtime_error("redis-server does not start: " + log());
    }
    const Reply reply = command({"PING"});
    return reply.is_status("PONG") || reply.word() == "-NOAUTH" || reply.word() == "NOAUTH";
}

void Server::kill()
{
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
}

void Server::stop()
{
    int how = 0;
    if (::kill(pid_, SIGSTOP) != 0 || waitpid(pid_, &how, WUNTRACED) != pid_ || !WIFSTOPPED(how)) {
        throw std::runtime_error("redis-server cannot be stopped");
    }
}

void Server::go_on()
{
    ::kill(pid_, SIGCONT);
}

std::unique_ptr<Connection> Server::connect() const
{
    return std::unique_ptr<Connection>(new Connection(socket_path()));
}

Reply Server::command(const Arguments &arguments)
{
    return connect()->command(arguments);
}

std::string Server::log() const
{
    std::ifstream in(folder_ + "/log");
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    return text.substr(text.size() - std::min<size_t>(text.size(), 2000));
}

Server &shared_server()
{
    static Server server;
    return server;
}

Server &module_server()
{
    if (module_path().empty()) {
        support::skip("the module is not built: make module");
    }
    static Server server({"--loadmodule", module_path()});
    return server;
}

/* ---- scripts ---- */

std::string Scripts::folder(const std::string &named)
{
    const std::string variant = named == "module" ? "redis7" : named;
    const char *out = std::getenv("OUT");
    const std::string source = SLOTQ_SOURCE_DIR;
    const std::string wanted = source + "/" + (out != nullptr ? out : "build") + "/lua/" + variant;
    return access(wanted.c_str(), R_OK) == 0 ? wanted : source + "/build/lua/" + variant;
}

std::string Scripts::text(const std::string &variant, const std::string &name)
{
    std::ifstream in(folder(variant) + "/" + name + ".lua", std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

std::vector<std::string> script_names(const std::string &variant)
{
    std::vector<std::string> names;
    if (DIR *folder = opendir(Scripts::folder(variant).c_str())) {
        while (const dirent *entry = readdir(folder)) {
            const std::string name = entry->d_name;
            if (name.size() > 4 && name.substr(name.size() - 4) == ".lua") {
                names.push_back(name.substr(0, name.size() - 4));
            }
        }
        closedir(folder);
    }
    std::sort(names.begin(), names.end());
    return names;
}

Scripts::Scripts(Connection &connection, const std::string &variant)
    : connection_(connection), variant_(variant)
{
    load();
}

/* The tests of scripts, run once more on the library of functions. */
static bool wants_functions(const std::string &variant)
{
    return variant == "redis7" && std::getenv("SLOTQ_TEST_FUNCTIONS") != nullptr;
}

/* The same once more on the commands of the module. */
static bool wants_module(const std::string &variant)
{
    return variant == "module" || (variant == "redis7" && std::getenv("SLOTQ_TEST_MODULE"));
}

void Scripts::load_functions()
{
    std::ifstream file(folder(variant_) + "/../slotq.functions.lua", std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const Reply reply = connection_.command({"FUNCTION", "LOAD", "REPLACE", text});
    if (reply.kind != Reply::Kind::string) {
        throw std::runtime_error("the server refuses the functions: " + reply.told());
    }
    for (const std::string &name : script_names(variant_)) {
        hashes_[name] = reply.text + "_" + name;
    }
}

void Scripts::load()
{
    if (wants_functions(variant_)) {
        load_functions();
        return;
    }
    for (const std::string &name : script_names(variant_)) {
        const Reply reply = connection_.command({"SCRIPT", "LOAD", text(variant_, name)});
        if (reply.kind != Reply::Kind::string) {
            throw std::runtime_error("the server refuses script " + name + ": " + reply.told());
        }
        hashes_[name] = reply.text;
        if (wants_module(variant_)) { /* some are scripts only */
            const Reply known = connection_.command({"COMMAND", "INFO", "SLOTQ." + name + ".AT"});
            if (!known.items.at(0).items.empty()) {
                in_module_.insert(name);
            }
        }
    }
}

std::vector<std::string> Scripts::names() const
{
    std::vector<std::string> names;
    for (const auto &entry : hashes_) {
        names.push_back(entry.first);
    }
    return names;
}

Arguments Scripts::call(const std::string &name, const std::string &key,
                        const Arguments &arguments) const
{
    const auto found = hashes_.find(name);
    if (found == hashes_.end()) {
        throw std::runtime_error("no script " + name + " in " + folder(variant_));
    }
    Arguments command = {wants_functions(variant_) ? "FCALL" : "EVALSHA", found->second, "1", key};
    command = in_module_.count(name) != 0 ? Arguments{"SLOTQ." + name + ".AT", key} : command;
    command.insert(command.end(), arguments.begin(), arguments.end());
    return command;
}

Reply Scripts::run(const std::string &name, const std::string &key, const Arguments &arguments)
{
    return connection_.command(call(name, key, arguments));
}

std::string free_port()
{
    sockaddr_in place = {};
    socklen_t size = sizeof place;
    place.sin_family = AF_INET;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto *general = reinterpret_cast<sockaddr *>(&place);
    const int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool is_bound =
        bind(made, general, sizeof place) == 0 && getsockname(made, general, &size) == 0;
    close(made);
    if (!is_bound) {
        throw std::runtime_error("no free port");
    }
    return std::to_string(ntohs(place.sin_port));
}

} // namespace redis
