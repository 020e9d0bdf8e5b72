// What an answer waits for whose turn has not come, and what one can do about it.

import { button, h } from "../lib/dom.js";

const WAITS = "Waiting for the answer before it";
const WAITS_FOR_PERSON = "Waiting for your answer above";

// Returns the words for it; empty where nothing is in its way. `before`: the unfinished answers before it.
export function waitsFor(before) {
    if (!before.length) return "";
    return before.some((view) => view.asksPerson) ? WAITS_FOR_PERSON : WAITS;
}

export function waysOut(view, before, desk) {
    const asks = before.find((each) => each.asksPerson);
    const then = (act) => () => {
        act();
        desk.composer.refocus();
        desk.scroller.toEnd();
    };
    const now = asks ? "Drop the question and go on with this" : "Stop the answer before it and go on with this";
    return h(
        "span",
        { class: "ways", role: "group", "aria-label": "What waits" },
        asks && word("Show it", () => asks.showQuestion()),
        before.length === 1 && word("Send now", then(() => desk.stop(before[0].message.id)), now),
        word("Edit", () => desk.editAsked(view)),
        word("Withdraw", then(() => desk.stop(view.message.id))),
    );
}

function word(label, onclick, title = null) {
    return button(label, onclick, { class: "button small", title });
}
