#include "connectors/kafka/transaction.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/ids.h"
#include "base/time.h"
#include "connectors/errors.h"
#include "connectors/kafka/errors.h"
#include "connectors/kafka/outbox.h"

namespace weir::kafka {
namespace {

/// How long one step may take before its outcome counts as unknown.
constexpr int kStepMillis = 30'000;
constexpr int kConnectMillis = 2'000;
constexpr Duration kLookEvery = Duration::Seconds(1);
constexpr Duration kLookPatience = Duration::Seconds(3);

struct Destroyer {
  void operator()(rd_kafka_error_t* it) const { rd_kafka_error_destroy(it); }
  void operator()(rd_kafka_topic_partition_list_t* it) const {
    rd_kafka_topic_partition_list_destroy(it);
  }
  void operator()(rd_kafka_consumer_group_metadata_t* it) const {
    rd_kafka_consumer_group_metadata_destroy(it);
  }
  void operator()(rd_kafka_headers_t* it) const { rd_kafka_headers_destroy(it); }
};
template <typename T>
using Owned = std::unique_ptr<T, Destroyer>;

/// The code behind an error: a fatal one hides it.
int CodeOf(rd_kafka_t* client, const rd_kafka_error_t* error) {
  const auto code = rd_kafka_error_code(error);
  if (code != RD_KAFKA_RESP_ERR__FATAL) return code;
  char ignored[1];
  const auto behind = rd_kafka_fatal_error(client, ignored, sizeof ignored);
  return behind != RD_KAFKA_RESP_ERR_NO_ERROR ? behind : code;
}

Duration Now() { return SystemClock().Monotonic(); }

}  // namespace

PublishFault ClassifyFault(int code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
      return PublishFault::kFenced;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return PublishFault::kRefused;
    // Told only after the library has looked for the topic for half a minute.
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
      return PublishFault::kTopicGone;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
      return PublishFault::kDenied;
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
    case RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE:
      return PublishFault::kBroken;
    default:
      return PublishFault::kUnknown;
  }
}

Result<std::unique_ptr<Transaction>> Transaction::Make(const Target& target) {
  std::unique_ptr<Transaction> made(new Transaction(target));
  const std::string limit =
      std::to_string(std::clamp<int64_t>(target.max_message_bytes, 1000, 1'000'000'000));
  const std::string batch =
      std::to_string(std::clamp<int64_t>(target.max_message_bytes, 1000, 1'000'000));
  const Client::Settings settings{
      {"transactional.id", WEIR_MUTANT("no_fencing") ? RandomId() : target.lane},
      {"transaction.timeout.ms", std::to_string(target.timeout_ms)},
      {"acks", "all"},
      {"partitioner", "murmur2_random"},
      {"compression.codec", std::string(CompressionName(target.compression))},
      {"message.max.bytes", limit},
      {"batch.size", batch},
      {"queue.buffering.max.messages", "50000"},
      {"queue.buffering.max.kbytes", "16384"},
  };
  made->client_ = WEIR_TRY(Client::Make(Client::Kind::kProducer, target.connection, settings));
  // Makes the library ask for the topic's leaders as soon as it is connected.
  made->topic_ = rd_kafka_topic_new(made->client_->get(), target.topic.c_str(), nullptr);
  if (made->topic_ == nullptr) {
    return ToStatus(rd_kafka_last_error(), "", fmt::format("topic '{}'", target.topic),
                    target.connection->address());
  }
  return made;
}

Transaction::~Transaction() {
  for (const auto& [name, topic] : others_) rd_kafka_topic_destroy(topic);
  if (topic_ != nullptr) rd_kafka_topic_destroy(topic_);
}

Status Transaction::Fault(int code, std::string_view reason, std::string_view what) const {
  const std::string message = fmt::format(
      "{} lane '{}', topic '{}' at {}: {} ({})", what, target_.lane, target_.topic,
      client_->address(), reason, rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(code)));
  switch (ClassifyFault(code)) {
    case PublishFault::kFenced:
      return Status(errors::kFenced,
                    fmt::format("another weir has taken over lane '{}': {}", target_.lane, message),
                    "see that the job runs once; this one stops");
    case PublishFault::kRefused:
      return Status(errors::kRecordRefused, message,
                    "raise the topic's limits and run the job again, or set what is refused aside "
                    "with 'weir txn resolve --dead-letter'");
    case PublishFault::kTopicGone:
      return Status(errors::kTopicDeleted, message,
                    "create the topic again and start the job: what was not published is still in "
                    "its checkpoint");
    case PublishFault::kDenied:
      return Status(errors::kNotAllowed, message,
                    "give weir's user the rights to write the topic, and to use the transactional "
                    "id and the group of the lane's name");
    case PublishFault::kBroken:
      return Status(errors::kBrokerRefused, message, "see the broker's settings and version");
    case PublishFault::kUnknown:
      break;
  }
  return Status(errors::kOutcomeUnknown, message);
}

Status Transaction::DeliveryFault() {
  const Client::Deliveries& deliveries = client_->deliveries();
  if (deliveries.failed == 0) return Status::Ok();
  // A producer that was fenced throws its records away, and only the fatal error tells why.
  char reason[512] = {};
  const auto fatal = rd_kafka_fatal_error(client_->get(), reason, sizeof reason);
  if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR) return Fault(fatal, reason, "publishing on");
  const auto code = static_cast<rd_kafka_resp_err_t>(deliveries.first_error);
  if (code == RD_KAFKA_RESP_ERR__PURGE_QUEUE || code == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT) {
    // Thrown away with a transaction that has failed. Why it has is told to whoever asks more of
    // it, as for an offset; nothing comes of that, since a transaction with a fault is never
    // committed.
    const Status asked = Mark({{{target_.topic, kMarkerPartition}, 0, 0, ""}});
    if (asked.Is(errors::kNotAllowed)) return asked;
  }
  return Fault(code,
               fmt::format("{} records were not delivered, the first to {}: {}", deliveries.failed,
                           deliveries.first_place, rd_kafka_err2str(code)),
               "publishing on");
}

