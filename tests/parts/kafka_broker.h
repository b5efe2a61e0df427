#pragma once

// A real broker for tests, and a plain client beside weir's own. Included by *_test.cc only.

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/ids.h"
#include "connectors/kafka/admin.h"
#include "tests/catch.h"

namespace weir::kafka {

/// Where the broker is. Cases that ask are tagged [.broker]: hidden, and run by tests/e2e.
inline std::string TestBootstrap() {
  const char* address = std::getenv("WEIR_TEST_BOOTSTRAP");
  INFO("WEIR_TEST_BOOTSTRAP names no broker");
  REQUIRE(address != nullptr);
  return address;
}

inline ConnectionPtr TestConnection() {
  ConnectionOptions options;
  options.bootstrap_servers = TestBootstrap();
  return std::make_shared<Connection>(std::move(options));
}

/// Changes the cluster by the library's admin calls; each waits until it is done.
class TestCluster {
 public:
  TestCluster() {
    auto made = Client::Make(Client::Kind::kProducer, TestConnection(), {});
    REQUIRE(made.ok());
    client_ = std::move(made).value();
    queue_ = rd_kafka_queue_new(client_->get());
  }
  ~TestCluster() { rd_kafka_queue_destroy(queue_); }

  Client& client() { return *client_; }

  /// A topic of its own for each test.
  std::string NewTopic(int partitions, const std::map<std::string, std::string>& settings = {}) {
    const std::string name = "weir-test-" + RandomId().substr(0, 12);
    Create(name, partitions, settings);
    return name;
  }

  void Create(const std::string& name, int partitions,
              const std::map<std::string, std::string>& settings = {}) {
    char reason[256];
    rd_kafka_NewTopic_t* topic =
        rd_kafka_NewTopic_new(name.c_str(), partitions, 1, reason, sizeof reason);
    for (const auto& [key, value] : settings) {
      rd_kafka_NewTopic_set_config(topic, key.c_str(), value.c_str());
    }
    rd_kafka_CreateTopics(client_->get(), &topic, 1, nullptr, queue_);
    Wait();
    rd_kafka_NewTopic_destroy(topic);
    WaitFor(name, [&](const TopicFacts& facts) {
      return facts.error == 0 && facts.partitions == partitions && facts.leaderless.empty();
    });
  }

  void Delete(const std::string& name) {
    rd_kafka_DeleteTopic_t* topic = rd_kafka_DeleteTopic_new(name.c_str());
    rd_kafka_DeleteTopics(client_->get(), &topic, 1, nullptr, queue_);
    Wait();
    rd_kafka_DeleteTopic_destroy(topic);
    WaitFor(name, [](const TopicFacts& facts) { return facts.error != 0; });
  }

  void Grow(const std::string& name, int partitions) {
    char reason[256];
    rd_kafka_NewPartitions_t* more =
        rd_kafka_NewPartitions_new(name.c_str(), partitions, reason, sizeof reason);
    rd_kafka_CreatePartitions(client_->get(), &more, 1, nullptr, queue_);
    Wait();
    rd_kafka_NewPartitions_destroy(more);
    WaitFor(name, [&](const TopicFacts& facts) {
      return facts.partitions == partitions && facts.leaderless.empty();
    });
  }

  /// Removes the records below `offset`.
  void Truncate(const std::string& name, int32_t partition, int64_t offset) {
    rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, name.c_str(), partition)->offset = offset;
    rd_kafka_DeleteRecords_t* records = rd_kafka_DeleteRecords_new(list);
    rd_kafka_DeleteRecords(client_->get(), &records, 1, nullptr, queue_);
    Wait();
    rd_kafka_DeleteRecords_destroy(records);
    rd_kafka_topic_partition_list_destroy(list);
  }

