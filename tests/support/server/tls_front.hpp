/* tls_front.hpp: speaks TLS to clients in front of a server on a unix socket, and does what a
 * server seldom does: many replies in one record, and new keys in the middle. Knows bytes; no
 * protocol.
 */
#ifndef TESTS_SUPPORT_TLS_FRONT_HPP
#define TESTS_SUPPORT_TLS_FRONT_HPP

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <openssl/ssl.h>

class TlsFront
{
public:
    explicit TlsFront(const std::string &upstream, int version_max = TLS1_3_VERSION);
    ~TlsFront();
    TlsFront(const TlsFront &) = delete;
    TlsFront &operator=(const TlsFront &) = delete;

    std::string port() const
    {
        return port_;
    }
    /* Keep what the server says until there are so many bytes, then send it in one record. */
    void gather(size_t bytes)
    {
        gather_ = bytes;
    }
    /* Renew the keys before each record from now on, and ask the client to do so too. */
    void renew_keys(bool always)
    {
        renews_ = always;
    }
    /* How often a client has renewed its keys, or said what cannot be decrypted. */
    long renewed() const
    {
        return renewed_;
    }
    long broken() const
    {
        return broken_;
    }

private:
    void accept_all();
    void serve(int client);
    bool pass_on(SSL *ssl, int server);
    bool pass_back(SSL *ssl, int server, std::string &gathered);
    static void look(int is_write, int version, int type, const void *bytes, size_t size, SSL *ssl,
                     void *front);

    std::string upstream_;
    std::string port_;
    SSL_CTX *context_;
    int listener_ = -1;
    std::atomic<bool> ends_{false};
    std::atomic<bool> renews_{false};
    std::atomic<size_t> gather_{1};
    std::atomic<long> renewed_{0};
    std::atomic<long> broken_{0};
    std::vector<std::thread> clients_; /* of the accepting thread */
    std::thread thread_;
};

#endif
