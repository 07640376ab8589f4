/* test_urls.cpp: what kind of place a URL names, and that nothing that could be a password is
 * shown, however a URL is misspelt. Knows the public calls alone.
 */
#include <cstdlib>
#include <string>
#include <vector>

#include "catch.hpp"

extern "C" {
#include "slotq_redis.h"
}

namespace
{

std::string shown(const std::string &url)
{
    char text[300];
    slotq_url_show(url.c_str(), text, sizeof text);
    return text;
}

/* "S3cret" stands wherever people put a password, a token or part of either. */
std::vector<std::string> with_a_login()
{
    std::vector<std::string> urls;
    for (const char *scheme : {"redis://",
                               "REDIS://",
                               "Redis://",
                               "rediss://",
                               "valkey://",
                               "VALKEYS://",
                               "unix://",
                               "redis:/",
                               "redis:",
                               "redis:///",
                               " redis://",
                               "\tredis://",
                               "redis+tls://",
                               "http://",
                               "postgres://",
                               "valkey:/",
                               "unix:/",
                               "unix:///",
                               "",
                               "//",
                               "redis//",
                               "redis+sentinel://",
                               "rediss+sentinel://",
                               "a:"}) {
        for (const char *login :
             {"user:S3cret@", ":S3cret@", "user:a@S3cret@", "user:S3cret/x@", "user:x/S3cret@",
              "user:S3cret?x@", "user:x?S3cret@", "user:x#S3cret@", "user:%53S3cret@"}) {
            for (const char *place : {"127.0.0.1:1", "127.0.0.1:1/2", "[::1]:1/2?db=1", ""}) {
                urls.push_back(std::string(scheme) + login + place);
            }
        }
    }
    return urls;
}

std::vector<std::string> misspelt()
{
    std::vector<std::string> urls = with_a_login();
    for (const char *url : {"redis://S3cret@127.0.0.1:1",
                            "redis://:S3cret",
                            "redis://127.0.0.1:S3cret",
                            "redis://127.0.0.1:1/S3cret",
                            "redis://127.0.0.1:1?password=S3cret",
                            "redis://127.0.0.1:1?pasword=S3cret",
                            "redis://127.0.0.1:1?S3cret",
                            "redis://127.0.0.1:1?user=S3cret&db=1",
                            "redis://127.0.0.1:1?db=S3cret",
                            "redis://127.0.0.1:1#S3cret",
                            "redis://127.0.0.1:1?db=1&auth=S3cret#S3cret",
                            "unix:///s?password=S3cret&db=1",
                            "unix:///s?Password=S3cret",
                            "unix://user:S3cret@/s",
                            "unix:///u:S3cret@/s",
                            "unix:S3cret",
                            "unix://S3cret",
                            "redis:S3cret",
                            "redis:/:S3cret",
                            "redis:/S3cret@h",
                            "user:%40S3cret@127.0.0.1:1",
                            "redis://u:p%40S3cret%40127.0.0.1",
                            "redis://S3cret%40127.0.0.1",
                            "redis://h.invalid,password=S3cret,ssl=False",
                            "redis://h.invalid 1,password=S3cret",
                            "redis://h.invalid&password=S3cret",
                            "redis://h.invalid;S3cret",
                            "redis://h.invalid|S3cret",
                            "unix:///s&password=S3cret",
                            "unix:///s,password=S3cret",
                            "unix:///s:S3cret",
                            "unix:///s:S3cret?db=1",
                            "unix:///s:me:S3cret",
                            "unix:///s:S3cret/x",
                            "unix:///s:x/S3cret",
                            "unix:///s#S3cret",
                            "unix:///s#x/S3cret?db=1",
                            "unix:///s%3AS3cret",
                            "unix:///s%23S3cret",
                            "unix:///s;S3cret",
                            "unix:///s|S3cret",
                            "unix:///s&S3cret",
                            "unix:///s=S3cret",
                            "unix:///s S3cret",
                            "UNIX:///s:S3cret",
                            "redis+sentinel://h.invalid,password=S3cret/m",
                            "redis+sentinel://h.invalid:1,S3cret@x/m",
                            "redis+sentinel://127.0.0.1:1/m?sentinel_password=S3cret",
                            "redis+sentinel://127.0.0.1:1/m?sentinel_user=S3cret&db=1",
                            "redis+sentinel://127.0.0.1:1/m/S3cret",
                            "redis+sentinel://127.0.0.1:1/m:S3cret",
                            "redis+sentinel://127.0.0.1:1/m?S3cret",
                            "h.invalid:6379,password=S3cret"}) {
        urls.push_back(url);
    }
    for (const char *parameters : {"ca_file=S3cret", "ca_dir=S3cret", "cert=S3cret&key=/none",
                                   "cert=/none&key=S3cret", "sni=S3cret", "insecure=S3cret"}) {
        urls.push_back(std::string("rediss://127.0.0.1:1?") + parameters);
    }
    return urls;
}

} // namespace

