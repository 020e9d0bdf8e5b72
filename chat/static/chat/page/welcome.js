// The page before anything was said: a greeting, and what one might ask.

import { ASKS } from "../compose/prompts.js";
import { h, icon } from "../lib/dom.js";

const PROMPTS = [
    ["clock", ASKS.schedules, "Every schedule with its next firing"],
    ["warn", ASKS.failures, "The latest runs that went wrong"],
    ["plus", ASKS.schedule, "Makes a schedule, after you have seen it"],
    ["forecast", ASKS.forecast, "Firings, waits and cost ahead"],
];

export function welcome({ user, offline }, ask) {
    const cards = PROMPTS.map(([symbol, words, hint]) =>
        h("button", { type: "button", class: "prompt", onclick: () => ask(words) }, icon(symbol), h("span", {}, words, h("small", {}, hint))),
    );
    return h(
        "section",
        { class: "welcome" },
        h("h1", {}, `${greeting()}, ${user}.`),
        h("p", { class: "lead" }, "Ask something, or hand over work that comes again and again."),
        h("div", { class: "prompts" }, cards),
        offline && note(),
    );
}

function greeting(hour = new Date().getHours()) {
    if (hour < 5) return "Good evening";
    if (hour < 12) return "Good morning";
    return hour < 18 ? "Good afternoon" : "Good evening";
}

function note() {
    return h(
        "p",
        { class: "note" },
        icon("info"),
        h("span", {}, "The built-in offline model answers: it knows this install and its schedules, and little else. For a real one, set ", h("code", {}, "ANTHROPIC_API_KEY"), " or ", h("code", {}, "ANTHROPIC_BASE_URL"), " and start Stagent again."),
    );
}
