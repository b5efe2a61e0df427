#include "connectors/opensearch/opensearch.h"

#include <fmt/format.h>

#include "config/yaml_origin.h"
#include "connectors/opensearch/doctor.h"
#include "connectors/opensearch/errors.h"
#include "connectors/opensearch/index.h"
#include "connectors/opensearch/options.h"
#include "connectors/opensearch/publisher.h"
#include "connectors/opensearch/writer.h"
#include "formats/json.h"

namespace weir {
namespace opensearch {
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

class OpenSearchSink final : public SinkPlan {
 public:
  OpenSearchSink(ConnectionPtr connection, SinkOptions options, Schema documents,
                 SinkColumns columns)
      : connection_(std::move(connection)),
        options_(std::move(options)),
        documents_(std::move(documents)),
        columns_(columns) {}

  std::string Describe() const override {
    return fmt::format("opensearch index {} at {}, exactly once by {}", options_.index,
                       connection_->address(), columns_.id >= 0 ? "id" : "ids of weir's own");
  }
  std::string cluster() const override { return connection_->address(); }

  Status Check(const ConnectorContext&) const override {
    return PrepareIndex(*connection_, options_.index, documents_, options_.mapping);
  }

  Result<std::unique_ptr<SinkWriter>> MakeWriter(const ConnectorContext& context,
                                                 uint32_t) const override {
    return std::unique_ptr<SinkWriter>(std::make_unique<Writer>(
        context,
        MakeJsonEncoder(documents_, {TimestampStyle::kIso8601, JsonOptions::Nulls::kWrite}),
        columns_));
  }

  Result<std::unique_ptr<SinkPublisher>> MakePublisher(const ConnectorContext& context,
                                                       uint32_t) const override {
    return std::unique_ptr<SinkPublisher>(
        std::make_unique<Publisher>(connection_, options_.index, context.job_started));
  }

 private:
  const ConnectionPtr connection_;
  const SinkOptions options_;
  const Schema documents_;
  const SinkColumns columns_;
};

/// What the sink's Spec cannot say.
bool CheckSink(const NodeContext& node, const SinkOptions& options, Diagnostics& diagnostics) {
  bool good = true;
  const auto fault = [&](std::string_view key, std::string message, std::string cure) {
    good = false;
    diagnostics.Error(errors::kSearchOption, PlaceOf(*node.options, key), std::move(message),
                      std::move(cure));
  };
  if (node.format != nullptr) {
    good = false;
    diagnostics.Error(errors::kSearchOption, node.format->place(),
                      "documents are JSON: an opensearch sink has no format", "leave it out");
  }
  for (const auto& [column, type] : options.mapping) {
    if (node.input->Find(column) < 0) {
      fault("mapping", fmt::format("there is no column '{}' to be mapped", column),
            "name one of the rows' columns");
    }
    if (type.empty())
      fault("mapping", fmt::format("'{}' has no type", column), "such as geo_point");
  }
  return good;
}

class OpenSearchConnectorImpl final : public Connector {
 public:
  std::string_view name() const override { return "opensearch"; }
  std::string_view help() const override {
    return "Documents in an OpenSearch or Elasticsearch index.";
  }
  const SpecBase* sink_options() const override { return &SinkOptions::Describe(); }
  const SpecBase* connection_options() const override { return &ConnectionOptions::Describe(); }
  bool Examine(const YamlNode& options, const Examination& examination,
               Diagnostics& diagnostics) const override {
    if (const ConnectionPtr connection = MakeConnection(options, diagnostics)) {
      ExamineServer(*connection, examination);
    }
    return true;
  }
  std::vector<std::string> sink_expressions() const override { return {"id", "tombstone"}; }

  std::shared_ptr<const SinkPlan> PlanSink(const NodeContext& node,
                                           Diagnostics& diagnostics) const override {
    SinkOptions options;
    bool good = SinkOptions::Describe().Read(*node.options, diagnostics, options) &&
                CheckSink(node, options, diagnostics);
    ConnectionPtr connection;
    if (!options.connection.empty()) {
      const ConnectionSpec* found =
          node.connection(options.connection, {"opensearch"}, PlaceOf(*node.options, "connection"));
      if (found != nullptr) connection = MakeConnection(found->options, diagnostics);
      good = connection != nullptr && good;
    }
    if (!good) return nullptr;
    SinkColumns columns;
    if (const auto id = node.computed.find("id"); id != node.computed.end()) {
      columns.id = id->second;
    }
    if (const auto at = node.computed.find("tombstone"); at != node.computed.end()) {
      columns.tombstone = at->second;
    }
    const Schema& written = node.computed_schema ? *node.computed_schema : *node.input;
    if (const Status status = CheckSinkColumns(written, columns); !status.ok()) {
      diagnostics.Error(status.code(), node.options->place(), status.message(), status.cure());
      return nullptr;
    }
    return std::make_shared<OpenSearchSink>(std::move(connection), std::move(options), *node.input,
                                            columns);
  }
};

}  // namespace
}  // namespace opensearch

const Connector& OpenSearchConnector() {
  static const opensearch::OpenSearchConnectorImpl connector;
  return connector;
}

}  // namespace weir
