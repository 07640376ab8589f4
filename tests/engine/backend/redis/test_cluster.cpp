/* test_cluster.cpp: queues in a Redis Cluster: any node as the address, slots that move under open
 * handles, waiting handles that go along, lists over all nodes. Real nodes; no failover.
 */
#include <algorithm>
#include <memory>

#include "server/cluster.hpp"
#include "server/riding.hpp"

#include <hiredis/hiredis.h>

using namespace riding;
using redis::Cluster;
using redis::Node;

namespace
{

/* Three primaries, for all tests here: each test leaves every slot whole. */
Cluster &three()
{
    static Cluster cluster(3);
    return cluster;
}

/* A queue in a cluster, with handles by any node, removed at the end. */
class Placed
{
public:
    Placed(Cluster &cluster, const std::string &name, uint8_t places = 255)
        : cluster_(cluster), name_(name), slot_(Cluster::slot_of(cluster.node(0), name))
    {
        slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
        slotq_error error = {};
        geometry.places = places;
        const slotq_outcome made =
            slotq_create(cluster.url().c_str(), name_.c_str(), &geometry, nullptr, &error);
        INFO(error.text);
        REQUIRE(made == SLOTQ_OK);
    }
    ~Placed()
    {
        slotq_error error = {};
        (void)slotq_remove_queue(cluster_.url().c_str(), name_.c_str(), &error);
    }
    Placed(const Placed &) = delete;
    Placed &operator=(const Placed &) = delete;

    uint32_t slot() const
    {
        return slot_;
    }
    const std::string &name() const
    {
        return name_;
    }
    Node &owner()
    {
        return cluster_.owner(slot_);
    }
    Node &other()
    {
        return cluster_.other_than(owner());
    }
    void move_away()
    {
        Node &from = owner();
        cluster_.move(slot_, name_, from, cluster_.other_than(from));
    }

private:
    Cluster &cluster_;
    std::string name_;
    uint32_t slot_;
};

using Handle = std::unique_ptr<slotq, void (*)(slotq *)>;

Handle open(const std::string &url, const std::string &name, uint32_t poll_ms = 0,
            const slotq_redis_options &redis = slotq_redis_options())
{
    slotq_options options = {};
    slotq *opened = nullptr;
    slotq_error error = {};
    options.redis = &redis;
    options.poll_ms = poll_ms;
    const slotq_outcome outcome = slotq_open(url.c_str(), name.c_str(), &options, &opened, &error);
    INFO(error.text);
    REQUIRE(outcome == SLOTQ_OK);
    return Handle(opened, slotq_close);
}

slotq_outcome push(const Handle &queue, const std::string &text)
{
    const slotq_data data = {text.data(), static_cast<uint32_t>(text.size())};
    return slotq_push(queue.get(), &data, 1, nullptr);
}

std::vector<std::string> listed(const std::string &url)
{
    std::vector<std::string> names;
    slotq_error error = {};
    const slotq_outcome outcome = slotq_list(
        url.c_str(),
        [](void *context, const char *name) {
            static_cast<std::vector<std::string> *>(context)->emplace_back(name);
            return true;
        },
        &names, &error);
    INFO(error.text);
    REQUIRE(outcome == SLOTQ_OK);
    return names;
}

} // namespace

TEST_CASE("cluster: any node is the address of every queue")
{
    Cluster &cluster = three();
    for (const char *name : {"foo", "bar", "jobs"}) { /* one on each node */
        Placed placed(cluster, name);
        for (size_t i = 0; i < 3; i++) {
            const Handle queue = open(cluster.node(i).url(), name);
            REQUIRE(push(queue, "by node " + std::to_string(i)) == SLOTQ_OK);
        }
        const Handle by_socket = open(url_of(cluster.node(1).server()), name);
        REQUIRE(push(by_socket, "by its socket") == SLOTQ_OK);
        CHECK(slotq_check(by_socket.get()) == SLOTQ_OK);
        CHECK(drained(by_socket.get()).size() == 4);
        Handle clone(nullptr, slotq_close);
        slotq *other = nullptr;
        REQUIRE(slotq_clone(by_socket.get(), &other, nullptr) == SLOTQ_OK);
        clone.reset(other);
        CHECK(push(clone, "by a clone") == SLOTQ_OK);
    }
}

