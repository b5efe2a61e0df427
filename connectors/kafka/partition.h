#pragma once

// What reader.cc and watch.cc share; nobody else includes it.

#include <librdkafka/rdkafka.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "connectors/kafka/reader.h"

namespace weir::kafka {

/// One partition of a reader.
struct Reader::Partition {
  Partition(const Split& split, SplitName name_in, Position position, std::optional<int64_t> stop)
      : id(split.id),
        name(std::move(name_in)),
        ordinal(split.ordinal),
        progress(position.offset, stop),
        leader_epoch(position.leader_epoch),
        topic_id(std::move(position.topic_id)),
        before(position.offset) {}
  ~Partition() { Release(); }
  /// Lets go of what belongs to the client.
  void Release() {
    assigned = false;
    for (rd_kafka_message_t* message : waiting) rd_kafka_message_destroy(message);
    waiting.clear();
    if (queue == nullptr) return;
    rd_kafka_queue_cb_event_enable(queue, nullptr, nullptr);
    rd_kafka_queue_destroy(queue);
    queue = nullptr;
  }
  Partition(const Partition&) = delete;
  Partition& operator=(const Partition&) = delete;

  const std::string id;
  const SplitName name;
  const int32_t ordinal;
  Progress progress;
  /// Of the last record read, if `progress.next()` is the offset behind it; otherwise -1, since the
  /// broker would judge the offset by the wrong epoch and call records lost.
  int32_t leader_epoch;
  std::string topic_id;  ///< Empty until known.
  rd_kafka_queue_t* queue = nullptr;
  bool assigned = false;
  bool active = false;  ///< Records came since the leader was last asked.
  bool asked = false;   ///< Part of the question that is under way.
  SplitActivity told = SplitActivity::kReading;
  bool news = false;                ///< `told` is still to be told.
  int trouble = 0;                  ///< Error that was logged and not yet followed by success.
  std::optional<EventTime> newest;  ///< Kafka's time of the newest record read.
  int64_t before;                   ///< Position before the last poll that brought anything.
  std::vector<const rd_kafka_message_t*> taken;
  /// Fetched, and not to be decoded yet (Decoder::Ready): they come before all that the queue has.
  std::vector<rd_kafka_message_t*> waiting;

  SplitActivity Activity() const {
    return waiting.empty() ? progress.Activity() : SplitActivity::kHeld;
  }
};

/// What is asked beside the records, and when it was last.
struct Reader::Watch {
  bool topics_known = false;  ///< All partitions' topics were seen under their ids.
  bool topics_due = false;    ///< Something happened that asks for a look.
  Duration topics_asked;
  std::unique_ptr<Pending<TopicsAnswer>> topics;
  std::map<std::string, Duration> missing_since;

  bool ends_due = false;
  Duration ends_asked;
  std::unique_ptr<Pending<OffsetsAnswer>> ends;
  std::unique_ptr<Pending<OffsetsAnswer>> stable;

  Duration served;
};

}  // namespace weir::kafka
