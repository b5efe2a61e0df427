#include <array>

#include <fmt/format.h>
#include <re2/re2.h>

#include "expr/functions/function.h"

namespace weir {
namespace {

/// Memory that one pattern may take, compiled and while it matches.
constexpr int64_t kPatternMemory = 8 << 20;
constexpr size_t kLongestPattern = 4096;

/// The pattern of argument 1, which must be a literal; null after a fault.
std::shared_ptr<const RE2> PatternOf(CallBinder& call) {
  const std::optional<std::string> text = call.LiteralText(1, "pattern");
  if (!text) return nullptr;
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kPatternMemory);
  if (text->size() > kLongestPattern) {
    call.Fault(1, "the pattern is longer than 4096 bytes");
    return nullptr;
  }
  auto pattern = std::make_shared<const RE2>(re2::StringPiece(text->data(), text->size()), options);
  if (!pattern->ok()) {
    call.Fault(1, fmt::format("the pattern is not a regular expression: {}", pattern->error()),
               "patterns are those of RE2: no look-around and no back references");
    return nullptr;
  }
  return pattern;
}

NodePtr BindMatches(CallBinder& call) {
  std::shared_ptr<const RE2> pattern = PatternOf(call);
  if (!pattern) return nullptr;
  return call.Make(
      TypeKind::kBool, EachRow([pattern](const Call& c, size_t row, ColumnBuilder& out) {
        const std::string_view text = c[0].Text(row);
        out.AppendBool(RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *pattern));
      }));
}

NodePtr BindExtract(CallBinder& call) {
  std::shared_ptr<const RE2> pattern = PatternOf(call);
  if (!pattern) return nullptr;
  int64_t group = 0;
  if (call.size() > 2) {
    const Column* literal = call.node(2)->Literal();
    if (literal == nullptr || literal->IsNull(0)) {
      return call.Fault(2, "the group of regexp_extract must be a literal");
    }
    group = literal->values<int64_t>()[0];
  }
  const int groups = pattern->NumberOfCapturingGroups();
  if (group < 0 || group > groups) {
    return call.Fault(2, fmt::format("the pattern has no group {}; it has {}", group, groups),
                      "0 is the whole match");
  }
  return call.Make(
      TypeKind::kString, EachRow([pattern, group](const Call& c, size_t row, ColumnBuilder& out) {
        const std::string_view text = c[0].Text(row);
        std::vector<re2::StringPiece> found(static_cast<size_t>(group) + 1);
        const re2::StringPiece whole(text.data(), text.size());
        const bool matched = pattern->Match(whole, 0, text.size(), RE2::UNANCHORED, found.data(),
                                            static_cast<int>(found.size()));
        if (!matched || found.back().data() == nullptr) return out.AppendNull();
        out.AppendText({found.back().data(), found.back().size()});
      }));
}

constexpr std::array kFunctions = {
    Function{"regexp_matches", "text", "(text string, pattern string) -> bool",
             "Whether the regular expression (RE2's, a literal) is found anywhere in the text.",
             "regexp_matches('order_checkout', '^order_')", "true", BindMatches},
    Function{"regexp_extract", "text", "(text string, pattern string, [group int64]) -> string",
             "What the pattern's group (0, the default, is the whole match) found first; null if "
             "nothing.",
             "regexp_extract('www.amazon17.com', 'amazon([0-9]+)', 1)", "\"17\"", BindExtract},
};

}  // namespace

std::span<const Function> PatternFunctions() { return kFunctions; }

}  // namespace weir
