#include "connectors/connector.h"

#include <fmt/format.h>

#include "connectors/errors.h"

namespace weir {

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

Result<std::string> SealedPart::ReadAll() const {
  if (!spool) return bytes;
  std::string all(spool->size(), '\0');
  all.resize(WEIR_TRY(spool->Read(0, all)));
  return all;
}

const Connector* FindConnector(std::string_view name) {
  for (const Connector* connector : AllConnectors()) {
    if (connector->name() == name) return connector;
  }
  return nullptr;
}

}  // namespace weir
