#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/status.h"
#include "config/spec.h"

namespace weir {

/// A manager that commands can be for, and how it is asked.
struct ManagerContext {
  std::string manager;
  std::string ca;
  std::string token_file;
  std::string certificate;
  std::string key;
  static const Spec<ManagerContext>& Describe();
};

/// The user's file of contexts. Which one counts stands in a file beside it, so that his own text
/// is never written by weir.
struct Contexts {
  std::string path;  ///< WEIR_CONTEXT_FILE, or ~/.config/weir/contexts.yaml.
  std::map<std::string, ManagerContext> contexts;
  std::string current;  ///< Empty: none.

  static const Spec<Contexts>& Describe();
  /// Nothing is there: no contexts. Paths in it count from its folder.
  static Result<Contexts> Read();
  /// WEIR-T013 where there is none of that name.
  Result<ManagerContext> Find(const std::string& name) const;
  /// From now on commands are for it.
  Status Use(const std::string& name) const;
};

}  // namespace weir