TEST_CASE("cluster: a handle follows its queue to another node, where no script is loaded")
{
    Placed placed(three(), "follows");
    const Handle queue = open(three().url(), "follows");
    REQUIRE(push(queue, "1") == SLOTQ_OK);
    placed.owner().command({"SCRIPT", "FLUSH"});
    placed.other().command({"SCRIPT", "FLUSH"});
    placed.move_away();
    REQUIRE(push(queue, "2") == SLOTQ_OK);
    placed.move_away();
    slotq_stats stats;
    REQUIRE(slotq_get_stats(queue.get(), 0, &stats) == SLOTQ_OK);
    CHECK(stats.last_id == 2);
    placed.move_away();
    CHECK(slotq_check(queue.get()) == SLOTQ_OK);
    placed.move_away();
    CHECK(drained(queue.get()) == std::vector<std::string>{"1", "2"});
}

TEST_CASE("cluster: all goes on while a slot is being moved, before and after its key has gone")
{
    Placed placed(three(), "asks");
    Node &from = placed.owner();
    Node &to = placed.other();
    slotq_stats stats;
    slotq_error error = {};
    const Handle queue = open(three().url(), "asks");
    REQUIRE(push(queue, "1") == SLOTQ_OK);
    three().open(placed.slot(), from, to);
    REQUIRE(push(queue, "2") == SLOTQ_OK);
    three().migrate(from, to, "asks");
    to.command({"SCRIPT", "FLUSH"});
    REQUIRE(push(queue, "3") == SLOTQ_OK); /* ASK, and its script is loaded there */
    REQUIRE(push(queue, "4") == SLOTQ_OK);
    CHECK(slotq_check(queue.get()) == SLOTQ_OK);
    const Handle late = open(three().url(), "asks");
    REQUIRE(push(late, "5") == SLOTQ_OK);
    slotq_geometry geometry = *slotq_geometry_of(late.get());
    CHECK(slotq_create(three().url().c_str(), "asks", &geometry, nullptr, &error) == SLOTQ_OK);
    CHECK(listed(three().url()) == std::vector<std::string>{"asks"});
    three().close(placed.slot(), from, to);
    REQUIRE(slotq_get_stats(queue.get(), 0, &stats) == SLOTQ_OK);
    CHECK(stats.last_id == 5);
    CHECK(drained(queue.get()) == std::vector<std::string>{"1", "2", "3", "4", "5"});
}

TEST_CASE("cluster: a queue is created and removed in a slot that is being moved")
{
    Node &from = three().owner(Cluster::slot_of(three().node(0), "fresh"));
    Node &to = three().other_than(from);
    const uint32_t slot = Cluster::slot_of(from, "fresh");
    slotq_error error = {};
    three().open(slot, from, to);
    {
        Placed placed(three(),
                      "fresh"); /* a key that the old node does not have is the new one's */
        CHECK(from.command({"EXISTS", "fresh"}).word() == "ASK");
        const Handle queue = open(three().url(), "fresh");
        CHECK(push(queue, "1") == SLOTQ_OK);
    }
    slotq *none = nullptr;
    CHECK(slotq_open(three().url().c_str(), "fresh", nullptr, &none, &error) == SLOTQ_NOQUEUE);
    three().close(slot, from, to);
}

TEST_CASE("cluster: a queue is resized in a slot that is being moved")
{
    Placed placed(three(), "grows");
    Node &from = placed.owner();
    Node &to = placed.other();
    slotq_error error = {};
    slotq_geometry wanted = SLOTQ_GEOMETRY_DEFAULT;
    wanted.ring_slots *= 2;
    {
        const Handle queue = open(three().url(), "grows");
        REQUIRE(push(queue, "1") == SLOTQ_OK);
    }
    three().open(placed.slot(), from, to);
    three().migrate(from, to, "grows");
    const slotq_outcome resized = slotq_resize(three().url().c_str(), "grows", &wanted, &error);
    INFO(error.text);
    CHECK(resized == SLOTQ_OK);
    three().close(placed.slot(), from, to);
    const Handle queue = open(three().url(), "grows");
    CHECK(slotq_geometry_of(queue.get())->ring_slots == wanted.ring_slots);
    CHECK(drained(queue.get()) == std::vector<std::string>{"1"});
}

