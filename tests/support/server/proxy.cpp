/* proxy.cpp: see proxy.hpp. One thread, any number of clients.
 */
#include "proxy.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace
{

/* The address of a unix socket, or of a port of this machine. */
struct Place {
    sockaddr_storage address = {};
    socklen_t size = 0;

    explicit Place(const std::string &where)
    {
        if (where[0] == '/') {
            auto *local = reinterpret_cast<sockaddr_un *>(&address);
            local->sun_family = AF_UNIX;
            where.copy(local->sun_path, sizeof local->sun_path - 1);
            size = sizeof *local;
        } else {
            auto *network = reinterpret_cast<sockaddr_in *>(&address);
            network->sin_family = AF_INET;
            network->sin_port = htons(static_cast<uint16_t>(std::stoul(where)));
            network->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            size = sizeof *network;
        }
    }
    const sockaddr *get() const
    {
        return reinterpret_cast<const sockaddr *>(&address);
    }
    int new_socket() const
    {
        return socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    }
};

/* On a unix socket it fails, and is not needed. */
int at_once(int made)
{
    const int on = 1;
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return made;
}

int connect_to(const std::string &where)
{
    const Place place(where);
    const int made = place.new_socket();
    if (connect(made, place.get(), place.size) != 0) {
        close(made);
        return -1;
    }
    return at_once(made);
}

/* The server does all that was passed on to it, and closes. If it were cut off at once, it would
 * leave the rest when it cannot write a reply. */
void let_end(int server)
{
    enum { PATIENCE_MS = 5000 };
    char bytes[65536];
    pollfd waited = {server, POLLIN, 0};
    shutdown(server, SHUT_WR);
    while (poll(&waited, 1, PATIENCE_MS) > 0 && recv(server, bytes, sizeof bytes, 0) > 0) {
    }
}

} // namespace

Proxy::Proxy(const std::string &upstream)
    : upstream_(upstream), path_(upstream[0] == '/' ? upstream + "-proxy" : "")
{
    const Place place(path_.empty() ? "0" : path_);
    listener_ = place.new_socket();
    if (!path_.empty()) {
        unlink(path_.c_str());
    }
    sockaddr_in given = {};
    socklen_t size = sizeof given;
    if (bind(listener_, place.get(), place.size) != 0 || listen(listener_, 16) != 0) {
        throw std::runtime_error("no proxy of " + upstream);
    }
    if (path_.empty() && getsockname(listener_, reinterpret_cast<sockaddr *>(&given), &size) == 0) {
        port_ = std::to_string(ntohs(given.sin_port));
    }
    thread_ = std::thread([this] { run(); });
}

Proxy::~Proxy()
{
    ends_ = true;
    thread_.join();
    close(listener_);
    if (!path_.empty()) {
        unlink(path_.c_str());
    }
}

bool Proxy::pass_on(int client, int server)
{
    char bytes[65536];
    const ssize_t got = recv(client, bytes, sizeof bytes, 0);
    if (got <= 0 || loses_) {
        return false;
    }
    const bool went = send(server, bytes, static_cast<size_t>(got), MSG_NOSIGNAL) == got;
    if (held_ > 0) {
        const std::lock_guard<std::mutex> lock(place_);
        said_.append(bytes, static_cast<size_t>(got));
        for (size_t at = said_.find(word_); at != std::string::npos; at = said_.find(word_)) {
            said_.erase(0, at + word_.size());
            held_--;
        }
        said_.erase(0, said_.size() - std::min(said_.size(), word_.size() - 1));
    }
    return went;
}

bool Proxy::pass_back(int client, int server)
{
    char bytes[65536];
    const ssize_t got = recv(server, bytes, sizeof bytes, 0);
    if (got <= 0) {
        return false;
    }
    const long budget = budget_;
    long passed = budget >= 0 && budget < got ? budget : got;
    if (budget >= 0) {
        budget_ = passed < got ? -1 : budget - got;
    }
    if (passed < got && bits_ != 0) {
        bytes[passed] = static_cast<char>(bytes[passed] ^ bits_);
        passed = got;
    }
    if (passed < got) {
        let_end(server);
    }
    return send(client, bytes, static_cast<size_t>(passed), MSG_NOSIGNAL) == got;
}

void Proxy::run()
{
    std::vector<std::pair<int, int>> pairs; /* client, server */
    while (!ends_) {
        std::vector<pollfd> waited = {{listener_, POLLIN, 0}};
        for (const auto &[client, server] : pairs) {
            waited.push_back({client, POLLIN, 0});
            waited.push_back({server, static_cast<short>(held_ > 0 ? 0 : POLLIN), 0});
        }
        if (poll(waited.data(), waited.size(), 20) <= 0) {
            continue;
        }
        for (size_t i = pairs.size(); i-- > 0;) {
            const auto [client, server] = pairs[i];
            const bool on = waited[2 * i + 1].revents == 0 || pass_on(client, server);
            const bool back = waited[2 * i + 2].revents == 0 || pass_back(client, server);
            if (!on || !back) {
                close(client);
                close(server);
                pairs.erase(pairs.begin() + static_cast<long>(i));
            }
        }
        if (waited[0].revents != 0) {
            const int client = at_once(accept(listener_, nullptr, nullptr));
            const int server = connect_to(upstream());
            if (client >= 0 && server >= 0) {
                pairs.emplace_back(client, server);
            } else {
                close(client);
                close(server);
            }
        }
    }
    for (const auto &[client, server] : pairs) {
        close(client);
        close(server);
    }
}
