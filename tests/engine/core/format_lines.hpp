/* format_lines.hpp: a line of an example of engine/FORMAT.md, in its parts. Knows the notation; not
 * what a verb does.
 */
#ifndef TESTS_ENGINE_CORE_FORMAT_LINES_HPP
#define TESTS_ENGINE_CORE_FORMAT_LINES_HPP

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "../../../engine/slotq_core.h"
#include "../../support/catch.hpp"

#ifndef SLOTQ_SOURCE_DIR
#define SLOTQ_SOURCE_DIR "."
#endif

namespace format_lines
{

using words = std::vector<std::string>;

/* A line: its words, those of the form name=value, quoted ones, and the answer after `->`. */
struct Line {
    std::string text;
    std::string verb;
    words plain;
    words quoted;
    std::map<std::string, std::string> named;
    std::string answer;

    uint64_t number(const std::string &name) const
    {
        const auto found = named.find(name);
        INFO(text << ": needs " << name << "=");
        REQUIRE(found != named.end());
        return std::stoull(found->second, nullptr, 0);
    }
    uint64_t number(const std::string &name, uint64_t otherwise) const
    {
        return named.count(name) > 0 ? number(name) : otherwise;
    }
};

inline Line parse(const std::string &text)
{
    Line line;
    line.text = text;
    const size_t arrow = text.find(" -> ");
    std::string rest = text.substr(0, arrow);
    line.answer = arrow == std::string::npos ? "" : text.substr(arrow + 4);
    for (size_t open = rest.find('"'); open != std::string::npos; open = rest.find('"')) {
        const size_t close = rest.find('"', open + 1);
        REQUIRE(close != std::string::npos);
        line.quoted.push_back(rest.substr(open + 1, close - open - 1));
        rest.erase(open, close - open + 1);
    }
    std::istringstream in(rest);
    in >> line.verb;
    for (std::string word; in >> word;) {
        const size_t equals = word.find('=');
        if (equals == std::string::npos) {
            line.plain.push_back(word);
        } else {
            line.named[word.substr(0, equals)] = word.substr(equals + 1);
        }
    }
    return line;
}

/* The quoted payloads. */
inline std::vector<slotq_data> data_of(const Line &line)
{
    std::vector<slotq_data> messages;
    for (const std::string &payload : line.quoted) {
        messages.push_back({payload.data(), static_cast<uint32_t>(payload.size())});
    }
    return messages;
}

/* keys=K,K…, with 0 for none. */
inline std::vector<uint64_t> keys_of(const Line &line)
{
    std::vector<uint64_t> keys;
    if (line.named.count("keys") > 0) {
        std::istringstream in(line.named.at("keys"));
        for (std::string key; std::getline(in, key, ',');) {
            keys.push_back(std::stoull(key, nullptr, 0));
        }
    }
    return keys;
}

inline slotq_key_mode mode_of(const Line &line)
{
    const std::string mode = line.named.count("mode") > 0 ? line.named.at("mode") : "unique";
    REQUIRE((mode == "unique" || mode == "once" || mode == "resend"));
    return mode == "unique" ? SLOTQ_KEY_UNIQUE : mode == "once" ? SLOTQ_KEY_ONCE : SLOTQ_KEY_RESEND;
}

/* ring, aside or later, and the id. */
inline std::string tell(const slotq_key_holder &holder)
{
    const words places = {"ring", "aside", "later"};
    return places.at(holder.place) + " " + std::to_string(holder.id) +
           (holder.is_unfinished ? "" : " finished");
}

/* An outcome; DUPLICATE with the message and the holder that has its key. */
inline std::string told(const std::string &outcome, const slotq_key_holder &taken)
{
    return outcome == "DUPLICATE" ? "DUPLICATE " + std::to_string(taken.message) + " " + tell(taken)
                                  : outcome;
}

/* The lines of each example that the page marks so. */
inline std::vector<words> examples_of(const std::string &mark)
{
    std::ifstream page(SLOTQ_SOURCE_DIR "/engine/FORMAT.md");
    REQUIRE(page.is_open());
    std::vector<words> blocks;
    bool inside = false;
    for (std::string text; std::getline(page, text);) {
        if (text == "```" + mark) {
            inside = true;
            blocks.emplace_back();
        } else if (text == "```") {
            inside = false;
        } else if (inside) {
            blocks.back().push_back(text);
        }
    }
    return blocks;
}

} // namespace format_lines
#endif
