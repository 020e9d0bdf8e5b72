// A block of code with its language and its buttons: wrap long lines, download, copy.

import { copy, h, iconButton } from "../lib/dom.js";
import { fileNameFor, save } from "../lib/download.js";

const WRAP = "stagent:wrap"; // kept: whoever wraps one block wants to read the others so, too

export function dress(pre) {
    const language = languageOf(pre);
    const text = () => pre.textContent.replace(/\n$/, "");
    const wrap = iconButton("wrap", "Wrap long lines", () => wrapAll(!isWrapped()), { "data-wrap": true });
    const load = iconButton("download", "Download code", () => save(`${text()}\n`, fileNameFor(language)));
    const take = iconButton("copy", "Copy code", () => copy(text(), take));
    pre.tabIndex = 0;
    const box = h("div", { class: "code" }, h("div", { class: "code-head" }, h("span", {}, language || "text"), wrap, load, take), pre);
    show(box, isWrapped());
    return box;
}

function isWrapped() {
    return localStorage.getItem(WRAP) === "yes";
}

function wrapAll(wanted) {
    if (wanted) localStorage.setItem(WRAP, "yes");
    else localStorage.removeItem(WRAP);
    for (const box of document.querySelectorAll(".code")) show(box, wanted);
}

function show(box, wrapped) {
    box.classList.toggle("wrapped", wrapped);
    box.querySelector("[data-wrap]").setAttribute("aria-pressed", wrapped);
}

function languageOf(pre) {
    return pre.dataset.language ?? pre.querySelector("[class*=language-]")?.className.slice("language-".length) ?? "";
}
