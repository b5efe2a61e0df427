#include "connectors/connector.h"

#include <fmt/format.h>

#include "connectors/errors.h"
#include "state/checkpoint_store.h"

namespace weir {
namespace {

/// Beside the checkpoints of the job.
class StoreShelf final : public SchemaShelf {
 public:
  explicit StoreShelf(CheckpointStore& store) : store_(store) {}
  Result<std::optional<std::string>> Find(const std::string& name) override {
    return store_.ReadSchema(name);
  }
  Status Keep(const std::string& name, const std::string& text) override {
    return store_.KeepSchema(name, text);
  }

 private:
  CheckpointStore& store_;
};

}  // namespace

std::shared_ptr<const SourcePlan> Connector::PlanSource(const NodeContext& node,
                                                        Diagnostics& diagnostics) const {
  diagnostics.Error(errors::kConnectorOption, node.options->place(),
                    fmt::format("'{}' can be a sink only", name()));
  return nullptr;
}

std::shared_ptr<const SinkPlan> Connector::PlanSink(const NodeContext& node,
                                                    Diagnostics& diagnostics) const {
  diagnostics.Error(errors::kConnectorOption, node.options->place(),
                    fmt::format("'{}' can be a source only", name()));
  return nullptr;
}

FormatRequest NodeContext::RequestTo(const ChosenFormat& chosen) const {
  FormatRequest request;
  request.node = name;
  request.options = chosen.options;
  request.place = (format != nullptr ? *format : *options).place();
  request.columns = columns;
  request.connection = connection;
  request.learned = learned;
  return request;
}

CodecContext ConnectorContext::Codec() const {
  CodecContext codec;
  if (store != nullptr) codec.shelf = std::make_shared<StoreShelf>(*store);
  return codec;
}

Result<std::string> SealedPart::ReadAll() const {
  if (!spool) return bytes;
  std::string all(spool->size(), '\0');
  all.resize(WEIR_TRY(spool->Read(0, all)));
  return all;
}

Result<std::string> SealedPart::Read(uint64_t offset, uint64_t length) const {
  std::string read;
  if (!spool) {
    read = bytes.substr(std::min<uint64_t>(offset, bytes.size()), length);
  } else {
    read.resize(length);
    read.resize(WEIR_TRY(spool->Read(offset, read)));
  }
  if (read.size() == length) return read;
  return Status(errors::kDamagedPosition,
                "what a checkpoint holds for a sink ends too early, at byte " +
                    std::to_string(offset + read.size()),
                "see weir checkpoint verify");
}

const Connector* FindConnector(std::string_view name) {
  for (const Connector* connector : AllConnectors()) {
    if (connector->name() == name) return connector;
  }
  return nullptr;
}

}  // namespace weir
