// One job: its figures, graph, checkpoints, ledger, tasks and restarts.

import {h} from "./dom.js";
import {graph} from "./graph.js";
import {badge, downtime, failure, lag, table} from "./jobs.js";
import {ago, counted, exact, moment, rate, share, span, watermark} from "./words.js";

// What a node can do with a row that came in; they sum up to `in`.
const FATES = ["passed", "filtered", "late", "rejected", "absorbed", "expanded", "empty"];

function fact(name, value, more = null) {
  return h("div", {class: "fact"}, h("dt", {}, name), h("dd", {}, value, more ? h("small", {}, more) : null));
}

function figures(job, details, flows, now) {
  const holder = details?.watermark_holder;
  return h("dl", {class: "facts"},
    fact("In", flows ? rate(job.rows_per_second) : "–", counts(job.rows_in)),
    fact("Out", flows ? rate(job.rows_out_per_second) : "–", counts(job.rows_out)),
    fact("Lag", flows ? lag(job) : "–"),
    fact("Watermark", flows ? watermark(job.watermark, now) : "–",
      flows && holder ? `held by split ${holder}` : null),
    fact("Checkpoint", job.checkpoint ? String(job.checkpoint) : "–",
      flows ? ago(job.checkpoint_age_seconds) : null),
    fact("Restarts", String(job.restarts), downtime(job)),
    fact("Parallelism", String(job.parallelism),
      job.attempt ? `attempt ${job.attempt.id}, led by ${job.attempt.lead}` : null));
}

function counts(rows) {
  return rows === undefined ? null : `${exact(rows)} in all`;
}

function section(title, ...content) {
  return h("section", {}, h("h2", {}, title), content);
}

function checkpoints(details, flows) {
  const {newest, age_seconds, seconds, tasks_seconds, manifest_seconds, publish_seconds} = details.checkpoint;
  const {completed, dropped, unpublished_epochs} = details.checkpoint;
  return section("Checkpoints", h("dl", {class: "facts"},
    fact("Newest", newest ? String(newest) : "none yet", newest && flows ? ago(age_seconds) : null),
    fact("Took", completed ? span(seconds) : "–",
      completed ? `tasks ${span(tasks_seconds)}, manifest ${span(manifest_seconds)}, publishing ${span(publish_seconds)}` : null),
    fact("In this attempt", `${exact(completed)} taken`, dropped ? `${exact(dropped)} dropped` : "none dropped"),
    fact("Not yet published", counted(unpublished_epochs, "epoch")),
    flows ? fact("Waits for", details.held_by || "nothing") : null),
  details.last_error ? h("p", {class: "failure"}, h("strong", {}, "Last error: "), details.last_error) : null);
}

/** What became of every row: for each node `in` is the sum of the columns behind it. */
function ledger(details) {
  const {rows_in, rows_out, late, rejected, unaccounted} = details.ledger;
  const fates = FATES.filter((fate) => details.nodes.some((node) => node.counts[fate]));
  const names = ["Node", "In", ...fates.map((fate) => `= ${fate}`).map((name, i) => (i ? name.replace("=", "+") : name)),
    "Sum", "Made", "Out", "Held"];
  return section("Ledger",
    h("dl", {class: "facts"},
      fact("Rows in", exact(rows_in)), fact("Rows out", exact(rows_out)), fact("Late", exact(late)),
      fact("Rejected", exact(rejected)),
      fact("Unaccounted", exact(unaccounted), unaccounted ? "rows are missing or too many" : "every row is accounted for")),
    h("p", {class: "quiet"}, "As of the newest checkpoint, since the job's first start."),
    scrolled(table("Ledger", names, details.nodes.map((node) => {
      const of = (fate) => node.counts[fate] ?? 0;
      const missing = of("in") - FATES.reduce((sum, fate) => sum + of(fate), 0);
      return [node.name, exact(of("in")), ...fates.map((fate) => exact(of(fate))),
        missing ? h("strong", {class: "bad-text"}, `${exact(missing)} missing`) : "adds up",
        exact(of("made")), exact(node.role === "sink" ? of("passed") : of("out")), exact(of("held"))];
    }), "wide")));
}

/** A wide table may be scrolled, by keyboard too. */
function scrolled(wide) {
  return h("div", {class: "scrolled", tabindex: "0", role: "group", "aria-label": wide.attributes["aria-label"]}, wide);
}

function tasks(job, details, now) {
  const workers = job.attempt?.worker_of_index;
  return section("Tasks", table("Tasks", ["Task", "Worker", "Rows", "Busy", "Waits for room", "Watermark", "Lag"],
    details.tasks.map((task) => [
      task.task,
      workers ? workers[task.index] ?? "–" : "this process",
      exact(task.rows_in),
      share(task.busy),
      share(task.waiting),
      watermark(task.watermark, now),
      task.lag_records === undefined ? "–" : counted(task.lag_records, "record"),
    ])));
}

function history(job, now) {
  if (job.history.length === 0) {
    return section("Restarts", h("p", {class: "quiet"}, job.restarts ? `${counted(job.restarts, "restart")}; the last reason is told above.` : "None."));
  }
  return section("Restarts", table("Restarts", ["When", "Attempt", "Why it ended", "Down for"],
    [...job.history].reverse().map((one) => [
      moment(one.at, now), one.attempt, one.reason,
      one.downtime_seconds === null ? "still" : span(one.downtime_seconds),
    ])));
}

export function jobView(job, now, room) {
  const flows = job.state === "running" || job.state === "stopping";
  const details = job.details;
  return [
    h("h1", {}, job.name, " ", badge(job.state)),
    h("p", {}, job.reason, job.since_seconds === undefined ? null : h("span", {class: "quiet"}, ` (for ${span(job.since_seconds)})`)),
    job.failure
      ? h("div", {}, flows ? h("p", {class: "quiet"}, "It runs again; what ended an attempt before:") : null, failure(job.failure, flows))
      : null,
    figures(job, details, flows, now),
    ...(details ? [
      section("Graph",
        flows ? null : h("p", {class: "quiet"}, "As it was last heard of."),
        graph(details, room, flows)),
      ledger(details),
      checkpoints(details, flows),
      flows ? tasks(job, details, now) : null,
    ] : [h("p", {class: "quiet"}, "Nothing was heard of its tasks yet.")]),
    history(job, now),
  ].filter(Boolean);
}
