#include <re2/re2.h>

#include <fmt/format.h>

#include "connectors/kafka/errors.h"
#include "connectors/kafka/finder.h"

namespace weir::kafka {

Result<bool> MatchesPattern(const std::string& pattern, std::string_view name) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  const re2::RE2 expression(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!expression.ok()) {
    return Status(
        errors::kSourceOption,
        fmt::format("the pattern '{}' is no regular expression: {}", pattern, expression.error()));
  }
  return re2::RE2::FullMatch(re2::StringPiece(name.data(), name.size()), expression);
}

}  // namespace weir::kafka
