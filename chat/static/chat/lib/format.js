// Moments, durations, sums and day groups, in words.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const DAY_MS = 86_400_000;

export const GROUPS = ["Pinned", "Today", "Yesterday", "Previous 7 days", "Older"];

// How many midnights lie between a moment and now.
export function daysAgo(moment, now = new Date()) {
    const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());
    return Math.round((midnight(now) - midnight(new Date(moment))) / DAY_MS);
}

export function groupOf(conversation, now = new Date()) {
    if (conversation.pinned) return GROUPS[0];
    const days = daysAgo(conversation.active_at, now);
    if (days <= 0) return GROUPS[1];
    if (days === 1) return GROUPS[2];
    return days <= 7 ? GROUPS[3] : GROUPS[4];
}

export function shortTime(moment) {
    const date = new Date(moment);
    const days = daysAgo(date);
    if (days <= 0) return clock.format(date);
    return days === 1 ? `yesterday ${clock.format(date)}` : `${day.format(date)} ${clock.format(date)}`;
}

export function exactTime(moment) {
    return full.format(new Date(moment));
}

export function hourAndMinute(moment) {
    return clock.format(new Date(moment));
}

export function span(ms) {
    if (ms === null || ms === undefined) return "";
    if (ms < 950) return `${Math.round(ms)} ms`;
    if (ms < 59_500) return `${(ms / 1000).toFixed(ms < 9950 ? 1 : 0)} s`;
    const minutes = Math.round(ms / 60_000);
    return minutes < 60 ? `${minutes} min` : hours(minutes);
}

function hours(minutes) {
    const rest = minutes % 60 && minutes < 600 ? ` ${minutes % 60} min` : "";
    return `${rest ? Math.floor(minutes / 60) : Math.round(minutes / 60)} h${rest}`;
}

export function until(moment) {
    const ms = new Date(moment) - Date.now();
    return ms <= 0 ? "now" : `in ${span(Math.max(ms, 1000))}`;
}

export function usd(cost) {
    const sum = Number(cost);
    if (!sum) return "$0";
    return sum < 0.01 ? `$${sum.toPrecision(2)}` : `$${sum.toFixed(sum < 1 ? 3 : 2)}`;
}

export function count(number) {
    return number < 10_000 ? number.toLocaleString("en") : `${(number / 1000).toFixed(1)}k`;
}

export function words(text) {
    return text.trim() ? text.trim().split(/\s+/).length : 0;
}
