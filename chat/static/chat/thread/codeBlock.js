// A block of code with its language and its buttons: wrap long lines, download, copy.

import { copy, find, h, iconButton } from "../lib/dom.js";
import { downloadText, fileNameFor } from "../lib/download.js";

const WRAP_KEY = "stagent:wrap"; // a choice for all blocks, stored in the browser

/** Wraps a `pre` into its frame. @param {HTMLPreElement} pre */
export function codeBlock(pre) {
    const language = languageOf(pre);
    const text = () => (pre.textContent ?? "").replace(/\n$/, "");
    const wrapButton = iconButton("wrap", "Wrap long lines", () => wrapAll(!isWrapped()), { "data-wrap": true });
    const downloadButton = iconButton("download", "Download code", () => downloadText(`${text()}\n`, fileNameFor(language)));
    const copyButton = iconButton("copy", "Copy code", () => copy(text(), copyButton));
    pre.tabIndex = 0;
    const head = h("div", { class: "code-head" }, h("span", {}, language || "text"), wrapButton, downloadButton, copyButton);
    const block = h("div", { class: "code" }, head, pre);
    showWrapped(block, isWrapped());
    return block;
}

function isWrapped() {
    return localStorage.getItem(WRAP_KEY) === "yes";
}

/** @param {boolean} wanted */
function wrapAll(wanted) {
    if (wanted) localStorage.setItem(WRAP_KEY, "yes");
    else localStorage.removeItem(WRAP_KEY);
    for (const block of document.querySelectorAll(".code")) showWrapped(block, wanted);
}

/**
 * @param {Element} block
 * @param {boolean} wrapped
 */
function showWrapped(block, wrapped) {
    block.classList.toggle("wrapped", wrapped);
    find("[data-wrap]", block).setAttribute("aria-pressed", String(wrapped));
}

/** @param {HTMLPreElement} pre */
function languageOf(pre) {
    return pre.dataset.language ?? pre.querySelector("[class*=language-]")?.className.slice("language-".length) ?? "";
}
