#include "connectors/kafka/refused.h"

#include <span>

#include "connectors/kafka/errors.h"
#include "connectors/kafka/outbox.h"
#include "connectors/kafka/writer.h"

namespace weir::kafka {
namespace {

/// A record of a sealed epoch; its views point into that.
struct Entry {
  size_t epoch = 0;
  size_t part = 0;
  OutboxRecord record;
  const ErrorCode* refused = nullptr;
  std::string reason;
};

Result<std::vector<Entry>> ReadAll(const std::vector<SealedEpoch>& epochs) {
  std::vector<Entry> entries;
  for (size_t e = 0; e < epochs.size(); e++) {
    for (size_t p = 0; p < epochs[e].parts.size(); p++) {
      OutboxReader reader(epochs[e].parts[p]);
      Entry entry{e, p, {}, nullptr, {}};
      while (reader.Next(entry.record)) entries.push_back(entry);
      WEIR_TRY(Status(reader.status()));
    }
  }
  return entries;
}

Status Halve(std::span<Entry* const> entries, const Offer& offer) {
  if (entries.empty()) return Status::Ok();
  std::string sealed(kOutboxMagic);
  for (const Entry* entry : entries) AppendOutboxRecord(sealed, entry->record);
  const Status status = offer(sealed);
  if (!status.Is(errors::kRecordRefused)) return status;
  if (entries.size() == 1) {
    entries.front()->refused = &errors::kRecordRefused;
    entries.front()->reason = status.message();
    return Status::Ok();
  }
  WEIR_TRY(Halve(entries.first(entries.size() / 2), offer));
  return Halve(entries.subspan(entries.size() / 2), offer);
}

std::optional<std::string> Copy(const std::optional<std::string_view>& bytes) {
  return bytes ? std::optional<std::string>(*bytes) : std::nullopt;
}

RejectedRecord Rejected(const Entry& entry, const std::string& topic) {
  RejectedRecord rejected;
  rejected.code = entry.refused;
  rejected.reason = entry.reason;
  rejected.topic = topic;
  rejected.partition = entry.record.partition;
  rejected.timestamp = EventTime{entry.record.timestamp_ms * 1000};
  rejected.key = Copy(entry.record.key);
  for (const auto& [name, value] : entry.record.headers) {
    rejected.headers.emplace_back(name, Copy(value));
  }
  rejected.value = Copy(entry.record.value);
  return rejected;
}

}  // namespace

Result<std::vector<RejectedRecord>> TakeRefused(std::vector<SealedEpoch>& epochs,
                                                const std::string& topic, int64_t record_bytes,
                                                const Offer& offer) {
  // The whole of it in memory: records are looked at again and again.
  std::vector<SealedEpoch> whole = epochs;
  for (SealedEpoch& epoch : whole) {
    for (SealedPart& part : epoch.parts) {
      part.bytes = WEIR_TRY(part.ReadAll());
      part.spool = nullptr;
    }
  }
  std::vector<Entry> entries = WEIR_TRY(ReadAll(whole));
  std::vector<Entry*> in_doubt;
  for (Entry& entry : entries) {
    if (std::optional<std::string> reason = TooLarge(entry.record, topic, record_bytes)) {
      entry.refused = &errors::kRecordTooLarge;
      entry.reason = std::move(*reason);
    } else {
      in_doubt.push_back(&entry);
    }
  }
  WEIR_TRY(Halve(in_doubt, offer));

  std::vector<SealedEpoch> taken;
  for (const SealedEpoch& epoch : epochs) {
    taken.push_back({epoch.epoch, std::vector<SealedPart>(epoch.parts.size())});
  }
  std::vector<RejectedRecord> refused;
  for (const Entry& entry : entries) {
    if (entry.refused != nullptr) {
      refused.push_back(Rejected(entry, topic));
      continue;
    }
    SealedPart& part = taken[entry.epoch].parts[entry.part];
    if (part.rows++ == 0) part.bytes = kOutboxMagic;
    AppendOutboxRecord(part.bytes, entry.record);
  }
  for (SealedEpoch& epoch : taken) {
    std::erase_if(epoch.parts, [](const SealedPart& part) { return part.rows == 0; });
  }
  std::erase_if(taken, [](const SealedEpoch& epoch) { return epoch.parts.empty(); });
  epochs = std::move(taken);
  return refused;
}

}  // namespace weir::kafka
