#pragma once

#include <string>

#include "base/status.h"

namespace weir {

/// An error as another process told it, under its own code. Codes that this process does not
/// declare are kept for good, since a Status points to its code: there are no more of them than
/// the form WEIR-X000 lets through. What is no code at all becomes WEIR-R012.
Status ForeignStatus(const std::string& code, ErrorKind kind, std::string message,
                     std::string cure);

}  // namespace weir
