#pragma once

#include <string>
#include <string_view>

#include "batch/batch.h"
#include "formats/avro_binary.h"
#include "formats/avro_plan.h"

namespace weir {

/// Deepest nesting of what is skipped or becomes JSON, in a record.
inline constexpr int kDeepestAvroRecord = 128;
/// Most elements of lists whose elements take no bytes, in a record: a few bytes could otherwise
/// stand for any number of them.
inline constexpr uint64_t kMostEmptyElements = 1024;
/// Longest text that a part of a record becomes in a column of type json.
inline constexpr size_t kLongestAvroJson = 16 << 20;

/// Walks one record. What returns false has told why in the fault.
class AvroRun {
 public:
  /// Does `steps` over all of `payload`, into the columns of `out`. On false these may hold a part
  /// of the row.
  bool Record(const std::vector<AvroStep>& steps, std::string_view payload, BatchBuilder& out);
  /// Appends the value that is all of `payload` to `out`.
  bool Value(const AvroNode& node, std::string_view payload, ColumnBuilder& out);
  /// Appends it as JSON.
  bool Json(const AvroNode& node, std::string_view payload, std::string& out);

  const ErrorCode& code() const { return *code_; }
  /// `address.city: expected …`.
  std::string reason() const { return path_.empty() ? reason_ : path_ + ": " + reason_; }

 private:
  void Begin(std::string_view payload);
  bool End();
  template <typename Target>
  bool Steps(const std::vector<AvroStep>& steps, Target target);
  template <typename Target>
  bool Rare(const AvroStep& step, Target target);
  bool Read(const AvroNode& node, ColumnBuilder& out);
  bool ReadArray(const AvroNode& node, ColumnBuilder& out);
  bool ReadMap(const AvroNode& node, ColumnBuilder& out);
  bool ReadJson(const AvroNode& node, std::string& out);
  bool ReadJsonItems(const AvroNode& node, std::string& out);
  bool ReadJsonRecord(const AvroNode& node, std::string& out);
  bool Skip(const AvroType& type);
  bool SkipItems(const AvroType& type);
  template <typename Each>
  bool Items(bool empty, const Each& each);
  template <typename Sink>
  bool Scalar(const AvroNode& node, Sink& sink);
  template <typename Sink>
  bool PutNumber(const AvroNode& node, int64_t value, Sink& sink);
  template <typename Sink>
  bool PutFloating(const AvroNode& node, double value, Sink& sink);
  template <typename Sink>
  bool PutText(const AvroNode& node, std::string_view text, Sink& sink);
  bool Branch(size_t count, size_t& branch);
  bool Torn();
  bool Wrong(std::string reason);
  bool Refuse(const ErrorCode& code, std::string reason);
  bool Within(std::string_view name);

  AvroCursor cursor_;
  int depth_ = 0;
  uint64_t empty_elements_ = 0;
  const ErrorCode* code_ = nullptr;
  std::string path_;
  std::string reason_;
  std::string text_;
};

}  // namespace weir
