// An answer in its parts, in their order: thoughts, words, calls of tools. Drawn alike from frames and from the store.

import { h } from "../lib/dom.js";
import { Thinking } from "./thinking.js";
import { Tool } from "./toolCall.js";
import { Words } from "./answerText.js";

const MAKERS = { thinking: Thinking, text: Words, tool: Tool };

export class Parts {
    #views = [];

    constructor() {
        this.element = h("div", { class: "parts" });
    }

    // `calls` are the tools' by id; `live`: somebody is at work on it.
    show(parts, calls, live) {
        const shown = parts.filter((part) => part.kind !== "text" || part.text.trim());
        shown.forEach((part, at) => this.#viewOf(part, at).show(part, { call: calls.get(part.call_id), live, isLast: at === shown.length - 1 }));
        this.#cut(shown.length);
    }

    // Puts something else after what is there, once: a question stands where it was asked.
    place(element) {
        if (element.parentElement !== this.element) this.element.append(element);
    }

    #viewOf(part, at) {
        const known = this.#views[at];
        const name = `${part.kind} ${part.call_id ?? ""}`; // what is unfolded stays so while it is the same part
        if (known?.name === name) return known.view;
        this.#cut(at);
        const view = new MAKERS[part.kind]();
        this.#views.push({ name, view });
        this.element.append(view.element);
        return view;
    }

    #cut(length) {
        for (const { view } of this.#views.splice(length)) view.element.remove();
    }
}
