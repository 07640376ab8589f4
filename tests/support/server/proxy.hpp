/* proxy.hpp: stands between a client and a server on sockets, and cuts the connection, or
 * turns bits, after so many bytes of what the server says. Knows bytes; no protocol.
 */
#ifndef TESTS_SUPPORT_PROXY_HPP
#define TESTS_SUPPORT_PROXY_HPP

#include <atomic>
#include <mutex>
#include <string>
#include <thread>

class Proxy
{
public:
    /* upstream: the path of a unix socket, whose proxy lies beside it, or a port of this machine,
     * whose proxy has another port. */
    explicit Proxy(const std::string &upstream);
    ~Proxy();
    Proxy(const Proxy &) = delete;
    Proxy &operator=(const Proxy &) = delete;

    std::string url() const
    {
        return "unix://" + path_;
    }
    std::string port() const
    {
        return port_;
    }
    /* New connections go to another server from now on; those that stand, stay. */
    void lead_to(const std::string &upstream)
    {
        const std::lock_guard<std::mutex> lock(place_);
        upstream_ = upstream;
    }
    /* From now on let through so many bytes to the client, then cut, once. The server has done
     * what was passed on to it when the client is cut off. */
    void cut_after(long bytes)
    {
        budget_ = bytes;
    }
    /* From now on let so many bytes through, then one with some bits turned, once. */
    void spoil_after(long bytes, char bits)
    {
        bits_ = bits;
        budget_ = bytes;
    }
    /* From now on lose what clients say, and cut them off; or no more. */
    void lose(bool all)
    {
        loses_ = all;
    }
    /* From now on let nothing back to the client until it has said the word so many times, once. */
    void hold_until(const std::string &word, long times)
    {
        const std::lock_guard<std::mutex> lock(place_);
        word_ = word;
        said_.clear();
        held_ = times;
    }
    /* It did cut or spoil, or never had cause to: back to letting all through. True: it did. */
    bool disarm()
    {
        bits_ = 0;
        return budget_.exchange(-1) < 0;
    }

private:
    void run();
    bool pass_on(int client, int server);
    bool pass_back(int client, int server);

    std::string upstream()
    {
        const std::lock_guard<std::mutex> lock(place_);
        return upstream_;
    }

    std::mutex place_; /* upstream_, word_, said_ */
    std::string upstream_;
    std::string word_;
    std::string said_; /* the end of what the client said, in which a word may have begun */
    std::atomic<long> held_{0};
    std::string path_; /* or "" and a port */
    std::string port_;
    int listener_ = -1;
    std::atomic<bool> ends_{false};
    std::atomic<bool> loses_{false};
    std::atomic<char> bits_{0}; /* 0: cut */
    std::atomic<long> budget_{-1};
    std::thread thread_;
};

#endif
