// All workers, one row each.

import {h} from "./dom.js";
import {jobLink, table} from "./jobs.js";
import {counted} from "./words.js";

const STANDING = {
  here: ["good", "connected"],
  draining: ["soon", "draining"],
  away: ["bad", "not connected"],
  lost: ["bad", "lost"],
};

export function workersView({workers}) {
  if (workers.length === 0) {
    return [h("h1", {}, "Workers"), h("p", {class: "quiet"},
      "There are none. A manager lists the workers that have called it; a job of ", h("code", {}, "weir run"),
      " needs none.")];
  }
  const here = workers.filter((worker) => worker.state === "here" || worker.state === "draining");
  const slots = here.reduce((sum, worker) => sum + worker.slots, 0);
  const free = here.reduce((sum, worker) => sum + worker.free, 0);
  return [
    h("h1", {}, "Workers"),
    h("p", {class: "quiet"}, `${counted(here.length, "worker")} connected, ${free} of ${counted(slots, "slot")} free`),
    table("Workers", ["Worker", "State", "Slots in use", "Jobs", "Address", "Version", "What it does"],
      workers.map((worker) => {
        const [colour, word] = STANDING[worker.state] ?? ["rest", worker.state];
        const labels = Object.entries(worker.labels ?? {}).map(([name, value]) => `${name}=${value}`);
        return [
          h("span", {}, worker.id, labels.length ? h("small", {}, labels.join(" ")) : null),
          h("span", {class: `badge ${colour}`}, word),
          `${worker.slots - worker.free} of ${worker.slots}`,
          worker.jobs.length ? worker.jobs.map((job, i) => [i ? ", " : null, jobLink(job)]) : "–",
          worker.address || "–",
          worker.version || "–",
          worker.reason,
        ];
      })),
  ];
}
