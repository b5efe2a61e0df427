#pragma once

// How admin.cc and group_offsets.cc put their questions; nobody else includes it.

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "connectors/kafka/admin.h"

namespace weir::kafka {

inline int Millis(Duration duration) {
  return static_cast<int>(std::clamp<int64_t>(duration.us / 1000, 1, 3'600'000));
}

struct Destroyer {
  void operator()(rd_kafka_queue_t* it) const { rd_kafka_queue_destroy(it); }
  void operator()(rd_kafka_event_t* it) const { rd_kafka_event_destroy(it); }
  void operator()(rd_kafka_AdminOptions_t* it) const { rd_kafka_AdminOptions_destroy(it); }
  void operator()(rd_kafka_TopicCollection_t* it) const { rd_kafka_TopicCollection_destroy(it); }
  void operator()(rd_kafka_ConfigResource_t* it) const { rd_kafka_ConfigResource_destroy(it); }
  void operator()(rd_kafka_error_t* it) const { rd_kafka_error_destroy(it); }
  void operator()(rd_kafka_topic_partition_list_t* it) const {
    rd_kafka_topic_partition_list_destroy(it);
  }
  void operator()(rd_kafka_ListConsumerGroupOffsets_t* it) const {
    rd_kafka_ListConsumerGroupOffsets_destroy(it);
  }
  void operator()(rd_kafka_AlterConsumerGroupOffsets_t* it) const {
    rd_kafka_AlterConsumerGroupOffsets_destroy(it);
  }
  void operator()(rd_kafka_topic_t* it) const { rd_kafka_topic_destroy(it); }
  void operator()(const rd_kafka_metadata_t* it) const { rd_kafka_metadata_destroy(it); }
};
template <typename T>
using Owned = std::unique_ptr<T, Destroyer>;

inline Owned<rd_kafka_AdminOptions_t> Options(Client& client, rd_kafka_admin_op_t operation,
                                              Duration timeout) {
  Owned<rd_kafka_AdminOptions_t> options(rd_kafka_AdminOptions_new(client.get(), operation));
  char reason[256];
  // The only fault there can be is a time out of range, and Millis keeps it within.
  (void)rd_kafka_AdminOptions_set_request_timeout(options.get(), Millis(timeout), reason,
                                                  sizeof reason);
  return options;
}

/// An admin request's answer on a queue of its own.
template <typename T>
class PendingEvent final : public Pending<T> {
 public:
  using Parse = std::function<T(const rd_kafka_event_t*)>;
  PendingEvent(Client& client, std::string what, Parse parse)
      : client_(client),
        what_(std::move(what)),
        parse_(std::move(parse)),
        queue_(rd_kafka_queue_new(client.get())) {}

  rd_kafka_queue_t* queue() { return queue_.get(); }

  std::optional<Result<T>> Poll(Duration wait) override {
    Owned<rd_kafka_event_t> event(
        rd_kafka_queue_poll(queue_.get(), wait.us <= 0 ? 0 : Millis(wait)));
    if (!event) return std::nullopt;
    if (const auto error = rd_kafka_event_error(event.get())) {
      return std::optional<Result<T>>(
          std::in_place, client_.Failure(error, rd_kafka_event_error_string(event.get()), what_));
    }
    client_.Answered();
    return std::optional<Result<T>>(std::in_place, parse_(event.get()));
  }

 private:
  Client& client_;
  const std::string what_;
  const Parse parse_;
  Owned<rd_kafka_queue_t> queue_;
};

/// Waits longer than the request's own time-out, so that the library always has the last word; but
/// for brokers that do not let weir in, which waiting would not change.
template <typename T>
Result<T> Await(Client& client, std::unique_ptr<Pending<T>> pending, Duration timeout,
                std::string_view what) {
  constexpr Duration kSlice = Duration::Millis(100);
  for (int64_t waited_us = 0; waited_us < timeout.us + Duration::Seconds(2).us;
       waited_us += kSlice.us) {
    if (auto answer = pending->Poll(kSlice)) return std::move(*answer);
    const Status trouble = client.Trouble();
    if (!trouble.ok() && trouble.kind() == ErrorKind::kFailed) return trouble;
  }
  return client.Failure(RD_KAFKA_RESP_ERR__TIMED_OUT, client.last_error(), what);
}

}  // namespace weir::kafka
