// test_words.cpp: names and URLs as words: for a shell, for a terminal, without passwords.
#include "catch.hpp"

#include <cstdio>
#include <string>

extern "C" {
#include "tools/slotq/say/texts.h"
}

namespace
{

// What a shell makes of a word.
std::string read_back(const std::string &word)
{
    std::string command = "bash -c '";
    for (const char byte : "printf %s " + word) {
        command += byte == '\'' ? std::string("'\\''") : std::string(1, byte);
    }
    std::string text;
    FILE *pipe = popen((command + "'").c_str(), "r");
    for (int byte = pipe == nullptr ? EOF : fgetc(pipe); byte != EOF; byte = fgetc(pipe)) {
        text.push_back(static_cast<char>(byte));
    }
    return pipe != nullptr && pclose(pipe) == 0 ? text : "the shell failed";
}

} // namespace

TEST_CASE("a harmless name is its own word")
{
    for (const char *name : {"jobs", "a.b-c_d", "jobs:mail/2", "x@y+z=1,2%", "."}) {
        CHECK(std::string(shell_word(name).text) == name);
    }
}

TEST_CASE("a shell reads a quoted name back as it was")
{
    for (const char *name :
         {"two words", "", "it's", "$(touch trapped)", "`x`", "a\"b", "back\\slash", "tab\there",
          "new\nline", "caf\xC3\xA9 x", "\xFF\xFE", "'\x01'", "\\\x01", "*?[a]", "~", "a;b&c|d"}) {
        CHECK(read_back(shell_word(name).text) == name);
    }
}

TEST_CASE("a long name is cut, and its quotes are closed")
{
    const std::string longest(5000, ' ');
    const std::string word = shell_word(longest.c_str()).text;
    CHECK(word.size() < sizeof(word_text));
    CHECK(word.front() == '\'');
    CHECK(word.back() == '\'');
    const std::string quotes(5000, '\'');
    CHECK(read_back(shell_word(quotes.c_str()).text).find_first_not_of('\'') == std::string::npos);
}

TEST_CASE("no control byte and no broken UTF-8 is left in a plain word")
{
    CHECK(std::string(plain_word("caf\xC3\xA9").text) == "caf\xC3\xA9");
    CHECK(std::string(plain_word("\033[31m").text) == "\\x1b[31m");
    CHECK(std::string(plain_word("\xC3").text) == "\\xc3");
    CHECK(std::string(plain_word("\xC2\x9B").text) == "\\xc2\\x9b");
    CHECK(std::string(plain_word("\x7F").text) == "\\x7f");
    CHECK(columns_of("caf\xC3\xA9") == 4);
}

TEST_CASE("a wide character takes two columns")
{
    CHECK(columns_of("\xE6\xBC\xA2\xE5\xAD\x97") == 4); /* two ideographs */
    CHECK(columns_of("\xED\x95\x9C") == 2);             /* Hangul */
    CHECK(columns_of("\xEF\xBC\xA1\xEF\xBD\xB1") == 3); /* a full and a half one */
    CHECK(columns_of("\xF0\x9F\x98\x80") == 2);         /* a face */
    CHECK(columns_of("\xE2\x82\xAC\xCE\xA9") == 2);     /* euro, omega */
    CHECK(columns_of("\xE1\x84\x80\xE1\x85\xA0") == 3); /* the ends of a range */
    CHECK(columns_of("\x7F") == 1);
}

TEST_CASE("a URL is shown without its password")
{
    CHECK(std::string(shown_url("redis://me:secret@host:1/2").text) == "redis://***@host:1/2");
    CHECK(std::string(shown_url("redis://host:1").text) == "redis://host:1");
    CHECK(std::string(shown_url("redis://[::1]:6379").text) == "redis://[::1]:6379");
    CHECK(std::string(shown_url("unix:///s?db=1&password=secret&user=x").text) ==
          "unix:///s?db=1&password=***&user=***");
    CHECK(std::string(shown_url("/a/folder@home:x").text) == "/a/folder@home:x");
    CHECK(std::string(shown_url(".").text) == ".");
}
