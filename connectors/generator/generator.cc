#include "connectors/generator/generator.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <thread>

#include <fmt/format.h>

#include "batch/time_text.h"
#include "connectors/errors.h"
#include "connectors/generator/kind.h"

namespace weir {
namespace {

struct GeneratorSpec {
  std::string kind;
  uint32_t users = 8;
  std::optional<DurationRange> delay;
  std::optional<Rate> rate;
  std::optional<int64_t> count;
  std::optional<Duration> duration;
  int64_t seed = 0;
  std::string start_time;

  static const Spec<GeneratorSpec>& Describe() {
    static const Spec<GeneratorSpec> spec(
        "generator", "Makes rows up: for demonstrations, tests and load.",
        {Required("kind", &GeneratorSpec::kind, "clickstream, stock, taxi or blog.", NotEmpty),
         Optional("users", &GeneratorSpec::users, uint32_t{8},
                  "clickstream: how many visitors there are at a time.",
                  InRange(int64_t{1}, int64_t{4096})),
         Optional("delay", &GeneratorSpec::delay,
                  "Time between two rows of a visitor, e.g. 50ms..550ms (the default of "
                  "clickstream), or none: as fast as rows are taken."),
         Optional("rate", &GeneratorSpec::rate, "Rows of all visitors together in a second.",
                  Condition("more than 0", [](Rate rate) { return rate.per_second > 0; })),
         Optional("count", &GeneratorSpec::count, "How many rows there are; endless if not given.",
                  NotNegative),
         Optional("duration", &GeneratorSpec::duration,
                  "How long it goes on, in the time of the rows; endless if not given.", Positive),
         Optional("seed", &GeneratorSpec::seed, int64_t{0}, "Another seed makes other rows."),
         Optional("start_time", &GeneratorSpec::start_time, std::string(),
                  "Time of the first row (ISO 8601); now if not given.")},
        "generator: { kind: clickstream, users: 8, duration: 30m, seed: 1 }");
    return spec;
  }
};

/// A generator as planned: how rows are numbered, timed and paced.
struct GeneratorPlanned {
  const GeneratorKind* kind = nullptr;
  uint32_t shares = 1;
  DurationRange delay;    // Zero: none.
  double per_second = 0;  // Zero: no rate.
  std::optional<int64_t> count;
  std::optional<Duration> duration;
  uint64_t seed = 0;
  std::optional<EventTime> start_time;

  bool HasDelay() const { return delay.high.us > 0; }
  bool Paced() const { return HasDelay() || per_second > 0; }
};

/// Where one split stands. Text: `start wall index offset state`, numbers in decimal.
struct GeneratorPosition {
  EventTime start;        // Time of the rows' beginning.
  EventTime wall;         // What the clock showed then.
  uint64_t index = 0;     // Of the next row.
  int64_t offset_us = 0;  // Of the next row's time from `start`.
  std::string state;      // Of the RowMaker.

  std::string ToText() const {
    return fmt::format("{} {} {} {} {}", start.us, wall.us, index, offset_us, state);
  }
  static Result<GeneratorPosition> Parse(std::string_view text) {
    GeneratorPosition position;
    const char* at = text.data();
    const char* const end = text.data() + text.size();
    bool good = true;
    const auto number = [&](auto& value) {
      const auto [next, fault] = std::from_chars(at, end, value);
      good = good && fault == std::errc() && next != end && *next == ' ';
      at = good ? next + 1 : end;
    };
    number(position.start.us);
    number(position.wall.us);
    number(position.index);
    number(position.offset_us);
    if (!good) {
      return Status(errors::kDamagedPosition,
                    fmt::format("'{}' is no position of a generator", text));
    }
    position.state.assign(at, end);
    return position;
  }
};

/// A split being made.
class Share {
 public:
  Share(const GeneratorPlanned& plan, const Split& split, uint32_t number,
        GeneratorPosition position)
      : plan_(plan),
        id_(split.id),
        ordinal_(split.ordinal),
        number_(number),
        position_(std::move(position)),
        maker_(plan.kind->Open({plan.seed, number, plan.shares})) {
    if (plan_.count) {
      const auto count = static_cast<uint64_t>(*plan_.count);
      rows_ = count / plan_.shares + (number < count % plan_.shares ? 1 : 0);
    }
  }

