/* test_sentinel_replies.cpp: which of several Sentinels' answers counts, with answers that real
 * ones give only for a moment or in a partition; and replies that are not those of a Sentinel. What
 * real ones do stands in test_sentinel.cpp.
 */
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "catch.hpp"
#include "inside.hpp"
#include "server/liar.hpp"

extern "C" {
#define export export_
#include "../../../../engine/backend/redis/wire/sentinel_url.h"
#undef export
}

using inside::bulk;

namespace
{

std::string array(const std::vector<std::string> &texts)
{
    std::string made = "*" + std::to_string(texts.size()) + "\r\n";
    for (const std::string &text : texts) {
        made += bulk(text);
    }
    return made;
}

/* What a Sentinel says to the four questions. */
struct Says {
    std::string id = "a";
    std::string epoch = "1";
    std::string others = "2";
    std::string flags = "master";
    std::string port = "1001";
    std::string promoted; /* the port of the replica that is promoted, if it is done */
    std::string host = "127.0.0.1";
    std::vector<std::string> known; /* ports of other Sentinels */

    std::string bytes() const
    {
        std::string made = bulk(id);
        made += array({"name", "main", "ip", host, "port", port, "flags", flags, "config-epoch",
                       epoch, "num-other-sentinels", others, "quorum", "2"});
        made += array({host, promoted.empty() ? port : promoted});
        made += "*" + std::to_string(known.size()) + "\r\n";
        for (const std::string &other : known) {
            made += array({"ip", "127.0.0.1", "port", other, "runid", "of " + other});
        }
        return made;
    }
};

/* A port of loopback that answers the questions of each connection with the same bytes. */
class Speaker
{
public:
    explicit Speaker(const std::string &bytes) : bytes_(bytes)
    {
        sockaddr_in place = {};
        socklen_t size = sizeof place;
        place.sin_family = AF_INET;
        place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        listener_ = socket(AF_INET, SOCK_STREAM, 0);
        REQUIRE(bind(listener_, reinterpret_cast<const sockaddr *>(&place), size) == 0);
        REQUIRE(listen(listener_, 16) == 0);
        REQUIRE(getsockname(listener_, reinterpret_cast<sockaddr *>(&place), &size) == 0);
        port_ = ntohs(place.sin_port);
        thread_ = std::thread([this] { run(); });
    }
    ~Speaker()
    {
        ends_ = true;
        thread_.join();
        close(listener_);
    }
    Speaker(const Speaker &) = delete;
    Speaker &operator=(const Speaker &) = delete;

    uint16_t port() const
    {
        return port_;
    }

private:
    void run()
    {
        std::vector<pollfd> waited = {{listener_, POLLIN, 0}};
        while (!ends_) {
            poll(waited.data(), waited.size(), 5);
            for (size_t i = 1; i < waited.size(); i++) {
                char said[4096];
                const ssize_t got =
                    waited[i].revents != 0 ? recv(waited[i].fd, said, sizeof said, 0) : -1;
                if (got > 0 && std::string(said, static_cast<size_t>(got)).find("SENTINELS") !=
                                   std::string::npos) {
                    (void)send(waited[i].fd, bytes_.data(), bytes_.size(), MSG_NOSIGNAL);
                }
                if (got == 0) {
                    close(waited[i].fd);
                    waited.erase(waited.begin() + static_cast<long>(i));
                    break;
                }
            }
            if (waited[0].revents != 0) {
                waited.push_back({accept(listener_, nullptr, nullptr), POLLIN, 0});
            }
        }
        for (size_t i = 1; i < waited.size(); i++) {
            close(waited[i].fd);
        }
    }

    std::string bytes_;
    int listener_ = -1;
    uint16_t port_ = 0;
    std::atomic<bool> ends_{false};
    std::thread thread_;
};

/* A handle's view of some Sentinels. */
struct View {
    redis_sentinel sentinel;
    redis_address found = {};
    store_fault fault = {};

    View()
    {
        memset(&sentinel, 0, sizeof sentinel);
        memcpy(sentinel.master, "main", 5);
    }
    ~View()
    {
        redis_sentinel_leave(&sentinel);
    }
    View(const View &) = delete;
    View &operator=(const View &) = delete;

    void add(uint16_t port, const char *host = "127.0.0.1")
    {
        sentinel_place place = {};
        memcpy(place.host, host, strlen(host) + 1);
        place.port = port;
        redis_sentinel_add(&sentinel, &place);
    }
    /* The port of the primary; 0 = refused. */
    unsigned find()
    {
        const redis_address before = found;
        if (redis_sentinel_find(&sentinel, 3000, &found, &fault) != SLOTQ_OK) {
            CHECK(found.port == before.port); /* refused means unchanged */
            CHECK(fault.outcome == SLOTQ_CONNECT);
            return 0;
        }
        return found.port;
    }
    bool said(const char *words) const
    {
        return std::string(fault.text).find(words) != std::string::npos;
    }
};

unsigned found_among(const std::vector<Says> &all, View &view)
{
    std::vector<std::unique_ptr<Speaker>> speakers;
    for (const Says &one : all) {
        speakers.emplace_back(new Speaker(one.bytes()));
        view.add(speakers.back()->port());
    }
    const unsigned port = view.find();
    redis_sentinel_leave(&view.sentinel);
    view.sentinel.count = 0;
    return port;
}

Says says(const char *id, const char *epoch, const char *port)
{
    Says made;
    made.id = id;
    made.epoch = epoch;
    made.port = port;
    return made;
}

} // namespace

