#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "batch/batch.h"
#include "batch/rejection.h"
#include "expr/expression.h"
#include "operators/program.h"
#include "state/tables.h"

namespace weir {

/// What became of a node's input rows in one epoch (protocol rule 30). Units are input rows of the
/// node; a partial aggregate's row weighs as many as it stands for.
///   in = passed + filtered + rejected + late + absorbed + expanded + empty
///   held before + absorbed = held after + released
///   out = passed + made
struct RowCounts {
  int64_t in = 0;
  int64_t passed = 0;
  int64_t filtered = 0;
  int64_t rejected = 0;
  int64_t late = 0;
  int64_t absorbed = 0;
  int64_t released = 0;
  int64_t expanded = 0;
  int64_t empty = 0;
  int64_t made = 0;
  int64_t out = 0;

  RowCounts& operator+=(const RowCounts& other);
  friend bool operator==(const RowCounts&, const RowCounts&) = default;
};

/// Column (int64) of a partial aggregate's output: how many input rows each of its rows stands for.
/// The chain counts its sum as the owner's `in`.
inline constexpr std::string_view kWeightColumn = "$weight";

/// Where an operator's rows go. Owned by the chain; valid during the call it is given to.
class Output {
 public:
  virtual ~Output() = default;
  /// Rows that go on. `out` is counted by the chain.
  virtual Status Emit(BatchPtr batch) = 0;
  /// Rows of `batch` the operator could not take: the node's `on_error` decides. `rejected` is
  /// counted by the chain. An error ends the task (`on_error: fail`).
  virtual Status Reject(const Batch& batch, std::vector<Rejection> rejections) = 0;
};

/// One step's work in one task, between its input and its output. Never shared between threads;
/// never sees barriers. Its constructor opens its tables.
class Operator {
 public:
  virtual ~Operator() = default;

  /// Takes rows; those that go on now leave through `out`, in order.
  virtual Status OnBatch(const BatchPtr& batch, Output& out) = 0;

  /// No more rows with time <= `watermark` will come, except late ones. What this closes leaves
  /// through `out` first; the result is the watermark to pass on (the same, or lower). Called with
  /// rising values only; EventTime::Max() is the end of a bounded input.
  virtual Result<EventTime> OnWatermark(EventTime watermark, Output& out) {
    (void)out;
    return watermark;
  }

  /// Sends on what is held back only for speed (partial aggregates). The chain calls it before each
  /// watermark and barrier it passes on, and when `FlushWanted`.
  virtual Status Flush(Output& out) {
    (void)out;
    return Status::Ok();
  }
  virtual bool FlushWanted() const { return false; }

  /// Everything since the last call except `in`, `out` and `rejected`, which the chain counts.
  RowCounts TakeCounts() { return std::exchange(counts_, {}); }
  /// Rows held in state now (weight), 0 for operators without state.
  virtual int64_t Held() const { return 0; }

 protected:
  RowCounts counts_;
};

/// What an operator is made with in a task.
struct OperatorContext {
  TableOpener& state;
  const Clock& clock;
  const Programs* programs = nullptr;            ///< Null: none may be called.
  const std::atomic<bool>* cancelled = nullptr;  ///< The task is to end at once.
};

/// An operator as planned: what it needs and gives, and how to make it. Immutable, shared by tasks.
struct OperatorPlan {
  std::string kind;    ///< "where", "window", … for explain.
  std::string detail;  ///< One line for explain.
  SchemaPtr output;
  /// Exchange: rows with equal values of these (over the input's schema) must meet in one task.
  /// Only meaningful where `needs_exchange`; none then means that all rows meet in one task.
  bool needs_exchange = false;
  std::vector<ExpressionPtr> keys;
  /// Formed before the exchange, where the operator allows it (rule 29): its output is then this
  /// operator's input. The plan's `make` must expect that. Null: none. `partial->keys` are the
  /// exchange's keys over the partial's output.
  std::shared_ptr<const OperatorPlan> partial;
  /// Columns of the input it reads to do its work, for projection; sorted. Columns it only hands on
  /// are in `passes`.
  std::vector<int> reads;
  /// For each column of `output`: the input column that it is, handed on as it came, or -1 where
  /// the operator makes it. Empty where no column is handed on.
  std::vector<int> passes;
  bool needs_times = false;
  bool needs_origins = false;
  bool stateful = false;
  /// A name of the shape of its state: equal text means that old state can be read (`weir run` on a
  /// changed job). Empty where it has none.
  std::string state_shape;
  std::function<std::unique_ptr<Operator>(OperatorContext& context)> make;
};

using OperatorPlanPtr = std::shared_ptr<const OperatorPlan>;

}  // namespace weir
