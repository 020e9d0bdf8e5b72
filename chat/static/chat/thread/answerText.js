// A text of an answer: drawn from Markdown here while it streams, replaced by the server's HTML afterwards.

import { h } from "../lib/dom.js";
import { codeBlock } from "./codeBlock.js";
import { Markdown, scrollableTable } from "./markdown.js";

const BLOCKS = ":not(li, blockquote) > p, h1, h2, h3, h4, h5, h6, ul, ol, blockquote, table"; // directed by their letters

export class AnswerText {
    /** @type {string | null} */
    #html = null;
    #markdown = new Markdown();

    constructor() {
        this.element = h("div", { class: "answer-text" }, this.#markdown.element);
    }

    /** @param {Wire.Part} part */
    show({ text, html }) {
        if (typeof html !== "string") return this.#draw(text ?? "");
        if (html === this.#html) return;
        this.#html = html;
        this.element.replaceChildren(serverMarkdown(html));
    }

    /** @param {string} text */
    #draw(text) {
        if (this.#html === null) this.#markdown.show(text); // a late frame has nothing new
    }
}

/**
 * The HTML of the server, which is sanitised and highlighted, with our buttons and links that open another tab.
 * @param {string} html
 */
function serverMarkdown(html) {
    const inert = new DOMParser().parseFromString(`<div class="prose">${html}</div>`, "text/html");
    const prose = /** @type {HTMLElement} */ (document.importNode(inert.body.children[0], true));
    for (const pre of prose.querySelectorAll("pre")) wrapInPlace(pre, codeBlock);
    for (const table of prose.querySelectorAll("table")) wrapInPlace(table, scrollableTable);
    for (const block of prose.querySelectorAll(BLOCKS)) block.setAttribute("dir", "auto");
    for (const link of prose.querySelectorAll("a[href]")) {
        link.setAttribute("target", "_blank");
        link.setAttribute("rel", "noopener noreferrer");
    }
    return prose;
}

/**
 * Wraps an element where it is.
 * @template {HTMLElement} Type
 * @param {Type} element
 * @param {(element: Type) => HTMLElement} wrap
 */
function wrapInPlace(element, wrap) {
    const placeholder = document.createComment("");
    element.before(placeholder);
    placeholder.replaceWith(wrap(element));
}
