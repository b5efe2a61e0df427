#pragma once

#include "clients/s3.h"

/// Used by S3Client only.
namespace weir {

/// One operation: what each try of it sends, and which answers are fine.
struct S3Client::Call {
  std::string method;
  std::string key;  ///< Empty: the bucket itself.
  QueryParameters query;
  HttpHeaders headers;
  HttpBody body;
  std::string payload_hash;      ///< Hexadecimal; empty: of `body.bytes`.
  bool missing_is_fine = false;  ///< 404 for the key is an answer.
  bool taken_is_fine = false;    ///< 412 is one.
  /// Takes the object's bytes; counts them, and keeps its own failure.
  Sink sink;
  uint64_t taken_bytes = 0;
  Status sink_failure;
  /// Called before each try.
  std::function<void(Call&)> before;
};

}  // namespace weir
