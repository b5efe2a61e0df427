#include "connectors/kafka/examine.h"

#include <librdkafka/rdkafka.h>

#include <set>

#include <fmt/format.h>

#include "connectors/kafka/admin.h"
#include "connectors/kafka/finder.h"
#include "connectors/kafka/group_offsets.h"
#include "connectors/kafka/position.h"
#include "connectors/kafka/rights.h"
#include "connectors/kafka/sink_facts.h"

namespace weir::kafka {
namespace {

using Verdict = Observation::Verdict;

constexpr Duration kPatience = Duration::Seconds(10);

void Bad(const ObservationListener& tell, std::string what, const Status& status) {
  tell({Verdict::kBad, std::move(what), fmt::format("{}: {}", status.code().id, status.message()),
        status.cure()});
}

/// Whether `may` was said of each of the topics; where the broker does not tell, that is doubtful.
void TellRights(const ObservationListener& tell, const TopicsAnswer& topics,
                bool TopicRights::* may, std::string_view verb) {
  for (const TopicFacts& topic : topics) {
    const std::string what = fmt::format("topic '{}'", topic.name);
    if (!topic.rights) {
      tell({Verdict::kDoubtful, what, fmt::format("nobody says whether weir may {} it", verb),
            "the start of the job shows it"});
    } else if (!((*topic.rights).*may)) {
      tell({Verdict::kBad, what, fmt::format("weir may not {} it", verb),
            fmt::format("give weir's user the right to {} it", verb)});
    } else {
      tell({Verdict::kGood, what, fmt::format("weir may {} it", verb), {}});
    }
  }
}

uint32_t Brokers(Client& client) {
  const auto brokers = CountBrokers(client, kPatience);
  return brokers.ok() ? *brokers : 0;
}

/// Of a topic that records are to be written to; false where there is none to say more of.
bool LookAtTopic(Client& client, const std::string& topic, const ObservationListener& tell) {
  const std::string what = fmt::format("topic '{}'", topic);
  const auto facts = DescribeTopics(client, {topic}, kPatience, AskRights::kYes);
  if (!facts.ok() || facts->empty()) {
    Bad(tell, what,
        facts.ok() ? client.Failure(RD_KAFKA_RESP_ERR__BAD_MSG, "", what) : facts.status());
    return false;
  }
  const TopicFacts& found = facts->front();
  if (found.error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
    const Status missing =
        MissingTopic(client, topic, "create it, or mend the sink's 'topic'", kPatience);
    if (!CreatesTopics(BrokerSettings(client, kPatience))) {
      Bad(tell, what, missing);
      return false;
    }
    tell({Verdict::kDoubtful, what, missing.message() + "; the broker makes it when the job starts",
          "where that is not what is wanted, mend its name"});
    return true;
  }
  if (found.error != 0) {
    Bad(tell, what, client.Failure(found.error, "", what));
    return false;
  }
  tell({found.leaderless.empty() ? Verdict::kGood : Verdict::kBad, what,
        fmt::format("{} partitions, {} of them without a leader", found.partitions,
                    found.leaderless.size()),
        found.leaderless.empty() ? "" : "see that the brokers that hold them run"});
  TellRights(tell, *facts, &TopicRights::write, "write");
  // Committing a marker, an offset of the topic, takes the right to read it.
  TellRights(tell, *facts, &TopicRights::read, "read");
  return true;
}

}  // namespace

uint32_t ExamineSource(const ConnectionPtr& connection, const SourceOptions& options,
                       const std::string& group, const ObservationListener& tell) {
  Finder finder(connection, options);
  const auto splits = finder.Find({});
  if (!splits.ok()) {
    Bad(tell, "partitions", splits.status());
    return 0;
  }
  std::set<std::string> topics;
  for (const Split& split : *splits) {
    if (const auto name = ParseSplitId(split.id); name.ok()) topics.insert(name->topic);
  }
  tell({Verdict::kGood,
        "partitions",
        fmt::format("{} of {} topics", splits->size(), topics.size()),
        {}});
  auto client = GroupClient(connection, group.empty() ? "weir" : group);
  if (!client.ok()) {
    Bad(tell, "login", client.status());
    return 0;
  }
  const auto facts =
      DescribeTopics(**client, {topics.begin(), topics.end()}, kPatience, AskRights::kYes);
  if (facts.ok()) {
    TellRights(tell, *facts, &TopicRights::read, "read");
  } else {
    Bad(tell, "topics", facts.status());
  }
  if (!group.empty()) tell(LookAtGroup(**client, group));
  return Brokers(**client);
}

uint32_t ExamineSink(const ConnectionPtr& connection, const std::string& topic,
                     const std::string& lanes, const ObservationListener& tell) {
  const std::string check = lanes + "-check";
  auto client = GroupClient(connection, check);
  if (!client.ok()) {
    Bad(tell, "login", client.status());
    return 0;
  }
  if (LookAtTopic(**client, topic, tell)) {
    tell(LookAtGroup(**client, check));
    tell(LookAtTransactions(connection, check, topic));
  }
  return Brokers(**client);
}

}  // namespace weir::kafka
