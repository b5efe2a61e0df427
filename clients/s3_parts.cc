// Files too large for one request: S3's multipart uploads.

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/hex.h"
#include "clients/errors.h"
#include "clients/s3.h"
#include "clients/s3_call.h"

namespace weir {
namespace {

constexpr uint64_t kMostParts = 10'000;
constexpr uint64_t kMiB = 1 << 20;

/// Hexadecimal SHA-256 of a part of a file.
Result<std::string> HashOfPart(const std::string& path, uint64_t offset, uint64_t length) {
  using Context = std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)>;
  const Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  WEIR_CHECK(context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  std::string fault = fd < 0 ? std::strerror(errno) : "";
  std::string piece(256 << 10, '\0');
  while (length > 0 && fault.empty()) {
    const ssize_t got = ::pread(fd, piece.data(), std::min<uint64_t>(piece.size(), length),
                                static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fault = std::strerror(errno);
    if (got == 0) fault = "it is too short";
    if (got <= 0) break;
    WEIR_CHECK(EVP_DigestUpdate(context.get(), piece.data(), static_cast<size_t>(got)) == 1);
    offset += static_cast<uint64_t>(got);
    length -= static_cast<uint64_t>(got);
  }
  if (fd >= 0) ::close(fd);
  if (!fault.empty()) {
    return Status(errors::kServiceAway, "cannot read " + path + " to send it: " + fault);
  }
  std::string sum(32, '\0');
  WEIR_CHECK(EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(sum.data()),
                                nullptr) == 1);
  return Hex(sum);
}

}  // namespace

Status S3Client::PutParts(const std::string& key, const std::string& path, uint64_t size) {
  Call begin;
  begin.method = "POST";
  begin.key = key;
  begin.query = {{"uploads", ""}};
  Encrypt(begin.headers);
  const HttpResponse begun = WEIR_TRY(Send(begin));
  const std::string upload = WEIR_TRY(ReadUploadId(begun, WhatOf(begin)));
  const auto put = [&]() -> Status {
    return FinishParts(key, size, upload, WEIR_TRY(SendParts(key, path, size, upload)));
  };
  Status done = put();
  if (done.ok()) return done;
  // Parts of an upload that nobody ends are kept, and paid for. One try: the service may be away.
  Call abort;
  abort.method = "DELETE";
  abort.key = key;
  abort.query = {{"uploadId", upload}};
  if (const auto keys = credentials_.Get(); keys.ok()) (void)SendOnce(abort, *keys);
  return done;
}

Result<std::vector<std::string>> S3Client::SendParts(const std::string& key,
                                                     const std::string& path, uint64_t size,
                                                     const std::string& upload) {
  const uint64_t least = (size + kMostParts - 1) / kMostParts;
  const uint64_t part_bytes = std::max(options_.part_bytes, (least + kMiB - 1) / kMiB * kMiB);
  std::vector<std::string> tags;
  for (uint64_t offset = 0; offset < size; offset += part_bytes) {
    Call part;
    part.method = "PUT";
    part.key = key;
    part.query = {{"partNumber", std::to_string(tags.size() + 1)}, {"uploadId", upload}};
    part.body.path = path;
    part.body.offset = offset;
    part.body.length = std::min(part_bytes, size - offset);
    part.payload_hash = WEIR_TRY(HashOfPart(path, offset, part.body.length));
    const HttpResponse answer = WEIR_TRY(Send(part));
    tags.emplace_back(answer.Header("etag"));
  }
  return tags;
}

Status S3Client::FinishParts(const std::string& key, uint64_t size, const std::string& upload,
                             const std::vector<std::string>& part_tags) {
  const std::string body = CompletionOf(part_tags);
  const Duration begin = clock_.Monotonic();
  for (int tried = 1;; tried++) {
    Call finish;
    finish.method = "POST";
    finish.key = key;
    finish.query = {{"uploadId", upload}};
    finish.headers.emplace_back("Content-Type", "application/xml");
    finish.body.bytes = body;
    finish.missing_is_fine = true;
    const HttpResponse answer = WEIR_TRY(Send(finish));
    // S3 begins to answer before it is done: an error may come with status 200.
    if (answer.status == 200 && IsCompletion(answer)) return Status::Ok();
    const S3Fault fault = FaultOf(answer);
    if (answer.status == 404 || fault.code == "NoSuchUpload") {
      // Finished by an earlier try that nobody heard of: names are never used twice.
      const std::optional<uint64_t> there = WEIR_TRY(Head(key));
      if (there == size) return Status::Ok();
    }
    if (fault.code.empty()) {
      return Status(errors::kBadAnswer, WhatOf(finish) + ": it does not say that it is done",
                    "see that the endpoint is that of an S3 service");
    }
    const Status refusal = Refusal(WhatOf(finish), options_.bucket, answer.status, fault);
    if (!FaultMayPass(answer.status, fault)) return refusal;
    const AfterTry after =
        pauses_.Wait(options_.retry, tried, Duration{clock_.Monotonic().us - begin.us});
    if (after == AfterTry::kGiveUp) return refusal;
    if (after == AfterTry::kCancelled) {
      return Status(errors::kCallCancelled, WhatOf(finish) + ": given up");
    }
  }
}

}  // namespace weir
