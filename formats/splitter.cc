#include "formats/splitter.h"

#include <cstring>

#include <fmt/format.h>

#include "formats/errors.h"
#include "formats/values.h"

namespace weir {
namespace {

Status TooLong() {
  return Status(errors::kRecordTooLong,
                fmt::format("a record is longer than {} MiB", kLongestRecord >> 20),
                "records of a file end with a newline; is this the right file and format?");
}

/// Adds the record [begin, end) without its \r, unless it is an empty line.
void Add(std::string_view bytes, size_t begin, size_t end, std::vector<std::string_view>& records) {
  if (end > begin && bytes[end - 1] == '\r') end--;
  if (end > begin) records.push_back(bytes.substr(begin, end - begin));
}

class LineSplitter final : public RecordSplitter {
 public:
  Result<size_t> Split(std::string_view bytes, bool last,
                       std::vector<std::string_view>& records) override {
    size_t begin = 0;
    while (begin < bytes.size()) {
      const void* found = std::memchr(bytes.data() + begin, '\n', bytes.size() - begin);
      if (found == nullptr) break;
      const auto end = static_cast<size_t>(static_cast<const char*>(found) - bytes.data());
      if (end - begin > kLongestRecord) return TooLong();
      Add(bytes, begin, end, records);
      begin = end + 1;
    }
    if (bytes.size() - begin > kLongestRecord) return TooLong();
    if (!last) return begin;
    Add(bytes, begin, bytes.size(), records);
    return bytes.size();
  }
};

class CsvSplitter final : public RecordSplitter {
 public:
  Result<size_t> Split(std::string_view bytes, bool last,
                       std::vector<std::string_view>& records) override {
    size_t begin = 0;
    bool quoted = false;
    for (size_t i = 0; i < bytes.size(); i++) {
      const char c = bytes[i];
      if (c == '"') {
        quoted = !quoted;
      } else if (c == '\n' && !quoted) {
        if (i - begin > kLongestRecord) return TooLong();
        Add(bytes, begin, i, records);
        begin = i + 1;
      }
    }
    if (bytes.size() - begin > kLongestRecord) return TooLong();
    if (!last) return begin;
    Add(bytes, begin, bytes.size(), records);
    return bytes.size();
  }
};

}  // namespace

std::unique_ptr<RecordSplitter> MakeLineSplitter() { return std::make_unique<LineSplitter>(); }
std::unique_ptr<RecordSplitter> MakeCsvSplitter() { return std::make_unique<CsvSplitter>(); }

SchemaPtr DeclaredColumns(const std::vector<ColumnDeclaration>& declared, const Place& place,
                          Diagnostics& diagnostics) {
  if (declared.empty()) {
    diagnostics.Error(errors::kFormatColumns, place, "this format needs 'columns'",
                      "declare them: columns: { name: type, ... }");
    return nullptr;
  }
  std::vector<Field> fields;
  bool good = true;
  for (const ColumnDeclaration& column : declared) {
    Result<TimeReader> times = TimeReader::Make(column);
    if (!times.ok()) {
      diagnostics.Error(errors::kFormatColumns, place, times.status().message(),
                        times.status().cure());
      good = false;
    }
    if (column.type.Is(TypeKind::kNull) || column.type.Is(TypeKind::kDuration)) {
      diagnostics.Error(errors::kFormatColumns, place,
                        fmt::format("column '{}': {} is no type of a record's field", column.name,
                                    column.type.ToString()));
      good = false;
    }
    fields.push_back({column.name, column.type});
  }
  if (!good) return nullptr;
  return std::make_shared<const Schema>(std::move(fields));
}

}  // namespace weir
