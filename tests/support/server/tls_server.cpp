/* tls_server.cpp: see tls_server.hpp.
 */
#include "tls_server.hpp"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include <sys/stat.h>
#include <unistd.h>

#include "../skip.hpp"

namespace redis
{

namespace
{

constexpr int port_tries_max = 20;

std::string temporary_folder()
{
    const char *where = std::getenv("TMPDIR");
    std::string path = std::string(where != nullptr ? where : "/tmp") + "/slotq-tls-XXXXXX";
    if (mkdtemp(&path[0]) == nullptr) {
        throw std::runtime_error("no folder for certificates");
    }
    return path;
}

} // namespace

void Certificates::run(const std::string &words) const
{
    const std::string command = "cd '" + folder_ + "' && openssl " + words + " 2>>log >>log";
    if (std::system(command.c_str()) != 0) {
        throw std::runtime_error("openssl failed: " + words);
    }
}

void Certificates::sign(const std::string &name, const std::string &names, const std::string &days,
                        const std::string &authority) const
{
    std::ofstream(path(name + ".ext")) << "subjectAltName=" << names << "\n";
    run("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout " + name + ".key -out " +
        name + ".csr -subj /CN=" + name);
    run("x509 -req -in " + name + ".csr -CA " + authority + ".pem -CAkey " + authority +
        ".key -CAcreateserial -days " + days + " -out " + name + ".pem -extfile " + name + ".ext");
}

Certificates::Certificates() : folder_(temporary_folder()), owner_(getpid())
{
    if (std::system("openssl version >/dev/null 2>&1") != 0) {
        rmdir(folder_.c_str());
        support::skip("the openssl command is missing");
    }
    for (const std::string name : {"ca", "stranger-ca"}) {
        run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -keyout " +
            name + ".key -out " + name + ".pem -subj /CN=" + name + ".of.slotq");
    }
    sign("server", "DNS:localhost,IP:127.0.0.1", "30", "ca");
    sign("other", "DNS:db.example", "30", "ca");
    sign("expired", "DNS:localhost,IP:127.0.0.1", "-1", "ca");
    sign("client", "DNS:client.example", "5", "ca");
    sign("stranger", "DNS:client.example", "30", "stranger-ca");
    if (mkdir(path("authorities").c_str(), 0700) != 0 ||
        symlink("../ca.pem", path("authorities/ca.pem").c_str()) != 0) {
        throw std::runtime_error("no folder of authorities");
    }
    run("rehash authorities");
    run("pkey -in client.key -aes256 -passout pass:S3cret -out locked.key");
}

Certificates::~Certificates()
{
    if (getpid() == owner_) {
        (void)!std::system(("rm -rf '" + folder_ + "'").c_str());
    }
}

const Certificates &Certificates::shared()
{
    static const Certificates made;
    return made;
}

TlsServer::TlsServer(const std::string &certificate, const Arguments &more)
{
    const Certificates &files = Certificates::shared();
    if (shared_server().command({"CONFIG", "GET", "tls-port"}).items.size() != 2) {
        support::skip("redis-server was built without TLS");
    }
    for (int i = 0; server_ == nullptr; i++) {
        port_ = free_port();
        Arguments options = {"--tls-port",
                             port_,
                             "--bind",
                             "127.0.0.1",
                             "--tls-cert-file",
                             files.path(certificate + ".pem"),
                             "--tls-key-file",
                             files.path(certificate + ".key"),
                             "--tls-ca-cert-file",
                             files.path("ca.pem"),
                             "--tls-auth-clients",
                             "no"};
        options.insert(options.end(), more.begin(), more.end());
        try {
            server_ = std::make_unique<Server>(options);
        } catch (const std::runtime_error &) { /* another program took the port meanwhile */
            if (i == port_tries_max) {
                throw;
            }
        }
    }
}

} // namespace redis
