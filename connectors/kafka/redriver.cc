#include "connectors/kafka/redriver.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/time.h"
#include "connectors/errors.h"
#include "connectors/kafka/errors.h"
#include "connectors/kafka/position.h"

namespace weir::kafka {
namespace {

constexpr Duration kAnswer = Duration::Seconds(10);

std::optional<std::string_view> View(const std::optional<std::string>& bytes) {
  return bytes ? std::optional<std::string_view>(*bytes) : std::nullopt;
}

/// The record as it was: in its partition where that is known, with its time.
OutboxRecord Outgoing(const RejectedRecord& record) {
  OutboxRecord outgoing;
  outgoing.key = View(record.key);
  outgoing.value = View(record.value);
  outgoing.partition = record.partition;
  outgoing.timestamp_ms = record.timestamp.value_or(SystemClock().Now()).us / 1000;
  for (const auto& [name, value] : record.headers) outgoing.headers.emplace_back(name, View(value));
  return outgoing;
}

}  // namespace

std::string RedriveLane(std::string_view job, std::string_view sink) {
  return fmt::format("weir-dlq-{}-{}", job, sink);
}

Result<std::unique_ptr<Transaction>> TopicRedriver::Fresh(
    const std::vector<RejectedRecord>& records) {
  Transaction::Target target;
  target.connection = connection_;
  target.lane = lane_;
  target.topic = letters_;
  target.timeout_ms = 60'000;
  for (const RejectedRecord& record : records) {
    if (!facts_.contains(record.topic)) {
      facts_[record.topic] = WEIR_TRY(LearnSink(connection_, record.topic));
    }
    target.max_message_bytes =
        std::min(target.max_message_bytes, facts_.at(record.topic).limits.record_bytes);
  }
  auto made = WEIR_TRY(Transaction::Make(target));
  made->AwaitBroker();
  WEIR_TRY(made->Init());
  return made;
}

Result<std::map<TopicPartition, int64_t>> TopicRedriver::Standing(bool settled) {
  const auto client = WEIR_TRY(GroupClient(connection_, lane_));
  std::map<TopicPartition, int64_t> standing;
  for (const GroupOffset& one :
       WEIR_TRY(ListGroupOffsets(*client, lane_, partitions_, settled, kAnswer,
                                 fmt::format("reading how far '{}' has come", lane_)))) {
    if (one.offset >= 0) standing[one.at] = one.offset;
  }
  return standing;
}

Status TopicRedriver::Begin(std::vector<Split>& splits, bool look_only) {
  for (const Split& split : splits) {
    const SplitName name = WEIR_TRY(ParseSplitId(split.id));
    partitions_.push_back({name.topic, name.partition});
  }
  // Aborts what an earlier one left open, which would keep the positions unsettled.
  if (!look_only) (void)WEIR_TRY(Fresh({}));
  standing_ = WEIR_TRY(Standing(/*settled=*/!look_only));
  for (size_t i = 0; i < splits.size(); i++) {
    const auto sent = standing_.find(partitions_[i]);
    if (sent == standing_.end()) continue;
    Position position = WEIR_TRY(DecodePosition(splits[i].position, splits[i].id));
    position.offset = std::max(position.offset, sent->second);
    splits[i].position = EncodePosition(position);
  }
  return Status::Ok();
}

Status TopicRedriver::Send(const std::vector<RejectedRecord>& records,
                           const std::map<std::string, std::string>& positions) {
  auto transaction = WEIR_TRY(Fresh(records));
  // Taking the id has shut the others out; what they have sent before must not go out again.
  if (WEIR_TRY(Standing(/*settled=*/true)) != standing_) {
    return Status(errors::kFenced,
                  fmt::format("another redrive of topic '{}' has gone on meanwhile", letters_),
                  "see that only one runs, and start it again: it goes on behind what was sent");
  }
  std::vector<GroupOffset> offsets;
  for (const auto& [split, text] : positions) {
    const SplitName name = WEIR_TRY(ParseSplitId(split));
    const Position position = WEIR_TRY(DecodePosition(text, split));
    offsets.push_back({{name.topic, name.partition}, 0, position.offset, {}});
  }
  WEIR_TRY(transaction->Begin());
  for (const RejectedRecord& record : records) {
    WEIR_TRY(transaction->Produce(record.topic, Outgoing(record)));
  }
  WEIR_TRY(transaction->Flush());
  (void)WEIR_FAILPOINT("kafka.redrive.produced");
  WEIR_TRY(transaction->Mark(offsets));
  WEIR_TRY(transaction->Commit());
  (void)WEIR_FAILPOINT("kafka.redrive.committed");
  for (const GroupOffset& one : offsets) standing_[one.at] = one.offset;
  return Status::Ok();
}

}  // namespace weir::kafka
