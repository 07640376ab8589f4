/* tls_front.cpp: see tls_front.hpp. A thread for each client, as an SSL belongs to one thread.
 */
#include "tls_front.hpp"

#include <stdexcept>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tls_server.hpp"

namespace
{

bool waits(const SSL *ssl, int result)
{
    const int error = SSL_get_error(ssl, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

void pause_for(SSL *ssl)
{
    pollfd waited = {SSL_get_fd(ssl), POLLIN | POLLOUT, 0};
    poll(&waited, 1, 20);
}

} // namespace

TlsFront::TlsFront(const std::string &upstream, int version_max)
    : upstream_(upstream), context_(SSL_CTX_new(TLS_server_method()))
{
    const redis::Certificates &files = redis::Certificates::shared();
    sockaddr_in place = {};
    socklen_t size = sizeof place;
    auto *general = reinterpret_cast<sockaddr *>(&place);
    place.sin_family = AF_INET;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (SSL_CTX_use_certificate_chain_file(context_, files.path("server.pem").c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(context_, files.path("server.key").c_str(), SSL_FILETYPE_PEM) !=
            1 ||
        SSL_CTX_set_max_proto_version(context_, version_max) != 1 ||
        bind(listener_, general, size) != 0 || getsockname(listener_, general, &size) != 0 ||
        listen(listener_, 16) != 0) {
        throw std::runtime_error("no TLS in front of " + upstream);
    }
    SSL_CTX_set_msg_callback(context_, look);
    SSL_CTX_set_msg_callback_arg(context_, this);
    port_ = std::to_string(ntohs(place.sin_port));
    thread_ = std::thread([this] { accept_all(); });
}

TlsFront::~TlsFront()
{
    ends_ = true;
    thread_.join();
    for (std::thread &client : clients_) {
        client.join();
    }
    close(listener_);
    SSL_CTX_free(context_);
}

void TlsFront::look(int is_write, int, int type, const void *bytes, size_t size, SSL *, void *front)
{
    const bool is_key_update = type == SSL3_RT_HANDSHAKE && size > 0 &&
                               *static_cast<const uint8_t *>(bytes) == SSL3_MT_KEY_UPDATE;
    static_cast<TlsFront *>(front)->renewed_ += is_write == 0 && is_key_update;
}

void TlsFront::accept_all()
{
    while (!ends_) {
        pollfd waited = {listener_, POLLIN, 0};
        if (poll(&waited, 1, 20) > 0) {
            const int client = accept(listener_, nullptr, nullptr);
            clients_.emplace_back([this, client] { serve(client); });
        }
    }
}

bool TlsFront::pass_on(SSL *ssl, int server)
{
    char bytes[16384];
    ERR_clear_error();
    const int got = SSL_read(ssl, bytes, sizeof bytes);
    if (got <= 0) {
        const bool later = waits(ssl, got);
        const int reason = ERR_GET_REASON(ERR_peek_error());
        broken_ += !later && reason != 0 && reason != SSL_R_UNEXPECTED_EOF_WHILE_READING;
        return later;
    }
    return send(server, bytes, static_cast<size_t>(got), MSG_NOSIGNAL) == got;
}

bool TlsFront::pass_back(SSL *ssl, int server, std::string &gathered)
{
    char bytes[16384];
    const ssize_t got = recv(server, bytes, sizeof bytes, 0);
    if (got <= 0) {
        return false;
    }
    gathered.append(bytes, static_cast<size_t>(got));
    if (gathered.size() < gather_) {
        return true;
    }
    if (renews_ && SSL_version(ssl) == TLS1_3_VERSION) {
        SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
    }
    for (;;) {
        const int put = SSL_write(ssl, gathered.data(), static_cast<int>(gathered.size()));
        if (put > 0) {
            gathered.clear();
            return true;
        }
        if (ends_ || !waits(ssl, put)) {
            return false;
        }
        pause_for(ssl);
    }
}

void TlsFront::serve(int client)
{
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    sockaddr_un place = {};
    place.sun_family = AF_UNIX;
    upstream_.copy(place.sun_path, sizeof place.sun_path - 1);
    const int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    SSL *ssl = SSL_new(context_);
    const int on = 1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(client, F_SETFL, O_NONBLOCK);
    SSL_set_fd(ssl, client);
    std::string gathered;
    int met = SSL_accept(ssl);
    while (!ends_ && met != 1 && waits(ssl, met)) {
        pause_for(ssl);
        met = SSL_accept(ssl);
    }
    bool goes_on =
        met == 1 && connect(server, reinterpret_cast<const sockaddr *>(&place), sizeof place) == 0;
    while (goes_on && !ends_) {
        pollfd waited[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
        const int found = SSL_pending(ssl) > 0 ? 1 : poll(waited, 2, 20);
        if (found > 0) {
            goes_on = pass_on(ssl, server) &&
                      (waited[1].revents == 0 || pass_back(ssl, server, gathered));
        }
    }
    SSL_free(ssl);
    close(client);
    close(server);
}
