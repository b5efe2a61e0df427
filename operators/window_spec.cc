#include "operators/window_spec.h"

namespace weir {

const Spec<HoppingSpec>& HoppingSpec::Describe() {
  static const Spec<HoppingSpec> spec(
      "hopping", "Windows of one size, a new one every so often; a row is in several of them.",
      {Required("size", &HoppingSpec::size, "How long each window is.", Positive,
                AtMost(kLongestWindow)),
       Required("every", &HoppingSpec::every, "From the start of one window to that of the next.",
                Positive, AtMost(kLongestWindow))},
      "hopping: { size: 1m, every: 10s }");
  return spec;
}

const Spec<SessionSpec>& SessionSpec::Describe() {
  static const Spec<SessionSpec> spec(
      "session", "Windows of rows that follow each other closely, for each group of its own.",
      {Required("gap", &SessionSpec::gap,
                "Rows of a group that are at most this far apart are one session.", Positive,
                AtMost(kLongestWindow)),
       Optional("max", &SessionSpec::max,
                "How long a window may be: rows from its start + max on begin another session.",
                Positive, AtMost(kLongestWindow))},
      "session: { gap: 1s }");
  return spec;
}

const Spec<WindowSpec>& WindowSpec::Describe() {
  static const Spec<WindowSpec> spec(
      "window", "Groups rows by their event time.",
      {Optional("tumbling", &WindowSpec::tumbling, "Windows of this length, one after the other.",
                Positive, AtMost(kLongestWindow)),
       Optional("hopping", &WindowSpec::hopping, "Windows that overlap."),
       Optional("session", &WindowSpec::session, "Windows of rows that follow each other closely."),
       Optional("offset", &WindowSpec::offset, Duration{},
                "Moves tumbling and hopping windows from multiples of their length since 1970 UTC.",
                Condition("at most 100 years",
                          [](Duration offset) {
                            return offset <= kLongestWindow && offset.us >= -kLongestWindow.us;
                          })),
       NotYet("cumulative", "Windows that grow from the start of a period to its end."),
       NotYet("allowed_lateness", "How long closed windows still take late rows."),
       NotYet("emit", "Sends results of open windows too."),
       NotYet("late", "The node that late rows go to.")},
      "window: { tumbling: 10s }");
  return spec;
}

}  // namespace weir
