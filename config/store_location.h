#pragma once

#include <string>

#include "config/s3_settings.h"

namespace weir {

/// Where checkpoints are kept: a directory, or a bucket of S3 with a prefix. `checkpoint_store` of
/// the process's file; the address alone will do where the rest has its defaults.
struct StoreLocation : S3Settings {
  std::string url;  ///< `/path`, `file:/path` or `s3://bucket/prefix`.

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