void Transaction::AwaitBroker() {
  const rd_kafka_metadata_t* found = nullptr;
  // Whatever keeps it from answering, Init tells.
  (void)rd_kafka_metadata(client_->get(), /*all_topics=*/0, topic_, &found, kConnectMillis);
  if (found != nullptr) rd_kafka_metadata_destroy(found);
}

Status Transaction::Init() {
  Owned<rd_kafka_error_t> error(rd_kafka_init_transactions(client_->get(), kStepMillis));
  if (!error) return Status::Ok();
  const int code = CodeOf(client_->get(), error.get());
  if (code == RD_KAFKA_RESP_ERR__TIMED_OUT) {
    return client_->Failure(code, client_->last_error(),
                            fmt::format("fencing lane '{}'", target_.lane));
  }
  return Fault(code, rd_kafka_error_string(error.get()), "fencing");
}

bool Transaction::Outdated() const { return client_->Outdated(Now()); }

void Transaction::LookAtTopic() {
  const Duration now = Now();
  if (look_) {
    // What there is to see, the connection notes; what was true a while ago, nobody wants to know.
    const bool old = now.us - looked_->us > kLookPatience.us;
    if (!old && !look_->Poll(Duration())) return;
    look_.reset();
  }
  if (looked_ && now.us - looked_->us < kLookEvery.us) return;
  looked_ = now;
  look_ = AskTopics(*client_, {target_.topic}, kLookPatience);
}

Status Transaction::Begin() {
  LookAtTopic();
  closed_at_begin_ = client_->sockets_closed();
  Owned<rd_kafka_error_t> error(rd_kafka_begin_transaction(client_->get()));
  if (!error) return Status::Ok();
  return Fault(CodeOf(client_->get(), error.get()), rd_kafka_error_string(error.get()),
               "beginning a transaction on");
}

Status Transaction::Produce(const SealedPart& sealed) {
  OutboxReader reader(sealed);
  OutboxRecord record;
  while (reader.Next(record)) WEIR_TRY(Give(topic_, record));
  return reader.status();
}

Status Transaction::Produce(const std::string& topic, const OutboxRecord& record) {
  rd_kafka_topic_t*& handle = others_[topic];
  if (handle == nullptr) handle = rd_kafka_topic_new(client_->get(), topic.c_str(), nullptr);
  if (handle == nullptr) {
    return ToStatus(rd_kafka_last_error(), "", fmt::format("topic '{}'", topic),
                    client_->address());
  }
  return Give(handle, record);
}

