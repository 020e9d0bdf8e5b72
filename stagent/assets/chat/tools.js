// What an agent did between its words: one folded card for each call of a tool.

import { h, icon } from "./dom.js";
import { span } from "./times.js";

const SECRET = /token|secret|password|passwd|api_?key|authorization|credential/i;
const TELLING = ["name", "schedule", "path", "url", "query", "pattern", "command", "text", "prompt", "question"];

export class Tools {
    #cards = new Map();

    constructor() {
        this.element = h("div", { class: "tools" });
        this.element.hidden = true;
    }

    // `live`: somebody is at work, so a call without a result is still being made.
    show(calls, live) {
        this.element.hidden = !calls.length;
        for (const call of calls) {
            const card = this.#cards.get(call.call_id) ?? this.#place(call);
            update(card, call, live);
        }
    }

    #place(call) {
        const parts = { state: h("span", { class: "tool-state" }), took: h("span", { class: "took" }), body: h("div", { class: "tool-body" }) };
        const names = [h("span", { class: "tool-name" }, plain(call.name)), h("span", { class: "intent" }, intent(call.arguments))];
        const element = h("details", { class: "tool" }, h("summary", {}, parts.state, names, parts.took, icon("chevron")), parts.body);
        const card = { ...parts, element, key: "" };
        this.#cards.set(call.call_id, card);
        this.element.append(element);
        return card;
    }
}

function update(card, call, live) {
    const done = call.done || (call.result !== null && call.result !== undefined);
    const word = done ? (call.is_error ? "failed" : "done") : live ? "running" : "unfinished";
    const key = `${word}${call.result?.length}`;
    if (key === card.key) return;
    card.key = key;
    card.element.dataset.state = word;
    card.state.replaceChildren(sign(word), h("span", { class: "visually-hidden" }, `${word}: `));
    card.took.textContent = done && call.duration_ms !== null ? span(call.duration_ms) : "";
    card.body.replaceChildren(...details(call, done));
}

function sign(word) {
    if (word === "running") return h("span", { class: "spinner" });
    return icon({ done: "check", failed: "warn", unfinished: "pause" }[word]);
}

function details(call, done) {
    const asked = Object.keys(call.arguments ?? {}).length > 0;
    return [
        asked && [h("h4", {}, "Asked with"), h("pre", { tabindex: "0" }, pretty(call.arguments))],
        done && [h("h4", {}, call.is_error ? "Failed with" : "Result"), h("pre", { tabindex: "0" }, prettyText(call.result ?? ""))],
        !done && h("p", {}, "No result yet."),
    ].flat().filter(Boolean);
}

function intent(given) {
    const named = TELLING.find((key) => typeof given?.[key] === "string" && !SECRET.test(key));
    const text = named ? given[named] : Object.entries(given ?? {}).map(([key, value]) => `${key}: ${short(key, value)}`).join(", ");
    return text.replace(/\s+/g, " ").slice(0, 120);
}

function short(key, value) {
    if (SECRET.test(key)) return "•••";
    return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function pretty(value) {
    return JSON.stringify(value, (key, inner) => (SECRET.test(key) && typeof inner === "string" ? "•••" : inner), 2);
}

function prettyText(text) {
    try {
        return /^\s*[{[]/.test(text) ? pretty(JSON.parse(text)) : text || "(nothing)";
    } catch {
        return text;
    }
}

export function plain(name) {
    return name.replaceAll("_", " ");
}
