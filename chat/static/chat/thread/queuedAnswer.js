// Why an answer is queued, and what a person can do about it.

import { h, smallButton } from "../lib/dom.js";
/** @import { AssistantMessage } from "./message.js" */
/** @import { Thread } from "./thread.js" */

const QUEUED = "Waiting for the previous reply";
const QUEUED_FOR_APPROVAL = "Waiting for your answer above";

/**
 * Returns the text for it; "" where the answer is not queued.
 * @param {AssistantMessage[]} before the unfinished answers before it
 */
export function queueReason(before) {
    if (!before.length) return "";
    return before.some((view) => view.needsApproval) ? QUEUED_FOR_APPROVAL : QUEUED;
}

/**
 * @param {AssistantMessage} view
 * @param {AssistantMessage[]} before
 * @param {Thread} thread
 */
export function queueActions(view, before, thread) {
    const blocking = before.find((each) => each.needsApproval);
    /** @param {Wire.Id} id */
    const stop = (id) => () => {
        thread.stop(id);
        thread.composer.restoreFocus();
        thread.scroller.toEnd();
    };
    const title = blocking ? "Skip the question and send this" : "Stop the previous reply and send this";
    return h(
        "span",
        { class: "queue-actions", role: "group", "aria-label": "Queued message" },
        blocking && smallButton("Show request", () => blocking.focusApproval()),
        before.length === 1 && smallButton("Send now", stop(before[0].message.id), { title }),
        smallButton("Edit", () => thread.editParent(view)),
        smallButton("Cancel", stop(view.message.id)),
    );
}
