/* comparison.hpp: holds two values against each other and keeps the first difference as text, for
 * the comparisons of play.hpp. Knows numbers and texts; no queue.
 */
#ifndef TESTS_SUPPORT_MODEL_COMPARISON_HPP
#define TESTS_SUPPORT_MODEL_COMPARISON_HPP

#include <cstdint>
#include <sstream>
#include <string>

namespace support
{

template <typename Left, typename Right>
std::string differ(const char *what, Left core, Right model)
{
    std::ostringstream text;
    text << what << ": core " << static_cast<uint64_t>(core) << ", model "
         << static_cast<uint64_t>(model);
    return text.str();
}

/* One line a field: "" when all are equal. */
class Comparison
{
public:
    template <typename Left, typename Right>
    void equal(const char *what, Left core, Right model)
    {
        if (text_.empty() && static_cast<uint64_t>(core) != static_cast<uint64_t>(model)) {
            text_ = differ(what, core, model);
        }
    }
    void holds(const char *what, bool rule)
    {
        if (text_.empty() && !rule) {
            text_ = what;
        }
    }
    void note(const std::string &text)
    {
        if (text_.empty()) {
            text_ = text;
        }
    }
    const std::string &text() const
    {
        return text_;
    }

private:
    std::string text_;
};

} // namespace support
#endif
