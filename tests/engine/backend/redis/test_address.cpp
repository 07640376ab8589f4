/* test_address.cpp: URLs of Redis servers, good and bad. Knows address.h; opens no socket.
 */
#include "catch.hpp"
#include "inside.hpp"

#include <cstdlib>

namespace
{

struct Good {
    const char *url;
    bool is_unix;
    const char *host;
    unsigned port;
    const char *user;
    const char *password;
    unsigned database;
};

const Good good[] = {
    {"redis://", false, "127.0.0.1", 6379, "", "", 0},
    {"redis://host", false, "host", 6379, "", "", 0},
    {"redis://host/", false, "host", 6379, "", "", 0},
    {"redis://host:6380/3", false, "host", 6380, "", "", 3},
    {"redis://:pass@host", false, "host", 6379, "", "pass", 0},
    {"redis://user:pass@host:1", false, "host", 1, "user", "pass", 0},
    {"redis://user@host", false, "host", 6379, "user", "", 0},
    {"redis://us%65r:p%40s%3As%2F@h", false, "h", 6379, "user", "p@s:s/", 0},
    {"redis://u:a@b@h", false, "h", 6379, "u", "a@b", 0},
    {"redis://[::1]", false, "::1", 6379, "", "", 0},
    {"redis://[fe80::1]:65535/0", false, "fe80::1", 65535, "", "", 0},
    {"redis://u:p@[::1]:7/9", false, "::1", 7, "u", "p", 9},
    {"redis://h?db=4", false, "h", 6379, "", "", 4},
    {"unix:///run/redis.sock", true, "/run/redis.sock", 0, "", "", 0},
    {"unix:///a%20b.sock?db=2&user=u&password=%70", true, "/a b.sock", 0, "u", "p", 2},
};

const char *const bad[] = {
    "redis://host:",
    "redis://host:0",
    "redis://host:65536",
    "redis://host:x",
    "redis://host:1x",
    "redis://host/x",
    "redis://host/1000001",
    "redis://host/-1",
    "redis://[::1",
    "redis://[::1]x",
    "redis://h%zz",
    "redis://h%4",
    "redis://h%00",
    "redis://u%00:p@h",
    "redis://h?what=1",
    "redis://h?db=",
    "redis://h?db=1x",
    "redis://h#frag",
    "redis://h?timeout_ms=99999999999",
    "unix://",
    "unix://relative",
    "unix:///s?db",
    "unix:///s%0",
    "rediss://h?insecure=2",
    "rediss://h?insecure=",
    "rediss://h?ca_file=",
    "rediss://h?ca_file=%zz",
    "rediss://h?ca=/x",
    "redis://h?ca_file=/x",
    "redis://h?insecure=1",
    "unix:///s?sni=h",
    "http://host",
    "redis:/host",
    "",
};

} // namespace

TEST_CASE("a good URL gives host, port, user and database")
{
    unsetenv("REDISCLI_AUTH");
    for (const Good &one : good) {
        INFO(one.url);
        redis_address address;
        store_fault fault = {};
        REQUIRE(redis_address_parse(one.url, &address, &fault) == SLOTQ_OK);
        CHECK(address.is_unix == one.is_unix);
        CHECK(std::string(address.host) == one.host);
        CHECK((one.is_unix || address.port == one.port));
        CHECK(std::string(address.user) == one.user);
        CHECK(std::string(address.password) == one.password);
        CHECK(address.database == one.database);
    }
}

TEST_CASE("a bad URL is INVALID, and the text shows how one is written")
{
    for (const char *url : bad) {
        INFO(url);
        redis_address address;
        store_fault fault = {};
        CHECK(redis_address_parse(url, &address, &fault) == SLOTQ_INVALID);
        CHECK(std::string(fault.text).find("redis://[user:password@]host") != std::string::npos);
    }
}

TEST_CASE("time-outs stand in the URL")
{
    redis_address address;
    store_fault fault = {};
    REQUIRE(redis_address_parse("redis://h/1?connect_timeout_ms=7&timeout_ms=86400000", &address,
                                &fault) == SLOTQ_OK);
    CHECK(address.connect_timeout_ms == 7);
    CHECK(address.timeout_ms == 86400000);
    CHECK(address.database == 1);
}

