#pragma once

#include <cstddef>
#include <string_view>

namespace weir {

/// Named places of the protocol where tests make weir die, wait or fail.
///
/// `WEIR_FAILPOINTS=name=action@n,…` in the environment arms them: `kill` (SIGKILL to itself),
/// `stop` (SIGSTOP), `error`, `delay:<ms>`; `@n` acts on the n-th pass only (default 1), `@n+` on
/// every pass from the n-th. With `WEIR_FAILPOINT_LOG=file` every pass that acts appends its name.
/// `WEIR_POLL_ROWS=n` makes sources give at most n rows at a time, so that small inputs have many
/// moments to fail at.
/// Compiled in only with -DWEIR_FAILPOINTS=ON; otherwise each is nothing at all.
#ifdef WEIR_FAILPOINTS
/// True if the caller must behave as if the operation at this place had failed.
bool FailpointHit(std::string_view name);
/// True if the protocol mutant `name` was asked for by `WEIR_MUTANT=name`.
bool MutantActive(std::string_view name);
/// The most rows of one poll: `WEIR_POLL_ROWS`, or `most`.
size_t PollRows(size_t most);
#define WEIR_FAILPOINT(name) ::weir::FailpointHit(name)
#define WEIR_MUTANT(name) ::weir::MutantActive(name)
#else
constexpr size_t PollRows(size_t most) { return most; }
#define WEIR_FAILPOINT(name) false
#define WEIR_MUTANT(name) false
#endif

}  // namespace weir
