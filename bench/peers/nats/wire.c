/* wire.c: see nats.h: the words of NATS and of the JetStream API.
 */
#include "nats.h"
#include "../../support/sure.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

/* Subscriptions of a connection, by their numbers; pulls are behind them. */
enum { TO_PUBLISHING = 1, TO_REQUESTS = 2, TO_PULLS = 3, SUBJECT_BYTES = 64, REQUEST_BYTES = 512 };
enum { LOOK_US = 200, LOOKS_MOST = 600000 };

/* ---- publishing ---- */

/* The inbox behind that subscription. */
static void append_inbox(line_wire *wire, uint32_t subscription)
{
    line_wire_append_text(wire, "_INBOX.");
    line_wire_append_number(wire, wire->own);
    line_wire_append_text(wire, ".");
    line_wire_append_number(wire, subscription);
}

/* What is published, with its answer to that subscription; 0: to none. */
static void append_publish(line_wire *wire, const char *subject, uint32_t subscription,
                           const void *bytes, size_t count)
{
    line_wire_append_text(wire, "PUB ");
    line_wire_append_text(wire, subject);
    line_wire_append_text(wire, " ");
    if (subscription > 0) {
        append_inbox(wire, subscription);
        line_wire_append_text(wire, " ");
    }
    line_wire_append_number(wire, count);
    line_wire_append_text(wire, "\r\n");
    line_wire_append(wire, bytes, count);
    line_wire_append_text(wire, "\r\n");
}

void nats_publish(line_wire *wire, uint32_t number, const uint8_t *payload, uint32_t payload_bytes)
{
    char subject[SUBJECT_BYTES];
    snprintf(subject, sizeof subject, "q%u", (unsigned)number);
    append_publish(wire, subject, TO_PUBLISHING, payload, payload_bytes);
}

void nats_pull(line_wire *wire, uint32_t number, uint32_t inbox, uint32_t count)
{
    char subject[SUBJECT_BYTES];
    char request[REQUEST_BYTES];
    snprintf(subject, sizeof subject, "$JS.API.CONSUMER.MSG.NEXT.q%u.w", (unsigned)number);
    const int length = snprintf(request, sizeof request, "{\"batch\":%u}", (unsigned)count);
    append_publish(wire, subject, TO_PULLS + inbox, request, (size_t)length);
}

void nats_ack(line_wire *wire, const char *reply)
{
    append_publish(wire, reply, 0, "", 0);
}

/* ---- reading ---- */

/* What publishing is answered by: {"stream":…, or {"error":… */
static bool is_stored(const nats_news *news)
{
    const char wanted[] = "{\"stream\":";
    return news->count >= sizeof wanted && memcmp(news->bytes, wanted, sizeof wanted - 1) == 0;
}

/* What follows MSG: subject subscription [reply] bytes. */
static void read_message(line_wire *wire, char *words, nats_news *news)
{
    const char *fields[4] = {"", "", "", ""};
    const char *last = "";
    uint32_t count = 0;
    while (words != NULL && count < 4) {
        char *blank = strchr(words, ' ');
        last = words;
        fields[count++] = words;
        if (blank != NULL) {
            *blank++ = '\0';
        }
        words = blank;
    }
    bench_need(count >= 3, "a message of NATS");
    const uint32_t subscription = (uint32_t)strtoul(fields[1], NULL, 10);
    const size_t length = strtoul(last, NULL, 10);
    if (count == 4) {
        bench_need(strlen(fields[2]) < sizeof news->reply, "a subject of this length");
        memcpy(news->reply, fields[2], strlen(fields[2]) + 1);
    }
    news->bytes = line_wire_body(wire, length);
    news->count = (uint32_t)length;
    news->inbox = subscription - TO_PULLS;
    news->kind = subscription == TO_REQUESTS ? NATS_ANSWERED : NATS_MESSAGE;
    if (subscription == TO_PUBLISHING) {
        news->kind = is_stored(news) ? NATS_PUBLISHED : NATS_REFUSED;
    }
}

void nats_next(line_wire *wire, nats_news *news)
{
    for (;;) {
        char *line = line_wire_line(wire);
        if (line_after(line, "MSG ") != NULL) {
            read_message(wire, line + 4, news);
            return;
        }
        if (strcmp(line, "PING") == 0) {
            line_wire_append_text(wire, "PONG\r\n");
            continue;
        }
        if (line_after(line, "HMSG ") != NULL) { /* what the server says about a pull that failed */
            line = line_wire_line(wire);
        }
        bench_need(line_after(line, "INFO ") != NULL, line);
    }
}