TEST_CASE("cluster: verbs of one round trip keep their order through a move")
{
    Placed placed(three(), "order");
    const Handle queue = open(three().url(), "order");
    std::vector<std::string> wanted; /* borrowed by the pipeline until it has run */
    slotq_pipeline *pipeline = nullptr;
    wanted.reserve(200);
    REQUIRE(slotq_pipeline_new(queue.get(), &pipeline, nullptr) == SLOTQ_OK);
    for (int round = 0; round < 4; round++) {
        slotq_data data[50];
        for (int i = 0; i < 50; i++) {
            wanted.push_back(std::to_string(round) + "/" + std::to_string(i));
            data[i] = {wanted.back().data(), static_cast<uint32_t>(wanted.back().size())};
            REQUIRE(slotq_pipeline_push(pipeline, &data[i], 1, nullptr) == SLOTQ_OK);
            if (i % 10 == 9) {
                REQUIRE(slotq_pipeline_run(pipeline) == SLOTQ_OK);
            }
        }
        if (round == 1) { /* in two steps, with a run between them */
            three().open(placed.slot(), placed.owner(), placed.other());
            three().migrate(placed.owner(), placed.other(), "order");
        } else if (round == 2) {
            three().close(placed.slot(), placed.owner(), placed.other());
        } else {
            placed.move_away();
        }
    }
    slotq_pipeline_free(pipeline);
    CHECK(drained(queue.get()) == wanted);
}

TEST_CASE("cluster: a waiting consumer is woken by a push on the node that its queue went to")
{
    for (const int places : {255, 0}) {
        INFO(places);
        Placed placed(three(), "wakes", static_cast<uint8_t>(places));
        const Handle queue = open(three().url(), "wakes", 600000);
        slotq_batch *batch = slotq_batch_new();
        slotq_outcome outcome = SLOTQ_EMPTY;
        std::thread consumer(
            [&] { outcome = slotq_reserve(queue.get(), 0, 1, 30000, 300000, batch); });
        const std::string channel = places > 0 ? "slotq#*" : "slotq:*";
        CHECK(comes_true([&] {
            return !placed.owner().command({"PUBSUB", "CHANNELS", channel}).items.empty();
        }));
        sleep_ms(50); /* it has looked once more by then, and sleeps */
        const Clock::time_point begun = Clock::now();
        placed.move_away();
        const Handle producer = open(three().url(), "wakes");
        CHECK(push(producer, "x") == SLOTQ_OK);
        consumer.join();
        CHECK(outcome == SLOTQ_OK);
        CHECK(since_ms(begun) < 150000); /* a poll would come in 4 minutes at the soonest */
        slotq_batch_free(batch);
    }
}

TEST_CASE("cluster: a handle that was polled for listens on the new node, and is woken there alone")
{
    Placed placed(three(), "polls");
    const Handle queue = open(three().url(), "polls", 600000);
    slotq_batch *batch = slotq_batch_new();
    int fd = -1;
    REQUIRE(slotq_redis_listen(queue.get(), &fd) == SLOTQ_OK);
    REQUIRE(slotq_reserve(queue.get(), 0, 1, 30000, 0, batch) == SLOTQ_EMPTY);
    placed.move_away();
    REQUIRE(slotq_reserve(queue.get(), 0, 1, 30000, 0, batch) == SLOTQ_EMPTY);
    REQUIRE(slotq_redis_listen(queue.get(), &fd) == SLOTQ_OK);
    REQUIRE(slotq_reserve(queue.get(), 0, 1, 30000, 0, batch) == SLOTQ_EMPTY);
    CHECK(placed.owner().command({"PUBSUB", "CHANNELS", "slotq#*"}).items.size() == 1);
    CHECK(placed.other().command({"PUBSUB", "CHANNELS", "slotq#*"}).items.empty());
    const Handle producer = open(three().url(), "polls");
    REQUIRE(push(producer, "x") == SLOTQ_OK);
    CHECK(comes_true([&] {
        return slotq_redis_listen(queue.get(), &fd) == SLOTQ_OK &&
               slotq_reserve(queue.get(), 0, 1, 30000, 0, batch) == SLOTQ_OK;
    }));
    slotq_batch_free(batch);
}

