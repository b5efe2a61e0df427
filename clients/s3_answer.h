#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "clients/aws_answer.h"
#include "clients/http.h"

namespace weir {

/// An object of a listing.
struct S3Object {
  std::string key;
  uint64_t size = 0;
  EventTime changed;
  std::string tag;  ///< Its ETag, as it stands in headers: with quotes.
};

/// A multipart upload that was begun and not ended.
struct S3Upload {
  std::string key;
  std::string id;
};

/// A part of an upload: numbers need not be without gaps, but grow.
struct S3Part {
  uint32_t number = 0;
  std::string tag;
};

/// What S3 says of a request that it did not do. Pure, as all of this page.
struct S3Fault : AwsFault {
  std::string region;  ///< Of the bucket, where the answer tells.
};
S3Fault FaultOf(const HttpResponse& response);

/// The error of an answer. `what`: `S3 PUT s3://bucket/key`. Of the answer it shows status, code
/// and message, none of which hold keys.
Status Refusal(const std::string& what, const std::string& bucket, int status,
               const S3Fault& fault);

/// The document `root` of an answer, read by one of these. Errors: kBadAnswer.
struct S3Listing {
  std::vector<S3Object> objects;
  std::string next;  ///< Token of the next page; empty: this is the last.
};
Result<S3Listing> ReadListing(const HttpResponse& response, const std::string& what);
struct S3Uploads {
  std::vector<S3Upload> uploads;
  std::string next_key;  ///< Where the next page begins, with the id; empty: this is the last.
  std::string next_id;
};
Result<S3Uploads> ReadUploads(const HttpResponse& response, const std::string& what);
Result<std::string> ReadUploadId(const HttpResponse& response, const std::string& what);
/// Ok where all keys of a deletion are gone; else the error of the first that is not.
Status ReadDeletion(const HttpResponse& response, const std::string& what,
                    const std::string& bucket);
bool IsCompletion(const HttpResponse& response);
/// Whether it says that an object was copied.
bool IsCopy(const HttpResponse& response);

/// Bodies of requests.
std::string DeletionOf(const std::vector<std::string>& keys);
std::string CompletionOf(const std::vector<S3Part>& parts);

}  // namespace weir
