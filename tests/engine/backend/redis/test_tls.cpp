/* test_tls.cpp: which servers are trusted, and what is said of the others. Real certificates, made
 * here; a real server. Whatever is refused, the queue is as before.
 */
#include "catch.hpp"

#include <cstdlib>

#include "tls_served.hpp"

namespace
{

std::string file(const std::string &name)
{
    return redis::Certificates::shared().path(name);
}

/* Opening fails so, within no time that matters, and the text says this and no secret. */
void refuses(const std::string &url, const std::string &text, slotq_outcome wanted = SLOTQ_CONNECT,
             slotq_cause cause = SLOTQ_CAUSE_TLS)
{
    slotq *queue = nullptr;
    slotq_error error = {};
    CAPTURE(url);
    CHECK(slotq_open(url.c_str(), "jobs", nullptr, &queue, &error) == wanted);
    CHECK(queue == nullptr);
    CHECK(error.cause == cause);
    INFO(error.text);
    CHECK(std::string(error.text).find(text) != std::string::npos);
    CHECK(std::string(error.text).find("S3cret") == std::string::npos);
    CHECK(slotq_remove_queue(url.c_str(), "jobs", &error) == wanted);
    slotq_close(queue);
}

void is_whole(redis::Server &server)
{
    CHECK(server.command({"EXISTS", "jobs"}).is_integer(1));
    CHECK(server.command({"DBSIZE"}).is_integer(1));
}

std::string at(const redis::TlsServer &server, const std::string &parameters)
{
    return "rediss://localhost:" + server.port() + "?" + parameters;
}

/* An environment variable for as long as it lives. */
struct Variable {
    const char *name;

    Variable(const char *its_name, const std::string &value) : name(its_name)
    {
        setenv(name, value.c_str(), 1);
    }
    ~Variable()
    {
        unsetenv(name);
    }
};

} // namespace

TEST_CASE_METHOD(TlsServed, "TLS: a server whose certificate is trusted is used by name and number")
{
    for (const std::string &url :
         {tls.url(), "valkeys://127.0.0.1:" + tls.port() + "/0?ca_file=" + file("ca.pem"),
          tls.url("&sni=localhost"), at(tls, "ca_dir=" + file("authorities"))}) {
        CAPTURE(url);
        TlsHandle handle(url);
        CHECK(handle.push() == SLOTQ_OK);
        CHECK(handle.reserve() == SLOTQ_OK);
        CHECK(slotq_ack_batch(handle.queue, handle.batch) == SLOTQ_OK);
    }
}

TEST_CASE_METHOD(TlsServed,
                 "TLS: an authority that is not trusted is refused, and no password sent")
{
    tls.server().command({"ACL", "LOG", "RESET"});
    refuses(at(tls, "ca_file=" + file("stranger-ca.pem") + "&password=S3cret"), "is not trusted");
    refuses(at(tls, "password=S3cret"), "is not trusted"); /* those of the system */
    refuses(at(tls, "ca_dir=" + file("") + "&password=S3cret"), "is not trusted");
    CHECK(tls.server().command({"ACL", "LOG"}).items.empty());
    is_whole(tls.server());
}

TEST_CASE("TLS: a certificate for other hosts is refused, and named; sni is the name verified")
{
    TlsServed served("other");
    refuses(served.tls.url(), "is not for localhost. It is for: db.example.");
    refuses("rediss://127.0.0.1:" + served.tls.port() + "?ca_file=" + file("ca.pem"),
            "is not for 127.0.0.1. It is for: db.example.");
    refuses(served.tls.url("&sni=b.example"), "is not for b.example");
    is_whole(served.tls.server());
    TlsHandle handle(served.tls.url("&sni=db.example"));
    CHECK(handle.push() == SLOTQ_OK);
}

TEST_CASE("TLS: an expired certificate is refused with its date")
{
    TlsServed served("expired");
    refuses(served.tls.url(), "the certificate of localhost expired on 20");
    is_whole(served.tls.server());
    TlsHandle handle(at(served.tls, "insecure=1"));
    CHECK(handle.push() == SLOTQ_OK);
}

TEST_CASE_METHOD(TlsServed, "TLS: files that cannot be used are named before anything is sent")
{
    const std::string clients = tls.server().command({"INFO", "stats"}).text;
    refuses(at(tls, "ca_file=/no/such/file"), "/no/such/file of ca_file cannot be used: No such");
    refuses(at(tls, "ca_file=S3cret"), "the file of ca_file cannot be used: No such");
    refuses(at(tls, "ca_file=" + file("server.key")), "cannot be used: no certificate");
    refuses(at(tls, "ca_dir=/no/such/folder"), "/no/such/folder of ca_dir cannot be used: No such");
    refuses(at(tls, "ca_dir=" + file("ca.pem")), "of ca_dir cannot be used: Not a directory");
    refuses(tls.url("&cert=/no/c&key=/no/k"), "/no/c of cert cannot be used: No such");
    const std::string cert = "&cert=" + file("client.pem");
    refuses(tls.url(cert + "&key=S3cret"), "the file of key cannot be used: No such");
    refuses(tls.url(cert + "&key=" + file("server.key")), "it is not the key of");
    refuses(tls.url(cert + "&key=" + file("locked.key")), "without a passphrase");
    refuses(tls.url(cert + "&key=" + file("ca.pem")), "must be a private key");
    refuses("rediss://localhost:" + tls.port() + "?ca_file=" + file("ca.pem") +
                "&sni=" + std::string(255, 'n') + "x",
            "parameter with an invalid value", SLOTQ_INVALID, SLOTQ_CAUSE_QUEUE);
    is_whole(tls.server());
}

