#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "connectors/connector.h"

/// What the outboxes of sinks have in common: records one behind the other, after a magic word.
///
///   bytes  = number, then as many bytes
///   number = base 128, low 7 bits first, the high bit says that more follow; at most 5 bytes
namespace weir {

void AppendNumber(std::string& out, uint32_t number);
void AppendBytes(std::string& out, std::string_view bytes);
/// Take one from the beginning of `rest`; false, and nothing taken for sure, where there is none.
bool TakeNumber(std::string_view& rest, uint32_t& number);
bool TakeBytes(std::string_view& rest, std::string_view& bytes);

/// Reads a sealed outbox record by record; one that lies in a file, in pieces. No bytes, however
/// wrong, make it read beyond their end.
class SealedReader {
 public:
  /// `sealed` stays as it is while this reads. `damaged` is the code of an outbox that is not what
  /// was written.
  SealedReader(const SealedPart& sealed, std::string_view magic, const ErrorCode& damaged);
  SealedReader(const SealedReader&) = delete;
  SealedReader& operator=(const SealedReader&) = delete;

  /// `read` takes one record from the beginning of what it is given, and says whether a whole one
  /// was there; its views live until the next call. False at the end, or where the bytes are
  /// damaged or cannot be read: then status() says so.
  template <typename Read>
  bool Next(const Read& read) {
    if (!status_.ok()) return false;
    while (rest_.empty() || !Try(read)) {
      // What cannot be read is cut by the window's end; at the outbox's end it is damaged.
      if (More()) continue;
      return status_.ok() && !rest_.empty() && Damaged();
    }
    return true;
  }
  const Status& status() const { return status_; }

 private:
  template <typename Read>
  bool Try(const Read& read) {
    std::string_view rest = rest_;
    if (!read(rest)) return false;
    rest_ = rest;
    return true;
  }
  bool Damaged();
  /// Reads more of the file behind what is left; false where there is no more.
  bool More();

  const SealedPart& sealed_;
  const ErrorCode& damaged_;
  std::string window_;     ///< Of the file.
  uint64_t window_end_;    ///< Bytes of the outbox up to the window's end.
  std::string_view rest_;  ///< Not yet read: of the window, or of the bytes in memory.
  Status status_;
};

}  // namespace weir
