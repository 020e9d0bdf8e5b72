// What an agent did between its words: one folded card for each call of a tool.

import { h, icon } from "../lib/dom.js";
import { span } from "../lib/format.js";

const SECRET = /token|secret|password|passwd|api_?key|authorization|credential/i;
const IN_ADDRESS = /([?&][^=&\s]*(?:token|secret|password|passwd|key|signature)[^=&\s]*=)[^&\s"#]+/gi;
const TELLING = ["name", "schedule", "path", "url", "query", "pattern", "command", "text", "prompt", "question"];

export class Tool {
    #key = "";
    #named = false;

    constructor() {
        this.state = h("span", { class: "tool-state" });
        this.name = h("span", { class: "tool-name" });
        this.intent = h("span", { class: "intent" });
        this.leave = h("span", { class: "leave", hidden: true }, "without asking");
        this.took = h("span", { class: "took" });
        this.body = h("div", { class: "tool-body" });
        this.element = h("details", { class: "tool" }, h("summary", {}, this.state, this.name, this.intent, this.leave, this.took, icon("chevron")), this.body);
    }

    // `live`: somebody is at work, so a call without a result is still being made.
    show(part, { call, live }) {
        if (!call) return;
        if (!this.#named) this.#tell(call);
        const done = call.result !== null && call.result !== undefined;
        const word = done ? (call.is_error ? "failed" : "done") : live ? "running" : "unfinished";
        const key = `${word}${call.result?.length}`;
        if (key === this.#key) return;
        this.#key = key;
        this.element.dataset.state = word;
        this.state.replaceChildren(sign(word), h("span", { class: "visually-hidden" }, `${word}: `));
        this.took.textContent = done && call.duration_ms !== null ? span(call.duration_ms) : "";
        this.body.replaceChildren(...details(call, done));
    }

    #tell(call) {
        this.#named = true;
        this.name.textContent = plain(call.name);
        this.intent.textContent = intent(call.arguments);
        this.leave.hidden = !call.allowed;
    }
}

function sign(word) {
    if (word === "running") return h("span", { class: "spinner" });
    return icon({ done: "check", failed: "warn", unfinished: "pause" }[word]);
}

function details(call, done) {
    const asked = Object.keys(call.arguments ?? {}).length > 0;
    return [
        call.allowed && h("p", { class: "by-leave" }, `Nobody was asked: ${call.allowed}.`),
        asked && [h("h4", {}, "Asked with"), h("pre", { tabindex: "0" }, pretty(call.arguments))],
        done && [h("h4", {}, call.is_error ? "Failed with" : "Result"), h("pre", { tabindex: "0" }, prettyText(call.result ?? ""))],
        !done && h("p", {}, "No result yet."),
    ].flat().filter(Boolean);
}

function intent(given) {
    const named = TELLING.find((key) => typeof given?.[key] === "string" && !SECRET.test(key));
    const text = named ? given[named] : Object.entries(given ?? {}).map(([key, value]) => `${key}: ${short(key, value)}`).join(", ");
    return masked(text).replace(/\s+/g, " ").slice(0, 120);
}

function short(key, value) {
    if (SECRET.test(key)) return "•••";
    return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function pretty(value) {
    return masked(JSON.stringify(value, (key, inner) => (SECRET.test(key) && typeof inner === "string" ? "•••" : inner), 2));
}

function masked(text) {
    return text.replace(IN_ADDRESS, "$1•••");
}

function prettyText(text) {
    try {
        return /^\s*[{[]/.test(text) ? pretty(JSON.parse(text)) : text || "(nothing)";
    } catch {
        return text;
    }
}

// github__search_issues, a tool of an MCP server, is "github · search issues".
export function plain(name) {
    return name.split("__").map((part) => part.replaceAll("_", " ")).join(" · ");
}
