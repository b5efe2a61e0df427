#include "connectors/kafka/kafka.h"

#include <algorithm>
#include <mutex>
#include <set>

#include <fmt/format.h>

#include "config/errors.h"
#include "config/yaml_origin.h"
#include "connectors/kafka/connection_count.h"
#include "connectors/kafka/doctor.h"
#include "connectors/kafka/errors.h"
#include "connectors/kafka/examine.h"
#include "connectors/kafka/finder.h"
#include "connectors/kafka/group_teller.h"
#include "connectors/kafka/marker.h"
#include "connectors/kafka/options.h"
#include "connectors/kafka/position.h"
#include "connectors/kafka/publisher.h"
#include "connectors/kafka/reader.h"
#include "connectors/kafka/redriver.h"
#include "connectors/kafka/sink_facts.h"
#include "connectors/kafka/writer.h"

namespace weir {
namespace kafka {
namespace {

/// Null where there was a fault, which was told.
ConnectionPtr MakeConnection(const YamlNode& yaml, Diagnostics& diagnostics) {
  ConnectionOptions options;
  if (!ConnectionOptions::Describe().Read(yaml, diagnostics, options) ||
      !CheckConnection(options, yaml, diagnostics)) {
    return nullptr;
  }
  options.folder = FolderOf(yaml);
  return std::make_shared<Connection>(std::move(options));
}

/// The connection a node names; null where there was a fault, which was told.
ConnectionPtr ReadConnection(const NodeContext& node, const std::string& name,
                             Diagnostics& diagnostics) {
  const ConnectionSpec* found =
      node.connection(name, {"kafka"}, PlaceOf(*node.options, "connection"));
  return found == nullptr ? nullptr : MakeConnection(found->options, diagnostics);
}

class KafkaSource final : public SourcePlan {
 public:
  KafkaSource(ConnectionPtr connection, SourceOptions options,
              std::shared_ptr<const DecodingPlan> decoding)
      : connection_(std::move(connection)),
        options_(std::move(options)),
        decoding_(std::move(decoding)),
        visible_(decoding_->columns()->size()) {
    std::vector<Field> fields = decoding_->columns()->fields();
    fields.insert(fields.end(), MetadataColumns().begin(), MetadataColumns().end());
    columns_ = std::make_shared<const Schema>(std::move(fields));
  }

  const SchemaPtr& columns() const override { return columns_; }
  size_t visible() const override { return visible_; }
  bool bounded() const override { return options_.stop.bounded(); }
  std::string cluster() const override { return connection_->address(); }
  std::optional<LinkStatus> Link() const override { return connection_->Link(); }
  uint32_t MostConnections(uint32_t tasks, uint32_t brokers) const override {
    return SourceConnections(tasks, !GroupOf(options_, "job").empty(), brokers);
  }
  uint32_t Examine(const ConnectorContext& context,
                   const ObservationListener& tell) const override {
    return ExamineSource(connection_, options_, GroupOf(options_, context.job), tell);
  }

  std::string Describe() const override {
    std::string what;
    if (options_.topic) what = fmt::format("topic {}", *options_.topic);
    if (options_.pattern) what = fmt::format("topics like {}", *options_.pattern);
    if (options_.topics) what = fmt::format("topics {}", weir::ShowValue(*options_.topics));
    return fmt::format("kafka {} at {}, {}{}", what, connection_->address(),
                       weir::ShowValue(options_.isolation), bounded() ? ", bounded" : "");
  }

  std::vector<std::string> Inputs() const override {
    if (options_.topic) return {*options_.topic};
    return options_.topics.value_or(std::vector<std::string>{});
  }
  std::string InputOf(const Split& split) const override {
    const Result<SplitName> name = ParseSplitId(split.id);
    return name.ok() ? name->topic : split.id;
  }
  bool Reads(const std::string& input) const override {
    if (options_.pattern) {
      const Result<bool> matches = MatchesPattern(*options_.pattern, input);
      if (!matches.ok() || *matches) return true;
    }
    const std::vector<std::string> named = Inputs();
    return std::find(named.begin(), named.end(), input) != named.end();
  }

  Result<std::unique_ptr<SplitFinder>> MakeFinder(const ConnectorContext&) const override {
    return std::unique_ptr<SplitFinder>(std::make_unique<Finder>(connection_, options_));
  }

  Result<std::unique_ptr<PositionTeller>> MakeTeller(
      const ConnectorContext& context) const override {
    std::string group = GroupOf(options_, context.job);
    if (group.empty()) return std::unique_ptr<PositionTeller>();
    return std::unique_ptr<PositionTeller>(
        std::make_unique<GroupTeller>(connection_, std::move(group)));
  }