  Status Begin() {
    if (maker_->Restore(position_.state) || position_.index == 0) return Status::Ok();
    return Status(errors::kDamagedPosition, fmt::format("'{}' is no state of a {} generator",
                                                        position_.state, plan_.kind->name()));
  }

  const std::string& id() const { return id_; }
  int32_t ordinal() const { return ordinal_; }
  bool finished() const {
    return position_.index >= rows_ ||
           (plan_.duration && position_.offset_us >= plan_.duration->us) ||
           position_.offset_us > kLastOffset;
  }
  bool told_end = false;

  uint64_t index() const { return position_.index; }
  /// Time of the next row from the beginning.
  int64_t offset_us() const { return position_.offset_us; }
  /// When the next row may come, by the clock.
  EventTime due() const {
    return position_.wall +
           Duration{plan_.per_second > 0 ? RateOffset(position_.index) : position_.offset_us};
  }

  void Make(std::span<ColumnBuilder* const> columns) {
    maker_->Make(position_.index, position_.start + Duration{position_.offset_us}, columns);
    position_.index++;
    if (plan_.HasDelay()) {
      const auto span = static_cast<uint64_t>(plan_.delay.high.us - plan_.delay.low.us) + 1;
      position_.offset_us +=
          plan_.delay.low.us +
          static_cast<int64_t>(DrawBelow(span, Draw(plan_.seed, number_, position_.index, 1000)));
    } else if (plan_.per_second > 0) {
      position_.offset_us = RateOffset(position_.index);
    } else {
      position_.offset_us += plan_.kind->step().us;
    }
  }

  std::string Position() const {
    GeneratorPosition position = position_;
    position.state = maker_->Save();
    return position.ToText();
  }

 private:
  static constexpr int64_t kLastOffset = int64_t{1} << 60;

  /// When row `index` of this split comes where all splits together make `per_second`.
  int64_t RateOffset(uint64_t index) const {
    const double number = static_cast<double>(index) * plan_.shares + number_;
    return static_cast<int64_t>(std::min(number / plan_.per_second * 1e6, 2e18));
  }

  const GeneratorPlanned& plan_;
  const std::string id_;
  const int32_t ordinal_;
  const uint32_t number_;
  GeneratorPosition position_;
  const std::unique_ptr<RowMaker> maker_;
  uint64_t rows_ = std::numeric_limits<uint64_t>::max();
};

class GeneratorReader final : public SourceReader {
 public:
  GeneratorReader(const GeneratorPlanned& plan, const Clock& clock, std::vector<int> wanted,
                  bool origins)
      : plan_(plan), clock_(clock), wanted_(std::move(wanted)), origins_(origins) {
    std::vector<Field> fields;
    for (int index : wanted_) fields.push_back((*plan.kind->schema())[static_cast<size_t>(index)]);
    schema_ = std::make_shared<const Schema>(std::move(fields));
  }

  Status Add(const Split& split) override {
    uint32_t number = 0;
    const auto [end, fault] =
        std::from_chars(split.id.data(), split.id.data() + split.id.size(), number);
    if (fault != std::errc() || end != split.id.data() + split.id.size() ||
        number >= plan_.shares) {
      return Status(errors::kDamagedPosition,
                    fmt::format("this generator has no split '{}'", split.id),
                    "was 'users' changed? start afresh, or put it back");
    }
    GeneratorPosition position = WEIR_TRY(GeneratorPosition::Parse(split.position));
    auto share = std::make_unique<Share>(plan_, split, number, std::move(position));
    WEIR_TRY(share->Begin());
    shares_.push_back(std::move(share));
    return Status::Ok();
  }