TEST_CASE("cluster: the list has the queues of all nodes, each once, also in a slot that moves")
{
    std::vector<std::unique_ptr<Placed>> placed;
    std::vector<std::string> names;
    for (int i = 0; i < 12; i++) {
        names.push_back("list-" + std::to_string(i));
        placed.emplace_back(new Placed(three(), names.back()));
    }
    std::sort(names.begin(), names.end());
    for (size_t i = 0; i < 3; i++) {
        CHECK(listed(three().node(i).url()) == names);
    }
    Placed &moving = *placed.front();
    Node &from = moving.owner();
    Node &to = moving.other();
    three().open(moving.slot(), from, to);
    CHECK(listed(three().url()) == names);
    three().migrate(from, to, moving.name());
    CHECK(listed(three().url()) == names);
    three().close(moving.slot(), from, to);
    CHECK(listed(three().url()) == names);
}

TEST_CASE("cluster: a message moves in one step between queues of one slot, else in two")
{
    Placed here(three(), "{foo}a");
    Placed beside(three(), "{foo}b");
    Placed apart(three(), "bar");
    const Handle from = open(three().url(), "{foo}a");
    const std::string sum =
        apart.owner().command({"SCRIPT", "LOAD", slotq_redis_script_text("move", true)}).text;
    slotq_batch *batch = slotq_batch_new();
    slotq_message message;
    for (const char *name : {"{foo}b", "bar"}) {
        const Handle to = open(three().node(1).url(), name);
        uint64_t id = 0;
        REQUIRE(push(from, name) == SLOTQ_OK);
        REQUIRE(slotq_reserve(from.get(), 0, 1, 30000, 0, batch) == SLOTQ_OK);
        REQUIRE(slotq_batch_next(batch, &message));
        here.owner().command({"SCRIPT", "FLUSH"});
        here.owner().command({"CONFIG", "RESETSTAT"});
        const bool is_beside = std::string(name) == "{foo}b";
        CHECK(slotq_move(from.get(), 0, message.id, message.token, to.get(), nullptr, &id) ==
              SLOTQ_OK);
        CHECK(id == 1);
        const redis::Reply loaded = here.owner().command({"SCRIPT", "EXISTS", sum});
        const std::string ran = here.owner().command({"INFO", "commandstats"}).text;
        const bool by_module = ran.find("cmdstat_slotq.move.at:") != std::string::npos;
        CHECK((loaded.items.at(0).is_integer(1) || by_module) == is_beside);
        CHECK(drained(to.get()) == std::vector<std::string>{name});
    }
    slotq_batch_free(batch);
    slotq_stats stats;
    REQUIRE(slotq_get_stats(from.get(), 0, &stats) == SLOTQ_OK);
    CHECK(stats.acked == 2);
}

TEST_CASE("cluster: a lent connection, and a handle that must not reconnect, do not follow")
{
    Placed placed(three(), "stays");
    slotq_error error = {};
    Node &elsewhere = placed.other();
    redisContext *context = redisConnectUnix(elsewhere.server().socket_path().c_str());
    slotq *none = nullptr;
    CHECK(slotq_redis_attach(context, "stays", nullptr, &none, &error) == SLOTQ_UNSUPPORTED);
    CHECK(none == nullptr);
    CHECK(error.cause == SLOTQ_CAUSE_NODE);
    CHECK_FALSE(error.passes);
    CHECK(std::string(error.text).find("connect to that node") != std::string::npos);
    redisFree(context);
    slotq_redis_options redis = {};
    redis.no_reconnect = true;
    const Handle queue = open(three().url(), "stays", 0, redis);
    REQUIRE(push(queue, "1") == SLOTQ_OK);
    placed.move_away();
    CHECK(push(queue, "2") == SLOTQ_UNSUPPORTED);
    CHECK(slotq_error_of(queue.get())->cause == SLOTQ_CAUSE_NODE);
    CHECK_FALSE(slotq_error_of(queue.get())->passes);
}

