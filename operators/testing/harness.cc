#include "operators/testing/harness.h"

#include <fmt/format.h>

#include "config/values.h"

namespace weir::testing {
namespace {

std::vector<std::string> Split(const std::string& text, const std::string& by) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(by, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + by.size();
  }
  return parts;
}

int64_t ParseMicros(const std::string& text) {
  if (text == "0s") return 0;
  const bool negative = text.starts_with('-');
  const Result<Duration> duration = ParseDuration(negative ? text.substr(1) : text);
  WEIR_CHECK(duration.ok(), text);
  return negative ? -duration->us : duration->us;
}

std::vector<Field> ParseColumns(const std::string& text) {
  std::vector<Field> fields;
  if (text.empty()) return fields;
  for (const std::string& column : Split(text, ", ")) {
    const size_t space = column.find(' ');
    const Result<Type> type = Type::Parse(column.substr(space + 1));
    WEIR_CHECK(type.ok(), column);
    fields.push_back({column.substr(0, space), *type});
  }
  return fields;
}

void AppendValue(ColumnBuilder& column, const std::string& text) {
  if (text == "null") return column.AppendNull();
  switch (column.type().kind()) {
    case TypeKind::kBool:
      return column.AppendBool(text == "true");
    case TypeKind::kInt32:
      return column.Append(static_cast<int32_t>(std::stol(text)));
    case TypeKind::kInt64:
      return column.Append(static_cast<int64_t>(std::stoll(text)));
    case TypeKind::kDouble:
      return column.Append(std::stod(text));
    case TypeKind::kTimestamp:
      return column.Append(ParseMicros(text));
    case TypeKind::kList:
      if (text != "[]") {
        for (const std::string& item : Split(text.substr(1, text.size() - 2), ",")) {
          AppendValue(column.child(0), item);
        }
      }
      return column.AppendNested();
    default:
      WEIR_CHECK(column.type().IsText(), column.type().ToString());
      return column.AppendText(text);
  }
}

std::string ShowMicros(int64_t us) {
  if (us == 0) return "0s";
  if (us % 1000 == 0) return (us < 0 ? "-" : "") + ToText(Duration{us < 0 ? -us : us});
  return fmt::format("{}us", us);
}

std::string ShowValue(const Column& column, size_t i) {
  if (column.IsNull(i)) return "null";
  switch (column.type().kind()) {
    case TypeKind::kBool:
      return column.values<uint8_t>()[i] != 0 ? "true" : "false";
    case TypeKind::kInt32:
      return std::to_string(column.values<int32_t>()[i]);
    case TypeKind::kInt64:
      return std::to_string(column.values<int64_t>()[i]);
    case TypeKind::kDouble:
      return fmt::format("{}", column.values<double>()[i]);
    case TypeKind::kTimestamp:
      return ShowMicros(column.values<int64_t>()[i]);
    case TypeKind::kList: {
      std::string text = "[";
      for (uint32_t k = column.offsets()[i]; k < column.offsets()[i + 1]; k++) {
        if (text.size() > 1) text += ',';
        text += ShowValue(*column.child(0), k);
      }
      return text + "]";
    }
    default:
      WEIR_CHECK(column.type().IsText(), column.type().ToString());
      return std::string(column.text(i));
  }
}

}  // namespace

/// One operator as it runs, with its part of the ledger.
struct OperatorHarness::Link {
  Link(OperatorPlanPtr plan_in, bool weighted_in)
      : plan(std::move(plan_in)), weighted(weighted_in) {}
  const OperatorPlanPtr plan;
  const bool weighted;  ///< Takes partial aggregates.
  std::unique_ptr<Operator> work;
  RowCounts counts;
  int64_t held_before = 0;
};

class OperatorHarness::LinkOutput final : public Output {
 public:
  LinkOutput(OperatorHarness& harness, size_t link) : harness_(harness), link_(link) {}
  Status Emit(BatchPtr batch) override {
    Link& link = *harness_.links_[link_];
    WEIR_CHECK(*batch->schema() == *link.plan->output);
    link.counts.out += static_cast<int64_t>(batch->rows());
    return harness_.Deliver(link_ + 1, batch);
  }
  Status Reject(const Batch& batch, std::vector<Rejection> rejections) override {
    harness_.links_[link_]->counts.rejected += static_cast<int64_t>(rejections.size());
    for (const Rejection& rejection : rejections) {
      WEIR_CHECK(rejection.record < batch.rows());
      if (!harness_.output_.empty()) harness_.output_ += ", ";
      harness_.output_ += "! " + rejection.reason;
    }
    return Status::Ok();
  }

 private:
  OperatorHarness& harness_;
  const size_t link_;
};

