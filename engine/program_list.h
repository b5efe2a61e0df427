#pragma once

#include <map>
#include <string>

#include "engine/child_process.h"
#include "operators/program.h"

namespace weir {

/// The programs of a process's own file, by name.
///
/// What is said to them and by them: a batch is a line of JSON for each row, with its columns and
/// `_row`, its number from 0, and then an empty line. The answer is any number of lines of JSON for
/// each row, each with the `_row` that it is for and the columns that the job declares, and then an
/// empty line. `_row` may be left out where there is one answer to each row, in order. A program is
/// first asked about a batch of no rows.
class ProgramList final : public Programs {
 public:
  explicit ProgramList(std::map<std::string, ProgramSpec> programs)
      : programs_(std::move(programs)) {}
  Result<std::unique_ptr<Program>> Open(const ProgramRequest& request) const override;

 private:
  const std::map<std::string, ProgramSpec> programs_;
};

/// How often programs of this process were started anew because they had failed, by name.
std::map<std::string, uint64_t> ProgramRestarts();

}  // namespace weir