TEST_CASE("cluster: a plain connection to the node of a key, and to all nodes")
{
    Placed placed(three(), "plain");
    slotq_redis_connection *connection = nullptr;
    slotq_error error = {};
    REQUIRE(slotq_redis_connect_for(placed.other().url().c_str(), "plain", nullptr, &connection,
                                    &error) == SLOTQ_OK);
    const char *words[] = {"EXISTS", "plain"};
    redisReply *reply = nullptr;
    REQUIRE(slotq_redis_command(connection, 2, words, nullptr, &reply, &error) == SLOTQ_OK);
    CHECK(reply->integer == 1);
    freeReplyObject(reply);
    placed.move_away();
    REQUIRE(slotq_redis_command(connection, 2, words, nullptr, &reply, &error) == SLOTQ_OK);
    CHECK(slotq_redis_judge(reply, &error) == SLOTQ_UNSUPPORTED);
    CHECK(error.cause == SLOTQ_CAUSE_NODE);
    CHECK_FALSE(error.passes);
    freeReplyObject(reply);
    slotq_redis_close(connection);
    CHECK(slotq_redis_connect_for(three().url().c_str(), nullptr, nullptr, &connection, &error) ==
          SLOTQ_INVALID);
    struct Sum {
        uint32_t slots = 0;
        uint32_t nodes = 0;
    } sum;
    const auto visit = [](void *context, const slotq_redis_primary *primary) {
        Sum *total = static_cast<Sum *>(context);
        CHECK(primary->connection != nullptr);
        CHECK(primary->error == nullptr);
        CHECK(primary->primaries == 3);
        CHECK(primary->slots_covered == 16384);
        total->slots += primary->slots;
        total->nodes++;
        return true;
    };
    REQUIRE(slotq_redis_visit(three().url().c_str(), nullptr, visit, &sum, &error) == SLOTQ_OK);
    CHECK(sum.slots == 16384);
    CHECK(sum.nodes == 3);
    CHECK(slotq_redis_visit("/nowhere", nullptr, visit, &sum, &error) == SLOTQ_INVALID);
    CHECK(slotq_redis_visit(three().url().c_str(), nullptr, nullptr, &sum, &error) ==
          SLOTQ_INVALID);
}

TEST_CASE("cluster: a move waits while one of its two queues is on each node")
{
    Placed here(three(), "{foo}c");
    Placed beside(three(), "{foo}d");
    slotq_redis_options patient = {};
    patient.reconnect_ms = 60000;
    const Handle from = open(three().url(), "{foo}c", 0, patient);
    const Handle to = open(three().url(), "{foo}d", 0, patient);
    Node &old_owner = here.owner();
    Node &new_owner = here.other();
    slotq_batch *batch = slotq_batch_new();
    slotq_message message;
    uint64_t id = 0;
    REQUIRE(push(from, "x") == SLOTQ_OK);
    REQUIRE(slotq_reserve(from.get(), 0, 1, 60000, 0, batch) == SLOTQ_OK);
    REQUIRE(slotq_batch_next(batch, &message));
    three().open(here.slot(), old_owner, new_owner);
    three().migrate(old_owner, new_owner, "{foo}c");
    old_owner.command({"CONFIG", "RESETSTAT"});
    slotq_outcome outcome = SLOTQ_OUTCOME_UNKNOWN;
    std::thread mover([&] {
        outcome = slotq_move(from.get(), 0, message.id, message.token, to.get(), nullptr, &id);
    });
    CHECK(comes_true([&] {
        return old_owner.command({"INFO", "errorstats"}).text.find("errorstat_TRYAGAIN") !=
               std::string::npos;
    }));
    three().migrate(old_owner, new_owner, "{foo}d");
    three().close(here.slot(), old_owner, new_owner);
    mover.join();
    INFO(slotq_error_of(from.get())->text);
    CHECK(outcome == SLOTQ_OK);
    CHECK(id == 1);
    CHECK(drained(to.get()) == std::vector<std::string>{"x"});
    slotq_batch_free(batch);
}
