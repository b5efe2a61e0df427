#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/time.h"
#include "batch/column.h"

namespace weir {

/// Where a row came from: which partition of its source, and its place there. Breaks ties between
/// rows of one event time the same way in every run (first, last, collect_list).
struct Origin {
  int32_t partition = 0;
  int64_t offset = 0;
  auto operator<=>(const Origin&) const = default;
};

/// Rows by column, immutable and shared. Usually 1 k to 64 k rows.
class Batch {
 public:
  using Times = std::shared_ptr<const std::vector<EventTime>>;
  using Origins = std::shared_ptr<const std::vector<Origin>>;

  /// `times` is null where the rows have no event time, `origins` where nothing downstream asked
  /// for them; otherwise each has `rows` entries, as has every column.
  Batch(SchemaPtr schema, size_t rows, std::vector<ColumnPtr> columns, Times times = nullptr,
        Origins origins = nullptr);

  const SchemaPtr& schema() const { return schema_; }
  size_t rows() const { return rows_; }
  const std::vector<ColumnPtr>& columns() const { return columns_; }
  const Column& column(size_t i) const { return *columns_[i]; }
  const Times& times() const { return times_; }
  const Origins& origins() const { return origins_; }
  size_t MemoryBytes() const;

  /// The rows `rows` of this batch, with their times and origins.
  std::shared_ptr<const Batch> Take(std::span<const uint32_t> rows) const;
  /// The same rows under another schema and with other columns.
  std::shared_ptr<const Batch> WithColumns(SchemaPtr schema, std::vector<ColumnPtr> columns) const;

 private:
  SchemaPtr schema_;
  size_t rows_;
  std::vector<ColumnPtr> columns_;
  Times times_;
  Origins origins_;
};

using BatchPtr = std::shared_ptr<const Batch>;

/// Builds a batch row by row or column by column: append one value to every `column(i)` per row.
class BatchBuilder {
 public:
  explicit BatchBuilder(SchemaPtr schema);
  const SchemaPtr& schema() const { return schema_; }
  ColumnBuilder& column(size_t i) { return columns_[i]; }
  size_t rows() const { return columns_.empty() ? bare_rows_ : columns_[0].size(); }
  /// Counts a row of a schema without columns.
  void AddBareRows(size_t n) { bare_rows_ += n; }
  /// Takes back what was appended beyond the first `rows` rows, also half a row.
  void Truncate(size_t rows);
  BatchPtr Finish(Batch::Times times = nullptr, Batch::Origins origins = nullptr);

 private:
  SchemaPtr schema_;
  std::vector<ColumnBuilder> columns_;
  size_t bare_rows_ = 0;
};

}  // namespace weir