  Result<Polled> Poll(const PollRequest& request) override {
    for (const auto& share : shares_) {
      if (!share->finished() || share->told_end) continue;
      share->told_end = true;
      Polled polled;
      polled.split = share->id();
      polled.activity = SplitActivity::kFinished;
      return polled;
    }
    Share* next = Next(request);
    const EventTime now = clock_.Now();
    if (next == nullptr || (plan_.Paced() && next->due() > now)) {
      Duration wait = request.wait;
      if (next != nullptr) wait.us = std::min(wait.us, next->due().us - now.us);
      std::this_thread::sleep_for(wait.ToChrono());
      return Polled{};
    }
    return Make(*next, request, now);
  }

  std::map<std::string, std::string> Positions() const override {
    std::map<std::string, std::string> positions;
    for (const auto& share : shares_) positions[share->id()] = share->Position();
    return positions;
  }

 private:
  /// Rows of one split at a time where nothing paces them: many would drive the splits' times far
  /// apart.
  static constexpr size_t kMostAtOnce = 4096;

  /// The split that is furthest behind and may be read.
  Share* Next(const PollRequest& request) {
    Share* next = nullptr;
    for (const auto& share : shares_) {
      if (share->finished()) continue;
      if (request.paused != nullptr &&
          std::binary_search(request.paused->begin(), request.paused->end(), share->id())) {
        continue;
      }
      const bool earlier =
          next == nullptr ||
          (plan_.Paced() ? share->due() < next->due() : share->offset_us() < next->offset_us());
      if (earlier) next = share.get();
    }
    return next;
  }

  Polled Make(Share& share, const PollRequest& request, EventTime now) {
    BatchBuilder builder(schema_);
    const size_t most = std::min(request.max_rows, kMostAtOnce);
    std::vector<ColumnBuilder*> columns(plan_.kind->schema()->size(), nullptr);
    for (size_t c = 0; c < wanted_.size(); c++) {
      builder.column(c).Reserve(most);
      columns[static_cast<size_t>(wanted_[c])] = &builder.column(c);
    }
    std::shared_ptr<std::vector<Origin>> origins;
    if (origins_) origins = std::make_shared<std::vector<Origin>>();
    const uint64_t begin = share.index();
    while (share.index() - begin < most && !share.finished() &&
           (!plan_.Paced() || share.due() <= now)) {
      if (origins_) origins->push_back({share.ordinal(), static_cast<int64_t>(share.index())});
      share.Make(columns);
    }
    Polled polled;
    polled.split = share.id();
    polled.records = static_cast<int64_t>(share.index() - begin);
    if (wanted_.empty()) builder.AddBareRows(share.index() - begin);
    polled.batch = builder.Finish(nullptr, std::move(origins));
    return polled;
  }

  const GeneratorPlanned& plan_;
  const Clock& clock_;
  const std::vector<int> wanted_;
  const bool origins_;
  SchemaPtr schema_;
  std::vector<std::unique_ptr<Share>> shares_;
};

class GeneratorFinder final : public SplitFinder {
 public:
  GeneratorFinder(const GeneratorPlanned& plan, const Clock& clock) : plan_(plan), clock_(clock) {}
  Result<std::vector<Split>> Find(const std::vector<Split>& known) override {
    if (!known.empty()) return known;
    GeneratorPosition position;
    position.wall = clock_.Now();
    position.start = plan_.start_time.value_or(position.wall);
    std::vector<Split> splits;
    for (uint32_t i = 0; i < plan_.shares; i++) {
      if (!plan_.HasDelay() && plan_.per_second > 0) {
        position.offset_us = static_cast<int64_t>(i / plan_.per_second * 1e6);
      }
      splits.push_back({std::to_string(i), position.ToText(), "", static_cast<int32_t>(i)});
    }
    return splits;
  }

