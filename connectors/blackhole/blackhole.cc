#include "connectors/blackhole/blackhole.h"

namespace weir {
namespace {

struct BlackholeSpec {
  static const Spec<BlackholeSpec>& Describe() {
    static const Spec<BlackholeSpec> spec(
        "blackhole", "Counts rows and drops them: for measuring what comes before.", {},
        "blackhole: {}");
    return spec;
  }
};

class BlackholeWriter final : public SinkWriter {
 public:
  Status Write(const Batch& batch, std::vector<Rejection>&) override {
    rows_ += static_cast<int64_t>(batch.rows());
    return Status::Ok();
  }
  Result<SealedPart> Seal(Epoch, bool) override {
    SealedPart part;
    part.rows = rows_;
    rows_ = 0;
    return part;
  }

 private:
  int64_t rows_ = 0;
};

class BlackholePlan final : public SinkPlan {
 public:
  std::string Describe() const override { return "blackhole"; }
  Status Check(const ConnectorContext&) const override { return Status::Ok(); }
  Result<std::unique_ptr<SinkWriter>> MakeWriter(const ConnectorContext&, uint32_t) const override {
    return std::unique_ptr<SinkWriter>(std::make_unique<BlackholeWriter>());
  }
  bool Publishes() const override { return false; }
};

class BlackholeConnectorImpl final : public Connector {
 public:
  std::string_view name() const override { return "blackhole"; }
  std::string_view help() const override { return BlackholeSpec::Describe().help(); }
  const SpecBase* sink_options() const override { return &BlackholeSpec::Describe(); }
  std::shared_ptr<const SinkPlan> PlanSink(const NodeContext& node,
                                           Diagnostics& diagnostics) const override {
    if (!BlackholeSpec::Describe().Check(*node.options, diagnostics)) return nullptr;
    return std::make_shared<BlackholePlan>();
  }
};

}  // namespace

const Connector& BlackholeConnector() {
  static const BlackholeConnectorImpl connector;
  return connector;
}

}  // namespace weir
