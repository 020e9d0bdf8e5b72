// What stands above a message that a schedule brought: its result, that it paused itself, a warning.

import { get, post } from "../lib/api.js";
import { button, h, icon } from "../lib/dom.js";
import { plain } from "./toolCall.js";
import { exactTime, hourAndMinute, shortTime } from "../lib/format.js";

const MAKERS = { result, self_pause: selfPause, warning };

export function cardOf(message, links) {
    const { card } = message;
    if (!card?.type) return null;
    return (MAKERS[card.type] ?? warning)(card, message, links);
}

function result(card, message, links) {
    const severity = card.severity ?? card.report?.severity;
    const status = card.status ?? message.status;
    return h(
        "header",
        { class: "card", "data-tone": tone(status, severity) },
        icon("clock"),
        h("span", {}, "from ", scheduleLink(card, message, links), fired(card)),
        badge(status === "completed" || status === "complete" ? "" : plain(status), status),
        badge(severity && severity !== "info" ? severity : "", severity),
        card.changed === false && badge("nothing changed", "calm"),
    );
}

function selfPause(card, message, links) {
    const foot = h("div", { class: "question-foot" });
    const wrong = h("p", { class: "wrong", role: "alert" });
    const id = card.schedule_id ?? message.schedule_id;
    const resume = button("Resume", async () => {
        resume.disabled = true;
        try {
            await post(`schedules/${id}/resume`);
            foot.replaceChildren(settled("check", "Resumed; it fires again at its next time."));
        } catch (error) {
            resume.disabled = false;
            wrong.textContent = error.message;
        }
    }, { class: "button main" }, "play");
    foot.append(resume, see(id, links));
    get(`schedules/${id}`).then(
        ({ status }) => status === "paused" || foot.replaceChildren(settled("check", "It is not paused any more."), see(id, links)),
        (error) => error.status === 404 && foot.replaceChildren(settled("close", "It is not there any more.")),
    );
    return h(
        "section",
        { class: "question", "data-tone": "wait" },
        h("header", {}, icon("pause"), h("h3", {}, scheduleName(card), " paused itself")),
        h("p", { class: "asks" }, card.why ?? card.reason ?? card.paused_reason ?? ""),
        foot,
        wrong,
    );
}

function settled(symbol, words) {
    return h("p", { class: "settled" }, icon(symbol), words);
}

function warning(card, message, links) {
    return h(
        "header",
        { class: "card", "data-tone": "wait" },
        icon("warn"),
        h("span", {}, card.title ?? card.text ?? "Warning", card.schedule_name ? [": ", scheduleLink(card, message, links)] : ""),
    );
}

function fired(card) {
    const at = card.fired_at ?? card.nominal_at;
    if (!at) return "";
    const today = new Date(at).toDateString() === new Date().toDateString();
    return h("time", { datetime: at, title: exactTime(at) }, `, fired ${today ? hourAndMinute(at) : shortTime(at)}`);
}

function scheduleLink(card, message, links) {
    const id = card.schedule_id ?? message.schedule_id;
    if (!links.schedule || !id) return h("strong", {}, scheduleName(card));
    return h("a", { href: links.schedule.replace("/0/", `/${id}/`) }, scheduleName(card));
}

function see(id, links) {
    return links.schedule && id ? h("a", { class: "button", href: links.schedule.replace("/0/", `/${id}/`) }, "See the schedule") : "";
}

function scheduleName(card) {
    return card.schedule_name ?? card.schedule ?? "a schedule";
}

function badge(words, kind) {
    return words ? h("span", { class: "badge", "data-tone": tone(kind, kind) }, words) : "";
}

function tone(status, severity) {
    if (["failed", "error", "critical", "high"].includes(status) || ["critical", "error", "high"].includes(severity)) return "bad";
    return ["warning", "medium", "cancelled"].includes(severity ?? status) ? "wait" : "calm";
}