 private:
  const GeneratorPlanned& plan_;
  const Clock& clock_;
};

class GeneratorPlan final : public SourcePlan {
 public:
  explicit GeneratorPlan(GeneratorPlanned plan) : plan_(std::move(plan)) {}
  const SchemaPtr& columns() const override { return plan_.kind->schema(); }
  size_t visible() const override { return plan_.kind->schema()->size(); }
  bool bounded() const override { return plan_.count || plan_.duration; }
  std::string Describe() const override {
    std::string text = fmt::format("generator {}", plan_.kind->name());
    if (plan_.kind->HasUsers()) text += fmt::format(", {} users", plan_.shares);
    if (plan_.per_second > 0) text += ", " + ToText(Rate{plan_.per_second});
    if (!plan_.Paced()) text += ", as fast as taken";
    if (plan_.count) text += fmt::format(", {} rows", *plan_.count);
    if (plan_.duration) text += ", for " + ToText(*plan_.duration);
    return text;
  }
  Result<std::unique_ptr<SplitFinder>> MakeFinder(const ConnectorContext& context) const override {
    return std::unique_ptr<SplitFinder>(std::make_unique<GeneratorFinder>(plan_, *context.clock));
  }
  Result<std::unique_ptr<SourceReader>> MakeReader(const ConnectorContext& context,
                                                   const std::vector<int>& wanted,
                                                   bool origins) const override {
    return std::unique_ptr<SourceReader>(
        std::make_unique<GeneratorReader>(plan_, *context.clock, wanted, origins));
  }
  uint32_t MostTasks() const override { return plan_.shares; }

 private:
  const GeneratorPlanned plan_;
};

class GeneratorConnectorImpl final : public Connector {
 public:
  std::string_view name() const override { return "generator"; }
  std::string_view help() const override { return GeneratorSpec::Describe().help(); }
  const SpecBase* source_options() const override { return &GeneratorSpec::Describe(); }

  std::shared_ptr<const SourcePlan> PlanSource(const NodeContext& node,
                                               Diagnostics& diagnostics) const override {
    GeneratorSpec spec;
    bool good = GeneratorSpec::Describe().Read(*node.options, diagnostics, spec);
    const auto fault = [&](const char* key, std::string message, std::string cure) {
      const YamlNode* at = node.options->Find(key);
      diagnostics.Error(errors::kConnectorOption, (at != nullptr ? *at : *node.options).place(),
                        std::move(message), std::move(cure));
      good = false;
    };
    if (!node.columns.empty()) {
      fault("kind", "a generator has columns of its own", "leave 'columns' away");
    }
    if (node.format != nullptr) {
      fault("kind", "a generator makes rows, not records", "leave 'format' away");
    }
    GeneratorPlanned plan;
    std::vector<std::string> names;
    for (const GeneratorKind* kind : AllGeneratorKinds()) {
      names.emplace_back(kind->name());
      if (kind->name() == spec.kind) plan.kind = kind;
    }
    if (plan.kind == nullptr && !spec.kind.empty()) {
      const std::string near = NearestName(spec.kind, names);
      fault("kind", fmt::format("there is no generator '{}'", spec.kind),
            near.empty() ? fmt::format("kinds are {}", fmt::join(names, ", "))
                         : fmt::format("did you mean '{}'?", near));
    }
    if (!good) return nullptr;
    if (plan.kind->HasUsers()) {
      plan.shares = spec.users;
    } else if (node.options->Find("users") != nullptr) {
      fault("users", fmt::format("'{}' has no users", spec.kind), "leave 'users' away");
    }
    plan.delay =
        spec.delay.value_or(DurationRange{plan.kind->default_low(), plan.kind->default_high()});
    if (spec.rate) plan.per_second = spec.rate->per_second;
    plan.count = spec.count;
    plan.duration = spec.duration;
    plan.seed = static_cast<uint64_t>(spec.seed);
    if (!spec.start_time.empty()) {
      plan.start_time = ParseTime(spec.start_time);
      if (!plan.start_time) {
        fault("start_time", fmt::format("'{}' is no time", spec.start_time),
              "write it as 2026-01-02T03:04:05Z");
      }
    }
    if (!good) return nullptr;
    return std::make_shared<GeneratorPlan>(std::move(plan));
  }
};

}  // namespace

const Connector& GeneratorConnector() {
  static const GeneratorConnectorImpl connector;
  return connector;
}

}  // namespace weir
