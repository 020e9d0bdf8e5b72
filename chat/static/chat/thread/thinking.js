// What a model thought before it answered: folded, with how long it took.

import { h, icon } from "../lib/dom.js";
import { duration } from "../lib/format.js";
/** @import { PartContext } from "./answerParts.js" */

const BRIEF_MS = 1000;

export class Thinking {
    #shown = "";

    constructor() {
        this.label = h("span", { class: "thinking-label" });
        this.text = h("div", { class: "thinking-text", tabindex: "0", role: "region", "aria-label": "Thoughts" });
        this.element = h("details", { class: "thinking" }, h("summary", {}, icon("thought"), this.label, icon("chevron")), this.text);
    }

    /**
     * @param {Wire.Part} part
     * @param {PartContext} context
     */
    show({ text, duration_ms }, { isLive, isLast }) {
        const ms = duration_ms ?? null;
        const isThinking = isLive && isLast && ms === null;
        this.element.toggleAttribute("data-live", isThinking);
        this.label.textContent = isThinking ? "Thinking" : thoughtFor(ms);
        const whole = text ?? "";
        if (whole === this.#shown) return;
        if (whole.startsWith(this.#shown)) this.text.append(whole.slice(this.#shown.length));
        else this.text.textContent = whole;
        this.#shown = whole;
    }
}

/** @param {number | null} ms */
function thoughtFor(ms) {
    if (ms === null) return "Thought";
    if (ms < BRIEF_MS) return "Thought for a moment";
    return `Thought for ${ms < 59_500 ? `${Math.round(ms / 1000)} s` : duration(ms)}`;
}
