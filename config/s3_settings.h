#pragma once

#include <array>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "config/spec.h"

namespace weir {

/// How objects are encrypted where they lie.
enum class StoreEncryption { kNone, kAes256, kKms };
std::vector<Choice<StoreEncryption>> ChoicesOf(StoreEncryption);

/// How S3 is reached, by whomever: the checkpoint store, and connections of jobs.
struct S3Settings {
  std::string endpoint;
  std::string region;
  std::optional<bool> path_style;  ///< None: where there is an endpoint.
  std::string profile;
  std::string role;
  std::string external_id;
  std::string session_name = "weir";
  Secret access_key;
  Secret secret_key;
  Secret session_token;
  StoreEncryption encryption = StoreEncryption::kNone;
  std::string kms_key;
  std::string ca_file;
  Duration timeout = Duration::Seconds(10);
  std::string folder;  ///< Of the file that they stand in: paths of secrets count from there.

  static std::array<SpecFieldOf<S3Settings>, 14> Fields();
};

/// The declaration of a T that is derived from S3Settings: its own fields, then these.
template <typename T, typename... Own>
Spec<T> SpecWithS3(std::string_view name, std::string_view help, std::string_view example,
                   const Own&... own) {
  return std::apply(
      [&](const auto&... shared) {
        return Spec<T>(name, help, {SpecFieldOf<T>(own)..., SpecFieldOf<T>(shared)...}, example);
      },
      S3Settings::Fields());
}

/// A bucket's name as S3 has it, roughly: what could change a host or a path is not in it.
bool IsBucketName(const std::string& name);

/// The faults that the declaration alone cannot tell: half of the keys, keys and a profile, a key
/// for an encryption that is not asked for. False where there is one.
bool CheckS3Settings(const S3Settings& settings, const YamlNode& node, Diagnostics& diagnostics);

}  // namespace weir
