/* liar.hpp: a port of loopback that answers each command with bytes of the test's choice: what no
 * real server says, or says rarely. Knows how commands are written; no reply.
 */
#ifndef TESTS_SUPPORT_LIAR_HPP
#define TESTS_SUPPORT_LIAR_HPP

#include <atomic>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

class Liar
{
public:
    using Words = std::vector<std::string>;
    /* What is said to a command; "" ends the connection. */
    using Answer = std::function<std::string(const Words &)>;

    explicit Liar(Answer answer) : answer_(std::move(answer))
    {
        sockaddr_in place = {};
        socklen_t size = sizeof place;
        place.sin_family = AF_INET;
        place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        listener_ = socket(AF_INET, SOCK_STREAM, 0);
        if (bind(listener_, reinterpret_cast<const sockaddr *>(&place), size) != 0 ||
            listen(listener_, 16) != 0 ||
            getsockname(listener_, reinterpret_cast<sockaddr *>(&place), &size) != 0) {
            throw std::runtime_error("no port of loopback");
        }
        port_ = std::to_string(ntohs(place.sin_port));
        thread_ = std::thread([this] { run(); });
    }
    ~Liar()
    {
        ends_ = true;
        thread_.join();
        close(listener_);
    }
    Liar(const Liar &) = delete;
    Liar &operator=(const Liar &) = delete;

    std::string port() const
    {
        return port_;
    }
    std::string url() const
    {
        return "redis://127.0.0.1:" + port_;
    }
    /* Commands that came. */
    int heard() const
    {
        return heard_;
    }
    /* Of these the ones whose answer is on its way as a whole. */
    int answered() const
    {
        return answered_;
    }

private:
    struct Peer {
        int fd;
        std::string said;
    };

    /* The next whole command of what was said is cut off; empty: there is none. */
    static Words next(std::string &said)
    {
        Words words;
        size_t at = said.find("\r\n");
        const int count = at == std::string::npos ? 0 : atoi(said.c_str() + 1);
        for (int i = 0; i < count; i++) {
            const size_t begin = at + 2;
            const size_t line = said.find("\r\n", begin);
            if (line == std::string::npos) {
                return {};
            }
            const size_t length = static_cast<size_t>(atoi(said.c_str() + begin + 1));
            at = line + 2 + length;
            if (said.size() < at + 2) {
                return {};
            }
            words.push_back(said.substr(line + 2, length));
        }
        if (count > 0) {
            said.erase(0, at + 2);
        }
        return words;
    }

    /* false: the connection ends. */
    bool serve(Peer &peer)
    {
        char bytes[4096];
        const ssize_t got = recv(peer.fd, bytes, sizeof bytes, 0);
        if (got <= 0) {
            return false;
        }
        peer.said.append(bytes, static_cast<size_t>(got));
        for (Words words = next(peer.said); !words.empty(); words = next(peer.said)) {
            heard_++;
            const std::string answer = answer_(words);
            if (answer.empty()) {
                return false;
            }
            const ssize_t sent = send(peer.fd, answer.data(), answer.size(), MSG_NOSIGNAL);
            answered_ += sent == static_cast<ssize_t>(answer.size()) ? 1 : 0;
        }
        return true;
    }

    void run()
    {
        std::vector<Peer> peers;
        while (!ends_) {
            std::vector<pollfd> waited = {{listener_, POLLIN, 0}};
            for (const Peer &peer : peers) {
                waited.push_back({peer.fd, POLLIN, 0});
            }
            (void)poll(waited.data(), waited.size(), 5);
            for (size_t i = waited.size() - 1; i > 0; i--) {
                if (waited[i].revents != 0 && !serve(peers[i - 1])) {
                    close(peers[i - 1].fd);
                    peers.erase(peers.begin() + static_cast<long>(i) - 1);
                }
            }
            if (waited[0].revents != 0) {
                peers.push_back({accept(listener_, nullptr, nullptr), ""});
            }
        }
        for (const Peer &peer : peers) {
            close(peer.fd);
        }
    }

    Answer answer_;
    int listener_ = -1;
    std::string port_;
    std::atomic<bool> ends_{false};
    std::atomic<int> heard_{0};
    std::atomic<int> answered_{0};
    std::thread thread_;
};

#endif
