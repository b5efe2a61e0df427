#pragma once

#include <string_view>
#include <vector>

#include <simdjson.h>

#include "formats/json_row.h"

namespace weir {

/// The white space at the end of a token taken off.
inline std::string_view TrimJson(std::string_view token) {
  while (!token.empty() && (token.back() == ' ' || token.back() == '\n' || token.back() == '\t' ||
                            token.back() == '\r')) {
    token.remove_suffix(1);
  }
  return token;
}
/// Whether a scalar that was found by its structure alone (a string ends where it seems to) is well
/// formed.
bool IsJsonScalar(std::string_view token);

/// Reads one JSON record by itself: slower than JsonSweep's way over many, and the one place that
/// says why a record is refused. Not thread safe.
class JsonRecordReader {
 public:
  explicit JsonRecordReader(const JsonPlaces& places) : order_(places) {}

  /// Puts the values of `record` into `row`, which has begun. False: refused, the row says why.
  bool Read(std::string_view record, JsonRow& row);

 private:
  bool ReadField(simdjson::ondemand::field& field, size_t turn, JsonRow& row);

  JsonFieldOrder order_;
  simdjson::ondemand::parser parser_;
  std::vector<char> padded_;
};

}  // namespace weir
