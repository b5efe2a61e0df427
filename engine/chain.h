#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/coordinator.h"
#include "engine/exchange.h"
#include "engine/plan.h"

namespace weir {

/// Makes the dead letter of something a node would not take; given by the engine so that the chain
/// needs to know no format.
struct DeadLetters {
  std::function<BatchPtr(const std::string& node, const Batch& rows,
                         const std::vector<Rejection>& rejections)>
      of_rows;
  std::function<BatchPtr(const std::string& node, const std::vector<RejectedRecord>& records)>
      of_records;
};

/// The nodes of one task: its operators and sinks, and how rows, watermarks and barriers pass
/// through them. One thread. Keeps the task's part of the ledger.
class Chain {
 public:
  /// A place where something comes in from outside of the chain: an input channel of a node.
  struct Inlet {
    size_t node = 0;      ///< Place in the chain.
    size_t input = 0;     ///< Watermark input of the node.
    std::string channel;  ///< Name in the ledger.
  };

  /// `plan`, `context` and `letters` outlive the chain. `upstream` is for each exchange into this
  /// fragment the number of tasks at its other end; inlets are numbered exchange by exchange, task
  /// by task. Writers are in the order of the fragment's sink nodes.
  Chain(const JobPlan& plan, const FragmentPlan& fragment, OperatorContext& context,
        const DeadLetters& letters, std::vector<std::unique_ptr<SinkWriter>> writers,
        std::vector<std::unique_ptr<ExchangeSender>> senders,
        const std::vector<std::pair<const ExchangePlan*, uint32_t>>& upstream, uint32_t task);
  ~Chain();

  const std::vector<Inlet>& inlets() const { return inlets_; }

  /// Rows of an inlet.
  Status OnRows(size_t inlet, const BatchPtr& batch);
  Status OnWatermark(size_t inlet, const Watermark& watermark);
  /// Rows, bad records and time of the chain's source, its first node.
  struct SourceRows {
    int64_t records = 0;  ///< Read: rows and rejected ones.
    BatchPtr batch;       ///< Rows that go on, may be null.
    std::vector<RejectedRecord> bad_records;
    BatchPtr polled;                  ///< What `bad_rows` are rows of.
    std::vector<Rejection> bad_rows;  ///< Decoded, but with no event time they could have.
  };
  Status OnSourceRows(const SourceRows& rows);
  Status OnSourceWatermark(const Watermark& watermark);

  /// Sends on what operators hold back only for speed: before a barrier, or after a while.
  Status Flush();
  Status FlushWhereWanted();
  /// Seals every sink's outbox and sends the barrier on.
  Status Seal(const Barrier& barrier);
  Status SendBarrier(const Barrier& barrier);

  /// Adds what was counted since the last call, and what is held now, to `ack`.
  void TakeCounts(TaskAck& ack);
  /// Outboxes sealed by Seal, one entry for each sink that wrote or keeps something.
  std::vector<std::pair<std::string, SealedPart>> TakeSealed() { return std::move(sealed_); }

  /// Bytes in the open epoch's outboxes.
  size_t PendingBytes() const;
  /// How long it has waited for room in exchanges, in all.
  Duration waited() const;
  /// The receiver of some exchange is gone: the attempt is being ended.
  bool cut_off() const { return cut_off_; }
  /// Rows that its sinks have taken since it began, dead letters left out.
  int64_t rows_out() const { return rows_out_; }

 private:
  struct Link;
  class NodeOutput;

  size_t Local(int node) const;
  EvalContext Now() const;
  Status Deliver(size_t link, const BatchPtr& batch);
  Status DeliverToSink(Link& link, const BatchPtr& batch);
  Status Forward(Link& link, const BatchPtr& batch);
  Status Advance(size_t link, size_t input, const Watermark& watermark);
  Status PassOn(Link& link, const Watermark& watermark);
  Status RejectRows(Link& link, const Batch& batch, const std::vector<Rejection>& rejections);
  Status ToDeadLetters(Link& link, BatchPtr letters);

  const JobPlan& plan_;
  const FragmentPlan& fragment_;
  OperatorContext& context_;
  const DeadLetters& letters_;
  std::vector<std::unique_ptr<Link>> links_;
  std::vector<std::unique_ptr<ExchangeSender>> senders_;
  std::vector<Inlet> inlets_;
  std::vector<int64_t> received_;
  std::vector<std::pair<std::string, SealedPart>> sealed_;
  bool cut_off_ = false;
  int64_t rows_out_ = 0;
};

}  // namespace weir
