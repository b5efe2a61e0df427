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

Result<std::string> S3Client::BeginUpload(const std::string& key) {
  Call begin;
  begin.method = "POST";
  begin.key = key;
  begin.query = {{"uploads", ""}};
  Encrypt(begin.headers);
  const HttpResponse begun = WEIR_TRY(Send(begin));
  return ReadUploadId(begun, WhatOf(begin));
}

Result<std::optional<S3Part>> S3Client::PutPart(const std::string& key, const std::string& upload,
                                                uint32_t number, std::string_view bytes) {
  Call part;
  part.method = "PUT";
  part.key = key;
  part.query = {{"partNumber", std::to_string(number)}, {"uploadId", upload}};
  part.body.bytes = bytes;
  part.missing_is_fine = true;
  const HttpResponse answer = WEIR_TRY(Send(part));
  if (answer.status == 404) return std::optional<S3Part>();
  return std::optional(S3Part{number, std::string(answer.Header("etag"))});
}

Status S3Client::EndUpload(const std::string& key, const std::string& upload) {
  Call abort;
  abort.method = "DELETE";
  abort.key = key;
  abort.query = {{"uploadId", upload}};
  abort.missing_is_fine = true;
  (void)WEIR_TRY(Send(abort));
  return Status::Ok();
}

Result<std::vector<S3Upload>> S3Client::ListUploads(const std::string& prefix) {
  std::vector<S3Upload> uploads;
  S3Uploads page;
  do {
    Call call;
    call.method = "GET";
    call.query = {{"uploads", ""}, {"prefix", prefix}};
    if (!page.next_key.empty()) {
      call.query.emplace_back("key-marker", page.next_key);
      call.query.emplace_back("upload-id-marker", page.next_id);
    }
    const HttpResponse answer = WEIR_TRY(Send(call));
    S3Uploads next = WEIR_TRY(ReadUploads(answer, WhatOf(call) + prefix));
    if (!page.next_key.empty() && next.next_key == page.next_key && next.next_id == page.next_id) {
      return Status(errors::kBadAnswer, WhatOf(call) + prefix + ": the listing does not end",
                    "see that the endpoint is that of an S3 service");
    }
    page = std::move(next);
    uploads.insert(uploads.end(), page.uploads.begin(), page.uploads.end());
  } while (!page.next_key.empty());
  return uploads;
}

Status S3Client::PutParts(const std::string& key, const std::string& path, uint64_t size) {
  const std::string upload = WEIR_TRY(BeginUpload(key));
  const auto put = [&]() -> Status {
    const std::vector<S3Part> parts = WEIR_TRY(SendParts(key, path, size, upload));
    if (WEIR_TRY(FinishUpload(key, upload, parts))) return Status::Ok();
    // Finished by an earlier try that nobody heard of: names are never used twice.
    if (WEIR_TRY(Head(key)) == size) return Status::Ok();
    return Status(errors::kServiceRefused, "S3 " + NameOf(key) + ": its upload is gone",
                  "see who ends uploads in the bucket '" + options_.bucket + "'");
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

Result<std::vector<S3Part>> S3Client::SendParts(const std::string& key, const std::string& path,
                                                uint64_t size, const std::string& upload) {
  const uint64_t least = (size + kMostParts - 1) / kMostParts;
  const uint64_t part_bytes = std::max(options_.part_bytes, (least + kMiB - 1) / kMiB * kMiB);
  std::vector<S3Part> parts;
  for (uint64_t offset = 0; offset < size; offset += part_bytes) {
    Call part;
    part.method = "PUT";
    part.key = key;
    const auto number = static_cast<uint32_t>(parts.size() + 1);
    part.query = {{"partNumber", std::to_string(number)}, {"uploadId", upload}};
    part.body.path = path;
    part.body.offset = offset;
    part.body.length = std::min(part_bytes, size - offset);
    part.payload_hash = WEIR_TRY(HashOfPart(path, offset, part.body.length));
    const HttpResponse answer = WEIR_TRY(Send(part));
    parts.push_back({number, std::string(answer.Header("etag"))});
  }
  return parts;
}

Result<bool> S3Client::FinishUpload(const std::string& key, const std::string& upload,
                                    const std::vector<S3Part>& parts) {
  const std::string body = CompletionOf(parts);
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
    if (answer.status == 200 && IsCompletion(answer)) return true;
    const S3Fault fault = FaultOf(answer);
    if (answer.status == 404 || fault.code == "NoSuchUpload") return false;
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
