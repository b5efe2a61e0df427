#include "connectors/stdout/stdout.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "batch/render.h"
#include "connectors/errors.h"

namespace weir {
namespace {

struct StdoutSpec {
  std::optional<int64_t> rows;
  Duration every;
  static const Spec<StdoutSpec>& Describe() {
    static const Spec<StdoutSpec> spec(
        "stdout",
        "Shows rows on standard output at once: a table on a terminal, records otherwise. After a "
        "crash rows may show again.",
        {Optional("rows", &StdoutSpec::rows, "Most rows shown in each 'every'; all if not given.",
                  Positive),
         Optional("every", &StdoutSpec::every, Duration::Seconds(10),
                  "The time that 'rows' counts for.", Positive)},
        "stdout: { rows: 20, every: 10s }");
    return spec;
  }
};

constexpr size_t kWidestColumn = 40;

/// A value as a cell shows it. What JSON escapes stays escaped, so no value can steer the terminal.
std::string Cell(const Column& column, size_t row) {
  std::string text;
  if (column.IsNull(row)) return "null";
  AppendJsonValue(text, column, row, TimestampStyle::kIso8601);
  if (text.size() >= 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
  return text;
}

/// Characters, not bytes.
size_t Width(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

StdoutWriter::StdoutWriter(std::FILE* screen, const Clock& clock, StdoutLimits limits,
                           std::unique_ptr<Encoder> encoder)
    : screen_(screen), clock_(clock), limits_(limits), encoder_(std::move(encoder)) {}

size_t StdoutWriter::Allowed(size_t rows) {
  if (!limits_.rows) return rows;
  const Duration now = clock_.Monotonic();
  if (!period_begin_ || now.us - period_begin_->us >= limits_.every.us) {
    if (hidden_ > 0 && !encoder_) text_ += fmt::format("... and {} more rows\n", hidden_);
    period_begin_ = now;
    shown_ = 0;
    hidden_ = 0;
  }
  const auto allowed =
      static_cast<size_t>(std::min<int64_t>(static_cast<int64_t>(rows), *limits_.rows - shown_));
  shown_ += static_cast<int64_t>(allowed);
  hidden_ += static_cast<int64_t>(rows - allowed);
  return allowed;
}

void StdoutWriter::AppendTable(const Batch& batch, size_t rows) {
  const Schema& schema = *batch.schema();
  bool grown = widths_.empty();
  widths_.resize(schema.size(), 0);
  std::vector<std::vector<std::string>> cells(rows);
  const auto fit = [&](size_t c, std::string_view text) {
    const size_t width = std::min(Width(text), kWidestColumn);
    if (width <= widths_[c]) return;
    widths_[c] = width;
    grown = true;
  };
  for (size_t c = 0; c < schema.size(); c++) fit(c, schema[c].name);
  for (size_t r = 0; r < rows; r++) {
    for (size_t c = 0; c < schema.size(); c++) {
      cells[r].push_back(Cell(batch.column(c), r));
      fit(c, cells[r].back());
    }
  }
  const auto line = [&](const std::vector<std::string>& texts) {
    for (size_t c = 0; c < texts.size(); c++) {
      if (c > 0) text_ += "  ";
      text_ += texts[c];
      const size_t width = Width(texts[c]);
      if (c + 1 < texts.size() && width < widths_[c]) text_.append(widths_[c] - width, ' ');
    }
    text_ += '\n';
  };
  if (grown) {
    std::vector<std::string> names;
    std::vector<std::string> rules;
    for (size_t c = 0; c < schema.size(); c++) {
      names.push_back(schema[c].name);
      rules.push_back(std::string(widths_[c], '-'));
    }
    line(names);
    line(rules);
  }
  for (const std::vector<std::string>& row : cells) line(row);
}

Status StdoutWriter::Show() {
  if (text_.empty()) return Status::Ok();
  errno = 0;
  const bool good = std::fwrite(text_.data(), 1, text_.size(), screen_) == text_.size() &&
                    std::fflush(screen_) == 0;
  text_.clear();
  if (good) return Status::Ok();
  return Status(errors::kScreenWrite,
                fmt::format("standard output takes no more: {}", std::strerror(errno)));
}

Status StdoutWriter::Write(const Batch& batch, std::vector<Rejection>&) {
  const size_t rows = Allowed(batch.rows());
  rows_ += static_cast<int64_t>(batch.rows());
  if (!encoder_) {
    if (rows > 0) AppendTable(batch, rows);
    return Show();
  }
  for (size_t r = 0; r < rows; r++) {
    WEIR_TRY(encoder_->Encode(batch, r, text_));
    text_ += encoder_->Separator();
  }
  return Show();
}

Result<SealedPart> StdoutWriter::Seal(Epoch, bool last) {
  if (last && hidden_ > 0 && !encoder_) {
    text_ += fmt::format("... and {} more rows\n", hidden_);
    hidden_ = 0;
    WEIR_TRY(Show());
  }
  SealedPart part;
  part.rows = rows_;
  rows_ = 0;
  return part;
}

namespace {

class StdoutPlan final : public SinkPlan {
 public:
  StdoutPlan(StdoutSpec spec, std::shared_ptr<const EncodingPlan> encoding)
      : spec_(spec), encoding_(std::move(encoding)) {}

  std::string Describe() const override {
    return spec_.rows ? fmt::format("stdout, {} rows every {}", *spec_.rows, ToText(spec_.every))
                      : "stdout";
  }
  Status Check(const ConnectorContext&) const override { return Status::Ok(); }
  Result<std::unique_ptr<SinkWriter>> MakeWriter(const ConnectorContext& context,
                                                 uint32_t) const override {
    std::unique_ptr<Encoder> encoder;
    if (isatty(STDOUT_FILENO) == 0) {
      encoder = WEIR_TRY(encoding_->MakeEncoder(context.Codec()));
    }
    return std::unique_ptr<SinkWriter>(std::make_unique<StdoutWriter>(
        stdout, *context.clock, StdoutLimits{spec_.rows, spec_.every}, std::move(encoder)));
  }
  bool Publishes() const override { return false; }

 private:
  const StdoutSpec spec_;
  const std::shared_ptr<const EncodingPlan> encoding_;
};

class StdoutConnectorImpl final : public Connector {
 public:
  std::string_view name() const override { return "stdout"; }
  std::string_view help() const override { return StdoutSpec::Describe().help(); }
  const SpecBase* sink_options() const override { return &StdoutSpec::Describe(); }
  std::shared_ptr<const SinkPlan> PlanSink(const NodeContext& node,
                                           Diagnostics& diagnostics) const override {
    StdoutSpec spec;
    const bool good = StdoutSpec::Describe().Read(*node.options, diagnostics, spec);
    const ChosenFormat chosen = ChooseFormat(node.format, diagnostics);
    if (!good || chosen.format == nullptr) return nullptr;
    FormatRequest request = node.RequestTo(chosen);
    request.stream = true;
    auto encoding = chosen.format->PlanEncoding(request, *node.input, diagnostics);
    if (!encoding) return nullptr;
    return std::make_shared<StdoutPlan>(spec, std::move(encoding));
  }
};

}  // namespace

const Connector& StdoutConnector() {
  static const StdoutConnectorImpl connector;
  return connector;
}

}  // namespace weir
