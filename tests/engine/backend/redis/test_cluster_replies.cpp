/* test_cluster_replies.cpp: the slot of a key as the server computes it; redirections and the map
 * of the slots, also out of replies that no server should give. Knows wire/cluster.h.
 */
#include "catch.hpp"
#include "inside.hpp"

extern "C" {
#include "../../../../engine/backend/redis/wire/cluster.h"
#include "../../../../engine/backend/redis/wire/known_nodes.h"
}

namespace
{

uint32_t slot_of(const std::string &key)
{
    return key_slot_of(key.data(), key.size());
}

redis_redirect redirect(const std::string &text, redis_node *node)
{
    return redis_redirect_read(text.data(), text.size(), node);
}

std::string number(long long value)
{
    return ":" + std::to_string(value) + "\r\n";
}

std::string node(const std::string &host, long long port)
{
    return "*3\r\n" + inside::bulk(host) + number(port) + inside::bulk("id");
}

std::string range(long long from, long long to, const std::string &nodes, int count)
{
    return "*" + std::to_string(2 + count) + "\r\n" + number(from) + number(to) + nodes;
}

bool read(const std::string &wire, uint32_t slot, redis_nodes *nodes)
{
    return redis_nodes_read(inside::reply(wire).get(), slot, nodes);
}

} // namespace

TEST_CASE("a key's slot is that of its hash tag, or of the whole key")
{
    CHECK(slot_of("123456789") == 0x31c3);
    CHECK(slot_of("foo") == 12182);
    CHECK(slot_of("bar") == 5061);
    CHECK(slot_of("{foo}x") == slot_of("foo"));
    CHECK(slot_of("a{foo}b{bar}") == slot_of("foo"));
    CHECK(slot_of("{foo}x") != slot_of("{bar}x"));
    CHECK(slot_of("a{}{foo}") != slot_of("foo"));
    CHECK(slot_of("{{foo}}") == slot_of("{foo"));
    CHECK(slot_of("a{foo") != slot_of("foo"));
    CHECK(slot_of("") == 0);
}

TEST_CASE("MOVED and ASK name a node")
{
    redis_node node;
    CHECK(redirect("MOVED 3999 127.0.0.1:6381", &node) == REDIS_REDIRECT_MOVED);
    CHECK(std::string(node.host) == "127.0.0.1");
    CHECK(node.port == 6381);
    CHECK(redirect("ASK 16383 fe80::1:6382", &node) == REDIS_REDIRECT_ASK);
    CHECK(std::string(node.host) == "fe80::1");
    CHECK(node.port == 6382);
    CHECK(redirect("MOVED 0 :7000", &node) == REDIS_REDIRECT_MOVED);
    CHECK(std::string(node.host).empty());
    CHECK(redirect("MOVED 0 node-1.example.org:65535", &node) == REDIS_REDIRECT_MOVED);
    CHECK(std::string(node.host) == "node-1.example.org");
}

TEST_CASE("a redirection that names no node that can be dialled is none")
{
    redis_node node;
    for (const std::string &text : {std::string("MOVED"),
                                    std::string("MOVED "),
                                    std::string("MOVED 1"),
                                    std::string("MOVED 1 "),
                                    std::string("MOVED 1 h"),
                                    std::string("MOVED 1 h:"),
                                    std::string("MOVED 1 h:0"),
                                    std::string("MOVED 1 h:65536"),
                                    std::string("MOVED 1 h:-1"),
                                    std::string("MOVED 1 h:99999999999999999999"),
                                    std::string("MOVED 16384 h:1"),
                                    std::string("MOVED -1 h:1"),
                                    std::string("MOVED x h:1"),
                                    std::string("MOVED 1 ?:6379"),
                                    std::string("MOVED 1 a b:1"),
                                    std::string("MOVED 1 a\tb:1"),
                                    std::string("MOVEDX 1 h:1"),
                                    std::string("ASKING 1 h:1"),
                                    "MOVED 1 " + std::string(256, 'h') + ":1",
                                    std::string("MOVED 1 h\0:1", 12)}) {
        INFO(text);
        CHECK(redirect(text, &node) == REDIS_REDIRECT_NONE);
    }
    CHECK(redirect("MOVED 1 " + std::string(255, 'h') + ":1", &node) == REDIS_REDIRECT_MOVED);
    CHECK(redirect("", &node) == REDIS_REDIRECT_NONE);
}

TEST_CASE("the map of the slots: primaries, replicas of one slot, what is covered")
{
    redis_nodes nodes;
    const std::string map =
        "*3\r\n" + range(0, 5000, node("a", 1) + node("b", 2), 2) +
        range(5001, 16383, node("c", 3) + node("d", 4) + node("b", 2), 3) +
        range(4000, 5000, node("c", 3), 1); /* the same slots again count once */
    REQUIRE(read(map, 9000, &nodes));
    REQUIRE(nodes.count == 4);
    CHECK(nodes.slots_covered == 16384);
    CHECK(nodes.left_out == 0);
    REQUIRE(nodes.primary >= 0);
    CHECK(std::string(nodes.nodes[nodes.primary].host) == "c");
    CHECK(nodes.slots_of[0] == 5001);
    CHECK(nodes.slots_of[2] == 0);
    CHECK(nodes.slots_of[nodes.primary] == 11383);
    CHECK(std::string(nodes.nodes[2].host) == "b");
    CHECK(nodes.replicas == ((UINT64_C(1) << 2) | (UINT64_C(1) << 3)));
    REQUIRE(read("*1\r\n" + range(0, 10, node("a", 1), 1), 9000, &nodes));
    CHECK(nodes.primary == REDIS_NO_NODE);
    CHECK(nodes.slots_covered == 11);
}

