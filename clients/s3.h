#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "clients/aws_credentials.h"
#include "clients/http.h"
#include "clients/retry.h"
#include "clients/s3_answer.h"
#include "clients/sigv4.h"

namespace weir {

/// How S3 encrypts what it keeps. kDefault: as the bucket says.
enum class S3Encryption { kDefault, kAes256, kKms };

struct S3Options {
  std::string bucket;
  std::string endpoint;     ///< `https://host:port`; empty: Amazon's of the region.
  std::string region;       ///< Needed.
  bool path_style = false;  ///< The bucket in the path, not in the host's name.
  S3Encryption encryption = S3Encryption::kDefault;
  std::string kms_key;  ///< With kKms; empty: the account's own key for S3.
  HttpOptions http;
  RetryPolicy retry;
  /// Files above `whole_bytes` are sent in parts of `part_bytes` (more, where 10,000 of them would
  /// not do). S3 takes no parts under 5 MiB.
  uint64_t whole_bytes = 32 << 20;
  uint64_t part_bytes = 16 << 20;
};

/// What became of a PUT that was to create an object.
enum class S3Created { kCreated, kExists };

/// The objects of one bucket, over S3's HTTP interface, each request signed (Signature Version 4)
/// with the SHA-256 of what it sends. Thread safe; a call blocks until it is done or given up.
///
/// What may pass (no answer, 5xx, 429, SlowDown, a conflict) is tried again with growing pauses,
/// for RetryPolicy::bound at most; then it is an error of kind kRetry, and whether the service did
/// what was asked is unknown. Errors name bucket, key, status and S3's own code; they never hold
/// keys.
class S3Client {
 public:
  using Sink = std::function<Status(std::string_view piece)>;

  /// `credentials` are asked now, for each request, and for others whenever the service says that
  /// the keys have ended. They and `clock` outlive the client. Nothing is sent yet.
  static Result<std::unique_ptr<S3Client>> Make(S3Options options,
                                                AwsCredentialProvider& credentials,
                                                const Clock& clock);

  /// An object with these bytes, whatever was there.
  Status Put(const std::string& key, std::string_view bytes);
  /// The same where there is none of that name (If-None-Match: *). kExists may also mean that this
  /// very call has created it and did not hear of it: look at what is there.
  Result<S3Created> Create(const std::string& key, std::string_view bytes);
  /// An object from a local file of `size` bytes that nobody changes meanwhile. `sha256`: of all of
  /// it, 32 bytes.
  Status PutFile(const std::string& key, const std::string& path, uint64_t size,
                 const std::string& sha256);
  /// The bytes of an object that nobody changes, from `offset` on, `length` at most (0: all), piece
  /// by piece and each once: where a connection breaks, it is taken up again. False where there is
  /// no such object. An error of `sink` ends it and is returned.
  Result<bool> Get(const std::string& key, const Sink& sink, uint64_t offset = 0,
                   uint64_t length = 0);
  /// A piece of an object that may be changed: none where it is gone or has another tag by now.
  Result<std::optional<std::string>> GetPiece(const std::string& key, const std::string& tag,
                                              uint64_t offset, uint64_t length);
  /// Its size; none where there is no such object.
  Result<std::optional<uint64_t>> Head(const std::string& key);
  /// Has the service copy an object that nobody changes; none of its bytes come here. Above what
  /// the service copies with one request (5 GiB at Amazon's) it refuses.
  Status Copy(const std::string& from, const std::string& to);
  /// Removes objects, a thousand with one request; those that are not there are no error.
  Status Delete(const std::vector<std::string>& keys);
  /// All objects whose keys begin with `prefix`, in the order of their keys.
  Result<std::vector<S3Object>> List(const std::string& prefix);
  /// The same page by page, as they come (a thousand at most). An error of `page` ends it and is
  /// returned.
  Status ListPages(const std::string& prefix,
                   const std::function<Status(std::vector<S3Object> page)>& page);

  /// Uploads in parts, where what is put together comes piece by piece. All parts but the last have
  /// 5 MiB or more. Nobody sees anything of them before they are finished.
  Result<std::string> BeginUpload(const std::string& key);
  /// Whatever that part was before; none where there is no such upload.
  Result<std::optional<S3Part>> PutPart(const std::string& key, const std::string& upload,
                                        uint32_t number, std::string_view bytes);
  /// Makes the parts an object. False where there is no such upload: it was finished or ended.
  Result<bool> FinishUpload(const std::string& key, const std::string& upload,
                            const std::vector<S3Part>& parts);
  /// Ends an upload and forgets its parts; one that is not there is no error.
  Status EndUpload(const std::string& key, const std::string& upload);
  /// Uploads that were begun and not ended, of keys that begin with `prefix`.
  Result<std::vector<S3Upload>> ListUploads(const std::string& prefix);

  /// Ends what is under way with kCallCancelled, and all later calls.
  void Cancel();
  /// Requests sent so far, each try for itself.
  uint64_t requests() const { return requests_; }
  /// `s3://bucket/key`, for messages.
  std::string NameOf(const std::string& key) const;

 private:
  struct Call;
  S3Client(S3Options options, AwsCredentialProvider& credentials, const Clock& clock);
  Status Prepare();
  Result<HttpResponse> Send(Call& call);
  Result<HttpResponse> SendOnce(const Call& call, const AwsCredentials& keys);
  std::string WhatOf(const Call& call) const;
  void Encrypt(HttpHeaders& headers) const;
  Status PutParts(const std::string& key, const std::string& path, uint64_t size);
  Result<std::vector<S3Part>> SendParts(const std::string& key, const std::string& path,
                                        uint64_t size, const std::string& upload);

  const S3Options options_;
  AwsCredentialProvider& credentials_;
  const Clock& clock_;
  HttpClient http_;
  std::string base_url_;   ///< Scheme and host.
  std::string host_;       ///< As the header says it.
  std::string base_path_;  ///< What comes before a key: `/` or `/bucket/`.
  std::atomic<uint64_t> requests_{0};
  RetryPauses pauses_;
};

}  // namespace weir
