/* test_sentinel_tls.cpp: a primary that is found by asking a Sentinel over TLS. Knows the public
 * calls and real servers.
 */
#include "server/riding.hpp"
#include "server/tls_server.hpp"

using namespace riding;

TEST_CASE("sentinel: Sentinels and their primary speak TLS")
{
    const redis::Certificates &files = redis::Certificates::shared();
    redis::TlsServer primary;
    const std::string port = redis::free_port();
    const redis::SentinelConfig config = {
        "port 0\ntls-port " + port + "\nbind 127.0.0.1\ntls-cert-file " + files.path("server.pem") +
        "\ntls-key-file " + files.path("server.key") + "\ntls-ca-cert-file " +
        files.path("ca.pem") + "\ntls-auth-clients no\ntls-replication yes\n" +
        "sentinel monitor main 127.0.0.1 " + primary.port() + " 1\n"};
    Server sentinel(config);
    const std::string place = "+sentinel://localhost:" + port + "/main";
    const std::string url = "rediss" + place + "?ca_file=" + files.path("ca.pem");
    make(url);
    Queue queue(url);
    CHECK(queue.push("one") == SLOTQ_OK);
    sleep_ms(1100); /* the Sentinel is asked once more, on the same connection */
    CHECK(queue.push("two") == SLOTQ_OK);
    CHECK(drained(queue.get()) == std::vector<std::string>{"one", "two"});
    for (const std::string &wrong :
         {"rediss" + place, "rediss" + place + "?ca_file=" + files.path("stranger.pem"),
          "redis" + place}) {
        Queue refused(wrong, 300);
        INFO(wrong << ": " << refused.error().text);
        CHECK(refused.opened() == SLOTQ_CONNECT);
    }
}
