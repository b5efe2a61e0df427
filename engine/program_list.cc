#include "engine/program_list.h"

#include <algorithm>
#include <mutex>
#include <numeric>
#include <set>

#include <fmt/format.h>

#include "base/log.h"
#include "config/yaml.h"
#include "formats/json.h"
#include "formats/json_decoder.h"
#include "operators/errors.h"

namespace weir {
namespace {

constexpr size_t kMostBytesAtOnce = size_t{1} << 20;
constexpr std::string_view kRow = "_row";
/// A program may take longer to come up than to answer.
constexpr Duration kLeastToStart = Duration::Seconds(30);

std::mutex restarts_mutex;
std::map<std::string, uint64_t> restarts;  // Under restarts_mutex.

void CountRestart(const std::string& program) {
  std::lock_guard lock(restarts_mutex);
  restarts[program]++;
}

std::vector<ColumnDeclaration> Declared(const Schema& answers) {
  std::vector<ColumnDeclaration> columns(1);
  columns[0].name = kRow;
  columns[0].type = TypeKind::kInt64;
  for (const Field& field : answers.fields()) {
    ColumnDeclaration& column = columns.emplace_back();
    column.name = field.name;
    column.type = field.type;
  }
  return columns;
}

std::vector<std::string_view> LinesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    lines.push_back(text.substr(0, newline));
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
  }
  return lines;
}

/// A program of the list, which is started with the first question.
class ListedProgram final : public Program {
 public:
  ListedProgram(ProgramRequest request, ProgramSpec spec, std::unique_ptr<Decoder> rows_decoder,
                std::unique_ptr<Decoder> decoder)
      : request_(std::move(request)),
        spec_(std::move(spec)),
        encoder_(MakeJsonEncoder(*request_.rows, {})),
        rows_decoder_(std::move(rows_decoder)),
        decoder_(std::move(decoder)) {}

  Result<ProgramAnswers> Ask(const Batch& batch, uint32_t begin, uint32_t end) override {
    if (!process_) WEIR_TRY(Start());
    uint32_t asked = begin;
    std::string question;
    while (asked < end && (asked == begin || question.size() < kMostBytesAtOnce)) {
      WEIR_TRY(Append(batch, asked, asked - begin, question));
      asked++;
    }
    Result<ProgramAnswers> answers = AskFor(question, begin, asked);
    if (!answers.ok()) process_.reset();
    return answers;
  }

 private:
  Status Start() {
    if (started_) {
      CountRestart(request_.program);
      log::Warn("a program is started anew", {{"program", request_.program}});
    }
    started_ = true;
    process_ = WEIR_TRY(ChildProcess::Start(request_.program, spec_));
    // Whoever cannot answer to nothing cannot be blamed on a row.
    const Result<std::string> answer = Exchange({}, std::max(request_.timeout, kLeastToStart));
    if (answer.ok() && answer->empty()) return Status::Ok();
    process_.reset();
    return Status(errors::kProgramBroken,
                  answer.ok() ? fmt::format("program '{}' has an answer to a batch of no rows: {}",
                                            request_.program, answer->substr(0, 100))
                              : answer.status().message() + " (to a batch of no rows)",
                  "it is to read lines up to an empty one, and to end its own answer with one");
  }

  Result<std::string> Exchange(std::string question, Duration timeout) {
    question += '\n';
    return process_->Ask(question, timeout, [this] {
      return request_.cancelled != nullptr && request_.cancelled->load();
    });
  }

  Status Append(const Batch& batch, uint32_t row, uint32_t number, std::string& question) {
    const size_t begin = question.size();
    WEIR_TRY(encoder_->Encode(batch, row, question));
    question.insert(begin + 1, fmt::format("\"{}\":{}{}", kRow, number,
                                           question.size() > begin + 2 ? "," : ""));
    question += '\n';
    return Status::Ok();
  }

  Status Nonsense(const std::string& what) const {
    return Status(errors::kProgramFailed, fmt::format("program '{}': {}", request_.program, what),
                  "an answer is a line of JSON for each row, with its _row, and an empty line");
  }

