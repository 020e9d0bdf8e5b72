// The page before anything was said: a greeting, and prompts to begin with.

import { PROMPTS } from "../compose/prompts.js";
import { h, icon } from "../lib/dom.js";

const CARDS = [
    ["clock", PROMPTS.schedules, "All schedules with their next firing"],
    ["warn", PROMPTS.failures, "The latest failed runs"],
    ["plus", PROMPTS.schedule, "Create a schedule; you confirm it first"],
    ["forecast", PROMPTS.forecast, "Forecast of firings, waiting times and cost"],
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
        h("p", { class: "lead" }, "Ask a question, or schedule recurring work."),
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
        h("span", {}, "The built-in offline model replies. It knows this installation and its schedules, and little else. To use a real model, set ", h("code", {}, "ANTHROPIC_API_KEY"), " or ", h("code", {}, "ANTHROPIC_BASE_URL"), " and restart Stagent."),
    );
}
