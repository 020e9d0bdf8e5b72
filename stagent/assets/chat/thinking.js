// What a model thought before it spoke: folded, with how long it took.

import { h, icon } from "./dom.js";
import { span } from "./times.js";

export class Thinking {
    #shown = 0;

    constructor() {
        this.label = h("span");
        this.text = h("div", { class: "thought" });
        this.element = h("details", { class: "thinking" }, h("summary", {}, icon("thought"), this.label, icon("chevron")), this.text);
        this.element.hidden = true;
    }

    show(reply) {
        if (!reply.thinking) return;
        this.element.hidden = false;
        this.text.append(reply.thinking.slice(this.#shown));
        this.#shown = reply.thinking.length;
        this.label.textContent = reply.thinkingSince ? "Thinking" : `Thought for ${span(reply.thinkingMs)}`;
    }

    settle() {
        if (this.label.textContent === "Thinking") this.label.textContent = "Thought";
    }
}
