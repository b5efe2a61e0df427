#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "connectors/kafka/errors.h"
#include "connectors/kafka/finder.h"
#include "connectors/kafka/partition.h"

/// The reader's looks at the cluster beside the records: whether topics are still themselves, and
/// where partitions end.
namespace weir::kafka {
namespace {

constexpr Duration kTopicsEvery = Duration::Seconds(1);
constexpr Duration kEndsEvery = Duration::Seconds(1);
/// Where a partition may have become caught up, or stays so.
constexpr Duration kEndsSoon = Duration::Millis(200);
constexpr Duration kServeEvery = Duration::Millis(100);
constexpr Duration kAnswerPatience = Duration::Seconds(3);
/// Brokers learn of topics one after the other, so one that is not there gets some time.
constexpr Duration kMissingPatience = Duration::Seconds(5);

bool Passed(Duration now, Duration since, Duration span) { return now.us - since.us >= span.us; }

}  // namespace

Status Reader::Look() {
  Watch& watch = *watch_;
  const Duration now = context_.clock->Monotonic();
  if (Passed(now, watch.served, kServeEvery)) {
    watch.served = now;
    client_->Serve(0);
    if (client_->Outdated(now)) WEIR_TRY(Reconnect());
  }

  if (watch.topics) {
    if (auto answer = watch.topics->Poll(Duration())) {
      watch.topics.reset();
      if (answer->ok()) WEIR_TRY(OnTopics(answer->value()));
    }
  } else if (const Duration every = watch.topics_due ? kEndsSoon : kTopicsEvery;
             !partitions_.empty() &&
             (!watch.topics_known || Passed(now, watch.topics_asked, every))) {
    std::set<std::string> names;
    for (const auto& partition : partitions_) {
      if (!partition->progress.finished()) names.insert(partition->name.topic);
    }
    watch.topics_asked = now;
    watch.topics_due = false;
    if (!names.empty()) {
      watch.topics = AskTopics(*client_, {names.begin(), names.end()}, kAnswerPatience);
    }
  }

  if (watch.ends) {
    if (auto answer = watch.ends->Poll(Duration())) {
      watch.ends.reset();
      OnEnds(*answer);
    }
  } else if (Passed(now, watch.ends_asked, watch.ends_due ? kEndsSoon : kEndsEvery)) {
    AskEnds();
  }
  if (watch.stable) {
    if (auto answer = watch.stable->Poll(Duration())) {
      watch.stable.reset();
      if (answer->ok()) OnStable(answer->value());
    }
  }
  return Status::Ok();
}

Status Reader::OnTopics(const TopicsAnswer& topics) {
  Watch& watch = *watch_;
  const Duration now = context_.clock->Monotonic();
  bool all_known = true;
  for (const TopicFacts& topic : topics) {
    if (topic.error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
      all_known = false;
      const auto [since, fresh] = watch.missing_since.try_emplace(topic.name, now);
      if (Passed(now, since->second, kMissingPatience)) {
        return Status(
            errors::kTopicDeleted,
            fmt::format("topic '{}' is not at {} any more", topic.name, client_->address()),
            "if it was deleted on purpose, begin anew with --fresh once it is there");
      }
      watch.topics_due = true;
      continue;
    }
    watch.missing_since.erase(topic.name);
    if (topic.error != 0) {
      all_known = false;
      for (const auto& partition : partitions_) {
        if (partition->name.topic == topic.name && !partition->progress.finished()) {
          WEIR_TRY(OnFault(*partition, topic.error,
                           rd_kafka_err2str(static_cast<rd_kafka_resp_err_t>(topic.error))));
        }
      }
      continue;
    }
    for (const auto& partition : partitions_) {
      if (partition->name.topic != topic.name || topic.id.empty()) continue;
      if (partition->topic_id.empty()) partition->topic_id = topic.id;
      if (partition->topic_id != topic.id) return RemadeTopic(topic.name);
    }
  }
  if (!all_known) return Status::Ok();

  // The library shares its memory out when it starts: a larger share count needs a new start.
  if (limits_.capacity < partitions_.size()) WEIR_TRY(Reconnect());
  // Nothing is read before the topics are known to be those of the positions.
  watch.topics_known = true;
  std::vector<Partition*> fresh;
  for (const auto& partition : partitions_) {
    if (!partition->assigned && !partition->progress.finished()) fresh.push_back(partition.get());
  }
  return fresh.empty() ? Status::Ok() : Assign(fresh);
}

void Reader::AskEnds() {
  Watch& watch = *watch_;
  std::vector<OffsetQuery> queries;
  for (const auto& partition : partitions_) {
    partition->asked = partition->assigned;
    partition->active = false;
    if (partition->assigned) {
      queries.push_back({{partition->name.topic, partition->name.partition}, OffsetQuery::kLatest});
    }
  }
  watch.ends_asked = context_.clock->Monotonic();
  watch.ends_due = false;
  if (queries.empty()) return;
  watch.ends = AskOffsets(*client_, queries, Isolation::kReadUncommitted, kAnswerPatience);
  if (options_.isolation == Isolation::kReadCommitted) {
    watch.stable = AskOffsets(*client_, queries, Isolation::kReadCommitted, kAnswerPatience);
  }
}

void Reader::OnEnds(const Result<OffsetsAnswer>& answer) {
  std::map<TopicPartition, const OffsetFacts*> ends;
  if (answer.ok()) {
    for (const OffsetFacts& facts : *answer) ends[facts.at] = &facts;
  }
  for (const auto& partition : partitions_) {
    if (!partition->asked || !partition->assigned) continue;
    const auto it = ends.find({partition->name.topic, partition->name.partition});
    const bool answered = it != ends.end() && it->second->error == 0 && it->second->offset >= 0;
    if (answered) {
      partition->progress.Leader(it->second->offset, std::nullopt);
      // With read_uncommitted nothing is held back: all ends are one.
      if (options_.isolation == Isolation::kReadUncommitted) {
        partition->progress.Stable(it->second->offset);
      }
      if (partition->trouble != 0) Recovered(*partition);
    } else if (!partition->active) {
      partition->progress.Unreachable();
    }
    if (!partition->active) Judge(*partition, /*again=*/answered);
  }
}

void Reader::OnStable(const OffsetsAnswer& answer) {
  std::map<TopicPartition, int64_t> stable;
  for (const OffsetFacts& facts : answer) {
    if (facts.error == 0 && facts.offset >= 0) stable[facts.at] = facts.offset;
  }
  for (const auto& partition : partitions_) {
    const auto it = stable.find({partition->name.topic, partition->name.partition});
    if (it != stable.end()) partition->progress.Stable(it->second);
  }
}

void Reader::Judge(Partition& partition, bool again) {
  SplitActivity activity = partition.Activity();
  if (WEIR_MUTANT("idle_while_leader_away") && activity == SplitActivity::kHeld) {
    activity = SplitActivity::kCaughtUp;
    again = true;
  }
  const bool changed = activity != partition.told;
  partition.told = activity;
  if (activity == SplitActivity::kCaughtUp) watch_->ends_due = true;  // It may stay so.
  if (changed || (again && activity == SplitActivity::kCaughtUp)) partition.news = true;
}

}  // namespace weir::kafka
