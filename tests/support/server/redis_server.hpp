/* redis_server.hpp: a redis-server of the test's own (a folder, a unix socket, no port), its
 * replies as values, and the bundled scripts loaded into it. Never touches another server;
 * knows no queue.
 */
#ifndef TESTS_SUPPORT_REDIS_SERVER_HPP
#define TESTS_SUPPORT_REDIS_SERVER_HPP

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <sys/types.h>

struct redisContext;
struct redisReply;

namespace redis
{

using Arguments = std::vector<std::string>;

/* What a server answered, copied out. */
struct Reply {
    enum class Kind { nil, status, error, integer, string, array, closed };

    Kind kind = Kind::nil;
    int64_t integer = 0;
    std::string text; /* status, error, string; closed: why */
    std::vector<Reply> items;

    bool is_error() const
    {
        return kind == Kind::error || kind == Kind::closed;
    }
    bool is_integer(int64_t wanted) const
    {
        return kind == Kind::integer && integer == wanted;
    }
    bool is_status(const std::string &wanted) const
    {
        return kind == Kind::status && text == wanted;
    }
    std::string word() const; /* up to the first space: an error's code */
    std::string told() const; /* for people, one line */
};

/* One connection. Binary arguments; a closed one answers Kind::closed. */
class Connection
{
public:
    explicit Connection(const std::string &socket_path);
    ~Connection();
    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;

    Reply command(const Arguments &arguments);
    void append(const Arguments &arguments); /* sent with the next reply that is asked for */
    Reply next();
    bool send(); /* what was appended, without waiting for a reply */

private:
    redisContext *context_;
};

/* The lines of a Sentinel's configuration, without its socket, folder and log. */
struct SentinelConfig {
    std::string lines;
};

/* Made: started. Where no redis-server is installed, that skips the test case; with CI set, it
 * fails. */
class Server
{
public:
    explicit Server(const Arguments &more = {});
    explicit Server(const SentinelConfig &config);
    ~Server();
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;

    std::string socket_path() const
    {
        return folder_ + "/s";
    }
    std::string url() const
    {
        return "unix://" + socket_path();
    }
    const std::string &folder() const
    {
        return folder_;
    }
    pid_t pid() const
    {
        return pid_;
    }
    void kill();  /* SIGKILL, and reaped */
    void start(); /* again, on what it left in its folder */
    void stop();  /* returns when it has stopped */
    void go_on();
    std::unique_ptr<Connection> connect() const;
    Reply command(const Arguments &arguments); /* on a separate connection */
    std::string log() const;

private:
    bool answers();
    void make();

    Arguments more_;
    std::string sentinel_; /* its configuration; "" = a server */
    std::string folder_;
    pid_t pid_ = -1;
    pid_t owner_ = -1; /* a forked child of the test must not end it */
};

/* One server for all tests of a binary that do not bend it. */
Server &shared_server();

/* The module; "" where it is not built. */
std::string module_path();

/* A server with the module; where that is not built, skips. */
Server &module_server();

/* The bundled scripts of a variant, plain or redis7, loaded by SCRIPT LOAD; of the variant module,
 * its commands with the words of the scripts. */
class Scripts
{
public:
    Scripts(Connection &connection, const std::string &variant);

    bool has(const std::string &name) const
    {
        return hashes_.count(name) != 0;
    }
    std::vector<std::string> names() const;
    bool are_of_module() const
    {
        return !in_module_.empty();
    }
    Arguments call(const std::string &name, const std::string &key,
                   const Arguments &arguments) const; /* the EVALSHA command */
    Arguments call_of_two(const std::string &name, const std::string &first,
                          const std::string &second, const Arguments &arguments) const
    {
        Arguments command = call(name, first, arguments);
        const bool is_command = in_module_.count(name) != 0;
        if (!is_command) {
            command[2] = "2"; /* keys of EVALSHA */
        }
        command.insert(command.begin() + (is_command ? 2 : 4), second);
        return command;
    }
    Reply run(const std::string &name, const std::string &key, const Arguments &arguments);
    void load(); /* again, after SCRIPT FLUSH */

    static std::string folder(const std::string &variant);
    static std::string text(const std::string &variant, const std::string &name);

private:
    void load_functions();

    Connection &connection_;
    std::string variant_;
    std::map<std::string, std::string> hashes_;
    std::set<std::string> in_module_; /* what is called as a command */
};

/* What a script file holds in a folder, by name without .lua. */
std::vector<std::string> script_names(const std::string &variant);

/* A port of loopback that was free a moment ago; the kernel chose it. */
std::string free_port();

} // namespace redis
#endif
