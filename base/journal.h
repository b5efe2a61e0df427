#pragma once

namespace weir {

/// Whether standard error goes straight into systemd's journal, which keeps the time of a line and
/// takes its priority from `<N>` at its beginning (sd-daemon(3)). Found out once.
bool InJournal();

}  // namespace weir
