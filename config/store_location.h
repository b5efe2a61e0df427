#pragma once

#include <optional>
#include <string>

#include "config/spec.h"

namespace weir {

/// How a store's objects are encrypted where they lie.
enum class StoreEncryption { kNone, kAes256, kKms };
std::vector<Choice<StoreEncryption>> ChoicesOf(StoreEncryption);

/// Where checkpoints are kept: a directory, or a bucket of S3 with a prefix. `checkpoint_store` of
/// the process's file; the address alone will do where the rest has its defaults.
struct StoreLocation {
  std::string url;  ///< `/path`, `file:/path` or `s3://bucket/prefix`.
  std::string endpoint;
  std::string region;
  std::optional<bool> path_style;  ///< None: where there is an endpoint.
  std::string profile;
  Secret access_key;
  Secret secret_key;
  Secret session_token;
  StoreEncryption encryption = StoreEncryption::kNone;
  std::string kms_key;
  std::string ca_file;
  Duration timeout = Duration::Seconds(10);
  std::string folder;  ///< Of the file that it stands in: paths of secrets count from there.

  static const Spec<StoreLocation>& Describe();
  /// A directory, as a path of any kind.
  static StoreLocation Directory(const std::string& path);

  bool is_s3() const { return url.starts_with("s3://"); }
  /// Of a directory: its path.
  std::string path() const;
  /// Of S3.
  std::string bucket() const;
  /// Of S3: what comes before every key, with a slash at its end unless it is empty.
  std::string prefix() const;
};

/// As a value of a Spec, with the faults that its declaration alone cannot tell: options of S3 at a
/// directory, half of the keys.
bool ReadValue(const YamlNode& node, Diagnostics& diagnostics, StoreLocation& out);

}  // namespace weir
