#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace weir::kafka {

struct JavaProperty {
  std::string key;
  std::string value;    ///< UTF-8.
  int line_number = 0;  ///< Where it begins, from 1.
};

/// Reads a file of properties as Java does (`java.util.Properties.load` of a stream, which is how
/// Kafka's tools read theirs): comments, lines that go on, escapes; bytes are ISO 8859-1, and
/// anything else is written `\u` and four digits. A key that comes twice is there twice; the last
/// one counts.
///
/// kConnectionOption, with the line, for a `\u` without four hexadecimal digits and for half of a
/// surrogate pair. `file` is for the message only.
Result<std::vector<JavaProperty>> ReadJavaProperties(std::string_view text,
                                                     const std::string& file);

}  // namespace weir::kafka