  Result<ProgramAnswers> AskFor(const std::string& question, uint32_t begin, uint32_t end) {
    const std::string text = WEIR_TRY(Exchange(question, request_.timeout));
    const std::vector<std::string_view> lines = LinesOf(text);
    const std::vector<uint32_t> row_of = WEIR_TRY(RowsOf(lines, begin, end));
    std::vector<size_t> order(lines.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return row_of[a] < row_of[b]; });
    std::vector<std::string_view> sorted;
    for (const size_t line : order) sorted.push_back(lines[line]);
    ProgramAnswers answers;
    answers.end = end;
    for (const size_t line : order) answers.rows.push_back(row_of[line]);
    BatchBuilder builder(decoder_->schema());
    std::vector<Rejection> bad;
    WEIR_TRY(decoder_->Decode(sorted, builder, bad));
    answers.answers = builder.Finish();
    if (!bad.empty()) WEIR_TRY(LeaveOut(bad, sorted, answers));
    return answers;
  }

  /// Takes rows with a bad answer out: then their other answers do not count either.
  Status LeaveOut(const std::vector<Rejection>& bad, const std::vector<std::string_view>& lines,
                  ProgramAnswers& answers) {
    std::set<uint32_t> refused;
    for (const Rejection& one : bad) {
      const uint32_t row = answers.rows[one.record];
      if (!refused.insert(row).second) continue;
      answers.rejections.push_back(
          {row, &errors::kBadProgramAnswer,
           fmt::format("the answer of program '{}': {}", request_.program, one.reason)});
    }
    std::vector<std::string_view> good;
    std::vector<uint32_t> rows;
    for (size_t i = 0; i < lines.size(); i++) {
      if (refused.contains(answers.rows[i])) continue;
      good.push_back(lines[i]);
      rows.push_back(answers.rows[i]);
    }
    BatchBuilder builder(decoder_->schema());
    std::vector<Rejection> none;
    WEIR_TRY(decoder_->Decode(good, builder, none));
    WEIR_CHECK(none.empty(), "an answer was good and is bad");
    answers.rows = std::move(rows);
    answers.answers = builder.Finish();
    return Status::Ok();
  }

  /// Which row of the batch each line is for.
  Result<std::vector<uint32_t>> RowsOf(const std::vector<std::string_view>& lines, uint32_t begin,
                                       uint32_t end) {
    BatchBuilder builder(rows_decoder_->schema());
    std::vector<Rejection> bad;
    WEIR_TRY(rows_decoder_->Decode(lines, builder, bad));
    if (!bad.empty()) {
      return Nonsense(fmt::format("its answer has the line {}: {}",
                                  lines[bad[0].record].substr(0, 100), bad[0].reason));
    }
    const BatchPtr numbers = builder.Finish();
    const Column& column = numbers->column(0);
    bool named = false;
    for (size_t i = 0; i < lines.size(); i++) named = named || !column.IsNull(i);
    std::vector<uint32_t> rows;
    if (!named && lines.size() == end - begin) {
      rows.resize(lines.size());
      std::iota(rows.begin(), rows.end(), begin);
      return rows;
    }
    for (size_t i = 0; i < lines.size(); i++) {
      if (column.IsNull(i)) {
        return Nonsense(fmt::format("{} answers to {} rows, and no _row that says which is whose",
                                    lines.size(), end - begin));
      }
      const int64_t number = column.values<int64_t>()[i];
      if (number < 0 || number >= static_cast<int64_t>(end - begin)) {
        return Nonsense(
            fmt::format("an answer is for _row {} of a batch of {} rows", number, end - begin));
      }
      rows.push_back(begin + static_cast<uint32_t>(number));
    }
    return rows;
  }

  const ProgramRequest request_;
  const ProgramSpec spec_;
  const std::unique_ptr<Encoder> encoder_;
  const std::unique_ptr<Decoder> rows_decoder_;  ///< Of `_row` alone.
  const std::unique_ptr<Decoder> decoder_;       ///< Of the other columns.
  std::unique_ptr<ChildProcess> process_;
  bool started_ = false;
};

}  // namespace

Result<std::unique_ptr<Program>> ProgramList::Open(const ProgramRequest& request) const {
  const auto it = programs_.find(request.program);
  if (it == programs_.end()) {
    std::vector<std::string> known;
    for (const auto& [name, program] : programs_) known.push_back(name);
    const std::string near = NearestName(request.program, known);
    return Status(errors::kNoSuchProgram,
                  fmt::format("this process has no program '{}'", request.program),
                  near.empty() ? "name it under 'programs' of the process's file"
                               : fmt::format("did you mean '{}'?", near));
  }
  const std::vector<ColumnDeclaration> declared = Declared(*request.answers);
  std::vector<int> wanted(declared.size() - 1);
  std::iota(wanted.begin(), wanted.end(), 1);
  auto rows_decoder = WEIR_TRY(MakeJsonDecoder(declared, {0}));
  auto decoder = WEIR_TRY(MakeJsonDecoder(declared, wanted));
  return std::unique_ptr<Program>(
      new ListedProgram(request, it->second, std::move(rows_decoder), std::move(decoder)));
}

std::map<std::string, uint64_t> ProgramRestarts() {
  std::lock_guard lock(restarts_mutex);
  return restarts;
}

}  // namespace weir
