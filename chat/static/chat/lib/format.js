// Moments, durations, amounts and groups of days as text.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const DAY_MS = 86_400_000;

export const GROUPS = ["Pinned", "Today", "Yesterday", "Previous 7 days", "Older"];

/**
 * Counts the midnights between a moment and now.
 * @param {Wire.Moment | Date} moment
 */
export function daysAgo(moment, now = new Date()) {
    /** @param {Date} date */
    const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
    return Math.round((midnight(now) - midnight(new Date(moment))) / DAY_MS);
}

/** @param {Pick<Wire.Conversation, "pinned" | "active_at">} conversation */
export function groupOf(conversation, now = new Date()) {
    if (conversation.pinned) return GROUPS[0];
    const days = daysAgo(conversation.active_at, now);
    if (days <= 0) return GROUPS[1];
    if (days === 1) return GROUPS[2];
    return days <= 7 ? GROUPS[3] : GROUPS[4];
}

/** @param {Wire.Moment} moment */
export function shortTime(moment) {
    const date = new Date(moment);
    const days = daysAgo(date);
    if (days <= 0) return clock.format(date);
    return days === 1 ? `yesterday ${clock.format(date)}` : `${day.format(date)} ${clock.format(date)}`;
}

/** @param {Wire.Moment} moment */
export function exactTime(moment) {
    return full.format(new Date(moment));
}

/** @param {Wire.Moment} moment */
export function hourAndMinute(moment) {
    return clock.format(new Date(moment));
}

/** @param {number | null | undefined} ms */
export function duration(ms) {
    if (ms === null || ms === undefined) return "";
    if (ms < 950) return `${Math.round(ms)} ms`;
    if (ms < 59_500) return `${(ms / 1000).toFixed(ms < 9950 ? 1 : 0)} s`;
    const minutes = Math.round(ms / 60_000);
    return minutes < 60 ? `${minutes} min` : hours(minutes);
}

/** @param {number} minutes */
function hours(minutes) {
    const rest = minutes % 60 && minutes < 600 ? ` ${minutes % 60} min` : "";
    return `${rest ? Math.floor(minutes / 60) : Math.round(minutes / 60)} h${rest}`;
}

/** @param {Wire.Moment} moment */
export function timeUntil(moment) {
    const ms = new Date(moment).getTime() - Date.now();
    return ms <= 0 ? "now" : `in ${duration(Math.max(ms, 1000))}`;
}

/** @param {number | string} cost */
export function usd(cost) {
    const sum = Number(cost);
    if (!sum) return "$0";
    return sum < 0.01 ? `$${sum.toPrecision(2)}` : `$${sum.toFixed(sum < 1 ? 3 : 2)}`;
}

/** @param {number} number */
export function count(number) {
    return number < 10_000 ? number.toLocaleString("en") : `${(number / 1000).toFixed(1)}k`;
}

/** @param {string} text */
export function wordCount(text) {
    return text.trim() ? text.trim().split(/\s+/).length : 0;
}

const UNITS = /** @type {const} */ ([["MB", 2 ** 20], ["KB", 2 ** 10]]);

/** @param {number} bytes */
export function fileSize(bytes) {
    const [unit, each] = UNITS.find(([, each]) => bytes >= each) ?? ["bytes", 1];
    return `${Number((bytes / each).toFixed(1)).toLocaleString("en")} ${unit}`;
}
