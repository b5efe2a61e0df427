#pragma once

#include <cstdio>
#include <optional>

#include "connectors/connector.h"

namespace weir {

/// Shows rows on standard output at once, so rows may show again after a crash: as a table on a
/// terminal, otherwise in the sink's format, one record per line.
const Connector& StdoutConnector();

/// What StdoutWriter shows.
struct StdoutLimits {
  std::optional<int64_t> rows;  ///< Most rows in each `every`; none: all.
  Duration every = Duration::Seconds(10);
};

/// The writer behind the connector, with its screen and clock given from outside.
class StdoutWriter final : public SinkWriter {
 public:
  /// `screen` and `clock` outlive it. `encoder` is null for a table.
  StdoutWriter(std::FILE* screen, const Clock& clock, StdoutLimits limits,
               std::unique_ptr<Encoder> encoder);
  Status Write(const Batch& batch, std::vector<Rejection>& rejected) override;
  Result<SealedPart> Seal(Epoch epoch, bool last) override;

 private:
  /// How many of `rows` may be shown now.
  size_t Allowed(size_t rows);
  void AppendTable(const Batch& batch, size_t rows);
  Status Show();

  std::FILE* const screen_;
  const Clock& clock_;
  const StdoutLimits limits_;
  const std::unique_ptr<Encoder> encoder_;
  std::vector<size_t> widths_;  // Of the table's columns.
  std::optional<Duration> period_begin_;
  int64_t shown_ = 0;   // In this period.
  int64_t hidden_ = 0;  // In this period.
  int64_t rows_ = 0;    // In this epoch.
  std::string text_;
};

}  // namespace weir