TEST_CASE(
    "hosts of the map: nil and empty are the one asked, ? has a number beside it or is left out")
{
    redis_nodes nodes;
    const std::string with_ip = "*4\r\n" + inside::bulk("?") + number(7) + inside::bulk("id") +
                                "*2\r\n" + inside::bulk("ip") + inside::bulk("10.0.0.7");
    REQUIRE(read("*1\r\n" + range(0, 1,
                                  "*3\r\n$-1\r\n" + number(5) + inside::bulk("id") + node("", 6) +
                                      with_ip + node("?", 8),
                                  4),
                 0, &nodes));
    REQUIRE(nodes.count == 3);
    CHECK(std::string(nodes.nodes[0].host).empty());
    CHECK(std::string(nodes.nodes[1].host).empty());
    CHECK(std::string(nodes.nodes[2].host) == "10.0.0.7");
    CHECK(nodes.left_out == 1);
}

TEST_CASE("another reply is not a map, and a map of too many nodes is cut")
{
    redis_nodes nodes;
    for (const std::string &wire :
         {std::string("-ERR This instance has cluster support disabled\r\n"), std::string(":1\r\n"),
          "*1\r\n" + number(1), "*1\r\n*2\r\n" + number(0) + number(1),
          "*1\r\n" + range(-1, 1, node("a", 1), 1), "*1\r\n" + range(2, 1, node("a", 1), 1),
          "*1\r\n" + range(0, 16384, node("a", 1), 1),
          "*1\r\n*3\r\n" + number(0) + inside::bulk("1") + node("a", 1)}) {
        INFO(wire);
        CHECK_FALSE(read(wire, 0, &nodes));
        CHECK(nodes.count == 0);
        CHECK(nodes.primary == REDIS_NO_NODE);
    }
    std::string many;
    for (int i = 0; i < 70; i++) {
        many += range(i, i, node("a", i + 1), 1);
    }
    REQUIRE(read("*70\r\n" + many, 69, &nodes));
    CHECK(nodes.count == REDIS_NODES_MAX);
    CHECK(nodes.left_out == 6);
    CHECK(nodes.primaries_left_out == 6);
    CHECK(nodes.primary == REDIS_NO_NODE);
    CHECK(nodes.slots_covered == 70);
}

TEST_CASE("a map that has slots over and over is none, so reading it has an end")
{
    const std::string all = range(0, 16383, node("a", 1), 1);
    redis_nodes nodes;
    REQUIRE(read("*2\r\n" + all + all, 0, &nodes));
    CHECK(nodes.slots_covered == 16384);
    CHECK(nodes.slots_of[0] == 16384);
    std::string wire = "*16384\r\n";
    for (int i = 0; i < 16384; i++) {
        wire += all;
    }
    for (const std::string &many : {"*3\r\n" + all + all + range(0, 0, node("a", 1), 1), wire}) {
        CHECK_FALSE(read(many, 0, &nodes));
        CHECK(nodes.count == 0);
        CHECK(nodes.slots_covered == 0);
    }
}

TEST_CASE("a way through a cluster leads where the last node said, once for ASK, and around a loss")
{
    redis_known_nodes known = {};
    redis_address of_url = {};
    redis_address found = {};
    redis_node to = {"b", 2};
    std::strcpy(of_url.host, "a");
    std::strcpy(of_url.password, "secret");
    of_url.port = 1;
    of_url.database = 0;
    of_url.tls.use = true;
    const auto next = [&] {
        const bool asks = redis_known_nodes_find(&known, &of_url, &found);
        CHECK(std::string(found.password) == "secret"); /* login and TLS go to every node */
        CHECK(found.tls.use);
        CHECK_FALSE(found.is_unix);
        return std::string(found.host) + ":" + std::to_string(found.port) + (asks ? " asks" : "");
    };
    CHECK(next() == "a:1");
    redis_known_nodes_redirect(&known, REDIS_REDIRECT_MOVED, &to, &of_url);
    CHECK(next() == "b:2");
    to = {"", 3}; /* the host that was asked */
    redis_known_nodes_redirect(&known, REDIS_REDIRECT_ASK, &to, &found);
    CHECK(next() == "b:3 asks");
    CHECK(next() == "b:2");
    redis_nodes map = {};
    map.nodes[0] = {"b", 2};
    map.nodes[1] = {"c", 4};
    map.count = 2;
    redis_known_nodes_learn(&known, &map, &found);
    CHECK(next() == "b:2");
    redis_known_nodes_lose(&known); /* the URL's is asked, then the others, and again */
    for (const char *wanted : {"a:1", "b:2", "c:4", "a:1"}) {
        CHECK(next() == wanted);
        redis_known_nodes_lose(&known);
    }
    of_url.is_unix = true; /* a node that was met by its socket names others of this machine */
    to = {"", 5};
    redis_known_nodes_redirect(&known, REDIS_REDIRECT_MOVED, &to, &of_url);
    CHECK(next() == "127.0.0.1:5");
}
