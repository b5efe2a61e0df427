#include "state/store_identity.h"

#include <algorithm>
#include <cctype>
#include <memory>

#include "base/ids.h"
#include "state/directory_blobs.h"
#include "state/errors.h"
#include "state/s3_blobs.h"

namespace weir {
namespace {

constexpr std::string_view kRecord = ".weir-store";
constexpr uint64_t kMostBytes = 256;

Result<std::unique_ptr<BlobStore>> RootOf(const StoreLocation& location) {
  std::unique_ptr<BlobStore> root;
  if (location.is_s3()) {
    root = WEIR_TRY(S3Blobs::Make(location, location.prefix(), ""));
  } else {
    root = std::make_unique<DirectoryBlobs>(location.path());
  }
  return root;
}

}  // namespace

Result<std::string> IdentifyStore(const StoreLocation& location) {
  const std::unique_ptr<BlobStore> root = WEIR_TRY(RootOf(location));
  const std::string name(kRecord);
  std::optional<std::string> record = WEIR_TRY(root->Read(name, kMostBytes));
  if (!record) {
    // Whoever comes second reads what the first has written.
    (void)WEIR_TRY(root->Create(name, RandomId() + "\n"));
    record = WEIR_TRY(root->Read(name, kMostBytes));
  }
  const bool right = record && record->size() > 1 && record->ends_with('\n') &&
                     std::all_of(record->begin(), record->end() - 1,
                                 [](unsigned char c) { return std::isalnum(c) != 0; });
  if (!right) {
    return Status(errors::kStoreIdentity,
                  root->NameOf(name) + " does not hold the id that it was made with",
                  "bring it back from a copy of the store");
  }
  record->pop_back();
  return *std::move(record);
}

}  // namespace weir
