#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "connectors/connector.h"
#include "connectors/kafka/marker_reader.h"
#include "connectors/kafka/transaction.h"

namespace weir::kafka {

/// Publishes the epochs of one lane, each call in one transaction, with the lane's marker in it.
///
/// One producer does for all of them while its connections stand (see Transaction). A fresh one
/// takes the lane's id anew, which would let a publisher that slept through its replacement take it
/// back; so the marker is read again then before anything is written, and must be the one this
/// publisher left there. Otherwise somebody else was here: kFenced.
class Publisher final : public SinkPublisher {
 public:
  Publisher(std::string instance, Transaction::Target target);

  Status Fence() override;
  Result<LaneMarker> ReadMarker() override;
  Status WriteMarker(Epoch epoch, const std::string& manifest_checksum) override;
  Status Publish(const std::vector<SealedEpoch>& epochs, const std::string& manifest_checksum,
                 bool orphaned) override;
  LaneMarker Standing() const override { return last_.value_or(LaneMarker{}); }
  Result<std::vector<RejectedRecord>> TakeRefused(std::vector<SealedEpoch>& epochs) override;
  void Prepare() override;

 private:
  /// A producer that has the lane and was not used.
  Result<std::unique_ptr<Transaction>> Connected() const;
  Status Ready();
  Status PublishOn(Transaction& transaction, const std::vector<SealedEpoch>& epochs,
                   const Marker& marker);
  /// Notes how the transaction that was ready ended.
  Status Settle(Status outcome, const Marker& marker);
  /// Lets go of the producer that has the lane, in the background.
  void Retire();

  const std::string instance_;
  Transaction::Target target_;
  std::unique_ptr<MarkerReader> reader_;  ///< Made when first needed.
  std::unique_ptr<Transaction> ready_;    ///< Has the lane, and may have committed before.
  std::unique_ptr<Transaction> next_;     ///< Is only connected.
  bool fenced_ = false;                   ///< Fence was called, and nothing failed since.
  std::optional<LaneMarker> last_;        ///< The marker as this publisher last saw or left it.
  /// Takes down the producer that committed last, which can last a second.
  std::jthread retiring_;
};

}  // namespace weir::kafka
