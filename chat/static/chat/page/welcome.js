// The page before anything was said: a greeting, and prompts to begin with.

import { PROMPTS } from "../compose/prompts.js";
import { h, icon } from "../lib/dom.js";

const CARDS = [
    ["clock", PROMPTS.schedules, "Every schedule with its next firing"],
    ["warn", PROMPTS.failures, "The latest runs that went wrong"],
    ["plus", PROMPTS.schedule, "Makes a schedule, after you have seen it"],
    ["forecast", PROMPTS.forecast, "Firings, waits and cost ahead"],
];

/**
 * @param {Wire.PageConfig} config
 * @param {(text: string) => void} send
 */
export function welcome({ user, offline }, send) {
    const cards = CARDS.map(([symbol, prompt, hint]) =>
        h("button", { type: "button", class: "prompt", onclick: () => send(prompt) }, icon(symbol), h("span", {}, prompt, h("small", {}, hint))),
    );
    return h(
        "section",
        { class: "welcome" },
        h("h1", {}, `${greeting()}, ${user}.`),
        h("p", { class: "lead" }, "Ask something, or hand over work that comes again and again."),
        h("div", { class: "prompts" }, cards),
        offline && offlineNote(),
    );
}

function greeting(hour = new Date().getHours()) {
    if (hour < 5) return "Good evening";
    if (hour < 12) return "Good morning";
    return hour < 18 ? "Good afternoon" : "Good evening";
}

function offlineNote() {
    return h(
        "p",
        { class: "note" },
        icon("info"),
        h("span", {}, "The built-in offline model answers: it knows this install and its schedules, and little else. For a real one, set ", h("code", {}, "ANTHROPIC_API_KEY"), " or ", h("code", {}, "ANTHROPIC_BASE_URL"), " and start Stagent again."),
    );
}
