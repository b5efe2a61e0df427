#include "connectors/files/files.h"

#include "connectors/files/sink.h"
#include "connectors/files/source.h"

namespace weir {
namespace {

class FilesConnectorImpl final : public Connector {
 public:
  std::string_view name() const override { return "files"; }
  std::string_view help() const override {
    return "Reads and writes files of a folder or a bucket.";
  }
  const SpecBase* source_options() const override { return &FileSourceSpec::Describe(); }
  const SpecBase* sink_options() const override { return &FileSinkSpec::Describe(); }
  const SpecBase* connection_options() const override { return &S3Connection::Describe(); }
  std::string_view connection_kind() const override { return "s3"; }
  std::shared_ptr<const SourcePlan> PlanSource(const NodeContext& node,
                                               Diagnostics& diagnostics) const override {
    return PlanFileSource(node, diagnostics);
  }
  std::shared_ptr<const SinkPlan> PlanSink(const NodeContext& node,
                                           Diagnostics& diagnostics) const override {
    return PlanFileSink(node, diagnostics);
  }
};

}  // namespace

const Connector& FilesConnector() {
  static const FilesConnectorImpl connector;
  return connector;
}

}  // namespace weir
