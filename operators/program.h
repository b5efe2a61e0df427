#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "batch/batch.h"
#include "batch/rejection.h"

namespace weir {

/// What a step wants of a program.
struct ProgramRequest {
  std::string program;  ///< Its name in the process's list.
  SchemaPtr rows;       ///< What it is given.
  SchemaPtr answers;    ///< What each answer holds.
  Duration timeout;     ///< For the answers to what it was given at once.
  /// Where the task sees that it is to end; may be null. Outlives the program.
  const std::atomic<bool>* cancelled = nullptr;
};

/// What a program said to some rows.
struct ProgramAnswers {
  uint32_t end = 0;                   ///< The first row that it was not asked about.
  std::vector<uint32_t> rows;         ///< Whose answer each one is, ascending.
  BatchPtr answers;                   ///< As many, in that order; no times and no origins.
  std::vector<Rejection> rejections;  ///< Rows with an answer that cannot be read; none of `rows`.
};

/// A program of the user's own, running for one task. Not thread safe.
class Program {
 public:
  virtual ~Program() = default;
  /// Asks about the rows from `begin` on, up to `end`, or fewer where they are many. Blocks.
  /// kProgramFailed where it died, was too slow or made no sense: it is started anew with the next
  /// question, so these rows may be asked again. kProgramBroken where it does not even start.
  virtual Result<ProgramAnswers> Ask(const Batch& batch, uint32_t begin, uint32_t end) = 0;
};

/// The programs that a process lets its jobs call. Thread safe.
class Programs {
 public:
  virtual ~Programs() = default;
  /// Nothing is started yet. kNoSuchProgram where it is not in the list.
  virtual Result<std::unique_ptr<Program>> Open(const ProgramRequest& request) const = 0;
};

}  // namespace weir
