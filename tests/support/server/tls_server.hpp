/* tls_server.hpp: certificates made by openssl in a folder of the test, and a redis-server that
 * speaks TLS with them on a loopback port. Skips where openssl or the server's TLS is missing.
 */
#ifndef TESTS_SUPPORT_TLS_SERVER_HPP
#define TESTS_SUPPORT_TLS_SERVER_HPP

#include "redis_server.hpp"

namespace redis
{

/* One authority, another one that signed nothing of the server's, and certificates:
 *   server   localhost and 127.0.0.1      other    db.example alone
 *   expired  localhost, until yesterday   client   of no host
 *   stranger of a client, signed by the other authority
 * locked.key is the key of client, with a passphrase; authorities a folder with ca
 * alone. Files end in .pem and .key. */
class Certificates
{
public:
    Certificates();
    ~Certificates();
    Certificates(const Certificates &) = delete;
    Certificates &operator=(const Certificates &) = delete;

    static const Certificates &shared();

    std::string path(const std::string &file) const
    {
        return folder_ + "/" + file;
    }

private:
    void run(const std::string &words) const;
    void sign(const std::string &name, const std::string &names, const std::string &days,
              const std::string &authority) const;

    std::string folder_;
    pid_t owner_;
};

/* Named by a certificate; more: further options of redis-server. Its plain side is the unix socket
 * of Server. */
class TlsServer
{
public:
    explicit TlsServer(const std::string &certificate = "server", const Arguments &more = {});

    Server &server()
    {
        return *server_;
    }
    std::string port() const
    {
        return port_;
    }
    /* rediss://localhost:PORT?ca_file=…, with more parameters behind it */
    std::string url(const std::string &more = "") const
    {
        return url_at(port_, more);
    }
    static std::string url_at(const std::string &port, const std::string &more = "")
    {
        return "rediss://localhost:" + port + "?ca_file=" + Certificates::shared().path("ca.pem") +
               more;
    }

private:
    std::string port_;
    std::unique_ptr<Server> server_;
};

} // namespace redis
#endif
