#include "connectors/kafka/marker_reader.h"

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "base/time.h"

namespace weir::kafka {
namespace {

constexpr int kRequestMillis = 5000;
constexpr Duration kPatience = Duration::Seconds(30);

struct Destroyer {
  void operator()(rd_kafka_error_t* it) const { rd_kafka_error_destroy(it); }
  void operator()(rd_kafka_topic_partition_list_t* it) const {
    rd_kafka_topic_partition_list_destroy(it);
  }
  void operator()(rd_kafka_AdminOptions_t* it) const { rd_kafka_AdminOptions_destroy(it); }
  void operator()(rd_kafka_ListConsumerGroupOffsets_t* it) const {
    rd_kafka_ListConsumerGroupOffsets_destroy(it);
  }
  void operator()(rd_kafka_queue_t* it) const { rd_kafka_queue_destroy(it); }
  void operator()(rd_kafka_event_t* it) const { rd_kafka_event_destroy(it); }
};
template <typename T>
using Owned = std::unique_ptr<T, Destroyer>;

}  // namespace

Result<std::unique_ptr<Client>> MarkerReader::Connect(const ConnectionPtr& connection,
                                                      const std::string& lane) {
  // A consumer of the lane's group, though it consumes nothing: a producer's handle has no group,
  // and librdkafka (2.8) dereferences it when the answer is that the coordinator has moved.
  return Client::Make(Client::Kind::kConsumer, connection, {{"group.id", lane}});
}

Result<std::unique_ptr<MarkerReader>> MarkerReader::Make(const ConnectionPtr& connection,
                                                         std::string lane, std::string topic) {
  auto client = WEIR_TRY(Connect(connection, lane));
  return std::unique_ptr<MarkerReader>(
      new MarkerReader(connection, std::move(client), std::move(lane), std::move(topic)));
}

Result<LaneMarker> MarkerReader::Read(bool settled) {
  const Clock& clock = SystemClock();
  const Duration begun = clock.Monotonic();
  client_->Serve(/*timeout_ms=*/0);  // What it has told since the last time.
  while (true) {
    Result<LaneMarker> marker = Ask(settled);
    if (marker.ok() || marker.status().kind() != ErrorKind::kRetry ||
        clock.Monotonic().us - begun.us > kPatience.us) {
      return marker;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    // A new connection: the old one goes on asking the coordinator that it knows, also where that
    // one has moved or is gone.
    client_ = WEIR_TRY(Connect(connection_, lane_));
  }
}

Result<LaneMarker> MarkerReader::Ask(bool settled) {
  Owned<rd_kafka_topic_partition_list_t> place(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(place.get(), topic_.c_str(), kMarkerPartition);
  Owned<rd_kafka_ListConsumerGroupOffsets_t> question(
      rd_kafka_ListConsumerGroupOffsets_new(lane_.c_str(), place.get()));
  Owned<rd_kafka_AdminOptions_t> options(
      rd_kafka_AdminOptions_new(client_->get(), RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS));
  Owned<rd_kafka_error_t> fault(
      rd_kafka_AdminOptions_set_require_stable_offsets(options.get(), settled ? 1 : 0));
  WEIR_CHECK(!fault);
  char reason[256];
  (void)rd_kafka_AdminOptions_set_request_timeout(options.get(), kRequestMillis, reason,
                                                  sizeof reason);
  Owned<rd_kafka_queue_t> queue(rd_kafka_queue_new(client_->get()));
  rd_kafka_ListConsumerGroupOffsets_t* questions[] = {question.get()};
  rd_kafka_ListConsumerGroupOffsets(client_->get(), questions, 1, options.get(), queue.get());
  Owned<rd_kafka_event_t> event(rd_kafka_queue_poll(queue.get(), kRequestMillis + 3000));

  int code = RD_KAFKA_RESP_ERR__TIMED_OUT;
  if (event && (code = rd_kafka_event_error(event.get())) == 0) {
    size_t count = 0;
    const auto** groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(event.get()), &count);
    const rd_kafka_topic_partition_list_t* offsets = nullptr;
    code = RD_KAFKA_RESP_ERR__BAD_MSG;
    if (count == 1) {
      code = rd_kafka_error_code(rd_kafka_group_result_error(groups[0]));
      offsets = rd_kafka_group_result_partitions(groups[0]);
    }
    if (code == 0 && offsets != nullptr && offsets->cnt == 1) {
      const auto& found = offsets->elems[0];
      code = found.err;
      if (code == 0) {
        return ReadLaneMarker(found.offset,
                              {static_cast<const char*>(found.metadata), found.metadata_size});
      }
    }
  }
  return client_->Failure(
      code, client_->last_error(),
      fmt::format("reading the marker of lane '{}' for topic '{}'", lane_, topic_));
}

}  // namespace weir::kafka
