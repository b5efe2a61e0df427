// All jobs, one row each.

import {h} from "./dom.js";
import {ago, counted, rate, short, span, watermark} from "./words.js";

const COLOURS = {
  running: "good",
  waiting: "soon",
  starting: "soon",
  stopping: "soon",
  failed: "bad",
  "needs decision": "bad",
};

export function badge(state) {
  return h("span", {class: `badge ${COLOURS[state] ?? "rest"}`}, state);
}

export function jobLink(name) {
  return h("a", {href: `#/jobs/${encodeURIComponent(name)}`}, name);
}

/** What went wrong, and what to do about it. `past`: it has gone on since. */
export function failure(told, past = false) {
  return h("p", {class: past ? "failure past" : "failure"}, h("strong", {}, told.code), ` ${told.message}`,
    told.cure ? h("span", {class: "cure"}, told.cure) : null);
}

/** Records that are there and not read yet. */
export function lag(job) {
  return job.lag_records === null || job.lag_records === undefined ? "–" : `${short(job.lag_records)} records`;
}

/** How long rows did not flow for all the restarts. */
export function downtime(job) {
  return job.restarts && job.downtime_seconds ? `down for ${span(job.downtime_seconds)}` : null;
}

/** A short value in one line, perhaps with a remark below it. */
export function noted(value, remark = null) {
  return h("div", {class: "brief"}, value, remark ? h("small", {}, remark) : null);
}

/** A table; of kind `cards` its rows become cards where the window is narrow. */
export function table(label, names, rows, kind = "cards") {
  return h("table", {class: kind, "aria-label": label},
    h("thead", {}, h("tr", {}, names.map((name) => h("th", {scope: "col"}, name)))),
    h("tbody", {}, rows.map((cells) => h("tr", {},
      cells.map((cell, i) => h("td", {"data-name": names[i]}, cell))))));
}

export function jobsView({jobs}, now) {
  if (jobs.length === 0) {
    return [h("h1", {}, "Jobs"), h("p", {class: "quiet"}, "There are no jobs yet: ", h("code", {}, "weir submit JOB.yaml"), " brings one.")];
  }
  const running = jobs.filter((job) => job.state === "running").length;
  return [
    h("h1", {}, "Jobs"),
    h("p", {class: "quiet"}, `${counted(jobs.length, "job")}, ${running} running`),
    table("Jobs", ["Job", "State", "In", "Out", "Lag", "Checkpoint", "Restarts", "Why"], jobs.map((job) => {
      const flows = job.state === "running" || job.state === "stopping";
      return [
        jobLink(job.name),
        badge(job.state),
        noted(flows ? rate(job.rows_per_second) : "–"),
        noted(flows ? rate(job.rows_out_per_second) : "–"),
        flows ? noted(lag(job), job.watermark ? watermark(job.watermark, now) : null) : "–",
        noted(flows ? ago(job.checkpoint_age_seconds) : "–"),
        noted(String(job.restarts), downtime(job)),
        h("div", {class: "why"}, h("p", {}, job.reason),
          job.failure && job.state !== "running" ? failure(job.failure) : null),
      ];
    })),
  ];
}