 private:
  void Wait() {
    rd_kafka_event_t* event = rd_kafka_queue_poll(queue_, 20'000);
    REQUIRE(event != nullptr);
    INFO(rd_kafka_event_error_string(event));
    REQUIRE(rd_kafka_event_error(event) == 0);
    rd_kafka_event_destroy(event);
  }
  template <typename Condition>
  void WaitFor(const std::string& name, Condition holds) {
    for (int i = 0; i < 200; i++) {
      const auto facts = DescribeTopics(*client_, {name}, Duration::Seconds(5));
      if (facts.ok() && facts->size() == 1 && holds((*facts)[0])) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    FAIL("topic " << name << " did not become what it should");
  }

  std::unique_ptr<Client> client_;
  rd_kafka_queue_t* queue_ = nullptr;
};

/// A plain producer, transactional where it is given an id.
class TestProducer {
 public:
  explicit TestProducer(const std::string& transactional_id = {}) {
    Client::Settings settings;
    if (!transactional_id.empty()) settings.emplace_back("transactional.id", transactional_id);
    auto made = Client::Make(Client::Kind::kProducer, TestConnection(), settings);
    REQUIRE(made.ok());
    client_ = std::move(made).value();
    if (!transactional_id.empty()) Good(rd_kafka_init_transactions(client_->get(), 30'000));
  }

  void Send(const std::string& topic, int32_t partition, const std::string& value,
            int64_t timestamp_ms = 0) {
    REQUIRE(rd_kafka_producev(client_->get(), RD_KAFKA_V_TOPIC(topic.c_str()),
                              RD_KAFKA_V_PARTITION(partition),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                              RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                              RD_KAFKA_V_TIMESTAMP(timestamp_ms), RD_KAFKA_V_END) == 0);
  }
  void Flush() {
    REQUIRE(rd_kafka_flush(client_->get(), 120'000) == 0);
    REQUIRE(client_->deliveries().failed == 0);
  }
  void Begin() { Good(rd_kafka_begin_transaction(client_->get())); }
  void Commit() { Good(rd_kafka_commit_transaction(client_->get(), 30'000)); }
  void Abort() { Good(rd_kafka_abort_transaction(client_->get(), 30'000)); }

 private:
  static void Good(rd_kafka_error_t* error) {
    if (error == nullptr) return;
    INFO(rd_kafka_error_string(error));
    const bool good = false;
    CHECK(good);
    rd_kafka_error_destroy(error);
  }
  std::unique_ptr<Client> client_;
};

/// Waits until the last stable offset of each partition is its end: a commit is answered before the
/// broker has written what makes its records visible.
inline void AwaitStable(const std::string& topic, int partitions) {
  auto made = Client::Make(Client::Kind::kConsumer, TestConnection(), {});
  REQUIRE(made.ok());
  std::vector<OffsetQuery> queries;
  for (int p = 0; p < partitions; p++) queries.push_back({{topic, p}, OffsetQuery::kLatest});
  const auto ends = [&](Isolation isolation) {
    auto answer = ListOffsets(**made, queries, isolation, Duration::Seconds(30));
    REQUIRE(answer.ok());
    std::map<TopicPartition, int64_t> offsets;
    for (const OffsetFacts& facts : *answer) offsets[facts.at] = facts.offset;
    return offsets;
  };
  // Asked for anew each time: what makes them visible is a record itself.
  for (int tries = 0; ends(Isolation::kReadCommitted) != ends(Isolation::kReadUncommitted);
       tries++) {
    REQUIRE(tries < 3000);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

/// A record as a plain consumer sees it.
struct TestRecord {
  int32_t partition;
  std::string key;
  std::string value;
  auto operator<=>(const TestRecord&) const = default;
};

/// All records of a topic up to its present end, by a plain consumer.
inline std::vector<TestRecord> ReadTopic(const std::string& topic, int partitions,
                                         Isolation isolation = Isolation::kReadCommitted) {
  if (isolation == Isolation::kReadCommitted) AwaitStable(topic, partitions);
  auto made = Client::Make(Client::Kind::kConsumer, TestConnection(),
                           {{"group.id", "weir-test-reader"},
                            {"enable.auto.commit", "false"},
                            {"auto.offset.reset", "earliest"},
                            {"enable.partition.eof", "true"},
                            {"isolation.level", weir::ShowValue(isolation)}});
  REQUIRE(made.ok());
  const std::unique_ptr<Client> client = std::move(made).value();
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(partitions);
  for (int p = 0; p < partitions; p++) {
    rd_kafka_topic_partition_list_add(list, topic.c_str(), p)->offset = RD_KAFKA_OFFSET_BEGINNING;
  }
  REQUIRE(rd_kafka_assign(client->get(), list) == 0);
  rd_kafka_topic_partition_list_destroy(list);
  std::vector<TestRecord> records;
  for (int ended = 0; ended < partitions;) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(client->get(), 20'000);
    REQUIRE(message != nullptr);
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      ended++;
    } else {
      REQUIRE(message->err == 0);
      records.push_back({message->partition,
                         std::string(static_cast<const char*>(message->key), message->key_len),
                         std::string(static_cast<const char*>(message->payload), message->len)});
    }
    rd_kafka_message_destroy(message);
  }
  return records;
}

}  // namespace weir::kafka