TEST_CASE("of a majority's answers the newest configuration counts")
{
    View view;
    CHECK(found_among({says("a", "5", "1001"), says("b", "4", "1002"), says("c", "4", "1002")},
                      view) == 1001);
    /* the one that knows is away, and the others have not heard */
    CHECK(found_among({says("b", "4", "1002"), says("c", "4", "1002")}, view) == 0);
    CHECK(view.said("older configuration"));
    CHECK(view.fault.passes);
    /* all say so: they were set up anew. One that is slow is missed, and asked again as a client
     * would */
    unsigned port = 0;
    for (int tries = 0; port == 0 && tries < 20; tries++) {
        port = found_among({says("a", "4", "1002"), says("b", "4", "1002"), says("c", "4", "1002")},
                           view);
    }
    CHECK(port == 1002);
}

TEST_CASE("a minority does not count, by however many addresses it answers")
{
    View view;
    CHECK(found_among({says("a", "9", "1001")}, view) == 0);
    CHECK(view.said("1 of 3 Sentinels of main answered"));
    CHECK(found_among({says("a", "9", "1001"), says("a", "9", "1001")}, view) == 0);
    CHECK(view.said("1 of 3 Sentinels of main answered"));
    Says many = says("b", "9", "1001");
    many.others = "1000";
    CHECK(found_among({says("a", "9", "1001"), many, says("c", "9", "1001")}, view) == 0);
    CHECK(view.said("3 of 1001 Sentinels"));
    view.sentinel.only_reads = true;
    CHECK(found_among({says("a", "9", "1001")}, view) == 1001);
}

TEST_CASE("while a replica is promoted there is no primary to write to, until it is named")
{
    View view;
    Says leader = says("a", "1", "1001");
    leader.flags = "master,failover_in_progress";
    const Says other = says("b", "1", "1001");
    CHECK(found_among({leader, other}, view) == 0);
    CHECK(view.said("promotes a replica of main now"));
    CHECK(view.fault.passes);
    leader.promoted = "1002";
    leader.epoch = "2";
    CHECK(found_among({other, leader}, view) == 1002);
}

TEST_CASE("a Sentinel that another one names is asked")
{
    View view;
    const Speaker second(says("b", "1", "1001").bytes());
    Says first = says("a", "1", "1001");
    first.known = {std::to_string(second.port()), "0", "70000", "x", ""};
    const Speaker speaker(first.bytes());
    view.add(speaker.port());
    CHECK(view.find() == 1001);
    CHECK(view.sentinel.count == 2);
    CHECK(view.sentinel.sight.reached == 2);
}

TEST_CASE("replies that no Sentinel gives are refused, and lists are cut")
{
    const std::string good = says("a", "1", "1001").bytes();
    std::vector<std::string> bad = {"+OK\r\n+OK\r\n+OK\r\n+OK\r\n",
                                    ":1\r\n:1\r\n:1\r\n:1\r\n",
                                    "*-1\r\n*-1\r\n*-1\r\n*-1\r\n",
                                    "$-1\r\n$-1\r\n$-1\r\n$-1\r\n",
                                    "HTTP/1.1 400 Bad Request\r\n\r\n",
                                    "*2000000000\r\n",
                                    "$99999999999\r\n",
                                    "-NOPERM no\r\n-NOPERM no\r\n-NOPERM no\r\n-NOPERM no\r\n",
                                    std::string("\0\0\0\0\0\0", 6)};
    for (const char *port : {"0", "65536", "-1", "99999999999999999999", "", "1 2"}) {
        bad.push_back(says("a", "1", port).bytes());
    }
    for (const char *epoch : {"", "-1", "x", "99999999999999999999"}) {
        bad.push_back(says("a", epoch, "1001").bytes());
    }
    for (const std::string &host : {std::string(), std::string("a b"), std::string("a\nb"),
                                    std::string(300, 'h'), std::string("a\0b", 3)}) {
        Says one;
        one.host = host;
        bad.push_back(one.bytes());
    }
    for (const std::string &bytes : bad) {
        INFO(bytes.substr(0, 60));
        View view;
        view.sentinel.only_reads = true;
        const Speaker speaker(bytes);
        view.add(speaker.port());
        CHECK(view.find() == 0);
    }
    for (size_t end = 0; end < good.size(); end += 7) { /* cut, then silent */
        View view;
        view.sentinel.only_reads = true;
        const Speaker speaker(good.substr(0, end));
        view.add(speaker.port());
        CHECK(redis_sentinel_find(&view.sentinel, 20, &view.found, &view.fault) == SLOTQ_CONNECT);
    }
    Says many;
    for (int port = 1; port < 500; port++) {
        many.known.push_back(std::to_string(port));
    }
    View view;
    view.sentinel.only_reads = true;
    CHECK(found_among({many}, view) == 1001);
}

