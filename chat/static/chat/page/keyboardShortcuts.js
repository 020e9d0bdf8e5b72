// Keys that work everywhere on the page; "?" lists them. The buttons that open the same dialogs, too.

import { findAs, isComposing } from "../lib/dom.js";
import { canUndo, undoLast } from "../lib/toast.js";
/** @import { Thread } from "../thread/thread.js" */
/** @import { PageShell } from "./pageShell.js" */
/** @import { Search } from "./search.js" */

/** @typedef {{ shell: PageShell, search: Search, thread: Thread }} Parts */

/** @param {Parts} parts */
export function bindShortcuts({ shell, search, thread }) {
    const help = findAs(HTMLDialogElement, "#help");
    for (const each of document.querySelectorAll("[data-search]")) each.addEventListener("click", () => search.open());
    for (const each of document.querySelectorAll("[data-help]")) each.addEventListener("click", () => help.showModal());
    for (const each of document.querySelectorAll("dialog [data-close]")) each.addEventListener("click", () => each.closest("dialog")?.close());
    document.addEventListener("keydown", (event) => {
        if (isComposing(event)) return;
        const act = actionOf(event, { shell, search, thread, help });
        if (!act) return;
        event.preventDefault();
        act();
    });
}

/**
 * @param {KeyboardEvent} event
 * @param {Parts & { help: HTMLDialogElement }} parts
 */
function actionOf(event, { shell, search, thread, help }) {
    const hasControl = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (hasControl && !event.shiftKey && key === "k") return () => search.open();
    if (hasControl && event.shiftKey && key === "o") return () => shell.go(null);
    if (document.querySelector("dialog[open], [popover]:popover-open")) return null;
    if (hasControl && !event.shiftKey && key === "z" && canUndo() && !isTyping(event.target)) return undoLast;
    if (event.key === "Escape") return escapeAction(shell, thread);
    if (event.key === "?" && !isTyping(event.target)) return () => help.showModal();
    return null;
}

/**
 * @param {PageShell} shell
 * @param {Thread} thread
 */
function escapeAction(shell, thread) {
    if (shell.isDrawerOpen) return () => shell.toggle(false);
    return thread.unfinished.length ? () => thread.stopCurrent() : null;
}

/** @param {EventTarget | null} target */
function isTyping(target) {
    if (target instanceof HTMLTextAreaElement && target.id === "message-field") return target.value !== "";
    return target instanceof Element && target.matches("input, select, textarea");
}
