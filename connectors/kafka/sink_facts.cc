#include "connectors/kafka/sink_facts.h"

#include <librdkafka/rdkafka.h>

#include <charconv>
#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "connectors/kafka/errors.h"

namespace weir::kafka {
namespace {

constexpr Duration kPatience = Duration::Seconds(5);
constexpr int kCreationTries = 50;

template <typename T>
void ReadSetting(const Result<SettingsAnswer>& settings, const std::string& name, T& out) {
  if (!settings.ok()) return;
  const auto it = settings->find(name);
  if (it == settings->end()) return;
  T value{};
  const char* end = it->second.data() + it->second.size();
  const auto [rest, fault] = std::from_chars(it->second.data(), end, value);
  if (fault == std::errc() && rest == end && value > 0) out = value;
}

Result<TopicFacts> Describe(Client& client, const std::string& topic) {
  auto answer = WEIR_TRY(DescribeTopics(client, {topic}, kPatience));
  if (answer.size() != 1) {
    return Status(errors::kBrokerNotReady,
                  fmt::format("no word of topic '{}' from {}", topic, client.address()));
  }
  return std::move(answer[0]);
}

}  // namespace

bool CreatesTopics(const Result<SettingsAnswer>& broker) {
  if (!broker.ok()) return false;
  const auto it = broker->find("auto.create.topics.enable");
  return it != broker->end() && it->second == "true";
}

Result<SinkFacts> LearnSink(const ConnectionPtr& connection, const std::string& topic) {
  const auto client = WEIR_TRY(Client::Make(Client::Kind::kProducer, connection, {}));
  auto facts = WEIR_TRY(Describe(*client, topic));
  // Rights to read settings are often not given; what is usual must do then.
  const auto broker = BrokerSettings(*client, kPatience);
  if (facts.error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART && CreatesTopics(broker)) {
    for (int i = 0; facts.error != 0 && i < kCreationTries; i++) {
      WEIR_TRY(ProvokeCreation(*client, topic, kPatience));
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      facts = WEIR_TRY(Describe(*client, topic));
    }
  }
  if (facts.error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
    return MissingTopic(*client, topic,
                        fmt::format("create it: kafka-topics.sh --bootstrap-server {} --create "
                                    "--topic {}",
                                    client->address(), topic),
                        kPatience);
  }
  if (facts.error != 0) {
    return client->Failure(facts.error, "", fmt::format("topic '{}'", topic));
  }
  SinkFacts learned;
  learned.limits.partitions = facts.partitions;
  ReadSetting(TopicSettings(*client, topic, kPatience), "max.message.bytes",
              learned.limits.record_bytes);
  ReadSetting(broker, "transaction.max.timeout.ms", learned.transaction_timeout_ms);
  return learned;
}

}  // namespace weir::kafka
