// One folded card for each tool call of an answer. Secrets in arguments and results are masked.

import { h, icon } from "../lib/dom.js";
import { duration } from "../lib/format.js";
/** @import { PartContext } from "./answerParts.js" */

const SECRET = /token|secret|password|passwd|api_?key|authorization|credential/i;
const SECRET_IN_URL = /([?&][^=&\s]*(?:token|secret|password|passwd|key|signature)[^=&\s]*=)[^&\s"#]+/gi;
const SUMMARY_ARGUMENTS = ["name", "schedule", "path", "url", "query", "pattern", "command", "text", "prompt", "question"];
const MASK = "•••";

/** @typedef {"running" | "done" | "failed" | "unfinished"} State */

export class ToolCall {
    #key = "";
    #isNamed = false;

    constructor() {
        this.state = h("span", { class: "tool-state" });
        this.name = h("span", { class: "tool-name" });
        this.intent = h("span", { class: "intent" });
        this.automatic = h("span", { class: "standing-approval", hidden: true }, "without asking");
        this.duration = h("span", { class: "duration" });
        this.body = h("div", { class: "tool-body" });
        const summary = h("summary", {}, this.state, this.name, this.intent, this.automatic, this.duration, icon("chevron"));
        this.element = h("details", { class: "tool" }, summary, this.body);
    }

    /**
     * @param {Wire.Part} part
     * @param {PartContext} context a call without a result is running only while the reply is live
     */
    show(part, { call, isLive }) {
        if (!call) return;
        if (!this.#isNamed) this.#showName(call);
        const state = stateOf(call, isLive);
        const key = `${state}${call.result?.length}`;
        if (key === this.#key) return;
        this.#key = key;
        this.element.dataset.state = state;
        this.state.replaceChildren(stateIcon(state), h("span", { class: "visually-hidden" }, `${state}: `));
        this.duration.textContent = hasResult(call) ? duration(call.duration_ms) : "";
        this.body.replaceChildren(...details(call));
    }

    /** @param {Wire.ToolCall} call */
    #showName(call) {
        this.#isNamed = true;
        this.name.textContent = readableName(call.name);
        this.intent.textContent = summaryOf(call.arguments);
        this.automatic.hidden = !call.allowed;
    }
}

/** @param {Wire.ToolCall} call */
function hasResult(call) {
    return call.result !== null && call.result !== undefined;
}

/**
 * @param {Wire.ToolCall} call
 * @param {boolean} isLive
 * @returns {State}
 */
function stateOf(call, isLive) {
    if (hasResult(call)) return call.is_error ? "failed" : "done";
    return isLive ? "running" : "unfinished";
}

/** @param {State} state */
function stateIcon(state) {
    if (state === "running") return h("span", { class: "spinner" });
    return icon({ done: "check", failed: "warn", unfinished: "pause" }[state]);
}

/** @param {Wire.ToolCall} call */
function details(call) {
    const hasArguments = Object.keys(call.arguments ?? {}).length > 0;
    /** @type {HTMLElement[]} */
    const elements = call.allowed ? [h("p", { class: "standing-approval-note" }, `Allowed automatically: ${call.allowed}.`)] : [];
    if (hasArguments) elements.push(h("h4", {}, "Asked with"), h("pre", { tabindex: "0" }, prettyJson(call.arguments)));
    if (!hasResult(call)) return [...elements, h("p", {}, "No result yet.")];
    return [...elements, h("h4", {}, call.is_error ? "Failed with" : "Result"), h("pre", { tabindex: "0" }, prettyText(call.result ?? ""))];
}

/** @param {Wire.ToolCall["arguments"] | undefined} given */
function summaryOf(given = {}) {
    const named = SUMMARY_ARGUMENTS.find((key) => typeof given[key] === "string" && !SECRET.test(key));
    const text = named ? String(given[named]) : Object.entries(given).map(([key, value]) => `${key}: ${shortValue(key, value)}`).join(", ");
    return masked(text).replace(/\s+/g, " ").slice(0, 120);
}

/**
 * @param {string} key
 * @param {unknown} value
 */
function shortValue(key, value) {
    if (SECRET.test(key)) return MASK;
    return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** @param {unknown} value */
function prettyJson(value) {
    return masked(JSON.stringify(value, (key, inner) => (SECRET.test(key) && typeof inner === "string" ? MASK : inner), 2));
}

/** @param {string} text */
function masked(text) {
    return text.replace(SECRET_IN_URL, `$1${MASK}`);
}

/** @param {string} text */
function prettyText(text) {
    try {
        return /^\s*[{[]/.test(text) ? prettyJson(JSON.parse(text)) : text || "(nothing)";
    } catch {
        return text;
    }
}

/** Writes github__search_issues, a tool of an MCP server, as "github · search issues". @param {string} name */
export function readableName(name) {
    return name.split("__").map((part) => part.replaceAll("_", " ")).join(" · ");
}
