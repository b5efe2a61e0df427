#include "engine/chain.h"

#include "engine/mailbox.h"
#include "state/checkpoint_store.h"
#include "state/task_state.h"
#include "state/testing.h"
#include "tests/catch.h"

namespace weir {
namespace {

using testing::Check;
using testing::TemporaryFolder;

constexpr size_t kRoom = 1 << 20;

/// Keeps batches back until it is flushed.
class HoldsBack final : public Operator {
 public:
  Status OnBatch(const BatchPtr& batch, Output&) override {
    held_.push_back(batch);
    return Status::Ok();
  }
  Status Flush(Output& out) override {
    for (BatchPtr& batch : std::exchange(held_, {})) WEIR_TRY(out.Emit(std::move(batch)));
    return Status::Ok();
  }

 private:
  std::vector<BatchPtr> held_;
};

/// A source, an operator that holds rows back, and an exchange to a task of another fragment.
JobPlan PlanThatHoldsBack() {
  JobPlan plan;
  plan.nodes.resize(3);
  plan.nodes[0].role = NodePlan::Role::kSource;
  plan.nodes[0].fragment = 0;
  auto op = std::make_shared<OperatorPlan>();
  op->make = [](OperatorContext&) { return std::make_unique<HoldsBack>(); };
  plan.nodes[1].op = op;
  plan.nodes[1].inputs = {0};
  plan.nodes[1].fragment = 0;
  plan.nodes[2].inputs = {1};
  plan.nodes[2].fragment = 1;
  ExchangePlan& exchange = plan.exchanges.emplace_back();
  exchange.from = 1;
  exchange.to = 2;
  plan.fragments.emplace_back().nodes = {0, 1};
  return plan;
}

TEST_CASE("what is held back leaves before a channel rises, becomes idle or wakes") {
  const TemporaryFolder folder;
  auto store = Check(CheckpointStore::Open(folder / "store", "j"));
  TaskStateOptions options;
  options.directory = folder / "state";
  options.store = store.get();
  auto state = Check(TaskState::Open(options, {}));
  const ManualClock clock;
  OperatorContext context{*state, clock};
  const JobPlan plan = PlanThatHoldsBack();
  const DeadLetters letters;
  Mailbox receiver(1, kRoom);
  std::vector<std::unique_ptr<ExchangeSender>> senders;
  ExchangeSender::Targets targets;
  targets.push_back(std::make_unique<MailboxSender>(receiver, 0));
  senders.push_back(std::make_unique<ExchangeSender>(
      plan.exchanges[0], 0, std::move(targets), std::vector<std::string>{"held -> taken 0-0"}));
  Chain chain(plan, plan.fragments[0], context, letters, {}, std::move(senders), {}, 0);

  const auto rows =
      std::make_shared<const Batch>(std::make_shared<const Schema>(), 1, std::vector<ColumnPtr>{});
  Chain::SourceRows polled;
  polled.records = 1;
  polled.batch = rows;
  for (const Watermark& next : {Watermark{{10}, false}, Watermark{{10}, true},
                                Watermark{{10}, false}, Watermark{{20}, true}}) {
    Check(chain.OnSourceRows(polled));
    CHECK_FALSE(receiver.Pop(Duration()));
    Check(chain.OnSourceWatermark(next));
    const auto first = receiver.Pop(Duration());
    REQUIRE(first);
    CHECK(std::holds_alternative<Rows>(first->element));
    const auto second = receiver.Pop(Duration());
    REQUIRE(second);
    REQUIRE(std::holds_alternative<Watermark>(second->element));
    CHECK(std::get<Watermark>(second->element) == next);
  }
}

}  // namespace
}  // namespace weir