TEST_CASE("a URL's kind is told by its scheme, in any case")
{
    struct {
        const char *url;
        slotq_place place;
    } const kinds[] = {
        {".", SLOTQ_PLACE_FOLDER},
        {"/srv/a:b", SLOTQ_PLACE_FOLDER},
        {"a:b", SLOTQ_PLACE_FOLDER},
        {"localhost:6379", SLOTQ_PLACE_FOLDER},
        {"redis", SLOTQ_PLACE_FOLDER},
        {"redis/x", SLOTQ_PLACE_FOLDER},
        {"./redis:x", SLOTQ_PLACE_FOLDER},
        {"", SLOTQ_PLACE_FOLDER},
        {"redis://h", SLOTQ_PLACE_REDIS},
        {"REDIS://h", SLOTQ_PLACE_REDIS},
        {"valkey://h", SLOTQ_PLACE_REDIS},
        {"Valkey://h", SLOTQ_PLACE_REDIS},
        {"unix:///s", SLOTQ_PLACE_REDIS_UNIX},
        {"UNIX:///s", SLOTQ_PLACE_REDIS_UNIX},
        {"rediss://h", SLOTQ_PLACE_TLS},
        {"valkeys://h", SLOTQ_PLACE_TLS},
        {"redis+sentinel://h/m", SLOTQ_PLACE_SENTINEL},
        {"Valkey+Sentinel://h/m", SLOTQ_PLACE_SENTINEL},
        {"rediss+sentinel://h/m", SLOTQ_PLACE_SENTINEL_TLS},
        {"valkeys+sentinel://h/m", SLOTQ_PLACE_SENTINEL_TLS},
        {"redis+sentinels://h/m", SLOTQ_PLACE_UNKNOWN},
        {" redis://h", SLOTQ_PLACE_UNKNOWN},
        {"redis:/h", SLOTQ_PLACE_UNKNOWN},
        {"redis:h", SLOTQ_PLACE_UNKNOWN},
        {"http://h", SLOTQ_PLACE_UNKNOWN},
        {"x+y://h", SLOTQ_PLACE_UNKNOWN},
    };
    for (const auto &one : kinds) {
        INFO(one.url);
        CHECK(slotq_url_kind(one.url) == one.place);
    }
    CHECK(slotq_url_kind(nullptr) == SLOTQ_PLACE_FOLDER);
}

TEST_CASE("a URL is shown with all that is harmless")
{
    for (const char *url :
         {".", "/srv/queues", "/a/folder@home:x", "redis://host", "redis://[::1]:1",
          "redis://host:6379/2?db=1&timeout_ms=5&connect_timeout_ms=7", "unix:///tmp/a@b?db=3",
          "VALKEY://host"}) {
        CHECK(shown(url) == url);
    }
    CHECK(shown("redis://me:x@host:1/2") == "redis://***@host:1/2");
    CHECK(shown("redis://host:x") == "redis://host:***");
    CHECK(shown("redis://host?db=1&user=me&password=x") ==
          "redis://host?db=1&user=***&password=***");
    CHECK(shown("rediss://host?ca_file=/x&key=/y&sni=z&insecure=1&insecure=x") ==
          "rediss://host?ca_file=***&key=***&sni=***&insecure=1&insecure=***");
    CHECK(shown("unix:///run/redis.sock:x?db=1") == "unix:///run/redis.sock:***?db=1");
    CHECK(shown("unix:///run/redis.sock#x") == "unix:///run/redis.sock#***");
    CHECK(shown("http://me:x@host") == "http://***");
    CHECK(shown(" redis://host") == "redis://***");
    char cut[8];
    slotq_url_show("redis://me:x@host", cut, sizeof cut);
    CHECK(std::string(cut) == "redis:/");
    slotq_url_show(nullptr, cut, sizeof cut);
    CHECK(cut[0] == '\0');
}

TEST_CASE("no text shows what may be a password, however the URL is misspelt")
{
    unsetenv("REDISCLI_AUTH");
    const slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
    slotq_redis_options redis = {};
    redis.connect_timeout_ms = 1;
    slotq_options options = {};
    options.redis = &redis;
    for (const std::string &url : misspelt()) {
        INFO(url);
        CHECK(shown(url).find("S3cret") == std::string::npos);
        slotq_redis_connection *connection = nullptr;
        slotq *queue = nullptr;
        slotq_error error = {};
        const auto is_told = [&](slotq_outcome outcome) {
            CHECK(outcome != SLOTQ_OK);
            CHECK(std::string(error.text).find("S3cret") == std::string::npos);
        };
        is_told(slotq_open(url.c_str(), "q", &options, &queue, &error));
        is_told(slotq_create(url.c_str(), "q", &geometry, &options, &error));
        is_told(slotq_remove_queue(url.c_str(), "q", &error));
        is_told(slotq_redis_connect(url.c_str(), &options, &connection, &error));
    }
}
