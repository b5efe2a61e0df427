#include "connectors/kafka/reader.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "connectors/kafka/errors.h"
#include "connectors/kafka/finder.h"
#include "connectors/kafka/partition.h"

namespace weir::kafka {
namespace {

constexpr Duration kLostOffsetsPatience = Duration::Seconds(5);
/// Polls that may bring rows before news of quiet partitions get their turn.
constexpr int kMostBeforeNews = 16;

struct ListDestroyer {
  void operator()(rd_kafka_topic_partition_list_t* it) const {
    rd_kafka_topic_partition_list_destroy(it);
  }
};
using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t, ListDestroyer>;

struct ErrorDestroyer {
  void operator()(rd_kafka_error_t* it) const { rd_kafka_error_destroy(it); }
};

bool IsPaused(const std::vector<std::string>* paused, const std::string& id) {
  return paused != nullptr && std::binary_search(paused->begin(), paused->end(), id);
}

bool IsLostOffset(int error) {
  return error == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
         error == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE ||
         error == RD_KAFKA_RESP_ERR__LOG_TRUNCATION;
}

}  // namespace

class Wakeup {
 public:
  void Notify() {
    {
      std::lock_guard lock(mutex_);
      awake_ = true;
    }
    changed_.notify_one();
  }
  void Wait(Duration wait) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, wait.ToChrono(), [this] { return awake_; });
    awake_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool awake_ = false;
};

FetchLimits LimitsFor(size_t memory_budget, size_t partitions) {
  // What the library keeps beside each record: an operation, and its share of the answer's buffer.
  constexpr int64_t kBytesPerRecord = 512;
  FetchLimits limits;
  limits.capacity = 4;
  while (limits.capacity < partitions) limits.capacity *= 2;
  const auto budget = static_cast<int64_t>(memory_budget);
  const int64_t share = budget / static_cast<int64_t>(limits.capacity);
  // Limits hold new fetches back; what is on its way still comes in, so they are half the share.
  limits.queued_kbytes = std::clamp<int64_t>(share / 2 / 1024, 16, 2'000'000);
  // Never more than is still in the processor's cache when it is taken: the library allocates for
  // each record, and longer queues double what reading costs (bench/consume_loop.cc).
  limits.queued_messages = std::clamp<int64_t>(share / kBytesPerRecord, 100, 20'000);
  limits.partition_bytes = std::clamp<int64_t>(share / 4, 16 << 10, 512 << 10);
  limits.fetch_bytes = std::clamp<int64_t>(budget / 4, 1 << 20, 50 << 20);
  return limits;
}

Reader::Reader(ConnectorContext context, ConnectionPtr connection, SourceOptions options,
               std::unique_ptr<RowBuilder> rows)
    : context_(std::move(context)),
      connection_(std::move(connection)),
      options_(std::move(options)),
      rows_(std::move(rows)),
      wakeup_(std::make_unique<Wakeup>()),
      watch_(std::make_unique<Watch>()) {}

Reader::~Reader() {
  watch_.reset();       // Questions and queues belong to the client,
  partitions_.clear();  // so they go before it.
}

Status Reader::Add(const Split& split) {
  const SplitName name = WEIR_TRY(ParseSplitId(split.id));
  Position position = WEIR_TRY(DecodePosition(split.position, split.id));
  std::optional<int64_t> stop;
  if (!split.stop.empty()) stop = WEIR_TRY(DecodePosition(split.stop, split.id)).offset;
  partitions_.push_back(std::make_unique<Partition>(split, name, std::move(position), stop));
  Partition& partition = *partitions_.back();
  partition.news = partition.progress.finished();
  if (partition.news) partition.told = SplitActivity::kFinished;
  watch_->topics_known = false;
  return Status::Ok();
}

Status Reader::Connect() {
  limits_ = LimitsFor(context_.memory_budget, partitions_.size());
  const Client::Settings settings{
      {"group.id", "weir-" + context_.job},
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      {"auto.offset.reset", "error"},
      {"enable.partition.eof", "true"},
      {"isolation.level", weir::ShowValue(options_.isolation)},
      {"max.poll.interval.ms", "86400000"},
      {"queued.max.messages.kbytes", std::to_string(limits_.queued_kbytes)},
      {"queued.min.messages", std::to_string(limits_.queued_messages)},
      {"fetch.message.max.bytes", std::to_string(limits_.partition_bytes)},
      {"fetch.max.bytes", std::to_string(limits_.fetch_bytes)},
      {"fetch.queue.backoff.ms", "1"},
  };
  client_ = WEIR_TRY(Client::Make(Client::Kind::kConsumer, connection_, settings));
  return Status::Ok();
}

Status Reader::Reconnect() {
  for (const auto& partition : partitions_) partition->Release();
  watch_->topics.reset();
  watch_->ends.reset();
  watch_->stable.reset();
  watch_->topics_known = false;
  client_.reset();
  return Connect();
}

Status Reader::Assign(const std::vector<Partition*>& partitions) {
  PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (Partition* partition : partitions) {
    if (partition->queue == nullptr) {
      partition->queue = rd_kafka_queue_get_partition(client_->get(), partition->name.topic.c_str(),
                                                      partition->name.partition);
      WEIR_CHECK(partition->queue != nullptr, partition->id);
      // Off the main queue before anything can be on it.
      rd_kafka_queue_forward(partition->queue, nullptr);
      rd_kafka_queue_cb_event_enable(
          partition->queue,
          [](rd_kafka_t*, void* wakeup) { static_cast<Wakeup*>(wakeup)->Notify(); }, wakeup_.get());
    }
    auto* added = rd_kafka_topic_partition_list_add(list.get(), partition->name.topic.c_str(),
                                                    partition->name.partition);
    added->offset = partition->progress.next();
    if (partition->leader_epoch >= 0) {
      rd_kafka_topic_partition_set_leader_epoch(added, partition->leader_epoch);
    }
    partition->assigned = true;
  }
  std::unique_ptr<rd_kafka_error_t, ErrorDestroyer> error(
      rd_kafka_incremental_assign(client_->get(), list.get()));
  if (!error) return Status::Ok();
  return client_->Failure(rd_kafka_error_code(error.get()), rd_kafka_error_string(error.get()),
                          "assigning partitions");
}

void Reader::Unassign(Partition& partition) {
  if (!partition.assigned) return;
  partition.assigned = false;
  PartitionList list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), partition.name.topic.c_str(),
                                    partition.name.partition);
  // That it was assigned is known; nothing else can go wrong.
  std::unique_ptr<rd_kafka_error_t, ErrorDestroyer> error(
      rd_kafka_incremental_unassign(client_->get(), list.get()));
}

