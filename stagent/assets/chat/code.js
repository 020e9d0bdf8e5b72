// A block of code with its language and its two buttons: wrap long lines, copy.

import { copy, h, iconButton } from "./dom.js";

export function dress(pre) {
    const language = languageOf(pre);
    const box = h("div", { class: "code" });
    const wrap = iconButton("wrap", "Wrap long lines", () => {
        const wrapped = box.classList.toggle("wrapped");
        wrap.setAttribute("aria-pressed", wrapped);
    }, { "aria-pressed": "false" });
    const take = iconButton("copy", "Copy code", () => copy(pre.textContent.replace(/\n$/, ""), take));
    pre.tabIndex = 0;
    box.append(h("div", { class: "code-head" }, h("span", {}, language || "text"), wrap, take), pre);
    return box;
}

function languageOf(pre) {
    return pre.dataset.language ?? pre.querySelector("[class*=language-]")?.className.slice("language-".length) ?? "";
}
