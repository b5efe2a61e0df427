#include "batch/batch.h"

namespace weir {

Batch::Batch(SchemaPtr schema, size_t rows, std::vector<ColumnPtr> columns, Times times,
             Origins origins)
    : schema_(std::move(schema)),
      rows_(rows),
      columns_(std::move(columns)),
      times_(std::move(times)),
      origins_(std::move(origins)) {
  WEIR_CHECK(columns_.size() == schema_->size());
  for (const ColumnPtr& column : columns_) WEIR_CHECK(column->size() == rows_);
  WEIR_CHECK(!times_ || times_->size() == rows_);
  WEIR_CHECK(!origins_ || origins_->size() == rows_);
}

size_t Batch::MemoryBytes() const {
  size_t sum = sizeof(Batch);
  for (const ColumnPtr& column : columns_) sum += column->MemoryBytes();
  if (times_) sum += times_->size() * sizeof(EventTime);
  if (origins_) sum += origins_->size() * sizeof(Origin);
  return sum;
}

BatchPtr Batch::Take(std::span<const uint32_t> rows) const {
  std::vector<ColumnPtr> columns;
  columns.reserve(columns_.size());
  for (const ColumnPtr& column : columns_) columns.push_back(weir::Take(column, rows));
  Times times;
  if (times_) {
    auto taken = std::make_shared<std::vector<EventTime>>();
    taken->reserve(rows.size());
    for (uint32_t row : rows) taken->push_back((*times_)[row]);
    times = std::move(taken);
  }
  Origins origins;
  if (origins_) {
    auto taken = std::make_shared<std::vector<Origin>>();
    taken->reserve(rows.size());
    for (uint32_t row : rows) taken->push_back((*origins_)[row]);
    origins = std::move(taken);
  }
  return std::make_shared<const Batch>(schema_, rows.size(), std::move(columns), std::move(times),
                                       std::move(origins));
}

BatchPtr Batch::WithColumns(SchemaPtr schema, std::vector<ColumnPtr> columns) const {
  return std::make_shared<const Batch>(std::move(schema), rows_, std::move(columns), times_,
                                       origins_);
}

BatchBuilder::BatchBuilder(SchemaPtr schema) : schema_(std::move(schema)) {
  columns_.reserve(schema_->size());
  for (const Field& field : schema_->fields()) columns_.emplace_back(field.type);
}

void BatchBuilder::Truncate(size_t rows) {
  for (ColumnBuilder& column : columns_) column.Truncate(rows);
}

BatchPtr BatchBuilder::Finish(Batch::Times times, Batch::Origins origins) {
  const size_t count = rows();
  std::vector<ColumnPtr> columns;
  columns.reserve(columns_.size());
  for (ColumnBuilder& column : columns_) columns.push_back(column.Finish());
  bare_rows_ = 0;
  return std::make_shared<const Batch>(schema_, count, std::move(columns), std::move(times),
                                       std::move(origins));
}

}  // namespace weir