Result<Polled> Reader::Poll(const PollRequest& request) {
  if (!client_) WEIR_TRY(Connect());
  for (int round = 0;; round++) {
    WEIR_TRY(Look());
    Polled polled;
    // What is to be told of quiet partitions gets its turn beside one that always has rows.
    if (++since_news_ >= kMostBeforeNews) {
      since_news_ = 0;
      if (News(request.paused, polled)) return polled;
    }
    for (size_t i = 0; i < partitions_.size(); i++) {
      if (turn_ >= partitions_.size()) turn_ = 0;
      Partition& partition = *partitions_[turn_++];
      if (!partition.assigned || IsPaused(request.paused, partition.id)) continue;
      if (WEIR_TRY(Consume(partition, request.max_rows, polled))) return polled;
    }
    if (News(request.paused, polled) || round > 0 || request.wait <= Duration()) return polled;
    wakeup_->Wait(request.wait);
  }
}

Result<size_t> Reader::Take(Partition& partition, size_t max_rows) {
  if (partition.waiting.empty()) {
    messages_.resize(std::max<size_t>(max_rows, 1));
    const ssize_t count = rd_kafka_consume_batch_queue(partition.queue, /*timeout_ms=*/0,
                                                       messages_.data(), messages_.size());
    messages_.resize(count > 0 ? static_cast<size_t>(count) : 0);
  } else {
    messages_ = std::move(partition.waiting);
    partition.waiting.clear();
  }
  partition.taken.clear();
  for (const rd_kafka_message_t* message : messages_) {
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) partition.taken.push_back(message);
  }
  const Result<size_t> ready = rows_->Ready(partition.taken);
  size_t count = messages_.size();
  if (!ready.ok()) {
    count = 0;
  } else if (*ready < partition.taken.size()) {
    count = static_cast<size_t>(
        std::find(messages_.begin(), messages_.end(), partition.taken[*ready]) - messages_.begin());
  }
  // The partition's from here on, which lets go of them whatever fails.
  partition.waiting.assign(messages_.begin() + static_cast<std::ptrdiff_t>(count), messages_.end());
  messages_.resize(count);
  return ready.ok() ? Result<size_t>(count) : Result<size_t>(ready.status());
}

Result<bool> Reader::Consume(Partition& partition, size_t max_rows, Polled& polled) {
  const size_t count = WEIR_TRY(Take(partition, max_rows));
  if (!partition.waiting.empty()) Judge(partition, /*again=*/false);
  if (count == 0) return false;
  // Destroys the messages on every way out: decoded rows hold copies.
  struct Release {
    std::vector<rd_kafka_message_t*>& messages;
    size_t count;
    ~Release() {
      for (size_t i = 0; i < count; i++) rd_kafka_message_destroy(messages[i]);
    }
  } release{messages_, count};

  partition.before = partition.progress.next();
  partition.taken.clear();
  Status fault;
  for (size_t i = 0; i < count; i++) {
    const rd_kafka_message_t* message = messages_[i];
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      if (!partition.progress.Accept(message->offset)) continue;
      partition.taken.push_back(message);
      partition.leader_epoch = rd_kafka_message_leader_epoch(message);
    } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      if (message->offset > partition.progress.next()) partition.leader_epoch = -1;
      partition.progress.End(message->offset);
      watch_->ends_due = true;
    } else {
      // The records before the fault still count.
      fault = OnFault(partition, message->err, rd_kafka_message_errstr(message));
      if (!fault.ok()) break;
    }
  }
  if (partition.trouble != 0 && partition.progress.reachable()) Recovered(partition);
  if (!fault.ok()) return fault;
  if (partition.progress.finished()) {
    Unassign(partition);
    partition.told = SplitActivity::kFinished;
    partition.news = partition.taken.empty();
  } else if (!partition.taken.empty()) {
    partition.told = SplitActivity::kReading;
    partition.news = false;
  }
  if (partition.taken.empty()) return false;
  partition.active = true;
  partition.newest = TimeOf(*partition.taken.back());
  polled.split = partition.id;
  polled.activity = partition.told;
  WEIR_TRY(rows_->Build(partition.taken, partition.ordinal, polled));
  return true;
}

