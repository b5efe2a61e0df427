// Numbers and times as a person reads them.

const UNKNOWN = "–";

/** 7, 12.4 k, 1.23 M: three digits that count. */
export function short(number) {
  if (number === null || number === undefined) return UNKNOWN;
  for (const [unit, size] of [["T", 1e12], ["G", 1e9], ["M", 1e6], ["k", 1e3]]) {
    // What would be rounded to 1000 of the unit below is 1 of this one.
    if (number >= size * 0.9995) return `${digits(number / size)} ${unit}`;
  }
  return digits(number);
}

function digits(number) {
  if (number >= 99.95 || Number.isInteger(number)) return String(Math.round(number));
  return number >= 9.995 ? number.toFixed(1) : number.toFixed(2);
}

/** 12.4 k rows/s */
export function rate(perSecond) {
  return perSecond === null || perSecond === undefined ? UNKNOWN : `${short(perSecond)} rows/s`;
}

/** 1,234,567 */
export function exact(number) {
  return number === null || number === undefined ? UNKNOWN : number.toLocaleString("en-US");
}

/** 350 ms, 3.2 s, 45 s, 12 min, 5 h, 8 days */
export function span(seconds) {
  if (seconds === null || seconds === undefined) return UNKNOWN;
  if (seconds < 0.9995) return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 119.5) return `${Math.round(seconds)} s`;
  if (seconds < 7170) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_000) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** 3.2 s ago */
export function ago(seconds) {
  return seconds === null || seconds === undefined ? UNKNOWN : `${span(seconds)} ago`;
}

/** 97 % */
export function share(part) {
  return part === null || part === undefined ? UNKNOWN : `${Math.round(part * 100)} %`;
}

/** How far a watermark is behind the clock, in words. */
export function watermark(time, now) {
  if (time === null || time === undefined) return "none yet";
  if (time === "end") return "at the end of the input";
  const seconds = (now - Date.parse(time)) / 1000;
  return seconds >= 0 ? `${span(seconds)} behind the clock` : `${span(-seconds)} ahead of the clock`;
}

/** 2 tasks, 1 task */
export function counted(number, noun) {
  return `${exact(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** The time of day, with the date where it is another day's. */
export function moment(time, now) {
  if (!time) return UNKNOWN;
  const at = new Date(time);
  const day = at.toDateString() === new Date(now).toDateString() ? "" : `${at.toLocaleDateString("en-CA")} `;
  return day + at.toLocaleTimeString("en-GB");
}
