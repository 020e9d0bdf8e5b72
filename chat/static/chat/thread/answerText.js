// Some of an answer's words: drawn here while they come, as the server rendered them afterwards.

import { h } from "../lib/dom.js";
import { Markdown } from "./markdown.js";
import { rendered } from "./rendered.js";

export class Words {
    #html = null;
    #drawn = new Markdown();

    constructor() {
        this.element = h("div", { class: "words" }, this.#drawn.element);
    }

    show({ text, html }) {
        if (typeof html !== "string") return this.#draw(text);
        if (html === this.#html) return;
        this.#html = html;
        this.element.replaceChildren(rendered(html));
    }

    #draw(text) {
        if (this.#html !== null) return; // it is finished: what is late says nothing new
        this.#drawn.show(text);
    }
}