TEST_CASE("a URL names a primary, its Sentinels and both logins")
{
    unsetenv("REDISCLI_AUTH");
    redis_address address = {};
    redis_sentinel sentinel;
    store_fault fault = {};
    REQUIRE(redis_sentinel_parse("u:p%40@h1,[::1]:7,h3:8/my-1.main_x/3?timeout_ms=5&"
                                 "sentinel_user=s&sentinel_password=a%26b&connect_timeout_ms=6",
                                 false, nullptr, &address, &sentinel, &fault) == SLOTQ_OK);
    CHECK(std::string(address.user) == "u");
    CHECK(std::string(address.password) == "p@");
    CHECK(address.database == 3);
    CHECK(address.timeout_ms == 5);
    CHECK(address.connect_timeout_ms == 6);
    CHECK(std::string(sentinel.master) == "my-1.main_x");
    CHECK(std::string(sentinel.login.user) == "s");
    CHECK(std::string(sentinel.login.password) == "a&b");
    REQUIRE(sentinel.count == 3);
    CHECK(std::string(sentinel.peers[0].place.host) == "h1");
    CHECK(sentinel.peers[0].place.port == 26379);
    CHECK(std::string(sentinel.peers[1].place.host) == "::1");
    CHECK(sentinel.peers[1].place.port == 7);
    CHECK(sentinel.peers[2].place.port == 8);
    CHECK(!sentinel.login.tls.use);
    REQUIRE(redis_sentinel_parse("h/m?sni=x", true, nullptr, &address, &sentinel, &fault) ==
            SLOTQ_OK);
    CHECK(address.tls.use);
    CHECK(sentinel.login.tls.use);
    CHECK(std::string(sentinel.login.tls.server_name) == "x");

    /* the environment's password is that of the primary */
    setenv("REDISCLI_AUTH", "outside", 1);
    REQUIRE(redis_sentinel_parse("h/m", false, nullptr, &address, &sentinel, &fault) == SLOTQ_OK);
    CHECK(std::string(address.password) == "outside");
    CHECK(std::string(sentinel.login.password).empty());
    unsetenv("REDISCLI_AUTH");

    std::string many = "h0";
    for (int i = 1; i < 40; i++) {
        many += ",h" + std::to_string(i);
    }
    for (const std::string &url : {std::string("h"),
                                   std::string("h/"),
                                   std::string("/m"),
                                   std::string(",/m"),
                                   std::string("h,/m"),
                                   std::string("h:0/m"),
                                   std::string("h:x/m"),
                                   std::string("h/m@x"),
                                   std::string("h/a b"),
                                   std::string("h/m/x"),
                                   std::string("h/m/1/2"),
                                   std::string("h/m#x"),
                                   std::string("h/m?x=1"),
                                   std::string("h/m?sentinel_password=%"),
                                   std::string("h/m?sentinel_password=%00"),
                                   "h/m?sentinel_user=" + std::string(300, 'u'),
                                   "h/" + std::string(300, 'm'),
                                   many + "/m",
                                   std::string("[::1/m"),
                                   std::string("h/m?sni=x")}) {
        INFO(url);
        CHECK(redis_sentinel_parse(url.c_str(), false, nullptr, &address, &sentinel, &fault) ==
              SLOTQ_INVALID);
    }
}

TEST_CASE("a Sentinel that never stops talking does not hold a call")
{
    const std::string one = array({"message", "+switch-master", "x"});
    std::string news;
    while (news.size() < 32U << 20) { /* more than sockets hold */
        news += one;
    }
    const Liar::Answer answer = [&](const Liar::Words &words) {
        const std::string &what = words.size() > 1 ? words[1] : words[0];
        return words[0] == "SUBSCRIBE" ? news
               : what == "MYID"        ? bulk("a")
               : what == "SENTINELS"   ? std::string("*0\r\n")
               : what == "MASTER"
                   ? array({"ip", "127.0.0.1", "port", "1001", "flags", "master", "config-epoch",
                            "1", "num-other-sentinels", "0", "quorum", "1"})
                   : array({"127.0.0.1", "1001"});
    };
    Liar liar(answer);
    View view;
    view.add(static_cast<uint16_t>(std::stoi(liar.port())));
    REQUIRE(view.find() == 1001);
    sentinel_peer *peer = &view.sentinel.peers[0];
    while (!sentinel_peer_has_news(peer)) {
        usleep(1000);
    }
    CHECK(sentinel_peer_has_news(peer)); /* the rest is for later */
    CHECK(liar.answered() == 4);
}