Status Reader::OnFault(Partition& partition, int error, const std::string& reason) {
  if (IsLostOffset(error)) return OnLost(partition, reason);
  partition.progress.Unreachable();
  Judge(partition, /*again=*/false);
  if (partition.trouble == error) return Status::Ok();
  partition.trouble = error;
  const Status told = client_->Failure(error, reason, "reading " + partition.id);
  log::Warn("kafka partition cannot be read, waiting", {{"code", told.code().id},
                                                        {"partition", partition.id},
                                                        {"reason", told.message()},
                                                        {"cure", told.cure()}});
  if (error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) watch_->topics_due = true;
  return Status::Ok();
}

void Reader::Recovered(Partition& partition) {
  partition.trouble = 0;
  log::Info("kafka partition is read again", {{"partition", partition.id}});
}

/// The records at the position were removed before they were read, or the log was cut off below it.
Status Reader::OnLost(Partition& partition, const std::string& reason) {
  const int64_t wanted = partition.progress.next();
  Unassign(partition);
  const auto at = TopicPartition{partition.name.topic, partition.name.partition};
  const auto first = WEIR_TRY(ListOffsets(*client_, {{at, OffsetQuery::kEarliest}},
                                          Isolation::kReadUncommitted, kLostOffsetsPatience));
  const auto last = WEIR_TRY(ListOffsets(*client_, {{at, OffsetQuery::kLatest}},
                                         Isolation::kReadUncommitted, kLostOffsetsPatience));
  for (const auto& answer : {first, last}) {
    if (answer.size() == 1 && answer[0].error == 0) continue;
    return Status(errors::kBrokerNotReady, fmt::format("the offsets of {} cannot be had at {}",
                                                       partition.id, client_->address()));
  }
  const int64_t low = first[0].offset;
  const int64_t high = last[0].offset;
  if (options_.on_lost_offsets == LostOffsets::kFail) {
    const std::string what =
        wanted < low ? fmt::format(
                           "offset {} of {} is gone: the first record there is has offset "
                           "{}, {} records were removed before they were read",
                           wanted, partition.id, low, low - wanted)
                     : fmt::format(
                           "offset {} of {} is not there: its log was cut off and ends at "
                           "{} ({})",
                           wanted, partition.id, high, reason);
    return Status(errors::kOffsetsLost, what,
                  "set on_lost_offsets: earliest or latest to go on without them");
  }
  // Where the log was cut off, nothing below its end was left unread.
  const bool removed = wanted < low;
  const int64_t resume = removed && options_.on_lost_offsets == LostOffsets::kEarliest ? low
                         : removed                                                     ? high
                                   : std::min(wanted, high);
  log::Warn("kafka offsets are lost, going on behind them", {{"code", errors::kOffsetsLost.id},
                                                             {"partition", partition.id},
                                                             {"position", wanted},
                                                             {"resumed_at", resume}});
  partition.progress = Progress(resume, partition.progress.stop());
  partition.leader_epoch = -1;
  if (partition.progress.finished()) {
    partition.told = SplitActivity::kFinished;
    partition.news = true;
    return Status::Ok();
  }
  return Assign({&partition});
}

bool Reader::News(const std::vector<std::string>* paused, Polled& polled) {
  for (size_t i = 0; i < partitions_.size(); i++) {
    Partition& partition = *partitions_[(turn_ + i) % partitions_.size()];
    if (!partition.news) continue;
    // Of a paused one only its end is news: it is held by who paused it.
    if (IsPaused(paused, partition.id) && partition.told != SplitActivity::kFinished) continue;
    partition.news = false;
    polled.split = partition.id;
    polled.activity = partition.told;
    turn_ += i + 1;
    return true;
  }
  return false;
}

std::map<std::string, std::string> Reader::Positions() const {
  std::map<std::string, std::string> positions;
  for (const auto& partition : partitions_) {
    Position position{partition->progress.next(), partition->leader_epoch, partition->topic_id};
    if (WEIR_MUTANT("positions_late")) position = {partition->before, -1, partition->topic_id};
    positions[partition->id] = EncodePosition(position);
  }
  return positions;
}

std::map<std::string, SplitLag> Reader::Lag() const {
  std::map<std::string, SplitLag> lag;
  for (const auto& partition : partitions_) {
    const auto records = partition->progress.Lag();
    if (!records) continue;
    lag[partition->id] = {*records, *records > 0 ? partition->newest : std::nullopt};
  }
  return lag;
}

}  // namespace weir::kafka
