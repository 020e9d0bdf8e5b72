// Keys that work everywhere on the page; "?" shows them all.

import { find } from "../lib/dom.js";
import { canUndo, undoLast } from "../lib/toast.js";

export function bindKeys({ shell, search, thread }) {
    const help = find("#help");
    for (const each of document.querySelectorAll("[data-search]")) each.addEventListener("click", () => search.open());
    for (const each of document.querySelectorAll("[data-help]")) each.addEventListener("click", () => help.showModal());
    for (const each of document.querySelectorAll("dialog [data-close]")) each.addEventListener("click", () => each.closest("dialog").close());
    document.addEventListener("keydown", (event) => {
        if (event.isComposing || event.keyCode === 229) return;
        const act = wish(event, { shell, search, thread, help });
        if (!act) return;
        event.preventDefault();
        act();
    });
}

function wish(event, { shell, search, thread, help }) {
    const control = event.ctrlKey || event.metaKey;
    if (control && !event.shiftKey && event.key.toLowerCase() === "k") return () => search.open();
    if (control && event.shiftKey && event.key.toLowerCase() === "o") return () => shell.go(null);
    if (document.querySelector("dialog[open], [popover]:popover-open")) return null;
    if (control && !event.shiftKey && event.key.toLowerCase() === "z" && canUndo() && !isTyping(event.target)) return undoLast;
    if (event.key === "Escape") return escape(shell, thread);
    if (event.key === "?" && !isTyping(event.target)) return () => help.showModal();
    return null;
}

function escape(shell, thread) {
    if (shell.drawerIsOpen) return () => shell.toggle(false);
    return thread.unfinished.length ? () => thread.stopNow() : null;
}

function isTyping(target) {
    return target.id === "words" ? target.value !== "" : target.matches("input, select, textarea");
}
