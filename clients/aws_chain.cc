#include "clients/aws_chain.h"

#include <fstream>
#include <sstream>

#include "clients/aws_answer.h"
#include "clients/aws_metadata.h"
#include "clients/errors.h"
#include "clients/sts.h"

namespace weir {
namespace {

/// A walk, and what each place said on the way.
class Walk {
 public:
  Walk(const AwsKeysOptions& options, const VariableLookup& variable, const Clock& clock)
      : options_(options), variable_(variable), clock_(clock) {}

  Result<AwsCredentials> Find() {
    AwsCredentials keys = WEIR_TRY(options_.profile.empty() ? First() : OfProfileOnly());
    if (options_.role.arn.empty()) return keys;
    AwsRole role = options_.role;
    if (role.session_name.empty()) role.session_name = kAwsSessionName;
    return TakeOn(std::move(keys), role);
  }

 private:
  std::string Value(const std::string& name) const { return variable_(name).value_or(""); }

  Result<AwsCredentials> First() {
    using Place = Result<AwsLentKeys> (Walk::*)();
    static constexpr std::pair<const char*, Place> kPlaces[] = {
        {"environment", &Walk::OfEnvironment}, {"web identity", &Walk::OfWebIdentity},
        {"profile", &Walk::OfProfile},         {"container", &Walk::OfContainer},
        {"machine", &Walk::OfMachine},
    };
    for (const auto& [name, place] : kPlaces) {
      Result<AwsLentKeys> lent = (this->*place)();
      if (!lent.ok()) {
        return std::move(lent).status().WithContext("AWS keys from the " + std::string(name));
      }
      if (lent->keys) return *std::move(lent->keys);
      said_ += std::string(said_.empty() ? "" : "; ") + name + ": " + lent->none;
    }
    return Nothing("no AWS keys (" + said_ + ")");
  }

  Result<AwsCredentials> OfProfileOnly() {
    const AwsLentKeys lent = WEIR_TRY(OfProfile());
    if (lent.keys) return *lent.keys;
    return Nothing("no AWS keys: " + lent.none);
  }

  static Status Nothing(std::string message) {
    return Status(errors::kNoCredentials, std::move(message),
                  "set access_key and secret_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                  "or name a profile that holds keys, or give the machine or container a role");
  }

  Result<AwsLentKeys> OfEnvironment() {
    AwsLentKeys lent;
    AwsCredentials keys{Value("AWS_ACCESS_KEY_ID"), Value("AWS_SECRET_ACCESS_KEY"),
                        Value("AWS_SESSION_TOKEN")};
    if (keys.access_key.empty() != keys.secret_key.empty()) {
      return Nothing(
          std::string(keys.access_key.empty() ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID") +
          " is set, and the other half of the keys is not");
    }
    if (keys.access_key.empty()) {
      lent.none = "AWS_ACCESS_KEY_ID is not set";
      return lent;
    }
    keys.expires = ReadAwsTime(Value("AWS_CREDENTIAL_EXPIRATION")).value_or(EventTime::Max());
    lent.keys = keys;
    return lent;
  }

  Result<AwsLentKeys> OfWebIdentity() {
    const std::string token_file = Value("AWS_WEB_IDENTITY_TOKEN_FILE");
    if (token_file.empty()) {
      return AwsLentKeys{std::nullopt, "AWS_WEB_IDENTITY_TOKEN_FILE is not set"};
    }
    AwsRole role{Value("AWS_ROLE_ARN"), Value("AWS_ROLE_SESSION_NAME"), ""};
    if (role.arn.empty()) {
      return Status(errors::kNoCredentials,
                    "AWS_WEB_IDENTITY_TOKEN_FILE is set, and AWS_ROLE_ARN is not",
                    "set AWS_ROLE_ARN to the role that the token is for");
    }
    if (role.session_name.empty()) role.session_name = kAwsSessionName;
    return AwsLentKeys{WEIR_TRY(ByWebIdentity(token_file, role)), ""};
  }

  Result<AwsLentKeys> OfProfile() {
    const AwsProfileFiles files = FindAwsProfileFiles(variable_);
    const std::string name = AwsProfileName(options_.profile, variable_);
    const AwsProfiles profiles = ReadAwsProfiles(files);
    const std::optional<AwsProfilePlan> plan = WEIR_TRY(PlanAwsProfile(name, profiles));
    if (plan) return AwsLentKeys{WEIR_TRY(Carry(*plan)), ""};
    const std::string in = "'" + name + "' in " + files.credentials + " or " + files.config;
    // A name that somebody wrote down and that is nowhere is a mistake.
    if (name != "default" && !profiles.contains(name)) return Nothing("there is no profile " + in);
    return AwsLentKeys{std::nullopt, (profiles.contains(name) ? "no keys in " : "no ") + in};
  }

  Result<AwsLentKeys> OfContainer() { return AskContainer(variable_); }
  Result<AwsLentKeys> OfMachine() { return AskMachine(variable_); }

  Result<AwsCredentials> Carry(const AwsProfilePlan& plan) {
    using Begin = AwsProfilePlan::Begin;
    AwsCredentials keys;
    size_t taken = 0;
    if (plan.begin == Begin::kKeys) {
      keys = plan.keys;
    } else if (plan.begin == Begin::kWebIdentity) {
      keys = WEIR_TRY(ByWebIdentity(plan.token_file, plan.roles[taken++]));
    } else {
      const AwsLentKeys lent = WEIR_TRY(plan.begin == Begin::kEnvironment ? OfEnvironment()
                                        : plan.begin == Begin::kContainer ? OfContainer()
                                                                          : OfMachine());
      if (!lent.keys) return Nothing("the credential_source of a profile has none: " + lent.none);
      keys = *lent.keys;
    }
    while (taken < plan.roles.size()) {
      keys = WEIR_TRY(TakeOn(std::move(keys), plan.roles[taken++]));
    }
    return keys;
  }

  std::string StsRegion() const {
    if (!options_.region.empty()) return options_.region;
    return FindAwsRegion(options_.profile, variable_).value_or("");
  }

  Result<AwsCredentials> TakeOn(AwsCredentials keys, const AwsRole& role) {
    AwsCredentialProvider provider([&]() -> Result<AwsCredentials> { return keys; }, clock_);
    const auto sts = WEIR_TRY(MakeSts(StsRegion(), variable_, &provider, clock_));
    return AssumeRole(*sts, role);
  }

  Result<AwsCredentials> ByWebIdentity(const std::string& token_file, const AwsRole& role) {
    std::ifstream file(token_file, std::ios::binary);
    std::stringstream token;
    token << file.rdbuf();
    if (!file || token.str().empty()) {
      return Status(errors::kNoCredentials, "cannot read a web identity token from " + token_file,
                    "see that it is there, and that weir may read it");
    }
    const auto sts = WEIR_TRY(MakeSts(StsRegion(), variable_, nullptr, clock_));
    return AssumeRoleWithWebIdentity(*sts, role, token.str());
  }

  const AwsKeysOptions& options_;
  const VariableLookup& variable_;
  const Clock& clock_;
  std::string said_;
};

}  // namespace

Result<AwsCredentials> FindAwsCredentials(const AwsKeysOptions& options,
                                          const VariableLookup& variable, const Clock& clock) {
  return Walk(options, variable, clock).Find();
}

}  // namespace weir