void nats_take(line_wire *wire, uint32_t payload_bytes, nats_news *news)
{
    nats_next(wire, news);
    bench_need(news->kind == NATS_MESSAGE && news->count == payload_bytes &&
                   news->bytes[0] == line_payload()[0],
               "the message that was published");
}

/* ---- connecting ---- */

void nats_open(line_wire *wire, const char *where)
{
    line_wire_open(wire, where);
    const char *line = line_wire_line(wire);
    const char *number = strstr(line, "\"client_id\":");
    bench_need(line_after(line, "INFO ") != NULL && number != NULL, "meeting NATS");
    wire->own = strtoul(strchr(number, ':') + 1, NULL, 10);
    line_wire_append_text(wire, "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"c\","
                                "\"version\":\"1\",\"protocol\":1,\"headers\":true,"
                                "\"no_responders\":true}\r\n");
    for (uint32_t i = TO_PUBLISHING; i < TO_PULLS + NATS_INBOXES; i++) {
        line_wire_append_text(wire, "SUB ");
        append_inbox(wire, i);
        line_wire_append_text(wire, " ");
        line_wire_append_number(wire, i);
        line_wire_append_text(wire, "\r\n");
    }
    line_wire_append_text(wire, "PING\r\n");
    line_need(line_wire_line(wire), "PONG");
}

/* ---- the API ---- */

static void await_answer(line_wire *wire, nats_news *news)
{
    nats_next(wire, news);
    bench_need(news->kind == NATS_ANSWERED, "an answer of NATS");
}

void nats_ack_surely(line_wire *wire, const char *reply)
{
    nats_news news;
    append_publish(wire, reply, TO_REQUESTS, "", 0);
    await_answer(wire, &news);
}

static json_t *ask(line_wire *wire, const char *subject, const char *request)
{
    nats_news news;
    append_publish(wire, subject, TO_REQUESTS, request, strlen(request));
    await_answer(wire, &news);
    json_t *answer = json_loadb((const char *)news.bytes, news.count, 0, NULL);
    if (answer == NULL || json_object_get(answer, "error") != NULL) {
        fprintf(stderr, "bench: NATS replied to %s: %.*s\n", request, (int)news.count,
                (const char *)news.bytes);
        exit(1);
    }
    return answer;
}

void nats_make_queue(line_wire *wire, bool in_memory, uint32_t number, uint32_t lease_s)
{
    char subject[SUBJECT_BYTES];
    char request[REQUEST_BYTES];
    snprintf(subject, sizeof subject, "$JS.API.STREAM.CREATE.q%u", (unsigned)number);
    snprintf(request, sizeof request,
             "{\"name\":\"q%u\",\"subjects\":[\"q%u\"],\"retention\":\"workqueue\","
             "\"storage\":\"%s\",\"num_replicas\":1,\"discard\":\"new\",\"max_consumers\":-1,"
             "\"max_msgs\":-1,\"max_bytes\":-1,\"max_msg_size\":-1,\"max_age\":0}",
             (unsigned)number, (unsigned)number, in_memory ? "memory" : "file");
    json_decref(ask(wire, subject, request));
    snprintf(subject, sizeof subject, "$JS.API.CONSUMER.DURABLE.CREATE.q%u.w", (unsigned)number);
    snprintf(request, sizeof request,
             "{\"stream_name\":\"q%u\",\"config\":{\"durable_name\":\"w\","
             "\"deliver_policy\":\"all\",\"ack_policy\":\"explicit\",\"ack_wait\":%u000000000,"
             "\"max_deliver\":-1,\"max_ack_pending\":-1,\"replay_policy\":\"instant\"}}",
             (unsigned)number, (unsigned)lease_s);
    json_decref(ask(wire, subject, request));
}

void nats_delete_queue(line_wire *wire, uint32_t number)
{
    char subject[SUBJECT_BYTES];
    snprintf(subject, sizeof subject, "$JS.API.STREAM.DELETE.q%u", (unsigned)number);
    json_decref(ask(wire, subject, ""));
}

uint64_t nats_count(line_wire *wire, uint32_t number)
{
    char subject[SUBJECT_BYTES];
    snprintf(subject, sizeof subject, "$JS.API.STREAM.INFO.q%u", (unsigned)number);
    json_t *answer = ask(wire, subject, "");
    const json_t *count = json_object_get(json_object_get(answer, "state"), "messages");
    bench_need(json_is_integer(count), "counting messages");
    const uint64_t messages = (uint64_t)json_integer_value(count);
    json_decref(answer);
    return messages;
}

void nats_await_empty(line_wire *wire, uint32_t number)
{
    for (uint32_t look = 0; nats_count(wire, number) > 0; look++) {
        bench_need(look < LOOKS_MOST, "finishing all messages");
        usleep(LOOK_US);
    }
}