  Result<std::unique_ptr<SourceReader>> MakeReader(const ConnectorContext& context,
                                                   const std::vector<int>& wanted,
                                                   bool origins) const override {
    std::vector<int> of_records;
    std::vector<int> of_kafka;
    for (const int column : wanted) {
      const auto index = static_cast<size_t>(column);
      if (index < visible_) {
        of_records.push_back(column);
      } else {
        of_kafka.push_back(static_cast<int>(index - visible_));
      }
    }
    auto decoder = WEIR_TRY(decoding_->MakeDecoder(context.Codec(), of_records));
    return std::unique_ptr<SourceReader>(std::make_unique<Reader>(
        context, connection_, options_,
        std::make_unique<RowBuilder>(std::move(decoder), std::move(of_kafka), origins,
                                     options_.tombstones)));
  }

 private:
  const ConnectionPtr connection_;
  const SourceOptions options_;
  const std::shared_ptr<const DecodingPlan> decoding_;
  const size_t visible_;
  SchemaPtr columns_;
};

class KafkaSink final : public SinkPlan {
 public:
  KafkaSink(std::string name, ConnectionPtr connection, SinkOptions options,
            std::shared_ptr<const EncodingPlan> encoding, SinkColumns columns)
      : name_(std::move(name)),
        connection_(std::move(connection)),
        options_(std::move(options)),
        encoding_(std::move(encoding)),
        columns_(columns) {}

  std::string Describe() const override {
    return fmt::format("kafka topic {} at {}, exactly once", options_.topic,
                       connection_->address());
  }
  bool HasMarkers() const override { return true; }
  std::string cluster() const override { return connection_->address(); }
  std::optional<LinkStatus> Link() const override { return connection_->Link(); }
  uint32_t MostConnections(uint32_t lanes, uint32_t brokers) const override {
    return SinkConnections(lanes, brokers);
  }
  uint32_t Examine(const ConnectorContext& context,
                   const ObservationListener& tell) const override {
    return ExamineSink(connection_, options_.topic, LanesName(context.job, name_), tell);
  }

  std::shared_ptr<const SourcePlan> Readback() const override {
    auto decoding = encoding_->Readback();
    if (decoding == nullptr) return nullptr;
    SourceOptions written;
    written.topic = options_.topic;
    written.stop.where = StopWhere::kLatest;
    return std::make_shared<KafkaSource>(connection_, std::move(written), std::move(decoding));
  }
  Result<std::unique_ptr<Redriver>> MakeRedriver(const ConnectorContext& context) const override {
    return std::unique_ptr<Redriver>(std::make_unique<TopicRedriver>(
        connection_, RedriveLane(context.job, name_), options_.topic));
  }

  Status Check(const ConnectorContext& context) const override {
    auto learned = WEIR_TRY(LearnSink(connection_, options_.topic));
    {
      std::lock_guard lock(mutex_);
      facts_ = learned;
    }
    return encoding_->Check(context.Codec());
  }

  Result<std::unique_ptr<SinkWriter>> MakeWriter(const ConnectorContext& context,
                                                 uint32_t) const override {
    const SinkFacts facts = WEIR_TRY(Facts());
    auto encoder = WEIR_TRY(encoding_->MakeEncoder(context.Codec()));
    return std::unique_ptr<SinkWriter>(std::make_unique<Writer>(
        context, std::move(encoder), columns_, options_.topic, facts.limits));
  }

  Result<std::unique_ptr<SinkPublisher>> MakePublisher(const ConnectorContext& context,
                                                       uint32_t lane) const override {
    const SinkFacts facts = WEIR_TRY(Facts());
    Transaction::Target target;
    target.connection = connection_;
    target.lane = LaneName(context.job, name_, lane);
    target.topic = options_.topic;
    target.compression = options_.compression;
    target.max_message_bytes = facts.limits.record_bytes;
    target.timeout_ms = facts.transaction_timeout_ms;
    return std::unique_ptr<SinkPublisher>(
        std::make_unique<Publisher>(context.instance, std::move(target)));
  }

 private:
  /// Asked once: tasks and lanes share what the plan knows.
  Result<SinkFacts> Facts() const {
    std::lock_guard lock(mutex_);
    if (!facts_) facts_ = WEIR_TRY(LearnSink(connection_, options_.topic));
    return *facts_;
  }

