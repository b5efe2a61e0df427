#pragma once

#include "operators/operator.h"
#include "operators/row_errors.h"

namespace weir {

/// Asks a program of the user's own about each row. Its answers leave with the row's other columns
/// beside them, in the order of the rows, before anything that comes later, so they belong to the
/// epoch of their rows. A row without an answer gives none. No state.
///
/// Rows that the program dies over are found by asking about ever fewer at once; the one that is
/// left fails twice before it is rejected.
class CallProgram final : public Operator {
 public:
  /// `shown`: the columns that the program is given. `answers`: those that it adds; one of an input
  /// column's name takes its place.
  static OperatorPlanPtr Plan(std::string program, Duration timeout, std::vector<int> shown,
                              const Schema& answers, const Schema& input);

  CallProgram(ProgramRequest request, const Programs* programs, std::vector<int> shown,
              std::vector<int> passes, SchemaPtr output)
      : request_(std::move(request)),
        programs_(programs),
        shown_(std::move(shown)),
        passes_(std::move(passes)),
        output_(std::move(output)) {}
  Status OnBatch(const BatchPtr& batch, Output& out) override;

 private:
  /// What is being asked about.
  struct Question {
    const Batch& batch;
    BatchPtr shown;
    GoodRows good;
    Output& out;
  };
  Status AskAbout(Question& question, uint32_t begin, uint32_t end);
  Status AskAboutOne(Question& question, uint32_t row);
  Status Take(Question& question, uint32_t begin, ProgramAnswers answers);

  const ProgramRequest request_;
  const Programs* const programs_;
  const std::vector<int> shown_;
  const std::vector<int> passes_;  ///< Input column of each output column; -1: the program's.
  const SchemaPtr output_;
  std::unique_ptr<Program> program_;  ///< From the first row on.
};

}  // namespace weir