TEST_CASE_METHOD(TlsServed, "TLS: a plain port is told from one that speaks TLS, either way")
{
    const std::string port = redis::free_port();
    if (!tls.server().command({"CONFIG", "SET", "port", port}).is_status("OK")) {
        SUCCEED("another program took the port");
        return;
    }
    refuses("redis://localhost:" + tls.port(), "use rediss://", SLOTQ_CONNECT, SLOTQ_CAUSE_AWAY);
    slotq *queue = nullptr;
    slotq_error error = {};
    const std::string plain = redis::TlsServer::url_at(port, "&connect_timeout_ms=300");
    CHECK(slotq_open(plain.c_str(), "jobs", nullptr, &queue, &error) == SLOTQ_CONNECT);
    const std::string text =
        error.text; /* the server waits for more, or has found an end of line */
    INFO(text);
    CHECK((text.find("does the server speak TLS on this port") != std::string::npos ||
           text.find("does not speak TLS on this port") != std::string::npos));
    is_whole(tls.server());
}

TEST_CASE("TLS: a server that asks for a certificate gets ours, or says why not")
{
    TlsServed served("server", {"--tls-auth-clients", "yes"});
    const std::string url = served.tls.url();
    for (int i = 0; i < 20; i++) { /* whether the server closes before our first command or after */
        refuses(url, "asks for a certificate", SLOTQ_CONNECT, SLOTQ_CAUSE_AWAY);
    }
    refuses(url + "&cert=" + file("stranger.pem") + "&key=" + file("stranger.key"),
            "does not trust the authority of our certificate", SLOTQ_CONNECT, SLOTQ_CAUSE_AWAY);
    is_whole(served.tls.server());
    TlsHandle handle(url + "&cert=" + file("client.pem") + "&key=" + file("client.key"));
    CHECK(handle.push() == SLOTQ_OK);
}

TEST_CASE("TLS: a server that asks for a certificate says so in TLS 1.2 too")
{
    TlsServed served("server", {"--tls-auth-clients", "yes", "--tls-protocols", "TLSv1.2"});
    refuses(served.tls.url(), "certificate of the client (cert and key)");
    TlsHandle handle(served.tls.url("&cert=" + file("client.pem") + "&key=" + file("client.key")));
    CHECK(handle.push() == SLOTQ_OK);
    CHECK(handle.reserve(1) == SLOTQ_OK);
}

TEST_CASE_METHOD(TlsServed, "TLS: settings may be options, for the calls that take some")
{
    slotq_redis_tls settings = {};
    slotq_redis_options redis = {};
    slotq_options options = {};
    slotq_error error = {};
    slotq *queue = nullptr;
    const std::string url = "rediss://127.0.0.1:" + tls.port();
    const std::string authority = file("ca.pem");
    options.redis = &redis;
    redis.tls = &settings;
    CHECK(slotq_open(url.c_str(), "jobs", &options, &queue, &error) == SLOTQ_CONNECT);
    settings.ca_file = authority.c_str();
    REQUIRE(slotq_open(url.c_str(), "jobs", &options, &queue, &error) == SLOTQ_OK);
    slotq_close(queue);
    settings.server_name = "db.example";
    CHECK(slotq_open(url.c_str(), "jobs", &options, &queue, &error) == SLOTQ_CONNECT);
    CHECK(error.cause == SLOTQ_CAUSE_TLS);
    CHECK(slotq_open(tls.server().url().c_str(), "jobs", &options, &queue, &error) ==
          SLOTQ_INVALID);
}

TEST_CASE_METHOD(TlsServed, "TLS: the environment's authorities are used, also when they change")
{
    const std::string url = "rediss://localhost:" + tls.port();
    const std::string own = file("own.pem");
    const auto copy = [&](const std::string &name) {
        REQUIRE(std::system(("cp '" + file(name) + "' '" + own + "'").c_str()) == 0);
    };
    {
        const Variable trusted("SSL_CERT_FILE", file("ca.pem"));
        TlsHandle handle(url);
    }
    refuses(url, "is not trusted");
    const Variable trusted("SSL_CERT_FILE", own);
    copy("stranger-ca.pem");
    refuses(url, "is not trusted");
    copy("ca.pem");
    TlsHandle handle(url);
    CHECK(handle.push() == SLOTQ_OK);
}