  const std::string name_;
  const ConnectionPtr connection_;
  const SinkOptions options_;
  const std::shared_ptr<const EncodingPlan> encoding_;
  const SinkColumns columns_;
  mutable std::mutex mutex_;
  mutable std::optional<SinkFacts> facts_;
};

/// What the source's Spec cannot say.
bool CheckSource(const NodeContext& node, const SourceOptions& options, Diagnostics& diagnostics) {
  const YamlNode& yaml = *node.options;
  const auto told = diagnostics.items().size();
  const auto fault = [&](std::string_view key, std::string message, std::string cure = {}) {
    diagnostics.Error(errors::kSourceOption, PlaceOf(yaml, key), std::move(message),
                      std::move(cure));
  };
  const int given = (options.topic ? 1 : 0) + (options.topics ? 1 : 0) + (options.pattern ? 1 : 0);
  if (given != 1) {
    fault("topic", "exactly one of 'topic', 'topics' and 'pattern' is needed");
  }
  std::vector<std::string> names = options.topics.value_or(std::vector<std::string>{});
  if (options.topic) names.push_back(*options.topic);
  std::set<std::string> seen;
  for (const std::string& name : names) {
    const std::string_view key = options.topic ? "topic" : "topics";
    if (!IsTopicName(name)) {
      fault(key, fmt::format("'{}' is no topic's name", name),
            "letters, digits, '.', '_' and '-' make one, 249 at most");
    }
    if (!seen.insert(name).second) fault(key, fmt::format("topic '{}' is there twice", name));
  }
  if (options.pattern) {
    if (const auto matches = MatchesPattern(*options.pattern, ""); !matches.ok()) {
      fault("pattern", matches.status().message());
    }
  }
  const StartOptions& start = options.start;
  if ((start.timestamp ? 1 : 0) + (start.offsets ? 1 : 0) + (start.group ? 1 : 0) > 1) {
    fault("start", "'start' is one of timestamp, offsets and group");
  }
  if (start.otherwise && !start.group) {
    fault("start", "'otherwise' is for partitions of which a group has committed no offset",
          "name the group: { group: NAME, otherwise: latest }");
  }
  if (options.start.offsets) {
    for (const auto& [name, offset] : *options.start.offsets) {
      if (offset < 0) fault("start", fmt::format("offset {} of '{}' is below 0", offset, name));
    }
  }
  if (options.stop.timestamp && options.stop.timestamp->time > node.now) {
    fault("stop", "the stop's timestamp lies in the future: a run ends where its input ends now",
          "start the job when that time has come");
  }
  return diagnostics.items().size() == told;
}

class KafkaConnectorImpl final : public Connector {
 public:
  std::string_view name() const override { return "kafka"; }
  std::string_view help() const override { return "Topics of Apache Kafka or Amazon MSK."; }
  const SpecBase* source_options() const override { return &SourceOptions::Describe(); }
  const SpecBase* sink_options() const override { return &SinkOptions::Describe(); }
  const SpecBase* connection_options() const override { return &ConnectionOptions::Describe(); }
  bool Examine(const YamlNode& options, const Examination& examination,
               Diagnostics& diagnostics) const override {
    if (const ConnectionPtr connection = MakeConnection(options, diagnostics)) {
      ExamineConnection(connection, examination);
    }
    return true;
  }
  std::vector<std::string> sink_expressions() const override {
    return {"key", "partition", "headers", "timestamp", "tombstone"};
  }

  std::shared_ptr<const SourcePlan> PlanSource(const NodeContext& node,
                                               Diagnostics& diagnostics) const override {
    SourceOptions options;
    bool good = SourceOptions::Describe().Read(*node.options, diagnostics, options) &&
                CheckSource(node, options, diagnostics);
    ConnectionPtr connection;
    if (!options.connection.empty()) {
      connection = ReadConnection(node, options.connection, diagnostics);
      good = connection != nullptr && good;
    }
    const ChosenFormat chosen = ChooseFormat(node.format, diagnostics);
    if (chosen.format == nullptr) return nullptr;
    FormatRequest request = node.RequestTo(chosen);
    request.topic = options.topic.value_or("");
    auto decoding = chosen.format->PlanDecoding(request, diagnostics);
    if (!good || !decoding) return nullptr;
    return std::make_shared<KafkaSource>(std::move(connection), std::move(options),
                                         std::move(decoding));
  }

  std::shared_ptr<const SinkPlan> PlanSink(const NodeContext& node,
                                           Diagnostics& diagnostics) const override {
    SinkOptions options;
    bool good = SinkOptions::Describe().Read(*node.options, diagnostics, options);
    ConnectionPtr connection;
    if (!options.connection.empty()) {
      connection = ReadConnection(node, options.connection, diagnostics);
      good = connection != nullptr && good;
    }
    const ChosenFormat chosen = ChooseFormat(node.format, diagnostics);
    if (chosen.format == nullptr || !good) return nullptr;
    FormatRequest request = node.RequestTo(chosen);
    request.topic = options.topic;
    auto encoding = chosen.format->PlanEncoding(request, *node.input, diagnostics);
    if (!encoding) return nullptr;
    SinkColumns columns;
    const std::pair<std::string_view, int*> computed[] = {{"key", &columns.key},
                                                          {"partition", &columns.partition},
                                                          {"headers", &columns.headers},
                                                          {"timestamp", &columns.timestamp},
                                                          {"tombstone", &columns.tombstone}};
    for (const auto& [option, column] : computed) {
      const auto it = node.computed.find(std::string(option));
      if (it != node.computed.end()) *column = it->second;
    }
    const Schema& written = node.computed_schema ? *node.computed_schema : *node.input;
    if (const Status status = CheckSinkColumns(written, columns); !status.ok()) {
      diagnostics.Error(status.code(), node.options->place(), status.message(), status.cure());
      return nullptr;
    }
    return std::make_shared<KafkaSink>(node.name, std::move(connection), std::move(options),
                                       std::move(encoding), columns);
  }
};

}  // namespace
}  // namespace kafka

const Connector& KafkaConnector() {
  static const kafka::KafkaConnectorImpl connector;
  return connector;
}

}  // namespace weir
