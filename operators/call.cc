#include "operators/call.h"

#include <algorithm>

#include <fmt/format.h>

#include "operators/carry.h"
#include "operators/errors.h"

namespace weir {
namespace {

constexpr uint32_t kMostRowsAtOnce = 1024;

}  // namespace

OperatorPlanPtr CallProgram::Plan(std::string program, Duration timeout, std::vector<int> shown,
                                  const Schema& answers, const Schema& input) {
  auto plan = std::make_shared<OperatorPlan>();
  plan->kind = "call";
  plan->detail = program;
  plan->reads = shown;
  std::vector<Field> fields;
  for (size_t i = 0; i < input.size(); i++) {
    if (answers.Find(input[i].name) >= 0) continue;
    fields.push_back(input[i]);
    plan->passes.push_back(static_cast<int>(i));
  }
  for (const Field& field : answers.fields()) {
    fields.push_back(field);
    plan->passes.push_back(-1);
  }
  plan->output = std::make_shared<const Schema>(std::move(fields));
  std::vector<Field> given;
  for (const int column : shown) given.push_back(input[static_cast<size_t>(column)]);
  ProgramRequest request{std::move(program), std::make_shared<const Schema>(std::move(given)),
                         std::make_shared<const Schema>(answers), timeout};
  plan->make = [request, shown = std::move(shown), passes = plan->passes,
                output = plan->output](OperatorContext& context) {
    ProgramRequest mine = request;
    mine.cancelled = context.cancelled;
    return std::make_unique<CallProgram>(std::move(mine), context.programs, shown, passes, output);
  };
  return plan;
}

Status CallProgram::OnBatch(const BatchPtr& batch, Output& out) {
  if (!program_) {
    if (programs_ == nullptr) {
      return Status(errors::kNoSuchProgram,
                    fmt::format("this process calls no programs, so not '{}'", request_.program),
                    "name it under 'programs' of the process's file");
    }
    program_ = WEIR_TRY(programs_->Open(request_));
  }
  std::vector<ColumnPtr> columns;
  for (const int column : shown_) columns.push_back(batch->columns()[static_cast<size_t>(column)]);
  const auto rows = static_cast<uint32_t>(batch->rows());
  Question question{*batch, batch->WithColumns(request_.rows, std::move(columns)), GoodRows(rows),
                    out};
  for (uint32_t begin = 0; begin < rows; begin += kMostRowsAtOnce) {
    WEIR_TRY(AskAbout(question, begin, std::min(rows, begin + kMostRowsAtOnce)));
  }
  if (question.good.all_good()) return Status::Ok();
  return out.Reject(*batch, question.good.TakeRejections());
}

Status CallProgram::AskAbout(Question& question, uint32_t begin, uint32_t end) {
  while (begin < end) {
    if (end - begin == 1) return AskAboutOne(question, begin);
    Result<ProgramAnswers> asked = program_->Ask(*question.shown, begin, end);
    if (asked.ok()) {
      const uint32_t next = asked->end;
      WEIR_TRY(Take(question, begin, *std::move(asked)));
      begin = next;
      continue;
    }
    if (!asked.status().Is(errors::kProgramFailed)) return asked.status();
    const uint32_t middle = begin + (end - begin) / 2;
    WEIR_TRY(AskAbout(question, begin, middle));
    begin = middle;
  }
  return Status::Ok();
}

Status CallProgram::AskAboutOne(Question& question, uint32_t row) {
  Result<ProgramAnswers> asked = program_->Ask(*question.shown, row, row + 1);
  if (!asked.ok() && asked.status().Is(errors::kProgramFailed)) {
    asked = program_->Ask(*question.shown, row, row + 1);
  }
  if (asked.ok()) return Take(question, row, *std::move(asked));
  if (!asked.status().Is(errors::kProgramFailed)) return asked.status();
  question.good.Fail(row, errors::kProgramFailed, asked.status().message());
  return Status::Ok();
}

Status CallProgram::Take(Question& question, uint32_t begin, ProgramAnswers answers) {
  const auto rejected = static_cast<int64_t>(answers.rejections.size());
  for (Rejection& rejection : answers.rejections) {
    question.good.Fail(rejection.record, *rejection.code, std::move(rejection.reason));
  }
  int64_t answered = 0;
  for (size_t i = 0; i < answers.rows.size(); i++) {
    if (i == 0 || answers.rows[i] != answers.rows[i - 1]) answered++;
  }
  counts_.expanded += answered;
  counts_.empty += static_cast<int64_t>(answers.end - begin) - answered - rejected;
  if (answers.rows.empty()) return Status::Ok();
  counts_.made += static_cast<int64_t>(answers.rows.size());
  return question.out.Emit(
      CarryOver(question.batch, answers.rows, passes_, answers.answers->columns(), output_));
}

}  // namespace weir
