// The ways in which files come: the button, dropped anywhere on the page, pasted.

import { find } from "../lib/dom.js";

export function bindFiles(tray, composer) {
    const input = find("#file");
    const add = (files) => {
        tray.add(files);
        composer.refocus();
    };
    find("[data-attach]").addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
        add([...input.files]);
        input.value = ""; // the same file may be picked again
    });
    bindDrop(add);
    document.addEventListener("paste", (event) => {
        const { files, types } = event.clipboardData;
        if (!files.length || types.includes("text/plain") || isElsewhere(event.target)) return; // words come with a picture of them
        event.preventDefault();
        add([...files]);
    });
}

function bindDrop(add) {
    const target = find("#drop");
    let depth = 0; // of the elements that are entered and not left
    const on = (name, act) => document.addEventListener(name, (event) => event.dataTransfer?.types.includes("Files") && act(event));
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
        add([...event.dataTransfer.files]);
    });
}

function isElsewhere(target) {
    return target.id !== "words" && target.matches?.("input, textarea");
}
