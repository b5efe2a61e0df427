#include "connectors/kafka/finder.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/log.h"
#include "connectors/kafka/errors.h"
#include "connectors/kafka/group_offsets.h"
#include "connectors/kafka/position.h"

namespace weir::kafka {
namespace {

constexpr Duration kPatience = Duration::Seconds(5);

bool IsMissing(int error) {
  return error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
         error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
}

std::vector<TopicPartition> PartitionsOf(const std::vector<TopicFacts>& topics) {
  std::vector<TopicPartition> partitions;
  for (const TopicFacts& topic : topics) {
    for (int32_t p = 0; p < topic.partitions; p++) partitions.push_back({topic.name, p});
  }
  std::sort(partitions.begin(), partitions.end());
  return partitions;
}

std::map<std::string, std::string> IdsOf(const std::vector<TopicFacts>& topics) {
  std::map<std::string, std::string> ids;
  for (const TopicFacts& topic : topics) ids[topic.name] = topic.id;
  return ids;
}

}  // namespace

Status RemadeTopic(const std::string& topic) {
  return Status(errors::kTopicRemade,
                fmt::format("topic '{}' was deleted and created again", topic),
                "its positions mean other records now: begin anew with --fresh, or give the job "
                "another name");
}

Finder::Finder(ConnectionPtr connection, SourceOptions options)
    : connection_(std::move(connection)), options_(std::move(options)) {}

Result<std::vector<Split>> Finder::Find(const std::vector<Split>& known) {
  if (!client_) {
    client_ = WEIR_TRY(Client::Make(Client::Kind::kConsumer, connection_, {}));
  }
  client_->Serve(0);
  const auto names = WEIR_TRY(TopicNames());
  auto topics = WEIR_TRY(DescribeTopics(*client_, names, kPatience));
  if (!known.empty()) return Again(topics, known);
  for (const TopicFacts& topic : topics) {
    if (IsMissing(topic.error)) {
      return MissingTopic(*client_, topic.name, "create the topic, or mend its name", kPatience);
    }
    if (topic.error != 0) {
      return client_->Failure(topic.error, "", fmt::format("topic '{}'", topic.name));
    }
    if (!topic.leaderless.empty()) {
      return Status(errors::kBrokerNotReady,
                    fmt::format("partition {}/{} has no leader at {}", topic.name,
                                topic.leaderless.front(), client_->address()),
                    "see that the brokers that hold it run");
    }
  }
  return First(topics);
}

Result<std::vector<std::string>> Finder::TopicNames() {
  std::vector<std::string> names;
  if (options_.topic) names.push_back(*options_.topic);
  if (options_.topics) names.insert(names.end(), options_.topics->begin(), options_.topics->end());
  if (options_.pattern) {
    for (std::string& name : WEIR_TRY(ListTopics(*client_, kPatience))) {
      if (WEIR_TRY(MatchesPattern(*options_.pattern, name))) names.push_back(std::move(name));
    }
    if (names.empty()) {
      return Status(errors::kTopicMissing,
                    fmt::format("no topic at {} matches the pattern '{}'", client_->address(),
                                *options_.pattern),
                    "create one, or mend the pattern");
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Result<std::vector<int64_t>> Finder::Offsets(const std::vector<TopicPartition>& partitions,
                                             int64_t spec) {
  std::vector<OffsetQuery> queries;
  for (const TopicPartition& at : partitions) queries.push_back({at, spec});
  const auto answers = WEIR_TRY(ListOffsets(*client_, queries, options_.isolation, kPatience));
  std::map<TopicPartition, int64_t> found;
  for (const OffsetFacts& answer : answers) {
    if (answer.error != 0) {
      return client_->Failure(
          answer.error, "",
          fmt::format("the offsets of {}", SplitId(answer.at.topic, answer.at.partition)));
    }
    // A partition that has no leader yet can be answered without an error and without an offset.
    if (answer.offset != RD_KAFKA_OFFSET_INVALID) found[answer.at] = answer.offset;
  }
  std::vector<int64_t> offsets;
  for (const TopicPartition& at : partitions) {
    const auto it = found.find(at);
    if (it == found.end()) {
      return Status(errors::kBrokerNotReady,
                    fmt::format("no offsets of {} from {}", SplitId(at.topic, at.partition),
                                client_->address()));
    }
    offsets.push_back(it->second);
  }
  return offsets;
}

Result<std::vector<int64_t>> Finder::Starts(const std::vector<TopicPartition>& partitions) {
  const StartOptions& start = options_.start;
  if (start.group) return GroupStarts(partitions);
  if (start.timestamp) {
    auto starts = WEIR_TRY(Offsets(partitions, start.timestamp->time.us / 1000));
    const auto ends = WEIR_TRY(Offsets(partitions, OffsetQuery::kLatest));
    for (size_t i = 0; i < starts.size(); i++) {
      if (starts[i] < 0) starts[i] = ends[i];  // Nothing is that late: only what comes from now on.
    }
    return starts;
  }
  if (start.where == StartWhere::kLatest && !start.offsets) {
    return Offsets(partitions, OffsetQuery::kLatest);
  }
  auto starts = WEIR_TRY(Offsets(partitions, OffsetQuery::kEarliest));
  if (!start.offsets) return starts;
  for (const auto& [name, offset] : *start.offsets) {
    const std::string id =
        options_.topic && name.find('/') == std::string::npos ? *options_.topic + "/" + name : name;
    const auto it = std::find_if(partitions.begin(), partitions.end(), [&](const auto& at) {
      return SplitId(at.topic, at.partition) == id;
    });
    if (it == partitions.end()) {
      return Status(errors::kSourceOption,
                    fmt::format("start.offsets names partition '{}', which is not there", name),
                    "name partitions of the source's topics, as 0, or clicks/0");
    }
    starts[static_cast<size_t>(it - partitions.begin())] = offset;
  }
  return starts;
}

Result<std::vector<int64_t>> Finder::GroupStarts(const std::vector<TopicPartition>& partitions) {
  const std::string& group = *options_.start.group;
  const auto client = WEIR_TRY(GroupClient(connection_, group));
  // Whether somebody still reads by it is told only: nobody can say for how long.
  if (const auto members = GroupMembers(*client, group, kPatience); members.ok() && *members > 0) {
    log::Warn("the group to go on from has live consumers: weir reads from here on what they read",
              {{"group", group}, {"members", *members}});
  }
  const auto found =
      WEIR_TRY(ListGroupOffsets(*client, group, partitions, /*settled=*/true, kPatience,
                                fmt::format("reading the offsets of group '{}'", group)));
  std::map<TopicPartition, int64_t> committed;
  for (const GroupOffset& one : found) {
    if (one.offset >= 0) committed[one.at] = one.offset;
  }
  if (committed.empty() && !options_.start.otherwise) {
    return Status(errors::kGroupEmpty,
                  fmt::format("group '{}' at {} has committed no offset of what is to be read",
                              group, client_->address()),
                  "mend the group's name, or say where to begin then: start: { group: NAME, "
                  "otherwise: earliest }");
  }
  const bool latest = options_.start.otherwise == StartWhere::kLatest;
  auto starts =
      WEIR_TRY(Offsets(partitions, latest ? OffsetQuery::kLatest : OffsetQuery::kEarliest));
  for (size_t i = 0; i < partitions.size(); i++) {
    if (const auto it = committed.find(partitions[i]); it != committed.end()) {
      starts[i] = it->second;
    }
  }
  return starts;
}

Result<std::vector<int64_t>> Finder::Stops(const std::vector<TopicPartition>& partitions) {
  auto stops = WEIR_TRY(Offsets(partitions, OffsetQuery::kLatest));
  if (!options_.stop.timestamp) return stops;
  const auto found = WEIR_TRY(Offsets(partitions, options_.stop.timestamp->time.us / 1000));
  for (size_t i = 0; i < stops.size(); i++) {
    if (found[i] >= 0) stops[i] = std::min(stops[i], found[i]);
  }
  return stops;
}

Result<std::vector<Split>> Finder::First(const std::vector<TopicFacts>& topics) {
  const auto partitions = PartitionsOf(topics);
  auto ids = IdsOf(topics);
  // The stop first: were it asked for later, it could lie behind rows written in between only.
  std::vector<int64_t> stops;
  if (options_.stop.bounded()) stops = WEIR_TRY(Stops(partitions));
  const auto starts = WEIR_TRY(Starts(partitions));
  std::vector<Split> splits;
  for (size_t i = 0; i < partitions.size(); i++) {
    const auto& [topic, partition] = partitions[i];
    Split split;
    split.id = SplitId(topic, partition);
    split.position = EncodePosition({starts[i], -1, ids[topic]});
    if (!stops.empty()) split.stop = EncodePosition({stops[i], -1, {}});
    split.ordinal = static_cast<int32_t>(i);
    splits.push_back(std::move(split));
  }
  return splits;
}

Result<std::vector<Split>> Finder::Again(const std::vector<TopicFacts>& topics,
                                         const std::vector<Split>& known) {
  std::vector<Split> splits = known;
  auto ids = IdsOf(topics);
  int32_t next_ordinal = 0;
  std::vector<std::string> names;
  for (const Split& split : known) {
    const SplitName name = WEIR_TRY(ParseSplitId(split.id));
    const Position position = WEIR_TRY(DecodePosition(split.position, split.id));
    const std::string& id = ids[name.topic];
    if (!id.empty() && !position.topic_id.empty() && id != position.topic_id) {
      return RemadeTopic(name.topic);
    }
    next_ordinal = std::max(next_ordinal, split.ordinal + 1);
    names.push_back(split.id);
  }
  // A bounded run ends where it was said at its start: partitions that came later are not in it.
  if (options_.stop.bounded()) return splits;

  std::sort(names.begin(), names.end());
  std::vector<TopicPartition> fresh;
  for (const TopicPartition& at : PartitionsOf(topics)) {
    const std::string id = SplitId(at.topic, at.partition);
    if (!std::binary_search(names.begin(), names.end(), id)) fresh.push_back(at);
  }
  if (fresh.empty()) return splits;
  const auto starts = WEIR_TRY(Offsets(fresh, OffsetQuery::kEarliest));
  for (size_t i = 0; i < fresh.size(); i++) {
    Split split;
    split.id = SplitId(fresh[i].topic, fresh[i].partition);
    split.position = EncodePosition({starts[i], -1, ids[fresh[i].topic]});
    split.ordinal = next_ordinal++;
    splits.push_back(std::move(split));
  }
  return splits;
}

}  // namespace weir::kafka
