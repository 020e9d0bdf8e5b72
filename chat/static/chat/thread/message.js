// One message as it is shown: its text, its files, and the buttons for what can be done with it.

import { h, icon, smallButton } from "../lib/dom.js";
import { attachmentList } from "../compose/attachments.js";
import { AnswerParts } from "./answerParts.js";
import { ApprovalCards } from "./approvalCard.js";
import { MessageActions } from "./messageActions.js";
import { queueActions, queueReason } from "./queuedAnswer.js";
import { scheduleCard } from "./scheduleCard.js";
/** @import { LiveReply } from "../page/liveReplies.js" */
/** @import { Thread } from "./thread.js" */

const SILENT_MS = 20_000;
const HIDDEN_PAGE_MS = 200; // hidden pages have no animation frames
const MAX_LINES = 24;
const MAX_CHARS = 2400;

/** Tells of a reply that somebody works on, or will. @param {Pick<Wire.Message, "role" | "status">} message */
export function isUnfinished({ role, status }) {
    return role === "assistant" && (status === "pending" || status === "streaming");
}

/**
 * A person's text. A very long one, a pasted log say, shows its beginning and a button for the rest.
 * @param {string} text
 */
export function messageText(text) {
    const element = h("div", { class: "message-text", dir: "auto" }, text);
    if (text.length <= MAX_CHARS && text.split("\n", MAX_LINES + 1).length <= MAX_LINES) return [element];
    const toggle = smallButton("", () => show(element.classList.contains("whole")));
    /** @param {boolean} isFolded */
    const show = (isFolded) => {
        element.classList.toggle("whole", !isFolded);
        toggle.textContent = isFolded ? "Show all" : "Show less";
        toggle.setAttribute("aria-expanded", String(!isFolded));
    };
    element.classList.add("long");
    show(true);
    return [element, toggle];
}

/** A person's message. */
export class UserMessage {
    /**
     * @param {Wire.Message} message
     * @param {Thread} thread
     */
    constructor(message, thread) {
        this.message = message;
        this.bubble = h("div", { class: "bubble" }, messageText(message.text));
        this.bubble.hidden = !message.text;
        this.element = h("article", { class: "message user", "data-id": message.id, "aria-label": "You" }, attachmentList(message.attachments), this.bubble);
        this.actions = new MessageActions(this, thread);
        this.element.append(this.actions.element);
    }

    /** @param {Wire.Message} message */
    update(message) {
        this.message = message;
        this.actions.show(message);
    }
}

/** A reply: drawn from its frames while it streams, from what the server stored when it is finished. */
export class AssistantMessage {
    #key = "";
    #frame = 0;
    /** @type {LiveReply | null} */
    #reply = null;
    /** @type {Wire.Part["kind"] | undefined} */
    #lastKind = undefined;

    /**
     * @param {Wire.Message} message
     * @param {Thread} thread
     */
    constructor(message, thread) {
        this.message = message;
        this.thread = thread;
        this.parts = new AnswerParts();
        this.approvals = new ApprovalCards(this.parts);
        this.state = h("p", { class: "state" });
        this.notice = h("p", { class: "notice" });
        this.actions = new MessageActions(this, thread);
        const below = [this.state, this.notice, this.actions.element];
        const card = scheduleCard(message, thread.links);
        this.element = h("article", { class: "message assistant", "data-id": message.id, "aria-label": "Answer" }, card, this.parts.element, below);
        this.update(message);
    }

    get isFinished() {
        return !isUnfinished(this.message);
    }

    /** @param {Wire.Message} message */
    update(message) {
        const key = JSON.stringify([message.status, message.text.length, message.siblings, message.notice, message.html?.length]);
        this.message = message;
        this.#showParts();
        this.approvals.show(message.approvals);
        if (key === this.#key) return;
        this.#key = key;
        if (this.isFinished) this.#finish(message);
        else this.#showState();
        this.actions.show(message);
    }

    /** @param {LiveReply} reply */
    follow(reply) {
        this.#reply = reply;
        this.draw();
    }

    /** Draws with the next animation frame, once for all events until then. */
    scheduleDraw() {
        this.#frame ||= document.hidden ? setTimeout(() => this.draw(), HIDDEN_PAGE_MS) : requestAnimationFrame(() => this.draw());
    }

    draw() {
        this.#frame = 0;
        const reply = this.#reply;
        if (!reply || this.isFinished) return;
        this.#showParts();
        this.approvals.show([...reply.approvals.values()]);
        this.#showState();
        this.thread.emit("drawn");
    }

    /** Time passes: a silent reply says so. */
    tick() {
        if (!this.isFinished) this.#showState();
    }

    get needsApproval() {
        return !this.isFinished && this.approvals.hasOpen;
    }

    focusApproval() {
        this.approvals.focusOpen();
    }

    /** @returns {boolean} */
    get isSilent() {
        const isWaiting = this.needsApproval || this.thread.unfinishedBefore(this).length > 0;
        return !isWaiting && this.#reply !== null && !this.isFinished && Date.now() - this.#reply.receivedAt > SILENT_MS;
    }

    #showState() {
        const before = this.thread.unfinishedBefore(this);
        const queued = queueReason(before);
        const [symbol, text] = queued ? [icon("clock"), queued] : this.#progress();
        const isIdle = Boolean(queued) || this.needsApproval;
        this.element.setAttribute("aria-busy", String(!isIdle));
        this.element.classList.toggle("streaming", this.#lastKind === "text" && !isIdle);
        this.state.hidden = !text;
        const key = `${text} ${before.length}`;
        if (this.state.dataset.key === key) return;
        this.state.dataset.key = key;
        this.state.replaceChildren(symbol, text, queued && queueActions(this, before, this.thread));
        this.actions.show(this.message);
    }

    /** @returns {[Node | string, string]} */
    #progress() {
        if (this.needsApproval) return [icon("hand"), "Waiting for your answer"];
        if (this.isSilent) return [h("span", { class: "dots" }), "No update for a while. Checking…"];
        if (this.#lastKind === "text" || this.#lastKind === "thinking") return ["", ""]; // the part itself shows it
        return [h("span", { class: "dots" }), this.#lastKind ? "Working" : "Preparing"];
    }

    /** @param {Wire.Message} message */
    #finish(message) {
        this.#reply = null;
        this.state.hidden = true;
        this.approvals.close();
        this.element.classList.remove("streaming");
        this.element.setAttribute("aria-busy", "false");
        this.element.dataset.status = message.status;
        this.notice.hidden = !message.notice;
        this.notice.replaceChildren(icon(message.status === "error" ? "warn" : "stop"), message.notice ?? "");
    }

    // Shows the stored parts until the frames have caught up with them.
    #showParts() {
        const { message } = this;
        const isCurrent = !this.isFinished && (this.#reply?.seq ?? 0) >= message.last_seq;
        const live = isCurrent ? this.#reply : null;
        const stored = message.parts;
        const parts = live ? live.parts.map((part, at) => ({ ...part, duration_ms: stored[at]?.duration_ms ?? part.duration_ms })) : stored;
        const calls = new Map(message.tools.map((call) => [call.call_id, call]));
        live?.tools.forEach((call, id) => calls.set(id, { ...calls.get(id), ...call }));
        const isOnlyCard = message.card.type === "self_pause";
        this.parts.show(isOnlyCard ? [] : parts, calls, !this.isFinished);
        this.#lastKind = parts.at(-1)?.kind;
    }
}
