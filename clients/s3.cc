#include "clients/s3.h"

#include <algorithm>

#include "base/base64.h"
#include "base/hex.h"
#include "clients/aws_endpoint.h"
#include "clients/errors.h"
#include "clients/http_address.h"
#include "clients/s3_call.h"

namespace weir {
namespace {

constexpr size_t kMostDeletes = 1'000;
/// The most of an answer that is not an object: a page of a listing.
constexpr uint64_t kMostAnswerBytes = 16 << 20;

}  // namespace

S3Client::S3Client(S3Options options, AwsCredentialProvider& credentials, const Clock& clock)
    : options_(std::move(options)),
      credentials_(credentials),
      clock_(clock),
      http_(options_.http) {}

Result<std::unique_ptr<S3Client>> S3Client::Make(S3Options options,
                                                 AwsCredentialProvider& credentials,
                                                 const Clock& clock) {
  std::unique_ptr<S3Client> client(new S3Client(std::move(options), credentials, clock));
  WEIR_TRY(client->Prepare());
  return client;
}

Status S3Client::Prepare() {
  if (options_.region.empty()) {
    return Status(errors::kBadServiceOption,
                  "nobody says which region the bucket '" + options_.bucket + "' is in",
                  "set region, or AWS_REGION");
  }
  const std::optional<HttpAddress> address = ParseHttpAddress(
      options_.endpoint.empty() ? "https://s3." + options_.region + "." + AwsDomain(options_.region)
                                : options_.endpoint);
  if (!address || !address->path.empty()) {
    return Status(errors::kBadServiceOption,
                  "'" + options_.endpoint + "' is no address of an S3 service",
                  "write endpoint: https://HOST or https://HOST:PORT");
  }
  // A certificate for *.s3.REGION.amazonaws.com knows no bucket with a dot in its name.
  const bool in_path = options_.path_style || options_.bucket.find('.') != std::string::npos;
  host_ = in_path ? address->host : options_.bucket + "." + address->host;
  base_path_ = in_path ? "/" + options_.bucket + "/" : "/";
  base_url_ = address->scheme() + host_;
  (void)WEIR_TRY(credentials_.Get());
  return Status::Ok();
}

std::string S3Client::NameOf(const std::string& key) const {
  return "s3://" + options_.bucket + "/" + key;
}

std::string S3Client::WhatOf(const Call& call) const {
  return "S3 " + call.method + " " + NameOf(call.key);
}

void S3Client::Cancel() {
  http_.Cancel();
  pauses_.Cancel();
}

void S3Client::Encrypt(HttpHeaders& headers) const {
  if (options_.encryption == S3Encryption::kDefault) return;
  const bool kms = options_.encryption == S3Encryption::kKms;
  headers.emplace_back("x-amz-server-side-encryption", kms ? "aws:kms" : "AES256");
  if (kms && !options_.kms_key.empty()) {
    headers.emplace_back("x-amz-server-side-encryption-aws-kms-key-id", options_.kms_key);
  }
}

Result<HttpResponse> S3Client::SendOnce(const Call& call, const AwsCredentials& keys) {
  const EventTime now = clock_.Now();
  SigV4Request signing;
  signing.method = call.method;
  signing.path = base_path_ + call.key;
  signing.query = call.query;
  signing.payload_hash =
      call.payload_hash.empty() ? Hex(Sha256Of(call.body.bytes)) : call.payload_hash;
  signing.headers = call.headers;
  signing.headers.emplace_back("Host", host_);
  signing.headers.emplace_back("x-amz-content-sha256", signing.payload_hash);
  signing.headers.emplace_back("x-amz-date", AmzDate(now));
  if (!keys.session_token.empty()) {
    signing.headers.emplace_back("x-amz-security-token", keys.session_token);
  }
  HttpRequest request;
  request.method = call.method;
  request.url = base_url_ + UriEncode(signing.path, /*path=*/true);
  if (!call.query.empty()) request.url += "?" + QueryText(call.query);
  request.headers = signing.headers;
  request.headers.emplace_back("Authorization",
                               SignV4(signing, {options_.region, "s3", now}, keys).authorization);
  request.body = call.body;
  request.sink = call.sink;
  request.body_limit_bytes = kMostAnswerBytes;
  requests_++;
  return http_.Send(request);
}

/// The answer to a call: one with status 2xx, or another that is fine with it.
Result<HttpResponse> S3Client::Send(Call& call) {
  Duration begin = clock_.Monotonic();
  uint64_t taken_before = 0;
  bool keys_sought = false;
  for (int tried = 1;; tried++) {
    if (call.before) call.before(call);
    const AwsCredentials keys = WEIR_TRY(credentials_.Get());
    Result<HttpResponse> answer = SendOnce(call, keys);
    if (!call.sink_failure.ok()) return call.sink_failure;
    Status error;
    if (answer.ok()) {
      const int status = answer->status;
      if (status / 100 == 2 || (status == 412 && call.taken_is_fine)) return answer;
      const S3Fault fault = FaultOf(*answer);
      if (status == 404 && call.missing_is_fine && fault.code != "NoSuchBucket") return answer;
      if (KeysHaveEnded(fault) && !std::exchange(keys_sought, true) &&
          WEIR_TRY(credentials_.GetOther(keys)) != keys) {
        continue;
      }
      error = Refusal(WhatOf(call), options_.bucket, status, fault);
    } else {
      error = std::move(answer).status().WithContext(WhatOf(call));
    }
    if (error.kind() != ErrorKind::kRetry || error.Is(errors::kCallCancelled)) return error;
    if (call.taken_bytes > taken_before) {
      // Bytes come: the bound is for standing still.
      taken_before = call.taken_bytes;
      begin = clock_.Monotonic();
      tried = 1;
    }
    const AfterTry after =
        pauses_.Wait(options_.retry, tried, Duration{clock_.Monotonic().us - begin.us});
    if (after == AfterTry::kGiveUp) return error;
    if (after == AfterTry::kCancelled) {
      return Status(errors::kCallCancelled, WhatOf(call) + ": given up");
    }
  }
}

Status S3Client::Put(const std::string& key, std::string_view bytes) {
  Call call;
  call.method = "PUT";
  call.key = key;
  call.body.bytes = bytes;
  call.headers.emplace_back("x-amz-checksum-sha256", Base64(Sha256Of(bytes)));
  Encrypt(call.headers);
  (void)WEIR_TRY(Send(call));
  return Status::Ok();
}

Result<S3Created> S3Client::Create(const std::string& key, std::string_view bytes) {
  Call call;
  call.method = "PUT";
  call.key = key;
  call.body.bytes = bytes;
  call.taken_is_fine = true;
  call.headers.emplace_back("If-None-Match", "*");
  call.headers.emplace_back("x-amz-checksum-sha256", Base64(Sha256Of(bytes)));
  Encrypt(call.headers);
  const HttpResponse answer = WEIR_TRY(Send(call));
  return answer.status == 412 ? S3Created::kExists : S3Created::kCreated;
}

Status S3Client::PutFile(const std::string& key, const std::string& path, uint64_t size,
                         const std::string& sha256) {
  if (size > options_.whole_bytes) return PutParts(key, path, size);
  Call call;
  call.method = "PUT";
  call.key = key;
  call.body.path = path;
  call.body.length = size;
  call.payload_hash = Hex(sha256);
  call.headers.emplace_back("x-amz-checksum-sha256", Base64(sha256));
  Encrypt(call.headers);
  (void)WEIR_TRY(Send(call));
  return Status::Ok();
}

Result<bool> S3Client::Get(const std::string& key, const Sink& sink, uint64_t offset,
                           uint64_t length) {
  Call call;
  call.method = "GET";
  call.key = key;
  call.missing_is_fine = true;
  call.sink = [&](std::string_view piece) {
    call.taken_bytes += piece.size();
    call.sink_failure = sink(piece);
    return call.sink_failure;
  };
  bool part = false;
  call.before = [&](Call& next) {
    const uint64_t from = offset + next.taken_bytes;
    next.headers.clear();
    part = from > 0 || length > 0;
    if (!part) return;
    next.headers.emplace_back(
        "Range", "bytes=" + std::to_string(from) + "-" +
                     (length > 0 ? std::to_string(offset + length - 1) : std::string()));
  };
  const HttpResponse answer = WEIR_TRY(Send(call));
  if (answer.status == 404) return false;
  if (part && answer.status != 206) {
    return Status(errors::kBadAnswer, WhatOf(call) + ": a part was asked for, and all of it came",
                  "see that the endpoint is that of an S3 service");
  }
  return true;
}

Result<std::optional<std::string>> S3Client::GetPiece(const std::string& key,
                                                      const std::string& tag, uint64_t offset,
                                                      uint64_t length) {
  std::string bytes;
  Call call;
  call.method = "GET";
  call.key = key;
  call.missing_is_fine = true;
  call.taken_is_fine = true;
  call.headers.emplace_back("If-Match", tag);
  call.headers.emplace_back(
      "Range", "bytes=" + std::to_string(offset) + "-" + std::to_string(offset + length - 1));
  call.before = [&bytes](Call&) { bytes.clear(); };
  call.sink = [&bytes](std::string_view piece) {
    bytes += piece;
    return Status::Ok();
  };
  const HttpResponse answer = WEIR_TRY(Send(call));
  if (answer.status == 404 || answer.status == 412) return std::optional<std::string>();
  if (answer.status != 206 || bytes.size() != length) {
    return Status(errors::kBadAnswer, WhatOf(call) + ": a part was asked for, and another came",
                  "see that the endpoint is that of an S3 service");
  }
  return std::optional(std::move(bytes));
}

Result<std::optional<uint64_t>> S3Client::Head(const std::string& key) {
  Call call;
  call.method = "HEAD";
  call.key = key;
  call.missing_is_fine = true;
  const HttpResponse answer = WEIR_TRY(Send(call));
  if (answer.status == 404) return std::optional<uint64_t>();
  return std::optional<uint64_t>(
      std::strtoull(std::string(answer.Header("content-length")).c_str(), nullptr, 10));
}

Status S3Client::Copy(const std::string& from, const std::string& to) {
  const Duration begin = clock_.Monotonic();
  for (int tried = 1;; tried++) {
    Call call;
    call.method = "PUT";
    call.key = to;
    call.headers.emplace_back("x-amz-copy-source",
                              UriEncode("/" + options_.bucket + "/" + from, /*path=*/true));
    Encrypt(call.headers);
    const HttpResponse answer = WEIR_TRY(Send(call));
    // As where parts are put together, an error may come with status 200.
    if (IsCopy(answer)) return Status::Ok();
    const S3Fault fault = FaultOf(answer);
    if (fault.code.empty()) {
      return Status(errors::kBadAnswer, WhatOf(call) + ": it does not say that it is done",
                    "see that the endpoint is that of an S3 service");
    }
    const Status refusal = Refusal(WhatOf(call), options_.bucket, answer.status, fault);
    if (!FaultMayPass(answer.status, fault)) return refusal;
    const AfterTry after =
        pauses_.Wait(options_.retry, tried, Duration{clock_.Monotonic().us - begin.us});
    if (after == AfterTry::kGiveUp) return refusal;
    if (after == AfterTry::kCancelled) {
      return Status(errors::kCallCancelled, WhatOf(call) + ": given up");
    }
  }
}

Status S3Client::Delete(const std::vector<std::string>& keys) {
  if (keys.size() == 1) {
    Call call;
    call.method = "DELETE";
    call.key = keys.front();
    call.missing_is_fine = true;
    (void)WEIR_TRY(Send(call));
    return Status::Ok();
  }
  for (size_t begin = 0; begin < keys.size(); begin += kMostDeletes) {
    const auto first = keys.begin() + static_cast<ptrdiff_t>(begin);
    const size_t count = std::min(kMostDeletes, keys.size() - begin);
    const std::string body =
        DeletionOf(std::vector<std::string>(first, first + static_cast<ptrdiff_t>(count)));
    Call call;
    call.method = "POST";
    call.query = {{"delete", ""}};
    call.body.bytes = body;
    // Here S3 insists on a checksum, and every service knows this one.
    call.headers.emplace_back("Content-MD5", Base64(Md5Of(body)));
    call.headers.emplace_back("Content-Type", "application/xml");
    const HttpResponse answer = WEIR_TRY(Send(call));
    WEIR_TRY(ReadDeletion(answer, WhatOf(call), options_.bucket));
  }
  return Status::Ok();
}

Result<std::vector<S3Object>> S3Client::List(const std::string& prefix) {
  std::vector<S3Object> objects;
  WEIR_TRY(ListPages(prefix, [&objects](std::vector<S3Object> page) {
    objects.insert(objects.end(), std::make_move_iterator(page.begin()),
                   std::make_move_iterator(page.end()));
    return Status::Ok();
  }));
  return objects;
}

Status S3Client::ListPages(const std::string& prefix,
                           const std::function<Status(std::vector<S3Object> page)>& page) {
  std::string next;
  do {
    Call call;
    call.method = "GET";
    call.query = {{"list-type", "2"}, {"prefix", prefix}};
    if (!next.empty()) call.query.emplace_back("continuation-token", next);
    const HttpResponse answer = WEIR_TRY(Send(call));
    S3Listing listing = WEIR_TRY(ReadListing(answer, WhatOf(call) + prefix));
    if (!next.empty() && listing.next == next) {
      return Status(errors::kBadAnswer, WhatOf(call) + prefix + ": the listing does not end",
                    "see that the endpoint is that of an S3 service");
    }
    next = std::move(listing.next);
    WEIR_TRY(page(std::move(listing.objects)));
  } while (!next.empty());
  return Status::Ok();
}

}  // namespace weir
