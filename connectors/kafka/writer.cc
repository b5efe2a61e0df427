#include "connectors/kafka/writer.h"

#include <fmt/format.h>

#include "batch/render.h"
#include "connectors/kafka/errors.h"

namespace weir::kafka {
namespace {

/// Encoded rows go to the spool in pieces of about this size.
constexpr size_t kPiece = 64 << 10;
constexpr size_t kNull = SIZE_MAX;

/// Bytes of a value: text and bytes as they are, anything else as JSON.
void AppendBytesOf(std::string& out, const Column& column, size_t row) {
  if (column.type().IsText() && !column.type().Is(TypeKind::kJson)) {
    out += column.text(row);
  } else {
    AppendJsonValue(out, column, row);
  }
}

bool IsHeaderList(const Type& type) {
  if (type.Is(TypeKind::kMap)) return true;
  if (!type.Is(TypeKind::kList)) return false;
  const Type& element = type.children()[0].type;
  return element.Is(TypeKind::kStruct) && element.children().size() == 2 &&
         element.children()[0].type.Is(TypeKind::kString);
}

Status WrongType(std::string_view option, std::string_view wanted, const Type& type) {
  return Status(
      errors::kSinkOption,
      fmt::format("'{}' of a kafka sink must be {}, not {}", option, wanted, type.ToString()),
      "cast it");
}

Status CheckColumnType(std::string_view option, const Type& type) {
  if (type.Is(TypeKind::kNull)) return Status::Ok();
  if (option == "partition" && !type.IsInteger()) return WrongType(option, "an integer", type);
  if (option == "timestamp" && !type.Is(TypeKind::kTimestamp) && !type.Is(TypeKind::kInt64)) {
    return WrongType(option, "a timestamp, or an int64 in epoch milliseconds", type);
  }
  if (option == "tombstone" && !type.Is(TypeKind::kBool)) {
    return WrongType(option, "a condition", type);
  }
  if (option == "headers" && !IsHeaderList(type)) {
    return WrongType(option, "list<struct<key:string,value:bytes>> or a map", type);
  }
  return Status::Ok();
}

}  // namespace

Status CheckSinkColumns(const Schema& schema, const SinkColumns& columns) {
  const std::pair<std::string_view, int> given[] = {{"partition", columns.partition},
                                                    {"headers", columns.headers},
                                                    {"timestamp", columns.timestamp},
                                                    {"tombstone", columns.tombstone}};
  for (const auto& [option, column] : given) {
    if (column < 0 || static_cast<size_t>(column) >= schema.size()) continue;
    WEIR_TRY(CheckColumnType(option, schema[column].type));
  }
  return Status::Ok();
}

std::optional<std::string> TooLarge(const OutboxRecord& record, const std::string& topic,
                                    int64_t record_bytes) {
  const size_t size = LargestWireSize(record);
  if (size <= static_cast<size_t>(record_bytes)) return std::nullopt;
  return fmt::format("the record takes {} bytes, topic '{}' takes {} at most (max.message.bytes)",
                     size, topic, record_bytes);
}

Writer::Writer(const ConnectorContext& context, std::unique_ptr<Encoder> encoder,
               SinkColumns columns, std::string topic, TopicLimits limits)
    : clock_(*context.clock),
      encoder_(std::move(encoder)),
      columns_(columns),
      topic_(std::move(topic)),
      limits_(limits),
      store_(context.store),
      spool_(std::make_shared<Spool>(store_)) {}

Status Writer::Write(const Batch& batch, std::vector<Rejection>& rejected) {
  WEIR_TRY(CheckSinkColumns(*batch.schema(), columns_));
  const int64_t now_ms = clock_.Now().us / 1000;
  encoded_.clear();
  if (spool_->size() == 0) encoded_ += kOutboxMagic;
  for (uint32_t row = 0; row < batch.rows(); row++) {
    if (auto rejection = EncodeRow(batch, row, now_ms)) {
      rejected.push_back(std::move(*rejection));
      continue;
    }
    AppendOutboxRecord(encoded_, record_);
    rows_++;
    if (encoded_.size() < kPiece) continue;
    WEIR_TRY(spool_->Append(encoded_));
    encoded_.clear();
  }
  return spool_->Append(encoded_);
}

std::optional<Rejection> Writer::EncodeRow(const Batch& batch, uint32_t row, int64_t now_ms) {
  KeyOf(batch, row);
  HeadersOf(batch, row);
  if (auto rejection = PartitionOf(batch, row)) return rejection;
  if (auto rejection = TimestampOf(batch, row, now_ms)) return rejection;
  if (IsTombstone(batch, row)) {
    record_.value.reset();
    if (!record_.key) {
      return Rejection{row, &errors::kKeylessTombstone,
                       "a tombstone without a key deletes nothing"};
    }
    return std::nullopt;
  }
  value_.clear();
  if (const Status status = encoder_->Encode(batch, row, value_); !status.ok()) {
    return Rejection{row, &status.code(), status.message()};
  }
  record_.value = value_;
  if (auto reason = TooLarge(record_, topic_, limits_.record_bytes)) {
    return Rejection{row, &errors::kRecordTooLarge, std::move(*reason)};
  }
  return std::nullopt;
}

bool Writer::IsTombstone(const Batch& batch, uint32_t row) const {
  if (columns_.tombstone < 0) return false;
  const Column& column = batch.column(columns_.tombstone);
  return !column.IsNull(row) && column.values<uint8_t>()[row] != 0;
}

void Writer::KeyOf(const Batch& batch, uint32_t row) {
  record_.key.reset();
  if (columns_.key < 0 || batch.column(columns_.key).IsNull(row)) return;
  key_.clear();
  AppendBytesOf(key_, batch.column(columns_.key), row);
  record_.key = key_;
}

void Writer::HeadersOf(const Batch& batch, uint32_t row) {
  record_.headers.clear();
  if (columns_.headers < 0 || batch.column(columns_.headers).IsNull(row)) return;
  const Column& list = batch.column(columns_.headers);
  if (list.type().Is(TypeKind::kNull)) return;
  const bool map = list.type().Is(TypeKind::kMap);
  const Column& names = map ? *list.child(0) : *list.child(0)->child(0);
  const Column& values = map ? *list.child(1) : *list.child(0)->child(1);
  // All bytes first: they move while they grow.
  header_bytes_.clear();
  header_spans_.clear();
  for (uint32_t i = list.offsets()[row]; i < list.offsets()[row + 1]; i++) {
    if ((!map && list.child(0)->IsNull(i)) || names.IsNull(i)) continue;
    size_t begin = header_bytes_.size();
    header_bytes_ += names.text(i);
    header_spans_.emplace_back(begin, header_bytes_.size() - begin);
    begin = header_bytes_.size();
    if (values.IsNull(i)) {
      header_spans_.emplace_back(kNull, 0);
      continue;
    }
    AppendBytesOf(header_bytes_, values, i);
    header_spans_.emplace_back(begin, header_bytes_.size() - begin);
  }
  const std::string_view bytes = header_bytes_;
  for (size_t i = 0; i < header_spans_.size(); i += 2) {
    const auto [name, name_size] = header_spans_[i];
    const auto [value, value_size] = header_spans_[i + 1];
    std::optional<std::string_view> view;
    if (value != kNull) view = bytes.substr(value, value_size);
    record_.headers.emplace_back(bytes.substr(name, name_size), view);
  }
}

std::optional<Rejection> Writer::PartitionOf(const Batch& batch, uint32_t row) {
  record_.partition.reset();
  if (columns_.partition < 0 || batch.column(columns_.partition).IsNull(row)) return std::nullopt;
  const Column& column = batch.column(columns_.partition);
  const int64_t partition = column.type().Is(TypeKind::kInt32) ? column.values<int32_t>()[row]
                                                               : column.values<int64_t>()[row];
  if (partition < 0 || partition >= limits_.partitions) {
    return Rejection{row, &errors::kNoSuchPartition,
                     fmt::format("there is no partition {}: topic '{}' has {}", partition, topic_,
                                 limits_.partitions)};
  }
  record_.partition = static_cast<int32_t>(partition);
  return std::nullopt;
}

std::optional<Rejection> Writer::TimestampOf(const Batch& batch, uint32_t row, int64_t now_ms) {
  record_.timestamp_ms = now_ms;
  if (columns_.timestamp < 0 || batch.column(columns_.timestamp).IsNull(row)) return std::nullopt;
  const Column& column = batch.column(columns_.timestamp);
  const int64_t value = column.values<int64_t>()[row];
  record_.timestamp_ms = column.type().Is(TypeKind::kTimestamp) ? value / 1000 : value;
  if (value >= 0) return std::nullopt;
  return Rejection{row, &errors::kBadTimestamp,
                   fmt::format("the record's time is before 1970 ({} ms): Kafka takes none such",
                               record_.timestamp_ms)};
}

Result<SealedPart> Writer::Seal(Epoch, bool) {
  SealedPart part;
  if (rows_ == 0) return part;  // At most the magic was written, and stands for the next epoch.
  if (spool_->in_memory()) {
    part.bytes = spool_->TakeBytes();
  } else {
    part.spool = std::exchange(spool_, std::make_shared<Spool>(store_));
  }
  part.rows = rows_;
  rows_ = 0;
  return part;
}

}  // namespace weir::kafka
