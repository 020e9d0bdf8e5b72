// Tells a screen reader that an answer begins, needs approval and ends, and never each of its words.

import { wordCount } from "../lib/format.js";
/** @import { LiveReply } from "./liveReplies.js" */

/** @type {Record<string, string>} */
const OUTCOMES = { complete: "Reply finished", stopped: "Reply stopped" };

export class Announcer {
    /** @type {Set<Wire.Id>} */
    #started = new Set();
    /** @type {Set<Wire.Id>} */
    #requested = new Set();

    /**
     * @param {HTMLElement} element
     * @param {(messageId: Wire.Id) => boolean} isShown
     */
    constructor(element, isShown) {
        this.element = element;
        this.isShown = isShown;
    }

    /** @param {LiveReply} reply */
    replyChanged(reply) {
        if (!this.isShown(reply.id)) return;
        for (const { id, text, status } of reply.approvals.values()) if (status === "open") this.#approvalRequested(id, text);
        if (!reply.text || this.#started.has(reply.id)) return;
        this.#started.add(reply.id);
        this.announce("Reply started.");
    }

    /**
     * @param {Wire.Id} id
     * @param {string} text
     */
    #approvalRequested(id, text) {
        if (this.#requested.has(id)) return;
        this.#requested.add(id);
        this.announce(`Approval request: ${text}`);
    }

    /** @param {LiveReply} reply */
    replyFinished(reply) {
        if (!this.isShown(reply.id)) return;
        this.#started.delete(reply.id);
        this.announce(`${OUTCOMES[reply.status] ?? "Reply ended early"}, ${wordCount(reply.text)} words.`);
    }

    /** @param {string} text */
    announce(text) {
        this.element.textContent = text;
    }
}
