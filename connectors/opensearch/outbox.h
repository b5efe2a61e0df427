#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "connectors/sealed_reader.h"

namespace weir::opensearch {

/// What becomes of one document. The views live as long as what they were read from; of a reader,
/// until its next change.
struct Change {
  std::string_view id;
  std::optional<std::string_view> document;  ///< JSON in one line; none: it is deleted.
};

/// A sealed outbox, as it stands in checkpoints:
///
///   outbox = "WOO1" change*
///   change = one byte: 1 there is a document, 0 it is deleted; bytes (id), [bytes (document)]
///
/// where `bytes` are those of SealedReader. Appends `change`; the caller writes kOutboxMagic first.
void AppendChange(std::string& out, const Change& change);
inline constexpr std::string_view kOutboxMagic = "WOO1";

/// Reads a sealed outbox change by change.
class ChangeReader {
 public:
  /// `sealed` stays as it is while this reads.
  explicit ChangeReader(const SealedPart& sealed);
  /// False at the end, or where the bytes are damaged or cannot be read: then status() says so.
  bool Next(Change& change);
  const Status& status() const { return sealed_.status(); }

 private:
  SealedReader sealed_;
};

}  // namespace weir::opensearch
