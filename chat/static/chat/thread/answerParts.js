// The parts of an answer in their order: thoughts, texts, tool calls. Drawn alike from frames and from the store.

import { h } from "../lib/dom.js";
import { AnswerText } from "./answerText.js";
import { Thinking } from "./thinking.js";
import { ToolCall } from "./toolCall.js";

/** @typedef {{ call?: Wire.ToolCall, isLive: boolean, isLast: boolean }} PartContext */
/** @typedef {{ element: HTMLElement, show: (part: Wire.Part, context: PartContext) => void }} PartView */

const VIEWS = { thinking: Thinking, text: AnswerText, tool: ToolCall };

export class AnswerParts {
    /** @type {{ name: string, view: PartView }[]} */
    #views = [];

    constructor() {
        this.element = h("div", { class: "parts" });
    }

    /**
     * @param {Wire.Part[]} parts
     * @param {Map<string, Wire.ToolCall>} calls by id
     * @param {boolean} isLive whether the reply is being worked on
     */
    show(parts, calls, isLive) {
        const shown = parts.filter((part) => part.kind !== "text" || part.text?.trim());
        shown.forEach((part, at) => this.#viewOf(part, at).show(part, { call: calls.get(part.call_id ?? ""), isLive, isLast: at === shown.length - 1 }));
        this.#truncate(shown.length);
    }

    /** Puts an element after the parts so far, once: an approval stays where it was requested. @param {HTMLElement} element */
    place(element) {
        if (element.parentElement !== this.element) this.element.append(element);
    }

    /**
     * @param {Wire.Part} part
     * @param {number} at
     */
    #viewOf(part, at) {
        const known = this.#views[at];
        const name = `${part.kind} ${part.call_id ?? ""}`; // an open part stays open while it is the same one
        if (known?.name === name) return known.view;
        this.#truncate(at);
        const view = new VIEWS[part.kind]();
        this.#views.push({ name, view });
        this.element.append(view.element);
        return view;
    }

    /** @param {number} length */
    #truncate(length) {
        for (const { view } of this.#views.splice(length)) view.element.remove();
    }
}
