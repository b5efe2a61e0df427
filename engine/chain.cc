#include "engine/chain.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "engine/errors.h"

namespace weir {

/// A node of the chain as it runs.
struct Chain::Link {
  const NodePlan* plan = nullptr;
  std::unique_ptr<Operator> work;
  std::unique_ptr<SinkWriter> writer;
  RowCounts counts;
  int64_t sealed = 0;  ///< Sinks: rows in sealed parts since the last ack.
  RejectedByCode rejected;

  std::vector<Watermark> inputs;
  Watermark merged;
  Watermark passed_on;

  struct Consumer {
    size_t link = 0;
    size_t input = 0;
  };
  std::vector<Consumer> consumers;
  std::vector<ExchangeSender*> senders;
  Link* dead_letter = nullptr;
};

/// Takes what a node's operator gives.
class Chain::NodeOutput final : public Output {
 public:
  NodeOutput(Chain& chain, Link& link) : chain_(chain), link_(link) {}
  Status Emit(BatchPtr batch) override {
    if (batch->rows() == 0) return Status::Ok();
    return chain_.Forward(link_, batch);
  }
  Status Reject(const Batch& batch, std::vector<Rejection> rejections) override {
    return chain_.RejectRows(link_, batch, rejections);
  }

 private:
  Chain& chain_;
  Link& link_;
};

namespace {

constexpr size_t kExampleBytes = 300;

/// Of rejected records as of rejected rows.
template <typename Rejections>
void CountRejected(const Rejections& rejections, RejectedByCode& counted) {
  for (const auto& rejection : rejections) {
    Rejected& one = counted[std::string(rejection.code->id)];
    if (one.count++ == 0) one.example = rejection.reason.substr(0, kExampleBytes);
  }
}

/// Weight of a batch: rows, or the sum of its weight column for partial aggregates.
int64_t WeightOf(const NodePlan& plan, const Batch& batch) {
  if (!plan.weighted_input) return static_cast<int64_t>(batch.rows());
  const int column = batch.schema()->Find(kWeightColumn);
  WEIR_CHECK(column >= 0, "partial aggregates without their weight");
  int64_t sum = 0;
  for (int64_t weight : batch.column(static_cast<size_t>(column)).values<int64_t>()) sum += weight;
  return sum;
}

}  // namespace

Chain::Chain(const JobPlan& plan, const FragmentPlan& fragment, OperatorContext& context,
             const DeadLetters& letters, std::vector<std::unique_ptr<SinkWriter>> writers,
             std::vector<std::unique_ptr<ExchangeSender>> senders,
             const std::vector<std::pair<const ExchangePlan*, uint32_t>>& upstream, uint32_t task)
    : plan_(plan),
      fragment_(fragment),
      context_(context),
      letters_(letters),
      senders_(std::move(senders)) {
  size_t next_writer = 0;
  for (int node : fragment.nodes) {
    auto link = std::make_unique<Link>();
    link->plan = &plan.nodes[static_cast<size_t>(node)];
    if (link->plan->role == NodePlan::Role::kOperator) link->work = link->plan->op->make(context_);
    if (link->plan->role == NodePlan::Role::kSink) {
      link->writer = std::move(writers.at(next_writer++));
    }
    if (link->plan->role == NodePlan::Role::kSource) link->inputs.resize(1);
    links_.push_back(std::move(link));
  }
  for (size_t i = 0; i < links_.size(); i++) {
    Link& link = *links_[i];
    if (link.plan->on_error.action == ErrorPolicy::Action::kDeadLetter) {
      link.dead_letter = links_[Local(link.plan->on_error.dead_letter)].get();
    }
    if (link.plan->is_dead_letter) continue;
    for (int input : link.plan->inputs) {
      const NodePlan& from = plan.nodes[static_cast<size_t>(input)];
      const bool exchanged =
          std::any_of(plan.exchanges.begin(), plan.exchanges.end(), [&](const ExchangePlan& e) {
            return e.from == input && &plan.nodes[static_cast<size_t>(e.to)] == link.plan;
          });
      if (exchanged) continue;
      WEIR_CHECK(from.fragment == link.plan->fragment);
      links_[Local(input)]->consumers.push_back({i, link.inputs.size()});
      link.inputs.emplace_back();
    }
  }
  for (const auto& sender : senders_) {
    links_[Local(sender->plan().from)]->senders.push_back(sender.get());
  }
  for (const auto& [exchange, tasks] : upstream) {
    const size_t to = Local(exchange->to);
    for (uint32_t from_task = 0; from_task < tasks; from_task++) {
      inlets_.push_back({to, links_[to]->inputs.size(),
                         fmt::format("{} {}-{}", exchange->name, from_task, task)});
      links_[to]->inputs.emplace_back();
    }
  }
  received_.resize(inlets_.size());
}

Chain::~Chain() = default;

size_t Chain::Local(int node) const {
  const auto it = std::find(fragment_.nodes.begin(), fragment_.nodes.end(), node);
  WEIR_CHECK(it != fragment_.nodes.end(), "a node of another fragment");
  return static_cast<size_t>(it - fragment_.nodes.begin());
}

EvalContext Chain::Now() const { return {context_.clock.Now()}; }

Status Chain::OnRows(size_t inlet, const BatchPtr& batch) {
  received_[inlet] += static_cast<int64_t>(batch->rows());
  return Deliver(inlets_[inlet].node, batch);
}

Status Chain::OnWatermark(size_t inlet, const Watermark& watermark) {
  return Advance(inlets_[inlet].node, inlets_[inlet].input, watermark);
}

Status Chain::OnSourceRows(const SourceRows& rows) {
  Link& source = *links_.front();
  source.counts.in += rows.records;
  if (!rows.bad_records.empty()) {
    source.counts.rejected += static_cast<int64_t>(rows.bad_records.size());
    CountRejected(rows.bad_records, source.rejected);
    const RejectedRecord& first = rows.bad_records.front();
    switch (source.plan->on_error.action) {
      case ErrorPolicy::Action::kFail: {
        std::string where = first.topic;
        if (first.partition) where += fmt::format("/{}", *first.partition);
        if (first.offset) where += fmt::format("/{}", *first.offset);
        return Status(
            *first.code,
            fmt::format("source '{}', record {}: {}", source.plan->user_name, where, first.reason),
            "mend the record's producer, or say 'on_error: skip' or a dead_letter");
      }
      case ErrorPolicy::Action::kSkip:
        break;
      case ErrorPolicy::Action::kDeadLetter:
        WEIR_TRY(
            ToDeadLetters(source, letters_.of_records(source.plan->user_name, rows.bad_records)));
    }
  }
  if (!rows.bad_rows.empty()) WEIR_TRY(RejectRows(source, *rows.polled, rows.bad_rows));
  if (!rows.batch || rows.batch->rows() == 0) return Status::Ok();
  source.counts.passed += static_cast<int64_t>(rows.batch->rows());
  return Forward(source, rows.batch);
}

Status Chain::OnSourceWatermark(const Watermark& watermark) { return Advance(0, 0, watermark); }

Status Chain::Deliver(size_t index, const BatchPtr& batch) {
  Link& link = *links_[index];
  if (link.writer) return DeliverToSink(link, batch);
  link.counts.in += WeightOf(*link.plan, *batch);
  NodeOutput out(*this, link);
  return link.work->OnBatch(batch, out);
}

Status Chain::DeliverToSink(Link& link, const BatchPtr& batch) {
  link.counts.in += static_cast<int64_t>(batch->rows());
  BatchPtr written = batch;
  std::vector<Rejection> rejected;
  if (!link.plan->computed.empty()) {
    std::vector<ColumnPtr> columns = batch->columns();
    std::vector<Field> fields = batch->schema()->fields();
    std::vector<RowError> errors;
    for (const ExpressionPtr& expression : link.plan->computed) {
      columns.push_back(expression->Evaluate(*batch, Now(), errors));
      fields.push_back({fmt::format("${}", fields.size()), expression->type()});
    }
    written =
        batch->WithColumns(std::make_shared<const Schema>(std::move(fields)), std::move(columns));
    if (!errors.empty()) {
      std::sort(errors.begin(), errors.end(),
                [](const RowError& a, const RowError& b) { return a.row < b.row; });
      std::vector<uint32_t> good;
      size_t next = 0;
      for (uint32_t row = 0; row < batch->rows(); row++) {
        if (next == errors.size() || errors[next].row != row) {
          good.push_back(row);
          continue;
        }
        rejected.push_back({row, &errors::kBadRow, errors[next].reason});
        while (next < errors.size() && errors[next].row == row) next++;
      }
      WEIR_TRY(RejectRows(link, *batch, rejected));
      rejected.clear();
      written = written->Take(good);
    }
  }
  WEIR_TRY(link.writer->Write(*written, rejected));
  const auto passed = static_cast<int64_t>(written->rows()) - static_cast<int64_t>(rejected.size());
  link.counts.passed += passed;
  link.counts.out += passed;
  if (!link.plan->is_dead_letter) rows_out_ += passed;
  if (rejected.empty()) return Status::Ok();
  return RejectRows(link, *written, rejected);
}

Status Chain::Forward(Link& link, const BatchPtr& batch) {
  link.counts.out += static_cast<int64_t>(batch->rows());
  for (const Link::Consumer& consumer : link.consumers) {
    WEIR_TRY(Deliver(consumer.link, batch));
  }
  for (ExchangeSender* sender : link.senders) {
    if (!sender->Send(batch, Now())) {
      cut_off_ = true;
      return Status::Ok();
    }
  }
  return Status::Ok();
}

Status Chain::Advance(size_t index, size_t input, const Watermark& watermark) {
  Link& link = *links_[index];
  link.inputs[input] = watermark;
  Watermark merged = Merge(link.inputs);
  merged.time = std::max(merged.time, link.merged.time);
  if (merged == link.merged) return Status::Ok();
  const bool risen = merged.time > link.merged.time;
  link.merged = merged;
  if (link.writer) return Status::Ok();
  Watermark next = merged;
  if (link.work) {
    // Also before a channel that becomes idle: the receiver's time may pass what is held back here.
    NodeOutput out(*this, link);
    WEIR_TRY(link.work->Flush(out));
    next.time = risen ? WEIR_TRY(link.work->OnWatermark(merged.time, out)) : link.passed_on.time;
  }
  next.time = std::max(next.time, link.passed_on.time);
  return PassOn(link, next);
}

Status Chain::PassOn(Link& link, const Watermark& watermark) {
  if (watermark == link.passed_on) return Status::Ok();
  link.passed_on = watermark;
  for (const Link::Consumer& consumer : link.consumers) {
    WEIR_TRY(Advance(consumer.link, consumer.input, watermark));
  }
  for (ExchangeSender* sender : link.senders) {
    if (!sender->Send(watermark)) cut_off_ = true;
  }
  return Status::Ok();
}

Status Chain::RejectRows(Link& link, const Batch& batch, const std::vector<Rejection>& rejections) {
  if (rejections.empty()) return Status::Ok();
  link.counts.rejected += static_cast<int64_t>(rejections.size());
  CountRejected(rejections, link.rejected);
  switch (link.plan->on_error.action) {
    case ErrorPolicy::Action::kFail:
      return Status(
          *rejections.front().code,
          fmt::format("'{}' can't take a row: {}", link.plan->user_name, rejections.front().reason),
          "mend the expression or the data, or say 'on_error: skip' or a dead_letter");
    case ErrorPolicy::Action::kSkip:
      return Status::Ok();
    case ErrorPolicy::Action::kDeadLetter:
      return ToDeadLetters(link, letters_.of_rows(link.plan->user_name, batch, rejections));
  }
  return Status::Ok();
}

Status Chain::ToDeadLetters(Link& link, BatchPtr letters) {
  WEIR_CHECK(link.dead_letter &&
             link.dead_letter->plan->on_error.action == ErrorPolicy::Action::kFail);
  return DeliverToSink(*link.dead_letter, letters);
}

Status Chain::Flush() {
  for (auto& link : links_) {
    if (!link->work) continue;
    NodeOutput out(*this, *link);
    WEIR_TRY(link->work->Flush(out));
  }
  return Status::Ok();
}

Status Chain::FlushWhereWanted() {
  for (auto& link : links_) {
    if (!link->work || !link->work->FlushWanted()) continue;
    NodeOutput out(*this, *link);
    WEIR_TRY(link->work->Flush(out));
  }
  return Status::Ok();
}

Status Chain::Seal(const Barrier& barrier) {
  for (auto& link : links_) {
    if (!link->writer) continue;
    SealedPart part = WEIR_TRY(link->writer->Seal(barrier.id.epoch, barrier.last));
    link->sealed += part.rows;
    if (!part.empty()) sealed_.emplace_back(link->plan->user_name, std::move(part));
  }
  return Status::Ok();
}

Status Chain::SendBarrier(const Barrier& barrier) {
  for (const auto& sender : senders_) {
    if (!sender->Send(barrier)) cut_off_ = true;
  }
  return Status::Ok();
}

void Chain::TakeCounts(TaskAck& ack) {
  for (auto& link : links_) {
    NodeTally& tally = ack.tallies[link->plan->name];
    if (link->work) link->counts += link->work->TakeCounts();
    tally.counts += std::exchange(link->counts, {});
    tally.held_after = link->work ? link->work->Held() : 0;
    tally.sealed += std::exchange(link->sealed, 0);
    AddRejected(std::exchange(link->rejected, {}), tally.rejected);
  }
  for (size_t i = 0; i < inlets_.size(); i++) {
    ack.channels[inlets_[i].channel].received += std::exchange(received_[i], 0);
  }
  for (const auto& sender : senders_) sender->TakeCounts(ack.channels);
}

Duration Chain::waited() const {
  Duration sum;
  for (const auto& sender : senders_) sum.us += sender->waited().us;
  return sum;
}

size_t Chain::PendingBytes() const {
  size_t sum = 0;
  for (const auto& link : links_) {
    if (link->writer) sum += link->writer->PendingBytes();
  }
  return sum;
}

}  // namespace weir
