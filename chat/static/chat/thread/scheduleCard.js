// What stands above a message that a schedule brought: its result, that it paused itself, a warning.

import { ApiError, get, messageOf, post } from "../lib/api.js";
import { button, h, icon } from "../lib/dom.js";
import { exactTime, hourAndMinute, shortTime } from "../lib/format.js";
import { readableName } from "./toolCall.js";

/** @typedef {(card: Wire.ScheduleCard, message: Wire.Message, links: Wire.Links) => HTMLElement} CardMaker */

/** @type {Record<string, CardMaker>} */
const MAKERS = { result: resultCard, self_pause: selfPauseCard, warning: warningCard };
const BAD = ["failed", "error", "critical", "high"];
const DEGRADED = ["warning", "medium", "cancelled"];

/**
 * @param {Wire.Message} message
 * @param {Wire.Links} links
 */
export function scheduleCard(message, links) {
    const { card } = message;
    if (!card.type) return null;
    return (MAKERS[card.type] ?? warningCard)(card, message, links);
}

/** @type {CardMaker} */
function resultCard(card, message, links) {
    const severity = card.severity ?? card.report?.severity;
    const status = card.status ?? message.status;
    const isPlain = status === "completed" || status === "complete";
    return h(
        "header",
        { class: "card", "data-tone": toneOf(status, severity) },
        icon("clock"),
        h("span", {}, "from ", scheduleLink(card, message, links), firedAt(card)),
        badge(isPlain ? "" : readableName(status), status),
        badge(severity && severity !== "info" ? severity : "", severity),
        card.changed === false && badge("nothing changed", "calm"),
    );
}

/** @type {CardMaker} */
function selfPauseCard(card, message, links) {
    const foot = h("div", { class: "approval-foot" });
    const errorText = h("p", { class: "error-text", role: "alert" });
    const id = card.schedule_id ?? message.schedule_id;
    const resume = button("Resume", async () => {
        resume.disabled = true;
        try {
            await post(`schedules/${id}/resume`);
            foot.replaceChildren(outcome("check", "Resumed. The schedule fires at its next time."));
        } catch (error) {
            resume.disabled = false;
            errorText.textContent = messageOf(error);
        }
    }, { class: "button main" }, "play");
    foot.append(resume, scheduleButton(id, links));
    get(`schedules/${id}`).then(
        ({ status }) => status === "paused" || foot.replaceChildren(outcome("check", "The schedule is not paused any more."), scheduleButton(id, links)),
        (error) => error instanceof ApiError && error.status === 404 && foot.replaceChildren(outcome("close", "The schedule was deleted.")),
    );
    return h(
        "section",
        { class: "approval", "data-tone": "wait" },
        h("header", {}, icon("pause"), h("h3", {}, scheduleName(card), " paused itself")),
        h("p", { class: "approval-text" }, card.why ?? card.reason ?? card.paused_reason ?? ""),
        foot,
        errorText,
    );
}

/** @type {CardMaker} */
function warningCard(card, message, links) {
    return h(
        "header",
        { class: "card", "data-tone": "wait" },
        icon("warn"),
        h("span", {}, card.title ?? card.text ?? "Warning", card.schedule_name ? [": ", scheduleLink(card, message, links)] : ""),
    );
}

/**
 * @param {string} symbol
 * @param {string} text
 */
function outcome(symbol, text) {
    return h("p", { class: "outcome" }, icon(symbol), text);
}

/** @param {Wire.ScheduleCard} card */
function firedAt(card) {
    const at = card.fired_at ?? card.nominal_at;
    if (!at) return "";
    const isToday = new Date(at).toDateString() === new Date().toDateString();
    return h("time", { datetime: at, title: exactTime(at) }, `, fired ${isToday ? hourAndMinute(at) : shortTime(at)}`);
}

/** @type {CardMaker} */
function scheduleLink(card, message, links) {
    const id = card.schedule_id ?? message.schedule_id;
    if (!links.schedule || !id) return h("strong", {}, scheduleName(card));
    return h("a", { href: links.schedule.replace("/0/", `/${id}/`) }, scheduleName(card));
}

/**
 * @param {Wire.Id | null} id
 * @param {Wire.Links} links
 */
function scheduleButton(id, links) {
    return links.schedule && id ? h("a", { class: "button", href: links.schedule.replace("/0/", `/${id}/`) }, "Open schedule") : "";
}

/** @param {Wire.ScheduleCard} card */
function scheduleName(card) {
    return card.schedule_name ?? card.schedule ?? "a schedule";
}

/**
 * @param {string} text
 * @param {string} [kind]
 */
function badge(text, kind) {
    return text ? h("span", { class: "badge", "data-tone": toneOf(kind, kind) }, text) : "";
}

/**
 * @param {string} [status]
 * @param {string} [severity]
 */
function toneOf(status = "", severity = "") {
    if (BAD.includes(status) || BAD.includes(severity)) return "bad";
    return DEGRADED.includes(severity || status) ? "wait" : "calm";
}
