// The ways in which files come: the button, dropped anywhere on the page, pasted.

import { find, findAs } from "../lib/dom.js";
/** @import { AttachmentTray } from "./attachmentTray.js" */
/** @import { Composer } from "./composer.js" */

/**
 * @param {AttachmentTray} tray
 * @param {Composer} composer
 */
export function bindFileInput(tray, composer) {
    const input = findAs(HTMLInputElement, "#file");
    /** @param {File[]} files */
    const add = (files) => {
        tray.add(files);
        composer.restoreFocus();
    };
    find("[data-attach]").addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
        add([...(input.files ?? [])]);
        input.value = ""; // the same file may be picked again
    });
    bindDrop(add);
    document.addEventListener("paste", (event) => {
        const copied = event.clipboardData;
        // A text that is copied may bring a picture of itself.
        if (!copied?.files.length || copied.types.includes("text/plain") || isOtherField(event.target)) return;
        event.preventDefault();
        add([...copied.files]);
    });
}

/** @param {(files: File[]) => void} add */
function bindDrop(add) {
    const target = find("#drop-target");
    let depth = 0; // of the elements that were entered and not left
    /**
     * @param {"dragenter" | "dragleave" | "dragover" | "drop"} name
     * @param {(event: DragEvent) => void} act
     */
    const on = (name, act) => document.addEventListener(name, (event) => event.dataTransfer?.types.includes("Files") && act(event));
    /** @param {number} change */
    const show = (change) => {
        depth = Math.max(0, depth + change);
        target.hidden = depth === 0;
    };
    on("dragenter", () => show(1));
    on("dragleave", () => show(-1));
    on("dragover", (event) => event.preventDefault());
    on("drop", (event) => {
        event.preventDefault(); // the browser would leave the page to show the file
        show(-depth);
        add([...(event.dataTransfer?.files ?? [])]);
    });
}

/** @param {EventTarget | null} target */
function isOtherField(target) {
    return target instanceof Element && target.id !== "message-field" && target.matches("input, textarea");
}