Status Transaction::Give(rd_kafka_topic_t* topic, const OutboxRecord& record) {
  Owned<rd_kafka_headers_t> headers;
  if (!record.headers.empty()) {
    headers.reset(rd_kafka_headers_new(record.headers.size()));
    for (const auto& [name, value] : record.headers) {
      // An error would be a reserved or read-only list, which a fresh one is not.
      (void)rd_kafka_header_add(headers.get(), name.data(), static_cast<ssize_t>(name.size()),
                                value ? value->data() : nullptr,
                                value ? static_cast<ssize_t>(value->size()) : 0);
    }
  }
  std::optional<Duration> full_since;
  while (true) {
    rd_kafka_vu_t parts[7];
    size_t count = 0;
    parts[count].vtype = RD_KAFKA_VTYPE_RKT;
    parts[count++].u.rkt = topic;
    parts[count].vtype = RD_KAFKA_VTYPE_PARTITION;
    parts[count++].u.i32 = record.partition.value_or(RD_KAFKA_PARTITION_UA);
    parts[count].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    parts[count++].u.i = RD_KAFKA_MSG_F_COPY;
    parts[count].vtype = RD_KAFKA_VTYPE_VALUE;
    parts[count].u.mem.ptr = record.value ? const_cast<char*>(record.value->data()) : nullptr;
    parts[count++].u.mem.size = record.value ? record.value->size() : 0;
    parts[count].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
    parts[count++].u.i64 = record.timestamp_ms;
    if (record.key) {
      parts[count].vtype = RD_KAFKA_VTYPE_KEY;
      parts[count].u.mem.ptr = const_cast<char*>(record.key->data());
      parts[count++].u.mem.size = record.key->size();
    }
    if (headers) {
      parts[count].vtype = RD_KAFKA_VTYPE_HEADERS;
      parts[count++].u.headers = headers.get();
    }
    Owned<rd_kafka_error_t> error(rd_kafka_produceva(client_->get(), parts, count));
    if (!error) {
      [[maybe_unused]] auto* const taken_over = headers.release();  // By the record.
      break;
    }
    const int code = CodeOf(client_->get(), error.get());
    // Full: the records before it go out first, then this one again.
    if (!full_since) full_since = Now();
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL ||
        Now().us - full_since->us > int64_t{kStepMillis} * 1000) {
      return Fault(code, rd_kafka_error_string(error.get()), "publishing on");
    }
    client_->Serve(/*timeout_ms=*/10);
    WEIR_TRY(DeliveryFault());
  }
  if (++since_served_ < 1000) return Status::Ok();
  since_served_ = 0;
  client_->Serve(0);
  return DeliveryFault();
}

Status Transaction::Flush() {
  int64_t delivered = client_->deliveries().delivered;
  Duration progressed = Now();
  while (rd_kafka_outq_len(client_->get()) > 0) {
    (void)rd_kafka_flush(client_->get(), 1000);  // What is left, the queue tells.
    LookAtTopic();
    WEIR_TRY(DeliveryFault());
    if (client_->deliveries().delivered != delivered) {
      delivered = client_->deliveries().delivered;
      progressed = Now();
    } else if (Now().us - progressed.us > int64_t{kStepMillis} * 1000) {
      return Fault(RD_KAFKA_RESP_ERR__TIMED_OUT, client_->last_error(), "publishing on");
    }
  }
  return DeliveryFault();
}

Status Transaction::Mark(const Marker& marker) {
  return Mark({{{target_.topic, kMarkerPartition},
                0,
                static_cast<int64_t>(marker.epoch.value),
                EncodeMarker(marker)}});
}

Status Transaction::Mark(const std::vector<GroupOffset>& offsets) {
  Owned<rd_kafka_topic_partition_list_t> places(
      rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  for (const GroupOffset& one : offsets) {
    auto* place =
        rd_kafka_topic_partition_list_add(places.get(), one.at.topic.c_str(), one.at.partition);
    place->offset = one.offset;
    if (one.metadata.empty()) continue;
    place->metadata = std::malloc(one.metadata.size());  // Freed with the list.
    WEIR_CHECK(place->metadata != nullptr);
    std::memcpy(place->metadata, one.metadata.data(), one.metadata.size());
    place->metadata_size = one.metadata.size();
  }
  Owned<rd_kafka_consumer_group_metadata_t> group(
      rd_kafka_consumer_group_metadata_new(target_.lane.c_str()));
  Owned<rd_kafka_error_t> error(
      rd_kafka_send_offsets_to_transaction(client_->get(), places.get(), group.get(), kStepMillis));
  if (!error) return Status::Ok();
  return Fault(CodeOf(client_->get(), error.get()), rd_kafka_error_string(error.get()),
               "writing the marker of");
}

Status Transaction::Commit() {
  bool unanswered = false;
#ifdef WEIR_FAILPOINTS
  // Passed while the commit is on its way.
  std::thread witness([&unanswered] {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    unanswered = WEIR_FAILPOINT("kafka.publish.commit_sent");
  });
#endif
  Owned<rd_kafka_error_t> error(rd_kafka_commit_transaction(client_->get(), kStepMillis));
#ifdef WEIR_FAILPOINTS
  witness.join();
#endif
  if (unanswered) return Status(errors::kOutcomeUnknown, "failpoint kafka.publish.commit_sent");
  if (!error) return Status::Ok();
  WEIR_TRY(DeliveryFault());
  return Fault(CodeOf(client_->get(), error.get()), rd_kafka_error_string(error.get()),
               "committing on");
}

}  // namespace weir::kafka
