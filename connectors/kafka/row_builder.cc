#include "connectors/kafka/row_builder.h"

#include <librdkafka/rdkafka.h>

namespace weir::kafka {
namespace {

enum Metadata { kKey, kTimestamp, kTopic, kPartition, kOffset, kHeaders, kTombstone };

std::optional<std::string_view> KeyOf(const rd_kafka_message_t& message) {
  if (message.key == nullptr) return std::nullopt;
  return std::string_view(static_cast<const char*>(message.key), message.key_len);
}

/// Calls `each(name, value)`; a value without data() is null.
template <typename Each>
void ForEachHeader(const rd_kafka_message_t& message, Each each) {
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  for (size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       i++) {
    each(std::string_view(name), std::string_view(static_cast<const char*>(value), size));
  }
}

void AppendHeaders(const rd_kafka_message_t& message, ColumnBuilder& out) {
  ColumnBuilder& header = out.child(0);
  ForEachHeader(message, [&](std::string_view name, std::string_view value) {
    header.child(0).AppendText(name);
    if (value.data() == nullptr) {
      header.child(1).AppendNull();
    } else {
      header.child(1).AppendText(value);
    }
    header.AppendNested();
  });
  out.AppendNested();
}

void AppendMetadata(const rd_kafka_message_t& message, int which, ColumnBuilder& out) {
  switch (which) {
    case kKey:
      if (const auto key = KeyOf(message)) {
        out.AppendText(*key);
      } else {
        out.AppendNull();
      }
      break;
    case kTimestamp:
      if (const auto time = TimeOf(message)) {
        out.Append<int64_t>(time->us);
      } else {
        out.AppendNull();
      }
      break;
    case kTopic:
      out.AppendText(rd_kafka_topic_name(message.rkt));
      break;
    case kPartition:
      out.Append<int32_t>(message.partition);
      break;
    case kOffset:
      out.Append<int64_t>(message.offset);
      break;
    case kHeaders:
      AppendHeaders(message, out);
      break;
    case kTombstone:
      out.Append<uint8_t>(message.payload == nullptr ? 1 : 0);
      break;
  }
}

/// Where Confluent's newer serializers put a schema's id, in place of a frame before the value.
constexpr const char* kSchemaHeader = "__value_schema_id";

RejectedRecord Reject(const rd_kafka_message_t& message, Rejection&& rejection) {
  RejectedRecord record;
  record.code = rejection.code;
  record.reason = std::move(rejection.reason);
  record.topic = rd_kafka_topic_name(message.rkt);
  record.partition = message.partition;
  record.offset = message.offset;
  record.timestamp = TimeOf(message);
  if (const auto key = KeyOf(message)) record.key = *key;
  ForEachHeader(message, [&](std::string_view name, std::string_view value) {
    record.headers.emplace_back(
        name, value.data() == nullptr ? std::nullopt : std::optional<std::string>(value));
    if (name == kSchemaHeader) {
      record.reason +=
          "; its schema's id is in the header __value_schema_id, which weir does not "
          "know yet: have the producer write frames with the id before the value";
    }
  });
  if (message.payload != nullptr) {
    record.value.emplace(static_cast<const char*>(message.payload), message.len);
  }
  return record;
}

}  // namespace

std::optional<EventTime> TimeOf(const rd_kafka_message_t& message) {
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const int64_t millis = rd_kafka_message_timestamp(&message, &type);
  if (type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || millis < 0 || millis > INT64_MAX / 1000) {
    return std::nullopt;
  }
  return EventTime{millis * 1000};
}

const std::vector<Field>& MetadataColumns() {
  static const std::vector<Field> columns{
      {"kafka_key", TypeKind::kBytes},
      {"kafka_timestamp", TypeKind::kTimestamp},
      {"kafka_topic", TypeKind::kString},
      {"kafka_partition", TypeKind::kInt32},
      {"kafka_offset", TypeKind::kInt64},
      {"kafka_headers",
       Type::List(Type::Struct({{"key", TypeKind::kString}, {"value", TypeKind::kBytes}}))},
      {"kafka_tombstone", TypeKind::kBool},
  };
  return columns;
}

RowBuilder::RowBuilder(std::unique_ptr<Decoder> decoder, std::vector<int> wanted, bool origins,
                       Tombstones tombstones)
    : decoder_(std::move(decoder)),
      wanted_(std::move(wanted)),
      origins_(origins),
      tombstones_(tombstones) {
  std::vector<Field> fields = decoder_->schema()->fields();
  for (const int which : wanted_) fields.push_back(MetadataColumns()[which]);
  schema_ = std::make_shared<const Schema>(std::move(fields));
}

Result<size_t> RowBuilder::Ready(const std::vector<const rd_kafka_message_t*>& messages) {
  TakeRecords(messages, 0, messages.size());
  return decoder_->Ready(records_);
}

void RowBuilder::TakeRecords(const std::vector<const rd_kafka_message_t*>& messages, size_t begin,
                             size_t end) {
  records_.clear();
  for (size_t i = begin; i < end; i++) {
    records_.emplace_back(static_cast<const char*>(messages[i]->payload), messages[i]->len);
  }
}

Status RowBuilder::Decode(const std::vector<const rd_kafka_message_t*>& messages, size_t begin,
                          size_t end, BatchBuilder& builder) {
  TakeRecords(messages, begin, end);
  const size_t before = rejected_.size();
  WEIR_TRY(decoder_->Decode(records_, builder, rejected_));
  for (size_t i = before; i < rejected_.size(); i++) {
    rejected_[i].record += static_cast<uint32_t>(begin);
  }
  return Status::Ok();
}

Status RowBuilder::Build(const std::vector<const rd_kafka_message_t*>& given, int32_t ordinal,
                         Polled& polled) {
  valued_ = given;
  if (tombstones_ == Tombstones::kSkip) {
    std::erase_if(valued_, [](const rd_kafka_message_t* one) { return one->payload == nullptr; });
  }
  const std::vector<const rd_kafka_message_t*>& messages = valued_;
  rejected_.clear();
  BatchBuilder builder(schema_);
  size_t begin = 0;
  for (size_t i = 0; tombstones_ == Tombstones::kRow && i < messages.size(); i++) {
    if (messages[i]->payload != nullptr) continue;
    WEIR_TRY(Decode(messages, begin, i, builder));
    const size_t columns = decoder_->schema()->size();
    for (size_t c = 0; c < columns; c++) builder.column(c).AppendNull();
    if (columns == 0) builder.AddBareRows(1);
    begin = i + 1;
  }
  WEIR_TRY(Decode(messages, begin, messages.size(), builder));

  auto origins = origins_ ? std::make_shared<std::vector<Origin>>() : nullptr;
  if (origins) origins->reserve(messages.size() - rejected_.size());
  const size_t first_metadata = decoder_->schema()->size();
  // Column by column; a rejected record left no row.
  for (size_t c = 0; c < wanted_.size() + 1; c++) {
    const bool own = c < wanted_.size();
    if (!own && !origins) break;
    size_t next_rejected = 0;
    for (size_t i = 0; i < messages.size(); i++) {
      if (next_rejected < rejected_.size() && rejected_[next_rejected].record == i) {
        next_rejected++;
      } else if (own) {
        AppendMetadata(*messages[i], wanted_[c], builder.column(first_metadata + c));
      } else {
        origins->push_back({ordinal, messages[i]->offset});
      }
    }
  }
  for (Rejection& rejection : rejected_) {
    const rd_kafka_message_t& message = *messages[rejection.record];
    polled.rejected.push_back(Reject(message, std::move(rejection)));
  }
  polled.records = static_cast<int64_t>(messages.size());
  if (messages.size() > rejected_.size()) polled.batch = builder.Finish(nullptr, origins);
  return Status::Ok();
}

}  // namespace weir::kafka