OperatorHarness::OperatorHarness(const std::string& step_yaml, const HarnessInput& input,
                                 bool partials, const Programs* programs)
    : input_(input),
      partials_(partials),
      programs_(programs),
      state_(std::make_unique<MapState>()) {
  Diagnostics diagnostics;
  const YamlNode step = ReadYaml("step.yaml", step_yaml, {}, diagnostics);
  StepInput step_input;
  step_input.step = "step";
  step_input.owner = "input";
  step_input.schema = std::make_shared<const Schema>(ParseColumns(input.columns));
  step_input.hidden = ParseColumns(input.hidden);
  step_input.has_event_time = input.has_event_time;
  step_input.bounded = input.bounded;
  plan_ = PlanStep(step, step_input, diagnostics);
  faults_ = diagnostics.Render();
  WEIR_CHECK(plan_.has_value() == !diagnostics.has_errors());
  if (!plan_) return;
  for (const OperatorPlanPtr& plan : plan_->operators) {
    const bool partial = plan->partial && partials_;
    if (partial) links_.push_back(std::make_unique<Link>(plan->partial, false));
    links_.push_back(std::make_unique<Link>(plan, partial));
  }
  MakeOperators();
}

OperatorHarness::~OperatorHarness() = default;

void OperatorHarness::MakeOperators() {
  OperatorContext context{*state_, clock_, programs_};
  for (auto& link : links_) {
    CheckLedger();
    link->counts = {};
    link->work = link->plan->make(context);
    link->held_before = link->work->Held();
  }
}

BatchPtr OperatorHarness::ReadRows(const std::string& rows) const {
  BatchBuilder builder(plan_->input);
  auto times = std::make_shared<std::vector<EventTime>>();
  auto origins = std::make_shared<std::vector<Origin>>();
  for (const std::string& row : Split(rows, "  ")) {
    const std::vector<std::string> values = Split(row, " ");
    const size_t columns = plan_->input->size();
    WEIR_CHECK(values.size() == columns + (input_.has_event_time ? 1 : 0), row);
    for (size_t i = 0; i < columns; i++) AppendValue(builder.column(i), values[i]);
    if (input_.has_event_time) times->push_back({ParseMicros(values.back())});
    origins->push_back({0, static_cast<int64_t>(origins->size())});
  }
  return builder.Finish(input_.has_event_time ? times : nullptr, origins);
}

Status OperatorHarness::Deliver(size_t link, const BatchPtr& batch) {
  if (link == links_.size()) {
    for (size_t i = 0; i < batch->rows(); i++) {
      if (!output_.empty()) output_ += ", ";
      std::string row;
      for (const ColumnPtr& column : batch->columns()) {
        if (!row.empty()) row += ' ';
        row += ShowValue(*column, i);
      }
      if (batch->times()) row += " " + ShowMicros((*batch->times())[i].us);
      output_ += row;
    }
    return Status::Ok();
  }
  Link& to = *links_[link];
  if (to.weighted) {
    const auto column = static_cast<size_t>(batch->schema()->Find(kWeightColumn));
    for (int64_t weight : batch->column(column).values<int64_t>()) to.counts.in += weight;
  } else {
    to.counts.in += static_cast<int64_t>(batch->rows());
  }
  LinkOutput out(*this, link);
  return to.work->OnBatch(batch, out);
}

void OperatorHarness::CheckLedger() {
  for (const auto& link : links_) {
    if (!link->work) continue;
    link->counts += link->work->TakeCounts();
    const RowCounts& c = link->counts;
    WEIR_CHECK(
        c.in == c.passed + c.filtered + c.rejected + c.late + c.absorbed + c.expanded + c.empty,
        link->plan->kind);
    WEIR_CHECK(link->held_before + c.absorbed == link->work->Held() + c.released, link->plan->kind);
    WEIR_CHECK(c.out == c.passed + c.made, link->plan->kind);
  }
}

std::string OperatorHarness::TakeOutput() {
  CheckLedger();
  return std::exchange(output_, {});
}

std::string OperatorHarness::Push(const std::string& rows) {
  const Status status = Deliver(0, ReadRows(rows));
  return status.ok() ? TakeOutput() : status.ToString();
}

Status OperatorHarness::Advance(EventTime watermark) {
  for (size_t i = 0; i < links_.size(); i++) {
    LinkOutput out(*this, i);
    WEIR_TRY(links_[i]->work->Flush(out));
    watermark = WEIR_TRY(links_[i]->work->OnWatermark(watermark, out));
  }
  passed_on_ = watermark;
  return Status::Ok();
}

std::string OperatorHarness::Watermark(const std::string& time) {
  const Status status = Advance(time == "end" ? EventTime::Max() : EventTime{ParseMicros(time)});
  return status.ok() ? TakeOutput() : status.ToString();
}

std::string OperatorHarness::passed_on() const {
  return passed_on_ == EventTime::Max() ? "end" : ShowMicros(passed_on_.us);
}

void OperatorHarness::CheckpointAndRestore() {
  for (size_t i = 0; i < links_.size(); i++) {
    LinkOutput out(*this, i);
    WEIR_CHECK(links_[i]->work->Flush(out).ok());
  }
  CheckLedger();
  MapSnapshot snapshot = state_->Snapshot();
  for (auto& link : links_) link->work.reset();
  state_ = std::make_unique<MapState>(SlotRange{}, std::vector{std::move(snapshot)});
  MakeOperators();
}

RowCounts OperatorHarness::counts(std::string_view kind) const {
  RowCounts sum;
  for (const auto& link : links_) {
    if (link->plan->kind == kind) sum += link->counts;
  }
  return sum;
}

}  // namespace weir::testing
