#pragma once

#include <span>
#include <string>
#include <string_view>

namespace weir {

/// A right that weir needs at AWS, as policies write it.
struct AwsRight {
  std::string_view use;      ///< What in settings and jobs asks for it: one of the constants below.
  std::string_view action;   ///< `glue:GetSchema`
  std::string_view on;       ///< What kind of thing the right is on.
  std::string_view purpose;  ///< What weir does by it.
};

namespace aws_use {
inline constexpr std::string_view kKafka = "kafka with security: iam";
inline constexpr std::string_view kSecret = "a password in Secrets Manager";
inline constexpr std::string_view kRole = "a role to take on";
inline constexpr std::string_view kReadSchemas = "glue";
inline constexpr std::string_view kWriteSchemas = "glue, registering schemas";
inline constexpr std::string_view kObjects = "s3";
inline constexpr std::string_view kEncryptedObjects = "s3 with encryption: aws:kms";
inline constexpr std::string_view kSearch = "opensearch with signing";
}  // namespace aws_use

/// All of them, those of a use together: the one place that says so. `weir rights` prints it, what
/// errors advise is made of it, and tests hold the policies in deploy/terraform and docs/ to it.
std::span<const AwsRight> AwsRights();

/// `glue:GetSchema, glue:GetSchemaVersion and glue:ListSchemaVersions`: those of a use.
std::string ActionsOf(std::string_view use);

}  // namespace weir
