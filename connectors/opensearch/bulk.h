#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "clients/http.h"
#include "connectors/opensearch/outbox.h"

/// Requests that write documents, and what is read out of their answers. Pure.
/// https://docs.opensearch.org/latest/api-reference/document-apis/bulk/
namespace weir::opensearch {

/// A request under way: one line or two for each change.
struct BulkRequest {
  struct Item {
    size_t begin = 0;  ///< Of its lines in the body.
    size_t end = 0;
    std::string id;
    bool deletes = false;
  };
  std::string body;
  std::vector<Item> items;
};

/// Adds `change`. The document's version is set from outside, and an older one never takes the
/// place of a newer: the same change may be sent any number of times.
void AppendItem(BulkRequest& request, const Change& change, int64_t version);
/// Adds an item of another request as it is there.
void AppendItem(BulkRequest& request, const BulkRequest& from, const BulkRequest::Item& item);
/// The document of an item; none where it is deleted.
std::optional<std::string> DocumentOf(const BulkRequest& request, const BulkRequest::Item& item);

/// What became of one item.
struct ItemVerdict {
  enum class Outcome {
    kDone,     ///< It counts, or a newer one was there already (protocol rule 24).
    kAgain,    ///< It may be taken later.
    kBlocked,  ///< The index takes no writes until somebody does something.
    kDenied,   ///< A right is missing.
    kRefused,  ///< This document will never be taken.
  };
  Outcome outcome = Outcome::kDone;
  std::string reason;  ///< The server's own words; empty where it is done.
  bool operator==(const ItemVerdict&) const = default;
};

/// One verdict for each item of `request`, in their order, from the body of an answer with status
/// 200. Errors: kBadAnswer, for one that is none or of another number of items; nothing is known
/// then, and all may be sent again.
Result<std::vector<ItemVerdict>> JudgeItems(std::string_view body, const BulkRequest& request);

/// What an answer as a whole says. Ok for 2xx; otherwise kSearchLogin (401), kSearchForbidden
/// (403), kIndexBlocked, kSearchBusy (429, 5xx and the like) or kSearchRefused, with the server's
/// own words. `what` begins the message.
Status JudgeAnswer(const HttpResponse& answer, const std::string& what);

/// The server's own words of an error; cut where they are long.
std::string ReasonOf(std::string_view body);

}  // namespace weir::opensearch
