#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "connectors/connector.h"
#include "connectors/kafka/options.h"

typedef struct rd_kafka_message_s rd_kafka_message_t;

namespace weir::kafka {

/// Kafka's own columns, in the order in which a source offers them behind its records' columns.
const std::vector<Field>& MetadataColumns();

/// Kafka's time of a record; none where it has none.
std::optional<EventTime> TimeOf(const rd_kafka_message_t& message);

/// Turns records of one partition into a batch: the decoder's columns, then those of Kafka's own
/// columns that are wanted.
class RowBuilder {
 public:
  /// `wanted` are indices into MetadataColumns(), ascending.
  RowBuilder(std::unique_ptr<Decoder> decoder, std::vector<int> wanted, bool origins,
             Tombstones tombstones = Tombstones::kReject);

  const SchemaPtr& schema() const { return schema_; }

  /// How many of the first messages can be built now (Decoder::Ready).
  Result<size_t> Ready(const std::vector<const rd_kafka_message_t*>& messages);
  /// Fills `polled` from messages without errors, in order. The batch is null where no row came
  /// out.
  Status Build(const std::vector<const rd_kafka_message_t*>& messages, int32_t ordinal,
               Polled& polled);

 private:
  /// Messages [begin, end) as the decoder takes them.
  void TakeRecords(const std::vector<const rd_kafka_message_t*>& messages, size_t begin,
                   size_t end);
  /// Decodes messages [begin, end); those that are rejected are numbered as in `messages`.
  Status Decode(const std::vector<const rd_kafka_message_t*>& messages, size_t begin, size_t end,
                BatchBuilder& builder);

  const std::unique_ptr<Decoder> decoder_;
  const std::vector<int> wanted_;
  const bool origins_;
  const Tombstones tombstones_;
  SchemaPtr schema_;
  std::vector<const rd_kafka_message_t*> valued_;  ///< Messages but for tombstones left out.
  std::vector<std::string_view> records_;
  std::vector<Rejection> rejected_;
};

}  // namespace weir::kafka