TEST_CASE("the environment's password is taken where the URL has none, and never shown")
{
    redis_address address;
    store_fault fault = {};
    setenv("REDISCLI_AUTH", "from-outside", 1);
    REQUIRE(redis_address_parse("redis://h", &address, &fault) == SLOTQ_OK);
    CHECK(std::string(address.password) == "from-outside");
    REQUIRE(redis_address_parse("redis://:mine@h", &address, &fault) == SLOTQ_OK);
    CHECK(std::string(address.password) == "mine");
    CHECK(redis_address_parse("redis://:secret@h:x", &address, &fault) == SLOTQ_INVALID);
    CHECK(std::string(fault.text).find("secret") == std::string::npos);
    setenv("REDISCLI_AUTH", std::string(REDIS_PASSWORD_BYTES, 'x').c_str(), 1);
    CHECK(redis_address_parse("redis://h", &address, &fault) == SLOTQ_INVALID);
    unsetenv("REDISCLI_AUTH");
}

TEST_CASE("parts that are too long are refused")
{
    redis_address address;
    store_fault fault = {};
    const std::string longer(2000, 'a');
    for (const std::string &url :
         {"redis://" + longer, "redis://" + longer + ":p@h", "redis://u:" + longer + "@h",
          "unix:///" + longer, "unix:///" + std::string(107, 'p'), "unix:///s?user=" + longer}) {
        CHECK(redis_address_parse(url.c_str(), &address, &fault) == SLOTQ_INVALID);
    }
    CHECK(redis_address_parse(("unix:///" + std::string(106, 'p')).c_str(), &address, &fault) ==
          SLOTQ_OK);
}

TEST_CASE("what TLS needs stands in a URL of rediss, or in the options where the URL has none")
{
    redis_address address;
    store_fault fault = {};
    REQUIRE(redis_address_parse("redis://h", &address, &fault) == SLOTQ_OK);
    CHECK_FALSE(address.tls.use);
    REQUIRE(redis_address_parse("valkeys://u:p@h:7/3?ca_file=%2Fca&cert=/c%20c&key=k&sni=n&db=4",
                                &address, &fault) == SLOTQ_OK);
    CHECK(address.tls.use);
    CHECK_FALSE(address.tls.insecure);
    CHECK(std::string(address.tls.ca_file) == "/ca");
    CHECK(std::string(address.tls.ca_dir).empty());
    CHECK(std::string(address.tls.cert) == "/c c");
    CHECK(std::string(address.tls.key) == "k");
    CHECK(std::string(address.tls.server_name) == "n");
    CHECK(address.port == 7);
    CHECK(address.database == 4);

    slotq_redis_tls tls = {};
    slotq_redis_options redis = {};
    slotq_options options = {};
    options.redis = &redis;
    redis.tls = &tls;
    tls.ca_file = "/other";
    tls.ca_dir = "/folder";
    tls.server_name = "name";
    REQUIRE(redis_address_of("rediss://h?ca_file=/mine", &options, &address, &fault) == SLOTQ_OK);
    CHECK(std::string(address.tls.ca_file) == "/mine");
    CHECK(std::string(address.tls.ca_dir) == "/folder");
    CHECK(std::string(address.tls.server_name) == "name");
}

TEST_CASE("settings of TLS that contradict each other, or would not be used, are refused")
{
    redis_address address;
    store_fault fault = {};
    slotq_redis_tls tls = {};
    slotq_redis_options redis = {};
    slotq_options options = {};
    options.redis = &redis;
    redis.tls = &tls;
    const auto says = [&](const char *url, const char *text) {
        INFO(url);
        fault = {};
        CHECK(redis_address_of(url, &options, &address, &fault) == SLOTQ_INVALID);
        INFO(fault.text);
        CHECK(std::string(fault.text).find(text) != std::string::npos);
    };
    says("redis://h", "nothing would be encrypted");
    says("unix:///s", "nothing would be encrypted");
    says("rediss://h?cert=/c", "key is missing");
    says("rediss://h?key=/c", "cert is missing");
    says("rediss://h?insecure=1&ca_dir=/c", "insecure=1 verifies nothing");
    tls.insecure = true;
    says("rediss://h?ca_file=/c", "insecure=1 verifies nothing");
    tls.insecure = false;
    tls.key_file = "/k";
    says("rediss://h", "cert is missing");
    CHECK(redis_address_of("rediss://h?cert=/c", &options, &address, &fault) == SLOTQ_OK);
    const std::string longer(512, 'x');
    tls.ca_dir = longer.c_str();
    says("rediss://h?cert=/c", "too long");
}
