// What a model thought before it spoke: folded, with how long it took.

import { h, icon } from "../lib/dom.js";
import { span } from "../lib/format.js";

const BRIEF_MS = 1000;

export class Thinking {
    #shown = "";

    constructor() {
        this.label = h("span", { class: "thinking-label" });
        this.text = h("div", { class: "thought", tabindex: "0", role: "region", "aria-label": "Thoughts" });
        this.element = h("details", { class: "thinking" }, h("summary", {}, icon("thought"), this.label, icon("chevron")), this.text);
    }

    show({ text, duration_ms: took }, { live, isLast }) {
        const thinks = live && isLast && !isThere(took);
        this.element.toggleAttribute("data-live", thinks);
        this.label.textContent = thinks ? "Thinking" : thought(took);
        if (text === this.#shown) return;
        if (text.startsWith(this.#shown)) this.text.append(text.slice(this.#shown.length));
        else this.text.textContent = text;
        this.#shown = text;
    }
}

function isThere(took) {
    return took !== null && took !== undefined;
}

function thought(took) {
    if (!isThere(took)) return "Thought";
    if (took < BRIEF_MS) return "Thought for a moment";
    return `Thought for ${took < 59_500 ? `${Math.round(took / 1000)} s` : span(took)}`;
}
