#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "connectors/connector.h"
#include "connectors/opensearch/bulk.h"
#include "connectors/opensearch/connection.h"

namespace weir::opensearch {

/// Which change of an id counts among those of several epochs: the last one. The others are not
/// sent at all, so that of one call all ids differ: requests and retries of it need no order.
class NewestChanges {
 public:
  /// Reads all of them. The bytes of the ids are kept.
  Status Read(const std::vector<SealedEpoch>& epochs);
  /// Whether the change counts that is the `ordinal`-th of all (from 0).
  bool Counts(std::string_view id, uint64_t ordinal) const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, uint64_t, Hash, std::equal_to<>> newest_;
};

/// Writes the sealed changes of one lane into an index.
///
/// There is no transaction and no marker: a document's version is the time of the job's first start
/// in milliseconds plus its epoch, and the server keeps the greater one. So an epoch can be
/// published again by anybody, whole or the rest of it, and one that slept can take nothing back. A
/// job that is begun anew has greater versions from its first epoch on: epochs are never a
/// millisecond apart.
class Publisher final : public SinkPublisher {
 public:
  Publisher(ConnectionPtr connection, std::string index, EventTime job_started);

  Status Fence() override { return Status::Ok(); }
  Result<LaneMarker> ReadMarker() override { return LaneMarker{}; }
  Status WriteMarker(Epoch, const std::string&) override { return Status::Ok(); }
  /// Ends early with an error where nothing is taken for a while; what was taken then is sent again
  /// by the next call, to no effect.
  Status Publish(const std::vector<SealedEpoch>& epochs, const std::string& manifest_checksum,
                 bool orphaned) override;
  std::vector<RejectedRecord> TakeRejected() override;

 private:
  class Requests;

  Status Deliver(BulkRequest request);
  /// Sends it once; what is to be sent again is left in `request`.
  Status Offer(BulkRequest& request);
  Status Halve(const BulkRequest& request);
  void Refuse(const BulkRequest& request, const BulkRequest::Item& item, std::string reason);
  /// What worked before is not given up at once: a password may be being changed, or a policy.
  Status Soften(Status status) const;

  const ConnectionPtr connection_;
  const std::string index_;
  const EventTime job_started_;
  std::atomic<bool> written_{false};  ///< It has taken a document of this publisher.
  std::mutex mutex_;
  std::map<std::string, RejectedRecord> rejected_;  ///< By id: of a call all differ.
};

}  // namespace weir::opensearch
